package journal

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"
)

// step is one change that a journal made to its folder.
type step struct {
	kind string // create, write, sync, rename, remove, syncdir
	name string
	to   string
	file int // Serial of the file.
	off  int64
	data []byte
}

// testDisk is the real disk, with a hook that fails a chosen step and, where
// wanted, a record of all steps from which a power cut can be drawn.
type testDisk struct {
	quick
	record bool
	direct bool // Appends write whole blocks, as directFile has it.

	mu    sync.Mutex
	steps []step
	count int
	files int
	names map[string]int
	// failAt is the step that fails, counted from 1; mode says how.
	failAt int
	mode   failMode
	err    error
	failed step
}

// quick is the real disk without its syncs, for tests that no power cut ends.
type quick struct{ osDisk }

type quickFile struct{ File }

func (quickFile) Sync() error          { return nil }
func (quick) SyncDir(dir string) error { return nil }

func (d quick) Open(name string, create bool) (File, error) {
	f, err := d.osDisk.Open(name, create)
	if err != nil {
		return nil, err
	}
	return quickFile{f}, nil
}

// fullDisk has no room for new files while full.
type fullDisk struct {
	quick
	full atomic.Bool
}

type fullFile struct {
	File
	d     *fullDisk
	grows bool
	fresh bool // Every write makes it longer.
}

func (d *fullDisk) Open(name string, create bool) (File, error) {
	f, err := d.quick.Open(name, create)
	if err != nil {
		return nil, err
	}
	return &fullFile{f, d, isSpare(filepath.Base(name)), filepath.Base(name) == replaceName}, nil
}

func (f *fullFile) WriteAt(b []byte, off int64) (int, error) {
	if blank, _ := nonZero(b); f.grows && f.d.full.Load() && (blank < 0 || f.fresh) {
		return 0, syscall.ENOSPC
	}
	return f.File.WriteAt(b, off)
}

type failMode int

const (
	failBefore failMode = iota // Nothing of it happened.
	failAfter                  // All of it happened.
	failShort                  // Half of a write happened.
)

var errInjected = errors.New("injected failure")

type testFile struct {
	File
	d    *testDisk
	name string
	id   int
}

// do runs one step, or fails it.
func (d *testDisk) do(s step, run func(short bool) error) error {
	d.mu.Lock()
	d.count++
	hit := d.count == d.failAt
	if hit {
		d.failed = s
	}
	d.mu.Unlock()
	if hit && d.mode == failBefore {
		return d.err
	}
	if err := run(hit && d.mode == failShort); err != nil {
		return err
	}
	if d.record {
		s.data = append([]byte(nil), s.data...)
		d.mu.Lock()
		d.steps = append(d.steps, s)
		d.mu.Unlock()
	}
	if hit {
		return d.err
	}
	return nil
}

// done is how many steps there were.
func (d *testDisk) done() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// failNext has the step after so many more fail.
func (d *testDisk) failNext(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failAt = d.count + n
}

func (d *testDisk) at() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.steps)
}

// taken returns the steps so far.
func (d *testDisk) taken() []step {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.steps)
}

func (d *testDisk) Open(name string, create bool) (File, error) {
	d.mu.Lock()
	if d.names == nil {
		d.names = map[string]int{}
	}
	if create {
		d.files++
		d.names[name] = d.files
	}
	id := d.names[name]
	d.mu.Unlock()
	var f File
	open := func(bool) (err error) {
		f, err = d.quick.Open(name, create)
		return err
	}
	var err error
	if create {
		err = d.do(step{kind: "create", name: name, file: id}, open)
	} else {
		err = open(false)
	}
	if err != nil {
		if f != nil {
			_ = f.Close()
		}
		return nil, err
	}
	tf := &testFile{File: f, d: d, name: name, id: id}
	if !d.direct {
		return tf, nil
	}
	wide := &directFile{File: tf}
	wide.open = func() (io.WriterAt, error) {
		end, err := f.(quickFile).File.(osFile).Seek(0, io.SeekEnd)
		wide.last = end - directBlock
		return blocksOnly{tf}, err
	}
	return wide, nil
}

// blocksOnly takes what the operating system takes past its memory.
type blocksOnly struct{ io.WriterAt }

func (w blocksOnly) WriteAt(b []byte, off int64) (int, error) {
	if off%directBlock != 0 || len(b)%directBlock != 0 || uintptr(unsafe.Pointer(unsafe.SliceData(b)))%directBlock != 0 {
		return 0, fmt.Errorf("%d bytes at %d: want whole blocks", len(b), off)
	}
	return w.WriterAt.WriteAt(b, off)
}

func (f *testFile) WriteAt(b []byte, off int64) (int, error) {
	n := len(b)
	err := f.d.do(step{kind: "write", name: f.name, file: f.id, off: off, data: b}, func(short bool) error {
		if short {
			n = len(b) / 2
		}
		_, err := f.File.WriteAt(b[:n], off)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (f *testFile) Sync() error {
	return f.d.do(step{kind: "sync", name: f.name, file: f.id}, func(bool) error { return f.File.Sync() })
}

func (d *testDisk) Rename(from, to string) error {
	return d.do(step{kind: "rename", name: from, to: to}, func(bool) error {
		d.mu.Lock()
		d.names[to] = d.names[from]
		delete(d.names, from)
		d.mu.Unlock()
		return d.quick.Rename(from, to)
	})
}

func (d *testDisk) Remove(name string) error {
	return d.do(step{kind: "remove", name: name}, func(bool) error { return d.quick.Remove(name) })
}

func (d *testDisk) SyncDir(dir string) error {
	return d.do(step{kind: "syncdir", name: dir}, func(bool) error { return d.quick.SyncDir(dir) })
}

// image is what a power cut leaves.
type image struct {
	content map[int][]byte // By serial of the file: durable.
	pending map[int][]step // Writes since the last sync.
	names   map[string]int // Durable.
	moves   []step         // Changes of the folder since its last sync.
}

// cutPower builds in dir the files as a power cut after n steps may have left
// them: what was synced, and of the rest whatever rnd keeps, in pieces of 512.
func cutPower(t *testing.T, rnd *rand.Rand, steps []step, n int, dir string) {
	t.Helper()
	im := image{content: map[int][]byte{}, pending: map[int][]step{}, names: map[string]int{}}
	for _, s := range steps[:n] {
		switch s.kind {
		case "write":
			im.pending[s.file] = append(im.pending[s.file], s)
		case "sync":
			for _, w := range im.pending[s.file] {
				im.content[s.file] = apply(im.content[s.file], w.off, w.data)
			}
			delete(im.pending, s.file)
		case "syncdir":
			for _, m := range im.moves {
				im.move(m)
			}
			im.moves = nil
		default:
			im.moves = append(im.moves, s)
		}
	}
	keep := []float64{0, 0.1, 0.5, 0.9, 1}[rnd.IntN(5)]
	for id, writes := range im.pending {
		for _, w := range writes {
			for at := 0; at < len(w.data); {
				end := min(len(w.data), at+512-int((w.off+int64(at))%512))
				if rnd.Float64() < keep {
					im.content[id] = apply(im.content[id], w.off+int64(at), w.data[at:end])
				}
				at = end
			}
		}
	}
	for _, m := range im.moves[:rnd.IntN(len(im.moves)+1)] {
		if m.kind != "remove" || rnd.IntN(4) > 0 {
			im.move(m)
		}
	}
	for name, id := range im.names {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), im.content[id], 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (im *image) move(s step) {
	switch s.kind {
	case "create":
		im.names[s.name] = s.file
	case "rename":
		if id, ok := im.names[s.name]; ok {
			im.names[s.to] = id
			delete(im.names, s.name)
		}
	case "remove":
		delete(im.names, s.name)
	}
}

func apply(b []byte, off int64, data []byte) []byte {
	if n := off + int64(len(data)); int64(len(b)) < n {
		b = append(b, make([]byte, n-int64(len(b)))...)
	}
	copy(b[off:], data)
	return b
}
