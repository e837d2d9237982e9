package hubtest

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"kendro/internal/netsim"
)

// A Virtual is a group in virtual time: the same servers, disks, Raft and QUIC, on a
// simulated network.
type Virtual struct {
	*Group
	Net *netsim.Net
}

// Play stops a settled group, starts it again in virtual time on a network where
// every server's link has this weather, and plays a scenario there. Afterwards the
// group is stopped. Boxes that take part were enrolled before.
func (g *Group) Play(t *testing.T, w netsim.Weather, boxes []*Box, scenario func(*Virtual)) {
	t.Helper()
	for _, s := range g.Servers {
		g.Stop(s)
	}
	began := time.Now() // In a bubble it is the year 2000, and the certificates are of today.
	outside := g.tb
	synctest.Test(t, func(t *testing.T) {
		// quic-go takes times before the start of the process for none at all: it then
		// spins over the probe of a new path.
		<-time.NewTimer(time.Until(began)).C
		start, v := time.Now(), &Virtual{Group: g, Net: netsim.New(1, time.Now)}
		g.tb, g.now = t, func() time.Time { return began.Add(time.Since(start)) }
		g.socket = func(addr string) (net.PacketConn, error) { return v.Net.Socket(addr, w) }
		for _, b := range boxes {
			b.tb, b.now = t, g.now
		}
		for _, s := range g.Servers {
			g.Start(s)
		}
		defer func() {
			for _, s := range g.Servers {
				if s.Hub != nil {
					g.Stop(s)
				}
			}
			g.tb = outside
		}()
		scenario(v)
	})
}

// Sync begins to sync a box from an address of its own with all servers, one after
// the other. stop ends that.
func (v *Virtual) Sync(b *Box, addr string, w netsim.Weather) (stop func()) {
	v.tb.Helper()
	var err error
	if b.conn, err = v.Net.Socket(addr, w); err != nil {
		v.tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(v.tb.Context())
	var addrs []string
	for _, s := range v.Servers {
		addrs = append(addrs, s.Addr)
	}
	wait := b.Sync(ctx, addrs...)
	return func() { cancel(); wait() }
}

// Others returns the addresses of all servers but one.
func (v *Virtual) Others(one *Server) (list []string) {
	for _, s := range v.Servers {
		if s != one {
			list = append(list, s.Addr)
		}
	}
	return list
}

// Since says how long ago something was, by the right time of the scenario.
func (v *Virtual) Since(at time.Time) time.Duration { return v.now().Sub(at) }
