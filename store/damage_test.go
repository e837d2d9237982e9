package store

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kendro/domain/fault"
)

var long = flag.Bool("long", false, "run the flip tests many times over")

// past is what a database held after each index.
type past struct {
	at   []pairs
	hash [][32]byte
	ever map[string]bool // Key and value, at any time.
}

func (p *past) add(w []Write) {
	now := p.at[len(p.at)-1].with(w)
	p.at = append(p.at, now)
	p.hash = append(p.hash, now.hash())
	for _, x := range w {
		p.ever[string(x.Key)+"="+string(x.Value)] = true
	}
}

// history fills a database and returns what it held after each index.
func history(t *testing.T, dir string, o Options, updates int) (*DB, *past) {
	t.Helper()
	db := mustOpen(t, dir, o)
	rnd := rand.New(rand.NewPCG(3, 3))
	held := &past{at: []pairs{{}}, hash: [][32]byte{{}}, ever: map[string]bool{}}
	for i := 1; i <= updates; i++ {
		var w []Write
		for range 10 {
			w = append(w, Write{fmt.Appendf(nil, "key/%04d", rnd.IntN(1500)), bytes.Repeat([]byte{byte(rnd.Uint32())}, rnd.IntN(900))})
		}
		if i%3 == 0 {
			w = append(w, Write{Key: w[0].Key})
		}
		if err := db.Update(uint64(i), func(tx *Tx) error { return write(tx, w) }); err != nil {
			t.Fatal(err)
		}
		held.add(w)
	}
	return db, held
}

// A flipped bit in any file of a database never gives other bytes, and is never
// silent: Open, a read or Scrub answers Damaged, or what is there is exactly what
// was there after the index that Applied names.
func TestFlips(t *testing.T) {
	per := 25 // Of each kind, four times.
	if testing.Short() {
		per = 3
	}
	if *long {
		per = 1000
	}
	v := mustVault(t, t.TempDir())
	for name, o := range map[string]Options{"clear": {}, "sealed": {Vault: v}} {
		for _, closed := range []bool{true, false} {
			t.Run(fmt.Sprint(name, ", closed ", closed), func(t *testing.T) {
				t.Parallel() // Most of it waits for the disk.
				dir := t.TempDir()
				db, held := history(t, dir, o, 900)
				if closed { // Otherwise as a process that was killed leaves it.
					mustClose(t, db)
				}
				files := readAll(t, dir)
				flips{o, held, files}.kinds(t, per)
			})
		}
	}
}

// file is a file without the zeroes at its end.
type file struct {
	body []byte
	size int64
}

// readAll reads a folder as it is at one time: anew, where a file came or went meanwhile.
func readAll(t *testing.T, dir string) map[string]file {
	t.Helper()
	for {
		files := map[string]file{}
		var err error
		before := namesIn(t, dir)
		for _, name := range before {
			var b []byte
			if b, err = os.ReadFile(filepath.Join(dir, name)); err != nil {
				break
			}
			files[name] = file{bytes.Clone(bytes.TrimRight(b, "\x00")), int64(len(b))}
		}
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			t.Fatal(err)
		case err == nil && slices.Equal(before, namesIn(t, dir)):
			return files
		}
	}
}

func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// writeAll writes files with holes where they are zero, as Badger makes them.
func writeAll(t *testing.T, dir string, files map[string]file) {
	t.Helper()
	for n, f := range files {
		path := filepath.Join(dir, n)
		if err := os.WriteFile(path, f.body, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, f.size); err != nil {
			t.Fatal(err)
		}
	}
}

// flips tries flips on copies of one database.
type flips struct {
	o     Options
	held  *past
	files map[string]file
}

// kinds tries flips in files of every kind, at least per of them in each.
func (x flips) kinds(t *testing.T, per int) {
	t.Helper()
	kinds := map[string][]string{}
	for n, b := range x.files {
		if b.size == 0 || n == "LOCK" {
			continue
		}
		kind := n
		if i := strings.LastIndex(n, "."); i >= 0 {
			kind = n[i:]
		}
		kinds[kind] = append(kinds[kind], n)
	}
	rnd := rand.New(rand.NewPCG(4, 4))
	for kind, names := range kinds {
		counts := map[string]int{}
		times := per
		if kind == ".mem" && times > 3 {
			times *= 2
		}
		for range times {
			n := names[rnd.IntN(len(names))]
			used := min(max(16, len(x.files[n].body)), int(x.files[n].size))
			bit := rnd.IntN(8 * used)
			if rnd.IntN(3) == 0 {
				bit = 8*used - 1 - rnd.IntN(min(8*used, 8*300)) // The ends hold the lengths.
			}
			counts[x.one(t, n, bit)]++
		}
		t.Logf("%s: %v", kind, counts)
	}
}

// one tries one flip and says how it came out.
func (x flips) one(t *testing.T, name string, bit int) string {
	t.Helper()
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	writeAll(t, dir, x.files)
	b := append(bytes.Clone(x.files[name].body), make([]byte, 16)...)
	b[bit/8] ^= 1 << (bit % 8)
	writeAll(t, dir, map[string]file{name: {b[:min(int64(len(b)), x.files[name].size)], x.files[name].size}})
	what := fmt.Sprintf("%s, bit %d", name, bit)
	db, err := Open(dir, x.o)
	if err != nil {
		if !errors.Is(err, fault.Damaged) {
			t.Fatalf("%s: Open = %v; want damaged", what, err)
		}
		return "damaged at open"
	}
	defer db.Close()
	applied := db.Applied()
	last := uint64(len(x.held.at) - 1)
	if applied > last {
		t.Fatalf("%s: applied %d of %d", what, applied, last)
	}
	same := db.SetHash() == x.held.hash[applied]
	err = db.View(func(tx *Tx) error { return otherBytes(tx, x.held) })
	if err != nil && !errors.Is(err, fault.Damaged) {
		t.Fatalf("%s: %v", what, err)
	}
	if err := db.Scrub(context.Background()); err != nil {
		if !errors.Is(err, fault.Damaged) {
			t.Fatalf("%s: Scrub = %v; want damaged", what, err)
		}
		return "damaged at scrub"
	}
	if err != nil || !same {
		t.Fatalf("%s: Scrub found nothing; read says %v, same hash %v", what, err, same)
	}
	if n := count(t, db); n != len(x.held.at[applied]) {
		t.Fatalf("%s: Scrub found nothing, and there are %d pairs; want %d", what, n, len(x.held.at[applied]))
	}
	if applied < last {
		return "an older index, whole"
	}
	return "nothing changed"
}

func count(t *testing.T, db *DB) (n int) {
	t.Helper()
	err := db.View(func(tx *Tx) error {
		return tx.Scan(nil, nil, func(_, _ []byte) (bool, error) { n++; return true, nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// otherBytes looks for a value that no index ever held under its key.
func otherBytes(tx *Tx, held *past) error {
	return tx.Scan(nil, nil, func(k, v []byte) (bool, error) {
		if !held.ever[string(k)+"="+string(v)] {
			return false, fmt.Errorf("%q has a value that it never had", k)
		}
		return true, nil
	})
}

// After a Sync, a database that lost commits says so at Open.
func TestFloor(t *testing.T) {
	dir := t.TempDir()
	db := mustOpen(t, dir, Options{})
	set := func(i uint64) {
		t.Helper()
		if err := db.Update(i, func(tx *Tx) error { return tx.Set([]byte("k"), fmt.Append(nil, i)) }); err != nil {
			t.Fatal(err)
		}
	}
	set(1)
	older := readAll(t, dir)
	set(2)
	if err := db.Sync(); err != nil {
		t.Fatal(err)
	}
	newer, _ := os.ReadFile(filepath.Join(dir, stateName))
	again := t.TempDir()
	older[stateName] = file{newer, int64(len(newer))}
	writeAll(t, again, older)
	if _, err := Open(again, Options{}); !errors.Is(err, fault.Damaged) {
		t.Errorf("Open of an older state = %v; want damaged", err)
	}
	if err := os.Remove(filepath.Join(again, "MANIFEST")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(again, Options{}); !errors.Is(err, fault.Damaged) {
		t.Errorf("Open without MANIFEST = %v; want damaged", err)
	}
}

// TestInspect: what a start makes anew, or begins without, is said beforehand and
// by the start.
func TestInspect(t *testing.T) {
	for name, damage := range map[string]func(dir string) error{
		"nothing": func(string) error { return nil },
		"KENDRO flipped": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, stateName), make([]byte, stateBytes), 0o600)
		},
		"KENDRO gone":    func(dir string) error { return os.Remove(filepath.Join(dir, stateName)) },
		"MANIFEST gone":  func(dir string) error { return os.Remove(filepath.Join(dir, "MANIFEST")) },
		"MANIFEST begun": func(dir string) error { return os.Truncate(filepath.Join(dir, "MANIFEST"), 8) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			db := mustOpen(t, dir, Options{})
			if err := db.Update(1, func(tx *Tx) error { return tx.Set([]byte("k"), []byte("v")) }); err != nil {
				t.Fatal(err)
			}
			mustClose(t, db)
			s := state{runs: 1} // As if nothing had been synced yet.
			if err := errors.Join(s.save(dir), damage(dir)); err != nil {
				t.Fatal(err)
			}
			notes, err := Inspect(dir)
			if err != nil || (len(notes) > 0) != (name != "nothing" && name != "MANIFEST begun") {
				t.Errorf("notes %q, %v", notes, err)
			}
			var said bytes.Buffer
			db, err = Open(dir, Options{Logger: slog.New(slog.NewTextHandler(&said, nil))})
			if err != nil {
				t.Fatal(err)
			}
			mustClose(t, db)
			if strings.Contains(said.String(), "level=WARN") != (name != "nothing") {
				t.Errorf("the start says %q", &said)
			}
		})
	}
}
