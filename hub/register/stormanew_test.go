package register

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// anew reports whether the register began anew.
func (c *climate) anew() bool { return c.before != nil }

// beginsAnew is the district after every server was lost: its boxes come back one by one in
// each storm, with what they have, and what they were told to forget.
func (c *climate) beginsAnew(t testing.TB) *climate {
	t.Helper()
	old := c.base
	w := newTown(t, newMemory())
	w.at, w.district, w.recips = old.at+86_400_000, old.district, old.recips
	w.must(NewCommand("", ActorHub, Genesis, &Founding{
		District: "41", Country: "bd", Incarnation: 0xf1e, Authority: []byte("authority"),
		CatalogueKey: w.catalogue.Public().(ed25519.PublicKey), Recipients: w.recips,
		Operator: User{Name: "root", Role: access.Operator, Hash: hash1, From: 1}, Server: server("s9"),
		Anew: &Anew{Refounding: protocol.Refounding{District: "41", Incarnation: 0xf1e, At: w.at}, FirstSlot: 1000},
	}))
	versions := map[string][]*dcat.Version{}
	most := 0
	for _, v := range old.first().Set().Versions() {
		versions[v.ID] = append(versions[v.ID], v)
		most = max(most, len(versions[v.ID]))
	}
	for i := range most { // All that a release ever named, and then those in force.
		var list []*dcat.Version
		for _, v := range c.catalog {
			list = append(list, versions[v.ID][min(i, len(versions[v.ID])-1)])
		}
		w.publish(i+1, c.dir, list...)
	}
	w.publish(most+1, c.dir, c.catalog...)
	users, err := old.first().Users()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if u.Name != "root" && u.Role != access.Entrepreneur {
			n := *u
			n.Of, n.Training = "", nil
			w.do(NewCommand("", "root", AddUser, &n))
		}
	}
	return &climate{base: w, boxes: c.boxes, lease: c.lease, catalog: c.catalog, dir: c.dir, stranger: c.stranger, before: c}
}

// A homecoming is what happens in a register that began anew: boxes come back to it.
type homecoming struct{ *storm }

// leave has the boxes of the register before stay away until each returns. Of what was erased
// some have the hashes alone.
func (s homecoming) leave() {
	orders, err := s.before.base.first().Erasures()
	if err != nil {
		s.t.Fatal(err)
	}
	s.away, s.boxes = s.boxes, nil
	for _, b := range s.away {
		if s.rng.IntN(2) == 0 {
			continue
		}
		b.events = append([][]byte{}, b.events...)
		for _, o := range orders {
			for _, at := range o.Places {
				if at.Log == b.log && at.At.Seq <= uint64(len(b.events)) {
					b.events[at.At.Seq-1] = protocol.ErasedRaw(b.hashes[at.At.Seq-1])
				}
			}
		}
	}
}

// returns has a box come back, or something that only looks like one.
func (s homecoming) returns() {
	if len(s.away) == 0 || s.gathered != nil {
		return
	}
	i := s.rng.IntN(len(s.away))
	b := s.away[i]
	n := &NodeReturn{NodeKeys: *s.keys(b, protocol.Hash{}, b.slot, slotName(slotNumber(b.slot)+1)), SealsElsewhere: s.rng.IntN(3) == 0}
	if k := len(b.hashes); k > 0 {
		n.Logs = []protocol.Head{{Log: b.log, At: protocol.Position{Seq: uint64(s.rng.IntN(k + 1)), Hash: b.hashes[k-1]}}}
	}
	n.Before = []protocol.Head{{Log: protocol.LogID{Channel: protocol.Inbox, Name: string(b.centre), Incarnation: 0xc0ffee}, At: protocol.Position{Seq: s.rng.Uint64N(40)}}}
	for _, x := range s.away {
		n.Former = append(n.Former, x.log.Name)
	}
	n.Users = []protocol.User{{Name: fmt.Sprint("rahima-", s.rng.IntN(4)), Centre: string(b.centre), Role: "entrepreneur", Gender: "f", Hash: hash1, From: 1}}
	proper := s.rng.IntN(3) > 0
	if !proper {
		n = s.disguises(n)
	}
	if res := s.command(NewCommand("", ActorHub, ReturnNode, n)); res.Fault == nil && proper {
		s.boxes, s.away = append(s.boxes, b), append(s.away[:i:i], s.away[i+1:]...)
	}
}

// disguises is something that returns with what no box of the district has.
func (s homecoming) disguises(n *NodeReturn) *NodeReturn {
	x := draw[NodeReturn](&s.drawer)
	switch s.rng.IntN(6) {
	case 0:
		return x
	case 1:
		n.Logs = x.Logs
	case 2:
		n.Former = x.Former
	case 3:
		n.Before = x.Before
	case 4:
		n.Users = x.Users
	default:
		n.Centre = place.Centre(s.word("Name"))
	}
	return n
}

// knows brings orders of the register before.
func (s homecoming) knows() {
	orders, err := s.before.base.first().Erasures()
	if err != nil {
		s.t.Fatal(err)
	}
	var known ErasuresKnown
	for range 1 + s.rng.IntN(3) {
		o := *pick(s.rng, orders)
		if x := draw[Erasure](&s.drawer); s.rng.IntN(4) == 0 {
			x.Number, x.ErasedAt = o.Number, o.ErasedAt
			o = *x
		}
		known.List = append(known.List, o)
	}
	s.command(NewCommand("", ActorHub, KnowErasures, &known))
	if all := s.before.base.first().Generations(); s.rng.IntN(4) == 0 {
		var list []Generation
		for _, g := range all {
			list = append(list, *g)
		}
		s.command(NewCommand("", ActorHub, KnowSealing, &SealingKnown{List: list}))
	}
}
