package hub

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// How often things are looked after.
const (
	tendEvery     = 200 * time.Millisecond
	announceEvery = time.Second
	enforceEvery  = 2 * time.Second
	renewEvery    = time.Hour
	scrubEvery    = 24 * time.Hour
	changeFor     = 5 * time.Second // One change of the members.
	nearEnough    = 256             // Entries that a new voter may lack.
)

// An announcement is where a server says that it listens.
type announcement struct {
	ID      string `cbor:"1,keyasint"`
	Address string `cbor:"2,keyasint"`
	HTTP    string `cbor:"3,keyasint,omitempty"`
}

// A probeAnswer says that a server is there and how far it is.
type probeAnswer struct {
	ID      string `cbor:"1,keyasint"`
	Applied uint64 `cbor:"2,keyasint"`
	Clock   int64  `cbor:"3,keyasint,omitempty"` // What its own clock shows, Unix milliseconds.
}

// A membership keeps this server known to the group and, while it leads, the
// group as the register has it. It is safe for concurrent use.
type membership struct {
	*group
	keys      *openKeys
	clock     *officeClock
	replaying func() bool            // The register may lack what it had applied once.
	address   string                 // Where this server listens.
	http      atomic.Pointer[string] // Where people reach it.
	dir       string
	kept      []string // Where the others listen, as the folder has it; settle's.
}

func (m *membership) probe() *probeAnswer {
	return &probeAnswer{ID: m.id, Applied: m.register().Applied(), Clock: m.clock.wall().UnixMilli()}
}

// settle lets the group know where this server listens.
func (m *membership) settle(ctx context.Context) {
	tick := time.NewTicker(announceEvery)
	defer tick.Stop()
	for {
		if !m.replaying() && !m.announced() { // A register that lags says what was so once.
			m.announce(ctx)
		}
		if err := m.remember(); err != nil {
			m.log.Warn("this server may not find the others after damage", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// announced reports whether the register says of this server what is so.
func (m *membership) announced() bool {
	s, ok := m.register().Server(m.id)
	return ok && s.RemovedAt == 0 && s.Address == m.address && s.HTTP == *m.http.Load()
}

// announce tells every server that it can think of where this one listens. Who
// leads has it noted.
func (m *membership) announce(ctx context.Context) {
	a := announcement{ID: m.id, Address: m.address, HTTP: *m.http.Load()}
	if m.leads() {
		_ = m.note(ctx, a) // It is tried again until the register has it.
		return
	}
	known := append(m.register().Addresses(), m.keys.Servers...)
	slices.Sort(known)
	for _, address := range slices.Compact(known) {
		if address == m.address || address == "" {
			continue
		}
		one, cancel := context.WithTimeout(ctx, announceEvery)
		err := m.call(one, address, callAnnounce, &a, nil)
		cancel()
		if err != nil {
			m.log.Debug("a server did not hear where this one listens", "server", address, "err", err)
		}
	}
}

func (m *membership) answerAnnounce(from string, c *protocol.Call) answerFunc {
	var a announcement
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "announcement", &a); err != nil {
		return failed(err)
	}
	if a.ID != from || a.Address == "" || len(a.Address) > protocol.MaxName {
		return failed(fault.New("hub.announce", fault.Denied, a.ID, "a server speaks for itself"))
	}
	return func(ctx context.Context) (any, error) {
		m.book.hear(a.ID, a.Address)
		if !m.leads() {
			return nil, nil
		}
		return nil, m.note(ctx, a)
	}
}

// note has the register note where a server listens.
func (m *membership) note(ctx context.Context, a announcement) error {
	s, ok := m.register().Server(a.ID)
	if !ok || s.RemovedAt != 0 || s.Address == a.Address && s.HTTP == a.HTTP {
		return nil
	}
	changed := register.Server{ID: a.ID, Address: a.Address, HTTP: a.HTTP, Voter: s.Voter}
	out, err := m.propose(ctx, register.NewCommand(drawID(), register.ActorHub, register.ServerAddress, changed))
	if err != nil {
		return err
	}
	return failure(out.Result.Fault)
}

// tend makes Raft's members those of the register, one change at a time, while
// this server leads.
func (m *membership) tend(ctx context.Context) {
	for rest(ctx, tendEvery) {
		if !m.leads() || m.register().Founding() == nil {
			continue
		}
		if err := m.tendOnce(ctx); err != nil {
			m.log.Info("the members could not be changed yet", "err", err)
		}
	}
}

// tendOnce makes the first change that is due.
func (m *membership) tendOnce(ctx context.Context) error {
	future := m.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return err
	}
	members := future.Configuration().Servers
	live := m.register().Servers()
	for _, member := range members {
		stays := slices.ContainsFunc(live, func(s *register.Server) bool { return s.ID == string(member.ID) })
		if !stays {
			return m.expel(member.ID)
		}
	}
	for _, s := range live {
		i := slices.IndexFunc(members, func(x raft.Server) bool { return string(x.ID) == s.ID })
		address := m.book.address(s.ID)
		switch {
		case address == "":
			continue
		case i < 0:
			if _, ok := m.reach(ctx, s.ID, address); ok {
				m.log.Info("a server is taken in", "server", s.ID)
				return m.raft.AddNonvoter(raft.ServerID(s.ID), raft.ServerAddress(address), 0, changeFor).Error()
			}
		case string(members[i].Address) != address:
			if _, ok := m.reach(ctx, s.ID, address); ok {
				return m.move(members[i], address)
			}
		case s.Voter && members[i].Suffrage != raft.Voter:
			if applied, ok := m.reach(ctx, s.ID, address); ok && applied+nearEnough >= m.register().Applied() {
				m.log.Info("a server may vote", "server", s.ID)
				return m.raft.AddVoter(raft.ServerID(s.ID), raft.ServerAddress(address), 0, changeFor).Error()
			}
		case !s.Voter && members[i].Suffrage == raft.Voter && s.ID != m.id:
			return m.raft.DemoteVoter(raft.ServerID(s.ID), 0, changeFor).Error()
		}
	}
	return nil
}

// expel takes a removed server out. The leader leaves by letting another lead.
func (m *membership) expel(id raft.ServerID) error {
	if string(id) == m.id {
		return m.raft.LeadershipTransfer().Error()
	}
	m.log.Info("a server is removed", "server", string(id))
	return m.raft.RemoveServer(id, 0, changeFor).Error()
}

// move notes a member's new address in Raft's configuration.
func (m *membership) move(x raft.Server, address string) error {
	if x.Suffrage == raft.Voter {
		return m.raft.AddVoter(x.ID, raft.ServerAddress(address), 0, changeFor).Error()
	}
	return m.raft.AddNonvoter(x.ID, raft.ServerAddress(address), 0, changeFor).Error()
}

// reach asks a server whether it is there.
func (m *membership) reach(ctx context.Context, id, address string) (applied uint64, ok bool) {
	if id == m.id {
		return m.register().Applied(), true
	}
	ctx, cancel := context.WithTimeout(ctx, announceEvery)
	defer cancel()
	var a probeAnswer
	if err := m.call(ctx, address, callProbe, nil, &a); err != nil {
		return 0, false
	}
	return a.Applied, a.ID == id
}

// upkeep closes the connections of whoever was revoked, renews this server's
// certificates, gives upazilas their next gossip keys, and reads the whole register
// once a day.
func (h *Hub) upkeep(ctx context.Context) {
	enforce, renew, scrub := time.NewTicker(enforceEvery), time.NewTicker(renewEvery), time.NewTicker(scrubEvery)
	defer enforce.Stop()
	defer renew.Stop()
	defer scrub.Stop()
	h.papers.tidy(h.o.Clock())
	for {
		select {
		case <-ctx.Done():
			return
		case <-enforce.C:
			h.endpoint.Enforce()
		case <-renew.C:
			h.renewCertificates()
			(&keyTurner{h.group, h.o.Clock}).look(ctx)
			h.papers.tidy(h.o.Clock())
		case <-scrub.C:
			h.Scrub(ctx)
		}
	}
}

func (h *Hub) renewCertificates() {
	err := h.keys.renew(h.o.Dir, h.o.Clock())
	if err == nil {
		cert, cerr := h.keys.certificate()
		if err = cerr; err == nil {
			h.endpoint.SetCertificate(cert)
			return
		}
	}
	h.o.Logger.Error("the certificates could not be renewed", "err", err)
}

// Scrub reads the whole register and compares it with what it must hold, and every
// document. A difference in the register stops the server with [fault.Damaged]; a
// document is fetched again from another server.
func (h *Hub) Scrub(ctx context.Context) {
	err := h.Register().Scrub(ctx)
	switch {
	case errors.Is(err, fault.Damaged):
		h.fatal.set(errors.Join(h.disk.states.refuse(err), h.disk.states.doubt()))
	case err != nil && ctx.Err() == nil:
		h.o.Logger.Warn("the register could not be read through", "err", err)
	}
	h.papers.scrub(ctx)
}
