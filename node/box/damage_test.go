package box

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/protocol"
	"kendro/store/journal"
)

// filled is a box with some history of every kind, and everything it answers.
func filled(t *testing.T) (*counter, map[protocol.Number]Case) {
	t.Helper()
	c := newCounter(t)
	for seed := range uint64(40) {
		c.file(seed)
	}
	c.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: c.Log(), First: 1, Last: 20, Index: 9, At: nodetest.Start.UnixMilli()})
	c.deliver(c.d.Inbox)
	return c, c.everything()
}

func (c *counter) everything() map[protocol.Number]Case {
	c.tb.Helper()
	all := map[protocol.Number]Case{}
	list, err := c.Latest(0, 1000)
	if err != nil {
		c.tb.Fatal(err)
	}
	for _, k := range list {
		one, err := c.Case(k.Number) // Through the index.
		if err != nil {
			c.tb.Fatal(err)
		}
		if !one.Accepted {
			one.AsOf = nodetest.Start // Now, each time.
		}
		all[k.Number] = *one
	}
	return all
}

func (c *counter) wantSame(when string, want map[protocol.Number]Case) {
	c.tb.Helper()
	if got := c.everything(); !reflect.DeepEqual(got, want) {
		c.tb.Fatalf("%s: %d answers, and they differ from the %d before", when, len(got), len(want))
	}
}

// TestFlippedIndex flips bytes all over the index's files. Whatever it hits, the
// answers are the same after at most one scrub.
func TestFlippedIndex(t *testing.T) {
	t.Parallel()
	c, want := filled(t)
	c.stop()
	r := rand.New(rand.NewPCG(1, 2))
	built := &counted{text: "index"}
	c.o.Logger = slog.New(built)
	for round := range 25 {
		flipped := flip(t, filepath.Join(c.dir, "index"), r)
		c.start()
		if err := c.Scrub(context.Background()); err != nil {
			t.Fatalf("round %d, %s: %v", round, flipped, err)
		}
		c.wantSame("after a flip in "+flipped, want)
		c.file(3)
		c.stop()
	}
	if built.n.Load() == 0 {
		t.Fatal("no flip was noticed")
	}
	t.Logf("%d of 25 flips had the index built again", built.n.Load())
}

// counted counts the log lines that begin with a text.
type counted struct {
	text string
	n    atomic.Int64
}

func (c *counted) Enabled(context.Context, slog.Level) bool { return true }
func (c *counted) WithAttrs([]slog.Attr) slog.Handler       { return c }
func (c *counted) WithGroup(string) slog.Handler            { return c }
func (c *counted) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, c.text) {
		c.n.Add(1)
	}
	return nil
}

// flip changes one byte that is not zero of one file below dir.
func flip(t *testing.T, dir string, r *rand.Rand) string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 1000 {
		name := files[r.IntN(len(files))]
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			continue
		}
		at := r.IntN(len(b))
		if len(b) > 1<<20 && r.IntN(2) == 0 {
			at = r.IntN(32 << 10) // Large files are mostly empty.
		}
		if b[at] == 0 {
			continue
		}
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt([]byte{b[at] ^ 1<<r.IntN(8)}, int64(at))
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		return filepath.Base(name)
	}
	t.Fatal("nothing to flip")
	return ""
}

// TestOldIndex puts an older copy of the index back: it follows. Then one of
// another history: it is thrown away.
func TestOldIndex(t *testing.T) {
	t.Parallel()
	c, _ := filled(t)
	c.stop()
	old := filepath.Join(t.TempDir(), "old")
	copyTree(t, filepath.Join(c.dir, "index"), old)
	c.start()
	c.file(100)
	want := c.everything()
	c.stop()
	swap := func(with string) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(c.dir, "index")); err != nil {
			t.Fatal(err)
		}
		copyTree(t, with, filepath.Join(c.dir, "index"))
	}
	swap(old)
	c.start()
	c.wantSame("with an older index", want)
	c.stop()

	other, _ := filled(t)
	other.stop()
	swap(filepath.Join(other.dir, "index"))
	c.start()
	c.wantSame("with another box's index", want)
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestTornTail cuts the journal's last record short, as a power cut does.
func TestTornTail(t *testing.T) {
	t.Parallel()
	c, want := filled(t)
	tip := c.Head()
	c.stop()
	torn := []byte("KFRM half a frame")
	segments, err := filepath.Glob(filepath.Join(c.dir, "journal", "own", "*"))
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for _, name := range segments {
		b, err := os.ReadFile(name)
		if err != nil || len(b) < 1<<20 {
			continue
		}
		end := len(b)
		for end > 0 && b[end-1] == 0 {
			end--
		}
		if end < 1<<10 {
			continue // The spare.
		}
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(torn, int64((end+7)&^7))
		written++
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if written == 0 {
		t.Fatal("found no segment with records")
	}
	c.start()
	if got := c.Head(); got != tip {
		t.Fatalf("head %v; want %v", got, tip)
	}
	c.wantSame("with a torn tail", want)
	if a := c.file(1000); a.Receipt.At.Seq != tip.At.Seq+1 {
		t.Fatalf("next record stands at %d", a.Receipt.At.Seq)
	}
}

// TestFailedSync fails one sync: the caller isn't told that it was kept, the box
// stops, and after a restart everything that was answered is there.
func TestFailedSync(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"write", "sync"} {
		t.Run(what, func(t *testing.T) {
			disk := &faultyDisk{}
			c := freshCounter(t)
			c.o.disk = disk
			c.d.Publish(t, c.d.Set, nil)
			c.d.AddUser(t, nil)
			c.start()
			c.deliver(c.d.Catalogue)
			c.deliver(c.d.Inbox)
			waitFor(t, "intake to open", func() bool { return c.Blockers().Closed() == nil })
			first := c.file(1)
			disk.fail(what)
			r, shown := c.request(2), 0
			r.Render = func(*Answer) { shown++ } // Whoever filed may let go of what it writes to.
			_, _, err := c.File(context.Background(), r)
			if !errors.Is(err, fault.Stopped) {
				t.Fatalf("filing on a failing disk: %v; want stopped", err)
			}
			if shown != 1 {
				t.Fatalf("the answer was written down %d times by the end; want once, beside the disk's work", shown)
			}
			if err := <-c.ended; !errors.Is(err, fault.Stopped) {
				t.Fatalf("the box ended with %v; want stopped", err)
			}
			c.cancel = nil
			if _, _, err := c.File(context.Background(), c.request(3)); err == nil {
				t.Fatal("a stopped box took an application")
			}
			c.o.disk = nil
			c.start()
			if again := c.file(1); !reflect.DeepEqual(again, first) {
				t.Fatalf("the first answer changed: %+v", again)
			}
			c.file(2) // Kept or not, the key gives one event.
			if n := c.Head().At.Seq; n != 2 {
				t.Fatalf("%d events; want 2", n)
			}
		})
	}
}

// A faultyDisk is the real one until it is told to fail.
type faultyDisk struct {
	realDisk
	writes, syncs atomic.Bool
	left          atomic.Int64 // Writes and syncs until all fail; 0 is never.
}

// exhausted counts one of those that are left.
func (d *faultyDisk) exhausted() bool {
	for {
		n := d.left.Load()
		if n <= 1 {
			return n == 1
		}
		if d.left.CompareAndSwap(n, n-1) {
			return false
		}
	}
}

// failAfter has every write and sync fail but for the next n.
func (d *faultyDisk) failAfter(n int) { d.left.Store(int64(n) + 1) }

func (d *faultyDisk) fail(what string) {
	d.writes.Store(what == "write")
	d.syncs.Store(what == "sync")
}

func (d *faultyDisk) Open(name string, create bool) (journal.File, error) {
	f, err := d.realDisk.Open(name, create)
	if err != nil {
		return nil, err
	}
	return &faultyFile{File: f, disk: d}, nil
}

type faultyFile struct {
	journal.File
	disk *faultyDisk
}

func (f *faultyFile) WriteAt(b []byte, off int64) (int, error) {
	if f.disk.writes.Load() || f.disk.exhausted() {
		return 0, fs.ErrInvalid
	}
	return f.File.WriteAt(b, off)
}

func (f *faultyFile) Sync() error {
	if f.disk.syncs.Load() || f.disk.exhausted() {
		return fs.ErrInvalid
	}
	return f.File.Sync()
}

// realDisk is the operating system's.
type realDisk struct{}

func (realDisk) Open(name string, create bool) (journal.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE | os.O_EXCL
	}
	return os.OpenFile(name, flags, 0o600)
}
func (realDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (realDisk) Remove(name string) error     { return os.Remove(name) }
func (realDisk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
