package node

import (
	"sync"
	"time"

	"kendro/protocol"
	"kendro/replication/gossip"
	"kendro/store/held"
)

// errands say which of the neighbours' logs that are held here this box hands in at
// its hub, and when. An author that delivers by itself is left to it: the same
// records by two ways cost twice. Whether it does is a guess from what it says; that
// a hub has signed is not. So every guess ends, and whatever is held is handed in
// some minutes after it came, whoever says what.
//
// They may be used concurrently.
type errands struct {
	wait  time.Duration // How long an author waits for its hub before it asks for copies.
	clock func() time.Time

	mu   sync.Mutex // Guards all below.
	up   time.Time  // Since when there is a link; zero without one.
	down time.Time  // When it was seen last.
	list map[protocol.LogID]*errand
}

// An errand is a log that is held here.
type errand struct {
	began time.Time // Since when something of it lies here.
	moved time.Time // When a hub's word last let go of some of it, else began.
	base  protocol.Position
	due   bool // It was handed in; what is added follows it.
}

// In waits.
const (
	settling = 1.5 // After our link came: the author's may be coming as well.
	trusting = 3   // An author that says it has a link, and of which no hub has signed for anything.
	turn     = 0.5 // For each neighbour with a link that is before us.
	outage   = 3   // A link that was gone for less is the same link.
	longest  = 18  // Whoever says what.
)

// An author is what is known of the one that wrote a held log.
type author struct {
	linked bool // It says, signed, that it speaks with a server.
	asks   bool // It speaks with us for want of a link.
	before int  // Neighbours with a link whose turn comes before ours.
}

func newErrands(wait time.Duration, clock func() time.Time) *errands {
	return &errands{wait: wait, clock: clock, list: map[protocol.LogID]*errand{}}
}

// look brings the errands up to date and returns the heads of logs to hand in now.
func (e *errands) look(linked bool, shelves []held.Shelf, who func(log protocol.LogID) author) (heads []protocol.Head) {
	now := e.clock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.link(linked, now)
	list := make(map[protocol.LogID]*errand, len(shelves))
	for _, s := range shelves {
		x, a := e.list[s.Head.Log], who(s.Head.Log)
		if x == nil {
			x = &errand{began: now, moved: now, base: s.Base}
		}
		list[s.Head.Log] = x
		if x.base != s.Base {
			x.moved, x.base, x.due = now, s.Base, x.due && !a.linked
		}
		x.due = x.due || linked && e.due(x, a, now)
		if linked && x.due {
			heads = append(heads, s.Head)
		}
	}
	e.list = list
	return heads
}

// link notes how long there has been a link. The caller holds mu.
func (e *errands) link(linked bool, now time.Time) {
	if !linked {
		return
	}
	if e.up.IsZero() || now.Sub(e.down) > e.waits(outage) {
		e.up = now
	}
	e.down = now
}

func (e *errands) due(x *errand, a author, now time.Time) bool {
	since := x.moved
	if e.up.After(since) {
		since = e.up
	}
	switch {
	case now.Sub(x.began) >= e.waits(longest):
		return true
	case a.asks:
		return now.Sub(e.up) >= e.waits(settling)
	case a.linked:
		return now.Sub(since) >= e.waits(trusting+turn*float64(a.before))
	}
	return now.Sub(since) >= e.waits(settling+turn*float64(a.before))
}

func (e *errands) waits(n float64) time.Duration { return time.Duration(n * float64(e.wait)) }

// grew reports whether a log is being handed in, so that what was added to it
// follows at once.
func (e *errands) grew(log protocol.LogID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	x := e.list[log]
	return x != nil && x.due
}

// authorOf says what gossip and the sessions of neighbours tell of a held log's
// author.
func authorOf(log protocol.LogID, self string, peers []gossip.Peer, asks bool) author {
	a := author{asks: asks}
	var linked []candidate
	of := ""
	for _, p := range peers {
		if p.Head.Log.Channel == log.Channel && p.Head.Log.Name == log.Name {
			of, a.linked = p.Centre, p.Linked && !asks
			continue
		}
		if p.Linked && p.Alive {
			linked = append(linked, candidate{centre: p.Centre})
		}
	}
	for _, c := range ranked(of, append(linked, candidate{centre: self})) {
		if c.centre == self {
			break
		}
		a.before++
	}
	a.before = min(a.before, 4)
	return a
}
