package application

import (
	"slices"
	"strings"

	"kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

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

// Bounds of what is written into a case, in bytes; of items, their number.
const (
	MaxText   = 4 << 10
	MaxReason = 64
	MaxItems  = 32
	MaxItem   = 96
)

// An Officer is who acts, in which seat.
type Officer struct {
	Name string
	Seat place.Seat
}

// A Desk is what the pinned version demands where the case stands, and where it
// would go from there. [At] looks it up.
type Desk struct {
	Decision  bool // Approve and reject need a preliminary decision too.
	Finalise  bool // This step may end the case.
	Mandatory bool // A mandatory step still follows: no approval here.
	Step      int  // Where the case goes to: the step …
	Seat      place.Seat

	Lacks   string // A check that has to be done before; empty: none.
	Forbids string // A rule that has to hold for an approval and doesn't.
	Check   int    // The place of the check that is noted; -1: none of the version's.
	Terms   Terms

	Undone catalogue.Bits // Return: checks that have to be done anew.
}

// Terms are what the pinned version says about one case beyond its desks. The
// zero Terms are those of a version without a procedure.
type Terms struct {
	Tracked  bool    // The steps that the case came to are kept.
	Demand   int64   // What is to be paid before it goes on, in poisha; 0 is nothing.
	Purpose  Purpose // Of the demand.
	Issue    bool    // Something is issued after an approval.
	Certify  bool    // What is issued bears a number, and can be taken back.
	Appeal   bool    // Another rung of the ladder is there.
	InDoubt  bool    // Pay: the date of the payment can't be believed.
	Resolved bool    // Link: the other case exists and is another one.
	Vacant   bool    // Take: who holds the case has no login any more.
}

// An Event is one action with all that the rules ask about it.
type Event struct {
	Action  Action
	By      Officer // Empty for what the hub or a centre does.
	Expect  uint64  // The version that the actor saw.
	Opinion Opinion // Decide.
	Text    string  // Note, decide, reject, return, request-info, duplicate; may stand on others.
	Reason  string  // Reject, revoke: a reason code.
	Items   []string
	Amount  int64 // Pay: poisha.
	At      int64 // When it happened, Unix seconds: pay, lapse, unanswered, appeal.
	Until   int64 // The last second that it gives, Unix seconds: demand, prepare, request-info; reject, close and revoke: of an appeal.
	Rung    int   // Revoke: the rung of the ladder that an appeal goes to.
	Found   *Found
	Desk    Desk

	Overturns bool // Correct: a decision of the desk where the case lies rested on it. With a desk: of that one.

	Brought int64 // Supply: when, Unix seconds, where there was a term for it; 0: it can't be said.
	Afresh  bool  // Supply, late: nobody has taken the case up yet, and it begins at Desk. Correct: it begins there anew, where its rules lead now.
}

// Found is what the answers of an application come to under its version: accept,
// supply and correct where they have changed. Nil: as before.
type Found struct {
	Rules catalogue.Bits
	Mode  catalogue.Mode
	Dues
	Record Record
	Fact   Fact

	Complaint *Complaint // Nil: it is no grievance.

	Done   catalogue.Bits // Checks that an earlier application's scan does.
	Undone catalogue.Bits // Supply: checks that were done on another record.
}

// A Record names the paper that an application asks for. The zero Record is none.
type Record struct {
	Area place.Code `cbor:"1,keyasint,omitempty"` // Its upazila; empty is the centre's own.
	Text string     `cbor:"2,keyasint"`           // What tells it from the others, in one spelling.
}

// A Fact is what an application is about that happens once, such as a birth. The zero
// Fact is none.
type Fact struct {
	Who  string `cbor:"1,keyasint"`           // Whose: the answers that have to agree.
	Day  int64  `cbor:"2,keyasint,omitempty"` // When, in days since 1970 …
	Near int64  `cbor:"3,keyasint,omitempty"` // … and by how many days two tellings of it may differ.
	Name string `cbor:"4,keyasint"`           // What else tells two of them apart …
	Twin bool   `cbor:"5,keyasint,omitempty"` // … where the applicant says that there are two.
}

// complete asks whether the event says all that it must.
func (e Event) complete() error {
	switch {
	case len(e.Text) > MaxText:
		return refuse(e, fault.Invalid, "the text is longer than 4096 bytes: shorten it")
	case e.wantsText() && blank(e.Text):
		return refuse(e, fault.Invalid, "write a text: it is what the next reader goes by")
	case e.Action == Decide && !e.Opinion.Valid():
		return refuse(e, fault.Invalid, "want the opinion approve, reject or other")
	case e.Action != Decide && e.Opinion != "":
		return refuse(e, fault.Invalid, "an opinion belongs to a preliminary decision only")
	case (e.Action == Reject || e.Action == Revoke) && (blank(e.Reason) || len(e.Reason) > MaxReason):
		return refuse(e, fault.Invalid, "want a reason code of 1 to 64 bytes")
	case e.Action != Reject && e.Action != Revoke && e.Reason != "":
		return refuse(e, fault.Invalid, "a reason code belongs to a rejection or a revocation only")
	case (e.Action == Forward || e.Action == Route || e.Action == Return || e.Action == HandBack) && e.Desk.Seat == (place.Seat{}):
		return refuse(e, fault.Invalid, "there is no desk to send the case to")
	}
	return e.measured()
}

func (e Event) wantsText() bool {
	switch e.Action {
	case Note, Decide, Reject, Return, HandBack, RequestInfo, Link, Refuse, Void, Correct, Revoke:
		return true
	case Appeal:
		return e.By != (Officer{}) // What a centre brings may be sealed.
	default:
		return false
	}
}

// measured asks whether items, sums and dates are what the action takes.
func (e Event) measured() error {
	switch e.Action {
	case RequestInfo:
		if !ItemsFit(e.Items) {
			return refuse(e, fault.Invalid, "name what is asked for: 1 to 32 answers or documents, each once")
		}
	case Correct:
		if !ItemsFit(e.Items) {
			return refuse(e, fault.Invalid, "name what is put right: 1 to 32 answers, each once")
		}
	case Supply:
		if len(e.Items) == 0 {
			return refuse(e, fault.Invalid, "nothing is supplied")
		}
	case Pay:
		if e.Amount <= 0 || e.At <= 0 {
			return refuse(e, fault.Invalid, "want a sum above nothing and when it was paid")
		}
	case Void:
		if e.Amount <= 0 || e.Until <= 0 {
			return refuse(e, fault.Invalid, "want the sum that was paid, and until when it is to be paid again")
		}
	case Demand:
		if e.Desk.Terms.Demand <= 0 || e.Until <= 0 {
			return refuse(e, fault.Invalid, "nothing is to be demanded")
		}
	case Prepare:
		if e.Until <= 0 {
			return refuse(e, fault.Invalid, "want a delivery date")
		}
	case Dispatch:
		if blank(e.Text) || len(e.Text) > MaxReason {
			return refuse(e, fault.Invalid, "want the article number of the post, of 1 to 64 bytes")
		}
	case Check:
		if e.Desk.Check < 0 {
			return refuse(e, fault.Invalid, "the service declares no such check")
		}
	default:
	}
	return nil
}

// ItemsFit reports whether names of answers or documents are within their bounds: 1 to
// [MaxItems], each once and of one line.
func ItemsFit(items []string) bool {
	for i, it := range items {
		if blank(it) || len(it) > MaxItem || strings.ContainsAny(it, "\n\r") || slices.Contains(items[:i], it) {
			return false
		}
	}
	return len(items) > 0 && len(items) <= MaxItems
}

func itemsText(items []string) string { return strings.Join(items, "\n") }

// asked lists what the applicant was asked for.
func (c Case) asked() []string {
	if c.Asked == "" {
		return nil
	}
	return strings.Split(c.Asked, "\n")
}

// AskedFor lists what the applicant was asked for and hasn't brought.
func (c Case) AskedFor() []string { return c.asked() }

func without(list, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(it string) bool { return slices.Contains(gone, it) })
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
