package box

import (
	"context"
	"fmt"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store/journal"
)

// Feed is the box as a session with the hub sees it.
type Feed struct{ *core }

// Log names the own log that is written.
func (b *core) Log() protocol.LogID { return b.mirror.head().Log }

// Head returns how far the own log is durable.
func (b *Feed) Head() protocol.Head { return b.mirror.head() }

// Former returns the logs that this box has given up, each as far as it may be
// sent or told again.
func (b *Feed) Former() ([]protocol.Head, error) {
	l, held := b.index.parts.all(), b.mirror.allCursors()
	var list []protocol.Head
	for i := range l[:len(l)-1] {
		at, ok := held[l[i].Log]
		if !ok {
			at = b.begins(l[i].Log)
		}
		list = append(list, protocol.Head{Log: l[i].Log, At: at})
	}
	return list, nil
}

// begins is up to where a log may be sent that this box has given up: what
// follows comes back from the hub.
func (b *core) begins(log protocol.LogID) protocol.Position {
	l := b.index.parts.all()
	s, end := l.named(log, b.own.Last())
	if s == nil || s == l.current() {
		return protocol.Position{}
	}
	if end = b.index.parts.whole(s.First, end); end < s.First {
		return protocol.Position{}
	}
	e, err := b.placeAt(end)
	if err != nil {
		b.o.Logger.Error("a record of a former log cannot be read", "seq", end, "err", err)
		return protocol.Position{}
	}
	return protocol.Position{Seq: e.place, Hash: e.hash}
}

// Acknowledged returns how far a hub has signed for the own log.
func (b *Feed) Acknowledged() protocol.Position { return b.mirror.acknowledged().At }

// Held returns how far this box holds each log of the hub's.
func (b *Feed) Held() map[protocol.LogID]protocol.Position { return b.mirror.held() }

// LastContact returns when the hub was last heard of, in Unix milliseconds; 0 is
// never.
func (b *Feed) LastContact() int64 { return b.mirror.lastSeen() }

// Heard notes that the hub spoke just now, though nothing needed keeping.
func (b *Feed) Heard() { b.mirror.heard(b.o.Clock().UnixMilli()) }

// Blockers returns what stands in the way of the box.
func (b *core) Blockers() *Blockers { return &b.blockers }

// Centre returns the code of the centre that the box stands in.
func (b *core) Centre() string { return string(b.centre) }

// Tail returns the events of an own log after a position, at most limit and at
// most what one block carries; a run ends where erased ones begin, or is of these alone. Another event at that position is
// [fault.Conflict]: the log is forked. A position that the log has not reached
// is [fault.NotFound].
func (b *Feed) Tail(log protocol.LogID, after protocol.Position, limit int) (protocol.Run, error) {
	const op = "box.Tail"
	run := protocol.Run{Log: log, First: after.Seq + 1, Prev: after.Hash}
	s, end := b.index.parts.all().named(log, b.mirror.records())
	if s != nil {
		end = b.index.parts.whole(s.First+after.Seq, end)
	}
	if s == nil || after.Seq+s.First > end || end < s.First {
		if again, err := b.again(log, after, limit); err != nil || len(again.Events) > 0 {
			return again, err
		}
	}
	if s == nil || after.Seq+s.First > end+1 {
		return run, fault.New(op, fault.NotFound, log.String(), fmt.Sprintf("ends before %d", after.Seq))
	}
	hash := after.Hash
	conflict := func(at uint64) error {
		return fault.New(op, fault.Conflict, log.String(), fmt.Sprintf("another event stands at %d", at))
	}
	first := s.First + after.Seq
	for record := first; record <= end && len(run.Events) < min(limit, protocol.MaxBlockEvents); record++ {
		e, err := b.placeAt(record)
		if err != nil {
			return run, err
		}
		if e.record.Prev != hash && (record != first || !b.index.parts.hole(record-1)) {
			return run, conflict(e.place - 1)
		}
		if len(run.Events) > 0 && (e.record.gone != nil) != run.Erased() {
			break
		}
		hash = e.hash
		run.Events = append(run.Events, e.record.Event)
	}
	if len(run.Events) == 0 {
		if after.Seq == 0 {
			return run, nil
		}
		if b.index.parts.hole(end) {
			return run, nil // Nobody knows here what stood there.
		}
		e, err := b.placeAt(end)
		if err == nil && e.hash != after.Hash {
			err = conflict(after.Seq)
		}
		return run, err
	}
	if n := protocol.Fits(run.Events); n < len(run.Events) {
		run.Events = run.Events[:n]
		return b.endOf(run, first)
	}
	run.End = hash
	return run, nil
}

// endOf finds the hash at the end of a run that was shortened: it stands in the
// record after it.
func (b *Feed) endOf(run protocol.Run, first uint64) (protocol.Run, error) {
	next := first + uint64(len(run.Events))
	raw, err := b.own.Read(next)
	if err != nil {
		return run, err
	}
	r, err := decodeOwn(next, raw)
	run.End = r.Prev
	return run, err
}

// Deliver takes a run of a hub's log that has been verified and opened; prev is
// the hash before its first event. done is called once, later, when it is
// durable, with where the log then stands here, or when it was refused: a gap is
// [fault.Unavailable], another event than ours [fault.Conflict]. Deliver blocks
// while the writer is behind; done must not block.
func (b *Feed) Deliver(ctx context.Context, log protocol.LogID, prev protocol.Hash, items []protocol.Item, done func(protocol.Position, error)) {
	d := &delivery{log: log, prev: prev, got: b.o.Clock().UnixMilli(), items: items, done: done}
	b.hand(ctx, d)
}

// Acknowledge keeps a hub's acknowledgement whose signature has been verified.
// One that names another event than ours, or is beyond the end of the log, has
// the box give its log up; it is [fault.Conflict] or [fault.NotFound].
func (b *Feed) Acknowledge(ctx context.Context, a *protocol.Ack) error {
	const op = "box.Acknowledge"
	if !b.Counts(a) {
		return nil // Of a register that is no more.
	}
	l := b.index.parts.all()
	s, _ := l.named(a.Log, b.mirror.records())
	if s == nil && a.Log.Channel != protocol.Uplink {
		return fault.New(op, fault.Invalid, a.Log.String(), "acknowledges a log that no box writes")
	}
	if s != l.current() {
		return nil // It was given up, and what counts stands again; or another box of the centre's, or a copy of this one, writes it.
	}
	tip := b.mirror.head().At
	if a.At.Seq > tip.Seq {
		b.Doubt(a.Log, a.At, "a hub holds records that journal/own lacks")
		return fault.New(op, fault.NotFound, a.Log.String(), fmt.Sprintf("the hub holds %d records, this box %d", a.At.Seq, tip.Seq))
	}
	if a.At.Seq <= b.mirror.acknowledged().At.Seq {
		return nil
	}
	e, err := b.placeAt(s.First + a.At.Seq - 1)
	if err != nil {
		return err
	}
	if e.hash != a.At.Hash {
		b.Doubt(a.Log, a.At, "a hub has signed for another record than ours")
		return fault.New(op, fault.Conflict, a.Log.String(), fmt.Sprintf("the hub acknowledges another event at %d", a.At.Seq))
	}
	b.hand(ctx, &delivery{ack: a, got: b.o.Clock().UnixMilli()})
	return nil
}

func (b *Feed) hand(ctx context.Context, d *delivery) {
	if b.writer.alone {
		b.writer.deliverAlone(d)
		return
	}
	select {
	case b.writer.parts <- d:
	case <-b.writer.gone:
		d.finish(protocol.Position{}, fault.New("box.Deliver", fault.Unavailable, "", "the box is stopping"))
	case <-ctx.Done():
		d.finish(protocol.Position{}, fault.New("box.Deliver", fault.Unavailable, "", "the session ended"))
	}
}

// Describe returns what a stopped box's folder holds, for a report: the records
// of journal/own in their order, each with its log and its place there. It changes
// nothing; the folder may be a copy.
func Describe(own *journal.Journal, log protocol.LogID, fn func(at protocol.Head, number protocol.Number) error) error {
	x := &index{parts: layout{first: log}}
	x.parts.list.Store(&sections{{First: 1, Log: log, From: 1}})
	return own.Scan(1, func(seq uint64, raw []byte) error {
		r, err := decodeOwn(seq, raw)
		if err != nil {
			return err
		}
		x.parts.step(seq, &r)
		e, err := x.effect(seq, &r)
		if err != nil || r.hole() {
			return err
		}
		return fn(protocol.Head{Log: e.log, At: protocol.Position{Seq: e.place, Hash: e.hash}}, e.number)
	})
}
