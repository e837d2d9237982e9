package link

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"kendro/domain/fault"
	"kendro/identity"
)

// The protocols, as ALPN names.
const (
	ALPNSync  = "kendro-sync/1"  // Sync sessions: nodes and servers of one district.
	ALPNRaft  = "kendro-raft/1"  // Raft among the servers of one district.
	ALPNHub   = "kendro-hub/1"   // Calls among the servers of one district.
	ALPNEnrol = "kendro-enrol/1" // A new machine, which has no certificate yet.
)

// Options is what an endpoint needs.
type Options struct {
	// Listen is the UDP address to bind, such as ":7443"; port 0 is any free one.
	Listen string
	// Conn replaces the socket that Listen names, for a relay or a simulated
	// network. The endpoint closes it.
	Conn net.PacketConn
	// Certificate is this machine's TLS certificate and key, see SetCertificate.
	Certificate tls.Certificate
	Authority   *identity.Authority
	Self        identity.Subject
	Serve       []string // Protocols that are accepted; empty for an endpoint that only dials.
	// Revoked reports whether a subject is revoked by now; nil revokes nobody. It
	// is called by many goroutines.
	Revoked func(identity.Subject) bool
	Logger  *slog.Logger     // Nil discards.
	Clock   func() time.Time // Judges certificates; nil is the system's.
	// ResetKey is a secret that survives restarts of this machine: with it a peer
	// learns of the restart by its next packet instead of by silence.
	ResetKey [32]byte
}

// An Endpoint is one UDP port that serves and dials. It is safe for concurrent
// use.
type Endpoint struct {
	o           Options
	certificate atomic.Pointer[tls.Certificate]
	socket      net.PacketConn
	meter       *meter
	traffic     traffic
	transport   *quic.Transport
	listener    *quic.Listener // Nil when nothing is served.
	listeners   map[string]*listener
	knocks      *knocks
	accepted    atomic.Uint64
	ctx         context.Context // Ends with Close.
	cancel      context.CancelFunc
	wg          sync.WaitGroup

	mu     sync.Mutex // Guards what follows.
	closed bool
	dialed map[target]*pooled
	conns  map[*quic.Conn]identity.Subject
}

// Open binds the port and begins to accept. An address that can't be bound is
// [fault.Unavailable], impossible options are [fault.Invalid].
func Open(o Options) (*Endpoint, error) {
	const op = "link.Open"
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	for _, p := range o.Serve {
		if _, ok := admitted[p]; !ok && p != ALPNEnrol {
			return nil, fault.New(op, fault.Invalid, p, "no such protocol")
		}
	}
	if o.Authority == nil || len(o.Certificate.Certificate) == 0 {
		return nil, fault.New(op, fault.Invalid, o.Self.Name, "want a certificate and the authority that issued it")
	}
	socket, meter, err := bind(o)
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Unavailable, Item: o.Listen, Err: err}
	}
	key := quic.StatelessResetKey(o.ResetKey)
	e := &Endpoint{
		o: o, socket: socket, meter: meter,
		transport: &quic.Transport{Conn: meter.conn, StatelessResetKey: &key},
		knocks:    newKnocks(),
		listeners: map[string]*listener{}, dialed: map[target]*pooled{}, conns: map[*quic.Conn]identity.Subject{},
	}
	e.SetCertificate(o.Certificate)
	e.ctx, e.cancel = context.WithCancel(context.Background())
	for _, p := range o.Serve {
		e.listeners[p] = newListener(e.Addr())
	}
	if len(o.Serve) > 0 {
		if e.listener, err = e.transport.Listen(e.serverTLS(), quicConfig(ALPNSync, false)); err != nil {
			_ = e.shut()
			return nil, &fault.Error{Op: op, Kind: fault.Unavailable, Item: o.Listen, Err: err}
		}
		e.wg.Go(e.accept)
	}
	e.wg.Go(e.doorkeeper)
	return e, nil
}

// Addr returns the address that is bound.
func (e *Endpoint) Addr() net.Addr { return e.socket.LocalAddr() }

// Metered returns how many bytes of UDP payload this endpoint has sent and
// received.
func (e *Endpoint) Metered() (out, in uint64) { return e.meter.out.Load(), e.meter.in.Load() }

// Accepted returns how many connections of peers this endpoint has taken.
func (e *Endpoint) Accepted() uint64 { return e.accepted.Load() }

// SetCertificate replaces this machine's certificate for the handshakes to come.
// What follows the first in its chain is not shown: every peer has the authority's,
// and would keep a copy for as long as the connection lasts.
func (e *Endpoint) SetCertificate(c tls.Certificate) {
	c.Certificate = c.Certificate[:1:1]
	e.certificate.Store(&c)
}

// Accept returns the listener of a protocol in Options.Serve. Its connections
// are single streams, [*Conn]; one arrives when its dialer has written. Every
// protocol that is served must be accepted from.
func (e *Endpoint) Accept(alpn string) net.Listener {
	l := e.listeners[alpn]
	if l == nil {
		panic("link: " + alpn + " is not served")
	}
	return l
}

// Enforce closes every connection whose peer Options.Revoked names by now.
func (e *Endpoint) Enforce() {
	if e.o.Revoked == nil {
		return
	}
	e.mu.Lock()
	var gone []*quic.Conn
	for c, s := range e.conns {
		if s.Name != "" && e.o.Revoked(s) {
			gone = append(gone, c)
		}
	}
	e.mu.Unlock()
	for _, c := range gone {
		_ = c.CloseWithError(codeDenied, "revoked")
	}
}

// Close tells every peer, closes the port and waits for all goroutines.
func (e *Endpoint) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		e.wg.Wait()
		return nil
	}
	e.closed = true
	conns := slices.Collect(func(yield func(*quic.Conn) bool) {
		for c := range e.conns {
			if !yield(c) {
				return
			}
		}
	})
	e.mu.Unlock()
	e.cancel()
	for _, c := range conns {
		_ = c.CloseWithError(codeClosed, "closing") // First: closing the transport tells nobody.
	}
	err := e.shut()
	e.wg.Wait()
	return err
}

func (e *Endpoint) shut() error {
	e.cancel()
	if e.listener != nil {
		_ = e.listener.Close()
	}
	for _, l := range e.listeners {
		_ = l.Close()
	}
	err := e.transport.Close()
	if cerr := e.socket.Close(); cerr != nil && !errors.Is(cerr, net.ErrClosed) {
		err = errors.Join(err, cerr)
	}
	return fault.Wrap("link.Close", fault.Internal, "", err)
}

// track keeps a connection until it ends, so that Close can tell its peer. One
// that is watched is given up when its peer is silent: what servers say to each
// other has no session that would notice.
func (e *Endpoint) track(c *quic.Conn, s identity.Subject, watched bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.conns[c] = s
	if watched {
		e.wg.Go(func() { watch(c) })
	}
	e.wg.Add(1)
	context.AfterFunc(c.Context(), func() { // No goroutine waits for the end of a connection.
		defer e.wg.Done()
		e.mu.Lock()
		delete(e.conns, c)
		e.mu.Unlock()
	})
	return true
}

// watch closes a connection on which packets go out and none comes in. Without it
// the probe timeouts of a cut path double, and it carries again only about as long
// after the cut as the cut was.
func watch(c *quic.Conn) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	var heard, asked uint64 // Packets received; packets sent when the last of them came.
	quiet := time.Duration(0)
	for {
		select {
		case <-c.Context().Done():
			return
		case <-tick.C:
		}
		s := c.ConnectionStats()
		if s.PacketsReceived != heard || s.PacketsSent == asked {
			heard, asked, quiet = s.PacketsReceived, s.PacketsSent, 0
			continue
		}
		if quiet += probeEvery; quiet >= max(patience, 4*s.SmoothedRTT) {
			_ = c.CloseWithError(codeSilent, "silent")
			return
		}
	}
}

// Codes with which a connection is closed.
const (
	codeClosed quic.ApplicationErrorCode = 0 // The endpoint goes down.
	codeDenied quic.ApplicationErrorCode = 1 // The peer was revoked.
	codeSilent quic.ApplicationErrorCode = 2 // Nothing was heard of the peer.
)

// quicConfig returns the transport's settings. Between servers a dead peer is
// noticed soon; on a node's path the sessions' heartbeat comes first and also keeps
// a mapping in a NAT open.
func quicConfig(alpn string, dialing bool) *quic.Config {
	c := &quic.Config{
		HandshakeIdleTimeout:           20 * time.Second, // A 2G link with 3 s of round trip.
		MaxIdleTimeout:                 75 * time.Second,
		InitialStreamReceiveWindow:     256 << 10,
		MaxStreamReceiveWindow:         1 << 20,
		InitialConnectionReceiveWindow: 512 << 10,
		MaxConnectionReceiveWindow:     2 << 20,
		MaxIncomingStreams:             256,
		MaxIncomingUniStreams:          -1,
		// Probes for larger packets cost a box on 2G more than the few headers they save.
		DisablePathMTUDiscovery: true,
	}
	if !dialing {
		return c
	}
	c.KeepAlivePeriod = 35 * time.Second
	if alpn == ALPNRaft || alpn == ALPNHub {
		c.KeepAlivePeriod, c.MaxIdleTimeout = 10*time.Second, 30*time.Second
	}
	return c
}
