package box

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"kendro/domain/fault"
	"kendro/protocol"
)

// A box carries out the orders of erasure that stand in its inbox: in both journals the
// hash of each event takes its place, the index is made anew, documents are thrown away,
// and so is whatever lies about of former repairs. What this box wrote and no hub has yet
// goes up as it is; the hub then names its place in another order. Each step may be done
// again, so after a power cut all of them are, from the first order that is not noted as
// carried out.

// A forgetMark says how far the orders were carried out, in the file erased beside the
// journals.
type forgetMark struct {
	_    struct{}           `cbor:",toarray"`
	Read uint64             // The record of journal/in up to which every order is carried out.
	Busy bool               // The journals may have forgotten what the index still holds.
	Done protocol.Forgotten // What the hub is told; zero before the first order.
}

const forgetName = "erased"

// forgetRun is how many records without an order are passed over again at a start.
const forgetRun = 2000

// forgets is what a box remembers of its orders.
type forgets struct {
	due chan struct{} // Holds one: an order may be waiting.

	barred bool // Whoever keeps others' copies knows what was erased before this run. The forgetter's own.

	mu     sync.Mutex // Guards what follows, across the write of the mark.
	doubts uint64     // How often a journal was put together otherwise.
	late   int        // The last look did not come to its end: how often it was asked for since, and one; 0: it did.
	done   protocol.Forgotten
	told   func(protocol.Forgotten)
}

// look has somebody look for orders.
func (f *forgets) look() {
	select {
	case f.due <- struct{}{}:
	default:
	}
}

// Forgotten returns up to where every order of erasure is carried out here, on the disk;
// zero before the first.
func (b *Care) Forgotten() protocol.Forgotten {
	b.forgets.mu.Lock()
	defer b.forgets.mu.Unlock()
	return b.forgets.done
}

// TellForgotten has told called with each newer one. It must not block.
func (b *Care) TellForgotten(told func(protocol.Forgotten)) {
	b.forgets.mu.Lock()
	defer b.forgets.mu.Unlock()
	b.forgets.told = told
}

// remember has all orders carried out again: a journal is put together from an older or a
// damaged one, which may hold what was erased.
func (f forgetter) remember() error {
	if f.o.Alone != nil {
		return nil
	}
	f.forgets.mu.Lock()
	defer f.forgets.mu.Unlock()
	f.forgets.doubts++
	f.forgets.look()
	err := os.Remove(f.journalDir(forgetName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fault.Wrap("box.forget", fault.Stopped, forgetName, err)
}

// A forgetter carries orders out. One goroutine calls it.
type forgetter struct {
	*core
	papers  *Papers
	rebuild func(context.Context) error
}

// An order is one event of an inbox.
type order struct {
	protocol.Erasure
	at protocol.Head
}

func (f forgetter) mark() (m forgetMark) {
	raw, err := os.ReadFile(f.journalDir(forgetName))
	if err != nil || protocol.Unmarshal(raw, maxRecord, forgetName, &m) != nil {
		return forgetMark{} // Then all are carried out once more.
	}
	return m
}

// note keeps how far it has come, unless a journal was put together otherwise meanwhile.
func (f forgetter) note(m *forgetMark, doubts uint64) error {
	s := &f.forgets
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubts != doubts {
		return fault.New("box.forget", fault.Unavailable, forgetName, "a journal was mended meanwhile")
	}
	if err := f.writeFile(f.journalDir(forgetName), protocol.Marshal(m)); err != nil {
		return err
	}
	if s.done != m.Done && !m.Busy {
		if s.done = m.Done; s.told != nil {
			s.told(m.Done)
		}
	}
	return nil
}

// try carries out what waits. What can't be done now is tried again.
func (f forgetter) try(ctx context.Context) {
	err := f.carryOut(ctx)
	f.forgets.mu.Lock()
	again := f.forgets.late > 0
	f.forgets.late = 0
	if err != nil {
		f.forgets.late = 1
	}
	f.forgets.mu.Unlock()
	if err != nil && !again && ctx.Err() == nil {
		f.o.Logger.Warn("an order of erasure is not carried out yet", "err", err)
	}
}

// forgetAgain is after how many looks at the room what could not be done is tried again.
const forgetAgain = 12

// isLate reports whether it is time to try again.
func (f forgetter) isLate() bool {
	f.forgets.mu.Lock()
	defer f.forgets.mu.Unlock()
	if f.forgets.late == 0 {
		return false
	}
	f.forgets.late++
	return f.forgets.late%forgetAgain == 0
}

// carryOut carries out every order that is not noted as carried out.
func (f forgetter) carryOut(ctx context.Context) error {
	if err := f.bar(); err != nil {
		return err
	}
	f.forgets.mu.Lock()
	doubts := f.forgets.doubts
	f.forgets.mu.Unlock()
	m := f.mark()
	orders, last, err := f.orders(m.Read)
	if err != nil {
		return err
	}
	if len(orders) == 0 && !m.Busy {
		m.Read, last = last, m.Read
		if m.Read > last+forgetRun || m.Done != (protocol.Forgotten{}) {
			return f.note(&m, doubts)
		}
		return nil
	}
	if free, err := f.o.Free(f.dir); err != nil || free < MinFree {
		return fault.New("box.forget", fault.Unavailable, string(DiskFull), DiskFull.Words().EN)
	}
	t := newTargets(f.core, orders)
	if err := t.find(); err != nil {
		return err
	}
	if err := f.throwPapers(t); err != nil { // First: by what is replaced next they are known.
		return err
	}
	if t.any() {
		m.Busy = true
		if err := f.note(&m, doubts); err != nil {
			return err
		}
		if err := t.replace(); err != nil {
			return err
		}
	}
	if m.Busy {
		if err := f.rebuild(ctx); err != nil {
			return err
		}
		m.Busy = false
		if err := f.note(&m, doubts); err != nil {
			return err
		}
	}
	if err := f.throwAway(orders); err != nil {
		return err
	}
	m.Read = last
	for i := range orders {
		m.Done = protocol.Forgotten{Log: orders[i].at.Log, At: orders[i].at.At, Since: f.o.Clock().UnixMilli()}
	}
	f.o.Logger.Info("orders of erasure are carried out", "orders", len(orders), "records", t.count(), "documents", len(t.papers))
	return f.note(&m, doubts)
}

// throwPapers removes documents that nothing else here names, also nothing that was filed since
// that was looked for.
func (f forgetter) throwPapers(t *targets) error {
	if f.papers.tray == nil {
		return nil
	}
	for h := range t.papers {
		named, err := t.namedSince(h)
		if err == nil && !named {
			err = f.throwPaper(t, h)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// throwPaper removes one, and puts it back where somebody has filed with it just then.
func (f forgetter) throwPaper(t *targets, h protocol.Hash) error {
	content, missing := f.papers.tray.Get(h) // Or it is damaged, and no use to anybody.
	if err := f.papers.tray.Remove(h); err != nil {
		return err
	}
	named, err := t.namedSince(h)
	if err != nil || !named || missing != nil {
		return err
	}
	_, err = f.papers.tray.Put(content)
	return err
}

// throwAway removes what former repairs have left, and neighbours' copies.
func (f forgetter) throwAway(orders []order) error {
	for _, name := range []string{ownDamaged, inDamaged, ownFresh, inFresh} {
		if err := f.drop(f.journalDir(name)); err != nil {
			return err
		}
	}
	if err := f.drop(filepath.Join(f.dir, "index.damaged")); err != nil {
		return err
	}
	if f.o.Forget == nil {
		return nil
	}
	var places []protocol.ErasedPlaces
	for i := range orders {
		places = append(places, orders[i].Places...)
	}
	return f.o.Forget(places)
}

// bar tells whoever keeps others' copies, once a run, of all that was ever erased by an order
// that came here: a neighbour's old disk or an old stick may bring it again.
func (f forgetter) bar() error {
	if f.forgets.barred || f.o.Forget == nil {
		return nil
	}
	places, err := erasedIndex{f.index}.places()
	if err != nil {
		return err
	}
	if len(places) > 0 {
		if err := f.o.Forget(places); err != nil && !errors.Is(err, fault.Unavailable) {
			return err
		}
	}
	f.forgets.barred = true // What is in the way of an order is that order's to say.
	return nil
}

func (f forgetter) drop(folder string) error {
	if _, err := os.Stat(folder); err != nil {
		return nil //nolint:nilerr // There is none.
	}
	f.o.Logger.Warn("what a repair had set aside is removed: it may hold what was erased by order", "folder", folder)
	return fault.Wrap("box.forget", fault.Unavailable, folder, os.RemoveAll(folder))
}

// orders reads the orders that came after a record of journal/in, in their order, and
// where that ends now.
func (f forgetter) orders(after uint64) (list []order, last uint64, err error) {
	in := f.in.Load()
	last = in.Last()
	if after >= last {
		return nil, last, nil
	}
	err = scan("in", in, after+1, func(seq uint64, raw []byte) error {
		r, err := decodeIn(seq, raw)
		if err != nil || seq > last {
			return err
		}
		if r.What == inBase && r.Log.Channel == protocol.Inbox {
			for i := range list {
				if list[i].at.Log.Channel == protocol.InboxBase {
					list[i].at = protocol.Head{Log: r.Log, At: r.At} // The state behind it stands there.
				}
			}
		}
		if r.What != inEvent || r.Log.Channel != protocol.Inbox && r.Log.Channel != protocol.InboxBase {
			return nil
		}
		o := order{at: protocol.Head{Log: r.Log, At: r.At}}
		e, err := protocol.DecodeEvent(r.Raw)
		if err == nil && e.Kind == protocol.EventsErased && reads(&e, &o.Erasure) && o.Check() == nil {
			list = append(list, o)
		}
		return nil // What this version can't read has no effect.
	})
	return list, last, err
}
