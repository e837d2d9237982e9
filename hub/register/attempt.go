package register

import (
	"bytes"
	"errors"
	"slices"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// An attempt is a part of an entry that is taken whole or not at all: a command, an event of a
// block. What it comes to may be more than the state can hold. That follows from the entry and
// the state, so every server finds it, takes the part's writes back and answers. A disk that
// fails, or state that can't be read, is one server's alone: that one stops.
type attempt struct {
	*step
	was   step
	known map[protocol.LogID]logState
	count map[cellID]Cell
	mark  store.Mark
}

func newAttempt(s *step) *attempt {
	a := &attempt{step: s, was: *s, mark: s.tx.Mark(), known: make(map[protocol.LogID]logState, len(s.logs)), count: make(map[cellID]Cell, len(s.cells))}
	for id, l := range s.logs {
		a.known[id] = *l
	}
	for id, c := range s.cells {
		was := *c
		was.Counts = slices.Clone(c.Counts)
		a.count[id] = was
	}
	return a
}

// What the state can't hold.
var (
	errLong = errors.New("a key or a value is longer than the state keeps")
	errFull = errors.New("it is more than one entry writes")
)

// beyond is what of a part the state can't hold, nil where it stopped for something else.
func beyond(err error) error {
	for _, why := range []error{errLong, errFull} {
		if errors.Is(err, why) {
			return why
		}
	}
	return nil
}

// Of what the store takes in one commit, a part is left for what ends an entry.
const (
	mostKept    = 9 << 19  // Bytes of all pairs that an entry writes.
	mostWritten = 48 << 20 // Bytes of all writes, also of what is written again.
	crowd       = 64 << 10 // From so many bytes on an entry has held something else before.
)

// over ends the attempt. It returns why nothing of it was kept, nil where all was.
func (a *attempt) over() error {
	if a.err == nil && a.tx.Mark().Size > mostKept {
		a.keep(errFull)
	}
	why := beyond(a.err)
	if why == nil {
		return nil
	}
	a.tx.Back(a.mark)
	writes, written := a.writes, a.written // What is taken back counts on: nobody writes without end.
	*a.step = a.was
	a.writes, a.written = writes, written
	for id, l := range a.logs { // In place: who brings a block holds its log.
		if was, ok := a.known[id]; ok {
			*l = was
		} else {
			delete(a.logs, id)
		}
	}
	for id, c := range a.cells {
		if was, ok := a.count[id]; ok {
			*c = was
		} else {
			delete(a.cells, id)
		}
	}
	return why
}

// later reports whether what was not kept may fit into an entry of its own.
func (a *attempt) later(why error) bool { return errors.Is(why, errFull) && a.mark.Size > crowd }

// keepable reports whether the state can have a key. Whoever asks for another is told that
// nothing is there.
func keepable(k []byte) bool {
	return len(k) > 0 && len(k) <= store.MaxKey && k[0] != 0 && !bytes.HasPrefix(k, []byte("!badger!"))
}

// What is said of a part that the state can't hold.
const (
	whyTooMuch = "what comes of it is more than the register can keep"
	whyCrowded = "the entry is full: send again"
)

// carry carries out a command, or nothing of it, and keeps the answer.
func (a *attempt) carry(c *Command, by access.Principal) Result {
	keep := func(res Result) Result {
		if res.Fault == nil || res.Fault.Kind != fault.Unavailable {
			a.put(a.answerKey(c), &answer{Digest: c.digest(), Index: a.index, Result: res})
		}
		return res
	}
	res := keep(a.step.carry(c, by))
	switch why := a.over(); {
	case why == nil:
		return res
	case a.later(why):
		return Result{Fault: refuse(fault.Unavailable, "command", whyCrowded)}
	}
	return keep(failed(fault.Invalid, string(c.Method), whyTooMuch))
}

// A taking is one event of a block on its way into the register.
type taking struct {
	intake
	in    *Ingest
	it    *protocol.Item
	owner *Node
	l     *logState
	told  *tidings
}

// take takes the event in, and reports whether the entry had room for it.
func (t taking) take() bool {
	a, before := newAttempt(t.step), *t.told
	t.whole()
	why := a.over()
	if why == nil {
		return true
	}
	*t.told = before
	if a.later(why) {
		return false
	}
	t.moves()
	log := t.in.Block.Header.Log
	if e, err := protocol.DecodeEvent(t.it.Raw); err == nil && (erasures{courses{t.step}}).orderOn(&e, Source{Log: log, At: t.l.At}) != nil {
		erasures{courses{t.step}}.blankAt(eventKey(log, t.it.Seq), t.it.Hash)
	} else {
		t.record(log, t.l.At, t.it.Raw)
		sealers{t.step}.late(t.it.Raw)
	}
	t.unreadable(log, t.it, whyTooMuch)
	return true
}

// moves has the log stand at the event.
func (t taking) moves() {
	t.l.At = protocol.Position{Seq: t.it.Seq, Hash: t.it.Hash}
	t.meta.Stats.Accepted++
}

// whole does all that comes of the event.
func (t taking) whole() {
	t.moves()
	log, s := t.in.Block.Header.Log, erasures{courses{t.step}}
	if s.gone(log, t.it, t.owner.Centre) {
		return
	}
	t.record(log, t.l.At, t.it.Raw)
	sealers{t.step}.late(t.it.Raw)
	if st := t.file(t.in, t.it, &t.in.Verdicts[t.it.Seq-t.in.Block.Header.First], t.owner); st != nil {
		t.told.add(t.it.Seq, st)
	}
	s.again(log, t.it, t.owner.Centre)
}
