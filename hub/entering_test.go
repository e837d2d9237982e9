package hub_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/internal/hubtest"
	"kendro/protocol"
)

// aLetter is what a clerk enters, as his server writes it down: each try draws another
// nonce.
func aLetter(t *testing.T, g *hubtest.Group, asked byte, change func(*protocol.Submission)) *register.Entering {
	t.Helper()
	set := g.Leader().Hub.Register().Set()
	body, err := catalogue.Sample(set, landCopy, 5, centre)
	if err != nil {
		t.Fatal(err)
	}
	in, err := catalogue.NewIntake(set)
	if err != nil {
		t.Fatal(err)
	}
	app, wrong, err := in.Check(body, "", time.Now())
	if err != nil || len(wrong) > 0 {
		t.Fatal(err, wrong)
	}
	sub := protocol.Submission{Channel: "post", Form: app.Form, Applicant: app.Applicant}
	if change != nil {
		change(&sub)
	}
	nonce := make([]byte, protocol.NonceSize)
	_, _ = rand.Read(nonce)
	return &register.Entering{Request: protocol.Hash{asked}, Area: app.Area, Event: protocol.Event{
		Kind: protocol.Submitted, Nonce: nonce, Payload: protocol.Marshal(&sub),
		Pin: &protocol.Pin{Service: app.Version.ID, Version: uint32(app.Version.Number), Hash: [8]byte(app.Version.Hash[:8])},
	}}
}

// TestALetterThroughALostLeader: a clerk who is not answered asks again, at another server
// and with another nonce, and it is one case. What the leader judges wrong is refused.
func TestALetterThroughALostLeader(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	g.Do(g.Leader(), register.AddUser, register.User{
		Name: "clerk", Role: access.Clerk, Seat: place.Seat{Post: "dc-front-desk", Office: "dc-41"}, From: 1,
		Hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	})
	old, follower := g.Leader(), g.Follower()
	enter := func(s *hubtest.Server, id string, b *register.Entering) (e register.Entered, err error) {
		res, err := s.Hub.Do(t.Context(), register.NewCommand(id, "clerk", register.Enter, b))
		if err == nil {
			err = res.Decode(&e)
		}
		return e, err
	}
	if _, err := enter(follower, "bad", aLetter(t, g, 9, func(s *protocol.Submission) { s.Form = []byte(`{}`) })); !errors.Is(err, fault.Invalid) {
		t.Errorf("a form that is wrong: %v", err)
	}
	tries := make([]*register.Entering, 3)
	for i := range tries {
		tries[i] = aLetter(t, g, 1, nil)
	}
	if bytes.Equal(tries[0].Event.Nonce, tries[1].Event.Nonce) {
		t.Fatal("two tries with one nonce")
	}
	type outcome struct {
		e   register.Entered
		err error
	}
	told := make(chan outcome, 1)
	go func() {
		e, err := enter(follower, "letter", tries[0])
		told <- outcome{e, err}
	}()
	g.Kill(old)
	got := <-told
	if got.err != nil && !hubtest.IsUnknown(got.err) {
		t.Fatal(got.err)
	}
	var first register.Entered
	g.Wait("an answer", func() bool {
		var err error
		first, err = enter(follower, "letter", tries[1])
		if err != nil && !hubtest.IsUnknown(err) {
			t.Fatal(err)
		}
		return err == nil
	})
	if got.err == nil && got.e.Number != first.Number {
		t.Errorf("answered %v, then %v", got.e.Number, first.Number)
	}
	g.Start(old)
	g.Settle()
	if again, err := enter(old, "letter", tries[2]); err != nil || again.Number != first.Number || again.At != first.At {
		t.Errorf("asked again at the server that was gone: %+v, %v; want %+v", again, err, first)
	}
	g.Agree()
	for _, s := range g.Servers {
		reg := s.Hub.Register()
		c, err := reg.Case(first.Number)
		if err != nil || reg.Stats().Cases != 1 || c.Due == 0 || c.State.Seat == (place.Seat{}) {
			t.Errorf("%d cases, %+v, %v; want one that was judged and routed", reg.Stats().Cases, c, err)
		}
		if n, err := reg.SilentDrops(); n != 0 || err != nil {
			t.Errorf("silent drops: %d, %v", n, err)
		}
	}
}
