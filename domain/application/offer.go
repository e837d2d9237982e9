package application

import (
	"errors"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// An Offer is an act that an officer may do on a case as it stands. With a Bar it
// is one that the procedure wants something else before.
type Offer struct {
	Action Action
	Bar    Bar
	Item   string     // The check, the rule or the post that the bar names.
	To     place.Seat // Where it leads: forward, return and hand-back. The zero seat: one of Further has to be named.

	Further []place.Seat // Where forward leads too, to who names the post.
}

// A Bar is the one thing in an offer's way.
type Bar string

// The bars. Empty is none.
const (
	BarDecision  Bar = "decision"  // The officer's own preliminary decision (R-OF4).
	BarCheck     Bar = "check"     // A required check is not done.
	BarRule      Bar = "rule"      // A rule of the service does not hold: it can't be approved.
	BarMandatory Bar = "mandatory" // A mandatory desk has yet to see it.
	BarDesk      Bar = "desk"      // No office of the area has the post that comes next.
	BarLikely    Bar = "likely"    // An earlier case, which it names, is likely about the same: it can't be approved.
)

// Offers returns what an officer may do on a case at a moment in Unix seconds, by
// the rules of [Case.Apply] themselves: what has no bar is accepted from him once
// its fields are filled, and what is not here is refused. What the directory and
// the policy say of his post is not asked.
func (w Way) Offers(c Case, by Officer, at int64) []Offer {
	var list []Offer
	for _, a := range Acts() {
		if o, ok := w.offer(c, a, by, at); ok {
			list = append(list, o)
		}
	}
	return list
}

func (w Way) offer(c Case, a Action, by Officer, at int64) (Offer, bool) {
	o := Offer{Action: a}
	e := sketch(c, a)
	e.By, e.At, e.Until = by, at, at
	if a == Pay {
		e.At = min(at, c.PayBy) // A challan of the last day may come later.
	}
	var err error
	if e.Desk, err = w.Desk(c, a, ""); err != nil {
		if a != Forward || !errors.Is(err, fault.Conflict) || by.Name != c.Holder {
			return o, false
		}
		o.Bar = BarDesk
		if i := w.Version.Following(c.Step, c.Rules); i >= 0 {
			o.Item, e.Desk.Step, e.Desk.Seat = w.Version.Steps[i].Post, i, c.Seat // Is it this alone?
		}
	}
	e.Desk.Terms.Resolved = true
	if a == Check && len(w.Version.Checks) > 0 {
		e.Desk.Check = 0
	}
	if (a == Forward || a == Return || a == HandBack) && o.Bar == "" {
		o.To = e.Desk.Seat
	}
	if a == Forward {
		o.Further = w.further(c, o.To)
	}
	if _, err := c.Apply(e); err == nil {
		if len(o.Further) > 0 {
			o.Bar, o.Item = "", ""
		}
		return o, true
	}
	bar, item := barOf(c, &e)
	if bar == "" {
		return o, false
	}
	o.Bar, o.Item = bar, item
	c.DecidedBy = by.Name // Is it this alone?
	e.Desk.Mandatory, e.Desk.Forbids, e.Desk.Lacks = false, "", ""
	_, err = c.Apply(e)
	return o, err == nil
}

// further are the desks behind the next one to which a case may be forwarded by naming their
// post: those before the next mandatory one, and that one.
func (w Way) further(c Case, next place.Seat) (seats []place.Seat) {
	v := w.Version
	for i := v.Following(c.Step, c.Rules); i >= 0; i = v.Following(i, c.Rules) {
		post := v.Steps[i].Post
		d, err := w.Desk(c, Forward, post)
		if err == nil && d.Step == i && d.Seat.Post == post && d.Seat != next {
			seats = append(seats, d.Seat)
		}
	}
	return seats
}

// barOf is the first thing in an act's way that somebody can do something about.
func barOf(c Case, e *Event) (Bar, string) {
	d := &e.Desk
	ends := e.Action == Approve || e.Action == Reject
	switch {
	case e.Action != Forward && e.Action != Issue && !ends:
		return "", ""
	case e.Action == Approve && d.Mandatory:
		return BarMandatory, ""
	case (e.Action == Forward || ends && (d.Decision || c.Overturned)) && c.DecidedBy != e.By.Name:
		return BarDecision, ""
	case e.Action == Approve && d.Forbids != "":
		return BarRule, d.Forbids
	case e.Action != Reject && d.Lacks != "":
		return BarCheck, d.Lacks
	}
	return "", ""
}

// sketch is an event of an action with something in each field that has to be
// filled. Who, when, until when and where are left to say.
func sketch(c Case, a Action) Event {
	e := Event{Action: a, Text: "x", Expect: c.Version}
	switch a {
	case Decide:
		e.Opinion = ForApproval
	case Reject:
		e.Reason = "x"
	case RequestInfo:
		e.Items = []string{"x"}
	case Supply:
		e.Items = c.asked()
	case Pay:
		e.Amount = 2
	default:
	}
	return e
}
