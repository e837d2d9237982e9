package hub_test

import (
	"bytes"
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
	back, err := bundle.Import(t.Context(), b, func(protocol.LogID) (replication.Peer, error) { return peer, nil }, &answer)
	if err != nil || back.Acks != 1 || b.Acked() != 300 || len(b.Inbox()) == 0 {
		t.Fatalf("got %+v, %v, %d acknowledged, %d in the inbox", back, err, b.Acked(), len(b.Inbox()))
	}
	if err := follower.Export(t.Context(), "41-99-99", nil, 0, &answer); err == nil {
		t.Error("got no error for a centre that has no box")
	}
}
