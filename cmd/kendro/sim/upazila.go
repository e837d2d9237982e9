package sim

import (
	"cmp"
	"fmt"
	"time"

	"kendro/identity"
	"kendro/node"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/gossip"
)

// An upazila's part of a machine: what it heard of its neighbours, and when it
// looks next whether it needs them.
type upazilaPart struct {
	island int               // Neighbours of one island reach each other.
	heard  []hint            // Of each neighbour.
	ends   map[int]*end      // All its ends, of sessions with neighbours and with servers, by wire.
	pace   time.Duration     // Until it looks again.
	acked  protocol.Position // As it was when it was looked at last.
	looks  int               // Counts plans to look.
	foe    *foe              // Nil is an honest box.
	foul   bool              // It was hostile once.
	hermit bool              // It has no uplink until the last of the faults is over.
	doomed bool              // It is to burn.
	burnt  bool
}

// A hint is what gossip told of a neighbour, and until when nothing newer comes.
type hint struct {
	from  *machine
	peer  gossip.Peer
	until time.Duration
}

// peers is what gossip tells: where neighbours are and whether they have a link. It
// is a minute old at most, and what a hostile box says of itself is a lie.
func (m *machine) peers() (list []gossip.Peer) {
	if m.heard == nil {
		for _, n := range m.w.machines {
			if !n.twin && n.centre() != m.centre() && n.centre().Upazila() == m.centre().Upazila() {
				m.heard = append(m.heard, hint{from: n, peer: gossip.Peer{Centre: string(n.centre()), Addr: address(n.nr), Sync: address(n.nr)}})
			}
		}
	}
	list = make([]gossip.Peer, 0, len(m.heard))
	for i := range m.heard {
		h := &m.heard[i]
		if n := h.from; m.w.now >= h.until {
			h.until = m.w.now + m.w.between(0, time.Minute)
			h.peer.Alive, h.peer.Linked = n.box != nil && n.island == m.island, false
			if h.peer.Alive {
				h.peer.Linked, h.peer.Head = n.linked() || n.foe != nil, n.box.Head()
			}
		}
		list = append(list, h.peer)
	}
	return list
}

// address is where a box could be found; nobody dials it.
func address(nr int) string { return fmt.Sprintf("10.0.%d.%d:1", nr/256, nr%256) }

// linked reports whether a hub has let the box in.
func (m *machine) linked() bool {
	return m.end != nil && m.end.session != nil && m.end.session.PeerHello() != nil
}

// slowest is how seldom a box looks whether it needs its neighbours. A real one looks
// every second; here the wait grows with the time for which nothing has happened.
const slowest = 5 * time.Minute

// stir has the box look soon: something has changed.
func (m *machine) stir() {
	m.pace = time.Second
	m.planLook()
}

func (m *machine) planLook() {
	m.looks++
	nr := m.looks
	m.after(m.pace, func() {
		if nr != m.looks {
			return
		}
		m.alone.Look()
		if nr == m.looks {
			m.pace = min(m.pace+m.pace/2, slowest)
			m.planLook()
		}
	})
}

// call carries out a session that the box wants with a neighbour.
func (m *machine) call(c node.Call) (hang func()) {
	w := m.w
	var us *end
	over := false
	ended := func(err error) {
		if over {
			return
		}
		over = true
		c.Ended(err)
		if err != nil && m.box != nil {
			m.stir()
		}
	}
	m.after(w.between(10*time.Millisecond, 400*time.Millisecond), func() {
		if over {
			return
		}
		n := w.neighbour(m, c.Centre)
		if n == nil {
			m.after(8*time.Second, func() { ended(errDown) }) // The dial times out.
			return
		}
		var err error
		if us, err = m.meet(n, c, ended); err != nil {
			w.tracef("%s is not let in by %s: %v", m.name, n.name, kind(err))
			ended(err)
		}
	})
	return func() {
		if us != nil && us.session != nil {
			us.fail(errEnded)
		}
		ended(nil)
	}
}

// neighbour finds a box of a centre that answers; of a box that was copied, either.
func (w *world) neighbour(from *machine, centre string) *machine {
	var found []*machine
	for _, n := range w.machines {
		if string(n.centre()) == centre && n.box != nil && n.island == from.island {
			found = append(found, n)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return found[w.rand.IntN(len(found))]
}

// meet begins a session with a neighbour.
func (m *machine) meet(n *machine, c node.Call, ended func(error)) (*end, error) {
	w := m.w
	x := w.newWire(w.between(time.Millisecond, 100*time.Millisecond), float64(w.between(50_000, 5_000_000)))
	x.relay = cmp.Or(m.relay, n.relay)
	us := &end{
		wire: x, side: 0, name: fmt.Sprintf("%s→%s", m.name, n.name), host: c.Host, note: c.Note, after: m.look, heard: m.settled, home: m.ends,
		peer: replication.Peer{Addr: n.name + ":1", Session: w.rand.Uint64(), Subject: n.subject()}, ended: ended,
	}
	them := &end{
		wire: x, side: 1, name: fmt.Sprintf("%s→%s", n.name, m.name), host: n.keeper(), note: n.alone.KeeperNote, after: n.look, heard: n.settled, kept: n.stir, home: n.ends,
		peer: replication.Peer{Addr: m.name, Session: w.rand.Uint64(), Subject: m.subject()}, ended: func(error) {},
	}
	if err := x.begin(us, them); err != nil {
		return nil, err
	}
	w.tracef("%s speaks with %s, %v one way", m.name, n.name, x.delay)
	w.stats.Visits++
	return us, nil
}

func (m *machine) subject() identity.Subject {
	return identity.Subject{
		Country: country, District: district, Role: identity.RoleNode, Name: m.keys.enrolment.ID, Slot: m.keys.enrolment.Slot,
	}
}

// keeper is the box as its neighbours see it.
func (m *machine) keeper() replication.Host {
	if m.foe == nil {
		return m.alone.Keeper()
	}
	return newTraitor(m)
}
