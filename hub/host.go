package hub

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// A host is this server as nodes' sessions see it: it takes their uplinks, and
// offers them their inbox and the catalogue.
type host struct {
	*inquiries
	*words

	group    *group
	keys     *openKeys
	notices  *notices
	ingester *ingester
	sealer   *sealer
	shelf    *shelf
	log      *slog.Logger

	// bring takes a block into the register, wherever the leader is; nil is the
	// group's way.
	bring func(ctx context.Context, in *intake, c *ingestCall, answer func(ingestAnswer, error))
	// caughtUp waits until all that the leader had is applied here; nil is the group's.
	caughtUp func() bool

	holding *holding // What no leader takes; nil refuses it.
	bases   bases
	eager   bool // A base of the catalogue is offered also where it saves nothing.

	mu       sync.Mutex // Guards sessions.
	sessions map[uint64]*intake
}

var (
	_ replication.Host   = (*host)(nil)
	_ replication.Finder = (*host)(nil)
	_ replication.Relay  = (*host)(nil)

	_ replication.BaseWriter = (*host)(nil)
	_ replication.Overseer   = (*host)(nil)
	_ replication.Informant  = (*host)(nil)
	_ replication.Minder     = (*host)(nil)
)

// An intake is what one session brings. Its methods are called one at a time.
type intake struct {
	peer   replication.Peer
	epochs map[identity.EpochID]*protocol.Epoch
	stale  bool      // What the box was told may be older than what it has already brought.
	up     *upstream // To the leader, nil until needed; guarded by host.mu.
	sub    *subscription
	more   []func() // End what was subscribed to for logs that the peer carries.

	line    replication.Line                     // Into the session; this and what follows is guarded by host.mu.
	settled map[protocol.LogID]protocol.Position // How far the leader has answered.
	held    map[protocol.LogID]bool              // Something of these logs was only held.
}

// maxIntroduced bounds the epochs that one session may introduce; a node has one
// a run, a day at most, and carries those of its neighbours.
const maxIntroduced = 1024

// A porter meets who comes by the sync protocol: for a session, or with documents that
// travel beside one.
type porter struct {
	host   *host
	papers *papers
}

// serve begins one session with a node, or takes its documents. done is called when
// that is over.
func (p *porter) serve(ctx context.Context, conn *link.Conn, done func()) {
	note := func(n replication.Note) {
		if n.What == replication.Forked || n.What == replication.WeRefused {
			p.host.log.Warn("a sync session noted", "what", n.What.String(), "log", n.Log.String(), "seq", n.At.Seq, "kind", n.Kind.Error())
		}
		if p.forgot(ctx, &n) {
			p.host.log.Error(olderRegister, "centre", conn.Peer().Subject.Name, "seq", n.At.Seq)
		}
	}
	ended := func(err error) {
		defer done()
		if err != nil && !errors.Is(err, fault.Unavailable) {
			p.host.log.Warn("a sync session ended", "centre", conn.Peer().Subject.Name, "err", err)
		}
	}
	first, err := conn.First()
	switch {
	case err != nil:
		ended(err)
	case first.Hello != nil && first.Hello.Documents == protocol.DocumentStream:
		ended(link.ServePapers(ctx, conn, conn.Peer(), p.papers))
	default:
		link.BeginSession(ctx, conn, conn.Peer(), p.host,
			link.OnEnd(ended), link.OnNote(note), link.Carriage(protocol.TakesDocuments), link.Answers(), link.Endure(link.Patience{}))
	}
}

// olderRegister is for the operator of a hub whose servers all stand where they stood before.
const olderRegister = "a box was told in its inbox what this register does not know: if its folder was put back from a copy, it has forgotten what came since, orders of erasure among it, and what it says now does not reach that box; see docs/when-every-server-is-lost.md"

// forgot reports whether a session noted that the box was told more than this register knows, or
// otherwise: what a register says in an inbox it never takes back, so it was put back
// from a copy of before. A server that only lags behind the leader catches up first.
func (p *porter) forgot(ctx context.Context, n *replication.Note) bool {
	if n.Log.Channel != protocol.Inbox || n.Log.Incarnation != p.host.group.register().Incarnation() {
		return false
	}
	switch n.What { //nolint:exhaustive // The others are about a peer, and not about what it was told.
	case replication.Forked:
		return true
	case replication.PeerRefused:
		return n.Kind == fault.Conflict
	case replication.PeerAhead:
		if !p.host.fresh(ctx) {
			return false
		}
		at, err := p.host.group.register().LogHead(n.Log)
		return err == nil && at.Seq < n.At.Seq
	}
	return false
}

// Open admits an enrolled box.
func (s *host) Open(peer replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	refused := func(err error) ([]protocol.Head, []protocol.LogID, []byte, func(), error) {
		return nil, nil, nil, nil, err
	}
	node, err := s.admit(peer)
	if err != nil {
		return refused(err)
	}
	fresh := s.fresh(context.Background())
	logs := s.logs(node)
	sub := &subscription{tell: grew}
	sub.reread = func() {
		heads, err := s.heads(node)
		if err != nil {
			return // The session notices with its next request.
		}
		for _, h := range heads {
			grew(h)
		}
	}
	cancel := s.notices.subscribe(logs, sub)
	if have, err = s.heads(node); err != nil {
		cancel()
		return refused(err)
	}
	in := &intake{peer: peer, epochs: map[identity.EpochID]*protocol.Epoch{}, sub: sub, stale: !fresh}
	s.mu.Lock()
	s.sessions[peer.Session] = in
	s.mu.Unlock()
	s.log.Debug("session begins", "centre", peer.Subject.Name)
	want = []protocol.LogID{logs[0], logs[1], {Channel: protocol.Uplink, Name: protocol.Every}}
	return have, want, s.keys.certs.Load().signing, func() {
		cancel()
		s.forget(peer)
	}, nil
}

// Met notes where a box says that its neighbours reach it. A failure costs them a
// hint, and the next session tells again.
func (s *host) Met(ctx context.Context, peer replication.Peer) {
	node, ok := s.group.register().SlotOwner(peer.Subject.Slot)
	if !ok || peer.Gossip == "" || peer.Gossip == node.Gossip {
		return
	}
	place := &register.NodePlace{Slot: node.Slot, Gossip: peer.Gossip}
	if _, err := s.group.do(ctx, register.NewCommand(drawID(), register.ActorHub, register.NodeAddress, place)); err != nil {
		s.log.Warn("a box's gossip address is not noted", "centre", peer.Subject.Name, "err", err)
	}
}

// admit returns the box that the peer's certificate names.
func (s *host) admit(peer replication.Peer) (*register.Node, error) {
	const op = "hub.Open"
	reg := s.group.register()
	if peer.Subject.Role != identity.RoleNode || peer.Subject.District != s.keys.District {
		return nil, fault.New(op, fault.Denied, peer.Subject.Name, "no box of this district")
	}
	if reg.Founding() == nil {
		return nil, fault.New(op, fault.Unavailable, peer.Subject.Name, "this server has not caught up yet: ask another")
	}
	node, ok := reg.SlotOwner(peer.Subject.Slot)
	switch {
	case !ok:
		return nil, fault.New(op, fault.Unavailable, peer.Subject.Name, "this server does not know the box yet: ask again")
	case node.RevokedAt != 0:
		return nil, fault.New(op, fault.Denied, peer.Subject.Name, "the box was revoked: enrol it again")
	case string(node.Centre) != peer.Subject.Name:
		return nil, fault.New(op, fault.Denied, peer.Subject.Name, "the slot belongs to another centre")
	}
	return node, nil
}

// fresh waits until this server has applied what the leader had, so that a box is
// not told less of its log than the register holds: a box that was put back to an
// older state would go on from there. Without a leader it is false.
func (s *host) fresh(ctx context.Context) bool {
	if s.caughtUp != nil {
		return s.caughtUp()
	}
	ctx, cancel := context.WithTimeout(ctx, freshFor)
	defer cancel()
	index, err := s.group.newest.ask(ctx, s.group.leaderIndex)
	return err == nil && s.group.progress.wait(ctx, index)
}

// logs are the logs between us and a box: first the two uplinks that we want, last
// those of the centre's earlier boxes, which it may have back.
func (s *host) logs(n *register.Node) []protocol.LogID {
	district := s.keys.District
	logs := []protocol.LogID{
		{Channel: protocol.Uplink, Name: district + "-" + n.Slot},
		{Channel: protocol.Uplink, Name: district + "-" + n.Spare},
		{Channel: protocol.Inbox, Name: string(n.Centre)},
		{Channel: protocol.Catalogue, Name: district},
	}
	for _, name := range s.group.register().Former(n) {
		logs = append(logs, protocol.LogID{Channel: protocol.Uplink, Name: name})
	}
	return logs
}

// heads says how far the register holds those logs.
func (s *host) heads(n *register.Node) ([]protocol.Head, error) {
	reg := s.group.register()
	var have []protocol.Head
	for _, log := range s.logs(n) {
		if log.Channel != protocol.Uplink {
			continue
		}
		_, slot, _ := strings.Cut(log.Name, "-")
		cursors, err := reg.Cursors(slot)
		if err != nil {
			return nil, err
		}
		have = append(have, cursors...)
	}
	for _, log := range []protocol.LogID{reg.Inbox(n.Centre), reg.Shelf()} {
		at, err := reg.LogHead(log)
		if err != nil && !errors.Is(err, fault.NotFound) {
			return nil, err
		}
		have = append(have, protocol.Head{Log: log, At: at})
	}
	return have, nil
}

func (s *host) forget(peer replication.Peer) {
	s.mu.Lock()
	in := s.sessions[peer.Session]
	delete(s.sessions, peer.Session)
	s.mu.Unlock()
	if in == nil {
		return
	}
	for _, cancel := range in.more {
		cancel()
	}
	if in.up != nil {
		in.up.close()
	}
}

func (s *host) session(peer replication.Peer) (*intake, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.sessions[peer.Session]
	if in == nil {
		return nil, fault.New("hub.host", fault.Internal, peer.Subject.Name, "a session that was not opened")
	}
	return in, nil
}

// Load cuts blocks from the box's inbox and the catalogue.
func (s *host) Load(_ context.Context, peer replication.Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	node, err := s.admit(peer)
	if err != nil {
		return nil, nil, err
	}
	switch log.Channel { //nolint:exhaustive // The others are logs themselves.
	case protocol.InboxBase:
		return s.loadState(node, peer, log, from.Seq, limit)
	case protocol.CatalogueBase:
		blocks, err := s.shelf.loadState(log, from.Seq, limit, peer.Reads())
		return nil, blocks, err
	}
	reg := s.group.register()
	reader := s.readerOf(node, log)
	if reader == nil {
		return nil, nil, fault.New("hub.Load", fault.NotFound, log.String(), "not a log that this box may read here")
	}
	run, err := reg.LogEvents(log, from.Seq, limit)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil, nil, nil // The peer is ahead of this server.
	case errors.Is(err, fault.Damaged) && log.Channel == protocol.Uplink:
		return nil, nil, nil // A block of it that nobody could open: what lies behind stays here.
	case err != nil || len(run.Events) == 0:
		return nil, nil, err
	}
	run.Reads = peer.Reads()
	if run.Erased() && !run.Reads.Reads(protocol.CodecErased) {
		return nil, nil, nil // A program of before stays in front of what was erased.
	}
	if log.Channel == protocol.Catalogue {
		b, err := s.shelf.block(run)
		return nil, []protocol.Block{b}, err
	}
	return s.sealer.pack(run, reader)
}

// Introduce takes up an epoch that the box, or one that it carries for, seals in.
// The judge verifies it by the author of the block that needs it.
func (s *host) Introduce(_ context.Context, peer replication.Peer, e *protocol.Epoch) error {
	if _, err := s.admit(peer); err != nil {
		return err
	}
	if err := e.Check(); err != nil {
		return err
	}
	in, err := s.session(peer)
	if err != nil {
		return err
	}
	if len(in.epochs) >= maxIntroduced {
		return fault.New("hub.Introduce", fault.Limited, peer.Subject.Name, "too many epochs in one session")
	}
	in.epochs[e.ID] = e
	return nil
}

// Acknowledged is not for a hub: nobody acknowledges its logs.
func (s *host) Acknowledged(_ context.Context, peer replication.Peer, _ *protocol.Ack) error {
	return fault.New("hub.Acknowledged", fault.Invalid, peer.Subject.Name, "a box acknowledges nothing")
}

// Store takes a block of the box's uplink into the register, through the leader.
func (s *host) Store(ctx context.Context, peer replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	in, err := s.session(peer)
	if err != nil {
		done(protocol.Position{}, nil, err)
		return
	}
	c := &ingestCall{Epoch: in.epochs[b.Header.Epoch], Block: *b}
	answer := func(a ingestAnswer, err error) {
		switch {
		case errors.Is(err, fault.Unavailable) && s.holding != nil:
			s.hold(in, c, err, done)
			return
		case err != nil:
			done(protocol.Position{}, nil, err)
			return
		}
		s.settledAt(in, b.Header.Log, a.At)
		ack := &protocol.Ack{Log: b.Header.Log, At: a.At, Index: a.Index, Incarnation: a.Incarnation}
		ack.Sign(s.keys.signer)
		done(a.At, ack, nil)
	}
	if err := s.takes(peer, b.Header.Log); err != nil {
		done(protocol.Position{}, nil, err)
		return
	}
	if s.holding.holds(b.Header.Log) || s.holding.leaderless() {
		s.hold(in, c, fault.New("hub.Store", fault.Unavailable, b.Header.Log.String(), "no server leads now"), done)
		return
	}
	if in.stale {
		in.stale = !s.fresh(ctx)
		done(protocol.Position{}, nil, fault.New("hub.Store", fault.Unavailable, b.Header.Log.String(), "this server had not caught up: send again"))
		return
	}
	if s.bring != nil {
		s.bring(ctx, in, c, answer)
		return
	}
	if s.group.leads() {
		s.ingester.ingest(ctx, c, answer)
		return
	}
	s.forward(ctx, in, c, answer)
}
