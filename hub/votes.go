package hub

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"

	"kendro/domain/fault"
	"kendro/protocol"
)

// The votes file holds Raft's term and vote in two copies, each behind its own
// checksum. Both are written and synced one after the other, so that neither a
// torn write nor one altered byte loses a vote that was given.
const (
	votesPlaces = 2
	votesStride = 4096
	votesSlot   = 1024
	votesHeader = 8 + 8 + 4 + 4 // Magic, counter, length, checksum.
)

const votesMagic = "KNDRVOT1"

// errNotFound carries the very text by which Raft knows a key that is not there.
var errNotFound = errors.New("not found")

// votes is Raft's StableStore. A write is durable when it returns. It may be
// used concurrently.
type votes struct {
	fail    func(error)
	serving atomic.Bool // Raft runs: a failure ends the goroutine that asked.

	mu      sync.Mutex // Guards what follows; writes hold it, for there is one writer: Raft.
	file    *os.File
	counter uint64
	values  map[string][]byte
	torn    bool // A copy was not what was written when the file was opened.
}

// openVotes opens the file, making it where there is none; created says so. Two
// unreadable copies are [fault.Damaged].
func openVotes(dir string, fail func(error)) (v *votes, created bool, err error) {
	const op = "hub.openVotes"
	name := filepath.Join(dir, "votes")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, false, &fault.Error{Op: op, Kind: fault.Stopped, Item: name, Err: err}
	}
	v = &votes{fail: fail, file: f, values: map[string][]byte{}}
	info, err := f.Stat()
	if err != nil {
		return nil, false, errors.Join(&fault.Error{Op: op, Kind: fault.Stopped, Item: name, Err: err}, f.Close())
	}
	if info.Size() == 0 {
		if err := errors.Join(v.write(), syncDir(dir)); err != nil {
			return nil, false, errors.Join(err, f.Close())
		}
		return v, true, nil
	}
	if !v.read() {
		_ = f.Close()
		return nil, false, fault.New(op, fault.Damaged, name, "both copies of this server's votes are altered; "+rejoin)
	}
	// Whatever was wrong with the other copy is put right before it is needed.
	if err := v.write(); err != nil {
		return nil, false, errors.Join(err, f.Close())
	}
	return v, false, nil
}

// read takes the newer of the copies that hold.
func (v *votes) read() bool {
	found := false
	for place := range int64(votesPlaces) {
		b := make([]byte, votesSlot)
		n, _ := v.file.ReadAt(b, place*votesStride)
		counter, values, ok := decodeVotes(b[:n])
		v.torn = v.torn || !ok
		if ok && (!found || counter > v.counter) {
			v.counter, v.values, found = counter, values, true
		}
	}
	return found
}

// write puts the values into both copies, the first durable before the second
// is begun.
func (v *votes) write() error {
	v.counter++
	slot := encodeVotes(v.counter, v.values)
	for place := range int64(votesPlaces) {
		if _, err := v.file.WriteAt(slot, place*votesStride); err != nil {
			return &fault.Error{Op: "hub.votes", Kind: fault.Stopped, Item: v.file.Name(), Err: err}
		}
		if err := v.file.Sync(); err != nil {
			return &fault.Error{Op: "hub.votes", Kind: fault.Stopped, Item: v.file.Name(), Err: err}
		}
	}
	return nil
}

func (v *votes) empty() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.values) == 0
}

func (v *votes) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.file.Close()
}

// Set makes a value durable. A disk that refuses ends the server: Raft would
// panic over the error, so once it runs its goroutine ends here instead, and the
// server shuts down in order.
func (v *votes) Set(key, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values[string(key)] = bytes.Clone(value)
	err := v.write()
	if err != nil {
		v.fail(err)
		if v.serving.Load() {
			runtime.Goexit()
		}
	}
	return err
}

// Get returns a value, or an error that reads "not found".
func (v *votes) Get(key []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, ok := v.values[string(key)]
	if !ok {
		return nil, errNotFound
	}
	return bytes.Clone(value), nil
}

// SetUint64 makes a number durable.
func (v *votes) SetUint64(key []byte, n uint64) error {
	return v.Set(key, binary.BigEndian.AppendUint64(nil, n))
}

// GetUint64 returns a number, or an error that reads "not found".
func (v *votes) GetUint64(key []byte) (uint64, error) {
	b, err := v.Get(key)
	if err != nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, fault.New("hub.votes", fault.Damaged, string(key), "not a number")
	}
	return binary.BigEndian.Uint64(b), nil
}

func encodeVotes(counter uint64, values map[string][]byte) []byte {
	body := protocol.Marshal(values)
	if len(body) > votesSlot-votesHeader {
		panic("hub: votes outgrow their slot") // Raft keeps three short values.
	}
	b := make([]byte, votesHeader, votesSlot)
	copy(b, votesMagic)
	binary.BigEndian.PutUint64(b[8:], counter)
	binary.BigEndian.PutUint32(b[16:], uint32(len(body)))
	b = append(b, body...)
	binary.BigEndian.PutUint32(b[20:], votesSum(b))
	return b[:votesSlot]
}

func decodeVotes(b []byte) (counter uint64, values map[string][]byte, ok bool) {
	if len(b) < votesHeader || string(b[:8]) != votesMagic {
		return 0, nil, false
	}
	size := binary.BigEndian.Uint32(b[16:])
	if uint64(size) > uint64(len(b)-votesHeader) {
		return 0, nil, false
	}
	b = b[:votesHeader+int(size)]
	if binary.BigEndian.Uint32(b[20:]) != votesSum(b) {
		return 0, nil, false
	}
	if err := protocol.Unmarshal(b[votesHeader:], votesSlot, "votes", &values); err != nil {
		return 0, nil, false
	}
	if values == nil {
		values = map[string][]byte{}
	}
	return binary.BigEndian.Uint64(b[8:]), values, true
}

// votesSum is the checksum of a slot but for the four bytes that hold it.
func votesSum(b []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(b[:20], table), table, b[votesHeader:])
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return &fault.Error{Op: "hub.syncDir", Kind: fault.Stopped, Item: dir, Err: err}
	}
	return errors.Join(fault.Wrap("hub.syncDir", fault.Stopped, dir, d.Sync()), d.Close())
}
