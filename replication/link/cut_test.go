package link_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kendro/identity"
	"kendro/replication/link"
)

// enduring keeps sessions as a node does: it endures silences, and knocks before it
// dials again. Sessions counts them.
func enduring(t testing.TB, e *link.Endpoint, addr string, host *memHost) (sessions *atomic.Int32) {
	ctx, cancel := context.WithCancel(context.Background())
	knocks := e.Knocker(func() []string { return []string{addr} })
	sessions = new(atomic.Int32)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			dialing, give := context.WithTimeout(ctx, 8*time.Second)
			c, err := e.Dial(dialing, addr, link.ALPNSync)
			give()
			if err == nil {
				sessions.Add(1)
				knocks.Meet(ctx, addr)
				knocks.Reset()
				err = link.RunSession(ctx, c, c.(*link.Conn).Peer(), host, link.Heartbeat(30*time.Second),
					link.Endure(link.Patience{Knock: func(ctx context.Context) bool { return knocks.Here(ctx, addr) }}))
			}
			if link.Silent(err) {
				knocks.Wait(ctx)
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return sessions
}

// TestBackAfterACut: after a cut the two ends are in sync again within a second,
// whatever was under way when it began and whatever came up meanwhile. A short one
// is survived by the session, a long one by neither end.
func TestBackAfterACut(t *testing.T) {
	for _, c := range []struct {
		name        string
		cut         time.Duration
		node, inbox int // Filed before the cut, still under way when it begins.
		later, news int // Filed during the cut.
		within      time.Duration
		sessions    int32
	}{
		{"an application during the cut", 30 * time.Second, 0, 0, 1, 0, time.Second, 1},
		{"news at the hub during the cut", 30 * time.Second, 0, 0, 0, 1, time.Second, 1},
		{"both", 30 * time.Second, 0, 0, 10, 10, time.Second, 1},
		{"cut amid a backlog", 30 * time.Second, 3000, 0, 0, 0, time.Second, 2},
		{"cut amid an inbox", 30 * time.Second, 0, 3000, 0, 0, time.Second, 2},
		{"a cut of ten minutes", 10 * time.Minute, 0, 0, 1, 0, 11 * time.Second, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVillage(t, subject(identity.RoleNode, "C1"), 20*time.Millisecond, 0)
				node, hub := hostPair(t)
				serve(t, v.server, hub)
				sessions := enduring(t, v.node, v.addr, node)
				node.file(upLog, 10)
				node.until(t, "the first", time.Minute, func() bool { return node.acked.Seq == 10 })
				<-time.After(time.Minute)
				file := func(up, in int) {
					if up > 0 {
						node.file(upLog, up)
					}
					if in > 0 {
						hub.file(inboxLog, in)
					}
				}
				file(c.node, c.inbox)
				<-time.After(90 * time.Millisecond) // What was filed is under way.
				v.net.lose(1)
				<-time.After(c.cut / 2)
				file(c.later, c.news)
				out, _ := v.node.Metered()
				<-time.After(c.cut / 2)
				spent, _ := v.node.Metered()
				v.net.lose(0)
				start := time.Now()
				node.until(t, "both in sync", time.Minute, func() bool {
					hub.mu.Lock()
					defer hub.mu.Unlock()
					return hub.logs[upLog].head() == node.logs[upLog].head() && node.logs[inboxLog].head().Seq == uint64(c.inbox+c.news)
				})
				took := time.Since(start)
				t.Logf("in sync %v after a cut of %v, %d sessions; half of the cut cost %d bytes", took, c.cut, sessions.Load(), spent-out)
				if took > c.within || sessions.Load() > c.sessions {
					t.Errorf("in sync after %v, %d sessions; want at most %v, %d", took, sessions.Load(), c.within, c.sessions)
				}
			})
		})
	}
}

// TestTransferAfterACut: a transfer that a cut of half a minute broke off is done within a
// second, wherever it stood and whenever the cut ends. Over a longer way the transport's
// window, which a cut leaves at two packets, would take six seconds to grow again.
func TestTransferAfterACut(t *testing.T) {
	if testing.Short() {
		t.Skip("a hundred cuts")
	}
	for _, c := range []struct {
		name      string
		up, inbox int
		oneWay    time.Duration
		within    time.Duration
	}{
		{"to the hub", 8000, 0, 20 * time.Millisecond, time.Second},
		{"from the hub", 0, 3000, 20 * time.Millisecond, time.Second},
		{"to the hub, far away", 3000, 0, 100 * time.Millisecond, 2500 * time.Millisecond},
		{"from the hub, far away", 0, 3000, 100 * time.Millisecond, 2500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			var worst time.Duration
			amid := 0
			for k := range 25 {
				synctest.Test(t, func(t *testing.T) {
					v := newVillage(t, subject(identity.RoleNode, "C1"), c.oneWay, 0)
					node, hub := hostPair(t)
					serve(t, v.server, hub)
					enduring(t, v.node, v.addr, node)
					node.file(upLog, 10)
					node.until(t, "the first", time.Minute, func() bool { return node.acked.Seq == 10 })
					<-time.After(time.Minute)
					node.file(upLog, c.up)
					hub.file(inboxLog, c.inbox)
					<-time.After(3*c.oneWay + time.Duration(7*k)*time.Millisecond)
					v.net.lose(1)
					done := func() bool {
						hub.mu.Lock()
						defer hub.mu.Unlock()
						return hub.logs[upLog].head() == node.logs[upLog].head() && node.logs[inboxLog].head() == hub.logs[inboxLog].head()
					}
					<-time.After(30*time.Second + time.Duration(29*k)*time.Millisecond)
					node.mu.Lock()
					if !done() {
						amid++
					}
					node.mu.Unlock()
					v.net.lose(0)
					start := time.Now()
					node.until(t, "both in sync", time.Minute, done)
					worst = max(worst, time.Since(start))
				})
			}
			t.Logf("%d of 25 were broken off; the last to be done took %v", amid, worst)
			if worst > c.within || amid < 10 {
				t.Errorf("%d of 25 were broken off and the slowest took %v; want ten at least, and at most %v", amid, worst, c.within)
			}
		})
	}
}

// TestBackAfterACutOnRealSockets is the first of them in real time: 30 seconds of it.
func TestBackAfterACutOnRealSockets(t *testing.T) {
	if testing.Short() {
		t.Skip("half a minute")
	}
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, nil)
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	r := newRelay(t, server.Addr())
	node, hub := hostPair(t)
	serve(t, server, hub)
	sessions := enduring(t, e, r.addr(), node)
	node.file(upLog, 1)
	node.until(t, "the first", 10*time.Second, func() bool { return node.acked.Seq == 1 })
	r.silent.Store(true)
	node.file(upLog, 10)
	<-time.After(30 * time.Second)
	hub.file(inboxLog, 10)
	r.silent.Store(false)
	start := time.Now()
	node.until(t, "both in sync", time.Minute, func() bool { return node.acked.Seq == 11 && node.logs[inboxLog].head().Seq == 10 })
	took := time.Since(start)
	t.Logf("in sync %v after a cut of 30 s, %d sessions", took, sessions.Load())
	if took > time.Second {
		t.Errorf("in sync after %v; want at most 1 s", took)
	}
}

// TestOtherServerAnswers: a session whose peer is silent ends when another server can
// be reached, and one whose peer was never heard to answer knocks as well.
func TestOtherServerAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVillage(t, subject(identity.RoleNode, "C1"), 20*time.Millisecond, 0)
		node, hub := hostPair(t)
		serve(t, v.server, hub)
		for name, knock := range map[string]func(context.Context) bool{
			"another answers": func(context.Context) bool { <-time.After(time.Second); return false },
			"nobody is known to answer": func(ctx context.Context) bool {
				return v.node.Knocker(func() []string { return nil }).Here(ctx, "192.0.2.1:1")
			},
		} {
			c, err := v.node.Dial(t.Context(), v.addr, link.ALPNSync)
			if err != nil {
				t.Fatal(err)
			}
			var told []bool
			ended := make(chan error, 1)
			go func() {
				ended <- link.RunSession(t.Context(), c, c.(*link.Conn).Peer(), node,
					link.Endure(link.Patience{Knock: knock, Told: func(silent bool) { told = append(told, silent) }}))
			}()
			node.file(upLog, 1)
			node.until(t, "the first", time.Minute, func() bool { return node.acked == node.logs[upLog].head() })
			v.net.lose(1)
			node.file(upLog, 1)
			start := time.Now()
			if err := <-ended; !link.Silent(err) || time.Since(start) > 5*time.Second || len(told) != 1 || !told[0] {
				t.Errorf("%s: got %v after %v, told %v; want silence within 5 s, told once", name, err, time.Since(start), told)
			}
			v.net.lose(0)
		}
	})
}

// TestKnocks: who serves answers, who doesn't serve and what is no knock gets nothing.
func TestKnocks(t *testing.T) {
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, nil)
	dialer := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	k := dialer.Knocker(func() []string { return []string{"no such host.invalid:1", server.Addr().String()} })
	if addr, ok := k.Wait(t.Context()); !ok || addr != server.Addr().String() || !k.Knows(addr) {
		t.Fatalf("got %q, %v; want the server", addr, ok)
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	ask := func(to net.Addr, b []byte) int {
		if _, err := socket.WriteTo(b, to); err != nil {
			t.Fatal(err)
		}
		_ = socket.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		n, _, _ := socket.ReadFrom(make([]byte, 64))
		return n
	}
	knock := []byte{0x21, 1, 2, 3, 4, 5, 6, 7, 8}
	if n := ask(server.Addr(), knock); n != len(knock) {
		t.Errorf("a knock has an answer of %d bytes; want %d", n, len(knock))
	}
	for name, n := range map[string]int{
		"at a machine that serves nothing": ask(dialer.Addr(), knock),
		"an answer":                        ask(server.Addr(), append([]byte{0x22}, knock[1:]...)),
		"too short":                        ask(server.Addr(), knock[:8]),
		"too long":                         ask(server.Addr(), append(knock, 9)),
		"of another kind":                  ask(server.Addr(), append([]byte{0x23}, knock[1:]...)),
	} {
		if n != 0 {
			t.Errorf("%s: got %d bytes; want none", name, n)
		}
	}
}
