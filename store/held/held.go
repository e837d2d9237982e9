// Package held keeps sealed blocks of other machines' logs on this disk until a
// hub has signed for them: a box does it for its neighbours, a server without a
// quorum for its boxes.
//
// Enter at [Open]; [Store.Put] returns when a block is durable, and only then may
// anybody be told. What lies here can be told apart by log and place and by nothing
// else: it is sealed to the district, and this package holds no key for it.
//
// The package refuses to judge: whoever calls has verified signature and right. It
// keeps no gap in a log, no more than its quota, nothing that an acknowledgement covers,
// and of what was erased by order nothing but what goes on behind it.
package held

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store/journal"
)

// Options say how a store is kept.
type Options struct {
	Cipher journal.Cipher // Nil keeps records as they came, which is sealed.
	Quota  int64          // Bytes of blocks in all; 0 is 64 MiB.
	Disk   journal.Disk   // Nil is the operating system's.
	Logger *slog.Logger   // Nil says nothing.
	Alone  bool           // No goroutine, see [Store.Sync].

	Segment int64 // Bytes of a segment of the journal; 0 is 2 MiB.
}

const (
	defaultQuota = 64 << 20
	segment      = 2 << 20
	slack        = 1 << 20 // Bytes of dead records that are not worth a rewrite.
	maxRecord    = protocol.MaxMessage + 8<<10
)

// A Store holds blocks. It is safe for concurrent use.
type Store struct {
	j     *journal.Journal
	quota int64

	turn chan struct{} // Whoever holds it may write the journal.

	mu     sync.Mutex // Guards what follows; never held across the disk.
	logs   map[protocol.LogID]*shelf
	epochs map[epochID]*introduction
	live   int64 // Bytes of records that are needed.
	dead   int64 // Bytes of records that are not.
	blocks int64 // Of live, what counts for the quota.
	erased erased
}

// An epochID tells epochs apart, as protocol has it.
type epochID [16]byte

// A shelf is what is held of one log.
type shelf struct {
	base  protocol.Position // What lies before the first block.
	slots []slot
	ack   *protocol.Passed
	at    uint64 // Record of ack.
	size  int64
}

// A slot is one block and where it lies.
type slot struct {
	head  protocol.Header
	at    uint64
	bytes int64
}

type introduction struct {
	epoch *protocol.Epoch
	at    uint64
	bytes int64
	uses  int
}

// A record of the journal is one of three.
type record struct {
	Epoch *protocol.Epoch  `cbor:"1,keyasint,omitempty"`
	Block *protocol.Block  `cbor:"2,keyasint,omitempty"`
	Ack   *protocol.Passed `cbor:"3,keyasint,omitempty"`
}

// Open opens the store in a folder, made where there is none. Damaged records are
// [fault.Damaged] and named; Reset of a damaged one loses copies, never originals.
func Open(dir string, o Options) (*Store, error) {
	if o.Quota == 0 {
		o.Quota = defaultQuota
	}
	if o.Segment == 0 {
		o.Segment = segment
	}
	j, report, err := journal.Open(dir, journal.Options{SegmentBytes: o.Segment, Name: "held", Cipher: o.Cipher, Disk: o.Disk, Alone: o.Alone})
	if err != nil {
		return nil, err
	}
	if o.Logger != nil {
		mention(o.Logger, &report, j)
	}
	s := &Store{
		j: j, quota: o.Quota, turn: make(chan struct{}, 1),
		logs: map[protocol.LogID]*shelf{}, epochs: map[epochID]*introduction{}, erased: erased{places: map[protocol.LogID][]protocol.Position{}},
	}
	if report.Behind || report.HeadMissing {
		err = j.Settle() // What is missing lies at its owner's as well; the head says that it is not here.
	}
	if err == nil {
		err = s.read()
	}
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return s, nil
}

// Anew opens the store in a folder, and begins with an empty one where the records
// are damaged: they are copies of what others hold themselves, and better none than
// a machine that does not start. It logs which were lost.
func Anew(dir string, o Options) (*Store, error) {
	s, err := Open(dir, o)
	if !errors.Is(err, fault.Damaged) {
		return s, err
	}
	if o.Logger != nil {
		o.Logger.Error("the held blocks are damaged and begin anew: copies of others' records here are lost", "folder", dir, "err", err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, &fault.Error{Op: "held.Anew", Kind: fault.Stopped, Item: dir, Err: err}
	}
	return Open(dir, o)
}

// mention logs what is not as it was left.
func mention(log *slog.Logger, r *journal.Report, j *journal.Journal) {
	const copies = "copies of neighbours' records are missing: their boxes hear of it when they next ask"
	switch {
	case r.Emptied:
		log.Warn("journal/held was here and begins anew: "+copies, "last", j.Last())
	case r.Behind:
		log.Warn("journal/held ends before its HEAD: "+copies, "head", r.HeadSeq, "last", j.Last())
	case r.HeadMissing:
		log.Warn("the HEAD of journal/held is gone and is made anew: whether the last copies are all here can't be said", "last", j.Last())
	case r.HeadTorn:
		log.Warn("a slot of a journal's HEAD was not as written, the other one counts", "journal", "held")
	}
}

// read fills the memory from the journal.
func (s *Store) read() error {
	return s.j.Scan(s.j.First(), func(seq uint64, raw []byte) error {
		var r record
		if err := protocol.Unmarshal(raw, maxRecord, "held record", &r); err != nil {
			return &fault.Error{Op: "held.Open", Kind: fault.Damaged, Item: fmt.Sprintf("journal/held record %d", seq), Err: err}
		}
		s.note(&r, seq, int64(len(raw)))
		return nil
	})
}

// note takes a durable record into the memory. The caller holds mu, or is Open.
func (s *Store) note(r *record, seq uint64, bytes int64) {
	s.live += bytes
	switch {
	case r.Epoch != nil:
		if s.epochs[epochID(r.Epoch.ID)] != nil {
			s.bury(bytes)
			return
		}
		s.epochs[epochID(r.Epoch.ID)] = &introduction{epoch: r.Epoch, at: seq, bytes: bytes}
	case r.Block != nil:
		s.notePut(&r.Block.Header, seq, bytes)
	case r.Ack != nil:
		s.noteAck(r.Ack, seq, bytes)
	}
}

func (s *Store) bury(bytes int64) {
	s.live -= bytes
	s.dead += bytes
}

func (s *Store) notePut(h *protocol.Header, seq uint64, bytes int64) {
	sh := s.shelf(h.Log)
	if slices.ContainsFunc(sh.slots, func(x slot) bool { return x.head.First == h.First && x.head.Last == h.Last && x.head.End == h.End }) {
		s.bury(bytes) // A kill while all was written again left it twice: the first counts, with what stands behind it.
		s.erased.bury(h)
		return
	}
	if e := s.epochs[epochID(h.Epoch)]; e != nil {
		e.uses++ // Before what it replaces lets go of it.
	}
	for len(sh.slots) > 0 && sh.slots[len(sh.slots)-1].head.First >= h.First {
		s.drop(sh, len(sh.slots)-1) // A wider block replaces those that it covers.
	}
	if len(sh.slots) == 0 {
		sh.base = protocol.Position{Seq: h.First - 1, Hash: h.Prev}
	}
	sh.slots = append(sh.slots, slot{*h, seq, bytes})
	sh.size += bytes
	s.blocks += bytes
}

// drop takes one block out.
func (s *Store) drop(sh *shelf, i int) {
	x := sh.slots[i]
	sh.slots = append(sh.slots[:i], sh.slots[i+1:]...)
	sh.size -= x.bytes
	s.blocks -= x.bytes
	s.bury(x.bytes)
	s.erased.bury(&x.head)
	if e := s.epochs[epochID(x.head.Epoch)]; e != nil {
		if e.uses--; e.uses == 0 {
			s.bury(e.bytes)
			delete(s.epochs, epochID(x.head.Epoch))
		}
	}
}

func (s *Store) noteAck(p *protocol.Passed, seq uint64, bytes int64) {
	sh := s.shelf(p.Ack.Log)
	if sh.ack != nil {
		if sh.ack.Ack.At.Seq >= p.Ack.At.Seq {
			s.bury(bytes)
			return
		}
		s.bury(ackBytes(sh))
	}
	sh.ack, sh.at = p, seq
	for len(sh.slots) > 0 && sh.slots[0].head.Last <= p.Ack.At.Seq {
		s.drop(sh, 0)
	}
	if len(sh.slots) == 0 {
		sh.base = p.Ack.At
	} else {
		sh.base = protocol.Position{Seq: sh.slots[0].head.First - 1, Hash: sh.slots[0].head.Prev}
	}
}

func ackBytes(sh *shelf) int64 { return int64(len(protocol.Marshal(&record{Ack: sh.ack}))) }

func (s *Store) shelf(log protocol.LogID) *shelf {
	sh := s.logs[log]
	if sh == nil {
		sh = &shelf{}
		s.logs[log] = sh
	}
	return sh
}

// head is how far a log is held.
func (sh *shelf) head() protocol.Position {
	if n := len(sh.slots); n > 0 {
		return protocol.Position{Seq: sh.slots[n-1].head.Last, Hash: sh.slots[n-1].head.End}
	}
	return sh.base
}

// Sync makes the journal's HEAD durable, which a store that is alone does not do by
// itself every second.
func (s *Store) Sync() error { return s.j.SyncHead() }

// Close makes everything durable and lets go of the folder.
func (s *Store) Close() error { return s.j.Close() }
