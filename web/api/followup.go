package api

import (
	"encoding/json"

	"kendro/protocol"
)

// PaymentRequest is the body of POST /v1/applications/{number}/payments: money
// that the applicant pays for a case, at any centre of the district.
type PaymentRequest struct {
	Means     string         `json:"means" enum:"cash,challan,mobile"`
	Fees      []protocol.Fee `json:"fees" minItems:"1" maxItems:"8" doc:"Each part of the sum; a service charge is the centre's own"`
	Reference string         `json:"reference,omitempty" maxLength:"128" doc:"Number of the challan or of the transfer"`
	PaidOn    string         `json:"paid_on,omitempty" doc:"Of a challan: the bank's day, 2026-11-22"`
}

// VoidRequest is the body of POST /v1/applications/{number}/void: a payment that was
// taken wrongly, or whose money is not there.
type VoidRequest struct {
	Seq    uint64 `json:"seq" minimum:"1" doc:"Of the payment's receipt"`
	Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"Whoever watches the centre reads it"`
}

// SupplyRequest is the body of POST /v1/applications/{number}/supplement: what the
// applicant was asked for, and nothing else.
type SupplyRequest struct {
	Form      json.RawMessage   `json:"form,omitempty" doc:"The answers that were asked for"`
	Documents []DocumentRequest `json:"documents,omitempty"`
	Text      string            `json:"text,omitempty" maxLength:"4000"`
}

// CorrectionRequest is the body of POST /v1/applications/{number}/correction: answers
// that were taken down wrongly.
type CorrectionRequest struct {
	Form      json.RawMessage `json:"form,omitempty" doc:"The answers that change; null takes one away"`
	Applicant json.RawMessage `json:"applicant,omitempty" doc:"The members of the applicant that change"`
	Reason    string          `json:"reason" minLength:"1" maxLength:"1000" doc:"The officer reads it"`

	FormSaw      json.RawMessage `json:"form_saw,omitempty" doc:"The answers as you saw them; one that has changed since is refused (409). Absent: as the box has them"`
	ApplicantSaw json.RawMessage `json:"applicant_saw,omitempty"`
}

// A PutRight is one correction of a box's, and what has come of it. Names are form.NAME
// and applicant.NAME; those in none of the lists the district has yet to judge.
type PutRight struct {
	At      Time     `json:"at"`
	Actor   string   `json:"actor"`
	Names   []string `json:"names"`
	Reason  string   `json:"reason"`
	Taken   []string `json:"taken,omitempty"`
	Waits   []string `json:"waits,omitempty" doc:"For an officer to decide"`
	Refused []string `json:"refused,omitempty"`
	Why     string   `json:"why,omitempty"`

	Sealed bool   `json:"sealed,omitempty" doc:"Of a grievance: what changes, and why, is for the deciding desk alone"`
	State  string `json:"state,omitempty" enum:"waits,taken,refused" doc:"What has come of one that is sealed; absent: the district has yet to judge it"`
}

// WithdrawRequest is the body of POST /v1/applications/{number}/withdrawal.
type WithdrawRequest struct {
	Reason string `json:"reason,omitempty" maxLength:"4000"`
}

// AppealRequest is the body of POST /v1/applications/{number}/appeal.
type AppealRequest struct {
	Text string `json:"text" minLength:"1" maxLength:"4000" doc:"What is wrong with the decision"`
}

// HandOverRequest is the body of POST /v1/applications/{number}/hand-over.
type HandOverRequest struct {
	Proof string `json:"proof,omitempty" maxLength:"128" doc:"How the person was known: nid, or another paper. Absent: by the code"`
	Code  string `json:"code,omitempty" maxLength:"32" doc:"The collection code on the receipt"`
	Text  string `json:"text,omitempty" maxLength:"2000"`
}

// FollowupAnswer is the answer to each of them: 201, and only when it is on the
// disk. What the district makes of it, tracking says.
type FollowupAnswer struct {
	Number  protocol.Number `json:"number"`
	Receipt Receipt         `json:"receipt"`
	Custody Custody         `json:"custody"`
	Fees    []protocol.Fee  `json:"fees"`
}

// A Waiting case is one that waits for its applicant, as far as the box knows.
type Waiting struct {
	Filed
	Asking
	Demand *DemandNote `json:"demand,omitempty"`
	Mode   string      `json:"delivery_mode,omitempty"`
}

// WaitingList is the answer to GET /v1/waiting of a node.
type WaitingList struct {
	Applications []Waiting `json:"applications"`
}

// OwedOf is what the citizen has to pay, nil for nothing.
func OwedOf(st *protocol.Standing) *DemandNote {
	if st.Owed <= 0 {
		return nil
	}
	return &DemandNote{Poisha: st.Owed, Due: DateOf(st.PayBy)}
}

// A Bill is the answer to GET /v1/applications/{number}/payments of a node: what a payer at
// this counter has to know of a case of any centre, before money is taken.
type Bill struct {
	Number protocol.Number `json:"number"`
	Source string          `json:"source" enum:"box,hub,memory,unknown,nobody" doc:"Whose word the demand is: the box's own case, the hub's of now, the hub's of when it was asked before; unknown: nobody can be asked now; nobody: the district has no such number, or not yet"`
	AsOf   *Time           `json:"as_of,omitempty" doc:"When that was known"`
	Stage  string          `json:"stage,omitempty"`
	Demand *DemandNote     `json:"demand,omitempty" doc:"The open demand; none with a source that knows: nothing is owed"`
	Lapsed *DemandNote     `json:"lapsed,omitempty" doc:"A demand whose term is over: what was paid within it counts still"`
	Taken  []PaymentNote   `json:"taken" doc:"What this box took for the case, whatever the district has heard of it"`
}

// The sources of a [Bill] beside [FromBox], [FromHub] and [FromMemory].
const (
	FromUnknown = "unknown"
	FromNobody  = "nobody"
)

// Known reports whether the bill says what is owed, be it nothing.
func (b *Bill) Known() bool {
	return b.Source == FromBox || b.Source == FromHub || b.Source == FromMemory
}

// A PaymentNote is a payment that a box took.
type PaymentNote struct {
	Seq       uint64         `json:"seq" doc:"Of its receipt"`
	At        Time           `json:"at"`
	Means     string         `json:"means"`
	Fees      []protocol.Fee `json:"fees"`
	Reference string         `json:"reference,omitempty"`
	Voided    bool           `json:"voided,omitempty"`
}

// UnderOf is the version under which a case is asked for something, 0 where it is the one that
// its application pins.
func UnderOf(st *protocol.Standing) int {
	if st.Under == nil {
		return 0
	}
	return int(st.Under.Version)
}
