package register

import (
	dcat "kendro/domain/catalogue"
	"kendro/protocol"
)

// Releases returns every release that was ever put in force for all, the oldest
// first.
func (r Logs) Releases() (list []*dcat.Release, err error) {
	w := r.world.Load()
	if w.founding == nil {
		return nil, nil
	}
	err = r.base.View(func(v View) error {
		return v.Scan(logKey(tagEvent, w.shelf()), nil, func(k, raw []byte) (bool, error) {
			e, err := eventOf(k, raw)
			if err != nil || e.Kind != protocol.Released {
				return err == nil, err
			}
			release, err := releaseIn(e)
			list = append(list, release)
			return err == nil, err
		})
	})
	return list, err
}

// Graced reports whether what is made under a version counts for a time only, since another
// replaced it (row 7).
func (r *Register) Graced(version dcat.Hash) bool {
	_, ok := r.world.Load().over.versions[version]
	return ok
}
