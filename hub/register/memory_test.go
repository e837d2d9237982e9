package register

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"math/big"
	"slices"
	"strings"
	"sync"

	"kendro/domain/fault"
	"kendro/store"
)

// memory is a base without a disk. Its maps are never changed once they are
// visible, so views need no copies.
type memory struct {
	mu      sync.RWMutex // Guards what follows.
	pairs   map[string][]byte
	applied uint64
	failing func(k []byte) error // Asked before every write.
}

func newMemory() *memory { return &memory{pairs: map[string][]byte{}} }

func (m *memory) now() (map[string][]byte, uint64) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.pairs, m.applied
}

func (m *memory) Applied() uint64 {
	_, a := m.now()
	return a
}

func (m *memory) View(fn func(View) error) error {
	pairs, _ := m.now()
	return fn(&memoryTx{old: pairs})
}

func (m *memory) Update(index uint64, fn func(Tx) error) error {
	pairs, _ := m.now()
	tx := &memoryTx{old: pairs, pending: map[string][]byte{}, failing: m.failing}
	if err := fn(tx); err != nil {
		return err
	}
	if tx.weight > mostWeight || tx.size > mostCommit {
		return fault.New("memory.Update", fault.Invalid, "", "more than one commit takes")
	}
	next := maps.Clone(pairs)
	for k, v := range tx.pending {
		if v == nil {
			delete(next, k)
		} else {
			next[k] = v
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pairs, m.applied = next, index
	return nil
}

// SetHash is the sum of the hashes of all pairs, as the store has it.
func (m *memory) SetHash() (out [32]byte) {
	pairs, _ := m.now()
	sum := new(big.Int)
	for k, v := range pairs {
		h := sha256.New()
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(k))))
		h.Write([]byte(k))
		h.Write(v)
		sum.Add(sum, new(big.Int).SetBytes(h.Sum(nil)))
	}
	sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), 256))
	sum.FillBytes(out[:])
	return out
}

// copy returns another memory with the same pairs, as a snapshot would.
func (m *memory) copy() *memory {
	pairs, applied := m.now()
	return &memory{pairs: pairs, applied: applied}
}

// What one commit of the store takes with an office's preset: of Badger all that is written,
// of the store every write, also of what is written again.
const (
	mostCommit = 32 << 20 * 15 / 100
	mostWeight = 64 << 20
)

type memoryTx struct {
	old     map[string][]byte
	pending map[string][]byte
	failing func(k []byte) error
	weight  int
	size    int
	undo    []func()
}

func (t *memoryTx) Mark() store.Mark { return store.Mark{Size: t.size, Changes: len(t.undo)} }

func (t *memoryTx) Back(to store.Mark) {
	for i := len(t.undo) - 1; i >= to.Changes; i-- {
		t.undo[i]()
	}
	t.undo, t.size = t.undo[:to.Changes], to.Size
}

// change gives a key a value, nil for none.
func (t *memoryTx) change(k, v []byte) {
	old, was := t.pending[string(k)]
	t.undo = append(t.undo, func() {
		if t.pending[string(k)] = old; !was {
			delete(t.pending, string(k))
		}
	})
	t.weight += len(k) + len(v)
	if t.size += len(v) - len(old); !was {
		t.size += len(k) + store.Beside
	}
	t.pending[string(k)] = v
}

// plain reports whether the store takes a key.
func plain(k []byte) bool { return len(k) > 0 && len(k) <= store.MaxKey && k[0] != 0 }

func (t *memoryTx) Get(k []byte) ([]byte, error) {
	if !plain(k) {
		return nil, fault.New("memory.Get", fault.Invalid, string(k[:min(len(k), 1)]), "beyond the store's limits")
	}
	v, ok := t.pending[string(k)]
	if !ok {
		v = t.old[string(k)]
	}
	if v == nil {
		return nil, fault.New("memory.Get", fault.NotFound, "", "no such key")
	}
	return bytes.Clone(v), nil
}

func (t *memoryTx) Set(k, v []byte) error {
	if t.failing != nil {
		if err := t.failing(k); err != nil {
			return err
		}
	}
	if !plain(k) || len(v) > store.MaxValue {
		return fault.New("memory.Set", fault.Invalid, string(k[:min(len(k), 1)]), "beyond the store's limits")
	}
	t.change(bytes.Clone(k), append([]byte{}, v...))
	return nil
}

func (t *memoryTx) Delete(k []byte) error {
	if !plain(k) {
		return fault.New("memory.Delete", fault.Invalid, string(k[:min(len(k), 1)]), "beyond the store's limits")
	}
	t.change(bytes.Clone(k), nil)
	return nil
}

func (t *memoryTx) Writes() []store.Write {
	var w []store.Write
	for _, k := range slices.Sorted(maps.Keys(t.pending)) {
		w = append(w, store.Write{Key: []byte(k), Value: t.pending[k]})
	}
	return w
}

func (t *memoryTx) Scan(prefix, from []byte, fn func(k, v []byte) (bool, error)) error {
	var keys []string
	collect := func(m map[string][]byte) {
		for k := range m {
			if strings.HasPrefix(k, string(prefix)) && k >= string(from) {
				keys = append(keys, k)
			}
		}
	}
	collect(t.old)
	collect(t.pending)
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		v, err := t.Get([]byte(k))
		if err != nil {
			continue
		}
		if more, err := fn([]byte(k), v); err != nil || !more {
			return err
		}
	}
	return nil
}
