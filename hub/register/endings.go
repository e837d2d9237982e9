package register

import (
	"maps"

	dcat "kendro/domain/catalogue"
)

// endings say what of the catalogue is out of force, and since when. They follow from
// the releases alone. They are values: after returns others.
type endings struct {
	services map[string]ending // Withdrawn, by ID.
}

// An ending is the entry that put something out of force.
type ending struct {
	at    int64 // Unix milliseconds.
	index uint64
}

// after is what is out of force once a release follows another, nil for none.
func (o endings) after(before, release *dcat.Release, now ending) endings {
	next := endings{services: map[string]ending{}}
	maps.Copy(next.services, o.services)
	if before != nil {
		for _, e := range before.Services {
			next.services[e.ID] = now
		}
	}
	for _, e := range release.Services {
		delete(next.services, e.ID)
	}
	return next
}
