package hub

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/link"
)

// A Hub is one server of a district's group. It is safe for concurrent use.
type Hub struct {
	o        Config
	keys     *openKeys
	disk     *disk
	endpoint *link.Endpoint
	wire     *raft.NetworkTransport
	raft     *raft.Raft
	machine  *machine
	proposer *proposer
	judge    *judge
	packer   *protocol.Packer
	notices  *notices
	progress *progress
	book     *addressBook
	host     *host
	fatal    *fatal
	closing  sync.Once
	closed   error // Written by closing.
	address  string
	fresh    *shared
	changes  changes
}

// Open opens the server in c.Dir, binds its port and takes part in Raft. Nodes
// and calls are served by Run. A folder without a server is [fault.NotFound];
// stored data that can't be trusted is [fault.Damaged], with the remedy; a port
// that can't be bound is [fault.Unavailable].
func Open(c Config) (h *Hub, err error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	keys, err := loadKeys(c.Dir)
	if err != nil {
		return nil, err
	}
	if err := keys.renew(c.Dir, c.Clock()); err != nil {
		return nil, err
	}
	h = &Hub{
		o: c, keys: keys, packer: protocol.NewPacker(), notices: &notices{},
		fatal: &fatal{log: c.Logger, happened: make(chan struct{})}, fresh: newShared(),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
			h = nil
		}
	}()
	opener := newOpener(h.packer, keys.district)
	h.disk, err = openDisk(diskOptions{
		dir: c.Dir, boxKey: c.BoxKey, district: keys.District, opener: opener, fail: h.fatal.set, step: c.step, logger: c.Logger,
	})
	if err != nil {
		return h, err
	}
	h.progress = newProgress(h.Register().Applied())
	h.judge = &judge{register: h.Register, opener: opener, zone: keys.zone(c.Logger)}
	if err := h.connect(); err != nil {
		return h, err
	}
	return h, h.take()
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
	h.address = advertised(h.o.Advertise, h.endpoint.Addr())
	return nil
}

// take joins Raft.
func (h *Hub) take() (err error) {
	h.book = &addressBook{known: h.knownAddress}
	h.machine = &machine{states: h.disk.states, grown: h.grown, fail: h.fatal.set, log: h.o.Logger}
	if h.keys.Founder {
		if err := h.disk.found(h.keys.ID, h.address); err != nil {
			return err
		}
	}
	h.wire = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream:  &raftWire{Listener: h.endpoint.Accept(link.ALPNRaft), endpoint: h.endpoint, advertise: h.address},
		MaxPool: 3, MaxRPCsInFlight: 2, Timeout: h.o.rpcTimeout(),
		ServerAddressProvider: h.book, Logger: newRaftLogger(h.o.Logger),
	})
	h.wire.TimeoutScale = 16 << 10 // A snapshot is not only carried in its time, but imported.
	if h.raft, err = h.newRaft(); err != nil {
		return err
	}
	h.disk.votes.serving.Store(true)
	h.proposer = newProposer(func(entry []byte) raft.ApplyFuture { return h.raft.Apply(entry, 0) },
		func() (uint64, protocol.Hash) { return h.Register().Digest() }, h.o.Clock)
	h.host = newHost(h)
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
	r, err = raft.NewRaft(h.o.raftConfig(h.keys.ID), h.machine, cache, h.disk.votes, h.disk.states, h.wire)
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

// knownAddress is where a server listens, as the register has it.
func (h *Hub) knownAddress(id string) string {
	if s, ok := h.Register().Server(id); ok && s.RemovedAt == 0 {
		return s.Address
	}
	return ""
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
	wg.Go(func() { h.accept(ctx, link.ALPNHub, h.serveHub) })
	wg.Go(func() { h.accept(ctx, link.ALPNEnrol, h.serveEnrol) })
	wg.Go(func() { h.accept(ctx, link.ALPNSync, h.serveSync) })
	wg.Go(func() { h.follow(ctx) })
	wg.Go(func() { h.settle(ctx) })
	wg.Go(func() { h.tend(ctx) })
	wg.Go(func() { h.upkeep(ctx) })
	select {
	case <-ctx.Done():
		h.handOver()
	case <-h.fatal.happened:
	}
	cancel()
	err := h.Close()
	wg.Wait()
	return errors.Join(h.fatal.get(), err)
}

// accept serves the streams of one protocol, each in a goroutine of its own, and
// waits for them.
func (h *Hub) accept(ctx context.Context, alpn string, serve func(context.Context, *link.Conn)) {
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
		wg.Go(func() { serve(ctx, conn) })
	}
}

// handOver passes leadership on before a planned stop, so that the others need
// not miss this server first.
func (h *Hub) handOver() {
	if h.raft.State() != raft.Leader || len(h.raft.GetConfiguration().Configuration().Servers) < 2 {
		return
	}
	if err := h.raft.LeadershipTransfer().Error(); err != nil {
		h.o.Logger.Info("leadership could not be handed over", "err", err)
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
	if h.proposer != nil {
		if h.fatal.get() != nil {
			h.proposer.abandon()
		}
		h.proposer.close()
	}
	if h.raft != nil {
		errs = append(errs, fault.Wrap("hub.Close", fault.Internal, "raft", h.raft.Shutdown().Error()))
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

// openEndpoint binds the port. Port 0 is the one used before, if it is free: the
// others know it.
func openEndpoint(o link.Options, dir string) (*link.Endpoint, error) {
	memory := filepath.Join(dir, "port")
	host, port, err := net.SplitHostPort(o.Listen)
	if o.Conn != nil || err != nil || port != "0" {
		return link.Open(o)
	}
	var last string
	if ok, err := readSummed(memory, 64, &last); err == nil && ok {
		again := o
		again.Listen = net.JoinHostPort(host, last)
		if e, err := link.Open(again); err == nil {
			return e, nil
		}
	}
	e, err := link.Open(o)
	if err != nil {
		return nil, err
	}
	_, port, err = net.SplitHostPort(e.Addr().String())
	if err == nil {
		err = writeSummed(memory, port)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// advertised completes an address with the port that was bound.
func advertised(want string, bound net.Addr) string {
	host, port, err := net.SplitHostPort(want)
	boundHost, boundPort, berr := net.SplitHostPort(bound.String())
	if berr != nil {
		return want
	}
	if err != nil {
		host, port = boundHost, "0"
	}
	if host == "" {
		host = boundHost
	}
	if port == "0" || port == "" {
		port = boundPort
	}
	return net.JoinHostPort(host, port)
}

// nudge is how long a caller waits before it asks again.
const nudge = 50 * time.Millisecond
