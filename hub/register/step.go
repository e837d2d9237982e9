package register

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// meta is what the register knows about itself. It is written once an entry.
type meta struct {
	Index    uint64        `cbor:"1,keyasint"` // Of the newest entry.
	Term     uint64        `cbor:"2,keyasint"`
	At       int64         `cbor:"3,keyasint"` // Time of the newest entry, Unix milliseconds.
	Digest   protocol.Hash `cbor:"4,keyasint"` // Over every write of every entry.
	Stats    Stats         `cbor:"5,keyasint"`
	NextSlot int           `cbor:"6,keyasint"` // The next one to hand out.
}

// Stats counts what the register has seen since it began.
type Stats struct {
	Accepted    uint64                     `cbor:"1,keyasint"` // Events of uplinks, all of them.
	Cases       uint64                     `cbor:"2,keyasint"`
	Held        uint64                     `cbor:"3,keyasint"` // Cases that stand aside for a person.
	Unreadable  uint64                     `cbor:"4,keyasint"` // Events that name no case.
	Quarantined uint64                     `cbor:"5,keyasint"` // Events in blocks that could not be opened.
	Unrouted    uint64                     `cbor:"6,keyasint"` // Cases that wait for a desk to exist, now.
	Aliases     uint64                     `cbor:"7,keyasint"`
	Forks       uint64                     `cbor:"8,keyasint"`
	Acts        uint64                     `cbor:"9,keyasint"`
	Looks       uint64                     `cbor:"10,keyasint"`
	Stages      [application.Stages]uint64 `cbor:"11,keyasint"`           // Cases by stage, now.
	Recovered   uint64                     `cbor:"12,keyasint,omitempty"` // Cases that came as recovered.
	Again       uint64                     `cbor:"13,keyasint,omitempty"` // Events whose application was here already, by another log.
	Copied      uint64                     `cbor:"14,keyasint,omitempty"` // Boxes of which a copy was seen.
	Followed    uint64                     `cbor:"15,keyasint,omitempty"` // Events on cases that were here: applied, or an item.
	Items       uint64                     `cbor:"16,keyasint,omitempty"` // Items that were opened.
	Settled     uint64                     `cbor:"17,keyasint,omitempty"` // Items that came to an outcome.

	ByTime
	Forgotten

	Untold uint64 `cbor:"68,keyasint,omitempty"` // Words to centres that were longer than an event: a defect of ours.
}

// ByTime counts what happened because time went by.
type ByTime struct {
	Lapsed    uint64 `cbor:"18,keyasint,omitempty"` // Demands whose term ended.
	Escalated uint64 `cbor:"19,keyasint,omitempty"` // Times that a task went to a superior.
}

// Forgotten counts what was erased by order.
type Forgotten struct {
	Erased uint64 `cbor:"65,keyasint,omitempty"` // Cases that were erased by order.
	Newest uint64 `cbor:"67,keyasint,omitempty"` // The newest entry that held something of an erased case.
	Gone   uint64 `cbor:"66,keyasint,omitempty"` // Events of which the hash alone is kept: they were erased before they came here.
}

// logState is where a log stands in the register.
type logState struct {
	_    struct{} `cbor:",toarray"`
	At   protocol.Position
	Fork *Fork
}

// A Fork is the evidence that freezes a log: two signed statements that give one
// sequence different hashes. The register holds the first, Header the other.
type Fork struct {
	Seq       uint64          `cbor:"1,keyasint"`
	Ours      protocol.Hash   `cbor:"2,keyasint"`
	Theirs    protocol.Hash   `cbor:"3,keyasint"`
	Header    protocol.Header `cbor:"4,keyasint"`
	Signature []byte          `cbor:"5,keyasint"`
	Index     uint64          `cbor:"6,keyasint"`
}

// A step is one entry on its way into the state. Failures of the disk, and state
// that can't be read, stick in err; the entry is then not applied at all.
type step struct {
	tx     Tx
	opener Opener
	format uint8 // Of the entry.
	zone   *time.Location
	plans  map[Method]plan
	index  uint64
	part   uint32 // Counts things that need a key of their own in this entry.
	world  *world // Changed by copying, see world.go.
	meta   meta
	out    *Outcome
	err    error

	logs    map[protocol.LogID]*logState // Logs touched, written at the end …
	touched []protocol.LogID             // … in the order in which they were.
	cells   map[cellID]*Cell
	times   map[uint64]int64 // The register's time at entries that were asked for.
	writes  int
	written int
	plain   int             // Bytes of events opened so far.
	held    []protocol.Hash // Documents that a block named and the servers hold.

	people *application.Roster // Who holds which seat, once it was asked for.
}

// get reads a key into v and reports whether it was there.
func (s *step) get(k []byte, v any) bool {
	raw, ok := s.raw(k)
	if !ok {
		return false
	}
	s.keep(decodeState(k, raw, v))
	return s.err == nil
}

func (s *step) raw(k []byte) ([]byte, bool) {
	if s.err != nil || !keepable(k) {
		return nil, false
	}
	raw, err := s.tx.Get(k)
	if err != nil {
		if !errors.Is(err, fault.NotFound) {
			s.keep(err)
		}
		return nil, false
	}
	return raw, true
}

func (s *step) has(k []byte) bool {
	_, ok := s.raw(k)
	return ok
}

func (s *step) put(k []byte, v any) { s.set(k, protocol.Marshal(v)) }

func (s *step) set(k, v []byte) {
	switch {
	case s.err != nil:
	case !keepable(k) || len(v) > store.MaxValue:
		s.keep(errLong)
	case s.written > mostWritten:
		s.keep(errFull)
	default:
		s.writes++
		s.written += len(k) + len(v)
		s.keep(s.tx.Set(k, v))
	}
}

func (s *step) del(k []byte) {
	if s.err == nil && keepable(k) {
		s.writes++
		s.written += len(k)
		s.keep(s.tx.Delete(k))
	}
}

func (s *step) keep(err error) {
	if s.err == nil {
		s.err = err
	}
}

// room reports whether so many writes and bytes still fit into the transaction.
// What doesn't fit is sent again, so an empty transaction has always room.
func (s *step) room(writes, bytes int) bool {
	return s.writes == 0 || s.writes+writes <= MaxEntryWrites && s.written+bytes <= MaxEntryWritten
}

// log returns where a log stands, to be changed in place.
func (s *step) log(id protocol.LogID) *logState {
	if l, ok := s.logs[id]; ok {
		return l
	}
	l := &logState{}
	s.get(logKey(tagLog, id), l)
	s.logs[id] = l
	return l
}

// moved notes that a log has to be written.
func (s *step) moved(id protocol.LogID) {
	if slices.Contains(s.touched, id) {
		return
	}
	s.touched = append(s.touched, id)
}

// append adds an event of our own to one of our logs. The inbox of no centre is none: what
// clerks entered at the hub concerns no box.
func (s *step) append(id protocol.LogID, e *protocol.Event) protocol.Position {
	if id.Channel == protocol.Inbox && id.Name == "" {
		return protocol.Position{}
	}
	e.At, e.Checkpoint = s.meta.At, s.index
	raw, err := e.Encode()
	l := s.log(id)
	if err != nil && id.Channel == protocol.Inbox {
		s.meta.Stats.Untold++ // A centre that misses a word is less than a district that stops for good.
		return l.At
	}
	if err != nil { // Bounded before; anything else is a defect of ours.
		s.keep(err)
		return protocol.Position{}
	}
	l.At = protocol.Position{Seq: l.At.Seq + 1, Hash: protocol.ChainHash(id, l.At.Seq+1, l.At.Hash, raw)}
	s.record(id, l.At, raw)
	if id.Channel == protocol.Uplink {
		sealers{s}.late(raw)
	}
	s.moved(id)
	return l.At
}

// record keeps an event as its author wrote it, behind its hash.
func (s *step) record(id protocol.LogID, at protocol.Position, raw []byte) {
	v := make([]byte, 0, len(at.Hash)+len(raw))
	s.set(eventKey(id, at.Seq), append(append(v, at.Hash[:]...), raw...))
}

// finish writes what was gathered and folds every write into the digest.
func (s *step) finish() error {
	for _, id := range s.touched {
		l := s.logs[id]
		s.put(logKey(tagLog, id), l)
		s.out.Grew = append(s.out.Grew, protocol.Head{Log: id, At: l.At})
	}
	s.flushCells()
	if s.err != nil {
		return s.err
	}
	h := sha256.New()
	h.Write([]byte("kendro-register-1\x00"))
	h.Write(protocol.Marshal(&s.meta))
	var size [8]byte
	for _, w := range s.tx.Writes() {
		there := uint32(1)
		if w.Value == nil {
			there = 0
		}
		binary.BigEndian.PutUint32(size[:4], uint32(len(w.Key))<<1|there)
		binary.BigEndian.PutUint32(size[4:], uint32(len(w.Value)))
		h.Write(size[:])
		h.Write(w.Key)
		h.Write(w.Value)
	}
	h.Sum(s.meta.Digest[:0])
	s.put(key(tagMeta), &s.meta)
	return s.err
}

// decodeState reads what this package wrote. Anything else is damage.
func decodeState(k, raw []byte, v any) error {
	const limit = 1 << 20
	if err := protocol.Unmarshal(raw, limit, "state", v); err != nil {
		return &fault.Error{Op: "register.state", Kind: fault.Damaged, Item: string(k[:1]), Err: err}
	}
	return nil
}

// refuse makes a failure in our own words. What a library says stays out: it
// would differ between builds, and answers are state.
func refuse(kind fault.Kind, item, text string) *protocol.Failure {
	return &protocol.Failure{Kind: kind, Op: "register", Item: clip(item, 128), Text: text}
}

// failureOf takes over a failure of the domain packages, whose words are ours.
func failureOf(err error) *protocol.Failure {
	if err == nil {
		return nil
	}
	f := refuse(fault.KindOf(err), "", "")
	if e, ok := errors.AsType[*fault.Error](err); ok {
		f.Op, f.Item = e.Op, clip(e.Item, 128)
		if e.Err != nil {
			f.Text = clip(e.Err.Error(), protocol.MaxText)
		}
	}
	return f
}
