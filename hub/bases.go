package hub

import (
	"context"
	"sync"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/replication"
)

// Of bases.
const (
	baseFrom  = 1000 // Events from which on an inbox is begun with a base.
	baseStale = 256  // Events by which a base may lie back and still be offered, so that a box goes on with the state it began.
	maxBases  = 64   // Kept in memory.
)

// bases are what this server last made of the inboxes of new boxes. The zero value is
// ready; it may be used concurrently.
type bases struct {
	mu   sync.Mutex // Guards made.
	made map[protocol.LogID]*madeBase
}

// A madeBase is a base with its state.
type madeBase struct {
	protocol.Base
	events [][]byte
	chain  []protocol.Hash
}

// of returns the base that was made of a log, or of which this is the state; nil if
// there is none.
func (b *bases) of(log protocol.LogID) *madeBase {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m := b.made[log]; m != nil {
		return m
	}
	for _, m := range b.made {
		if m.State.Log == log {
			return m
		}
	}
	return nil
}

func (b *bases) keep(m *madeBase) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made == nil || len(b.made) >= maxBases {
		b.made = map[protocol.LogID]*madeBase{}
	}
	b.made[m.Log] = m
}

// Base returns what a box is offered in place of the events of its inbox, of which it has
// nothing, or of the catalogue: nil where there are few of these, or most of them still count.
func (s *host) Base(_ context.Context, peer replication.Peer, log protocol.LogID) (*protocol.Base, error) {
	node, err := s.admit(peer)
	if err != nil {
		return nil, err
	}
	reg := s.group.register()
	if log == reg.Shelf() {
		return s.shelfBase(peer, log)
	}
	if log != reg.Inbox(node.Centre) {
		return nil, nil //nolint:nilnil // It has none.
	}
	head, err := reg.LogHead(log)
	if err != nil || head.Seq < baseFrom {
		return nil, err
	}
	if m := s.bases.of(log); m != nil && m.At.Seq <= head.Seq && head.Seq-m.At.Seq < baseStale {
		return &m.Base, nil
	}
	m, err := makeBase(reg, node)
	if err != nil || m == nil {
		if err != nil {
			s.log.Error("no base could be made; the box gets every event", "centre", string(node.Centre), "err", err)
		}
		return nil, err
	}
	m.Sign(s.keys.certs.Load().signing, s.keys.signer)
	s.bases.keep(m)
	s.log.Info("a new box begins with a base", "centre", string(node.Centre), "seq", m.At.Seq, "events", len(m.events))
	return &m.Base, nil
}

// shelfBase returns what a box is offered in place of the catalogue's events.
func (s *host) shelfBase(peer replication.Peer, log protocol.LogID) (*protocol.Base, error) {
	m, err := s.shelf.base()
	if err != nil {
		s.log.Error("no base of the catalogue could be made; boxes get every event", "err", err)
		return nil, err
	}
	held := heldIn(peer.Hello, log)
	if m == nil || peer.Hello.Shelves != protocol.NeedsShelf && !s.eager && !m.worth(held) {
		return nil, nil //nolint:nilnil // The events do as well.
	}
	s.log.Info("a box begins the catalogue with a base", "centre", peer.Subject.Name, "held", held, "seq", m.At.Seq, "events", len(m.chain))
	return &m.Base, nil
}

// makeBase returns the unsigned base of a centre's inbox, nil where it is not worth
// one, or over its bounds.
func makeBase(reg *register.Register, node *register.Node) (*madeBase, error) {
	at, events, err := reg.InboxBase(node.Centre)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, e := range events {
		size += len(e)
	}
	if len(events) == 0 || uint64(len(events)) > at.At.Seq/2 || len(events) > protocol.MaxBaseEvents || size > protocol.MaxBasePlain {
		return nil, nil //nolint:nilnil // As promised.
	}
	m := &madeBase{events: events}
	m.Base, m.chain = protocol.NewBase(at.Log, at.At, events)
	return m, nil
}

// cutState cuts events of the state behind a base.
func cutState(log protocol.LogID, chain []protocol.Hash, from uint64, limit int, event func(at uint64) ([]byte, error)) (protocol.Run, error) {
	r := protocol.Run{Log: log, First: from + 1}
	if from > 0 && from <= uint64(len(chain)) {
		r.Prev = chain[from-1]
	}
	r.End = r.Prev
	size := 0
	for at := from; at < uint64(len(chain)) && len(r.Events) < min(limit, protocol.MaxBlockEvents); at++ {
		raw, err := event(at + 1)
		if err != nil {
			return r, err
		}
		if size += len(raw); size > protocol.MaxBlockBody-8<<10 && len(r.Events) > 0 {
			break
		}
		r.Events, r.End = append(r.Events, raw), chain[at]
	}
	return r, nil
}

// loadState seals a run of the state behind a base to the box that it is for.
func (s *host) loadState(node *register.Node, peer replication.Peer, log protocol.LogID, from uint64, limit int) ([]protocol.Epoch, []protocol.Block, error) {
	m := s.bases.of(log)
	if m == nil || m.State.Log != log || m.Log != s.group.register().Inbox(node.Centre) {
		return nil, nil, fault.New("hub.Load", fault.NotFound, log.String(), "no such base is kept here: ask for the log itself")
	}
	run, err := cutState(log, m.chain, from, limit, func(at uint64) ([]byte, error) { return m.events[at-1], nil })
	if err != nil || len(run.Events) == 0 {
		return nil, nil, err
	}
	run.Reads = peer.Reads()
	return s.sealer.pack(run, node)
}
