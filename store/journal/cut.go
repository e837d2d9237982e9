package journal

import (
	"fmt"
	"path/filepath"

	"kendro/domain/fault"
)

// DropBefore takes away the records before seq, durably: First returns seq
// afterwards. Their room is given back in whole segments. seq may be Last()+1.
func (j *Journal) DropBefore(seq uint64) error {
	const op = "journal.DropBefore"
	return j.alter(op, func() error {
		j.mu.Lock()
		if seq <= j.first {
			j.mu.Unlock()
			return nil
		}
		if seq > j.last.seq+1 {
			defer j.mu.Unlock()
			return fault.New(op, fault.Invalid, recordItem(seq, seq), fmt.Sprintf("want at most %d", j.last.seq+1))
		}
		j.first = seq
		j.gen++
		j.mu.Unlock()
		if err := j.commit.putHead(op, steady); err != nil {
			return err
		}
		j.mu.Lock()
		n := 0
		for n+1 < len(j.segs) && j.segs[n+1].first <= seq {
			n++
		}
		gone := j.segs[:n:n]
		j.segs = j.segs[n:]
		j.mu.Unlock()
		return j.remove(op, gone)
	})
}

// CutAfter takes away the records behind seq, durably, written but unsynced ones
// included: Last returns seq afterwards. After a power cut in between either all
// of them are there or none. seq may be First()-1.
func (j *Journal) CutAfter(seq uint64) error {
	const op = "journal.CutAfter"
	return j.alter(op, func() error {
		if err := j.commit.advance(op); err != nil {
			return err
		}
		j.mu.Lock()
		first, last := j.first, j.last.seq
		j.mu.Unlock()
		if seq >= last {
			return nil
		}
		if seq+1 < first {
			return fault.New(op, fault.Invalid, recordItem(seq, seq),
				fmt.Sprintf("want at least %d; Reset begins anew", first-1))
		}
		s, p, err := j.pointAt(op, seq)
		if err != nil {
			return err
		}
		j.mu.Lock()
		j.last, j.tip = p, p
		j.gen++
		j.mu.Unlock()
		if err := j.commit.putHead(op, cutting); err != nil {
			return err
		}
		return j.cutTo(op, s, p)
	})
}

// Reset takes away all records, durably: the next one is next. It also settles a
// journal that was behind its HEAD.
func (j *Journal) Reset(next uint64) error {
	const op = "journal.Reset"
	if next == 0 {
		return fault.New(op, fault.Invalid, "record 0", "want 1 or more")
	}
	j.write.take()
	defer j.write.leave()
	j.commit.take()
	defer j.commit.leave()
	if err := j.stopped(op); err != nil {
		return err
	}
	p := point{seq: next - 1}
	j.mu.Lock()
	gone := j.segs
	j.segs, j.first, j.last, j.tip = nil, next, p, p
	j.gen++
	j.mu.Unlock()
	if err := j.commit.putHead(op, resetting); err != nil {
		return err
	}
	old := j.end.active
	j.end.active, j.end.file, j.end.point = nil, nil, p
	if old != nil {
		j.release(old)
	}
	if err := j.remove(op, gone); err != nil {
		return err
	}
	if err := j.commit.putHead(op, steady); err != nil {
		return err
	}
	j.unsettled.Store(false)
	return nil
}

// alter runs fn with the right to change everything.
func (j *Journal) alter(op string, fn func() error) error {
	j.write.take()
	defer j.write.leave()
	j.commit.take()
	defer j.commit.leave()
	if err := j.writable(op); err != nil {
		return err
	}
	return fn()
}

// remove deletes the files of segs, durably.
func (j *Journal) remove(op string, segs []*segment) error {
	if len(segs) == 0 {
		return nil
	}
	j.retire(segs)
	for _, s := range segs {
		if err := j.o.Disk.Remove(s.path); err != nil && !isGone(err) {
			return j.fail(op, err)
		}
	}
	if err := j.o.Disk.SyncDir(j.dir); err != nil {
		return j.fail(op, err)
	}
	return nil
}

// pointAt finds the end of record seq, which may be the one before a segment's
// first. The segment is the one that stays last.
func (j *Journal) pointAt(op string, seq uint64) (*segment, point, error) {
	j.mu.Lock()
	var s *segment
	for _, t := range j.segs {
		if t.first <= seq || s == nil {
			s = t
		}
	}
	j.mu.Unlock()
	if s.first == seq+1 {
		return s, point{seq: seq, chain: s.chain, end: segmentHeader}, nil
	}
	f, err := j.acquire(s)
	if err != nil {
		return nil, point{}, j.fail(op, err)
	}
	defer j.release(s)
	name := filepath.Base(s.path)
	found, err := look(f, name, &s.birth, seq, nil)
	if err != nil {
		return nil, point{}, j.fail(op, err)
	}
	if !found.marked {
		return nil, point{}, damaged(op, append(found.bad, Damage{First: seq, Last: seq, File: name, What: errMissing.Error()}))
	}
	j.mu.Lock()
	s.marks = found.marks // Cut to size with the segment.
	j.mu.Unlock()
	return s, found.mark, nil
}

// cutTo makes p in s the end of the log, after HEAD says so.
func (j *Journal) cutTo(op string, s *segment, p point) error {
	f := s.file
	if s != j.end.active {
		opened, err := j.acquire(s)
		if err != nil {
			return j.fail(op, err)
		}
		if j.end.active != nil {
			j.release(j.end.active)
		}
		f = opened
	}
	j.mu.Lock()
	n := len(j.segs)
	for n > 0 && j.segs[n-1] != s {
		n--
	}
	gone := j.segs[n:]
	j.segs = j.segs[:n:n]
	s.marks = trimMarks(s.marks, &s.birth, p.seq)
	j.setEnd(s, p)
	j.mu.Unlock()
	j.end.file = f
	if err := j.remove(op, gone); err != nil {
		return err
	}
	if _, err := wipe(f, p.end, s.limit()); err != nil {
		return j.fail(op, err)
	}
	return j.commit.putHead(op, steady)
}

// trimMarks forgets the marks behind seq.
func trimMarks(marks []uint32, b *birth, seq uint64) []uint32 {
	if keep := (seq + 1 - b.first + stride - 1) / stride; uint64(len(marks)) > keep {
		return marks[:keep:keep]
	}
	return marks
}
