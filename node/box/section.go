package box

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync/atomic"

	"kendro/protocol"
	"kendro/store"
)

// A section is the part of journal/own that belongs to one log. A box begins
// another when it gives its log up; the journal goes on.
type section struct {
	_     struct{} `cbor:",toarray"`
	First uint64   // Of its first record in journal/own.
	Log   protocol.LogID
	From  uint64 // The first record of former sections that stands again at its beginning; First: none does.
}

// place is where a record of the section stands in its log.
func (s *section) place(record uint64) uint64 { return record - s.First + 1 }

// sections are those of journal/own in its order; the last one is written. They
// are exchanged whole: a reader keeps what he got.
type sections []section

func (l sections) current() *section { return &l[len(l)-1] }

// of returns the section of a record, or nil.
func (l sections) of(record uint64) *section {
	for i := range slices.Backward(l) {
		if l[i].First <= record {
			return &l[i]
		}
	}
	return nil
}

// named returns the section of a log, and up to which record it may be sent: the
// rest stands again in a later one, and is never sent under this log's name.
func (l sections) named(log protocol.LogID, last uint64) (s *section, end uint64) {
	end = last
	for i := range slices.Backward(l) {
		if l[i].Log == log {
			return &l[i], end
		}
		end = min(end, l[i].From-1, l[i].First-1)
	}
	return nil, 0
}

// A layout says which log the records of journal/own belong to. Readers may
// overlap the one who changes it.
type layout struct {
	first protocol.LogID // Of records that name none.
	list  atomic.Pointer[sections]
	holes atomic.Pointer[[]uint64] // Records that were damaged, in order; exchanged whole.
	bare  atomic.Pointer[[]uint64] // Likewise, records that were erased and stand in no later section.
}

// forget has the layout read again.
func (x *layout) forget() {
	x.list.Store(nil)
	x.holes.Store(nil)
	x.bare.Store(nil)
}

// damaged lists the records that only hold the place of one that was damaged.
func (x *layout) damaged() []uint64 {
	if l := x.holes.Load(); l != nil {
		return *l
	}
	return nil
}

// hole reports whether a record is one of them.
func (x *layout) hole(record uint64) bool {
	_, there := slices.BinarySearch(x.damaged(), record)
	return there
}

// whole is up to where the records from one to another can be read: from-1 if not
// even the first can.
func (x *layout) whole(from, to uint64) uint64 {
	l := x.damaged()
	if i, _ := slices.BinarySearch(l, from); i < len(l) {
		return min(to, l[i]-1)
	}
	return to
}

// absent reports whether a record can't stand again: it was damaged, or erased before.
func (x *layout) absent(record uint64) bool {
	if x.hole(record) {
		return true
	}
	l := x.bare.Load()
	if l == nil {
		return false
	}
	_, there := slices.BinarySearch(*l, record)
	return there
}

// dig notes a hole.
func (x *layout) dig(record uint64) { insert(&x.holes, record) }

// insert adds a record to a list that is exchanged whole.
func insert(list *atomic.Pointer[[]uint64], record uint64) {
	var l []uint64
	if old := list.Load(); old != nil {
		l = *old
	}
	if i, there := slices.BinarySearch(l, record); !there {
		l = slices.Insert(slices.Clone(l), i, record)
		list.Store(&l)
	}
}

// all returns the sections.
func (x *layout) all() sections { return *x.list.Load() }

// log is the one that is written.
func (x *layout) log() protocol.LogID { return x.all().current().Log }

// begin adds a section, or corrects the last one.
func (x *layout) begin(s section) {
	l := sections{}
	if old := x.list.Load(); old != nil {
		l = slices.Clone(*old)
	}
	if n := len(l); n > 0 && l[n-1].First == s.First {
		l = l[:n-1]
	}
	l = append(l, s)
	x.list.Store(&l)
}

// step notes the section that a record begins or continues. Records are told in
// their order.
func (x *layout) step(seq uint64, r *ownRecord) {
	if r.hole() {
		x.dig(seq)
	}
	if r.gone != nil && !r.gone.Stood {
		insert(&x.bare, seq)
	}
	l := x.all()
	s := l.of(seq)
	name := r.Log
	if name == "" { // Written before a box could change its slot.
		name = x.first.Name
	}
	log := protocol.LogID{Channel: protocol.Uplink, Name: name, Incarnation: r.Incarnation}
	switch {
	case s == nil || s.Log != log:
		begun := section{First: seq, Log: log, From: seq}
		if r.Key == againKey {
			x.lower(&begun)
		}
		x.begin(begun)
	case r.Key == againKey && seq > s.First && s.First-s.From < s.place(seq):
		longer := *s
		x.lower(&longer)
		x.begin(longer)
	}
}

// lower has one more record stand again in a section. One that was damaged, or erased
// before, doesn't.
func (x *layout) lower(s *section) {
	for s.From--; s.From > 1 && x.absent(s.From); s.From-- {
	}
}

// end is where the own log is written on, given the last record of journal/own
// and its hash.
func (x *layout) end(at protocol.Position) protocol.Position {
	if at.Seq < x.all().current().First {
		at.Hash = protocol.Hash{} // Nothing stands in this section yet.
	}
	return at
}

// headOf is the head of the log that is written, given the end of journal/own.
func (x *layout) headOf(at protocol.Position) protocol.Head {
	s := x.all().current()
	if at.Seq < s.First {
		return protocol.Head{Log: s.Log}
	}
	return protocol.Head{Log: s.Log, At: protocol.Position{Seq: s.place(at.Seq), Hash: at.Hash}}
}

// recall reads the sections that the index has followed.
func (x *layout) recall(tx *store.Tx) error {
	x.list.Store(&sections{{First: 1, Log: x.first, From: 1}})
	x.holes.Store(nil)
	x.bare.Store(nil)
	for kind, list := range map[string]*atomic.Pointer[[]uint64]{keyHole: &x.holes, keyBare: &x.bare} {
		err := tx.Scan([]byte(kind), []byte(kind), func(key, _ []byte) (bool, error) {
			if len(key) != len(kind)+8 {
				return false, damagedIndex(errors.New("a place has another length than 8 bytes"))
			}
			insert(list, binary.BigEndian.Uint64(key[len(kind):]))
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	return tx.Scan([]byte(keySection), []byte(keySection), func(_, value []byte) (bool, error) {
		var s section
		if err := protocol.Unmarshal(value, maxRecord, "index", &s); err != nil {
			return false, damagedIndex(err)
		}
		x.begin(s)
		return true, nil
	})
}
