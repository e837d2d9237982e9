// Package desk is the HTTP of a hub: the calls of an office's tools, the
// officers' pages and the public's tracking.
//
// Enter at [New]. A call that changes anything becomes one command for the
// register and keeps the caller's Idempotency-Key as the command's ID, so that a
// repeat at any server gets the first answer; a read looks at this server's own
// register, after waiting briefly until it is fresh.
//
// The package refuses to judge: who may do what is [kendro/domain/access]'s, the
// procedure is the register's. It opens no connection to other servers; that is
// [Hub]'s.
package desk

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/hub/search"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication/link"
	"kendro/web"
	"kendro/web/api"
)

// A Hub is the server behind the HTTP. All may be called concurrently.
type Hub interface {
	// Do has a command carried out, at the leader if need be. A repeat with the
	// same ID gets the first answer. Silence is Unavailable: it may have been done.
	Do(ctx context.Context, cmd register.Command) (register.Result, error)
	// Fresh waits, two seconds at most, until this server has applied what the
	// leader had committed. It returns when this server last knew the truth, and
	// whether it may be behind.
	Fresh(ctx context.Context) (asOf time.Time, behind bool)
	// Register is the state to read. Another one may be there after a refetch, so
	// nobody keeps it.
	Register() *register.Register
	// Sessions issues and checks tokens, equal on all servers of the hub.
	Sessions() *identity.Sessions
}

// Config is what a hub's HTTP is made of.
type Config struct {
	Hub    Hub
	Status func() api.HubStatus // How the server and its group are.

	Reveal    func(*protocol.Confidential) (*protocol.Secret, error) // Opens what boxes sealed to the district.
	Documents Documents                                              // Nil: none are served.
	Mail      Mail                                                   // For a USB stick.
	Clock     func() time.Time
	Logger    *slog.Logger
	Version   string
	Traffic   func(link.Purpose) (out, in uint64)                       // Bytes on the network; nil leaves them out of the metrics.
	Attest    func(*protocol.Attestation)                               // Signs what the code of a certificate says; nil: none has a code.
	Receipt   func(protocol.LogID, protocol.Position) protocol.Receipt  // Signs for what was entered here; nil: receipts have no signature.
	Age       time.Duration                                             // How old what is known of a certificate may be; 0 is a week.
	Erase     EraseSchedule                                             // Zero durations: at once.
	Tried     func(connector string, n protocol.Number) (hub.Try, bool) // How far a case has come with another register; nil: none is asked.
	Sealing   Sealing                                                   // What this server does about the district's sealing keys.
	Calls     CallKeeper                                                // Nil: calls at the phone desk end with the process.
	Proxied   bool                                                      // Clients come through a declared proxy, which notes their address.
}

// A Server answers a hub's HTTP.
type Server struct {
	hub     Hub
	status  func() api.HubStatus
	mail    Mail
	clock   func() time.Time
	log     *slog.Logger
	proxied bool

	reveal    func(*protocol.Confidential) (*protocol.Secret, error)
	documents Documents
	attest    func(*protocol.Attestation)
	age       time.Duration
	sign      func(protocol.LogID, protocol.Position) protocol.Receipt
	erase     EraseSchedule
	tried     func(connector string, n protocol.Number) (hub.Try, bool)
	sealing   Sealing
	api       *api.API
	search    searchDesk

	unknown *api.Limiter // Lookups of unknown numbers.
	codes   *api.Codes
	book    *callBook
	gauges  *gauges
}

// New returns the HTTP of a hub. It serves nothing yet: see [Server.Run].
func New(c Config) (*Server, error) {
	s := &Server{
		hub: c.Hub, status: c.Status, mail: c.Mail, clock: c.Clock, log: c.Logger, proxied: c.Proxied,
		unknown:   api.UnknownNumbers(),
		codes:     api.NewCodes(),
		reveal:    c.Reveal,
		documents: c.Documents,
		attest:    c.Attest,
		age:       c.Age,
		sign:      c.Receipt,
		erase:     c.Erase,
		tried:     c.Tried,
		sealing:   c.Sealing,
		book:      newCallBook(&c),
	}
	s.api = api.New(api.Options{
		Title: "Kendro hub", Version: c.Version, Auth: s, Logger: c.Logger, Recast: s.recast,
		Description: "A district's register: desks, tracking, catalogue and the operator's calls.",
	})
	s.search = newSearchDesk(s)
	s.gauges = newGauges(s, c.Traffic)
	s.routes()
	house := web.House{Set: func() *dcat.Set { return c.Hub.Register().Set() }, Area: s.district, Clock: c.Clock}
	if err := web.Desk(s.api, house); err != nil {
		return nil, err
	}
	return s, nil
}

// district is the code of the hub's district, empty before it is founded.
func (s *Server) district() place.Code {
	if f := s.hub.Register().Founding(); f != nil {
		return place.Code(f.District)
	}
	return ""
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.api.ServeHTTP(w, r) }

// Routes lists the calls, for the table in the documentation.
func (s *Server) Routes() []api.Route { return s.api.Routes() }

// Run serves on the listeners until ctx ends, then drains them. Control, which
// may be nil, speaks with the operator's rights.
func (s *Server) Run(ctx context.Context, public, control net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	var indexing sync.WaitGroup
	defer indexing.Wait()
	defer stop()
	indexing.Go(func() { s.search.follow(ctx) })
	ended := make(chan error, 2)
	count := 1
	go func() { ended <- api.Serve(ctx, public, s.api, s.log) }()
	if control != nil {
		count++
		go func() { ended <- api.Serve(ctx, control, api.Control(s.api), s.log) }()
	}
	var errs []error
	for range count {
		errs = append(errs, <-ended)
		stop() // One that fails takes the other along.
	}
	return errors.Join(errs...)
}

// Check returns whom a token speaks for, as he stands now.
func (s *Server) Check(token string) (access.Principal, error) {
	now := s.clock()
	user, err := s.hub.Sessions().Check(token, now)
	if err != nil {
		return access.Principal{}, err
	}
	return s.hub.Register().Principal(user, now.Unix())
}

// do carries out a command for the caller and returns its failure as an error.
func (s *Server) do(ctx context.Context, cmd register.Command) (register.Result, error) {
	res, err := s.hub.Do(ctx, cmd)
	if err == nil && res.Fault != nil {
		err = res.Fault.Err()
	}
	return res, err
}

// command is a command of the caller, under the key of his request.
func command(ctx context.Context, m register.Method, body any) register.Command {
	c := api.CallerOf(ctx)
	return register.NewCommand(c.Key, c.User, m, body)
}

// routes registers every call. docs/roles.md has them as a table.
func (s *Server) routes() {
	newDoor(s).routes()
	overlayDesk{s}.routes()
	proposalDesk{s}.routes()
	s.caseRoutes()
	intakeDesk{s, &forms{}}.routes()
	s.search.routes()
	paperDesk{s, &scans{of: map[protocol.Hash]string{}}}.routes()
	itemDesk{s}.routes()
	doubleDesk{s, new(search.Doubles)}.routes()
	recordDesk{s}.routes()
	reportDesk{s}.routes()
	awaitedDesk{s}.routes()
	callDesk{s, s.book}.routes()
	trainingDesk{s}.routes()
	newAgencyDesk(s).routes()
	s.publicRoutes()
	certificateDesk{s}.routes()
	s.peopleRoutes()
	tokenDesk{s}.routes()
	leaseDesk{s}.routes()
	erasureDesk{s}.routes()
	sealingDesk{s}.routes()
	s.machineRoutes()
	s.bundles()
}

// recast keeps this server from saying that there is no such thing while it has
// not yet applied again what it knew before it was started.
func (s *Server) recast(err error) error {
	if !errors.Is(err, fault.NotFound) || !s.status().Replaying {
		return err
	}
	return &api.Refusal{Rejected: true, Err: &fault.Error{
		Op: "desk", Kind: fault.Unavailable, Item: "this server", Err: errors.New("it was just started and is still reading its log: try again in a moment, or ask another server"),
	}}
}

// notHere is what a read answers about something that the register lacks.
func notHere(item string) error {
	return fault.New("desk", fault.NotFound, item, "no such thing: compare it with the receipt")
}
