package register

import (
	"bytes"
	"slices"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// A sealing key of before expires in four steps. An operator says so: from that entry on
// nothing that is sealed to it is taken in. Every server has its Raft log begin behind that
// entry, and says so; what the log held is in the register. A leader finds once more that all that boxes
// sealed whole has an opening of a later key, and ends it. Then every server throws the
// key away, and says so.

// KeyKeep is how long after a box was revoked a key that it may have sealed to is kept: its
// neighbours and sticks may bring what it filed before.
const KeyKeep = int64(90 * 24 * time.Hour / time.Millisecond)

// An Obstacle stands against the expiry of a sealing key.
type Obstacle struct {
	Item string // Such as a centre.
	Why  string // And what to do.
}

// A SealingCut is the body of cut-sealing-key and of drop-sealing-key: what a server has done.
type SealingCut struct {
	Key    identity.KeyID `cbor:"1,keyasint"`
	Server string         `cbor:"2,keyasint"`
}

// A SealingEnded is the body of end-sealing-key.
type SealingEnded struct {
	Key    identity.KeyID `cbor:"1,keyasint"`
	Looked uint64         `cbor:"2,keyasint"` // The entry as of which nothing needed the key.
}

// lapses is what the world says of keys that expire.
type lapses struct{ *world }

// outdated reports whether an epoch is sealed to a key that expires or has expired, and to no other
// of the district's.
func (w lapses) outdated(e *protocol.Epoch) bool {
	old := false
	for _, g := range w.generations() {
		if !e.WrapsTo(g.Key()) {
			continue
		}
		if g.ExpiringAt == 0 {
			return false
		}
		old = true
	}
	return old
}

// expires reports whether a key of the district's expires or has expired.
func (w lapses) expires() bool {
	return slices.ContainsFunc(w.sealing, func(g *Generation) bool { return g.ExpiringAt != 0 })
}

// Outdated reports whether an epoch is sealed to a key that expires or has expired: nothing of it is taken in.
func (r Machines) Outdated(e *protocol.Epoch) bool { return lapses{r.world.Load()}.outdated(e) }

// GenerationOf returns the district's sealing key of an ID, nil for one that it does not know.
func (r Machines) GenerationOf(id identity.KeyID) *Generation {
	for _, g := range r.world.Load().generations() {
		if g.Key() == id {
			return g
		}
	}
	return nil
}

// OutdatedText is why a block is not taken in that is sealed to such a key.
const OutdatedText = "it is sealed to a key of the district's that expires: its box seals it anew as soon as it has heard whom to seal to"

// against says what boxes stand against a key's expiry.
func (w lapses) against(g *Generation, now int64) (list []Obstacle) {
	newest := w.recipients()[0]
	if g.AnnouncedAt == 0 || bytes.Equal(g.Public, newest) {
		return []Obstacle{{g.Key().String(), "boxes seal to this key, or will: let the key turn first (kendro hub key turn)"}}
	}
	for _, n := range w.boxes() {
		if max(w.generation(n.SealsTo), 1) <= g.Number {
			list = append(list, Obstacle{string(n.Centre), "its box has not said that it seals to a later key: bring it to where it hears, and what it holds here, or revoke it"})
		}
	}
	for _, n := range w.all() {
		gone := w.goneSince(n)
		if gone != 0 && !n.StandIn && max(w.generation(n.SealsTo), 1) <= g.Number && now-gone < KeyKeep {
			list = append(list, Obstacle{string(n.Centre), "an earlier box of this centre (slot " + n.Slot + ") is gone for less than 90 days, and others may still bring what it filed: wait"})
		}
	}
	return list
}

// goneSince is when a box was revoked, or another took its place, in Unix milliseconds; 0
// for the box of its centre.
func (w lapses) goneSince(n *Node) int64 {
	now := w.centres[n.Centre]
	if n.RevokedAt != 0 || now == nil || now.Slot == n.Slot {
		return n.RevokedAt
	}
	return now.EnrolledAt
}

// LongGone reports whether the box of a log is gone for so long that nothing is waited for
// that it alone had.
func (r Machines) LongGone(log protocol.LogID) bool {
	w := lapses{r.world.Load()}
	n := w.ownerOf(log)
	if n == nil {
		return false
	}
	gone := w.goneSince(n)
	return gone != 0 && r.meta.Load().At-gone >= KeyKeep
}

// Against says what boxes stand against the expiry of a key, as of the newest entry.
func (r Machines) Against(g *Generation) []Obstacle {
	return lapses{r.world.Load()}.against(g, r.meta.Load().At)
}

// any returns a generation that can be changed, be it the founding's.
func (s sealers) any(id identity.KeyID) (*Generation, *protocol.Failure) {
	if s.world.founding != nil {
		for _, g := range s.world.generations() {
			if g.Key() == id {
				changed := *g
				changed.Held, changed.Cut, changed.Gone = slices.Clone(g.Held), slices.Clone(g.Cut), slices.Clone(g.Gone)
				return &changed, nil
			}
		}
	}
	return nil, refuse(fault.NotFound, id.String(), "no such sealing key of the district")
}

// expire begins a key's end.
func (s sealers) expire(c *Command) Result {
	b, f := body[SealingNamed](c)
	if f != nil {
		return Result{Fault: f}
	}
	g, f := s.any(b.Key)
	if f != nil {
		return Result{Fault: f}
	}
	if g.ExpiringAt != 0 {
		return done(g)
	}
	if list := (lapses{s.world}).against(g, s.meta.At); len(list) > 0 {
		return failed(fault.Conflict, list[0].Item, list[0].Why)
	}
	g.ExpiringAt, g.ExpiringIndex = s.meta.At, s.index
	s.keepGeneration(g)
	return done(g)
}

// callOff takes an expiry back, as long as every server holds the key.
func (s sealers) callOff(c *Command) Result {
	b, f := body[SealingNamed](c)
	if f != nil {
		return Result{Fault: f}
	}
	g, f := s.any(b.Key)
	switch {
	case f != nil:
		return Result{Fault: f}
	case g.ExpiredAt != 0:
		return failed(fault.Conflict, b.Key.String(), "this key has expired: servers have thrown it away")
	}
	g.ExpiringAt, g.ExpiringIndex, g.Cut, g.Late = 0, 0, nil, 0
	s.keepGeneration(g)
	return done(g)
}

// cut notes that a server's Raft log holds nothing that is sealed to a key.
func (s sealers) cut(c *Command) Result { return s.did(c, (*Generation).cut) }

// dropped notes that a key lies on a server no more.
func (s sealers) dropped(c *Command) Result { return s.did(c, (*Generation).gone) }

func (g *Generation) cut() (*[]string, bool) {
	return &g.Cut, g.ExpiringAt != 0
}

func (g *Generation) gone() (*[]string, bool) {
	return &g.Gone, g.ExpiredAt != 0
}

func (s sealers) did(c *Command, which func(*Generation) (*[]string, bool)) Result {
	b, f := body[SealingCut](c)
	if f != nil {
		return Result{Fault: f}
	}
	g, f := s.any(b.Key)
	if f != nil {
		return Result{Fault: f}
	}
	list, due := which(g)
	switch {
	case s.world.servers[b.Server] == nil:
		return failed(fault.NotFound, clip(b.Server, 64), "no such server")
	case !due:
		return failed(fault.Conflict, b.Key.String(), "the expiry was called off meanwhile")
	case !slices.Contains(*list, b.Server):
		*list = append(*list, b.Server)
		s.keepGeneration(g)
	}
	return done(nil)
}

// end makes a key expire that every server can do without.
func (s sealers) end(c *Command) Result {
	b, f := body[SealingEnded](c)
	if f != nil {
		return Result{Fault: f}
	}
	g, f := s.any(b.Key)
	switch {
	case f != nil:
		return Result{Fault: f}
	case g.ExpiredAt != 0:
		return done(nil)
	case g.ExpiringAt == 0:
		return failed(fault.Conflict, b.Key.String(), "the expiry was called off meanwhile")
	case b.Looked < max(g.ExpiringIndex, g.Late):
		return failed(fault.Conflict, b.Key.String(), "something sealed has come since: look again")
	}
	if missing := (lapses{s.world}).missing(g.Cut); len(missing) > 0 {
		return failed(fault.Unavailable, missing[0], "this server has not said yet that its log is cut")
	}
	g.ExpiredAt = s.meta.At
	s.keepGeneration(g)
	return done(nil)
}

// missing returns the servers of the group that a list lacks.
func (w lapses) missing(said []string) (list []string) {
	for _, sv := range w.liveServers() {
		if !slices.Contains(said, sv.ID) {
			list = append(list, sv.ID)
		}
	}
	return list
}

// Uncut returns the servers of the group whose Raft log may hold what is sealed to a key that
// expires; Holding, those that have not thrown an expired one away.
func (r Machines) Uncut(g *Generation) []string { return lapses{r.world.Load()}.missing(g.Cut) }

// Holding returns the servers of the group that have not said that an expired key is gone.
func (r Machines) Holding(g *Generation) []string { return lapses{r.world.Load()}.missing(g.Gone) }

// late notes, while a key expires, that something came which may be sealed to it whole.
func (s sealers) late(raw []byte) {
	var expiring []*Generation
	for _, g := range s.world.sealing {
		if g.ExpiringAt != 0 && g.ExpiredAt == 0 {
			expiring = append(expiring, g)
		}
	}
	if len(expiring) == 0 {
		return
	}
	e, err := protocol.DecodeEvent(raw)
	if err != nil || len(confided(&e)) == 0 {
		return
	}
	for _, g := range expiring {
		changed := *g
		changed.Late = s.index
		s.keepGeneration(&changed)
	}
}

// refused says why a block may not be opened, on any server: its key expires, or has.
func (s sealers) refused(h *protocol.Header) *protocol.Failure {
	epoch, known := &protocol.Epoch{}, lapses{s.world}
	if !known.expires() || !h.Sealed() || !s.get(key(tagEpoch, h.Epoch[:]), epoch) || !known.outdated(epoch) {
		return nil
	}
	return refuse(fault.Unavailable, h.Log.String(), OutdatedText)
}
