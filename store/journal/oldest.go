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
