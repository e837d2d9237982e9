package link_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/replication/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// district is an authority and what it certifies.
type district struct {
	ca        *identity.CA
	authority *identity.Authority
	now       func() time.Time
}

func newDistrict(t testing.TB, code string) *district {
	t.Helper()
	ca, err := identity.NewCA("bd", code, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a, err := identity.ParseAuthority(ca.DER())
	if err != nil {
		t.Fatal(err)
	}
	return &district{ca, a, time.Now}
}

func (d *district) certify(t testing.TB, s identity.Subject, from time.Time) tls.Certificate {
	t.Helper()
	key := identity.NewSigner()
	der, err := d.ca.Issue(s, key.Public(), identity.ForTLS, from)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key.Private()}
}

func subject(role identity.Role, name string) identity.Subject {
	slot := "0"
	if role == identity.RoleNode {
		slot = "0010"
	}
	return identity.Subject{Country: "bd", District: "41", Role: role, Name: name, Slot: slot}
}

var all = []string{link.ALPNSync, link.ALPNRaft, link.ALPNHub, link.ALPNEnrol}

// open starts an endpoint that serves echoes on the protocols; change may alter
// the options.
func (d *district) open(t testing.TB, s identity.Subject, serve []string, change func(*link.Options)) *link.Endpoint {
	t.Helper()
	o := link.Options{
		Listen: "127.0.0.1:0", Certificate: d.certify(t, s, time.Now()), Authority: d.authority, Self: s,
		Serve: serve, Clock: d.now, ResetKey: [32]byte{1, 2, 3},
	}
	if change != nil {
		change(&o)
	}
	e, err := link.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// echo serves one protocol by sending back what comes.
func echo(t testing.TB, e *link.Endpoint, alpn string) {
	l := e.Accept(alpn)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() { _ = e.Close(); wg.Wait() })
}

// say sends a word and returns what comes back.
func say(ctx context.Context, e *link.Endpoint, addr, alpn string) (string, error) {
	c, err := e.Dial(ctx, addr, alpn)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write([]byte("nomoskar")); err != nil {
		return "", err
	}
	if err := c.(*link.Conn).CloseWrite(); err != nil {
		return "", err
	}
	b, err := io.ReadAll(c)
	return string(b), err
}

func TestWhoMaySpeakWhat(t *testing.T) {
	home, away := newDistrict(t, "41"), newDistrict(t, "42")
	var revoked atomic.Bool
	server := home.open(t, subject(identity.RoleServer, "s1"), all, func(o *link.Options) {
		o.Revoked = func(s identity.Subject) bool { return s.Name == "C9" || revoked.Load() && s.Name == "C1" }
	})
	for _, alpn := range all {
		echo(t, server, alpn)
	}
	old := time.Now().Add(-identity.Lifetime - 2*time.Hour)
	elsewhere := identity.Subject{Country: "bd", District: "42", Role: identity.RoleServer, Name: "s9", Slot: "0"}
	for _, c := range []struct {
		name string
		of   *district
		who  identity.Subject
		alpn string
		opt  func(*link.Options)
		want string // Part of the refusal; empty is served.
	}{
		{"node syncs", home, subject(identity.RoleNode, "C1"), link.ALPNSync, nil, ""},
		{"server syncs", home, subject(identity.RoleServer, "s2"), link.ALPNSync, nil, ""},
		{"server votes", home, subject(identity.RoleServer, "s2"), link.ALPNRaft, nil, ""},
		{"server forwards", home, subject(identity.RoleServer, "s2"), link.ALPNHub, nil, ""},
		{"node votes", home, subject(identity.RoleNode, "C1"), link.ALPNRaft, nil, "role that may not speak"},
		{"node forwards", home, subject(identity.RoleNode, "C1"), link.ALPNHub, nil, "role that may not speak"},
		{"other authority", away, elsewhere, link.ALPNSync, nil, "authority"},
		{"other authority, blind", away, elsewhere, link.ALPNSync, func(o *link.Options) { o.Authority = home.authority }, "another district"},
		{"other district, same authority", home, elsewhere, link.ALPNSync, func(o *link.Options) { o.Self = elsewhere }, "another district"},
		{"revoked", home, subject(identity.RoleNode, "C9"), link.ALPNSync, nil, "revoked"},
		{"expired here", home, subject(identity.RoleNode, "C2"), link.ALPNSync, func(o *link.Options) {
			o.Certificate = home.certify(t, o.Self, old)
		}, "expired on"},
		{"expired there", home, subject(identity.RoleNode, "C2"), link.ALPNSync, func(o *link.Options) {
			o.Certificate, o.Clock = home.certify(t, o.Self, old), nil
		}, "has expired at the peer"},
		{"clock of the past", home, subject(identity.RoleNode, "C2"), link.ALPNSync, func(o *link.Options) {
			o.Clock = func() time.Time { return old }
		}, "set this machine's clock"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := c.of.open(t, c.who, nil, c.opt)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			got, err := say(ctx, e, server.Addr().String(), c.alpn)
			switch {
			case c.want == "" && (err != nil || got != "nomoskar"):
				t.Fatalf("got %q, %v; want to be served", got, err)
			case c.want != "" && (!errors.Is(err, fault.Denied) || !strings.Contains(err.Error(), c.want)):
				t.Fatalf("got %q, %v (%v); want Denied with %q", got, err, fault.KindOf(err), c.want)
			}
		})
	}
	t.Run("revoked while connected", func(t *testing.T) {
		e := home.open(t, subject(identity.RoleNode, "C1"), nil, nil)
		if _, err := say(t.Context(), e, server.Addr().String(), link.ALPNSync); err != nil {
			t.Fatal(err)
		}
		c, err := e.Dial(t.Context(), server.Addr().String(), link.ALPNSync)
		if err != nil {
			t.Fatal(err)
		}
		revoked.Store(true)
		server.Enforce()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, fault.Denied) {
			t.Fatalf("got %v; want Denied", err)
		}
	})
}

func TestNotServed(t *testing.T) {
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, nil)
	echo(t, server, link.ALPNSync)
	e := d.open(t, subject(identity.RoleServer, "s2"), nil, nil)
	if _, err := say(t.Context(), e, server.Addr().String(), link.ALPNHub); !errors.Is(err, fault.Denied) || !strings.Contains(err.Error(), "does not serve") {
		t.Fatalf("got %v; want Denied: does not serve", err)
	}
	if _, err := e.Dial(t.Context(), server.Addr().String(), "kendro-sync/9"); !errors.Is(err, fault.Invalid) {
		t.Fatalf("got %v; want Invalid", err)
	}
	for _, addr := range []string{"nonsense", "127.0.0.1:0", "127.0.0.1:99999"} {
		if _, err := e.Dial(t.Context(), addr, link.ALPNSync); !errors.Is(err, fault.Invalid) {
			t.Fatalf("%s: got %v; want Invalid", addr, err)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	d := newDistrict(t, "41")
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	hole, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := e.Dial(ctx, hole.LocalAddr().String(), link.ALPNSync); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("got %v; want Unavailable", err)
	}
	_ = e.Close()
	if _, err := e.Dial(t.Context(), hole.LocalAddr().String(), link.ALPNSync); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("after Close got %v; want Unavailable", err)
	}
}

func TestEnrol(t *testing.T) {
	home, away := newDistrict(t, "41"), newDistrict(t, "42")
	server := home.open(t, subject(identity.RoleServer, "s1"), all, nil)
	node := home.open(t, subject(identity.RoleNode, "C1"), []string{link.ALPNEnrol}, nil)
	echo(t, node, link.ALPNEnrol)
	l := server.Accept(link.ALPNEnrol)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		if who := c.(*link.Conn).Peer().Subject; who != (identity.Subject{}) {
			t.Errorf("got peer %+v; want nobody", who)
		}
		_, _ = io.Copy(c, c)
		_ = c.Close()
	}()
	c, err := link.DialEnrol(t.Context(), server.Addr().String(), home.ca.Hash())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("token")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "token" {
		t.Fatalf("got %q, %v", got, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := link.DialEnrol(t.Context(), server.Addr().String(), away.ca.Hash()); !errors.Is(err, fault.Denied) {
		t.Fatalf("another authority: got %v; want Denied", err)
	}
	if _, err := link.DialEnrol(t.Context(), node.Addr().String(), home.ca.Hash()); !errors.Is(err, fault.Denied) {
		t.Fatalf("a node that plays the server: got %v; want Denied", err)
	}
}

// TestManyStreams opens far more streams, one after the other, than a peer admits
// at once: a closed stream must be given back by both ends.
func TestManyStreams(t *testing.T) {
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, nil)
	echo(t, server, link.ALPNSync)
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for i := range 1000 {
		if i%3 == 0 { // Some callers give up without reading to the end.
			c, err := e.Dial(ctx, server.Addr().String(), link.ALPNSync)
			if err != nil {
				t.Fatalf("stream %d: %v", i, err)
			}
			_, _ = c.Write([]byte("and gone"))
			_ = c.Close()
			continue
		}
		if got, err := say(ctx, e, server.Addr().String(), link.ALPNSync); err != nil || got != "nomoskar" {
			t.Fatalf("stream %d: got %q, %v", i, got, err)
		}
	}
	out, in := e.Metered()
	sout, sin := server.Metered()
	near := func(a, b uint64) bool { return max(a, b)-min(a, b) < 8<<10 } // Some are still on the way.
	if out < 20_000 || in < 20_000 || !near(out, sin) || !near(in, sout) {
		t.Fatalf("metered %d out, %d in, at the server %d and %d", out, in, sout, sin)
	}
	t.Logf("1,000 streams: %d bytes out, %d in", out, in)
}

// TestDeadlines: Raft's transport and others set them.
func TestDeadlines(t *testing.T) {
	d := newDistrict(t, "41")
	server := d.open(t, subject(identity.RoleServer, "s1"), []string{link.ALPNSync}, nil)
	echo(t, server, link.ALPNSync)
	e := d.open(t, subject(identity.RoleNode, "C1"), nil, nil)
	c, err := e.Dial(t.Context(), server.Addr().String(), link.ALPNSync)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	var timeout net.Error
	if _, err := c.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Fatalf("got %v; want a timeout", err)
	}
}
