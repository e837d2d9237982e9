package journal

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// newBlank makes a file of zeroes as segments are.
func newBlank(tb testing.TB, size int64) *os.File {
	tb.Helper()
	f, err := os.OpenFile(filepath.Join(tb.TempDir(), "blank"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	if err := fillZero(osFile{f}, size, nil); err != nil {
		tb.Fatal(err)
	}
	return f
}

// Whatever is appended directly reads as if it had been written the ordinary way,
// right away and from the disk.
func TestDirectAppend(t *testing.T) {
	const size = 1 << 20
	rnd := rand.New(rand.NewPCG(3, 4))
	for round := range 30 {
		f := newBlank(t, size)
		d := newOSDirect(f)
		want := make([]byte, size)
		for i := size - segmentHeader; i < size; i++ { // As a segment ends.
			want[i] = 0xee
		}
		if _, err := d.WriteAt(want[size-segmentHeader:], size-segmentHeader); err != nil {
			t.Fatal(err)
		}
		off := int64(rnd.IntN(200))
		for i := range 60 {
			if rnd.IntN(20) == 0 { // The end is set back, and what lay behind it wiped.
				off -= min(off, int64(rnd.IntN(6000)))
				clear(want[off : size-segmentHeader])
				if _, err := wipe(d, off, size-segmentHeader); err != nil {
					t.Fatal(err)
				}
			}
			b := make([]byte, 1+rnd.IntN([]int{40, 900, 9000, 300_000}[rnd.IntN(4)]))
			for k := range b {
				b[k] = byte(1 + rnd.IntN(255))
			}
			if off+int64(len(b)) > size-segmentHeader {
				continue
			}
			if err := d.Append(b, off); err != nil {
				t.Fatal(err)
			}
			copy(want[off:], b)
			off += int64(len(b))
			got := make([]byte, len(b))
			if _, err := d.ReadAt(got, off-int64(len(b))); err != nil || !bytes.Equal(got, b) {
				t.Fatalf("round %d, append %d: reads something else (%v)", round, i, err)
			}
		}
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, size)
		if _, err := io.ReadFull(io.NewSectionReader(d, 0, size), got); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("round %d: the file holds something else (%v)", round, err)
		}
		if d.out == nil && round == 0 {
			t.Log("this file system has no direct way")
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A file system that refuses what it promised, or never promised, is written the
// ordinary way.
func TestDirectRefused(t *testing.T) {
	for name, open := range map[string]func() (io.WriterAt, error){
		"never":      func() (io.WriterAt, error) { return nil, syscall.EINVAL },
		"at a write": func() (io.WriterAt, error) { return refusing{}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			f := newBlank(t, 16<<10)
			d := &directFile{File: osFile{f}, open: open, last: 12 << 10}
			for i := range int64(3) {
				if err := d.Append([]byte("abc"), 3*i); err != nil {
					t.Fatal(err)
				}
			}
			got := make([]byte, 10)
			if _, err := d.ReadAt(got, 0); err != nil || string(got) != "abcabcabc\x00" {
				t.Errorf("got %q, %v", got, err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

type refusing struct{}

func (refusing) WriteAt([]byte, int64) (int, error) { return 0, syscall.EINVAL }

// Readers that look at what was just acknowledged, while more is written into the
// same blocks, find it.
func TestDirectReadsWhatWasWritten(t *testing.T) {
	j, _, err := Open(t.TempDir(), Options{Direct: true, SegmentBytes: 256 << 10})
	if err != nil {
		t.Fatal(err)
	}
	const records = 1500
	news := make(chan uint64, records)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for seq := range news {
				for _, s := range []uint64{seq, (seq + 1) / 2, seq - min(seq-1, 40)} {
					if b, err := j.Read(s); err != nil || string(b) != fmt.Sprintf("%0300d", s) {
						t.Errorf("record %d reads %q, %v", s, b, err)
					}
				}
			}
		})
	}
	for i := range uint64(records) {
		seq, err := j.Append(fmt.Appendf(nil, "%0300d", i+1))
		if err != nil || seq != i+1 {
			t.Fatal(seq, err)
		}
		news <- seq
	}
	close(news)
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
