package register

import (
	"bytes"
	"slices"

	"kendro/domain/place"
	"kendro/protocol"
)

// A box that was away, a neighbour, a stick, or the boxes of a district that began anew may
// bring what was erased. It is here already: its hash is.

func erasedKey(log protocol.LogID, at protocol.Position) []byte {
	return append(append(logKey(tagErased, log), u64(at.Seq)...), at.Hash[:]...)
}

// bare reports whether of an event nothing is here but its hash: it was erased, or it ends a
// block that nobody could open. What speaks of such an event later, an item or a box, is no
// reason to stop.
func bare(stored []byte) bool {
	if len(stored) <= len(protocol.Hash{}) {
		return len(stored) == len(protocol.Hash{})
	}
	_, gone := protocol.ErasedHash(stored[len(protocol.Hash{}):])
	return gone
}

// gone keeps the hash alone of an event that a register before this one had erased, or of
// which a box has nothing else. It reports whether it did.
func (s erasures) gone(log protocol.LogID, it *protocol.Item, centre place.Centre) bool {
	_, bare := protocol.ErasedHash(it.Raw)
	if s.format < 4 || !bare && s.world.founding.Anew == nil {
		return false
	}
	here := Source{Log: log, At: protocol.Position{Seq: it.Seq, Hash: it.Hash}}
	of, ordered := s.raw(erasedKey(here.Log, here.At))
	if !bare && !ordered {
		return s.goneAgain(here, it.Raw, centre)
	}
	s.blankAt(eventKey(log, it.Seq), it.Hash)
	if ordered {
		if e, err := protocol.DecodeEvent(it.Raw); err == nil && !bare {
			openings{s.step}.dropOf(&e)
		}
		s.meta.Stats.Gone++
		if !bare { // Its box had been told when it came back.
			s.late(numberOf(of), nil)
		}
		return true
	}
	intake(s.courses).unreadable(log, it, whyBare)
	return true
}

// goneAgain is gone for an event that was recovered from a place which an order of the
// register before this one names. Its box is told where it stands now.
func (s erasures) goneAgain(here Source, raw []byte, centre place.Centre) bool {
	outer, err := protocol.DecodeEvent(raw)
	if err != nil || outer.Kind != protocol.Recovered {
		return false
	}
	_, at := asFiled(&outer, here)
	of, ordered := s.raw(erasedKey(at.Log, at.At))
	if !ordered {
		return false
	}
	s.blankAt(eventKey(here.Log, here.At.Seq), here.At.Hash)
	openings{s.step}.dropOf(&outer)
	s.meta.Stats.Gone++
	o := &Erasure{}
	s.get(erasureKey(numberOf(of)), o)
	s.late(o.Number, s.replay(o, centre, []Source{here}), here)
	return true
}

// asFiled is an event as it was first written, and where; an event that was recovered and
// does not open stays as it is.
func asFiled(e *protocol.Event, at Source) (*protocol.Event, Source) {
	var r protocol.Recovery
	if e.Kind != protocol.Recovered || e.Decode(&r) != nil {
		return e, at
	}
	inner, err := r.Open()
	if err != nil {
		return e, at
	}
	return &inner, Source{Log: r.Receipt.Log, At: r.Receipt.At}
}

// whyBare is why an event of which a box has the hash alone stands aside.
const whyBare = "its box has the hash alone, and no order to erase it is known here"

// again leaves the hash alone of an event of a case that was erased before it came, and
// tells the box that brought it. What came of it stands as an item.
func (s erasures) again(log protocol.LogID, it *protocol.Item, centre place.Centre) {
	if s.meta.Stats.Erased == 0 && s.world.founding.Anew == nil {
		return
	}
	event, err := protocol.DecodeEvent(it.Raw)
	if err != nil {
		return
	}
	here := Source{Log: log, At: protocol.Position{Seq: it.Seq, Hash: it.Hash}}
	o := s.orderOn(&event, here)
	if o == nil {
		return
	}
	s.blankAt(eventKey(log, it.Seq), it.Hash)
	openings{s.step}.dropOf(&event)
	s.late(o.Number, s.replay(o, centre, []Source{here}), here)
}

// orderOn returns the order by which the case was erased that an event is of, nil where
// there is none.
func (s erasures) orderOn(e *protocol.Event, at Source) *Erasure {
	o := &Erasure{}
	if c := s.caseOf(e, at); c != nil {
		if c.Erased == 0 || !s.get(erasureKey(c.Number), o) {
			return nil
		}
		return o
	}
	e, _ = asFiled(e, at) // A register before this one may have had the case.
	if e.Number == 0 || !s.get(erasureKey(e.Number), o) || !o.Former || s.has(caseKey(e.Number)) {
		return nil
	}
	return o
}

// late notes that this entry held something of a case that was erased, at places that no
// order named before, and which centre was told to forget it.
func (s erasures) late(n protocol.Number, told *protocol.Head, further ...Source) {
	o := &Erasure{}
	if !s.get(erasureKey(n), o) {
		return
	}
	o.Late = Late{LateIndex: s.index, LateAt: s.meta.At}
	if all := merged(o.Places, further); len(all) > len(o.Places) {
		o.Places, o.Warrants = all, nil // To be signed once more.
	}
	if told != nil {
		o.told(*told)
	}
	s.put(erasureKey(n), o)
	s.meta.Stats.Newest = s.index
}

// carried notes of which erased cases this entry holds events once more, sealed and whole:
// its block begins at a place of theirs, or before it. Nothing of it gets into the register,
// but it lies in Raft's log.
func (s erasures) carried(h *protocol.Header, upTo uint64) {
	last := min(h.Last, upTo)
	if s.format < 4 || h.Codec == protocol.CodecErased || h.First > last || s.meta.Stats.Erased == 0 && s.world.founding.Anew == nil {
		return
	}
	gone := false
	s.keep(s.tx.Scan(logKey(tagEvent, h.Log), eventKey(h.Log, h.First), func(k, stored []byte) (bool, error) {
		if _, seq := placeIn(k); seq > last {
			return false, nil
		}
		_, gone = protocol.ErasedHash(stored[min(len(stored), len(protocol.Hash{})):])
		return !gone, nil
	}))
	if !gone {
		return
	}
	var list []protocol.Number
	s.keep(s.tx.Scan(key(tagErasure), nil, func(k, raw []byte) (bool, error) {
		o := &Erasure{}
		err := decodeState(k, raw, o)
		if slices.ContainsFunc(o.Places, func(at Source) bool { return at.Log == h.Log && h.First <= at.At.Seq && at.At.Seq <= last }) {
			list = append(list, o.Number)
		}
		return true, err
	}))
	for _, n := range list {
		s.late(n, nil)
	}
}

// replay tells a centre of an order once more, with further places. It returns where its
// inbox says so, nil where the centre has none.
func (s erasures) replay(o *Erasure, centre place.Centre, further []Source) *protocol.Head {
	if centre == "" {
		return nil
	}
	all := *o
	all.Places = merged(o.Places, further)
	head := &protocol.Head{Log: s.world.inbox(centre)}
	for _, said := range all.Words() {
		head.At = s.append(head.Log, &protocol.Event{Kind: protocol.EventsErased, Payload: protocol.Marshal(&said)})
	}
	s.tellWarrants(o, head.Log)
	return head
}

// returned tells a box that comes back to a register that began anew what the one before
// had its centre erase: it may have been away then.
func (s erasures) returned(centre place.Centre) {
	var list []*Erasure
	s.keep(s.tx.Scan(key(tagErasure), nil, func(k, raw []byte) (bool, error) {
		o := &Erasure{}
		err := decodeState(k, raw, o)
		if err == nil && o.Former && o.hears(centre) {
			list = append(list, o)
		}
		return true, err
	}))
	for _, o := range list {
		o.told(*s.replay(o, centre, nil))
		s.put(erasureKey(o.Number), o)
	}
}

// caseOf returns the case that an event is of, nil where it is of none.
func (s erasures) caseOf(e *protocol.Event, at Source) *Case {
	e, at = asFiled(e, at)
	if e.Kind == protocol.Recovered {
		return nil
	}
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
		return s.aliasBy(n, at)
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
