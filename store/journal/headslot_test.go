package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A changed slot of HEAD is told of, whichever it is, and mended by what is
// written next; no record is the worse for it.
func TestChangedSlotOfHeadIsTold(t *testing.T) {
	spoil := map[string]func(slot []byte){
		"changed": func(slot []byte) { slot[17] ^= 1 },
		"emptied": func(slot []byte) { clear(slot) },
	}
	for name, how := range spoil {
		for slot := range 2 {
			t.Run(fmt.Sprint(name, " ", slot), func(t *testing.T) { slotIsTold(t, slot, how) })
		}
	}
}

func slotIsTold(t *testing.T, slot int, spoil func([]byte)) {
	t.Helper()
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
	spoil(body[slot*headPlace : slot*headPlace+headSlot])
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
