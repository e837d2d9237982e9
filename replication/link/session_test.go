package link_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// serve runs a session for every stream that arrives, until the test ends.
func serve(t testing.TB, e *link.Endpoint, host replication.Host) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	l := e.Accept(link.ALPNSync)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _ = link.RunSession(ctx, c, c.(*link.Conn).Peer(), host, link.Endure(link.Patience{})) })
		}
	})
	stop = func() { cancel(); _ = l.Close(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// dialing runs sessions one after the other, as a node does, and returns a
// function that ends it and gives the last error.
func dialing(t testing.TB, e *link.Endpoint, addr func() string, host replication.Host, opts ...link.SessionOption) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		var last error
		back := link.Backoff{Max: 500 * time.Millisecond}
		for ctx.Err() == nil {
			attempt, give := context.WithTimeout(ctx, 2*time.Second)
			c, err := e.Dial(attempt, addr(), link.ALPNSync)
			give()
			if err == nil {
				err = link.RunSession(ctx, c, c.(*link.Conn).Peer(), host, opts...)
			}
			if err != nil {
				last = err
			}
			select {
			case <-time.After(back.Next()):
			case <-ctx.Done():
			}
		}
		done <- last
	}()
	var once sync.Once
	stop = func() (err error) {
		once.Do(func() { cancel(); err = <-done })
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

func TestTenThousandReconcile(t *testing.T) {
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, nil)
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	node, hub := hostPair(t)
	node.file(upLog, 10_000)
	hub.file(inboxLog, 500)
	serve(t, server, hub)
	start := time.Now()
	stop := dialing(t, e, server.Addr().String, node)
	node.until(t, "everything acknowledged", 60*time.Second, func() bool { return node.acked == node.logs[upLog].head() })
	node.until(t, "the inbox", 10*time.Second, func() bool { return node.logs[inboxLog].head() == hub.logs[inboxLog].head() })
	took := time.Since(start)
	if err := stop(); err != nil {
		t.Fatalf("got %v; want no failure", err)
	}
	hub.mu.Lock() // Its session may be ending still.
	defer hub.mu.Unlock()
	if hub.logs[upLog].head() != node.logs[upLog].head() || hub.handed != 10_000 || hub.intros != 1 {
		t.Fatalf("hub holds %d, was handed %d in %d epochs; want 10000 once in 1", hub.logs[upLog].head().Seq, hub.handed, hub.intros)
	}
	raw := 0
	for _, r := range node.logs[upLog].raw {
		raw += len(r)
	}
	out, in := e.Metered()
	t.Logf("10,000 events (%d bytes raw) in %v: %d bytes out, %d in, %.1f a record", raw, took, out, in, float64(out+in)/10_000)
	checkTraffic(t, e, server)
}

// checkTraffic: what one end counts as sent for a purpose the other counts as
// received, and the purposes come to the whole.
func checkTraffic(t *testing.T, node, server *link.Endpoint) {
	t.Helper()
	var sum uint64
	for _, p := range link.Purposes() {
		out, in := node.Traffic(p)
		far, near := server.Traffic(p)
		if p != link.Overhead && p != link.Acks && (out != near || in != far) { // Acknowledgements may be under way.
			t.Errorf("%s: the node sent %d and received %d, the server %d and %d", p, out, in, far, near)
		}
		sum += out
	}
	out, _ := node.Metered()
	for p, least := range map[link.Purpose]uint64{link.Applications: out * 3 / 4, link.Sessions: 1000, link.Overhead: out / 100} {
		if n, _ := node.Traffic(p); n < least {
			t.Errorf("%s: %d of %d bytes; want at least %d", p, n, out, least)
		}
	}
	if _, in := node.Traffic(link.Inbox); in < 1000 || sum > out+out/100 || sum < out-out/100 {
		t.Errorf("%d bytes of the inbox; purposes come to %d of %d bytes", in, sum, out)
	}
}

// TestResumes kills the server's socket in mid-transfer, without a goodbye, and
// starts it again: what was acknowledged is not sent again.
func TestResumes(t *testing.T) {
	d := newDistrict(t, "41")
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := socket.LocalAddr().String()
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, func(o *link.Options) { o.Conn = socket })
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	node, hub := hostPair(t)
	node.file(upLog, 3000)
	gate := make(chan struct{})
	hub.slow = func(seq uint64) {
		if seq > 1500 {
			<-gate
		}
	}
	stopServing := serve(t, server, hub)
	dialing(t, e, func() string { return addr }, node)
	node.until(t, "the first half", 20*time.Second, func() bool { return node.acked.Seq >= 1000 })
	_ = socket.Close() // As a crash: nobody is told.
	close(gate)
	stopServing()
	_ = server.Close()
	hub.mu.Lock()
	stored, handed := hub.logs[upLog].head().Seq, hub.handed
	hub.mu.Unlock()
	if stored == 3000 {
		t.Fatal("the transfer was over before it was broken")
	}
	again := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, func(o *link.Options) { o.Listen = addr })
	start := time.Now()
	serve(t, again, hub)
	node.until(t, "the rest", 20*time.Second, func() bool { return node.acked.Seq == 3000 })
	t.Logf("broken at %d, complete %v after the restart", stored, time.Since(start))
	hub.mu.Lock()
	defer hub.mu.Unlock()
	if hub.handed-handed != 3000-int(stored) {
		t.Fatalf("got %d events after the restart; want the %d that were missing", hub.handed-handed, 3000-stored)
	}
}

// TestRestartIsNoticed: an idle session learns that its peer began anew with its
// next packet, by the stateless reset.
func TestRestartIsNoticed(t *testing.T) {
	d := newDistrict(t, "41")
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	addr := socket.LocalAddr().String()
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, func(o *link.Options) { o.Conn = socket })
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	node, hub := hostPair(t)
	node.file(upLog, 1)
	stopServing := serve(t, server, hub)
	dialing(t, e, func() string { return addr }, node)
	node.until(t, "the first", 10*time.Second, func() bool { return node.acked.Seq == 1 })
	_ = socket.Close()
	stopServing()
	_ = server.Close()
	again := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, func(o *link.Options) { o.Listen = addr })
	serve(t, again, hub)
	start := time.Now()
	node.file(upLog, 1)
	node.until(t, "the second", 10*time.Second, func() bool { return node.acked.Seq == 2 })
	if took := time.Since(start); took > 2*time.Second {
		t.Fatalf("noticed after %v; want at once", took)
	} else {
		t.Logf("acknowledged by the restarted server after %v", took)
	}
}

// TestSilence: a path that loses everything is given up within seconds while an
// answer is due, and used again when it carries.
func TestSilence(t *testing.T) {
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, nil)
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	r := newRelay(t, server.Addr())
	node, hub := hostPair(t)
	node.file(upLog, 1)
	serve(t, server, hub)
	c, err := e.Dial(t.Context(), r.addr(), link.ALPNSync)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- link.RunSession(t.Context(), c, c.(*link.Conn).Peer(), node) }()
	node.until(t, "the first", 10*time.Second, func() bool { return node.acked.Seq == 1 })
	r.silent.Store(true)
	start := time.Now()
	node.file(upLog, 1)
	select {
	case err := <-ended:
		if took := time.Since(start); !errors.Is(err, fault.Unavailable) || took > 4*time.Second {
			t.Fatalf("got %v after %v; want Unavailable within 4 s", err, took)
		} else {
			t.Logf("given up after %v", took)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the session waits for ever")
	}
	r.silent.Store(false)
	dialing(t, e, r.addr, node)
	node.until(t, "the second", 10*time.Second, func() bool { return node.acked.Seq == 2 })
}

// TestAddressChange: the node's port changes in mid-session, as NATs do.
func TestAddressChange(t *testing.T) {
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, nil)
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	r := newRelay(t, server.Addr())
	node, hub := hostPair(t)
	serve(t, server, hub)
	stop := dialing(t, e, r.addr, node)
	for i := range 4 {
		node.file(upLog, 20)
		node.until(t, "acknowledged", 10*time.Second, func() bool { return node.acked.Seq == uint64(20*(i+1)) })
		r.rebind(t)
	}
	if err := stop(); err != nil || node.opened != 1 {
		t.Fatalf("got %v, %d sessions; want one without failure", err, node.opened)
	}
}

// TestOneApplication counts what one application costs on an open session.
func TestOneApplication(t *testing.T) {
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, nil)
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	r := newRelay(t, server.Addr())
	node, hub := hostPair(t)
	serve(t, server, hub)
	dialing(t, e, r.addr, node)
	node.file(upLog, 3)
	node.until(t, "the first", 10*time.Second, func() bool { return node.acked.Seq == 3 })
	quiet(t, r)
	packets, bytes := r.packets.Load(), r.bytes.Load()
	start := time.Now()
	node.file(upLog, 1)
	node.until(t, "one more", 10*time.Second, func() bool { return node.acked.Seq == 4 })
	took := time.Since(start)
	quiet(t, r)
	packets, bytes = r.packets.Load()-packets, r.bytes.Load()-bytes
	t.Logf("one application: %d packets, %d bytes, acknowledged after %v", packets, bytes, took)
	if packets > 4 || bytes > 500 { // Block, acknowledgement, and the transport's own acknowledgements.
		t.Fatalf("got %d packets with %d bytes; want at most 4 with 500", packets, bytes)
	}
}

// quiet waits until nothing has passed for 200 ms.
func quiet(t testing.TB, r *relay) {
	t.Helper()
	for last := int64(-1); last != r.packets.Load(); {
		last = r.packets.Load()
		select {
		case <-time.After(200 * time.Millisecond):
		case <-t.Context().Done():
			return
		}
	}
}

// TestEnds: a session ends with its context, with its peer, and with a peer that
// does not speak the protocol.
func TestEnds(t *testing.T) {
	node, hub := hostPair(t)
	hub.file(inboxLog, 300)
	node.file(upLog, 300)
	a, b := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- link.RunSession(ctx, a, replication.Peer{}, node) }()
	go func() { ended <- link.RunSession(t.Context(), b, replication.Peer{}, hub) }()
	node.until(t, "both ways", 10*time.Second, func() bool {
		return node.acked.Seq == 300 && node.logs[inboxLog].head().Seq == 300
	})
	cancel()
	for range 2 {
		if err := <-ended; err != nil && !errors.Is(err, fault.Unavailable) {
			t.Fatalf("got %v; want nil here and Unavailable there", err)
		}
	}
	if len(node.grew)+len(hub.grew) != 0 {
		t.Fatal("a host was not told that its session is over")
	}
	for _, bad := range [][]byte{
		{0xff, 0, 0, 0, 1},
		{0, 0, 0, 2, 0xa1, 0x01},
		protocol.EncodeMessage(&protocol.Message{Busy: &protocol.Busy{}}),
		protocol.EncodeMessage(&protocol.Message{Hello: &protocol.Hello{Version: 9}}),
	} {
		a, b := net.Pipe()
		go func() { ended <- link.RunSession(t.Context(), a, replication.Peer{}, node) }()
		go func() {
			buffer := make([]byte, 4096)
			for { // It reads, so that hello goes out.
				if _, err := b.Read(buffer); err != nil {
					return
				}
			}
		}()
		if _, err := b.Write(bad); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, fault.Invalid) {
			t.Fatalf("%x: got %v; want Invalid", bad, err)
		}
		_ = b.Close()
	}
}

// TestHostFails: what the host cannot take ends the session with its reason.
func TestHostFails(t *testing.T) {
	node, hub := hostPair(t)
	node.verify = identity.NewSigner().Public() // Another hub's.
	node.file(upLog, 1)
	a, b := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- link.RunSession(t.Context(), b, replication.Peer{}, hub) }()
	if err := link.RunSession(t.Context(), a, replication.Peer{}, node); !errors.Is(err, fault.Denied) {
		t.Fatalf("got %v; want Denied: the acknowledgement is not the hub's", err)
	}
	if err := <-ended; !errors.Is(err, fault.Unavailable) {
		t.Fatalf("at the hub got %v; want Unavailable", err)
	}
}

// TestNotes: the host refuses a block, and both ends hear of it.
func TestNotes(t *testing.T) {
	node, hub := hostPair(t)
	hub.signs[upLog.Name] = identity.NewSigner().Public() // Not the node's.
	node.file(upLog, 1)
	a, b := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	notes := make(chan replication.Note, 4)
	ended := make(chan error, 2)
	go func() {
		ended <- link.RunSession(ctx, a, replication.Peer{}, node, link.OnNote(func(n replication.Note) { notes <- n }), link.Window(2))
	}()
	go func() {
		ended <- link.RunSession(ctx, b, replication.Peer{}, hub, link.OnNote(func(n replication.Note) { notes <- n }))
	}()
	got := map[replication.NoteKind]fault.Kind{}
	for range 2 {
		n := <-notes
		got[n.What] = n.Kind
	}
	if got[replication.WeRefused] != fault.Denied || got[replication.PeerRefused] != fault.Denied {
		t.Fatalf("got %v; want both ends to note Denied", got)
	}
	cancel()
	for range 2 {
		if err := <-ended; err != nil {
			t.Fatalf("got %v; want nil when the context ends", err)
		}
	}
}
