package store

import (
	"errors"
	"syscall"
	"testing"

	"kendro/domain/fault"
)

// TestEngineMeetsFailingDisk: a failed write or sync is the disk's, whether Badger
// hands up the cause or its text, and nothing is built again on such a disk.
func TestEngineMeetsFailingDisk(t *testing.T) {
	for want, err := range map[fault.Kind]error{
		fault.Stopped:  errors.New("while syncing: " + syscall.EIO.Error()),
		fault.Damaged:  errors.New("checksum mismatch"),
		fault.Conflict: errors.New("Cannot acquire directory lock. Another process is using this Badger database."),
	} {
		if got := fault.KindOf(openFault("store.Open", "x", err)); got != want {
			t.Errorf("%v: %v; want %v", err, got, want)
		}
	}
}

// TestEngineFailsInTheBackground: what Badger only logs stops the database.
func TestEngineFailsInTheBackground(t *testing.T) {
	db, err := Open(t.TempDir(), Options{Preset: Box})
	if err != nil {
		t.Fatal(err)
	}
	log := listenFor(db)
	log.Errorf("flushing memtable to disk: %v, retrying", syscall.ENOENT)
	set := func(tx *Tx) error { return tx.Set([]byte("k"), []byte("v")) }
	if err := db.Update(1, set); err != nil {
		t.Fatal(err)
	}
	log.Errorf("error flushing memtable to disk: %v, retrying", syscall.EIO)
	if err := db.Update(2, set); !errors.Is(err, fault.Stopped) || !DiskFailed(err) {
		t.Errorf("an update after it: %v; want stopped, by the disk", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
