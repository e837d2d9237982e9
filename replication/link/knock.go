package link

import (
	"context"
	"crypto/rand"
	mrand "math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A knock is a packet of nine bytes beside QUIC on the same port: a tag and eight
// random bytes, which the answer brings back. It costs the machine that answers
// neither state nor cryptography, proves nothing, and no answer is longer than its
// knock. Releases without it drop it.
const (
	tagKnock  = 0x21 // The two highest bits are 0, or quic-go takes it for QUIC.
	tagAnswer = 0x22
	knockSize = 1 + nonceSize
	nonceSize = 8
)

// How often one knocks: every 300 ms in the first half minute of a silence, so that
// a short cut is over when its path carries again, then ever more seldom.
const (
	knockEvery   = 300 * time.Millisecond
	slowing      = 100              // The pause is this part of the silence.
	longestPause = 10 * time.Second // But never more.
	lookUp       = 2 * time.Second  // How long the name of a server is looked up.
)

// pace is how long to wait before a silent path is tried again, at least least.
func pace(quiet, least time.Duration) time.Duration {
	return min(max(quiet/slowing, least), longestPause)
}

// knocks is an endpoint's part in it.
type knocks struct {
	mu       sync.Mutex // Guards what follows.
	waiting  map[[nonceSize]byte]func()
	answered map[string]bool // Addresses, as given, that ever answered.
}

func newKnocks() *knocks {
	return &knocks{waiting: map[[nonceSize]byte]func(){}, answered: map[string]bool{}}
}

// doorkeeper answers knocks where sessions are served, and hears the answers to
// ours.
func (e *Endpoint) doorkeeper() {
	b := make([]byte, knockSize+1)
	for {
		n, from, err := e.transport.ReadNonQUICPacket(e.ctx, b)
		if err != nil {
			return
		}
		switch {
		case n != knockSize:
		case b[0] == tagKnock && e.listener != nil:
			b[0] = tagAnswer
			_, _ = e.transport.WriteTo(b[:knockSize], from) // Lost like any packet: they knock again.
		case b[0] == tagAnswer:
			e.knocks.heard([nonceSize]byte(b[1:knockSize]))
		}
	}
}

func (k *knocks) heard(nonce [nonceSize]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.waiting[nonce]; f != nil {
		f()
	}
}

// A Knocker finds out which of some machines can be reached, without a handshake.
// It is safe for concurrent use.
type Knocker struct {
	e     *Endpoint
	addrs func() []string
	quiet atomic.Int64 // How long nobody has answered, as a time.Duration.
}

// Knocker returns a knocker for the addresses, host:port, that addrs returns.
func (e *Endpoint) Knocker(addrs func() []string) *Knocker { return &Knocker{e: e, addrs: addrs} }

// Wait knocks at all addresses until one answers, which it returns, or ctx ends.
// The longer nobody answers, also over several calls, the more seldom it knocks: at
// first every three tenths of a second, at last every ten seconds. An answer proves nothing: dial.
func (k *Knocker) Wait(ctx context.Context) (addr string, answered bool) {
	return k.e.knock(ctx, k.addrs(), &k.quiet)
}

// Here waits like Wait and reports whether it was the machine at addr that answered:
// what a session with it asks in a silence, see [Patience]. It does not wait for one
// that is not known to answer.
func (k *Knocker) Here(ctx context.Context, addr string) bool {
	if !k.Knows(addr) {
		return false
	}
	answered, _ := k.Wait(ctx)
	return answered == addr
}

// Reset begins anew, when a session works.
func (k *Knocker) Reset() { k.quiet.Store(0) }

// Meet lets the endpoint know that the machine at an address answers knocks, if it
// does before ctx ends.
func (k *Knocker) Meet(ctx context.Context, addr string) {
	var quiet atomic.Int64
	k.e.knock(ctx, []string{addr}, &quiet)
}

// Knows reports whether the machine at an address ever answered: if not, its
// silence says nothing.
func (k *Knocker) Knows(addr string) bool {
	k.e.knocks.mu.Lock()
	defer k.e.knocks.mu.Unlock()
	return k.e.knocks.answered[addr]
}

func (e *Endpoint) knock(ctx context.Context, addrs []string, quiet *atomic.Int64) (string, bool) {
	answers := make(chan string, 1)
	nonces := make([][nonceSize]byte, len(addrs))
	e.knocks.mu.Lock()
	for i, addr := range addrs {
		_, _ = rand.Read(nonces[i][:]) // It never fails.
		e.knocks.waiting[nonces[i]] = func() {
			e.knocks.answered[addr] = true
			select {
			case answers <- addr:
			default: // Another was first.
			}
		}
	}
	e.knocks.mu.Unlock()
	defer func() {
		e.knocks.mu.Lock()
		defer e.knocks.mu.Unlock()
		for _, n := range nonces {
			delete(e.knocks.waiting, n)
		}
	}()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for i, addr := range addrs {
			e.knockOnce(ctx, addr, nonces[i])
		}
		step := pace(time.Duration(quiet.Load()), knockEvery)
		step -= time.Duration(mrand.Float64() * float64(step/5)) //nolint:gosec // Boxes must not knock in step.
		timer.Reset(step)
		select {
		case <-ctx.Done():
			return "", false
		case addr := <-answers:
			return addr, true
		case <-timer.C:
			quiet.Add(int64(step))
		}
	}
}

func (e *Endpoint) knockOnce(ctx context.Context, addr string, nonce [nonceSize]byte) {
	ctx, cancel := context.WithTimeout(ctx, lookUp)
	defer cancel()
	to, err := resolve(ctx, addr)
	if err != nil {
		return // As good as no answer.
	}
	_, _ = e.transport.WriteTo(append([]byte{tagKnock}, nonce[:]...), net.Addr(to))
}
