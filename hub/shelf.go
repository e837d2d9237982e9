package hub

import (
	"crypto/sha256"
	"maps"
	"slices"
	"sync"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/hub/register"
	"kendro/protocol"
)

// A shelf cuts blocks of the district's catalogue. Boxes that were away for the
// same time get the same block, so it is made once. It may be used concurrently.
type shelf struct {
	register func() *register.Register
	packer   *protocol.Packer
	keys     *openKeys

	cuts *protocol.Cuts

	mu    sync.Mutex                 // Guards what follows.
	log   protocol.LogID             // That was read …
	read  uint64                     // … up to here.
	where map[protocol.Kind][]uint64 // Where directories and releases stand in it.
	alive living
	state *shelfState // The base that was made last.
}

// living are the events up to a release that every reader has who holds more of the
// log, be it that it began with a base.
type living struct {
	release uint64
	at      map[uint64]bool
}

// has reports whether a reader of what follows the newest release before it holds an event.
func (l *living) has(seq uint64) bool { return seq > l.release || l.at[seq] }

// Of the blocks of a catalogue.
const (
	keptCuts = 1280 << 10 // Bytes of blocks kept, each of up to some 20 KiB.
	leanOver = 1 << 20    // Bytes of earlier events that a block leans on.
)

// newShelf returns a shelf that has made the given blocks before; nil is none.
func newShelf(reg func() *register.Register, p *protocol.Packer, keys *openKeys, cuts *protocol.Cuts) *shelf {
	if cuts == nil {
		cuts = protocol.NewCuts(p, keptCuts)
	}
	return &shelf{register: reg, packer: p, keys: keys, cuts: cuts, where: map[protocol.Kind][]uint64{}}
}

// block carries a run of the catalogue.
func (s *shelf) block(run protocol.Run) (protocol.Block, error) {
	if !run.Reads.Reads(protocol.CodecLeaning) {
		return s.packer.Pack(run, nil, s.keys.signer)
	}
	s.mu.Lock() // While one block is made, the next who asks would most likely make it too.
	defer s.mu.Unlock()
	return s.cuts.Pack(run, nil, s.keys.signer, func() *protocol.Leaning { return s.leaning(run) })
}

// leaning chooses what a run is compressed against: of each service, directory and
// release the one before, and, where something is new, what stands just before the
// run in the log. All of it is in every base that a reader may have begun with.
func (s *shelf) leaning(run protocol.Run) *protocol.Leaning {
	reg := s.register()
	s.survey(reg, run.Log, run.First)
	g := newGrasp(func(seq uint64) ([]byte, error) { return reg.LogEvent(run.Log, seq) })
	news := false
	for _, raw := range run.Events {
		e, err := protocol.DecodeEvent(raw)
		if err != nil {
			continue
		}
		before := s.before(e.Kind, run.First)
		if e.Kind == protocol.ServiceAdded {
			before = formerVersion(reg, e.Payload)
		}
		if before == 0 || before < run.First && (!s.alive.has(before) || !g.take(before)) {
			news = true
		}
	}
	return g.leaning(run.First, news, s.alive.has, func(h protocol.Hash) (uint64, bool) {
		seq, ok := reg.Shelved(h)
		return seq, ok && seq < run.First && s.alive.has(seq) && carries(reg, run.Log, seq, h)
	})
}

// A grasp is the events that a block leans on.
type grasp struct {
	event func(seq uint64) ([]byte, error)
	got   map[uint64][]byte
	size  int
}

func newGrasp(event func(seq uint64) ([]byte, error)) *grasp {
	return &grasp{event: event, got: map[uint64][]byte{}}
}

// take adds an event, unless there is no room for it.
func (g *grasp) take(seq uint64) bool {
	if g.got[seq] != nil {
		return true
	}
	raw, err := g.event(seq)
	if err != nil || g.size+len(raw) > leanOver {
		return false
	}
	g.got[seq], g.size = raw, g.size+len(raw)
	return true
}

// leaning leans a block on what was taken, and where it has news on what stands just
// before it and its readers have.
func (g *grasp) leaning(first uint64, news bool, has func(uint64) bool, carrier func(protocol.Hash) (uint64, bool)) *protocol.Leaning {
	former := slices.Sorted(maps.Keys(g.got))
	for seq := first - 1; news && seq > 0; seq-- {
		if has(seq) && !g.take(seq) {
			break
		}
	}
	on := runs(first, former)
	tail := slices.DeleteFunc(slices.Sorted(maps.Keys(g.got)), func(seq uint64) bool { return slices.Contains(former, seq) })
	return &protocol.Leaning{
		On:      append(on, runs(first, tail)...),
		Earlier: func(seq uint64) ([]byte, error) { return g.got[seq], nil },
		Carrier: carrier,
	}
}

// carries reports whether an event carries a payload of this hash.
func carries(reg *register.Register, log protocol.LogID, seq uint64, h protocol.Hash) bool {
	raw, err := reg.LogEvent(log, seq)
	if err != nil {
		return false
	}
	e, err := protocol.DecodeEvent(raw)
	return err == nil && sha256.Sum256(e.Payload) == h
}

// survey notes where directories and releases stand before first, and what every reader
// has who is there. The caller holds mu.
func (s *shelf) survey(reg *register.Register, log protocol.LogID, first uint64) {
	if s.log != log {
		s.log, s.read, s.alive = log, 0, living{}
		clear(s.where)
	}
	s.note(reg, log, first)
	release := s.before(protocol.Released, first)
	if s.alive.release == release {
		return
	}
	s.alive = living{release: release}
	if at, err := reg.Alive(log, release); err == nil {
		s.alive.at = at // Else nothing up to the release is leant on.
	}
}

// before returns where the newest event of a kind stands before a place, 0 for none.
func (s *shelf) before(k protocol.Kind, first uint64) uint64 {
	list := s.where[k]
	i, _ := slices.BinarySearch(list, first)
	if i == 0 {
		return 0
	}
	return list[i-1]
}

// note reads on to first.
func (s *shelf) note(reg *register.Register, log protocol.LogID, first uint64) {
	for s.read+1 < first {
		run, err := reg.LogEvents(log, s.read, int(min(first-1-s.read, protocol.MaxBlockEvents)))
		if err != nil || len(run.Events) == 0 {
			return // What was not found is not leant on.
		}
		for _, raw := range run.Events {
			s.read++
			if e, err := protocol.DecodeEvent(raw); err == nil && (e.Kind == protocol.DirectoryAdded || e.Kind == protocol.Released) {
				s.where[e.Kind] = append(s.where[e.Kind], s.read)
			}
		}
	}
}

// formerVersion returns where the version of a service before this one stands, 0 for
// a service's first.
func formerVersion(reg *register.Register, payload []byte) uint64 {
	v, err := catalogue.DecodeVersion(payload)
	set := reg.Set()
	if err != nil || set == nil {
		return 0
	}
	var former *dcat.Version
	for _, x := range set.VersionsOf(v.ID) {
		if x.Number < v.Number && (former == nil || x.Number > former.Number) {
			former = x
		}
	}
	if former == nil {
		return 0
	}
	seq, _ := reg.Shelved(protocol.Hash(former.Hash))
	return seq
}

// runs gathers sorted sequences into runs, counted back from first.
func runs(first uint64, seqs []uint64) (list []protocol.Lean) {
	for _, seq := range seqs {
		if n := len(list); n > 0 && first-list[n-1].Back+list[n-1].Count == seq {
			list[n-1].Count++
			continue
		}
		list = append(list, protocol.Lean{Back: first - seq, Count: 1})
	}
	return list
}
