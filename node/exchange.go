package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/gossip"
	"kendro/replication/link"
	"kendro/store/held"
)

// An exchange is the box's part in its upazila (nil for a box that is alone): it keeps sealed copies for
// neighbours, carries their mail where it has a link, and fetches what the hub has
// for them. Nothing of that can be read or altered on the way; a box that lies
// costs a delay.
type exchange struct {
	box   *box.Box
	host  *host
	held  *held.Store
	mail  *mailroom
	books *library
	log   *slog.Logger

	errands *errands

	broken chan error // Holds one: the disk under the copies failed.

	mu     sync.Mutex // Guards what follows.
	hubs   map[uint64]func(protocol.Head)
	guests map[uint64]*guest // Neighbours that we keep for, by session.
	hosts  map[uint64]*ward  // Sessions in which a neighbour keeps for us.
	last   *protocol.Passed  // The newest acknowledgement of the own log.
	told   map[string]uint64 // How far each keeper has heard of it.
}

// A ward is a session in which a neighbour keeps for this box.
type ward struct {
	centre string
	line   replication.Line
	told   time.Time // When something was passed on last.
}

// A guest is a neighbour in a session that it began.
type guest struct {
	neighbour protocol.Neighbour
	uplink    string // Name of its log.
	epochs    map[identity.EpochID]*protocol.Epoch
	grew      func(protocol.Head)
	line      replication.Line
}

// maxGuests bounds the sessions that neighbours may hold at once.
const maxGuests = 64

func newExchange(h *host, dir string, e *errands, log *slog.Logger) (*exchange, error) {
	x := makeExchange(h, e, log)
	var err error
	x.held, err = held.Anew(dir, held.Options{Cipher: h.box.Cipher(), Logger: log})
	return x, err
}

// makeExchange returns an exchange that has no copies yet.
func makeExchange(h *host, e *errands, log *slog.Logger) *exchange {
	return &exchange{
		box: h.box, host: h, mail: newMailroom(), books: newLibrary(), errands: e, log: log, broken: make(chan error, 1),
		hubs: map[uint64]func(protocol.Head){}, guests: map[uint64]*guest{}, hosts: map[uint64]*ward{}, told: map[string]uint64{},
	}
}

// neighbour returns the neighbour that a peer's certificate names.
func (x *exchange) neighbour(peer replication.Peer) (protocol.Neighbour, error) {
	if peer.Subject.Role == identity.RoleNode && peer.Subject.District == x.host.enrolment.District {
		for _, n := range x.box.Contacts().Neighbours {
			if n.Centre == peer.Subject.Name {
				return n, nil
			}
		}
	}
	return protocol.Neighbour{}, fault.New("node.exchange", fault.Denied, peer.Subject.Name, "is no neighbour of this box")
}

// serve takes sessions of neighbours until ctx ends.
func (x *exchange) serve(ctx context.Context, ln net.Listener) {
	defer context.AfterFunc(ctx, func() { _ = ln.Close() })()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		c, ok := conn.(*link.Conn)
		if !ok || !x.room() {
			_ = conn.Close()
			continue
		}
		wg.Go(func() {
			err := link.RunSession(ctx, c, c.Peer(), &keeper{x}, link.OnNote(x.note))
			if err != nil && !errors.Is(err, fault.Unavailable) {
				x.log.Warn("a neighbour's session ended", "centre", c.Peer().Subject.Name, "err", err)
			}
		})
	}
}

func (x *exchange) room() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.guests) < maxGuests
}

// note takes what a session with a neighbour noticed. A neighbour proves nothing
// about the own log: what it claims of it is told, and that is all.
func (x *exchange) note(n replication.Note) {
	x.log.Info("neighbour's session", "note", n.What.String(), "log", n.Log.String(), "seq", n.At.Seq, "text", n.Text)
}

// kept tells the hub that there is more of a log that is being handed in.
func (x *exchange) kept(h protocol.Head) {
	if x.errands.grew(h.Log) {
		x.offer(h)
	}
}

func (x *exchange) offer(h protocol.Head) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, grew := range x.hubs {
		grew(h)
	}
}

// released takes a server's word, which has been verified, about a neighbour's log:
// what it covers is let go, and its owner is told.
func (x *exchange) released(p protocol.Passed) error {
	if x == nil || !x.box.Counts(&p.Ack) {
		return nil // Of a register that is no more: it releases nothing.
	}
	if _, err := x.held.Acknowledge(p); err != nil {
		x.fail(err)
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, g := range x.guests {
		if g.uplink == p.Ack.Log.Name && g.line.Pass != nil {
			g.line.Pass(p)
		}
	}
	return nil
}

// fail ends the box after a write or sync of the copies failed; other errors pass.
func (x *exchange) fail(err error) {
	if !errors.Is(err, fault.Stopped) {
		return
	}
	select {
	case x.broken <- err:
	default:
	}
}

// watch returns the first failure of the disk, or nil when ctx ends.
func (x *exchange) watch(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-x.broken:
		return err
	}
}

// acked takes a server's word about the own log. Those who keep copies hear of the
// newest at the next look.
func (x *exchange) acked(p protocol.Passed) {
	if x == nil || !x.box.Counts(&p.Ack) {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.covers(&p.Ack) {
		return
	}
	x.last = &p
}

// covers reports whether the newest acknowledgement says as much. The caller holds mu.
func (x *exchange) covers(a *protocol.Ack) bool {
	return x.last != nil && x.last.Ack.Log == a.Log && x.last.Ack.Incarnation == a.Incarnation && x.last.Ack.At.Seq >= a.At.Seq
}

// knew reports whether an acknowledgement of the own log is no news: the box keeps
// one that goes as far, and so does the exchange for those who hold copies.
func (x *exchange) knew(a *protocol.Ack) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.covers(a) && x.box.Acknowledged().Seq >= a.At.Seq
}

// tellAll passes the newest acknowledgement on to those who keep copies.
func (x *exchange) tellAll() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, w := range x.hosts {
		x.tell(w)
	}
}

// tell passes the newest acknowledgement on to a keeper. The caller holds mu.
func (x *exchange) tell(w *ward) {
	if x.last != nil && x.told[w.centre] < x.last.Ack.At.Seq {
		w.line.Pass(*x.last)
		x.told[w.centre], w.told = x.last.Ack.At.Seq, x.errands.clock()
	}
}

// untell forgets a session with a keeper. What was passed on just before it ended
// may not have arrived.
func (x *exchange) untell(session uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if w := x.hosts[session]; w != nil && x.errands.clock().Sub(w.told) < lingerFor(x.errands.wait) {
		delete(x.told, w.centre)
	}
	delete(x.hosts, session)
}

// unaware lists the keepers that hold what a server has signed for meanwhile.
func (x *exchange) unaware() (centres []string) {
	holds := x.box.Keepers()
	x.mu.Lock()
	defer x.mu.Unlock()
	for centre, at := range holds {
		if x.last != nil && x.told[centre] < min(at.Seq, x.last.Ack.At.Seq) {
			centres = append(centres, centre)
		}
	}
	slices.Sort(centres)
	return centres
}

// begin and end frame a session with a server.
func (x *exchange) begin(session uint64, grew func(protocol.Head)) (end func()) {
	if x == nil {
		return func() {}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hubs[session] = grew
	return func() {
		x.mu.Lock()
		delete(x.hubs, session)
		x.mu.Unlock()
		x.mail.hubLeft(session)
		x.books.hubLeft(session)
	}
}

// handIn offers the hub what is to be handed in of the neighbours' logs.
func (x *exchange) handIn(linked bool, peers func() []gossip.Peer) {
	shelves := x.held.Shelves()
	if len(shelves) == 0 {
		x.errands.look(linked, nil, nil)
		return
	}
	list, asking := peers(), x.mail.readers()
	x.mu.Lock()
	asks := map[string]bool{}
	for _, g := range x.guests {
		asks[g.uplink] = asks[g.uplink] || asking[g.neighbour.Centre]
	}
	x.mu.Unlock()
	due := x.errands.look(linked, shelves, func(log protocol.LogID) author {
		return authorOf(log, x.box.Centre(), list, asks[log.Name])
	})
	for _, h := range due {
		x.offer(h)
	}
}

func (x *exchange) guest(peer replication.Peer) (*guest, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if g := x.guests[peer.Session]; g != nil {
		return g, nil
	}
	return nil, fault.New("node.exchange", fault.Internal, peer.Subject.Name, "a session that was not opened")
}

// vouched verifies a passed acknowledgement by the server that signed it.
func (x *exchange) vouched(cert []byte, a *protocol.Ack) (protocol.Passed, error) {
	public, err := x.host.server(cert)
	if err != nil {
		return protocol.Passed{}, err
	}
	return protocol.Passed{Ack: *a, Cert: cert}, a.Verify(public)
}
