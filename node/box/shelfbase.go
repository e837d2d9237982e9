package box

import (
	"context"
	"sync"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// A shelfFooting is what the box knows of the base that it begins its catalogue with.
// Unlike that of an inbox its state counts as it comes: versions and releases are
// known by their hashes and signatures, whoever sent them and in whatever order.
type shelfFooting struct {
	mu    sync.Mutex // Guards all below.
	taken *protocol.Base
	needs bool
	asked protocol.Position // Where the catalogue stood when one was asked for last.
}

// NeedsShelf reports whether the box lacks events of the catalogue that lie below the
// base it began with, so that it has to begin with another.
func (b *Shelf) NeedsShelf() bool {
	f := &b.foundation.shelf
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.needs
}

// LackShelf has the box ask for a base of the catalogue, where it began with one and has
// not asked since the catalogue grew: an event below it is missing here.
func (b *Shelf) LackShelf() {
	log, at := b.mirror.catalogue()
	if floor, err := b.floorOf(log); err != nil || floor.At.Seq == 0 {
		return
	}
	f := &b.foundation.shelf
	f.mu.Lock()
	again := f.needs || f.asked == at
	f.needs, f.asked = f.needs || !again, at
	f.mu.Unlock()
	if again {
		return
	}
	b.o.Logger.Info("the catalogue names what lies below its base: another one is asked for", "seq", at.Seq)
	b.interrupt()
}

// TakeShelf begins to take a base of the catalogue whose signature has been verified,
// and returns how far its state is here already: to the end, where the log stands as
// the base says.
func (b *Feed) TakeShelf(ctx context.Context, base *protocol.Base) (protocol.Position, error) {
	f := &b.foundation.shelf
	f.mu.Lock()
	f.taken = base
	f.mu.Unlock()
	at := b.mirror.cursorOf(base.State.Log)
	if at.Seq < base.State.At.Seq {
		return at, nil
	}
	if at != base.State.At {
		return protocol.Position{}, fault.New("box.TakeShelf", fault.Conflict, base.State.Log.String(), "another state stands here under this name")
	}
	done := make(chan error, 1) // The box stopped between the state's end and the statement.
	b.hand(ctx, &delivery{log: base.State.Log, shelf: base, got: b.o.Clock().UnixMilli(), done: func(_ protocol.Position, err error) { done <- err }})
	return at, <-done
}

// DeliverShelf hands over a run of the state that [Feed.TakeShelf] was told of, as
// [Feed.Deliver] does. When the last one is durable, the log stands where its base says.
func (b *Feed) DeliverShelf(ctx context.Context, log protocol.LogID, prev protocol.Hash, items []protocol.Item, done func(protocol.Position, error)) {
	f := &b.foundation.shelf
	f.mu.Lock()
	base := f.taken
	f.mu.Unlock()
	if base == nil || base.State.Log != log {
		done(protocol.Position{}, fault.New("box.DeliverShelf", fault.Denied, log.String(), "no base that this box takes"))
		return
	}
	b.hand(ctx, &delivery{log: log, prev: prev, got: b.o.Clock().UnixMilli(), items: items, shelf: base, done: done})
}

// foundShelf writes the statement behind a whole state, from where on the log goes on.
func foundShelf(w *writer, b *batch, d *delivery, at protocol.Position) error {
	base := d.shelf
	switch {
	case at.Seq < base.State.At.Seq:
		return nil
	case at != base.State.At:
		return fault.New("box.DeliverShelf", fault.Invalid, d.log.String(), "not the state that the base names")
	}
	if w.standing(b, base.Log).Seq <= base.At.Seq {
		w.take(b, inRecord{What: inBase, Got: d.got, Log: base.Log, At: base.At, Raw: protocol.Marshal(base)})
		b.cursors[base.Log] = base.At
	}
	return nil
}

// founded notes that a base of the catalogue is here.
func (f *shelfFooting) founded() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.needs = false
}

// A shelfFloor is where the catalogue begins here.
type shelfFloor struct {
	_     struct{}          `cbor:",toarray"`
	At    protocol.Position // As the newest base says.
	First uint64            // The record of journal/in with which its state begins.
}

// floorOf returns where a catalogue begins here; zero where every event is.
func (b *core) floorOf(log protocol.LogID) (floor shelfFloor, err error) {
	err = b.view(func(tx *store.Tx) error {
		_, err := read(tx, []byte(keyFloor+log.String()), &floor)
		return err
	})
	return floor, err
}

// A shelfIndex is the part of the index that is about where the events of catalogues stand.
type shelfIndex struct{ *index }

// stand notes where an event of a catalogue, or of the state behind its base, stands
// in journal/in.
func (x shelfIndex) stand(tx *store.Tx, seq uint64, r *inRecord) error {
	if err := tx.Set(shelvedKey(r.Log, r.At.Seq), seqBytes(seq)); err != nil || r.Log.Channel == protocol.Catalogue {
		return err
	}
	if r.At.Seq == 1 {
		return x.keepPlaces(tx, r)
	}
	p, err := x.places(tx, r.Log)
	if err != nil || uint64(len(p.list)) < r.At.Seq-1 {
		return err
	}
	return tx.Set(shelvedKey(p.of, p.list[r.At.Seq-2]), seqBytes(seq))
}

// keepPlaces keeps what a state's first event says. What a newer program says there has
// no effect: the state is whole, and leant on by nobody here.
func (x shelfIndex) keepPlaces(tx *store.Tx, r *inRecord) error {
	var p protocol.Places
	if e, err := protocol.DecodeEvent(r.Raw); err == nil && e.Kind == protocol.ShelfPlaces && reads(&e, &p) {
		return tx.Set([]byte(keyPlaces+r.Log.String()), e.Payload)
	}
	return nil
}

// A placeList is where in a catalogue's log the events of the state of its base stand.
type placeList struct {
	state, of protocol.LogID
	list      []uint64
}

// places reads it, once for each state.
func (x shelfIndex) places(tx *store.Tx, state protocol.LogID) (*placeList, error) {
	if x.placed.state == state {
		return &x.placed, nil
	}
	var p protocol.Places
	ok, err := read(tx, []byte(keyPlaces+state.String()), &p)
	if err != nil || !ok {
		return &placeList{}, err
	}
	list, unread := p.List()
	x.placed = placeList{state: state, of: p.Log, list: list}
	if unread != nil {
		x.placed.list = nil // As above.
	}
	return &x.placed, nil
}

// found notes where a catalogue begins.
func (x shelfIndex) found(tx *store.Tx, r *inRecord) error {
	var b protocol.Base
	if known := protocol.Unmarshal(r.Raw, maxRecord, "base", &b) == nil; !known || r.Log.Channel != protocol.Catalogue {
		return nil
	}
	first, err := lookup(tx, shelvedKey(b.State.Log, 1))
	if err != nil || first == 0 {
		return err
	}
	return tx.Set([]byte(keyFloor+r.Log.String()), protocol.Marshal(shelfFloor{At: r.At, First: first}))
}
