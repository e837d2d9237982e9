package box

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store/journal"
)

// errEnough ends a look at a journal.
var errEnough = errors.New("seen enough")

// Inspect says what is missing or altered of the small files beside the journals of
// a box that nobody has open, and changes nothing. own are the options of
// journal/own. What it finds costs nothing while the journals are whole.
func Inspect(dir string, own journal.Options) ([]string, error) {
	const op = "box.Inspect"
	raw, err := os.ReadFile(filepath.Join(dir, "journal", "own.log"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []string{"own.log is gone: it names the log that the box writes until a record of it stands in journal/own"}, nil
	case err != nil:
		return nil, &fault.Error{Op: op, Kind: fault.Stopped, Item: "own.log", Err: err}
	}
	o, ok := readOpening(raw)
	if !ok {
		return []string{"own.log is not what was written: it names the log that the box writes until a record of it stands in journal/own"}, nil
	}
	var notes []string
	_, err = journal.Salvage(filepath.Join(dir, "journal", "own"), own, func(seq uint64, record []byte) error {
		r, err := decodeOwn(seq, record)
		if err != nil || seq < o.First {
			return nil //nolint:nilerr // Whoever reads the journal for its own sake names it.
		}
		if seq == o.First && (r.Incarnation != o.Log.Incarnation || r.Log != "" && r.Log != o.Log.Name) {
			notes = append(notes, fmt.Sprintf("own.log names %s at record %d of journal/own, and another log begins there: the journal counts", o.Log, seq))
		}
		return errEnough
	})
	if errors.Is(err, errEnough) || errors.Is(err, fault.Damaged) || errors.Is(err, fault.NotFound) {
		err = nil // The journal is looked at for its own sake.
	}
	return notes, err
}

// readOpening reads own.log, also as it was written first.
func readOpening(raw []byte) (o opening, ok bool) {
	if protocol.Unmarshal(raw, maxRecord, "own.log", &o) == nil && o.First > 0 && o.From > 0 && o.From <= o.First {
		return o, true
	}
	o = opening{First: 1, From: 1}
	return o, protocol.Unmarshal(raw, maxRecord, "own.log", &o.Log) == nil
}
