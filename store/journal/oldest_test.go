package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestRollGivesBackEveryByte: what lay before another segment began is in no file once it was dropped, and
// the log goes on. Without that it stays in the segment of what comes after it.
func TestRollGivesBackEveryByte(t *testing.T) {
	for _, roll := range []bool{false, true} {
		dir := t.TempDir()
		j, _, err := Open(dir, Options{Name: "test"})
		if err != nil {
			t.Fatal(err)
		}
		secret := []byte("Karim-of-Khajura")
		if _, err := j.Append([]byte("first"), secret); err != nil {
			t.Fatal(err)
		}
		if roll {
			for range 2 { // The second finds an empty segment.
				if err := j.Roll(); err != nil {
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
		if roll {
			want = 3
		}
		if j.First() != 3 || j.Oldest() != want {
			t.Errorf("rolled %v: first %d, oldest %d; want 3 and %d", roll, j.First(), j.Oldest(), want)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if holds(t, dir, secret) == roll {
			t.Errorf("rolled %v: the files hold it: %v", roll, !roll)
		}
		j, report, err := Open(dir, Options{Name: "test"})
		if err != nil || len(report.Damage) > 0 {
			t.Fatal(report, err)
		}
		if got, err := j.Read(3); err != nil || string(got) != "third" {
			t.Errorf("rolled %v: opened again, record 3 is %q, %v", roll, got, err)
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
