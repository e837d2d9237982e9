package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/store"
)

// A rewriter puts a register in the place of the one in force that was never written where
// that one's files are. One goroutine writes it, Raft's adopts it.
type rewriter struct {
	states  *snapshots
	entries *raftLog

	mu    sync.Mutex // Guards fresh.
	fresh *rewritten // Waits to take the other's place.
}

// A rewritten is the register in a folder of its own, made of nothing but what stands in
// it at the marker: what was taken out of it before lies in no file there.
type rewritten struct {
	of         *register.Register // Whose place it takes,
	was        uint64             // and its generation.
	reg        *register.Register
	generation uint64
	read       uint64 // The newest entry of Raft's log that it has looked at.

	seen   chan struct{} // Closed once Raft has looked at it, and what follows is set.
	failed error         // Why it did not take that place.
}

// aside is how far its generation lies from the one in force. The next ones are for what
// other servers send: they may come meanwhile, and no two may meet in one folder.
const aside = 1000

// rewrite writes the register as of the marker into a new folder, and lets it catch up.
// The register goes on meanwhile. Raft's next snapshot, once it is offered, makes it the
// register.
func (w *rewriter) rewrite(ctx context.Context) (*rewritten, error) {
	s := w.states
	s.mu.Lock()
	m, of := s.mark, s.current
	s.reading[m.Applied]++
	s.mu.Unlock()
	if m.Index == 0 {
		return nil, errors.Join(fault.New("hub.rewrite", fault.Unavailable, "register", "there is no marker yet"), s.release(m.Applied))
	}
	next := m
	next.Generation = max(m.Generation, 1) + aside
	s.written.hold(s.generation(next.Generation))
	reg, err := w.copyTo(ctx, s.generation(next.Generation), of, m, &next)
	err = errors.Join(err, s.release(m.Applied))
	f := &rewritten{of: of, was: max(m.Generation, 1), reg: reg, generation: next.Generation, read: m.Index, seen: make(chan struct{})}
	if err == nil {
		err = f.follow(w.entries, of.Applied())
	}
	if err != nil && s.register() != of {
		err = fault.New("hub.rewrite", fault.Unavailable, "register", superseded)
	}
	if err != nil {
		return nil, errors.Join(err, w.drop(f))
	}
	return f, nil
}

const superseded = "another server is sent it, or it came from one meanwhile: try again"

// copyTo exports a register as of a marker, and imports it into a new folder.
func (w *rewriter) copyTo(ctx context.Context, dir string, of *register.Register, m marker, next *marker) (*register.Register, error) {
	if err := errors.Join(os.RemoveAll(dir), w.room()); err != nil {
		return nil, fault.Wrap("hub.rewrite", fault.Unavailable, dir, err)
	}
	w.states.step("before the register is written anew")
	r, to := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = to.CloseWithError(writeStream(ctx, of, &m, to)) // The reader hears of it.
	}()
	reg, err := w.states.importTo(dir, next, r)
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

func (w *rewriter) drop(f *rewritten) error {
	dir := w.states.generation(f.generation)
	defer w.states.written.letGo(dir)
	var err error
	if f.reg != nil {
		err = f.reg.Close()
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// offer has Raft's next snapshot look at a register that was written anew.
func (w *rewriter) offer(f *rewritten) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fresh = f
}

// withdraw takes back what was offered: false where Raft looks at it, or has.
func (w *rewriter) withdraw(f *rewritten) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	waits := w.fresh == f
	if waits {
		w.fresh = nil
	}
	return waits
}

// adopt gives a register that was written anew the place of the old one, which is to be
// retired. Raft calls it where no entry is being applied. False: there is none, or it is
// not the same, or somebody is still sent the old one; then that stays as it was.
func (w *rewriter) adopt() bool {
	w.mu.Lock()
	f := w.fresh
	w.fresh = nil
	w.mu.Unlock()
	if f == nil {
		return false
	}
	defer close(f.seen)
	if f.failed = w.place(f); f.failed != nil {
		f.failed = errors.Join(f.failed, w.drop(f))
		return false
	}
	return true
}

func (w *rewriter) place(f *rewritten) error {
	const op = "hub.rewrite"
	s := w.states
	s.moving.Lock()
	defer s.moving.Unlock()
	s.mu.Lock()
	m, current, busy := s.mark, s.current, len(s.reading) > 0
	s.mu.Unlock()
	if busy || current != f.of {
		return fault.New(op, fault.Unavailable, "register", superseded)
	}
	if err := f.follow(w.entries, current.Applied()); err != nil {
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
	s.written.hold(s.generation(f.was))
	s.mu.Lock()
	s.current = f.reg
	s.mu.Unlock()
	s.written.letGo(s.generation(f.generation)) // It is the marker's now.
	s.discard()
	return nil
}

// retire closes the register whose place another has taken, and removes its folder: no
// other, since somebody may be sending the next. What stays the next start removes.
func (w *rewriter) retire(f *rewritten) error {
	dir := w.states.generation(f.was)
	defer w.states.written.letGo(dir)
	w.states.step("before the register before it is removed")
	err := errors.Join(f.of.Close(), w.states.removeGeneration(dir))
	w.states.step("after the register was written anew")
	return fault.Wrap("hub.rewrite", fault.Unavailable, "register", err)
}

// spareRoom is what is to stay free while a register is written anew: a full disk would end
// the process.
const spareRoom = 512 << 20

// room fails where there is too little of it for the register once more.
func (w *rewriter) room() error {
	need := uint64(spareRoom)
	tables, err := filepath.Glob(filepath.Join(w.states.folders, "*", "*.sst"))
	if err != nil {
		return err
	}
	for _, name := range tables {
		if info, err := os.Stat(name); err == nil { // It may have been merged away meanwhile.
			need += uint64(info.Size())
		}
	}
	free, err := store.FreeBytes(w.states.folders)
	if err == nil && free < need {
		err = fault.New("hub.rewrite", fault.Unavailable, w.states.folders, fmt.Sprintf("%d MiB are free and %d MiB are needed: make room", free>>20, need>>20))
	}
	return err
}

// openFolders are those that a rewriter has open beside the register's own, and removes
// itself.
type openFolders struct {
	mu    sync.Mutex // Guards names.
	names []string
}

func (o *openFolders) hold(dir string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names = append(o.names, filepath.Base(dir))
}

func (o *openFolders) letGo(dir string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names = slices.DeleteFunc(o.names, func(name string) bool { return name == filepath.Base(dir) })
}

// has reports whether it is one of them, or what is becoming one.
func (o *openFolders) has(name string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.names, func(open string) bool { return strings.HasPrefix(name, open) })
}
