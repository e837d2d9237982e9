package box

import (
	"maps"
	"strconv"
	"sync"

	"kendro/protocol"
)

// indexFormat is raised when the same journals must give another index. A box
// that finds an older one rebuilds it.
const indexFormat = 10

// marks say how far the index has followed the journals. They are written in
// the transaction whose effects they name.
type marks struct {
	_      struct{} `cbor:",toarray"`
	Format uint64
	Own    protocol.Position // Of journal/own: sequence and event hash.
	In     protocol.Position // Of journal/in: sequence and running hash.
	Seen   int64             // Unix milliseconds when the newest record of journal/in came.
	Check  uint64            // Newest Raft index that an acceptance named.
}

// An acked mark is the newest acknowledgement of a hub.
type ackedMark struct {
	_     struct{} `cbor:",toarray"`
	At    protocol.Position
	Index uint64 // Raft index.
}

// A Mirror is what the box keeps in memory of its place in every log.
type mirror struct {
	mu      sync.Mutex        // Guards everything below.
	log     protocol.LogID    // That is written …
	own     protocol.Position // … and where it ends.
	last    uint64            // Of journal/own, durable.
	acked   ackedMark
	cursors map[protocol.LogID]protocol.Position
	check   uint64 // Newest Raft index known.
	seen    int64  // Unix milliseconds of the newest word from the hub.
}

// head is how far the own log that is written is durable.
func (m *mirror) head() protocol.Head {
	m.mu.Lock()
	defer m.mu.Unlock()
	return protocol.Head{Log: m.log, At: m.own}
}

// records is how many there are in journal/own.
func (m *mirror) records() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.last
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

// held are the cursors of logs; the state behind a base is none.
func (m *mirror) held() map[protocol.LogID]protocol.Position {
	all := m.allCursors()
	maps.DeleteFunc(all, func(l protocol.LogID, _ protocol.Position) bool { return l.Channel == protocol.CatalogueBase })
	return all
}

func (m *mirror) cursorOf(log protocol.LogID) protocol.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursors[log]
}

// catalogue is the catalogue's log that is here, and where it stands; of several
// registers' the one that is furthest.
func (m *mirror) catalogue() (log protocol.LogID, at protocol.Position) {
	for l, p := range m.held() {
		if l.Channel == protocol.Catalogue && p.Seq > at.Seq {
			log, at = l, p
		}
	}
	return log, at
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

// moved notes where the own log ends, and the record of journal/own. Of another
// log than before nothing is acknowledged yet. The caller holds the lock.
func (m *mirror) moved(own protocol.Head, last uint64) {
	if own.Log != m.log {
		m.acked = ackedMark{}
	}
	m.log, m.own, m.last = own.Log, own.At, last
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
