package journal

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"kendro/domain/fault"
)

const sparePrefix = "spare-"

// spares prepares the next segment ahead. Owned by the holder of write.
type spares struct {
	want   chan struct{}
	ready  chan spare
	asked  bool
	serial int // Of a spare that was made on the spot.
}

// spare is a file of zeroes that is not yet part of the log.
type spare struct {
	path string
	file File
	size int64
	err  error
}

// prepare makes spare segments when asked, until the journal closes.
func (j *Journal) prepare(want <-chan struct{}, ready chan<- spare) {
	defer j.done.Done()
	for n := 0; ; n++ {
		select {
		case <-j.quit:
			return
		case <-want:
			ready <- j.makeSpare(sparePrefix+"ahead-"+strconv.Itoa(n), j.o.SegmentBytes)
		}
	}
}

func (j *Journal) makeSpare(name string, size int64) spare {
	s := spare{path: filepath.Join(j.dir, name), size: size}
	if s.file, s.err = j.o.Disk.Open(s.path, true); s.err != nil {
		return s
	}
	if s.err = fillZero(s.file, size, j.quit); s.err != nil {
		s.err = errors.Join(s.err, s.file.Close())
		_ = j.o.Disk.Remove(s.path) // Give the room back; the next Open removes it in any case.
	}
	return s
}

// ask has the next spare made.
func (j *Journal) ask() {
	if !j.end.spares.asked {
		j.end.spares.asked = true
		j.end.spares.want <- struct{}{}
	}
}

// takeSpare returns a file of zeroes with room for a batch.
func (j *Journal) takeSpare(op string, need int64) (spare, error) {
	var s spare
	if size := roundUp(need + 2*segmentHeader); size > j.o.SegmentBytes {
		j.end.spares.serial++
		s = j.makeSpare(sparePrefix+"now-"+strconv.Itoa(j.end.spares.serial), size)
	} else {
		j.ask()
		s = <-j.end.spares.ready
		j.end.spares.asked = false
	}
	switch {
	case s.err == nil:
		return s, nil
	case isFull(s.err):
		return s, &fault.Error{Op: op, Kind: fault.Unavailable, Item: j.dir, Err: s.err}
	default:
		return s, j.fail(op, s.err)
	}
}

func roundUp(n int64) int64 { return (n + 4095) &^ 4095 }

// roll begins another segment. The caller holds write; what was written before
// is durable when it returns.
func (j *Journal) roll(op string, need int64) error {
	sp, err := j.takeSpare(op, need)
	if err != nil {
		return err
	}
	j.commit.take()
	defer j.commit.leave()
	err = j.stopped(op)
	if err == nil {
		err = j.commitTip(op)
	}
	if err == nil {
		err = j.putHead(op, steady)
	}
	if err != nil {
		return errors.Join(err, sp.file.Close())
	}
	s, err := j.bear(&sp)
	if err != nil {
		return errors.Join(j.fail(op, err), sp.file.Close())
	}
	old := j.end.active
	j.end.active, j.end.file, j.end.end = s, s.file, segmentHeader
	j.mu.Lock()
	if n := len(j.segs); old != nil && old.first == s.first {
		old.gone = true // It held nothing, and its file was replaced.
		j.segs = j.segs[: n-1 : n-1]
	}
	j.segs = append(j.segs, s)
	j.tip.end, j.last.end = segmentHeader, segmentHeader
	j.mu.Unlock()
	if old != nil {
		j.release(old)
	}
	j.ask()
	return nil
}

// bear makes a spare the next segment of the log, durably.
func (j *Journal) bear(sp *spare) (*segment, error) {
	b := birth{first: j.end.seq + 1, size: sp.size, salt: newSalt(), chain: j.end.chain}
	if a := j.end.active; a != nil && a.first < b.first {
		b.before = a.first
	} else if a != nil {
		b.before = a.before // It is empty and too small: the new one takes its place.
	}
	if j.o.Cipher != nil {
		b.flags = flagSealed
	}
	h := b.encode()
	if _, err := sp.file.WriteAt(h, b.limit()); err != nil {
		return nil, err
	}
	if _, err := sp.file.WriteAt(h, 0); err != nil {
		return nil, err
	}
	if err := sp.file.Sync(); err != nil {
		return nil, err
	}
	path := filepath.Join(j.dir, segmentName(b.first))
	if err := j.o.Disk.Rename(sp.path, path); err != nil {
		return nil, err
	}
	if err := j.o.Disk.SyncDir(j.dir); err != nil {
		return nil, err
	}
	return &segment{birth: b, path: path, file: sp.file, refs: 1, marks: []uint32{}}, nil
}

// dropSpare removes the spare that was made for nothing. The goroutines have
// ended; the caller holds write.
func (j *Journal) dropSpare() {
	if !j.end.spares.asked {
		return
	}
	select {
	case s := <-j.end.spares.ready:
		if s.err == nil {
			_ = s.file.Close()
			_ = j.o.Disk.Remove(s.path) // Left behind, it is removed by the next Open.
		}
	default:
	}
}

func isSpare(name string) bool { return strings.HasPrefix(name, sparePrefix) }
