package store

import (
	"bytes"
	"slices"
	"sync"

	"github.com/google/btree"
)

// A Memory is the pairs of one database without a disk, for simulations and
// tests: what Badger keeps, in an ordered tree that copies on write. It may be
// used concurrently.
type Memory struct {
	mu   sync.Mutex // Guards what follows; a tree that was handed out never changes.
	tree *btree.BTreeG[Write]
	at   mark
}

// NewMemory returns an empty one.
func NewMemory() *Memory {
	return &Memory{tree: btree.NewG(32, func(a, b Write) bool { return bytes.Compare(a.Key, b.Key) < 0 })}
}

// Clone returns another with the same pairs, at once: what a disk would hold if
// it were copied now.
func (m *Memory) Clone() *Memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Memory{tree: m.tree.Clone(), at: m.at}
}

// OpenMemory opens a database that lies in memory. It keeps what [DB] promises
// but for two things: nothing outlives the process, and no version older than
// the newest can be read.
func OpenMemory(m *Memory) *DB {
	db := &DB{memory: m, now: m.at, turn: make(chan struct{}, 1), readers: map[uint64]int{}, discard: m.at.index}
	db.quiet.L = &db.mu
	return db
}

func (m *Memory) now() source {
	m.mu.Lock()
	defer m.mu.Unlock()
	return inMemory{m.tree.Clone()}
}

// commitMemory is commit without Badger.
func (t *Tx) commitMemory(now mark, index uint64) error {
	now.index = index
	writes := t.Writes()
	for _, p := range writes {
		if err := t.account(&now, p); err != nil {
			return err
		}
	}
	m := t.db.memory
	m.mu.Lock()
	for _, p := range writes {
		if p.Value == nil {
			m.tree.Delete(p)
		} else {
			m.tree.ReplaceOrInsert(p)
		}
	}
	m.at = now
	m.mu.Unlock()
	t.db.mu.Lock()
	t.db.now, t.db.discard = now, now.index
	t.db.mu.Unlock()
	return nil
}

// inMemory reads a tree that nobody changes any more.
type inMemory struct{ tree *btree.BTreeG[Write] }

func (s inMemory) get(key []byte) ([]byte, error) {
	p, ok := s.tree.Get(Write{Key: key})
	if !ok {
		return nil, notFound()
	}
	return append([]byte{}, p.Value...), nil
}

func (s inMemory) cursor(prefix []byte, back bool) cursor {
	return &memoryCursor{tree: s.tree, prefix: prefix, back: back}
}

// memoryCursor steps from pair to pair.
type memoryCursor struct {
	tree   *btree.BTreeG[Write]
	prefix []byte
	back   bool
	at     Write
}

func (c *memoryCursor) seek(key []byte) ([]byte, error) { return c.find(key, true) }
func (c *memoryCursor) next() ([]byte, error)           { return c.find(c.at.Key, false) }

// find moves to the first pair from key on, or behind it.
func (c *memoryCursor) find(key []byte, with bool) ([]byte, error) {
	var found Write
	visit := func(p Write) bool {
		if !with && bytes.Equal(p.Key, key) {
			return true
		}
		if bytes.HasPrefix(p.Key, c.prefix) {
			found = p
			return false
		}
		return c.back && bytes.Compare(p.Key, c.prefix) > 0 // Not yet there, when walking down.
	}
	if c.back {
		c.tree.DescendLessOrEqual(Write{Key: key}, visit)
	} else {
		c.tree.AscendGreaterOrEqual(Write{Key: key}, visit)
	}
	c.at = found
	return slices.Clone(found.Key), nil
}

func (c *memoryCursor) value() ([]byte, error) { return append([]byte{}, c.at.Value...), nil }
func (c *memoryCursor) close() error           { return nil }
