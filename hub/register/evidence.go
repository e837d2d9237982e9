package register

import (
	"time"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// evidence is what is still open about money that may have been paid within a case's term.
// The term does not lapse meanwhile (DOMAIN §3, §7 row 16): nobody is told that he was late who
// may have been in time. Nor does it wait for ever: an item that nobody settles by its deadline
// goes to the superior of its desk with another one, and above the last of them it holds up
// nothing more. All of it is since format 4.
type evidence struct{ withheld }

// mostDesks are the desks through which an item may hold up a lapse: a directory whose posts
// stand above each other in a ring doesn't hold it for ever.
const mostDesks = 8

// waits reports whether a term that is over goes on because of such an item, and then has the
// case looked at again by the item's deadline.
func (s evidence) waits(c *Case) bool {
	until := int64(0)
	for _, it := range s.pending(c) {
		if it.Deadline >= s.now().Unix() || s.raise(c, it) {
			if until == 0 || it.Deadline < until {
				until = it.Deadline
			}
		}
	}
	if until == 0 {
		return false
	}
	s.rearm(c, until+1)
	return true
}

// pending are the items about money that may have been paid in the term, oldest first.
func (s evidence) pending(c *Case) (list []*Item) {
	for _, it := range s.unsettled(c.Number) {
		if s.inTerm(c, it) {
			list = append(list, it)
		}
	}
	return list
}

// inTerm reports whether an item is about a payment that was made within the term, or of which
// nobody can tell yet.
func (s evidence) inTerm(c *Case, it *Item) bool {
	if it.Kind != ItemDoubtful && it.Kind != ItemLate && it.Kind != ItemRevoked {
		return false
	}
	e, ok := s.eventAt(&it.Event)
	if !ok || e.Kind != protocol.PaymentTaken {
		return false
	}
	var p protocol.Payment
	if e.Decode(&p) != nil || p.Check() != nil {
		return true
	}
	challan := p.Means == protocol.MeansChallan && p.PaidAt > 0 // The bank's day, as the centre wrote it down.
	switch {
	case challan && p.PaidAt/1000 <= c.State.PayBy:
		return true
	case it.Kind == ItemRevoked:
		return it.Doubt || it.Legal/1000 <= c.State.PayBy
	}
	return it.Kind == ItemDoubtful && !challan
}

// raise lays an overdue item on the desk above its owner's, and reports whether there is one.
func (s evidence) raise(c *Case, it *Item) bool {
	w, f := s.way(c)
	if f != nil || s.calendar().WorkingDays(time.UnixMilli(it.At).In(s.zone), s.now()) > mostDesks*itemDays {
		return false
	}
	above, ok := w.Superior(it.Owner.Post)
	if !ok {
		return false
	}
	seat, ok := w.Seat(above)
	if !ok || seat == it.Owner {
		return false
	}
	it.Owner, it.Deadline = seat, application.WorkTerm(s.calendar(), s.now(), itemDays)
	if k, ok := keyOf(tagItem, it.ID); ok {
		s.put(k, it)
	}
	return true
}

// rearm has the hub look at a case at another time, or when what was gathered of it is told,
// if that is sooner.
func (s evidence) rearm(c *Case, at int64) {
	before := c.Timer
	if c.Notice.gathering() {
		at = min(at, c.Notice.Due)
	}
	if before == at {
		return
	}
	c.Timer = at
	s.del(timerKey(before, c.Number))
	s.set(timerKey(at, c.Number), []byte{})
	s.put(caseKey(c.Number), c)
}

// settled lets a term lapse that was held up by items of which the last has come to an outcome.
func (s evidence) settled(c *Case) {
	if c.State.Stage == application.FeeDue && c.Timer > c.State.PayBy+1 && len(s.pending(c)) == 0 {
		s.rearm(c, c.State.PayBy+1)
	}
}

// decided says what is in the way of an outcome: money that counts has to be booked.
func (s evidence) decided(it *Item, outcome string) *protocol.Failure {
	c := &Case{}
	if s.format < 4 || outcome != outcomeApplied || it.Kind != ItemLate && it.Kind != ItemDoubtful || !s.get(caseKey(it.Number), c) {
		return nil
	}
	if c.State.Owed > 0 && (c.State.Stage == application.FeeDue || c.State.Stage == application.FeeLapsed) {
		return refuse(fault.Conflict, it.ID, "nothing counts for the case by this word: have it booked at the case's desk by this item (pay --books), which settles it")
	}
	return nil
}
