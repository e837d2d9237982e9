package box

import (
	"context"
	"errors"
	"log/slog"
	"maps"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/journal"
)

// A writer is the one goroutine that changes the disk. It gathers whoever
// waits, writes the journals, and then lets the sync, the index and the
// signatures run side by side.
type writer struct {
	in      chan filing
	parts   chan *delivery
	mend    chan chan error // Rebuild the index.
	gone    chan struct{}   // Closed when nothing is taken any more.
	updates chan update

	// Owned by the goroutine of run.
	own, hub *journal.Journal
	index    *index
	head     protocol.Position // Of journal/own, written.
	hubHead  protocol.Position // Of journal/in, written: sequence and running hash.
	cursors  map[protocol.LogID]protocol.Position
	lagging  bool         // The index lacks records: the disk had no room for it.
	room     func() error // [fault.Unavailable] when the disk is too full for intake.
	settled  func(own protocol.Position, in []inEffect, c changed)
	logger   *slog.Logger
}

// An update is index work that runs beside the sync.
type update struct {
	own  []ownEffect
	in   []inEffect
	done chan updated
}

type updated struct {
	changed changed
	err     error
}

// Bounds of one gathering.
const (
	maxGather      = 256
	maxGatherBytes = 1 << 20
)

// run works until ctx ends or the disk fails. It returns the failure.
func (w *writer) run(ctx context.Context) error {
	helper := make(chan struct{})
	go func() {
		defer close(helper)
		for u := range w.updates {
			c, err := w.index.commit(u.own, u.in)
			u.done <- updated{c, err}
		}
	}()
	err := w.serve(ctx)
	close(w.gone)
	close(w.updates)
	<-helper
	w.turnAway()
	return err
}

func (w *writer) serve(ctx context.Context) error {
	for {
		b := &batch{}
		select {
		case <-ctx.Done():
			return nil
		case done := <-w.mend:
			err := w.index.rebuild(w.own, w.hub, w.logger)
			done <- err
			if err != nil {
				return err
			}
			continue
		case f := <-w.in:
			b.file(f)
		case d := <-w.parts:
			b.part(d)
		}
		w.gather(b)
		w.catchUp()
		if err := w.commit(b); err != nil {
			return err
		}
	}
}

// gather takes whoever waits already, without waiting for more.
func (w *writer) gather(b *batch) {
	for len(b.files)+len(b.parts) < maxGather && b.size < maxGatherBytes {
		select {
		case f := <-w.in:
			b.file(f)
		case d := <-w.parts:
			b.part(d)
			b.size += d.size()
		default:
			return
		}
	}
}

// turnAway answers whoever came too late.
func (w *writer) turnAway() {
	late := fault.New("box.write", fault.Unavailable, "", "the box is stopping; repeat it with the same key")
	for {
		select {
		case f := <-w.in:
			f.verdict <- verdict{err: late}
		case d := <-w.parts:
			d.finish(protocol.Position{}, late)
		case done := <-w.mend:
			done <- late
		default:
			return
		}
	}
}

// commit makes one batch durable and answers everybody in it. It returns an
// error only when the box must stop.
func (w *writer) commit(b *batch) error {
	if err := w.judge(b); err != nil {
		return err
	}
	if err := w.write(b); err != nil {
		b.failAll(err)
		return err
	}
	if len(b.placed) == 0 && len(b.in) == 0 {
		b.finish()
		return nil
	}
	done := make(chan updated, 1)
	w.updates <- update{own: b.effects, in: b.in, done: done}
	for _, f := range b.placed {
		f.verdict <- verdict{placed: true, spot: f.spot}
	}
	err := w.sync(b)
	u := <-done
	if err != nil {
		b.failAll(err)
		return err
	}
	if errors.Is(u.err, fault.Unavailable) {
		w.lagging = true // Durable all the same; nothing is taken in before the index has it.
		w.logger.Warn("no room for the index; it follows later", "err", u.err)
	} else if u.err != nil {
		if u, err = w.remedy(u.err); err != nil {
			b.failAll(fault.New("box.write", fault.Unavailable, "", "it is kept, but the index could not be built again"))
			return err
		}
	}
	w.settled(w.head, b.in, u.changed)
	b.finish()
	return nil
}

// catchUp brings an index that lacks records to where the journals are.
func (w *writer) catchUp() {
	if !w.lagging {
		return
	}
	if err := w.index.follow(w.own, w.hub); err != nil {
		w.logger.Warn("no room for the index yet", "err", err)
		return
	}
	w.lagging = false
	w.settled(w.head, nil, changedAll)
}

// remedy builds the index again after it refused an update. The journals hold
// everything by now.
func (w *writer) remedy(cause error) (updated, error) {
	w.logger.Error("index refused an update and is built again", "err", cause)
	if err := w.index.rebuild(w.own, w.hub, w.logger); err != nil {
		return updated{}, err
	}
	return updated{changed: changedAll}, nil
}

func (w *writer) sync(b *batch) error {
	if len(b.placed) > 0 {
		if err := w.own.Sync(); err != nil {
			return err
		}
	}
	if len(b.in) > 0 {
		return w.hub.Sync()
	}
	return nil
}

// judge finds filings that came before, and those that must not be taken.
func (w *writer) judge(b *batch) error {
	if len(b.files) == 0 {
		return nil
	}
	if err := w.room(); err != nil {
		b.refuseFiles(err)
		return nil
	}
	if w.lagging {
		b.refuseFiles(fault.New("box.File", fault.Unavailable, string(DiskFull), DiskFull.Words().EN))
		return nil
	}
	err := w.lookUp(b)
	if err == nil {
		return nil
	}
	b.refuseFiles(fault.New("box.write", fault.Unavailable, "", "the index cannot be read; repeat it with the same key"))
	if errors.Is(err, fault.Damaged) {
		_, err = w.remedy(err)
		return err
	}
	w.logger.Warn("index cannot be read", "err", err)
	return nil
}

// lookUp asks the index about every filing, but for those whose caller asked
// when the log was as long as it is now.
func (w *writer) lookUp(b *batch) error {
	var late []*filing
	for i := range b.files {
		if f := &b.files[i]; f.looked && f.asOf == w.head.Seq {
			b.judgeOne(f, 0, false)
		} else {
			late = append(late, f)
		}
	}
	if late == nil {
		return nil
	}
	return w.index.view(func(tx *store.Tx) error {
		for _, f := range late {
			seq, err := lookup(tx, w.index.requestKey(f.user, f.key))
			if err != nil {
				return err
			}
			taken, err := tx.Has(w.index.numberKey(f.number))
			if err != nil {
				return err
			}
			b.judgeOne(f, seq, taken)
		}
		return nil
	})
}

// write gives every accepted filing and delivered event its place.
func (w *writer) write(b *batch) error {
	if len(b.placed) > 0 {
		if err := w.writeOwn(b); err != nil {
			return err
		}
	}
	w.takeParts(b)
	if len(b.in) == 0 {
		return nil
	}
	first, err := w.hub.Write(b.inRecords...)
	if err != nil {
		if errors.Is(err, fault.Stopped) {
			return err
		}
		b.refuseParts(err)
		return nil
	}
	for i := range b.in {
		b.in[i].seq = first + uint64(i)
	}
	last := &b.in[len(b.in)-1]
	w.hubHead = protocol.Position{Seq: last.seq, Hash: last.running}
	maps.Copy(w.cursors, b.cursors)
	return nil
}

func (w *writer) writeOwn(b *batch) error {
	head := w.head
	records := make([][]byte, 0, len(b.placed))
	for _, f := range b.placed {
		r := &ownRecord{Incarnation: w.index.log.Incarnation, Prev: head.Hash, Key: f.key, Body: f.body, Event: f.raw}
		hash := protocol.ChainHash(w.index.log, head.Seq+1, head.Hash, f.raw)
		f.spot = spot{seq: head.Seq + 1, prev: head.Hash, hash: hash}
		head = protocol.Position{Seq: head.Seq + 1, Hash: hash}
		b.effects = append(b.effects, ownEffect{seq: head.Seq, record: r, event: &f.event, number: f.number, hash: hash})
		records = append(records, protocol.Marshal(r))
	}
	first, err := w.own.Write(records...)
	if errors.Is(err, fault.Stopped) {
		return err
	}
	if err == nil && first != b.effects[0].seq {
		return fault.New("box.write", fault.Internal, w.index.log.String(), "journal and log have come apart")
	}
	if err != nil { // No room, or a journal that waits for a decision: nothing happened.
		b.refusePlaced(err)
		return nil
	}
	w.head = head
	return nil
}
