package hub

import (
	"context"
	"slices"
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
}

func (h *Hub) probe() *probeAnswer {
	return &probeAnswer{ID: h.keys.ID, Applied: h.Register().Applied()}
}

// settle founds the district, if that is still to be done, and lets the group
// know where this server listens.
func (h *Hub) settle(ctx context.Context) {
	if h.keys.Founder {
		h.foundDistrict(ctx)
	}
	tick := time.NewTicker(announceEvery)
	defer tick.Stop()
	for {
		if h.announced() {
			return
		}
		h.announce(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// announced reports whether the register says of this server what is so.
func (h *Hub) announced() bool {
	s, ok := h.Register().Server(h.keys.ID)
	return ok && s.RemovedAt == 0 && s.Address == h.address && s.HTTP == h.o.HTTP
}

// announce tells every server that it can think of where this one listens. Who
// leads has it noted.
func (h *Hub) announce(ctx context.Context) {
	a := announcement{ID: h.keys.ID, Address: h.address, HTTP: h.o.HTTP}
	if h.leads() {
		_ = h.note(ctx, a) // It is tried again until the register has it.
		return
	}
	known := append(h.Register().Addresses(), h.keys.Servers...)
	slices.Sort(known)
	for _, address := range slices.Compact(known) {
		if address == h.address || address == "" {
			continue
		}
		one, cancel := context.WithTimeout(ctx, announceEvery)
		err := call(one, h.endpoint, address, callAnnounce, &a, nil)
		cancel()
		if err != nil {
			h.o.Logger.Debug("a server did not hear where this one listens", "server", address, "err", err)
		}
	}
}

func (h *Hub) answerAnnounce(from string, c *protocol.Call) answerFunc {
	var a announcement
	if err := protocol.Unmarshal(c.Body, protocol.MaxRPC, "announcement", &a); err != nil {
		return failed(err)
	}
	if a.ID != from || a.Address == "" || len(a.Address) > protocol.MaxName {
		return failed(fault.New("hub.announce", fault.Denied, a.ID, "a server speaks for itself"))
	}
	return func(ctx context.Context) (any, error) {
		h.book.hear(a.ID, a.Address)
		if !h.leads() {
			return nil, nil
		}
		return nil, h.note(ctx, a)
	}
}

// note has the register note where a server listens.
func (h *Hub) note(ctx context.Context, a announcement) error {
	s, ok := h.Register().Server(a.ID)
	if !ok || s.RemovedAt != 0 || s.Address == a.Address && s.HTTP == a.HTTP {
		return nil
	}
	changed := register.Server{ID: a.ID, Address: a.Address, HTTP: a.HTTP, Voter: s.Voter}
	out, err := h.proposeHere(ctx, register.NewCommand(drawID(), register.ActorHub, register.ServerAddress, changed))
	if err != nil {
		return err
	}
	return failure(out.Result.Fault)
}

// tend makes Raft's members those of the register, one change at a time, while
// this server leads.
func (h *Hub) tend(ctx context.Context) {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if !h.leads() || h.Register().Founding() == nil {
			continue
		}
		if err := h.tendOnce(ctx); err != nil {
			h.o.Logger.Info("the members could not be changed yet", "err", err)
		}
	}
}

// tendOnce makes the first change that is due.
func (h *Hub) tendOnce(ctx context.Context) error {
	future := h.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return err
	}
	members := future.Configuration().Servers
	live := h.Register().Servers()
	for _, m := range members {
		stays := slices.ContainsFunc(live, func(s *register.Server) bool { return s.ID == string(m.ID) })
		if !stays {
			return h.expel(m.ID)
		}
	}
	for _, s := range live {
		i := slices.IndexFunc(members, func(m raft.Server) bool { return string(m.ID) == s.ID })
		address := h.book.address(s.ID)
		switch {
		case address == "":
			continue
		case i < 0:
			if _, ok := h.reach(ctx, s.ID, address); ok {
				h.o.Logger.Info("a server is taken in", "server", s.ID)
				return h.raft.AddNonvoter(raft.ServerID(s.ID), raft.ServerAddress(address), 0, changeFor).Error()
			}
		case string(members[i].Address) != address:
			if _, ok := h.reach(ctx, s.ID, address); ok {
				return h.move(members[i], address)
			}
		case s.Voter && members[i].Suffrage != raft.Voter:
			if applied, ok := h.reach(ctx, s.ID, address); ok && applied+nearEnough >= h.Register().Applied() {
				h.o.Logger.Info("a server may vote", "server", s.ID)
				return h.raft.AddVoter(raft.ServerID(s.ID), raft.ServerAddress(address), 0, changeFor).Error()
			}
		case !s.Voter && members[i].Suffrage == raft.Voter && s.ID != h.keys.ID:
			return h.raft.DemoteVoter(raft.ServerID(s.ID), 0, changeFor).Error()
		}
	}
	return nil
}

// expel takes a removed server out. The leader leaves by letting another lead.
func (h *Hub) expel(id raft.ServerID) error {
	if string(id) == h.keys.ID {
		return h.raft.LeadershipTransfer().Error()
	}
	h.o.Logger.Info("a server is removed", "server", string(id))
	return h.raft.RemoveServer(id, 0, changeFor).Error()
}

// move notes a member's new address in Raft's configuration.
func (h *Hub) move(m raft.Server, address string) error {
	if m.Suffrage == raft.Voter {
		return h.raft.AddVoter(m.ID, raft.ServerAddress(address), 0, changeFor).Error()
	}
	return h.raft.AddNonvoter(m.ID, raft.ServerAddress(address), 0, changeFor).Error()
}

// reach asks a server whether it is there.
func (h *Hub) reach(ctx context.Context, id, address string) (applied uint64, ok bool) {
	if id == h.keys.ID {
		return h.Register().Applied(), true
	}
	ctx, cancel := context.WithTimeout(ctx, announceEvery)
	defer cancel()
	var a probeAnswer
	if err := call(ctx, h.endpoint, address, callProbe, nil, &a); err != nil {
		return 0, false
	}
	return a.Applied, a.ID == id
}

// upkeep closes the connections of whoever was revoked, renews this server's
// certificates, and reads the whole register once a day.
func (h *Hub) upkeep(ctx context.Context) {
	enforce, renew, scrub := time.NewTicker(enforceEvery), time.NewTicker(renewEvery), time.NewTicker(scrubEvery)
	defer enforce.Stop()
	defer renew.Stop()
	defer scrub.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-enforce.C:
			h.endpoint.Enforce()
		case <-renew.C:
			h.renewCertificates()
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

// Scrub reads the whole register and compares it with what it must hold. A
// difference stops the server with [fault.Damaged].
func (h *Hub) Scrub(ctx context.Context) {
	err := h.Register().Scrub(ctx)
	switch fault.KindOf(err) {
	case fault.Damaged:
		if err != nil {
			h.fatal.set(h.disk.states.refuse(err))
		}
	default:
		if err != nil && ctx.Err() == nil {
			h.o.Logger.Warn("the register could not be read through", "err", err)
		}
	}
}
