package held_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/held"
	"kendro/store/journal"
)

var log = protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 5}

func at(seq uint64) protocol.Position {
	if seq == 0 {
		return protocol.Position{}
	}
	return protocol.Position{Seq: seq, Hash: sha256.Sum256(fmt.Append(nil, "event ", seq))}
}

func block(l protocol.LogID, first, last uint64, epoch byte, size int) *protocol.Block {
	body := bytes.Repeat([]byte{epoch}, size)
	return &protocol.Block{Header: protocol.Header{
		Log: l, First: first, Last: last, Prev: at(first - 1).Hash, End: at(last).Hash, Epoch: identity.EpochID{epoch}, Body: sha256.Sum256(body),
	}, Body: body, Signature: make([]byte, 64)}
}

func intro(n byte) *protocol.Epoch {
	return &protocol.Epoch{ID: identity.EpochID{n}, Wraps: []identity.Wrap{{Sealed: []byte("sealed")}}}
}

func ack(l protocol.LogID, seq uint64) protocol.Passed {
	return protocol.Passed{Ack: protocol.Ack{Log: l, At: at(seq), Index: seq}, Cert: []byte("certificate")}
}

type shop struct {
	*held.Store
	t   *testing.T
	dir string
	o   held.Options
}

func open(t *testing.T, o held.Options) *shop {
	t.Helper()
	vault, err := store.OpenVaultKey(filepath.Join(t.TempDir(), "vault"), nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Cipher = vault
	s := &shop{t: t, dir: filepath.Join(t.TempDir(), "held"), o: o}
	s.start()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (s *shop) start() {
	s.t.Helper()
	var err error
	if s.Store, err = held.Open(s.dir, s.o); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) again() {
	s.t.Helper()
	if err := s.Close(); err != nil {
		s.t.Fatal(err)
	}
	s.start()
}

func (s *shop) put(b *protocol.Block, want uint64) {
	s.t.Helper()
	got, err := s.Put(intro(b.Header.Epoch[0]), b)
	if err != nil || got != at(want) {
		s.t.Fatalf("put %d-%d: at %d, %v; want %d", b.Header.First, b.Header.Last, got.Seq, err, want)
	}
}

func (s *shop) runs(from uint64, want ...string) {
	s.t.Helper()
	epochs, blocks, err := s.Load(log, at(from), 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	var got []string
	known := map[identity.EpochID]bool{}
	for _, e := range epochs {
		known[e.ID] = true
	}
	for _, b := range blocks {
		got = append(got, fmt.Sprintf("%d-%d", b.Header.First, b.Header.Last))
		if err := b.Check(); err != nil || !known[b.Header.Epoch] {
			s.t.Errorf("block %s came back spoilt or without its epoch: %v", got, err)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Errorf("after %d: got %v; want %v", from, got, want)
	}
}

// TestHeldSurvivesRestart keeps blocks of two epochs from the middle of a log, and
// reads them again after a restart.
func TestHeldSurvivesRestart(t *testing.T) {
	s := open(t, held.Options{})
	if got := s.Begin(log, at(4)); got != at(4) {
		t.Fatalf("begins at %v", got)
	}
	s.put(block(log, 5, 6, 1, 100), 6)
	s.put(block(log, 7, 9, 2, 100), 9)
	s.put(block(log, 7, 9, 2, 100), 9) // Twice is once.
	s.runs(4, "5-6", "7-9")
	s.again()
	s.runs(4, "5-6", "7-9")
	s.runs(5, "5-6", "7-9")
	s.runs(6, "7-9")
	s.runs(3)
	if h := s.Heads(); len(h) != 1 || h[0].At != at(9) {
		t.Errorf("heads %v", h)
	}
	s.put(block(log, 5, 12, 2, 100), 12) // A wider cut of the same events.
	s.runs(4, "5-12")
	s.again()
	s.runs(4, "5-12")
}

// TestWiderBlockBeginsBelow has a block take the place of others that begins where a hub
// has signed meanwhile, which its author had not heard of; it needs only the room beyond theirs.
func TestWiderBlockBeginsBelow(t *testing.T) {
	s := open(t, held.Options{Quota: 1000})
	s.put(block(log, 1, 2, 1, 100), 2)
	s.put(block(log, 3, 4, 1, 200), 4)
	if _, err := s.Acknowledge(ack(log, 2)); err != nil {
		t.Fatal(err)
	}
	s.put(block(log, 1, 5, 1, 500), 5)
	s.runs(2, "1-5")
	s.put(block(log, 1, 6, 1, 600), 6)
	s.again()
	s.runs(2, "1-6")
	if _, bytes := s.Usage(); bytes < 600 || bytes > 1000 {
		t.Errorf("%d bytes are held; want those of the widest block", bytes)
	}
	if _, err := s.Put(intro(1), block(log, 4, 7, 1, 10)); !errors.Is(err, fault.Conflict) {
		t.Errorf("a block that begins inside one: %v; want conflict", err)
	}
}

func TestHeldRefuses(t *testing.T) {
	s := open(t, held.Options{Quota: 1000})
	s.put(block(log, 1, 2, 1, 400), 2)
	other := block(log, 3, 4, 1, 10)
	other.Header.Prev[0] ^= 1
	end := block(log, 1, 2, 1, 10)
	end.Header.End[0] ^= 1
	for what, c := range map[string]struct {
		b    *protocol.Block
		e    *protocol.Epoch
		kind error
	}{
		"a gap":                {block(log, 4, 4, 1, 10), intro(1), fault.Unavailable},
		"another event":        {other, intro(1), fault.Conflict},
		"another end":          {end, intro(1), fault.Conflict},
		"over the quota":       {block(log, 3, 3, 1, 900), intro(1), fault.Denied},
		"an epoch unknown":     {block(log, 3, 3, 2, 10), nil, fault.NotFound},
		"another introduction": {block(log, 3, 3, 2, 10), intro(1), fault.NotFound},
	} {
		if _, err := s.Put(c.e, c.b); !errors.Is(err, c.kind) {
			t.Errorf("%s: %v; want %v", what, err, c.kind)
		}
	}
	s.runs(0, "1-2")
}

// TestAcknowledgementReleases lets go of what a hub signed for and keeps the word.
func TestAcknowledgementReleases(t *testing.T) {
	s := open(t, held.Options{})
	for i := range uint64(5) {
		s.put(block(log, 2*i+1, 2*i+2, byte(i+1), 100), 2*i+2)
	}
	if news, err := s.Acknowledge(ack(log, 5)); !news || err != nil {
		t.Fatal(news, err)
	}
	if news, _ := s.Acknowledge(ack(log, 4)); news {
		t.Error("an older word is news")
	}
	stranger := protocol.LogID{Channel: protocol.Uplink, Name: "41-0099", Incarnation: 5}
	if s.Awaits(log, 5) || !s.Awaits(log, 6) || s.Awaits(stranger, 6) {
		t.Errorf("5 and 6 are awaited %v and %v, of a log that was never held %v; want only 6", s.Awaits(log, 5), s.Awaits(log, 6), s.Awaits(stranger, 6))
	}
	s.runs(5, "5-6", "7-8", "9-10")
	s.again()
	s.runs(5, "5-6", "7-8", "9-10")
	if p := s.Acknowledgements(log.Name); len(p) != 1 || p[0].Ack.At != at(5) || string(p[0].Cert) != "certificate" {
		t.Errorf("acknowledgements %v", p)
	}
	if _, err := s.Acknowledge(ack(log, 10)); err != nil {
		t.Fatal(err)
	}
	if n, bytes := s.Usage(); n != 0 || bytes != 0 {
		t.Errorf("%d logs, %d bytes held after all was signed for", n, bytes)
	}
	s.put(block(log, 11, 12, 9, 100), 12)
	s.again()
	s.runs(10, "11-12")
}

// TestRoomComesBack holds and releases many times the quota.
func TestRoomComesBack(t *testing.T) {
	s := open(t, held.Options{Quota: 1 << 20})
	still := protocol.LogID{Channel: protocol.Uplink, Name: "41-0012", Incarnation: 1}
	s.put(block(still, 1, 3, 7, 500), 3)
	for i := range uint64(60) {
		s.put(block(log, i+1, i+1, 1, 200<<10), i+1)
		if i%3 == 2 {
			if _, err := s.Acknowledge(ack(log, i+1)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if used := size(t, s.dir); used > 12<<20 {
		t.Errorf("%d bytes on the disk for 500 that are held", used)
	}
	s.again()
	if _, blocks, err := s.Load(still, at(0), 10); err != nil || len(blocks) != 1 || len(blocks[0].Body) != 500 {
		t.Errorf("what stayed: %d blocks, %v", len(blocks), err)
	}
	if p := s.Acknowledgements(log.Name); len(p) != 1 || p[0].Ack.At.Seq != 60 {
		t.Errorf("the newest words are %v", p)
	}
}

func size(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := os.Stat(filepath.Join(dir, d.Name()))
		if err == nil {
			n += i.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHeldSaysWhatIsMissing takes away and alters what says how far copies reach:
// the store opens, and each time the log says so.
func TestHeldSaysWhatIsMissing(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"HEAD of an empty store": func(dir string) error { return os.Remove(filepath.Join(dir, "HEAD")) },
		"HEAD":                   func(dir string) error { return os.Remove(filepath.Join(dir, "HEAD")) },
		"a slot of HEAD":         func(dir string) error { return os.Truncate(filepath.Join(dir, "HEAD"), 100) },
		"the only segment": func(dir string) error {
			return os.Remove(filepath.Join(dir, "00000000000000000001.seg"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			s := open(t, held.Options{Logger: slog.New(slog.NewTextHandler(&said, nil))})
			if name != "HEAD of an empty store" {
				s.put(block(log, 1, 5, 1, 100), 5)
				s.put(block(log, 6, 9, 1, 100), 9)
			}
			s.again()
			if said.Len() > 0 {
				t.Fatalf("a whole store says %s", &said)
			}
			if err := errors.Join(s.Close(), damage(s.dir)); err != nil {
				t.Fatal(err)
			}
			s.start()
			if !strings.Contains(said.String(), "level=WARN") || !strings.Contains(said.String(), "held") {
				t.Errorf("the damage passes in silence: %q", &said)
			}
		})
	}
}

// TestForget: blocks of erased events go from the disk with what came before them, also
// those that an acknowledgement had let go of; one that goes on behind them stays until a
// hub has signed for the rest; other logs lose nothing.
func TestForget(t *testing.T) {
	other := protocol.LogID{Channel: protocol.Uplink, Name: "41-0020", Incarnation: 9}
	never := protocol.LogID{Channel: protocol.Uplink, Name: "41-0030", Incarnation: 9}
	places := func(l protocol.LogID, seqs ...uint64) (p []protocol.ErasedPlaces) {
		p = []protocol.ErasedPlaces{{Log: l}, {Log: never, At: []protocol.Position{at(1)}}}
		for _, seq := range seqs {
			p[0].At = append(p[0].At, at(seq))
		}
		return p
	}
	s := open(t, held.Options{Segment: 64 << 10})
	s.o.Cipher = nil // The body is what is looked for.
	s.dir = filepath.Join(t.TempDir(), "clear")
	s.start()
	put := func(b *protocol.Block) {
		t.Helper()
		if _, err := s.Put(intro(b.Body[0]), b); err != nil {
			t.Fatal(err)
		}
	}
	onDisk := func(epoch byte) bool {
		t.Helper()
		found := false
		err := filepath.WalkDir(s.dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(name)
			found = found || bytes.Contains(b, bytes.Repeat([]byte{epoch}, 300))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	put(block(log, 1, 3, 11, 400))
	if _, err := s.Acknowledge(ack(log, 3)); err != nil {
		t.Fatal(err)
	}
	put(block(log, 4, 5, 12, 400))
	put(block(log, 6, 9, 13, 400))
	put(block(log, 10, 12, 14, 400))
	put(block(other, 1, 2, 15, 400))
	if !onDisk(11) {
		t.Fatal("the first block is gone already: the test tests nothing")
	}
	for range 2 { // Again is the same, and so is what a restart finds.
		if err := s.Forget(places(log, 2, 5)); err != nil {
			t.Fatal(err)
		}
		for epoch, want := range map[byte]bool{11: false, 12: false, 13: true, 14: true, 15: true} {
			if onDisk(epoch) != want {
				t.Errorf("block %d on the disk: %v; want %v", epoch, !want, want)
			}
		}
		s.again()
	}
	err := s.Forget(places(log, 7))
	if !errors.Is(err, fault.Unavailable) || !onDisk(13) {
		t.Errorf("a block that goes on: %v, on the disk %v; want unavailable, true", err, onDisk(13))
	}
	if _, err := s.Acknowledge(ack(log, 9)); err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(places(log, 7)); err != nil || onDisk(13) || !onDisk(14) {
		t.Errorf("after the hub has signed: %v, on the disk %v, the next %v", err, onDisk(13), onDisk(14))
	}
	if h := s.Head(other); h != at(2) {
		t.Errorf("another log is held up to %+v", h)
	}
	if h := s.Head(log); h != at(12) {
		t.Errorf("the log is held up to %+v", h)
	}
}

// A dying disk takes so many writes, and then no more.
type dying struct {
	journal.Disk
	left atomic.Int64
}

type dyingFile struct {
	journal.File
	d *dying
}

func (d *dying) Open(name string, create bool) (journal.File, error) {
	f, err := d.Disk.Open(name, create)
	return &dyingFile{f, d}, err
}

func (f *dyingFile) WriteAt(b []byte, off int64) (int, error) {
	if f.d.left.Add(-1) < 0 {
		return 0, errors.New("the disk is gone")
	}
	return f.File.WriteAt(b, off)
}

// TestKilledWhileWrittenAgain ends the store at each write by which it writes again what is
// needed: every block of which somebody was told is held after the next start, and after
// another one that went through.
func TestKilledWhileWrittenAgain(t *testing.T) {
	other := protocol.LogID{Channel: protocol.Uplink, Name: "41-0020", Incarnation: 9}
	order := []protocol.ErasedPlaces{{Log: other, At: []protocol.Position{at(1)}}}
	for writes := int64(0); ; writes++ {
		disk := &dying{Disk: journal.SystemDisk()}
		disk.left.Store(1 << 40)
		s := open(t, held.Options{Disk: disk, Segment: 64 << 10})
		s.put(block(log, 1, 3, 1, 100), 3)
		s.put(block(log, 4, 5, 2, 100), 5)
		s.put(block(log, 6, 9, 1, 100), 9)
		if _, err := s.Put(intro(3), block(other, 1, 1, 3, 100)); err != nil {
			t.Fatal(err)
		}
		disk.left.Store(writes)
		err := s.Forget(order)
		_ = s.Close() // What was killed says nothing.
		disk.left.Store(1 << 40)
		s.start()
		s.runs(0, "1-3", "4-5", "6-9")
		if err := s.Forget(order); err != nil {
			t.Fatal(err)
		}
		s.again()
		s.runs(0, "1-3", "4-5", "6-9")
		if n, bytes := s.Usage(); n != 1 || bytes > 2000 {
			t.Errorf("%d logs, %d bytes are held; want one, of three short blocks", n, bytes)
		}
		if t.Failed() {
			t.Fatalf("after %d writes", writes)
		}
		if err == nil {
			if writes < 8 {
				t.Fatalf("all was written again with %d writes: the test tests nothing", writes)
			}
			return
		}
	}
}
