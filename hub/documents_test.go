package hub_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/internal/hubtest"
	"kendro/protocol"
	"kendro/store/cabinet"
)

// lacks returns what a case lacks by one server's register.
func lacks(t *testing.T, s *hubtest.Server, n protocol.Number) int {
	t.Helper()
	c, err := s.Hub.Register().Case(n)
	if err != nil {
		t.Fatal(err)
	}
	return len(c.Lacks)
}

// holds waits until a server has a document, by itself.
func holds(t *testing.T, g *hubtest.Group, s *hubtest.Server, h protocol.Hash, content []byte) {
	t.Helper()
	g.Wait("a server to hold the document", func() bool { return s.Hub.Holds(h) })
	if _, got, err := s.Hub.Document(t.Context(), h); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%s holds %d bytes, %v", s.Addr, len(got), err)
	}
}

// heldIn reports whether the box was told that a document is safe.
func heldIn(b *hubtest.Box, h protocol.Hash) bool {
	for _, e := range b.Inbox() {
		var held protocol.HeldDocuments
		if e.Kind == protocol.DocumentsHeld && e.Decode(&held) == nil {
			if slices.Contains(held.Hashes, h) {
				return true
			}
		}
	}
	return false
}

func TestDocumentsAreHeldByAQuorumBeforeTheyAreAcknowledged(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	b := g.Enrol(centre)
	scans := b.Scans()
	one, two := scans.Scan(1, 150<<10), scans.Scan(2, 90<<10)
	foreign := scans.Scan(3, 1000) // No case names it.
	first, second := b.FileWith(one, two), b.FileWith(one)
	drain(t, g, b, g.Follower().Addr)
	g.Agree()
	if n := lacks(t, g.Leader(), first); n != 2 {
		t.Fatalf("the case lacks %d documents; want 2", n) // Row 22: received, and flagged.
	}
	stop := scans.Send(g.Follower().Addr)
	defer stop()
	for _, s := range g.Servers {
		g.Wait("the case to be whole", func() bool { return lacks(t, s, first)+lacks(t, s, second) == 0 })
		holds(t, g, s, one.Hash, scans.Content(one.Hash))
		holds(t, g, s, two.Hash, scans.Content(two.Hash))
		if s.Hub.Holds(foreign.Hash) {
			t.Error("a document that no case names was taken")
		}
	}
	if again := b.FileWith(one); !heldIn(b, one.Hash) { // Row 23: a third case with a document that is there.
		drain(t, g, b, g.Leader().Addr)
		g.Agree()
		if n := lacks(t, g.Leader(), again); n != 0 {
			t.Errorf("a case with a document that is held lacks %d", n)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	wait := b.Sync(ctx, g.Leader().Addr)
	defer wait()
	defer cancel()
	g.Wait("the box to hear of it", func() bool { return heldIn(b, one.Hash) && heldIn(b, two.Hash) })
}

func TestADocumentWithoutAQuorumIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	b := g.Enrol(centre)
	scans := b.Scans()
	one := scans.Scan(1, 100<<10)
	number := b.FileWith(one)
	drain(t, g, b, g.Leader().Addr)
	g.Agree()
	lone, others := g.Leader(), []*hubtest.Server{}
	for _, s := range g.Servers {
		if s != lone {
			g.Stop(s)
			others = append(others, s)
		}
	}
	stop := scans.Send(lone.Addr)
	g.Wait("the lone server to hold it", func() bool { return lone.Hub.Holds(one.Hash) })
	if p, err := lone.Hub.Register().Paper(one.Hash); err != nil || p.Held != 0 {
		t.Errorf("acknowledged without a quorum: %+v, %v", p, err)
	}
	stop()
	for _, s := range others {
		g.Start(s)
	}
	g.Leader()
	pieces := scans.Sent()
	defer scans.Send(lone.Addr)()
	for _, s := range g.Servers {
		g.Wait("the case to be whole", func() bool { return lacks(t, s, number) == 0 })
		holds(t, g, s, one.Hash, scans.Content(one.Hash))
	}
	if again := scans.Sent() - pieces; again > 1 {
		t.Errorf("%d pieces were sent again; want one to ask", again)
	}
}

func TestATransferGoesOnAfterItsServerWasKilled(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	b := g.Enrol(centre)
	scans := b.Scans()
	one := scans.Scan(1, 900<<10)
	number := b.FileWith(one)
	drain(t, g, b, g.Leader().Addr)
	g.Agree()
	s := g.Follower()
	scans.Limit(15)
	stop := scans.Send(s.Addr)
	g.Wait("half of it to be sent", func() bool { return scans.Sent() == 15 })
	g.Kill(s)
	stop()
	g.Start(s)
	scans.Limit(0)
	g.Leader()
	defer scans.Send(s.Addr)()
	for _, x := range g.Servers {
		g.Wait("the case to be whole", func() bool { return lacks(t, x, number) == 0 })
		holds(t, g, x, one.Hash, scans.Content(one.Hash))
	}
	if n := protocol.Chunks(one.Size); scans.Sent() >= n+15 {
		t.Errorf("%d pieces were sent for %d: it began anew", scans.Sent(), n)
	}
}

func TestAServerThatJoinsFetchesTheDocuments(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	b := g.Enrol(centre)
	scans := b.Scans()
	one := scans.Scan(1, 60<<10)
	number := b.FileWith(one)
	drain(t, g, b, g.Leader().Addr)
	stop := scans.Send(g.Leader().Addr)
	g.Wait("the case to be whole", func() bool { return lacks(t, g.Leader(), number) == 0 })
	stop()
	late := g.Join(true)
	holds(t, g, late, one.Hash, scans.Content(one.Hash))

	files, err := filepath.Glob(filepath.Join(late.Dir, "documents", strings.Repeat("?", 32)))
	if err != nil || len(files) != 1 {
		t.Fatalf("documents %v, %v", files, err)
	}
	if err := os.Truncate(files[0], 1000); err != nil {
		t.Fatal(err)
	}
	late.Hub.Scrub(t.Context())
	g.Wait("the damaged document to be fetched again", func() bool {
		info, err := os.Stat(files[0])
		return err == nil && info.Size() > 1000
	})
	holds(t, g, late, one.Hash, scans.Content(one.Hash))
}

func TestAnOfficersScanIsSafeWhenItIsAnswered(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	g.Agree() // One that knows no voters yet finds no quorum of them.
	content := []byte("%PDF-1.4\nrecord of the volume\n%%EOF\n")
	h := protocol.Hash(sha256.Sum256(content))
	s := g.Follower()
	up, err := s.Hub.Upload(t.Context(), cabinet.Piece{Hash: h, Total: len(content), Bytes: content})
	if err != nil || up.Document == nil || up.Document.Hash != h {
		t.Fatalf("got %+v, %v", up, err)
	}
	if p, err := s.Hub.Register().Paper(h); err != nil || p.Held == 0 {
		t.Errorf("answered before it was safe: %+v, %v", p, err)
	}
	for _, x := range g.Servers {
		holds(t, g, x, h, content)
	}
	if _, _, err := s.Hub.Document(t.Context(), protocol.Hash{1}); !errors.Is(err, fault.NotFound) {
		t.Errorf("an unknown document: got %v; want NotFound", err)
	}
}

// TestADocumentIsKeptAnewAfterItWasErased: with a case go its documents and what has arrived
// of them, also one that a server was just given; a later case that brings the same
// document again has it kept.
func TestADocumentIsKeptAnewAfterItWasErased(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	b := g.Enrol(centre)
	scans := b.Scans()
	one, half := scans.Scan(1, 20<<10), scans.Scan(2, 400<<10)
	n := b.FileWith(one, half)
	at := g.Follower()
	drain(t, g, b, at.Addr)
	g.Agree()
	scans.Limit(protocol.Chunks(one.Size) + 4)
	stop := scans.Send(at.Addr)
	for _, s := range g.Servers {
		holds(t, g, s, one.Hash, scans.Content(one.Hash))
	}
	parts := func() int {
		list, err := os.ReadDir(filepath.Join(at.Dir, "documents", "parts"))
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	g.Wait("a part of the other", func() bool { return parts() == 1 })
	stop()
	b.FileEvent(&protocol.Event{Kind: protocol.Withdrawn, Number: n, Nonce: make([]byte, protocol.NonceSize), Actor: "rahima", Payload: protocol.Marshal(&protocol.Withdrawal{})})
	drain(t, g, b, at.Addr)
	g.Erase(n)
	for _, s := range g.Servers {
		g.Wait("the document to be gone", func() bool { return !s.Hub.Holds(one.Hash) })
	}
	g.Wait("the part of the other to be gone", func() bool { return parts() == 0 })
	if err := hub.Smuggle(at.Hub, scans.Content(one.Hash)); err != nil {
		t.Fatal(err)
	}
	if err := hub.Sweep(t.Context(), at.Hub); err != nil || at.Hub.Holds(one.Hash) {
		t.Errorf("what came just then is here still: %v", err)
	}
	again := b.FileWith(one)
	drain(t, g, b, at.Addr)
	g.Agree()
	scans.Limit(0)
	defer scans.Send(at.Addr)()
	for _, s := range g.Servers {
		g.Wait("the later case to be whole", func() bool { return lacks(t, s, again) == 0 })
		holds(t, g, s, one.Hash, scans.Content(one.Hash))
	}
	content := scans.Content(one.Hash)
	if _, err := at.Hub.Upload(t.Context(), cabinet.Piece{Hash: one.Hash, Total: len(content), Bytes: content}); err != nil {
		t.Errorf("an officer scans what a box sent: %v", err)
	}
}
