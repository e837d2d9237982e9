package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"kendro/domain/fault"
)

// An export holds one index, whatever is committed meanwhile; an import holds
// the same pairs, under the same hash.
func TestExportImport(t *testing.T) {
	o := Options{Preset: Office, Vault: mustVault(t, t.TempDir())}
	db := mustOpen(t, t.TempDir(), o)
	rnd := rand.New(rand.NewPCG(5, 5))
	p := pairs{}
	next := func() []Write {
		var w []Write
		for range 200 {
			w = append(w, Write{fmt.Appendf(nil, "key/%05d", rnd.IntN(20000)), make([]byte, rnd.IntN(500))})
		}
		w = append(w, Write{[]byte("large"), make([]byte, MaxValue)}, Write{Key: w[0].Key})
		return w
	}
	for i := uint64(1); i <= 20; i++ {
		w := next()
		if err := db.Update(i, func(tx *Tx) error { return write(tx, w) }); err != nil {
			t.Fatal(err)
		}
		p = p.with(w)
	}
	var out bytes.Buffer
	index := uint64(20)
	err := db.Export(context.Background(), 20, writerFunc(func(b []byte) (int, error) {
		index++ // Every chunk is overtaken by a commit.
		w := next()
		if err := db.Update(index, func(tx *Tx) error { return write(tx, w) }); err != nil {
			return 0, err
		}
		return out.Write(b)
	}))
	if err != nil || index < 30 {
		t.Fatalf("Export: %v, %d commits meanwhile", err, index-20)
	}
	raw := bytes.Clone(out.Bytes())
	out.WriteString("what follows in the carrier")
	dir := filepath.Join(t.TempDir(), "imported")
	got, hash, err := Import(context.Background(), dir, o, &out)
	if err != nil || got != 20 || hash != p.hash() {
		t.Fatalf("Import = %d, %x, %v; want 20, %x", got, hash, err, p.hash())
	}
	if rest, _ := io.ReadAll(&out); string(rest) != "what follows in the carrier" {
		t.Errorf("Import read beyond the trailer: %q is left", rest)
	}
	copied := mustOpen(t, dir, o)
	if err := copied.View(func(tx *Tx) error { return p.differs(tx) }); err != nil {
		t.Error(err)
	}
	if copied.Applied() != 20 || copied.Scrub(context.Background()) != nil {
		t.Errorf("applied %d, scrub %v", copied.Applied(), copied.Scrub(context.Background()))
	}
	if _, _, err := Import(context.Background(), dir, o, bytes.NewReader(raw)); !errors.Is(err, fault.Conflict) {
		t.Errorf("Import over a database = %v; want conflict", err)
	}
	again := new(bytes.Buffer)
	if err := copied.Export(context.Background(), 20, again); err != nil || !bytes.Equal(again.Bytes(), raw) {
		t.Errorf("the copy exports other bytes (%v)", err)
	}
	badStreams(t, o, raw, rnd)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// badStreams flips and cuts a stream: nothing of it is ever taken.
func badStreams(t *testing.T, o Options, raw []byte, rnd *rand.Rand) {
	t.Helper()
	o.Preset = Box
	for i := range 120 {
		b := bytes.Clone(raw)
		bit := rnd.IntN(8 * len(b))
		if i%2 == 0 {
			bit = 8*len(b) - 1 - rnd.IntN(8*80)
		}
		b[bit/8] ^= 1 << (bit % 8)
		if i%5 == 0 {
			b = raw[:rnd.IntN(len(raw))]
		}
		dir := filepath.Join(t.TempDir(), "bad")
		if _, _, err := Import(context.Background(), dir, o, bytes.NewReader(b)); !errors.Is(err, fault.Damaged) {
			t.Fatalf("bit %d: Import = %v; want damaged", bit, err)
		}
		for _, left := range []string{dir, dir + ".part"} {
			if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("%s was left behind", left)
			}
		}
	}
}

// Streams never change: an older server's export is read by every later one.
func TestGoldenStream(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "stream.hex"))
	if err != nil {
		t.Fatal(err)
	}
	db := mustOpen(t, t.TempDir(), Options{})
	err = db.Update(41, func(tx *Tx) error {
		return errors.Join(tx.Set([]byte("a key"), []byte("a value")), tx.Set([]byte("another"), nil))
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := db.Export(context.Background(), 41, &out); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x\n", out.Bytes()); got != string(want) {
		t.Errorf("got %s; want %s", got, want)
	}
}

func TestExportOfNothing(t *testing.T) {
	db := mustOpen(t, t.TempDir(), Options{})
	var out bytes.Buffer
	if err := db.Export(context.Background(), 0, &out); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "empty")
	index, hash, err := Import(context.Background(), dir, Options{}, &out)
	if err != nil || index != 0 || hash != [32]byte{} {
		t.Errorf("Import = %d, %x, %v", index, hash, err)
	}
	if db := mustOpen(t, dir, Options{}); db.Applied() != 0 {
		t.Errorf("applied %d; want 0", db.Applied())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := db.Export(ctx, 0, io.Discard); !errors.Is(err, fault.Unavailable) {
		t.Errorf("cancelled Export = %v; want unavailable", err)
	}
	if err := db.Scrub(ctx); !errors.Is(err, fault.Unavailable) {
		t.Errorf("cancelled Scrub = %v; want unavailable", err)
	}
}

// Whatever a stream holds, reading it ends, and takes no length on trust.
func FuzzStream(f *testing.F) {
	db := mustOpen(f, f.TempDir(), Options{})
	if err := db.Update(1, func(tx *Tx) error { return tx.Set([]byte("key"), []byte("value")) }); err != nil {
		f.Fatal(err)
	}
	var out bytes.Buffer
	if err := db.Export(context.Background(), 1, &out); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Add(out.Bytes()[:30])
	f.Fuzz(func(t *testing.T, b []byte) {
		s := stream{r: bytes.NewReader(b)}
		if _, err := s.readHead(); err != nil {
			s.r = bytes.NewReader(b)
		}
		for done := false; !done; {
			var err error
			if done, err = s.chunk(func(_, _ []byte) error { return nil }); err != nil {
				return
			}
		}
		if cap(s.buf) > chunkMax {
			t.Errorf("%d bytes were taken for a chunk", cap(s.buf))
		}
	})
}
