package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"kendro/domain/fault"
)

// A block of a table that is not what was written is found when the database is
// opened after an orderly close: Badger would say that its pairs don't exist.
func TestOpenChecksEveryBlock(t *testing.T) {
	dir := t.TempDir()
	db, _ := history(t, dir, Options{}, 300)
	mustClose(t, db)
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, name := range tables {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{10, len(body) / 3, len(body) / 2} {
			body[at] ^= 0x20
			if err := os.WriteFile(name, body, 0o600); err != nil {
				t.Fatal(err)
			}
			if db, err := Open(dir, Options{}); !errors.Is(err, fault.Damaged) {
				t.Errorf("%s with byte %d changed opens: %v", filepath.Base(name), at, err)
				if err == nil {
					mustClose(t, db)
				}
			}
			body[at] ^= 0x20
		}
		if err := os.WriteFile(name, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, mustOpen(t, dir, Options{}))
}
