package register

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"kendro/domain/fault"
	"kendro/protocol"
)

// firstOwnSlot is the slot under which the hub itself mints numbers.
const firstOwnSlot = "0001"

// A Quarantine is something that a person has to look at: a block that does not
// open, an event that names no case, or a case that was held.
type Quarantine struct {
	Log    protocol.LogID  `cbor:"1,keyasint"`
	First  uint64          `cbor:"2,keyasint"`
	Last   uint64          `cbor:"3,keyasint"`
	Reason string          `cbor:"4,keyasint"`
	Hash   protocol.Hash   `cbor:"5,keyasint"`           // Of the event at Last.
	Number protocol.Number `cbor:"6,keyasint,omitempty"` // Of a held case.
	Size   int             `cbor:"7,keyasint,omitempty"` // Bytes of the block kept, where it is one.
	Index  uint64          `cbor:"8,keyasint"`
	Place  uint32          `cbor:"9,keyasint"` // Within the entry; with Index it names the quarantine.
}

// chunk is how much of a quarantined block one value holds.
const chunk = 128 << 10

func (s intake) aside(q *Quarantine) {
	s.part++
	q.Index, q.Place = s.index, s.part
	s.put(key(tagQuarantine, u64(q.Index), u32(q.Place)), q)
}

// quarantine keeps a block that nobody can open, whole, and moves the log past
// it: the leader has found that it does not open, the author's signature stands
// for its place in the log. Only a block that begins where the log ends can be
// taken so, since its inside can't be compared.
func (s intake) quarantine(in *Ingest, l *logState) *protocol.Failure {
	h := &in.Block.Header
	if h.First != l.At.Seq+1 {
		return refuse(fault.Unavailable, h.Log.String(), "send again from the position given")
	}
	raw := protocol.Marshal(&in.Block)
	if !s.room(len(raw)/chunk+8, len(raw)) {
		return refuse(fault.Unavailable, h.Log.String(), whyCrowded)
	}
	q := &Quarantine{
		Log: h.Log, First: h.First, Last: h.Last, Hash: h.End, Size: len(raw),
		Reason: clip(strings.ToValidUTF8(in.Quarantine, "?"), 256),
	}
	s.aside(q)
	for i := 0; len(raw) > 0; i++ {
		n := min(chunk, len(raw))
		s.set(key(tagChunk, u64(q.Index), u32(q.Place), u32(uint32(i))), raw[:n])
		raw = raw[n:]
	}
	l.At = protocol.Position{Seq: h.Last, Hash: h.End}
	s.record(h.Log, l.At, nil) // The hash alone, so that later copies can be compared.
	s.meta.Stats.Accepted += uint64(h.Count())
	s.meta.Stats.Quarantined += uint64(h.Count())
	s.moved(h.Log)
	return nil
}

// fork freezes a log on two statements that disagree.
func (s intake) fork(in *Ingest, l *logState, seq uint64, theirs protocol.Hash) *protocol.Failure {
	h := &in.Block.Header
	ours := l.At.Hash
	if v, ok := s.raw(eventKey(h.Log, seq)); ok && len(v) >= len(ours) {
		ours = protocol.Hash(v[:len(ours)])
	}
	l.Fork = &Fork{Seq: seq, Ours: ours, Theirs: theirs, Header: *h, Signature: in.Block.Signature, Index: s.index}
	s.meta.Stats.Forks++
	s.moved(h.Log)
	s.freezeAt(h.Log, l, seq)
	return refuse(fault.Conflict, h.Log.String(), "the log forked: it is frozen until the box enrols again")
}

// freezeAt tells the centre of a log that it forked, and marks its box.
func (s intake) freezeAt(log protocol.LogID, l *logState, seq uint64) {
	_, slot, _ := strings.Cut(log.Name, "-")
	owner := s.world.slots[slot]
	if s.format == 1 || owner == nil {
		return
	}
	s.tellGivenUp(log, l, seq, protocol.GivenUpForked)
	s.copied(owner)
}

// forkIn freezes a log on a block whose end differs. Its first event that
// differs is named where the block opens.
func (s intake) forkIn(in *Ingest, l *logState) *protocol.Failure {
	h := &in.Block.Header
	if items, f := s.open(&in.Block); f == nil {
		for i := range items {
			if s.differs(l, h.Log, items[i].Seq, items[i].Hash) {
				return s.fork(in, l, items[i].Seq, items[i].Hash)
			}
		}
	}
	return s.fork(in, l, h.Last, h.End)
}

// alias gives a case another number, since its own is taken: the same on every
// server, from one of the hub's own slots.
func (s intake) alias(c *Case) {
	c.Printed = c.Number
	for try := uint64(0); s.err == nil; try++ {
		h := sha256.New()
		h.Write([]byte("kendro-alias-1\x00"))
		h.Write(u64(uint64(c.Printed)))
		h.Write(c.At.Hash[:])
		h.Write(binary.BigEndian.AppendUint64(nil, try))
		n, err := protocol.MintNumber(s.world.founding.District, firstOwnSlot, h.Sum(nil)[:protocol.NonceSize])
		if err != nil {
			s.keep(err)
			return
		}
		if !s.has(caseKey(n)) {
			c.Number = n
			break
		}
	}
	s.set(key(tagAlias, u64(uint64(c.Printed)), u64(uint64(c.Number))), nil)
	s.meta.Stats.Aliases++
}
