package catalogue

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"io/fs"
	"slices"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// Build makes the next release from a folder. A folder with pack.yaml is
// complete: what it lacks is withdrawn, but for what agencies have in force. A folder with services alone changes
// and adds those and leaves the rest, with the directory, as prev has them. A
// service that differs from prev in any byte gets the next number, others keep
// theirs, so nothing but a real change moves. The set also holds and knows of every
// older version that prev does. A nil prev makes release 1.
//
// It fails with [fault.Invalid] and the findings of [Lint], and with
// [fault.Conflict] when nothing differs from prev.
func Build(fsys fs.FS, prev *dcat.Set, at time.Time) (*dcat.Set, error) {
	dir, services, err := sources(fsys, prev)
	if err != nil {
		return nil, err
	}
	return assemble(dir, services, prev, &dcat.Release{PublishedAt: at.Unix()})
}

// FirstRelease makes release 1 of a pack that was loaded without findings, as [Build] does.
func (p *Pack) FirstRelease(at time.Time) (*dcat.Set, error) {
	return assemble(p.Directory, p.Services, nil, &dcat.Release{PublishedAt: at.Unix()})
}

// BuildOver makes the next release from the whole pack of a national base with a
// district's overlay on it, and says whence every value came. The versions are ordinary
// ones. signer is the public key that will sign the release; it answers for what nobody
// has sealed.
//
// What is wrong with the base is [fault.Invalid]; what the overlay may not say over this
// base are the findings. [fault.Conflict] is as of [Build].
func BuildOver(fsys fs.FS, o *Overlay, prev *dcat.Set, signer []byte, at time.Time) (*dcat.Set, *dcat.Origin, []Finding, error) {
	const op = "catalogue.BuildOver"
	p, source, err := baseOf(fsys)
	if err != nil {
		return nil, nil, nil, err
	}
	over, found := o.onto(p)
	if len(found) > 0 {
		return nil, nil, found, nil
	}
	origin := &dcat.Origin{District: o.head.District, Base: source, Overlay: o.source, Fields: over.fields, Files: o.files}
	for _, s := range []*dcat.Source{&origin.Base, &origin.Overlay} {
		if !s.Sealed {
			s.Signer = signer
		}
	}
	raw, err := EncodeOrigin(origin)
	if err != nil {
		return nil, nil, nil, fault.Wrap(op, fault.Invalid, "the overlay with what it changes", err)
	}
	hash := sha256.Sum256(raw)
	set, err := assemble(p.Directory, over.services, prev, &dcat.Release{
		PublishedAt: at.Unix(), Base: source.Edition, Origin: hash[:], Note: o.head.Note,
	})
	return set, origin, nil, err
}

// baseOf reads a whole pack that overlays may be put on.
func baseOf(fsys fs.FS) (*Pack, dcat.Source, error) {
	const op = "catalogue.BuildOver"
	if !exists(fsys, packFile) {
		return nil, dcat.Source{}, fault.New(op, fault.Invalid, packFile, "a district's overlay lies on a whole pack: want the folder with pack.yaml, not services alone")
	}
	p, found := LoadPack(fsys)
	if err := FindingsError(op, found); err != nil {
		return nil, dcat.Source{}, err
	}
	if p.Country.Edition < 1 {
		return nil, dcat.Source{}, fault.New(op, fault.Invalid, packFile, "the pack has no edition, which overlays name: add edition: 1")
	}
	files, err := folderFiles(fsys)
	if err != nil {
		return nil, dcat.Source{}, fault.Wrap(op, fault.Invalid, "", err)
	}
	source, err := sourceOf(files)
	source.Edition = p.Country.Edition
	return p, source, err
}

// BaseOf says which base a whole pack is, as [BuildOver] does.
func BaseOf(fsys fs.FS) (dcat.Source, error) {
	_, source, err := baseOf(fsys)
	return source, err
}

// LintOver returns what keeps an overlay from being put on a base, and the fields that it
// would change. A base that has findings of its own is not looked at further.
func LintOver(fsys fs.FS, o *Overlay) ([]dcat.Override, []Finding, error) {
	p, _, err := baseOf(fsys)
	if err != nil {
		return nil, nil, err
	}
	over, found := o.onto(p)
	return over.fields, found, nil
}

// assemble numbers the services and makes the release of them.
func assemble(dir *place.Directory, services []*dcat.Version, prev *dcat.Set, r *dcat.Release) (*dcat.Set, error) {
	const op = "catalogue.Build"
	r.Number = 1
	var versions []*dcat.Version
	if prev != nil {
		r.Number = prev.Release.Number + 1
		versions = prev.Versions()
	}
	var err error
	if r.Directory, err = HashDirectory(dir); err != nil {
		return nil, err
	}
	services = withAgencies(services, prev)
	slices.SortFunc(services, func(a, b *dcat.Version) int { return cmp.Compare(a.ID, b.ID) })
	for _, v := range services {
		v, err := number(v, prev)
		if err != nil {
			return nil, fault.Wrap(op, fault.Invalid, v.ID, err)
		}
		versions = append(versions, v)
		r.Services = append(r.Services, dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
	}
	if prev != nil && prev.Release.Directory == r.Directory && slices.Equal(prev.Release.Services, r.Services) && bytes.Equal(prev.Release.Origin, r.Origin) {
		return nil, fault.New(op, fault.Conflict, "", "nothing differs from the release in force: there is nothing to publish")
	}
	return follow(r, dir, versions, prev)
}

// follow is the catalogue of a release after prev, which knows of every version that prev
// knows of.
func follow(r *dcat.Release, dir *place.Directory, versions []*dcat.Version, prev *dcat.Set) (*dcat.Set, error) {
	b, err := EncodeRelease(r)
	if err != nil {
		return nil, err
	}
	released, err := DecodeRelease(b)
	if err != nil {
		return nil, err
	}
	set, err := dcat.NewSet(*released, dir, versions)
	if err != nil || prev == nil {
		return set, err
	}
	return set.With(prev.Former()), nil
}

// sources reads the folder into a directory and the services that will be
// current.
func sources(fsys fs.FS, prev *dcat.Set) (*place.Directory, []*dcat.Version, error) {
	const op = "catalogue.Build"
	if exists(fsys, packFile) {
		p, found := LoadPack(fsys)
		return p.Directory, p.Services, FindingsError(op, found)
	}
	if prev == nil {
		return nil, nil, fault.New(op, fault.Invalid, packFile, "a first release needs a whole pack; want a folder with pack.yaml, areas.csv and the rest")
	}
	services, found := loadServices(fsys, prev.Directory, prev.Categories(), &Bounds{}, "")
	if err := FindingsError(op, found); err != nil {
		return nil, nil, err
	}
	for _, old := range prev.Services() {
		if !slices.ContainsFunc(services, func(v *dcat.Version) bool { return v.ID == old.ID }) {
			services = append(services, old)
		}
	}
	return prev.Directory, services, nil
}

// number returns the version of prev that equals v, or v with the next number
// and its hash.
func number(v *dcat.Version, prev *dcat.Set) (*dcat.Version, error) {
	next := 1
	if prev != nil {
		next = prev.Last(v.ID) + 1
		if old, ok := prev.Current(v.ID); ok {
			same, err := sameVersion(old, v)
			if err != nil || same {
				return old, err
			}
		}
	}
	numbered := *v
	numbered.Number = next
	hash, err := HashVersion(&numbered)
	numbered.Hash = hash
	return &numbered, err
}
