package held

import (
	"cmp"
	"slices"

	"kendro/domain/fault"
	"kendro/protocol"
)

// erased is which events were erased by order, as [Store.Forget] was told in this run, and
// what may still lie of them in the journal's files.
type erased struct {
	places map[protocol.LogID][]protocol.Position // Sorted, one at a sequence.
	buried []span                                 // Blocks in the journal that are not needed.
}

// A span is what a block covers.
type span struct {
	log         protocol.LogID
	first, last uint64
}

func (x *erased) bury(h *protocol.Header) {
	x.buried = append(x.buried, span{h.Log, h.First, h.Last})
}

// add takes up what an order names.
func (x *erased) add(places []protocol.ErasedPlaces) {
	for i := range places {
		p := &places[i]
		if p.Log.Channel != protocol.Uplink {
			continue // No other log's blocks lie here.
		}
		for _, at := range p.At {
			if i, there := x.find(p.Log, at.Seq); !there {
				x.places[p.Log] = slices.Insert(x.places[p.Log], i, at)
			}
		}
	}
}

// find returns where in the list of a log its first place from seq on stands, and whether
// that is seq.
func (x *erased) find(log protocol.LogID, seq uint64) (int, bool) {
	return slices.BinarySearchFunc(x.places[log], seq, func(at protocol.Position, seq uint64) int { return cmp.Compare(at.Seq, seq) })
}

// floor is the last place of a log at which something was erased, zero for none: a hub has
// all up to there.
func (x *erased) floor(log protocol.LogID) (at protocol.Position) {
	if list := x.places[log]; len(list) > 0 {
		at = list[len(list)-1]
	}
	return at
}

// in reports whether a block covers something that was erased.
func (x *erased) in(s span) bool {
	i, _ := x.find(s.log, s.first)
	list := x.places[s.log]
	return i < len(list) && list[i].Seq <= s.last
}

// Forget takes blocks of erased events off the disk, durably, and keeps such from coming
// back in this run: the register has those events, so it needs no copy of what came before
// either. Whoever opens the store tells it of every order that was ever heard. A block that
// goes on behind such an event may be the only copy of the rest; it stays until a hub has
// signed for that, and goes with the signature. Until then the answer is [fault.Unavailable].
func (s *Store) Forget(places []protocol.ErasedPlaces) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.mu.Lock()
	s.erased.add(places)
	waits := s.settle(places)
	s.mu.Unlock()
	if err := s.cleanse(); err != nil {
		return err
	}
	if waits != "" {
		return fault.New("held.Forget", fault.Unavailable, waits, "a block with an erased event goes on behind it, and no hub has signed for the rest")
	}
	return nil
}

// settle lets go of blocks up to the last erased event of each log, and returns a log of which
// a block still covers one. The caller holds mu.
func (s *Store) settle(places []protocol.ErasedPlaces) (waits string) {
	for i := range places {
		log := places[i].Log
		sh := s.logs[log]
		if sh == nil {
			continue
		}
		for len(sh.slots) > 0 && sh.slots[0].head.Last <= s.erased.floor(log).Seq {
			h := sh.slots[0].head
			s.drop(sh, 0)
			sh.base = protocol.Position{Seq: h.Last, Hash: h.End}
		}
		if slices.ContainsFunc(sh.slots, func(x slot) bool { return s.erased.in(span{log, x.head.First, x.head.Last}) }) {
			waits = log.String()
		}
	}
	return waits
}

// cleanse writes the journal anew if its files hold a block of erased events that is not
// needed any more. The caller holds the turn.
func (s *Store) cleanse() error {
	s.mu.Lock()
	stained := slices.ContainsFunc(s.erased.buried, s.erased.in)
	s.mu.Unlock()
	if !stained {
		return nil
	}
	if err := s.j.Roll(); err != nil {
		return err
	}
	return s.rewrite()
}
