package node

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication/gossip"
)

// Neighbours is the box's part in its upazila's gossip. It begins once the hub
// has told the key, and everything else works without it.
type neighbours struct {
	box    *box.Box
	keys   *keyring
	centre string
	bind   string // host:port with a port that was free; empty is no gossip.
	public string // host:port that others reach.
	sync   string // host:port of our sessions.
	linked func() bool
	preset gossip.Preset
	clock  func() time.Time
	log    *slog.Logger
	port   uint16 // Of the LAN's beacon; 0 goes without.
	meter  gossip.Meter
	called gossip.Meter  // Of the beacon.
	news   chan struct{} // Holds one: the head has moved since it was told.

	mu   sync.Mutex // Guards talk.
	talk *gossip.Gossip
}

// keyPatience is how often the box looks whether the hub has told or changed the
// key.
const keyPatience = 2 * time.Second

// run gossips until ctx ends.
func (n *neighbours) run(ctx context.Context) {
	if n.bind == "" {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { n.spread(ctx) })
	tick := time.NewTicker(keyPatience)
	defer tick.Stop()
	ended := make(chan error, 1)
	for {
		n.follow(func(g *gossip.Gossip) { wg.Go(func() { ended <- g.Run(ctx) }) })
		select {
		case <-ctx.Done():
			return
		case err := <-ended:
			n.set(nil)
			n.log.Warn("gossip ended and begins again", "err", err)
		case <-tick.C:
		}
	}
}

// follow begins to gossip when there is a key, and takes up a new one.
func (n *neighbours) follow(start func(*gossip.Gossip)) {
	told := n.box.Contacts()
	key := told.GossipKey
	if len(key) != gossip.KeySize {
		return
	}
	if g := n.current(); g != nil {
		n.setKeys(g, &told)
		return
	}
	g, err := gossip.Open(gossip.Options{
		Centre: n.centre, Bind: n.bind, Advertise: n.public, Key: key, Preset: n.preset,
		Seeds: n.seeds, Advert: n.advert, Neighbours: func() []protocol.Neighbour { return n.box.Contacts().Neighbours },
		Clock: n.clock, Logger: n.log, Meter: &n.meter, Beacon: n.port, BeaconMeter: &n.called,
	})
	if err != nil {
		n.log.Warn("gossip could not begin", "addr", n.bind, "err", err)
		return
	}
	n.setKeys(g, &told)
	n.set(g)
	start(g)
}

func (n *neighbours) setKeys(g *gossip.Gossip, told *protocol.Contacts) {
	if err := g.SetKeys(told.GossipKey, told.OtherKeys...); err != nil {
		n.log.Warn("gossip keys could not be changed", "err", err)
	}
}

func (n *neighbours) seeds() []string {
	var list []string
	for _, x := range n.box.Contacts().Neighbours {
		if x.Gossip != "" && x.Centre != n.centre {
			list = append(list, x.Gossip)
		}
	}
	return list
}

func (n *neighbours) advert() []byte {
	at := n.sync
	if g := n.current(); g != nil { // Signed, so that nobody who takes our name says where we are.
		at = cmp.Or(gossip.Reach(n.sync, g.Addr()), n.sync)
	}
	return gossip.Advert{
		Centre: n.centre, Head: n.box.Head(), Stamp: n.clock().UnixMilli(), Sync: at, Linked: n.linked(),
	}.Sign(n.keys.signer)
}

func (n *neighbours) set(g *gossip.Gossip) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.talk = g
}

func (n *neighbours) current() *gossip.Gossip {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.talk
}

// grew notes that there is a new head. The box calls it between two applications,
// so the signature is left to spread.
func (n *neighbours) grew(protocol.Head) { n.renew() }

// renew has the neighbours told again.
func (n *neighbours) renew() {
	select {
	case n.news <- struct{}{}:
	default: // It will be told with the one before.
	}
}

// spreadPause is how long heads are gathered before the next is signed and told:
// carriers pass them on no faster.
const spreadPause = 100 * time.Millisecond

// spread tells the neighbours of new heads until ctx ends: of the first at once,
// of those that follow soon in one go.
func (n *neighbours) spread(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-n.news:
		}
		if g := n.current(); g != nil {
			g.Announce()
		}
		pause.Reset(spreadPause)
	}
}

// peers lists the neighbours that gossip knows.
func (n *neighbours) peers() []gossip.Peer {
	if g := n.current(); g != nil {
		return g.Peers()
	}
	return nil
}

// freeAddress returns addr with its port 0 replaced by one that is free for UDP
// and TCP, so that it can be told before gossip begins.
func freeAddress(ctx context.Context, addr string) (string, error) {
	const op = "node.Open"
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fault.New(op, fault.Invalid, addr, "want host:port for gossip, such as :7946")
	}
	if port != "0" {
		return addr, nil
	}
	var lc net.ListenConfig
	for range 16 {
		t, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return "", &fault.Error{Op: op, Kind: fault.Unavailable, Item: addr, Err: err}
		}
		_, port, _ := net.SplitHostPort(t.Addr().String())
		found := net.JoinHostPort(host, port)
		u, err := lc.ListenPacket(ctx, "udp", found)
		if err != nil {
			_ = t.Close()
			continue
		}
		if err := errors.Join(u.Close(), t.Close()); err != nil {
			return "", &fault.Error{Op: op, Kind: fault.Unavailable, Item: addr, Err: err}
		}
		return found, nil
	}
	return "", fault.New(op, fault.Unavailable, addr, "no port is free for both UDP and TCP")
}
