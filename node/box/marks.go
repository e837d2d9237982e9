package box

import (
	"maps"
	"strconv"
	"sync"

	"kendro/protocol"
)

// indexFormat is raised when the same journals must give another index. A box
// that finds an older one rebuilds it.
const indexFormat = 2

// marks say how far the index has followed the journals. They are written in
// the transaction whose effects they name.
type marks struct {
	_      struct{} `cbor:",toarray"`
	Format uint64
	Own    protocol.Position // Of journal/own: sequence and event hash.
	In     protocol.Position // Of journal/in: sequence and running hash.
	Seen   int64             // Unix milliseconds when the newest record of journal/in came.
}

// An acked mark is the newest acknowledgement of a hub.
type ackedMark struct {
	_     struct{} `cbor:",toarray"`
	At    protocol.Position
	Index uint64 // Raft index.
}

// A Mirror is what the box keeps in memory of its place in every log.
type mirror struct {
	mu      sync.Mutex // Guards everything below.
	own     protocol.Position
	acked   ackedMark
	cursors map[protocol.LogID]protocol.Position
	check   uint64 // Newest Raft index known.
	seen    int64  // Unix milliseconds of the newest word from the hub.
}

func (m *mirror) tip() protocol.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.own
}

func (m *mirror) acknowledged() ackedMark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.acked
}

func (m *mirror) allCursors() map[protocol.LogID]protocol.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.cursors)
}

func (m *mirror) checkpoint() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.check
}

func (m *mirror) lastSeen() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seen
}

// heard notes a word from the hub that needs no record.
func (m *mirror) heard(at int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = max(m.seen, at)
}

func recordName(which string, seq uint64) string {
	return "journal/" + which + " record " + strconv.FormatUint(seq, 10)
}
