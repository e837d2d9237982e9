package journal

import (
	"slices"
	"sync"
)

// maxIdle is how many segments stay open for the next reader.
const maxIdle = 4

// view is what readers see, and the segments that stay open for them.
type view struct {
	disk    Disk
	closing <-chan struct{} // Closed when nothing stays open any longer.

	mu    sync.Mutex // Guards what follows, and what changes in a segment; never held across the disk.
	segs  []*segment // In order of their first record.
	first uint64     // First readable record.
	last  point      // Last durable record.
	tip   point      // Last written record.
	gen   uint64     // Raised by whatever takes records away.
	idle  []*segment // Open, no reader, longest unused first.
}

// headNow is HEAD as the view has it. The caller holds mu.
func (v *view) headNow() head {
	return head{seq: v.last.seq, first: v.first, chain: v.last.chain}
}

// acquire returns s's file, open until release.
func (v *view) acquire(s *segment) (File, error) {
	v.mu.Lock()
	if f := v.hold(s); f != nil {
		v.mu.Unlock()
		return f, nil
	}
	v.mu.Unlock()
	opened, err := v.disk.Open(s.path, false)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	f := v.hold(s)
	if f == nil {
		s.file, s.refs = opened, 1
		v.mu.Unlock()
		return opened, nil
	}
	v.mu.Unlock()
	return f, opened.Close() // Another reader was faster.
}

func (v *view) hold(s *segment) File {
	if s.file == nil {
		return nil
	}
	if s.refs == 0 {
		v.idle = slices.DeleteFunc(v.idle, func(t *segment) bool { return t == s })
	}
	s.refs++
	return s.file
}

// release gives back what acquire returned.
func (v *view) release(s *segment) {
	v.mu.Lock()
	var shut []File
	if s.refs--; s.refs == 0 {
		v.idle = append(v.idle, s)
		shut = v.shrink()
	}
	v.mu.Unlock()
	for _, f := range shut {
		_ = f.Close() // Read only by now: whatever was written was synced or is gone.
	}
}

// shrink takes the files that no longer stay open out of idle.
func (v *view) shrink() (shut []File) {
	keep := maxIdle
	select {
	case <-v.closing:
		keep = 0
	default:
	}
	for i := 0; i < len(v.idle); {
		if s := v.idle[i]; s.gone || len(v.idle) > keep {
			shut = append(shut, s.file)
			s.file = nil
			v.idle = slices.Delete(v.idle, i, i+1)
			continue
		}
		i++
	}
	return shut
}

// retire marks removed segments and closes those that nobody reads.
func (v *view) retire(segs []*segment) {
	v.mu.Lock()
	var shut []File
	for _, s := range segs {
		s.gone = true
		if s.file != nil && s.refs == 0 {
			v.idle = slices.DeleteFunc(v.idle, func(t *segment) bool { return t == s })
			shut = append(shut, s.file)
			s.file = nil
		}
	}
	v.mu.Unlock()
	for _, f := range shut {
		_ = f.Close()
	}
}

// closeIdle closes everything but what a reader still holds; that goes with the
// reader. The view is closing.
func (v *view) closeIdle() {
	v.mu.Lock()
	shut := v.shrink()
	v.mu.Unlock()
	for _, f := range shut {
		_ = f.Close()
	}
}
