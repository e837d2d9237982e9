package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"github.com/dgraph-io/ristretto/v2/z"
	"google.golang.org/protobuf/proto"

	"kendro/domain/fault"
)

// Badger opens its tables in goroutines of its own and ends the process over
// some damaged ones, so we look first. What a run left behind lies beside it.
const (
	stateName  = "KENDRO"
	stateBytes = 8 + 4 + 1 + markBytes + 4
)

var stateMagic = [8]byte{'K', 'N', 'D', 'R', 'S', 'T', 'A', '1'}

// state is what a run leaves for the next one.
type state struct {
	runs  uint32 // Since the last Close.
	clean bool   // floor is the very last commit.
	floor mark   // This commit is durable.
}

func (s *state) save(dir string) error {
	b := append([]byte{}, stateMagic[:]...)
	b = binary.BigEndian.AppendUint32(b, s.runs)
	clean := byte(0)
	if s.clean {
		clean = 1
	}
	b = append(append(b, clean), s.floor.encode()...)
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return WriteFileAtomic(filepath.Join(dir, stateName), b, 0o600)
}

// decodeState reads a state; false says that nothing is known.
func decodeState(b []byte) (s state, ok bool) {
	if len(b) != stateBytes || [8]byte(b[:8]) != stateMagic ||
		binary.BigEndian.Uint32(b[stateBytes-4:]) != crc32.Checksum(b[:stateBytes-4], castagnoli) {
		return s, false
	}
	s.runs = binary.BigEndian.Uint32(b[8:])
	s.clean = b[12] == 1
	s.floor, ok = decodeMark(b[13 : 13+markBytes])
	return s, ok
}

// check compares what was found with what must be there.
func (s *state) check(found mark) error {
	switch {
	case found.index < s.floor.index:
		return fmt.Errorf("commit %d was durable, and the newest one here is %d", s.floor.index, found.index)
	case s.clean && found != s.floor, found.index == s.floor.index && found != s.floor:
		return fmt.Errorf("commit %d is not the one that was closed", found.index)
	}
	return nil
}

// lookAt reads what the last run left in a folder. used says that the engine has
// kept something there; the notes are what is missing or altered of it.
func lookAt(dir string) (s state, used bool, notes []string, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, stateName))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return s, false, nil, err
	}
	s, known := decodeState(raw)
	_, err = os.Stat(filepath.Join(dir, badger.ManifestFilename))
	used = err == nil
	switch {
	case len(raw) > 0 && !known:
		notes = append(notes, stateName+" is not what was written and is made anew: what must be here at least is not known")
	case len(raw) == 0 && used:
		notes = append(notes, stateName+" is missing and is made anew: what must be here at least is not known")
	}
	if !used && len(raw) > 0 {
		notes = append(notes, "the engine's MANIFEST is missing: the database begins empty")
	}
	return s, used, notes, nil
}

// Inspect says what is missing or altered, in the folder of a database, of what a
// start makes anew without a word in its records. It changes nothing.
func Inspect(dir string) ([]string, error) {
	_, _, notes, err := lookAt(dir)
	return notes, fault.Wrap("store.Inspect", fault.Unavailable, dir, err)
}

// preflight looks at the files before Badger does.
func (db *DB) preflight(op string, opts badger.Options) error {
	s, used, notes, err := lookAt(db.dir)
	if err != nil {
		return fault.Wrap(op, fault.Unavailable, db.dir, err)
	}
	if s.floor.index > 0 && !used {
		return fault.New(op, fault.Damaged, db.dir, "the engine's MANIFEST is missing")
	}
	for _, note := range notes {
		opts.Logger.Warningf("%s", note)
	}
	db.state = s
	mine := s
	mine.runs++
	mine.clean = false
	if err := mine.save(db.dir); err != nil {
		return err
	}
	if used {
		if err := guard(func() error { return checkTables(db.dir, opts) }); err != nil {
			return openFault(op, db.dir, err)
		}
	}
	return nil
}

// checkTables reads every block of every table that the MANIFEST names. Badger
// answers for a pair in a block that it can't read as if there were none, so none
// may be left to it.
func checkTables(dir string, opts badger.Options) error {
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename))
	if err != nil {
		return err
	}
	m, good, err := badger.ReplayManifestFile(f, opts.ExternalMagicVersion, opts)
	info, lost := f.Stat()
	if err = errors.Join(err, lost, f.Close()); err != nil {
		return err
	}
	if info.Size() > good {
		opts.Logger.Warningf("the engine's MANIFEST ends in the middle of an entry, at %d of %d bytes: what only that named is gone", good, info.Size())
	}
	for id := range m.Tables {
		if err := checkTable(table.NewFilename(id, dir)); err != nil {
			return err
		}
	}
	return nil
}

func checkTable(name string) error {
	if err := checkFooter(name); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	mapped, err := z.OpenMmapFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	t, err := table.OpenTable(mapped, table.Options{ReadOnly: true, ChkMode: options.OnBlockRead})
	if err != nil {
		return err
	}
	if err := guard(t.VerifyChecksum); err != nil {
		return errors.Join(fmt.Errorf("%s: a block is not what was written: %w", filepath.Base(name), err), t.Close(-1))
	}
	return t.Close(-1)
}

// checkFooter checks the end of a table, from which everything else is found: the
// lengths of the index and of its checksum, and that checksum.
func checkFooter(name string) error {
	data, err := readTail(name, 4, 0)
	if err != nil {
		return err
	}
	sumLen := int64(binary.BigEndian.Uint32(data))
	if sumLen > 64 {
		return errors.New("the length of its checksum is damaged")
	}
	data, err = readTail(name, 4+sumLen, 4)
	if err != nil {
		return err
	}
	indexLen := int64(binary.BigEndian.Uint32(data))
	var sum pb.Checksum
	if err := proto.Unmarshal(data[4:], &sum); err != nil {
		return err
	}
	if sum.Algo != pb.Checksum_CRC32C {
		return errors.New("its checksum is of an unknown kind")
	}
	index, err := readTail(name, indexLen, 8+sumLen)
	if err != nil {
		return err
	}
	return y.VerifyChecksum(index, &sum)
}

// readTail returns n bytes that end skip bytes before the end of the file.
func readTail(name string, n, skip int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && n+skip > info.Size() {
		err = errors.New("it is shorter than its lengths say")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	b := make([]byte, n)
	_, err = f.ReadAt(b, info.Size()-skip-n)
	return b, errors.Join(err, f.Close())
}
