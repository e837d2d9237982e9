package link

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"

	"github.com/quic-go/quic-go"

	"kendro/domain/fault"
	"kendro/identity"
)

// target is what a connection is kept for.
type target struct {
	addr, alpn string
	lane       int // 0 is what everybody shares.
}

// pooled is a connection that is there or being made.
type pooled struct {
	ready chan struct{} // Closed when the fields below stand.
	conn  *quic.Conn
	who   identity.Subject
	err   error
}

// Dial opens a stream to an address, host:port, reusing the connection that is
// there for the protocol. No answer is [fault.Unavailable]: try again, or
// another server; a peer that refuses us or that we refuse is [fault.Denied].
// A refusal may show only with the first Read.
func (e *Endpoint) Dial(ctx context.Context, addr, alpn string) (net.Conn, error) {
	return e.DialLane(ctx, addr, alpn, 0)
}

// DialLane is Dial in a connection that only the same lane shares. Lane 0 is
// Dial's.
func (e *Endpoint) DialLane(ctx context.Context, addr, alpn string, lane int) (net.Conn, error) {
	const op = "link.Dial"
	if _, ok := admitted[alpn]; !ok {
		return nil, fault.New(op, fault.Invalid, alpn, "no such protocol")
	}
	p, err := e.connect(ctx, target{addr, alpn, lane})
	if err != nil {
		return nil, classify(op, addr, err)
	}
	s, err := p.conn.OpenStreamSync(ctx)
	if err != nil {
		return nil, classify(op, addr, err)
	}
	return newConn(e.transport, p.conn, s, p.who, &e.traffic), nil
}

// connect returns a living connection; callers for the same target share one
// attempt, and the others try again when the one who made it gave up.
func (e *Endpoint) connect(ctx context.Context, t target) (*pooled, error) {
	for {
		e.mu.Lock()
		if e.closed {
			e.mu.Unlock()
			return nil, net.ErrClosed
		}
		p := e.dialed[t]
		if p == nil {
			p = &pooled{ready: make(chan struct{})}
			e.dialed[t] = p
			e.mu.Unlock()
			e.handshake(ctx, t, p)
			return p, p.err
		}
		e.mu.Unlock()
		select {
		case <-p.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if p.err == nil && p.conn.Context().Err() == nil {
			return p, nil
		}
		e.forget(t, p)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if p.err != nil && !errors.Is(p.err, context.Canceled) && !errors.Is(p.err, context.DeadlineExceeded) {
			return nil, p.err
		}
	}
}

func (e *Endpoint) forget(t target, p *pooled) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.dialed[t] == p {
		delete(e.dialed, t)
	}
}

func (e *Endpoint) handshake(ctx context.Context, t target, p *pooled) {
	defer close(p.ready)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ctx, cancel)()
	if p.err = e.valid(); p.err == nil {
		p.conn, p.err = dial(ctx, e.transport, t, e.clientTLS(t.alpn))
	}
	if p.err == nil {
		p.who, p.err = identity.SubjectOf(p.conn.ConnectionState().TLS.PeerCertificates[0])
	}
	if p.err == nil && !e.track(p.conn, p.who, t.alpn != ALPNSync) {
		_ = p.conn.CloseWithError(codeClosed, "closing")
		p.err = fault.New("link.Dial", fault.Unavailable, t.addr, "this machine is closing")
	}
	if p.err != nil {
		e.forget(t, p)
	}
}

// dial makes one connection.
func dial(ctx context.Context, tr *quic.Transport, t target, c *tls.Config) (*quic.Conn, error) {
	addr, err := resolve(ctx, t.addr)
	if err != nil {
		return nil, err
	}
	return tr.Dial(ctx, addr, c, quicConfig(t.alpn, true))
}

// resolve looks a host:port up without outliving ctx.
func resolve(ctx context.Context, hostport string) (*net.UDPAddr, error) {
	const op = "link.Dial"
	host, service, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Invalid, Item: hostport, Err: err}
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil || port == 0 {
		return nil, fault.New(op, fault.Invalid, hostport, "want host:port with a number")
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(ips) == 0 {
		return nil, &fault.Error{Op: op, Kind: fault.Unavailable, Item: hostport, Err: err}
	}
	return &net.UDPAddr{IP: net.IP(ips[0].Unmap().AsSlice()), Port: int(port)}, nil
}

// DialEnrol opens a stream of kendro-enrol/1 to a server, which is verified by
// the hash of its authority's certificate; the caller shows no certificate. The
// stream has a socket of its own, which closes with it. No answer is
// [fault.Unavailable], a server of another authority [fault.Denied].
func DialEnrol(ctx context.Context, addr string, caHash [32]byte) (net.Conn, error) {
	const op = "link.DialEnrol"
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Unavailable, Item: addr, Err: err}
	}
	own := &quic.Transport{Conn: socket}
	free := func() {
		_ = own.Close()
		_ = socket.Close()
	}
	c, err := dial(ctx, own, target{addr: addr, alpn: ALPNEnrol}, &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{ALPNEnrol}, ServerName: identity.ServerName,
		InsecureSkipVerify: true, //nolint:gosec // pinned verifies: there is no pool to verify against yet.
		VerifyConnection:   pinned(caHash), SessionTicketsDisabled: true,
	})
	if err != nil {
		free()
		return nil, classify(op, addr, err)
	}
	s, err := c.OpenStreamSync(ctx)
	if err != nil {
		_ = c.CloseWithError(codeClosed, "")
		free()
		return nil, classify(op, addr, err)
	}
	who, err := identity.SubjectOf(c.ConnectionState().TLS.PeerCertificates[0])
	if err != nil {
		_ = c.CloseWithError(codeClosed, "")
		free()
		return nil, err
	}
	return &enrolConn{Conn: newConn(own, c, s, who, new(traffic)), free: free}, nil
}

// enrolConn owns its socket.
type enrolConn struct {
	*Conn
	free func()
}

// Close ends the connection and its socket.
func (c *enrolConn) Close() error {
	err := c.Conn.Close()
	_ = c.conn.CloseWithError(codeClosed, "done")
	c.free()
	return err
}
