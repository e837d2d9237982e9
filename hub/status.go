package hub

import (
	"crypto/tls"
	"errors"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// A Status is how a server is at one moment.
type Status struct {
	District string
	Server   string
	State    string // leader, follower, candidate or shutdown.
	Leader   string // ID; empty while nobody leads.

	// Index is the newest entry of the register, Digest that of every write up to
	// it: equal index, equal digest, on every server.
	Index  uint64
	Digest protocol.Hash
	AsOf   time.Time

	Snapshot    uint64 // Index of the newest marker.
	Installed   uint64 // Snapshots received from other servers so far …
	InstalledAt uint64 // … and the index of the newest.
	Replaying   bool   // Since its start it has not yet applied what its log held.
	InFlight    int    // Entries that this server has proposed and not yet seen applied.
	Members     []Member
	Copied      []Copied // Boxes of which a copy was seen.

	Recounted *Recounted // What came of counting again last night; nil before the first.

	Blocked *register.BlockedBase // A national base that the overlay keeps out.
	Halted  *register.Trial       // The newest release on trial, where it was halted and none came after it.

	// ClockOff is what has to be added to this server's own clock: it is more than ten
	// minutes from what most servers' clocks show.
	ClockOff time.Duration

	Turning *Turning // The next sealing key, from when it is drawn until it is announced.

	Connectors []ConnectorState // Other authorities' registers, by name.
}

// Turning is a sealing key that is not announced yet.
type Turning struct {
	*register.Generation
	Lacking []string // Servers that have not said that they hold it.
}

// Copied is a box of which a copy was seen, until its centre is enrolled again.
type Copied struct {
	Centre string
	Slot   string
	Since  time.Time
}

// A Member is one server of the group, as Raft has it.
type Member struct {
	ID      string
	Address string
	HTTP    string
	Voter   bool
	Leader  bool
}

// Status returns how this server is.
func (h *Hub) Status() Status {
	reg, m := h.Register(), h.disk.states.marker()
	s := Status{
		District: h.keys.District, Server: h.keys.ID, State: strings.ToLower(h.group.raft.State().String()),
		AsOf: time.UnixMilli(reg.At()), Snapshot: m.Index, Installed: m.Installs, InstalledAt: m.InstalledX,
		InFlight: h.group.proposer.inFlight(), Members: h.Members(), Replaying: h.replaying(), Recounted: h.recount.newest.Load(), Connectors: h.asked.states(), ClockOff: h.clock.off(),
	}
	s.Leader, _ = h.group.leader()
	s.Index, s.Digest = reg.Digest()
	if t, err := reg.Trial(); err == nil && t != nil && t.State == register.TrialHalted && reg.Release() < t.Release {
		s.Halted = t
	}
	if b, err := reg.Blocked(); err == nil {
		s.Blocked = b
	}
	if all := reg.Generations(); len(all) > 0 && all[len(all)-1].AnnouncedAt == 0 {
		s.Turning = &Turning{all[len(all)-1], reg.Lacking(all[len(all)-1])}
	}
	for _, n := range reg.Nodes() {
		if n.CopiedAt != 0 {
			s.Copied = append(s.Copied, Copied{Centre: string(n.Centre), Slot: n.Slot, Since: time.UnixMilli(n.CopiedAt)})
		}
	}
	return s
}

// replaying reports whether this server may lack what it had applied before it
// was last stopped: its register is synced now and then, its log always. Which of
// the log's last entries the group had agreed on it hears from the leader.
func (h *Hub) replaying() bool {
	applied := h.Register().Applied()
	if applied >= h.disk.owed {
		return false
	}
	if h.group.raft.AppliedIndex() < h.disk.owed {
		return true
	}
	// Raft has handed on all of them, which is not yet to have applied them; those
	// that the group never agreed on are no longer in the log.
	newest, err := h.disk.log.newestCommand(h.disk.owed)
	return err != nil || applied < newest
}

// Members returns the servers of the group.
func (h *Hub) Members() []Member {
	leader, _ := h.group.leader()
	future := h.group.raft.GetConfiguration()
	if future.Error() != nil {
		return nil
	}
	var list []Member
	for _, s := range future.Configuration().Servers {
		m := Member{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter, Leader: string(s.ID) == leader}
		if a := h.group.book.address(m.ID); a != "" {
			m.Address = a
		}
		if known, ok := h.Register().Server(m.ID); ok {
			m.HTTP = known.HTTP
		}
		list = append(list, m)
	}
	return list
}

// Snapshot makes the register durable up to here and moves the marker, as happens
// by itself every Config.SnapshotEvery entries. Nothing new is no failure.
func (h *Hub) Snapshot() error {
	err := h.group.raft.Snapshot().Error()
	if errors.Is(err, raft.ErrNothingNewToSnapshot) {
		return nil
	}
	return fault.Wrap("hub.Snapshot", fault.Unavailable, "", err)
}

// SetHTTP says where people reach this server, once that is known; the group
// hears of it while Run serves.
func (h *Hub) SetHTTP(address string) { h.members.http.Store(&address) }

// Certificate returns this server's certificate for HTTP, as crypto/tls asks for
// it.
func (h *Hub) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, err := h.keys.certificate()
	return &c, err
}
