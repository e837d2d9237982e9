// Package netsim is a network for tests in virtual time: quic-go's simulated one
// with what links in villages do to packets. Inside testing/synctest an hour on it
// takes a second.
//
// Enter at [New]; [Net.Socket] gives a machine its socket, [Net.Weather] says how its
// link is, [Net.Cut] takes a direction away, [Net.Rebind] gives it another address,
// as a NAT does that has forgotten.
//
// The package refuses to be part of what ships: nothing but tests imports it.
package netsim

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/quic-go/quic-go/testutils/simnet"
)

// A Weather is how one machine's link treats packets, in both directions alike.
type Weather struct {
	Delay  time.Duration // One way.
	Jitter time.Duration // At most so much more, drawn for each packet: they overtake each other.
	Loss   float64       // Share of the packets that vanish.
	Twice  float64       // Share that arrives twice.
	Bits   int           // A second; 0 has no limit.
	Buffer time.Duration // Packets that would wait longer for the bits are dropped; 0 is 3 s.
}

// A Net is a simulated network. It is safe for concurrent use. Its methods are
// called inside the bubble in which its sockets are used.
type Net struct {
	router simnet.PerfectRouter
	clock  func() time.Time

	mu     sync.Mutex // Guards what follows.
	random *rand.Rand
	links  map[string]*road   // By the machine's own address.
	outer  map[string]string  // What the world sees of a machine, where that differs.
	inner  map[string]string  // The way back.
	spoken map[[2]string]bool // To whom a machine behind a NAT has sent since it got its address.
	cut    map[[2]string]bool
	ports  int

	packets, bytes int
}

// road is one machine's link.
type road struct {
	weather  Weather
	up, down time.Time // Until when the bits are taken.
}

// New returns a network whose chances follow from the seed. The clock is the
// bubble's time.Now.
func New(seed uint64, clock func() time.Time) *Net {
	return &Net{
		clock:  clock,
		random: rand.New(rand.NewPCG(seed, 41)), //nolint:gosec // A test repeats itself.
		links:  map[string]*road{},
		outer:  map[string]string{}, inner: map[string]string{}, cut: map[[2]string]bool{},
		spoken: map[[2]string]bool{},
	}
}

// socket ends its link with itself.
type socket struct {
	*simnet.SimConn
	link *simnet.Simnet
	once sync.Once
}

// Close ends the socket and waits for its packets.
func (s *socket) Close() error {
	err := s.SimConn.Close()
	s.once.Do(func() { _ = s.link.Close() }) // Every packet on its way is lost.
	return err
}

// Socket gives a machine its socket at an address, IP and port. It may be called
// again when the one before is closed.
func (n *Net) Socket(addr string, w Weather) (net.PacketConn, error) {
	a, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.links[addr] = &road{weather: w}
	n.mu.Unlock()
	sim := &simnet.Simnet{Router: n}
	c := sim.NewEndpoint(short(a), simnet.NodeBiDiLinkSettings{LatencyFunc: n.latency})
	if err := sim.Start(); err != nil {
		return nil, err
	}
	return &socket{SimConn: c, link: sim}, nil
}

// Weather changes a machine's link.
func (n *Net) Weather(addr string, w Weather) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.links[addr].weather = w
}

// Cut loses every packet from one machine to another until [Net.Mend]; the other
// direction still carries.
func (n *Net) Cut(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[[2]string{from, to}] = true
}

// Part cuts a machine off from others, both ways.
func (n *Net) Part(one string, others ...string) {
	for _, o := range others {
		n.Cut(one, o)
		n.Cut(o, one)
	}
}

// Mend lets every direction carry again.
func (n *Net) Mend() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.cut)
}

// Rebind gives a machine another address in the eyes of all others, as a NAT does.
// From then on only those to whom it has spoken reach it; what is sent to the
// address before is lost.
func (n *Net) Rebind(addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ports++
	delete(n.inner, n.outer[addr])
	seen := (&net.UDPAddr{IP: net.IPv4(100, 64, 0, 1).To4(), Port: 1024 + n.ports}).String()
	n.outer[addr], n.inner[seen] = seen, addr
	for pair := range n.spoken {
		if pair[0] == addr {
			delete(n.spoken, pair)
		}
	}
}

// Carried returns how many packets and bytes have arrived or are about to.
func (n *Net) Carried() (packets, bytes int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.packets, n.bytes
}

// AddNode is for simnet.
func (n *Net) AddNode(addr net.Addr, r simnet.PacketReceiver) { n.router.AddNode(addr, r) }

// SendPacket is for simnet.
func (n *Net) SendPacket(p simnet.Packet) error {
	for range n.judge(&p) {
		if err := n.router.SendPacket(p); err != nil {
			return nil //nolint:nilerr // Nobody is there: the world doesn't say so.
		}
	}
	return nil
}

// judge decides how often a packet arrives, and between which addresses.
func (n *Net) judge(p *simnet.Packet) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	from, to := p.From.String(), p.To.String()
	if seen, ok := n.outer[from]; ok {
		p.From = udp(seen)
		n.spoken[[2]string{from, to}] = true
	}
	if own, ok := n.inner[to]; ok && n.spoken[[2]string{own, from}] {
		to, p.To = own, udp(own)
	} else if _, hidden := n.outer[to]; hidden || ok {
		return 0 // Behind a NAT there is no way in.
	}
	a, b := n.links[from], n.links[to]
	switch {
	case a == nil || b == nil || n.cut[[2]string{from, to}]:
		return 0
	case n.random.Float64() < a.weather.Loss || n.random.Float64() < b.weather.Loss:
		return 0
	case !a.weather.take(&a.up, n.clock(), len(p.Data)) || !b.weather.take(&b.down, n.clock(), len(p.Data)):
		return 0
	}
	n.packets++
	n.bytes += len(p.Data)
	if n.random.Float64() < a.weather.Twice+b.weather.Twice {
		return 2
	}
	return 1
}

// take books the bits of a packet, unless too many wait already.
func (w *Weather) take(until *time.Time, now time.Time, size int) bool {
	if w.Bits == 0 {
		return true
	}
	buffer := w.Buffer
	if buffer == 0 {
		buffer = 3 * time.Second
	}
	if until.Before(now) {
		*until = now
	}
	if until.Sub(now) > buffer {
		return false
	}
	const headers = 28 // IP and UDP.
	*until = until.Add(time.Duration(size+headers) * 8 * time.Second / time.Duration(w.Bits))
	return true
}

// latency is how long a packet is on its way.
func (n *Net) latency(p simnet.Packet) time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	from := p.From.String()
	if own, ok := n.inner[from]; ok {
		from = own
	}
	a, b := n.links[from], n.links[p.To.String()]
	if a == nil || b == nil {
		return 0
	}
	d := a.weather.Delay + b.weather.Delay
	if j := a.weather.Jitter + b.weather.Jitter; j > 0 {
		d += time.Duration(n.random.Int64N(int64(j)))
	}
	now := n.clock()
	return d + max(a.up.Sub(now), 0) + max(b.down.Sub(now), 0)
}

// short writes an IPv4 address in four bytes, as simnet's table wants it.
func short(a *net.UDPAddr) *net.UDPAddr {
	if v4 := a.IP.To4(); v4 != nil {
		a.IP = v4
	}
	return a
}

func udp(addr string) *net.UDPAddr {
	a, _ := net.ResolveUDPAddr("udp", addr) // It was an address before.
	return short(a)
}
