package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"sort"

	"github.com/dgraph-io/badger/v4"

	"kendro/domain/fault"
)

// forever is a read index behind every commit.
const forever = math.MaxUint64

// How a value lies in Badger.
const (
	inClear = 1 // CRC-32C over key and value, then the value.
	sealed  = 2 // By the vault, with the key as associated data.
)

// Write is one change of an update.
type Write struct {
	Key   []byte
	Value []byte // nil where the key is deleted.
}

// Tx is one View or one Update. It is good until its function returns, for one
// goroutine.
type Tx struct {
	db      *DB
	read    source
	pending map[string][]byte // nil value: deleted. nil map: read only.
	weight  int
	size    int      // Of what is pending, as a commit counts it.
	undo    []undone // Every change, the newest last.

	absent map[string]bool // Keys without a value before this update, as far as it has asked.
	sorted []Write         // What is pending, in order of the keys; nil until somebody asks, and again after many changes.
}

// undone is a key and what was pending of it before a change.
type undone struct {
	key   string
	value []byte
	was   bool
}

// A Mark is a moment of an update.
type Mark struct {
	Size    int // Bytes that a commit would have taken then.
	Changes int // How often something had been set or deleted.
}

// Beside is what the database puts beside each pair at most, in bytes of a commit.
const Beside = 48

// Mark returns the moment, for [Tx.Back].
func (t *Tx) Mark() Mark { return Mark{Size: t.size, Changes: len(t.undo)} }

// Back takes back every change since a mark of this update.
func (t *Tx) Back(to Mark) {
	for i := len(t.undo) - 1; i >= to.Changes; i-- {
		if u := &t.undo[i]; u.was {
			t.pending[u.key] = u.value
		} else {
			delete(t.pending, u.key)
		}
	}
	t.undo, t.size, t.sorted = t.undo[:to.Changes], to.Size, nil
}

// View calls fn with the pairs after the newest commit, which don't change under
// it, and returns its error.
func (db *DB) View(fn func(*Tx) error) error { return db.viewAt("store.View", forever, fn) }

// ViewAt is View after the commit index, or the last one before it. It answers
// [fault.NotFound] for an index that is not yet here, or discarded.
func (db *DB) ViewAt(index uint64, fn func(*Tx) error) error {
	return db.viewAt("store.ViewAt", index, fn)
}

func (db *DB) viewAt(op string, index uint64, fn func(*Tx) error) error {
	index, err := db.enter(op, index)
	if err != nil {
		return err
	}
	defer db.leave(index)
	read, done := db.begin(index)
	defer done()
	return fn(&Tx{db: db, read: read})
}

// Update calls fn and keeps what it wrote as one commit at index, all of it or
// nothing, SetHash and Applied included. An update without writes moves Applied.
// Whatever fn returns comes back as it is, and nothing is changed.
//
// [fault.Conflict]: index is not above Applied. [fault.Invalid]: more than one
// commit takes (see [Preset]). [fault.Unavailable]: too little room on the disk.
// [fault.Stopped]: the disk failed, and only a new Open tells what was kept.
func (db *DB) Update(index uint64, fn func(*Tx) error) error {
	const op = "store.Update"
	return db.exclusive(op, func() error {
		now := db.mark()
		if index <= now.index || index == forever {
			return fault.New(op, fault.Conflict, fmt.Sprint("index ", index), fmt.Sprintf("want more than %d", now.index))
		}
		if db.memory == nil {
			if err := roomFor(op, db.dir, db.o.Preset); err != nil {
				return err
			}
		}
		read, done := db.begin(forever)
		defer done()
		t := &Tx{db: db, read: read, pending: map[string][]byte{}, absent: map[string]bool{}}
		if err := fn(t); err != nil {
			return err
		}
		if db.memory != nil {
			return t.commitMemory(now, index)
		}
		return t.commit(op, now, index)
	})
}

// commit writes what is pending, and the mark that follows from it.
func (t *Tx) commit(op string, now mark, index uint64) error {
	now.index = index
	w := t.db.b.NewTransactionAt(forever, true)
	defer w.Discard()
	for _, p := range t.Writes() {
		if err := t.account(&now, p); err != nil {
			return err
		}
		var err error
		if p.Value == nil {
			err = w.Delete(p.Key)
		} else {
			err = w.Set(p.Key, t.db.wrap(p.Key, p.Value))
		}
		if err != nil {
			return tooBig(op, err)
		}
	}
	if err := w.Set(markKey, t.db.wrap(markKey, now.encode())); err != nil {
		return tooBig(op, err)
	}
	if err := guard(func() error { return w.CommitAt(index, nil) }); err != nil {
		return t.db.fail(op, err)
	}
	t.db.mu.Lock()
	t.db.now = now
	t.db.mu.Unlock()
	t.db.setDiscard(0)
	return nil
}

func tooBig(op string, err error) error {
	if errors.Is(err, badger.ErrTxnTooBig) {
		return fault.New(op, fault.Invalid, "", "more than one commit takes: split it")
	}
	return fault.Wrap(op, fault.Internal, "", err)
}

// account takes one write into the mark.
func (t *Tx) account(m *mark, p Write) error {
	if !t.absent[string(p.Key)] {
		old, err := t.fetch(p.Key)
		switch {
		case err == nil:
			m.sum.sub(pairSum(p.Key, old))
			m.count--
		case !errors.Is(err, fault.NotFound):
			return err
		}
	}
	if p.Value != nil {
		m.sum.add(pairSum(p.Key, p.Value))
		m.count++
	}
	return nil
}

// wrap returns value as it lies in Badger.
func (db *DB) wrap(key, value []byte) []byte {
	if db.o.Vault != nil {
		b := make([]byte, 1, 1+nonceBytes+len(value)+tagBytes)
		b[0] = sealed
		return db.o.Vault.Seal(b, value, key)
	}
	b := make([]byte, 0, 5+len(value))
	b = append(b, inClear)
	b = binary.BigEndian.AppendUint32(b, checksum(key, value))
	return append(b, value...)
}

// unwrap is the reverse of wrap. The result shares no memory with raw.
func (db *DB) unwrap(key, raw []byte) ([]byte, error) {
	const op = "store.Get"
	switch {
	case len(raw) == 0:
	case raw[0] == sealed && db.o.Vault != nil:
		return db.o.Vault.Open(nil, raw[1:], key)
	case raw[0] == sealed:
		return nil, fault.New(op, fault.Damaged, "", "a value is sealed: open the database with its vault")
	case raw[0] == inClear && len(raw) >= 5:
		if binary.BigEndian.Uint32(raw[1:]) == checksum(key, raw[5:]) {
			return append([]byte{}, raw[5:]...), nil
		}
	}
	return nil, fault.New(op, fault.Damaged, "", "a value is not what was set")
}

func checksum(key, value []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value)
}

// Get returns a copy of the value of key, or [fault.NotFound].
func (t *Tx) Get(key []byte) ([]byte, error) {
	if v, ok := t.pending[string(key)]; ok {
		if v == nil {
			return nil, notFound()
		}
		return append([]byte{}, v...), nil
	}
	if err := checkKey("store.Get", key); err != nil {
		return nil, err
	}
	v, err := t.fetch(key)
	if t.absent != nil && err != nil && errors.Is(err, fault.NotFound) {
		t.absent[string(key)] = true
	}
	return v, err
}

// errAbsent is one for all keys: updates ask for many that are not there.
var errAbsent = fault.New("store.Get", fault.NotFound, "", "no such key")

func notFound() error { return errAbsent }

// fetch reads what was committed.
func (t *Tx) fetch(key []byte) (value []byte, err error) { return t.read.get(key) }

// Has tells whether key has a value.
func (t *Tx) Has(key []byte) (bool, error) {
	_, err := t.Get(key)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Set gives key a value; the update keeps copies. An empty value is a value.
// [fault.Invalid]: outside an Update, or beyond the limits.
func (t *Tx) Set(key, value []byte) error {
	const op = "store.Set"
	if len(value) > MaxValue {
		return fault.New(op, fault.Invalid, fmt.Sprint(len(value), " bytes"), "want at most 256 KiB in a value")
	}
	return t.change(op, key, append([]byte{}, value...))
}

// Delete takes key's value away; a key without one may be deleted too.
func (t *Tx) Delete(key []byte) error { return t.change("store.Delete", key, nil) }

func (t *Tx) change(op string, key, value []byte) error {
	if t.pending == nil {
		return fault.New(op, fault.Invalid, "", "this is a view: write in an Update")
	}
	if err := checkKey(op, key); err != nil {
		return err
	}
	if t.weight += len(key) + len(value); t.weight > 64<<20 {
		return fault.New(op, fault.Invalid, "", "more than one commit takes: split it")
	}
	k := string(key)
	old, was := t.pending[k]
	t.undo = append(t.undo, undone{k, old, was})
	if t.size += len(value) - len(old); !was {
		t.size += len(key) + Beside
	}
	t.pending[k] = value
	t.resort(key, value)
	return nil
}

// resort keeps sorted what Writes has sorted, as long as little changes.
func (t *Tx) resort(key, value []byte) {
	if t.sorted == nil {
		return
	}
	i, there := slices.BinarySearchFunc(t.sorted, key, func(w Write, k []byte) int { return bytes.Compare(w.Key, k) })
	switch {
	case there:
		t.sorted[i].Value = value
	case len(t.sorted) < cap(t.sorted):
		t.sorted = slices.Insert(t.sorted, i, Write{Key: slices.Clone(key), Value: value})
	default:
		t.sorted = nil
	}
}

func checkKey(op string, key []byte) error {
	if len(key) == 0 || len(key) > MaxKey || key[0] == markKey[0] || bytes.HasPrefix(key, []byte("!badger!")) {
		return fault.New(op, fault.Invalid, "", "want a key of 1 to 1024 bytes that does not begin with 0 or !badger!")
	}
	return nil
}

// Writes returns what this update has written so far, in order of the keys, each
// once. It holds until the next change.
func (t *Tx) Writes() []Write {
	if t.sorted != nil {
		return t.sorted
	}
	const few = 8 // So many more may come before it is sorted again.
	w := make([]Write, 0, len(t.pending)+few)
	for k, v := range t.pending {
		w = append(w, Write{Key: []byte(k), Value: v})
	}
	slices.SortFunc(w, func(a, b Write) int { return bytes.Compare(a.Key, b.Key) })
	t.sorted = w
	return w
}

// Scan calls fn with copies of the pairs whose key begins with prefix, upwards
// from the key from (nil: from the first), until fn returns false or an error. It
// sees what the update wrote before Scan began.
func (t *Tx) Scan(prefix, from []byte, fn func(key, value []byte) (bool, error)) error {
	return t.scan(prefix, from, false, fn)
}

// ScanBack is Scan downwards, from the key from or the next below it (nil: from
// the last).
func (t *Tx) ScanBack(prefix, from []byte, fn func(key, value []byte) (bool, error)) error {
	return t.scan(prefix, from, true, fn)
}

func (t *Tx) scan(prefix, from []byte, back bool, fn func(key, value []byte) (bool, error)) (err error) {
	mine := t.within(prefix, from, back)
	it := t.read.cursor(prefix, back)
	defer func() { err = errors.Join(err, it.close()) }()
	key, err := it.seek(start(prefix, from, back))
	for err == nil && (key != nil || len(mine) > 0) {
		var value []byte
		cmp := order(key, mine, back)
		at := key
		if cmp >= 0 { // The update's own write comes first, or in place of the committed one.
			at, value = slices.Clone(mine[0].Key), slices.Clone(mine[0].Value)
			mine = mine[1:]
		} else if value, err = it.value(); err != nil {
			return err
		}
		if value != nil {
			more, err := fn(at, value)
			if err != nil || !more {
				return err
			}
		}
		if cmp <= 0 {
			key, err = it.next()
		}
	}
	return err
}

// order compares the committed key with the next own write: below 0 the committed
// key comes first, at 0 they are the same.
func order(key []byte, mine []Write, back bool) int {
	switch {
	case len(mine) == 0:
		return -1
	case key == nil:
		return 1
	case back:
		return bytes.Compare(mine[0].Key, key)
	default:
		return bytes.Compare(key, mine[0].Key)
	}
}

// within returns the update's own writes in a scan's range, in its order.
func (t *Tx) within(prefix, from []byte, back bool) (w []Write) {
	for k, v := range t.pending {
		key := []byte(k)
		c := bytes.Compare(key, from)
		if !bytes.HasPrefix(key, prefix) || from != nil && (back && c > 0 || !back && c < 0) {
			continue
		}
		w = append(w, Write{Key: key, Value: v})
	}
	sort.Slice(w, func(i, j int) bool { return (bytes.Compare(w[i].Key, w[j].Key) < 0) != back })
	return w
}

// start returns the key to seek.
func start(prefix, from []byte, back bool) []byte {
	switch {
	case from == nil && !back:
		return prefix
	case from == nil, back && bytes.Compare(from, prefix) > 0 && !bytes.HasPrefix(from, prefix):
		return append(slices.Clone(prefix), bytes.Repeat([]byte{0xff}, MaxKey)...)
	case !back && bytes.Compare(from, prefix) < 0:
		return prefix
	default:
		return from
	}
}
