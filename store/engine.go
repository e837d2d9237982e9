package store

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"

	"kendro/domain/fault"
)

// DiskFailed reports whether a failure is the disk's own: a write or sync that it
// refused, not bytes that differ. Badger keeps the text of a cause and drops the
// cause, so both are looked at.
func DiskFailed(err error) bool {
	return err != nil && (errors.Is(err, syscall.EIO) || strings.Contains(err.Error(), syscall.EIO.Error()))
}

// openFault sorts the ways the engine fails to open. After a failed write or
// sync nothing is built again on that disk.
func openFault(op, dir string, err error) error {
	if strings.Contains(err.Error(), "Another process is using this Badger database") {
		return fault.New(op, fault.Conflict, dir, "it is open elsewhere: stop the other process first")
	}
	if DiskFailed(err) {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: dir, Err: err}
	}
	return &fault.Error{Op: op, Kind: fault.Damaged, Item: dir, Err: err}
}

// A listener hears the engine's log: a write or sync that fails in its
// background is told there alone, and tried again for ever.
type listener struct {
	slogger
	db *DB
}

func listenFor(db *DB) listener {
	log := db.o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return listener{slogger{log}, db}
}

// Errorf stops the database when the disk has failed under it.
func (l listener) Errorf(format string, args ...any) {
	l.slogger.Errorf(format, args...)
	if err := fmt.Errorf("in the background: %s", strings.TrimSpace(fmt.Sprintf(format, args...))); DiskFailed(err) {
		_ = l.db.fail("store.engine", err) // What every later call answers.
	}
}
