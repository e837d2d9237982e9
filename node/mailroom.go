package node

import (
	"slices"
	"sync"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/replication"
)

// A mailroom passes inboxes on: sealed blocks that a server gave this box for a
// neighbour stay in memory until the neighbour has them on its disk. A server hears
// of each only then, and sends no more than its window meanwhile, which bounds what
// lies here. It may be used concurrently.
type mailroom struct {
	mu     sync.Mutex // Guards all below.
	holes  map[uint64]*pigeonhole
	hubs   map[uint64]replication.Line
	epochs map[identity.EpochID]*protocol.Epoch
}

// A pigeonhole is one neighbour's session.
type pigeonhole struct {
	head protocol.Head // How far the neighbour is.
	mail []letter
	grew func(protocol.Head)
}

// A letter is one block and whom to tell that it arrived.
type letter struct {
	block protocol.Block
	done  func(protocol.Position, *protocol.Ack, error)
	hub   uint64 // Session that it came by.
}

func newMailroom() *mailroom {
	return &mailroom{holes: map[uint64]*pigeonhole{}, hubs: map[uint64]replication.Line{}, epochs: map[identity.EpochID]*protocol.Epoch{}}
}

// open begins to fetch a neighbour's inbox from where the neighbour is.
func (m *mailroom) open(session uint64, at protocol.Head, grew func(protocol.Head)) {
	for _, former := range m.sessions(at.Log) {
		m.left(former)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holes[session] = &pigeonhole{head: at, grew: grew}
	for _, line := range m.hubs {
		line.Wish(at)
	}
}

// sessions lists those of the neighbour that reads a log.
func (m *mailroom) sessions(log protocol.LogID) (list []uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for session, p := range m.holes {
		if p.head.Log == log {
			list = append(list, session)
		}
	}
	return list
}

// readers lists those that ask for their inbox here.
func (m *mailroom) readers() map[string]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := map[string]bool{}
	for _, p := range m.holes {
		names[p.head.Log.Name] = true
	}
	return names
}

// hub adds a session with a server.
func (m *mailroom) hub(session uint64, line replication.Line) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hubs[session] = line
	for _, p := range m.holes {
		line.Wish(p.head)
	}
}

// hubLeft forgets a session with a server; what came by it is on its way still.
func (m *mailroom) hubLeft(session uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.hubs, session)
	for _, p := range m.holes {
		for i := range p.mail {
			if p.mail[i].hub == session {
				p.mail[i].done = nil
			}
		}
	}
}

// introduce keeps an epoch that a server seals in for a neighbour.
func (m *mailroom) introduce(e *protocol.Epoch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.epochs) >= maxEpochs*4 {
		clear(m.epochs) // Servers introduce again what they still use.
	}
	m.epochs[e.ID] = e
}

// put takes a block for a neighbour. done is called when the neighbour has it, or
// will not.
func (m *mailroom) put(session uint64, b *protocol.Block, done func(protocol.Position, *protocol.Ack, error)) {
	m.mu.Lock()
	var told func()
	var err error
	switch p := m.hole(b.Header.Log); {
	case p == nil:
		err = errNeighbourLeft
	case m.epochs[b.Header.Epoch] == nil:
		err = fault.New("node.mail", fault.NotFound, b.Header.Epoch.String(), "epoch was not introduced")
	case !p.follows(&b.Header):
		err = fault.New("node.mail", fault.Denied, b.Header.Log.String(), "the block contradicts one that is on its way")
	default:
		p.mail = append(p.mail, letter{*b, done, session})
		grew, head := p.grew, protocol.Head{Log: b.Header.Log, At: protocol.Position{Seq: b.Header.Last, Hash: b.Header.End}}
		told = func() { grew(head) }
	}
	m.mu.Unlock()
	if err != nil {
		done(protocol.Position{}, nil, err)
		return
	}
	told()
}

// follows reports whether a block agrees with what came before it. Only the
// neighbour can verify a block; this one would end its log in the session with it.
func (p *pigeonhole) follows(h *protocol.Header) bool {
	agrees := func(at protocol.Position) bool {
		return (at.Seq != h.First-1 || at.Hash == h.Prev) && (at.Seq != h.Last || at.Hash == h.End)
	}
	return agrees(p.head.At) && !slices.ContainsFunc(p.mail, func(l letter) bool {
		return !agrees(protocol.Position{Seq: l.block.Header.Last, Hash: l.block.Header.End})
	})
}

// errNeighbourLeft ends a fetched log in the session with the server; a new wish
// begins it again.
var errNeighbourLeft = fault.New("node.mail", fault.Denied, "", "the neighbour has left")

func (m *mailroom) hole(log protocol.LogID) *pigeonhole {
	for _, p := range m.holes {
		if p.head.Log == log {
			return p
		}
	}
	return nil
}

// load returns the letters after a position, with the epochs they are sealed in.
func (m *mailroom) load(log protocol.LogID, from protocol.Position) (epochs []protocol.Epoch, blocks []protocol.Block) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.hole(log)
	if p == nil {
		return nil, nil
	}
	next := from.Seq + 1
	for i := range p.mail {
		h := &p.mail[i].block.Header
		if h.Last < next || h.First > next {
			continue
		}
		blocks = append(blocks, p.mail[i].block)
		next = h.Last + 1
		if e := m.epochs[h.Epoch]; e != nil && !slices.ContainsFunc(epochs, func(x protocol.Epoch) bool { return x.ID == e.ID }) {
			epochs = append(epochs, *e)
		}
	}
	return epochs, blocks
}

// taken tells the servers what the neighbour has on its disk.
func (m *mailroom) taken(session uint64, h protocol.Head) {
	m.mu.Lock()
	var tell []func(protocol.Position, *protocol.Ack, error)
	if p := m.holes[session]; p != nil && p.head.Log == h.Log && h.At.Seq > p.head.At.Seq {
		p.head = h
		for len(p.mail) > 0 && p.mail[0].block.Header.Last <= h.At.Seq {
			if done := p.mail[0].done; done != nil {
				tell = append(tell, done)
			}
			p.mail = p.mail[1:]
		}
	}
	m.mu.Unlock()
	for _, done := range tell {
		done(h.At, nil, nil)
	}
}

// left ends a neighbour's session.
func (m *mailroom) left(session uint64) {
	m.mu.Lock()
	var tell []func(protocol.Position, *protocol.Ack, error)
	if p := m.holes[session]; p != nil {
		for i := range p.mail {
			if done := p.mail[i].done; done != nil {
				tell = append(tell, done)
			}
		}
	}
	delete(m.holes, session)
	m.mu.Unlock()
	for _, done := range tell {
		done(protocol.Position{}, nil, errNeighbourLeft)
	}
}
