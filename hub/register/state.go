package register

import (
	"kendro/store"
)

// A View is the state at one moment. Bytes that it hands out are valid until the
// view ends and are not changed.
type View interface {
	// Get returns a key's value, or fault.NotFound.
	Get(key []byte) ([]byte, error)
	// Scan calls fn for the keys under prefix in order, from the key from (nil is
	// the first), until fn returns false.
	Scan(prefix, from []byte, fn func(key, value []byte) (bool, error)) error
}

// A Tx is one transaction. It reads what it wrote, and is kept whole or not at all.
type Tx interface {
	View
	Set(key, value []byte) error
	Delete(key []byte) error
	// Writes returns what the transaction has written so far, sorted by key.
	Writes() []store.Write
	// Back takes back what was written since Mark.
	Mark() store.Mark
	Back(to store.Mark)
}

// A base keeps the state: *store.DB on disk, a map in tests. One goroutine
// updates; views may overlap it. What Update has returned from is visible to
// every later view; it is on disk after Sync.
type base interface {
	Applied() uint64
	Update(index uint64, fn func(Tx) error) error
	View(fn func(View) error) error
	SetHash() [32]byte
}
