package box

import (
	"errors"
	"log/slog"
	"maps"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/journal"
)

// A writer changes the disk, one turn after another. A turn gathers whoever
// waits, writes the journals, and then lets the sync, the index and the
// signatures run side by side.
type writer struct {
	in      chan filing
	parts   chan *delivery
	mend    chan chan error // Rebuild the index.
	leave   chan doubt      // The own log may not be written on.
	gone    chan struct{}   // Closed when nothing is taken any more.
	turn    chan struct{}   // Holds one: whose turn it is put it there.
	broken  chan error      // Holds one: why a filing's own turn did not end.
	updates chan update
	late    chan struct{} // Holds one: the index refused what nobody waits for.

	alone bool // Nobody helps: everything is done by who calls.

	// Owned by whoever's turn it is.
	own, hub  *journal.Journal
	index     *index
	head      protocol.Position // Of journal/own, written.
	hubHead   protocol.Position // Of journal/in, written: sequence and running hash.
	cursors   map[protocol.LogID]protocol.Position
	owed      chan updated                                // What the index is at work on since the last turn; nil: nothing.
	said      identity.KeyID                              // As in a batch.
	lagging   bool                                        // The index lacks records: the disk had no room for it.
	stale     uint64                                      // Where journal/own ended when the index lacked records.
	refetch   func(cause error) (*journal.Journal, error) // Exchanges a damaged journal/in.
	recalled  func() (map[protocol.LogID]protocol.Position, error)
	room      func() error // [fault.Unavailable] when the disk is too full for intake.
	answer    func(*filing)
	begins    func(protocol.LogID) protocol.Position // Where a log of which journal/in holds nothing is to be told from.
	giveUp    func(doubt) (bool, error)
	interrupt func() // Sessions begin again.
	settled   func(own protocol.Position, in []inEffect, c changed)
	grown     func(own protocol.Position)
	logger    *slog.Logger
}

// Bounds of one gathering.
const (
	maxGather      = 256
	maxGatherBytes = 1 << 20
)

// gather takes whoever waits already, without waiting for more.
func (w *writer) gather(b *batch) {
	for len(b.files)+len(b.parts) < maxGather && b.size < maxGatherBytes {
		select {
		case f := <-w.in:
			b.file(f)
		case d := <-w.parts:
			b.part(d)
			b.size += d.size()
		default:
			return
		}
	}
}

// commit makes one batch durable and answers everybody in it. It returns an
// error only when the box must stop.
func (w *writer) commit(b *batch) error {
	if err := w.judge(b); err != nil {
		return err
	}
	if err := w.write(b); err != nil {
		b.awaitSigned()
		b.failAll(err)
		return err
	}
	if len(b.placed) == 0 && len(b.in) == 0 {
		b.finish()
		return nil
	}
	w.follow(b)
	for _, f := range b.placed {
		if !f.leads {
			f.verdict <- verdict{placed: true, spot: f.spot}
		}
	}
	err := w.sync(b)
	b.awaitSigned()
	if err != nil {
		<-w.owed
		b.failAll(err)
		return err
	}
	var c changed
	if len(b.in) > 0 { // Whoever delivered may rely on its effects.
		if c, err = w.collect(); err != nil {
			b.failAll(fault.New("box.write", fault.Unavailable, "", "it is kept, but the index could not be built again"))
			return err
		}
	}
	w.settled(w.head, b.in, c)
	b.finish()
	if len(b.placed) > 0 {
		w.grown(w.head)
	}
	return nil
}

// catchUp brings an index that lacks records to where the journals are.
func (w *writer) catchUp() {
	if !w.lagging {
		return
	}
	if err := w.index.follow(w.own, w.hub); err != nil {
		w.logger.Warn("no room for the index yet", "err", err)
		return
	}
	w.lagging = false
	w.settled(w.head, nil, changedAll)
}

// collect waits for what the index is at work on. It returns an error only when
// the box must stop.
func (w *writer) collect() (changed, error) {
	if w.owed == nil {
		return 0, nil
	}
	u := <-w.owed
	w.owed = nil
	if u.err == nil {
		return u.changed, nil
	}
	w.stale = w.head.Seq
	if errors.Is(u.err, fault.Unavailable) { // Durable all the same; nothing is taken in before the index has it.
		w.lagging = true
		w.logger.Warn("no room for the index; it follows later", "err", u.err)
		return u.changed, nil
	}
	if store.DiskFailed(u.err) {
		return 0, fault.Wrap("box.write", fault.Stopped, "index", u.err)
	}
	return w.remedy(u.err)
}

// remedy builds the index again after it refused an update. The journals hold
// everything by now.
func (w *writer) remedy(cause error) (changed, error) {
	w.logger.Error("index refused an update and is built again", "err", cause)
	if err := w.rebuild(); err != nil {
		return 0, err
	}
	return changedAll, nil
}

// rebuild builds the index again. Damage in journal/in that comes to light
// meanwhile is mended first, and the hub's logs then end earlier.
func (w *writer) rebuild() error {
	err := w.index.rebuild(w.own, w.hub, w.logger)
	if !hurtIn("in", err) {
		return err
	}
	if w.hub, err = w.refetch(err); err != nil {
		return err
	}
	if err = w.index.rebuild(w.own, w.hub, w.logger); err != nil {
		return err
	}
	w.hubHead = w.index.at.In
	w.cursors, err = w.recalled()
	return err
}

func (w *writer) sync(b *batch) error {
	if len(b.placed) > 0 {
		if err := w.own.Sync(); err != nil {
			return err
		}
	}
	if len(b.in) > 0 {
		return w.hub.Sync()
	}
	return nil
}

// judge finds filings that came before, and those that must not be taken.
func (w *writer) judge(b *batch) error {
	if len(b.files) == 0 {
		return nil
	}
	if err := w.room(); err != nil {
		b.refuseFiles(err)
		return nil
	}
	if w.lagging {
		b.refuseFiles(fault.New("box.File", fault.Unavailable, string(DiskFull), DiskFull.Words().EN))
		return nil
	}
	err := w.lookUp(b)
	if err == nil {
		return nil
	}
	b.refuseFiles(fault.New("box.write", fault.Unavailable, "", "the index cannot be read; repeat it with the same key"))
	if errors.Is(err, fault.Damaged) {
		_, err = w.remedy(err)
		return err
	}
	w.logger.Warn("index cannot be read", "err", err)
	return nil
}

// lookUp asks the index about every filing, but for those whose caller asked
// when the log was as long as it is now and the index held all of it.
func (w *writer) lookUp(b *batch) error {
	var late []*filing
	b.said = w.said
	defer func() { w.said = b.said }()
	log := w.index.parts.log() // A number drawn for another is drawn again.
	for i := range b.files {
		if f := &b.files[i]; f.looked && f.asOf == w.head.Seq && f.asOf != w.stale {
			b.judgeOne(f, 0, f.mints() && f.log != log)
		} else {
			late = append(late, f)
		}
	}
	if late == nil {
		return nil
	}
	return w.index.view(func(tx *store.Tx) error {
		for _, f := range late {
			seq, err := lookup(tx, w.index.requestKey(f.user, f.key))
			if err != nil {
				return err
			}
			taken, err := tx.Has(w.index.caseKey(keyNumber, f.number))
			if err != nil {
				return err
			}
			b.judgeOne(f, seq, f.mints() && (taken || f.log != log))
		}
		return nil
	})
}

// write gives every accepted filing and delivered event its place.
func (w *writer) write(b *batch) error {
	if len(b.placed) > 0 {
		if err := w.writeOwn(b); err != nil {
			return err
		}
	}
	w.takeParts(b)
	if len(b.in) == 0 {
		return nil
	}
	first, err := w.hub.Write(b.inRecords...)
	if err != nil {
		if errors.Is(err, fault.Stopped) {
			return err
		}
		b.refuseParts(err)
		return nil
	}
	for i := range b.in {
		b.in[i].seq = first + uint64(i)
	}
	last := &b.in[len(b.in)-1]
	w.hubHead = protocol.Position{Seq: last.seq, Hash: last.running}
	maps.Copy(w.cursors, b.cursors)
	return nil
}

func (w *writer) writeOwn(b *batch) error {
	head, s := w.head, w.index.parts.all().current()
	records := make([][]byte, 0, len(b.placed))
	for _, f := range b.placed {
		r := &ownRecord{Incarnation: s.Log.Incarnation, Prev: head.Hash, Key: f.key, Body: f.body, Event: f.raw, Log: s.Log.Name}
		hash := protocol.ChainHash(s.Log, s.place(head.Seq+1), head.Hash, f.raw)
		f.spot = spot{seq: head.Seq + 1, log: s.Log, place: s.place(head.Seq + 1), hash: hash}
		head = protocol.Position{Seq: head.Seq + 1, Hash: hash}
		b.effects = append(b.effects, ownEffect{
			seq: head.Seq, record: r, event: &f.event, number: f.number, hash: hash, log: s.Log, place: f.spot.place, section: s,
		})
		records = append(records, protocol.Marshal(r))
	}
	w.sign(b)
	first, err := w.own.Write(records...)
	if errors.Is(err, fault.Stopped) {
		return err
	}
	if err == nil && first != b.effects[0].seq {
		return fault.New("box.write", fault.Internal, s.Log.String(), "journal and log have come apart")
	}
	if err != nil { // No room, or a journal that waits for a decision: nothing happened.
		b.awaitSigned()
		b.refusePlaced(err)
		return nil
	}
	w.head = head
	return nil
}
