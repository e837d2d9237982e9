package link

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"kendro/identity"
	"kendro/replication"
)

// A Conn is one stream of a connection to a peer, as a net.Conn. The far side
// sees it with the first byte that is written. Like any net.Conn it may be read,
// written and closed by different goroutines.
type Conn struct {
	*quic.Stream
	conn *quic.Conn
	peer replication.Peer

	transport *quic.Transport // Of the endpoint.

	traffic *traffic
	purpose Purpose

	first []byte // What First has read ahead; its reader's own.

	writing sync.Mutex // quic-go forbids closing during a write.
}

func newConn(tr *quic.Transport, c *quic.Conn, s *quic.Stream, who identity.Subject, t *traffic) *Conn {
	return &Conn{
		Stream: s, conn: c, transport: tr, peer: replication.Peer{Subject: who, Addr: c.RemoteAddr().String()},
		traffic: t, purpose: streamPurpose(c.ConnectionState().TLS.NegotiatedProtocol),
	}
}

// Peer returns who stands at the other end, as its certificate says.
func (c *Conn) Peer() replication.Peer { return c.peer }

// LocalAddr is the endpoint's address.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// RemoteAddr is the peer's address.
func (c *Conn) RemoteAddr() net.Addr { return c.conn.RemoteAddr() }

// Read reads as net.Conn says. The end is [io.EOF], a deadline
// [os.ErrDeadlineExceeded]; everything else is a fault.
func (c *Conn) Read(b []byte) (int, error) {
	if len(c.first) > 0 {
		n := copy(b, c.first)
		if c.first = c.first[n:]; len(c.first) == 0 {
			c.first = nil // A session may last for weeks.
		}
		return n, nil
	}
	n, err := c.Stream.Read(b)
	c.traffic.in[c.purpose].Add(uint64(n))
	return n, c.translate(err)
}

// Write writes as net.Conn says.
func (c *Conn) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	n, err := c.Stream.Write(b)
	c.traffic.out[c.purpose].Add(uint64(n))
	return n, c.translate(err)
}

// CloseWrite ends what this side says; reading goes on.
func (c *Conn) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.Stream.Close()
}

// Close ends both directions. What was written before is still delivered. A write
// that waits for the peer is broken off.
func (c *Conn) Close() error {
	c.CancelRead(0)
	_ = c.SetWriteDeadline(time.Unix(1, 0)) // Frees a waiting Write, which holds the lock.
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.Stream.Close()
}

// Path tells how the connection is: packets received so far, and the round trip.
func (c *Conn) Path() (received uint64, roundTrip time.Duration) {
	s := c.conn.ConnectionStats()
	return s.PacketsReceived, s.SmoothedRTT
}

// Shortest tells the shortest round trip so far: what the path alone takes.
func (c *Conn) Shortest() time.Duration { return c.conn.ConnectionStats().MinRTT }

// Hold sends the peer a packet of one byte, so that whatever translates addresses on the
// way goes on to let the peer's packets in. It looks like the beginning of one of QUIC's
// and is too short to be one: the peer drops it, as every release does.
func (c *Conn) Hold() { _, _ = c.transport.WriteTo([]byte{0x40}, c.conn.RemoteAddr()) }

// Abandon closes the whole connection because its peer is silent; the next Dial
// makes another.
func (c *Conn) Abandon() { _ = c.conn.CloseWithError(codeSilent, "silent") }

func (c *Conn) translate(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return classify("link.Conn", c.peer.Addr, err)
}

// listener hands out the streams of one protocol.
type listener struct {
	addr   net.Addr
	ch     chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newListener(addr net.Addr) *listener {
	return &listener{addr: addr, ch: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept returns the next stream; after Close it is [net.ErrClosed].
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.ch:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and refuses streams to come.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return l.addr }

// accept takes connections in a tight loop, since quic-go queues few.
func (e *Endpoint) accept() {
	for {
		c, err := e.listener.Accept(e.ctx)
		if err != nil {
			return
		}
		var who identity.Subject
		state := c.ConnectionState().TLS
		if len(state.PeerCertificates) > 0 {
			who, _ = identity.SubjectOf(state.PeerCertificates[0]) // Verified in the handshake.
		}
		l := e.listeners[state.NegotiatedProtocol]
		if l == nil || !e.track(c, who, false) {
			_ = c.CloseWithError(codeClosed, "closing")
			continue
		}
		e.accepted.Add(1)
		e.wg.Go(func() { e.acceptStream(c, l, who) })
	}
}

// acceptStream waits for a connection's next stream, hands it out, and has another
// goroutine wait: its stack is as small as can be.
func (e *Endpoint) acceptStream(c *quic.Conn, l *listener, who identity.Subject) {
	s, err := c.AcceptStream(e.ctx)
	if err != nil {
		return
	}
	select {
	case l.ch <- newConn(e.transport, c, s, who, &e.traffic):
	case <-l.closed:
		s.CancelRead(0)
		s.CancelWrite(0)
	case <-c.Context().Done():
		return
	}
	e.wg.Go(func() { e.acceptStream(c, l, who) })
}
