// Package store keeps what Kendro knows on one disk: [Vault] encrypts at rest,
// [DB] answers questions from Badger with one atomic transaction per index, and
// store/journal below it holds what was acknowledged.
//
// Enter at [OpenVault], then [Open]. Nothing in a DB is the only copy: a node
// rebuilds it from its journals, a hub from Raft. So the package refuses to
// repair or to guess. It reports [fault.Damaged], and the caller throws the
// folder away. It knows no event, no case and no wire.
//
// Values are encrypted, keys are not: what is personal belongs into a value, or
// into a key as a keyed hash.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"golang.org/x/sys/unix"

	"kendro/domain/fault"
)

// Limits of one pair.
const (
	MaxKey   = 1 << 10   // Bytes of a key.
	MaxValue = 256 << 10 // Bytes of a value.
)

// FreeBytes returns how much an ordinary process may still write to the disk that
// dir lies on, or will lie on.
func FreeBytes(dir string) (uint64, error) {
	for {
		var s unix.Statfs_t
		err := unix.Statfs(dir, &s)
		if err == nil {
			return s.Bavail * uint64(s.Bsize), nil
		}
		up := filepath.Dir(dir)
		if !errors.Is(err, os.ErrNotExist) || up == dir {
			return 0, fault.Wrap("store.FreeBytes", fault.Unavailable, dir, err)
		}
		dir = up
	}
}

// WriteFileAtomic replaces the file at path: after a power cut it holds the old
// data or the new, whole, and the new once it has returned nil. Overlapping calls
// for one path leave one of them.
func WriteFileAtomic(path string, data []byte, perm os.FileMode) error {
	return WriteFileInSteps(path, data, perm, func(string) {})
}

// WriteFileInSteps is [WriteFileAtomic], and passes each moment at which a kill
// would leave the disk in another state: a test looks at it there.
func WriteFileInSteps(path string, data []byte, perm os.FileMode, step func(point string)) error {
	const op = "store.WriteFileAtomic"
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*")
	if err != nil {
		return fault.Wrap(op, fault.Unavailable, path, err)
	}
	step("created aside")
	_, err = f.Write(data)
	if err == nil {
		step("written aside")
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		step("synced aside")
		if err = os.Rename(f.Name(), path); err == nil {
			step("renamed")
			return fault.Wrap(op, fault.Stopped, path, syncDir(dir))
		}
	}
	_ = os.Remove(f.Name()) // The failure before it is the one to report.
	return fault.Wrap(op, fault.Unavailable, path, err)
}

// SyncFolder makes what was created, renamed and removed in a folder durable.
func SyncFolder(dir string) error {
	return fault.Wrap("store.SyncFolder", fault.Stopped, dir, syncDir(dir))
}

// Fill returns how full the disk is that dir lies on, in per cent, as df counts.
func Fill(dir string) (int, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, fault.Wrap("store.Fill", fault.Unavailable, dir, err)
	}
	used := s.Blocks - s.Bfree
	if used+s.Bavail == 0 {
		return 0, nil
	}
	return int(used * 100 / (used + s.Bavail)), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// guard runs fn, which reads files through a map of memory: a page that the disk
// can't give, or bytes that lead Badger astray, become an error.
func guard(fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &astray{cause: fmt.Sprint(r)}
		}
	}()
	return fn()
}

// astray is a panic of the engine.
type astray struct{ cause string }

func (a *astray) Error() string { return "the files led the engine astray: " + a.cause }

// slogger hands Badger's words to slog. What Badger says about keys stays out.
type slogger struct{ log *slog.Logger }

func (s slogger) say(level slog.Level, format string, args []any) {
	if !s.log.Enabled(context.Background(), level) {
		return
	}
	s.log.Log(context.Background(), level, "badger", "detail", withoutKeys(format, args))
}

func (s slogger) Errorf(format string, args ...any)   { s.say(slog.LevelError, format, args) }
func (s slogger) Warningf(format string, args ...any) { s.say(slog.LevelWarn, format, args) }
func (s slogger) Infof(format string, args ...any)    { s.say(slog.LevelDebug, format, args) }
func (s slogger) Debugf(format string, args ...any)   { s.say(slog.LevelDebug, format, args) }
