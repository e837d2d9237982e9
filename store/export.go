package store

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"kendro/domain/fault"
)

// A stream is a head, chunks of pairs in order of their keys, and a trailer:
//
//	head     magic 8  index 8  crc 4
//	chunk    kind 1  length 4  crc 4    of kind, length and body
//	pairs    (key length, key, value length, value)…, lengths as uvarint
//	trailer  mark
//
// Values travel in clear: the carrier seals.
const (
	chunkHead   = 9
	chunkPairs  = 1
	chunkEnd    = 2
	chunkTarget = 64 << 10
	chunkMax    = chunkTarget + MaxKey + MaxValue + 2*binary.MaxVarintLen32
)

var streamMagic = [8]byte{'K', 'N', 'D', 'R', 'E', 'X', 'P', '1'}

// Export writes all pairs after the commit index to w, checksummed, in order of
// the keys, with their number and set hash at the end. Memory stays within a few
// MiB, whatever the size; updates go on meanwhile. VALUES ARE IN CLEAR: w must
// lead to somebody who may read them. [fault.NotFound]: index is not yet here, or
// discarded. [fault.Unavailable]: ctx ended, or w failed.
func (db *DB) Export(ctx context.Context, index uint64, w io.Writer) error {
	const op = "store.Export"
	index, err := db.enter(op, index)
	if err != nil {
		return err
	}
	defer db.leave(index)
	m, err := db.markAt(index)
	if err != nil {
		return err
	}
	m.index = index
	head := binary.BigEndian.AppendUint64(streamMagic[:len(streamMagic):len(streamMagic)], index)
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum(head, castagnoli))
	if _, err := w.Write(head); err != nil {
		return fault.Wrap(op, fault.Unavailable, "", err)
	}
	var got mark
	chunk := newChunk(chunkPairs)
	err = db.slices(ctx, index, func(key, value []byte) error {
		got.sum.add(pairSum(key, value))
		got.count++
		chunk = appendPair(chunk, key, value)
		if len(chunk) < chunkTarget {
			return nil
		}
		err := writeChunk(w, chunk)
		chunk = newChunk(chunkPairs)
		return err
	})
	if err == nil && len(chunk) > chunkHead {
		err = writeChunk(w, chunk)
	}
	if err != nil {
		return fault.Wrap(op, fault.Unavailable, "", err)
	}
	if got.count != m.count || got.sum != m.sum {
		return fault.New(op, fault.Damaged, db.dir, "its pairs do not add up to its mark")
	}
	return fault.Wrap(op, fault.Unavailable, "", writeChunk(w, append(newChunk(chunkEnd), m.encode()...)))
}

func newChunk(kind byte) []byte {
	b := make([]byte, chunkHead, chunkTarget+MaxKey)
	b[0] = kind
	return b
}

func appendPair(b, key, value []byte) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
	return append(binary.AppendUvarint(b, uint64(len(value))), value...)
}

func writeChunk(w io.Writer, b []byte) error {
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)-chunkHead))
	binary.BigEndian.PutUint32(b[5:], chunkSum(b[:5], b[chunkHead:]))
	_, err := w.Write(b)
	return err
}

func chunkSum(head, body []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, body)
}

var errStream = errors.New("the stream is not what was exported: fetch it again")

// stream reads what Export wrote.
type stream struct {
	r    io.Reader
	buf  []byte
	last []byte // Key before.
	mark        // Of what was read.
}

// readHead returns the index of the stream.
func (s *stream) readHead() (uint64, error) {
	var b [20]byte
	if _, err := io.ReadFull(s.r, b[:]); err != nil {
		return 0, err
	}
	if [8]byte(b[:8]) != streamMagic || binary.BigEndian.Uint32(b[16:]) != crc32.Checksum(b[:16], castagnoli) {
		return 0, errStream
	}
	return binary.BigEndian.Uint64(b[8:]), nil
}

// chunk reads one chunk and calls fn with its pairs; done is the trailer, checked.
func (s *stream) chunk(fn func(key, value []byte) error) (done bool, err error) {
	var h [chunkHead]byte
	if _, err := io.ReadFull(s.r, h[:]); err != nil {
		return false, err
	}
	n := int(binary.BigEndian.Uint32(h[1:]))
	if n > chunkMax {
		return false, errStream
	}
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	body := s.buf[:n]
	if _, err := io.ReadFull(s.r, body); err != nil {
		return false, err
	}
	if binary.BigEndian.Uint32(h[5:]) != chunkSum(h[:5], body) {
		return false, errStream
	}
	switch h[0] {
	case chunkPairs:
		return false, s.pairs(body, fn)
	case chunkEnd:
		m, ok := decodeMark(body)
		if !ok || m != s.mark {
			return false, errStream
		}
		return true, nil
	default:
		return false, errStream
	}
}

func (s *stream) pairs(body []byte, fn func(key, value []byte) error) error {
	for len(body) > 0 {
		key, rest, ok := field(body, MaxKey)
		if !ok || checkKey("store.Import", key) != nil || string(key) <= string(s.last) {
			return errStream
		}
		value, rest, ok := field(rest, MaxValue)
		if !ok {
			return errStream
		}
		body = rest
		s.last = append(s.last[:0], key...)
		s.sum.add(pairSum(key, value))
		s.count++
		if err := fn(key, value); err != nil {
			return err
		}
	}
	return nil
}

// field takes one length and that many bytes from b.
func field(b []byte, limit uint64) (f, rest []byte, ok bool) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > limit || n > uint64(len(b)-w) {
		return nil, nil, false
	}
	return b[w : w+int(n)], b[w+int(n):], true
}

// Import makes a database in dir, which must be missing or empty, of a stream
// that Export wrote. It appears there whole and durable, checked against its set
// hash, or not at all. [fault.Damaged]: the stream is not what was exported, or
// ended early. [fault.Unavailable]: ctx ended, or too little room.
func Import(ctx context.Context, dir string, o Options, r io.Reader) (index uint64, setHash [32]byte, err error) {
	const op = "store.Import"
	if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
		return 0, setHash, fault.New(op, fault.Conflict, dir, "the folder is not empty: move it away first")
	}
	part := filepath.Clean(dir) + ".part"
	if err := os.RemoveAll(part); err != nil {
		return 0, setHash, fault.Wrap(op, fault.Unavailable, part, err)
	}
	m, err := fill(ctx, part, o, r)
	if err == nil {
		err = os.Rename(part, dir)
	}
	if err == nil {
		err = syncDir(filepath.Dir(part))
	}
	if err != nil {
		_ = os.RemoveAll(part) // The failure before it is the one to report.
		return 0, setHash, importFault(op, dir, err)
	}
	return m.index, m.sum.bytes(), nil
}

func importFault(op, dir string, err error) error {
	if errors.Is(err, errStream) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &fault.Error{Op: op, Kind: fault.Damaged, Item: dir, Err: errors.Join(errStream, err)}
	}
	return fault.Wrap(op, fault.Unavailable, dir, err)
}

// fill opens a new database, writes the pairs of the stream and closes it.
func fill(ctx context.Context, part string, o Options, r io.Reader) (mark, error) {
	s := stream{r: r}
	index, err := s.readHead()
	if err != nil {
		return mark{}, err
	}
	s.index = index
	db, err := open(part, o, o.loading(part))
	if err != nil {
		return mark{}, err
	}
	if err := db.take(ctx, &s); err != nil {
		return mark{}, errors.Join(err, db.Close())
	}
	db.mu.Lock()
	db.now = s.mark
	db.mu.Unlock()
	return s.mark, db.Close()
}

// take writes the pairs of a stream, and its mark last.
func (db *DB) take(ctx context.Context, s *stream) error {
	if s.index == 0 {
		done, err := s.chunk(func(_, _ []byte) error { return errStream })
		if err == nil && !done {
			err = errStream
		}
		return err
	}
	l, err := db.newLoader(s.index)
	if err != nil {
		return err
	}
	defer l.end()
	for done := false; !done; {
		err := ctx.Err()
		if err == nil {
			err = roomFor("store.Import", db.dir, db.o.Preset)
		}
		if err == nil {
			done, err = s.chunk(func(key, value []byte) error { return l.put(pairStream, key, value) })
		}
		if err != nil {
			return err
		}
	}
	if err := l.put(markStream, markKey, s.encode()); err != nil {
		return err
	}
	return l.finish()
}
