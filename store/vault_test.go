package store

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"kendro/domain/fault"
)

func mustVault(t testing.TB, dir string) *Vault {
	t.Helper()
	v, err := OpenVault(dir)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVaultAcrossRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "vault")
	var sealed [][]byte
	for i := range 5 {
		v := mustVault(t, dir)
		sealed = append(sealed, v.Seal(nil, []byte{byte(i)}, []byte("aad")))
		for k, s := range sealed {
			if got, err := v.Open(nil, s, []byte("aad")); err != nil || !bytes.Equal(got, []byte{byte(k)}) {
				t.Errorf("run %d, record of run %d: %v, %v", i, k, got, err)
			}
		}
	}
	for name, want := range map[string]fs.FileMode{"": 0o700 | fs.ModeDir, boxKeyName: 0o600, ringA: 0o600, ringB: 0o600} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want {
			t.Errorf("%s: mode %v, %v; want %v", name, info.Mode(), err, want)
		}
	}
}

func TestVaultRefuses(t *testing.T) {
	v := mustVault(t, t.TempDir())
	s := v.Seal(nil, []byte("plain"), []byte("aad"))
	other := bytes.Clone(s)
	other[3] = 9
	for name, err := range map[string]error{
		"other aad": second(v.Open(nil, s, []byte("aa"))),
		"short":     second(v.Open(nil, s[:10], []byte("aad"))),
		"empty":     second(v.Open(nil, nil, nil)),
		"other key": second(v.Open(nil, other, []byte("aad"))),
		"other box": second(mustVault(t, t.TempDir()).Open(nil, s, []byte("aad"))),
	} {
		if !errors.Is(err, fault.Damaged) {
			t.Errorf("%s: got %v; want damaged", name, err)
		}
	}
	for bit := range 8 * len(s) {
		b := bytes.Clone(s)
		b[bit/8] ^= 1 << (bit % 8)
		if got, err := v.Open(nil, b, []byte("aad")); err == nil {
			t.Fatalf("bit %d flipped: opened as %q", bit, got)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Two seals never share a nonce, in one run or in two from the same disk.
func TestVaultNonces(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	mustVault(t, dir)
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	a, b := mustVault(t, dir), mustVault(t, copied) // One disk, set back.
	if a.id != b.id {
		t.Fatalf("keys %d and %d; want the same number", a.id, b.id)
	}
	if bytes.Equal(a.keys[a.id-1], b.keys[b.id-1]) {
		t.Error("two runs drew the same key")
	}
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				n := string(a.Seal(nil, nil, nil)[:nonceBytes])
				mu.Lock()
				if seen[n] {
					t.Error("a nonce came twice")
				}
				seen[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// Each file of a vault lost, cut short or flipped: what one copy can mend is
// mended, anything else is damage, and nothing sealed ever opens as another.
func TestVaultFiles(t *testing.T) {
	dir := t.TempDir()
	mustVault(t, dir)
	want := mustVault(t, dir).Seal(nil, []byte("plain"), nil)
	files := map[string][]byte{}
	for _, n := range []string{boxKeyName, ringA, ringB} {
		files[n], _ = os.ReadFile(filepath.Join(dir, n))
	}
	try := func(what string, mends bool, change func(map[string][]byte)) {
		t.Helper()
		d := t.TempDir()
		f := map[string][]byte{}
		for n, b := range files {
			f[n] = bytes.Clone(b)
		}
		change(f)
		for n, b := range f {
			if err := os.WriteFile(filepath.Join(d, n), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			v, err := OpenVault(d)
			if !mends {
				if !errors.Is(err, fault.Damaged) {
					t.Fatalf("%s: got %v; want damaged", what, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if got, err := v.Open(nil, want, nil); err != nil || string(got) != "plain" {
				t.Fatalf("%s: %q, %v", what, got, err)
			}
		}
		if a, _ := os.ReadFile(filepath.Join(d, ringA)); mends {
			if b, _ := os.ReadFile(filepath.Join(d, ringB)); !bytes.Equal(a, b) {
				t.Fatalf("%s: the copies differ after repair", what)
			}
		}
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 100 {
		for n, b := range files {
			bit := rnd.IntN(8 * len(b))
			try(n+" flipped", n != boxKeyName, func(f map[string][]byte) { f[n][bit/8] ^= 1 << (bit % 8) })
		}
	}
	for n, b := range files {
		cut := rnd.IntN(len(b))
		try(n+" cut", n != boxKeyName, func(f map[string][]byte) { f[n] = f[n][:cut] })
		try(n+" missing", n != boxKeyName, func(f map[string][]byte) { delete(f, n) })
	}
	try("one copy older", true, func(f map[string][]byte) {
		r, _ := decodeRing(f[ringA])
		r.wrapped = r.wrapped[:1]
		f[ringB] = r.encode()
	})
	try("both copies missing", false, func(f map[string][]byte) { delete(f, ringA); delete(f, ringB) })
	try("both copies flipped", false, func(f map[string][]byte) { f[ringA][20] ^= 1; f[ringB][30] ^= 1 })
	try("box key and one copy missing", false, func(f map[string][]byte) { delete(f, boxKeyName); delete(f, ringA) })
}

// The power goes between any two files of the first OpenVault: the next one works.
func TestVaultInterruptedBirth(t *testing.T) {
	empty := (&ring{}).encode()
	for name, files := range map[string][]string{"a": {ringA}, "a and b": {ringA, ringB}} {
		dir := t.TempDir()
		for _, n := range files {
			if err := os.WriteFile(filepath.Join(dir, n), empty, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := OpenVault(dir); err != nil {
			t.Errorf("%s written: %v", name, err)
		}
	}
}

func TestVaultKey(t *testing.T) {
	dir := t.TempDir()
	key := bytes.Repeat([]byte{7}, 32)
	v, err := OpenVaultKey(dir, key)
	if err != nil {
		t.Fatal(err)
	}
	s := v.Seal(nil, []byte("plain"), nil)
	if v, err = OpenVaultKey(dir, key); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Open(nil, s, nil); err != nil || string(got) != "plain" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, bad := range [][]byte{nil, key[:31], bytes.Repeat([]byte{8}, 32)} {
		if _, err := OpenVaultKey(dir, bad); !errors.Is(err, fault.Damaged) {
			t.Errorf("key of %d bytes: %v; want damaged", len(bad), err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, boxKeyName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("box.key was written: %v", err)
	}
}

func FuzzRing(f *testing.F) {
	f.Add((&ring{}).encode())
	f.Add((&ring{wrapped: [][]byte{make([]byte, wrappedSize)}}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, ok := decodeRing(b); ok && !bytes.Equal(r.encode(), b) {
			t.Error("what was read is written otherwise")
		}
	})
}

func TestWriteFileAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, want := range []string{"one", "", "two"} {
		if err := WriteFileAtomic(path, []byte(want), 0o640); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if info, _ := os.Stat(path); info.Mode() != 0o640 {
		t.Errorf("mode %v; want 0640", info.Mode())
	}
	if err := WriteFileAtomic(dir, nil, 0o600); !errors.Is(err, fault.Unavailable) {
		t.Errorf("over a folder: %v; want unavailable", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("%d files are left; want 1", len(left))
	}
	if n, err := FreeBytes(filepath.Join(dir, "not", "yet")); err != nil || n == 0 {
		t.Errorf("FreeBytes = %d, %v", n, err)
	}
}
