package box

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"kendro/protocol"
	"kendro/store/journal"
)

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
	until           uint64 // The last record of journal/own that was looked at for who names them.
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
		t.until = max(t.until, e.seq)
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
		g.Before = &e.before
	}
	if g.Number != 0 && !t.numbers[g.Number] {
		g.Case = t.first
	}
	return protocol.Marshal(g)
}

// namedSince reports whether an event names a document that was written after find had looked.
func (t *targets) namedSince(h protocol.Hash) (named bool, err error) {
	err = t.ownAfter(t.until, func(e *ownEffect) {
		named = named || slices.ContainsFunc(papersIn(e.event), func(d protocol.Document) bool { return d.Hash == h })
	})
	return named, err
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
func (t *targets) eachOwn(fn func(*ownEffect)) error { return t.ownAfter(0, fn) }

// ownAfter hands out those behind a record.
func (t *targets) ownAfter(after uint64, fn func(*ownEffect)) error {
	last := t.mirror.records()
	return scan("own", t.core.own, after+1, func(seq uint64, raw []byte) error {
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
