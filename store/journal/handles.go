package journal

import "slices"

// maxIdle is how many segments stay open for the next reader.
const maxIdle = 4

// handles keeps a few segments open. Guarded by Journal.mu.
type handles struct {
	idle []*segment // Open, no reader, longest unused first.
}

// acquire returns s's file, open until release.
func (j *Journal) acquire(s *segment) (File, error) {
	j.mu.Lock()
	if f := j.hold(s); f != nil {
		j.mu.Unlock()
		return f, nil
	}
	j.mu.Unlock()
	opened, err := j.o.Disk.Open(s.path, false)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	f := j.hold(s)
	if f == nil {
		s.file, s.refs = opened, 1
		j.mu.Unlock()
		return opened, nil
	}
	j.mu.Unlock()
	return f, opened.Close() // Another reader was faster.
}

func (j *Journal) hold(s *segment) File {
	if s.file == nil {
		return nil
	}
	if s.refs == 0 {
		j.idle = slices.DeleteFunc(j.idle, func(t *segment) bool { return t == s })
	}
	s.refs++
	return s.file
}

// release gives back what acquire returned.
func (j *Journal) release(s *segment) {
	j.mu.Lock()
	var shut []File
	if s.refs--; s.refs == 0 {
		j.idle = append(j.idle, s)
		shut = j.shrink()
	}
	j.mu.Unlock()
	for _, f := range shut {
		_ = f.Close() // Read only by now: whatever was written was synced or is gone.
	}
}

// shrink takes the files that no longer stay open out of idle.
func (j *Journal) shrink() (shut []File) {
	keep := maxIdle
	select {
	case <-j.quit:
		keep = 0
	default:
	}
	for i := 0; i < len(j.idle); {
		if s := j.idle[i]; s.gone || len(j.idle) > keep {
			shut = append(shut, s.file)
			s.file = nil
			j.idle = slices.Delete(j.idle, i, i+1)
			continue
		}
		i++
	}
	return shut
}

// retire marks removed segments and closes those that nobody reads.
func (j *Journal) retire(segs []*segment) {
	j.mu.Lock()
	var shut []File
	for _, s := range segs {
		s.gone = true
		if s.file != nil && s.refs == 0 {
			j.idle = slices.DeleteFunc(j.idle, func(t *segment) bool { return t == s })
			shut = append(shut, s.file)
			s.file = nil
		}
	}
	j.mu.Unlock()
	for _, f := range shut {
		_ = f.Close()
	}
}

// closeHandles closes everything but what a reader still holds; that goes with
// the reader.
func (j *Journal) closeHandles() {
	if s := j.end.active; s != nil {
		j.end.active = nil
		j.release(s)
	}
	j.mu.Lock()
	shut := j.shrink()
	j.mu.Unlock()
	for _, f := range shut {
		_ = f.Close()
	}
}
