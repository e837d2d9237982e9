package hub_test

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/internal/hubtest"
	"kendro/protocol"
)

// TestRow36SealingKeyTurnsInAGroup: a next sealing key is drawn by one server, which is killed at once;
// every server comes to hold it, and only then boxes are told. What a box that was away
// sealed to the one before is read, also by a server that joins later, and by a district
// that begins anew.
func TestRow36SealingKeyTurnsInAGroup(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	near, away := g.Enrol(centre), g.Enrol("41-04-28")
	numbers := [][]protocol.Number{near.File(10), away.File(20)}
	drain(t, g, near, g.Servers[0].Addr)
	old, by := g.Share()

	down := g.Follower()
	g.Stop(down)
	if _, err := hub.KeyTurner(g.Leader().Hub)(t.Context(), register.ActorControl, "early"); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("while a server is down: %v; want it refused", err)
	}
	g.Start(down)
	g.Agree()
	drawer := g.Leader()
	drawn := g.DrawKey(drawer, "turn-1")
	g.Kill(drawer)
	lead := g.Leader()
	announce := func(id string) error {
		_, err := g.Leader().Hub.Do(t.Context(), register.NewCommand(id, register.ActorControl, register.AnnounceSealing, register.SealingNamed{Key: drawn.Key()}))
		return err
	}
	newest := func(s *hubtest.Server) *register.Generation {
		all := s.Hub.Register().Generations()
		return all[len(all)-1]
	}
	if lacks := lead.Hub.Register().Lacking(newest(lead)); len(lacks) > 0 {
		if err := announce("too-early"); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("announced while %v lack it: %v", lacks, err)
		}
	}
	g.Start(drawer)
	g.Wait("every server to hold the key", func() bool {
		l := g.Leader()
		return newest(l).Key() == drawn.Key() && len(l.Hub.Register().Lacking(newest(l))) == 0
	})
	again, err := hub.KeyTurner(g.Follower().Hub)(t.Context(), register.ActorControl, "turn-1")
	if err != nil || again.Key() != drawn.Key() {
		t.Errorf("asked again: %+v, %v; want what was drawn", again, err)
	}
	held, by2 := g.Share()
	for what, err := range map[string]error{
		"an older share": hub.ShareHolds(bytes.NewReader(old), by, drawn.Key()), "another's": hub.ShareHolds(bytes.NewReader(held), by, drawn.Key()),
	} {
		if err == nil {
			t.Errorf("%s is taken for one that holds the key", what)
		}
	}
	if err := hub.ShareHolds(bytes.NewReader(held), by2, drawn.Key()); err != nil {
		t.Error(err)
	}
	if err := announce("now"); err != nil {
		t.Fatal(err)
	}

	turn := func(b *hubtest.Box) {
		t.Helper()
		hear(t, g, b)
		if !hubtest.Turn(b) {
			t.Fatal("the box has not heard")
		}
	}
	turn(near)
	numbers = append(numbers, near.File(10))
	drain(t, g, near, g.Servers[1].Addr)
	if behind := g.Leader().Hub.Register().Behind(2); len(behind) != 1 || behind[0].Slot != away.Enrolment.Slot {
		t.Errorf("behind are %+v; want the box that is away", behind)
	}
	drain(t, g, away, g.Servers[2].Addr) // All of it under the first key.
	turn(away)
	numbers = append(numbers, away.File(5))
	drain(t, g, away, g.Servers[0].Addr)
	later := g.Join(false)
	g.Wait("it to catch up", func() bool { return later.Hub.Register().Stats().Cases == 45 })
	fresh := g.Enrol("41-04-39")
	if to := fresh.Enrolment.Recipients; !bytes.Equal(to[0], drawn.Public) || len(to) != 2 || fresh.Enrolment.SealingAt == 0 {
		t.Error("a box that is enrolled now seals to another key")
	}
	numbers = append(numbers, fresh.File(5))
	drain(t, g, fresh, later.Addr)
	for _, s := range g.Servers {
		g.Stop(s)
	}
	for _, s := range g.Servers {
		g.Start(s)
	}
	g.Agree()
	for _, s := range g.Servers {
		cases(t, s.Hub.Register(), numbers...)
	}
	g.BeginAnew(held, by2)
	reg := g.Servers[0].Hub.Register()
	if to, _ := reg.Recipients(); !bytes.Equal(to[0], drawn.Public) || len(to) != 2 || len(reg.Generations()) != 2 {
		t.Errorf("the district that began anew seals to %s, of %d", identity.IDOf(to[0]), len(reg.Generations()))
	}
}

// hear waits until a box was told whom to seal to: one of some keys, or any.
func hear(t *testing.T, g *hubtest.Group, b *hubtest.Box, keys ...identity.KeyID) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	wait := b.Sync(ctx, g.Leader().Addr)
	defer wait()
	defer cancel()
	g.Wait("the box to hear", func() bool {
		return slices.ContainsFunc(b.Inbox(), func(e protocol.Event) bool {
			var told protocol.SealingTurn
			return e.Kind == protocol.SealingTold && e.Decode(&told) == nil && (len(keys) == 0 || slices.Contains(keys, identity.IDOf(told.Recipients[0])))
		})
	})
}

// cases makes sure that every number is a case, and nothing is aside.
func cases(t *testing.T, r *register.Register, numbers ...[]protocol.Number) {
	t.Helper()
	for _, list := range numbers {
		for _, n := range list {
			if _, err := r.Case(n); err != nil {
				t.Error(err)
			}
		}
	}
	if s := r.Stats(); s.Held+s.Quarantined+s.Unreadable != 0 {
		t.Errorf("%+v; want nothing aside", s)
	}
}

// TestRow36WhatIsSealedToALostKeyWaits: the servers came back from a backup that is older than a
// turn, say, and hold no key for what a box sends. Nothing of it is put aside: the key turns
// once more, and the box seals it anew.
func TestRow36WhatIsSealedToALostKeyWaits(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	b, reg := g.Enrol(centre), g.Leader().Hub.Register()
	e := b.Enrolment
	e.Recipients = [][]byte{identity.NewSealingKey().Public()}
	b.Take(e, reg.Set())
	numbers := b.File(5)
	ctx, cancel := context.WithCancel(t.Context())
	wait := b.Sync(ctx, g.Leader().Addr)
	g.TurnKey("turn-1")
	hear(t, g, b)
	cancel()
	wait()
	if s := reg.Stats(); s.Accepted+s.Quarantined != 0 || b.Acked() != 0 || hubtest.Held(b) != 0 {
		t.Errorf("%+v, %d events are acknowledged and %d held; want nothing taken", s, b.Acked(), hubtest.Held(b))
	}
	hubtest.Turn(b)
	drain(t, g, b, g.Leader().Addr)
	cases(t, reg, numbers)
}
