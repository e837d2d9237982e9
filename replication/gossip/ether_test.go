package gossip

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// ether is a network in virtual time. It loses every twentieth packet.
type ether struct {
	mu    sync.Mutex // Guards what follows.
	boxes map[netip.AddrPort]*airWire
	cut   func(from, to netip.AddrPort) bool
	dice  *rand.Rand
}

func newEther() *ether {
	return &ether{boxes: map[netip.AddrPort]*airWire{}, cut: func(_, _ netip.AddrPort) bool { return false }, dice: rand.New(rand.NewPCG(1, 2))}
}

func (e *ether) set(cut func(from, to netip.AddrPort) bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cut = cut
}

// reach returns who is at an address, as far as the sender gets there.
func (e *ether) reach(from netip.AddrPort, addr string) *airWire {
	to, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cut(from, to) {
		return nil
	}
	return e.boxes[to]
}

// send is a packet from anybody who says that he is at from.
func (e *ether) send(from netip.AddrPort, addr string, b []byte) {
	to := e.reach(from, addr)
	e.mu.Lock()
	lost := e.dice.IntN(20) == 0
	e.mu.Unlock()
	if to == nil || lost {
		return
	}
	select {
	case to.packets <- &memberlist.Packet{Buf: append([]byte(nil), b...), From: net.UDPAddrFromAddrPort(from), Timestamp: time.Now()}:
	default:
	}
}

// airWire is one box's part of it.
type airWire struct {
	air     *ether
	at      netip.AddrPort
	packets chan *memberlist.Packet
	streams chan net.Conn
	ctx     context.Context
	cancel  context.CancelFunc
}

func (e *ether) open(at netip.AddrPort) *airWire {
	w := &airWire{air: e, at: at, packets: make(chan *memberlist.Packet, 512), streams: make(chan net.Conn)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	e.mu.Lock()
	defer e.mu.Unlock()
	e.boxes[at] = w
	return w
}

func (w *airWire) port() int { return int(w.at.Port()) }
func (w *airWire) end()      { w.cancel() }

func (w *airWire) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return w.at.Addr().AsSlice(), w.port(), nil
}

func (w *airWire) PacketCh() <-chan *memberlist.Packet { return w.packets }
func (w *airWire) StreamCh() <-chan net.Conn           { return w.streams }

func (w *airWire) WriteTo(b []byte, addr string) (time.Time, error) {
	w.air.send(w.at, addr, b)
	return time.Now(), nil
}

func (w *airWire) WriteToAddress(b []byte, a memberlist.Address) (time.Time, error) {
	return w.WriteTo(b, a.Addr)
}

func (w *airWire) DialAddressTimeout(a memberlist.Address, timeout time.Duration) (net.Conn, error) {
	return w.DialTimeout(a.Addr, timeout)
}

func (w *airWire) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	late := time.NewTimer(timeout)
	defer late.Stop()
	to := w.air.reach(w.at, addr)
	var streams chan net.Conn // Nobody there takes no stream.
	var down <-chan struct{}
	if to != nil {
		streams, down = to.streams, to.ctx.Done()
	}
	here, there := net.Pipe()
	select {
	case streams <- there:
		return here, nil
	case <-down:
	case <-w.ctx.Done():
	case <-late.C:
	}
	return nil, errors.New("nobody answers")
}

func (w *airWire) Shutdown() error {
	w.cancel()
	w.air.mu.Lock()
	defer w.air.mu.Unlock()
	if w.air.boxes[w.at] == w {
		delete(w.air.boxes, w.at)
	}
	return nil
}
