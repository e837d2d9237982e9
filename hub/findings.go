package hub

import (
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/hub/register"
	"kendro/protocol"
)

// What an application's answers come to (which rules hold, what is owed, how it is
// handed over) hangs on the library of rules. The leader works it out, and the
// entry carries it.

// find works out what answers come to under a version, nil for no version, or one
// without anything that could hang on them.
func (j *judge) find(set *dcat.Set, seq uint64, v *dcat.Version, form []byte, now time.Time) *register.Finding {
	if v == nil || set == nil || v.Procedure == nil && len(v.Rules) == 0 {
		return nil
	}
	intake, err := j.compiled(set)
	if err != nil {
		return nil
	}
	f, err := intake.Found(v, form, now.In(j.zone))
	if err != nil {
		return nil
	}
	out := &register.Finding{Seq: seq, Rules: f.Rules, Review: f.Review, Issue: f.Issue, Mode: f.Mode}
	if f.Record.Text != "" {
		out.Record = &f.Record
	}
	if f.Fact.Who != "" {
		out.Fact = &f.Fact
	}
	out.Complaint = f.Complaint
	return out
}

// variance is by how much an application costs more by its receipt, and what was found,
// than by the version in force; reckoned on the day that its counter wrote. It is 0
// where the application pins that version, or the service is no longer offered.
func (j *judge) variance(set *dcat.Set, v *dcat.Version, e *protocol.Event, s *protocol.Submission, f *register.Finding) (poisha int64) {
	current, ok := set.Current(v.ID)
	if !ok || current.Hash == v.Hash {
		return 0
	}
	intake, err := j.compiled(set)
	if err != nil {
		return 0
	}
	cost, err := intake.Cost(current, s.Form, time.UnixMilli(e.At).In(j.zone))
	if err != nil {
		return 0
	}
	if f != nil {
		poisha = f.Review + f.Issue
	}
	for _, fee := range s.Fees {
		poisha += fee.Poisha
	}
	return poisha - cost
}

// supplied is the version of a case, and its answers with those that were brought.
func supplied(reg *register.Register, e *protocol.Event) (*dcat.Version, []byte) {
	var s protocol.Supplement
	set := reg.Set()
	c, err := reg.Case(e.Number)
	if err != nil || set == nil || e.Decode(&s) != nil || len(s.Form) == 0 {
		return nil, nil
	}
	v, ok := set.ByHash(c.Pinned)
	if !ok || v.Confidential() {
		return nil, nil
	}
	_, sub, err := reg.AsOf(c, 0)
	if err != nil {
		return nil, nil
	}
	return v, register.MergeForm(sub.Form, s.Form)
}

// brought judges the answers that a centre brings to a case: with them, the form
// is as its version wants it.
func (j *judge) brought(reg *register.Register, v *dcat.Version, form []byte, now time.Time) register.Verdict {
	if v == nil {
		return register.Verdict{} // Documents alone; or the register sees by itself what is wrong.
	}
	intake, err := j.compiled(reg.Set())
	if err != nil {
		return register.Verdict{Refused: "the release has no usable forms"}
	}
	compiled, err := intake.Form(v)
	if err != nil {
		return register.Verdict{Refused: "the service has no usable form"}
	}
	if errs := compiled.ValidateOn(form, now.In(j.zone).AddDate(0, 0, 1)); len(errs) > 0 {
		return register.Verdict{Refused: "form" + errs[0].Path + ": " + errs[0].Text.EN}
	}
	return register.Verdict{}
}
