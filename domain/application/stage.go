// Package application holds the procedure of an application: the stages that a
// case passes through, the actions that move it, and the rules that bind the
// officers who act.
//
// Enter at [Case.Apply], a function from a case and an [Event] to the next case.
// It is the only way in which a case changes, at the counter, in the register
// and in a replay, so a rule that holds here holds everywhere. A refused event
// changes nothing.
//
// The package refuses to know who sits where or what a service demands: whoever
// calls it has looked up the officer's seat and the step of the pinned version.
// It reads no clock; times are not part of the procedure.
package application

import (
	"kendro/domain/catalogue"
	"kendro/domain/fault"
)

// Stage is where a case stands in the procedure. Numbers are kept on disk: add
// at the end, never reorder.
type Stage uint8

// The stages. What a service version declares says which of them its cases reach.
const (
	None Stage = iota // No case yet.
	Draft
	Submitted
	Received
	UnderReview
	InfoRequested
	Approved
	Rejected
	FeeDue
	Paid
	FeeLapsed
	InPreparation
	Ready
	Delivered
	Posted
	Returned
	Closed
	Withdrawn
	Duplicate
)

// Stages is the number of stages, [None] included.
const Stages = int(Duplicate) + 1

var stageNames = [Stages]string{
	"NONE", "DRAFT", "SUBMITTED", "RECEIVED", "UNDER_REVIEW", "INFO_REQUESTED",
	"APPROVED", "REJECTED", "FEE_DUE", "PAID", "FEE_LAPSED", "IN_PREPARATION",
	"READY", "DELIVERED", "POSTED", "RETURNED", "CLOSED", "WITHDRAWN", "DUPLICATE",
}

// String returns the stage's name in capitals, as the contract has it.
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return stageNames[None]
}

// ParseStage reads what String wrote, else [fault.Invalid].
func ParseStage(name string) (Stage, error) {
	for s, n := range stageNames {
		if n == name && Stage(s) != None {
			return Stage(s), nil
		}
	}
	return None, fault.New("application.ParseStage", fault.Invalid, clip(name), "want a stage such as UNDER_REVIEW")
}

// Open reports whether the case still waits for an office.
func (s Stage) Open() bool {
	switch s { //nolint:exhaustive // The others wait for nobody, or for the citizen.
	case Received, UnderReview, InfoRequested, InPreparation, Ready, Returned:
		return true
	}
	return false
}

// Decided reports whether an officer has said yes or no.
func (s Stage) Decided() bool {
	switch s { //nolint:exhaustive // The others lie before a decision.
	case Approved, Rejected, InPreparation, Ready, Delivered, Posted, Returned, Closed:
		return true
	}
	return false
}

// Stopped reports whether the office's clock stands still, since the citizen is
// the one who is waited for.
func (s Stage) Stopped() bool { return s == InfoRequested || s == FeeDue || s == FeeLapsed }

// Upcoming returns the step that comes next for the citizen: the desk that will
// take the case up while it waits, the desk after this one while it is under
// review. A decided case, or one at its last desk, has none.
func Upcoming(stage Stage, step int, v *catalogue.Version) (catalogue.Step, bool) {
	switch {
	case v == nil:
		return catalogue.Step{}, false
	case stage == Draft || stage == Submitted:
		return v.Step(0)
	case stage == Received:
		return v.Step(step)
	case stage == UnderReview || stage == InfoRequested:
		return v.Step(step + 1)
	}
	return catalogue.Step{}, false
}

// clip keeps a hostile input from filling a log line.
func clip(s string) string {
	if len(s) > 64 {
		return s[:64] + "…"
	}
	return s
}
