package journal

import (
	"fmt"

	"kendro/domain/fault"
)

// writeEnd is where the next record goes.
type writeEnd struct {
	active *segment // Held open; nil while there is no segment.
	file   File
	point  // Behind the last written record.
	buf    []byte
}

// Append writes the records as one batch and returns the sequence of the first.
// When it returns without an error they are durable. After a power cut before
// that, either all of them are there or none. Callers that overlap share a sync.
//
// [fault.Invalid]: too large, nothing happened. [fault.Unavailable]: the disk
// has no room for another segment, nothing happened, and it can be repeated.
// [fault.Stopped]: unknown whether they were kept.
func (j *Journal) Append(records ...[]byte) (first uint64, err error) {
	first, err = j.Write(records...)
	if err != nil {
		return 0, err
	}
	return first, j.commit.advanceTo("journal.Append", first+uint64(len(records))-1)
}

// Write is the first half of Append: the records have their place in the log,
// but may be lost, and can't be read, until Sync returns.
func (j *Journal) Write(records ...[]byte) (first uint64, err error) {
	const op = "journal.Write"
	if err := checkBatch(op, records); err != nil {
		return 0, err
	}
	j.write.take()
	defer j.write.leave()
	if err := j.writable(op); err != nil {
		return 0, err
	}
	need := j.o.batchSize(records)
	if j.end.active == nil || j.end.end+need > j.end.active.limit() {
		if err := j.roll(op, need); err != nil {
			return 0, err
		}
	}
	return j.put(op, records)
}

// Sync makes everything written before it durable. Calls that overlap share one
// fdatasync.
func (j *Journal) Sync() error {
	j.mu.Lock()
	seq := j.tip.seq
	j.mu.Unlock()
	return j.commit.advanceTo("journal.Sync", seq)
}

func checkBatch(op string, records [][]byte) error {
	total := 0
	for _, r := range records {
		if len(r) > MaxRecord {
			return fault.New(op, fault.Invalid, fmt.Sprint(len(r), " bytes"), "want at most 1 MiB in a record")
		}
		total += len(r)
	}
	if len(records) == 0 || total > MaxBatch || len(records) > MaxBatch/frameHeader {
		return fault.New(op, fault.Invalid, fmt.Sprint(len(records), " records, ", total, " bytes"),
			"want 1 record to 16 MiB of them in a batch")
	}
	return nil
}

// overhead is more than a cipher adds to a record.
const overhead = 64

// batchSize is at least what the records take on disk.
func (o *Options) batchSize(records [][]byte) (n int64) {
	for _, r := range records {
		extra := 0
		if o.Cipher != nil {
			extra = overhead
		}
		n += frameSize(len(r) + extra)
	}
	return n
}

// put writes the batch behind the last record. The caller holds write.
func (j *Journal) put(op string, records [][]byte) (first uint64, err error) {
	j.mu.Lock()
	durable := j.last.seq
	j.mu.Unlock()
	at := j.end.point
	first = at.seq + 1
	buf := j.end.buf[:0]
	offsets := make([]int64, 0, len(records))
	for i, r := range records {
		at.seq++
		stored := j.o.seal(at.seq, r)
		at.chain = link(at.chain, stored)
		f := frame{
			length: uint32(len(stored)), seq: at.seq, durable: durable,
			rest: uint32(len(records) - 1 - i), chain: at.chain,
		}
		offsets = append(offsets, at.end)
		buf = appendFrame(buf, &f, j.end.active.salt, stored)
		at.end = j.end.end + int64(len(buf))
	}
	if err := appendTo(j.end.file, buf, j.end.end); err != nil {
		return 0, j.fail(op, err)
	}
	if j.end.buf = buf; cap(buf) > MaxRecord {
		j.end.buf = nil
	}
	j.end.point = at
	j.mu.Lock()
	s := j.end.active
	for i, off := range offsets {
		s.marks = s.mark(s.marks, first+uint64(i), off)
	}
	j.tip = at
	j.mu.Unlock()
	return first, nil
}

// seal returns the record as stored.
func (o *Options) seal(seq uint64, record []byte) []byte {
	if o.Cipher == nil {
		return record
	}
	return o.Cipher.Seal(nil, record, o.label(seq))
}

// open is the reverse of seal. The result shares no memory with stored.
func (o *Options) open(seq uint64, stored []byte) ([]byte, error) {
	if o.Cipher == nil {
		return append([]byte{}, stored...), nil
	}
	return o.Cipher.Open(nil, stored, o.label(seq))
}

// label ties a sealed record to its journal and its place.
func (o *Options) label(seq uint64) []byte {
	return fmt.Appendf(nil, "journal %s %d", o.Name, seq)
}
