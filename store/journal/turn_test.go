package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestTurnGivesBackEveryByte: what lay before a turn is in no file once it was dropped, and
// the log goes on. Without the turn it stays in the segment of what comes after it.
func TestTurnGivesBackEveryByte(t *testing.T) {
	for _, turn := range []bool{false, true} {
		dir := t.TempDir()
		j, _, err := Open(dir, Options{Name: "test"})
		if err != nil {
			t.Fatal(err)
		}
		secret := []byte("Karim-of-Khajura")
		if _, err := j.Append([]byte("first"), secret); err != nil {
			t.Fatal(err)
		}
		if turn {
			for range 2 { // The second finds an empty segment.
				if err := j.Turn(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := j.Append([]byte("third")); err != nil {
			t.Fatal(err)
		}
		if err := j.DropBefore(3); err != nil {
			t.Fatal(err)
		}
		want := uint64(1)
		if turn {
			want = 3
		}
		if j.First() != 3 || j.Oldest() != want {
			t.Errorf("turned %v: first %d, oldest %d; want 3 and %d", turn, j.First(), j.Oldest(), want)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if holds(t, dir, secret) == turn {
			t.Errorf("turned %v: the files hold it: %v", turn, !turn)
		}
		j, report, err := Open(dir, Options{Name: "test"})
		if err != nil || len(report.Damage) > 0 {
			t.Fatal(report, err)
		}
		if got, err := j.Read(3); err != nil || string(got) != "third" {
			t.Errorf("turned %v: opened again, record 3 is %q, %v", turn, got, err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func holds(t *testing.T, dir string, text []byte) bool {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, text) {
			return true
		}
	}
	return false
}
