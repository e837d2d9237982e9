package journal

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"kendro/domain/fault"
)

const sparePrefix = "spare-"

// spares prepares the next segment ahead, so that an append seldom waits for it.
type spares struct {
	dir    string
	size   int64 // Of an ordinary segment.
	alone  bool  // Nobody prepares ahead.
	disk   Disk
	quit   <-chan struct{} // Closed when no more are needed.
	ahead  func() bool     // Whether there is room for what is not needed yet.
	health *health

	want   chan struct{}
	ready  chan spare
	asked  bool // This and serial are owned by the holder of write.
	serial int  // Of a spare that was made on the spot.
}

// newSpares prepares nothing yet: prepare needs a goroutine of its own.
func newSpares(j *Journal) *spares {
	return &spares{
		dir: j.dir, size: j.o.SegmentBytes, alone: j.o.Alone, disk: j.o.Disk, quit: j.quit, ahead: j.o.Ahead, health: &j.health,
		want: make(chan struct{}, 1), ready: make(chan spare, 1),
	}
}

// errNotAhead says that a segment is made only when it is needed.
var errNotAhead = errors.New("there is no room to prepare the next segment")

// spare is a file of zeroes that is not yet part of the log.
type spare struct {
	path string
	file File
	size int64
	err  error
}

// prepare makes spare segments when asked, until the journal closes.
func (p *spares) prepare() {
	for n := 0; ; n++ {
		select {
		case <-p.quit:
			return
		case <-p.want:
			if !p.ahead() {
				p.ready <- spare{err: errNotAhead}
				continue
			}
			s := p.create(sparePrefix+"ahead-"+strconv.Itoa(n), p.size)
			if s.err != nil && !isFull(s.err) && !errors.Is(s.err, errClosed) {
				_ = p.health.fail("journal.prepare", s.err) // The disk fails: nobody waits until the segment is needed.
			}
			p.ready <- s
		}
	}
}

// create makes a spare, synced.
func (p *spares) create(name string, size int64) spare {
	s := spare{path: filepath.Join(p.dir, name), size: size}
	if s.file, s.err = p.disk.Open(s.path, true); s.err != nil {
		return s
	}
	if s.err = fillZero(s.file, size, p.quit); s.err != nil {
		s.err = errors.Join(s.err, s.file.Close())
		_ = p.disk.Remove(s.path) // Give the room back; the next Open removes it in any case.
	}
	return s
}

// ask has the next spare made. The caller holds write.
func (p *spares) ask() {
	if !p.asked && !p.alone {
		p.asked = true
		p.want <- struct{}{}
	}
}

// take returns a file of zeroes with room for a batch. The caller holds write.
func (p *spares) take(op string, need int64) (spare, error) {
	var s spare
	size := roundUp(need + 2*segmentHeader)
	if size <= p.size && !p.alone {
		p.ask()
		s = <-p.ready
		p.asked = false
	}
	if size > p.size || p.alone || errors.Is(s.err, errNotAhead) {
		p.serial++
		s = p.create(sparePrefix+"now-"+strconv.Itoa(p.serial), max(size, p.size))
	}
	switch {
	case s.err == nil:
		return s, nil
	case isFull(s.err):
		return s, &fault.Error{Op: op, Kind: fault.Unavailable, Item: p.dir, Err: s.err}
	default:
		return s, p.health.fail(op, s.err)
	}
}

func roundUp(n int64) int64 { return (n + 4095) &^ 4095 }

// drop removes the spare that was made for nothing. prepare has ended; the
// caller holds write.
func (p *spares) drop() {
	if !p.asked {
		return
	}
	select {
	case s := <-p.ready:
		if s.err == nil {
			_ = s.file.Close()
			_ = p.disk.Remove(s.path) // Left behind, it is removed by the next Open.
		}
	default:
	}
}

func isSpare(name string) bool { return strings.HasPrefix(name, sparePrefix) }
