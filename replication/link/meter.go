package link

import (
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/net/ipv4"
)

// meter counts the UDP payload that passes a socket.
type meter struct {
	conn    net.PacketConn
	out, in atomic.Uint64
}

// bind opens the socket that the options name.
func bind(o Options) (net.PacketConn, *meter, error) {
	m := &meter{}
	if o.Conn != nil {
		if udp, ok := o.Conn.(*net.UDPConn); ok {
			m.conn = newMeteredUDP(udp, m)
		} else {
			m.conn = &meteredConn{bufferedConn{o.Conn}, m}
		}
		return o.Conn, m, nil
	}
	addr, err := net.ResolveUDPAddr("udp", o.Listen)
	if err != nil {
		return nil, nil, err
	}
	udp, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, nil, err
	}
	m.conn = newMeteredUDP(udp, m)
	return udp, m, nil
}

// meteredUDP keeps what quic-go gains from a real UDP socket: reading in batches,
// segmentation offload, congestion marks.
type meteredUDP struct {
	*net.UDPConn
	batch   *ipv4.PacketConn
	m       *meter
	letters sync.Pool // Of *letter.
}

// A letter is a packet that another goroutine writes.
type letter struct {
	b, oob  []byte
	to      *net.UDPAddr
	n, oobn int
	err     error
	written chan struct{} // Holds one.
}

func newMeteredUDP(udp *net.UDPConn, m *meter) *meteredUDP {
	return &meteredUDP{
		UDPConn: udp, batch: ipv4.NewPacketConn(udp), m: m,
		letters: sync.Pool{New: func() any { return &letter{written: make(chan struct{}, 1)} }},
	}
}

// ReadBatch is how quic-go reads. A byte that comes alone, see [Conn.Hold], ends here:
// quic-go drops it together with the buffer, which is 1.6 KB of garbage.
func (c *meteredUDP) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	for {
		n, err := c.batch.ReadBatch(ms, flags)
		for i := range max(n, 0) {
			c.m.in.Add(uint64(ms[i].N))
		}
		if err != nil || n != 1 || ms[0].N != 1 {
			return n, err
		}
	}
}

// WriteMsgUDP is how quic-go writes; b may hold several packets that the kernel
// cuts. Whoever calls is a goroutine that quic-go keeps for one connection, so the
// write is done on another stack: its own stays at the smallest for as long as the
// connection lasts.
func (c *meteredUDP) WriteMsgUDP(b, oob []byte, addr *net.UDPAddr) (n, oobn int, err error) {
	l := c.letters.Get().(*letter)
	l.b, l.oob, l.to = b, oob, addr
	go c.write(l)
	<-l.written
	n, oobn, err = l.n, l.oobn, l.err
	l.b, l.oob, l.to, l.err = nil, nil, nil, nil
	c.letters.Put(l)
	return n, oobn, err
}

func (c *meteredUDP) write(l *letter) {
	l.n, l.oobn, l.err = c.UDPConn.WriteMsgUDP(l.b, l.oob, l.to)
	c.m.out.Add(uint64(max(l.n, 0)))
	l.written <- struct{}{}
}

// meteredConn is any other packet connection.
type meteredConn struct {
	bufferedConn
	m *meter
}

// bufferedConn hides all but the packets of a connection, and takes the buffer
// sizes that quic-go wants to set where the connection has none.
type bufferedConn struct{ net.PacketConn }

func (bufferedConn) SetReadBuffer(int) error  { return nil }
func (bufferedConn) SetWriteBuffer(int) error { return nil }

func (c *meteredConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, addr, err := c.PacketConn.ReadFrom(b)
	c.m.in.Add(uint64(max(n, 0)))
	return n, addr, err
}

func (c *meteredConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	n, err := c.PacketConn.WriteTo(b, addr)
	c.m.out.Add(uint64(max(n, 0)))
	return n, err
}
