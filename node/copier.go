package node

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/gossip"
	"kendro/replication/link"
)

// Of copies at neighbours.
const (
	copyAfter  = 10 * time.Second // How long a record waits for its hub before neighbours get copies.
	wantCopies = 2
	lookEvery  = time.Second
	linger     = 5 * time.Second  // A session that is no longer needed still carries the word that all is settled.
	avoidFor   = 30 * time.Second // A neighbour that could not be reached, or refused, is left alone for so long.
	carrierFor = 6                // Waits after which another neighbour with a link is tried …
	triedSoon  = 8                // … so often, and then after thirty times as many.
	copyAnyhow = 3                // Waits after which a link that comes and goes no longer puts copies off.
)

// A copier keeps sessions with those neighbours that should hold copies of this
// box's records, or carry its mail. run owns everything but what mu guards.
type copier struct {
	exchange *exchange
	caller   caller
	linked   func() bool
	peers    func() []gossip.Peer
	clock    func() time.Time
	wait     time.Duration
	alone    func(*owner, *dialled) // Runs a session where a simulator asks; nil is a goroutine.

	acked    protocol.Position
	oldest   time.Time // Since when nothing new was acknowledged, with something to acknowledge.
	waiting  time.Time // The same, or since the link came back: the hub has its time to sign.
	unlinked time.Time // Since when there is no link; zero with one.
	sessions map[string]*dialled
	leads    map[string]lead // By centre.

	mu    sync.Mutex // Guards avoid.
	avoid map[string]time.Time
}

// A dialled session runs until it is cancelled or breaks.
type dialled struct {
	cancel context.CancelFunc
	done   chan struct{}
	idle   time.Time // Since when it is not needed; zero while it is.
	linked bool      // We had a link ourselves when it began.
	copies bool      // It gives the neighbour records to keep.
	owner  *owner
}

func newCopier(x *exchange, c caller, linked func() bool, peers func() []gossip.Peer, clock func() time.Time) *copier {
	return &copier{
		exchange: x, caller: c, linked: linked, peers: peers, clock: clock, wait: copyAfter,
		sessions: map[string]*dialled{}, leads: map[string]lead{}, avoid: map[string]time.Time{},
	}
}

// run dials and hangs up until ctx ends.
func (d *copier) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	tick := time.NewTicker(min(lookEvery, max(d.wait/8, 10*time.Millisecond)))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.round(ctx, &wg)
		}
	}
}

// round is what is done again and again.
func (d *copier) round(ctx context.Context, wg *sync.WaitGroup) {
	d.look(ctx, wg)
	d.exchange.tellAll()
	d.exchange.handIn(d.linked(), d.peers)
}

// look begins the sessions that are needed and ends those that are not.
func (d *copier) look(ctx context.Context, wg *sync.WaitGroup) {
	now := d.clock()
	linked := d.linked()
	back := linked && !d.unlinked.IsZero()
	needed, list := d.needed(now, linked)
	for _, centre := range slices.Sorted(maps.Keys(d.sessions)) {
		s := d.sessions[centre]
		select {
		case <-s.done:
			delete(d.sessions, centre)
			continue
		default:
		}
		i := slices.IndexFunc(needed, func(n need) bool { return n.centre == centre })
		switch {
		case back && s.copies: // What is still on its way goes to the hub now.
			s.cancel()
		case i >= 0 && (s.linked && !linked || needed[i].copies && !s.copies):
			s.cancel() // The next one asks for the inbox as well, or gives copies.
		case i >= 0:
			s.idle = time.Time{}
			if s.copies && !needed[i].copies {
				s.stopCopies()
			}
		case s.idle.IsZero():
			s.idle = now
			s.stopCopies()
		case now.Sub(s.idle) >= lingerFor(d.wait):
			s.cancel()
		}
	}
	for _, n := range needed {
		i := slices.IndexFunc(list, func(c candidate) bool { return c.centre == n.centre })
		if d.sessions[n.centre] != nil || i < 0 {
			continue
		}
		c := list[i]
		own, cancel := context.WithCancel(ctx)
		o := &owner{exchange: d.exchange, centre: c.centre, linked: linked}
		o.copies.Store(n.copies)
		s := &dialled{cancel: cancel, done: make(chan struct{}), linked: linked, copies: n.copies, owner: o}
		d.sessions[c.centre] = s
		if d.alone != nil {
			d.alone(o, s)
			continue
		}
		wg.Go(func() {
			defer close(s.done)
			defer cancel()
			d.speak(own, c, o)
		})
	}
}

// stopCopies gives the neighbour no more records; it still hears what was settled.
func (s *dialled) stopCopies() {
	s.copies = false
	s.owner.copies.Store(false)
}

func lingerFor(wait time.Duration) time.Duration { return min(linger, wait) }

// A candidate is a neighbour that could be dialled.
type candidate struct {
	centre string
	addrs  []string // Where it may be, the likeliest first.
	linked bool     // It says that it has a link to its hub.
	alive  bool     // Gossip reaches it.
	avoid  bool     // It could not be reached just now, or refused.
	weight uint64   // Puts the candidates of one box in their order.
}

// candidates are the enrolled neighbours with an address. What gossip says of them
// is a hint: who answers is seen by his certificate.
func (d *copier) candidates(now time.Time) []candidate {
	enrolled, peers := d.exchange.box.Contacts().Neighbours, d.peers()
	list := make([]candidate, 0, len(peers))
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range peers {
		i := slices.IndexFunc(enrolled, func(n protocol.Neighbour) bool { return n.Centre == p.Centre })
		if i < 0 {
			continue
		}
		if l := d.lead(p, enrolled[i].Gossip); len(l.addrs) > 0 {
			list = append(list, candidate{
				centre: p.Centre, addrs: l.addrs, weight: l.weight, linked: p.Linked, alive: p.Alive, avoid: now.Before(d.avoid[p.Centre]),
			})
		}
	}
	return list
}

// A lead is what follows from where a neighbour was heard of. It is looked at every
// second, and seldom changes.
type lead struct {
	told, seen, enrolled string
	addrs                []string
	weight               uint64
}

func (d *copier) lead(p gossip.Peer, enrolled string) lead {
	l, ok := d.leads[p.Centre]
	if ok && l.told == p.Sync && l.seen == p.Addr && l.enrolled == enrolled {
		return l
	}
	l = lead{told: p.Sync, seen: p.Addr, enrolled: enrolled, weight: weigh(d.exchange.box.Centre(), p.Centre)}
	for _, addr := range []string{gossip.Reach(p.Sync, p.Addr), gossip.Reach(p.Sync, enrolled)} {
		if addr != "" && !slices.Contains(l.addrs, addr) {
			l.addrs = append(l.addrs, addr)
		}
	}
	d.leads[p.Centre] = l
	return l
}

// A need is a neighbour with whom a session should stand.
type need struct {
	centre string
	copies bool // To keep records, or to carry them; else to hear what is settled.
}

// needed says with whom sessions should stand, and who could be dialled if any should,
// by rendezvous hashing.
func (d *copier) needed(now time.Time, linked bool) (needed []need, list []candidate) {
	d.measure(now, linked)
	head, acked := d.exchange.box.Head().At, d.exchange.box.Acknowledged()
	keep := head.Seq > acked.Seq && (now.Sub(d.waiting) >= d.wait || now.Sub(d.oldest) >= copyAnyhow*d.wait)
	carry := !d.unlinked.IsZero() && now.Sub(d.unlinked) >= d.wait
	unaware := d.exchange.unaware()
	if !keep && !carry && len(unaware) == 0 {
		return nil, nil
	}
	list = ranked(d.exchange.box.Centre(), d.candidates(now))
	add := func(centre string, copies bool) {
		if !slices.ContainsFunc(needed, func(n need) bool { return n.centre == centre }) {
			needed = append(needed, need{centre, copies})
		}
	}
	if keep {
		for _, centre := range keepers(list, slices.Collect(maps.Keys(d.sessions)), wantCopies) {
			add(centre, true)
		}
	}
	if carry {
		since := d.oldest
		if head.Seq <= acked.Seq {
			since = d.unlinked
		}
		if c := carrier(list, turns(now.Sub(since), d.wait)); c != "" {
			add(c, true)
		}
	}
	for _, centre := range unaware {
		if slices.ContainsFunc(list, func(c candidate) bool { return c.centre == centre && !c.avoid }) {
			add(centre, false)
		}
	}
	return needed, list
}

// measure notes since when the hub has not signed, and since when there is no link.
func (d *copier) measure(now time.Time, linked bool) {
	head, acked := d.exchange.box.Head().At, d.exchange.box.Acknowledged()
	if head.Seq <= acked.Seq || acked != d.acked || d.oldest.IsZero() {
		d.acked, d.oldest, d.waiting = acked, now, now
	}
	switch {
	case linked && !d.unlinked.IsZero():
		d.unlinked, d.waiting = time.Time{}, now
	case !linked && d.unlinked.IsZero():
		d.unlinked = now
	}
}

// turns says how many carriers had their turn in a while. A box can be without a
// link for months: each change costs two handshakes.
func turns(gone, wait time.Duration) int {
	n := int(gone / (carrierFor * wait))
	return min(n, triedSoon) + max(n-triedSoon, 0)/30
}

// keepers chooses k of the ranked neighbours for copies: those that have some stay,
// others come by their rank, so that no centre is everybody's keeper.
func keepers(list []candidate, current []string, k int) (chosen []string) {
	rank := slices.Clone(list)
	slices.SortStableFunc(rank, func(a, b candidate) int {
		return cmp.Compare(order(&a, current), order(&b, current))
	})
	for _, c := range rank {
		if len(chosen) < k && !c.avoid {
			chosen = append(chosen, c.centre)
		}
	}
	return chosen
}

// order puts the best first: a keeper that is there, one that gossip reaches, one
// that was heard of.
func order(c *candidate, current []string) int {
	switch {
	case slices.Contains(current, c.centre):
		return 0
	case c.alive:
		return 1
	}
	return 2
}

// carrier chooses one of the ranked neighbours that says it has a link. Whoever brings nothing is
// followed by another in the next turn.
func carrier(list []candidate, turn int) string {
	var linked []string
	for i := range list {
		if list[i].linked && !list[i].avoid {
			linked = append(linked, list[i].centre)
		}
	}
	if len(linked) == 0 {
		return ""
	}
	return linked[turn%len(linked)]
}

// weigh puts a neighbour into the order of one box.
func weigh(self, centre string) uint64 {
	sum := sha256.Sum256([]byte(self + "\x00" + centre))
	return binary.BigEndian.Uint64(sum[:8])
}

// ranked orders neighbours by their weight for one box, in place.
func ranked(self string, list []candidate) []candidate {
	for i := range list {
		if list[i].weight == 0 {
			list[i].weight = weigh(self, list[i].centre)
		}
	}
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Compare(b.weight, a.weight) })
	return list
}

// speak runs one session with a neighbour, at the first of its addresses where it is
// found.
func (d *copier) speak(ctx context.Context, c candidate, o *owner) {
	err := error(fault.New("node.speak", fault.Unavailable, c.centre, "has no address"))
	for _, addr := range c.addrs {
		if err = d.session(ctx, addr, o); err == nil || ctx.Err() != nil {
			return
		}
	}
	d.exchange.log.Debug("no session with a neighbour", "centre", c.centre, "err", err)
	d.shun(c.centre)
}

// shun leaves a neighbour alone for a while.
func (d *copier) shun(centre string) {
	until := d.clock().Add(min(avoidFor, 3*d.wait))
	d.mu.Lock()
	defer d.mu.Unlock()
	d.avoid[centre] = until
}

func (d *copier) session(ctx context.Context, addr string, o *owner) error {
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	conn, err := d.caller.Dial(dialing, addr, link.ALPNSync)
	cancel()
	if err != nil {
		return err
	}
	began := d.clock()
	note := func(n replication.Note) { d.note(o.centre, n) }
	err = link.RunSession(ctx, conn, peerOf(conn, addr), o, link.OnNote(note), link.Heartbeat(heartbeat))
	return d.verdict(began, err)
}

// note takes what a session with a neighbour noticed.
func (d *copier) note(centre string, n replication.Note) {
	d.exchange.note(n)
	if n.What == replication.PeerRefused && n.Log == d.exchange.box.Log() {
		d.shun(centre)
	}
}

// verdict is nil after a session that was a good one: dial again at once.
func (d *copier) verdict(began time.Time, err error) error {
	if errors.Is(err, fault.Unavailable) && d.clock().Sub(began) > steady {
		return nil
	}
	return err
}
