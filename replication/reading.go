package replication

import (
	"kendro/domain/fault"
	"kendro/protocol"
)

// reading is our side of a log that we want.
type reading struct {
	wanted  bool
	stopped bool              // For the rest of this session.
	got     protocol.Position // End of the last block delivered; at least what is durable.
	pending int               // Blocks delivered that have no answer yet.
	begun   bool              // We asked for it by name; of a log that others carry.
	asked   bool              // A Want went out, and nothing that fits came since.
	failed  *failure          // The first refusal among the pending.
	doubted bool              // The last block delivered contradicts what is here; the host judges it.
}

type failure struct {
	first, last uint64
	err         error
}

// block takes a block of the peer. One that contradicts what is here is a fork only
// if its author has signed it, which the host alone can say: a header that somebody
// altered on the way must accuse nobody.
func (s *Session) block(b *protocol.Block) ([]Action, error) {
	h := &b.Header
	f := s.flows[h.Log]
	if f == nil && s.reads(h.Log) {
		f = s.open(h.Log)
	}
	if f == nil || !f.in.wanted {
		return nil, violation(h.Log.String(), "a block of a log that was not asked for")
	}
	r := &f.in
	end := protocol.Position{Seq: h.Last, Hash: h.End}
	f.out.reached(end) // Who sends a block holds it.
	switch {
	case r.stopped || r.failed != nil || r.doubted:
		return nil, nil // What comes after a refusal was on its way already.
	case end.Seq == r.got.Seq && end != r.got, end.Seq == f.mine.Seq && end != f.mine,
		h.First == r.got.Seq+1 && h.Prev != r.got.Hash:
		r.doubted = true
		r.pending++
		return []Action{Deliver{b}}, nil
	case h.Last <= r.got.Seq:
		return []Action{Send{headsMessage(f)}}, nil // Have it.
	case h.First > r.got.Seq+1:
		if r.asked {
			return nil, nil
		}
		r.asked = true
		return []Action{Send{&protocol.Message{Want: &protocol.Want{Log: f.log, From: r.got}}}}, nil
	}
	r.got, r.asked = end, false
	r.pending++
	return []Action{Deliver{b}}, nil
}

// Stored answers a [Deliver]: the log is durable here up to at. ack is the
// acknowledgement to send, nil where this end makes none.
func (s *Session) Stored(log protocol.LogID, at protocol.Position, ack *protocol.Ack) []Action {
	f := s.flows[log]
	if f == nil {
		return nil
	}
	s.refusals = 0
	f.in.pending--
	if at.Seq > f.mine.Seq {
		f.mine = at
	}
	if at.Seq > f.in.got.Seq {
		f.in.got = at
	}
	answer := headsMessage(f)
	if ack != nil {
		answer = &protocol.Message{Ack: ack}
	}
	out := append([]Action{Send{answer}}, f.in.cleared(f)...)
	out = append(out, f.founded(at)...)
	out = append(out, s.settle(f)...)
	return append(out, s.pump()...)
}

// cleared ends a doubt that the host does not share: what was passed over meanwhile
// is asked for again.
func (r *reading) cleared(f *flow) []Action {
	if !r.doubted || r.pending > 0 || r.failed != nil {
		return nil
	}
	r.doubted, r.got, r.asked = false, f.mine, true
	return []Action{Send{&protocol.Message{Want: &protocol.Want{Log: f.log, From: f.mine}}}}
}

// Rejected answers a [Deliver] of the block with this header, which was not
// taken. The kinds are those of [Host.Store].
func (s *Session) Rejected(h protocol.Header, err error) []Action {
	f := s.flows[h.Log]
	if f == nil {
		return nil
	}
	f.in.pending--
	if f.in.failed == nil {
		f.in.failed = &failure{h.First, h.Last, err}
	}
	return append(s.settle(f), s.pump()...)
}

// settle answers a refusal once every block that was delivered behind it has had
// its own answer, so that nothing old can be mistaken for what is sent again.
func (s *Session) settle(f *flow) []Action {
	r := &f.in
	if r.failed == nil || r.pending > 0 {
		return nil
	}
	failed, doubted := *r.failed, r.doubted
	r.failed, r.doubted, r.got = nil, false, f.mine
	kind := fault.KindOf(failed.err)
	if failed.last <= f.mine.Seq && !doubted && kind != fault.Conflict { // Another way brought it meanwhile.
		return []Action{Send{&protocol.Message{Want: &protocol.Want{Log: f.log, From: f.mine}}}}
	}
	r.asked = true // The peer sends again by itself; a Want would be too soon.
	told := refuse(f.log, failed.first, failed.err)
	switch kind {
	case fault.Conflict:
		f.stop()
		f.out.forked = true
		return told
	case fault.Invalid, fault.Denied:
		r.stopped = true
		return told
	case fault.NotFound:
		return told
	default:
		millis := min(firstBusy<<min(s.refusals, 8), longestBusy)
		s.refusals++
		told[0] = Send{&protocol.Message{Busy: &protocol.Busy{RetryMillis: millis}}}
		return told
	}
}
