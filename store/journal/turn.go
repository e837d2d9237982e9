package journal

// Oldest returns the first record of which bytes may lie in the journal's files: what
// [Journal.DropBefore] took away lies there until its whole segment may go.
func (j *Journal) Oldest() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.segs) == 0 {
		return j.last.seq + 1
	}
	return j.segs[0].first
}

// Turn begins another segment with the record that comes next, so that DropBefore may
// give back the room of every record until now, and with it their bytes. It does nothing
// where the newest segment is empty.
func (j *Journal) Turn() error {
	const op = "journal.Turn"
	j.write.take()
	defer j.write.leave()
	if err := j.writable(op); err != nil {
		return err
	}
	if j.end.active == nil || j.end.active.first > j.end.seq {
		return nil
	}
	return j.roll(op, 0)
}
