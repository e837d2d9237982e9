package journal

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"sort"

	"kendro/domain/fault"
)

const (
	readChunk = 16 << 10
	scanChunk = 256 << 10
)

// place is where a record is looked for.
type place struct {
	seg   *segment
	after uint64 // First record behind this segment; 0 when it is the last.
	upto  uint64 // Last record that may be read.
	hint  int64  // Offset at or before the record.
	known bool   // The segment's marks were read.
	gen   uint64
}

// Read returns the record seq, checked against what was written.
//
// [fault.NotFound]: seq is outside First and Last. [fault.Damaged]: the disk
// altered it; the error names it, and other records can still be read.
func (j *Journal) Read(seq uint64) ([]byte, error) {
	const op = "journal.Read"
	for {
		p, err := j.locate(op, seq)
		if err != nil {
			return nil, err
		}
		record, err := j.readAt(&p, seq)
		if err == nil {
			return record, nil
		}
		if err = j.readFault(op, seq, p.gen, err); err != nil {
			return nil, err
		}
	}
}

// readFault explains a failed read: it returns nil when records were taken away
// meanwhile, so that the caller looks again.
func (j *Journal) readFault(op string, seq, gen uint64, err error) error {
	if e := j.stopped(op); e != nil {
		return e
	}
	j.mu.Lock()
	changed := j.gen != gen
	j.mu.Unlock()
	if changed {
		return nil
	}
	return &fault.Error{Op: op, Kind: fault.Damaged, Item: recordItem(seq, seq), Err: err}
}

func recordItem(first, last uint64) string {
	if first == last {
		return fmt.Sprintf("record %d", first)
	}
	if last == math.MaxUint64 {
		return fmt.Sprintf("records from %d", first)
	}
	return fmt.Sprintf("records %d to %d", first, last)
}

// locate finds the segment of seq.
func (j *Journal) locate(op string, seq uint64) (place, error) {
	if err := j.stopped(op); err != nil {
		return place{}, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if seq < j.first || seq > j.last.seq {
		return place{}, fault.New(op, fault.NotFound, recordItem(seq, seq),
			fmt.Sprintf("want a record from %d to %d", j.first, j.last.seq))
	}
	i := sort.Search(len(j.segs), func(i int) bool { return j.segs[i].first > seq }) - 1
	if i < 0 {
		return place{}, fault.New(op, fault.Damaged, recordItem(seq, seq), "its segment is missing")
	}
	s := j.segs[i]
	p := place{seg: s, upto: j.last.seq, gen: j.gen, known: s.marks != nil, hint: s.hint(s.marks, seq)}
	if i+1 < len(j.segs) {
		p.after = j.segs[i+1].first
	}
	return p, nil
}

func (j *Journal) readAt(p *place, seq uint64) ([]byte, error) {
	f, err := j.acquire(p.seg)
	if err != nil {
		return nil, err
	}
	defer j.release(p.seg)
	if !p.known {
		if err := j.index(f, p); err != nil {
			return nil, err
		}
		j.mu.Lock()
		p.hint = p.seg.hint(p.seg.marks, seq)
		j.mu.Unlock()
	}
	c := newCursor(f, &p.seg.birth, p.hint, readChunk)
	for {
		h, off, err := c.next()
		if err != nil {
			return nil, missing(err)
		}
		if h.seq > seq {
			return nil, errMissing
		}
		if h.seq < seq {
			continue
		}
		body, err := c.body(&h, off)
		if err != nil {
			return nil, err
		}
		stored, ok := h.record(body)
		if !ok {
			return nil, errChecksum
		}
		return j.o.open(seq, stored)
	}
}

var (
	errMissing  = errors.New("its frame is not there")
	errChecksum = errors.New("its checksum differs")
	errChain    = errors.New("it does not follow from the record before it")
)

func missing(err error) error {
	if err == io.EOF {
		return errMissing
	}
	return err
}

// index reads where the records of a closed segment lie.
func (j *Journal) index(f File, p *place) error {
	marks := []uint32{}
	c := newCursor(f, &p.seg.birth, segmentHeader, scanChunk)
	for expect := p.seg.first; p.after == 0 || expect < p.after; {
		h, off, err := c.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if h.seq < expect || (p.after > 0 && h.seq >= p.after) {
			continue // Stray bytes; whatever is missing is noticed when it is read.
		}
		marks = p.seg.mark(marks, h.seq, off)
		expect = h.seq + 1
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if p.seg.marks == nil && j.gen == p.gen {
		p.seg.marks = marks
	}
	return nil
}

// Scan calls fn with every record from seq up to the Last of this moment, in
// order, and returns the first error. It keeps one record in memory; fn may keep
// what it gets, and may call the journal. seq 0 means First; Last()+1 is nothing.
//
// [fault.NotFound]: from was dropped, or lies beyond the end. [fault.Damaged]: as
// for Read, and also where a record does not follow from the one before it.
func (j *Journal) Scan(from uint64, fn func(seq uint64, record []byte) error) error {
	const op = "journal.Scan"
	if err := j.stopped(op); err != nil {
		return err
	}
	j.mu.Lock()
	last := j.last.seq
	if from == 0 {
		from = j.first
	}
	j.mu.Unlock()
	s := scan{j: j, next: from, fn: fn}
	for s.next <= last || s.next > last+1 {
		p, err := j.locate(op, s.next)
		if err != nil {
			if now := j.Last(); s.next > from && s.next > now {
				return nil // The rest was cut away meanwhile.
			}
			return err
		}
		p.upto = min(p.upto, last)
		err = s.segment(&p)
		if s.stop != nil {
			return s.stop
		}
		if err != nil {
			if err = j.readFault(op, s.next, p.gen, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// scan is a Scan under way.
type scan struct {
	j    *Journal
	next uint64
	fn   func(uint64, []byte) error
	stop error // What fn returned.
}

// segment goes through the records of one segment.
func (s *scan) segment(p *place) error {
	f, err := s.j.acquire(p.seg)
	if err != nil {
		return err
	}
	defer s.j.release(p.seg)
	c := newCursor(f, &p.seg.birth, p.hint, scanChunk)
	prev, linked := p.seg.chain, p.hint == segmentHeader
	at := uint64(0) // The frame before, when the hint was not the beginning.
	for s.next <= p.upto && (p.after == 0 || s.next < p.after) {
		h, off, err := c.next()
		if err != nil {
			return missing(err)
		}
		if at > 0 && h.seq <= at {
			continue
		}
		if h.seq > s.next {
			return errMissing
		}
		linked = linked && (at == 0 || h.seq == at+1)
		at = h.seq
		if h.seq == s.next {
			if err := s.record(c, &h, off, prev, linked); err != nil {
				return err
			}
		}
		prev, linked = h.chain, true
	}
	return nil
}

// record checks one record and hands it out.
func (s *scan) record(c *cursor, h *frame, off int64, prev [32]byte, linked bool) error {
	body, err := c.body(h, off)
	if err != nil {
		return err
	}
	stored, ok := h.record(body)
	if !ok {
		return errChecksum
	}
	if linked && link(prev, stored) != h.chain {
		return errChain
	}
	record, err := s.j.o.open(h.seq, stored)
	if err != nil {
		return err
	}
	s.next++
	s.stop = s.fn(h.seq, record)
	return s.stop
}

// isGone tells a file that is not there.
func isGone(err error) bool { return errors.Is(err, os.ErrNotExist) }
