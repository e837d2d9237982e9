package journal

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kendro/domain/fault"
)

// aheadDisk fails the writes to every segment that is prepared after the first.
type aheadDisk struct {
	osDisk
	made atomic.Int32
}

type aheadFile struct{ File }

func (aheadFile) WriteAt([]byte, int64) (int, error) { return 0, errInjected }

func (d *aheadDisk) Open(name string, create bool) (File, error) {
	f, err := d.osDisk.Open(name, create)
	if err == nil && strings.Contains(name, sparePrefix) && d.made.Add(1) > 1 {
		return aheadFile{f}, nil
	}
	return f, err
}

// TestFailureAheadStops fails the disk while the next segment is prepared, which
// nobody waits for: the journal stops at once, not when the segment is needed.
func TestFailureAheadStops(t *testing.T) {
	o := testOptions()
	o.Disk = &aheadDisk{}
	j, _, err := Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.NewTimer(10 * time.Second)
	defer deadline.Stop()
	for { // Two bytes of a segment of kilobytes each time: none is needed so soon.
		select {
		case <-deadline.C:
			t.Fatal("records are still taken")
		default:
		}
		if _, err = j.Read(1); errors.Is(err, fault.Stopped) {
			break
		}
		if j.Last() == 0 {
			if _, err := j.Append([]byte("x")); err != nil && !errors.Is(err, fault.Stopped) { // It may have stopped already.
				t.Fatal(err)
			}
		}
	}
	if err := j.Close(); errors.Is(err, fault.Internal) {
		t.Fatal(err)
	}
}

// TestNotAhead has no room for what isn't needed yet: segments are made when they
// are.
func TestNotAhead(t *testing.T) {
	o := testOptions()
	o.Ahead = func() bool { return false }
	dir := t.TempDir()
	j, _, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if _, err := j.Append(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if l, err := list(osDisk{}, dir); err != nil || len(l.spares) > 0 {
			t.Fatalf("spares %v, %v; want none", l.spares, err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
