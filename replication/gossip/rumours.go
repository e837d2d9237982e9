package gossip

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// rumours are the adverts that this node passes on, the newest of each centre.
// memberlist's own queue can't be used: after its only message was replaced it gives
// two of the next ones the same place and silently drops one (its pull request 263).
// So a box that lost its hub and told it twice in a moment never told it.
type rumours struct {
	mu   sync.Mutex // Guards list.
	list []rumour
}

type rumour struct {
	centre string
	raw    []byte
	told   int // How many packets have carried it.
}

// add has an advert passed on, in the place of an older one of its centre.
func (r *rumours) add(centre string, raw []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = slices.DeleteFunc(r.list, func(x rumour) bool { return x.centre == centre })
	r.list = append(r.list, rumour{centre: centre, raw: raw})
}

// next returns what one packet carries: of what fits within limit, each with its
// overhead, what was told least and has waited longest. What was told often enough
// for that number of members is dropped.
func (r *rumours) next(overhead, limit, members int) (out [][]byte) {
	enough := often(members)
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortStableFunc(r.list, func(a, b rumour) int { return cmp.Compare(a.told, b.told) })
	var rest, again []rumour
	for _, x := range r.list {
		if overhead+len(x.raw) > limit {
			rest = append(rest, x)
			continue
		}
		limit -= overhead + len(x.raw)
		out = append(out, x.raw)
		if x.told++; x.told < enough {
			again = append(again, x)
		}
	}
	r.list = slices.Concat(rest, again)
	return out
}

// often is how many packets of one node carry an advert. With every hearer passing it
// on as often, one in 400 misses a neighbour, who then has it with the next exchange
// of all that is known; with half as many, which is what memberlist counts for fewer
// than ten members, it is one in 20.
func often(members int) int { return 3 * max(2, int(math.Ceil(math.Log10(float64(members+1))))) }
