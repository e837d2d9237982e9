package gossip_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/gossip"
)

// forger is somebody with the upazila's key who speaks in another's name.
func forger(t *testing.T, u *upazila, name string, knock ...string) *memberlist.Memberlist {
	t.Helper()
	c := memberlist.DefaultLANConfig()
	c.Name, c.BindAddr, c.BindPort, c.AdvertiseAddr = name, "127.0.0.1", 0, "127.0.0.1"
	c.SecretKey, c.LogOutput = u.key, io.Discard
	c.GossipToTheDeadTime, c.ProbeInterval = time.Second, time.Hour
	m, err := memberlist.Create(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Shutdown() })
	if _, err := m.Join(knock); err != nil {
		t.Fatal(err)
	}
	return m
}

func peer(g *gossip.Gossip, centre string) gossip.Peer {
	for _, p := range g.Peers() {
		if p.Centre == centre {
			return p
		}
	}
	return gossip.Peer{}
}

// TestForgedMembership lets a holder of the key join in another's name, say that it
// left, take its name from another address, and tell heads that it did not sign.
// The others hear on of the true one's records and know where its sessions are; only
// a leave costs them a moment.
func TestForgedMembership(t *testing.T) {
	u := newUpazila(3)
	u.start(t, u.centres[0], u.key)
	seed := u.centres[0].g.Addr()
	for _, c := range u.centres[1:] {
		u.start(t, c, u.key, seed)
	}
	for _, c := range u.centres {
		eventually(t, "all to be there", func() bool { return len(alive(c.g)) == 2 })
	}
	victim := u.centres[1]
	u.centres[0].hear(victim.g.Addr(), u.centres[2].g.Addr())
	grown := uint64(0)
	hears := func(what string) {
		t.Helper()
		grown++
		victim.grow(1, victim.signer)
		eventually(t, what, func() bool { return head(u.centres[0].g, "C1") == grown && head(u.centres[2].g, "C1") == grown })
	}
	hears("before anybody lies")

	liar := forger(t, u, "C1", seed, u.centres[2].g.Addr())
	hears("while another says that it is C1")
	if err := liar.Leave(5 * time.Second); err != nil {
		t.Logf("the forged leave: %v", err)
	}
	hears("after a forged leave")
	for _, c := range []*centre{u.centres[0], u.centres[2]} {
		eventually(t, "C1 to be alive again", func() bool { return peer(c.g, "C1").Alive })
	}
	if err := liar.Shutdown(); err != nil {
		t.Fatal(err)
	}

	victim.stop() // Now its name is free for a moment, and somebody else takes it.
	eventually(t, "C1 to leave", func() bool { return !peer(u.centres[0].g, "C1").Alive })
	thief := forger(t, u, "C1", seed, u.centres[2].g.Addr())
	eventually(t, "the thief to be taken for C1", func() bool { return peer(u.centres[0].g, "C1").Alive })
	u.start(t, victim, u.key, seed, u.centres[2].g.Addr())
	hears("from an address that is not believed")

	other := identity.NewSigner()
	lie := gossip.Advert{Centre: "C1", Head: protocol.Head{Log: victim.log(), At: protocol.Position{Seq: 99}}, Stamp: 1 << 60, Sync: "127.0.0.1:1", Linked: true}.Sign(other)
	for _, m := range thief.Members() {
		for _, raw := range [][]byte{lie, {}, bytes.Repeat([]byte{0x85}, 4000), bytes.Repeat([]byte{0xff}, 1<<16)} {
			if m.Name != "C1" {
				_ = thief.SendReliable(m, raw) // What is refused is refused.
			}
		}
	}
	hears("after heads that C1 did not sign")
	for _, c := range []*centre{u.centres[0], u.centres[2]} {
		if p := peer(c.g, "C1"); p.Head.At.Seq != grown || p.Sync != "" || p.Linked {
			t.Errorf("%s believes %+v; want the head that C1 signed", c.name, p)
		}
	}
}
