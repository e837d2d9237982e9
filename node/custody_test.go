package node

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/internal/hubtest"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/gossip"
)

// An upazila is some real boxes around a real group of servers.
type upazila struct {
	*hubtest.Group
	t     *testing.T
	boxes []*member
}

// A member is one box. Its way to the hub can be cut.
type member struct {
	*Node
	up     *upazila
	centre place.Centre
	dir    string
	gate   *gate
	tune   func(*Node) // Changes the box before it runs.
	cancel context.CancelFunc
	ended  chan error
	filed  []protocol.Number
	seed   int    // Of the next application, beside how many there are.
	quic   string // Where it listens, from its first start on.
	gossip string
}

// A gate is the way to the hub.
type gate struct {
	caller
	mu    sync.Mutex
	shut  bool
	conns []net.Conn
}

func (g *gate) Dial(ctx context.Context, addr, alpn string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return nil, fault.New("test", fault.Unavailable, addr, "there is no link")
	}
	c, err := g.caller.Dial(ctx, addr, alpn)
	if err == nil {
		g.conns = append(g.conns, c)
	}
	return c, err
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	if shut {
		for _, c := range g.conns {
			_ = c.Close()
		}
		g.conns = nil
	}
}

var unions = []place.Centre{"41-04-17", "41-04-28", "41-04-39", "41-04-50", "41-04-62", "41-04-73", "41-04-84", "41-04-95"}

// found founds a district of some servers and enrols n boxes, which have all heard
// of each other.
func found(t *testing.T, servers, n int) *upazila {
	t.Helper()
	up := &upazila{Group: hubtest.With(t, hubtest.Options{Voters: servers, Verbose: os.Getenv("KENDRO_TEST_VERBOSE") != ""}), t: t}
	for i := range n {
		up.boxes = append(up.boxes, up.enrols(unions[i]))
	}
	for _, m := range up.boxes {
		up.Wait("intake at "+string(m.centre), func() bool { return m.box.Blockers().Closed() == nil })
		up.Wait("neighbours of "+string(m.centre), func() bool {
			seen := 0
			for _, p := range m.neighbours.peers() {
				if p.Alive && p.Sync != "" {
					seen++
				}
			}
			return seen == n-1
		})
	}
	return up
}

// enrols enrols a box, and starts it.
func (up *upazila) enrols(c place.Centre) *member {
	up.t.Helper()
	m := &member{up: up, centre: c, dir: up.t.TempDir()}
	up.AddEntrepreneur(c, "rahima-"+string(c))
	if _, err := Enrol(up.t.Context(), m.dir, up.Token(c), EnrolOptions{Clock: time.Now, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		up.t.Fatal(err)
	}
	m.start()
	up.t.Cleanup(m.stop)
	return m
}

func (m *member) start() {
	m.up.t.Helper()
	logger := slog.New(slog.DiscardHandler)
	if os.Getenv("KENDRO_TEST_VERBOSE") != "" {
		logger = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("box", m.centre)
	}
	n, err := Open(m.up.t.Context(), Config{
		Dir: m.dir, HTTP: "127.0.0.1:0", Listen: cmp.Or(m.quic, "127.0.0.1:0"), Gossip: cmp.Or(m.gossip, "127.0.0.1:0"), GossipPreset: gossip.LAN,
		CopyAfter: 300 * time.Millisecond, Clock: time.Now, Logger: logger,
	})
	if err != nil {
		m.up.t.Fatal(err)
	}
	m.quic, m.gossip = n.Addr().QUIC, n.Addr().Gossip
	shut := m.gate != nil && m.gate.shut
	m.gate = &gate{caller: n.courier.caller, shut: shut}
	n.courier.caller = m.gate
	if m.tune != nil {
		m.tune(n)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(m.up.t.Context()))
	m.Node, m.cancel, m.ended = n, cancel, make(chan error, 1)
	go func() { m.ended <- n.Run(ctx) }()
}

func (m *member) stop() {
	if m.cancel == nil {
		return
	}
	m.cancel()
	m.cancel = nil
	if err := <-m.ended; err != nil {
		m.up.t.Error(err)
	}
}

// cut takes the link to the hub away, and waits until the box knows.
func (m *member) cut() {
	m.up.t.Helper()
	m.gate.set(true)
	m.up.Wait("the cut at "+string(m.centre), func() bool { return !m.courier.linked() })
}

// file takes in some applications of the same service.
func (m *member) file(n int) {
	m.up.t.Helper()
	for range n {
		i := m.seed + len(m.filed)
		body, err := catalogue.Sample(m.box.Goods().Set, service, uint64(i+1), m.centre)
		if err != nil {
			m.up.t.Fatal(err)
		}
		a, wrong, err := m.box.File(m.up.t.Context(), box.Request{User: "rahima", Key: strconv.Itoa(i), Body: body})
		if err != nil || len(wrong) > 0 {
			m.up.t.Fatal(err, wrong)
		}
		m.filed = append(m.filed, a.Number)
	}
}

// show tells what every box knows, after a failure.
func (up *upazila) show() {
	if !up.t.Failed() {
		return
	}
	for _, m := range up.boxes {
		if m.cancel == nil {
			continue
		}
		up.t.Logf("%s: %+v, keepers %v, waits for %v", m.centre, *m.sync(), m.box.Keepers(), m.exchange.held.Heads())
		m.exchange.mu.Lock()
		for _, g := range m.exchange.guests {
			up.t.Logf("  keeps for %s", g.neighbour.Centre)
		}
		for _, w := range m.exchange.hosts {
			up.t.Logf("  is kept by %s", w.centre)
		}
		m.exchange.mu.Unlock()
	}
}

// copies waits until all that was filed has k copies at least.
func (m *member) copies(k int) {
	m.up.t.Helper()
	defer m.up.show()
	m.up.Wait(strconv.Itoa(k)+" copies of "+string(m.centre), func() bool {
		for _, n := range m.filed {
			if w, err := m.box.Track(n); err != nil || w.Copies < k || w.Accepted {
				return false
			}
		}
		return true
	})
}

// accepted waits until the box itself knows that all of it is in the register.
func (m *member) accepted() {
	m.up.t.Helper()
	defer m.up.show()
	m.up.Wait("acceptance at "+string(m.centre), func() bool {
		for _, n := range m.filed {
			if w, err := m.box.Track(n); err != nil || !w.Accepted {
				return false
			}
		}
		return m.box.Acknowledged() == m.box.Head().At
	})
}

// registered makes sure that every application of these boxes is a case, once, and
// that there are no others.
func (up *upazila) registered(of ...*member) {
	up.t.Helper()
	index, _ := up.Agree()
	want := 0
	reg := up.Leader().Hub.Register()
	for _, m := range of {
		want += len(m.filed)
		for _, n := range m.filed {
			if _, err := reg.Case(n); err != nil {
				up.t.Errorf("case %v of %s at %d: %v", n, m.centre, index, err)
			}
		}
	}
	if s := reg.Stats(); s.Accepted != uint64(want) || s.Quarantined+s.Held != 0 {
		up.t.Errorf("%+v; want %d accepted", s, want)
	}
}

// TestOneLinkServesAll cuts every box of an upazila from its hub. What is filed
// gets copies at two neighbours; one box with a link again is enough for all to be
// accepted, and for every box to know it and to hear what else the hub has to say: at
// last, that a citizen of one without a link is to be forgotten.
func TestOneLinkServesAll(t *testing.T) {
	t.Parallel()
	up := found(t, 3, 5)
	for _, m := range up.boxes {
		m.cut()
		m.file(3)
	}
	last := up.boxes[4]
	hers := last.tells()
	last.filed = append(last.filed, hers.number)
	for _, m := range up.boxes {
		m.copies(2)
	}
	up.boxes[0].gate.set(false)
	for _, m := range up.boxes {
		m.accepted()
	}
	up.registered(up.boxes...)
	up.AddEntrepreneur(last.centre, "salma")
	up.Wait("word from the hub at a box without a link", func() bool { _, ok := last.box.User("salma"); return ok })
	for _, m := range up.boxes {
		up.Wait("nothing to be held at "+string(m.centre), func() bool { n, _ := m.exchange.held.Usage(); return n == 0 })
	}
	last.verifiesNews()
	up.forgets(last, hers)
}

// verifiesNews has the box and those who kept for it hear words without a good
// signature: what says no more than they know passes, what says more does not.
func (m *member) verifiesNews() {
	m.up.t.Helper()
	m.exchange.mu.Lock()
	p := *m.exchange.last
	m.exchange.mu.Unlock()
	hosts := map[string]replication.Host{"owner": &owner{exchange: m.exchange}}
	for _, n := range m.up.boxes {
		if len(n.exchange.held.Acknowledgements(p.Ack.Log.Name)) > 0 {
			hosts["keeper "+string(n.centre)] = &keeper{n.exchange}
		}
	}
	if len(hosts) < 3 {
		m.up.t.Errorf("%d neighbours know what was acknowledged; want two", len(hosts)-1)
	}
	for name, h := range hosts {
		for more, want := range map[uint64]error{0: nil, 1: fault.Denied} {
			a := p.Ack
			a.At.Seq, a.Signature = a.At.Seq+more, make([]byte, identity.SignatureSize)
			if err := h.Acknowledged(m.up.t.Context(), replication.Peer{Cert: p.Cert}, &a); !errors.Is(err, want) {
				m.up.t.Errorf("%s, %d more than is known: %v; want %v", name, more, err, want)
			}
		}
	}
}

// TestDiskIsLostAfterCopies burns the disk of a box that never reached its hub.
func TestDiskIsLostAfterCopies(t *testing.T) {
	t.Parallel()
	up := found(t, 1, 4)
	for _, m := range up.boxes {
		m.cut()
	}
	lost := up.boxes[1]
	lost.file(20)
	lost.copies(2)
	lost.stop()
	if err := os.RemoveAll(lost.dir); err != nil {
		t.Fatal(err)
	}
	for _, m := range up.boxes {
		if m != lost {
			m.gate.set(false)
		}
	}
	up.Wait("everything that had a receipt", func() bool {
		return up.Leader().Hub.Register().Stats().Accepted == uint64(len(lost.filed))
	})
	up.registered(lost)
}

// TestKeeperRestarts holds copies over a restart of keeper and owner.
func TestKeeperRestarts(t *testing.T) {
	t.Parallel()
	up := found(t, 1, 3)
	for _, m := range up.boxes {
		m.cut()
	}
	owner := up.boxes[0]
	owner.file(5)
	owner.copies(2)
	for _, m := range up.boxes {
		m.stop()
		if _, err := os.Stat(filepath.Join(m.dir, "records", "journal", "held")); err != nil {
			t.Fatal(err)
		}
		m.start()
	}
	owner.copies(2)
	owner.file(1)
	owner.copies(2)
	up.boxes[2].gate.set(false)
	owner.accepted()
	up.registered(owner)
}

// TestServerWithoutQuorumHolds leaves a box one server of three. It takes what is
// filed as a neighbour would, says so and signs for nothing; over a restart it keeps
// it, and hands it on when there is a leader.
func TestServerWithoutQuorumHolds(t *testing.T) {
	t.Parallel()
	up := found(t, 3, 1)
	box := up.boxes[0]
	box.file(3)
	box.accepted()
	up.Agree()
	left := up.Follower()
	replicated := func() {
		t.Helper()
		last := box.filed[len(box.filed)-1]
		up.Wait("the last record at the server", func() bool {
			w, err := box.box.Track(last)
			return err == nil && w.Copies == 1 && !w.Accepted
		})
	}
	for _, s := range up.Servers {
		if s != left {
			up.Kill(s)
		}
	}
	box.file(20)
	replicated()
	up.Kill(left)
	up.Start(left)
	box.file(5)
	replicated()
	box.stop() // What it has not sent again comes from the server.
	for _, s := range up.Servers {
		if s != left {
			up.Start(s)
		}
	}
	up.Wait("what the server held", func() bool { return up.Leader().Hub.Register().Stats().Accepted == 28 })
	box.start()
	box.accepted()
	box.file(1)
	box.accepted()
	up.registered(box)
}

// TestRow27CarrierDropsEverything has a box without a link choose a carrier that takes
// its records, says that it has a link, and hands nothing in: they arrive by another
// path within ten minutes, which is sixty times the wait before copies are made.
func TestRow27CarrierDropsEverything(t *testing.T) {
	t.Parallel()
	up := found(t, 1, 3)
	owner := up.boxes[0]
	first := carrier(ranked(string(owner.centre), []candidate{
		{centre: string(up.boxes[1].centre), linked: true}, {centre: string(up.boxes[2].centre), linked: true},
	}), 0)
	for _, m := range up.boxes[1:] {
		if string(m.centre) == first {
			m.stop()
			m.tune = func(n *Node) { n.exchange.errands.wait = 24 * time.Hour }
			m.start()
			up.Wait("the link of "+first, m.courier.linked)
		}
	}
	owner.cut()
	owner.file(10)
	began := time.Now()
	owner.accepted()
	waits := float64(time.Since(began)) / float64(owner.copier.wait)
	t.Logf("accepted after %.1f waits: %v where a wait is 10 s", waits, time.Duration(waits*float64(copyAfter)).Round(time.Second))
	if waits > 60 {
		t.Errorf("accepted after %.0f waits; want 60 at most", waits)
	}
	up.registered(owner)
}

// TestBoxIsRevokedAndReplaced burns and revokes a box whose records two neighbours
// hold, and enrols another one for its centre: what the old box had not sent comes
// from the neighbours, and the new box shows it.
func TestBoxIsRevokedAndReplaced(t *testing.T) {
	t.Parallel()
	up := found(t, 1, 3)
	old := up.boxes[0]
	old.file(3)
	old.accepted()
	for _, m := range up.boxes {
		m.cut()
	}
	sent := old.filed
	old.filed = nil
	old.seed = 100
	old.file(10)
	old.copies(2)
	old.stop()
	if err := os.RemoveAll(old.dir); err != nil {
		t.Fatal(err)
	}
	up.Revoke(old.centre)
	next := &member{up: up, centre: old.centre, dir: t.TempDir()}
	if _, err := Enrol(t.Context(), next.dir, up.Token(next.centre), EnrolOptions{Clock: time.Now, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	next.start()
	t.Cleanup(next.stop)
	up.boxes[1].gate.set(false)
	up.Wait("everything that had a receipt", func() bool { return up.Leader().Hub.Register().Stats().Accepted == 13 })
	for _, n := range append(sent, old.filed...) {
		up.Wait("the new box to show "+n.String(), func() bool {
			w, err := next.box.Track(n)
			return err == nil && w.Accepted
		})
	}
	next.seed = 200
	up.Wait("intake at the new box", func() bool { return next.box.Blockers().Closed() == nil })
	next.file(1)
	next.accepted()
}

// TestStrangerIsNoNeighbour asks a keeper from outside of its upazila.
func TestStrangerIsNoNeighbour(t *testing.T) {
	t.Parallel()
	up := found(t, 1, 2)
	unions := &member{up: up, centre: "41-09-17", dir: t.TempDir()}
	up.AddEntrepreneur(unions.centre, "far")
	if _, err := Enrol(t.Context(), unions.dir, up.Token(unions.centre), EnrolOptions{Clock: time.Now, Logger: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	unions.start()
	t.Cleanup(unions.stop)
	err := unions.copier.session(t.Context(), up.boxes[0].link.Addr().String(), &owner{exchange: unions.exchange, centre: string(up.boxes[0].centre)})
	if !errors.Is(err, fault.Denied) {
		t.Errorf("got %v; want denied", err)
	}
}
