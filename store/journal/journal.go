// Package journal keeps an append-only log of records on one disk, so that what
// it acknowledged is still there after a power cut, and what the disk altered
// since is named and never handed out.
//
// Enter at [Open], write with [Journal.Append], read with [Journal.Read] and
// [Journal.Scan]; [Verify] and [Salvage] look at a journal that nobody has open.
// DESIGN.md beside this file has the layout on disk and the rules of recovery.
//
// The package refuses to repair: a damaged record is reported with its sequence,
// and whoever holds another copy decides. It knows nothing of what a record
// means, it never retries a failed write, and it never reads by mmap.
package journal

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"time"

	"kendro/domain/fault"
)

// Limits of one journal.
const (
	MaxRecord = 1 << 20  // Bytes of one record.
	MaxBatch  = 16 << 20 // Bytes of the records of one Write, all together.

	defaultSegment = 8 << 20
	minSegment     = 4 << 10
	maxSegment     = 1 << 30
)

// Cipher encrypts records at rest; *store.Vault is one. Both calls may overlap.
// Seal never repeats a nonce; Open answers an error for anything that Seal did
// not make with the same aad.
type Cipher interface {
	Seal(dst, plaintext, aad []byte) []byte
	Open(dst, sealed, aad []byte) ([]byte, error)
}

// Options say how a journal is kept. The zero value is a plain journal that
// begins at 1, in segments of 8 MiB.
type Options struct {
	SegmentBytes int64         // Size of a segment file; 0 means 8 MiB.
	First        uint64        // Sequence of the first record of a new journal; 0 means 1.
	Name         string        // Bound into every sealed record, so that records can't change journals.
	Cipher       Cipher        // nil keeps records in clear.
	HeadEvery    time.Duration // How often HEAD is synced; 0 means a second.
	Ahead        func() bool   // Whether the next segment is prepared before it is needed; nil means always.
	Direct       bool          // Records are written past the system's memory where it can be done: quicker, and the first to read one waits for the disk.
	Disk         Disk          // nil is the operating system's; tests put faults in.
	Alone        bool          // No goroutine: segments are made when they are needed, and HEAD is synced by SyncHead.
}

// Report is what [Open] found. Behind and HeadMissing ask for a decision: until
// [Journal.Settle] or [Journal.Reset], whatever would write answers
// [fault.Conflict], while reading goes on.
type Report struct {
	Created     bool     // There was nothing here: neither segments nor HEAD.
	Emptied     bool     // Created, and yet there was a journal in this folder before.
	HeadMissing bool     // Segments are here, but no readable HEAD: maybe an old copy of the disk.
	HeadTorn    bool     // A slot of HEAD isn't what was written. The other one counts, and the next write mends it.
	Behind      bool     // The journal ends before the record that HEAD names.
	HeadSeq     uint64   // The record that HEAD names.
	Advanced    bool     // The journal verified beyond HEAD, which followed.
	TornBytes   int64    // Bytes of unacknowledged records cut from the end.
	Damage      []Damage // What is damaged; not empty only beside an error.
}

// Damage is a run of records that cannot be read as they were written.
type Damage struct {
	First, Last uint64 // Sequences, both included.
	File        string // Base name of the segment.
	What        string
}

// Journal is an open log. All methods may be called concurrently. After one
// failed write or sync every method that returns an error answers
// [fault.Stopped]: nothing is retried, and only a restart looks again at what
// the disk kept.
type Journal struct {
	dir  string
	o    Options
	lock io.Closer

	write  turn      // Whoever holds it owns the end of the log, and the list of segments.
	end    writeEnd  // Owned by the holder of write.
	spares *spares   // Owned by the holder of write.
	commit committer // HEAD and the durable mark. Its turn is taken after write.
	reader reader

	health
	view // What readers see, and its lock.

	quit chan struct{}
	done sync.WaitGroup
}

// point is a place between two records.
type point struct {
	seq   uint64 // Of the record before it.
	chain [32]byte
	end   int64 // Offset behind that record in its segment.
}

// turn is a right that one goroutine holds at a time.
type turn chan struct{}

func newTurn() turn   { return make(turn, 1) }
func (t turn) take()  { t <- struct{}{} }
func (t turn) leave() { <-t }

func (o Options) withDefaults() (Options, error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegment
	}
	if o.SegmentBytes < minSegment || o.SegmentBytes > maxSegment {
		return o, fault.New("journal.Open", fault.Invalid, "SegmentBytes",
			"want 4 KiB to 1 GiB for a segment")
	}
	o.SegmentBytes &^= 4095
	if o.First == 0 {
		o.First = 1
	}
	if o.HeadEvery == 0 {
		o.HeadEvery = time.Second
	}
	if o.Ahead == nil {
		o.Ahead = func() bool { return true }
	}
	if o.Disk == nil {
		o.Disk = osDisk{direct: o.Direct}
	}
	return o, nil
}

// First returns the sequence of the oldest record that can be read; it is
// Last()+1 when there is none.
func (j *Journal) First() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.first
}

// Last returns the sequence of the newest durable record; it is First()-1 when
// there is none.
func (j *Journal) Last() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last.seq
}

// Head returns the newest durable record and the hash over it and all before it.
// The hash covers the bytes as stored, so it says nothing about a sealed record
// and differs from box to box.
func (j *Journal) Head() (seq uint64, chain [32]byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last.seq, j.last.chain
}

// Close makes everything written durable, syncs HEAD and lets go of the folder.
// It waits for the goroutines that Open started. A second Close does nothing.
func (j *Journal) Close() error {
	j.write.take()
	defer j.write.leave()
	j.commit.take()
	defer j.commit.leave()
	select {
	case <-j.quit:
		return nil
	default:
	}
	var err error
	if j.failed.Load() == nil && !j.unsettled.Load() {
		if err = j.commit.advance("journal.Close"); err == nil {
			err = j.commit.putHead("journal.Close", steady)
		}
	}
	close(j.quit)
	j.done.Wait()
	_ = j.fail("journal.Close", errClosed) // What every later call answers.
	j.spares.drop()
	if s := j.end.active; s != nil {
		j.end.active = nil
		j.release(s)
	}
	j.closeIdle()
	return errors.Join(err, j.commit.head.file.Close(), j.lock.Close())
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
