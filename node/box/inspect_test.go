package box

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kendro/protocol"
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

// TestRow36AuditSeesWhatWasErased: a box that has forgotten fits together, and says what it
// has forgotten. Another hash in the place of an erased event is found, and so is an event
// that is whole where the box says that it is gone.
func TestRow36AuditSeesWhatWasErased(t *testing.T) {
	t.Parallel()
	c := small(t)
	k, _ := told(t, c)
	c.stop()
	old := t.TempDir()
	copyTree(t, c.dir, old)
	journaled := func(fn func(*journal.Journal)) {
		t.Helper()
		vault, err := store.OpenVaultKey(filepath.Join(c.dir, "vault"), nil)
		if err != nil {
			t.Fatal(err)
		}
		j, _, err := journal.Open(filepath.Join(c.dir, "journal", "own"), journal.Options{Name: "own", Cipher: vault, SegmentBytes: c.o.segment})
		if err != nil {
			t.Fatal(err)
		}
		fn(j)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	keep := func(into map[uint64][]byte) func(*journal.Journal) {
		return func(j *journal.Journal) {
			for seq := uint64(1); seq <= j.Last(); seq++ {
				raw, err := j.Read(seq)
				if err != nil {
					t.Fatal(err)
				}
				into[seq] = bytes.Clone(raw)
			}
		}
	}
	c.start()
	c.order(k)
	c.deliver(c.d.Inbox)
	c.carriedOut()
	c.stop()
	look := func(when string, damage string) {
		t.Helper()
		vault, err := store.OpenVaultKey(filepath.Join(c.dir, "vault"), nil)
		if err != nil {
			t.Fatal(err)
		}
		in, err := InspectErased(c.dir, vault)
		if err != nil || len(in.Cases) != 1 || in.Cases[0].Number != k.Number || in.Cases[0].Basis != "the law" || in.Waiting != 0 || in.Events < 8 {
			t.Errorf("%s: %+v, %v", when, in, err)
		}
		if said := strings.Join(in.Damage, "; "); damage == "" && said != "" || !strings.Contains(said, damage) {
			t.Errorf("%s: %q; want %q", when, said, damage)
		}
		if damage == "" && in.Erased != 2 {
			t.Errorf("%s: %d events are erased; want hers, and what the inbox said", when, in.Erased)
		}
	}
	look("after the order", "")
	gone := map[uint64][]byte{}
	journaled(keep(gone))
	for seq, raw := range gone {
		var g erasedRecord
		if protocol.Unmarshal(raw, maxRecord, "record", &g) != nil {
			continue
		}
		g.Event[20] ^= 1
		for _, step := range [][2]string{{string(protocol.Marshal(&g)), "does not follow"}, {string(raw), ""}} {
			journaled(func(j *journal.Journal) {
				if err := j.Replace(map[uint64][]byte{seq: []byte(step[0])}); err != nil {
					t.Fatal(err)
				}
			})
			look("another hash", step[1])
		}
	}
	putBack(t, c.counter, old, filepath.Join("journal", "own"))
	look("an older journal/own", "is whole here")
}
