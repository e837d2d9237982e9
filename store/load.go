package store

import (
	"fmt"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/ristretto/v2/z"

	"kendro/domain/fault"
)

// Of each of a loader's streams the keys ascend, and no two overlap.
const (
	pairStream = 1
	markStream = 2
)

const loadBytes = 1 << 20 // Are gathered before the engine gets them.

// loading returns the options under which a new database is filled. The engine makes
// the tables of its lowest level 32 times as long as it is told, and has up to 16 of them
// at work: all of them together stay below the preset's floor of free space.
func (o Options) loading(dir string) badger.Options {
	return o.engine(dir).WithBaseTableSize(int64(o.Preset.floor() / 16 / 32 / 2))
}

// A loader fills an empty database with pairs in order of their keys, all as of one
// index. They go into tables of the lowest level at once: no log, no table in memory,
// and nothing to be merged later.
type loader struct {
	db    *DB
	w     *badger.StreamWriter
	buf   *z.Buffer
	index uint64
	ended bool
}

func (db *DB) newLoader(index uint64) (*loader, error) {
	l := &loader{db: db, index: index, w: db.b.NewStreamWriter(), buf: z.NewBuffer(loadBytes, "store.Import")}
	if err := guard(l.w.Prepare); err != nil {
		l.end()
		return nil, fault.Wrap("store.Import", fault.Stopped, db.dir, err)
	}
	return l, nil
}

func (l *loader) put(stream uint32, key, value []byte) error {
	badger.KVToBuffer(&pb.KV{Key: key, Value: l.db.wrap(key, value), Version: l.index, StreamId: stream}, l.buf)
	if l.buf.LenNoPadding() < loadBytes {
		return nil
	}
	return l.write()
}

func (l *loader) write() error {
	if err := guard(func() error { return l.w.Write(l.buf) }); err != nil {
		return fmt.Errorf("cannot write pairs: %w", err)
	}
	l.buf.Reset()
	return nil
}

// finish makes all pairs durable.
func (l *loader) finish() error {
	err := l.write()
	if err == nil {
		err = guard(l.w.Flush)
	}
	l.ended = err == nil
	return fault.Wrap("store.Import", fault.Stopped, l.db.dir, err)
}

// end lets go of what a loader holds.
func (l *loader) end() {
	if !l.ended {
		_ = guard(func() error { l.w.Cancel(); return nil }) // What made it end is reported.
	}
	_ = l.buf.Release()
}
