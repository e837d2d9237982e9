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
}

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
// run in the log.
func (s *shelf) leaning(run protocol.Run) *protocol.Leaning {
	reg, size := s.register(), 0
	got := map[uint64][]byte{}
	take := func(seq uint64) bool {
		if got[seq] != nil {
			return true
		}
		raw, err := reg.LogEvent(run.Log, seq)
		if err != nil || size+len(raw) > leanOver {
			return false
		}
		got[seq], size = raw, size+len(raw)
		return true
	}
	s.survey(reg, run.Log, run.First)
	news := false
	for _, raw := range run.Events {
		e, err := protocol.DecodeEvent(raw)
		if err != nil {
			continue
		}
		before := uint64(0)
		if list := s.where[e.Kind]; len(list) > 0 {
			before = list[len(list)-1]
		} else if e.Kind == protocol.ServiceAdded {
			before = formerVersion(reg, e.Payload)
		}
		if before == 0 || before < run.First && !take(before) {
			news = true
		}
	}
	former := slices.Sorted(maps.Keys(got))
	for seq := run.First - 1; news && seq > 0 && take(seq); seq-- {
	}
	on := runs(run.First, former)
	tail := slices.DeleteFunc(slices.Sorted(maps.Keys(got)), func(seq uint64) bool { return slices.Contains(former, seq) })
	return &protocol.Leaning{
		On:      append(on, runs(run.First, tail)...),
		Earlier: func(seq uint64) ([]byte, error) { return got[seq], nil },
		Carrier: func(h protocol.Hash) (uint64, bool) {
			seq, ok := reg.Shelved(h)
			return seq, ok && seq < run.First && carries(reg, run.Log, seq, h)
		},
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

// survey notes where directories and releases stand before first. The caller holds mu.
func (s *shelf) survey(reg *register.Register, log protocol.LogID, first uint64) {
	if s.log != log || first <= s.read {
		s.log, s.read = log, 0
		clear(s.where)
	}
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
