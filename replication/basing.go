package replication

import "kendro/protocol"

// footing is how a log is begun with a base in place of its first events. The
// state behind the base is a log of its own, with a flow of its own.
type footing struct {
	held bool           // The log's: nothing is sent of it before the peer has taken the base, or said that it does not.
	base *protocol.Base // The state's: what it is the state of …
	of   *flow          // … and the flow of that log.
}

// offer asks for the base of an inbox that the peer wants from its first event on, or of
// a catalogue of which it lacks much.
func (f *flow) offer(s *Session) []Action {
	h, begins := s.peerHello, f.out.theirs.Seq == 0
	switch f.log.Channel { //nolint:exhaustive // The others have no bases.
	case protocol.Inbox:
		begins = begins && h.Bases >= protocol.BaseFormat
	case protocol.Catalogue:
		begins = (begins || f.mine.Seq >= f.out.theirs.Seq+protocol.BaseBehind) && h.Shelves >= protocol.TakesShelf
	}
	if !s.cfg.Offers || !f.log.HasBase() || !begins || !f.out.wanted || f.third || f.mine.Seq == 0 {
		return nil
	}
	f.held = true
	return []Action{FindBase{f.log}}
}

// Basing is a session where logs are begun with bases.
type Basing struct{ *Session }

// Based answers a [FindBase]; nil sends the log from its first event on.
func (s Basing) Based(log protocol.LogID, b *protocol.Base) []Action {
	f := s.flows[log]
	if f == nil || !f.held {
		return nil // The peer has it by now.
	}
	var state *flow
	if b != nil {
		state = s.open(b.State.Log)
	}
	if state == nil {
		f.held = false
		return s.pump()
	}
	state.mine, state.base, state.of = b.State.At, b, f
	return append([]Action{Send{&protocol.Message{Base: b}}}, s.pump()...)
}

// giveWay sends the events after all where the state of their base stopped.
func (f *flow) giveWay() {
	if f.of != nil {
		f.of.held = false
	}
}

// based takes the peer's offer to begin a log with a base.
func (s Basing) based(b *protocol.Base) ([]Action, error) {
	f := s.flows[b.Log]
	if f == nil && s.reads(b.Log) {
		f = s.open(b.Log)
	}
	switch {
	case f == nil || !f.in.wanted || !s.takes(b.Log):
		return nil, violation(b.Log.String(), "a base of a log that was not asked for")
	case b.At.Seq <= f.in.got.Seq:
		return []Action{Send{headsMessage(f)}}, nil // Have it.
	}
	return []Action{TakeBase{b}}, nil
}

func (s Basing) takes(log protocol.LogID) bool {
	if log.Channel == protocol.Catalogue {
		return s.cfg.Shelves >= protocol.TakesShelf
	}
	return s.cfg.Takes
}

// Taking answers a [TakeBase]: the state is here up to from, as far as another
// session brought it. After an error the peer is asked for the events.
func (s Basing) Taking(b *protocol.Base, from protocol.Position, err error) []Action {
	f := s.flows[b.Log]
	if f == nil {
		return nil
	}
	var state *flow
	if err == nil {
		state = s.open(b.State.Log)
	}
	switch {
	case state == nil:
		out := []Action{Send{&protocol.Message{Want: &protocol.Want{Log: f.log, From: f.in.got}}}}
		if err != nil {
			out = append(out, weRefused(b.Log, b.At.Seq, err))
		}
		return out
	case state.in.wanted:
		return nil // It is on its way.
	}
	state.base, state.of, state.in.wanted = b, f, true
	state.mine, state.in.got = from, from
	if from == b.State.At {
		return state.founded(from)
	}
	return []Action{Send{&protocol.Message{Want: &protocol.Want{Log: state.log, From: from}}}}
}

// founded continues a log behind its base once the whole state is durable.
func (f *flow) founded(at protocol.Position) []Action {
	if f.base == nil || at != f.base.State.At || f.base.At.Seq <= f.of.mine.Seq {
		return nil
	}
	f.of.mine, f.of.in.asked = f.base.At, false
	if f.base.At.Seq > f.of.in.got.Seq {
		f.of.in.got = f.base.At
	}
	return []Action{Send{headsMessage(f.of)}}
}
