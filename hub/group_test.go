package hub_test

import (
	"context"
	"errors"
	"testing"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/internal/hubtest"
	"kendro/protocol"
)

// A centre in Abhaynagar, Jashore.
const centre place.Centre = "41-04-17"

func centreOf(s string) place.Centre { return place.Centre(s) }

// file files n applications, syncs with addrs, and waits until all of them are
// acknowledged.
func drain(t *testing.T, g *hubtest.Group, b *hubtest.Box, addrs ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	wait := b.Sync(ctx, addrs...)
	defer wait()
	defer cancel()
	g.Wait("every acknowledgement", func() bool { return b.Acked() == b.Filed() })
}

// once makes sure that every number is a case exactly once, and that the
// register holds no others.
func once(t *testing.T, r *register.Register, numbers ...[]protocol.Number) {
	t.Helper()
	want := map[protocol.Number]bool{}
	for _, list := range numbers {
		for _, n := range list {
			want[n] = true
		}
	}
	seen := 0
	err := r.ForEachCase(func(c *register.Case) error {
		seen++
		if !want[c.Number] {
			t.Errorf("case %v was never filed", c.Number)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Stats(); seen != len(want) || s.Accepted != uint64(len(want)) || s.Held+s.Quarantined+s.Aliases+s.Unreadable != 0 {
		t.Errorf("got %d cases, %+v; want %d and nothing aside", seen, s, len(want))
	}
}

func TestThreeServersReconcileThroughAFollower(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	b := g.Enrol(centre)
	numbers := b.File(1000)
	drain(t, g, b, g.Follower().Addr)
	g.Agree()
	for _, s := range g.Servers {
		once(t, s.Hub.Register(), numbers)
	}
}

func TestRepeatedCommandHappensOnce(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	cmd := register.NewCommand("one", register.ActorControl, register.AddUser, register.User{
		Name: "rahima", Role: "entrepreneur", Centre: centre, Gender: "f", Hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", From: 1,
	})
	broken := cmd
	broken.ID = "\xff"
	if _, err := g.Leader().Hub.Do(t.Context(), broken); !errors.Is(err, fault.Invalid) {
		t.Errorf("a command whose ID no server could read: %v", err)
	}
	first, err := g.Leader().Hub.Do(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range g.Servers {
		again, err := s.Hub.Do(t.Context(), cmd)
		if err != nil || again.Version != first.Version || string(again.Body) != string(first.Body) {
			t.Errorf("repeat at %s: %+v, %v; want %+v", s.Addr, again, err, first)
		}
	}
	other := cmd
	other.Body = protocol.Marshal(register.User{Name: "karim"})
	if _, err := g.Follower().Hub.Do(t.Context(), other); !errors.Is(err, fault.Conflict) {
		t.Errorf("same ID, other body: got %v; want conflict", err)
	}
	users, err := g.Leader().Hub.Register().Users()
	if err != nil || len(users) != 2 {
		t.Errorf("got %d users, %v; want the operator and one more", len(users), err)
	}
}
