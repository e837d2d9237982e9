package register

import (
	"cmp"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// whyPartPaid is on an item about a fee of which a part was paid in its term.
const whyPartPaid = "the term has ended, and a part of the fee was paid"

// goneOn is on what was open about such a part when a payment that was made in time came.
const goneOn = "a payment that was made in time has come: the case goes on"

// partPayments ask what becomes of a sum that was paid in part when the term for the rest
// ends: whether it is paid back, or the applicant has another term. All of it is since
// format 4 (docs/decisions/0054).
type partPayments struct{ refunds }

// ask has the desk of a case that has lapsed say what becomes of it.
func (s partPayments) ask(c *Case) {
	if sum := s.part(c); sum > 0 {
		owner := cmp.Or(c.State.Seat, s.world.overseer(c.Centre))
		s.open(c, Item{Kind: ItemPartPaid, Text: whyPartPaid, Amount: sum, Owner: owner, Event: s.source(c), Centre: c.Centre})
	}
}

// part is what was paid of the demand that is open, terms that were given anew included,
// and was not paid back.
func (s partPayments) part(c *Case) int64 {
	demanded, lapsed := int64(0), false
	for i := range c.History {
		t := &c.History[i]
		if t.Action == application.Demand && !lapsed {
			demanded = t.Amount
		}
		lapsed = t.Stage == application.FeeLapsed
	}
	return min(demanded-c.State.Owed, c.State.Paid) - c.PartBack
}

// drop closes what is open about a part once the case goes on.
func (s partPayments) drop(c *Case) {
	for _, it := range s.unsettled(c.Number) {
		if it.Kind == ItemPartPaid || it.Of == ItemPartPaid {
			s.refunds.drop(c, it, goneOn)
		}
	}
}

// revivable says what is in the way of another term.
func (s partPayments) revivable(it *Item, outcome string) *protocol.Failure {
	c := &Case{}
	if outcome != outcomeRevived {
		return nil
	}
	if !s.get(caseKey(it.Number), c) || c.State.Stage != application.FeeLapsed {
		return refuse(fault.Conflict, it.ID, "no term has ended on its case")
	}
	w, f := s.way(c)
	if f != nil {
		return f
	}
	if _, err := w.Anew(c.State); err != nil {
		return failureOf(err)
	}
	return nil
}

// revive demands the rest once more, within a term as long as the first.
func (s partPayments) revive(it *Item) {
	c := &Case{}
	if !s.get(caseKey(it.Number), c) {
		return
	}
	w, f := s.way(c)
	if f != nil {
		return
	}
	d, err := w.Anew(c.State)
	if err == nil {
		e := application.Event{Action: application.Demand, At: s.now().Unix(), Desk: d, Text: it.Words}
		w.Grant(&e, c.State, s.calendar(), s.now())
		err = s.change(c, e)
	}
	if err != nil {
		s.keep(fault.Wrap("register.Apply", fault.Internal, c.Number.String(), err))
		return
	}
	s.tell(c)
}
