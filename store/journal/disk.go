package journal

import (
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Disk is how a journal changes files. Calls on different names may overlap.
// When SyncDir returns, every Rename and Remove in that folder and the existence
// of every created file survive a power cut.
type Disk interface {
	Open(name string, create bool) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	SyncDir(dir string) error
}

// Folders is what a [Disk] may do as well. One that doesn't leaves folders to the
// operating system.
type Folders interface {
	// Make makes a folder and those above it.
	Make(dir string) error
	// List names the files in a folder.
	List(dir string) ([]string, error)
	// Lock keeps everybody else away from a folder until it is closed, or says
	// [fault.Conflict].
	Lock(dir string) (io.Closer, error)
	// Size is how long a file is.
	Size(name string) (int64, error)
}

// foldersOf returns the folders that go with a disk.
func foldersOf(d Disk) Folders {
	if f, ok := d.(Folders); ok {
		return f
	}
	return osFolders{}
}

// osFolders are the operating system's.
type osFolders struct{}

func (osFolders) Make(dir string) error {
	return os.MkdirAll(dir, 0o700)
}

func (osFolders) List(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (osFolders) Lock(dir string) (io.Closer, error) {
	f, err := lockFolder("journal.Open", dir, unix.LOCK_EX)
	if err != nil { // A typed nil would not be nil.
		return nil, err
	}
	return f, nil
}

func (osFolders) Size(name string) (int64, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// File is an open file of a [Disk]. When Sync returns, what WriteAt wrote before
// it began survives a power cut, the file's size included.
type File interface {
	io.ReaderAt
	io.WriterAt
	Sync() error
	Close() error
}

// osDisk is the operating system's disk.
type osDisk struct{ direct bool }

// SystemDisk is the disk of a journal whose Options name none: for tests that put
// something around it.
func SystemDisk() Disk { return osDisk{} }

type osFile struct{ *os.File }

func (d osDisk) Open(name string, create bool) (File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE | os.O_EXCL
	}
	f, err := os.OpenFile(name, flags, 0o600)
	if err != nil {
		return nil, err
	}
	if d.direct {
		return newOSDirect(f), nil
	}
	return osFile{f}, nil
}

func (osDisk) Rename(from, to string) error {
	return os.Rename(from, to) //nolint:gosec // Under the folder that the operator gave.
}

func (osDisk) Remove(name string) error { return os.Remove(name) }

func (osDisk) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		_ = d.Close()
		return err
	}
	return d.Close()
}

// Sync is fdatasync: it carries the data and the size, and leaves the times.
func (f osFile) Sync() error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}

// readOnly opens files for reading alone, for a journal that must not change.
type readOnly struct{ osDisk }

func (readOnly) Open(name string, _ bool) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// zeroes is a buffer to go through n bytes of a file with, and no longer than that.
func zeroes(n int64) []byte { return make([]byte, max(min(n, 256<<10), 0)) }

// fillZero writes n bytes of zero at the beginning of f; stop ends it early.
func fillZero(f File, n int64, stop <-chan struct{}) error {
	block := zeroes(n)
	for off := int64(0); off < n; {
		select {
		case <-stop:
			return errClosed
		default:
		}
		m, err := f.WriteAt(block[:min(int64(len(block)), n-off)], off)
		if err != nil {
			return err
		}
		off += int64(m)
	}
	return f.Sync()
}

// wipe makes [from, to) zero where it is not, and durable. It returns how many
// bytes reach from the first to the last that were not zero.
func wipe(f File, from, to int64) (int64, error) {
	block := zeroes(to - from)
	low, high := int64(-1), int64(-1)
	for off := from; off < to; {
		b := block[:min(int64(len(block)), to-off)]
		if err := readFull(f, b, off); err != nil {
			return 0, err
		}
		lo, hi := nonZero(b)
		if lo >= 0 {
			if low < 0 {
				low = off + int64(lo)
			}
			high = off + int64(hi)
			if _, err := f.WriteAt(make([]byte, hi-lo+1), off+int64(lo)); err != nil {
				return 0, err
			}
		}
		off += int64(len(b))
	}
	if low < 0 {
		return 0, nil
	}
	return high - low + 1, f.Sync()
}

// nonZero returns the first and last byte of b that is not zero, or -1.
func nonZero(b []byte) (first, last int) {
	first, last = -1, -1
	for i, c := range b {
		if c != 0 {
			first = i
			break
		}
	}
	if first < 0 {
		return -1, -1
	}
	for i, c := range slices.Backward(b) {
		if c != 0 {
			return first, i
		}
	}
	return first, last
}

// readFull reads all of b at off; what lies behind the end of the file is zero.
func readFull(f io.ReaderAt, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) || err == io.EOF {
		clear(b[n:])
		return nil
	}
	return err
}
