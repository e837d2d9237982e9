package gossip_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/gossip"
)

// TestMain makes sure that every goroutine ends. A probe that memberlist had begun
// ends by its own timer, some seconds after.
func TestMain(m *testing.M) {
	code := m.Run()
	var left error
	for range 40 { // Each looks for half a second.
		if left = goleak.Find(); left == nil {
			os.Exit(code)
		}
	}
	fmt.Fprintln(os.Stderr, left)
	os.Exit(1)
}

// centre is one node of an upazila under test.
type centre struct {
	name   string
	signer *identity.Signer
	g      *gossip.Gossip
	stop   func()
	meter  gossip.Meter
	bind   string // Empty is any port of the loopback.
	beacon uint16
	called gossip.Meter
	ended  chan error // Gets what Run returned.

	mu     sync.Mutex // Guards what follows.
	seq    uint64
	advert []byte
	told   []string // Addresses of neighbours that the hub told since it began.
}

func (c *centre) log() protocol.LogID {
	return protocol.LogID{Channel: protocol.Uplink, Name: "41-" + c.name, Incarnation: 1}
}

// grow lets the centre advertise a longer log.
func (c *centre) grow(by uint64, signer *identity.Signer) {
	c.mu.Lock()
	c.seq += by
	head := protocol.Head{Log: c.log(), At: protocol.Position{Seq: c.seq, Hash: protocol.Hash{byte(c.seq)}}}
	c.advert = gossip.Advert{Centre: c.name, Head: head, Stamp: int64(c.seq)}.Sign(signer)
	c.mu.Unlock()
	c.g.Announce()
}

func (c *centre) current() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.advert
}

// hear tells the centre where its neighbours are, as a hub does.
func (c *centre) hear(addrs ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told = addrs
}

func (c *centre) knock() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.told)
}

// upazila is centres that know each other's signing keys.
type upazila struct {
	key        []byte
	centres    []*centre
	neighbours []protocol.Neighbour
}

func newUpazila(n int) *upazila {
	u := &upazila{key: bytes.Repeat([]byte{7}, gossip.KeySize)}
	for i := range n {
		c := &centre{name: fmt.Sprintf("C%d", i), signer: identity.NewSigner()}
		u.centres = append(u.centres, c)
		u.neighbours = append(u.neighbours, protocol.Neighbour{Centre: c.name, Signer: c.signer.Public()})
	}
	return u
}

// start runs a centre that knocks at the seeds.
func (u *upazila) start(t *testing.T, c *centre, key []byte, seeds ...string) {
	t.Helper()
	g, err := gossip.Open(gossip.Options{
		Centre: c.name, Bind: cmp.Or(c.bind, "127.0.0.1:0"), Key: key, Preset: gossip.LAN, Clock: time.Now,
		Seeds:      func() []string { return slices.Concat(seeds, c.knock()) },
		Advert:     c.current,
		Neighbours: func() []protocol.Neighbour { return u.neighbours },
		Meter:      &c.meter,
		Beacon:     c.beacon, BeaconMeter: &c.called,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	c.g, c.ended = g, done
	var once sync.Once
	c.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(c.stop)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-late.C:
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

func alive(g *gossip.Gossip) (names []string) {
	for _, p := range g.Peers() {
		if p.Alive {
			names = append(names, p.Centre)
		}
	}
	return names
}

func head(g *gossip.Gossip, centre string) uint64 {
	for _, p := range g.Peers() {
		if p.Centre == centre {
			return p.Head.At.Seq
		}
	}
	return 0
}

func TestNeighbours(t *testing.T) {
	u := newUpazila(4)
	u.start(t, u.centres[0], u.key)
	seed := u.centres[0].g.Addr()
	for _, c := range u.centres[1:] {
		u.start(t, c, u.key, seed)
	}
	for _, c := range u.centres {
		eventually(t, c.name+" sees the others", func() bool { return len(alive(c.g)) == 3 })
	}
	for _, c := range u.centres {
		eventually(t, c.name+" counts what it says and hears", func() bool { return c.meter.Out.Load() > 500 && c.meter.In.Load() > 500 })
	}
	u.centres[1].grow(5, u.centres[1].signer)
	u.centres[2].grow(9, u.centres[2].signer)
	for _, c := range u.centres {
		eventually(t, c.name+" hears the heads", func() bool {
			return (c == u.centres[1] || head(c.g, "C1") == 5) && (c == u.centres[2] || head(c.g, "C2") == 9)
		})
	}
	u.centres[1].grow(1, u.centres[1].signer)
	eventually(t, "a newer head", func() bool { return head(u.centres[3].g, "C1") == 6 })
	p := u.centres[3].g.Peers()[1]
	if p.Centre != "C1" || p.Addr != u.centres[1].g.Addr() || time.Since(p.LastSeen) > time.Minute || p.Head.Log != u.centres[1].log() {
		t.Fatalf("got %+v", p)
	}

	// One leaves; what it said is still known.
	u.centres[1].stop()
	eventually(t, "C1 is gone", func() bool { return slices.Equal(alive(u.centres[3].g), []string{"C0", "C2"}) })
	if got := head(u.centres[3].g, "C1"); got != 6 {
		t.Fatalf("head of the one who left: got %d; want 6", got)
	}

	// One comes late and hears everything at once, also of who has left.
	u.start(t, u.centres[1], u.key)
	u.centres[1].stop()
	late := &centre{name: "C0b", signer: identity.NewSigner()}
	u.start(t, late, u.key, seed)
	eventually(t, "the late one hears", func() bool { return head(late.g, "C2") == 9 && head(late.g, "C1") == 6 })
}

func TestForgedHeads(t *testing.T) {
	u := newUpazila(3)
	u.start(t, u.centres[0], u.key)
	for _, c := range u.centres[1:] {
		u.start(t, c, u.key, u.centres[0].g.Addr())
	}
	thief := identity.NewSigner()
	u.centres[1].grow(99, thief) // Holds the upazila's key, but not the centre's.
	stranger := &centre{name: "C77", signer: thief}
	u.start(t, stranger, u.key, u.centres[0].g.Addr())
	stranger.grow(50, thief) // A true signature of nobody we know.
	u.centres[2].grow(4, u.centres[2].signer)
	eventually(t, "the true head", func() bool { return head(u.centres[0].g, "C2") == 4 })
	eventually(t, "everybody that the hub told of", func() bool { return len(alive(u.centres[0].g)) == 2 })
	u.centres[2].grow(1, u.centres[2].signer) // Behind the forged ones in every queue.
	eventually(t, "one more true head", func() bool { return head(u.centres[0].g, "C2") == 5 })
	if got := head(u.centres[0].g, "C1"); got != 0 {
		t.Fatalf("a forged head of C1 is believed: %d", got)
	}
	if got := head(u.centres[0].g, "C77"); got != 0 {
		t.Fatalf("a stranger's head is kept: %d", got)
	}
}

func TestWrongKey(t *testing.T) {
	u := newUpazila(3)
	u.start(t, u.centres[0], u.key)
	u.start(t, u.centres[1], bytes.Repeat([]byte{8}, gossip.KeySize), u.centres[0].g.Addr())
	u.start(t, u.centres[2], u.key, u.centres[0].g.Addr())
	eventually(t, "those with the key", func() bool { return slices.Equal(alive(u.centres[0].g), []string{"C2"}) })
	if got := alive(u.centres[1].g); got != nil {
		t.Fatalf("without the key it sees %v", got)
	}
}

// TestKeyRotation changes the key as a hub does: the next is understood everywhere
// before anybody uses it, and whoever is late with a step is heard and hears.
func TestKeyRotation(t *testing.T) {
	u := newUpazila(3)
	u.start(t, u.centres[0], u.key)
	for _, c := range u.centres[1:] {
		u.start(t, c, u.key, u.centres[0].g.Addr())
	}
	for _, c := range u.centres {
		eventually(t, "all to be there", func() bool { return len(alive(c.g)) == 2 })
	}
	first, next, last := u.key, bytes.Repeat([]byte{9}, gossip.KeySize), bytes.Repeat([]byte{10}, gossip.KeySize)
	grown := uint64(0)
	hears := func(what string) {
		t.Helper()
		grown++
		for _, c := range u.centres {
			c.grow(1, c.signer)
		}
		eventually(t, what, func() bool {
			for _, c := range u.centres {
				for _, other := range u.centres {
					if c != other && head(c.g, other.name) != grown {
						return false
					}
				}
			}
			return true
		})
	}
	for name, step := range [][][]byte{{first, next}, {next, first}, {next, last}, {last, next}, {last}} {
		for _, c := range u.centres {
			for range 2 { // The same again is nothing.
				if err := c.g.SetKeys(step[0], step[1:]...); err != nil {
					t.Fatal(err)
				}
			}
			hears(fmt.Sprintf("everybody hears everybody, with %s at step %d", c.name, name))
		}
	}
	for _, c := range u.centres {
		if got := alive(c.g); len(got) != 2 {
			t.Fatalf("%s sees %v; want both others", c.name, got)
		}
	}
	for _, keys := range [][][]byte{{[]byte("short")}, {last, []byte("short")}} {
		if err := u.centres[0].g.SetKeys(keys[0], keys[1:]...); !errors.Is(err, fault.Invalid) {
			t.Fatalf("got %v; want Invalid", err)
		}
	}
	late := &centre{name: "C9", signer: identity.NewSigner()}
	u.start(t, late, u.key, u.centres[0].g.Addr()) // The first key is two rotations old.
	hears("the others go on")
	if got := alive(late.g); got != nil {
		t.Fatalf("with an old key it sees %v", got)
	}
}

// TestSilentSeed: a seed that takes the connection and says nothing does not hold
// up the end.
func TestSilentSeed(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	u := newUpazila(1)
	u.start(t, u.centres[0], u.key, deaf.Addr().String())
	c, err := deaf.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Read(make([]byte, 1)); err != nil { // It knocks, and now waits for an answer.
		t.Fatal(err)
	}
	start := time.Now()
	u.centres[0].stop()
	if took := time.Since(start); took > 3*time.Second {
		t.Fatalf("ending took %v", took)
	}
}

func TestOptions(t *testing.T) {
	good := gossip.Options{
		Centre: "C1", Bind: "127.0.0.1:0", Key: make([]byte, gossip.KeySize), Clock: time.Now,
		Advert: func() []byte { return nil }, Neighbours: func() []protocol.Neighbour { return nil },
	}
	for name, c := range map[string]struct {
		change func(*gossip.Options)
		want   fault.Kind
	}{
		"key":       {func(o *gossip.Options) { o.Key = nil }, fault.Invalid},
		"centre":    {func(o *gossip.Options) { o.Centre = "" }, fault.Invalid},
		"bind":      {func(o *gossip.Options) { o.Bind = "nowhere" }, fault.Invalid},
		"address":   {func(o *gossip.Options) { o.Bind = "203.0.113.1:7946" }, fault.Unavailable},
		"advertise": {func(o *gossip.Options) { o.Advertise = "box.example:7946" }, fault.Invalid},
	} {
		o := good
		c.change(&o)
		if _, err := gossip.Open(o); fault.KindOf(err) != c.want || err == nil {
			t.Errorf("%s: got %v; want %v", name, err, c.want)
		}
	}
}

func TestAdvert(t *testing.T) {
	s := identity.NewSigner()
	h := protocol.Head{Log: protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 3}, At: protocol.Position{Seq: 4, Hash: protocol.Hash{1}}}
	a, err := gossip.ParseAdvert(gossip.Advert{Centre: "C1", Head: h, Stamp: 9, Sync: ":7441", Linked: true}.Sign(s))
	if err != nil || a.Head != h || !a.Verify(s.Public()) {
		t.Fatalf("got %+v, %v", a, err)
	}
	for name, change := range map[string]func(*gossip.Advert){
		"centre": func(a *gossip.Advert) { a.Centre = "C2" },
		"seq":    func(a *gossip.Advert) { a.Head.At.Seq++ },
		"hash":   func(a *gossip.Advert) { a.Head.At.Hash[5]++ },
		"stamp":  func(a *gossip.Advert) { a.Stamp++ },
	} {
		b := a
		change(&b)
		if b.Verify(s.Public()) {
			t.Errorf("another %s still verifies", name)
		}
	}
}

// TestFirstAdvertIsUnderstood reads an advert as the version before made it.
func TestFirstAdvertIsUnderstood(t *testing.T) {
	s := identity.NewSigner()
	log := protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 3}
	first := func(signature []byte) []byte {
		return protocol.Marshal(struct {
			_         struct{} `cbor:",toarray"`
			Centre    string
			Head      protocol.Head
			Stamp     int64
			Signature []byte
		}{Centre: "C1", Head: protocol.Head{Log: log}, Stamp: 9, Signature: signature})
	}
	a, err := gossip.ParseAdvert(first(s.Sign("kendro-advert-1", first(nil))))
	if err != nil || a.Centre != "C1" || a.Stamp != 9 || !a.Verify(s.Public()) {
		t.Fatalf("got %+v, %v", a, err)
	}
	a.Linked = true
	if a.Verify(s.Public()) {
		t.Error("the old signature covers what it never said")
	}
}

func TestReach(t *testing.T) {
	for _, c := range [][3]string{
		{"10.0.0.5:7441", "192.168.1.9:7946", "10.0.0.5:7441"},
		{"0.0.0.0:7441", "192.168.1.9:7946", "192.168.1.9:7441"},
		{"[::]:7441", "192.168.1.9:7946", "192.168.1.9:7441"},
		{":7441", "[fe80::2]:7946", "[fe80::2]:7441"},
		{"box.example:7441", "", "box.example:7441"},
		{"0.0.0.0:7441", "", ""},
		{"", "192.168.1.9:7946", ""},
	} {
		if got := gossip.Reach(c[0], c[1]); got != c[2] {
			t.Errorf("told %q, seen %q: got %q; want %q", c[0], c[1], got, c[2])
		}
	}
}

func FuzzAdvert(f *testing.F) {
	s := identity.NewSigner()
	h := protocol.Head{Log: protocol.LogID{Channel: protocol.Uplink, Name: "41-0010", Incarnation: 3}}
	f.Add(gossip.Advert{Centre: "C1", Head: h, Stamp: 9, Sync: ":7441", Linked: true}.Sign(s))
	f.Add([]byte{0x84})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := gossip.ParseAdvert(b)
		if err == nil && !bytes.Equal(protocol.Marshal(&a), b) && a.Verify(s.Public()) {
			t.Fatal("another encoding of a signed advert verifies")
		}
	})
}
