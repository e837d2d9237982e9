package hub

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/replication/link"
)

// raftWire is Raft's stream layer over the server's QUIC port.
type raftWire struct {
	net.Listener // Of link.ALPNRaft.
	endpoint     *link.Endpoint
	advertise    string
}

// Dial opens a stream to another server.
func (w *raftWire) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c, err := w.endpoint.Dial(ctx, string(address), link.ALPNRaft)
	if err != nil {
		return nil, err
	}
	return raftConn{c}, nil
}

// Accept returns the next stream from another server.
func (w *raftWire) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return raftConn{c}, nil
}

// raftConn is a stream whose loss is its end: Raft takes anything else for an
// error worth a line in the log, and servers do come and go.
type raftConn struct{ net.Conn }

// Read reads as net.Conn says.
func (c raftConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, fault.Unavailable) {
		err = io.EOF
	}
	return n, err
}

// Addr is the address under which the others reach this server.
func (w *raftWire) Addr() net.Addr { return textAddr(w.advertise) }

// textAddr is an address that may be a name.
type textAddr string

// Network is always udp.
func (textAddr) Network() string { return "udp" }

func (a textAddr) String() string { return string(a) }

// An addressBook knows where the servers of the group listen: as the register
// says, and where they said so themselves since. It may be used concurrently.
type addressBook struct {
	known func(id string) string // As the register has it, "" for an unknown one.

	mu    sync.Mutex // Guards heard.
	heard map[string]string
}

// hear notes what a server said of itself.
func (b *addressBook) hear(id, address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.heard == nil {
		b.heard = map[string]string{}
	}
	b.heard[id] = address
}

func (b *addressBook) address(id string) string {
	b.mu.Lock()
	heard := b.heard[id]
	b.mu.Unlock()
	if heard != "" {
		return heard
	}
	return b.known(id)
}

// ServerAddr tells Raft where a server listens now; an error makes Raft use the
// address in its configuration.
func (b *addressBook) ServerAddr(id raft.ServerID) (raft.ServerAddress, error) {
	if a := b.address(string(id)); a != "" {
		return raft.ServerAddress(a), nil
	}
	return "", fault.New("hub.addressBook", fault.NotFound, string(id), "its address is not known")
}

// Traffic returns the bytes that this server has sent and received for a purpose.
func (h *Hub) Traffic(p link.Purpose) (out, in uint64) { return h.endpoint.Traffic(p) }

// Met returns how many connections of boxes and servers this server has taken.
func (h *Hub) Met() uint64 { return h.endpoint.Accepted() }
