package node

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/node/box"
	"kendro/node/counter"
	"kendro/protocol"
	"kendro/replication/gossip"
	"kendro/replication/link"
	"kendro/web/api"
)

// Config is how a node runs. Dir, HTTP, Listen, Clock and Logger are needed.
type Config struct {
	Dir       string
	HTTP      string // host:port of the counter's pages.
	HTTPPlain bool   // A declared proxy speaks TLS in front.
	Listen    string // host:port for QUIC.
	Gossip    string // host:port for gossip; empty goes without.
	// GossipAdvertise is the host:port at which neighbours reach Gossip; empty is
	// what was bound.
	GossipAdvertise string
	GossipPreset    gossip.Preset
	Beacon          uint16        // The UDP port on which boxes of one LAN find each other; 0 goes without.
	Advertise       string        // host:port at which neighbours reach Listen; empty is what was bound, at the host that gossip sees.
	CopyAfter       time.Duration // How long a record waits for its hub before neighbours get copies; 0 is 10 s.
	CertificateAge  time.Duration // How old what is known of a certificate may be where it is verified; 0 is a week.
	BoxKey          []byte        // Opens what lies on the disk, 32 bytes; nil is a file in the folder.
	PortsFile       string        // Gets the chosen addresses as JSON, once all are bound.
	Version         string
	Clock           func() time.Time
	Logger          *slog.Logger
	Free            func(dir string) (uint64, error) // Bytes free on the disk; nil asks the system.
}

// A Node is an open box with its listeners. Run must be called.
type Node struct {
	c         Config
	enrolment protocol.Enrolment
	keys      *keyring
	lock      *os.File

	box        *box.Box
	link       *link.Endpoint
	http       net.Listener
	control    net.Listener
	api        *api.API
	packer     *protocol.Packer
	courier    *courier
	exchange   *exchange
	copier     *copier
	neighbours *neighbours
	renewer    *renewer
}

// Open opens the folder of an enrolled box, brings what it keeps in order and
// binds its addresses. A folder that isn't enrolled is [fault.NotFound], one that
// another process works in [fault.Unavailable], damaged records are
// [fault.Damaged] and named.
func Open(ctx context.Context, c Config) (*Node, error) {
	n := &Node{c: c}
	if err := n.open(ctx); err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

func (n *Node) open(ctx context.Context) error {
	var err error
	if n.enrolment, err = readEnrolment(n.c.Dir); err != nil {
		if missing := n.lost(enrolmentFile, err); missing != nil {
			return missing
		}
		if errors.Is(err, fault.NotFound) {
			return fault.New("node.Open", fault.NotFound, n.c.Dir, "is not enrolled yet: run kendro node enrol --dir "+n.c.Dir+" --token TOKEN")
		}
		return err
	}
	if n.lock, err = lockFolder(n.c.Dir); err != nil {
		return err
	}
	if n.keys, err = openKeyring(n.c.Dir); err != nil {
		return cmp.Or(n.lost(keysFile, err), err)
	}
	authority, err := identity.ParseAuthority(n.enrolment.CA)
	if err != nil {
		return err
	}
	if err := n.makeRoom(); err != nil {
		return err
	}
	if n.box, err = box.Open(filepath.Join(n.c.Dir, recordsFolder), box.Options{
		Enrolment: n.enrolment, Signer: n.keys.signer, Secret: n.keys.secrets.Blind[:],
		BoxKey: n.c.BoxKey, Clock: n.c.Clock, Logger: n.c.Logger, Free: n.c.Free, Online: n.online, Forget: n.forget,
	}); err != nil {
		return err
	}
	if err := n.bind(ctx, authority); err != nil {
		return err
	}
	return n.furnish(authority)
}

// online reports whether the box speaks with a server of its hub just now.
func (n *Node) online() bool {
	_, ok := n.courier.met()
	return ok
}

// lost tells a file that is gone from one that never was: a box with records had
// both of its own.
func (n *Node) lost(file string, err error) error {
	_, have := os.Stat(filepath.Join(n.c.Dir, recordsFolder))
	if records := have == nil; !records || !errors.Is(err, fault.NotFound) {
		return nil
	}
	return fault.New("node.Open", fault.Damaged, filepath.Join(n.c.Dir, file), "is gone, and the box's records are here: put the file back from a copy, or enrol the box again")
}

// lockFolder makes sure that one process works in a folder. The kernel lets go
// of the lock with the process, so a killed one blocks nobody.
func lockFolder(dir string) (*os.File, error) {
	const op = "node.Open"
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Stopped, Item: dir, Err: err}
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fault.New(op, fault.Unavailable, dir, "another kendro works in this folder: stop it first")
	}
	return f, nil
}

// bind opens every address.
func (n *Node) bind(ctx context.Context, authority *identity.Authority) error {
	var err error
	n.renewer = n.newRenewer()
	certificate := *n.renewer.certificate()
	if n.link, err = link.Open(link.Options{
		Listen: n.c.Listen, Certificate: certificate, Authority: authority, Self: n.subject(),
		Logger: n.c.Logger, Clock: n.c.Clock, ResetKey: n.keys.secrets.Reset, Serve: []string{link.ALPNSync},
	}); err != nil {
		return err
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return n.renewer.certificate(), nil
	}}
	if n.http, err = api.Listen(ctx, n.c.HTTP, secure, n.c.HTTPPlain); err != nil {
		return err
	}
	if n.c.Gossip != "" {
		if n.c.Gossip, err = freeAddress(ctx, n.c.Gossip); err != nil {
			return err
		}
	}
	n.control, err = api.ListenControl(n.c.Dir)
	return err
}

// furnish joins the parts.
func (n *Node) furnish(authority *identity.Authority) error {
	n.packer = protocol.NewPacker()
	h := &host{
		box: n.box, enrolment: &n.enrolment, authority: authority, keys: n.keys, packer: n.packer, log: n.c.Logger,
		sealer: &sealer{recipients: n.box.Recipients, signer: n.keys.signer, clock: n.c.Clock, cuts: protocol.NewCuts(n.packer, keptCuts)},
		epochs: map[identity.EpochID]knownEpoch{},
	}
	n.courier = &courier{box: n.box, host: h, enrolment: &n.enrolment, caller: n.link, papers: &paperSource{box: n.box, sealer: h.sealer}, clock: n.c.Clock, log: n.c.Logger, gossip: cmp.Or(n.c.GossipAdvertise, n.c.Gossip)}
	h.fares, h.mindful = &reporter{box: n.box, clock: n.c.Clock}, newMindful(n.box)
	h.asks = newAsker(n.courier.linked)
	n.courier.knocks = n.link.Knocker(n.courier.servers)
	h.greeted = n.courier.meet
	n.courier.expired, n.renewer.servers, n.renewer.use = n.renewer.expired, n.courier.servers, n.link.SetCertificate
	n.courier.back = n.newReturner()
	n.neighbours = &neighbours{
		box: n.box, keys: n.keys, centre: n.enrolment.ID, bind: n.c.Gossip, public: n.c.GossipAdvertise,
		sync: cmp.Or(n.c.Advertise, n.link.Addr().String()), linked: n.courier.linked,
		preset: n.c.GossipPreset, port: n.c.Beacon, clock: n.c.Clock, log: n.c.Logger, news: make(chan struct{}, 1),
	}
	n.courier.changed = n.neighbours.renew
	wait := cmp.Or(n.c.CopyAfter, copyAfter)
	x, err := newExchange(h, filepath.Join(n.c.Dir, recordsFolder, "journal", "held"), newErrands(wait, n.c.Clock), n.c.Logger)
	h.exchange, n.exchange = x, x
	if err != nil {
		return err
	}
	n.copier = newCopier(x, n.link, n.courier.linked, n.neighbours.peers, n.c.Clock)
	n.copier.wait = wait
	metrics := prometheus.NewRegistry()
	if err := n.gauges(metrics); err != nil {
		return err
	}
	mail := &mailbag{h, n.courier.papers}
	n.api, err = counter.New(counter.Options{
		Box: n.box, Doors: counter.NewDoors(n.box, n.keys.secrets.Sessions[:], n.c.Clock), Status: n.sync, Metrics: metrics,
		Mail:        counter.Mail{Export: mail.export, Import: mail.take},
		Certificate: n.enrolment.SigningCert, Authority: n.enrolment.CA, Signer: n.keys.signer.Public(),
		Attest: n.attest, Hub: n.predecessor, Elsewhere: h.asks.ask, CertificateAge: n.c.CertificateAge, Proxied: n.c.HTTPPlain, Version: n.c.Version, Clock: n.c.Clock, Logger: n.c.Logger,
	})
	return err
}

// attest signs what the code of a certificate says, in this box's name.
func (n *Node) attest(a *protocol.Attestation) {
	a.Sign(n.renewer.now.Load().SigningCert, n.keys.signer)
}

func (n *Node) subject() identity.Subject {
	return identity.Subject{
		Country: n.enrolment.Country, District: n.enrolment.District, Role: identity.RoleNode,
		Name: n.enrolment.ID, Slot: n.enrolment.Slot,
	}
}

// Addr returns the addresses that were bound.
func (n *Node) Addr() api.Ports {
	return api.Ports{HTTP: n.http.Addr().String(), QUIC: n.link.Addr().String(), Gossip: n.c.Gossip}
}

// Run serves until ctx ends, lets what is under way finish, and closes
// everything; every goroutine has ended when it returns. It returns the first
// failure: [fault.Stopped] after the disk failed once.
func (n *Node) Run(ctx context.Context) error {
	if n.c.PortsFile != "" {
		if err := api.WriteFile(n.c.PortsFile, n.Addr()); err != nil {
			return errors.Join(err, n.close())
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kept, letGo := context.WithCancel(context.WithoutCancel(ctx)) // The box goes on until nobody asks any more.
	boxed := make(chan error, 1)
	go func() {
		err := n.box.Run(kept)
		cancel()
		boxed <- err
	}()
	served := n.serve(ctx, cancel)
	letGo()
	return errors.Join(<-boxed, served, n.close())
}

// serve runs everything that asks the box.
func (n *Node) serve(ctx context.Context, cancel context.CancelFunc) error {
	stop := n.box.Watch(n.neighbours.grew)
	defer stop()
	errs := make(chan error, 3)
	var wg sync.WaitGroup
	listen := func(ln net.Listener, control bool) {
		defer cancel()
		if control {
			errs <- api.Serve(ctx, ln, api.Control(n.api), n.c.Logger)
			return
		}
		errs <- api.Serve(ctx, ln, n.api, n.c.Logger)
	}
	wg.Go(func() { listen(n.http, false) })
	wg.Go(func() { listen(n.control, true) })
	wg.Go(func() { n.courier.run(ctx) })
	wg.Go(func() { n.courier.host.fares.run(ctx) })
	wg.Go(func() { n.neighbours.run(ctx) })
	wg.Go(func() { n.renewer.run(ctx) })
	wg.Go(func() { n.keepBallast(ctx) })
	wg.Go(func() { speakUp(ctx, n.box, n.c.Logger) })
	wg.Go(func() { n.exchange.serve(ctx, n.link.Accept(link.ALPNSync)) })
	wg.Go(func() { n.copier.run(ctx) })
	wg.Go(func() {
		err := n.exchange.watch(ctx)
		errs <- err
		if err != nil {
			cancel()
		}
	})
	wg.Wait()
	return errors.Join(<-errs, <-errs, <-errs)
}

// close lets go of what Open opened and Run has not closed.
func (n *Node) close() error {
	var errs []error
	if n.packer != nil {
		n.packer.Close()
	}
	if n.link != nil {
		errs = append(errs, n.link.Close())
	}
	for _, ln := range []net.Listener{n.http, n.control} {
		if ln != nil {
			if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if n.exchange != nil && n.exchange.held != nil {
		errs = append(errs, n.exchange.held.Close())
	}
	if n.box != nil {
		errs = append(errs, n.box.Close())
	}
	if n.lock != nil {
		errs = append(errs, n.lock.Close())
	}
	return errors.Join(errs...)
}

// expires returns when the box's session certificate ends.
func (n *Node) expires() time.Time { return n.renewer.ends() }
