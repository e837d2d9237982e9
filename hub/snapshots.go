package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// snapshots is Raft's view of the register on this disk. Nothing is copied to
// take a snapshot: a marker says that the register is durable up to an index, and
// whoever needs the snapshot is streamed the register as it stood there. What
// another server streams to us becomes the next generation of the register while it
// arrives, and counts once all of it is verified.
//
// It may be used concurrently.
type snapshots struct {
	log     *slog.Logger
	dir     string // Of the marker and the notes of what arrived.
	folders string // Of the register's generations.
	open    func(dir string) (*register.Register, error)
	load    func(dir string, r io.Reader) error // Imports a stream into a new folder.
	step    func(point string)                  // Passed at each durable step.

	written openFolders // Of a rewriter.

	moving sync.Mutex // Held while the marker is written, or another register installed. Before mu.

	mu      sync.Mutex // Guards what follows; never held across the disk.
	current *register.Register
	mark    marker         // The zero marker before the first.
	reading map[uint64]int // Streams that are open, by index.
	size    int64          // Bytes of a stream at the marker; 0 while unknown.
	arrived *arrival       // Complete, and not yet installed.
}

func (s *snapshots) generation(n uint64) string {
	return filepath.Join(s.folders, fmt.Sprintf("%08d", n))
}

func (s *snapshots) register() *register.Register {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

func (s *snapshots) marker() marker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mark
}

// List returns the one snapshot there is.
func (s *snapshots) List() ([]*raft.SnapshotMeta, error) {
	m := s.marker()
	if m.Index == 0 {
		return nil, nil
	}
	return []*raft.SnapshotMeta{m.meta(0)}, nil
}

const (
	markID  = "marker-"
	spoolID = "spool-"
)

func (m *marker) id() string { return fmt.Sprintf("%s%d-%d", markID, m.Term, m.Index) }

func (m *marker) meta(size int64) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{
		Version: 1, ID: m.id(), Index: m.Index, Term: m.Term,
		Configuration: m.configuration(), ConfigurationIndex: m.MembersAt, Size: size,
	}
}

// Open streams the register as of the marker, or names what has arrived. Raft must
// know the length beforehand, so a stream is produced twice: once to be counted.
func (s *snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	if strings.HasPrefix(id, spoolID) {
		return s.openSpool(id)
	}
	s.mu.Lock()
	m, reg, size := s.mark, s.current, s.size
	if id != m.id() {
		s.mu.Unlock()
		return nil, nil, fault.New("hub.snapshots", fault.NotFound, id, "a newer marker has replaced it")
	}
	s.reading[m.Applied]++
	s.mu.Unlock()
	if size == 0 {
		var n counter
		if err := writeStream(context.Background(), reg, &m, &n); err != nil {
			return nil, nil, errors.Join(err, s.release(m.Applied))
		}
		size = int64(n)
		s.remember(&m, size)
	}
	return m.meta(size), s.stream(reg, m), nil
}

func (s *snapshots) remember(m *marker, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mark.Index == m.Index {
		s.size = size
	}
}

// stream returns a reader that a goroutine fills; Close ends it and waits.
func (s *snapshots) stream(reg *register.Register, m marker) io.ReadCloser {
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.CloseWithError(writeStream(ctx, reg, &m, w)) // A nil error is io.EOF to the reader.
	}()
	return &streamReader{PipeReader: r, end: func() error {
		cancel()
		_ = r.Close()
		<-done
		return s.release(m.Applied)
	}}
}

type streamReader struct {
	*io.PipeReader
	once sync.Once
	end  func() error
}

// Close stops the stream and lets its versions go.
func (r *streamReader) Close() (err error) {
	r.once.Do(func() { err = r.end() })
	return err
}

// release ends one reading, and lets the register drop versions that nobody
// needs any more.
func (s *snapshots) release(applied uint64) error {
	s.mu.Lock()
	if s.reading[applied]--; s.reading[applied] <= 0 {
		delete(s.reading, applied)
	}
	s.mu.Unlock()
	s.discard()
	return nil
}

// discard lets versions go that lie before the marker and every open stream.
func (s *snapshots) discard() {
	s.mu.Lock()
	low, reg := s.mark.Applied, s.current
	for at := range s.reading {
		low = min(low, at)
	}
	s.mu.Unlock()
	if low > 0 && reg != nil {
		reg.DB().SetDiscardBefore(low)
	}
}

// Create returns the sink of a snapshot: of our own register, which only moves
// the marker, or of another server's, which is taken in as soon as bytes arrive.
func (s *snapshots) Create(version raft.SnapshotVersion, index, term uint64, members raft.Configuration, membersAt uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	if version != 1 {
		return nil, fault.New("hub.snapshots", fault.Invalid, fmt.Sprint(version), "unknown version of a snapshot")
	}
	return &sink{owner: s, meta: marker{Index: index, Term: term, Members: raft.EncodeConfiguration(members), MembersAt: membersAt}}, nil
}

// A sink is one snapshot in the making. Raft uses it from one goroutine.
type sink struct {
	owner *snapshots
	meta  marker
	own   *register.Register // Whose place in history it marks; nil of another server's.
	from  *arrival
	ended bool
}

// ID names the snapshot to Open.
func (k *sink) ID() string {
	if k.own != nil {
		return k.meta.id()
	}
	return spoolName(&k.meta)
}

// Write takes bytes of another server's snapshot.
func (k *sink) Write(b []byte) (int, error) {
	if k.from == nil {
		a, err := k.owner.newArrival(&k.meta)
		if err != nil {
			return 0, err
		}
		k.from = a
	}
	return k.from.Write(b)
}

// Close makes the snapshot durable.
func (k *sink) Close() error {
	if k.ended {
		return nil
	}
	k.ended = true
	switch {
	case k.own != nil:
		return k.owner.advance(k.own, k.meta)
	case k.from != nil:
		return k.from.finish()
	}
	return fault.New("hub.snapshots", fault.Internal, k.ID(), "a snapshot without content")
}

// Cancel forgets the snapshot.
func (k *sink) Cancel() error {
	if k.ended || k.from == nil {
		k.ended = true
		return nil
	}
	k.ended = true
	return k.from.drop()
}

// A pin is what the state machine hands to Raft as its snapshot: a place in the
// register's history.
type pin struct {
	owner   *snapshots
	reg     *register.Register
	applied uint64
	digest  protocol.Hash
}

// Persist makes the register durable; closing the sink then moves the marker.
func (p *pin) Persist(to raft.SnapshotSink) error {
	k, ok := to.(*sink)
	if !ok {
		return fault.New("hub.snapshots", fault.Internal, to.ID(), "a sink of somebody else")
	}
	p.owner.step("before the register is synced")
	if err := p.reg.Sync(); err != nil {
		return err
	}
	p.owner.step("after the register is synced")
	k.own, k.meta.Applied, k.meta.Digest = p.reg, p.applied, p.digest
	return nil
}

// Release does nothing: a pin holds nothing.
func (p *pin) Release() {}

// advance has the marker stand for a place in the register's history. When it returns,
// Raft may drop the entries before. [fault.Unavailable] where that register is not the one
// in force any more: Raft persists while its state machine may already have installed what
// another server sent, and the marker never goes back behind that.
func (s *snapshots) advance(of *register.Register, m marker) error {
	s.moving.Lock()
	defer s.moving.Unlock()
	old := s.marker()
	if s.register() != of || m.Index < old.Index {
		return fault.New("hub.snapshots", fault.Unavailable, m.id(), fmt.Sprintf("another register was installed meanwhile, at %d", old.Index))
	}
	m.Generation, m.Installs, m.InstalledX = max(old.Generation, 1), old.Installs, old.InstalledX
	if err := s.writeMark(m); err != nil {
		return err
	}
	s.discard()
	return nil
}

func (s *snapshots) writeMark(m marker) error {
	s.step("before the marker is written")
	if err := writeSummedInSteps(markerName(s.dir), &m, func(p string) { s.step("marker " + p) }); err != nil {
		return err
	}
	s.step("after the marker is written")
	s.mu.Lock()
	s.mark, s.size = m, 0
	s.mu.Unlock()
	return nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

func (s *snapshots) close() error {
	err, reg := s.expect(nil), s.register()
	if reg == nil {
		return err
	}
	return errors.Join(err, reg.Close())
}

// sweep removes what no marker names: generations of old, half-made ones, and
// notes of them. What a rewriter has open stays: a database whose files went would never
// come to the end of its closing.
func (s *snapshots) sweep() error {
	keep := filepath.Base(s.generation(max(s.marker().Generation, 1)))
	entries, err := os.ReadDir(s.folders)
	if err != nil {
		return &fault.Error{Op: "hub.snapshots", Kind: fault.Stopped, Item: s.folders, Err: err}
	}
	for _, e := range entries {
		if e.Name() == keep || s.written.has(e.Name()) {
			continue
		}
		if err := s.removeGeneration(filepath.Join(s.folders, e.Name())); err != nil {
			return &fault.Error{Op: "hub.snapshots", Kind: fault.Stopped, Item: e.Name(), Err: err}
		}
	}
	return s.clearSpool()
}

// removeGeneration removes a register's folder, one file after the other.
func (s *snapshots) removeGeneration(dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := os.RemoveAll(filepath.Join(dir, f.Name())); err != nil {
			return err
		}
		s.step("a file of the old register is removed")
	}
	return os.Remove(dir)
}
