package node

import (
	"testing"
	"time"

	"kendro/protocol"
	"kendro/replication/gossip"
	"kendro/store/held"
)

// A neighbour's log is handed in soon where its author cannot, and left to an author
// that is delivering; whoever says what, no log waits for more than some minutes.
func TestErrands(t *testing.T) {
	const wait = 10 * time.Second
	log := protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 5}
	at := func(seq uint64) protocol.Position { return protocol.Position{Seq: seq, Hash: protocol.Hash{byte(seq)}} }
	always := func(time.Duration) bool { return true }
	from := func(d time.Duration) func(time.Duration) bool { return func(at time.Duration) bool { return at >= d } }
	between := func(a, b time.Duration) func(time.Duration) bool {
		return func(at time.Duration) bool { return at < a || at >= b }
	}
	for name, c := range map[string]struct {
		link   func(time.Duration) bool // Of ours.
		author func(time.Duration) author
		base   func(time.Duration) uint64 // How far a hub has signed, of 9.
		due    time.Duration              // When it is handed in; 0 is never within ten minutes.
	}{
		"nobody has a link":                  {func(time.Duration) bool { return false }, func(time.Duration) author { return author{} }, nil, 0},
		"the author asks us":                 {always, func(time.Duration) author { return author{asks: true} }, nil, 15 * time.Second},
		"the author is silent":               {always, func(time.Duration) author { return author{} }, nil, 15 * time.Second},
		"two others come before us":          {always, func(time.Duration) author { return author{before: 2} }, nil, 25 * time.Second},
		"our link comes":                     {from(time.Minute), func(time.Duration) author { return author{} }, nil, 75 * time.Second},
		"our link dies every 20 s":           {func(at time.Duration) bool { return at/(20*time.Second)%2 == 0 }, func(time.Duration) author { return author{} }, nil, 15 * time.Second},
		"our link was gone for a while":      {between(5*time.Second, time.Minute), func(time.Duration) author { return author{} }, nil, 75 * time.Second},
		"the author says that it has a link": {always, func(time.Duration) author { return author{linked: true} }, nil, 30 * time.Second},
		"it has, and a hub signs":            {always, func(time.Duration) author { return author{linked: true} }, func(at time.Duration) uint64 { return min(uint64(at/(20*time.Second)), 9) }, 3 * time.Minute},
		"it had, and is gone": {
			always, func(at time.Duration) author { return author{linked: at < 40*time.Second} },
			func(at time.Duration) uint64 { return min(uint64(at/(10*time.Second)), 4) }, 55 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
			now := begin
			e := newErrands(wait, func() time.Time { return now })
			var first time.Duration
			for after := time.Duration(0); after < 10*time.Minute && first == 0; after += time.Second {
				now = begin.Add(after)
				s := held.Shelf{Head: protocol.Head{Log: log, At: at(9)}}
				if c.base != nil {
					s.Base = at(c.base(after))
				}
				if heads := e.look(c.link(after), []held.Shelf{s}, func(protocol.LogID) author { return c.author(after) }); len(heads) > 0 {
					first = after
				}
			}
			if first != c.due {
				t.Errorf("handed in after %v; want %v", first, c.due)
			}
		})
	}
}

// The order of those who carry is another one for each author, the same at each
// neighbour, and leaves out who has no link.
func TestTurnsOfCarriers(t *testing.T) {
	log := protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 5}
	all := []gossip.Peer{
		{Centre: "author", Head: protocol.Head{Log: log}, Linked: true, Alive: true},
		{Centre: "b", Linked: true, Alive: true},
		{Centre: "c", Linked: true, Alive: true},
		{Centre: "d", Linked: true, Alive: true},
		{Centre: "e", Linked: false, Alive: true},
		{Centre: "f", Linked: true, Alive: false},
	}
	turns := map[int]int{}
	for _, self := range []string{"b", "c", "d"} {
		var peers []gossip.Peer
		for _, p := range all {
			if p.Centre != self {
				peers = append(peers, p)
			}
		}
		a := authorOf(log, self, peers, false)
		turns[a.before]++
		if !a.linked {
			t.Errorf("at %s the author has no link; want that it has", self)
		}
	}
	if len(turns) != 3 || turns[0] != 1 || turns[1] != 1 || turns[2] != 1 {
		t.Errorf("turns %v; want each of the three once", turns)
	}
	if a := authorOf(log, "b", all[:1], true); a.linked || !a.asks {
		t.Errorf("one that asks us for its inbox is %+v; want without a link", a)
	}
}
