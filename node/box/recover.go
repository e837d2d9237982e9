package box

import (
	"errors"
	"fmt"
	"log/slog"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/journal"
)

// A reader is what the index needs of a journal. Records that it returns are
// durable and verified; calls may overlap.
type reader interface {
	Last() uint64
	Read(seq uint64) ([]byte, error)
	Scan(from uint64, fn func(seq uint64, record []byte) error) error
}

var _ reader = (*journal.Journal)(nil)

// raise opens the index and brings it to where the journals are. One that
// doesn't open, or differs from them in anything, is thrown away and built
// again.
func (x *index) raise(own, in reader, logger *slog.Logger) error {
	err := x.enter()
	if err == nil {
		err = x.compare(own, in)
	}
	if err == nil {
		err = x.follow(own, in)
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, fault.Unavailable) || errors.Is(err, fault.Stopped) {
		return err // The disk is full or failing: building again would not help.
	}
	logger.Warn("index differs from the journals and is built again", "err", err)
	x.parts.forget()
	return x.rebuild(own, in, logger)
}

// rebuild throws the folder away and makes it again from the journals. Readers
// are turned away meanwhile. Nobody else may write.
func (x *index) rebuild(own, in reader, logger *slog.Logger) error {
	x.partial.Store(true)
	x.close(logger)
	if err := x.remove(); err != nil {
		return &fault.Error{Op: "box.rebuild", Kind: fault.Stopped, Item: x.dir, Err: err}
	}
	x.at = marks{}
	if err := x.enter(); err != nil {
		return err
	}
	if err := x.follow(own, in); err != nil {
		return err
	}
	x.partial.Store(false)
	return nil
}

// enter opens the folder and reads the marks.
func (x *index) enter() error {
	db, err := x.open()
	if err != nil {
		return err
	}
	x.use.Lock()
	x.db = db
	x.use.Unlock()
	x.at = marks{}
	return db.View(func(tx *store.Tx) error {
		if _, err := read(tx, []byte(keyMarks), &x.at); err != nil {
			return err
		}
		if err := (registerIndex{x}).recall(tx); err != nil {
			return err
		}
		if x.parts.list.Load() != nil {
			return nil // They follow from journal/own, which has not changed.
		}
		return x.parts.recall(tx)
	})
}

// compare returns [fault.Damaged] unless the records that the index followed
// last are the journals' own.
func (x *index) compare(own, in reader) error {
	const op = "box.compare"
	if x.at.Format != indexFormat && x.db.Applied() != 0 {
		return fault.New(op, fault.Damaged, "index", fmt.Sprintf("format %d, want %d", x.at.Format, indexFormat))
	}
	if p := x.at.Own; p.Seq > 0 {
		b, err := own.Read(p.Seq)
		if err != nil {
			return differs("own", p.Seq, err)
		}
		r, err := decodeOwn(p.Seq, b)
		if err != nil {
			return err
		}
		s := x.parts.all().of(p.Seq)
		if s == nil || s.Log.Incarnation != r.Incarnation ||
			!r.hole() && protocol.LinkHash(s.Log, s.place(p.Seq), r.Prev, r.Event) != p.Hash { // What a hole was nobody knows here.
			return differs("own", p.Seq, errors.New("another event stands there"))
		}
	}
	if p := x.at.In; p.Seq > 0 {
		b, err := in.Read(p.Seq)
		if err != nil {
			return differs("in", p.Seq, err)
		}
		r, err := decodeIn(p.Seq, b)
		if err != nil {
			return err
		}
		if r.running(b) != p.Hash {
			return differs("in", p.Seq, errors.New("another record stands there"))
		}
	}
	return nil
}

func differs(which string, seq uint64, err error) error {
	return fault.New("box.compare", fault.Damaged, recordName(which, seq), "the index followed a record that the journal does not have: "+err.Error())
}

// follow applies every record that the index has not seen.
func (x *index) follow(own, in reader) error {
	if err := x.followOwn(own); err != nil {
		return err
	}
	if err := x.followIn(in); err != nil {
		return err
	}
	if x.at.Format == 0 { // New, and nothing to follow: keep the format at least.
		_, err := x.commitChunk(nil, nil)
		return err
	}
	return nil
}

func (x *index) followOwn(own reader) error {
	var waiting []ownEffect
	flush := func() error {
		_, err := x.commit(waiting, nil)
		waiting = waiting[:0]
		return err
	}
	prev := x.at.Own
	err := scan("own", own, prev.Seq+1, func(seq uint64, b []byte) error {
		r, err := decodeOwn(seq, b)
		if err != nil {
			return err
		}
		x.parts.step(seq, &r)
		e, err := x.effect(seq, &r)
		if err != nil {
			return err
		}
		if e.place == 1 {
			prev.Hash = protocol.Hash{}
		}
		if e.record.Prev != prev.Hash && !r.hole() && !x.parts.hole(seq-1) {
			return damagedRecord("own", seq, errors.New("it does not follow the one before"))
		}
		prev = protocol.Position{Seq: seq, Hash: e.hash}
		if waiting = append(waiting, e); len(waiting) == chunkEffects {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// effectOf reads a record of journal/own back.
func (x *index) effectOf(seq uint64, b []byte) (ownEffect, error) {
	r, err := decodeOwn(seq, b)
	if err != nil {
		return ownEffect{}, err
	}
	return x.effect(seq, &r)
}

func (x *index) effect(seq uint64, r *ownRecord) (ownEffect, error) {
	s := x.parts.all().of(seq)
	if s == nil || s.Log.Incarnation != r.Incarnation {
		return ownEffect{}, damagedRecord("own", seq, errors.New("it belongs to another log than its neighbours"))
	}
	out := ownEffect{
		seq: seq, record: r, log: s.Log, place: s.place(seq), section: s, before: r.Prev, raw: r.Event,
		hash: protocol.LinkHash(s.Log, s.place(seq), r.Prev, r.Event),
	}
	switch {
	case r.hole():
		out.hash = protocol.Hash{}
		return out, nil
	case r.gone != nil:
		out.number = r.gone.Number
		if out.receipt = r.gone.Receipt; out.receipt != nil && r.gone.Before != nil {
			out.before = *r.gone.Before
		}
		return out, nil
	}
	return out, out.read(seq)
}

// read decodes the event; of one that stands again, what was receipted.
func (e *ownEffect) read(seq uint64) error {
	event, err := protocol.DecodeEvent(e.raw)
	log := e.log
	if err == nil && event.Kind == protocol.Recovered {
		var r protocol.Recovery
		if err = event.Decode(&r); err == nil {
			event, err = r.Open()
		}
		e.receipt, e.before, e.raw, log = &r.Receipt, r.Prev, r.Event, r.Receipt.Log
	}
	if err != nil {
		return damagedRecord("own", seq, err)
	}
	e.event = &event
	if event.Kind != protocol.Submitted {
		return nil // It makes no case of its own.
	}
	if e.number, err = mint(log, event.Nonce); err != nil {
		return damagedRecord("own", seq, err)
	}
	return nil
}

func (x *index) followIn(in reader) error {
	var waiting []inEffect
	size := 0
	flush := func() error {
		_, err := x.commit(nil, waiting)
		waiting, size = waiting[:0], 0
		return err
	}
	prev := x.at.In.Hash
	err := scan("in", in, x.at.In.Seq+1, func(seq uint64, b []byte) error {
		r, err := decodeIn(seq, b)
		if err != nil {
			return err
		}
		if r.Prev != prev {
			return damagedRecord("in", seq, errors.New("it does not follow the one before"))
		}
		prev = r.running(b)
		waiting = append(waiting, inEffect{seq: seq, record: &r, running: prev})
		if size += len(b); len(waiting) == chunkEffects || size > chunkBytes {
			return flush()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}

// scan is a journal's Scan; what the journal itself can't read is named after it.
func scan(which string, j reader, from uint64, fn func(uint64, []byte) error) error {
	var ours error
	err := j.Scan(from, func(seq uint64, record []byte) error {
		ours = fn(seq, record)
		return ours
	})
	if ours == nil {
		err = inJournal(which, err)
	}
	return err
}

// mint returns the receive number that belongs to a nonce of this log.
func mint(log protocol.LogID, nonce []byte) (protocol.Number, error) {
	if len(log.Name) != 7 || log.Name[2] != '-' {
		return 0, fault.New("box.mint", fault.Internal, log.Name, "want district and slot, such as 41-0010")
	}
	return protocol.MintNumber(log.Name[:2], log.Name[3:], nonce)
}
