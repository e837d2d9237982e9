package hub

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// A stream of the register is its head, the register's pairs, and the SHA-256 of
// both.
type streamHead struct {
	Applied uint64        `cbor:"1,keyasint"`
	Digest  protocol.Hash `cbor:"2,keyasint"`
}

const maxStreamHead = 256

func writeStream(ctx context.Context, reg *register.Register, m *marker, w io.Writer) error {
	sum := sha256.New()
	both := io.MultiWriter(w, sum)
	if err := protocol.WriteFrame(both, protocol.Marshal(&streamHead{Applied: m.Applied, Digest: m.Digest})); err != nil {
		return fault.Wrap("hub.snapshots", fault.Unavailable, "stream", err)
	}
	if err := reg.DB().Export(ctx, m.Applied, both); err != nil {
		return err
	}
	_, err := w.Write(sum.Sum(nil))
	return fault.Wrap("hub.snapshots", fault.Unavailable, "stream", err)
}

// A spool is another server's snapshot as a file, and beside it, once it is
// complete and verified, a note of where it belongs.
func spoolName(m *marker) string { return fmt.Sprintf("%s%d-%d", spoolID, m.Term, m.Index) }

func (s *snapshots) spoolDir() string { return filepath.Join(s.dir, "spool") }

// spoolWriter receives a spool. One goroutine uses it.
type spoolWriter struct {
	owner *snapshots
	meta  *marker
	file  *os.File
}

func (s *snapshots) newSpool(m *marker) (*spoolWriter, error) {
	if err := s.clearSpool(); err != nil {
		return nil, err
	}
	name := filepath.Join(s.spoolDir(), spoolName(m))
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, &fault.Error{Op: "hub.spool", Kind: fault.Unavailable, Item: name, Err: err}
	}
	s.step("after the spool is begun")
	return &spoolWriter{owner: s, meta: m, file: f}, nil
}

// Write appends to the spool.
func (w *spoolWriter) Write(b []byte) (int, error) {
	n, err := w.file.Write(b)
	w.owner.step("a part of the spool is written")
	return n, fault.Wrap("hub.spool", fault.Unavailable, w.file.Name(), err)
}

// finish makes the spool durable, reads it back, and notes that it is complete.
func (w *spoolWriter) finish() error {
	const op = "hub.spool"
	err := w.file.Sync()
	if err == nil {
		_, err = w.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return errors.Join(&fault.Error{Op: op, Kind: fault.Stopped, Item: w.file.Name(), Err: err}, w.file.Close())
	}
	w.owner.step("after the spool is synced")
	_, _, verr := readHead(w.file)
	if verr == nil {
		verr = verifyStream(w.file)
	}
	if err := errors.Join(verr, w.file.Close()); err != nil {
		return errors.Join(err, w.owner.clearSpool())
	}
	if err := writeSummedInSteps(w.file.Name()+noteSuffix, w.meta, func(p string) { w.owner.step("note " + p) }); err != nil {
		return err
	}
	w.owner.step("after the spool is complete")
	return nil
}

func (w *spoolWriter) drop() error {
	_ = w.file.Close()
	return w.owner.clearSpool()
}

const noteSuffix = ".note"

// readHead reads the head of a stream, and returns the bytes that it took.
func readHead(r io.Reader) (streamHead, []byte, error) {
	var h streamHead
	body, err := protocol.ReadFrame(r, maxStreamHead)
	if err != nil {
		return h, nil, &fault.Error{Op: "hub.spool", Kind: fault.Damaged, Item: "head of the stream", Err: err}
	}
	var raw bytes.Buffer
	if err := errors.Join(protocol.WriteFrame(&raw, body), protocol.Unmarshal(body, maxStreamHead, "head of the stream", &h)); err != nil {
		return h, nil, &fault.Error{Op: "hub.spool", Kind: fault.Damaged, Item: "head of the stream", Err: err}
	}
	return h, raw.Bytes(), nil
}

// verifyStream checks a whole file against the hash at its end.
func verifyStream(f *os.File) error {
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return &fault.Error{Op: "hub.spool", Kind: fault.Stopped, Item: f.Name(), Err: err}
	}
	sum := sha256.New()
	if _, err := io.CopyN(sum, f, max(size-sha256.Size, 0)); err != nil {
		return &fault.Error{Op: "hub.spool", Kind: fault.Damaged, Item: f.Name(), Err: err}
	}
	return sameSum(sum, f)
}

func sameSum(sum hash.Hash, rest io.Reader) error {
	want := make([]byte, sha256.Size)
	if _, err := io.ReadFull(rest, want); err != nil || !bytes.Equal(want, sum.Sum(nil)) {
		return fault.New("hub.spool", fault.Damaged, "snapshot", "the stream was altered or cut off")
	}
	return nil
}

func (s *snapshots) openSpool(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m, err := s.spooled()
	if err != nil {
		return nil, nil, err
	}
	if m == nil || spoolName(m) != id {
		return nil, nil, fault.New("hub.spool", fault.NotFound, id, "no such snapshot")
	}
	f, err := os.Open(filepath.Join(s.spoolDir(), id))
	if err != nil {
		return nil, nil, &fault.Error{Op: "hub.spool", Kind: fault.Stopped, Item: id, Err: err}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(&fault.Error{Op: "hub.spool", Kind: fault.Stopped, Item: id, Err: err}, f.Close())
	}
	meta := m.meta(info.Size())
	meta.ID = id
	return meta, f, nil
}

// spooled returns the complete spool, nil where there is none.
func (s *snapshots) spooled() (*marker, error) {
	entries, err := os.ReadDir(s.spoolDir())
	if err != nil {
		return nil, &fault.Error{Op: "hub.spool", Kind: fault.Stopped, Item: s.spoolDir(), Err: err}
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), noteSuffix) || !strings.HasPrefix(e.Name(), spoolID) {
			continue
		}
		m := &marker{}
		if ok, err := readSummed(filepath.Join(s.spoolDir(), e.Name()), maxMarker, m); err != nil || !ok {
			return nil, err
		}
		return m, nil
	}
	return nil, nil
}

// clearSpool removes notes before what they vouch for.
func (s *snapshots) clearSpool() error {
	const op = "hub.spool"
	if err := os.MkdirAll(s.spoolDir(), 0o700); err != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: s.spoolDir(), Err: err}
	}
	for _, pattern := range []string{"*" + noteSuffix, "*"} {
		names, err := filepath.Glob(filepath.Join(s.spoolDir(), pattern))
		if err != nil {
			return &fault.Error{Op: op, Kind: fault.Internal, Item: pattern, Err: err}
		}
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				return &fault.Error{Op: op, Kind: fault.Stopped, Item: name, Err: err}
			}
			s.step("a file of the spool is removed")
		}
		if err := syncDir(s.spoolDir()); err != nil {
			return err
		}
	}
	return nil
}

// install makes a stream the next generation of the register. Until the marker
// names it, everything is as it was; afterwards everything is new.
func (s *snapshots) install(m marker, r io.Reader) error {
	const op = "hub.install"
	old := s.marker()
	m.Generation = max(old.Generation, 1) + 1
	m.Installs, m.InstalledX = old.Installs+1, m.Index
	dir := s.generation(m.Generation)
	if err := os.RemoveAll(dir); err != nil {
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: dir, Err: err}
	}
	s.step("before the import")
	next, err := s.importTo(dir, &m, r)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.step("after the import")
	if err := s.writeMark(m); err != nil {
		return errors.Join(err, next.Close())
	}
	s.mu.Lock()
	former := s.current
	s.current = next
	s.mu.Unlock()
	if former != nil {
		if err := former.Close(); err != nil {
			return err
		}
	}
	s.step("before the old register is removed")
	if err := s.sweep(); err != nil {
		return err
	}
	s.step("after the old register is removed")
	s.discard()
	return nil
}

// importTo reads a stream into a new folder, verifies all of it, and opens it.
func (s *snapshots) importTo(dir string, m *marker, r io.Reader) (*register.Register, error) {
	head, raw, err := readHead(r)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	_, _ = sum.Write(raw)
	tail := &holdBack{src: r, step: s.step}
	if err := s.load(dir, io.TeeReader(tail, sum)); err != nil {
		return nil, err
	}
	if _, err := io.Copy(sum, tail); err != nil {
		return nil, fault.Wrap("hub.install", fault.Unavailable, "stream", err)
	}
	if err := sameSum(sum, bytes.NewReader(tail.held)); err != nil {
		return nil, err
	}
	reg, err := s.open(dir)
	if err != nil {
		return nil, err
	}
	applied, digest := reg.Digest()
	if applied != head.Applied || digest != head.Digest || applied > m.Index {
		return nil, errors.Join(fault.New("hub.install", fault.Damaged, spoolName(m), "the imported register is not the one that was announced"), reg.Close())
	}
	m.Applied, m.Digest = applied, digest
	return reg, nil
}

// holdBack passes on all but the last 32 bytes of src, which end up in held.
type holdBack struct {
	src  io.Reader
	step func(string) // Passed at each part that the import has asked for.
	held []byte
	err  error
}

// Read returns bytes that are known not to be the last 32.
func (h *holdBack) Read(b []byte) (int, error) {
	for h.err == nil && len(h.held) <= sha256.Size {
		h.step("a part is imported")
		chunk := make([]byte, 64<<10)
		n, err := h.src.Read(chunk)
		h.held, h.err = append(h.held, chunk[:n]...), err
	}
	free := len(h.held) - sha256.Size
	if free <= 0 {
		if h.err == nil {
			return 0, io.ErrNoProgress
		}
		return 0, h.err
	}
	n := copy(b, h.held[:free])
	h.held = append(h.held[:0], h.held[n:]...)
	return n, nil
}
