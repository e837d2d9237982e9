package hub

import (
	"context"
	"errors"
	"time"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/replication"
	"kendro/web/api"
)

// inquiries answers what boxes ask about cases of other centres, and counts it.
type inquiries struct {
	admit        func(replication.Peer) (*register.Node, error)
	register     func() *register.Register
	all, guesses *api.Limiter // By slot.
	clock        func() time.Time
}

// How much one box may ask in a minute.
const (
	inquiriesAMinute = 1200
	guessesAMinute   = 60
)

func newInquiries(s *host, clock func() time.Time) *inquiries {
	return &inquiries{
		admit: s.admit, register: s.group.register, clock: clock,
		all: api.NewLimiter(inquiriesAMinute, time.Minute), guesses: api.NewLimiter(guessesAMinute, time.Minute),
	}
}

// Inquired tells a box where a case of another centre stands: what anybody may know who
// has the number (R-TR4). A box that guesses is told less often than the people before
// it may guess.
func (s *inquiries) Inquired(_ context.Context, peer replication.Peer, q *protocol.Inquiry) *protocol.Inquiry {
	if q.Answers() {
		return nil // Nobody was asked.
	}
	out := &protocol.Inquiry{ID: q.ID, Number: q.Number}
	told, err := s.tell(peer, q.Number)
	if err != nil {
		out.Fault = protocol.FailureOf(err)
		return out
	}
	out.Told = told
	return out
}

func (s *inquiries) tell(peer replication.Peer, n protocol.Number) (*protocol.Told, error) {
	const op = "hub.Inquired"
	node, err := s.admit(peer)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	if err := errors.Join(s.all.Take(node.Slot, now), s.guesses.Check(node.Slot, now)); err != nil {
		return nil, fault.Wrap(op, fault.Limited, n.String(), err)
	}
	told, err := told(s.register(), n)
	if errors.Is(err, fault.NotFound) {
		if err := s.guesses.Take(node.Slot, now); err != nil {
			return nil, fault.Wrap(op, fault.Limited, n.String(), err)
		}
		return nil, fault.New(op, fault.NotFound, n.String(), "no such number in this district")
	}
	return told, err
}

func told(reg *register.Register, n protocol.Number) (*protocol.Told, error) {
	st, custody, err := reg.Standing(n)
	if err != nil {
		return nil, err
	}
	also, err := reg.Aliases(n)
	if err != nil {
		return nil, err
	}
	st.Certificate, st.Article = nil, "" // More than the number alone opens.
	owed, err := reg.Demand(n)
	if err != nil {
		return nil, err
	}
	out := &protocol.Told{Standing: st, Custody: custody, AsOf: reg.At(), Also: also, Demand: owed}
	if out.Asks = st.Under; out.Asks == nil && len(st.Items) > 0 {
		c, err := reg.Case(n)
		if err != nil {
			return nil, err
		}
		if v, ok := reg.Set().ByHash(c.Asks()); ok {
			out.Asks = &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])}
		}
	}
	return out, nil
}
