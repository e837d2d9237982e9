package application

import (
	"slices"
	"strings"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// Action is what somebody does to a case. Numbers are kept on disk: add at the
// end, never reorder.
type Action uint8

// The actions.
const (
	NoAction Action = iota
	Accept          // The hub takes the application in and routes it.
	Take            // An officer of the post takes it up.
	Note            // The holder writes into the case file.
	Decide          // The holder states the preliminary decision.
	Forward         // The holder passes it on to the next desk.
	Approve         // Final, or the way to what is issued.
	Reject          // Final.
	Route           // The hub finds the desk that it had not found.
	Hold            // The hub sets it aside for a person to look at.

	RequestInfo // The holder, or the hub before there is one, asks the applicant for named answers or documents; the clock stops.
	Supply      // They have come.
	Return      // The holder sends it back to the desk before.
	Check       // The desk notes that a required check was done.
	Withdraw    // The applicant takes the application back.
	Link        // An officer finds that it is another case once more.
	Demand      // The hub demands the fee, or once more what is left of one whose term has ended.
	Pay         // Money was taken for the open demand.
	Lapse       // The hub notes that the term of payment has ended.
	Admit       // The hub lets a case that has paid go to its first desk.
	Prepare     // The delivery date is set, or moved.
	Issue       // The artefact is signed and numbered.
	HandOver    // The applicant has it.
	Dispatch    // It was posted.
	ComeBack    // The post brought it back.
	Close       // Nothing more is to be done.
	Appeal      // The appellate post looks at the decision again.
	Escalate    // The task is overdue: the superior sees it.
	Refuse      // The hub ends what it had set aside, or what can't be issued any more, as an officer decided.
	Void        // A payment is reversed: its demand is open again.
	Divert      // The hub takes a grievance from a desk that may not have it any more.
	Correct     // The centre puts answers right.
	Revoke      // What was issued is taken back.
	Unanswered  // The term of a question is over: its desk has the case again, without an answer.
	HandBack    // A superior gives an overdue case back to the desk from which he took it.
)

var actionNames = [...]string{
	"", "accept", "take", "note", "decide", "forward", "approve", "reject", "route", "hold",
	"request-info", "supply", "return", "check", "withdraw", "duplicate", "demand", "pay", "lapse", "admit",
	"prepare", "issue", "hand-over", "post", "returned", "close", "appeal", "escalate", "refuse", "void", "divert", "correct", "revoke", "unanswered",
	"hand-back",
}

// String returns the action's name, as in the contract's paths.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return ""
}

// steps is the procedure: where an action leads from each stage. What isn't here
// is refused. What a service doesn't declare is refused as well: see [Case.Apply].
var steps = map[Stage]map[Action]Stage{
	None:      {Accept: Received, Hold: Submitted},
	Submitted: {Accept: Received, Refuse: Rejected, Withdraw: Withdrawn},
	Received: {
		Take: UnderReview, Route: Received, Demand: FeeDue, Escalate: Received, Divert: Received,
		Withdraw: Withdrawn, Link: Duplicate, Void: FeeDue, RequestInfo: InfoRequested, Correct: Received,
		Supply: Received, // Late; see [Case.Asking].
	},
	UnderReview: {
		Note: UnderReview, Decide: UnderReview, Check: UnderReview, Escalate: UnderReview,
		Take: UnderReview, RequestInfo: InfoRequested, Supply: UnderReview,
		Forward: Received, Return: Received, HandBack: Received, Divert: Received, Approve: Approved, Reject: Rejected,
		Withdraw: Withdrawn, Link: Duplicate, Correct: UnderReview,
	},
	InfoRequested: {
		Supply: UnderReview, Unanswered: UnderReview, Divert: Received, Correct: InfoRequested, Note: InfoRequested, Withdraw: Withdrawn, Link: Duplicate,
	},
	Approved:      {Demand: FeeDue, Prepare: InPreparation},
	FeeDue:        {Pay: Paid, Void: FeeDue, Lapse: FeeLapsed, Withdraw: Withdrawn, Link: Duplicate, Refuse: Rejected},
	FeeLapsed:     {Pay: Paid, Demand: FeeDue},
	Paid:          {Admit: Received, Prepare: InPreparation},
	InPreparation: {Note: InPreparation, Check: InPreparation, Prepare: InPreparation, Issue: Ready, Escalate: InPreparation, Void: FeeDue, Refuse: Rejected},
	Ready:         {Note: Ready, HandOver: Delivered, Dispatch: Posted, Revoke: Closed},
	Posted:        {ComeBack: Returned, HandOver: Delivered, Revoke: Closed},
	Returned:      {Note: Returned, HandOver: Delivered, Dispatch: Posted, Revoke: Closed},
	Delivered:     {Close: Closed, Revoke: Closed},
	Rejected:      {Appeal: UnderReview},
	Closed:        {Appeal: UnderReview, Revoke: Closed},
}

// After returns where an action leads from a stage, [None] where it is refused.
// A payment that does not cover the demand leaves the stage as it is.
func After(s Stage, a Action) Stage { return steps[s][a] }

// Who may do an action: several of these.
type hand uint8

const (
	theHub     hand = 1 << iota // By itself, by the clock or the leader.
	theCentre                   // For the citizen; the hub carries its event.
	theOfficer                  // At a desk.
)

// hands says whose each action is.
var hands = map[Action]hand{
	Accept: theHub, Hold: theHub, Route: theHub, Demand: theHub, Lapse: theHub, Admit: theHub, Escalate: theHub, Refuse: theHub, Divert: theHub, Unanswered: theHub,
	Supply: theCentre, Correct: theCentre, Void: theCentre, Withdraw: theCentre, Pay: theCentre | theOfficer, HandOver: theCentre | theOfficer,
	Prepare: theHub | theOfficer, Close: theHub | theOfficer,
	Take: theOfficer, Note: theOfficer, Decide: theOfficer, Forward: theOfficer, Approve: theOfficer, Reject: theOfficer,
	RequestInfo: theHub | theOfficer, Return: theOfficer, HandBack: theOfficer, Check: theHub | theOfficer, Link: theOfficer, Issue: theOfficer,
	Dispatch: theOfficer, ComeBack: theOfficer, Appeal: theCentre | theOfficer, Revoke: theOfficer,
}

// Acts returns what an officer may ask for, in a fixed order.
func Acts() []Action {
	var list []Action
	for a := Accept; int(a) < len(actionNames); a++ {
		if hands[a]&theOfficer != 0 {
			list = append(list, a)
		}
	}
	return list
}

// ParseAct reads the name of an action that an officer may do, such as "take".
// Others are [fault.Invalid].
func ParseAct(name string) (Action, error) {
	acts := Acts()
	if i := slices.IndexFunc(acts, func(a Action) bool { return a.String() == name }); i >= 0 {
		return acts[i], nil
	}
	var names []string
	for _, a := range acts {
		names = append(names, a.String())
	}
	return NoAction, fault.New("application.ParseAct", fault.Invalid, clip(name), "want one of "+strings.Join(names, ", "))
}

// AtUnion reports whether an officer may do an action at the box of his union, where
// no hub is.
func AtUnion(a Action) bool {
	switch a {
	case Take, Note, Decide, Check, RequestInfo, Forward, Return, Approve, Reject, Issue, Revoke:
		return true
	default:
		return false
	}
}

// Binds reports whether an action gives the citizen an answer that stands: under a lease
// that has ended it needs somebody to confirm it (DOMAIN §7 row 37).
func Binds(a Action) bool { return a == Approve || a == Reject || a == Issue || a == Revoke }

// rights are the acts of a post, as the directory lists them, that actions need.
var rights = map[Action]string{
	Decide: place.ActPreliminary, Forward: place.ActForward, Return: place.ActReturn, RequestInfo: place.ActRequestInfo,
	Approve: place.ActFinalise, Reject: place.ActFinalise, Issue: place.ActSign, Appeal: place.ActFinalise, Revoke: place.ActFinalise,
}

// Right returns what a post must be allowed for an action, "" for nothing.
func Right(a Action) string { return rights[a] }

// ends are the stages from which only an appeal leads on (I6), or that what was issued is
// taken back. An approval is one
// where the version declares nothing to issue.
func ends(s Stage) bool {
	return s == Rejected || s == Closed || s == Withdrawn || s == Duplicate
}
