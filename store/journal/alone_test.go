package journal

import (
	"fmt"
	"testing"

	"go.uber.org/goleak"
)

// A journal that is alone starts nothing, makes its segments when it needs them,
// and leaves the syncing of HEAD to its owner.
func TestAlone(t *testing.T) {
	before := goleak.IgnoreCurrent()
	d := &testDisk{record: true}
	o := Options{SegmentBytes: minSegment, Alone: true, Disk: d}
	dir := t.TempDir()
	j, _, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	goleak.VerifyNone(t, before)
	const records = 40
	for i := range records {
		if _, err := j.Append(fmt.Appendf(nil, "record %d %0300d", i, i)); err != nil {
			t.Fatal(err)
		}
	}
	steps := d.at()
	if err := j.SyncHead(); err != nil || d.at() != steps+1 {
		t.Errorf("SyncHead took %d steps, %v; want 1", d.at()-steps, err)
	}
	if err := j.SyncHead(); err != nil || d.at() != steps+1 {
		t.Errorf("SyncHead again took a step, %v; want none", err)
	}
	mustClose(t, j)
	j, r, err := Open(dir, o)
	if err != nil || r.Behind || r.Advanced || j.Last() != records {
		t.Fatalf("reopened: %+v, %v, last %d; want %d", r, err, j.Last(), records)
	}
	mustClose(t, j)
}
