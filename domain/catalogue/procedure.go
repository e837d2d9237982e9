package catalogue

import (
	"slices"
	"time"

	"kendro/domain/place"
)

// A Procedure is what a version declares about its cases beyond the desks: how
// they are paid for, issued, handed over and appealed against. A version without
// one ends with its decision.
type Procedure struct {
	FeeDays int      `cbor:"1,keyasint,omitempty" json:"fee_days,omitempty"` // Calendar days to pay a demand (R-LR3).
	Issue   *Issue   `cbor:"2,keyasint,omitempty" json:"issue,omitempty"`    // Nil: an approval ends the case.
	Appeals []Appeal `cbor:"3,keyasint,omitempty" json:"appeals,omitempty"`  // The ladder, the first rung first.
	Record  *Record  `cbor:"4,keyasint,omitempty" json:"record,omitempty"`   // Nil: it is about no record that is kept on paper.
	Once    *Once    `cbor:"5,keyasint,omitempty" json:"once,omitempty"`     // Nil: what it is about may happen more than once.

	Grievance *Grievance `cbor:"6,keyasint,omitempty" json:"grievance,omitempty"` // Nil: it is about nobody.

	DecideAt    DecideAt     `cbor:"7,keyasint,omitempty" json:"decide_at,omitempty"`
	Certificate *Certificate `cbor:"8,keyasint,omitempty" json:"certificate,omitempty"` // Nil: what is issued bears no number of ours.
}

// DecideAt says where the desks of a service may be.
type DecideAt string

// The places: a closed list.
const (
	AtHub  DecideAt = ""     // At the hub alone.
	AtNode DecideAt = "node" // At the centre's box too, offline, where the hub has given it a lease.
)

// LocalLevel is the level of the offices that a box may act for: the union's own, or
// the municipality's.
const LocalLevel = "local"

// A Certificate is what a service issues under a number, for a time.
type Certificate struct {
	Code      string `cbor:"1,keyasint" json:"code"`                           // Begins its numbers.
	ValidDays int    `cbor:"2,keyasint" json:"valid_days"`                     // Calendar days from the issue.
	Block     int    `cbor:"3,keyasint,omitempty" json:"block,omitempty"`      // Numbers that a lease comes with.
	LeaseDays int    `cbor:"4,keyasint,omitempty" json:"lease_days,omitempty"` // For which a lease is given.

	Renewal *Renewal `cbor:"70,keyasint,omitempty" json:"renewal,omitempty"` // Nil: who wants another asks for one anew.
}

// A Renewal says how a certificate is followed by another.
type Renewal struct {
	Rule   string   `cbor:"1,keyasint" json:"rule"`                    // Holds for an application that asks for it.
	Answer string   `cbor:"2,keyasint" json:"answer"`                  // The form's answer with the number of the one before.
	Set    []Preset `cbor:"3,keyasint,omitempty" json:"set,omitempty"` // Answers that are not taken over from the application before.
	Within int      `cbor:"4,keyasint,omitempty" json:"renew_within"`  // Calendar days about the end of the one before: see [Certificate.Follows].
}

// A Preset is an answer that a renewal begins with.
type Preset struct {
	_      struct{} `cbor:",toarray"`
	Answer string   `json:"answer"`
	Value  string   `json:"value"`
}

// Follows reports whether a certificate that is issued at a moment has its time from the
// end of the one before it, both in Unix seconds, and not from its issue: not long before
// that end, and not long after.
func (c *Certificate) Follows(issued, end int64) bool {
	if c.Renewal == nil || end <= 0 {
		return false
	}
	within := int64(c.Renewal.Within) * 24 * 3600
	return issued >= end-within && issued <= end+within
}

// Renewal returns how a version's certificates are renewed, nil where they aren't.
func (v *Version) Renewal() *Renewal {
	if v.Procedure == nil || v.Procedure.Certificate == nil {
		return nil
	}
	return v.Procedure.Certificate.Renewal
}

// RenewalFor returns what a version says of renewals where these rules hold; nil where the
// application asks for none.
func (v *Version) RenewalFor(rules Bits) *Renewal {
	if r := v.Renewal(); r != nil && v.Holds(rules, r.Rule) {
		return r
	}
	return nil
}

// DecidedAtNode reports whether a box may have the desks of the version.
func (v *Version) DecidedAtNode() bool {
	return v.Procedure != nil && v.Procedure.DecideAt == AtNode && v.Procedure.Certificate != nil
}

// A Mode is a way in which an artefact reaches the applicant.
type Mode string

// The modes: a closed list.
const (
	ByCentre  Mode = "centre"
	ByCounter Mode = "counter"
	ByPost    Mode = "post"
)

// Modes returns the closed list of modes, in a fixed order.
func Modes() []Mode { return []Mode{ByCentre, ByCounter, ByPost} }

// An Issue says who signs what an approved case comes to, and how it is handed over.
type Issue struct {
	Post        string     `cbor:"1,keyasint" json:"post"`
	OfficeLevel string     `cbor:"2,keyasint" json:"office_level"`
	Name        place.Name `cbor:"3,keyasint" json:"name"`
	Days        int        `cbor:"4,keyasint" json:"days"` // Working days to the delivery date.
	Modes       []Mode     `cbor:"5,keyasint" json:"modes"`
	ModeField   string     `cbor:"6,keyasint,omitempty" json:"mode_field,omitempty"` // The form's answer that names the mode; empty: the first.
	Checks      []string   `cbor:"7,keyasint,omitempty" json:"checks,omitempty"`     // That have to be done first (R-LR6).
	CloseDays   int        `cbor:"8,keyasint" json:"close_days"`                     // Calendar days after delivery.
	When        string     `cbor:"9,keyasint,omitempty" json:"when,omitempty"`       // A rule: where it doesn't hold, an approval ends the case.
}

// An Appeal is one rung of the ladder: a post that looks at a decision again.
type Appeal struct {
	Post        string     `cbor:"1,keyasint" json:"post"`
	OfficeLevel string     `cbor:"2,keyasint" json:"office_level"`
	Name        place.Name `cbor:"3,keyasint" json:"name"`
	Days        int        `cbor:"4,keyasint" json:"days"`     // Calendar days in which it may be asked for.
	SLADays     int        `cbor:"5,keyasint" json:"sla_days"` // Working days to the answer.
}

// A Record says which old paper an application asks for, so that it is scanned once
// and every later request is served from the scan (R-LR6).
type Record struct {
	Check string   `cbor:"1,keyasint" json:"check"`          // That the scan does.
	By    []string `cbor:"2,keyasint" json:"by"`             // The form's answers that tell one record from another.
	Area  string   `cbor:"3,keyasint,omitempty" json:"area"` // The answer that names its upazila; without one it is the centre's own.
}

// A Check is something that has to be done on a case, and be recorded, before it
// goes on: that the record was scanned, the place visited.
type Check struct {
	ID       string     `cbor:"1,keyasint" json:"id"`
	Name     place.Name `cbor:"2,keyasint" json:"name"`
	Document bool       `cbor:"3,keyasint,omitempty" json:"document,omitempty"` // It is shown by a document, such as a scan.

	// Connector is the name of another authority's register that has to say it; a
	// case in preparation waits for that. Empty: an officer notes it.
	Connector string `cbor:"4,keyasint,omitempty" json:"connector,omitempty"`
}

// Once says by which answers two applications are known to be about one fact: a birth
// is one mother's on about one day.
type Once struct {
	By     []string `cbor:"1,keyasint" json:"by"`                         // Have to agree.
	On     string   `cbor:"2,keyasint" json:"on"`                         // A date …
	Days   int      `cbor:"3,keyasint,omitempty" json:"days,omitempty"`   // … that may differ by so many days.
	Name   string   `cbor:"4,keyasint,omitempty" json:"name,omitempty"`   // What differs …
	Unless string   `cbor:"5,keyasint,omitempty" json:"unless,omitempty"` // … where the applicant says yes to this: twins.
}

// A Grievance says which answers name whom an application complains of. Nobody of them
// gets it, and no box can read it again once it is filed.
type Grievance struct {
	Against string `cbor:"1,keyasint" json:"against"`          // The answer that says what it is about: centre, officer, receipt or something else.
	Centre  string `cbor:"2,keyasint" json:"centre"`           // The centre's code; unanswered, it is the one where it is filed.
	Officer string `cbor:"3,keyasint" json:"officer"`          // A login, a post@office, or an office.
	Receipt string `cbor:"4,keyasint" json:"receipt"`          // A receive number.
	On      string `cbor:"5,keyasint,omitempty" json:"on"`     // When it happened: who held the post then.
	Hidden  string `cbor:"6,keyasint,omitempty" json:"hidden"` // Yes: the name is for the deciding desk alone.
}

// Confidential reports whether a box may not read the version's applications again.
func (v *Version) Confidential() bool { return v.Procedure != nil && v.Procedure.Grievance != nil }

// A Rule is a condition on an application, in the Common Expression Language. The
// package kendro/catalogue says what it comes to.
type Rule struct {
	ID   string     `cbor:"1,keyasint" json:"id"`
	If   string     `cbor:"2,keyasint" json:"if"`
	Says place.Name `cbor:"3,keyasint" json:"says"` // What the officer reads where it doesn't hold and has to.
}

// Scanned is the bit, beside those of the rules, that says that the record was
// scanned for an earlier application.
const Scanned = 31

// MaxRules and MaxChecks bound what a version declares; a case keeps each as a bit.
const (
	MaxRules  = Scanned
	MaxChecks = 32
	MaxSteps  = 32
)

// Bits are rules that hold, or checks that are done, by their place.
type Bits uint32

// Has reports whether the i-th is there.
func (b Bits) Has(i int) bool { return i >= 0 && i < 32 && b&(1<<i) != 0 }

// With returns the bits with the i-th.
func (b Bits) With(i int) Bits { return b | 1<<i }

// Without returns the bits without the i-th.
func (b Bits) Without(i int) Bits { return b &^ (1 << i) }

// Holds reports whether a rule is among those that hold. No rule always holds.
func (v *Version) Holds(rules Bits, id string) bool {
	return id == "" || rules.Has(slices.IndexFunc(v.Rules, func(r Rule) bool { return r.ID == id }))
}

// Rule returns the rule with this ID.
func (v *Version) Rule(id string) (Rule, bool) {
	i := slices.IndexFunc(v.Rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return v.Rules[i], true
}

// Check returns the place of a check, -1 for one that isn't declared.
func (v *Version) Check(id string) int {
	return slices.IndexFunc(v.Checks, func(c Check) bool { return c.ID == id })
}

// Missing returns the first of the checks that isn't done, "" if all are.
func (v *Version) Missing(checks []string, done Bits) string {
	for _, id := range checks {
		if !done.Has(v.Check(id)) {
			return id
		}
	}
	return ""
}

// Issues reports whether something is issued after an approval, where these rules hold.
func (v *Version) Issues(rules Bits) bool {
	p := v.Procedure
	return p != nil && p.Issue != nil && v.Holds(rules, p.Issue.When)
}

// Scan is the check that a scan of the record does, as a bit; none where the version
// is about no record.
func (v *Version) Scan() Bits {
	if p := v.Procedure; p != nil && p.Record != nil {
		return Bits(0).With(v.Check(p.Record.Check))
	}
	return 0
}

// First returns the place of the first step that a case goes through, -1 if there
// is none; Following the one after a step.
func (v *Version) First(rules Bits) int { return v.Following(-1, rules) }

// Following returns the next step after the i-th that a case goes through, for
// which these rules hold; -1 behind the last.
func (v *Version) Following(i int, rules Bits) int {
	for i++; i < len(v.Steps); i++ {
		passed := v.Steps[i].Unscanned && rules.Has(Scanned)
		if v.Holds(rules, v.Steps[i].When) && !passed {
			return i
		}
	}
	return -1
}

// due is when a line of the schedule falls due.
func (v *Version) due(f *Fee) FeeAt {
	if f.At != "" {
		return f.At
	}
	return v.FeeAt
}

// Demanded returns what an application with these answers owes at a moment after
// its submission. Answer and on are those of [Version.Charges].
func (v *Version) Demanded(at FeeAt, rules Bits, answer func(field string) string, on time.Time) []Charge {
	if v.Procedure == nil {
		return nil
	}
	return v.charges(answer, on, func(f *Fee) bool { return v.due(f) == at && v.Holds(rules, f.Rule) })
}
