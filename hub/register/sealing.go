package register

import (
	"bytes"
	"slices"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// The district's sealing key turns. A server draws the next one; every server says that it
// holds it; only then may it be announced, and boxes seal to it as soon as they hear. Those
// of before are understood on, for what was sealed until then.

// A Generation is one of the district's sealing keys.
type Generation struct {
	Number      uint32   `cbor:"1,keyasint"`
	Public      []byte   `cbor:"2,keyasint"`
	DrawnAt     int64    `cbor:"3,keyasint,omitempty"` // Unix milliseconds; 0 for that of the founding.
	Asked       string   `cbor:"4,keyasint,omitempty"` // The ID under which it was asked for.
	Held        []string `cbor:"5,keyasint,omitempty"` // Servers that have said that they hold it, in the order in which they did.
	AnnouncedAt int64    `cbor:"6,keyasint,omitempty"` // Unix milliseconds; 0: boxes have not been told.

	ExpiringAt    int64    `cbor:"130,keyasint,omitempty"` // Unix milliseconds; since when nothing that is sealed to it is taken in. 0: it is understood.
	ExpiringIndex uint64   `cbor:"131,keyasint,omitempty"` // The entry that said so.
	Cut           []string `cbor:"132,keyasint,omitempty"` // Servers whose Raft log begins behind that entry.
	Late          uint64   `cbor:"133,keyasint,omitempty"` // The newest entry since that brought something which a box had sealed whole.
	ExpiredAt     int64    `cbor:"134,keyasint,omitempty"` // Unix milliseconds; since when no server needs it.
	Gone          []string `cbor:"135,keyasint,omitempty"` // Servers on which it lies no more.
}

// Key names the generation's public half.
func (g *Generation) Key() identity.KeyID { return identity.IDOf(g.Public) }

// HeldBy reports whether a server has said that it holds the key.
func (g *Generation) HeldBy(server string) bool { return slices.Contains(g.Held, server) }

// A SealingDrawn is the body of draw-sealing-key. Instead names the one that waits and that
// no server holds any more.
type SealingDrawn struct {
	Public  []byte         `cbor:"1,keyasint"`
	Asked   string         `cbor:"2,keyasint"`
	Instead identity.KeyID `cbor:"3,keyasint,omitzero"`
}

// maxAsked bounds a login with the ID of its request.
const maxAsked = 256

// A SealingHeld is the body of hold-sealing-key.
type SealingHeld struct {
	Key    identity.KeyID `cbor:"1,keyasint"`
	Server string         `cbor:"2,keyasint"`
}

// A SealingNamed is the body of announce-sealing-key.
type SealingNamed struct {
	Key identity.KeyID `cbor:"1,keyasint"`
}

// SealingKnown is the body of know-sealing-keys.
type SealingKnown struct {
	List []Generation `cbor:"1,keyasint"`
}

// generations are the district's sealing keys, the newest last. In a register whose key
// never turned that is the founding's alone.
func (w *world) generations() []*Generation {
	if w.founding == nil {
		return nil
	}
	first := &Generation{Number: 1, Public: w.founding.Recipients[0], AnnouncedAt: 1}
	if slices.ContainsFunc(w.sealing, func(g *Generation) bool { return bytes.Equal(g.Public, first.Public) }) {
		return w.sealing
	}
	return append([]*Generation{first}, w.sealing...)
}

// recipients are whom boxes seal to: the newest key that was announced, and whoever stands
// beside the district in its founding.
func (w *world) recipients() [][]byte {
	to := slices.Clone(w.founding.Recipients)
	for _, g := range w.generations() {
		if g.AnnouncedAt != 0 {
			to[0] = g.Public
		}
	}
	return to
}

// understands reports whether an epoch is sealed to a key that every server of the district
// holds.
func (w *world) understands(e *protocol.Epoch) bool {
	return slices.ContainsFunc(w.generations(), func(g *Generation) bool {
		return g.AnnouncedAt != 0 && g.ExpiringAt == 0 && e.WrapsTo(g.Key())
	})
}

// sealers carries out the steps from one key to the next.
type sealers struct{ *step }

// sealings are its commands.
func sealings() map[Method]plan {
	on := func(act access.Act, do func(sealers, *Command) Result) plan {
		return plan{act, func(s *step, c *Command) Result { return do(sealers{s}, c) }}
	}
	return map[Method]plan{
		DrawSealing:     on(access.ManageMembers, sealers.draw),
		HoldSealing:     on("", sealers.hold),
		AnnounceSealing: on(access.ManageMembers, sealers.announce),
		KnowSealing:     on("", sealers.know),
		ExpireSealing:   on(access.ManageMembers, sealers.expire),
		KeepSealing:     on(access.ManageMembers, sealers.callOff),
		CutSealing:      on("", sealers.cut),
		EndSealing:      on("", sealers.end),
		DropSealing:     on("", sealers.dropped),
		KeepOpenings:    {"", func(s *step, c *Command) Result { return openings{s}.note(c) }},
		KnowOpenings:    {"", func(s *step, c *Command) Result { return openings{s}.know(c) }},
	}
}

// keepGeneration puts a generation in the place of that of its number.
func (s sealers) keepGeneration(g *Generation) {
	w := s.world.clone()
	at, known := slices.BinarySearchFunc(w.sealing, g.Number, func(x *Generation, n uint32) int { return int(x.Number) - int(n) })
	if w.sealing = slices.Clone(w.sealing); known {
		w.sealing[at] = g
	} else {
		w.sealing = slices.Insert(w.sealing, at, g)
	}
	s.world = w
	s.put(sideKey(sideSealing, u32(g.Number)), g)
}

// draw notes the next key. One at a time: the one before has to be announced first.
func (s sealers) draw(c *Command) Result {
	b, f := body[SealingDrawn](c)
	if f != nil {
		return Result{Fault: f}
	}
	if s.world.founding == nil || len(b.Public) == 0 || len(b.Public) > maxKey || len(b.Asked) > maxAsked {
		return failed(fault.Invalid, "sealing key", "want a district, and a public key")
	}
	all := s.world.generations()
	last := all[len(all)-1]
	next := &Generation{Number: last.Number + 1, Public: b.Public, DrawnAt: s.meta.At, Asked: b.Asked}
	switch {
	case slices.ContainsFunc(all, func(g *Generation) bool { return bytes.Equal(g.Public, b.Public) }):
		return failed(fault.Conflict, identity.IDOf(b.Public).String(), "this key is known already")
	case last.AnnouncedAt != 0 && b.Instead == identity.KeyID{}: // The usual case.
	case last.AnnouncedAt == 0 && b.Instead == last.Key():
		next.Number = last.Number
	case last.AnnouncedAt == 0:
		return failed(fault.Conflict, last.Key().String(), "this generation is not announced yet: announce it first")
	default:
		return failed(fault.Conflict, b.Instead.String(), "this generation was announced meanwhile")
	}
	s.keepGeneration(next)
	return done(next)
}

// find returns a generation that can be changed.
func (s sealers) find(id identity.KeyID) (*Generation, *protocol.Failure) {
	for _, g := range s.world.sealing {
		if g.Key() == id {
			changed := *g
			changed.Held = slices.Clone(g.Held)
			return &changed, nil
		}
	}
	return nil, refuse(fault.NotFound, id.String(), "no such sealing key of the district")
}

// hold notes that a key is on a server's disk.
func (s sealers) hold(c *Command) Result {
	b, f := body[SealingHeld](c)
	if f != nil {
		return Result{Fault: f}
	}
	g, f := s.find(b.Key)
	if f != nil {
		return Result{Fault: f}
	}
	if s.world.servers[b.Server] == nil {
		return failed(fault.NotFound, clip(b.Server, 64), "no such server")
	}
	if !g.HeldBy(b.Server) {
		g.Held = append(g.Held, b.Server)
		s.keepGeneration(g)
	}
	return done(nil)
}

// lacking returns the servers of the group that have not said that they hold a key.
func (w *world) lacking(g *Generation) (list []string) {
	for _, sv := range w.liveServers() {
		if !g.HeldBy(sv.ID) {
			list = append(list, sv.ID)
		}
	}
	return list
}

// announce has boxes seal to a key.
func (s sealers) announce(c *Command) Result {
	b, f := body[SealingNamed](c)
	if f != nil {
		return Result{Fault: f}
	}
	g, f := s.find(b.Key)
	if f != nil {
		return Result{Fault: f}
	}
	if g.AnnouncedAt != 0 {
		return done(g)
	}
	if missing := s.world.lacking(g); len(missing) > 0 {
		return failed(fault.Unavailable, missing[0], "this server has not said yet that it holds the key: start or update it, or remove it, and send again")
	}
	g.AnnouncedAt = s.meta.At
	s.keepGeneration(g)
	for _, n := range s.world.boxes() {
		s.tell(n)
	}
	return done(g)
}

// tell tells the boxes of a centre whom they seal to.
func (s sealers) tell(n *Node) {
	told := protocol.SealingTurn{Recipients: s.world.recipients(), At: s.meta.At}
	s.append(s.world.inbox(n.Centre), &protocol.Event{Kind: protocol.SealingTold, Payload: protocol.Marshal(&told)})
}

// know takes over the keys of the register before this one: what a box had sealed to any of
// them is understood.
func (s sealers) know(c *Command) Result {
	b, f := body[SealingKnown](c)
	if f != nil {
		return Result{Fault: f}
	}
	if len(s.world.sealing) > 0 || !slices.IsSortedFunc(b.List, func(x, y Generation) int { return int(x.Number) - int(y.Number) }) {
		return failed(fault.Conflict, "sealing keys", "want them in their order, before any is drawn here")
	}
	for _, g := range b.List {
		if g.Number == 0 || len(g.Public) == 0 || len(g.Public) > maxKey {
			return failed(fault.Invalid, "sealing keys", "number or key out of bounds")
		}
	}
	for _, g := range b.List {
		g = Generation{Number: g.Number, Public: g.Public, DrawnAt: g.DrawnAt, Asked: g.Asked, AnnouncedAt: g.AnnouncedAt} // The rest, other servers have said.
		if g.AnnouncedAt == 0 {
			g.AnnouncedAt = s.meta.At // It may have been, behind the share.
		}
		s.keepGeneration(&g)
	}
	return done(nil)
}

// heard notes a box's word on the key that it seals to; one of another box of its centre
// that brings its log says nothing.
func (s sealers) heard(e *protocol.Event, owner *Node) bool {
	var said protocol.SealingWord
	if e.Decode(&said) != nil {
		return false
	}
	if now := s.world.slots[owner.Slot]; now != nil && s.world.generation(said.Key) > s.world.generation(now.SealsTo) {
		n := *now
		n.SealsTo = said.Key
		s.keepNode(&n)
	}
	return true
}

// begun forgets what a box said in an earlier log: it may be an older copy of itself now,
// and says it again once it has heard.
func (s sealers) begun(owner *Node) {
	if now := s.world.slots[owner.Slot]; now != nil && now.SealsTo != (identity.KeyID{}) {
		n := *now
		n.SealsTo = identity.KeyID{}
		s.keepNode(&n)
	}
}

func (s sealers) keepNode(n *Node) {
	w := s.world.clone()
	w.addNode(n)
	s.world = w
	s.put(key(tagSlot, []byte(n.Slot)), n)
}

// generation is the number of a key, 0 for an unknown one.
func (w *world) generation(id identity.KeyID) uint32 {
	for _, g := range w.generations() {
		if g.Key() == id {
			return g.Number
		}
	}
	return 0
}

// Generations returns the district's sealing keys, the newest last. The first, that of the
// founding, has no servers that hold it: all do.
func (r Machines) Generations() []*Generation { return r.world.Load().generations() }

// Lacking returns the servers of the group that have not said that they hold a key.
func (r Machines) Lacking(g *Generation) []string {
	if g.DrawnAt == 0 {
		return nil
	}
	return r.world.Load().lacking(g)
}

// Recipients returns whom boxes are to seal to, and since when by the register, in Unix
// milliseconds: 0 where the key never turned. Nil before the founding.
func (r Machines) Recipients() (to [][]byte, at int64) {
	w := r.world.Load()
	if w.founding == nil {
		return nil, 0
	}
	for _, g := range w.sealing {
		at = max(at, g.AnnouncedAt)
	}
	return w.recipients(), at
}

// Behind returns the boxes that have not said that they seal to a generation, or a later
// one.
func (r Machines) Behind(number uint32) (list []*Node) {
	w := r.world.Load()
	for _, n := range w.boxes() {
		if max(w.generation(n.SealsTo), 1) < number {
			list = append(list, n)
		}
	}
	return list
}
