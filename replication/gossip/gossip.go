package gossip

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"kendro/domain/fault"
	"kendro/protocol"
)

// KeySize is the length of an upazila's gossip key.
const KeySize = 32

// A Preset fits the timing to the links.
type Preset uint8

// The presets.
const (
	Rural Preset = iota // 2G and 3G between villages: a lost neighbour shows after minutes, at 43 KiB an hour.
	LAN                 // One building, or one machine: seconds.
)

// Options is what gossip needs.
type Options struct {
	Centre    string // This node's name.
	Bind      string // host:port for UDP and TCP; port 0 is any free one.
	Advertise string // host:port that others reach; empty is what was bound.
	Key       []byte // KeySize bytes, of the upazila.
	Preset    Preset
	// Seeds returns addresses of neighbours to knock at; nil or none waits to be
	// found. Advert returns this node's newest advert, from [Advert.Sign]; nil
	// while it has none. Neighbours returns who may be believed. All are called by
	// many goroutines and must not block.
	Seeds      func() []string
	Advert     func() []byte
	Neighbours func() []protocol.Neighbour
	Clock      func() time.Time
	Logger     *slog.Logger // Nil discards.
	Meter      *Meter       // Counts the bytes; nil counts for nobody.

	// Beacon is the UDP port on which boxes of one LAN find each other, the same at
	// all of them; 0 goes without.
	Beacon      uint16
	BeaconMeter *Meter // Counts the beacon's bytes; nil counts for nobody.
}

// A Peer is a neighbour as gossip knows it.
type Peer struct {
	Centre   string
	Addr     string // host:port, empty when only its advert was heard.
	Alive    bool   // The failure detector reaches it, here or through another.
	LastSeen time.Time
	Head     protocol.Head // Zero until a verified advert came.
	Sync     string        // Where it takes sessions, as it said, see [Reach]; empty if it did not.
	Linked   bool          // It said that it speaks with a server.
}

// Gossip is this node's part. It is safe for concurrent use.
type Gossip struct {
	o     Options
	list  *memberlist.Memberlist
	keys  *memberlist.Keyring
	board *board
	wire  wire
	bind  netip.Addr

	setting sync.Mutex // Held while keys change.
}

// Open binds the address and answers to neighbours at once; [Gossip.Run] looks
// for them, and must be called, since it also ends what Open began. A key of
// another length or a missing function is [fault.Invalid], an address that can't
// be bound [fault.Unavailable].
func Open(o Options) (*Gossip, error) {
	const op = "gossip.Open"
	switch {
	case len(o.Key) != KeySize:
		return nil, fault.New(op, fault.Invalid, o.Centre, "want a key of 32 bytes")
	case o.Advert == nil || o.Neighbours == nil || o.Clock == nil || o.Centre == "":
		return nil, fault.New(op, fault.Invalid, o.Centre, "want a centre, a clock, adverts and neighbours")
	}
	o = o.filled()
	host, port, err := split(o.Bind)
	if err != nil {
		return nil, err
	}
	w, err := newTransport(host, port, o.Meter, o.Logger)
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Unavailable, Item: o.Bind, Err: err}
	}
	return open(o, host, w)
}

// filled puts in what may be left out.
func (o Options) filled() Options {
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	o.Meter, o.BeaconMeter = cmp.Or(o.Meter, new(Meter)), cmp.Or(o.BeaconMeter, new(Meter))
	return o
}

// A wire is memberlist's transport with an end to what it dials. Another one than
// [transport] stands in for a network in virtual time.
type wire interface {
	memberlist.NodeAwareTransport
	port() int
	end()
}

// open gossips over a wire, which it closes where it fails.
func open(o Options, host string, w wire) (*Gossip, error) {
	const op = "gossip.Open"
	g := &Gossip{o: o, wire: w}
	var err error
	if g.keys, err = memberlist.NewKeyring(nil, slices.Clone(o.Key)); err != nil {
		_ = w.Shutdown()
		return nil, &fault.Error{Op: op, Kind: fault.Invalid, Item: o.Centre, Err: err}
	}
	c := o.Preset.config()
	c.Name, c.BindAddr, c.BindPort = o.Centre, host, g.wire.port()
	g.bind, _ = netip.ParseAddr(host)
	if own, ok := ownAddress(g.bind); ok && own.IsValid() {
		c.AdvertiseAddr, c.AdvertisePort = own.String(), c.BindPort
	}
	if err := advertise(c, o.Advertise); err != nil {
		_ = g.wire.Shutdown()
		return nil, err
	}
	g.board = newBoard(o)
	c.Transport, c.Keyring, c.LogOutput = g.wire, g.keys, logWriter{o.Logger}
	c.Delegate, c.Events, c.Ping, c.Alive = g.board, g.board, g.board, g.board
	if g.list, err = memberlist.Create(c); err != nil {
		_ = g.wire.Shutdown()
		return nil, &fault.Error{Op: op, Kind: fault.Unavailable, Item: o.Bind, Err: err}
	}
	return g, nil
}

// Addr returns the host:port that neighbours reach.
func (g *Gossip) Addr() string { return g.list.LocalNode().Address() }

// Announce spreads this node's newest advert. Call it when the log has grown; it
// does not block.
func (g *Gossip) Announce() { g.board.announce() }

// SetKeys makes key the one that encrypts, and others understood besides: the next,
// which neighbours may use already, and the one before, which some use still. No
// other key is understood any more. A key of another length is [fault.Invalid] and
// changes nothing.
func (g *Gossip) SetKeys(key []byte, others ...[]byte) error {
	const op = "gossip.SetKeys"
	all := append([][]byte{key}, others...)
	for _, k := range all {
		if len(k) != KeySize {
			return fault.New(op, fault.Invalid, g.o.Centre, "want keys of 32 bytes")
		}
	}
	g.setting.Lock()
	defer g.setting.Unlock()
	failed := func(err error) error {
		return &fault.Error{Op: op, Kind: fault.Internal, Item: g.o.Centre, Err: err}
	}
	for _, k := range all {
		if err := g.keys.AddKey(slices.Clone(k)); err != nil {
			return failed(err)
		}
	}
	if !slices.Equal(g.keys.GetPrimaryKey(), key) {
		if err := g.keys.UseKey(slices.Clone(key)); err != nil {
			return failed(err)
		}
	}
	for _, k := range slices.Clone(g.keys.GetKeys()) {
		if !slices.ContainsFunc(all, func(o []byte) bool { return slices.Equal(o, k) }) {
			if err := g.keys.RemoveKey(k); err != nil {
				return failed(err)
			}
		}
	}
	return nil
}

// Peers returns the neighbours that are there or were heard of, by centre.
func (g *Gossip) Peers() []Peer {
	peers := g.board.peers(g.board.addresses())
	slices.SortFunc(peers, func(a, b Peer) int { return cmp.Compare(a.Centre, b.Centre) })
	return peers
}

// Run looks for neighbours until ctx ends, then says goodbye and closes. All that
// this package started has ended when it returns. A probe that memberlist had begun
// can't be broken off; it ends by its own timer, with the sockets closed. It ends by
// itself, with [fault.Unavailable], once the machine has not the address any more that
// neighbours were told: they take a new one sooner from whom they saw leave.
func (g *Gossip) Run(ctx context.Context) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var wg sync.WaitGroup
	wg.Go(func() { g.seek(ctx) })
	wg.Go(func() { g.watch(ctx, end) })
	g.serveBeacon(ctx, &wg)
	<-ctx.Done()
	err := g.list.Leave(g.o.Preset.goodbye())
	g.wire.end() // Breaks off what join waits for.
	wg.Wait()
	if serr := g.list.Shutdown(); serr != nil {
		return &fault.Error{Op: "gossip.Run", Kind: fault.Internal, Item: g.o.Centre, Err: serr}
	}
	if err != nil {
		g.o.Logger.Debug("gossip goodbye was not confirmed", "err", err.Error())
	}
	if cause := context.Cause(ctx); errors.Is(cause, fault.Unavailable) {
		return cause
	}
	return nil
}

// seek knocks at seeds that are not members, now and then.
func (g *Gossip) seek(ctx context.Context) {
	next := time.NewTicker(g.o.Preset.rejoin())
	defer next.Stop()
	for {
		g.join()
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
	}
}

// watch ends the run once the address that neighbours were told is gone.
func (g *Gossip) watch(ctx context.Context, end context.CancelCauseFunc) {
	if !g.bind.IsUnspecified() || g.o.Advertise != "" {
		return
	}
	look := time.NewTicker(g.o.Preset.look())
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := lans(g.bind, 0)
		if told, err := netip.ParseAddrPort(g.Addr()); err == nil && len(now) > 0 && !slices.ContainsFunc(now, func(l lan) bool { return l.here == told.Addr() }) {
			end(fault.New("gossip.Run", fault.Unavailable, told.String(), "the machine has another address now"))
			return
		}
	}
}

// serveBeacon has wg call into the LAN and knock at who calls, until ctx ends.
func (g *Gossip) serveBeacon(ctx context.Context, wg *sync.WaitGroup) {
	if g.o.Beacon == 0 {
		return
	}
	turns := make(chan struct{}, knocks)
	b := beacon{
		port: g.o.Beacon, bind: g.bind, gossip: uint16(g.wire.port()), keys: g.keys.GetKeys, clock: g.o.Clock,
		every: g.o.Preset.rejoin(), look: g.o.Preset.look(), meter: g.o.BeaconMeter, log: g.o.Logger,
		heard: func(at netip.AddrPort) {
			select {
			case turns <- struct{}{}:
				wg.Go(func() { g.knock([]string{at.String()}); <-turns })
			default: // It calls again.
			}
		},
	}
	if err := b.listen(ctx); err != nil {
		g.o.Logger.Warn("boxes on the LAN are not looked for", "err", err)
		return
	}
	wg.Go(func() { b.serve(ctx) })
}

// join knocks at the seeds, and where neighbours were that are gone: after a day in
// two halves nobody else brings them together.
func (g *Gossip) join() {
	var seeds []string
	if g.o.Seeds != nil {
		seeds = g.o.Seeds()
	}
	g.knock(append(seeds, g.board.lost()...))
}

// knocks is how many addresses are knocked at together. One at which nobody is any
// more takes a minute.
const knocks = 8

// knock joins who is at these addresses and no member yet.
func (g *Gossip) knock(addrs []string) {
	known := map[string]bool{"": true, g.Addr(): true}
	for _, address := range g.board.addresses() {
		known[address] = true
	}
	var wg sync.WaitGroup
	turns := make(chan struct{}, knocks)
	for _, a := range addrs {
		if known[a] {
			continue
		}
		known[a] = true
		turns <- struct{}{}
		wg.Go(func() {
			if _, err := g.list.Join([]string{a}); err != nil {
				g.o.Logger.Debug("no gossip neighbour answers", "addr", a, "err", err.Error())
			}
			<-turns
		})
	}
	wg.Wait()
}

func split(hostport string) (string, int, error) {
	host, service, err := net.SplitHostPort(hostport)
	if err != nil {
		return "", 0, &fault.Error{Op: "gossip.Open", Kind: fault.Invalid, Item: hostport, Err: err}
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, fault.New("gossip.Open", fault.Invalid, hostport, "want host:port with a number")
	}
	if host == "" {
		host = "0.0.0.0"
	}
	return host, int(port), nil
}

// advertise sets the address that others are told. memberlist wants a number.
func advertise(c *memberlist.Config, hostport string) error {
	if hostport == "" {
		return nil
	}
	host, port, err := split(hostport)
	if err != nil {
		return err
	}
	if net.ParseIP(host) == nil {
		return fault.New("gossip.Open", fault.Invalid, hostport, "want an IP address and a port to advertise")
	}
	if port == 0 {
		port = c.BindPort
	}
	c.AdvertiseAddr, c.AdvertisePort = host, port
	return nil
}
