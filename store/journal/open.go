package journal

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"kendro/domain/fault"
)

const lockName = "LOCK"

// Open opens the journal in dir, making it where there is none. It verifies the
// last segment, finishes what a power cut interrupted, cuts unacknowledged bytes
// from the end, and starts two goroutines that [Journal.Close] waits for.
//
// The Report is good even beside an error. [fault.Damaged]: an acknowledged
// record is altered or missing; the journal stays as it lies, and [Salvage] reads
// the rest. [fault.Conflict]: another process has it open. [fault.Invalid]: it is
// sealed and Options lack a Cipher, or the reverse.
func Open(dir string, o Options) (*Journal, Report, error) {
	const op = "journal.Open"
	o, err := o.withDefaults()
	if err != nil {
		return nil, Report{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, Report{}, fault.Wrap(op, fault.Stopped, dir, err)
	}
	lock, err := lockFolder(op, dir, unix.LOCK_EX)
	if err != nil {
		return nil, Report{}, err
	}
	j := &Journal{dir: dir, o: o, lock: lock, write: newTurn(), commit: newTurn(), quit: make(chan struct{})}
	var r Report
	if err := j.load(op, &r); err != nil {
		j.abandon()
		return nil, r, openFault(op, dir, err, &r)
	}
	j.end.spares.want, j.end.spares.ready = make(chan struct{}, 1), make(chan spare, 1)
	j.done.Add(2)
	go j.keepHead()
	go j.prepare(j.end.spares.want, j.end.spares.ready)
	j.ask()
	return j, r, nil
}

// openFault sorts the ways Open fails.
func openFault(op, dir string, err error, r *Report) error {
	if d, ok := errors.AsType[damageError](err); ok {
		r.Damage = d
	}
	if isFull(err) {
		return fault.Wrap(op, fault.Unavailable, dir, err)
	}
	return fault.Wrap(op, fault.Stopped, dir, err)
}

// lockFolder keeps other processes, and a second Open in this one, away.
func lockFolder(op, dir string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Wrap(op, fault.Unavailable, dir, err)
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fault.New(op, fault.Conflict, dir, "it is open elsewhere: stop the other process first")
	}
	return f, nil
}

// abandon closes what a failed Open opened.
func (j *Journal) abandon() {
	for _, s := range j.segs {
		if s.file != nil {
			_ = s.file.Close()
		}
	}
	if j.head != nil {
		_ = j.head.file.Close()
	}
	_ = j.lock.Close()
}

// load reads what is on disk and brings it into order.
func (j *Journal) load(op string, r *Report) error {
	files, err := list(j.dir)
	if err != nil {
		return err
	}
	for _, name := range files.spares {
		if err := j.o.Disk.Remove(filepath.Join(j.dir, name)); err != nil {
			return err
		}
	}
	hf, h, known, err := openHead(j.o.Disk, j.dir)
	if err != nil {
		return err
	}
	j.head = hf
	r.HeadSeq = h.seq
	if !known && len(files.segments) == 0 {
		r.Created = true
		return j.create()
	}
	if known && h.state == resetting {
		return j.finishReset(h, files.segments)
	}
	j.first = h.first
	if known && h.state == cutting {
		if files.segments, err = j.finishRemoval(h, files.segments); err != nil {
			return err
		}
	}
	if err := j.loadSegments(files.segments); err != nil {
		return err
	}
	if known && h.state == cutting {
		if err := j.finishCut(h); err != nil {
			return err
		}
	}
	return j.settleTail(op, h, known, r)
}

// create writes the HEAD of an empty journal.
func (j *Journal) create() error {
	j.first = j.o.First
	p := point{seq: j.first - 1}
	j.setEnd(nil, p)
	return j.head.put(j.headNow())
}

// setEnd makes p in s the end of the log. Nobody else knows the journal yet, or
// the caller holds write and commit.
func (j *Journal) setEnd(s *segment, p point) {
	j.end.active, j.end.file, j.end.point = s, nil, p
	if s != nil {
		j.end.file = s.file
	}
	j.last, j.tip = p, p
}

// listing is the content of the folder, in order.
type listing struct {
	segments []string
	spares   []string
}

func list(dir string) (l listing, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return l, err
	}
	for _, e := range entries {
		if _, ok := parseSegmentName(e.Name()); ok {
			l.segments = append(l.segments, e.Name())
		}
		if isSpare(e.Name()) {
			l.spares = append(l.spares, e.Name())
		}
	}
	slices.Sort(l.segments)
	return l, nil
}

// loadSegments reads the header of every segment and checks that none is
// missing in between. Segments before HEAD's first are what a DropBefore left.
func (j *Journal) loadSegments(names []string) error {
	for i, name := range names {
		first, _ := parseSegmentName(name)
		next := uint64(math.MaxUint64)
		if i+1 < len(names) {
			next, _ = parseSegmentName(names[i+1])
		}
		path := filepath.Join(j.dir, name)
		if next <= j.first {
			if err := j.o.Disk.Remove(path); err != nil {
				return err
			}
			continue
		}
		b, whole, err := readBirth(j.o.Disk, path)
		if err != nil {
			return err
		}
		if b.first != first {
			return damaged("journal.Open", []Damage{{First: first, Last: next - 1, File: name, What: "both of its headers are damaged"}})
		}
		if !whole {
			if err := repairBirth(j.o.Disk, path, &b); err != nil {
				return err
			}
		}
		j.segs = append(j.segs, &segment{birth: b, path: path})
	}
	return checkSegments(j.segs, j.first, j.o.Cipher != nil)
}

// checkSegments tells whether the segments follow each other.
func checkSegments(segs []*segment, first uint64, sealed bool) error {
	for i, s := range segs {
		if (s.flags&flagSealed != 0) != sealed {
			return fault.New("journal.Open", fault.Invalid, filepath.Base(s.path),
				"sealed and in clear don't mix: open it with the cipher it was written with")
		}
		switch {
		case i == 0 && first > 0 && s.first > first:
			return damaged("journal.Open", []Damage{{First: first, Last: s.first - 1, File: filepath.Base(s.path), What: "the segment before it is missing"}})
		case i > 0 && s.before != segs[i-1].first:
			return damaged("journal.Open", []Damage{{First: max(s.before, segs[i-1].first), Last: s.first - 1, File: filepath.Base(s.path), What: "the segment before it is missing"}})
		}
	}
	return nil
}

// readBirth reads a segment's header from the copy that holds; whole says that
// both do.
func readBirth(d Disk, path string) (b birth, whole bool, err error) {
	f, err := d.Open(path, false)
	if err != nil {
		return b, false, err
	}
	h := make([]byte, segmentHeader)
	if err := readFull(f, h, 0); err != nil {
		return b, false, errors.Join(err, f.Close())
	}
	info, err := os.Stat(path)
	if err != nil {
		return b, false, errors.Join(err, f.Close())
	}
	b, ok := decodeBirth(h)
	at := info.Size() - segmentHeader
	if ok {
		at = b.limit()
	}
	tail := make([]byte, segmentHeader)
	if at >= segmentHeader {
		err = readFull(f, tail, at)
	}
	t, tailOK := decodeBirth(tail)
	if !ok && tailOK {
		b = t
	}
	return b, ok && tailOK && t == b, errors.Join(err, f.Close())
}

func repairBirth(d Disk, path string, b *birth) error {
	f, err := d.Open(path, false)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b.encode(), b.limit())
	if err == nil {
		_, err = f.WriteAt(b.encode(), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// settleTail verifies the last segment and makes the end of the log agree with
// HEAD, where no decision is needed.
func (j *Journal) settleTail(op string, h head, known bool, r *Report) error {
	if len(j.segs) == 0 {
		p := point{seq: h.first - 1}
		r.Behind = h.seq >= h.first
		if !r.Behind {
			p.chain = h.chain
		}
		j.setEnd(nil, p)
		j.unsettled.Store(r.Behind)
		return nil
	}
	s := j.segs[len(j.segs)-1]
	f, err := j.acquire(s) // For good: it is the active segment.
	if err != nil {
		return err
	}
	name := filepath.Base(s.path)
	found, err := look(f, name, &s.birth, h.seq, nil)
	if err != nil {
		return err
	}
	v := judge(found, name, h, known)
	if len(v.damage) > 0 {
		return damaged(op, v.damage)
	}
	s.marks = found.marks
	if j.first == 0 {
		j.first = j.segs[0].first
	}
	j.setEnd(s, v.keep)
	r.HeadMissing, r.Behind, r.Advanced = !known, v.behind, v.ahead
	if !known || v.behind {
		j.unsettled.Store(true)
		return nil
	}
	return j.harden(found, r)
}

// harden makes what lies behind HEAD durable before it is believed: a process
// that died of a failed sync may have left it in memory alone.
func (j *Journal) harden(found *survey, r *Report) error {
	from := int64(segmentHeader)
	if found.marked {
		from = found.mark.end
	}
	if err := rewrite(j.end.file, from, j.last.end); err != nil {
		return err
	}
	torn, err := wipe(j.end.file, j.last.end, j.end.active.limit())
	if err != nil {
		return err
	}
	r.TornBytes = torn
	if err := j.end.file.Sync(); err != nil {
		return err
	}
	return j.head.put(j.headNow())
}

// rewrite writes [from, to) again as it reads.
func rewrite(f File, from, to int64) error {
	buf := zeroes()
	for from < to {
		b := buf[:min(int64(len(buf)), to-from)]
		if err := readFull(f, b, from); err != nil {
			return err
		}
		if _, err := f.WriteAt(b, from); err != nil {
			return err
		}
		from += int64(len(b))
	}
	return nil
}

// Settle accepts the journal as it lies after a Report with Behind or
// HeadMissing: its last readable record becomes its end, durably, and writing may
// go on. Records that HEAD named and the journal lacks are gone for good; the
// caller has made up its mind about their sequences.
func (j *Journal) Settle() error {
	const op = "journal.Settle"
	j.write.take()
	defer j.write.leave()
	j.commit.take()
	defer j.commit.leave()
	if err := j.stopped(op); err != nil {
		return err
	}
	if !j.unsettled.Load() {
		return nil
	}
	if s := j.end.active; s != nil {
		if err := rewrite(j.end.file, segmentHeader, j.end.end); err != nil {
			return j.fail(op, err)
		}
		if _, err := wipe(j.end.file, j.end.end, s.limit()); err != nil {
			return j.fail(op, err)
		}
		if err := j.end.file.Sync(); err != nil {
			return j.fail(op, err)
		}
	}
	if err := j.putHead(op, steady); err != nil {
		return err
	}
	j.unsettled.Store(false)
	return nil
}
