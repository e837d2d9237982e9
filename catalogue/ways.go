package catalogue

import (
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// ways remembers, for one directory of posts, what going every way of a case came to:
// the services of one office mostly share their steps. Nil remembers nothing.
type ways map[string][]application.DeadEnd

// deadEnds returns what has no way out in this version. Services whose cases go the same
// ways are gone through once.
func (w ways) deadEnds(v *dcat.Version, dir *place.Directory) []application.DeadEnd {
	path := pathOf(v)
	key, err := EncodeVersion(path)
	if err == nil {
		if dead, ok := w[string(key)]; ok {
			return dead
		}
	}
	may := func(post, right string) bool {
		p, ok := dir.Post(post)
		return ok && p.May(right)
	}
	superior := func(post string) (string, bool) {
		p, _ := dir.Post(post)
		return p.Superior, p.Superior != ""
	}
	dead := application.Explore(path, may, superior)
	if w != nil && err == nil {
		w[string(key)] = dead
	}
	return dead
}

// pathOf is a version without what says nothing about the way of a case: names, form,
// documents and sums. Only this is explored, so versions with one path are alike.
func pathOf(v *dcat.Version) *dcat.Version {
	path := &dcat.Version{Kind: v.Kind, Offline: v.Offline, FeeAt: v.FeeAt, Procedure: v.Procedure, Checks: v.Checks}
	for _, f := range v.Fees {
		path.Fees = append(path.Fees, dcat.Fee{At: f.At})
	}
	for _, r := range v.Rules {
		path.Rules = append(path.Rules, dcat.Rule{ID: r.ID})
	}
	for _, s := range v.Steps {
		s.Name, s.OfficeLevel = place.Name{}, ""
		path.Steps = append(path.Steps, s)
	}
	return path
}
