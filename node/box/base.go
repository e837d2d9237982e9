package box

import (
	"context"
	"sync"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// A foundation gathers the state behind a base. Parts of it count for nothing, so
// they lie in memory until it is whole: another session goes on with them, a restart
// begins again.
type foundation struct {
	mu    sync.Mutex // Guards all below.
	base  *protocol.Base
	at    protocol.Position
	items []protocol.Item
	size  int

	shelf shelfFooting
}

// Founded reports whether the box has filed anything. From then on it needs every
// event of its inbox: what a base leaves out may concern papers that it keeps.
func (b *Feed) Founded() bool { return b.mirror.records() > 0 }

// TakeBase begins to take a base whose signature has been verified, and returns how
// far its state is here already.
func (b *Feed) TakeBase(base *protocol.Base) protocol.Position {
	f := &b.foundation
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.base == nil || f.base.State != base.State {
		f.base, f.at, f.items, f.size = base, protocol.Position{}, nil, 0
	}
	return f.at
}

// DeliverState hands over a run of the state that [Feed.TakeBase] was told of. done is called
// as that of [Feed.Deliver] is; before the call for the last run, all of the state
// is durable, and the log stands where its base says.
func (b *Feed) DeliverState(ctx context.Context, log protocol.LogID, prev protocol.Hash, items []protocol.Item, done func(protocol.Position, error)) {
	d, at, err := b.foundation.add(log, prev, items)
	if d == nil {
		done(at, err)
		return
	}
	d.got, d.done = b.o.Clock().UnixMilli(), func(at protocol.Position, err error) {
		if err == nil {
			b.foundation.forget(d.base)
		}
		done(at, err)
	}
	b.hand(ctx, d)
}

// add takes what is new in a run, and returns the delivery of the whole state once
// it is there.
func (f *foundation) add(log protocol.LogID, prev protocol.Hash, items []protocol.Item) (*delivery, protocol.Position, error) {
	const op = "box.DeliverState"
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.base == nil || f.base.State.Log != log {
		return nil, protocol.Position{}, fault.New(op, fault.Denied, log.String(), "no base that this box takes")
	}
	for i := range items {
		item := &items[i]
		switch {
		case item.Seq <= f.at.Seq:
		case item.Seq > f.at.Seq+1:
			return nil, f.at, fault.New(op, fault.Unavailable, log.String(), "what comes before is not there")
		case i == 0 && prev != f.at.Hash || i > 0 && items[i-1].Hash != f.at.Hash:
			return nil, f.at, fault.New(op, fault.Conflict, log.String(), "another state than was begun")
		case f.size+len(item.Raw) > protocol.MaxBasePlain:
			return nil, f.at, fault.New(op, fault.Invalid, log.String(), "the state is larger than one may be")
		default:
			f.items, f.size = append(f.items, *item), f.size+len(item.Raw)
			f.at = protocol.Position{Seq: item.Seq, Hash: item.Hash}
		}
	}
	switch end := f.base.State.At; {
	case f.at.Seq < end.Seq:
		return nil, f.at, nil
	case f.at != end:
		f.base = nil
		return nil, f.at, fault.New(op, fault.Invalid, log.String(), "not the state that the base names")
	}
	return &delivery{log: log, base: f.base, items: f.items}, f.at, nil
}

func (f *foundation) forget(base *protocol.Base) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.base == base {
		f.base, f.items = nil, nil
	}
}

// placeState places a whole state, and behind it the statement from where on the log
// goes on. A log that is further by now needs neither.
func placeState(w *writer, b *batch, d *delivery) {
	at := w.standing(b, d.base.Log)
	d.at = d.base.State.At
	if at.Seq >= d.base.At.Seq {
		return
	}
	for i := range d.items {
		item := &d.items[i]
		place := protocol.Position{Seq: item.Seq, Hash: item.Hash}
		w.take(b, inRecord{What: inEvent, Got: d.got, Log: d.log, At: place, Raw: item.Raw})
	}
	w.take(b, inRecord{What: inBase, Got: d.got, Log: d.base.Log, At: d.base.At, Raw: protocol.Marshal(d.base)})
	b.cursors[d.base.Log] = d.base.At
}

// An endedIndex is the part of the index that is about cases of long ago.
type endedIndex struct{ *index }

// apply writes the runs of cases that ended before the box was here.
func (x endedIndex) apply(tx *store.Tx, e *protocol.Event) error {
	var ended protocol.Ended
	if !reads(e, &ended) || ended.Log.Check() != nil {
		return nil //nolint:nilerr // What this version can't read has no effect.
	}
	return ended.Each(func(first, last uint64) error {
		return tx.Set(placeKey(x.era.now(keyEnded), ended.Log, first), protocol.Marshal(endedSpan{Last: last, Stage: ended.Stage, By: ended.By}))
	})
}

// An endedSpan is a run of a log whose cases ended.
type endedSpan struct {
	_     struct{} `cbor:",toarray"`
	Last  uint64
	Stage string
	By    int64 // Unix milliseconds at the hub, at the latest.
}

// of looks an application up among the cases that ended before the box was here.
func (x endedIndex) of(tx *store.Tx, e *ownEffect) (s endedSpan, ok bool, err error) {
	if ok, err = floor(tx, placeKey(x.era.now(keyEnded), e.log, e.place), &s); err == nil && ok && s.Last >= e.place || e.receipt == nil {
		return s, ok && s.Last >= e.place, err
	}
	at := e.receipt.At.Seq // Where it was receipted, if it stands again.
	ok, err = floor(tx, placeKey(x.era.now(keyEnded), e.receipt.Log, at), &s)
	return s, ok && s.Last >= at, err
}
