package box

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

const erasedText = "what told of the citizen was erased by order"

func erasedFault(n protocol.Number) error {
	return fault.New("box.Case", fault.NotFound, n.String(), erasedText)
}

// An Erased is what is left here of a case that was erased by order.
type Erased struct {
	Number  protocol.Number // On the slip.
	Word    protocol.ErasedCase
	Receipt *protocol.Receipt // As it was printed; nil where this box holds no place of it.
	Prev    protocol.Hash     // Hash of the event before it.
	Issued  time.Time         // When it was taken; the time of the order, where this box doesn't know.
}

func (g *Erased) where() Where {
	return Where{Accepted: true, Seen: true, Stage: g.Word.Stage, Since: time.UnixMilli(g.Word.At), AsOf: time.UnixMilli(g.Word.At), Erased: &g.Word}
}

// Erased returns what is left of a case that was erased by order, nil where it was not.
// It says so from the moment that the order is here.
func (b *Cases) Erased(n protocol.Number) (*Erased, error) {
	if n == 0 {
		return nil, nil //nolint:nilnil // No case has it.
	}
	g := &Erased{Number: n}
	var seq uint64
	var told bool
	err := b.view(func(tx *store.Tx) (err error) {
		if told, err = read(tx, b.index.caseKey(keyErased, n), &g.Word); err == nil {
			seq, err = lookup(tx, b.index.caseKey(keyNumber, n))
		}
		return err
	})
	if err != nil || seq == 0 && !told {
		return nil, err
	}
	g.Issued = time.UnixMilli(g.Word.At)
	if seq == 0 {
		return g, nil
	}
	e, err := b.placeAt(seq)
	if err != nil || e.record.gone == nil && !told {
		return nil, err
	}
	if c := e.record.gone; c != nil && !told { // Its slip has another number than the register gave it.
		g.Word = protocol.ErasedCase{Number: cmp.Or(c.Case, n)}
		err = b.view(func(tx *store.Tx) error {
			_, err := read(tx, b.index.caseKey(keyErased, g.Word.Number), &g.Word)
			return err
		})
	}
	switch r := e.record.gone; {
	case r != nil:
		g.Issued = time.UnixMilli(r.At)
	case e.event != nil:
		g.Issued = time.UnixMilli(e.event.At)
	}
	r := b.receiptOf(spotOf(e))
	g.Receipt, g.Prev = &r, e.before
	return g, err
}

// An erasedIndex is the part of the index that is about orders of erasure.
type erasedIndex struct{ *index }

// apply notes an order: from here on its cases are shown as erased, and nobody brings
// their events back.
func (x erasedIndex) apply(tx *store.Tx, e *protocol.Event) (changed, error) {
	var w protocol.Erasure
	if !reads(e, &w) || w.Check() != nil {
		return 0, nil //nolint:nilerr // What this version can't read has no effect.
	}
	for i := range w.Cases {
		n := w.Cases[i].Number
		if err := tx.Set(x.caseKey(keyErased, n), protocol.Marshal(&w.Cases[i])); err != nil {
			return 0, err
		}
		if err := unionIndex(x).forget(tx, n); err != nil {
			return 0, err
		}
		for _, kind := range []string{keyWaits, keyStanding} {
			if err := tx.Delete(x.caseKey(x.era.now(kind), n)); err != nil {
				return 0, err
			}
		}
	}
	for i := range w.Places {
		p := &w.Places[i]
		for k := range p.At {
			if p.Log.Channel != protocol.Uplink {
				break
			}
			if err := tx.Set(placeKey(keyGone, p.Log, p.At[k].Seq), p.At[k].Hash[:]); err != nil {
				return 0, err
			}
		}
	}
	for _, h := range w.Documents {
		if err := papersIndex(x).thrown(tx, h); err != nil {
			return 0, err
		}
	}
	return changedErased, nil
}

// meant reports whether an order means the event of a record of journal/own. An order names
// the places of its events before its documents.
func (x erasedIndex) meant(tx *store.Tx, seq uint64) (bool, error) {
	s := x.parts.all().of(seq)
	if s == nil {
		return false, nil
	}
	return tx.Has(placeKey(keyGone, s.Log, s.place(seq)))
}

// own notes the place of an event of this box's that was erased: its number stays taken.
func (x erasedIndex) own(tx *store.Tx, e *ownEffect) error {
	if !e.record.gone.Stood {
		if err := tx.Set(seqKey(keyBare, e.seq), nil); err != nil {
			return err
		}
	}
	if e.number == 0 {
		return nil
	}
	return tx.Set(x.caseKey(keyNumber, e.number), seqBytes(e.seq))
}

// among lists which events of a delivery were erased by order. A neighbour, or a server of
// before, may still bring them whole.
func (x erasedIndex) among(d *delivery) (gone map[uint64]bool, err error) {
	if d.log.Channel != protocol.Uplink {
		return nil, nil
	}
	err = x.view(func(tx *store.Tx) error {
		for i := range d.items {
			var h protocol.Hash
			b, err := tx.Get(placeKey(keyGone, d.log, d.items[i].Seq))
			if err = ignoreMissing(err); err != nil {
				return err
			}
			if copy(h[:], b); len(b) > 0 && h == d.items[i].Hash {
				if gone == nil {
					gone = map[uint64]bool{}
				}
				gone[d.items[i].Seq] = true
			}
		}
		return nil
	})
	return gone, err
}

// places lists the events of uplinks, of whatever centre, that any order ever named here.
func (x erasedIndex) places() (list []protocol.ErasedPlaces, err error) {
	err = x.view(func(tx *store.Tx) error {
		return tx.Scan([]byte(keyGone), nil, func(k, value []byte) (bool, error) {
			name, seq, ok := bytes.Cut(k[len(keyGone):], []byte{0})
			log, err := protocol.ParseLogID(string(name))
			if err != nil || !ok || len(seq) != 8 || len(value) != len(protocol.Hash{}) {
				return false, damagedIndex(fault.New("box.places", fault.Damaged, string(name), "not the place of an event"))
			}
			if last := len(list) - 1; last < 0 || list[last].Log != log {
				list = append(list, protocol.ErasedPlaces{Log: log})
			}
			last := &list[len(list)-1]
			last.At = append(last.At, protocol.Position{Seq: binary.BigEndian.Uint64(seq), Hash: protocol.Hash(value)})
			return true, nil
		})
	})
	return list, err
}
