package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"kendro/domain/fault"
)

// openSite returns the folder to measure in, absolute and empty, and what clears
// it away: one that the caller named is kept. Memory that looks like a disk is
// [fault.Invalid], since nothing is learned from it.
func openSite(dir string) (site string, clear func(), err error) {
	if dir == "" {
		if site, err = os.MkdirTemp("", "kendro-bench-"); err != nil {
			return "", nil, fault.Wrap(op, fault.Unavailable, "", err)
		}
		clear = func() { _ = os.RemoveAll(site) } // What is left, the system clears.
		if err := onDisk(site); err != nil {
			clear()
			return "", nil, err
		}
		return site, clear, nil
	}
	if site, err = filepath.Abs(dir); err != nil {
		return "", nil, fault.Wrap(op, fault.Invalid, dir, err)
	}
	if err := os.MkdirAll(site, 0o700); err != nil {
		return "", nil, fault.Wrap(op, fault.Invalid, dir, err)
	}
	list, err := os.ReadDir(site)
	if err != nil {
		return "", nil, fault.Wrap(op, fault.Invalid, dir, err)
	}
	if len(list) > 0 {
		return "", nil, fault.New(op, fault.Invalid, dir, "is not empty: name a new folder")
	}
	return site, func() {}, onDisk(site)
}

// ramfs is the older relative of tmpfs.
const ramfs = 0x858458f6

func onDisk(dir string) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fault.Wrap(op, fault.Unavailable, dir, err)
	}
	if s.Type == unix.TMPFS_MAGIC || s.Type == ramfs {
		return fault.New(op, fault.Invalid, dir, "lies in memory (tmpfs): name a folder on a disk with --dir, or set TMPDIR")
	}
	return nil
}

// Of the bare measurement.
const (
	bareRecord = 600
	bareSyncs  = 1000
)

// bareSync returns the median of a write and fdatasync of one record behind the
// other, in a file that was filled with zeros before: as good as this disk gets.
func bareSync(dir string) (time.Duration, error) {
	name := filepath.Join(dir, "bare")
	took, err := bareSyncTimes(name)
	if err := errors.Join(err, os.Remove(name)); err != nil {
		return 0, fault.Wrap(op, fault.Stopped, name, err)
	}
	return percentile(took, 50), nil
}

func bareSyncTimes(name string) ([]time.Duration, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // Every write was synced, and nobody reads it.
	if _, err := f.Write(make([]byte, bareRecord*bareSyncs)); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	record := bytes.Repeat([]byte{0xa5}, bareRecord)
	took := make([]time.Duration, 0, bareSyncs)
	for i := range int64(bareSyncs) {
		began := time.Now()
		if _, err := f.WriteAt(record, i*bareRecord); err != nil {
			return nil, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// pairs lists the members of a JSON object in their order.
func pairs(object []byte) (list [][2]string) {
	dec := json.NewDecoder(bytes.NewReader(object))
	dec.UseNumber()
	if _, err := dec.Token(); err != nil {
		return nil
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return list
		}
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return list
		}
		list = append(list, [2]string{key.(string), string(bytes.Trim(value, `"`))})
	}
	return list
}
