package hub_test

import (
	"context"
	"testing"

	"kendro/internal/hubtest"
	"kendro/protocol"
)

// TestNeighbourCarriesMail lets a box without any link reach the register through
// a neighbour, at a follower: every application once, its acknowledgement and its
// inbox back, and the carrier's own mail beside it.
func TestNeighbourCarriesMail(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 3)
	a, lonely := g.Enrol(centre), g.Enrol("41-04-28")
	mine, theirs := a.File(20), lonely.File(300)
	a.Carries = lonely
	ctx, cancel := context.WithCancel(t.Context())
	wait := a.Sync(ctx, g.Follower().Addr)
	defer wait()
	defer cancel()
	g.Wait("both acknowledgements", func() bool { return a.Acked() == a.Filed() && lonely.Acked() == lonely.Filed() })
	theirs = append(theirs, lonely.File(10)...)
	g.Wait("what was filed later", func() bool { return lonely.Acked() == lonely.Filed() })
	g.Wait("its inbox", func() bool {
		for _, e := range lonely.Inbox() {
			var acc protocol.Acceptance
			if e.Kind == protocol.Accepted && e.Decode(&acc) == nil && acc.Last == 310 {
				return true
			}
		}
		return false
	})
	g.Agree()
	once(t, g.Leader().Hub.Register(), mine, theirs)
}

// TestRow27CarrierCannotForge has a carrier alter a neighbour's block in every place
// that it could: nothing of it is taken, and by another path all of it arrives.
func TestRow27CarrierCannotForge(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	a, lonely := g.Enrol(centre), g.Enrol("41-04-28")
	numbers := lonely.File(3)
	a.Carries = lonely
	forge := map[string]func(*protocol.Block){
		"signature":          func(x *protocol.Block) { x.Signature[9] ^= 1 },
		"header":             func(x *protocol.Block) { x.Header.Last++ },
		"body, signed by it": func(x *protocol.Block) { x.Body[3] ^= 1; a.Resign(x) },
		"an earlier end":     func(x *protocol.Block) { x.Header.End[0] ^= 1; a.Resign(x) },
	}
	for what, fn := range forge {
		forged := make(chan struct{}, 100)
		lonely.Forge = func(x *protocol.Block) {
			fn(x)
			select {
			case forged <- struct{}{}:
			default:
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		wait := a.Sync(ctx, g.Servers[0].Addr)
		<-forged
		before := a.Filed()
		a.File(1)
		g.Wait("the carrier's own mail, "+what, func() bool { return a.Acked() == before+1 })
		cancel()
		wait()
	}
	if s := g.Servers[0].Hub.Register().Stats(); s.Accepted != uint64(len(forge)) || s.Quarantined != 0 || lonely.Acked() != 0 {
		t.Errorf("%+v, acknowledged %d; want the carrier's %d alone", s, lonely.Acked(), len(forge))
	}
	lonely.Forge = nil
	drain(t, g, lonely, g.Servers[0].Addr)
	for _, n := range numbers {
		if _, err := g.Servers[0].Hub.Register().Case(n); err != nil {
			t.Errorf("case %v: %v", n, err)
		}
	}
}

// TestStrangersInboxIsRefused asks for the inbox of a centre in another upazila.
func TestStrangersInboxIsRefused(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	a, far := g.Enrol(centre), g.Enrol("41-09-17")
	far.File(2)
	a.Carries = far // Its mail may go with anybody's; its inbox may not.
	ctx, cancel := context.WithCancel(t.Context())
	wait := a.Sync(ctx, g.Servers[0].Addr)
	g.Wait("the acknowledgement", func() bool { return far.Acked() == far.Filed() })
	a.File(1)
	g.Wait("the carrier's own mail", func() bool { return a.Acked() == a.Filed() && len(a.Inbox()) > 0 })
	cancel()
	wait()
	if got := far.Inbox(); len(got) != 0 {
		t.Errorf("%d events of a stranger's inbox were handed out", len(got))
	}
	drain(t, g, far, g.Servers[0].Addr)
}
