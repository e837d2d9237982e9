package journal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kendro/domain/fault"
)

// A flipped bit in a closed journal never gives other bytes, and never takes a
// record away in silence: what can't be read is answered with Damaged, and
// Verify names exactly it. Bits that carry nothing may flip unnoticed.
func TestFlips(t *testing.T) {
	per := 150
	if testing.Short() {
		per = 20
	}
	if *long {
		per = 20000
	}
	dir := t.TempDir()
	j, _ := mustOpen(t, dir, testOptions())
	m := model{first: 1}
	rnd := rand.New(rand.NewPCG(11, 11))
	for range 30 {
		a := m.drawAppend(rnd)
		if err := a.run(j); err != nil {
			t.Fatal(err)
		}
		m = a.next
	}
	mustClose(t, j)
	files := readAll(t, dir)
	for _, kind := range []string{segmentSuffix, headName} {
		var names []string
		for name := range files {
			if strings.HasSuffix(name, kind) {
				names = append(names, name)
			}
		}
		noticed := 0
		for range per {
			name := names[rnd.IntN(len(names))]
			bit := rnd.IntN(8 * len(files[name]))
			if kind == headName {
				bit = rnd.IntN(2)*headPlace*8 + rnd.IntN(headSlot*8)
			}
			if flipped(t, files, m, name, bit) {
				noticed++
			}
		}
		t.Logf("%s: %d of %d flips carried something and were noticed", kind, noticed, per)
	}
}

func readAll(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = b
	}
	return files
}

// flipped tries one flip and tells whether it was noticed.
func flipped(t *testing.T, files map[string][]byte, m model, name string, bit int) bool {
	t.Helper()
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	what := fmt.Sprintf("%s, bit %d", name, bit)
	for n, b := range files {
		if n == name {
			b = bytes.Clone(b)
			b[bit/8] ^= 1 << (bit % 8)
		}
		if err := os.WriteFile(filepath.Join(dir, n), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bad := map[uint64]bool{}
	f, verr := Verify(dir, testOptions())
	for _, d := range f.Damage {
		for seq := d.First; seq <= d.Last; seq++ {
			bad[seq] = true
		}
	}
	if (len(bad) > 0) != errors.Is(verr, fault.Damaged) || len(bad) > 10 {
		t.Fatalf("%s: Verify = %+v, %v", what, f, verr)
	}
	j, r, err := Open(dir, testOptions())
	if err != nil {
		if !errors.Is(err, fault.Damaged) || len(bad) == 0 || len(r.Damage) == 0 || !bad[r.Damage[0].First] {
			t.Fatalf("%s: Open = %+v, %v; Verify named %v", what, r, err, bad)
		}
		return true
	}
	defer j.Close()
	if r.Behind || r.HeadMissing || j.First() != m.first || j.Last() != m.last() {
		t.Fatalf("%s: %+v, records %d to %d; want %d to %d", what, r, j.First(), j.Last(), m.first, m.last())
	}
	for i, want := range m.recs {
		seq := m.first + uint64(i)
		got, err := j.Read(seq)
		if err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%s: record %d has other bytes", what, seq)
		}
		if err != nil != bad[seq] || err != nil && !errors.Is(err, fault.Damaged) {
			t.Fatalf("%s: Read(%d) = %v; Verify named %v", what, seq, err, bad)
		}
	}
	err = j.Scan(0, func(seq uint64, got []byte) error {
		if !bytes.Equal(got, m.recs[seq-m.first]) {
			t.Fatalf("%s: scan: record %d has other bytes", what, seq)
		}
		return nil
	})
	if errors.Is(err, fault.Damaged) != (len(bad) > 0) || err != nil && len(bad) == 0 {
		t.Fatalf("%s: Scan = %v; Verify named %v", what, err, bad)
	}
	return len(bad) > 0 || len(f.Notes) > 0 || r.TornBytes > 0 || r.Advanced || f.TornBytes > 0
}

// A frame that was acknowledged just before a power cut, with HEAD a second old,
// is told from a torn tail by what later frames say was durable.
func TestDamageBehindHead(t *testing.T) {
	dir := t.TempDir()
	o := testOptions()
	o.SegmentBytes = 64 << 10
	j, _ := mustOpen(t, dir, o)
	appendOne := func() {
		t.Helper()
		if _, err := j.Append([]byte("some record")); err != nil {
			t.Fatal(err)
		}
	}
	appendOne()
	mustClose(t, j)
	old, err := os.ReadFile(filepath.Join(dir, headName))
	if err != nil {
		t.Fatal(err)
	}
	j, _ = mustOpen(t, dir, o)
	for range 4 {
		appendOne()
	}
	mustClose(t, j)
	if err := os.WriteFile(filepath.Join(dir, headName), old, 0o600); err != nil {
		t.Fatal(err)
	}
	files := readAll(t, dir)
	size := int(frameSize(len("some record")))
	for seq, damaged := range map[int]bool{3: true, 4: true, 5: false} {
		seg := bytes.Clone(files[segmentName(1)])
		seg[segmentHeader+(seq-1)*size+frameHeader] ^= 1
		if err := os.WriteFile(filepath.Join(dir, segmentName(1)), seg, 0o600); err != nil {
			t.Fatal(err)
		}
		j, r, err := Open(dir, o)
		if damaged && (!errors.Is(err, fault.Damaged) || r.Damage[0].First != uint64(seq)) {
			t.Errorf("record %d: Open = %+v, %v; want it named as damaged", seq, r, err)
		}
		if !damaged && (err != nil || r.TornBytes == 0 || j.Last() != uint64(seq-1)) {
			t.Errorf("record %d: Open = %+v, %v; want it cut as torn", seq, r, err)
		}
		if j != nil {
			mustClose(t, j)
		}
		for n, b := range files {
			if err := os.WriteFile(filepath.Join(dir, n), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
