package application

import (
	"slices"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// allowed asks what the procedure demands.
func (c Case) allowed(e Event) error {
	switch e.Action {
	case Hold:
		return nil
	case Refuse:
		if c.Stage == FeeDue && c.Purpose != ForIssue {
			return refuse(e, fault.Conflict, "the case is not decided")
		}
		return nil
	case Take:
		if c.Stage == UnderReview && e.By.Seat == c.Seat && !e.Desk.Terms.Vacant {
			return refuse(e, fault.Conflict, "not possible while the case is "+c.Stage.String())
		}
		return nil
	case Accept:
		if e.Desk.Step != 0 && !e.Desk.Terms.Tracked {
			return refuse(e, fault.Invalid, "a case begins at its first step")
		}
		return nil
	case Route:
		if c.Seat != (place.Seat{}) || e.Desk.Step != c.Step {
			return refuse(e, fault.Conflict, "the case has a desk")
		}
		return nil
	case Note, Decide, Forward, Approve, Reject, RequestInfo, Return, HandBack, Check, Link:
		if err := c.held(e); err != nil {
			return err
		}
		return c.reviewed(e)
	case Demand, Pay, Lapse, Admit, Void:
		return c.payable(e)
	case Prepare, Issue, HandOver, Dispatch, ComeBack, Close:
		return c.deliverable(e)
	case Divert:
		if e.Desk.Step != c.Step || e.Desk.Seat == c.Seat {
			return refuse(e, fault.Conflict, "the case stays where it is")
		}
		return nil
	case Supply, Unanswered, Correct, Withdraw, Appeal, Escalate:
		return c.asides(e)
	case Revoke:
		if !e.Desk.Terms.Certify || c.Issued == 0 || c.Revoked {
			return refuse(e, fault.Conflict, "nothing was issued that could be taken back")
		}
		return nil
	case NoAction:
	}
	return refuse(e, fault.Invalid, "no such action")
}

// held asks whether the case is in the officer's hands, where it must be.
func (c Case) held(e Event) error {
	if e.Action == RequestInfo && (c.Stage == Received) != (e.By == (Officer{})) {
		return refuse(e, fault.Conflict, "not possible while the case is "+c.Stage.String())
	}
	inHands := c.Stage == UnderReview || c.Stage == InfoRequested && c.Holder != "" // Else the hub has asked, and nobody has it.
	if inHands && c.Holder != e.By.Name {
		return refuse(e, fault.Conflict, "another officer of your post has taken the case: "+clip(c.Holder))
	}
	return nil
}

// reviewed asks what the procedure demands of the holder (R-OF4).
func (c Case) reviewed(e Event) error {
	decided := c.DecidedBy == e.By.Name
	switch e.Action {
	case Forward:
		if !decided {
			return refuse(e, fault.Conflict, "state your preliminary decision first, then forward")
		}
		if e.Desk.Step <= c.Step {
			return refuse(e, fault.Invalid, "a case is forwarded to a later step")
		}
		return c.checked(e)
	case Approve, Reject:
		return c.final(e, decided)
	case Return:
		if e.Desk.Step >= c.Step {
			return refuse(e, fault.Conflict, "it came from no desk: there is none to return it to")
		}
	case HandBack:
		if e.Desk.Seat == c.Seat || e.Desk.Step != c.Step {
			return refuse(e, fault.Conflict, "it was taken from no other desk: there is none to give it back to")
		}
	case Link:
		if c.Stage == FeeDue && c.Purpose != ForReview {
			return refuse(e, fault.Conflict, "not possible after the approval")
		}
		if !e.Desk.Terms.Resolved {
			return refuse(e, fault.Invalid, "name another case that is here and no duplicate itself")
		}
	default: // Notes, decisions, checks and questions are free to the holder.
	}
	return nil
}

// final asks whether the desk may end the case.
func (c Case) final(e Event, decided bool) error {
	if !e.Desk.Finalise {
		return refuse(e, fault.Denied, "this desk may not end the case: forward it")
	}
	if e.Action == Approve && e.Desk.Mandatory {
		return refuse(e, fault.Denied, "a mandatory desk has yet to decide: forward it")
	}
	if (e.Desk.Decision || c.Overturned) && !decided {
		return refuse(e, fault.Conflict, "state your preliminary decision first, then "+e.Action.String())
	}
	if e.Action == Reject {
		return nil
	}
	if e.Desk.Forbids != "" {
		return refuse(e, fault.Conflict, "a rule of the service does not hold: "+e.Desk.Forbids)
	}
	return c.checked(e)
}

// checked asks whether what must be done before is done.
func (c Case) checked(e Event) error {
	if e.Desk.Lacks != "" {
		return refuse(e, fault.Conflict, "a required check is not done: "+e.Desk.Lacks)
	}
	return nil
}

// payable asks what the procedure demands where money is concerned.
func (c Case) payable(e Event) error {
	t := e.Desk.Terms
	switch e.Action {
	case Demand:
		if c.Stage == FeeLapsed {
			if t.Demand != c.Owed || t.Purpose != c.Purpose {
				return refuse(e, fault.Conflict, "what is owed is demanded once more, and nothing else")
			}
			return nil
		}
		if c.Owed > 0 || (t.Purpose == ForIssue) != (c.Stage == Approved) || t.Purpose == NoPurpose || c.Holder != "" {
			return refuse(e, fault.Conflict, "no fee is due now")
		}
	case Pay:
		if c.Owed <= 0 {
			return refuse(e, fault.Conflict, "no demand is open")
		}
		if t.InDoubt {
			return refuse(e, fault.Conflict, "the date of the payment can't be believed: an officer decides")
		}
		if e.At > c.PayBy {
			return refuse(e, fault.Conflict, "it was paid after the term")
		}
	case Lapse:
		if e.At <= c.PayBy {
			return refuse(e, fault.Conflict, "the term has not ended")
		}
	case Void:
		if e.Amount > c.Paid {
			return refuse(e, fault.Conflict, "so much was not paid")
		}
	case Admit:
		if c.Purpose != ForReview {
			return refuse(e, fault.Conflict, "what was paid for is not a review")
		}
	default:
	}
	return nil
}

// deliverable asks what the procedure demands of what is issued (I2).
func (c Case) deliverable(e Event) error {
	t := e.Desk.Terms
	switch e.Action {
	case Prepare:
		if !t.Issue || t.Demand > 0 {
			return refuse(e, fault.Conflict, "nothing is issued before the fee is paid, or nothing at all")
		}
		if c.Stage == Paid && c.Purpose != ForIssue {
			return refuse(e, fault.Conflict, "the case is not decided")
		}
		if (c.Stage == InPreparation) != (e.By != (Officer{})) {
			return refuse(e, fault.Conflict, "the hub sets the first delivery date, an officer moves it")
		}
	case Issue:
		if !t.Issue || t.Demand > 0 {
			return refuse(e, fault.Conflict, "the fee is not paid")
		}
		return c.checked(e)
	case HandOver:
		if c.Stage == Ready && c.Mode == "post" && e.By == (Officer{}) {
			return refuse(e, fault.Conflict, "it goes by post")
		}
	case Dispatch:
		if c.Mode != "post" {
			return refuse(e, fault.Conflict, "it was not asked for by post")
		}
	default:
	}
	return nil
}

// asides asks what the procedure demands of the ways out of it.
func (c Case) asides(e Event) error {
	switch e.Action {
	case Supply:
		asked := c.asked()
		if slices.ContainsFunc(e.Items, func(it string) bool { return !slices.Contains(asked, it) }) {
			return refuse(e, fault.Conflict, "only what was asked for may be supplied")
		}
	case Unanswered:
		if c.SupplyBy == 0 || e.At <= c.SupplyBy {
			return refuse(e, fault.Conflict, "the term has not ended")
		}
	case Correct:
		if !e.Afresh && e.Desk.Seat != (place.Seat{}) && (e.Desk.Step >= c.Step || c.Stage == InfoRequested) {
			return refuse(e, fault.Conflict, "it goes back to a desk before this one, and from no case that waits for its applicant")
		}
	case Withdraw:
		if c.Stage == FeeDue && c.Purpose != ForReview {
			return refuse(e, fault.Conflict, "the case is decided: it can't be withdrawn any more")
		}
	case Appeal:
		if !e.Desk.Terms.Appeal || c.AppealBy == 0 || e.Desk.Seat == (place.Seat{}) {
			return refuse(e, fault.Conflict, "the service knows no appeal from here")
		}
		if e.At > c.AppealBy {
			return refuse(e, fault.Conflict, "the time for an appeal has passed")
		}
	case Escalate:
		if e.Desk.Seat == (place.Seat{}) || e.Desk.Seat == c.Above {
			return refuse(e, fault.Conflict, "nobody is above this desk")
		}
	default:
	}
	return nil
}
