package hub_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/internal/hubtest"
	"kendro/protocol"
	"kendro/replication/bundle"
)

// An ending is a district whose first sealing key is to expire.
type ending struct {
	*testing.T
	g     *hubtest.Group
	first *register.Generation
	seed  []byte // Of the first key, as it lies on the servers' disks.
}

// expire asks a server to let the first key expire.
func (e *ending) expire(s *hubtest.Server, id string) error {
	_, err := hub.ExpiryOf(s.Hub).Expire(e.Context(), register.ActorControl, id, e.first.Key())
	return err
}

// refused makes sure that it is, and for what.
func (e *ending) refused(id, what string) {
	e.Helper()
	e.g.Wait("the expiry to be refused for "+what, func() bool {
		s := e.g.Leader()
		err := e.expire(s, id)
		list, lerr := hub.ExpiryOf(s.Hub).Against(e.Context(), e.first.Key())
		return errors.Is(err, fault.Conflict) && strings.Contains(err.Error(), what) && lerr == nil && len(list) > 0
	})
}

// state is how the first key stands at a server.
func (e *ending) state(s *hubtest.Server) *register.Generation {
	return s.Hub.Register().GenerationOf(e.first.Key())
}

// gone waits until every server has thrown the first key away, and looks for it on their disks.
func (e *ending) gone() {
	e.Helper()
	for _, s := range e.g.Servers {
		e.g.Wait("the key to be gone", func() bool {
			return e.state(s).ExpiredAt != 0 && len(s.Hub.Register().Holding(e.state(s))) == 0
		})
		if left := holding(e.T, s.Dir, e.seed); len(left) > 0 {
			e.Errorf("the key still lies in %v", left)
		}
		if oldest := hub.RaftOldest(s.Hub); oldest <= e.state(s).ExpiringIndex {
			e.Errorf("Raft's log begins at %d; want it behind %d", oldest, e.state(s).ExpiringIndex)
		}
	}
}

// opens fails where what a server's folder holds opens anything on a stick.
func (e *ending) opens(s *hubtest.Server, stick []byte) (any bool) {
	e.Helper()
	seeds, err := hub.SealingSeeds(s.Dir)
	if err != nil || len(seeds) == 0 {
		e.Fatal(err)
	}
	for file := bundle.Read(bytes.NewReader(stick)); ; {
		m, err := file.Next()
		if errors.Is(err, io.EOF) {
			return any
		}
		if err != nil {
			e.Fatal(err)
		}
		if m.Epoch == nil {
			continue
		}
		for _, seed := range seeds {
			key, err := identity.SealingKeyFromBytes(seed)
			if err != nil {
				e.Fatal(err)
			}
			if _, err := identity.OpenWrap(key, m.Epoch.ID, m.Epoch.Wraps); err == nil {
				any = true
			}
		}
	}
}

// reads makes sure that a grievance and its document are read at every server.
func (e *ending) reads(n protocol.Number, says string, d protocol.Document, plain []byte) {
	e.Helper()
	for _, s := range e.g.Servers {
		_, sub, err := submission(s.Hub.Register(), n)
		if err != nil {
			e.Fatal(err)
		}
		secret, err := s.Hub.Reveal(sub.Secret)
		if err != nil || secret.Text != says || len(secret.Form) == 0 {
			e.Errorf("at %s it says %+v, %v", s.Addr, secret, err)
		}
		if d.Size > 0 {
			if _, got, err := s.Hub.Document(e.Context(), d.Hash); err != nil || !bytes.Equal(got, plain) {
				e.Errorf("at %s its document has %d bytes, %v", s.Addr, len(got), err)
			}
		}
	}
}

// TestRow36AnOldSealingKeyExpires: a stick of before an erasure can be opened with nothing
// that lies on any server, also on one that was down in the midst of it and on one that was killed. Grievances
// of before are read on, with their documents; what a box brings that had not heard is not lost; a
// district that begins anew has what opens them, and not the key.
func TestRow36AnOldSealingKeyExpires(t *testing.T) {
	t.Parallel()
	g := hubtest.With(t, hubtest.Options{Voters: 3, Tune: func(_ int, c *hub.Config) { c.SetClear() }})
	b := g.Enrol(centre)
	e := &ending{T: t, g: g, first: g.Leader().Hub.Register().Generations()[0]}
	seeds, err := hub.SealingSeeds(g.Leader().Dir)
	if err != nil {
		t.Fatal(err)
	}
	e.seed = seeds[0]
	scans := b.Scans()
	paper, plain := scans.Sealed(e.first.Public, 1, 20<<10)
	complaint := hubtest.Complain(b, e.first.Public, "of before", paper)
	erased, shut := b.File(1)[0], hubtest.Complain(b, e.first.Public, "to be erased")
	for _, n := range []protocol.Number{erased, shut} {
		b.FileEvent(&protocol.Event{Kind: protocol.Withdrawn, Number: n, Nonce: make([]byte, protocol.NonceSize), At: 1, Actor: "rahima", Payload: protocol.Marshal(&protocol.Withdrawal{})})
	}
	old := stick(t, b, nil)
	drain(t, g, b, g.Leader().Addr)
	_, sub, err := submission(g.Leader().Hub.Register(), shut)
	if err != nil {
		t.Fatal(err)
	}

	e.refused("newest", "let the key turn first")
	g.TurnKey("turn-1")
	e.refused("not heard", "has not said")
	hear(t, g, b)
	hubtest.Turn(b)
	drain(t, g, b, g.Leader().Addr)
	e.refused("no document", "a document that this box sealed is not here")
	stop := scans.Send(g.Leader().Addr)
	for _, s := range g.Servers {
		holds(t, g, s, paper.Hash, plain)
		if len(holding(t, s.Dir, e.seed)) == 0 || !e.opens(s, old) {
			t.Fatal("the key lies on no disk before: the test looks at nothing")
		}
	}
	stop()
	g.Erase(erased)
	e.reads(shut, "to be erased", protocol.Document{}, nil)

	down := g.Follower()
	g.Stop(down)
	if err := e.expire(g.Leader(), "early"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("while a server is down: %v", err)
	}
	g.Start(down)
	g.Wait("it to begin", func() bool { return e.expire(g.Leader(), "now") == nil })
	if opening, err := g.Leader().Hub.Register().Opening(sub.Secret.Name()); err != nil || len(opening.Sealed) == 0 {
		t.Fatalf("what opens a grievance is not kept: %v", err)
	}
	g.Stop(down) // It may have cut its log by then, or not.
	killed := g.Leader()
	g.Kill(killed)
	g.Start(killed)
	g.Start(down)
	e.gone()
	g.Agree()
	for _, s := range g.Servers {
		if e.opens(s, old) {
			t.Errorf("what lies at %s opens a stick of before", s.Addr)
		}
	}
	e.reads(complaint, "of before", paper, plain)

	e.late(b)
	e.after(b, old, complaint, erased)
	g.Erase(shut)
	if _, err := g.Leader().Hub.Register().Opening(sub.Secret.Name()); !errors.Is(err, fault.NotFound) {
		t.Errorf("what opens an erased grievance: %v", err)
	}
	if _, err := g.Leader().Hub.Reveal(sub.Secret); !errors.Is(err, fault.NotFound) {
		t.Errorf("it is read though it was erased: %v", err)
	}

	later := g.Join(false)
	g.Wait("it to catch up", func() bool { _, err := later.Hub.Register().Case(complaint); return err == nil })
	e.reads(complaint, "of before", paper, plain)
	if left := holding(t, later.Dir, e.seed); len(left) > 0 {
		t.Errorf("a server that joins has the key in %v", left)
	}
	_, kept, err := submission(g.Leader().Hub.Register(), complaint)
	if err != nil {
		t.Fatal(err)
	}
	share, by := g.Share()
	g.BeginAnew(share, by)
	anew := g.Servers[0]
	if all := anew.Hub.Register().Generations(); len(all) != 1 || all[0].Key() == e.first.Key() {
		t.Errorf("the district that began anew knows %d keys", len(all))
	}
	if secret, err := anew.Hub.Reveal(kept.Secret); err != nil || secret.Text != "of before" {
		t.Errorf("the grievance says %+v, %v", secret, err)
	}
	if left := holding(t, anew.Dir, e.seed); len(left) > 0 || e.opens(anew, old) {
		t.Errorf("the district that began anew has the key in %v", left)
	}
}

// late has an older copy of a box send what it has sealed to the key that has expired: nothing is taken,
// nothing is lost, and nobody stops. What it sealed whole nobody can read, which is said.
func (e *ending) late(b *hubtest.Box) {
	e.Helper()
	hubtest.SealTo(b, e.first.Public)
	numbers := b.File(3)
	hopeless := hubtest.Complain(b, e.first.Public, "too late")
	acked := b.Acked()
	mail, err := e.g.Bring(stick(e.T, b, nil))
	if err == nil && mail.Events > 0 {
		e.Errorf("a stick that is sealed to the expired key: %+v", mail)
	}
	if b.Acked() != acked {
		e.Errorf("%d events are acknowledged; want %d", b.Acked(), acked)
	}
	if !hubtest.Turn(b) {
		e.Fatal("the box has not heard")
	}
	drain(e.T, e.g, b, e.g.Leader().Addr)
	reg := e.g.Leader().Hub.Register()
	for _, n := range numbers {
		if _, err := reg.Case(n); err != nil {
			e.Error(err)
		}
	}
	c, err := reg.Case(hopeless)
	if err != nil || !strings.Contains(c.Held, "expired") {
		e.Errorf("what nobody can read is %+v, %v", c, err)
	}
	e.g.Agree()
}

// after hands a stick of before in: everything on it is here, and nothing changes.
func (e *ending) after(b *hubtest.Box, old []byte, numbers ...protocol.Number) {
	e.Helper()
	before := e.g.Leader().Hub.Register().Stats()
	if _, err := e.g.Bring(old); err != nil {
		e.Logf("a stick of before: %v", err)
	}
	b.File(1)
	drain(e.T, e.g, b, e.g.Leader().Addr)
	e.g.Agree()
	if s := e.g.Leader().Hub.Register().Stats(); s.Cases != before.Cases+1 || s.Quarantined != before.Quarantined || s.Forks != before.Forks {
		e.Errorf("%+v; want one case more than in %+v", s, before)
	}
	for _, n := range numbers {
		if _, err := e.g.Leader().Hub.Register().Case(n); err != nil {
			e.Error(err)
		}
	}
}

// TestRow36KeysExpireOneAfterTheOther: what opens a grievance is handed on from key to key; a
// server that lacks a key lets none expire that something may need.
func TestRow36KeysExpireOneAfterTheOther(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	b := g.Enrol(centre)
	s := g.Leader()
	old := s.Hub.Register().Generations()[0]
	scans := b.Scans()
	paper, plain := scans.Sealed(old.Public, 1, 5<<10)
	n := hubtest.Complain(b, old.Public, "of before", paper)
	drain(t, g, b, s.Addr)
	stop := scans.Send(s.Addr)
	holds(t, g, s, paper.Hash, plain)
	stop()
	for _, id := range []string{"one", "two"} {
		e := &ending{T: t, g: g, first: s.Hub.Register().Generations()[len(s.Hub.Register().Generations())-1]}
		seeds, err := hub.SealingSeeds(s.Dir)
		if err != nil {
			t.Fatal(err)
		}
		e.seed = seeds[0]
		next := g.TurnKey(id)
		hear(t, g, b, next)
		hubtest.Turn(b)
		drain(t, g, b, s.Addr)
		hub.Unlearn(s.Hub, e.first.Key(), func() {
			if err := e.expire(s, "lacking "+id); !errors.Is(err, fault.Unavailable) {
				t.Errorf("a server that lacks the key lets it expire: %v", err)
			}
		})
		g.Wait("it to begin", func() bool { return e.expire(s, "now "+id) == nil })
		e.gone()
		e.reads(n, "of before", paper, plain)
	}
}
