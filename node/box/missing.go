package box

import (
	"errors"
	"io/fs"
	"slices"
	"sync"

	"kendro/domain/fault"
	"kendro/protocol"
)

// ownWanted notes, beside journal/own, what was lost of this box's logs and has not
// come back yet.
const ownWanted = "own.wanted"

// missing are this box's own records that were here once and can't be read here any
// more: of each log, up to which place the hub is asked. While there are any, a
// number that is not found may be one of theirs.
type missing struct {
	*core
	change sync.Mutex // Held by whoever changes the note, across its write.

	mu   sync.Mutex // Guards list.
	list []protocol.Head
}

func (b *missing) all() []protocol.Head {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.list)
}

// miss notes durably that records of own logs are gone here.
func (b *missing) miss(lost ...protocol.Head) error {
	b.change.Lock()
	defer b.change.Unlock()
	list := b.all()
	for _, h := range lost {
		h.At.Hash = protocol.Hash{} // What stood there comes with the record.
		i := slices.IndexFunc(list, func(x protocol.Head) bool { return x.Log == h.Log })
		switch {
		case h.At.Seq == 0:
		case i < 0:
			list = append(list, h)
		default:
			list[i].At.Seq = max(list[i].At.Seq, h.At.Seq)
		}
	}
	return b.write(list)
}

// write puts a list in the place of the one before. The caller holds change.
func (b *missing) write(list []protocol.Head) error {
	if slices.Equal(list, b.all()) {
		return nil
	}
	if err := b.writeFile(b.journalDir(ownWanted), protocol.Marshal(list)); err != nil {
		return err
	}
	b.mu.Lock()
	b.list = list
	b.mu.Unlock()
	b.say()
	return nil
}

func (b *missing) say() {
	if len(b.all()) > 0 {
		b.blockers.Raise(RecordsMissing, zeroTime)
	} else {
		b.blockers.Clear(RecordsMissing)
	}
}

// recall reads at a start what was missing before.
func (b *missing) recall() error {
	raw, err := b.readFile(b.journalDir(ownWanted))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &fault.Error{Op: "box.Open", Kind: fault.Stopped, Item: ownWanted, Err: err}
	}
	var list []protocol.Head
	if err := protocol.Unmarshal(raw, maxRecord, ownWanted, &list); err != nil {
		b.o.Logger.Warn("the note of what was lost of journal/own is not what was written", "err", err)
		return nil
	}
	b.mu.Lock()
	b.list = list
	b.mu.Unlock()
	b.say()
	return nil
}

// regained looks which of the lost records have come back from the hub.
func (b *missing) regained() error {
	b.change.Lock()
	defer b.change.Unlock()
	before := b.all()
	if len(before) == 0 {
		return nil
	}
	held := b.mirror.allCursors()
	left := slices.DeleteFunc(slices.Clone(before), func(h protocol.Head) bool { return held[h.Log].Seq >= h.At.Seq })
	if len(left) == 0 {
		b.o.Logger.Info("the hub has sent back what was lost of journal/own")
	}
	return b.write(left)
}

// notHere is the answer about a number that nothing here has: it isn't one of this
// box's, or, while records of its own are missing, nobody can tell.
func (b *missing) notHere(n protocol.Number) error {
	e := &b.o.Enrolment
	if len(b.all()) > 0 && (n.Slot() == e.Slot || n.Slot() == e.Spare) {
		return fault.New("box.Case", fault.Unavailable, n.String(), RecordsMissing.Words().EN)
	}
	return fault.New("box.Case", fault.NotFound, n.String(), "no such number on this box")
}
