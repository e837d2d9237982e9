package gossip

import (
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"kendro/domain/fault"
	"kendro/protocol"
)

// board holds the newest advert of every neighbour and passes adverts on.
// memberlist calls it from its own goroutines.
type board struct {
	o       Options
	rumours rumours

	mu      sync.Mutex // Guards what follows.
	adverts map[string]heard
	seen    map[string]time.Time // Of neighbours: last sign of life.
	alive   map[string]string    // Addresses of members, ours among them.
	last    map[string]string    // Addresses of those that are none any more.
}

type heard struct {
	advert Advert
	raw    []byte
}

func newBoard(o Options) *board {
	return &board{o: o, adverts: map[string]heard{}, seen: map[string]time.Time{}, alive: map[string]string{}, last: map[string]string{}}
}

func (b *board) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.alive)
}

// announce queues our own advert.
func (b *board) announce() {
	raw := b.o.Advert()
	if len(raw) == 0 {
		return
	}
	b.rumours.add(b.o.Centre, raw)
}

// take keeps an advert that is new and true, and reports whether it did.
func (b *board) take(raw []byte) bool {
	a, err := ParseAdvert(raw)
	if err != nil || a.Centre == b.o.Centre {
		return false
	}
	b.mu.Lock()
	old, ok := b.adverts[a.Centre]
	b.mu.Unlock()
	if ok && !a.newer(&old.advert) {
		return false
	}
	neighbours := b.o.Neighbours()
	i := slices.IndexFunc(neighbours, func(n protocol.Neighbour) bool { return n.Centre == a.Centre })
	if i < 0 || !a.Verify(neighbours[i].Signer) {
		return false
	}
	now := b.o.Clock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, ok := b.adverts[a.Centre]; ok && !a.newer(&old.advert) {
		return false
	}
	b.adverts[a.Centre] = heard{a, slices.Clone(raw)}
	b.seen[a.Centre] = now
	return true
}

func (b *board) peers(alive map[string]string) []Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Peer
	peer := func(name, addr string, alive bool) Peer {
		a := b.adverts[name].advert
		return Peer{Centre: name, Addr: addr, Alive: alive, LastSeen: b.seen[name], Head: a.Head, Sync: a.Sync, Linked: a.Linked}
	}
	for name, addr := range alive {
		out = append(out, peer(name, addr, true))
	}
	for name := range b.adverts {
		if _, ok := alive[name]; !ok {
			out = append(out, peer(name, "", false))
		}
	}
	return out
}

// Reach returns where a neighbour takes sessions: what it told, with the host at
// which it is seen in the place of one that means any. It is empty where that is
// not known.
func Reach(told, seen string) string {
	host, port, err := net.SplitHostPort(told)
	if err != nil {
		return ""
	}
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
		return told
	}
	if host, _, err = net.SplitHostPort(seen); err != nil {
		return ""
	}
	return net.JoinHostPort(host, port)
}

func (b *board) saw(name string) {
	now := b.o.Clock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.seen[name]; ok || len(b.seen) < protocol.MaxHeads {
		b.seen[name] = now
	}
}

// NodeMeta carries nothing: a key holder could forge it.
func (b *board) NodeMeta(int) []byte { return nil }

// NotifyMsg takes one advert. memberlist does not relay, so what was new to us
// goes on to others.
func (b *board) NotifyMsg(raw []byte) {
	if b.take(raw) {
		a, err := ParseAdvert(raw)
		if err == nil {
			b.rumours.add(a.Centre, slices.Clone(raw))
		}
	}
}

// GetBroadcasts hands adverts to memberlist's packets.
func (b *board) GetBroadcasts(overhead, limit int) [][]byte {
	return b.rumours.next(overhead, limit, b.count())
}

// LocalState is every advert that we know, ours first.
func (b *board) LocalState(bool) []byte {
	var all [][]byte
	size := 0
	if own := b.o.Advert(); len(own) > 0 {
		all = append(all, own)
	}
	b.mu.Lock()
	for _, h := range b.adverts {
		if size += len(h.raw) + 8; size > maxState-2*maxAdvert {
			break
		}
		all = append(all, h.raw)
	}
	b.mu.Unlock()
	return protocol.Marshal(all)
}

// MergeRemoteState takes what a neighbour knows.
func (b *board) MergeRemoteState(state []byte, _ bool) {
	var all [][]byte
	if protocol.Unmarshal(state, maxState, "adverts", &all) != nil {
		return
	}
	for _, raw := range all {
		b.take(raw)
	}
}

// NotifyJoin notes a member. memberlist changes its nodes under a lock that it
// holds here and nowhere that we could read them, so the address is copied.
func (b *board) NotifyJoin(n *memberlist.Node) {
	b.mu.Lock()
	b.alive[n.Name] = n.Address()
	b.mu.Unlock()
	b.saw(n.Name)
}

// NotifyLeave notes that a member is gone.
func (b *board) NotifyLeave(n *memberlist.Node) {
	b.mu.Lock()
	b.last[n.Name] = n.Address()
	delete(b.alive, n.Name)
	b.mu.Unlock()
}

// NotifyUpdate is a sign of life.
func (b *board) NotifyUpdate(n *memberlist.Node) {
	b.mu.Lock()
	b.alive[n.Name] = n.Address()
	b.mu.Unlock()
	b.saw(n.Name)
}

// addresses returns where the neighbours are that are members.
func (b *board) addresses() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := maps.Clone(b.alive)
	delete(out, b.o.Centre)
	return out
}

// lost returns where neighbours were that are members no more.
func (b *board) lost() (addrs []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, addr := range b.last { // Of neighbours alone, see NotifyAlive.
		if _, ok := b.alive[name]; !ok && name != b.o.Centre {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

// NotifyAlive refuses members that the hub has not told of: whoever holds the key
// could invent any number.
func (b *board) NotifyAlive(n *memberlist.Node) error {
	if n.Name == b.o.Centre || slices.ContainsFunc(b.o.Neighbours(), func(x protocol.Neighbour) bool { return x.Centre == n.Name }) {
		return nil
	}
	return errStranger
}

var errStranger = fault.New("gossip.NotifyAlive", fault.Denied, "", "is no neighbour that the hub has told of")

// AckPayload adds nothing to an answer.
func (b *board) AckPayload() []byte { return nil }

// NotifyPingComplete is a sign of life.
func (b *board) NotifyPingComplete(n *memberlist.Node, _ time.Duration, _ []byte) { b.saw(n.Name) }
