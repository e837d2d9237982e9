package register

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// Options are what a register needs from its server.
type Options struct {
	District string       // Two digits; a state of another district is refused. Empty: any.
	Opener   Opener       // Opens sealed blocks.
	Vault    *store.Vault // Encrypts values at rest; nil leaves them in clear.
	Logger   *slog.Logger // Nil is silent.
	DB       *store.DB    // Open already, in place of a folder; for simulators.
}

// A Register is one server's copy of the district's register. Apply is called by
// one goroutine at a time; everything else may overlap it and itself.
//
// What it answers, it answers as [Cases], [Debts], [Amendments], [Logs], [Machines], [People], [Orders] and [Openings].
type Register struct {
	*state
	Cases
	Debts
	Amendments
	Logs
	Machines
	People
	Agencies
	Desk
	Papers
	Orders
	Openings

	db     *store.DB // Nil in tests that keep the state in memory.
	opener Opener
	plans  map[Method]plan

	applying sync.Mutex // Held while an entry is applied: the one writer.
	recent   *digests   // Guarded by applying.
}

// state is what a register reads: everything kept, and the newest entry's world.
type state struct {
	base  base
	world atomic.Pointer[world]
	meta  atomic.Pointer[meta]
}

// Open opens the register in dir, or begins an empty one there. It fails with
// [fault.Damaged] when what lies there can't be trusted, and with
// [fault.Conflict] when it is another district's.
func Open(dir string, o Options) (*Register, error) {
	db := o.DB
	if db == nil {
		var err error
		if db, err = store.Open(dir, store.Options{Preset: store.Office, Vault: o.Vault, Logger: o.Logger}); err != nil {
			return nil, err
		}
	}
	r, err := open(onDisk{db}, o)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	r.db = db
	return r, nil
}

// open builds a register upon a state.
func open(b base, o Options) (*Register, error) {
	st := &state{base: b}
	r := &Register{
		state: st, Cases: Cases{st}, Debts: Debts{st}, Amendments: Amendments{st}, Logs: Logs{st}, Machines: Machines{st}, People: People{st}, Agencies: Agencies{st}, Papers: Papers{st}, Desk: Desk{st}, Orders: Orders{st}, Openings: Openings{st},
		opener: o.Opener, plans: plans(), recent: &digests{},
	}
	err := b.View(func(v View) error {
		m := &meta{}
		if _, err := readInto(v, key(tagMeta), m); err != nil {
			return err
		}
		w, err := loadWorld(v)
		if err != nil {
			return err
		}
		r.meta.Store(m)
		r.world.Store(w)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if m := r.meta.Load(); m.Index != b.Applied() {
		return nil, fault.New("register.Open", fault.Damaged, "register",
			fmt.Sprintf("the state says entry %d, the store %d", m.Index, b.Applied()))
	}
	if f := r.world.Load().founding; f != nil && o.District != "" && f.District != o.District {
		return nil, fault.New("register.Open", fault.Conflict, f.District, "this is another district's register")
	}
	r.recent.add(r.meta.Load().Index, r.meta.Load().Digest)
	return r, nil
}

// Apply applies one committed entry. An index that was applied before changes
// nothing. It panics with a [Defect] when this server cannot apply the entry;
// every other outcome, refusals included, is the same on every server.
func (r *Register) Apply(index, term uint64, data []byte) *Outcome {
	r.applying.Lock()
	defer r.applying.Unlock()
	if index <= r.base.Applied() {
		return &Outcome{Index: index, Already: true}
	}
	e, err := DecodeEntry(data)
	if err != nil {
		panic(&Defect{Index: index, Err: err})
	}
	if err := r.recent.compare(e.Checkpoint); err != nil {
		panic(&Defect{Index: index, Err: err})
	}
	s := &step{
		opener: r.opener, plans: r.plans, index: index, world: r.world.Load(), meta: *r.meta.Load(),
		out:  &Outcome{Index: index},
		logs: map[protocol.LogID]*logState{}, cells: map[cellID]*Cell{}, times: map[uint64]int64{},
	}
	s.meta.Index, s.meta.Term = index, term
	before := s.meta.At
	s.meta.At, s.format = max(s.meta.At, e.At), e.Format
	s.zone = time.FixedZone("", int(e.Offset))
	newMinute := s.format > 1 && s.meta.At/minute != before/minute
	err = r.base.Update(index, func(tx Tx) error {
		s.tx = tx
		if newMinute {
			noteTime(s)
		}
		return s.entry(e)
	})
	if err != nil {
		panic(&Defect{Index: index, Err: err})
	}
	r.world.Store(s.world)
	r.meta.Store(&s.meta)
	r.recent.add(index, s.meta.Digest)
	return s.out
}

// entry carries out an entry's parts in their order.
func (s *step) entry(e *Entry) error {
	for i := range e.Epochs {
		intake{s}.introduce(&e.Epochs[i])
	}
	for i := range e.Ingests {
		s.out.Ingests = append(s.out.Ingests, intake{s}.bring(&e.Ingests[i]))
	}
	for i := range e.Commands {
		s.out.Results = append(s.out.Results, s.command(&e.Commands[i]))
	}
	return s.finish()
}

// onDisk is the store as the register wants it.
type onDisk struct{ db *store.DB }

func (d onDisk) Applied() uint64   { return d.db.Applied() }
func (d onDisk) SetHash() [32]byte { return d.db.SetHash() }

func (d onDisk) Update(index uint64, fn func(Tx) error) error {
	return d.db.Update(index, func(tx *store.Tx) error { return fn(tx) })
}

func (d onDisk) View(fn func(View) error) error {
	return d.db.View(func(tx *store.Tx) error { return fn(tx) })
}

// Applied returns the index of the newest entry that was applied. Whatever is
// asked after it has returned is answered as of that entry or a later one.
func (r *Register) Applied() uint64 { return r.meta.Load().Index }

// Digest returns the newest entry's index and the digest of every write up to
// it. Equal index, equal digest: on every server.
func (r *Register) Digest() (index uint64, digest protocol.Hash) {
	m := r.meta.Load()
	return m.Index, m.Digest
}

// DigestAt returns the digest after the entry that was applied at index, which
// may lie as far back as the store keeps versions: [fault.NotFound] beyond that,
// and for an index at which nothing was applied.
func (r *Register) DigestAt(index uint64) (protocol.Hash, error) {
	const op = "register.DigestAt"
	item := "entry " + strconv.FormatUint(index, 10)
	m := r.meta.Load()
	if m.Index != index && r.db != nil {
		err := r.db.ViewAt(index, func(tx *store.Tx) error {
			m = &meta{}
			_, err := readInto(tx, key(tagMeta), m)
			return err
		})
		if err != nil {
			return protocol.Hash{}, fault.Wrap(op, fault.Internal, item, err)
		}
	}
	if m.Index != index {
		return protocol.Hash{}, fault.New(op, fault.NotFound, item, "no entry was applied there, or it is no longer kept")
	}
	return m.Digest, nil
}

// SetHash returns the sum over all pairs of the state, which depends on nothing
// but the state. It belongs to the newest entry.
func (r *Register) SetHash() protocol.Hash { return r.base.SetHash() }

// At returns the register's time: the newest entry's, in Unix milliseconds.
func (r *Register) At() int64 { return r.meta.Load().At }

// Stats returns the counters.
func (r *Register) Stats() Stats { return r.meta.Load().Stats }

// DB returns the store below, for snapshots and exports. It must not be written
// to.
func (r *Register) DB() *store.DB { return r.db }

// Sync returns when every entry applied before the call is on disk.
func (r *Register) Sync() error {
	if r.db == nil {
		return nil
	}
	return r.db.Sync()
}

// Scrub reads the whole state and compares it with its set hash: [fault.Damaged]
// when something was lost or altered.
func (r *Register) Scrub(ctx context.Context) error {
	if r.db == nil {
		return nil
	}
	return r.db.Scrub(ctx)
}

// Close closes the store.
func (r *Register) Close() error {
	if r.db == nil {
		return nil
	}
	return r.db.Close()
}

// Founding returns what the district was founded with, or nil before that. It
// must not be changed.
func (r *Register) Founding() *Founding { return r.world.Load().founding }

// Incarnation returns the number that every log of this hub carries; 0 before
// the district is founded.
func (r *Register) Incarnation() uint64 {
	if f := r.Founding(); f != nil {
		return f.Incarnation
	}
	return 0
}

// Set returns the current catalogue, or nil before the first release.
func (r *Register) Set() *dcat.Set { return r.world.Load().set }

// Release returns the number of the current release; 0 before the first.
func (r *Register) Release() int {
	if set := r.Set(); set != nil {
		return set.Release.Number
	}
	return 0
}
