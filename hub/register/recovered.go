package register

import (
	"bytes"
	"strings"

	"kendro/protocol"
)

// BadReceipt is the verdict on a recovered event whose receipt its box did not
// sign. No case comes of it.
const BadReceipt = "the receipt is not signed by the box that it names"

// A Left log is one that its box has given up: it names its events in the
// receipts of recovered ones. That is no fault of the box's: a backup was put
// back, or a disk was lost. Contradicted is where a receipt and the register first
// gave one sequence different hashes, 0 while they don't.
type Left struct {
	Index        uint64 `cbor:"1,keyasint"` // Of the entry that brought the first recovered event.
	Contradicted uint64 `cbor:"2,keyasint,omitempty"`
}

func recoveredKey(log protocol.LogID, at protocol.Position) []byte {
	return append(append(logKey(tagRecovered, log), u64(at.Seq)...), at.Hash[:]...)
}

// recovered makes a case of an event that its box had receipted in a log that it
// gave up, unless the register has that very event: then it is known already,
// whichever way it came.
func (s intake) recovered(in *Ingest, it *protocol.Item, outer *protocol.Event, judged *Verdict, owner *Node) *protocol.Standing {
	log := in.Block.Header.Log
	var r protocol.Recovery
	if outer.Decode(&r) != nil {
		return s.unreadable(log, it, whyUnreadable)
	}
	e, err := r.Open()
	by := s.receiptedBy(&r.Receipt)
	onCase := follows(e.Kind, s.format)
	if err != nil || e.Kind != protocol.Submitted && !onCase || by == nil || by.Centre != owner.Centre || judged.Refused == BadReceipt ||
		len(r.Receipt.Signature) > len(protocol.Hash{})*2 {
		return s.unreadable(log, it, whyReceipt)
	}
	from, at := r.Receipt.Log, r.Receipt.At
	s.leave(from, at)
	if onCase {
		arrival(s, in, it, &e, by).comeAgain(Source{Log: from, At: at})
		return nil
	}
	if st, again := s.inChain(from, at, &e); again {
		return st
	}
	if st, again := s.cameBefore(from, at); again {
		return st
	}
	number, err := s.mint(from, &e)
	if err != nil {
		return s.unreadable(log, it, whyReceipt)
	}
	c := &Case{
		Number: number, Log: log, At: protocol.Position{Seq: it.Seq, Hash: it.Hash}, Centre: owner.Centre, Enclosed: Enclosed{Receipt: &r.Receipt},
	}
	c.Legal, c.ClockOff = s.legal(e.At, s.timeAt(seen(s.step, log, it.Seq, e.Checkpoint)))
	s.meta.Stats.Recovered++
	st := s.admit(c, &e, judged, by, in.finding(it.Seq))
	s.set(recoveredKey(from, at), u64(uint64(c.Number)))
	return st
}

// receiptedBy returns the box whose log a receipt names, or nil.
func (s intake) receiptedBy(r *protocol.Receipt) *Node {
	district, slot, ok := strings.Cut(r.Log.Name, "-")
	if !ok || district != s.world.founding.District {
		return nil
	}
	return s.world.slots[slot]
}

// inChain reports whether the register holds the event in its own log.
func (s intake) inChain(from protocol.LogID, at protocol.Position, e *protocol.Event) (*protocol.Standing, bool) {
	v, ok := s.raw(eventKey(from, at.Seq))
	if !ok || len(v) <= len(at.Hash) || !bytes.HasPrefix(v, at.Hash[:]) { // A hash alone ends a block that nobody could open.
		return nil, false
	}
	s.meta.Stats.Again++
	number, err := s.mint(from, e)
	if err != nil {
		return nil, true
	}
	return s.known(number, from, at), true
}

// anyRecovered reports whether an event has ever come as recovered. In nearly every
// district none has, and then nobody need look for one.
func (m *meta) anyRecovered() bool { return m.Stats.Recovered > 0 }

// cameBefore reports whether the event has come as recovered.
func (s intake) cameBefore(log protocol.LogID, at protocol.Position) (*protocol.Standing, bool) {
	if s.format == 1 || !s.meta.anyRecovered() {
		return nil, false
	}
	v, ok := s.raw(recoveredKey(log, at))
	if !ok || len(v) != 8 {
		return nil, false
	}
	s.meta.Stats.Again++
	return s.known(numberOf(v), log, at), true
}

// known is the standing of a case that came before: wherever it is by now.
func (s intake) known(n protocol.Number, log protocol.LogID, at protocol.Position) *protocol.Standing {
	c := &Case{}
	if !s.get(caseKey(n), c) {
		return nil
	}
	same := c.Log == log && c.At == at || c.Receipt != nil && c.Receipt.Log == log && c.Receipt.At == at
	if !same {
		return nil
	}
	st := s.standing(c)
	if c.Printed != 0 {
		return c.exception()
	}
	return &st
}

// leave notes that a log was given up, and tells its centre where the receipt
// contradicts what the register holds: whoever goes on with the log is a copy.
func (s intake) leave(log protocol.LogID, at protocol.Position) {
	k, left := logKey(tagLeft, log), Left{}
	first := !s.get(k, &left)
	if first {
		left.Index = s.index
	}
	l := s.log(log)
	apart := left.Contradicted == 0 && at.Seq <= l.At.Seq && s.differs(l, log, at.Seq, at.Hash)
	if apart {
		left.Contradicted = at.Seq
		s.tellGivenUp(log, l, at.Seq, protocol.GivenUpRecovered)
	}
	if first || apart {
		s.put(k, &left)
	}
}

// contradicted does the same when a log that was given up grows after all: from
// what others kept for its box, or because a copy of the box goes on with it.
func (s intake) contradicted(log protocol.LogID, l *logState, items []protocol.Item) {
	k, left := logKey(tagLeft, log), Left{}
	if s.format == 1 || !s.get(k, &left) || left.Contradicted != 0 {
		return
	}
	for i := range items {
		it := &items[i]
		prefix := append(logKey(tagRecovered, log), u64(it.Seq)...)
		other := false
		s.keep(s.tx.Scan(prefix, nil, func(k, _ []byte) (bool, error) {
			other = other || !bytes.HasSuffix(k, it.Hash[:])
			return !other, nil
		}))
		if other {
			left.Contradicted = it.Seq
			s.put(k, &left)
			s.tellGivenUp(log, l, it.Seq, protocol.GivenUpRecovered)
			return
		}
	}
}

// tellGivenUp tells the centre of a log not to go on with it.
func (s intake) tellGivenUp(log protocol.LogID, l *logState, seq uint64, why uint8) {
	_, slot, _ := strings.Cut(log.Name, "-")
	owner := s.world.slots[slot]
	if owner == nil || s.format == 1 {
		return
	}
	s.append(s.world.inbox(owner.Centre), &protocol.Event{
		Kind: protocol.LogGivenUp, Payload: protocol.Marshal(&protocol.GivenUp{Log: log, At: l.At, Seq: seq, Why: why}),
	})
}

// beginLog looks at the first events of a log. A box goes to its spare slot only
// when it was told that a copy of it is about.
func (s intake) beginLog(log protocol.LogID, l *logState, owner *Node) {
	_, slot, _ := strings.Cut(log.Name, "-")
	if s.format > 1 && l.At.Seq == 0 && slot == owner.Spare {
		s.copied(owner)
	}
	if s.format > 3 && l.At.Seq == 0 {
		sealers(s).begun(owner)
	}
}

// copied notes that a copy of a box was seen, once.
func (s intake) copied(n *Node) {
	if n.CopiedAt != 0 {
		return
	}
	marked := *n
	marked.CopiedAt = s.meta.At
	w := s.world.clone()
	w.addNode(&marked)
	s.world = w
	s.put(key(tagSlot, []byte(marked.Slot)), &marked)
	s.meta.Stats.Copied++
}

// LeftLog returns what is noted of a log that its box gave up, or
// [fault.NotFound].
func (r Logs) LeftLog(id protocol.LogID) (*Left, error) {
	return find[Left](r.state, "LeftLog", logKey(tagLeft, id), id.String())
}
