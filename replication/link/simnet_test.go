package link_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/replication/link"
)

// lossy is a network that loses some packets, or for a while all of them.
type lossy struct {
	simnet.PerfectRouter

	mu     sync.Mutex // Guards what follows.
	random *rand.Rand
	loss   float64
	count  int // Of the packets that were not lost.

	forgets time.Duration // A NAT before the node lets nothing in after so long without a packet of the node's; 0: none.
	left    time.Time     // When the node's last packet passed it.
}

func (l *lossy) SendPacket(p simnet.Packet) error {
	l.mu.Lock()
	lost := l.random.Float64() < l.loss || l.shut(p)
	if !lost {
		l.count++
	}
	l.mu.Unlock()
	if lost {
		return nil
	}
	return l.PerfectRouter.SendPacket(p)
}

func (l *lossy) lose(share float64) {
	l.mu.Lock()
	l.loss = share
	l.mu.Unlock()
}

// shut reports whether the NAT keeps a packet out.
func (l *lossy) shut(p simnet.Packet) bool {
	if l.forgets == 0 {
		return false
	}
	if p.From.(*net.UDPAddr).IP[3] == nodeHost {
		l.left = time.Now()
		return false
	}
	return time.Since(l.left) > l.forgets
}

// passed counts the packets that were not lost.
func (l *lossy) passed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// nodeHost is the last byte of the node's address.
const nodeHost = 2

// village is a node and a server with a poor link between them, in virtual time.
type village struct {
	net          *lossy
	node, server *link.Endpoint
	addr         string
}

func newVillage(t *testing.T, who identity.Subject, oneWay time.Duration, loss float64) *village {
	v := &village{net: &lossy{random: rand.New(rand.NewPCG(1, 2)), loss: loss}}
	sim := &simnet.Simnet{Router: v.net}
	settings := simnet.NodeBiDiLinkSettings{Latency: oneWay}
	socket := func(last byte) *simnet.SimConn {
		return sim.NewEndpoint(&net.UDPAddr{IP: net.IP{1, 0, 0, last}, Port: 7443}, settings)
	}
	sa, sb := socket(1), socket(nodeHost)
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	d := newDistrict(t, "41")
	v.server = d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync, link.ALPNHub}, func(o *link.Options) { o.Conn = sa })
	v.node = d.open(t, who, nil, func(o *link.Options) { o.Conn = sb })
	v.addr = v.server.Addr().String()
	return v
}

// TestPoorLink reconciles over latency and loss, through an outage, in virtual
// time.
func TestPoorLink(t *testing.T) {
	for _, c := range []struct {
		name   string
		oneWay time.Duration
		loss   float64
		within time.Duration // For a thousand events.
	}{
		{"4G", 30 * time.Millisecond, 0.005, 5 * time.Second},
		{"3G", 150 * time.Millisecond, 0.02, 15 * time.Second},
		{"2G", 600 * time.Millisecond, 0.05, 60 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVillage(t, subject(identity.RoleNode, "C1"), c.oneWay, c.loss)
				node, hub := hostPair(t)
				node.file(upLog, 1000)
				hub.file(inboxLog, 50)
				serve(t, v.server, hub)
				start := time.Now()
				dialing(t, v.node, func() string { return v.addr }, node)
				node.until(t, "a thousand", c.within, func() bool { return node.acked.Seq == 1000 && node.logs[inboxLog].head().Seq == 50 })
				took := time.Since(start)

				v.net.lose(1)
				node.file(upLog, 1000)
				outage := time.NewTimer(40 * time.Second)
				<-outage.C
				v.net.lose(c.loss)
				start = time.Now()
				node.until(t, "the backlog", 30*time.Second+c.within, func() bool { return node.acked.Seq == 2000 })
				t.Logf("1,000 events %v after the start, 1,000 more %v after an outage of 40 s", took, time.Since(start))
				hub.mu.Lock()
				defer hub.mu.Unlock()
				if hub.logs[upLog].head() != node.logs[upLog].head() || hub.handed > 3000 {
					t.Fatalf("hub holds %d, was handed %d", hub.logs[upLog].head().Seq, hub.handed)
				}
			})
		})
	}
}

// TestServersAfterACut: what servers say to each other goes on soon after a cut,
// however long it was.
func TestServersAfterACut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleServer, "s2"), 10*time.Millisecond, 0)
		echo(t, v.server, link.ALPNHub)
		try := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			c, err := v.node.Dial(ctx, v.addr, link.ALPNHub)
			if err != nil {
				return err
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(500 * time.Millisecond))
			if _, err := c.Write(make([]byte, 8<<10)); err != nil {
				return err
			}
			_, err = io.ReadFull(c, make([]byte, 8<<10))
			return err
		}
		if err := try(); err != nil {
			t.Fatal(err)
		}
		v.net.lose(1)
		for start := time.Now(); time.Since(start) < 20*time.Second; {
			if err := try(); err == nil {
				t.Fatal("it speaks through a cut")
			}
			<-time.After(100 * time.Millisecond)
		}
		v.net.lose(0)
		start := time.Now()
		for try() != nil {
			<-time.After(100 * time.Millisecond)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it speaks again %v after the cut; want at most 2 s", took)
		} else {
			t.Logf("it speaks again %v after a cut of 20 s", took)
		}
	})
}

// TestIdleHour: what an hour without work costs.
func TestIdleHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleNode, "C1"), 100*time.Millisecond, 0)
		node, hub := hostPair(t)
		serve(t, v.server, hub)
		stop := dialing(t, v.node, func() string { return v.addr }, node)
		node.file(upLog, 1)
		node.until(t, "the first", time.Minute, func() bool { return node.acked.Seq == 1 })
		out, in := v.node.Metered()
		hour := time.NewTimer(time.Hour)
		<-hour.C
		out2, in2 := v.node.Metered()
		t.Logf("an idle hour: %d bytes out, %d in", out2-out, in2-in)
		if out2-out+in2-in > 20_000 {
			t.Errorf("an idle hour costs %d bytes; want at most 20000", out2-out+in2-in)
		}
		node.file(upLog, 1)
		start := time.Now()
		node.until(t, "the second", time.Minute, func() bool { return node.acked.Seq == 2 })
		if err := stop(); err != nil || time.Since(start) > time.Second {
			t.Errorf("after the hour an acknowledgement took %v, %v; want the same session", time.Since(start), err)
		}
	})
}

// TestHeartbeat: with a heartbeat an idle session learns of a silent death within
// the interval and a little patience, and an idle hour stays cheap.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleNode, "C1"), 100*time.Millisecond, 0)
		node, hub := hostPair(t)
		serve(t, v.server, hub)
		c, err := v.node.Dial(t.Context(), v.addr, link.ALPNSync)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			ended <- link.RunSession(t.Context(), c, c.(*link.Conn).Peer(), node, link.Heartbeat(30*time.Second))
		}()
		node.file(upLog, 1)
		node.until(t, "the first", time.Minute, func() bool { return node.acked.Seq == 1 })
		out, in := v.node.Metered()
		<-time.After(time.Hour)
		out2, in2 := v.node.Metered()
		t.Logf("an idle hour: %d bytes out, %d in", out2-out, in2-in)
		if out2-out+in2-in > 16<<10 {
			t.Errorf("an idle hour costs %d bytes; want at most 16 KB", out2-out+in2-in)
		}
		v.net.lose(1)
		start := time.Now()
		if err := <-ended; !errors.Is(err, fault.Unavailable) || time.Since(start) > 36*time.Second {
			t.Errorf("got %v after %v; want Unavailable within 36 s", err, time.Since(start))
		}
		v.net.lose(0)
	})
}

// TestNewsThroughANAT: news of the hub come to an idle box at once, also where a NAT
// forgets the box after fifteen seconds.
func TestNewsThroughANAT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleNode, "C1"), 100*time.Millisecond, 0)
		node, hub := hostPair(t)
		serve(t, v.server, hub)
		dialing(t, v.node, func() string { return v.addr }, node, link.Heartbeat(30*time.Second))
		node.file(upLog, 1)
		node.until(t, "the first", time.Minute, func() bool { return node.acked.Seq == 1 })
		v.net.mu.Lock()
		v.net.forgets, v.net.left = 15*time.Second, time.Now()
		v.net.mu.Unlock()
		for i := range uint64(20) {
			<-time.After(61 * time.Second) // Another place between two heartbeats each time.
			hub.file(inboxLog, 1)
			start := time.Now()
			node.until(t, "news", time.Minute, func() bool { return node.logs[inboxLog].head().Seq == i+1 })
			if took := time.Since(start); took > 500*time.Millisecond {
				t.Errorf("news %d came after %v; want at most 500 ms", i, took)
			}
		}
	})
}

// TestSlowPeerIsNotDead: an answer that takes its time, as of a hub without a
// leader, does not end a session whose path carries.
func TestSlowPeerIsNotDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleNode, "C1"), 20*time.Millisecond, 0)
		node, hub := hostPair(t)
		hub.slow = func(uint64) { <-time.After(30 * time.Second) }
		node.file(upLog, 1)
		serve(t, v.server, hub)
		stop := dialing(t, v.node, func() string { return v.addr }, node)
		node.until(t, "the answer", time.Minute, func() bool { return node.acked.Seq == 1 })
		if err := stop(); err != nil || node.opened != 1 {
			t.Errorf("got %v, %d sessions; want one without failure", err, node.opened)
		}
	})
}

// TestManyWaits: the wait grows, stays within its bounds, and is never in step.
func TestManyWaits(t *testing.T) {
	b := &link.Backoff{}
	var last time.Duration
	for i := range 40 {
		d := b.Next()
		step := min(100*time.Millisecond<<min(i, 20), 10*time.Second)
		if d < step/2 || d > step || d == last {
			t.Fatalf("try %d waits %v; want between %v and %v, and another than before", i, d, step/2, step)
		}
		last = d
	}
	b.Reset()
	if d := b.Next(); d > 100*time.Millisecond {
		t.Fatalf("after progress it waits %v; want at most 100ms", d)
	}
	high := &link.Backoff{Min: time.Second, Max: 2 * time.Second, Rand: func() float64 { return 0.999 }}
	for range 100 {
		if d := high.Next(); d > 2*time.Second {
			t.Fatalf("waits %v; want at most 2s", d)
		}
	}
}

// TestOptions: what can't work is refused when it is opened.
func TestOptions(t *testing.T) {
	d := newDistrict(t, "41")
	s := subject(identity.RoleServer, "s1")
	good := link.Options{Listen: "127.0.0.1:0", Certificate: d.certify(t, s, time.Now()), Authority: d.authority, Self: s}
	for name, c := range map[string]struct {
		change func(*link.Options)
		want   fault.Kind
	}{
		"protocol":  {func(o *link.Options) { o.Serve = []string{"http/1.1"} }, fault.Invalid},
		"authority": {func(o *link.Options) { o.Authority = nil }, fault.Invalid},
		"address":   {func(o *link.Options) { o.Listen = "203.0.113.1:1" }, fault.Unavailable},
	} {
		o := good
		c.change(&o)
		if e, err := link.Open(o); fault.KindOf(err) != c.want {
			t.Errorf("%s: got %v, %v; want %v", name, e, err, c.want)
		}
	}
}
