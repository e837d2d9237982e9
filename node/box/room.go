package box

import (
	"context"
	"errors"
	"time"

	"kendro/domain/fault"
)

// zeroTime is no retry by itself.
var zeroTime time.Time

// MinFree is the room below which nothing is taken in, so that sync and the
// index go on: 64 MiB, which is more than three memtables of 2 MiB.
const MinFree = 64 << 20

// Care looks after the disk.
type Care struct {
	*Memory
	papers *Papers
	finder *Finder
}

// anew forgets what the search knew, and makes the index anew: something was erased by order, and
// is in the journals no more. Whoever searched meanwhile may have read a case in the old index.
func (b *Care) anew(ctx context.Context) error {
	b.finder.drop()
	err := b.Rebuild(ctx)
	b.finder.drop()
	return err
}

// room asks whether the disk has room for intake. The writer calls it.
func (b *Care) room() error {
	free, err := b.o.Free(b.dir)
	if err != nil {
		return fault.Wrap("box.File", fault.Unavailable, string(DiskFull), err)
	}
	if free < MinFree {
		b.blockers.Raise(DiskFull, zeroTime)
		return fault.New("box.File", fault.Unavailable, string(DiskFull), DiskFull.Words().EN)
	}
	b.blockers.Clear(DiskFull)
	return nil
}

// How often the background looks: at the room soon, since a full disk closes the
// counter; at every byte of the index now and then.
const (
	roomEvery  = 5 * time.Second
	scrubFirst = 2 * time.Minute
	scrubEvery = 6 * time.Hour
)

// scrub looks at the disk until ctx ends: is there room again, and does the
// index still hold what was put into it?
func (b *Care) scrub(ctx context.Context) {
	rooms, scrubs := time.NewTicker(roomEvery), time.NewTimer(scrubFirst)
	defer rooms.Stop()
	defer scrubs.Stop()
	forget := forgetter{b.core, b.papers, b.anew}
	for {
		select {
		case <-ctx.Done():
			return
		case <-rooms.C:
			b.refetched()
			b.lookForRoom()
			b.lookForAge()
			b.papers.tend()
			if forget.isLate() {
				forget.try(ctx)
			}
		case <-b.forgets.due:
			forget.try(ctx)
		case <-b.doubt:
			if err := b.mend(ctx); err != nil && ctx.Err() == nil {
				b.o.Logger.Error("index could not be built again", "err", err)
			}
		case <-scrubs.C:
			if err := b.Scrub(ctx); err != nil && ctx.Err() == nil {
				b.o.Logger.Error("scrub ended early", "err", err)
			}
			scrubs.Reset(scrubEvery)
		}
	}
}

// lookForRoom says when there is too little, and has the index follow when there
// is enough again.
func (b *Care) lookForRoom() {
	full := b.blockers.Standing(DiskFull)
	err := b.room()
	switch {
	case err != nil && !full:
		b.o.Logger.Warn("too little room for intake", "err", err)
	case err == nil && full:
		b.o.Logger.Info("there is room for intake again")
		select {
		case b.writer.late <- struct{}{}: // A turn that nobody has filed for.
		default:
		}
	}
}

// Scrub reads the whole index, compares it with its set hash, and reads every
// document and every record of both journals. A damaged index is built again, and a damaged
// journal/in mended, before Scrub returns. A damaged record of journal/own is
// [fault.Damaged] and named.
func (b *Care) Scrub(ctx context.Context) error {
	err := b.index.scrub(ctx)
	if errors.Is(err, fault.Damaged) {
		b.o.Logger.Error("index is damaged and is built again", "err", err)
		if err := b.mend(ctx); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if err := b.papers.readPapers(ctx); err != nil {
		return err
	}
	return b.readAll(ctx)
}

// mend builds a damaged index again and says so meanwhile.
func (b *Care) mend(ctx context.Context) error {
	b.blockers.Raise(IndexDamaged, zeroTime)
	if err := b.Rebuild(ctx); err != nil {
		return err
	}
	b.blockers.Clear(IndexDamaged)
	return nil
}

// Rebuild throws the index away and builds it again from the journals. Readers
// are turned away meanwhile.
func (b *Care) Rebuild(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case b.writer.mend <- done:
	case <-b.writer.gone:
		return fault.New("box.Rebuild", fault.Unavailable, "", "the box is stopping")
	case <-ctx.Done():
		return fault.Wrap("box.Rebuild", fault.Unavailable, "", ctx.Err())
	}
	if err := <-done; err != nil {
		return err
	}
	return b.refresh(changedAll)
}

// readAll reads both journals. Damage in journal/in is mended: the index that is
// built again reads all of it. Damage in journal/own is named, and stands in the
// way of nothing but those records.
func (b *Care) readAll(ctx context.Context) error {
	err := b.readEach(ctx, "in", b.in.Load())
	if errors.Is(err, fault.Damaged) {
		err = b.mend(ctx)
	}
	if err != nil {
		return err
	}
	if err = b.readEach(ctx, "own", b.own); errors.Is(err, fault.Damaged) {
		b.blockers.Raise(JournalDamaged, zeroTime)
		err = errors.Join(err, b.writeFile(b.journalDir(ownDoubted), nil))
	}
	return err
}

// readEach reads a journal, a record at a time, and gives way in between.
func (b *Care) readEach(ctx context.Context, name string, j reader) error {
	pace := time.NewTicker(scrubPace)
	defer pace.Stop()
	for seq := uint64(1); seq <= j.Last(); seq++ {
		if _, err := j.Read(seq); err != nil {
			return fault.Wrap("box.Scrub", fault.Damaged, recordName(name, seq), err)
		}
		if seq%scrubRun != 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-pace.C:
		}
	}
	return nil
}

// scrubRun records are read at once, then the scrub waits for scrubPace: some
// 2,500 a second, a few per cent of a small processor.
const (
	scrubRun  = 50
	scrubPace = 20 * time.Millisecond
)
