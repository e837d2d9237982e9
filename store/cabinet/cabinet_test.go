package cabinet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kendro/document"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// canary stands in every document of these tests and must never lie on the disk.
const canary = "canary of Rahima Khatun"

func paper(n int) []byte {
	return append(append([]byte("%PDF-1.4\n"+canary+"\n"), bytes.Repeat([]byte{'x'}, n)...), "\n%%EOF\n"...)
}

func open(tb testing.TB, dir string) *Cabinet {
	tb.Helper()
	v, err := store.OpenVault(filepath.Join(dir, "vault"))
	if err != nil {
		tb.Fatal(err)
	}
	c, err := Open(filepath.Join(dir, "documents"), Options{Vault: v, Secret: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func normal() (document.Preset, error) { return document.Normal, nil }

// files reads everything below a folder.
func files(tb testing.TB, dir string) map[string][]byte {
	tb.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestADocumentIsKeptOnceSealedAndNameless(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	content := paper(5000)
	h, err := c.Put(content)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Put(content); err != nil || again != h { // Row 23: an identical document is stored once.
		t.Fatal(again, err)
	}
	c = open(t, dir) // Another run, with another key.
	if got, err := c.Get(h); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("got %d bytes, %v", len(got), err)
	}
	n, size, err := c.Usage()
	if err != nil || n != 1 || size < int64(len(content)) {
		t.Errorf("got %d documents of %d bytes, %v; want one", n, size, err)
	}
	for path, b := range files(t, filepath.Join(dir, "documents")) {
		if bytes.Contains(b, []byte(canary)) || strings.Contains(path, h.String()[:8]) || bytes.Contains(b, h[:]) {
			t.Errorf("%s tells what lies here", path)
		}
	}
	if err := c.Remove(h); err != nil || c.Has(h) {
		t.Errorf("still here: %v", err)
	}
	if _, err := c.Get(h); !errors.Is(err, fault.NotFound) {
		t.Errorf("got %v; want NotFound", err)
	}
}

func TestADamagedFileIsNamedAndReplaced(t *testing.T) {
	c := open(t, t.TempDir())
	content := paper(100)
	h, err := c.Put(content)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(c.path(h))
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(c.path(h), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(h); !errors.Is(err, fault.Damaged) || !strings.Contains(err.Error(), h.String()) {
		t.Errorf("got %v; want Damaged with the document's name", err)
	}
	if _, err := c.Put(content); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get(h); err != nil || !bytes.Equal(got, content) {
		t.Errorf("not replaced: %v", err)
	}
}

func TestAnUploadGoesOnAfterAKill(t *testing.T) {
	dir := t.TempDir()
	content := paper(300_000)
	h := protocol.Hash(sha256.Sum256(content))
	piece := func(at, to int) Piece { return Piece{Hash: h, Total: len(content), At: at, Bytes: content[at:to]} }

	tray := NewTray(open(t, dir), normal)
	for _, at := range []int{0, 60_000} {
		if up, err := tray.Take(t.Context(), piece(at, at+60_000)); err != nil || up.Received != at+60_000 || up.Document != nil {
			t.Fatalf("got %+v, %v", up, err)
		}
	}
	// A kill leaves half a piece at the end of the file.
	parts := files(t, filepath.Join(dir, "documents", partsFolder))
	if len(parts) != 1 {
		t.Fatalf("%d parts; want one", len(parts))
	}
	for path, b := range parts {
		if bytes.Contains(b, []byte(canary)) {
			t.Error("a part lies in clear")
		}
		if err := os.WriteFile(path, append(b, b[:1000]...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tray = NewTray(open(t, dir), normal)
	if up, err := tray.Take(t.Context(), Piece{Hash: h, Total: len(content)}); err != nil || up.Received != 120_000 {
		t.Fatalf("asked how far: %+v, %v; want 120000", up, err)
	}
	if _, err := tray.Take(t.Context(), piece(200_000, 210_000)); !errors.Is(err, fault.Conflict) {
		t.Errorf("a gap: got %v; want Conflict", err)
	}
	if up, err := tray.Take(t.Context(), piece(100_000, 200_000)); err != nil || up.Received != 200_000 {
		t.Fatalf("overlapping: %+v, %v", up, err)
	}
	up, err := tray.Take(t.Context(), piece(200_000, len(content)))
	if err != nil || !up.New || up.Document == nil || up.Document.Hash != h || up.Document.Size != uint32(len(content)) {
		t.Fatalf("completed: %+v, %v", up, err)
	}
	if up, err := tray.Take(t.Context(), piece(0, 10)); err != nil || up.New || up.Document == nil {
		t.Errorf("again: %+v, %v; want the document", up, err)
	}
	if parts := files(t, filepath.Join(dir, "documents", partsFolder)); len(parts) != 0 {
		t.Errorf("%d parts are left", len(parts))
	}
}

// TestSealedSinceIsFoundByEveryName: a picture that was made smaller and then replaced by
// what its box sealed is found by the name that it was sent under and by the one that it
// was kept under, and whoever sends it again hears the name that he heard before.
func TestSealedSinceIsFoundByEveryName(t *testing.T) {
	tray := NewTray(open(t, t.TempDir()), normal)
	sent, small := paper(2000), paper(500)
	name := protocol.Hash(sha256.Sum256(sent))
	shrunk, err := tray.Put(small)
	if err == nil {
		err = tray.Note(Kept{Original: name, Stored: shrunk})
	}
	if err != nil {
		t.Fatal(err)
	}
	again := func() protocol.Hash {
		t.Helper()
		up, err := tray.Take(t.Context(), Piece{Hash: name, Total: len(sent), Bytes: sent})
		if err != nil || up.Document == nil || up.New {
			t.Fatalf("sent again: %+v, %v", up, err)
		}
		return up.Document.Hash
	}
	if got := again(); got != shrunk {
		t.Errorf("it is kept as %v; want %v", got, shrunk)
	}
	sealed, err := tray.Put(document.Enclose([]byte("whatever")))
	if err == nil {
		err = errors.Join(tray.Note(Kept{Original: shrunk, Stored: sealed}), tray.Remove(shrunk))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range []protocol.Hash{name, shrunk, sealed} {
		if got, err := tray.Find(h); err != nil || got != sealed {
			t.Errorf("got %v, %v; want %v", got, err, sealed)
		}
	}
	if got := again(); got != shrunk {
		t.Errorf("sent again since it was sealed, it is told as %v; want %v", got, shrunk)
	}
	enclosed := document.Enclose([]byte("forged"))
	if _, err := tray.Take(t.Context(), Piece{Hash: sha256.Sum256(enclosed), Total: len(enclosed), Bytes: enclosed}); !errors.Is(err, fault.Invalid) {
		t.Errorf("somebody sends what looks sealed: got %v; want Invalid", err)
	}
}

func TestWhatIsNotItsHashIsThrownAway(t *testing.T) {
	tray := NewTray(open(t, t.TempDir()), normal)
	content := paper(1000)
	h := protocol.Hash(sha256.Sum256(content))
	other := bytes.Clone(content)
	other[20] ^= 1
	if _, err := tray.Take(t.Context(), Piece{Hash: h, Total: len(other), At: 0, Bytes: other[:500]}); err != nil {
		t.Fatal(err)
	}
	if _, err := tray.Take(t.Context(), Piece{Hash: h, Total: len(other), At: 500, Bytes: other[500:]}); !errors.Is(err, fault.Invalid) {
		t.Errorf("got %v; want Invalid", err)
	}
	if up, err := tray.Take(t.Context(), Piece{Hash: h, Total: len(content), At: 0, Bytes: content[:400]}); err != nil || up.Received != 400 {
		t.Errorf("begun anew: %+v, %v", up, err)
	}
	if _, err := tray.Take(t.Context(), Piece{Hash: protocol.Hash{1}, Total: document.MaxOriginal + 1, Bytes: content}); !errors.Is(err, fault.Invalid) {
		t.Errorf("13 MiB: got %v; want Invalid", err)
	}
}

func TestPiecesComeInAnyOrder(t *testing.T) {
	c := open(t, t.TempDir())
	content := paper(100_000)
	h := protocol.Hash(sha256.Sum256(content))
	const length = 30_000
	for _, i := range []int{3, 0, 2} {
		p, err := c.Part("wire", h, len(content))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(i*length, content[i*length:min((i+1)*length, len(content))]); err != nil {
			t.Fatal(err)
		}
	}
	p, err := c.Part("wire", h, len(content))
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(p.Pieces(length)); got != "0d" {
		t.Errorf("pieces %s; want 0d: all but the second", got)
	}
	if _, err := p.Content(); !errors.Is(err, fault.NotFound) {
		t.Errorf("got %v; want NotFound", err)
	}
	if err := p.Write(len(content)-5, content[:10]); !errors.Is(err, fault.Invalid) {
		t.Errorf("beyond the end: got %v; want Invalid", err)
	}
	p.Close()
	if err := p.Write(length, content[length:2*length]); !errors.Is(err, fault.Unavailable) {
		t.Errorf("on a closed part: got %v; want Unavailable", err)
	}
	if p, err = c.Part("wire", h, len(content)); err != nil {
		t.Fatal(err)
	}
	if err := p.Write(length, content[length:2*length]); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Content(); err != nil || !bytes.Equal(got, content) {
		t.Errorf("not put together: %v", err)
	}
}

func TestManyPartsAndTheirSweep(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir)
	for i := range 3 * maxParts {
		p, err := c.Part("wire", protocol.Hash{byte(i), byte(i >> 8)}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(0, []byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.parts) > maxParts {
		t.Errorf("%d parts are open; want %d at most", len(c.parts), maxParts)
	}
	p, err := c.Part("wire", protocol.Hash{0, 0}, 1000)
	if err != nil || p.Received() != 1 {
		t.Fatalf("what was shelved is lost: %v", err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "half-written-1234"), []byte{1}, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := c.Put(paper(10))
	if err != nil {
		t.Fatal(err)
	}
	c = open(t, dir)
	if err := c.Sweep(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if left := files(t, c.dir); len(left) != 1 || !c.Has(h) {
		t.Errorf("%d files are left; want the document alone", len(left))
	}
}

func FuzzPartFile(f *testing.F) {
	dir := f.TempDir()
	c := open(f, dir)
	p, err := c.Part("wire", protocol.Hash{9}, 5000)
	if err != nil {
		f.Fatal(err)
	}
	if err := p.Write(0, bytes.Repeat([]byte{1}, 5000)); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(p.path())
	if err != nil {
		f.Fatal(err)
	}
	p.Close()
	f.Add(whole)
	f.Add(whole[:100])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(p.path(), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		q, err := c.Part("wire", protocol.Hash{9}, 5000)
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		if content, err := q.Content(); err == nil && !bytes.Equal(content, bytes.Repeat([]byte{1}, 5000)) {
			t.Error("other bytes than were written")
		}
	})
}
