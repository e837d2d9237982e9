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
	m, err := sources(fsys, prev)
	if err != nil {
		return nil, err
	}
	return m.assemble(prev, &dcat.Release{PublishedAt: at.Unix()})
}

// FirstRelease makes release 1 of a pack that was loaded without findings, as [Build] does.
func (p *Pack) FirstRelease(at time.Time) (*dcat.Set, error) {
	m := material{p.Directory, p.Services, &p.Bounds}
	return m.assemble(nil, &dcat.Release{PublishedAt: at.Unix()})
}

// BuildOver makes the next release from the whole pack of a national base with a
// district's overlay on it, and says whence every value came. The versions are ordinary
// ones. signer is the public key that will sign the release; it answers for what nobody
// has sealed.
//
// What is wrong with the base is [fault.Invalid]; what the overlay may not say over this
// base are the findings. [fault.Conflict] is as of [Build].
func BuildOver(fsys fs.FS, o *Overlay, prev *dcat.Set, signer []byte, at time.Time) (*dcat.Set, *dcat.Origin, []Finding, error) {
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
	m := material{p.Directory, over.services, &p.Bounds}
	set, err := m.overBase(origin, prev, &dcat.Release{PublishedAt: at.Unix(), Note: o.head.Note})
	return set, origin, nil, err
}

// BuildPart makes the next release from a folder of services alone while an overlay is in force:
// they take the place of the base's, with what the district has otherwise in them. Everything
// else stays. Without the base's bounds in prev it is [fault.Conflict]; else it is as [BuildOver].
func BuildPart(fsys fs.FS, was *dcat.Origin, prev *dcat.Set, signer []byte, at time.Time) (*dcat.Set, *dcat.Origin, []Finding, error) {
	const op = "catalogue.BuildPart"
	if len(prev.Bounds) == 0 {
		return nil, nil, nil, fault.New(op, fault.Conflict, packFile, "a district's overlay is in force, and what its base lets a district change is not known here: publish the whole pack once")
	}
	bounds, err := DecodeBounds(prev.Bounds)
	if err != nil {
		return nil, nil, nil, err
	}
	o, found := ReadOverlay(was.Files)
	part := &Bounds{}
	services, more := loadServices(fsys, prev.Directory, prev.Categories(), part, "")
	if err := FindingsError(op, append(found, more...)); err != nil {
		return nil, nil, nil, err
	}
	p := &Pack{Directory: prev.Directory, Services: services, Bounds: *bounds.over(services, part)}
	over, found := o.of(services).onto(p)
	if len(found) > 0 {
		return nil, nil, found, nil
	}
	origin, err := partOn(was, fsys, services, signer)
	if err != nil {
		return nil, nil, nil, err
	}
	origin.Fields = append(origin.Fields, over.fields...)
	sortFields(origin.Fields)
	m := material{prev.Directory, rest(over.services, services, prev), &p.Bounds}
	set, err := m.overBase(origin, prev, &dcat.Release{PublishedAt: at.Unix(), Note: o.head.Note})
	return set, origin, nil, err
}

// partOn is an origin with a folder of services put on its base.
func partOn(was *dcat.Origin, fsys fs.FS, services []*dcat.Version, signer []byte) (*dcat.Origin, error) {
	files, err := folderFiles(fsys)
	if err != nil {
		return nil, fault.Wrap("catalogue.BuildPart", fault.Invalid, "", err)
	}
	source, err := sourceOf(files)
	if err != nil {
		return nil, err
	}
	if !source.Sealed {
		source.Signer = signer
	}
	part := dcat.Part{Source: source}
	for _, v := range services {
		part.Services = append(part.Services, v.ID)
	}
	origin := *was
	origin.Parts = dcat.Put(was.Parts, part)
	origin.Fields = slices.DeleteFunc(slices.Clone(was.Fields), func(f dcat.Override) bool { return slices.Contains(part.Services, f.Service) })
	return &origin, nil
}

// rest adds to services those in force that the folder does not hold.
func rest(list, folder []*dcat.Version, prev *dcat.Set) []*dcat.Version {
	for _, old := range prev.Services() {
		if !slices.ContainsFunc(folder, func(v *dcat.Version) bool { return v.ID == old.ID }) {
			list = append(list, old)
		}
	}
	return list
}

// overBase assembles a release over a national base.
func (m *material) overBase(origin *dcat.Origin, prev *dcat.Set, r *dcat.Release) (*dcat.Set, error) {
	raw, err := EncodeOrigin(origin)
	if err != nil {
		return nil, fault.Wrap("catalogue.Build", fault.Invalid, "the overlay with what it changes", err)
	}
	hash := sha256.Sum256(raw)
	r.Base, r.Origin = origin.Base.Edition, hash[:]
	return m.assemble(prev, r)
}

// Whole reports whether a folder is a whole pack, and not services alone.
func Whole(fsys fs.FS) bool { return exists(fsys, packFile) }

// baseOf reads a whole pack that overlays may be put on.
func baseOf(fsys fs.FS) (*Pack, dcat.Source, error) {
	const op = "catalogue.BuildOver"
	if !Whole(fsys) {
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

// material is what a release is made of. The bounds are nil where nobody knows them.
type material struct {
	dir      *place.Directory
	services []*dcat.Version
	bounds   *Bounds
}

// bound has the release name the bounds, and returns their encoding. A keeper that knows of no
// bounds gets none.
func (m *material) bound(prev *dcat.Set, r *dcat.Release) ([]byte, error) {
	switch {
	case m.bounds == nil:
		r.Bounds = prev.Release.Bounds
		return prev.Bounds, nil
	case m.bounds.silent() || prev != nil && prev.Bounds == nil:
		return nil, nil
	}
	raw, err := EncodeBounds(m.bounds)
	hash := sha256.Sum256(raw)
	r.Bounds = hash[:]
	return raw, err
}

// assemble numbers the services and makes the release of them.
func (m *material) assemble(prev *dcat.Set, r *dcat.Release) (*dcat.Set, error) {
	const op = "catalogue.Build"
	r.Number = 1
	var versions []*dcat.Version
	if prev != nil {
		r.Number = prev.Release.Number + 1
		versions = prev.Versions()
	}
	var err error
	if r.Directory, err = HashDirectory(m.dir); err != nil {
		return nil, err
	}
	bounds, err := m.bound(prev, r)
	if err != nil {
		return nil, err
	}
	services := withAgencies(m.services, prev)
	slices.SortFunc(services, func(a, b *dcat.Version) int { return cmp.Compare(a.ID, b.ID) })
	for _, v := range services {
		v, err := number(v, prev)
		if err != nil {
			return nil, fault.Wrap(op, fault.Invalid, v.ID, err)
		}
		versions = append(versions, v)
		r.Services = append(r.Services, dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
	}
	if prev != nil && prev.Release.Directory == r.Directory && slices.Equal(prev.Release.Services, r.Services) && bytes.Equal(prev.Release.Origin, r.Origin) && bytes.Equal(prev.Release.Bounds, r.Bounds) {
		return nil, fault.New(op, fault.Conflict, "", "nothing differs from the release in force: there is nothing to publish")
	}
	set, err := follow(r, m.dir, versions, prev)
	if err != nil {
		return nil, err
	}
	set.Bounds = bounds
	return set, nil
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
	set = set.With(prev.Former())
	set.Bounds = prev.Bounds
	return set, nil
}

// sources reads the folder into what will be current.
func sources(fsys fs.FS, prev *dcat.Set) (*material, error) {
	const op = "catalogue.Build"
	if Whole(fsys) {
		p, found := LoadPack(fsys)
		return &material{p.Directory, p.Services, &p.Bounds}, FindingsError(op, found)
	}
	if prev == nil {
		return nil, fault.New(op, fault.Invalid, packFile, "a first release needs a whole pack; want a folder with pack.yaml, areas.csv and the rest")
	}
	part := &Bounds{}
	services, found := loadServices(fsys, prev.Directory, prev.Categories(), part, "")
	if err := FindingsError(op, found); err != nil {
		return nil, err
	}
	m := &material{dir: prev.Directory, services: rest(services, services, prev)}
	if len(prev.Bounds) == 0 {
		return m, nil
	}
	bounds, err := DecodeBounds(prev.Bounds)
	if err != nil {
		return nil, err
	}
	m.bounds = bounds.over(services, part)
	return m, nil
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
