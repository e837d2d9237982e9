package box

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/cabinet"
)

func scanned(n int) []byte {
	return append(append([]byte("%PDF-1.4\n"+strconv.Itoa(n)+"\n"), bytes.Repeat([]byte{'x'}, 1000+n)...), "\n%%EOF\n"...)
}

// upload brings a document to the box and returns its hash.
func (c *counter) upload(content []byte) protocol.Hash {
	c.tb.Helper()
	h := protocol.Hash(sha256.Sum256(content))
	up, err := c.Upload(c.tb.Context(), cabinet.Piece{Hash: h, Total: len(content), Bytes: content})
	if err != nil || up.Document == nil || up.Document.Hash != h {
		c.tb.Fatalf("upload: %+v, %v", up, err)
	}
	return h
}

// withPaper is the application of a seed with an upload in place of its first
// document.
func (c *counter) withPaper(seed uint64, h protocol.Hash) Request {
	c.tb.Helper()
	r := c.request(seed)
	var body map[string]any
	if err := json.Unmarshal(r.Body, &body); err != nil {
		c.tb.Fatal(err)
	}
	v, ok := c.d.Set.Current(service)
	if !ok || len(v.Documents) == 0 {
		c.tb.Fatal("the service asks for no document")
	}
	docs, _ := body["documents"].([]any)
	first := map[string]any{"kind": v.Documents[0].ID, "sha256": hex.EncodeToString(h[:])}
	rest := []any{first}
	for _, d := range docs {
		if m, _ := d.(map[string]any); m["id"] != v.Documents[0].ID {
			rest = append(rest, d)
		}
	}
	body["documents"] = rest
	raw, err := json.Marshal(body)
	if err != nil {
		c.tb.Fatal(err)
	}
	r.Body = raw
	return r
}

func (c *counter) pending() []Pending {
	c.tb.Helper()
	list, err := c.Pending()
	if err != nil {
		c.tb.Fatal(err)
	}
	return list
}

func TestTheReceiptCoversTheDocument(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	content := scanned(1)
	h := protocol.Hash(sha256.Sum256(content))
	if _, wrong, err := c.File(t.Context(), c.withPaper(1, h)); err != nil || len(wrong) != 1 || wrong[0].Path != "/documents/0" {
		t.Fatalf("before the upload: %v, %v; want the document to be asked for", wrong, err)
	}
	c.upload(content)
	a, wrong, err := c.File(t.Context(), c.withPaper(1, h))
	if err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	k, err := c.Case(a.Number)
	if err != nil {
		t.Fatal(err)
	}
	want := protocol.Document{Kind: k.Version.Documents[0].ID, Hash: h, Size: uint32(len(content)), Type: 1}
	if len(k.Submission.Documents) != 1 || k.Submission.Documents[0] != want {
		t.Errorf("the event says %+v; want %+v", k.Submission.Documents, want)
	}
	if protocol.ChainHash(c.Log(), a.Receipt.At.Seq, k.Prev, k.Raw) != a.Receipt.At.Hash {
		t.Error("the receipt does not cover the event")
	}
	if _, got, err := c.Document(h); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the document can't be read: %v", err)
	}
}

func TestPendingUntilTheHubHolds(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	one, two := c.upload(scanned(1)), c.upload(scanned(2))
	for i, h := range []protocol.Hash{one, two, one} { // One document in two cases (row 23).
		if _, wrong, err := c.File(t.Context(), c.withPaper(uint64(i+1), h)); err != nil || len(wrong) > 0 {
			t.Fatal(wrong, err)
		}
	}
	if got := c.pending(); len(got) != 2 || got[0].Hash != one || got[1].Hash != two || got[0].Due == 0 {
		t.Fatalf("pending %v; want both, the first case's first", got)
	}
	c.d.Inbox.Append(t, protocol.Event{Kind: protocol.DocumentsHeld, Payload: protocol.Marshal(&protocol.HeldDocuments{Hashes: []protocol.Hash{one}})})
	c.deliver(c.d.Inbox)
	if got := c.pending(); len(got) != 1 || got[0].Hash != two {
		t.Fatalf("pending %v; want the second alone", got)
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.pending(); len(got) != 1 || got[0].Hash != two {
		t.Errorf("pending after a rebuild %v; want the second alone", got)
	}
	c.restart()
	if got := c.pending(); len(got) != 1 || got[0].Hash != two {
		t.Errorf("pending after a restart %v; want the second alone", got)
	}
}

// Row 26: the disk fills in a long outage.
func TestRow26AFillingDiskTakesText(t *testing.T) {
	t.Parallel()
	c := freshCounter(t)
	var fill atomic.Int64
	c.o.Fill = func(string) (int, error) { return int(fill.Load()), nil }
	c.d.Publish(t, c.d.Set, nil)
	c.d.AddUser(t, nil)
	c.start()
	c.deliver(c.d.Catalogue)
	c.deliver(c.d.Inbox)
	waitFor(t, "intake to open", func() bool { return c.Blockers().Closed() == nil })

	safe, unsafe := c.upload(scanned(1)), c.upload(scanned(2))
	for i, h := range []protocol.Hash{safe, unsafe} {
		if _, wrong, err := c.File(t.Context(), c.withPaper(uint64(i+1), h)); err != nil || len(wrong) > 0 {
			t.Fatal(wrong, err)
		}
	}
	c.d.Inbox.Append(t, protocol.Event{Kind: protocol.DocumentsHeld, Payload: protocol.Marshal(&protocol.HeldDocuments{Hashes: []protocol.Hash{safe}})})
	c.deliver(c.d.Inbox)

	fill.Store(markSmaller)
	if p, err := c.preset(); err != nil || p.Side >= 1600 {
		t.Errorf("at 70 %%: %+v, %v; want pictures made smaller", p, err)
	}
	fill.Store(markRefused)
	late := scanned(3)
	_, err := c.Upload(t.Context(), cabinet.Piece{Hash: sha256.Sum256(late), Total: len(late), Bytes: late})
	if !errors.Is(err, fault.Unavailable) {
		t.Errorf("at 85 %%: got %v; want Unavailable", err)
	}
	if c.Blockers().Closed() != nil {
		t.Error("text intake is closed too")
	}
	c.file(9)
	c.tend()
	if _, _, err := c.Document(safe); !errors.Is(err, fault.NotFound) {
		t.Errorf("what the hub holds is still here: %v", err)
	}
	if _, _, err := c.Document(unsafe); err != nil {
		t.Errorf("a document that no hub holds was thrown away: %v", err)
	}
	fill.Store(markSmaller - 1)
	c.tend()
	c.upload(late)
	for _, b := range c.Blockers().List() {
		if b.Code == DocumentsRefused {
			t.Error("the blocker stands although there is room")
		}
	}
}

func TestADocumentSurvivesAStop(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	content := scanned(1)
	h := protocol.Hash(sha256.Sum256(content))
	if _, err := c.Upload(context.Background(), cabinet.Piece{Hash: h, Total: len(content), Bytes: content[:500]}); err != nil {
		t.Fatal(err)
	}
	c.restart()
	up, err := c.Upload(context.Background(), cabinet.Piece{Hash: h, Total: len(content), At: 500, Bytes: content[500:]})
	if err != nil || !up.New {
		t.Fatalf("did not go on: %+v, %v", up, err)
	}
	c.restart()
	if _, got, err := c.Document(h); err != nil || !bytes.Equal(got, content) {
		t.Errorf("lost: %v", err)
	}
}

// TestDamagedDocuments alters two documents in the cabinet, one of which the hub
// holds. The scrub lets go of that one, and says that the other has to be uploaded
// again; until it was, it is not sent and keeps none of the others waiting.
func TestDamagedDocuments(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	content := [][]byte{scanned(1), scanned(2), scanned(3)}
	var hashes []protocol.Hash
	for i, b := range content {
		h := c.upload(b)
		hashes = append(hashes, h)
		if _, wrong, err := c.File(t.Context(), c.withPaper(uint64(i+1), h)); err != nil || len(wrong) > 0 {
			t.Fatal(err, wrong)
		}
	}
	c.d.Say(t, protocol.DocumentsHeld, &protocol.HeldDocuments{Hashes: hashes[:1]})
	c.deliver(c.d.Inbox)
	files, err := filepath.Glob(filepath.Join(c.dir, "documents", "*"))
	if err != nil {
		t.Fatal(err)
	}
	alter := func(h protocol.Hash) {
		t.Helper()
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				continue // A folder.
			}
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			_, _, missing := c.Document(h)
			if errors.Is(missing, fault.NotFound) {
				b[len(b)/2] ^= 1
			}
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := c.Document(h); !errors.Is(err, fault.Damaged) {
			t.Fatalf("nothing was altered: %v", err)
		}
	}
	alter(hashes[0])
	alter(hashes[1])
	if err := c.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Document(hashes[0]); !errors.Is(err, fault.NotFound) {
		t.Errorf("what the hub holds is still here: %v", err)
	}
	if p := c.pending(); len(p) != 1 || p[0].Hash != hashes[2] || !c.Blockers().Standing(DocumentsDamaged) {
		t.Errorf("pending %v, blockers %v", p, c.Blockers().List())
	}
	if c.upload(content[1]) != hashes[1] {
		t.Fatal("another document")
	}
	c.Care.papers.tend()
	if p := c.pending(); len(p) != 2 || c.Blockers().Standing(DocumentsDamaged) {
		t.Errorf("after another upload: pending %v, blockers %v", p, c.Blockers().List())
	}
	alter(hashes[2])
	c.stop()
	vault, err := store.OpenVaultKey(filepath.Join(c.dir, "vault"), nil)
	if err != nil {
		t.Fatal(err)
	}
	index, err := store.Open(filepath.Join(c.dir, "index"), store.Options{Preset: store.Box, Vault: vault})
	if err != nil {
		t.Fatal(err)
	}
	good, damage, notes, err := InspectDocuments(c.dir, index, cabinet.Options{Vault: vault, Secret: c.o.Secret})
	if err != nil || good != 1 || len(damage) != 1 || len(notes) != 0 {
		t.Errorf("the stopped box's folder: %d good, %q, %q, %v", good, damage, notes, err)
	}
	if err := index.Close(); err != nil {
		t.Error(err)
	}
}

// Row 23: one document in two cases is stored once, and both are filed.
func TestRow23OneDocumentInTwoCases(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	h := c.upload(scanned(1))
	if again := c.upload(scanned(1)); again != h {
		t.Fatalf("uploaded twice it is %v and %v", h, again)
	}
	for i := range uint64(2) {
		a, wrong, err := c.File(t.Context(), c.withPaper(i+1, h))
		if err != nil || len(wrong) > 0 {
			t.Fatal(wrong, err)
		}
		if k, err := c.Case(a.Number); err != nil || len(k.Submission.Documents) != 1 || k.Submission.Documents[0].Hash != h {
			t.Errorf("case %d names %+v, %v", i, k, err)
		}
	}
	if got := c.pending(); len(got) != 1 || got[0].Hash != h {
		t.Errorf("pending %v; want it once", got)
	}
}
