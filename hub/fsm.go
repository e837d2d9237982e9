package hub

import (
	"errors"
	"io"
	"log/slog"
	"strconv"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"kendro/domain/fault"
	"kendro/hub/register"
)

// machine is the register as Raft's state machine. Raft calls it from one
// goroutine. When an entry can't be applied here it reports why, and applies
// nothing more: the server is on its way down.
type machine struct {
	states *snapshots
	anew   *rewriter
	grown  func(*register.Outcome) // Told of everything that was applied.
	fail   func(error)
	log    *slog.Logger
	halted atomic.Bool
}

// errHalted answers for entries behind the one that could not be applied.
var errHalted = errors.New("this server has stopped applying entries")

// Apply applies one entry.
func (m *machine) Apply(entry *raft.Log) any { return m.ApplyBatch([]*raft.Log{entry})[0] }

// ApplyBatch applies entries in their order. Each answer is a *register.Outcome,
// or an error.
func (m *machine) ApplyBatch(entries []*raft.Log) []any {
	answers := make([]any, len(entries))
	for i, e := range entries {
		if e.Type != raft.LogCommand {
			continue
		}
		out, err := m.one(e)
		if err != nil {
			answers[i] = err
			continue
		}
		answers[i] = out
		if !out.Already {
			m.grown(out)
		}
	}
	return answers
}

func (m *machine) one(e *raft.Log) (out *register.Outcome, err error) {
	if m.halted.Load() {
		return nil, errHalted
	}
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		defect, ok := r.(*register.Defect)
		if !ok {
			panic(r)
		}
		err = m.halt(e.Index, defect)
	}()
	return m.states.register().Apply(e.Index, e.Term, e.Data), nil
}

// halt ends this server: what the group has committed can't be applied here.
func (m *machine) halt(index uint64, defect *register.Defect) error {
	m.halted.Store(true)
	kind := fault.Internal
	if k := fault.KindOf(defect.Err); k == fault.Damaged || k == fault.Stopped {
		kind = k
	}
	err := &fault.Error{Op: "hub.Apply", Kind: kind, Item: "entry " + strconv.FormatUint(index, 10), Err: defect}
	m.log.Error("a committed entry cannot be applied here, this server stops", "index", index, "err", defect)
	m.fail(err)
	return err
}

// Snapshot names the place in the register's history that a snapshot stands for.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	if m.halted.Load() {
		return nil, errHalted
	}
	if m.anew.adopt() {
		m.grown(nil)
	}
	reg := m.states.register()
	applied, digest := reg.Digest()
	if applied == 0 {
		return nil, raft.ErrNothingNewToSnapshot
	}
	return &pin{owner: m.states, reg: reg, applied: applied, digest: digest}, nil
}

// Restore makes another server's snapshot the register.
func (m *machine) Restore(r io.ReadCloser) error {
	err := m.restore()
	if err != nil {
		m.log.Error("a snapshot could not be installed", "err", err)
		if errors.Is(err, fault.Stopped) {
			m.fail(err)
		}
	}
	return errors.Join(err, r.Close())
}

func (m *machine) restore() error {
	spool, err := m.states.spooled()
	if err != nil {
		return err
	}
	if spool == nil {
		return fault.New("hub.Restore", fault.Internal, "spool", "there is nothing to restore from")
	}
	if in := m.states.marker(); in.Index == spool.Index && in.Term == spool.Term {
		return errors.Join(m.states.expect(nil), m.states.sweep()) // It was installed, and the leader didn't hear of it.
	}
	if err := m.states.install(*spool); err != nil {
		return err
	}
	m.log.Info("installed the register of another server", "index", spool.Index)
	m.grown(nil)
	return nil
}
