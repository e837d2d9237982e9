package hub

import (
	"context"
	"slices"
	"strings"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/replication"
)

// What a box brings and fetches for its neighbours. Whoever carries a block cannot
// open or alter it: the judge verifies it by its author, as if he had come himself.

// takes reports whether a session may bring a log: the box's own, or one of any
// box of this district.
func (s *host) takes(peer replication.Peer, log protocol.LogID) error {
	if _, err := s.admit(peer); err != nil {
		return err
	}
	return s.isUplink(log)
}

// isUplink returns an error unless the log is the uplink of a box, one that was
// revoked too: what it had filed before counts, and the register holds the rest.
func (s *host) isUplink(log protocol.LogID) error {
	const op = "hub.carried"
	district, slot, ok := strings.Cut(log.Name, "-")
	if log.Channel != protocol.Uplink || !ok || district != s.keys.District {
		return fault.New(op, fault.Denied, log.String(), "not a log of a box of this district")
	}
	if _, ok := s.group.register().SlotOwner(slot); !ok {
		return fault.New(op, fault.Unavailable, log.String(), "this slot is not known here yet")
	}
	return nil
}

// readerOf returns the box that a log is for, if node may fetch it: its own inbox
// and the catalogue, or the inbox of a neighbour in its upazila. That travels sealed
// to the neighbour, so that node learns sizes and times.
func (s *host) readerOf(node *register.Node, log protocol.LogID) *register.Node {
	reg := s.group.register()
	if log == reg.Inbox(node.Centre) || log == reg.Shelf() {
		return node
	}
	if log.Channel == protocol.Uplink { // What this centre's boxes wrote.
		log.Incarnation = 0
		if slices.Contains(s.logs(node), log) {
			return node
		}
		return nil
	}
	other, ok := reg.NodeOf(place.Centre(log.Name))
	if log.Channel != protocol.Inbox || !ok || other.RevokedAt != 0 ||
		other.Centre.Upazila() != node.Centre.Upazila() || log != reg.Inbox(other.Centre) {
		return nil
	}
	return other
}

// Join says again, signed, how far the box's own logs are: the word may have been
// lost with the session before.
func (s *host) Join(peer replication.Peer, line replication.Line) {
	s.join(peer, line)
	reg := s.group.register()
	index := reg.Applied()
	heads, err := reg.Cursors(peer.Subject.Slot)
	if err != nil {
		return // The next block is answered anyhow.
	}
	for _, h := range heads {
		if h.At.Seq > 0 {
			ack := protocol.Ack{Log: h.Log, At: h.At, Index: index, Incarnation: reg.Incarnation()}
			ack.Sign(s.keys.signer)
			line.Pass(protocol.Passed{Ack: ack, Cert: s.keys.certs.Load().signing})
		}
	}
}

// Find says how far the register holds an uplink that a box carries for another,
// and signs for it; or how long an inbox is that it fetches for one.
func (s *host) Find(_ context.Context, peer replication.Peer, log protocol.LogID, _ protocol.Position) (at protocol.Position, ack *protocol.Ack, err error) {
	const op = "hub.Find"
	node, err := s.admit(peer)
	if err != nil {
		return at, nil, err
	}
	s.follow(peer, log) // First, so that no growth is missed.
	reg := s.group.register()
	if log.Channel == protocol.Inbox && s.readerOf(node, log) != nil {
		at, err = reg.LogHead(log)
		return at, nil, err
	}
	if err := s.isUplink(log); err != nil {
		return at, nil, err
	}
	_, slot, _ := strings.Cut(log.Name, "-")
	index := reg.Applied()
	cursors, err := reg.Cursors(slot)
	if err != nil {
		return at, nil, fault.Wrap(op, fault.Unavailable, log.String(), err)
	}
	for _, c := range cursors {
		if c.Log == log && c.At.Seq > 0 {
			ack = &protocol.Ack{Log: log, At: c.At, Index: index, Incarnation: reg.Incarnation()}
			ack.Sign(s.keys.signer)
			return c.At, ack, nil
		}
	}
	return at, nil, nil
}

// follow lets a session hear of a log's growth until it ends.
func (s *host) follow(peer replication.Peer, log protocol.LogID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.sessions[peer.Session]
	if in == nil || len(in.more) >= protocol.MaxHeads {
		return
	}
	in.more = append(in.more, s.notices.subscribe([]protocol.LogID{log}, in.sub))
}
