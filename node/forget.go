package node

import (
	"sync"

	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
)

// A mindful tells every server that the box speaks with up to where orders of erasure are
// carried out here: when the session begins, and with each that is. It may be used
// concurrently.
type mindful struct {
	box *box.Box

	mu    sync.Mutex // Guards lines.
	lines map[uint64]replication.Line
}

func newMindful(b *box.Box) *mindful {
	m := &mindful{box: b, lines: map[uint64]replication.Line{}}
	b.TellForgotten(m.tell)
	return m
}

// join and leave frame a session with a server.
func (m *mindful) join(session uint64, line replication.Line) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines[session] = line
}

func (m *mindful) leave(session uint64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.lines, session)
}

// met repeats it to a server that has said hello.
func (m *mindful) met(session uint64) {
	if m == nil {
		return
	}
	if f := m.box.Forgotten(); f.At.Seq > 0 {
		m.mu.Lock()
		defer m.mu.Unlock()
		if line, ok := m.lines[session]; ok {
			line.Forgot(&f)
		}
	}
}

func (m *mindful) tell(f protocol.Forgotten) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.lines {
		line.Forgot(&f)
	}
}

// forget takes sealed copies of erased events from the disk and out of memory: what this
// box keeps for its neighbours, and what it has sealed of its own.
func (n *Node) forget(places []protocol.ErasedPlaces) error {
	n.courier.host.sealer.cuts.Forget()
	return n.exchange.held.Forget(places)
}
