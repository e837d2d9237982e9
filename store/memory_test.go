package store

import (
	"errors"
	"testing"

	"kendro/domain/fault"
)

// A copy is what the disk held then: neither learns what becomes of the other.
func TestMemoryClone(t *testing.T) {
	m := NewMemory()
	db := OpenMemory(m)
	set := func(db *DB, index uint64, key, value string) {
		t.Helper()
		if err := db.Update(index, func(tx *Tx) error { return tx.Set([]byte(key), []byte(value)) }); err != nil {
			t.Fatal(err)
		}
	}
	set(db, 1, "a", "before")
	image := m.Clone()
	set(db, 2, "a", "after")
	old := OpenMemory(image)
	set(old, 2, "b", "elsewhere")
	for _, c := range []struct {
		db        *DB
		key, want string
	}{{db, "a", "after"}, {db, "b", ""}, {old, "a", "before"}, {old, "b", "elsewhere"}} {
		err := c.db.View(func(tx *Tx) error {
			v, err := tx.Get([]byte(c.key))
			if string(v) != c.want || c.want == "" && !errors.Is(err, fault.NotFound) {
				t.Errorf("%s: got %q, %v; want %q", c.key, v, err, c.want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.ViewAt(1, func(*Tx) error { return nil }); !errors.Is(err, fault.NotFound) {
		t.Errorf("an older version: got %v; want not found", err)
	}
	if err := db.Update(2, func(*Tx) error { return nil }); !errors.Is(err, fault.Conflict) {
		t.Errorf("an index twice: got %v; want conflict", err)
	}
}
