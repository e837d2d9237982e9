package gossip

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// transport is memberlist's own over UDP and TCP, but what it dials ends with it.
type transport struct {
	*memberlist.NetTransport
	ctx    context.Context
	cancel context.CancelFunc

	meter   *Meter
	packets chan *memberlist.Packet
	streams chan net.Conn
	closing sync.Once
	down    chan struct{}  // Closed when the sockets are.
	wg      sync.WaitGroup // Of count.
}

func newTransport(host string, port int, meter *Meter, logger *slog.Logger) (*transport, error) {
	c := &memberlist.NetTransportConfig{BindAddrs: []string{host}, BindPort: port, Logger: slog.NewLogLogger(logger.Handler(), slog.LevelInfo)}
	var wire *memberlist.NetTransport
	var err error
	for range 10 { // The free UDP port may be taken as a TCP port.
		if wire, err = memberlist.NewNetTransport(c); err == nil || port != 0 {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	t := &transport{
		NetTransport: wire, meter: meter,
		packets: make(chan *memberlist.Packet), streams: make(chan net.Conn), down: make(chan struct{}),
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.wg.Go(t.count)
	return t, nil
}

func (t *transport) port() int { return t.GetAutoBindPort() }

// end breaks off every stream that was dialed, and dials no more.
func (t *transport) end() { t.cancel() }

// Shutdown closes the sockets.
func (t *transport) Shutdown() error {
	t.cancel()
	err := t.NetTransport.Shutdown()
	t.closing.Do(func() { close(t.down) })
	t.wg.Wait()
	return err
}

// DialAddressTimeout dials a member.
func (t *transport) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return t.DialTimeout(a.Addr, timeout)
}

// DialTimeout dials an address; the connection ends with the transport.
func (t *transport) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: timeout}
	conn, err := d.DialContext(t.ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &dialed{Conn: &meteredStream{conn, t.meter}}
	c.forget = context.AfterFunc(t.ctx, func() { _ = conn.Close() })
	return c, nil
}

// dialed is a connection that the transport would close.
type dialed struct {
	net.Conn
	forget func() bool
}

// Close closes the connection and leaves the transport's care.
func (d *dialed) Close() error {
	d.forget()
	return d.Conn.Close()
}
