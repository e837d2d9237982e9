// Package box is the memory of a centre's box: what was taken in at the
// counter, what the hub has said, and every question about it.
//
// Enter at [Open] and [Box.Run]. [Box.File] takes an application and returns
// when it is durable; [Box.Deliver] and [Box.Acknowledge] take what came from a
// hub; [Box.Track] and its neighbours answer.
//
// # What is kept where
//
// journal/own holds this box's events, journal/in everything the hub said, each
// record synced before anybody is told. The folder index holds nothing that
// does not follow from the two; at every start it is compared with them, and
// built again on any difference. One goroutine at a time changes the journals.
//
// The package refuses to speak to anybody: no socket, no session, no page. It
// does not decide who may ask.
package box

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/journal"
)

// Options are what a box is told about itself. Free and BoxKey may be left out.
type Options struct {
	Enrolment  protocol.Enrolment
	Signer     *identity.Signer
	Secret     []byte // Of this box alone, 32 bytes: blinds keys that lie in clear on the disk.
	BoxKey     []byte // Of the vault, 32 bytes; nil is a file in it.
	Clock      func() time.Time
	Online     func() bool // The box speaks with its hub just now; nil: never.
	Logger     *slog.Logger
	Free       func(dir string) (uint64, error)    // Bytes free on the disk; nil asks the system.
	Forget     func([]protocol.ErasedPlaces) error // Takes others' copies of erased events off this disk, durably; nil: there are none.
	AcceptLoss bool                                // Of [Repair]: damaged records that no hub has signed for are given up.

	Alone *Alone                        // Where a simulator puts the box; nil is the operating system.
	Fill  func(dir string) (int, error) // How full the disk is, in per cent; nil asks the system.

	disk    journal.Disk           // Tests put faults in.
	segment int64                  // Bytes of a journal's segment; tests make it small.
	nonce   func() ([]byte, error) // Tests draw the same number twice.
}

// Box is an open box. All methods may be called concurrently.
type Box struct {
	*core
	*Shelf
	*Cases
	*Intake
	*Memory
	*Feed
	*Care
	*Papers
	*Union
	Desks
	Search *Finder
	said   string // What SayKey wrote last in this run; its caller's.
}

// A core is what all parts of a box stand on.
type core struct {
	dir    string
	o      Options
	centre place.Centre

	vault      *store.Vault
	own        *journal.Journal
	in         atomic.Pointer[journal.Journal] // Put together again when it is found damaged.
	index      *index
	writer     *writer
	mirror     mirror
	foundation foundation
	blockers   Blockers
	copies     copies
	forgets    forgets
	missing    *missing
	doubt      chan struct{} // A reader found the index damaged.
	setBack    chan struct{} // Holds one: what a session was told has changed.
	pending    opening       // What a start may have to finish.
	line       lineage
	shortfall
	backs backs // Where journal/in holds events of this centre's uplinks.
}

// A shortfall is what journal/own was found to lack at a start.
type shortfall struct {
	short bool   // It lacks what HEAD names, or has no HEAD.
	named uint64 // The record that HEAD named, where short.
}

// Open opens the box in dir, creating it where there is none, and brings its
// index to where its journals are. Damaged records are named in a
// [fault.Damaged]; a disk without room is [fault.Unavailable].
func Open(dir string, o Options) (*Box, error) {
	if o.Free == nil {
		o.Free = store.FreeBytes
	}
	if o.Fill == nil {
		o.Fill = store.Fill
	}
	if o.nonce == nil {
		o.nonce = drawNonce
		if o.Alone != nil {
			o.nonce = o.Alone.Nonce
		}
	}
	centre, err := place.ParseCentre(o.Enrolment.ID)
	if err != nil {
		return nil, err
	}
	c := &core{dir: dir, o: o, centre: centre, doubt: make(chan struct{}, 1), setBack: make(chan struct{}, 1), forgets: forgets{due: make(chan struct{}, 1)}}
	c.blockers.clock, c.line, c.missing = o.Clock, lineage{c}, &missing{core: c}
	shelf := &Shelf{core: c, restock: make(chan struct{}, 1), tally: tally{run: drawRun()}}
	memory, papers := &Memory{Shelf: shelf}, &Papers{Shelf: shelf}
	b := &Box{
		core: c, Shelf: shelf, Memory: memory, Cases: &Cases{Shelf: shelf}, Intake: &Intake{Shelf: shelf, papers: papers, memory: memory}, Feed: &Feed{c},
		Papers: papers,
	}
	b.Search = newFinder(b.Cases)
	b.Care = &Care{memory, papers, b.Search}
	b.Union = &Union{intake: b.Intake, memory: memory, cases: b.Cases, turn: make(chan struct{}, 1)}
	b.Desks = Desks{b.Union}
	b.Intake.renews = b.Union.renews
	if err := b.open(); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *Box) open() error {
	var err error
	if b.vault, err = b.openVault(); err != nil {
		return err
	}
	if err := b.openJournals(); err != nil {
		return err
	}
	if err := b.openCabinet(); err != nil {
		return err
	}
	folder := filepath.Join(b.dir, "index")
	b.index = &index{
		dir: folder, secret: b.o.Secret, parts: layout{first: b.line.firstLog()}, trust: b.o.Enrolment.Catalogue, centre: string(b.centre),
		open: func() (*store.DB, error) {
			return store.Open(folder, store.Options{Preset: store.Box, Vault: b.vault, Logger: b.o.Logger})
		},
	}
	b.index.remove = func() error { return os.RemoveAll(folder) }
	if b.index.roots, err = identity.ParseAuthority(b.o.Enrolment.CA); err != nil {
		return err
	}
	if a := b.o.Alone; a != nil {
		b.index.alone(a)
	}
	if err := b.raise(); err != nil {
		return err
	}
	if err := b.recall(); err != nil {
		return err
	}
	if err := b.line.reconsider(); err != nil {
		return err
	}
	b.refetched()
	b.writer = b.newWriter()
	if b.o.Alone == nil {
		b.forgets.done = (forgetter{core: b.core}).mark().Done
		b.forgets.look()
	}
	return nil
}

// raise brings the index to where the journals are. Damage that comes to light
// meanwhile is mended first.
func (b *Box) raise() error {
	err := b.index.raise(b.own, b.in.Load(), b.o.Logger)
	if hurtIn("in", err) {
		if _, err := b.refetch(err); err != nil {
			return err
		}
		err = b.index.raise(b.own, b.in.Load(), b.o.Logger)
	}
	if hurtIn("own", err) {
		if err := b.renewOwn(err); err != nil {
			return err
		}
		err = b.index.raise(b.own, b.in.Load(), b.o.Logger)
	}
	return err
}

// refetch exchanges the open journal/in for one without damage. Whoever writes
// to it waits for this.
func (b *core) refetch(cause error) (*journal.Journal, error) {
	if err := b.in.Load().Close(); err != nil {
		return nil, err
	}
	in, err := (mender{b}).mendIn(cause)
	if err != nil {
		return nil, err
	}
	b.in.Store(in)
	return in, nil
}

func (b *Box) openJournals() error {
	if err := b.missing.recall(); err != nil {
		return err
	}
	if err := b.openIn(); err != nil {
		return err
	}
	if err := b.openOwn(); err != nil {
		return err
	}
	return b.line.openLog()
}

func (b *Box) openIn() error {
	in, report, err := journal.Open(b.journalDir("in"), b.journalOptions("in"))
	if err = inJournal("in", err); hurtIn("in", err) {
		in, err = (mender{b.core}).mendIn(err)
	}
	if err != nil {
		return err
	}
	b.in.Store(in)
	b.mention("in", &report)
	if report.Behind || report.HeadMissing || report.Emptied {
		if err := (forgetter{core: b.core}).remember(); err != nil {
			return err
		}
	}
	if report.Behind || report.HeadMissing {
		// Everything in it can be asked of the hub again, from where it ends.
		b.o.Logger.Warn("journal/in ends before its HEAD: the hub sends the rest again", "head", report.HeadSeq, "last", in.Last())
		return in.Settle()
	}
	return nil
}

// mention logs what a second copy made good: it costs nothing yet, and may be the
// first word of a dying disk.
func (b *Box) mention(name string, r *journal.Report) {
	switch {
	case r.HeadTorn:
		b.o.Logger.Warn("a slot of a journal's HEAD was not as written, the other one counts", "journal", name)
	case r.Emptied && name != "own":
		b.o.Logger.Warn("a journal was here and begins anew", "journal", name)
	}
}

func drawNonce() ([]byte, error) {
	n := make([]byte, protocol.NonceSize)
	_, err := rand.Read(n)
	return n, fault.Wrap("box.File", fault.Internal, "nonce", err)
}

// recall fills the memory from the index.
func (b *Box) recall() error {
	b.mirror.moved(b.index.parts.headOf(b.index.at.Own), b.index.at.Own.Seq)
	b.mirror.seen = b.index.at.Seen
	if _, err := b.recallPlaces(); err != nil {
		return err
	}
	b.noteAnew()
	return b.refresh(changedAll)
}

func (b *Box) newWriter() *writer {
	w := &writer{
		in: make(chan filing, maxGather), parts: make(chan *delivery, 8), mend: make(chan chan error), leave: make(chan doubt, 8),
		gone: make(chan struct{}), updates: make(chan update, 1), late: make(chan struct{}, 1),
		turn: make(chan struct{}, 1), broken: make(chan error, 1),
		own: b.own, hub: b.in.Load(), index: b.index, refetch: b.refetch, recalled: b.fallBack,
		begins: b.begins, giveUp: b.line.resolve, interrupt: b.interrupt,
		head: b.index.parts.end(b.index.at.Own), hubHead: b.index.at.In, cursors: b.mirror.allCursors(),
		alone: b.o.Alone != nil, room: b.room, answer: b.sign, settled: b.settled, grown: b.grown, logger: b.o.Logger,
	}
	if !w.alone {
		w.turn <- struct{}{} // Run lets go of it.
	}
	return w
}

// Run works until ctx ends, waits for what it started, and closes the disk. It
// returns the first failure: [fault.Stopped] after one failed write or sync.
func (b *Box) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		errs <- b.writer.run(ctx)
		cancel()
	})
	wg.Go(func() { b.stock(ctx) })
	wg.Go(func() { b.scrub(ctx) })
	wg.Go(func() { b.Search.run(ctx) })
	wg.Wait()
	return errors.Join(<-errs, b.close())
}

// Close closes a box that is not to be run. After Run it does nothing.
func (b *Box) Close() error { return b.close() }

func (b *Box) close() error {
	if b.index != nil {
		b.index.close(b.o.Logger)
	}
	var errs []error
	for _, j := range []*journal.Journal{b.own, b.in.Load()} {
		if j != nil {
			errs = append(errs, j.Close())
		}
	}
	return errors.Join(errs...)
}
