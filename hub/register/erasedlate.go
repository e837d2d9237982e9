package register

import (
	"bytes"

	"kendro/domain/place"
	"kendro/protocol"
)

// A box that was away, a neighbour, a stick, or the boxes of a district that began anew may
// bring what was erased. It is here already: its hash is.

func erasedKey(log protocol.LogID, at protocol.Position) []byte {
	return append(append(logKey(tagErased, log), u64(at.Seq)...), at.Hash[:]...)
}

// gone keeps the hash alone of an event that a register before this one had erased, or of
// which a box has nothing else. It reports whether it did.
func (s erasures) gone(log protocol.LogID, it *protocol.Item) bool {
	_, bare := protocol.ErasedHash(it.Raw)
	if s.format < 4 || !bare && s.world.founding.Anew == nil {
		return false
	}
	at := protocol.Position{Seq: it.Seq, Hash: it.Hash}
	ordered := s.has(erasedKey(log, at))
	if !bare && !ordered {
		return false
	}
	s.blankAt(eventKey(log, it.Seq), it.Hash)
	if ordered {
		s.meta.Stats.Gone++
		return true
	}
	intake(s.courses).unreadable(log, it, whyBare)
	return true
}

// whyBare is why an event of which a box has the hash alone stands aside.
const whyBare = "its box has the hash alone, and no order to erase it is known here"

// again leaves the hash alone of an event of a case that was erased before it came, and
// tells the box that brought it. What came of it stands as an item.
func (s erasures) again(log protocol.LogID, it *protocol.Item, centre place.Centre) {
	if s.meta.Stats.Erased == 0 {
		return
	}
	event, err := protocol.DecodeEvent(it.Raw)
	if err != nil {
		return
	}
	at := Source{Log: log, At: protocol.Position{Seq: it.Seq, Hash: it.Hash}}
	filed := &event
	if event.Kind == protocol.Recovered {
		var r protocol.Recovery
		if event.Decode(&r) != nil {
			return
		}
		inner, err := r.Open()
		if err != nil {
			return
		}
		filed, at = &inner, Source{Log: r.Receipt.Log, At: r.Receipt.At}
	}
	c := s.erasedBy(filed, at)
	if c == nil {
		return
	}
	s.blankAt(eventKey(log, it.Seq), it.Hash)
	w := protocol.Erasure{Cases: []protocol.ErasedCase{s.word(c)}, Places: []protocol.ErasedPlaces{{Log: log, At: []protocol.Position{{Seq: it.Seq, Hash: it.Hash}}}}}
	w.Cases[0].At = c.Erased
	s.append(s.world.inbox(centre), &protocol.Event{Kind: protocol.EventsErased, Payload: protocol.Marshal(&w)})
}

// erasedBy returns the erased case that an event is of, nil where it is of none.
func (s erasures) erasedBy(e *protocol.Event, at Source) *Case {
	c := &Case{}
	n := e.Number
	if e.Kind == protocol.Submitted {
		var err error
		if n, err = intake(s.courses).mint(at.Log, e); err != nil {
			return nil
		}
	}
	if !s.get(caseKey(n), c) {
		return nil
	}
	if e.Kind == protocol.Submitted && !at.began(c) {
		c = s.aliasBy(n, at)
	}
	if c == nil || c.Erased == 0 {
		return nil
	}
	return c
}

// aliasBy is the case with another number than its slip's that began with the event at a
// place, nil for none.
func (s erasures) aliasBy(printed protocol.Number, at Source) *Case {
	var numbers []protocol.Number
	prefix := key(tagAlias, u64(uint64(printed)))
	s.keep(s.tx.Scan(prefix, nil, func(k, _ []byte) (bool, error) {
		numbers = append(numbers, numberOf(bytes.Clone(k[len(prefix):])))
		return true, nil
	}))
	for _, n := range numbers {
		if c := (&Case{}); s.get(caseKey(n), c) && at.began(c) {
			return c
		}
	}
	return nil
}
