package store

import (
	"errors"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"kendro/domain/fault"
)

// A source is what was committed up to one index, as a transaction reads it:
// Badger's or memory's.
type source interface {
	// get returns a copy of key's value, or [fault.NotFound].
	get(key []byte) ([]byte, error)
	// cursor walks the keys under prefix.
	cursor(prefix []byte, back bool) cursor
}

// A cursor stands on one pair. seek and next return its key, nil at the end; our
// own keys are stepped over. Keys and values are the caller's: whatever he does to
// them, the cursor goes on.
type cursor interface {
	seek(key []byte) ([]byte, error)
	next() ([]byte, error)
	value() ([]byte, error)
	close() error
}

// begin reads as of index until done is called.
func (db *DB) begin(index uint64) (read source, done func()) {
	if db.memory != nil {
		return db.memory.now(), func() {}
	}
	tx := db.b.NewTransactionAt(index, false)
	return &onDisk{db: db, tx: tx}, tx.Discard
}

// onDisk reads from Badger.
type onDisk struct {
	db *DB
	tx *badger.Txn
}

func (s *onDisk) get(key []byte) (value []byte, err error) {
	err = guard(func() error {
		item, err := s.tx.Get(key)
		if err != nil {
			return err
		}
		return item.Value(func(raw []byte) error {
			value, err = s.db.unwrap(key, raw)
			return err
		})
	})
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, notFound()
	}
	return value, fault.Wrap("store.Get", fault.Damaged, "", err)
}

func (s *onDisk) cursor(prefix []byte, back bool) cursor {
	return &diskCursor{db: s.db, it: s.tx.NewIterator(badger.IteratorOptions{Prefix: prefix, Reverse: back})}
}

// diskCursor is Badger's iterator.
type diskCursor struct {
	db *DB
	it *badger.Iterator
	at []byte
}

func (c *diskCursor) seek(key []byte) ([]byte, error) { return c.step(func() { c.it.Seek(key) }) }
func (c *diskCursor) next() ([]byte, error)           { return c.step(c.it.Next) }

// step moves the iterator to the next key that isn't ours.
func (c *diskCursor) step(move func()) ([]byte, error) {
	c.at = nil
	err := guard(func() error {
		for move(); c.it.Valid(); c.it.Next() {
			if k := c.it.Item().Key(); k[0] != markKey[0] {
				c.at = slices.Clone(k)
				return nil
			}
		}
		return nil
	})
	return c.at, fault.Wrap("store.Scan", fault.Damaged, "", err)
}

func (c *diskCursor) value() (value []byte, err error) {
	err = guard(func() error {
		return c.it.Item().Value(func(raw []byte) error {
			value, err = c.db.unwrap(c.at, raw)
			return err
		})
	})
	return value, fault.Wrap("store.Scan", fault.Damaged, "", err)
}

func (c *diskCursor) close() error { return guard(func() error { c.it.Close(); return nil }) }

// verifyBlocks reads every block of every table against its checksum.
func (db *DB) verifyBlocks() error {
	if db.memory != nil {
		return nil
	}
	return db.b.VerifyChecksum()
}
