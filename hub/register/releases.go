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
