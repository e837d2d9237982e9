package hub

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/link"
	"kendro/store/cabinet"
	"kendro/web/api"
)

// A Hub is one server of a district's group. It is safe for concurrent use.
type Hub struct {
	o        Config
	keys     *openKeys
	packer   *protocol.Packer
	disk     *disk
	endpoint *link.Endpoint
	wire     *raft.NetworkTransport
	group    *group
	members  *membership
	board    *switchboard
	host     *host
	Documents
	notices  *notices
	progress *progress
	recount  *recounter
	sweeper  *sweeper
	asked    asked
	clock    *officeClock
	fatal    *fatal
	closing  sync.Once
	closed   error // Written by closing.
}

// Open opens the server in c.Dir, binds its port and takes part in Raft. Nodes
// and calls are served by Run. A folder without a server is [fault.NotFound];
// stored data that can't be trusted is [fault.Damaged], with the remedy, for which
// [Rejoin] may know a way; a port
// that can't be bound is [fault.Unavailable].
func Open(c Config) (h *Hub, err error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	if err := finishRejoin(c.Dir); err != nil {
		return nil, err
	}
	keys, err := loadKeys(c.Dir)
	if _, have := os.Stat(filepath.Join(c.Dir, raftFolder)); have == nil && errors.Is(err, fault.NotFound) {
		return nil, fault.New("hub.Open", fault.Damaged, keyringFile, "is gone, and the server's records are here: put the file back from a copy, or "+rejoin)
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(keys.mend(c.Dir, c.Logger), keys.renew(c.Dir, c.Clock())); err != nil {
		return nil, err
	}
	clock := newOfficeClock(c.Clock, c.Logger)
	c.Clock = clock.now
	h = &Hub{
		o: c, keys: keys, packer: protocol.NewPacker(), notices: &notices{}, asked: newAsked(c.Connectors), clock: clock,
		fatal: &fatal{log: c.Logger, happened: make(chan struct{})},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
			h = nil
		}
	}()
	opener := newOpener(h.packer, keys.district)
	h.disk, err = openDisk(diskOptions{
		secret: cabinetSecret(keys),
		dir:    c.Dir, boxKey: c.BoxKey, district: keys.District, opener: opener, fail: h.fatal.set, step: c.step, log: c.log, logger: c.Logger, clear: c.clear,
	})
	if err != nil {
		return h, err
	}
	h.progress = newProgress(h.Register().Applied())
	if err := h.connect(); err != nil {
		return h, err
	}
	zone := keys.zone(c.Logger)
	if err := h.take(zone); err != nil {
		return h, err
	}
	h.recount = &recounter{register: h.Register, clock: c.Clock, zone: zone, log: c.Logger}
	h.sweeper = &sweeper{group: h.group, disk: h.disk, dir: c.Dir, clock: c.Clock, within: c.EraseWithin, snapshot: h.Snapshot}
	h.furnish(&judge{register: h.Register, opener: opener, zone: zone, forms: catalogue.NewIntake})
	return h, nil
}

// furnish makes what answers others.
func (h *Hub) furnish(j *judge) {
	in := &ingester{group: h.group, judge: j, clock: h.o.Clock}
	h.group.judged = func(ctx context.Context, c *register.Command) error {
		return j.command(ctx, h.Register(), c, h.o.Clock())
	}
	h.board = &switchboard{
		group: h.group, members: h.members, ingester: in,
		registrar: &registrar{group: h.group, keys: h.keys, clock: h.o.Clock, guesses: api.UnknownNumbers()},
	}
	h.Documents = Documents{papers: &papers{group: h.group, opener: j.opener, keys: map[epochOf]*identity.EpochKey{}}}
	h.papers.tray = cabinet.NewTray(h.disk.documents, documentPreset(h.o.Dir))
	h.board.papers = h.papers
	h.host = &host{
		group: h.group, keys: h.keys, notices: h.notices, ingester: in, log: h.o.Logger, sessions: map[uint64]*intake{},
		sealer: &sealer{packer: h.packer, own: h.keys, clock: h.o.Clock, keys: map[identity.KeyID]*sealing{}},
		shelf:  newShelf(h.group.register, h.packer, h.keys, nil),
	}
	h.papers.admit = h.host.admit
	h.host.inquiries, h.host.words = newInquiries(h.host, h.o.Clock), &words{h.host.admit, h.host.group}
	h.sweeper.papers = h.papers
	h.host.holding = &holding{
		group: h.group, store: h.disk.held, judge: j, ingester: in, keys: h.keys, kick: make(chan struct{}, 1), tell: h.host.heldSettled,
	}
	h.board.holding = h.host.holding
}

// connect binds the port.
func (h *Hub) connect() error {
	cert, err := h.keys.certificate()
	if err != nil {
		return err
	}
	o := link.Options{
		Listen: h.o.Listen, Conn: h.o.Conn, Certificate: cert, Authority: h.keys.authority, Self: h.keys.subject(),
		Serve:   []string{link.ALPNSync, link.ALPNRaft, link.ALPNHub, link.ALPNEnrol},
		Revoked: h.revoked, Logger: h.o.Logger, Clock: h.o.Clock, ResetKey: derive(h.keys.TLSSeed, "kendro-reset-1"),
	}
	if h.endpoint, err = openEndpoint(o, h.o.Dir); err != nil {
		return err
	}
	return nil
}

// take joins Raft.
func (h *Hub) take(zone *time.Location) (err error) {
	address := advertised(h.o.Advertise, h.endpoint.Addr())
	h.group = &group{
		id: h.keys.ID, register: h.Register, endpoint: h.endpoint, progress: h.progress, newest: newShared(), fatal: h.fatal, log: h.o.Logger,
		levels: levels{turn: make(chan struct{}, 1)},
	}
	h.group.book = &addressBook{known: h.group.knownAddress}
	h.members = &membership{group: h.group, keys: h.keys, clock: h.clock, replaying: h.replaying, address: address, dir: h.o.Dir}
	h.members.http.Store(&h.o.HTTP)
	if h.keys.Founder {
		if err := h.disk.found(h.keys.ID, address); err != nil {
			return err
		}
	}
	h.wire = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  &raftWire{Listener: h.endpoint.Accept(link.ALPNRaft), endpoint: h.endpoint, advertise: address},
		MaxPool: 3, MaxRPCsInFlight: 2, Timeout: h.o.rpcTimeout(),
		ServerAddressProvider: h.group.book, Logger: newRaftLogger(h.o.Logger),
	})
	h.wire.TimeoutScale = 16 << 10 // A snapshot is not only carried in its time, but imported.
	if h.group.raft, err = h.newRaft(); err != nil {
		return err
	}
	h.disk.votes.serving.Store(true)
	h.group.proposer = newProposer(func(entry []byte) raft.ApplyFuture { return h.group.raft.Apply(entry, 0) },
		func() (uint64, protocol.Hash) { return h.Register().Digest() }, func() time.Time { return h.clock.first().In(zone) })
	return nil
}

// newRaft starts Raft; what it panics with over a disk that can't be read or
// written becomes an error.
func (h *Hub) newRaft() (r *raft.Raft, err error) {
	const op = "hub.Open"
	defer func() {
		if p := recover(); p != nil {
			cause, _ := p.(error)
			err = fault.Wrap(op, fault.Stopped, "raft", errors.Join(h.fatal.get(), cause))
			if err == nil {
				panic(p)
			}
		}
	}()
	cache, err := raft.NewLogCache(512, h.disk.log)
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Internal, Item: "raft", Err: err}
	}
	machine := &machine{states: h.disk.states, anew: h.disk.anew, grown: h.grown, fail: h.fatal.set, log: h.o.Logger}
	r, err = raft.NewRaft(h.o.raftConfig(h.keys.ID), machine, cache, h.disk.votes, h.disk.states, h.wire)
	return r, fault.Wrap(op, fault.Internal, "raft", err)
}

// grown passes on what an entry brought; nil stands for another register.
func (h *Hub) grown(out *register.Outcome) {
	if out == nil {
		h.progress.reach(h.Register().Applied())
		h.notices.reread()
		return
	}
	h.notices.publish(out.Grew)
	h.progress.reach(out.Index)
}

// revoked reports whether a machine may not speak with us any more.
func (h *Hub) revoked(s identity.Subject) bool {
	reg := h.Register()
	if s.Role == identity.RoleServer {
		server, ok := reg.Server(s.Name)
		return ok && server.RemovedAt != 0
	}
	node, ok := reg.SlotOwner(s.Slot)
	return ok && node.RevokedAt != 0
}

// Register returns this server's register. After a snapshot from another server
// was installed it is another one, and the former answers [fault.Stopped]: don't
// keep it.
func (h *Hub) Register() *register.Register { return h.disk.states.register() }

// Sessions returns the issuer of bearer tokens, equal on all servers of the
// district.
func (h *Hub) Sessions() *identity.Sessions { return identity.NewSessions(h.keys.sessionSecret()) }

// Addr returns the address that is bound.
func (h *Hub) Addr() net.Addr { return h.endpoint.Addr() }

// Metered returns the bytes of UDP payload that this server has sent and received.
func (h *Hub) Metered() (out, in uint64) { return h.endpoint.Metered() }

// District returns the code of the district.
func (h *Hub) District() string { return h.keys.District }

// Run serves until ctx ends or the server must stop, waits for every goroutine,
// and closes the server. The error is nil when ctx ended: [fault.Stopped] for a
// disk that failed, [fault.Damaged] for data that was altered.
func (h *Hub) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	for alpn, serve := range map[string]func(_ context.Context, _ *link.Conn, done func()){
		link.ALPNHub: until(h.board.serveHub), link.ALPNEnrol: until(h.board.serveEnrol), link.ALPNSync: (&porter{h.host, h.papers}).serve,
	} {
		wg.Go(func() { h.accept(ctx, alpn, serve) })
	}
	for _, part := range []func(context.Context){h.follow, (&clockwatch{h.group, h.clock}).run, h.foundDistrict, h.members.settle, h.members.tend, h.upkeep, (&timekeeper{h.group, h.o.Clock}).keep, (&weigher{h.group, h.host.ingester.judge, h.o.Clock}).keep, (&inquiry{h.group, h.o.Clock, h.o.Connectors, h.asked}).run, h.papers.collect, h.host.holding.run, h.recount.run, h.sweeper.run, (&notary{group: h.group, keys: h.keys}).run, (&sealkeeper{h.group, h.keys, h.o.Dir}).run, expirerOf(h).run} {
		wg.Go(func() { part(ctx) })
	}
	select {
	case <-ctx.Done():
		h.group.handOver()
	case <-h.fatal.happened:
	}
	cancel()
	err := h.Close()
	wg.Wait()
	return errors.Join(h.fatal.get(), err)
}

// follow passes on who leads.
func (h *Hub) follow(ctx context.Context) { h.group.follow(ctx, h.host.leaderChanged) }

// until is serve that is done when it returns.
func until(serve func(context.Context, *link.Conn)) func(context.Context, *link.Conn, func()) {
	return func(ctx context.Context, conn *link.Conn, done func()) {
		defer done()
		serve(ctx, conn)
	}
}

// accept serves the streams of one protocol, each in a goroutine of its own, and
// waits until all are done.
func (h *Hub) accept(ctx context.Context, alpn string, serve func(_ context.Context, _ *link.Conn, done func())) {
	l := h.endpoint.Accept(alpn)
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		conn, ok := c.(*link.Conn)
		if !ok {
			panic("hub: the link hands out its own streams")
		}
		wg.Add(1)
		go serve(ctx, conn, wg.Done)
	}
}

// Close ends a server whose Run was not called, or has ended.
func (h *Hub) Close() error {
	h.closing.Do(func() { h.closed = h.close() })
	return h.closed
}

// close ends everything in the reverse order of its beginning.
func (h *Hub) close() error {
	var errs []error
	if h.group != nil && h.group.proposer != nil {
		if h.fatal.get() != nil {
			h.group.proposer.abandon()
		}
		h.group.proposer.close()
	}
	if h.group != nil && h.group.raft != nil {
		errs = append(errs, fault.Wrap("hub.Close", fault.Internal, "raft", h.group.raft.Shutdown().Error()))
	}
	if h.wire != nil {
		errs = append(errs, fault.Wrap("hub.Close", fault.Internal, "raft", h.wire.Close()))
	}
	if h.endpoint != nil {
		errs = append(errs, h.endpoint.Close())
	}
	if h.disk != nil {
		errs = append(errs, h.disk.close())
	}
	h.packer.Close()
	return errors.Join(errs...)
}

// fatal is the first reason for which this server must stop.
type fatal struct {
	log      *slog.Logger
	happened chan struct{} // Closed once there is a reason.

	mu  sync.Mutex // Guards err.
	err error
}

func (f *fatal) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
		close(f.happened)
		f.log.Error("this server stops", "err", err)
	}
}

func (f *fatal) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}
