package store

import (
	"os"
	"path/filepath"
	"testing"
)

// A database that was closed once, opened, synced and then killed is a healthy
// one: the Sync must not bring back the word that its last commit is known.
func TestSyncAfterReopenThenKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	set := func(db *DB, index uint64) {
		t.Helper()
		if err := db.Update(index, func(tx *Tx) error { return tx.Set([]byte("k"), []byte{byte(index)}) }); err != nil {
			t.Fatal(err)
		}
	}
	db := mustOpen(t, dir, Options{})
	set(db, 1)
	mustClose(t, db)
	db = mustOpen(t, dir, Options{})
	set(db, 2)
	if err := db.Sync(); err != nil {
		t.Fatal(err)
	}
	set(db, 3)
	killed := filepath.Join(t.TempDir(), "killed") // As kill -9 leaves it.
	if err := os.CopyFS(killed, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	after := mustOpen(t, killed, Options{})
	if got := after.Applied(); got != 3 {
		t.Errorf("Applied = %d; want 3", got)
	}
}
