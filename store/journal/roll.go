package journal

import (
	"errors"
	"path/filepath"
)

// Roll begins another segment, unless the last one is empty: what is dropped or replaced
// before it then goes with its file.
func (j *Journal) Roll() error {
	const op = "journal.Roll"
	j.write.take()
	defer j.write.leave()
	if err := j.writable(op); err != nil {
		return err
	}
	if j.end.active == nil || j.end.end == segmentHeader {
		return nil
	}
	return j.roll(op, 0)
}

// roll begins another segment. The caller holds write; what was written before
// is durable when it returns.
func (j *Journal) roll(op string, need int64) error {
	sp, err := j.spares.take(op, need)
	if err != nil {
		return err
	}
	j.commit.take()
	defer j.commit.leave()
	err = j.stopped(op)
	if err == nil {
		err = j.commit.advance(op)
	}
	if err == nil {
		err = j.commit.putHead(op, steady)
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
	j.spares.ask()
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
