package box

import (
	"kendro/protocol"
	"kendro/store"
)

// Bounds of one transaction, well below what the index's engine takes.
const (
	chunkEffects = 200
	chunkBytes   = 128 << 10
)

// An ownEffect is a record of journal/own on its way into the index.
type ownEffect struct {
	seq    uint64
	record *ownRecord
	event  *protocol.Event
	number protocol.Number
	hash   protocol.Hash

	log     protocol.LogID
	place   uint64            // In log.
	section *section          // That it stands in.
	receipt *protocol.Receipt // The printed one, of an event that stands again.
	before  protocol.Hash     // The hash before it, where it was receipted …
	raw     []byte            // … and the event as it was hashed there.
}

// An inEffect is a record of journal/in on its way into the index.
type inEffect struct {
	seq     uint64 // In journal/in.
	record  *inRecord
	running protocol.Hash
}

// commit writes what follows from the records, in their order, together with
// the marks. Several transactions may be needed; after each the index is at a
// state that the journals had.
func (x *index) commit(own []ownEffect, in []inEffect) (changed, error) {
	var all changed
	for len(own)+len(in) > 0 {
		o, i := chunk(own, in)
		c, err := x.commitChunk(own[:o], in[:i])
		if err != nil {
			return all, err
		}
		all |= c
		own, in = own[o:], in[i:]
	}
	return all, nil
}

// chunk returns how many effects of each kind fit one transaction.
func chunk(own []ownEffect, in []inEffect) (o, i int) {
	size := 0
	for o < len(own) && o < chunkEffects {
		o++
	}
	for i < len(in) && o+i < chunkEffects && (size < chunkBytes || i == 0) {
		if size += len(in[i].record.Raw); size > chunkBytes && i > 0 {
			break
		}
		i++
	}
	return o, i
}

func (x *index) commitChunk(own []ownEffect, in []inEffect) (changed, error) {
	next := x.at
	var all changed
	err := x.update(func(tx *store.Tx) error {
		next, all = x.at, 0
		next.Format = indexFormat
		for k := range own {
			e := &own[k]
			if err := x.applyOwn(tx, e); err != nil {
				return err
			}
			next.Own = protocol.Position{Seq: e.seq, Hash: e.hash}
		}
		for k := range in {
			e := &in[k]
			c, err := x.applyIn(tx, e.seq, e.record, &next)
			if err != nil {
				return err
			}
			all |= c
			next.In = protocol.Position{Seq: e.seq, Hash: e.running}
			next.Seen = max(next.Seen, e.record.Got)
		}
		return tx.Set([]byte(keyMarks), protocol.Marshal(next))
	})
	if err != nil {
		return 0, err
	}
	x.at = next
	return all, nil
}
