package hub

import (
	"crypto/sha256"
	"slices"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// A shelfState is a base of the catalogue that this server made. Its events lie in the
// register.
type shelfState struct {
	protocol.Base
	places []byte   // The state's first event.
	seqs   []uint64 // Where the others stand in the log.
	chain  []protocol.Hash
	plain  int                      // Bytes of all.
	stands map[protocol.Hash]uint64 // By the hash of what they carry, where they stand in the state.
	former map[uint64]uint64        // Of a version, where the one before it of its service stands in the state.
}

// base returns the base of the catalogue, signed: made anew where a release has followed.
// It is nil before the first release, and where it is out of bounds.
func (s *shelf) base() (*shelfState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reg := s.register()
	log := reg.Shelf()
	if s.state != nil && s.state.Log == log {
		head, err := reg.LogHead(log)
		if err != nil {
			return nil, err
		}
		if s.survey(reg, log, head.Seq+1); s.before(protocol.Released, head.Seq+1) == s.state.At.Seq {
			return s.state, nil
		}
	}
	made, err := makeShelfState(reg, log)
	if err != nil || made == nil {
		return nil, err
	}
	s.survey(reg, log, made.At.Seq+1)
	made.Sign(s.keys.certs.Load().signing, s.keys.signer)
	s.state = made
	return made, nil
}

func makeShelfState(reg *register.Register, log protocol.LogID) (*shelfState, error) {
	sum, err := reg.ShelfBase()
	if err != nil || len(sum.Keep) == 0 || len(sum.Keep) >= protocol.MaxBaseEvents {
		return nil, err
	}
	places := protocol.NewPlaces(log, sum.Keep)
	m := &shelfState{
		places: protocol.Marshal(&protocol.Event{Kind: protocol.ShelfPlaces, Payload: protocol.Marshal(&places)}),
		seqs:   sum.Keep, stands: map[protocol.Hash]uint64{}, former: map[uint64]uint64{},
	}
	events, newest := [][]byte{m.places}, map[string]uint64{}
	for i, seq := range m.seqs {
		raw, err := reg.LogEvent(log, seq)
		if err != nil {
			return nil, err
		}
		events, m.plain = append(events, raw), m.plain+len(raw)
		m.look(uint64(i)+2, raw, newest)
	}
	if len(m.places) > protocol.MaxEvent || m.plain > protocol.MaxShelfPlain {
		return nil, nil //nolint:nilnil // As promised.
	}
	m.Base, m.chain = protocol.NewBase(log, sum.At, events)
	return m, nil
}

// look notes what an event of the state carries.
func (m *shelfState) look(at uint64, raw []byte, newest map[string]uint64) {
	e, err := protocol.DecodeEvent(raw)
	if err != nil {
		return
	}
	m.stands[sha256.Sum256(e.Payload)] = at
	if e.Kind != protocol.ServiceAdded {
		return
	}
	if v, err := catalogue.DecodeVersion(e.Payload); err == nil {
		m.former[at], newest[v.ID] = newest[v.ID], at
	}
}

// event returns one event of the state.
func (m *shelfState) event(reg *register.Register, at uint64) ([]byte, error) {
	if at == 1 {
		return m.places, nil
	}
	return reg.LogEvent(m.Log, m.seqs[at-2])
}

// loadState cuts a block of the state behind a base of the catalogue.
func (s *shelf) loadState(log protocol.LogID, from uint64, limit int, reads protocol.Codecs) ([]protocol.Block, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.state
	if m == nil || m.State.Log != log {
		return nil, fault.New("hub.Load", fault.NotFound, log.String(), "no such base is kept here: ask for the log itself")
	}
	reg := s.register()
	run, err := cutState(m.State.Log, m.chain, from, limit, func(at uint64) ([]byte, error) { return m.event(reg, at) })
	if err != nil || len(run.Events) == 0 {
		return nil, err
	}
	run.Reads = reads
	b, err := s.cuts.Pack(run, nil, s.keys.signer, func() *protocol.Leaning { return m.leaning(reg, &run) })
	return []protocol.Block{b}, err
}

// leaning chooses what a run of the state is compressed against, all of it in the state.
func (m *shelfState) leaning(reg *register.Register, run *protocol.Run) *protocol.Leaning {
	g := newGrasp(func(at uint64) ([]byte, error) { return m.event(reg, at) })
	for i := range run.Events {
		if before := m.former[run.First+uint64(i)]; before > 0 && before < run.First {
			g.take(before)
		}
	}
	return g.leaning(run.First, true, func(uint64) bool { return true }, func(h protocol.Hash) (uint64, bool) {
		at, ok := m.stands[h]
		return at, ok && at < run.First
	})
}

// worth reports whether a reader who holds the log up to a place is better off with the
// base: it is at most half as many events as what it lacks.
func (m *shelfState) worth(held uint64) bool {
	return m.At.Seq > held && uint64(len(m.seqs)) <= (m.At.Seq-held)/2
}

// heldIn is how far a peer's hello says that it holds a log.
func heldIn(hello *protocol.Hello, log protocol.LogID) uint64 {
	i := slices.IndexFunc(hello.Have, func(h protocol.Head) bool { return h.Log == log })
	if i < 0 {
		return 0
	}
	return hello.Have[i].At.Seq
}
