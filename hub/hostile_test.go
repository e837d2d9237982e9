package hub_test

import (
	"context"
	"errors"
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/internal/hubtest"
	"kendro/protocol"
)

// TestSpoiledApplicationsAreHeld files what no counter would: every event is
// accounted for, and the good ones go on.
func TestSpoiledApplicationsAreHeld(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	b := g.Enrol(centre)
	good := b.File(2)
	spoil := []func(e *protocol.Event){
		func(e *protocol.Event) { e.Payload = protocol.Marshal("no submission") },
		func(e *protocol.Event) { change(e, func(s *protocol.Submission) { s.Form = []byte(`{"unknown":1}`) }) },
		func(e *protocol.Event) { change(e, func(s *protocol.Submission) { s.Form = []byte(`not json`) }) },
		func(e *protocol.Event) { change(e, func(s *protocol.Submission) { s.Applicant = []byte(`{}`) }) },
		func(e *protocol.Event) { change(e, func(s *protocol.Submission) { s.Channel = "carrier pigeon" }) },
		func(e *protocol.Event) { e.Pin.Hash[0] ^= 1 },
		func(e *protocol.Event) { e.Pin.Service = "no-such-service" },
	}
	for _, fn := range spoil {
		e := b.Application()
		fn(e)
		b.FileEvent(e)
	}
	good = append(good, b.File(2)...)
	drain(t, g, b, g.Servers[0].Addr)
	reg := g.Servers[0].Hub.Register()
	if s := reg.Stats(); s.Held != uint64(len(spoil)) || s.Accepted != uint64(len(good)+len(spoil)) {
		t.Errorf("stats %+v; want %d held of %d", s, len(spoil), len(good)+len(spoil))
	}
	for _, n := range good {
		c, err := reg.Case(n)
		if err != nil || c.State.Stage != application.Received || c.Held != "" || c.Due == 0 {
			t.Errorf("case %v: %+v, %v; want it received, with a date", n, c, err)
		}
	}
	noneIsAccepted(t, g, len(spoil))
}

// noneIsAccepted has the district's first officer accept everything that is held: the leader
// judges it once more, and it is as bad as before. Refused, it ends.
func noneIsAccepted(t *testing.T, g *hubtest.Group, held int) {
	t.Helper()
	reg := g.Servers[0].Hub.Register()
	list, err := reg.Matters(0)
	if err != nil || len(list) != held {
		t.Fatalf("%d stand on the desk, %v; want %d", len(list), err, held)
	}
	g.Do(g.Leader(), register.AddUser, register.User{
		Name: "chief", Role: access.Officer, Seat: list[0].Owner, From: 1,
		Hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	})
	say := func(m *register.Matter, outcome string) error {
		cmd := register.NewCommand(m.ID+outcome, "chief", register.EndMatter, &register.MatterEnd{ID: m.ID, Outcome: outcome, Text: "দেখা হয়েছে"})
		_, err := g.Leader().Hub.Do(t.Context(), cmd)
		return err
	}
	for _, m := range list {
		if err := say(m, "accepted"); !errors.Is(err, fault.Conflict) {
			t.Errorf("%s was accepted: %v", m.Text, err)
		}
		if err := say(m, "refused"); err != nil {
			t.Errorf("%s was not refused: %v", m.Text, err)
		}
	}
}

func change(e *protocol.Event, fn func(*protocol.Submission)) {
	var s protocol.Submission
	if err := e.Decode(&s); err != nil {
		panic(err)
	}
	fn(&s)
	e.Payload = protocol.Marshal(&s)
}

// TestBlockThatDoesNotOpenIsQuarantined lets a box sign a body that nobody can
// open: it is kept for a person, and the log goes on behind it.
func TestBlockThatDoesNotOpenIsQuarantined(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	b := g.Enrol(centre)
	b.File(3)
	b.Forge = func(x *protocol.Block) {
		if x.Header.First == 1 {
			x.Body[len(x.Body)-1] ^= 1
			b.Resign(x)
		}
	}
	drain(t, g, b, g.Servers[0].Addr)
	after := b.File(2)
	drain(t, g, b, g.Servers[0].Addr)
	reg := g.Servers[0].Hub.Register()
	list, err := reg.Quarantined(10)
	if err != nil || len(list) != 1 || list[0].First != 1 || list[0].Last != 3 {
		t.Errorf("quarantine: %+v, %v; want events 1 to 3", list, err)
	}
	for _, n := range after {
		if _, err := reg.Case(n); err != nil {
			t.Errorf("case %v behind the block: %v", n, err)
		}
	}
}

// TestForgedBlocksChangeNothing sends what the box's key never signed.
func TestForgedBlocksChangeNothing(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	b := g.Enrol(centre)
	b.File(3)
	forged := make(chan struct{}, 1000)
	b.Forge = func(x *protocol.Block) {
		x.Signature[5] ^= 1
		select {
		case forged <- struct{}{}:
		default:
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	wait := b.Sync(ctx, g.Servers[0].Addr)
	<-forged
	b.File(1)
	g.Wait("the session to be over it", func() bool { return b.Sessions() > 0 })
	cancel()
	wait()
	if s := g.Servers[0].Hub.Register().Stats(); s.Accepted != 0 || b.Acked() != 0 {
		t.Errorf("accepted %d, acknowledged %d; want nothing", s.Accepted, b.Acked())
	}
	b.Forge = nil
	drain(t, g, b, g.Servers[0].Addr)
}

// TestOneLogThroughTwoServersAtOnce lets a box tell everything twice.
func TestOneLogThroughTwoServersAtOnce(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	b := g.Enrol(centre)
	b.Batch = 3
	ctx, cancel := context.WithCancel(t.Context())
	numbers := b.File(100)
	for _, s := range g.Servers {
		wait := b.Sync(ctx, s.Addr)
		defer wait()
	}
	defer cancel()
	numbers = append(numbers, b.File(100)...)
	g.Wait("acknowledgements", func() bool { return b.Acked() == b.Filed() })
	g.Agree()
	for _, s := range g.Servers {
		once(t, s.Hub.Register(), numbers)
	}
}
