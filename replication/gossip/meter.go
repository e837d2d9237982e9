package gossip

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
)

// A Meter counts the bytes that gossip has sent and received: the payload of its
// packets and streams. It is safe for concurrent use; the zero value is ready.
type Meter struct{ Out, In atomic.Uint64 }

// count passes on what memberlist's transport receives, counted, until that has
// shut down: its listeners would wait for ever for somebody who takes it. After the
// end of ctx nobody does.
func (t *transport) count() {
	for {
		select {
		case p := <-t.NetTransport.PacketCh():
			t.meter.In.Add(uint64(len(p.Buf)))
			select {
			case t.packets <- p:
			case <-t.ctx.Done():
			}
		case c := <-t.NetTransport.StreamCh():
			select {
			case t.streams <- &meteredStream{c, t.meter}:
			case <-t.ctx.Done():
				_ = c.Close()
			}
		case <-t.down:
			return
		}
	}
}

// PacketCh is where memberlist takes packets from.
func (t *transport) PacketCh() <-chan *memberlist.Packet { return t.packets }

// StreamCh is where memberlist takes streams from.
func (t *transport) StreamCh() <-chan net.Conn { return t.streams }

// WriteTo sends a packet.
func (t *transport) WriteTo(b []byte, addr string) (time.Time, error) {
	return t.WriteToAddress(b, memberlist.Address{Addr: addr})
}

// WriteToAddress sends a packet to a member.
func (t *transport) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	t.meter.Out.Add(uint64(len(b)))
	return t.NetTransport.WriteToAddress(b, a)
}

type meteredStream struct {
	net.Conn
	m *Meter
}

// Read counts what comes.
func (s *meteredStream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	s.m.In.Add(uint64(n))
	return n, err
}

// Write counts what goes.
func (s *meteredStream) Write(b []byte) (int, error) {
	n, err := s.Conn.Write(b)
	s.m.Out.Add(uint64(n))
	return n, err
}
