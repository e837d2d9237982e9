package box

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store/journal"
)

// An ErasedInspection is what [InspectErased] found.
type ErasedInspection struct {
	Events  uint64 // In both journals, the catalogue's left out.
	Erased  uint64 // Of these, whose hash alone stands there.
	Cases   []protocol.ErasedCase
	Waiting int      // Orders that are not noted as carried out.
	Damage  []string // What does not fit into its log, or is still whole.
}

// InspectErased reads both journals of a box that nobody has open, and changes nothing: does
// each event follow from the one before it, or from the hash that was left of that, and is
// what an order names gone where the box says so? What is damaged in a journal is passed
// over: whoever reads it for its own sake names it.
func InspectErased(dir string, cipher journal.Cipher) (ErasedInspection, error) {
	x := inspector{dir: dir, cipher: cipher, orders: map[protocol.Head]bool{}, ends: map[protocol.LogID]protocol.Position{}}
	raw, err := os.ReadFile(filepath.Join(dir, "journal", forgetName))
	if err != nil || protocol.Unmarshal(raw, maxRecord, forgetName, &x.mark) != nil {
		x.mark = forgetMark{}
	}
	for _, read := range []struct {
		name string
		fn   func(uint64, []byte)
	}{{"in", x.order}, {"in", x.told}, {"own", x.written}} {
		if err := x.each(read.name, read.fn); err != nil {
			return x.ErasedInspection, err
		}
	}
	return x.ErasedInspection, nil
}

// An inspector lives for one call.
type inspector struct {
	ErasedInspection
	dir    string
	cipher journal.Cipher
	mark   forgetMark
	orders map[protocol.Head]bool // What they name; true where that is noted as carried out.
	ends   map[protocol.LogID]protocol.Position

	last  uint64         // Record of journal/own before this one …
	log   protocol.LogID // … its log …
	first uint64         // … which record is the first of that, 0 where that isn't known …
	hash  protocol.Hash  // … and the event's hash, zero likewise.
}

func (x *inspector) each(name string, fn func(seq uint64, raw []byte)) error {
	_, err := journal.Salvage(filepath.Join(x.dir, "journal", name), journal.Options{Name: name, Cipher: x.cipher}, func(seq uint64, raw []byte) error {
		fn(seq, raw)
		return nil
	})
	if errors.Is(err, fault.Damaged) || errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// order takes up an order of the inbox.
func (x *inspector) order(seq uint64, raw []byte) {
	r, err := decodeIn(seq, raw)
	if err != nil || r.What != inEvent || r.Log.Channel != protocol.Inbox && r.Log.Channel != protocol.InboxBase {
		return
	}
	var o protocol.Erasure
	e, err := protocol.DecodeEvent(r.Raw)
	if err != nil || e.Kind != protocol.EventsErased || !reads(&e, &o) || o.Check() != nil {
		return
	}
	done := seq <= x.mark.Read
	if !done {
		x.Waiting++
	}
	for i := range o.Cases {
		x.name(&o.Cases[i])
	}
	for i := range o.Places {
		for _, at := range o.Places[i].At {
			x.orders[protocol.Head{Log: o.Places[i].Log, At: at}] = done
		}
	}
}

// name lists a case once: an order may come in parts, and again.
func (x *inspector) name(c *protocol.ErasedCase) {
	for i := range x.Cases {
		if x.Cases[i].Number == c.Number {
			return
		}
	}
	x.Cases = append(x.Cases, *c)
}

// told looks at a record of journal/in.
func (x *inspector) told(seq uint64, raw []byte) {
	r, err := decodeIn(seq, raw)
	if err != nil || r.What != inEvent || r.Log.Channel == protocol.Catalogue || r.Log.Channel == protocol.CatalogueBase {
		return
	}
	before := x.ends[r.Log]
	x.ends[r.Log] = r.At
	if before.Seq+1 == r.At.Seq && protocol.LinkHash(r.Log, r.At.Seq, before.Hash, r.Raw) != r.At.Hash {
		x.unfitting("in", seq)
	}
	x.look("in", seq, protocol.Head{Log: r.Log, At: r.At}, r.Raw)
}

// written looks at a record of journal/own.
func (x *inspector) written(seq uint64, raw []byte) {
	r, err := decodeOwn(seq, raw)
	if err != nil {
		return
	}
	log := protocol.LogID{Channel: protocol.Uplink, Name: r.Log, Incarnation: r.Incarnation}
	if log != x.log {
		x.log, x.first, x.hash = log, 0, protocol.Hash{}
		if seq == x.last+1 { // Else the first of the log may be damaged.
			x.first = seq
		}
	}
	if seq != x.last+1 {
		x.hash = protocol.Hash{}
	}
	x.last = seq
	if x.hash != (protocol.Hash{}) && !r.hole() && r.Prev != x.hash {
		x.unfitting("own", seq)
	}
	x.hash = protocol.Hash{}
	if h, gone := protocol.ErasedHash(r.Event); gone {
		x.hash = h
	} else if !r.hole() && x.first > 0 && r.Log != "" { // As records were written first, they don't say which log it is.
		x.hash = protocol.LinkHash(log, seq-x.first+1, r.Prev, r.Event)
	}
	if !r.hole() {
		x.look("own", seq, protocol.Head{Log: log, At: protocol.Position{Seq: seq - x.first + 1, Hash: x.hash}}, r.Event)
	}
}

// look counts an event, and says where it should be gone.
func (x *inspector) look(name string, seq uint64, at protocol.Head, raw []byte) {
	x.Events++
	if _, gone := protocol.ErasedHash(raw); gone {
		x.Erased++
		return
	}
	if x.orders[at] {
		x.Damage = append(x.Damage, fmt.Sprintf("journal/%s record %d was erased by order, as the box has noted, and is whole here", name, seq))
	}
}

func (x *inspector) unfitting(name string, seq uint64) {
	x.Damage = append(x.Damage, fmt.Sprintf("journal/%s record %d does not follow the one before it, or the hash that was left of that", name, seq))
}
