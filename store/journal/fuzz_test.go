package journal

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// Whatever lies in the header's bytes, parsing them neither panics nor believes
// a length that is out of bounds; what was written parses back.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("record"), uint64(7), uint64(3))
	f.Add([]byte{}, uint64(0), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, salt, seq uint64) {
		if h, ok := parseFrame(b, salt); ok && h.length > maxStored {
			t.Errorf("length %d", h.length)
		}
		if len(b) > MaxRecord {
			return
		}
		in := frame{length: uint32(len(b)), seq: seq, durable: seq / 2, chain: link([32]byte{}, b)}
		raw := appendFrame(nil, &in, salt, b)
		out, ok := parseFrame(raw, salt)
		if !ok || int64(len(raw)) != out.size() || out.seq != seq || out.chain != in.chain {
			t.Fatalf("got %+v, %v; want %+v", out, ok, in)
		}
		if got, ok := out.record(raw[frameHeader:]); !ok || !bytes.Equal(got, b) {
			t.Errorf("got %q, %v; want %q", got, ok, b)
		}
		if _, ok := parseFrame(raw, salt+1); ok {
			t.Error("it parses under another salt")
		}
	})
}

// Whatever a segment and a HEAD hold, a walk ends, and Open and Verify answer.
func FuzzSegment(f *testing.F) {
	dir := f.TempDir()
	j, _ := mustOpen(f, dir, testOptions())
	for i := range 3 {
		if _, err := j.Append([]byte{byte(i)}, []byte("record")); err != nil {
			f.Fatal(err)
		}
	}
	mustClose(f, j)
	seg, _ := os.ReadFile(filepath.Join(dir, segmentName(1)))
	head, _ := os.ReadFile(filepath.Join(dir, headName))
	f.Add(seg, head)
	f.Add(seg[:1000], head)
	f.Add(seg, []byte{})
	f.Fuzz(func(t *testing.T, seg, head []byte) {
		if b, ok := decodeBirth(seg[:min(len(seg), segmentHeader)]); ok && b.size > maxSegment+2*MaxBatch {
			t.Fatalf("size %d", b.size)
		}
		dir := t.TempDir()
		for name, b := range map[string][]byte{segmentName(1): seg, headName: head} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, verr := Verify(dir, testOptions())
		j, r, err := Open(dir, testOptions())
		if err != nil {
			return
		}
		if verr != nil && j.Last() >= j.First() && !r.HeadMissing {
			t.Errorf("Open took what Verify refused: %v", verr)
		}
		mustClose(t, j)
	})
}

// Frames on disk never change: old journals are read by every later version.
func TestGoldenFrame(t *testing.T) {
	in := frame{length: 5, seq: 41, durable: 40, rest: 2, chain: link([32]byte{1}, []byte("hello"))}
	got := fmt.Sprintf("%x", appendFrame(nil, &in, 0x0102030405060708, []byte("hello")))
	golden(t, "frame.hex", got)
	in.replaced = true
	golden(t, "frame-replaced.hex", fmt.Sprintf("%x", appendFrame(nil, &in, 0x0102030405060708, []byte("hello"))))
	b := birth{flags: flagSealed, first: 41, before: 7, size: 8 << 20, salt: 9, chain: [32]byte{2}}
	golden(t, "segment.hex", fmt.Sprintf("%x", b.encode()))
	h := head{counter: 3, seq: 41, first: 7, chain: [32]byte{2}, state: cutting}
	golden(t, "head.hex", fmt.Sprintf("%x", h.encode()))
	if d, ok := decodeHead(h.encode()); !ok || d != h {
		t.Errorf("HEAD comes back as %+v", d)
	}
	if d, ok := decodeBirth(b.encode()); !ok || d != b {
		t.Errorf("the segment's header comes back as %+v", d)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if got != string(bytes.TrimSpace(want)) {
		t.Errorf("%s: got %s; want %s", name, got, want)
	}
}

func benchAppend(b *testing.B, batch int) {
	j, _, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	records := make([][]byte, batch)
	for i := range records {
		records[i] = make([]byte, 600)
		for k := range records[i] {
			records[i][k] = byte(rand.Uint32())
		}
	}
	b.SetBytes(int64(600 * batch))
	for b.Loop() {
		if _, err := j.Append(records...); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend1(b *testing.B)   { benchAppend(b, 1) }
func BenchmarkAppend100(b *testing.B) { benchAppend(b, 100) }

// BenchmarkOpen opens a journal of 100,000 records of 600 bytes.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	j, _, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = make([]byte, 600)
	}
	for range 100 {
		if _, err := j.Append(batch...); err != nil {
			b.Fatal(err)
		}
	}
	mustClose(b, j)
	for b.Loop() {
		j, _, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkRead reads records at random from a journal of 100,000.
func BenchmarkRead(b *testing.B) {
	o := Options{Disk: quick{}}
	j, _, err := Open(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	batch := make([][]byte, 1000)
	for i := range batch {
		batch[i] = make([]byte, 600)
	}
	for range 100 {
		if _, err := j.Append(batch...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, err := j.Read(1 + rand.Uint64N(100000)); err != nil {
			b.Fatal(err)
		}
	}
}
