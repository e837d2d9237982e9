package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
)

// A rewritten is the register in a folder of its own, made of nothing but what stands in
// it at the marker: what was taken out of it before lies in no file there.
type rewritten struct {
	of         *register.Register // Whose place it takes.
	reg        *register.Register
	generation uint64
	read       uint64 // The newest entry of Raft's log that it has looked at.
	failed     error  // Why it did not take that place.
}

// rewrite writes the register as of the marker into a new folder, and lets it catch up.
// The register goes on meanwhile. Raft's next snapshot makes it the register, see adopt.
func (s *snapshots) rewrite(ctx context.Context, entries *raftLog) (*rewritten, error) {
	s.mu.Lock()
	m, of := s.mark, s.current
	s.reading[m.Applied]++
	s.mu.Unlock()
	if m.Index == 0 {
		return nil, errors.Join(fault.New("hub.rewrite", fault.Unavailable, "register", "there is no marker yet"), s.release(m.Applied))
	}
	next := m
	next.Generation = max(m.Generation, 1) + 2 // The one between is another server's snapshot, should one come.
	dir := s.generation(next.Generation)
	reg, err := s.copyTo(ctx, dir, of, m, &next)
	err = errors.Join(err, s.release(m.Applied))
	f := &rewritten{of: of, reg: reg, generation: next.Generation, read: m.Index}
	if err == nil {
		err = f.follow(entries, of.Applied())
	}
	if err != nil {
		return nil, errors.Join(err, f.drop(dir))
	}
	return f, nil
}

// copyTo exports a register as of a marker, and imports it into a new folder.
func (s *snapshots) copyTo(ctx context.Context, dir string, of *register.Register, m marker, next *marker) (*register.Register, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, &fault.Error{Op: "hub.rewrite", Kind: fault.Stopped, Item: dir, Err: err}
	}
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.CloseWithError(writeStream(ctx, of, &m, w)) // The reader hears of it.
	}()
	reg, err := s.importTo(dir, next, r)
	_ = r.CloseWithError(err)
	<-done
	return reg, err
}

// follow applies the entries of Raft's log up to one. The register whose place it takes
// has applied them all.
func (f *rewritten) follow(entries *raftLog, upTo uint64) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *register.Defect:
			err = p
		default:
			panic(p)
		}
	}()
	var e raft.Log
	for ; f.read < upTo; f.read++ {
		if err := entries.GetLog(f.read+1, &e); err != nil {
			return fault.Wrap("hub.rewrite", fault.Unavailable, fmt.Sprint("entry ", f.read+1), err)
		}
		if e.Type == raft.LogCommand {
			f.reg.Apply(e.Index, e.Term, e.Data)
		}
	}
	return nil
}

func (f *rewritten) drop(dir string) error {
	var err error
	if f.reg != nil {
		err = f.reg.Close()
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// offer has Raft's next snapshot look at a register that was written anew.
func (s *snapshots) offer(f *rewritten) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh = f
}

// adopt gives a register that was written anew the place of the old one, whose folder is
// removed. Raft calls it where no entry is being applied. False: there is none, or it is
// not the same, or somebody is still sent the old one; then that stays as it was.
func (s *snapshots) adopt(entries *raftLog) bool {
	s.mu.Lock()
	f, m, current := s.fresh, s.mark, s.current
	s.fresh = nil
	busy := len(s.reading) > 0
	s.mu.Unlock()
	if f == nil {
		return false
	}
	if f.failed = s.place(f, m, current, busy, entries); f.failed != nil {
		f.failed = errors.Join(f.failed, f.drop(s.generation(f.generation)))
		return false
	}
	return true
}

func (s *snapshots) place(f *rewritten, m marker, current *register.Register, busy bool, entries *raftLog) error {
	const op = "hub.rewrite"
	if busy || current != f.of {
		return fault.New(op, fault.Unavailable, "register", "another server is sent it, or it came from one meanwhile: try again")
	}
	if err := f.follow(entries, current.Applied()); err != nil {
		return err
	}
	index, digest := f.reg.Digest()
	if at, want := current.Digest(); at != index || want != digest || f.reg.SetHash() != current.SetHash() {
		return fault.New(op, fault.Damaged, "register", fmt.Sprintf("written anew, it differs at entry %d", index))
	}
	if err := f.reg.Sync(); err != nil {
		return err
	}
	m.Generation = f.generation
	if err := s.writeMark(m); err != nil {
		return err
	}
	s.mu.Lock()
	s.current = f.reg
	s.mu.Unlock()
	s.step("before the rewritten register's former is removed")
	// From here on it counts, whatever becomes of the old folder: the next start removes it.
	if err := errors.Join(current.Close(), s.sweep()); err != nil {
		s.log.Warn("the register was written anew, and its old folder is still here", "err", err)
	}
	s.discard()
	return nil
}
