package application

import (
	"time"

	"kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// A Way is a service's procedure at the places that one applicant's area has:
// what [Case.Apply] is told about a case, it looks up.
type Way struct {
	Version  *catalogue.Version
	Seat     func(post string) (place.Seat, bool)      // That serves the area.
	Superior func(post string) (above string, ok bool) // Of a post; "" and false at the top.

	// Appellate is the seat of a post that looks at a decision again, the zero seat where
	// nobody may who hasn't decided it before. Nil: that of Seat.
	Appellate func(post string) place.Seat

	Vacant  bool // Who holds the case has no login any more: a colleague may take it.
	Tracked bool // The steps that cases come to are kept: since format 3 of the register's entries.
}

// wayOp is what answers of every edition call it.
const wayOp = "register"

// Desk says what the version demands of an action where the case stands, and
// where the case would go to. To is the post of a later step, for forward; empty
// is the next. [fault.Invalid] and [fault.Conflict] say what is in the way.
func (w Way) Desk(c Case, a Action, to string) (Desk, error) {
	d := w.here(c, a)
	next, err := w.onward(c, &d, to)
	if err != nil {
		return d, err
	}
	switch a {
	case Forward:
		if next < 0 {
			return d, noStep(to)
		}
		return w.at(d, next)
	case Return:
		if back := w.before(c); back >= 0 {
			return w.at(d, back)
		}
		if c.Rules.Has(catalogue.Scanned) && c.Step < len(w.Version.Steps) { // To have the record scanned anew.
			d.Undone = w.Version.Scan()
			if first := w.Version.First(c.Rules.Without(catalogue.Scanned)); first < c.Step {
				return w.at(d, first)
			}
		}
		d.Step, d.Seat = c.Step, c.Seat // Refused by the rules.
		return d, nil
	case HandBack:
		if c.Step < len(w.Version.Steps) {
			return w.at(d, c.Step)
		}
		d.Step, d.Seat = c.Step, c.Seat // An appeal was given to who has it: refused by the rules.
		return d, nil
	default:
	}
	if to != "" {
		return d, fault.New(wayOp, fault.Invalid, to, "no later step of the service has this post")
	}
	w.aside(c, a, &d)
	return d, nil
}

func noStep(to string) error {
	if to == "" {
		return nil
	}
	return fault.New(wayOp, fault.Invalid, to, "no later step of the service has this post")
}

// here is what the desk where the case lies demands.
func (w Way) here(c Case, a Action) Desk {
	v := w.Version
	d := Desk{Terms: w.Terms(c), Check: -1}
	if p := v.Procedure; a == Issue && p != nil && p.Issue != nil {
		d.Lacks = v.Missing(p.Issue.Checks, c.Done)
		return d
	}
	step, ok := v.Step(c.Step)
	if !ok { // Behind all steps lies the appellate desk.
		d.Decision, d.Finalise = true, true
		return d
	}
	d.Decision, d.Finalise = step.Decision, step.MayFinalise
	d.Lacks = v.Missing(step.Checks, c.Done)
	for _, id := range step.Needs {
		if d.Forbids == "" && !v.Holds(c.Rules, id) {
			d.Forbids = id
		}
	}
	return d
}

// onward finds the step to forward to, -1 if there is none, and whether a
// mandatory one follows at all.
func (w Way) onward(c Case, d *Desk, to string) (int, error) {
	v, next := w.Version, -1
	for i := v.Following(c.Step, c.Rules); i >= 0; i = v.Following(i, c.Rules) {
		if next < 0 && (to == "" || v.Steps[i].Post == to) {
			if to != "" && d.Mandatory {
				return -1, fault.New(wayOp, fault.Invalid, to, "a mandatory desk comes before this one: forward to it")
			}
			next = i
		}
		d.Mandatory = d.Mandatory || v.Steps[i].Mandatory
	}
	return next, nil
}

// before is the step that the case came from, -1 at the first.
func (w Way) before(c Case) int {
	back := -1
	for i := w.Version.First(c.Rules); i >= 0 && i < c.Step && c.Step <= len(w.Version.Steps); i = w.Version.Following(i, c.Rules) {
		if c.Visited == 0 || c.Visited.Has(i) {
			back = i
		}
	}
	if c.Step >= len(w.Version.Steps) {
		return -1 // An appeal is not sent back.
	}
	return back
}

// Back is what sends a case back to the desk of an earlier step, whose decision rested on
// what was then corrected. [fault.Conflict]: no office has its post any more.
func (w Way) Back(c Case, step int) (Desk, error) { return w.at(w.here(c, Correct), step) }

// at leads to a step.
func (w Way) at(d Desk, step int) (Desk, error) {
	post := w.Version.Steps[step].Post
	seat, ok := w.Seat(post)
	if !ok {
		return d, fault.New(wayOp, fault.Conflict, post, "no office has this post for the area: ask the district")
	}
	d.Step, d.Seat = step, seat
	return d, nil
}

// aside is where the actions lead that follow no step.
func (w Way) aside(c Case, a Action, d *Desk) {
	switch p := w.Version.Procedure; a {
	case Approve, Prepare:
		if d.Terms.Issue {
			d.Seat, _ = w.Seat(p.Issue.Post)
		}
	case Appeal:
		if d.Terms.Appeal {
			d.Step = len(w.Version.Steps)
			d.Seat = w.appellate(p.Appeals[c.Appeals].Post)
		}
	case Revoke:
		d.Seat = w.Overseer(c)
	case Escalate:
		below := c.Seat
		if c.Above != (place.Seat{}) {
			below = c.Above
		}
		if post, ok := w.Superior(below.Post); ok {
			d.Seat, _ = w.Seat(post)
		}
	default:
	}
}

// Overseer is the desk over the office at which a case lies, or lay last; its own desk where
// there is none.
func (w Way) Overseer(c Case) place.Seat {
	post, deep := c.Seat.Post, 0
	for ok := true; ok && deep < 8; deep++ {
		if post, ok = w.Superior(post); ok {
			if seat, found := w.Seat(post); found && seat.Office != c.Seat.Office {
				return seat
			}
		}
	}
	return c.Seat
}

func (w Way) appellate(post string) place.Seat {
	if w.Appellate != nil {
		return w.Appellate(post)
	}
	seat, _ := w.Seat(post)
	return seat
}

// First returns the desk at which a case begins. Without an office for its area it
// has no seat, and waits for one.
func (w Way) First(rules catalogue.Bits) Desk {
	d := Desk{Terms: Terms{Tracked: w.Tracked}, Check: -1}
	if i := w.Version.First(rules); i >= 0 {
		d.Step = i
		d.Seat, _ = w.Seat(w.Version.Steps[i].Post)
	}
	return d
}

// Terms says what the version demands of the case beyond its desks.
func (w Way) Terms(c Case) Terms {
	t := Terms{Tracked: w.Tracked, Vacant: w.Vacant}
	p := w.Version.Procedure
	if p == nil {
		return t
	}
	t.Certify = p.Certificate != nil
	t.Issue, t.Appeal = w.Version.Issues(c.Rules), c.Appeals < len(p.Appeals)
	t.Purpose, t.Demand = ForReview, max(0, c.Review-c.Paid)
	if c.Stage.Decided() || c.Purpose == ForIssue {
		t.Purpose, t.Demand = ForIssue, max(0, c.Review+c.Issue-c.Paid)
	}
	return t
}

// Anew is the desk of a demand that gives another term for what is owed still.
func (w Way) Anew(c Case) (Desk, error) {
	d, err := w.Desk(c, Demand, "")
	d.Terms.Demand, d.Terms.Purpose = c.Owed, c.Purpose
	return d, err
}

// Follows is what the hub does next by itself, [NoAction] where it waits for
// somebody.
func (w Way) Follows(c Case) Action {
	t := w.Terms(c)
	switch c.Stage {
	case Received:
		if t.Demand > 0 && t.Purpose == ForReview && w.Version.Procedure != nil {
			return Demand
		}
	case Approved:
		if t.Demand > 0 {
			return Demand
		}
		if t.Issue {
			return Prepare
		}
	case Paid:
		if c.Purpose == ForReview {
			return Admit
		}
		return Prepare
	default:
	}
	return NoAction
}

// Over reports whether nothing but an appeal, a payment made in time, or an officer who gives
// another term leads on.
func (w Way) Over(c Case) bool {
	return ends(c.Stage) || c.Stage == FeeLapsed || c.Stage == Approved && !w.Version.Issues(c.Rules)
}

// Upcoming returns the post and the words of the step that comes next for the
// citizen. A case that waits for him, or is over, has none.
func (w Way) Upcoming(c Case) (post string, name place.Name) {
	v := w.Version
	i := -1
	switch c.Stage {
	case Draft, Submitted:
		i = v.First(c.Rules)
	case Received:
		i = c.Step
	case UnderReview, InfoRequested:
		i = v.Following(c.Step, c.Rules)
	default:
	}
	if s, ok := v.Step(i); ok {
		return s.Post, s.Name
	}
	waits := c.Stage == InPreparation || c.Stage == FeeDue && c.Purpose == ForIssue || (c.Stage == Received || c.Stage == UnderReview)
	if v.Issues(c.Rules) && waits {
		return v.Procedure.Issue.Post, v.Procedure.Issue.Name
	}
	return "", place.Name{}
}

// Ask says until when the applicant has time to bring what he is asked for at a moment.
func (w Way) Ask(e *Event, now time.Time) {
	e.Until = 0
	if days := w.Version.InfoDays; days > 0 {
		e.Until = Term(now, days)
	}
}

// Grant says until when an event gives somebody time: a demand to pay, a delivery date, an
// appeal. It leaves what was said already.
func (w Way) Grant(e *Event, c Case, calendar *place.Calendar, now time.Time) {
	p := w.Version.Procedure
	if p == nil {
		return
	}
	switch e.Action {
	case Demand:
		e.Until = Term(now, p.FeeDays)
	case Prepare:
		if e.Until == 0 && p.Issue != nil {
			e.Until = WorkTerm(calendar, now, p.Issue.Days)
		}
	case Reject, Close:
		if c.Appeals < len(p.Appeals) {
			e.Until = Term(now, p.Appeals[c.Appeals].Days)
		}
	case Revoke: // Not to who has revoked it.
		for e.Rung = c.Appeals; e.Rung < len(p.Appeals); e.Rung++ {
			if seat, _ := w.Seat(p.Appeals[e.Rung].Post); seat != e.By.Seat {
				e.Until = Term(now, p.Appeals[e.Rung].Days)
				return
			}
		}
	default:
	}
}
