package journal

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sort"
	"sync"

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

// reader finds records and checks them. It changes nothing but what the view
// remembers of a segment.
type reader struct {
	o      *Options
	view   *view
	health *health
	chunks sync.Pool // Of *[]byte: windows for single records.
}

// Read returns the record seq, checked against what was written.
//
// [fault.NotFound]: seq is outside First and Last. [fault.Damaged]: the disk
// altered it; the error names it, and other records can still be read.
func (j *Journal) Read(seq uint64) ([]byte, error) {
	const op = "journal.Read"
	for {
		p, err := j.reader.locate(op, seq)
		if err != nil {
			return nil, err
		}
		record, err := j.reader.readAt(&p, seq)
		if err == nil {
			return record, nil
		}
		if err = j.reader.readFault(op, seq, p.gen, err); err != nil {
			return nil, err
		}
	}
}

// readFault explains a failed read: it returns nil when records were taken away
// meanwhile, so that the caller looks again.
func (r *reader) readFault(op string, seq, gen uint64, err error) error {
	if e := r.health.stopped(op); e != nil {
		return e
	}
	r.view.mu.Lock()
	changed := r.view.gen != gen
	r.view.mu.Unlock()
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
func (r *reader) locate(op string, seq uint64) (place, error) {
	if err := r.health.stopped(op); err != nil {
		return place{}, err
	}
	r.view.mu.Lock()
	defer r.view.mu.Unlock()
	if seq < r.view.first || seq > r.view.last.seq {
		return place{}, fault.New(op, fault.NotFound, recordItem(seq, seq),
			fmt.Sprintf("want a record from %d to %d", r.view.first, r.view.last.seq))
	}
	i := sort.Search(len(r.view.segs), func(i int) bool { return r.view.segs[i].first > seq }) - 1
	if i < 0 {
		return place{}, fault.New(op, fault.Damaged, recordItem(seq, seq), "its segment is missing")
	}
	s := r.view.segs[i]
	p := place{seg: s, upto: r.view.last.seq, gen: r.view.gen, known: s.marks != nil, hint: s.hint(s.marks, seq)}
	if i+1 < len(r.view.segs) {
		p.after = r.view.segs[i+1].first
	}
	return p, nil
}

func (r *reader) readAt(p *place, seq uint64) ([]byte, error) {
	f, err := r.view.acquire(p.seg)
	if err != nil {
		return nil, err
	}
	defer r.view.release(p.seg)
	if !p.known {
		if err := r.index(f, p); err != nil {
			return nil, err
		}
		r.view.mu.Lock()
		p.hint = p.seg.hint(p.seg.marks, seq)
		r.view.mu.Unlock()
	}
	buf, ok := r.chunks.Get().(*[]byte)
	if !ok {
		buf = new([]byte)
	}
	c := newCursor(f, &p.seg.birth, p.hint, readChunk)
	c.w.buf = *buf
	defer func() { // What was found is a copy.
		*buf = c.w.buf
		r.chunks.Put(buf)
	}()
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
		return r.o.open(seq, stored)
	}
}

var (
	errMissing  = errors.New("its frame is not there")
	errChecksum = errors.New("its checksum differs")
	errChain    = errors.New("it does not follow from the record before it")
)

func missing(err error) error {
	if errors.Is(err, errEnd) {
		return errMissing
	}
	return err
}

// index reads where the records of a closed segment lie.
func (r *reader) index(f File, p *place) error {
	marks := []uint32{}
	c := newCursor(f, &p.seg.birth, segmentHeader, scanChunk)
	for expect := p.seg.first; p.after == 0 || expect < p.after; {
		h, off, err := c.next()
		if errors.Is(err, errEnd) {
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
	r.view.mu.Lock()
	defer r.view.mu.Unlock()
	if p.seg.marks == nil && r.view.gen == p.gen {
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
	s := scan{reader: &j.reader, next: from, fn: fn}
	for s.next <= last || s.next > last+1 {
		p, err := j.reader.locate(op, s.next)
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
			if err = j.reader.readFault(op, s.next, p.gen, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// scan is a Scan under way.
type scan struct {
	reader *reader
	next   uint64
	fn     func(uint64, []byte) error
	stop   error // What fn returned.
}

// segment goes through the records of one segment.
func (s *scan) segment(p *place) error {
	f, err := s.reader.view.acquire(p.seg)
	if err != nil {
		return err
	}
	defer s.reader.view.release(p.seg)
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
	if linked && !h.follows(prev, stored) {
		return errChain
	}
	record, err := s.reader.o.open(h.seq, stored)
	if err != nil {
		return err
	}
	s.next++
	s.stop = s.fn(h.seq, record)
	return s.stop
}

// isGone tells a file that is not there.
func isGone(err error) bool { return errors.Is(err, os.ErrNotExist) }
