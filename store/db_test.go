package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"kendro/domain/fault"
)

func mustOpen(t testing.TB, dir string, o Options) *DB {
	t.Helper()
	db, err := Open(dir, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func mustClose(t testing.TB, db *DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// pairs is what a database must hold.
type pairs map[string]string

func (p pairs) keys(back bool) []string {
	var k []string
	for key := range p {
		k = append(k, key)
	}
	slices.Sort(k)
	if back {
		slices.Reverse(k)
	}
	return k
}

// hash is the set hash, worked out another way.
func (p pairs) hash() (sum [32]byte) {
	for k, v := range p {
		h := sha256.New()
		fmt.Fprintf(h, "%s%s%s", []byte{0, 0, byte(len(k) >> 8), byte(len(k))}, k, v)
		carry := 0
		for i, b := range slices.Backward(h.Sum(nil)) {
			carry += int(sum[i]) + int(b)
			sum[i] = byte(carry)
			carry >>= 8
		}
	}
	return sum
}

// differs compares what tx sees with p, key by key and in both directions.
func (p pairs) differs(tx *Tx) error {
	for _, back := range []bool{false, true} {
		var got []string
		scan := tx.Scan
		if back {
			scan = tx.ScanBack
		}
		err := scan(nil, nil, func(k, v []byte) (bool, error) {
			if p[string(k)] != string(v) {
				return false, fmt.Errorf("scan: %q has another value", k)
			}
			got = append(got, string(k))
			return true, nil
		})
		if err != nil {
			return err
		}
		if want := p.keys(back); !slices.Equal(got, want) {
			return fmt.Errorf("scan: got %q; want %q", got, want)
		}
	}
	for k, v := range p {
		if got, err := tx.Get([]byte(k)); err != nil || string(got) != v {
			return fmt.Errorf("get %q: got %q, %w; want %q", k, got, err, v)
		}
	}
	return nil
}

func (p pairs) with(w []Write) pairs {
	q := pairs{}
	maps.Copy(q, p)
	for _, x := range w {
		delete(q, string(x.Key))
		if x.Value != nil {
			q[string(x.Key)] = string(x.Value)
		}
	}
	return q
}

// draw makes some writes on few keys, so that they meet.
func draw(rnd *rand.Rand) (w []Write) {
	for range 1 + rnd.IntN(6) {
		x := Write{Key: fmt.Appendf(nil, "%c%c", 'a'+rnd.IntN(4), 'a'+rnd.IntN(6))}
		if rnd.IntN(3) > 0 {
			x.Value = bytes.Repeat([]byte{byte('A' + rnd.IntN(26))}, rnd.IntN(50))
		}
		w = append(w, x)
	}
	return w
}

func write(tx *Tx, w []Write) error {
	for _, x := range w {
		err := tx.Delete(x.Key)
		if x.Value != nil {
			err = tx.Set(x.Key, x.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// onDiskAndInMemory runs a test on a disk and in memory: both keep the same promises.
// open opens, or opens again, one database.
func onDiskAndInMemory(t *testing.T, test func(t *testing.T, fresh func(Options) (open func() *DB))) {
	t.Run("disk", func(t *testing.T) {
		test(t, func(o Options) func() *DB {
			dir := t.TempDir()
			return func() *DB { return mustOpen(t, dir, o) }
		})
	})
	t.Run("memory", func(t *testing.T) {
		test(t, func(Options) func() *DB {
			m := NewMemory()
			return func() *DB { return OpenMemory(m) }
		})
	})
}

// The database does what a map does, through updates, refusals and reopenings.
func TestModel(t *testing.T) { onDiskAndInMemory(t, testModel) }

func testModel(t *testing.T, fresh func(Options) func() *DB) {
	v := mustVault(t, t.TempDir())
	rapid.Check(t, func(rt *rapid.T) {
		rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		o := Options{Preset: Box}
		if rnd.IntN(2) == 0 {
			o.Vault = v
		}
		open := fresh(o)
		db := open()
		p := pairs{}
		index := uint64(0)
		for range 15 {
			index += 1 + rnd.Uint64N(3)
			w := draw(rnd)
			refuse := rnd.IntN(5) == 0
			err := db.Update(index, func(tx *Tx) error {
				if err := write(tx, w); err != nil {
					return err
				}
				if err := p.with(w).differs(tx); err != nil {
					return fmt.Errorf("inside: %w", err)
				}
				if refuse {
					return errRefused
				}
				return nil
			})
			if refuse != errors.Is(err, errRefused) || !refuse && err != nil {
				rt.Fatalf("Update(%d) = %v", index, err)
			}
			if refuse {
				index = db.Applied()
			} else {
				p = p.with(w)
			}
			if rnd.IntN(10) == 0 {
				mustClose(t, db)
				db = open()
			}
			if err := db.View(func(tx *Tx) error { return p.differs(tx) }); err != nil {
				rt.Fatal(err)
			}
			if db.Applied() != index || db.SetHash() != p.hash() {
				rt.Fatalf("applied %d, hash %x; want %d, %x", db.Applied(), db.SetHash(), index, p.hash())
			}
		}
		if err := db.Scrub(context.Background()); err != nil {
			rt.Fatal(err)
		}
		mustClose(t, db)
	})
}

var errRefused = errors.New("refused")

func TestScanRanges(t *testing.T) { onDiskAndInMemory(t, testScanRanges) }

func testScanRanges(t *testing.T, fresh func(Options) func() *DB) {
	db := fresh(Options{})()
	set := func(tx *Tx, keys ...string) {
		for _, k := range keys {
			if err := tx.Set([]byte(k), []byte(k)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := db.Update(1, func(tx *Tx) error { set(tx, "a1", "b1", "b3", "b5", "c1", "b\xff\xff"); return nil }); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		prefix, from string
		back         bool
		want         []string
	}{
		{"b", "", false, []string{"b1", "b2", "b3", "b\xff\xff"}},
		{"b", "b2", false, []string{"b2", "b3", "b\xff\xff"}},
		{"b", "a", false, []string{"b1", "b2", "b3", "b\xff\xff"}},
		{"b", "c", false, nil},
		{"b", "", true, []string{"b\xff\xff", "b3", "b2", "b1"}},
		{"b", "b4", true, []string{"b3", "b2", "b1"}},
		{"b", "b3", true, []string{"b3", "b2", "b1"}},
		{"b", "c", true, []string{"b\xff\xff", "b3", "b2", "b1"}},
		{"b", "a", true, nil},
		{"", "b3", true, []string{"b3", "b2", "b1", "a1"}},
		{"x", "", false, nil},
	}
	err := db.Update(2, func(tx *Tx) error {
		set(tx, "b2")
		if err := tx.Delete([]byte("b5")); err != nil {
			return err
		}
		for _, c := range cases {
			var got []string
			scan := tx.Scan
			if c.back {
				scan = tx.ScanBack
			}
			var from []byte
			if c.from != "" {
				from = []byte(c.from)
			}
			err := scan([]byte(c.prefix), from, func(k, _ []byte) (bool, error) { got = append(got, string(k)); return true, nil })
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("prefix %q from %q back %v: got %q, %v; want %q", c.prefix, c.from, c.back, got, err, c.want)
			}
		}
		n := 0
		err := tx.Scan(nil, nil, func(_, _ []byte) (bool, error) { n++; return n < 2, nil })
		if err != nil || n != 2 {
			t.Errorf("a scan that is told to stop saw %d pairs, %v; want 2", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // Badger leaves some behind where it refused to open.
	dir := t.TempDir()
	db := mustOpen(t, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, fault.Conflict) {
		t.Errorf("second Open = %v; want conflict", err)
	}
	nothing := func(*Tx) error { return nil }
	if err := db.Update(5, nothing); err != nil || db.Applied() != 5 {
		t.Errorf("empty update: %v, applied %d; want nil, 5", err, db.Applied())
	}
	for _, index := range []uint64{0, 4, 5, forever} {
		if err := db.Update(index, nothing); !errors.Is(err, fault.Conflict) {
			t.Errorf("Update(%d) = %v; want conflict", index, err)
		}
	}
	err := db.Update(6, func(tx *Tx) error {
		for name, err := range map[string]error{
			"empty key": tx.Set(nil, nil), "our key": tx.Set([]byte("\x00x"), nil), "engine's key": tx.Delete([]byte("!badger!x")),
			"long key": tx.Set(make([]byte, MaxKey+1), nil), "long value": tx.Set([]byte("k"), make([]byte, MaxValue+1)),
			"reading our key": second(tx.Get(markKey)),
		} {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: got %v; want invalid", name, err)
			}
		}
		return tx.Set([]byte("k"), make([]byte, MaxValue))
	})
	if err != nil {
		t.Errorf("the largest value: %v", err)
	}
	err = db.Update(7, func(tx *Tx) error {
		return errors.Join(tx.Set([]byte("k"), make([]byte, MaxValue)), tx.Set([]byte("l"), make([]byte, MaxValue)))
	})
	if !errors.Is(err, fault.Invalid) || db.Applied() != 6 {
		t.Errorf("too much: %v, applied %d; want invalid, 6", err, db.Applied())
	}
	if err := db.View(func(tx *Tx) error { return tx.Set([]byte("k"), nil) }); !errors.Is(err, fault.Invalid) {
		t.Errorf("Set in a view: %v; want invalid", err)
	}
	if err := db.ViewAt(7, nothing); !errors.Is(err, fault.NotFound) {
		t.Errorf("ViewAt(7) = %v; want not found", err)
	}
	mustClose(t, db)
	mustClose(t, db)
	if err := db.View(nothing); !errors.Is(err, fault.Stopped) {
		t.Errorf("View after Close = %v; want stopped", err)
	}
	if err := db.Update(9, nothing); !errors.Is(err, fault.Stopped) {
		t.Errorf("Update after Close = %v; want stopped", err)
	}
}

// An Office takes an update of 10,000 writes and 2 MiB, sealed.
func TestOfficeUpdate(t *testing.T) {
	db := mustOpen(t, t.TempDir(), Options{Preset: Office, Vault: mustVault(t, t.TempDir())})
	err := db.Update(1, func(tx *Tx) error {
		for i := range 10000 {
			if err := tx.Set(fmt.Appendf(nil, "application/41-09-17/%024d", i), make([]byte, 210)); err != nil {
				return err
			}
		}
		if n := len(tx.Writes()); n != 10000 {
			t.Errorf("%d writes; want 10000", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Versions stay readable until they are discarded, and open reads keep theirs.
func TestVersions(t *testing.T) {
	db := mustOpen(t, t.TempDir(), Options{Preset: Office})
	key := []byte("k")
	for i := uint64(1); i <= 50; i++ {
		if err := db.Update(i*2, func(tx *Tx) error { return tx.Set(key, fmt.Append(nil, i)) }); err != nil {
			t.Fatal(err)
		}
	}
	at := func(index, want uint64) func(*Tx) error {
		return func(tx *Tx) error {
			if got, err := tx.Get(key); err != nil || string(got) != fmt.Sprint(want) {
				return fmt.Errorf("at %d: got %q, %w; want %d", index, got, err, want)
			}
			return nil
		}
	}
	for _, index := range []uint64{2, 3, 50, 99, 100} {
		if err := db.ViewAt(index, at(index, index/2)); err != nil {
			t.Error(err)
		}
	}
	err := db.ViewAt(20, func(tx *Tx) error {
		db.SetDiscardBefore(60)
		if err := db.Flatten(); err != nil {
			return err
		}
		return at(20, 10)(tx)
	})
	if err != nil {
		t.Errorf("an open read lost its version: %v", err)
	}
	if err := db.Flatten(); err != nil {
		t.Fatal(err)
	}
	if err := db.ViewAt(59, at(59, 29)); !errors.Is(err, fault.NotFound) {
		t.Errorf("ViewAt below the discard mark = %v; want not found", err)
	}
	for _, index := range []uint64{60, 61, 100} {
		if err := db.ViewAt(index, at(index, index/2)); err != nil {
			t.Error(err)
		}
	}
}

func TestConcurrent(t *testing.T) {
	db := mustOpen(t, t.TempDir(), Options{Vault: mustVault(t, t.TempDir())})
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
				err := db.View(func(tx *Tx) error { // Every update writes one value to all ten keys.
					var first []byte
					return tx.Scan([]byte("k"), nil, func(_, v []byte) (bool, error) {
						if first == nil {
							first = v
						}
						if !bytes.Equal(first, v) {
							return false, errors.New("half an update is visible")
						}
						return true, nil
					})
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := uint64(1); i <= 300; i++ {
		err := db.Update(i, func(tx *Tx) error {
			for k := range 10 {
				if err := tx.Set(fmt.Append(nil, "k", k), fmt.Append(nil, i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	wg.Wait()
	if err := db.Scrub(context.Background()); err != nil {
		t.Error(err)
	}
}

func BenchmarkUpdate(b *testing.B) {
	for name, p := range map[string]Preset{"Box": Box, "Office": Office} {
		b.Run(name, func(b *testing.B) {
			db := mustOpen(b, b.TempDir(), Options{Preset: p, Vault: mustVault(b, b.TempDir())})
			value := make([]byte, 600)
			i := uint64(0)
			for b.Loop() {
				i++
				err := db.Update(i, func(tx *Tx) error {
					return errors.Join(tx.Set(fmt.Appendf(nil, "record/%012d", i), value), tx.Set(fmt.Appendf(nil, "index/%012d", i*7919%1000003), nil))
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
