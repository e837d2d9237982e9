package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"kendro/domain/fault"
	"kendro/store"
)

func TestEmptyJournal(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	j, r, err := Open(dir, Options{First: 41})
	if err != nil {
		t.Fatal(err)
	}
	if !r.Created || j.First() != 41 || j.Last() != 40 {
		t.Errorf("got created %v, records %d to %d; want true, 41 to 40", r.Created, j.First(), j.Last())
	}
	if _, _, err := Open(dir, Options{}); !errors.Is(err, fault.Conflict) {
		t.Errorf("second Open = %v; want conflict", err)
	}
	mustClose(t, j)
	mustClose(t, j)
	j, r, err = Open(dir, Options{First: 7})
	if err != nil || r.Created || j.First() != 41 {
		t.Errorf("reopened: %v, created %v, first %d; want nil, false, 41", err, r.Created, j.First())
	}
	mustClose(t, j)
	if _, err := j.Append([]byte("x")); !errors.Is(err, fault.Stopped) {
		t.Errorf("Append after Close = %v; want stopped", err)
	}
}

// The journal does what the model does, through any calls and reopenings, in
// clear and sealed.
func TestModel(t *testing.T) {
	v, err := store.OpenVault(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Cipher{"clear": nil, "sealed": v} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
				o := testOptions()
				o.Cipher = c
				runModel(t, rt, rnd, o)
			})
		})
	}
}

func runModel(t *testing.T, rt *rapid.T, rnd *rand.Rand, o Options) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir, o)
	m := model{first: 1}
	for range 30 {
		a := m.draw(rnd)
		if err := a.run(j); err != nil {
			rt.Fatalf("%s: %v", a.name, err)
		}
		m = a.next
		if rnd.IntN(8) > 0 {
			continue
		}
		if err := m.differs(j); err != nil {
			rt.Fatalf("after %s: %v", a.name, err)
		}
		mustClose(t, j)
		if f, err := Verify(dir, o); err != nil || f.Records != uint64(len(m.recs)) || len(f.Notes) > 0 {
			rt.Fatalf("Verify after %s: %+v, %v", a.name, f, err)
		}
		var r Report
		j, r = mustOpen(t, dir, o)
		if r.Behind || r.HeadMissing || r.Created || r.Advanced || r.TornBytes > 0 {
			rt.Fatalf("after %s: %+v", a.name, r)
		}
	}
	if err := m.differs(j); err != nil {
		rt.Fatal(err)
	}
	mustClose(t, j)
}

func TestWriteIsHiddenUntilSync(t *testing.T) {
	j, _ := mustOpen(t, t.TempDir(), testOptions())
	first, err := j.Write([]byte("a"), []byte("b"))
	if err != nil || first != 1 {
		t.Fatalf("Write = %d, %v", first, err)
	}
	if j.Last() != 0 {
		t.Errorf("Last before Sync = %d; want 0", j.Last())
	}
	if _, err := j.Read(1); !errors.Is(err, fault.NotFound) {
		t.Errorf("Read before Sync = %v; want not found", err)
	}
	if err := j.Sync(); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Read(2); err != nil || string(got) != "b" {
		t.Errorf("Read = %q, %v; want b", got, err)
	}
}

func TestRefusals(t *testing.T) {
	j, _ := mustOpen(t, t.TempDir(), testOptions())
	if _, err := j.Append([]byte("x")); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"no records": second(j.Append()),
		"too large":  second(j.Append(make([]byte, MaxRecord+1))),
		"drop":       j.DropBefore(3),
		"reset":      j.Reset(0),
	} {
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: got %v; want invalid", name, err)
		}
	}
	if err := j.Scan(5, func(uint64, []byte) error { return nil }); !errors.Is(err, fault.NotFound) {
		t.Errorf("Scan beyond the end = %v; want not found", err)
	}
	if _, err := j.Append(make([]byte, MaxRecord)); err != nil {
		t.Errorf("Append of the largest record: %v", err)
	}
	if j.Last() != 2 {
		t.Errorf("Last = %d; want 2: a refused call left something", j.Last())
	}
}

func second[T any](_ T, err error) error { return err }

// Many write, many read; what one Append returned is there for every reader.
func TestConcurrent(t *testing.T) {
	o := testOptions()
	o.SegmentBytes, o.HeadEvery = 16<<10, time.Millisecond
	dir := t.TempDir()
	j, _ := mustOpen(t, dir, o)
	const writers, each = 8, 40
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				want := fmt.Appendf(nil, "%d-%d-%s", w, i, bytes.Repeat([]byte("x"), 300))
				seq, err := j.Append(want)
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				if got, err := j.Read(seq); err != nil || !bytes.Equal(got, want) {
					t.Errorf("Read(%d) = %v", seq, err)
				}
				if i%10 == 0 {
					if err := j.Scan(1, func(uint64, []byte) error { return nil }); err != nil {
						t.Errorf("Scan: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	mustClose(t, j)
	f, err := Verify(dir, o)
	if err != nil || f.Records != writers*each {
		t.Errorf("Verify: %d records, %v; want %d", f.Records, err, writers*each)
	}
}

// Records may be cut and dropped under readers: they get the record or NotFound.
func TestReadersUnderCuts(t *testing.T) {
	j, _ := mustOpen(t, t.TempDir(), testOptions())
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := j.Scan(0, func(uint64, []byte) error { return nil }); err != nil && !errors.Is(err, fault.NotFound) {
					t.Errorf("Scan: %v", err)
					return
				}
				if _, err := j.Read(j.Last()); err != nil && !errors.Is(err, fault.NotFound) {
					t.Errorf("Read: %v", err)
					return
				}
			}
		})
	}
	m := model{first: 1}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		a := m.draw(rnd)
		if err := a.run(j); err != nil {
			t.Fatalf("%s: %v", a.name, err)
		}
		m = a.next
	}
	close(stop)
	wg.Wait()
	isOneOf(t, j, m)
}

// A sealed record says nothing on disk, and doesn't open in another journal.
func TestSealed(t *testing.T) {
	v, err := store.OpenVault(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := testOptions()
	o.Cipher = v
	dir := t.TempDir()
	j, _ := mustOpen(t, dir, o)
	if _, err := j.Append([]byte("a very personal record")); err != nil {
		t.Fatal(err)
	}
	mustClose(t, j)
	raw, err := os.ReadFile(filepath.Join(dir, segmentName(1)))
	if err != nil || bytes.Contains(raw, []byte("personal")) {
		t.Errorf("the record lies in clear (%v)", err)
	}
	if f, err := Verify(dir, Options{}); err != nil || f.Records != 1 {
		t.Errorf("Verify without the key: %+v, %v; want 1 record", f, err)
	}
	plain := testOptions()
	if _, _, err := Open(dir, plain); !errors.Is(err, fault.Invalid) {
		t.Errorf("Open without the key = %v; want invalid", err)
	}
	o.Name = "other"
	j, _ = mustOpen(t, dir, o)
	if _, err := j.Read(1); !errors.Is(err, fault.Damaged) {
		t.Errorf("Read under another name = %v; want damaged", err)
	}
}

// Older states of a disk come back as what they are.
func TestRollback(t *testing.T) {
	fresh := func(t *testing.T) (string, model) {
		dir := t.TempDir()
		j, _ := mustOpen(t, dir, testOptions())
		m := model{first: 1}
		rnd := rand.New(rand.NewPCG(7, 7))
		for range 12 {
			a := m.drawAppend(rnd)
			if err := a.run(j); err != nil {
				t.Fatal(err)
			}
			m = a.next
		}
		mustClose(t, j)
		return dir, m
	}
	segments := func(t *testing.T, dir string) []string {
		l, err := list(osDisk{}, dir)
		if err != nil || len(l.segments) < 3 {
			t.Fatalf("%v, %v", l, err)
		}
		return l.segments
	}
	t.Run("HEAD missing", func(t *testing.T) {
		dir, m := fresh(t)
		os.Remove(filepath.Join(dir, headName))
		for range 2 { // Until it is settled, every Open says so.
			j, r := mustOpen(t, dir, testOptions())
			if !r.HeadMissing {
				t.Errorf("got %+v; want HeadMissing", r)
			}
			isOneOf(t, j, m)
			if _, err := j.Append([]byte("x")); !errors.Is(err, fault.Conflict) {
				t.Errorf("Append = %v; want conflict", err)
			}
			mustClose(t, j)
		}
		settles(t, dir, m)
	})
	t.Run("last segment missing", func(t *testing.T) {
		dir, m := fresh(t)
		segs := segments(t, dir)
		gone, _ := parseSegmentName(segs[len(segs)-1])
		os.Remove(filepath.Join(dir, segs[len(segs)-1]))
		j, r := mustOpen(t, dir, testOptions())
		if !r.Behind || r.HeadSeq != m.last() {
			t.Errorf("got %+v; want behind %d", r, m.last())
		}
		mustClose(t, j)
		settles(t, dir, model{m.first, m.recs[:gone-m.first]})
	})
	t.Run("all segments missing", func(t *testing.T) {
		dir, _ := fresh(t)
		for _, s := range segments(t, dir) {
			os.Remove(filepath.Join(dir, s))
		}
		j, r := mustOpen(t, dir, testOptions())
		if !r.Behind {
			t.Errorf("got %+v; want behind", r)
		}
		if err := j.Reset(500); err != nil {
			t.Fatal(err)
		}
		if seq, err := j.Append([]byte("x")); err != nil || seq != 500 {
			t.Errorf("Append = %d, %v; want 500", seq, err)
		}
	})
	for name, which := range map[string]int{"first": 0, "middle": 1} {
		t.Run(name+" segment missing", func(t *testing.T) {
			dir, _ := fresh(t)
			gone := segments(t, dir)[which]
			os.Remove(filepath.Join(dir, gone))
			_, r, err := Open(dir, testOptions())
			first, _ := parseSegmentName(gone)
			if !errors.Is(err, fault.Damaged) || len(r.Damage) != 1 || r.Damage[0].First != first {
				t.Errorf("Open = %+v, %v; want damage from %d", r, err, first)
			}
			if f, err := Verify(dir, testOptions()); !errors.Is(err, fault.Damaged) || f.Damage[0].First != first {
				t.Errorf("Verify = %+v, %v; want damage from %d", f, err, first)
			}
		})
	}
}

// settles accepts the journal as it lies, and goes on behind m.
func settles(t *testing.T, dir string, m model) {
	t.Helper()
	j, _ := mustOpen(t, dir, testOptions())
	if err := j.Settle(); err != nil {
		t.Fatal(err)
	}
	isOneOf(t, j, m)
	if seq, err := j.Append([]byte("new")); err != nil || seq != m.last()+1 {
		t.Errorf("Append = %d, %v; want %d", seq, err, m.last()+1)
	}
	mustClose(t, j)
	j, r := mustOpen(t, dir, testOptions())
	if r.Behind || r.HeadMissing || j.Last() != m.last()+1 {
		t.Errorf("reopened: %+v, last %d; want settled, %d", r, j.Last(), m.last()+1)
	}
	mustClose(t, j)
}

// Salvage hands out every record but the damaged one.
func TestSalvage(t *testing.T) {
	dir := t.TempDir()
	j, _ := mustOpen(t, dir, testOptions())
	for i := range 100 {
		if _, err := j.Append(fmt.Appendf(nil, "record %d %s", i+1, bytes.Repeat([]byte("x"), 60))); err != nil {
			t.Fatal(err)
		}
	}
	mustClose(t, j)
	l, _ := list(osDisk{}, dir)
	path := filepath.Join(dir, l.segments[1])
	raw, _ := os.ReadFile(path)
	at := bytes.Index(raw, []byte("record 40 "))
	raw[at] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	got := map[uint64]bool{}
	f, err := Salvage(dir, testOptions(), func(seq uint64, record []byte) error {
		if !bytes.HasPrefix(record, fmt.Appendf(nil, "record %d ", seq)) {
			t.Errorf("record %d is another one", seq)
		}
		got[seq] = true
		return nil
	})
	if !errors.Is(err, fault.Damaged) || len(f.Damage) != 1 || f.Damage[0].First != 40 || f.Damage[0].Last != 40 {
		t.Errorf("got %+v, %v; want record 40 named", f, err)
	}
	if len(got) != 99 || got[40] {
		t.Errorf("got %d records; want 99 without 40", len(got))
	}
}
