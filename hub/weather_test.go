package hub_test

import (
	"context"
	"testing"
	"time"

	"kendro/internal/hubtest"
	"kendro/internal/netsim"
	"kendro/protocol"
)

// TestPoorLinksInVirtualTime: what a box on a poor link files comes to a real server,
// once, within the time that its link allows, and nobody restarts anything.
func TestPoorLinksInVirtualTime(t *testing.T) {
	t.Parallel()
	const box = "10.9.0.1:4000"
	edge := netsim.Weather{Delay: 400 * time.Millisecond, Loss: 0.05, Bits: 40_000}
	for _, c := range []struct {
		name    string
		weather netsim.Weather
		filed   int
		within  time.Duration
		trouble func(ctx context.Context, n *netsim.Net) // Until ctx ends.
	}{
		{"2G, cold", edge, 100, 45 * time.Second, nil},
		{"a third is lost, twice or late", netsim.Weather{
			Delay: 100 * time.Millisecond, Jitter: 300 * time.Millisecond, Loss: 0.3, Twice: 0.2,
		}, 1000, 5 * time.Minute, nil},
		{"another address every seven seconds", edge, 500, 2 * time.Minute, func(ctx context.Context, n *netsim.Net) {
			for n.Rebind(box); wait(ctx, 7*time.Second); n.Rebind(box) {
			}
		}},
		{"2G that dies every 20 s for 20 s", edge, 2000, 10 * time.Minute, func(ctx context.Context, n *netsim.Net) {
			for wait(ctx, 20*time.Second) {
				n.Weather(box, netsim.Weather{Loss: 1})
				wait(ctx, 20*time.Second)
				n.Weather(box, edge)
			}
		}},
		{"a black hole of three hours", edge, 100, 3*time.Hour + time.Minute, func(ctx context.Context, n *netsim.Net) {
			wait(ctx, 3*time.Second) // In the midst of the handshake or the first block.
			n.Weather(box, netsim.Weather{Loss: 1})
			wait(ctx, 3*time.Hour)
			n.Weather(box, edge)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := hubtest.With(t, hubtest.Options{Voters: 1})
			b := g.Enrol(centre)
			b.Patience = 8 * time.Second // As a node has.
			furnish(t, g, b)
			numbers := b.File(c.filed)
			g.Play(t, office, []*hubtest.Box{b}, func(v *hubtest.Virtual) {
				v.Leader()
				stop := v.Sync(b, box, c.weather)
				v.Net.Rebind(box) // Behind a NAT from the first packet on: nobody can call it.
				ctx, end := context.WithCancel(context.Background())
				over := make(chan struct{})
				go func() {
					defer close(over)
					if c.trouble != nil {
						c.trouble(ctx, v.Net)
					}
				}()
				start := time.Now()
				for b.Acked() != b.Filed() && time.Since(start) < c.within {
					pass(100 * time.Millisecond)
				}
				took := time.Since(start)
				packets, bytes := v.Net.Carried()
				end()
				<-over
				stop()
				t.Logf("%d of %d applications in %v; %d packets with %d bytes arrived", b.Acked(), c.filed, took, packets, bytes)
				if b.Acked() != b.Filed() {
					t.Errorf("%d of %d acknowledged within %v", b.Acked(), c.filed, c.within)
				}
				once(t, v.Servers[0].Hub.Register(), numbers)
			})
		})
	}
}

// furnish brings a box what the hub has for it, as it has before anybody files.
func furnish(t *testing.T, g *hubtest.Group, b *hubtest.Box) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := b.Sync(ctx, g.Servers[0].Addr)
	g.Wait("inbox and catalogue", func() bool { return b.Reaches(protocol.Inbox) > 0 && b.Reaches(protocol.Catalogue) > 20 })
	cancel()
	done()
}

// wait reports whether so much time went by before ctx ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
