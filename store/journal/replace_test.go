package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"kendro/domain/fault"
)

// filled is a journal of several segments in clear, each record with its own word.
func filled(t *testing.T, o Options, n int) (dir string, j *Journal, m model) {
	t.Helper()
	dir, m = t.TempDir(), model{first: 1}
	j, _ = mustOpen(t, dir, o)
	for i := range n {
		r := fmt.Appendf(nil, "record %d tells of citizen-%04d %0200d", i+1, i+1, i)
		if _, err := j.Append(r); err != nil {
			t.Fatal(err)
		}
		m.recs = append(m.recs, r)
	}
	return dir, j, m
}

// onDisk reports whether a word stands in any file of a folder.
func onDisk(t *testing.T, dir, word string) bool {
	t.Helper()
	for _, b := range readAll(t, dir) {
		if bytes.Contains(b, []byte(word)) {
			return true
		}
	}
	return false
}

// TestReplace: the old records are in no file any more, places, hash and HEAD are as they
// were, and all of it verifies, reads and opens again, also where the last segment was
// among them.
func TestReplace(t *testing.T) {
	dir, j, m := filled(t, testOptions(), 60)
	seq, chain := j.Head()
	out := map[uint64][]byte{2: []byte("gone 2"), 3: nil, 31: []byte("gone 31"), 60: []byte("gone 60")}
	for n, r := range out {
		m.recs[n-1] = r
	}
	if err := j.Replace(out); err != nil {
		t.Fatal(err)
	}
	if s, c := j.Head(); s != seq || c != chain {
		t.Error("the head is another")
	}
	isOneOf(t, j, m)
	for n := range out {
		if word := fmt.Sprintf("citizen-%04d", n); onDisk(t, dir, word) {
			t.Errorf("%s is still on the disk", word)
		}
	}
	if !onDisk(t, dir, "citizen-0004") {
		t.Error("a neighbour is gone: the search finds nothing")
	}
	if err := j.Replace(out); err != nil { // Again is the same.
		t.Fatal(err)
	}
	a := m.drawAppend(rand.New(rand.NewPCG(7, 7)))
	if err := a.run(j); err != nil {
		t.Fatal(err)
	}
	mustClose(t, j)
	f, err := Verify(dir, Options{})
	if err != nil || f.Records != uint64(len(a.next.recs)) || len(f.Notes) > 0 {
		t.Fatalf("verify: %+v, %v", f, err)
	}
	j, r := mustOpen(t, dir, testOptions())
	if r.Behind || r.HeadMissing {
		t.Fatalf("%+v", r)
	}
	isOneOf(t, j, a.next)
}

// TestReplaceRefusals: what can't be done changes nothing.
func TestReplaceRefusals(t *testing.T) {
	d := &fullDisk{}
	o := testOptions()
	o.Disk = d
	dir, j, m := filled(t, o, 40)
	for what, c := range map[string]struct {
		seq  uint64
		r    []byte
		want error
	}{
		"longer": {2, bytes.Repeat([]byte("x"), 400), fault.Invalid}, "none": {41, nil, fault.NotFound}, "zero": {0, nil, fault.NotFound},
	} {
		if err := j.Replace(map[uint64][]byte{c.seq: c.r}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v; want %v", what, err, c.want)
		}
	}
	d.full.Store(true)
	if err := j.Replace(map[uint64][]byte{2: nil}); !errors.Is(err, fault.Unavailable) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full: %v; want unavailable", err)
	}
	d.full.Store(false)
	isOneOf(t, j, m)
	if _, err := os.Stat(filepath.Join(dir, replaceName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was begun stays: %v", err)
	}
	m.recs[1] = nil
	if err := j.Replace(map[uint64][]byte{2: nil}); err != nil {
		t.Fatal(err)
	}
	isOneOf(t, j, m)
}

// TestReplaceOfMany: where a step of it fails, each record is as it was or as it shall be,
// and doing it again brings it to its end.
func TestReplaceOfMany(t *testing.T) {
	steps := 1
	for n := 0; n <= steps; n++ { // The first does not fail, and is counted.
		d := &testDisk{err: errInjected}
		o := testOptions()
		o.Disk, o.Alone = d, true
		_, j, m := filled(t, o, 60)
		dir, before := j.dir, d.done()
		if n > 0 {
			d.failNext(n)
		}
		out := map[uint64][]byte{2: nil, 31: []byte("gone"), 60: nil}
		err := j.Replace(out)
		if n == 0 {
			steps = d.done() - before
		}
		if (n > 0) != errors.Is(err, fault.Stopped) {
			t.Fatalf("step %d of %d: %v", n, steps, err)
		}
		_ = j.Close() // It may have failed.
		j, _ = mustOpen(t, dir, testOptions())
		for seq := uint64(1); seq <= 60; seq++ {
			got, err := j.Read(seq)
			fresh, named := out[seq]
			if err != nil || !bytes.Equal(got, m.recs[seq-1]) && (!named || !bytes.Equal(got, fresh)) {
				t.Fatalf("step %d: record %d is %q, %v", n, seq, got, err)
			}
		}
		if err := j.Replace(out); err != nil {
			t.Fatal(err)
		}
		for seq, r := range out {
			m.recs[seq-1] = r
		}
		isOneOf(t, j, m)
		mustClose(t, j)
	}
}

// TestReplaceUnderReaders: who reads and writes meanwhile gets the old or the new.
func TestReplaceUnderReaders(t *testing.T) {
	_, j, m := filled(t, testOptions(), 200)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			for seq := uint64(1); ; seq = seq%200 + 1 {
				select {
				case <-stop:
					return
				default:
				}
				if got, err := j.Read(seq); err != nil || len(got) > 0 && !bytes.Equal(got, m.recs[seq-1]) {
					t.Errorf("record %d: %q, %v", seq, got, err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			if _, err := j.Append([]byte("meanwhile")); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for seq := uint64(1); seq <= 200; seq += 7 {
		if err := j.Replace(map[uint64][]byte{seq: nil}); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	n := 0
	err := j.Scan(0, func(seq uint64, r []byte) error {
		if seq <= 200 && (len(r) == 0) != ((seq-1)%7 == 0) {
			t.Errorf("record %d is %q", seq, r)
		}
		n++
		return nil
	})
	if err != nil || n != 300 {
		t.Errorf("%d records, %v", n, err)
	}
	if err := j.Replace(map[uint64][]byte{math.MaxUint64: nil}); !errors.Is(err, fault.NotFound) {
		t.Error(err)
	}
}
