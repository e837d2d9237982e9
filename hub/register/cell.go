package register

import (
	"cmp"
	"slices"
	"time"

	"kendro/domain/place"
)

// A Cell counts what happened in one hour to the applications of one centre. A
// sum of cells is the truth about any span and area; a cell taken twice is taken
// once, since it is known by its hour and centre.
type Cell struct {
	Hour   int64        `cbor:"1,keyasint"` // Unix time in hours, by the register's time.
	Centre place.Centre `cbor:"2,keyasint"`
	Counts []Count      `cbor:"3,keyasint"` // By service.
}

// A Count is what happened to the applications of one service.
type Count struct {
	_             struct{} `cbor:",toarray"`
	Service       string
	Received      uint64
	Held          uint64
	Forwarded     uint64
	Approved      uint64
	Rejected      uint64
	DecidedMillis int64 // From acceptance to decision, summed over the decided.
}

type cellID struct {
	hour   int64
	centre place.Centre
}

func (id cellID) key() []byte { return key(tagCell, u32(uint32(id.hour)), []byte(id.centre)) }

// cellOf returns the counters of a centre in the current hour, to be changed in
// place.
func cellOf(s *step, c place.Centre) *Cell {
	id := cellID{hour: s.meta.At / time.Hour.Milliseconds(), centre: c}
	if cell, ok := s.cells[id]; ok {
		return cell
	}
	cell := &Cell{Hour: id.hour, Centre: c}
	s.get(id.key(), cell)
	s.cells[id] = cell
	return cell
}

// of returns the count of a service, to be changed in place before the next of.
func (c *Cell) of(service string) *Count {
	i, ok := slices.BinarySearchFunc(c.Counts, service, func(n Count, s string) int { return cmp.Compare(n.Service, s) })
	if !ok {
		c.Counts = slices.Insert(c.Counts, i, Count{Service: service})
	}
	return &c.Counts[i]
}

// flushCells writes the counters. The order of writing doesn't matter: the
// transaction sorts its writes.
func (s *step) flushCells() {
	for id, cell := range s.cells {
		s.put(id.key(), cell)
	}
}
