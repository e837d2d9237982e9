package journal

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"kendro/domain/fault"
)

const lockName = "LOCK"

// Open opens the journal in dir, making it where there is none. It verifies the
// last segment, finishes what a power cut interrupted, cuts unacknowledged bytes
// from the end, and starts two goroutines that [Journal.Close] waits for (none,
// with Options.Alone).
//
// The Report is good even beside an error. [fault.Damaged]: an acknowledged
// record is altered or missing; the journal stays as it lies, and [Salvage] reads
// the rest. [fault.Conflict]: another process has it open. [fault.Invalid]: it is
// sealed and Options lack a Cipher, or the reverse.
func Open(dir string, o Options) (*Journal, Report, error) {
	const op = "journal.Open"
	o, err := o.withDefaults()
	if err != nil {
		return nil, Report{}, err
	}
	folders := foldersOf(o.Disk)
	if err := folders.Make(dir); err != nil {
		return nil, Report{}, fault.Wrap(op, fault.Stopped, dir, err)
	}
	before, err := folders.List(dir)
	if err != nil {
		return nil, Report{}, fault.Wrap(op, fault.Stopped, dir, err)
	}
	lock, err := folders.Lock(dir)
	if err != nil {
		return nil, Report{}, err
	}
	j := newJournal(dir, o, lock)
	l := loader{j: j, used: slices.Contains(before, lockName)} // Nobody else knows j before it is done.
	if err := l.load(op); err != nil {
		l.abandon()
		err = openFault(op, dir, err, &l.report)
		return nil, l.report, err
	}
	if !o.Alone {
		j.done.Go(func() { j.commit.keepHead(o.HeadEvery, j.quit) })
		j.done.Go(j.spares.prepare)
	}
	j.spares.ask()
	return j, l.report, nil
}

// newJournal puts the parts of a journal together; nothing is read yet.
func newJournal(dir string, o Options, lock io.Closer) *Journal {
	quit := make(chan struct{})
	j := &Journal{
		dir: dir, o: o, lock: lock, write: newTurn(), quit: quit,
		health: health{item: dir}, view: view{disk: o.Disk, closing: quit},
	}
	j.commit = committer{turn: newTurn(), view: &j.view, health: &j.health}
	j.reader = reader{o: &j.o, view: &j.view, health: &j.health}
	j.spares = newSpares(j)
	return j
}

// openFault sorts the ways Open fails.
func openFault(op, dir string, err error, r *Report) error {
	if d, ok := errors.AsType[damageError](err); ok {
		r.Damage = d
	}
	if isFull(err) {
		return fault.Wrap(op, fault.Unavailable, dir, err)
	}
	return fault.Wrap(op, fault.Stopped, dir, err)
}

// lockFolder keeps other processes, and a second Open in this one, away.
func lockFolder(op, dir string, how int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Wrap(op, fault.Unavailable, dir, err)
	}
	if err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fault.New(op, fault.Conflict, dir, "it is open elsewhere: stop the other process first")
	}
	return f, nil
}

// Settle accepts the journal as it lies after a Report with Behind or
// HeadMissing: its last readable record becomes its end, durably, and writing may
// go on. Records that HEAD named and the journal lacks are gone for good; the
// caller has made up its mind about their sequences.
func (j *Journal) Settle() error {
	const op = "journal.Settle"
	j.write.take()
	defer j.write.leave()
	j.commit.take()
	defer j.commit.leave()
	if err := j.stopped(op); err != nil {
		return err
	}
	if !j.unsettled.Load() {
		return nil
	}
	if s := j.end.active; s != nil {
		if err := rewrite(j.end.file, segmentHeader, j.end.end); err != nil {
			return j.fail(op, err)
		}
		if _, err := wipe(j.end.file, j.end.end, s.limit()); err != nil {
			return j.fail(op, err)
		}
		if err := j.end.file.Sync(); err != nil {
			return j.fail(op, err)
		}
	}
	if err := j.commit.putHead(op, steady); err != nil {
		return err
	}
	j.unsettled.Store(false)
	return nil
}

// setEnd makes p in s the end of the log. Nobody else knows the journal yet, or
// the caller holds write and commit.
func (j *Journal) setEnd(s *segment, p point) {
	j.end.active, j.end.file, j.end.point = s, nil, p
	if s != nil {
		j.end.file = s.file
	}
	j.last, j.tip = p, p
}

// rewrite writes [from, to) again as it reads.
func rewrite(f File, from, to int64) error {
	buf := zeroes(to - from)
	for from < to {
		b := buf[:min(int64(len(buf)), to-from)]
		if err := readFull(f, b, from); err != nil {
			return err
		}
		if _, err := f.WriteAt(b, from); err != nil {
			return err
		}
		from += int64(len(b))
	}
	return nil
}
