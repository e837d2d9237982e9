package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// How often a server looks whether something erased is left in its folder, and how long it
// waits for its own state machine.
const (
	sweepEvery = time.Minute
	sweepWait  = 10 * time.Second
	lingers    = 2 * time.Second
)

// A sweeper rids this server's folder of what was erased. The register forgets at once;
// what its files, Raft's log and the cabinet held before lies there until they are
// written anew, cut and emptied. Then the server says so in the register.
type sweeper struct {
	*group
	disk     *disk
	papers   *papers
	dir      string
	clock    func() time.Time
	within   time.Duration
	snapshot func() error

	cutting sync.Mutex // Held while Raft's log is cut: both who ask for it set how much of it trails.
}

// run looks again and again until ctx ends.
func (s *sweeper) run(ctx context.Context) {
	if err := s.heldGone(); err != nil && !errors.Is(err, fault.Unavailable) {
		s.log.Warn("sealed blocks that this server keeps may hold what was erased by order", "err", err)
	}
	for rest(ctx, sweepEvery) {
		upTo, since, err := s.due()
		if err == nil && (upTo == 0 || s.clock().Before(time.UnixMilli(since).Add(s.turn()))) {
			continue
		}
		if err == nil {
			err = s.sweep(ctx, upTo)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("what was erased by order is not gone from this server's disk yet", "entry", upTo, "err", err)
		}
	}
}

// due says up to which entry something is to go from this folder, as [register.Orders.Unswept].
func (s *sweeper) due() (upTo uint64, since int64, err error) {
	var swept sweptMark
	if _, err := readSummed(s.markName(), maxSwept, &swept); err != nil { // Then it is done once more.
		s.log.Warn("up to where this server's folder was rid of what was erased can't be read", "err", err)
	}
	return s.register().Unswept(s.id, swept.UpTo)
}

// A sweptMark lies in the folder beside Raft's log, and says up to which entry nothing of what
// was erased lies there: a folder that is put back from a copy is rid of it again, though
// the register has this server's word that it was.
type sweptMark struct {
	UpTo uint64 `cbor:"1,keyasint"`
}

const maxSwept = 64

func (s *sweeper) markName() string { return filepath.Join(s.disk.states.dir, "swept") }

// turn is how long after an erasure this server begins: half of the time is over, so that a
// round does for many orders, and no two servers begin at once. The last quarter is for what
// may fail.
func (s *sweeper) turn() time.Duration {
	before, all := 0, 0
	for _, other := range s.register().Servers() {
		if all++; other.ID < s.id {
			before++
		}
	}
	return s.within/2 + s.within/4*time.Duration(before)/time.Duration(max(all, 1))
}

// sweep does it for everything that entries up to one held. It may be repeated.
func (s *sweeper) sweep(ctx context.Context, upTo uint64) error {
	if err := s.leftovers(); err != nil {
		return err
	}
	if err := errors.Join(s.papers.erasedGone(), s.heldGone()); err != nil {
		return err
	}
	if err := s.rewrite(ctx, upTo); err != nil {
		return err
	}
	if err := s.cut(ctx, upTo); err != nil {
		return err
	}
	if err := writeSummed(s.markName(), &sweptMark{UpTo: upTo}); err != nil {
		return fault.Wrap("hub.sweep", fault.Unavailable, s.markName(), err)
	}
	report := register.ServerForgot{Server: s.id, Index: upTo}
	_, err := s.do(ctx, register.NewCommand(fmt.Sprintf("forgot %s %d", s.id, upTo), register.ActorHub, register.ServerHasForgot, &report))
	if err == nil {
		s.log.Info("what was erased by order is gone from this server's disk", "entry", upTo)
	}
	return err
}

// leftovers fails where a register lies here that was set aside as damaged: a person keeps
// it to look at, and has to take it away.
func (s *sweeper) leftovers() error {
	for _, name := range []string{damagedRegister, damagedFolder} {
		if _, err := os.Stat(filepath.Join(s.dir, name)); err == nil {
			return fault.New("hub.sweep", fault.Conflict, name, "what was set aside there may hold what was erased: look at it and remove the folder")
		}
	}
	return nil
}

// heldGone takes away what lay here of erased cases, sealed, while nobody led.
func (s *sweeper) heldGone() error {
	all, err := s.register().Erasures()
	if err != nil {
		return err
	}
	var places []protocol.ErasedPlaces
	for _, e := range all {
		if e.Former { // Of its logs the register may have nothing yet: what is held may be the only copy.
			continue
		}
		for i := range e.Places {
			places = append(places, protocol.ErasedPlaces{Log: e.Places[i].Log, At: []protocol.Position{e.Places[i].At}})
		}
	}
	return s.disk.held.Forget(places)
}

// rewrite puts a register in the place of this one whose files never held what is gone.
func (s *sweeper) rewrite(ctx context.Context, upTo uint64) error {
	if s.disk.states.marker().Applied < upTo {
		if err := s.snapshot(); err != nil {
			return err
		}
	}
	if at := s.disk.states.marker().Applied; at < upTo {
		return fault.New("hub.sweep", fault.Unavailable, "register", fmt.Sprintf("its marker stands at %d", at))
	}
	f, err := s.disk.anew.rewrite(ctx)
	if err != nil {
		return err
	}
	s.disk.anew.offer(f)
	err = s.snapshot() // Raft may have looked at it whatever comes of the rest.
	if s.disk.anew.withdraw(f) {
		err = errors.Join(err, fault.New("hub.sweep", fault.Unavailable, "register", "Raft has not asked for it yet"))
		return errors.Join(err, s.disk.anew.drop(f))
	}
	<-f.seen
	if f.failed != nil {
		return f.failed
	}
	rest(ctx, lingers) // Whoever reads the old one may come to an end.
	return errors.Join(err, s.disk.anew.retire(f))
}

// cut has Raft's log begin behind an entry, in a segment of its own. A server that lags
// further behind is sent a snapshot.
func (s *sweeper) cut(ctx context.Context, upTo uint64) error {
	s.cutting.Lock()
	defer s.cutting.Unlock()
	log := s.disk.log
	if s.leads() { // What Raft keeps for itself is no part of a snapshot; this is.
		if err := s.raft.Barrier(sweepWait).Error(); err != nil {
			return fault.Wrap("hub.sweep", fault.Unavailable, "raft", err)
		}
	}
	if err := log.refuse(log.journal.Roll()); err != nil {
		return err
	}
	last := log.journal.Last()
	if err := s.reach(ctx, last); err != nil {
		return err
	}
	usual := s.raft.ReloadableConfig()
	now := usual
	now.TrailingLogs = log.journal.Last() - last
	if err := s.raft.ReloadConfig(now); err != nil {
		return fault.Wrap("hub.sweep", fault.Internal, "raft", err)
	}
	err := s.snapshot()
	if err := errors.Join(err, s.raft.ReloadConfig(usual)); err != nil {
		return fault.Wrap("hub.sweep", fault.Unavailable, "raft", err)
	}
	if oldest := log.journal.Oldest(); oldest <= upTo {
		return fault.New("hub.sweep", fault.Unavailable, "raft log", fmt.Sprintf("its files begin at %d", oldest))
	}
	return nil
}

// reach waits until this server has applied an entry.
func (s *sweeper) reach(ctx context.Context, index uint64) error {
	ctx, cancel := context.WithTimeout(ctx, sweepWait)
	defer cancel()
	for s.raft.AppliedIndex() < index {
		if !rest(ctx, sweepWait/1000) {
			return fault.New("hub.sweep", fault.Unavailable, "raft", fmt.Sprintf("entry %d is not applied yet", index))
		}
	}
	return nil
}
