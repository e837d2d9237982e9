package replication_test

import (
	"fmt"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
)

// base is what a side offers in place of the events of a log; its state is a log
// beside the others.
func (p *pair) base(s *side, log protocol.LogID) *protocol.Base {
	p.printf("%s looks for a base of %s", s.name, nameOf(log))
	if s.offers == 0 {
		return nil
	}
	state := &events{}
	for i := range s.offers {
		state.raw = append(state.raw, []byte(fmt.Sprintf("state %d", i+1)))
	}
	b, chain := protocol.NewBase(log, s.logs[log].head(log), state.raw)
	state.chain = chain
	s.logs[b.State.Log] = state
	return &b
}

func (p *pair) takeBase(s *side, b *protocol.Base) {
	if s.doubts {
		p.do(s, replication.Basing{Session: s.session}.Taking(b, protocol.Position{}, fault.New("sim", fault.Denied, nameOf(b.Log), "signature does not verify")))
		return
	}
	s.base = b
	p.do(s, replication.Basing{Session: s.session}.Taking(b, s.logs[b.State.Log].head(b.State.Log), nil))
}
