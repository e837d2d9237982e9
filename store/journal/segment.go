package journal

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
)

// A segment file begins and ends with the same header, so that one bad sector
// takes no more than itself. Between them lie frames, then zeroes.
const (
	segmentSuffix = ".seg"
	segmentHeader = 128
	digits        = 20
	stride        = 16 // A segment remembers where every 16th record lies.
)

var segmentMagic = [8]byte{'K', 'N', 'D', 'R', 'L', 'O', 'G', '1'}

const flagSealed = 1

// birth is what a segment's header says; it never changes.
type birth struct {
	flags  uint32
	first  uint64 // Sequence of its first record.
	before uint64 // First record of the segment before it; 0 where there was none.
	size   int64  // Of the file.
	salt   uint64
	chain  [32]byte // Before its first record.
}

func (b *birth) encode() []byte {
	h := make([]byte, segmentHeader)
	copy(h, segmentMagic[:])
	binary.LittleEndian.PutUint32(h[8:], b.flags)
	binary.LittleEndian.PutUint64(h[16:], b.first)
	binary.LittleEndian.PutUint64(h[24:], b.before)
	binary.LittleEndian.PutUint64(h[32:], uint64(b.size))
	binary.LittleEndian.PutUint64(h[40:], b.salt)
	copy(h[48:80], b.chain[:])
	binary.LittleEndian.PutUint32(h[segmentHeader-4:], crc32.Checksum(h[:segmentHeader-4], castagnoli))
	return h
}

func decodeBirth(h []byte) (b birth, ok bool) {
	if len(h) != segmentHeader || !bytes.Equal(h[:8], segmentMagic[:]) ||
		binary.LittleEndian.Uint32(h[segmentHeader-4:]) != crc32.Checksum(h[:segmentHeader-4], castagnoli) {
		return b, false
	}
	b.flags = binary.LittleEndian.Uint32(h[8:])
	b.first = binary.LittleEndian.Uint64(h[16:])
	b.before = binary.LittleEndian.Uint64(h[24:])
	b.size = int64(binary.LittleEndian.Uint64(h[32:]))
	b.salt = binary.LittleEndian.Uint64(h[40:])
	copy(b.chain[:], h[48:80])
	sane := b.first > 0 && b.size >= 2*segmentHeader && b.size <= maxSegment+2*MaxBatch && b.before < b.first
	return b, sane
}

// limit is the offset behind the last byte a frame may take.
func (b *birth) limit() int64 { return b.size - segmentHeader }

// newSalt draws a segment's salt.
func newSalt() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // Never fails: it ends the process instead.
	return binary.LittleEndian.Uint64(b[:])
}

func segmentName(first uint64) string {
	return fmt.Sprintf("%0*d%s", digits, first, segmentSuffix)
}

func parseSegmentName(name string) (first uint64, ok bool) {
	d, found := strings.CutSuffix(name, segmentSuffix)
	if !found || len(d) != digits {
		return 0, false
	}
	first, err := strconv.ParseUint(d, 10, 64)
	return first, err == nil && first > 0
}

// readBirth reads a segment's header from the copy that holds; whole says that
// both do.
func readBirth(d Disk, path string) (b birth, whole bool, err error) {
	f, err := d.Open(path, false)
	if err != nil {
		return b, false, err
	}
	h := make([]byte, segmentHeader)
	if err := readFull(f, h, 0); err != nil {
		return b, false, errors.Join(err, f.Close())
	}
	size, err := foldersOf(d).Size(path)
	if err != nil {
		return b, false, errors.Join(err, f.Close())
	}
	b, ok := decodeBirth(h)
	at := size - segmentHeader
	if ok {
		at = b.limit()
	}
	tail := make([]byte, segmentHeader)
	if at >= segmentHeader {
		err = readFull(f, tail, at)
	}
	t, tailOK := decodeBirth(tail)
	if !ok && tailOK {
		b = t
	}
	return b, ok && tailOK && t == b, errors.Join(err, f.Close())
}

func repairBirth(d Disk, path string, b *birth) error {
	f, err := d.Open(path, false)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b.encode(), b.limit())
	if err == nil {
		_, err = f.WriteAt(b.encode(), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// segment is one file of the log.
type segment struct {
	birth
	path  string
	marks []uint32 // Offset of every 16th record, 0 where unknown; nil before it was read. Guarded by view.mu.

	file File // nil while closed. This and the two below are guarded by view.mu.
	refs int  // Readers at work.
	gone bool // Removed: close with the last reader.
}

// mark remembers that the record seq lies at off.
func (b *birth) mark(marks []uint32, seq uint64, off int64) []uint32 {
	n := seq - b.first
	if n%stride != 0 || n/stride < uint64(len(marks)) {
		return marks
	}
	for uint64(len(marks)) < n/stride {
		marks = append(marks, 0)
	}
	return append(marks, uint32(off))
}

// hint returns an offset at or before the record seq.
func (b *birth) hint(marks []uint32, seq uint64) int64 {
	for i := int(min((seq-b.first)/stride, uint64(len(marks)))); i >= 0; i-- {
		if i < len(marks) && marks[i] != 0 {
			return int64(marks[i])
		}
	}
	return segmentHeader
}

// window reads a file through a buffer that follows the reader.
type window struct {
	f     io.ReaderAt
	buf   []byte
	off   int64 // Of buf[0].
	have  int
	chunk int
}

// peek returns n bytes at off, good until the next peek. What lies behind the
// end of the file is zero.
func (w *window) peek(off int64, n int) ([]byte, error) {
	if off >= w.off && off+int64(n) <= w.off+int64(w.have) {
		at := int(off - w.off)
		return w.buf[at : at+n], nil
	}
	want := max(n, w.chunk)
	if cap(w.buf) < want {
		w.buf = make([]byte, want)
	}
	w.have = 0
	if err := readFull(w.f, w.buf[:want], off); err != nil {
		return nil, err
	}
	w.off, w.have = off, want
	return w.buf[:n], nil
}

// errEnd says that no frame follows. It is not io.EOF, which a disk could answer.
var errEnd = errors.New("no frame follows")

// cursor walks the frames of a segment. Where no frame begins it looks for the
// next one, 8 bytes at a time.
type cursor struct {
	w     window
	salt  uint64
	off   int64 // Where the next frame is looked for.
	limit int64
	stray int64 // Offset behind the last byte that belongs to no frame and is not zero.
}

func newCursor(f io.ReaderAt, b *birth, off int64, chunk int) *cursor {
	limit := b.limit()
	return &cursor{w: window{f: f, chunk: int(min(int64(chunk), limit-off))}, salt: b.salt, off: off, limit: limit}
}

// next returns the next frame and its offset, or errEnd.
func (c *cursor) next() (frame, int64, error) {
	for ; c.off+frameHeader <= c.limit; c.off += frameAlign {
		h, err := c.w.peek(c.off, frameHeader)
		if err != nil {
			return frame{}, 0, err
		}
		if f, ok := parseFrame(h, c.salt); ok && c.off+f.size() <= c.limit {
			at := c.off
			c.off += f.size()
			return f, at, nil
		}
		if binary.LittleEndian.Uint64(h) != 0 {
			c.stray = c.off + frameAlign
		}
	}
	return frame{}, 0, c.rest()
}

// rest looks through the bytes that are too few for a frame.
func (c *cursor) rest() error {
	for ; c.off+frameAlign <= c.limit; c.off += frameAlign {
		b, err := c.w.peek(c.off, frameAlign)
		if err != nil {
			return err
		}
		if binary.LittleEndian.Uint64(b) != 0 {
			c.stray = c.off + frameAlign
		}
	}
	return errEnd
}

// body returns the bytes behind the header of the frame at off, good until the
// next call of the cursor.
func (c *cursor) body(f *frame, off int64) ([]byte, error) {
	return c.w.peek(off+frameHeader, int(f.size())-frameHeader)
}
