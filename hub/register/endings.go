package register

import (
	"maps"
	"time"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
)

// endings say what of the catalogue is out of force, and since when. They follow from
// the releases alone. They are values: after returns others.
type endings struct {
	services map[string]ending   // Withdrawn, by ID.
	versions map[dcat.Hash]grace // Replaced by one that says for how long they still count.
}

// An ending is the entry that put something out of force.
type ending struct {
	at    int64 // Unix milliseconds.
	index uint64
}

// A grace is the time in which what is made under a version that was replaced goes on as it is.
type grace struct {
	at   int64 // When what replaced it came into force, Unix milliseconds.
	days int
}

// until is the last millisecond of the grace, in the offices' civil time.
func (g grace) until(zone *time.Location) int64 {
	return application.Term(time.UnixMilli(g.at).In(zone), g.days)*1000 + 999
}

// sooner reports whether a grace ends before another.
func (g grace) sooner(than grace) bool {
	const day = 24 * 60 * minute
	return g.at+int64(g.days)*day < than.at+int64(than.days)*day
}

// after is what is out of force once a release follows another, nil for none; known are the
// versions that there are by then.
func (o endings) after(before, release *dcat.Release, known []*dcat.Version, now ending) endings {
	next := endings{services: map[string]ending{}, versions: map[dcat.Hash]grace{}}
	maps.Copy(next.services, o.services)
	maps.Copy(next.versions, o.versions)
	was := map[dcat.Hash]bool{}
	if before != nil {
		for _, e := range before.Services {
			next.services[e.ID] = now
			was[e.Hash] = true
		}
	}
	fresh := map[string]dcat.Hash{} // What comes into force, by ID.
	for _, e := range release.Services {
		delete(next.services, e.ID)
		delete(next.versions, e.Hash)
		if !was[e.Hash] {
			fresh[e.ID] = e.Hash
		}
	}
	next.replace(fresh, known, now.at)
	return next
}

// replace begins the grace of the versions that others replace. One that runs already, and
// ends sooner, goes on.
func (o endings) replace(fresh map[string]dcat.Hash, known []*dcat.Version, at int64) {
	days := map[string]int{}
	for _, v := range known {
		if fresh[v.ID] == v.Hash {
			days[v.ID] = v.GraceDays
		}
	}
	for _, v := range known {
		g := grace{at: at, days: days[v.ID]}
		if g.days == 0 || fresh[v.ID] == v.Hash {
			continue
		}
		if runs, ok := o.versions[v.Hash]; !ok || g.sooner(runs) {
			o.versions[v.Hash] = g
		}
	}
}
