package hub

import (
	"slices"
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

// A filing is an application that a box sends, as the leader has to judge it.
type filing struct {
	reg     *register.Register
	set     *dcat.Set // In force.
	seq     uint64
	version *dcat.Version // That it pins.
	event   *protocol.Event
	sub     *protocol.Submission
	now     time.Time
}

// compare is what an application's answers come to, and how that differs from the version in
// force, nil where there is nothing to say.
func (j *judge) compare(f *filing) *register.Finding {
	found := j.find(f.set, f.seq, f.version, f.sub.Form, f.now)
	current, ok := f.set.Current(f.version.ID)
	if !ok || current.Hash == f.version.Hash {
		return found
	}
	variance, asked := j.variance(f, current, found), j.asksAnew(f, current)
	if found == nil && (variance != 0 || asked != nil) {
		found = &register.Finding{Seq: f.seq}
	}
	if found != nil {
		found.Variance, found.AskedAnew = variance, asked
	}
	return found
}

// asksAnew is what the version in force asks in addition of an application that pins one before,
// nil where nothing is, or where that one counts for ever.
func (j *judge) asksAnew(f *filing, current *dcat.Version) *register.AskedAnew {
	if !f.reg.Graced(f.version.Hash) || !f.version.Movable() || !current.Movable() {
		return nil
	}
	intake, err := j.compiled(f.set)
	if err != nil {
		return nil
	}
	papers := slices.Clone(f.sub.Originals)
	for i := range f.sub.Documents {
		papers = append(papers, f.sub.Documents[i].Kind)
	}
	items, ok := intake.Lacks(current, f.sub.Form, papers, f.now.In(j.zone).AddDate(0, 0, 1))
	if !ok || len(items) == 0 {
		return nil
	}
	return &register.AskedAnew{Under: current.Hash, Edition: uint32(current.Number), Items: items}
}

// variance is by how much an application costs more by its receipt, and what was found,
// than by the version in force; reckoned on the day that its counter wrote.
func (j *judge) variance(f *filing, current *dcat.Version, found *register.Finding) (poisha int64) {
	intake, err := j.compiled(f.set)
	if err != nil {
		return 0
	}
	cost, err := intake.Cost(current, f.sub.Form, time.UnixMilli(f.event.At).In(j.zone))
	if err != nil {
		return 0
	}
	if found != nil {
		poisha = found.Review + found.Issue
	}
	for _, fee := range f.sub.Fees {
		poisha += fee.Poisha
	}
	return poisha - cost
}

// A bringing is what a centre brings to a case, as the leader has to judge it: the version under
// which it is answered, and its answers with those that were brought. The zero bringing is not
// to be judged.
type bringing struct {
	version *dcat.Version
	form    []byte
	papers  bool // It brings no answers.

	under *judged // What is to be kept of it, where the register has not all of the case yet.
}

// supplied puts what an event at a place of a log brings with the answers that its case has.
func (j *judge) supplied(reg *register.Register, at protocol.Head, e *protocol.Event) bringing {
	var s protocol.Supplement
	set := reg.Set()
	if a, ok := j.under.of(reg, e.Number); ok && a.log == at.Log && e.Decode(&s) == nil && len(s.Form) > 0 {
		a.form, a.seq = register.MergeForm(a.form, s.Form), at.At.Seq
		return bringing{version: a.version, form: a.form, under: &a}
	}
	c, err := reg.Case(e.Number)
	if err != nil || set == nil || e.Decode(&s) != nil || len(s.Form) == 0 && !c.WaitsAnew() {
		return bringing{} // Documents alone; or the register sees by itself what is wrong.
	}
	v, ok := set.ByHash(c.Asks())
	if !ok || v.Confidential() {
		return bringing{}
	}
	_, sub, err := reg.AsOf(c, 0)
	if err != nil {
		return bringing{}
	}
	b := bringing{version: v, form: register.MergeForm(sub.Form, s.Form), papers: len(s.Form) == 0}
	if c.AskedAnew != nil {
		b.form = j.carried(set, v, b.form)
	}
	return b
}

// carried leaves of answers what a newer version asks; those that can't be read stay as they are.
func (j *judge) carried(set *dcat.Set, v *dcat.Version, answers []byte) []byte {
	intake, err := j.compiled(set)
	if err != nil {
		return answers
	}
	form, err := intake.Form(v)
	if err != nil {
		return answers
	}
	kept, err := form.Carry(answers)
	if err != nil {
		return answers
	}
	return kept
}

// brought judges the answers that a centre brings to a case: with them, the form
// is as its version wants it.
func (j *judge) brought(reg *register.Register, b *bringing, now time.Time) register.Verdict {
	if b.version == nil || b.papers {
		return register.Verdict{}
	}
	intake, err := j.compiled(reg.Set())
	if err != nil {
		return register.Verdict{Refused: "the release has no usable forms"}
	}
	compiled, err := intake.Form(b.version)
	if err != nil {
		return register.Verdict{Refused: "the service has no usable form"}
	}
	if errs := compiled.ValidateOn(b.form, now.In(j.zone).AddDate(0, 0, 1)); len(errs) > 0 {
		return register.Verdict{Refused: "form" + errs[0].Path + ": " + errs[0].Text.EN}
	}
	return register.Verdict{}
}
