// Package hubtest runs whole groups of real hub servers inside a test: real
// disks in the test's folder, real Raft over real QUIC on loopback.
//
// Enter at [New] for a group and at [Group.Enrol] for a box that files into it.
// A scenario reads like its title: stop, kill and start servers, file
// applications, and ask that all agree.
//
// The package refuses to be part of what ships: nothing but tests imports it.
package hubtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/pack/bd"
	"kendro/protocol"
)

// District is where every group stands.
const District = "41"

// patience is how long a test waits for what must come.
const patience = 90 * time.Second

// Options shape a group.
type Options struct {
	Voters    int // At least 1.
	NonVoters int
	Trailing  uint64                     // Entries kept behind a marker; 0 is the server's default.
	Every     uint64                     // Entries between markers; 0 is the server's default.
	Verbose   bool                       // Log to stderr.
	Tune      func(i int, c *hub.Config) // Changes what server i is opened with.
}

// A Group is one district's servers.
type Group struct {
	tb       testing.TB
	o        Options
	Servers  []*Server // The founder first.
	Password string    // Of the first operator.
	dir      string
	ids      int
	now      func() time.Time
	socket   func(address string) (net.PacketConn, error) // Nil outside a simulated network.
}

// A Server is one server, running or not.
type Server struct {
	group *Group
	Dir   string
	Hub   *hub.Hub // Nil while it does not run.
	Addr  string   // Where it listens, whenever it runs.

	conn   net.PacketConn
	cancel context.CancelFunc
	ended  chan error
}

// New starts a group of n voters and waits until it has a leader, release 1 and
// all its members.
func New(tb testing.TB, n int) *Group { tb.Helper(); return With(tb, Options{Voters: n}) }

// With starts a group.
func With(tb testing.TB, o Options) *Group {
	tb.Helper()
	g := &Group{tb: tb, o: o, dir: tb.TempDir(), now: time.Now} // First, so that it is removed last.
	tb.Cleanup(func() {
		for _, s := range g.Servers {
			if s.Hub != nil {
				s.cancel()
			}
		}
		for _, s := range g.Servers {
			if s.Hub != nil {
				g.Stop(s)
			}
		}
	})
	first := g.add()
	var err error
	if g.Password, err = hub.Init(first.Dir, hub.InitOptions{District: District, Pack: bd.Pack(), Clock: time.Now}); err != nil {
		tb.Fatal(err)
	}
	g.Start(first)
	g.Wait("release 1", func() bool { return first.Hub.Register().Release() == 1 })
	g.Wait("the founder's address", func() bool { return len(first.Hub.Register().Addresses()) == 1 })
	for i := 1; i < o.Voters+o.NonVoters; i++ {
		g.Join(i < o.Voters)
	}
	g.Settle()
	return g
}

func (g *Group) add() *Server {
	s := &Server{group: g, Dir: filepath.Join(g.dir, "s"+strconv.Itoa(len(g.Servers)))}
	g.Servers = append(g.Servers, s)
	s.listen("127.0.0.1:0")
	s.Addr = s.conn.LocalAddr().String()
	return s
}

// Join adds a server.
func (g *Group) Join(voter bool) *Server {
	g.tb.Helper()
	t := g.Token("")
	s := g.add()
	if err := hub.Join(g.tb.Context(), s.Dir, t, hub.JoinOptions{Address: s.Addr, Voter: voter}); err != nil {
		g.tb.Fatal(err)
	}
	g.Start(s)
	return s
}

// Settle waits until every running server is a member, the voters vote, and one
// leads.
func (g *Group) Settle() {
	g.tb.Helper()
	g.Wait("all members", func() bool {
		l := g.leader()
		if l == nil {
			return false
		}
		voters, members := 0, l.Hub.Members()
		for _, m := range members {
			if m.Voter {
				voters++
			}
		}
		return len(members) >= len(g.Servers) && voters >= g.o.Voters
	})
}

func (s *Server) listen(address string) {
	s.group.tb.Helper()
	if s.group.socket != nil {
		c, err := s.group.socket(address)
		if err != nil {
			s.group.tb.Fatal(err)
		}
		s.conn = c
		return
	}
	a, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		s.group.tb.Fatal(err)
	}
	s.group.Wait("the address "+address+", which another test's socket may have got meanwhile", func() bool {
		c, err := net.ListenUDP("udp", a)
		if err != nil && !errors.Is(err, syscall.EADDRINUSE) {
			s.group.tb.Fatal(err)
		}
		if err == nil {
			s.conn = c
		}
		return err == nil
	})
}

// Config is what the server is opened with.
func (s *Server) Config() hub.Config {
	log := slog.New(slog.DiscardHandler)
	if s.group.o.Verbose {
		log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("at", s.Addr)
	}
	c := hub.Config{
		Dir: s.Dir, Listen: s.Addr, Conn: s.conn, Advertise: s.Addr, Clock: s.group.now, Logger: log,
		TrailingLogs: s.group.o.Trailing, SnapshotEvery: s.group.o.Every,
	}
	if s.group.o.Tune != nil {
		s.group.o.Tune(slices.Index(s.group.Servers, s), &c)
	}
	return c
}

// Start runs a server that was added, stopped or killed.
func (g *Group) Start(s *Server) {
	g.tb.Helper()
	if err := s.TryStart(); err != nil {
		g.tb.Fatal(err)
	}
}

// TryStart runs the server, or returns why it does not start.
func (s *Server) TryStart() error {
	s.group.tb.Helper()
	if s.conn == nil {
		s.listen(s.Addr)
	}
	h, err := hub.Open(s.Config())
	s.forget(err)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.Hub, s.cancel, s.ended = h, cancel, make(chan error, 1)
	go func() { s.ended <- h.Run(ctx) }()
	return nil
}

// forget drops the socket of a server that did not open: it is closed.
func (s *Server) forget(err error) {
	if err != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

// Stop ends a server in order.
func (g *Group) Stop(s *Server) {
	g.tb.Helper()
	if err := s.end(); err != nil {
		g.tb.Errorf("server %s ended with %v", s.Addr, err)
	}
}

// Kill cuts a server off without a goodbye, as a power cut would, and ends it.
func (g *Group) Kill(s *Server) {
	g.tb.Helper()
	if err := s.conn.Close(); err != nil {
		g.tb.Error(err)
	}
	_ = s.end() // It complains of its socket.
}

func (s *Server) end() error {
	s.cancel()
	err := <-s.ended
	s.Hub, s.conn = nil, nil
	return err
}

// Ended waits until a server stopped by itself, and returns why.
func (s *Server) Ended() error {
	err := <-s.ended
	s.Hub, s.conn = nil, nil
	return err
}

func (g *Group) leader() *Server {
	for _, s := range g.Servers {
		if s.Hub != nil && s.Hub.Status().State == "leader" {
			return s
		}
	}
	return nil
}

// Leader waits for a leader.
func (g *Group) Leader() (leader *Server) {
	g.tb.Helper()
	g.Wait("a leader", func() bool { leader = g.leader(); return leader != nil })
	return leader
}

// Follower returns a running server that does not lead.
func (g *Group) Follower() *Server {
	g.tb.Helper()
	leader := g.Leader()
	for _, s := range g.Servers {
		if s != leader && s.Hub != nil {
			return s
		}
	}
	g.tb.Fatal("there is no follower")
	return nil
}

// Wait waits until a condition holds, and fails the test if it never does.
func (g *Group) Wait(what string, holds func() bool) {
	g.tb.Helper()
	if !Eventually(holds) {
		g.tb.Fatalf("waited %v in vain for %s", patience, what)
	}
}

// Eventually reports whether a condition held within a while.
func Eventually(holds func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	over := time.NewTimer(patience)
	defer over.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-over.C:
			return holds()
		}
	}
	return true
}

// Agree waits until every running server has the same index, and fails the test
// unless they have the same digest then.
func (g *Group) Agree() (index uint64, digest protocol.Hash) {
	g.tb.Helper()
	g.Wait("all servers at one index", func() bool {
		index = 0
		for _, s := range g.Servers {
			if s.Hub == nil {
				continue
			}
			i, d := s.Hub.Register().Digest()
			if index != 0 && i != index {
				return false
			}
			if index != 0 && d != digest {
				g.tb.Fatalf("server %s has digest %v at %d; another has %v", s.Addr, d, i, digest)
			}
			index, digest = i, d
		}
		return true
	})
	return index, digest
}

// Do has a command carried out by the operator of the machine.
func (g *Group) Do(s *Server, m register.Method, body any) register.Result {
	g.tb.Helper()
	g.ids++
	res, err := s.Hub.Do(g.tb.Context(), register.NewCommand("hubtest-"+strconv.Itoa(g.ids), register.ActorControl, m, body))
	if err != nil {
		g.tb.Fatalf("%s: %v", m, err)
	}
	return res
}

// Token makes a join token for a centre, or for a server.
func (g *Group) Token(centre place.Centre) protocol.JoinToken {
	g.tb.Helper()
	s := g.Leader()
	g.ids++
	nonce := sha256.Sum256([]byte(s.Dir + strconv.Itoa(g.ids)))
	authority := sha256.Sum256(s.Hub.Register().Founding().Authority)
	t := protocol.JoinToken{
		Servers: s.Hub.Register().Addresses(), CAHash: authority, Role: identity.RoleServer, Centre: string(centre),
		Nonce: [16]byte(nonce[:]), Expires: g.now().Add(time.Hour).Unix(),
	}
	if centre != "" {
		t.Role = identity.RoleNode
	}
	g.Do(s, register.CreateToken, register.Token{
		Nonce: sha256.Sum256(t.Nonce[:]), Role: string(t.Role), Centre: centre, Expires: t.Expires,
	})
	return t
}

// IsUnknown reports whether an error leaves open what happened.
func IsUnknown(err error) bool { return errors.Is(err, fault.Unavailable) }

// Rejoin has a server that did not start because of cause come back under another name,
// as the daemon does, and runs it.
func (s *Server) Rejoin(ctx context.Context, cause error) error {
	s.group.tb.Helper()
	if err := hub.Rejoin(ctx, s.Config(), cause); err != nil {
		return err
	}
	return s.TryStart()
}
