package catalogue

import (
	"cmp"
	"io/fs"
	"slices"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// Build makes the next release from a folder. A folder with pack.yaml is
// complete: what it lacks is withdrawn. A folder with services alone changes
// and adds those and leaves the rest, with the directory, as prev has them. A
// service that differs from prev in any byte gets the next number, others keep
// theirs, so nothing but a real change moves. The set also holds every older
// version of prev. A nil prev makes release 1.
//
// It fails with [fault.Invalid] and the findings of [Lint], and with
// [fault.Conflict] when nothing differs from prev.
func Build(fsys fs.FS, prev *dcat.Set, at time.Time) (*dcat.Set, error) {
	const op = "catalogue.Build"
	dir, services, err := sources(fsys, prev)
	if err != nil {
		return nil, err
	}
	r := dcat.Release{Number: 1, PublishedAt: at.Unix()}
	var versions []*dcat.Version
	if prev != nil {
		r.Number, r.Base = prev.Release.Number+1, prev.Release.Base
		versions = prev.Versions()
	}
	if r.Directory, err = HashDirectory(dir); err != nil {
		return nil, err
	}
	slices.SortFunc(services, func(a, b *dcat.Version) int { return cmp.Compare(a.ID, b.ID) })
	for _, v := range services {
		v, err := number(v, prev)
		if err != nil {
			return nil, fault.Wrap(op, fault.Invalid, v.ID, err)
		}
		versions = append(versions, v)
		r.Services = append(r.Services, dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
	}
	if prev != nil && prev.Release.Directory == r.Directory && slices.Equal(prev.Release.Services, r.Services) {
		return nil, fault.New(op, fault.Conflict, "", "nothing differs from the release in force: there is nothing to publish")
	}
	b, err := EncodeRelease(&r)
	if err != nil {
		return nil, err
	}
	released, err := DecodeRelease(b)
	if err != nil {
		return nil, err
	}
	return dcat.NewSet(*released, dir, versions)
}

// sources reads the folder into a directory and the services that will be
// current.
func sources(fsys fs.FS, prev *dcat.Set) (*place.Directory, []*dcat.Version, error) {
	const op = "catalogue.Build"
	if exists(fsys, packFile) {
		p, found := LoadPack(fsys)
		return p.Directory, p.Services, findingsError(op, found)
	}
	if prev == nil {
		return nil, nil, fault.New(op, fault.Invalid, packFile, "a first release needs a whole pack; want a folder with pack.yaml, areas.csv and the rest")
	}
	services, found := loadServices(fsys, prev.Directory, categoriesOf(prev))
	if err := findingsError(op, found); err != nil {
		return nil, nil, err
	}
	for _, old := range prev.Services() {
		if !slices.ContainsFunc(services, func(v *dcat.Version) bool { return v.ID == old.ID }) {
			services = append(services, old)
		}
	}
	return prev.Directory, services, nil
}

func categoriesOf(set *dcat.Set) []dcat.Category {
	var list []dcat.Category
	for _, v := range set.Versions() {
		if !slices.ContainsFunc(list, func(c dcat.Category) bool { return c.Code == v.Category.Code }) {
			list = append(list, v.Category)
		}
	}
	return list
}

// number returns the version of prev that equals v, or v with the next number
// and its hash.
func number(v *dcat.Version, prev *dcat.Set) (*dcat.Version, error) {
	next := 1
	if prev != nil {
		for _, old := range prev.VersionsOf(v.ID) {
			next = max(next, old.Number+1)
		}
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
