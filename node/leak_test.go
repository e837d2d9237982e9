package node

import (
	"testing"

	"go.uber.org/goleak"

	"kendro/internal/nodetest"
	"kendro/protocol"
)

// TestNothingIsLeftRunning opens, runs and ends a node with everything on.
func TestNothingIsLeftRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("life", func(t *testing.T) {
		b := newBench(t)
		b.hub.Do(func(d *nodetest.District) {
			d.Say(t, protocol.Settings, &protocol.Contacts{
				Servers: []string{b.addr}, GossipKey: make([]byte, 32),
				Neighbours: []protocol.Neighbour{{Centre: "41-09-18", Gossip: "127.0.0.1:1", Signer: make([]byte, 32)}},
			})
		})
		b.await("gossip to begin", func() bool { return b.neighbours.current() != nil })
		b.file(1)
		b.await("the hub to accept", func() bool { return b.sync().Backlog == 0 })
		if s := b.sync(); s.Hub == nil || s.Hub.Server != "s1" || s.LastContact == nil {
			t.Fatalf("sync status %+v", s)
		}
	})
	goleak.VerifyNone(t, before,
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"), // The test's own HTTP client keeps its connection.
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}
