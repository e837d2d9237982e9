package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kendro/domain/fault"
)

const (
	sliceKeys  = 512
	sliceBytes = 1 << 20
	breath     = 2 * time.Millisecond // Between two slices of a Scrub.
)

// Scrub reads every pair as it is after the newest commit and compares what they
// add up to with what the commits say. Updates go on meanwhile. [fault.Damaged]:
// a pair is altered, or has vanished, or came back; the error tells which table
// where it can. It rests between slices, so that the counter goes first.
func (db *DB) Scrub(ctx context.Context) error {
	const op = "store.Scrub"
	index, err := db.enter(op, forever)
	if err != nil {
		return err
	}
	defer db.leave(index)
	want, err := db.markAt(index)
	if err != nil {
		return err
	}
	got := mark{index: want.index}
	rest := time.NewTimer(0)
	defer rest.Stop()
	<-rest.C
	err = db.slices(ctx, index, func(key, value []byte) error {
		got.sum.add(pairSum(key, value))
		if got.count++; got.count%sliceKeys != 0 {
			return nil
		}
		rest.Reset(breath)
		select {
		case <-rest.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err != nil {
		return scrubFault(op, err)
	}
	if got == want { // Blocks of older versions have to be whole as well: a snapshot may read them.
		return fault.Wrap(op, fault.Damaged, db.dir, guard(db.verifyBlocks))
	}
	cause := fmt.Errorf("%d pairs add up to another sum than that of the %d that were set", got.count, want.count)
	cause = errors.Join(cause, guard(db.verifyBlocks))
	return &fault.Error{Op: op, Kind: fault.Damaged, Item: db.dir, Err: cause}
}

func scrubFault(op string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(op, fault.Unavailable, "", err)
	}
	return fault.Wrap(op, fault.Damaged, "", err)
}

// markAt returns the mark after the commit index. The caller has entered.
func (db *DB) markAt(index uint64) (mark, error) {
	if index == 0 {
		return mark{}, nil
	}
	if db.memory != nil {
		return db.mark(), nil
	}
	read, done := db.begin(index)
	defer done()
	raw, err := read.get(markKey)
	if err != nil {
		return mark{}, fault.New("store.DB", fault.Damaged, db.dir, "its mark is gone: "+err.Error())
	}
	m, ok := decodeMark(raw)
	if !ok {
		return mark{}, fault.New("store.DB", fault.Damaged, db.dir, "its mark can't be read")
	}
	return m, nil
}

// slices calls fn with every pair after the commit index, in order of the keys.
// It lets go of Badger's tables every now and then, so that memory stays bounded
// and tables that nobody needs can go. The caller has entered.
func (db *DB) slices(ctx context.Context, index uint64, fn func(key, value []byte) error) error {
	var from []byte
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, err := db.slice(index, from, fn)
		if err != nil || next == nil {
			return err
		}
		from = next
	}
}

// slice does one slice from the key from, and returns where the next one begins,
// nil at the end.
func (db *DB) slice(index uint64, from []byte, fn func(key, value []byte) error) (next []byte, err error) {
	read, done := db.begin(index)
	defer done()
	t := &Tx{db: db, read: read}
	keys, size := 0, 0
	err = t.Scan(nil, from, func(key, value []byte) (bool, error) {
		if keys == sliceKeys || size >= sliceBytes {
			next = slices.Clone(key)
			return false, nil
		}
		keys++
		size += len(key) + len(value)
		return true, fn(key, value)
	})
	return next, err
}
