package application

import (
	"strconv"

	"kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// A Case is an application as its events add up. The zero Case is one that
// nobody has accepted yet. It is a value: Apply returns the next one.
type Case struct {
	Stage      Stage      `cbor:"1,keyasint"`
	Step       int        `cbor:"2,keyasint"`
	Seat       place.Seat `cbor:"3,keyasint"`           // Where it waits, or was decided; zero while no desk is found.
	Holder     string     `cbor:"4,keyasint,omitempty"` // The officer who took it.
	Assignment uint64     `cbor:"5,keyasint"`           // Counts the desks it was given to: the fencing token.
	DecidedBy  string     `cbor:"6,keyasint,omitempty"` // Who stated a preliminary decision since the assignment.
	Version    uint64     `cbor:"7,keyasint"`           // Counts the events.
	From       place.Seat `cbor:"8,keyasint"`           // The desk that forwarded it here; zero at the first.

	Findings
	Money
	Delivery
	Course
}

// Findings are what was found out about a case.
type Findings struct {
	Rules catalogue.Bits `cbor:"9,keyasint,omitempty"`  // That hold for the answers.
	Done  catalogue.Bits `cbor:"10,keyasint,omitempty"` // Checks.
	Asked string         `cbor:"11,keyasint,omitempty"` // What the applicant was asked for and hasn't brought, one item a line …

	SupplyBy   int64 `cbor:"90,keyasint,omitempty"` // … the last second for it, Unix seconds; 0 is none …
	Unanswered bool  `cbor:"91,keyasint,omitempty"` // … which is over: the case has gone on without.
}

// Money is what a case has to do with money, in whole poisha.
type Money struct {
	Purpose Purpose `cbor:"12,keyasint,omitempty"` // Of the newest demand.
	Owed    int64   `cbor:"13,keyasint,omitempty"` // Of it, still; above 0 a demand is open, the only one (I10).
	PayBy   int64   `cbor:"14,keyasint,omitempty"` // Its last second, Unix seconds.
	Paid    int64   `cbor:"15,keyasint,omitempty"` // For demands so far; a surplus is not in it.
	Dues
}

// Dues are what the version's schedule comes to for the answers.
type Dues struct {
	Review int64 `cbor:"25,keyasint,omitempty"` // Before the review.
	Issue  int64 `cbor:"26,keyasint,omitempty"` // After the approval.
}

// Delivery is how an approved case reaches its applicant.
type Delivery struct {
	Mode     catalogue.Mode `cbor:"16,keyasint,omitempty"`
	Promised int64          `cbor:"17,keyasint,omitempty"` // The delivery date: its last second, Unix seconds.
	Issued   int            `cbor:"18,keyasint,omitempty"` // Artefacts so far.
	Revoked  bool           `cbor:"27,keyasint,omitempty"` // The newest was taken back.
}

// Course is what a case has been through.
type Course struct {
	Visited  catalogue.Bits `cbor:"19,keyasint,omitempty"` // Steps that it came to.
	Returns  int            `cbor:"20,keyasint,omitempty"` // Times it was sent back: rework.
	Appeals  int            `cbor:"21,keyasint,omitempty"` // Rungs of the ladder it has climbed.
	AppealBy int64          `cbor:"22,keyasint,omitempty"` // The last second of the next, Unix seconds; 0 is none.
	Above    place.Seat     `cbor:"23,keyasint,omitzero"`  // The superior who sees it, overdue as it is.
	Late     int            `cbor:"24,keyasint,omitempty"` // Times it went up.

	// Overturned says that the decision of the desk where it lies rested on what was then
	// corrected: another has to be stated before the case can end there.
	Overturned bool `cbor:"50,keyasint,omitempty"`
}

// A Purpose is what a demand is for.
type Purpose uint8

// The purposes. Numbers are kept on disk.
const (
	NoPurpose Purpose = iota
	ForReview
	ForIssue
)

// Apply returns the case after the event, or the case unchanged and why the
// event is refused: [fault.Denied] when the officer may not, [fault.Conflict]
// when somebody was faster or a rule of the procedure stands in the way,
// [fault.Invalid] when the event itself is incomplete.
func (c Case) Apply(e Event) (Case, error) {
	next, known := steps[c.Stage][e.Action]
	if err := c.entitled(e); err != nil {
		return c, err
	}
	if e.Expect != c.Version {
		return c, refuse(e, fault.Conflict, "you saw version "+strconv.FormatUint(e.Expect, 10)+
			", it is now version "+strconv.FormatUint(c.Version, 10)+": reload, then decide again")
	}
	if !known || e.Action == Supply && !c.Asking() {
		return c, refuse(e, fault.Conflict, "not possible while the case is "+c.Stage.String())
	}
	if err := e.complete(); err != nil {
		return c, err
	}
	if err := c.allowed(e); err != nil {
		return c, err
	}
	return c.moved(e, next), nil
}

// entitled asks who acts. It comes first, so that nobody learns a case's version
// from a refusal who may not act on it.
func (c Case) entitled(e Event) error {
	by := hands[e.Action]
	if by == 0 {
		return refuse(e, fault.Invalid, "no such action")
	}
	if by&theOfficer == 0 && e.By != (Officer{}) {
		return refuse(e, fault.Denied, "only the hub does this")
	}
	if by&theOfficer == 0 || by != theOfficer && e.By == (Officer{}) {
		return nil
	}
	switch seat := e.By.Seat; {
	case e.Action == Revoke && seat != (place.Seat{}) && seat == e.Desk.Seat: // Above who issued it.
		return nil
	case e.By.Name == "" || seat == (place.Seat{}):
		return refuse(e, fault.Denied, "only an officer with a seat does this")
	case e.Action == Appeal:
		if seat != e.Desk.Seat {
			return refuse(e, fault.Denied, "an appeal belongs to the appellate post")
		}
		return nil
	case seat == c.Seat || e.Action == Take && seat == c.Above:
		return nil
	case seat == c.From && e.Expect < c.Version:
		return refuse(e, fault.Conflict, "the case has been forwarded to "+c.Seat.String())
	}
	return refuse(e, fault.Denied, "the case does not lie at your desk")
}

// moved is the case after an event that is allowed.
func (c Case) moved(e Event, next Stage) Case {
	c.Stage = next
	c.Version++
	switch e.Action {
	case Accept, Forward, Route:
		c = c.assigned(e.Desk).found(e.Found)
	case HandBack:
		c = c.assigned(e.Desk)
	case Divert:
		c = c.assigned(e.Desk)
		c.From = place.Seat{} // It is nothing to that desk where the case went.
		c = c.unasked()       // Whoever has it now asks again if he wants to know.
	case Return:
		c = c.assigned(e.Desk)
		c.Returns++
		c.Rules, c.Done = c.Rules.Without(catalogue.Scanned), c.Done&^e.Desk.Undone
	case Take:
		c = c.taken(e.By)
	case Decide:
		c.DecidedBy, c.Overturned = e.By.Name, false
	case Check:
		c.Done = c.Done.With(e.Desk.Check)
	case RequestInfo:
		c.Asked, c.SupplyBy, c.Unanswered = itemsText(e.Items), e.Until, false
	case Unanswered:
		c.Unanswered = true
		if c.Holder == "" {
			c.Stage = Received // The hub had asked.
		}
	case Supply:
		c = c.supplied(e)
	case Correct:
		c = c.corrected(e)
	case Approve, Reject:
		c = c.unasked()
		c.Holder, c.DecidedBy, c.Above = "", "", place.Seat{}
		if e.Action == Approve && e.Desk.Terms.Issue {
			c.From, c.Seat = c.Seat, e.Desk.Seat
		}
		c.AppealBy = e.Until
	case Appeal:
		c = c.appealed(e)
	case Withdraw, Link:
		c = c.unasked()
		c.Holder, c.DecidedBy, c.Owed, c.Above = "", "", 0, place.Seat{}
	case Escalate:
		c.Above = e.Desk.Seat
		c.Late++
	case Close:
		if !c.Revoked {
			c.AppealBy = e.Until
		}
	case Revoke:
		c.Revoked, c.AppealBy, c.Appeals = true, e.Until, max(c.Appeals, e.Rung)
		c.Holder, c.DecidedBy, c.Above = "", "", place.Seat{}
	case Refuse:
		c.Holder, c.Owed, c.Promised, c.Above = "", 0, 0, place.Seat{}
	case NoAction, Note, Hold, Admit:
	default:
		return c.served(e, next)
	}
	return c
}

// assigned is the case at another desk.
func (c Case) assigned(d Desk) Case {
	c.From, c.Step, c.Seat = c.Seat, d.Step, d.Seat
	c.Holder, c.DecidedBy, c.Above, c.Overturned = "", "", place.Seat{}, false
	c.Assignment++
	if d.Terms.Tracked {
		c.Visited = c.Visited.With(d.Step)
	}
	return c
}

// found is the case with what its answers come to, where they are new.
func (c Case) found(f *Found) Case {
	if f != nil {
		c.Rules, c.Dues, c.Mode = f.Rules, f.Dues, f.Mode
		c.Done = c.Done&^f.Undone | f.Done
	}
	return c
}

// supplied is the case with what came. One that nobody had taken up, since the hub asked,
// begins at the desk to which its answers lead now. What comes when the case has gone on
// without it lies with whoever has the case, who has to decide anew.
func (c Case) supplied(e Event) Case {
	left, late := itemsText(without(c.asked(), e.Items)), c.Unanswered
	switch {
	case late:
	case left != "":
		c.Stage = InfoRequested
	case c.Holder == "":
		c.Stage = Received
	}
	if c.Holder == "" && (!late || e.Afresh) {
		c.Visited = 0
		c = c.assigned(e.Desk)
	}
	c = c.found(e.Found)
	c.DecidedBy = ""
	if left == "" {
		return c.unasked()
	}
	c.Asked = left
	return c
}

// unasked is the case of which nothing is asked.
func (c Case) unasked() Case {
	c.Asked, c.SupplyBy, c.Unanswered = "", 0, false
	return c
}

// Asking reports whether what the applicant was asked for may be brought: while the case
// waits for it, and where it has gone on without, until it is decided.
func (c Case) Asking() bool {
	return c.Stage == InfoRequested || c.Unanswered && (c.Stage == Received || c.Stage == UnderReview)
}

// corrected is the case with answers put right. Where the decision of a desk rested on
// them, that desk has to state another: the case goes back to it, or stays there. Where
// another desk is the first by what they say now, it begins there anew.
func (c Case) corrected(e Event) Case {
	switch {
	case e.Afresh:
		c.Visited = 0
		c = c.unasked().assigned(e.Desk)
		c.Stage, c.Overturned = Received, true
	case e.Desk.Seat != (place.Seat{}):
		c = c.assigned(e.Desk)
		c.Stage, c.Overturned = Received, true
	case e.Overturns:
		c.DecidedBy, c.Overturned = "", true
	}
	return c.found(e.Found)
}

// taken is the case in an officer's hands; a superior takes it to his own desk.
func (c Case) taken(by Officer) Case {
	c.Holder, c.DecidedBy = by.Name, ""
	if by.Seat != c.Seat {
		c.From, c.Seat, c.Above = c.Seat, by.Seat, place.Seat{}
		c.Assignment++
	}
	return c
}

// appealed is the case at the appellate desk, behind all steps: in the hands of the
// officer who looks at it again, or waiting there where a centre brought the appeal.
func (c Case) appealed(e Event) Case {
	c = c.assigned(e.Desk)
	if e.By == (Officer{}) {
		c.Stage = Received
	}
	c.Holder = e.By.Name
	c.Appeals++
	c.AppealBy = 0
	return c
}

// served is the case after an event of its payment or delivery.
func (c Case) served(e Event, next Stage) Case {
	switch e.Action {
	case Demand:
		c.Purpose, c.Owed, c.PayBy = e.Desk.Terms.Purpose, e.Desk.Terms.Demand, e.Until
		c.Holder = ""
	case Pay:
		c.Paid += min(e.Amount, c.Owed)
		c.Owed -= min(e.Amount, c.Owed)
		if c.Owed > 0 {
			c.Stage = FeeDue // Revived or not: the rest is still owed.
		}
	case Void:
		c.Paid -= e.Amount
		c.Owed += e.Amount
		c.PayBy, c.Promised, c.Holder, c.Above = e.Until, 0, "", place.Seat{}
	case Prepare:
		c.Promised = e.Until
		if e.Desk.Seat != (place.Seat{}) && c.Seat != e.Desk.Seat {
			c.From, c.Seat = c.Seat, e.Desk.Seat
		}
	case Issue:
		c.Issued, c.Revoked = c.Issued+1, false
	default: // Lapse keeps what is owed, for a payment that was made in time.
	}
	if next == Ready || next == Delivered {
		c.Above = place.Seat{}
	}
	return c
}

func refuse(e Event, kind fault.Kind, text string) error {
	return fault.New("application.Apply", kind, e.Action.String(), text)
}
