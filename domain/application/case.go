package application

import (
	"strconv"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// Action is what somebody does to a case. Numbers are kept on disk: add at the
// end, never reorder.
type Action uint8

// The actions of this edition.
const (
	NoAction Action = iota
	Accept          // The hub takes the application in and routes it.
	Take            // An officer of the post takes it up.
	Note            // The holder writes into the case file.
	Decide          // The holder states the preliminary decision.
	Forward         // The holder passes it on to the next desk.
	Approve         // Final.
	Reject          // Final.
	Route           // The hub finds the desk that it had not found.
	Hold            // The hub sets it aside for a person to look at.
)

var actionNames = [...]string{"", "accept", "take", "note", "decide", "forward", "approve", "reject", "route", "hold"}

// String returns the action's name, as in the contract's paths.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return ""
}

// ParseAct reads the name of an action that an officer may do, such as "take".
// Others are [fault.Invalid].
func ParseAct(name string) (Action, error) {
	for _, a := range []Action{Take, Note, Decide, Forward, Approve, Reject} {
		if name == a.String() {
			return a, nil
		}
	}
	return NoAction, fault.New("application.ParseAct", fault.Invalid, clip(name),
		"want take, note, decide, forward, approve or reject")
}

// steps is the procedure: where an action leads from each stage. What isn't here
// is refused.
var steps = map[Stage]map[Action]Stage{
	None:        {Accept: Received, Hold: Submitted},
	Submitted:   {Accept: Received},
	Received:    {Take: UnderReview, Route: Received},
	UnderReview: {Note: UnderReview, Decide: UnderReview, Forward: Received, Approve: Approved, Reject: Rejected},
}

// An Opinion is what a preliminary decision comes to.
type Opinion string

// The opinions.
const (
	ForApproval  Opinion = "approve"
	ForRejection Opinion = "reject"
	Other        Opinion = "other" // The text says what.
)

// Valid reports whether o is one of the three.
func (o Opinion) Valid() bool { return o == ForApproval || o == ForRejection || o == Other }

// Bounds of what an officer writes, in bytes.
const (
	MaxText   = 4 << 10
	MaxReason = 64
)

// An Officer is who acts, in which seat.
type Officer struct {
	Name string
	Seat place.Seat
}

// A Desk is what the pinned version demands at the step where the case stands,
// and where it would go from there. The caller looks it up.
type Desk struct {
	Decision  bool // Approve and reject need a preliminary decision too.
	Finalise  bool // This step may end the case.
	Mandatory bool // A mandatory step still follows: no approval here.
	Step      int  // Accept, forward and route: the step that the case goes to …
	Seat      place.Seat
}

// An Event is one action with all that the rules ask about it.
type Event struct {
	Action  Action
	By      Officer // Empty for accept, hold and route, which are the hub's.
	Expect  uint64  // The version that the actor saw.
	Opinion Opinion // Decide.
	Text    string  // Note, decide, reject; may stand on forward and approve.
	Reason  string  // Reject: a reason code.
	Desk    Desk
}

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
}

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
	if !known {
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
	switch e.Action {
	case Accept, Hold, Route:
		if e.By != (Officer{}) {
			return refuse(e, fault.Denied, "only the hub does this")
		}
		return nil
	case Take, Note, Decide, Forward, Approve, Reject:
		switch seat := e.By.Seat; {
		case e.By.Name == "" || seat == (place.Seat{}):
			return refuse(e, fault.Denied, "only an officer with a seat does this")
		case seat == c.Seat:
			return nil
		case seat == c.From && e.Expect < c.Version:
			return refuse(e, fault.Conflict, "the case has been forwarded to "+c.Seat.String())
		}
		return refuse(e, fault.Denied, "the case does not lie at your desk")
	case NoAction:
	}
	return refuse(e, fault.Invalid, "no such action")
}

// complete asks whether the event says all that it must.
func (e Event) complete() error {
	switch {
	case len(e.Text) > MaxText:
		return refuse(e, fault.Invalid, "the text is longer than 4096 bytes: shorten it")
	case (e.Action == Note || e.Action == Decide || e.Action == Reject) && blank(e.Text):
		return refuse(e, fault.Invalid, "write a text: it is what the next reader goes by")
	case e.Action == Decide && !e.Opinion.Valid():
		return refuse(e, fault.Invalid, "want the opinion approve, reject or other")
	case e.Action != Decide && e.Opinion != "":
		return refuse(e, fault.Invalid, "an opinion belongs to a preliminary decision only")
	case e.Action == Reject && (blank(e.Reason) || len(e.Reason) > MaxReason):
		return refuse(e, fault.Invalid, "want a reason code of 1 to 64 bytes")
	case e.Action != Reject && e.Reason != "":
		return refuse(e, fault.Invalid, "a reason code belongs to a rejection only")
	case (e.Action == Forward || e.Action == Route) && e.Desk.Seat == (place.Seat{}):
		return refuse(e, fault.Invalid, "there is no desk to send the case to")
	}
	return nil
}

// allowed asks what the procedure demands of the holder (R-OF4).
func (c Case) allowed(e Event) error {
	switch e.Action {
	case Take, Hold:
		return nil
	case Accept:
		if e.Desk.Step != 0 {
			return refuse(e, fault.Invalid, "a case begins at its first step")
		}
		return nil
	case Route:
		if c.Seat != (place.Seat{}) || e.Desk.Step != c.Step {
			return refuse(e, fault.Conflict, "the case has a desk")
		}
		return nil
	default: // The holder's acts, below.
	}
	if c.Holder != e.By.Name {
		return refuse(e, fault.Conflict, "another officer of your post has taken the case: "+clip(c.Holder))
	}
	decided := c.DecidedBy == e.By.Name
	switch e.Action {
	case Forward:
		if !decided {
			return refuse(e, fault.Conflict, "state your preliminary decision first, then forward")
		}
		if e.Desk.Step <= c.Step {
			return refuse(e, fault.Invalid, "a case is forwarded to a later step")
		}
	case Approve, Reject:
		if !e.Desk.Finalise {
			return refuse(e, fault.Denied, "this desk may not end the case: forward it")
		}
		if e.Action == Approve && e.Desk.Mandatory {
			return refuse(e, fault.Denied, "a mandatory desk has yet to decide: forward it")
		}
		if e.Desk.Decision && !decided {
			return refuse(e, fault.Conflict, "state your preliminary decision first, then "+e.Action.String())
		}
	default: // Notes and decisions are free to the holder.
	}
	return nil
}

// moved is the case after an event that is allowed.
func (c Case) moved(e Event, next Stage) Case {
	c.Stage = next
	c.Version++
	switch e.Action {
	case Accept, Forward, Route:
		c.From, c.Step, c.Seat = c.Seat, e.Desk.Step, e.Desk.Seat
		c.Holder, c.DecidedBy = "", ""
		c.Assignment++
	case Take:
		c.Holder, c.DecidedBy = e.By.Name, ""
	case Decide:
		c.DecidedBy = e.By.Name
	case Approve, Reject:
		c.Holder, c.DecidedBy = "", ""
	case NoAction, Note, Hold:
	}
	return c
}

func refuse(e Event, kind fault.Kind, text string) error {
	return fault.New("application.Apply", kind, e.Action.String(), text)
}

func blank(s string) bool {
	for _, r := range s {
		switch r {
		case ' ', '\t', '\n', '\r', '\u00a0':
		default:
			return false
		}
	}
	return true
}
