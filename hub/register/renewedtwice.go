package register

import (
	"slices"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// One certificate is renewed once (DOMAIN §7 row 20). Of two renewals of it that were both
// approved, the first that is issued takes its place; the other can't be issued any more, and is an
// item: an officer ends it, and what was paid for it is owed back. Since format 4.

// whySecondRenewal is why an approved renewal is an item.
const whySecondRenewal = "another renewal of the same certificate was issued before"

// renewals keeps which approved renewals of a certificate wait to be issued.
type renewals struct{ refunds }

// waits reports whether a case is an approved renewal that was not issued yet.
func (renewals) waits(c *Case) bool {
	st := &c.State
	approved := st.Stage == application.InPreparation || st.Purpose == application.ForIssue && (st.Stage == application.FeeDue || st.Stage == application.Paid)
	return c.Succeeds != nil && approved && st.Issued == 0
}

func renewalKey(certificate string, n protocol.Number) []byte {
	return sideKey(sideRenewal, []byte(certificate), []byte{0}, u64(uint64(n)))
}

// track keeps the list in step with a change. One whose certificate was renewed by then is an
// item at once.
func (s renewals) track(before, c *Case) {
	was, waits := s.waits(before), s.waits(c)
	if was == waits {
		return
	}
	k := renewalKey(c.Succeeds.Number, c.Number)
	if !waits {
		s.del(k)
		return
	}
	s.set(k, []byte{})
	if _, gone := s.predecessor(c); gone != nil {
		s.twice(c)
	}
}

// over makes items of the approved renewals that were not the first to be issued.
func (s renewals) over(certificate string) {
	var rest []protocol.Number
	s.keep(s.tx.Scan(sideKey(sideRenewal, []byte(certificate), []byte{0}), nil, func(k, _ []byte) (bool, error) {
		rest = append(rest, numberOf(k[len(k)-8:]))
		return true, nil
	}))
	for _, n := range rest {
		if c := (&Case{}); s.get(caseKey(n), c) && s.waits(c) {
			s.twice(c)
		}
	}
}

// twice makes an item of a second renewal, once.
func (s renewals) twice(c *Case) {
	if !slices.ContainsFunc(s.unsettled(c.Number), func(it *Item) bool { return it.Kind == ItemSecondRenewal }) {
		s.open(c, Item{Kind: ItemSecondRenewal, Text: whySecondRenewal, Amount: s.paid(c), Event: s.source(c), Centre: c.Centre})
	}
}

// endable says what is in the way of ending a second renewal.
func (s renewals) endable(it *Item, outcome string) *protocol.Failure {
	c := &Case{}
	if it.Kind != ItemSecondRenewal || outcome == outcomeDismissed || !s.get(caseKey(it.Number), c) || s.waits(c) {
		return nil
	}
	return refuse(fault.Conflict, it.ID, "the case is "+c.State.Stage.String()+" meanwhile: dismiss this")
}

// end ends a second renewal whose officer has said so.
func (s renewals) end(it *Item) {
	c := &Case{}
	if it.Kind == ItemSecondRenewal && it.Outcome != outcomeDismissed && s.get(caseKey(it.Number), c) {
		s.endHeld(c, it)
	}
}
