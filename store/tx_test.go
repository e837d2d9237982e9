package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"kendro/domain/fault"
)

// What an update has found absent, written, sorted and changed again adds up as if
// it had only been written.
func TestWritesAfterLooking(t *testing.T) {
	db, plain := mustOpen(t, t.TempDir(), Options{}), mustOpen(t, t.TempDir(), Options{})
	update := func(db *DB, index uint64, fn func(*Tx) error) {
		if err := db.Update(index, fn); err != nil {
			t.Fatal(err)
		}
	}
	name := func(i int) []byte { return fmt.Appendf(nil, "k%03d", i%60) }
	for round := range 6 {
		update(plain, uint64(round+1), func(tx *Tx) error {
			for i := round * 20; i < round*20+40; i++ {
				if err := errors.Join(tx.Set(name(i), fmt.Append(nil, i, round)), tx.Delete(name(i*7))); err != nil {
					return err
				}
			}
			return nil
		})
		update(db, uint64(round+1), func(tx *Tx) error {
			for i := round * 20; i < round*20+40; i++ {
				for _, k := range [][]byte{name(i), name(i * 7)} {
					if _, err := tx.Get(k); err != nil && !errors.Is(err, fault.NotFound) {
						return err
					}
				}
				if err := errors.Join(tx.Set(name(i), fmt.Append(nil, i, round)), tx.Delete(name(i*7))); err != nil {
					return err
				}
				got := tx.Writes()
				if len(got) != len(tx.pending) || !slices.IsSortedFunc(got, func(a, b Write) int { return bytes.Compare(a.Key, b.Key) }) {
					t.Fatalf("%d writes are not the %d pending in order", len(got), len(tx.pending))
				}
				for _, w := range got {
					if !bytes.Equal(w.Value, tx.pending[string(w.Key)]) || (w.Value == nil) != (tx.pending[string(w.Key)] == nil) {
						t.Fatalf("%s: %q; want %q", w.Key, w.Value, tx.pending[string(w.Key)])
					}
				}
			}
			return nil
		})
		if db.SetHash() != plain.SetHash() {
			t.Fatalf("after round %d the set hashes differ", round)
		}
	}
	if err := db.Scrub(t.Context()); err != nil {
		t.Error(err)
	}
}
