package hub

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/store/journal"
)

// A cramped disk has room for so many files more.
type cramped struct {
	journal.Disk
	room atomic.Int64
}

func (d *cramped) Open(name string, create bool) (journal.File, error) {
	if create && strings.HasSuffix(filepath.Dir(name), "log") && d.room.Add(-1) < 0 {
		return nil, syscall.ENOSPC
	}
	return d.Disk.Open(name, create)
}

// Of entries for which the disk had no room to the end, none stays in the log: once there
// is room, Raft gives it the first of them again.
func TestLogTakesEntriesAgainOnceThereIsRoom(t *testing.T) {
	t.Parallel()
	list := entries(2, 41, 1)
	for _, e := range list {
		e.Data = bytes.Repeat([]byte{byte(e.Index)}, 700<<10)
	}
	disk := &cramped{Disk: journal.SystemDisk()}
	disk.room.Store(3) // HEAD and two segments.
	j, _, err := journal.Open(filepath.Join(t.TempDir(), "log"), journal.Options{SegmentBytes: 9 << 20, Disk: disk, Alone: true})
	if err != nil {
		t.Fatal(err)
	}
	l := &raftLog{journal: j, step: func(string) {}, fail: func(err error) { t.Errorf("failed: %v", err) }}
	if err := l.StoreLogs(entries(1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	if err := l.StoreLogs(list); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("a full disk: %v; want unavailable", err)
	}
	if last, err := l.LastIndex(); last != 1 || err != nil {
		t.Errorf("the log ends at %d (%v); want what Raft was told, 1", last, err)
	}
	disk.room.Store(1 << 40)
	if err := l.StoreLogs(list); err != nil {
		t.Fatalf("with room: %v", err)
	}
	var e raft.Log
	if err := l.GetLog(41, &e); err != nil || !bytes.Equal(e.Data, list[39].Data) {
		t.Errorf("entry 41: %v", err)
	}
	if err := l.journal.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestLogKeepsWhatComesWhileItIsCut: Raft stores entries while it removes those that a marker
// stands for, be it all that there were. What comes meanwhile stays.
func TestLogKeepsWhatComesWhileItIsCut(t *testing.T) {
	l := testLog(t, t.TempDir())
	store := func(from, to uint64) {
		if err := l.StoreLogs(entries(from, to, 1)); err != nil {
			t.Error(err)
		}
	}
	store(1, 5)
	stored := make(chan struct{})
	l.step = func(point string) {
		if point != "before entries are removed" {
			return
		}
		go func() {
			defer close(stored)
			store(6, 6)
		}()
		if l.altering.TryLock() { // Nothing keeps the two apart.
			l.altering.Unlock()
			<-stored
		}
	}
	if err := l.DeleteRange(1, 5); err != nil {
		t.Fatal(err)
	}
	<-stored
	store(7, 7)
	var e raft.Log
	if err := l.GetLog(6, &e); err != nil {
		t.Errorf("the entry that came meanwhile: %v", err)
	}
	if first, err := l.FirstIndex(); err != nil || first != 6 {
		t.Errorf("the log begins at %d, %v; want 6", first, err)
	}
	if err := l.journal.Close(); err != nil {
		t.Fatal(err)
	}
}
