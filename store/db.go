package store

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"kendro/domain/fault"
)

// Preset is a set of engine options for one kind of machine.
type Preset uint8

// The presets. A Box has 512 MiB of memory and an SD card: one Update takes up to
// 256 KiB, and older versions of a value go as soon as no View reads them. An
// Office takes 4 MiB or 40,000 writes, and keeps versions until SetDiscardBefore.
const (
	Box Preset = iota
	Office
)

// Options say how a database is kept.
type Options struct {
	Preset Preset
	Vault  *Vault       // nil keeps values in clear, with a checksum.
	Logger *slog.Logger // nil says nothing.
}

// DB is a set of pairs as it was after each index. Views may be many; Updates
// queue. Reads are checked: a value is what was set, or [fault.Damaged]. That a
// whole pair vanished shows in [DB.SetHash] when [DB.Scrub] counts.
type DB struct {
	dir    string
	o      Options
	b      *badger.DB    // Nil where the pairs are in memory.
	memory *Memory       // Nil where they are on a disk.
	turn   chan struct{} // Whoever holds it writes.
	failed atomic.Pointer[fault.Error]

	mu      sync.Mutex // Guards what follows.
	quiet   sync.Cond  // Signalled when a reader leaves.
	now     mark
	readers map[uint64]int // Open reads by their index.
	discard uint64         // Older versions may be gone below.
	wanted  uint64         // SetDiscardBefore's wish.
	closed  bool
	state   state // Guarded by turn.
}

// markKey holds the mark. Keys that begin with its first byte are ours.
var markKey = []byte("\x00mark")

// Open opens the database in dir, making it where there is none. Its mark is
// checked against what the last Sync or Close left, and every block of its tables
// against its checksum.
//
// [fault.Damaged]: throw the folder away and rebuild it. [fault.Unavailable]: too
// little room to open it without risk. [fault.Conflict]: another process has it.
func Open(dir string, o Options) (*DB, error) { return open(dir, o, o.engine(dir)) }

func open(dir string, o Options, opts badger.Options) (*DB, error) {
	const op = "store.Open"
	if err := roomFor(op, dir, o.Preset); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(op, fault.Unavailable, dir, err)
	}
	db := &DB{dir: dir, o: o, turn: make(chan struct{}, 1), readers: map[uint64]int{}}
	db.quiet.L = &db.mu
	opts = opts.WithLogger(listenFor(db))
	if err := db.preflight(op, opts); err != nil {
		return nil, err
	}
	err := guard(func() (err error) {
		db.b, err = badger.OpenManaged(opts)
		return err
	})
	if err != nil {
		return nil, openFault(op, dir, err)
	}
	if err := db.loadMark(op); err != nil {
		return nil, errors.Join(err, guard(db.b.Close))
	}
	return db, nil
}

// engine returns Badger's options. Values never reach its value log: the
// threshold lies above MaxValue.
func (o Options) engine(dir string) badger.Options {
	b := badger.DefaultOptions(dir).
		WithSyncWrites(false).
		WithCompression(options.None).
		WithBlockCacheSize(0).WithIndexCacheSize(0).
		WithChecksumVerificationMode(options.OnBlockRead).
		WithNumGoroutines(1).WithNumCompactors(2).
		WithMetricsEnabled(false).WithDetectConflicts(false).
		WithValueThreshold(MaxValue + 16<<10).
		WithLogger(nil)
	if o.Preset == Office {
		return b.WithMemTableSize(32 << 20).WithNumMemtables(2).
			WithBaseTableSize(4 << 20).WithBaseLevelSize(32 << 20).
			WithValueLogFileSize(64 << 20)
	}
	return b.WithMemTableSize(2 << 20).WithNumMemtables(1).
		WithBaseTableSize(1 << 20).WithBaseLevelSize(4 << 20).
		WithNumLevelZeroTables(2).WithNumLevelZeroTablesStall(4).
		WithValueLogFileSize(8 << 20)
}

// floor is the free space below which Badger is not let near the disk: it writes
// through maps of memory, and a full disk would end the process.
func (p Preset) floor() uint64 {
	if p == Office {
		return 4 * 32 << 20
	}
	return 16 << 20
}

func roomFor(op, dir string, p Preset) error {
	free, err := FreeBytes(dir)
	if err != nil {
		return err
	}
	if free < p.floor() {
		return fault.New(op, fault.Unavailable, dir,
			fmt.Sprintf("%d MiB are free and %d MiB are needed: make room", free>>20, p.floor()>>20))
	}
	return nil
}

// loadMark reads the newest mark and compares it with what is known of it.
func (db *DB) loadMark(op string) error {
	read, done := db.begin(forever)
	defer done()
	t := Tx{db: db, read: read}
	raw, err := t.fetch(markKey)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return fault.Wrap(op, fault.Damaged, db.dir, err)
	}
	found := err == nil
	if found {
		m, ok := decodeMark(raw)
		if !ok {
			return fault.New(op, fault.Damaged, db.dir, "its mark can't be read")
		}
		db.now = m
	} else {
		some := false
		err := t.Scan(nil, nil, func(_, _ []byte) (bool, error) { some = true; return false, nil })
		if err != nil || some {
			return fault.New(op, fault.Damaged, db.dir, "it holds pairs and no mark")
		}
		if db.state.runs > 0 && db.o.Logger != nil {
			db.o.Logger.Warn("the database begins empty, and a run before this one had opened it", "dir", db.dir)
		}
	}
	if err := db.state.check(db.now); err != nil {
		return &fault.Error{Op: op, Kind: fault.Damaged, Item: db.dir, Err: err}
	}
	db.state.clean, db.state.runs = false, db.state.runs+1 // As preflight has written it.
	db.setDiscard(0)
	return nil
}

// Applied returns the index of the newest commit; 0 before the first.
func (db *DB) Applied() uint64 {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.now.index
}

// SetHash returns the sum, mod 2^256, of SHA-256(len(key) as 4 bytes, big end
// first | key | value) over all pairs after the newest commit. Two databases with
// the same pairs have the same, whatever their history.
func (db *DB) SetHash() [32]byte {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.now.sum.bytes()
}

// SetDiscardBefore allows versions that nobody can see at index or later to be
// thrown away. Reads already open keep what they see; a ViewAt below index
// answers [fault.NotFound] from now on. It never goes back.
func (db *DB) SetDiscardBefore(index uint64) { db.setDiscard(index) }

func (db *DB) setDiscard(index uint64) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed || db.memory != nil {
		return
	}
	db.wanted = max(db.wanted, index)
	if db.o.Preset == Box {
		db.wanted = max(db.wanted, db.now.index)
	}
	low := min(db.wanted, db.now.index)
	for r := range db.readers {
		low = min(low, r)
	}
	if low > db.discard {
		db.discard = low
		db.b.SetDiscardTs(low)
	}
}

// enter registers a read at index; forever is the newest.
func (db *DB) enter(op string, index uint64) (uint64, error) {
	if err := db.stopped(op); err != nil {
		return 0, err
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.closed {
		return 0, fault.New(op, fault.Stopped, db.dir, "the database is closed")
	}
	if index == forever {
		index = db.now.index
	}
	if index > db.now.index || index < db.discard || index < db.wanted && index != db.now.index {
		return 0, fault.New(op, fault.NotFound, fmt.Sprint("index ", index),
			fmt.Sprintf("want an index from %d to %d", max(db.discard, db.wanted), db.now.index))
	}
	db.readers[index]++
	return index, nil
}

func (db *DB) leave(index uint64) {
	db.mu.Lock()
	if db.readers[index]--; db.readers[index] == 0 {
		delete(db.readers, index)
	}
	db.mu.Unlock()
	db.quiet.Broadcast()
}

// Sync makes every commit so far durable, and remembers that it did: an Open that
// finds less answers [fault.Damaged].
func (db *DB) Sync() error {
	const op = "store.Sync"
	return db.exclusive(op, func() error {
		if db.memory != nil {
			return nil
		}
		if err := guard(db.b.Sync); err != nil {
			return db.fail(op, err)
		}
		db.state.floor = db.mark()
		return db.state.save(db.dir)
	})
}

// Flatten compacts all levels into one; deletions give their room back only then.
// It is work for the night.
func (db *DB) Flatten() error {
	const op = "store.Flatten"
	if db.memory != nil {
		return nil
	}
	index, err := db.enter(op, forever) // Keeps Close away, not updates.
	if err != nil {
		return err
	}
	defer db.leave(index)
	return fault.Wrap(op, fault.Stopped, db.dir, guard(func() error { return db.b.Flatten(1) }))
}

// Close waits for open reads, makes everything durable and lets go of the folder.
// With too little room it leaves the folder as after a kill, held until the
// process ends.
func (db *DB) Close() error {
	const op = "store.Close"
	db.turn <- struct{}{}
	defer func() { <-db.turn }()
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil
	}
	db.closed = true
	for len(db.readers) > 0 {
		db.quiet.Wait()
	}
	db.mu.Unlock()
	if db.memory != nil {
		return nil
	}
	if err := roomFor(op, db.dir, db.o.Preset); errors.Is(err, fault.Unavailable) {
		// The engine would write its memory through a map, and a full disk would end
		// the process. Its log of writes holds all that a next Open needs.
		if db.o.Logger != nil {
			db.o.Logger.Warn("database is left as it is: there is no room to close it", "err", err)
		}
		return nil
	}
	if err := guard(db.b.Close); err != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: db.dir, Err: err}
	}
	if db.failed.Load() != nil {
		return nil
	}
	db.state = state{clean: true, floor: db.mark()}
	return db.state.save(db.dir)
}

func (db *DB) mark() mark {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.now
}

// exclusive runs fn as the only writer.
func (db *DB) exclusive(op string, fn func() error) error {
	db.turn <- struct{}{}
	defer func() { <-db.turn }()
	if err := db.stopped(op); err != nil {
		return err
	}
	db.mu.Lock()
	closed := db.closed
	db.mu.Unlock()
	if closed {
		return fault.New(op, fault.Stopped, db.dir, "the database is closed")
	}
	return fn()
}

func (db *DB) fail(op string, err error) error {
	db.failed.CompareAndSwap(nil, &fault.Error{Op: op, Kind: fault.Stopped, Item: db.dir, Err: err})
	return db.stopped(op)
}

func (db *DB) stopped(op string) error {
	if e := db.failed.Load(); e != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: db.dir, Err: e.Err}
	}
	return nil
}

// withoutKeys puts a message of Badger together, unless it is about a key.
func withoutKeys(format string, args []any) string {
	if strings.Contains(strings.ToLower(format), "key") {
		return format
	}
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}
