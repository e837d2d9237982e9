package journal

import (
	"os"
	"path/filepath"
	"testing"
)

// A changed slot of HEAD is told of, whichever it is, and mended by what is
// written next; no record is the worse for it.
func TestChangedSlotOfHeadIsTold(t *testing.T) {
	for slot := range 2 {
		dir := t.TempDir()
		j, _ := mustOpen(t, dir, Options{})
		for range 3 {
			if _, err := j.Append([]byte("record")); err != nil {
				t.Fatal(err)
			}
		}
		mustClose(t, j)
		name := filepath.Join(dir, headName)
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		body[slot*headPlace+17] ^= 1
		if err := os.WriteFile(name, body, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Verify(dir, Options{})
		if err != nil || len(f.Notes) != 1 || f.Records != 3 {
			t.Errorf("slot %d: Verify has %d records, notes %q, %v", slot, f.Records, f.Notes, err)
		}
		j, r, err := Open(dir, Options{})
		if err != nil || !r.HeadTorn || r.HeadMissing || r.Behind || j.Last() != 3 {
			t.Fatalf("slot %d: %+v, %v", slot, r, err)
		}
		for range 2 {
			if _, err := j.Append([]byte("record")); err != nil {
				t.Fatal(err)
			}
		}
		mustClose(t, j)
		j, r, err = Open(dir, Options{})
		if err != nil || r.HeadTorn || j.Last() != 5 {
			t.Errorf("slot %d: not mended: %+v, %v", slot, r, err)
		}
		mustClose(t, j)
	}
}
