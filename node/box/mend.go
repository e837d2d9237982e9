package box

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/journal"
)

// A hurt says in which journal records are damaged.
type hurt struct {
	which string
	err   error
}

func (h *hurt) Error() string { return h.err.Error() }
func (h *hurt) Unwrap() error { return h.err }

// inJournal names the journal that a failure is about.
func inJournal(which string, err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{Op: "box.Open", Kind: fault.KindOf(err), Item: "journal/" + which, Err: &hurt{which, err}}
}

// hurtIn reports whether a failure is about damaged records of this journal.
func hurtIn(which string, err error) bool {
	h, ok := errors.AsType[*hurt](err)
	return ok && h.which == which && errors.Is(err, fault.Damaged)
}

func (b *core) journalDir(name string) string { return filepath.Join(b.dir, "journal", name) }

func (b *core) journalOptions(name string) journal.Options {
	if a := b.o.Alone; a != nil {
		return journal.Options{Name: name, Disk: a.Disk, SegmentBytes: a.Segment, Alone: true}
	}
	return journal.Options{Name: name, Cipher: b.vault, Disk: b.o.disk, SegmentBytes: b.o.segment, Direct: name == "own", Ahead: func() bool {
		free, err := b.o.Free(b.dir)
		return err == nil && free >= MinFree
	}}
}

// Names beside journal/in: the one being put together, the last damaged one, and
// what the hub is asked for again.
const (
	inFresh   = "in.mending"
	inDamaged = "in.damaged"
	inWanted  = "in.wanted"
)

// mendIn puts journal/in together again from what can be read of it: each of the
// hub's logs up to its first gap, and every acknowledgement. The hub sends the
// rest again. The damaged one is kept beside it. Nobody has it open.
func (b mender) mendIn(cause error) (*journal.Journal, error) {
	fresh := b.journalDir(inFresh)
	if err := os.RemoveAll(fresh); err != nil {
		return nil, &fault.Error{Op: "box.mend", Kind: fault.Stopped, Item: fresh, Err: err}
	}
	to, _, err := journal.Open(fresh, b.journalOptions("in"))
	if err != nil {
		return nil, err
	}
	s := &sieve{to: to, at: map[protocol.LogID]protocol.Position{}, seen: map[protocol.LogID]uint64{}}
	found, err := journal.Salvage(b.journalDir("in"), b.journalOptions("in"), s.take)
	if err == nil || errors.Is(err, fault.Damaged) {
		err = s.flush()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return nil, err
	}
	if len(found.Damage)+s.dropped == 0 {
		return nil, cause // It reads well now: somebody has to look.
	}
	if err := errors.Join(b.want(s.missing()), (forgetter{core: b.core}).remember()); err != nil {
		return nil, err
	}
	if err := exchange(b.journalDir("in"), fresh, b.journalDir(inDamaged)); err != nil {
		return nil, err
	}
	b.o.Logger.Warn("journal/in is damaged: what could be read is kept, the hub is asked for the rest",
		"err", cause, "kept", s.kept, "given_up", s.dropped, "damaged_copy", b.journalDir(inDamaged))
	in, _, err := journal.Open(b.journalDir("in"), b.journalOptions("in"))
	return in, inJournal("in", err)
}

// A sieve lets through what journal/in keeps.
type sieve struct {
	to      *journal.Journal
	at      map[protocol.LogID]protocol.Position // How far each log is whole.
	seen    map[protocol.LogID]uint64            // The newest event that was here of each.
	end     protocol.Hash                        // Running hash of what is kept.
	waiting [][]byte
	size    int

	kept, dropped int
}

// take keeps a record unless it lies behind a gap of its log.
func (s *sieve) take(seq uint64, raw []byte) error {
	r, err := decodeIn(seq, raw)
	if err != nil {
		s.dropped++
		return nil //nolint:nilerr // What can't be read is fetched again.
	}
	if r.What == inBase && !s.founds(&r) {
		s.dropped++
		return nil
	}
	if r.What == inEvent {
		at := s.at[r.Log]
		if !r.state() {
			s.seen[r.Log] = max(s.seen[r.Log], r.At.Seq)
		}
		if r.At.Seq != at.Seq+1 || r.At.Hash != protocol.LinkHash(r.Log, r.At.Seq, at.Hash, r.Raw) {
			s.dropped++
			return nil
		}
		s.at[r.Log] = r.At
	}
	r.Prev = s.end
	record := protocol.Marshal(&r)
	s.end = running(s.end, record)
	s.waiting = append(s.waiting, record)
	s.kept++
	if s.size += len(record); len(s.waiting) == maxGather || s.size > maxGatherBytes {
		return s.flush()
	}
	return nil
}

// founds takes a log to where its base says, if all of the state came before it.
func (s *sieve) founds(r *inRecord) bool {
	s.seen[r.Log] = max(s.seen[r.Log], r.At.Seq)
	var b protocol.Base
	if protocol.Unmarshal(r.Raw, maxRecord, "base", &b) != nil || s.at[b.State.Log] != b.State.At || b.Log != r.Log || b.At != r.At {
		return false
	}
	s.at[r.Log] = r.At
	return true
}

func (s *sieve) flush() error {
	if len(s.waiting) == 0 {
		return nil
	}
	_, err := s.to.Append(s.waiting...)
	s.waiting, s.size = nil, 0
	return err
}

// missing is up to where the hub is asked for each log of which a part is gone.
func (s *sieve) missing() (list []protocol.Head) {
	for log, seq := range s.seen {
		if seq > s.at[log].Seq {
			list = append(list, protocol.Head{Log: log, At: protocol.Position{Seq: seq}})
		}
	}
	return list
}

// exchange puts fresh in the place of old at once, and old aside. What lay there
// is gone.
func exchange(old, fresh, aside string) error {
	const op = "box.mend"
	if err := os.RemoveAll(aside); err != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: aside, Err: err}
	}
	if err := unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, old, unix.RENAME_EXCHANGE); err != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: old, Err: err}
	}
	if err := os.Rename(fresh, aside); err != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: fresh, Err: err}
	}
	return store.SyncFolder(filepath.Dir(old))
}

// want notes durably what the hub is asked for again, beside what it was before.
func (b mender) want(list []protocol.Head) error {
	if len(list) == 0 {
		return nil
	}
	list = append(list, b.wanted()...)
	return store.WriteFileAtomic(b.journalDir(inWanted), protocol.Marshal(list), 0o600)
}

func (b *core) wanted() (list []protocol.Head) {
	raw, err := os.ReadFile(b.journalDir(inWanted))
	if err != nil || protocol.Unmarshal(raw, maxRecord, inWanted, &list) != nil {
		return nil // It only says why something is missing.
	}
	return list
}

// fallBack takes over from the index where the hub's logs end since they were
// mended, and has sessions begin again.
func (b *Memory) fallBack() (map[protocol.LogID]protocol.Position, error) {
	cursors, err := b.recallPlaces()
	b.interrupt()
	return cursors, err
}

// refetched looks whether the hub has sent again what was lost.
func (b *core) refetched() {
	if err := b.missing.regained(); err != nil {
		b.o.Logger.Warn("a note about what came back stays", "err", err)
	}
	list := b.wanted()
	held := b.mirror.allCursors()
	for _, h := range list {
		if !reached(held, h) {
			b.blockers.Raise(InboxIncomplete, zeroTime)
			return
		}
	}
	if !b.blockers.Standing(InboxIncomplete) && len(list) == 0 {
		return
	}
	if err := os.Remove(b.journalDir(inWanted)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.o.Logger.Warn("a note about what was fetched again stays", "err", err)
		return
	}
	b.blockers.Clear(InboxIncomplete)
	b.o.Logger.Info("the hub has sent again what was lost")
}

// reached reports whether a log, or its next incarnation, is here up to h.
func reached(held map[protocol.LogID]protocol.Position, h protocol.Head) bool {
	for log, at := range held {
		same := log.Channel == h.Log.Channel && log.Name == h.Log.Name
		if same && (log.Incarnation != h.Log.Incarnation || at.Seq >= h.At.Seq) {
			return true
		}
	}
	return false
}
