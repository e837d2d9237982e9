package journal

import (
	"math"
	"path/filepath"
	"slices"

	"kendro/domain/fault"
)

// loader is an Open under way. Nobody else knows the journal yet, so it takes no
// turn and no lock.
type loader struct {
	j      *Journal
	head   head // As it was found; the zero value unless known.
	known  bool // HEAD was readable.
	used   bool // The folder had been a journal's.
	report Report
}

// abandon closes what a failed Open opened.
func (l *loader) abandon() {
	for _, s := range l.j.segs {
		if s.file != nil {
			_ = s.file.Close()
		}
	}
	if l.j.commit.head != nil {
		_ = l.j.commit.head.file.Close()
	}
	_ = l.j.lock.Close()
}

// load reads what is on disk and brings it into order.
func (l *loader) load(op string) error {
	files, err := list(l.j.o.Disk, l.j.dir)
	if err != nil {
		return err
	}
	for _, name := range files.spares {
		if err := l.j.o.Disk.Remove(filepath.Join(l.j.dir, name)); err != nil {
			return err
		}
	}
	var read slots
	l.j.commit.head, read, err = openHead(l.j.o.Disk, l.j.dir)
	if err != nil {
		return err
	}
	l.head, l.known, l.report.HeadTorn = read.head, read.known, read.torn
	l.report.HeadSeq = l.head.seq
	if !l.known && len(files.segments) == 0 {
		l.report.Created, l.report.Emptied = true, l.used
		return l.create()
	}
	if l.known && l.head.state == resetting {
		return l.finishReset(files.segments)
	}
	l.j.first = l.head.first
	if l.known && l.head.state == cutting {
		if files.segments, err = l.finishRemoval(files.segments); err != nil {
			return err
		}
	}
	if err := l.loadSegments(files.segments); err != nil {
		return err
	}
	if l.known && l.head.state == cutting {
		if err := l.finishCut(); err != nil {
			return err
		}
	}
	return l.settleTail(op)
}

// create writes the HEAD of an empty journal.
func (l *loader) create() error {
	l.j.first = l.j.o.First
	p := point{seq: l.j.first - 1}
	l.j.setEnd(nil, p)
	return l.j.commit.head.put(l.j.headNow())
}

// listing is the content of the folder, in order.
type listing struct {
	segments []string
	spares   []string
}

func list(d Disk, dir string) (l listing, err error) {
	names, err := foldersOf(d).List(dir)
	if err != nil {
		return l, err
	}
	for _, name := range names {
		if _, ok := parseSegmentName(name); ok {
			l.segments = append(l.segments, name)
		}
		if isSpare(name) {
			l.spares = append(l.spares, name)
		}
	}
	slices.Sort(l.segments)
	return l, nil
}

// loadSegments reads the header of every segment and checks that none is
// missing in between. Segments before HEAD's first are what a DropBefore left.
func (l *loader) loadSegments(names []string) error {
	for i, name := range names {
		first, _ := parseSegmentName(name)
		next := uint64(math.MaxUint64)
		if i+1 < len(names) {
			next, _ = parseSegmentName(names[i+1])
		}
		path := filepath.Join(l.j.dir, name)
		if next <= l.j.first {
			if err := l.j.o.Disk.Remove(path); err != nil {
				return err
			}
			continue
		}
		b, whole, err := readBirth(l.j.o.Disk, path)
		if err != nil {
			return err
		}
		if b.first != first {
			return damaged("journal.Open", []Damage{{First: first, Last: next - 1, File: name, What: "both of its headers are damaged"}})
		}
		if !whole {
			if err := repairBirth(l.j.o.Disk, path, &b); err != nil {
				return err
			}
		}
		l.j.segs = append(l.j.segs, &segment{birth: b, path: path})
	}
	return checkSegments(l.j.segs, l.j.first, l.j.o.Cipher != nil)
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

// settleTail verifies the last segment and makes the end of the log agree with
// HEAD, where no decision is needed.
func (l *loader) settleTail(op string) error {
	if len(l.j.segs) == 0 {
		p := point{seq: l.head.first - 1}
		l.report.Behind = l.head.seq >= l.head.first
		if !l.report.Behind {
			p.chain = l.head.chain
		}
		l.j.setEnd(nil, p)
		l.j.unsettled.Store(l.report.Behind)
		return nil
	}
	s := l.j.segs[len(l.j.segs)-1]
	f, err := l.j.acquire(s) // For good: it is the active segment.
	if err != nil {
		return err
	}
	name := filepath.Base(s.path)
	found, err := look(f, name, &s.birth, l.head.seq, nil)
	if err != nil {
		return err
	}
	v := judge(found, name, l.head, l.known)
	if len(v.damage) > 0 {
		return damaged(op, v.damage)
	}
	s.marks = found.marks
	if l.j.first == 0 {
		l.j.first = l.j.segs[0].first
	}
	l.j.setEnd(s, v.keep)
	l.report.HeadMissing, l.report.Behind, l.report.Advanced = !l.known, v.behind, v.ahead
	if !l.known || v.behind {
		l.j.unsettled.Store(true)
		return nil
	}
	return l.harden(found)
}

// harden makes what lies behind HEAD durable before it is believed: a process
// that died of a failed sync may have left it in memory alone.
func (l *loader) harden(found *survey) error {
	from := int64(segmentHeader)
	if found.marked {
		from = found.mark.end
	}
	if err := rewrite(l.j.end.file, from, l.j.last.end); err != nil {
		return err
	}
	torn, err := wipe(l.j.end.file, l.j.last.end, l.j.end.active.limit())
	if err != nil {
		return err
	}
	l.report.TornBytes = torn
	if err := l.j.end.file.Sync(); err != nil {
		return err
	}
	return l.j.commit.head.put(l.j.headNow())
}

// finishReset does again what a power cut interrupted.
func (l *loader) finishReset(names []string) error {
	for _, name := range names {
		if err := l.j.o.Disk.Remove(filepath.Join(l.j.dir, name)); err != nil {
			return err
		}
	}
	if err := l.j.o.Disk.SyncDir(l.j.dir); err != nil {
		return err
	}
	l.j.first = l.head.first
	l.j.setEnd(nil, point{seq: l.head.seq, chain: l.head.chain})
	return l.j.commit.head.put(l.j.headNow())
}

// finishRemoval removes the segments behind a cut that a power cut interrupted,
// and returns the others.
func (l *loader) finishRemoval(names []string) ([]string, error) {
	n := len(names)
	for n > 1 {
		if first, _ := parseSegmentName(names[n-1]); first <= l.head.seq {
			break
		}
		n--
	}
	for _, name := range names[n:] {
		if err := l.j.o.Disk.Remove(filepath.Join(l.j.dir, name)); err != nil {
			return nil, err
		}
	}
	return names[:n], l.j.o.Disk.SyncDir(l.j.dir)
}

// finishCut wipes the rest of the segment that stays last.
func (l *loader) finishCut() error {
	if len(l.j.segs) == 0 {
		return nil
	}
	s := l.j.segs[len(l.j.segs)-1]
	f, err := l.j.acquire(s)
	if err != nil {
		return err
	}
	defer l.j.release(s)
	found, err := look(f, filepath.Base(s.path), &s.birth, l.head.seq, nil)
	if err != nil || !found.marked {
		return err // Damaged, or behind: the tail is judged next.
	}
	_, err = wipe(f, found.mark.end, s.limit())
	return err
}
