package hub_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"kendro/hub"
	"kendro/identity"
	"kendro/internal/hubtest"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/bundle"
)

// A box without a link sends its log by hand. Sticks that are cut, altered or
// brought twice cost nothing but another try, and each application becomes one case.
func TestBundle(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	b := g.Enrol(centre)
	numbers := b.File(300)
	peer := replication.Peer{Subject: identity.Subject{District: "41", Role: identity.RoleServer}}
	var stick bytes.Buffer
	stick.WriteString(bundle.Magic)
	var has []protocol.Head
	for pieces := 0; ; pieces++ { // A block at a time, from what the file has, as the command does.
		var piece bytes.Buffer
		if err := bundle.Export(t.Context(), b, bundle.Order{Peer: peer, Has: has, Bytes: 1 << 10}, &piece); err != nil {
			t.Fatal(err)
		}
		s, err := bundle.Look(strings.NewReader(bundle.Magic + piece.String()))
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Holds) == 0 {
			if pieces < 2 {
				t.Errorf("300 applications in %d pieces; want them apart", pieces)
			}
			break
		}
		has = append(has, s.Holds...)
		stick.Write(piece.Bytes())
	}
	server := g.Leader().Hub
	mail := hub.NewMail(server)
	in := func(raw []byte) *bundle.Report {
		r, _ := mail.Import(t.Context(), bytes.NewReader(raw)) // What it refuses is counted below.
		return r
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		bad := bytes.Clone(stick.Bytes())
		at := len(bundle.Magic) + rnd.IntN(len(bad)-len(bundle.Magic))
		bad[at] ^= 1 << rnd.IntN(8)
		in(bad)
		in(stick.Bytes()[:at])
	}
	first := in(stick.Bytes())
	if first == nil || len(first.Refused) > 0 || first.Broken {
		t.Fatalf("got %+v; want all of it", first)
	}
	if again := in(stick.Bytes()); again.Events != 0 || again.Known != 300 {
		t.Errorf("got %+v; want nothing new", again)
	}
	g.Agree()
	once(t, server.Register(), numbers)
	if q := server.Register().Stats().Quarantined; q != 0 {
		t.Errorf("%d blocks set aside; want none for what was altered on the way", q)
	}

	var answer bytes.Buffer
	answer.WriteString(bundle.Magic)
	follower := hub.NewMail(g.Follower().Hub) // Any server answers.
	if err := follower.Export(t.Context(), centre, nil, 0, &answer); err != nil {
		t.Fatal(err)
	}
	back, err := bundle.Import(t.Context(), b, func(protocol.LogID) (replication.Peer, error) { return peer, nil }, nil, &answer)
	if err != nil || back.Acks != 1 || b.Acked() != 300 || len(b.Inbox()) == 0 {
		t.Fatalf("got %+v, %v, %d acknowledged, %d in the inbox", back, err, b.Acked(), len(b.Inbox()))
	}
	if err := follower.Export(t.Context(), "41-99-99", nil, 0, &answer); err == nil {
		t.Error("got no error for a centre that has no box")
	}
}

// Documents go by hand behind the records: a piece at a time, broken off anywhere and
// brought twice. Only what a case of that centre lacks is taken, altered pieces are
// not, and the word that they are safe goes back with the inbox.
func TestBundleWithDocuments(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	b := g.Enrol(centre)
	scans := b.Scans()
	one, two := scans.Scan(1, 150<<10), scans.Scan(2, 90<<10)
	foreign := scans.Scan(3, 40<<10) // No case names it.
	number := b.FileWith(one, two)
	peer := replication.Peer{Subject: identity.Subject{District: "41", Role: identity.RoleServer}}
	o := bundle.Order{Peer: peer, Papers: scans, Bytes: 40 << 10}
	stick, pieces := []byte(bundle.Magic), 0
	for ; ; pieces++ {
		var part bytes.Buffer
		if err := bundle.Export(t.Context(), b, o, &part); err != nil {
			t.Fatal(err)
		}
		s, err := bundle.LookAfter(strings.NewReader(bundle.Magic+part.String()), o.HasPapers)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Holds) == 0 && maps.Equal(s.Papers, o.HasPapers) {
			break
		}
		stick = append(stick, part.Bytes()...)
		o.Has, o.HasPapers = append(o.Has, s.Holds...), s.Papers
	}
	if s, err := bundle.Look(bytes.NewReader(stick)); err != nil || s.Documents != 3 || pieces < 5 || scans.Sent() != 5+3+2 {
		t.Fatalf("got %+v, %v in %d pieces, %d read; want three documents, no piece twice", s, err, pieces, scans.Sent())
	}
	g.Agree()
	mail := hub.NewMail(g.Follower().Hub) // Any server takes it.
	in := func(raw []byte) *bundle.Report {
		r, err := mail.Import(t.Context(), bytes.NewReader(raw))
		if err != nil {
			t.Errorf("import: %v, after %+v", err, r)
		}
		return r
	}
	spoilt := bytes.Clone(stick)
	spoilt[len(stick)*3/10] ^= 1 // In a piece of the first.
	half := in(spoilt[:len(stick)/2])
	if half == nil || half.Documents != 0 {
		t.Fatalf("half of it: got %+v; want no document yet", half)
	}
	whole := in(stick)
	if whole == nil || whole.Documents != 2 || len(whole.RefusedDocuments) != 1 || whole.RefusedDocuments[0].SHA256 != foreign.Hash {
		t.Fatalf("got %+v; want two documents, and the one that no case names refused", whole)
	}
	if again := in(stick); again.Documents != 0 || again.Events != 0 {
		t.Errorf("again: got %+v; want nothing new", again)
	}
	g.Agree()
	for _, s := range g.Servers {
		g.Wait("the case to be whole", func() bool { return lacks(t, s, number) == 0 })
		holds(t, g, s, one.Hash, scans.Content(one.Hash))
		holds(t, g, s, two.Hash, scans.Content(two.Hash))
	}
	answer := bytes.NewBufferString(bundle.Magic)
	if err := mail.Export(t.Context(), centre, nil, 0, answer); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Import(t.Context(), b, func(protocol.LogID) (replication.Peer, error) { return peer, nil }, nil, answer); err != nil {
		t.Fatal(err)
	}
	if !heldIn(b, one.Hash) || !heldIn(b, two.Hash) {
		t.Error("the answer does not say that the documents are safe")
	}
}
