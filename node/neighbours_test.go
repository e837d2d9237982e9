package node

import (
	"testing"

	"kendro/internal/nodetest"
	"kendro/protocol"
	"kendro/replication/gossip"
)

// TestAdvertSaysWhereSessionsAre: a box that listens at every address of its machine
// signs for the one at which gossip is reached, so that whoever takes its name in
// gossip does not say where its sessions are.
func TestAdvertSaysWhereSessionsAre(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.hub.Do(func(d *nodetest.District) {
		d.Say(t, protocol.Settings, &protocol.Contacts{Servers: []string{b.addr}, GossipKey: make([]byte, 32)})
	})
	b.await("gossip to begin", func() bool { return b.neighbours.current() != nil })
	n := &neighbours{box: b.box, keys: b.keys, centre: "C1", sync: "0.0.0.0:7441", linked: func() bool { return false }, clock: b.c.Clock}
	for _, step := range []struct {
		talk *gossip.Gossip
		want string
	}{{nil, "0.0.0.0:7441"}, {b.neighbours.current(), "127.0.0.1:7441"}} {
		n.set(step.talk)
		a, err := gossip.ParseAdvert(n.advert())
		if err != nil || a.Sync != step.want {
			t.Errorf("it tells %q, %v; want %q", a.Sync, err, step.want)
		}
	}
}
