package node

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
)

// A host is the box as a sync session sees it: it offers the uplink and wants
// the inbox and the catalogue.
type host struct {
	greeted func(replication.Peer) // Told of every hub that has let us in.

	box       *box.Box
	enrolment *protocol.Enrolment
	authority *identity.Authority
	keys      *keyring
	packer    *protocol.Packer
	sealer    *sealer
	log       *slog.Logger
	exchange  *exchange
	fares     *reporter
	asks      *asker
	mindful   *mindful

	asked atomic.Int32  // How many logs the session with the hub asked for.
	held  atomic.Uint64 // How far a server said that it holds the own log without having signed.

	mu     sync.Mutex // Guards what follows.
	epochs map[identity.EpochID]knownEpoch
	fresh  map[shelfPlace][]byte // Events of the catalogue's log that are on their way to the disk.
}

var (
	_ replication.Host    = (*host)(nil)
	_ replication.Relay   = (*host)(nil)
	_ replication.Witness = (*host)(nil)

	_ replication.BaseReader = (*host)(nil)
	_ replication.Informant  = (*host)(nil)
)

// A knownEpoch opens what one server sealed in one run.
type knownEpoch struct {
	key    *identity.EpochKey
	signer []byte
}

// maxEpochs bounds the epochs remembered: a few servers, a run each.
const maxEpochs = 64

// wanted are the logs that a hub keeps for this centre, of any incarnation.
func (h *host) wanted() []protocol.LogID {
	want := []protocol.LogID{
		{Channel: protocol.Inbox, Name: h.enrolment.ID},
		{Channel: protocol.Catalogue, Name: h.enrolment.District},
	}
	if h.box.Goods() == nil {
		return want // First what the counter needs to open.
	}
	return append(want, h.lost()...)
}

// lost are the uplinks whose records this box keeps as well, where they aren't its
// own: those that it has given up or forgotten, and those of the centre's earlier
// boxes.
func (h *host) lost() []protocol.LogID {
	district := h.enrolment.District + "-"
	names := append([]string{district + h.enrolment.Slot, district + h.enrolment.Spare}, h.box.Contacts().Former...)
	list := make([]protocol.LogID, len(names))
	for i, name := range names {
		list[i] = protocol.LogID{Channel: protocol.Uplink, Name: name}
	}
	return list
}

func (h *host) isWanted(log protocol.LogID) bool {
	switch log.Channel { //nolint:exhaustive // The others are logs themselves.
	case protocol.InboxBase:
		log.Channel = protocol.Inbox
	case protocol.CatalogueBase:
		log.Channel = protocol.Catalogue
	}
	log.Incarnation = 0
	return slices.Contains(h.wanted(), log) // It may have become wanted since the session began.
}

// Open says what the box holds and wants.
func (h *host) Open(peer replication.Peer, grew func(protocol.Head)) (have []protocol.Head, want []protocol.LogID, cert []byte, closed func(), err error) {
	if peer.Subject.Role != identity.RoleServer || peer.Subject.District != h.enrolment.District {
		return nil, nil, nil, nil, fault.New("node.Open", fault.Denied, peer.Subject.Name, "is no server of this district")
	}
	unwatch, end := h.box.Watch(grew), h.exchange.begin(peer.Session, grew)
	closed = func() {
		unwatch()
		end()
		h.fares.leave(peer.Session)
		h.asks.leave(peer.Session)
		h.mindful.leave(peer.Session)
	}
	have, err = h.box.Former()
	if err != nil {
		closed()
		return nil, nil, nil, nil, err
	}
	have = append(have, h.box.Head())
	told := map[protocol.LogID]bool{}
	for i := range have {
		told[have[i].Log] = true
	}
	needs := h.box.NeedsShelf()
	for log, at := range h.box.Held() {
		if needs && log.Channel == protocol.Catalogue {
			continue // Else no base would be offered.
		}
		if !told[log] {
			have = append(have, protocol.Head{Log: log, At: at})
		}
	}
	want = h.wanted()
	if peer.Session != 0 {
		h.asked.Store(int32(len(want)))
	}
	return have, want, nil, closed, nil
}

// outgrown reports whether there are more logs to ask for than when the session
// with the hub began: the counter is open now, or the centre had earlier boxes.
func (h *host) outgrown() bool { return len(h.wanted()) > int(h.asked.Load()) }

// Met takes the hub's first word. Before it nobody knows whether the hub lets this
// box in: in TLS 1.3 our side of the handshake ends before the hub has judged it.
func (h *host) Met(_ context.Context, peer replication.Peer) {
	h.box.Heard()
	h.asks.met(peer)
	h.greeted(peer)
	h.mindful.met(peer.Session)
}

// Join asks for what the hub has for neighbours.
func (h *host) Join(peer replication.Peer, line replication.Line) {
	h.fares.join(peer.Session, line)
	h.asks.join(peer.Session, line)
	h.mindful.join(peer.Session, line)
	if h.exchange != nil {
		h.exchange.mail.hub(peer.Session, line)
		h.exchange.books.hub(peer.Session, line)
	}
}

// Load cuts the own log's events after from into a block, or hands over what is held
// of a neighbour's log.
func (h *host) Load(_ context.Context, peer replication.Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	if log.Channel == protocol.Uplink && !h.isOwn(log) && h.exchange != nil {
		return h.exchange.held.Load(log, from, limit)
	}
	epochs, blocks, err := h.cut(peer, log, from, limit)
	if errors.Is(err, fault.Conflict) {
		h.box.Doubt(log, from, "the hub holds another record than ours")
	}
	return epochs, blocks, err
}

// isOwn reports whether a log is or was one of this box's or of its centre's.
func (h *host) isOwn(log protocol.LogID) bool {
	if log.Name == h.box.Log().Name {
		return true
	}
	log.Incarnation = 0
	return slices.Contains(h.lost(), log)
}

// cut seals a run of an own log.
func (h *host) cut(peer replication.Peer, log protocol.LogID, from protocol.Position, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	run, err := h.box.Tail(log, from, limit)
	switch {
	case errors.Is(err, fault.NotFound):
		return nil, nil, nil // The peer is ahead: the session notes it.
	case err != nil || len(run.Events) == 0:
		return nil, nil, err
	case run.Erased() && !peer.Reads().Reads(protocol.CodecErased):
		return nil, nil, nil // A program of before stays in front of what was erased.
	}
	epoch, introduction, err := h.sealer.now()
	if err != nil {
		return nil, nil, err
	}
	run.Reads = peer.Reads()
	b, err := h.sealer.cuts.Pack(run, epoch, h.keys.signer, nil)
	if err != nil {
		return nil, nil, err
	}
	return []protocol.Epoch{introduction}, []protocol.Block{b}, nil
}

// Introduce takes up an epoch that a server seals in for this box.
func (h *host) Introduce(_ context.Context, _ replication.Peer, e *protocol.Epoch) error {
	public, err := h.server(e.Cert)
	if err != nil {
		return err
	}
	h.mu.Lock()
	known, ok := h.epochs[e.ID]
	h.mu.Unlock()
	if ok && bytes.Equal(known.signer, public) {
		return nil // A server introduces anew in every session.
	}
	if err := e.Verify(public); err != nil {
		return err
	}
	key, err := identity.OpenWrap(h.keys.sealing, e.ID, e.Wraps)
	if errors.Is(err, fault.NotFound) && h.exchange != nil {
		h.exchange.mail.introduce(e) // Sealed for a neighbour, who may be asking for it.
	}
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.epochs) >= maxEpochs {
		clear(h.epochs) // Servers introduce again what they still use.
	}
	h.epochs[e.ID] = knownEpoch{key: key, signer: public}
	return nil
}

// server returns the signing key of a server of this district.
func (h *host) server(cert []byte) ([]byte, error) {
	public, who, err := h.authority.Signer(cert)
	if err != nil {
		return nil, err
	}
	if who.Role != identity.RoleServer || who.District != h.enrolment.District {
		return nil, fault.New("node.verify", fault.Denied, who.Name, "is no server of this district")
	}
	return public, nil
}

// Store verifies a block, opens it and hands its events to the box. More of the
// log that is written here than is here means that this box has lost it.
func (h *host) Store(ctx context.Context, peer replication.Peer, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	if b.Header.Log == h.box.Log() {
		h.box.Doubt(b.Header.Log, protocol.Position{Seq: b.Header.Last, Hash: b.Header.End}, lostHere)
		done(protocol.Position{}, nil, fault.New("node.Store", fault.Unavailable, b.Header.Log.String(), "the box has to give this log up first"))
		return
	}
	if b.Header.Log.Channel == protocol.Inbox && b.Header.Log.Name != h.enrolment.ID && h.exchange != nil {
		h.exchange.mail.put(peer.Session, b, done)
		return
	}
	items, err := h.open(peer, b)
	if err != nil {
		done(protocol.Position{}, nil, err)
		return
	}
	deliver := h.box.Deliver
	switch b.Header.Log.Channel { //nolint:exhaustive // The others are logs themselves.
	case protocol.InboxBase:
		h.box.DeliverState(ctx, b.Header.Log, b.Header.Prev, items, func(at protocol.Position, err error) { done(at, nil, err) })
		return
	case protocol.CatalogueBase:
		deliver = h.box.DeliverShelf
	}
	forget := h.remember(b.Header.Log, items)
	deliver(ctx, b.Header.Log, b.Header.Prev, items, func(at protocol.Position, err error) {
		forget()
		if b.Header.Log.Channel == protocol.Catalogue && h.exchange != nil && err == nil {
			if at.Seq > b.Header.Last { // It was asked for on behalf of a neighbour, who lacks what follows as well.
				at = protocol.Position{Seq: b.Header.Last, Hash: b.Header.End}
			}
			h.exchange.books.add(b, peer.Cert)
		}
		done(at, nil, err)
	})
}

// A shelfPlace is a place in a catalogue's log, or in the state behind its base.
type shelfPlace struct {
	log protocol.LogID
	seq uint64
}

// remember keeps events of the catalogue at hand until they are durable: the next
// block may lean on them.
func (h *host) remember(log protocol.LogID, items []protocol.Item) (forget func()) {
	if log.Channel != protocol.Catalogue && log.Channel != protocol.CatalogueBase {
		return func() {}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fresh == nil {
		h.fresh = map[shelfPlace][]byte{}
	}
	for i := range items {
		h.fresh[shelfPlace{log, items[i].Seq}] = items[i].Raw
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i := range items {
			delete(h.fresh, shelfPlace{log, items[i].Seq})
		}
	}
}

// earlier returns how an event of a catalogue's log is found again.
func (h *host) earlier(log protocol.LogID) func(seq uint64) ([]byte, error) {
	return func(seq uint64) ([]byte, error) {
		h.mu.Lock()
		raw := h.fresh[shelfPlace{log, seq}]
		h.mu.Unlock()
		if raw != nil {
			return raw, nil
		}
		return h.box.Event(log, seq)
	}
}

func (h *host) open(peer replication.Peer, b *protocol.Block) ([]protocol.Item, error) {
	const op = "node.Store"
	if !h.isWanted(b.Header.Log) {
		return nil, fault.New(op, fault.Denied, b.Header.Log.String(), "this box keeps no such log")
	}
	var key *identity.EpochKey
	var public []byte
	switch {
	case b.Header.Sealed():
		h.mu.Lock()
		known, ok := h.epochs[b.Header.Epoch]
		h.mu.Unlock()
		if !ok {
			return nil, fault.New(op, fault.NotFound, b.Header.Epoch.String(), "epoch was not introduced")
		}
		key, public = known.key, known.signer
	case b.Header.Log.Channel != protocol.Catalogue && b.Header.Log.Channel != protocol.CatalogueBase:
		return nil, fault.New(op, fault.Denied, b.Header.Log.String(), "what concerns a centre travels sealed")
	default:
		var err error
		if public, err = h.server(peer.Cert); err != nil {
			return nil, err
		}
	}
	if err := b.Verify(public); err != nil {
		return nil, err
	}
	if key == nil {
		items, err := h.packer.OpenLeaning(b, h.earlier(b.Header.Log))
		if errors.Is(err, fault.Unavailable) {
			h.box.LackShelf()
		}
		return items, err
	}
	return h.packer.Open(b, key)
}

// TakesBases reports whether the box is new: one that has filed anything reads every
// event of its inbox. A catalogue it always begins with a base, where that is worth it.
func (h *host) TakesBases() (inboxes bool, catalogues uint8) {
	catalogues = protocol.TakesShelf
	if h.box.NeedsShelf() {
		catalogues = protocol.NeedsShelf
	}
	return !h.box.Founded(), catalogues
}

// TakeBase begins the inbox or the catalogue with what it adds up to, if a server of this
// district says so.
func (h *host) TakeBase(ctx context.Context, _ replication.Peer, b *protocol.Base) (protocol.Position, error) {
	public, err := h.server(b.Cert)
	if err == nil {
		err = b.Verify(public)
	}
	switch {
	case err != nil:
		return protocol.Position{}, err
	case b.Log.Channel == protocol.Catalogue && h.isWanted(b.Log):
		return h.box.TakeShelf(ctx, b)
	case b.Log.Channel != protocol.Inbox || !h.isWanted(b.Log) || h.box.Founded():
		return protocol.Position{}, fault.New("node.TakeBase", fault.Denied, b.Log.String(), "this box begins no such log with a base")
	}
	return h.box.TakeBase(b), nil
}

// Acknowledged keeps a server's signed statement about the uplink.
func (h *host) Acknowledged(ctx context.Context, peer replication.Peer, a *protocol.Ack) error {
	public, err := h.server(peer.Cert)
	if err != nil {
		return err
	}
	if err := a.Verify(public); err != nil {
		return err
	}
	h.box.Heard()
	p := protocol.Passed{Ack: *a, Cert: peer.Cert}
	if !h.isOwn(a.Log) {
		return h.exchange.released(p)
	}
	if err := h.box.Acknowledge(ctx, a); err != nil {
		return err
	}
	h.exchange.acked(p)
	return nil
}

// Holds takes a server's word that it holds the own log: without a leader it keeps
// blocks as a neighbour does, and signs for them later.
func (h *host) Holds(_ context.Context, peer replication.Peer, head protocol.Head) {
	if head.Log != h.box.Log() || head.At.Seq <= h.box.Acknowledged().Seq {
		return
	}
	h.held.Store(head.At.Seq)
	if err := h.box.Witnessed("server "+peer.Subject.Name, head); err != nil {
		h.log.Warn("a server holds what this box never wrote", "server", peer.Subject.Name, "seq", head.At.Seq, "err", err)
	}
}

// note takes what a session noticed.
func (h *host) note(n replication.Note) {
	h.log.Warn("sync session", "note", n.What.String(), "log", n.Log.String(), "seq", n.At.Seq, "text", n.Text)
	if n.Log.Channel != protocol.Uplink || !h.isOwn(n.Log) {
		return
	}
	switch n.What { //nolint:exhaustive // The others are told, and that is all.
	case replication.PeerAhead:
		if n.Log == h.box.Log() {
			h.box.Doubt(n.Log, n.At, lostHere)
		}
	case replication.Forked:
		h.box.Doubt(n.Log, n.At, "the hub holds another record than ours")
	case replication.PeerRefused:
		if n.Kind == fault.Conflict { // Whether there is a copy, only the inbox says.
			h.box.Doubt(n.Log, n.At, "the hub holds another record than ours")
		}
	}
}

const lostHere = "the hub holds records that are missing here"

// keptCuts is how many bytes of sealed blocks are kept at hand.
const keptCuts = 256 << 10

// epochLife is how long one epoch is used: a day at most.
const epochLife = 24 * time.Hour

// A sealer holds the epoch in which this run seals. The key is never written.
type sealer struct {
	recipients func() [][]byte
	signer     *identity.Signer
	clock      func() time.Time
	cuts       *protocol.Cuts // Two neighbours and a hub want the same, and after a broken link want it again.

	mu    sync.Mutex // Guards all below.
	epoch *identity.Epoch
	to    [][]byte
	intro protocol.Epoch
	until time.Time
}

// now returns the epoch in use and its introduction. A new one is drawn at the first call
// of a run, after a day, and as soon as it is to be sealed to others.
func (s *sealer) now() (*identity.Epoch, protocol.Epoch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := s.recipients()
	if t := s.clock(); s.epoch == nil || !t.Before(s.until) || !slices.EqualFunc(to, s.to, bytes.Equal) {
		e, err := identity.NewEpoch(to...)
		if err != nil {
			return nil, protocol.Epoch{}, err
		}
		s.epoch, s.to, s.intro, s.until = e, to, protocol.NewEpoch(e, nil, s.signer), t.Add(epochLife)
	}
	return s.epoch, s.intro, nil
}
