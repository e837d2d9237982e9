package held_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store/held"
)

// gone is an order about events of the log.
func gone(seqs ...uint64) []protocol.ErasedPlaces {
	p := protocol.ErasedPlaces{Log: log}
	for _, seq := range seqs {
		p.At = append(p.At, at(seq))
	}
	return []protocol.ErasedPlaces{p}
}

// files reports whether a block of 400 bytes lies in any file of the folder.
func (s *shop) files(epoch byte) bool {
	s.t.Helper()
	found := false
	if err := filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		found = found || bytes.Contains(b, bytes.Repeat([]byte{epoch}, 400))
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return found
}

// clear is a store whose bodies can be looked for in its files.
func clear(t *testing.T) *shop {
	t.Helper()
	s := open(t, held.Options{Segment: 64 << 10})
	s.o.Cipher = nil
	s.dir = filepath.Join(t.TempDir(), "clear")
	s.start()
	return s
}

// TestRow36AnOldCopyBringsNothingBack: after a restart, a store that was told what was erased
// keeps no block that an old stick or an author on an old disk brings of it. One that goes on behind is
// kept, since it may be the only copy of the rest, and leaves no byte in a file once a hub has
// signed for that.
func TestRow36AnOldCopyBringsNothingBack(t *testing.T) {
	s := clear(t)
	s.put(block(log, 1, 3, 11, 400), 3)
	if err := s.Forget(gone(2, 3)); err != nil {
		t.Fatal(err)
	}
	s.again()
	if err := s.Forget(gone(2, 3)); err != nil { // As whoever opens it does.
		t.Fatal(err)
	}
	if got := s.Begin(log, protocol.Position{}); got != at(3) {
		t.Errorf("the log is wanted behind %d; want 3: the rest was erased or settled", got.Seq)
	}
	for _, b := range []*protocol.Block{block(log, 1, 2, 12, 400), block(log, 1, 3, 13, 400), block(log, 3, 3, 14, 400)} {
		s.put(b, 3)
	}
	if n, _ := s.Usage(); n != 0 || s.files(12) || s.files(13) || s.files(14) {
		t.Errorf("%d logs are held; want none, and no block in a file", n)
	}
	s.put(block(log, 4, 4, 15, 400), 4)
	s.put(block(log, 2, 6, 16, 400), 6) // It replaces that one.
	s.runs(0)
	s.runs(1, "2-6")
	if err := s.Forget(gone(2, 3)); !errors.Is(err, fault.Unavailable) || !s.files(16) {
		t.Fatalf("the only copy of what follows: %v, in a file %v; want it kept and said", err, s.files(16))
	}
	s.again()
	if err := s.Forget(gone(2, 3)); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("after a restart: %v; want unavailable", err)
	}
	s.runs(1, "2-6")
	if _, err := s.Acknowledge(ack(log, 5)); err != nil || !s.files(16) {
		t.Fatalf("%v, in a file %v: nobody has signed for the sixth", err, s.files(16))
	}
	if _, err := s.Acknowledge(ack(log, 6)); err != nil || s.files(16) {
		t.Errorf("%v, in a file %v; want it gone with the signature", err, s.files(16))
	}
}

// TestRow36AnotherEventIsNotMeant: what an author wrote at an erased place after its disk was set
// back is another event; nobody is told that it is held here.
func TestRow36AnotherEventIsNotMeant(t *testing.T) {
	s := clear(t)
	if err := s.Forget(gone(3)); err != nil {
		t.Fatal(err)
	}
	other := block(log, 2, 3, 17, 400)
	other.Header.End = protocol.Hash{1}
	if _, err := s.Put(intro(17), other); !errors.Is(err, fault.Conflict) {
		t.Errorf("got %v; want conflict", err)
	}
	if err := s.Forget([]protocol.ErasedPlaces{{Log: protocol.LogID{Channel: protocol.Inbox, Name: "41-04-17", Incarnation: 1}, At: []protocol.Position{at(1)}}}); err != nil {
		t.Error(err)
	}
}

// TestRow36WrittenAnewOnce: to be told again of what is gone writes nothing.
func TestRow36WrittenAnewOnce(t *testing.T) {
	s := clear(t)
	s.put(block(log, 1, 3, 11, 400), 3)
	s.put(block(log, 4, 6, 12, 400), 6)
	if err := s.Forget(gone(3)); err != nil || s.files(11) || !s.files(12) {
		t.Fatal(err, s.files(11), s.files(12))
	}
	segments := func() []string {
		t.Helper()
		names, err := filepath.Glob(filepath.Join(s.dir, "*.seg"))
		if err != nil || len(names) == 0 {
			t.Fatal(names, err)
		}
		return names
	}
	before := segments()
	for range 2 {
		if err := s.Forget(gone(3)); err != nil {
			t.Fatal(err)
		}
		if now := segments(); len(now) != len(before) || now[len(now)-1] != before[len(before)-1] {
			t.Errorf("the files are %v; want %v", now, before)
		}
		s.again()
	}
}
