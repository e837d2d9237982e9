package node

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// A caller opens a stream to another machine; *link.Endpoint is one. The peer of
// the connection has been verified.
type caller interface {
	Dial(ctx context.Context, addr, alpn string) (net.Conn, error)
}

// A courier keeps one session with one server of the hub, any of them, for as
// long as the box runs.
type courier struct {
	box       *box.Box
	host      *host
	enrolment *protocol.Enrolment
	caller    caller
	clock     func() time.Time
	log       *slog.Logger
	expired   func() bool // The certificate for sessions has ended.
	gossip    string      // Where neighbours reach us; empty without gossip.
	changed   func()      // Told when the link to the hub comes or goes.

	papers *paperSource
	back   *returner
	knocks *link.Knocker // Nil where the way to the hub can't tell.

	signing patience // Of the session at hand; its pulse owns it.

	mu     sync.Mutex // Guards what follows.
	now    *replication.Peer
	said   bool                  // The session at hand has had the hub's hello.
	silent bool                  // Nothing is heard of it just now.
	news   chan replication.Peer // Gets the peer of the session that is being opened, once it has said hello.
}

const (
	dialTimeout = 8 * time.Second
	pulseEvery  = 5 * time.Second
	heartbeat   = 30 * time.Second // How long a hub that died in silence is believed.
	steady      = 3 * time.Second  // A session that lasted this long was a good one.
	unasked     = time.Minute      // After so long a silence it dials without an answer to its knocks.
	greeting    = 30 * time.Second // For a server to answer its first knock.
)

// run dials, speaks and dials again until ctx ends.
func (c *courier) run(ctx context.Context) {
	var backoff link.Backoff
	last, next := "", ""
	for ctx.Err() == nil {
		addr := cmp.Or(next, c.pick(last))
		began := c.clock()
		err := c.session(ctx, addr)
		if ctx.Err() != nil {
			return
		}
		last = addr
		if c.clock().Sub(began) > steady {
			backoff.Reset()
		}
		wait := backoff.Next()
		if link.Silent(err) && c.answers() {
			wait = unasked
		}
		c.blame(addr, err, c.clock().Add(wait))
		next = c.pause(ctx, wait, link.Silent(err))
	}
}

// answers reports whether any server is known to answer knocks.
func (c *courier) answers() bool {
	return c.knocks != nil && slices.ContainsFunc(c.servers(), c.knocks.Knows)
}

// pause waits before the next try. After a silence it knocks meanwhile, and returns
// the server that answers, at once: a short cut costs no longer than it lasts.
func (c *courier) pause(ctx context.Context, wait time.Duration, silence bool) (next string) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if silence && c.knocks != nil {
		next, _ = c.knocks.Wait(ctx)
		return next
	}
	<-ctx.Done()
	return ""
}

// pick chooses a server at random, another one than the last where there is one.
func (c *courier) pick(last string) string {
	servers := c.servers()
	if len(servers) > 1 {
		servers = slices.DeleteFunc(servers, func(s string) bool { return s == last })
	}
	if len(servers) == 0 {
		return ""
	}
	return servers[rand.IntN(len(servers))] //nolint:gosec // Spreads the load; nothing is secret in it.
}

// servers are those that the hub told of last; before that, the enrolment's.
func (c *courier) servers() []string {
	if told := c.box.Contacts().Servers; len(told) > 0 {
		return slices.Clone(told)
	}
	return slices.Clone(c.enrolment.Servers)
}

// session speaks with one server until the link breaks.
func (c *courier) session(ctx context.Context, addr string) error {
	if addr == "" {
		return fault.New("node.session", fault.Unavailable, "", "no server is known")
	}
	dialing, cancel := context.WithTimeout(ctx, dialTimeout)
	conn, err := c.caller.Dial(dialing, addr, link.ALPNSync)
	cancel()
	if err != nil {
		return err
	}
	peer := peerOf(conn, addr)
	defer c.part()
	defer c.strange(ctx, addr)

	ctx, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { c.pulse(ctx, conn, end) })
	wg.Go(func() {
		select {
		case <-ctx.Done():
		case <-c.box.SetBack():
			end()
		}
	})
	defer wg.Wait()
	defer end()
	postman := link.NewPostman(c.papers, c.lanes(addr))
	wg.Go(func() { c.post(ctx, addr, postman, c.expect()) })
	o := []link.SessionOption{link.OnNote(c.host.note), link.Heartbeat(heartbeat), link.Gossip(c.gossip), link.OnBusy(postman.Hold)}
	if c.knocks != nil {
		wg.Go(func() { c.greet(ctx, addr) })
		o = append(o, link.Endure(link.Patience{Knock: func(ctx context.Context) bool { return c.knocks.Here(ctx, addr) }, Told: c.fallSilent}))
	}
	return link.RunSession(ctx, conn, peer, c.host, o...)
}

// greet learns whether a server answers knocks.
func (c *courier) greet(ctx context.Context, addr string) {
	ctx, cancel := context.WithTimeout(ctx, greeting)
	defer cancel()
	c.knocks.Meet(ctx, addr)
}

// fallSilent notes that nothing is heard of the hub, or something again.
func (c *courier) fallSilent(silent bool) {
	c.mu.Lock()
	c.silent = silent
	peer := c.now
	c.mu.Unlock()
	if peer == nil {
		return
	}
	if silent {
		c.log.Info("the hub is silent", "server", peer.Subject.Name, "addr", peer.Addr)
		c.box.Blockers().Raise(box.HubUnreachable, c.clock().Add(unasked))
	} else {
		c.log.Info("the hub is heard again", "server", peer.Subject.Name, "addr", peer.Addr)
		c.box.Blockers().Clear(box.HubUnreachable)
	}
	c.changed()
}

func peerOf(conn net.Conn, addr string) replication.Peer {
	if p, ok := conn.(interface{ Peer() replication.Peer }); ok {
		return p.Peer()
	}
	return replication.Peer{Addr: addr}
}

// pulse notes that the hub is there for as long as packets come from it, and ends
// a session in which nothing is signed for while another server could be asked.
func (c *courier) pulse(ctx context.Context, conn net.Conn, end func()) {
	path, metered := conn.(interface {
		Path() (received uint64, roundTrip time.Duration)
	})
	tick := time.NewTicker(pulseEvery)
	defer tick.Stop()
	var before uint64
	if metered {
		before, _ = path.Path()
	}
	c.signing.anew()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if metered {
			if n, _ := path.Path(); n != before {
				before = n
				c.box.Heard()
			}
		}
		if c.host.outgrown() {
			c.log.Info("there are more logs to ask for: the session begins again")
			end()
			return
		}
		if len(c.servers()) > 1 && c.signing.over(c.box.Acknowledged().Seq, c.box.Head().At.Seq, c.host.held.Load(), c.clock()) {
			c.log.Warn("this server signs for nothing: asking another")
			end()
			return
		}
	}
}

// How long a server may leave records unsigned before another one is asked.
const (
	stuckAfter = time.Minute      // A block on the poorest link takes less.
	heldAfter  = 10 * time.Second // One that says that it holds them hears no leader. Doubled while the others say so too.
)

// A patience measures how long nothing was acknowledged though something waits.
type patience struct {
	acked uint64
	since time.Time // Zero while nothing waits.
	left  int       // Servers that were left one after the other because they only hold.
}

// anew begins with another server.
func (p *patience) anew() { p.since = time.Time{} }

// over reports whether it has run out; held is how far the server says that it
// holds our records without having signed for them.
func (p *patience) over(acked, head, held uint64, now time.Time) bool {
	if acked != p.acked {
		p.left = 0
	}
	switch {
	case head <= acked:
		p.since = time.Time{}
	case p.since.IsZero() || acked != p.acked:
		p.since = now
	}
	p.acked = acked
	if p.since.IsZero() {
		return false
	}
	waited := now.Sub(p.since)
	if held > acked && waited >= min(heldAfter<<p.left, stuckAfter) {
		p.left = min(p.left+1, 3)
		return true
	}
	return waited >= stuckAfter
}

// meet notes that a hub has let us in; part, that the session is over.
func (c *courier) meet(p replication.Peer) {
	if c.knocks != nil {
		c.knocks.Reset()
	}
	c.mu.Lock()
	c.now, c.silent, c.said = &p, false, true
	if c.news != nil {
		c.news <- p // It holds one, and is said once.
		c.news = nil
	}
	c.mu.Unlock()
	c.box.Blockers().Clear(box.HubUnreachable)
	c.box.Blockers().Clear(box.CertificateOld)
	c.box.Blockers().Clear(box.HubRefuses)
	c.changed()
	c.log.Info("session with the hub", "server", p.Subject.Name, "addr", p.Addr)
}

func (c *courier) part() {
	c.mu.Lock()
	was := c.now
	c.now, c.silent = nil, false
	c.mu.Unlock()
	if was != nil {
		c.changed()
	}
}

// linked reports whether the box speaks with its hub just now.
func (c *courier) linked() bool {
	_, ok := c.met()
	return ok
}

// met returns the server that the box speaks with just now, and hears.
func (c *courier) met() (replication.Peer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil || c.silent {
		return replication.Peer{}, false
	}
	return *c.now, true
}

// strange offers to return to a hub that did not say hello, and once to one whose
// register began anew while this box was away: it may lack a release.
func (c *courier) strange(ctx context.Context, addr string) {
	c.mu.Lock()
	said := c.said
	c.said = false
	c.mu.Unlock()
	if ctx.Err() == nil && c.back != nil && (!said || c.back.owes()) {
		c.back.ask(ctx, addr)
	}
}

// blame says what keeps the box from its hub.
func (c *courier) blame(addr string, err error, retry time.Time) {
	c.log.Warn("no session with the hub", "addr", addr, "err", err)
	if errors.Is(err, fault.Denied) && c.expired() {
		c.box.Blockers().Raise(box.CertificateOld, retry)
		return
	}
	if errors.Is(err, fault.Denied) {
		c.box.Blockers().Raise(box.HubRefuses, retry)
		return
	}
	c.box.Blockers().Raise(box.HubUnreachable, retry)
}
