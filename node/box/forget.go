package box

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store/journal"
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

	mu     sync.Mutex // Guards what follows, across the write of the mark.
	doubts uint64     // How often a journal was put together otherwise.
	late   bool       // The last look did not come to its end.
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
func (b *core) Forgotten() protocol.Forgotten {
	b.forgets.mu.Lock()
	defer b.forgets.mu.Unlock()
	return b.forgets.done
}

// TellForgotten has told called with each newer one. It must not block.
func (b *core) TellForgotten(told func(protocol.Forgotten)) {
	b.forgets.mu.Lock()
	defer b.forgets.mu.Unlock()
	b.forgets.told = told
}

// remember has all orders carried out again: a journal is put together from an older or a
// damaged one, which may hold what was erased.
func (b *core) remember() error {
	if b.o.Alone != nil {
		return nil
	}
	b.forgets.mu.Lock()
	defer b.forgets.mu.Unlock()
	b.forgets.doubts++
	b.forgets.look()
	err := os.Remove(b.journalDir(forgetName))
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
	f.forgets.late = err != nil
	f.forgets.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		f.o.Logger.Warn("an order of erasure is not carried out yet", "err", err)
	}
}

func (f forgetter) isLate() bool {
	f.forgets.mu.Lock()
	defer f.forgets.mu.Unlock()
	return f.forgets.late
}

// carryOut carries out every order that is not noted as carried out.
func (f forgetter) carryOut(ctx context.Context) error {
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
	}
	if err := f.throwAway(t, orders); err != nil {
		return err
	}
	m.Read, m.Busy = last, false
	for i := range orders {
		m.Done = protocol.Forgotten{Log: orders[i].at.Log, At: orders[i].at.At, Since: f.o.Clock().UnixMilli()}
	}
	f.o.Logger.Info("orders of erasure are carried out", "orders", len(orders), "records", t.count(), "documents", len(t.papers))
	return f.note(&m, doubts)
}

// throwAway removes documents, what former repairs have left, and neighbours' copies.
func (f forgetter) throwAway(t *targets, orders []order) error {
	for h := range t.papers {
		if f.papers.tray == nil {
			break
		}
		if err := f.papers.tray.Remove(h); err != nil {
			return err
		}
	}
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
		return nil //nolint:nilerr // What this version can't read has no effect.
	})
	return list, last, err
}

// targets are the records that hold what has to go.
type targets struct {
	*core
	places  map[protocol.LogID]map[uint64]protocol.Hash
	numbers map[protocol.Number]bool
	first   protocol.Number // By which a case goes of which this box does not know which it is.

	own, in         map[uint64][]byte // What takes the place of those that are named …
	ownCopy, inCopy map[uint64][]byte // … and of what they were copied from. These go first: nobody names them.
	events          map[[32]byte]bool // Those that are named, as encoded.
	receipts        map[protocol.Head]bool
	papers          map[protocol.Hash]bool
}

func newTargets(b *core, orders []order) *targets {
	t := &targets{
		core: b, places: map[protocol.LogID]map[uint64]protocol.Hash{}, numbers: map[protocol.Number]bool{},
		own: map[uint64][]byte{}, in: map[uint64][]byte{}, ownCopy: map[uint64][]byte{}, inCopy: map[uint64][]byte{},
		events: map[[32]byte]bool{}, receipts: map[protocol.Head]bool{}, papers: map[protocol.Hash]bool{},
	}
	for i := range orders {
		for _, p := range orders[i].Places {
			if t.places[p.Log] == nil {
				t.places[p.Log] = map[uint64]protocol.Hash{}
			}
			for _, at := range p.At {
				t.places[p.Log][at.Seq] = at.Hash
			}
		}
		for k := range orders[i].Cases {
			t.numbers[orders[i].Cases[k].Number] = true
			t.first = orders[i].Cases[k].Number
		}
		for _, h := range orders[i].Documents {
			t.papers[h] = true
		}
	}
	return t
}

func (t *targets) count() int { return len(t.own) + len(t.in) + len(t.ownCopy) + len(t.inCopy) }
func (t *targets) any() bool  { return t.count() > 0 }

// named reports whether an order means the event at a place.
func (t *targets) named(log protocol.LogID, at protocol.Position) bool {
	h, ok := t.places[log][at.Seq]
	return ok && h == at.Hash
}

// find looks through both journals: first for what is named, then for what that was
// copied from, and for documents that something else names as well.
func (t *targets) find() error {
	if err := t.eachIn(func(seq uint64, raw []byte, r *inRecord) {
		if t.named(r.Log, r.At) || t.tells(r) {
			t.in[seq] = r.erased(raw)
			t.know(r.Log, r.At, r.Raw)
		}
	}); err != nil {
		return err
	}
	if err := t.eachOwn(func(e *ownEffect) {
		if t.named(e.log, protocol.Position{Seq: e.place, Hash: e.hash}) {
			t.own[e.seq] = t.ownErased(e)
			t.know(e.log, protocol.Position{Seq: e.place, Hash: e.hash}, e.record.Event)
		}
	}); err != nil || !t.any() && len(t.papers) == 0 {
		return err
	}
	kept := map[protocol.Hash]bool{}
	keep := func(e *protocol.Event) {
		for _, d := range papersIn(e) {
			kept[d.Hash] = true
		}
	}
	if err := t.eachIn(func(seq uint64, raw []byte, r *inRecord) {
		if r.Log.Channel != protocol.Uplink || t.in[seq] != nil {
			return
		}
		if t.copied(protocol.Head{Log: r.Log, At: r.At}, r.Raw) {
			t.inCopy[seq] = r.erased(raw)
		} else if e, err := protocol.DecodeEvent(r.Raw); err == nil {
			keep(&e)
		}
	}); err != nil {
		return err
	}
	err := t.eachOwn(func(e *ownEffect) {
		if t.own[e.seq] != nil {
			return
		}
		at := protocol.Head{Log: e.log, At: protocol.Position{Seq: e.place, Hash: e.hash}}
		if t.overtaken(e.seq) && t.copied(at, e.record.Event) {
			t.ownCopy[e.seq] = t.ownErased(e)
		} else {
			keep(e.event)
		}
	})
	for h := range kept {
		delete(t.papers, h)
	}
	return err
}

// know remembers an event that is named, to find what it was copied from, and its
// documents: no other need name them.
func (t *targets) know(log protocol.LogID, at protocol.Position, raw []byte) {
	if log.Channel != protocol.Uplink {
		return
	}
	t.events[sha256.Sum256(raw)] = true
	t.receipts[protocol.Head{Log: log, At: at}] = true
	e, err := protocol.DecodeEvent(raw)
	if err != nil {
		return
	}
	if e.Kind == protocol.Recovered {
		var r protocol.Recovery
		if e.Decode(&r) != nil {
			return
		}
		t.receipts[protocol.Head{Log: r.Receipt.Log, At: r.Receipt.At}] = true
		if e, err = r.Open(); err != nil {
			return
		}
	}
	for _, d := range papersIn(&e) {
		t.papers[d.Hash] = true
	}
}

// copied reports whether an event is one of those that are named, at another place.
func (t *targets) copied(at protocol.Head, raw []byte) bool {
	return t.receipts[at] || t.events[sha256.Sum256(raw)]
}

// overtaken reports whether a record of journal/own stands again in a later log: then it
// is never sent from where it is.
func (t *targets) overtaken(seq uint64) bool {
	for _, s := range t.index.parts.all() {
		if s.From <= seq && seq < s.First {
			return true
		}
	}
	return false
}

// tells reports whether an event of the state behind an inbox's base is on one of the
// cases: places of such a state are named by nobody.
func (t *targets) tells(r *inRecord) bool {
	if r.Log.Channel != protocol.InboxBase {
		return false
	}
	e, err := protocol.DecodeEvent(r.Raw)
	if err != nil || e.Kind != protocol.CaseMoved && e.Kind != protocol.SetAside {
		return false
	}
	var st protocol.Standing
	return t.numbers[e.Number] || e.Kind == protocol.CaseMoved && reads(&e, &st) && (t.numbers[st.Number] || t.numbers[st.Primary])
}

// ownErased is what takes the place of a record of journal/own.
func (t *targets) ownErased(e *ownEffect) []byte {
	g := &erasedRecord{
		Incarnation: e.record.Incarnation, Prev: e.record.Prev, Event: protocol.ErasedRaw(e.hash), Log: e.record.Log,
		Again: e.record.Key == againKey, Stood: t.overtaken(e.seq), Number: e.number, Receipt: e.receipt, At: e.event.At,
	}
	if g.Receipt != nil {
		g.Before = e.before
	}
	if g.Number != 0 && !t.numbers[g.Number] {
		g.Case = t.first
	}
	return protocol.Marshal(g)
}

// eachIn hands out the events of journal/in that were not erased.
func (t *targets) eachIn(fn func(seq uint64, raw []byte, r *inRecord)) error {
	return scan("in", t.core.in.Load(), 1, func(seq uint64, raw []byte) error {
		r, err := decodeIn(seq, raw)
		if err != nil || r.What != inEvent || r.Log.Channel == protocol.Catalogue || r.Log.Channel == protocol.CatalogueBase {
			return err
		}
		if _, gone := protocol.ErasedHash(r.Raw); !gone {
			fn(seq, raw, &r)
		}
		return nil
	})
}

// eachOwn hands out the events of journal/own that were not erased.
func (t *targets) eachOwn(fn func(*ownEffect)) error {
	last := t.mirror.records()
	return scan("own", t.core.own, 1, func(seq uint64, raw []byte) error {
		if seq > last {
			return nil // Of no order's.
		}
		e, err := t.index.effectOf(seq, raw)
		if err != nil {
			return err
		}
		if !e.record.hole() && e.record.gone == nil {
			fn(&e)
		}
		return nil
	})
}

// replace writes both journals anew where they have to forget. What is named goes last:
// by it the rest is found again.
func (t *targets) replace() error {
	for _, step := range []struct {
		j       *journal.Journal
		name    string
		records map[uint64][]byte
	}{{t.core.own, "own", t.ownCopy}, {t.core.in.Load(), "in", t.inCopy}, {t.core.own, "own", t.own}, {t.core.in.Load(), "in", t.in}} {
		if err := step.j.Replace(step.records); err != nil {
			return fmt.Errorf("journal/%s: %w", step.name, err)
		}
	}
	return nil
}
