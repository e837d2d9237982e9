package hub

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/store/journal"
)

// maxChunk bounds the bytes that are made durable by one sync.
const maxChunk = journal.MaxBatch / 2

// entryFormat is the first byte of every record of the Raft log.
const entryFormat = 1

// A raftLog is Raft's log, kept in a segment journal: every frame is checksummed
// and verified whenever it is read back. Its records are gapless, and the
// sequence of a record is its Raft index. Nothing is acknowledged to Raft that
// isn't durable. It may be used concurrently.
type raftLog struct {
	journal *journal.Journal
	fail    func(error)  // Told of a disk that failed or altered an entry.
	step    func(string) // Passed before and after entries are removed.

	// Held while entries are stored or removed: Raft does both at once, and what is to be removed
	// is reckoned from where the log ends. Nothing else waits for it.
	altering sync.Mutex
}

// IsMonotonic tells Raft that the log holds no gaps, so that it empties the log
// after it has installed a snapshot.
func (l *raftLog) IsMonotonic() bool { return true }

// FirstIndex returns the first index in the log, 0 if it is empty.
func (l *raftLog) FirstIndex() (uint64, error) {
	first, last := l.journal.First(), l.journal.Last()
	if first > last {
		return 0, nil
	}
	return first, nil
}

// LastIndex returns the last index in the log, 0 if it is empty.
func (l *raftLog) LastIndex() (uint64, error) {
	first, last := l.journal.First(), l.journal.Last()
	if first > last {
		return 0, nil
	}
	return last, nil
}

// GetLog reads one entry, or [raft.ErrLogNotFound].
func (l *raftLog) GetLog(index uint64, out *raft.Log) error {
	record, err := l.journal.Read(index)
	if errors.Is(err, fault.NotFound) {
		return raft.ErrLogNotFound
	}
	if err != nil {
		return l.refuse(err)
	}
	if err := decodeEntry(record, out); err != nil {
		return l.refuse(&fault.Error{Op: "hub.raftLog", Kind: fault.Damaged, Item: "raft entry " + strconv.FormatUint(index, 10), Err: err})
	}
	out.Index = index
	return nil
}

// newestCommand returns the index of the newest entry up to one that is meant for
// the register, 0 if the log holds none.
func (l *raftLog) newestCommand(upTo uint64) (uint64, error) {
	var e raft.Log
	for at, first := min(upTo, l.journal.Last()), l.journal.First(); at >= first; at-- {
		if err := l.GetLog(at, &e); err != nil {
			return 0, err
		}
		if e.Type == raft.LogCommand {
			return at, nil
		}
	}
	return 0, nil
}

// StoreLog makes one entry durable.
func (l *raftLog) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

// StoreLogs makes entries durable, in one sync as long as they are of ordinary
// size. After an error none of them is in the log: Raft gives it them again, from the first
// on.
func (l *raftLog) StoreLogs(entries []*raft.Log) error {
	if len(entries) == 0 {
		return nil
	}
	l.altering.Lock()
	defer l.altering.Unlock()
	if err := l.meet(entries[0].Index); err != nil {
		return err
	}
	before := l.journal.Last()
	err := l.store(entries)
	if err != nil && l.journal.Last() > before {
		err = errors.Join(err, l.refuse(l.journal.CutAfter(before)))
	}
	return err
}

// store appends entries, which may be more than one batch.
func (l *raftLog) store(entries []*raft.Log) error {
	var records [][]byte
	size := 0
	flush := func() error {
		if len(records) == 0 {
			return nil
		}
		_, err := l.journal.Append(records...)
		records, size = records[:0], 0
		return l.refuse(err)
	}
	for _, e := range entries {
		record := encodeEntry(e)
		if len(record) > journal.MaxRecord {
			return fault.New("hub.raftLog", fault.Internal, strconv.FormatUint(e.Index, 10), "entry longer than a record")
		}
		if size+len(record) > maxChunk {
			if err := flush(); err != nil {
				return err
			}
		}
		records, size = append(records, record), size+len(record)
	}
	return flush()
}

// meet makes the log ready for an entry at index: an empty log begins anywhere,
// another only behind its end.
func (l *raftLog) meet(index uint64) error {
	first, last := l.journal.First(), l.journal.Last()
	if index == last+1 {
		return nil
	}
	if first <= last {
		return fault.New("hub.raftLog", fault.Internal, strconv.FormatUint(index, 10), fmt.Sprintf("the log ends at %d", last))
	}
	return l.refuse(l.journal.Reset(index))
}

// DeleteRange removes entries from the front, from the end, or all of them;
// never from the middle. The removal of a suffix is durable on return.
func (l *raftLog) DeleteRange(from, to uint64) error {
	l.altering.Lock()
	defer l.altering.Unlock()
	first, last := l.journal.First(), l.journal.Last()
	l.step("before entries are removed")
	defer l.step("after entries are removed")
	switch {
	case first > last || to < first || from > last:
		return nil
	case from <= first && to >= last:
		return l.refuse(l.journal.Reset(max(to, last) + 1))
	case from <= first:
		return l.refuse(l.journal.DropBefore(to + 1))
	case to >= last:
		return l.refuse(l.journal.CutAfter(from - 1))
	}
	return fault.New("hub.raftLog", fault.Internal, fmt.Sprintf("%d-%d", from, to), "a log has no holes")
}

// refuse reports errors after which this server must not go on.
func (l *raftLog) refuse(err error) error {
	if errors.Is(err, fault.Stopped) || errors.Is(err, fault.Damaged) {
		l.fail(err)
	}
	return err
}

// encodeEntry returns format, type, term, time, and the two byte strings of an
// entry. The index is the record's place.
func encodeEntry(e *raft.Log) []byte {
	b := make([]byte, 0, len(e.Data)+len(e.Extensions)+4*binary.MaxVarintLen64)
	b = append(b, entryFormat, byte(e.Type))
	b = binary.AppendUvarint(b, e.Term)
	at := int64(0)
	if !e.AppendedAt.IsZero() {
		at = e.AppendedAt.UnixNano()
	}
	b = binary.AppendVarint(b, at)
	b = binary.AppendUvarint(b, uint64(len(e.Extensions)))
	b = append(b, e.Extensions...)
	return append(b, e.Data...)
}

// decodeEntry reads what encodeEntry wrote. out keeps parts of b.
func decodeEntry(b []byte, out *raft.Log) error {
	if len(b) < 2 || b[0] != entryFormat || b[1] > byte(raft.LogConfiguration) {
		return errors.New("no entry of a known format")
	}
	e := raft.Log{Type: raft.LogType(b[1])}
	b = b[2:]
	term, n := binary.Uvarint(b)
	if n <= 0 {
		return errors.New("term is cut off")
	}
	b = b[n:]
	at, n := binary.Varint(b)
	if n <= 0 {
		return errors.New("time is cut off")
	}
	b = b[n:]
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return errors.New("extensions are cut off")
	}
	b = b[n:]
	e.Term = term
	if at != 0 {
		e.AppendedAt = time.Unix(0, at)
	}
	if size > 0 {
		e.Extensions = b[:size:size]
	}
	e.Data = b[size:]
	*out = e
	return nil
}
