package box

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kendro/store"
	"kendro/store/journal"
)

// TestInspect alters and removes the note of which log is written: the stopped
// box's folder tells, and a whole one says nothing.
func TestInspect(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.file(1)
	c.file(2)
	c.stop()
	look := func() string {
		t.Helper()
		vault, err := store.OpenVaultKey(filepath.Join(c.dir, "vault"), nil)
		if err != nil {
			t.Fatal(err)
		}
		notes, err := Inspect(c.dir, journal.Options{Name: "own", Cipher: vault})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(notes, "; ")
	}
	if said := look(); said != "" {
		t.Errorf("a whole folder: %s", said)
	}
	name := filepath.Join(c.dir, "journal", "own.log")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		altered := append([]byte{}, whole...)
		altered[at] ^= 0x40
		if err := os.WriteFile(name, altered, 0o600); err != nil {
			t.Fatal(err)
		}
		if look() == "" && at < len(whole)-2 { // The last two are record numbers: 65 instead of 1 is beyond the end.
			t.Errorf("byte %d of %x is altered in silence", at, whole)
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(look(), "gone") {
		t.Errorf("without the file: %q", look())
	}
}

// TestKeeperIsAskedAgain: what a keeper has said counts until it begins another
// session, in which it says what it still holds.
func TestKeeperIsAskedAgain(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	a := c.file(1)
	if err := c.Witnessed("41-09-27", c.Head()); err != nil {
		t.Fatal(err)
	}
	if w, err := c.Track(a.Number); err != nil || w.Copies != 1 {
		t.Fatalf("%+v, %v; want one copy", w, err)
	}
	c.Unwitness("41-09-27")
	if w, err := c.Track(a.Number); err != nil || w.Copies != 0 {
		t.Errorf("%+v, %v; want no copy before the keeper has said it again", w, err)
	}
}
