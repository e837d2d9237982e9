package register

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"

	"kendro/protocol"
	"kendro/store"
)

// An aftermath is what is looked at once a storm is over.
type aftermath struct{ *storm }

// ends looks at what the storm has left: the servers are the same, every history holds, boxes
// can read what they are told, each event has come to something, the counters add up, the log
// replays to the same on a disk, and so does what is exported of it.
func (s aftermath) ends(disk bool) {
	s.t.Helper()
	s.doing = "the end"
	s.agree()
	if s.first().Stats().Cases > 0 { // Else no box has come back to a register that began anew.
		verified(s.town)
	}
	reopened(s.town)
	s.told()
	s.counted()
	s.traced()
	again := s.join(newMemory())
	for i, raw := range s.entries {
		again.Apply(uint64(i+1), 1, raw)
	}
	s.agree()
	if !disk {
		return
	}
	r, err := Open(s.t.TempDir(), Options{District: "41", Opener: s.town})
	if err != nil {
		s.t.Fatal(err)
	}
	for i, raw := range s.entries {
		r.Apply(uint64(i+1), 1, raw)
	}
	s.same(r)
	var out bytes.Buffer
	if err := r.DB().Export(context.Background(), r.Applied(), &out); err != nil {
		s.t.Fatal(err)
	}
	copied := filepath.Join(s.t.TempDir(), "copy")
	if _, _, err := store.Import(context.Background(), copied, store.Options{Preset: store.Office}, &out); err != nil {
		s.t.Fatal(err)
	}
	other, err := Open(copied, Options{District: "41", Opener: s.town})
	if err != nil {
		s.t.Fatal(err)
	}
	s.same(other)
	if err := errors.Join(r.Close(), other.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// same fails unless a register is the storm's.
func (s aftermath) same(r *Register) {
	s.t.Helper()
	i, d := r.Digest()
	if i0, d0 := s.first().Digest(); i != i0 || d != d0 || r.SetHash() != s.first().SetHash() {
		s.t.Fatalf("it is at %d %v; want %d %v", i, d, i0, d0)
	}
}

// heardAs is what a box reads of each kind of word in its inbox.
func heardAs() map[protocol.Kind]any {
	return map[protocol.Kind]any{
		protocol.Settings: &protocol.Contacts{}, protocol.UserChanged: &protocol.User{}, protocol.Accepted: &protocol.Acceptance{}, protocol.CaseMoved: &protocol.Standing{},
		protocol.LogGivenUp: &protocol.GivenUp{}, protocol.DocumentsHeld: &protocol.HeldDocuments{}, protocol.Assured: &protocol.Assurance{}, protocol.SetAside: &protocol.Aside{},
		protocol.LeaseTold: &protocol.Lease{}, protocol.EventsErased: &protocol.Erasure{}, protocol.ErasureWarranted: &protocol.Warrant{},
		protocol.CorrectionTold: &protocol.CorrectionWord{}, protocol.SealingTold: &protocol.SealingTurn{}, protocol.RevocationTold: &protocol.RevokedCertificate{},
		protocol.CasesEnded: &protocol.Ended{},
	}
}

// told fails unless a box can read whatever its centre was told, event by event and as what it
// adds up to.
func (s aftermath) told() {
	s.t.Helper()
	kinds := heardAs()
	read := func(what string, e *protocol.Event) {
		as, known := kinds[e.Kind]
		if !known {
			s.t.Errorf("%s has an event of kind %d", what, e.Kind)
			return
		}
		err := e.Decode(as)
		if x, ok := as.(interface{ Check() error }); ok && err == nil && e.Kind != protocol.SealingTold {
			err = x.Check()
		}
		if err != nil {
			s.t.Errorf("%s has an event of kind %d that no box can read: %v", what, e.Kind, err)
		}
	}
	for _, c := range slices.Sorted(maps.Keys(s.first().world.Load().centres)) {
		if s.first().Inbox(c).Check() != nil {
			s.t.Errorf("a centre is called %q", c)
			continue
		}
		for _, e := range s.inboxOf(c) {
			read("the inbox of "+string(c), &e)
		}
		_, base, err := s.first().InboxBase(c)
		if err != nil {
			s.t.Errorf("what the inbox of %s adds up to: %v", c, err)
		}
		for _, raw := range base {
			e, err := protocol.DecodeEvent(raw)
			if err != nil || len(raw) > protocol.MaxEvent {
				s.t.Errorf("what the inbox of %s adds up to has %d bytes of an event, %v", c, len(raw), err)
				continue
			}
			read("what the inbox adds up to of "+string(c), &e)
		}
	}
	if n := s.first().Stats().Untold; n > 0 {
		s.t.Errorf("%d words to centres were longer than an event", n)
	}
}

// counted fails unless the counters say what the histories say (row 32).
func (s aftermath) counted() {
	s.t.Helper()
	c := s.first().Recount()
	for {
		done, err := c.Step(100)
		if err != nil {
			s.t.Fatal(err)
		}
		if done {
			break
		}
	}
	if n := c.Differ(); n > 0 {
		s.t.Errorf("%d counters differ from the histories", n)
	}
}

// traced fails unless each event of the uplinks has left something for people to find: a case,
// a turn of one, an item, or something that a person has to look at.
func (s aftermath) traced() {
	s.t.Helper()
	left := map[Source]bool{}
	see := func(err error) {
		if err != nil {
			s.t.Fatal(err)
		}
	}
	see(s.first().ForEachCase(func(c *Case) error {
		left[Source{Log: c.Log, At: c.At}] = true
		if c.Receipt != nil {
			left[Source{Log: c.Receipt.Log, At: c.Receipt.At}] = true
		}
		for i := range c.History {
			if e := c.History[i].Event; e != nil {
				left[*e] = true
			}
		}
		if c.Waits != nil { // Until somebody confirms what a union decided.
			for _, p := range c.Waits.Parked {
				left[p.From] = true
			}
		}
		return nil
	}))
	see(s.each(key(tagItem), func(_, raw []byte) error {
		it := &Item{}
		err := decodeState(key(tagItem), raw, it)
		left[it.Event] = true
		return err
	}))
	see(s.each(key(tagCorrection), func(_, raw []byte) error {
		p := &Correcting{}
		err := decodeState(key(tagCorrection), raw, p)
		left[p.From] = true
		return err
	}))
	see(s.each(key(tagQuarantine), func(_, raw []byte) error {
		q := &Quarantine{}
		err := decodeState(key(tagQuarantine), raw, q)
		left[Source{Log: q.Log, At: protocol.Position{Seq: q.Last, Hash: q.Hash}}] = true
		return err
	}))
	for c := range s.first().world.Load().centres { // What was right already changes nothing, and its centre hears so.
		for _, e := range s.inboxOf(c) {
			var word protocol.CorrectionWord
			if e.Kind == protocol.CorrectionTold && e.Decode(&word) == nil {
				left[Source{Log: word.Log, At: word.At}] = true
			}
		}
	}
	lost := map[protocol.Kind]int{}
	see(s.each([]byte{tagEvent, byte(protocol.Uplink)}, func(k, stored []byte) error {
		here := Source{}
		here.Log, here.At.Seq = placeIn(k)
		copy(here.At.Hash[:], stored)
		if e, err := protocol.DecodeEvent(stored[len(protocol.Hash{}):]); err == nil && !left[here] {
			lost[e.Kind]++
		}
		return nil
	}))
	for _, k := range []protocol.Kind{protocol.AsideRead, protocol.LeaseAsked, protocol.SealingHeard, protocol.CopyPrinted, protocol.Recovered} {
		delete(lost, k) // What a box says of itself, and what had come before.
	}
	if len(lost) > 0 {
		s.t.Errorf("events left nothing for anybody to find, by kind: %v", lost)
	}
}

// each calls fn with the pairs under a prefix.
func (s aftermath) each(prefix []byte, fn func(k, v []byte) error) error {
	return s.first().base.View(func(v View) error {
		return v.Scan(prefix, nil, func(k, raw []byte) (bool, error) {
			err := fn(k, raw)
			return err == nil, err
		})
	})
}
