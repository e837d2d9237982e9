package link_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay carries packets between one dialer and a server, as a NAT does.
type relay struct {
	front  *net.UDPConn // Dialers send here.
	server *net.UDPAddr
	silent atomic.Bool // Loses everything.

	packets, bytes atomic.Int64
	wg             sync.WaitGroup

	mu     sync.Mutex // Guards what follows.
	back   *net.UDPConn
	dialer *net.UDPAddr
}

func newRelay(t testing.TB, server net.Addr) *relay {
	front, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{front: front, server: server.(*net.UDPAddr)}
	r.rebind(t)
	r.wg.Go(func() {
		b := make([]byte, 2048)
		for {
			n, from, err := front.ReadFromUDP(b)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.dialer = from
			back := r.back
			r.mu.Unlock()
			if !r.silent.Load() {
				r.packets.Add(1)
				r.bytes.Add(int64(n))
				_, _ = back.WriteToUDP(b[:n], r.server)
			}
		}
	})
	t.Cleanup(func() {
		r.mu.Lock()
		_ = r.back.Close()
		r.mu.Unlock()
		_ = front.Close()
		r.wg.Wait()
	})
	return r
}

// rebind gives the dialer another port as the server sees it.
func (r *relay) rebind(t testing.TB) {
	back, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	old := r.back
	r.back = back
	r.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
	r.wg.Go(func() {
		b := make([]byte, 2048)
		for {
			n, _, err := back.ReadFromUDP(b)
			if err != nil {
				return
			}
			r.mu.Lock()
			to := r.dialer
			r.mu.Unlock()
			if to != nil && !r.silent.Load() {
				r.packets.Add(1)
				r.bytes.Add(int64(n))
				_, _ = r.front.WriteToUDP(b[:n], to)
			}
		}
	})
}

func (r *relay) addr() string { return r.front.LocalAddr().String() }
