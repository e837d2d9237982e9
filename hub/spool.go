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

// An arrival is another server's snapshot: it becomes the next generation of the
// register while it comes, and its values are sealed there as all others are. Once it
// is complete and verified, a note says where it belongs. One goroutine uses it; what it
// leaves half-made, the next arrival or the next start removes.
type arrival struct {
	owner *snapshots
	meta  *marker
	dir   string
	pipe  *io.PipeWriter
	done  chan struct{} // Closed when what follows is set.
	reg   *register.Register
	err   error
}

func spoolName(m *marker) string { return fmt.Sprintf("%s%d-%d", spoolID, m.Term, m.Index) }

func (s *snapshots) spoolDir() string { return filepath.Join(s.dir, "spool") }

func (s *snapshots) newArrival(m *marker) (*arrival, error) {
	if err := errors.Join(s.expect(nil), s.clearSpool()); err != nil {
		return nil, err
	}
	m.Generation = max(s.marker().Generation, 1) + 1
	a := &arrival{owner: s, meta: m, dir: s.generation(m.Generation), done: make(chan struct{})}
	if err := os.RemoveAll(a.dir); err != nil {
		return nil, &fault.Error{Op: "hub.spool", Kind: fault.Stopped, Item: a.dir, Err: err}
	}
	s.step("before the import")
	r, w := io.Pipe()
	a.pipe = w
	go func() {
		defer close(a.done)
		a.reg, a.err = s.importTo(a.dir, m, r)
		_ = r.CloseWithError(a.err) // A nil error is one of a pipe that nobody reads.
	}()
	return a, nil
}

// Write hands over the next bytes, and waits until the import has taken them.
func (a *arrival) Write(b []byte) (int, error) {
	n, err := a.pipe.Write(b)
	return n, fault.Wrap("hub.spool", fault.Unavailable, spoolName(a.meta), err)
}

// finish waits until the register is whole, durable and verified, and notes that.
func (a *arrival) finish() error {
	_ = a.pipe.Close()
	<-a.done
	if a.err != nil {
		return errors.Join(a.err, os.RemoveAll(a.dir))
	}
	a.owner.step("after the import")
	name := filepath.Join(a.owner.spoolDir(), spoolName(a.meta)+noteSuffix)
	if err := writeSummedInSteps(name, a.meta, func(p string) { a.owner.step("note " + p) }); err != nil {
		return errors.Join(err, a.reg.Close())
	}
	a.owner.step("after the note is written")
	return a.owner.expect(a)
}

// drop ends the import and forgets what came.
func (a *arrival) drop() error {
	_ = a.pipe.CloseWithError(fault.New("hub.spool", fault.Unavailable, spoolName(a.meta), "the other server stopped sending"))
	<-a.done
	var err error
	if a.err == nil {
		err = a.reg.Close()
	}
	return errors.Join(err, os.RemoveAll(a.dir), a.owner.clearSpool())
}

// expect keeps a complete arrival until it is installed, nil none, in place of one that
// never was.
func (s *snapshots) expect(a *arrival) error {
	s.mu.Lock()
	before := s.arrived
	s.arrived = a
	s.mu.Unlock()
	if before == nil {
		return nil
	}
	return before.reg.Close()
}

// take returns the register of a complete arrival, opened.
func (s *snapshots) take(m *marker) (*register.Register, error) {
	s.mu.Lock()
	a := s.arrived
	s.arrived = nil
	s.mu.Unlock()
	if a != nil {
		return a.reg, nil // Raft installs what has just arrived.
	}
	reg, err := s.open(s.generation(m.Generation))
	if err != nil {
		return nil, err
	}
	if applied, digest := reg.Digest(); applied != m.Applied || digest != m.Digest {
		return nil, errors.Join(fault.New("hub.install", fault.Damaged, spoolName(m), "the imported register is not the one that was noted"), reg.Close())
	}
	return reg, nil
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

func sameSum(sum hash.Hash, rest io.Reader) error {
	want := make([]byte, sha256.Size)
	if _, err := io.ReadFull(rest, want); err != nil || !bytes.Equal(want, sum.Sum(nil)) {
		return fault.New("hub.spool", fault.Damaged, "snapshot", "the stream was altered or cut off")
	}
	return nil
}

// openSpool opens a complete arrival for Raft, which wants a reader: the register is
// here already, and there is nothing to be read.
func (s *snapshots) openSpool(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	m, err := s.spooled()
	if err != nil {
		return nil, nil, err
	}
	if m == nil || spoolName(m) != id {
		return nil, nil, fault.New("hub.spool", fault.NotFound, id, "no such snapshot")
	}
	meta := m.meta(1)
	meta.ID = id
	return meta, io.NopCloser(bytes.NewReader(nil)), nil
}

// spooled returns what is noted of a complete arrival, nil where there is none. A note
// without a generation is of a version that kept the stream itself: the leader sends another.
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
		if m.Generation == 0 {
			return nil, nil
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

// install makes a complete arrival the register. Until the marker names it,
// everything is as it was; afterwards everything is new.
func (s *snapshots) install(m marker) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	old := s.marker()
	m.Installs, m.InstalledX = old.Installs+1, m.Index
	next, err := s.take(&m)
	if err != nil {
		return err
	}
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
