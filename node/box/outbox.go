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

// Log names the own log.
func (b *core) Log() protocol.LogID { return b.log }

// Head returns how far the own log is durable.
func (b *Feed) Head() protocol.Head { return protocol.Head{Log: b.log, At: b.mirror.tip()} }

// Acknowledged returns how far a hub has signed for the own log.
func (b *Feed) Acknowledged() protocol.Position { return b.mirror.acknowledged().At }

// Held returns how far this box holds each log of the hub's.
func (b *Feed) Held() map[protocol.LogID]protocol.Position { return b.mirror.allCursors() }

// LastContact returns when the hub was last heard of, in Unix milliseconds; 0 is
// never.
func (b *Feed) LastContact() int64 { return b.mirror.lastSeen() }

// Heard notes that the hub spoke just now, though nothing needed keeping.
func (b *Feed) Heard() { b.mirror.heard(b.o.Clock().UnixMilli()) }

// Blockers returns what stands in the way of the box.
func (b *core) Blockers() *Blockers { return &b.blockers }

// Centre returns the code of the centre that the box stands in.
func (b *core) Centre() string { return string(b.centre) }

// Tail returns the events of the own log after a position, at most limit and at
// most what one block carries. Another event at that position is
// [fault.Conflict]: the log is forked. A position that the log has not reached
// is [fault.NotFound].
func (b *Feed) Tail(after protocol.Position, limit int) (protocol.Run, error) {
	const op = "box.Tail"
	run := protocol.Run{Log: b.log, First: after.Seq + 1, Prev: after.Hash}
	tip := b.mirror.tip()
	if after.Seq > tip.Seq {
		return run, fault.New(op, fault.NotFound, b.log.String(), fmt.Sprintf("ends at %d, asked for what follows %d", tip.Seq, after.Seq))
	}
	end := after.Hash
	for seq := after.Seq + 1; seq <= tip.Seq && len(run.Events) < min(limit, protocol.MaxBlockEvents); seq++ {
		raw, err := b.own.Read(seq)
		if err != nil {
			return run, err
		}
		r, err := decodeOwn(seq, raw)
		if err != nil {
			return run, err
		}
		if r.Prev != end {
			return run, fault.New(op, fault.Conflict, b.log.String(), fmt.Sprintf("another event stands at %d", seq-1))
		}
		end = protocol.ChainHash(b.log, seq, r.Prev, r.Event)
		run.Events = append(run.Events, r.Event)
	}
	if len(run.Events) == 0 {
		if after != tip && after.Seq == tip.Seq {
			return run, fault.New(op, fault.Conflict, b.log.String(), fmt.Sprintf("another event stands at %d", tip.Seq))
		}
		return run, nil
	}
	if n := protocol.Fits(run.Events); n < len(run.Events) {
		run.Events = run.Events[:n]
		return b.endOf(run)
	}
	run.End = end
	return run, nil
}

// endOf finds the hash at the end of a run that was shortened: it stands in the
// record after it.
func (b *Feed) endOf(run protocol.Run) (protocol.Run, error) {
	next := run.First + uint64(len(run.Events))
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
// One that names another event than ours is [fault.Conflict]; one beyond the end
// of the log is [fault.NotFound]: records are missing here. Both close intake.
func (b *Feed) Acknowledge(ctx context.Context, a *protocol.Ack) error {
	const op = "box.Acknowledge"
	if a.Log != b.log {
		return fault.New(op, fault.Invalid, a.Log.String(), "acknowledges a log that isn't this box's")
	}
	tip := b.mirror.tip()
	if a.At.Seq > tip.Seq {
		b.MarkBehind(a.At.Seq)
		return fault.New(op, fault.NotFound, b.log.String(), fmt.Sprintf("the hub holds %d records, this box %d", a.At.Seq, tip.Seq))
	}
	if a.At.Seq <= b.mirror.acknowledged().At.Seq {
		return nil
	}
	e, err := b.recordAt(a.At.Seq)
	if err != nil {
		return err
	}
	if e.hash != a.At.Hash {
		b.MarkForked(a.At.Seq)
		return fault.New(op, fault.Conflict, b.log.String(), fmt.Sprintf("the hub acknowledges another event at %d", a.At.Seq))
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

// MarkBehind closes intake if somebody holds more of the own log than this box
// does: no sequence may be used twice. A session may say so before it has been
// told of what it sent; then nothing is missing.
func (b *Feed) MarkBehind(seq uint64) {
	if seq <= b.mirror.tip().Seq {
		return
	}
	b.o.Logger.Error("records of the own log are missing here: intake is closed", "elsewhere", seq, "last", b.mirror.tip().Seq)
	b.blockers.Raise(JournalBehind, zeroTime)
}

// MarkForked closes intake because somebody holds another event of the own log.
func (b *Feed) MarkForked(seq uint64) {
	b.o.Logger.Error("another event of the own log exists elsewhere: intake is closed", "seq", seq)
	b.blockers.Raise(Forked, zeroTime)
}

// Describe returns what a stopped box's folder holds, for a report: the records
// of journal/own in their order. It changes nothing; the folder may be a copy.
func Describe(own *journal.Journal, log protocol.LogID, fn func(seq uint64, number protocol.Number, hash protocol.Hash) error) error {
	x := &index{log: log}
	return own.Scan(1, func(seq uint64, raw []byte) error {
		e, err := x.effectOf(seq, raw)
		if err != nil {
			return err
		}
		return fn(seq, e.number, e.hash)
	})
}
