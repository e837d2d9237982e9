package journal

import (
	"errors"
	"io"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An appender is a File that has a shorter way to the disk for what is written at
// the end.
type appender interface {
	// Append is WriteAt where nothing but zeroes lies behind off, up to the end of
	// the block in which b ends. One call at a time.
	Append(b []byte, off int64) error
}

// appendTo writes b at the end of what was written to f so far.
func appendTo(f File, b []byte, off int64) error {
	if a, ok := f.(appender); ok {
		return a.Append(b, off)
	}
	_, err := f.WriteAt(b, off)
	return err
}

const (
	directBlock = 4096      // What is written directly begins and ends at a multiple of it.
	directMost  = 256 << 10 // More than this at once gains nothing by it.
)

// A directFile appends past the system's memory: a write goes to the device at
// once, and the sync that follows has only the device's own memory to flush. The
// block that an append begins in is written again with it, same bytes first, as
// the system's memory would. Reading, and whatever else is written, takes the
// ordinary way; the kernel keeps both in step.
type directFile struct {
	File
	open func() (io.WriterAt, error) // Of the direct way; nil once it was tried.
	out  io.WriterAt                 // Takes whole blocks; nil where there is no direct way.
	last int64                       // Offset of the file's last block, which isn't written directly.

	buf  []byte // Begins at a block's boundary, in memory too.
	from int64  // Where in the file buf begins.
	have int64  // How much of buf is what the file holds.
}

// Append writes b at off.
func (f *directFile) Append(b []byte, off int64) error {
	if f.open != nil {
		f.out, _ = f.open() // Without it everything goes the ordinary way.
		f.open = nil
	}
	end := off + int64(len(b))
	from, to := off&^(directBlock-1), roundUp(end)
	if f.out == nil || to > f.last || to-from > directMost {
		f.have = 0
		_, err := f.WriteAt(b, off)
		return err
	}
	if err := f.reach(from, off, to); err != nil {
		return err
	}
	block := f.buf[:to-from]
	copy(block[off-from:], b)
	clear(block[end-from:])
	if _, err := f.out.WriteAt(block, from); err != nil {
		if !errors.Is(err, unix.EINVAL) {
			return err
		}
		f.out = nil // The file system promised what it can't do; nothing was written.
		_, err = f.WriteAt(b, off)
		return err
	}
	f.from, f.have = end&^(directBlock-1), end&(directBlock-1)
	copy(f.buf, block[f.from-from:end-from])
	return nil
}

// reach makes buf hold what the file does from a block's boundary up to off, with
// room up to to.
func (f *directFile) reach(from, off, to int64) error {
	known := f.have > 0 && f.from == from && f.from+f.have == off || off == from
	if need := to - from; int64(len(f.buf)) < need {
		fresh := alignedBlocks(need)
		copy(fresh, f.buf[:f.have])
		f.buf = fresh
	}
	if known {
		return nil
	}
	return readFull(f.File, f.buf[:off-from], from)
}

// alignedBlocks returns zeroed memory that begins at a block's boundary.
func alignedBlocks(n int64) []byte {
	b := make([]byte, n+directBlock)
	past := int64(uintptr(unsafe.Pointer(unsafe.SliceData(b))) % directBlock) //nolint:gosec // Looked at, not kept: the direct way wants it even.
	return b[directBlock-past:][:n:n]
}

// openDirect opens a file of the operating system's a second time, for writing
// past its memory. The file may have got another name since it was opened.
func openDirect(f *os.File) (*os.File, int64, error) {
	var st unix.Statx_t
	if err := unix.Statx(int(f.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_DIOALIGN|unix.STATX_SIZE, &st); err != nil {
		return nil, 0, err
	}
	if a := max(st.Dio_mem_align, st.Dio_offset_align); st.Mask&unix.STATX_DIOALIGN == 0 || a == 0 || directBlock%a != 0 {
		return nil, 0, unix.EINVAL
	}
	out, err := os.OpenFile("/proc/self/fd/"+strconv.Itoa(int(f.Fd())), os.O_WRONLY|unix.O_DIRECT, 0)
	return out, int64(st.Size)&^(directBlock-1) - directBlock, err
}

// osDirect is an open file of the operating system's with its direct way.
type osDirect struct {
	directFile
	second *os.File // nil unless Append has opened it.
}

func newOSDirect(f *os.File) *osDirect {
	d := &osDirect{directFile: directFile{File: osFile{f}}}
	d.open = func() (io.WriterAt, error) {
		out, last, err := openDirect(f)
		if err != nil {
			return nil, err
		}
		d.second, d.last = out, last
		return out, nil
	}
	return d
}

// Close closes both.
func (d *osDirect) Close() error {
	err := d.File.Close()
	if d.second != nil {
		err = errors.Join(err, d.second.Close())
	}
	return err
}
