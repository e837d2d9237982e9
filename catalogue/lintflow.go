package catalogue

import (
	"slices"

	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

// Bounds of what a service may declare about its procedure.
const (
	maxFeeDays   = 365
	maxKeepDays  = 365 * 100
	maxIssueDays = 90
	maxRules     = 10
	maxChecks    = 16
	maxSteps     = 24
	maxRungs     = 4
)

// flow checks what a service declares beyond its desks, and then that no case can
// come to a dead end.
func (l *linter) flow() {
	before := len(l.found)
	l.declared()
	l.references()
	l.rules()
	l.procedure()
	l.moments()
	l.outside()
	if l.dir == nil || len(l.found) > before || len(l.v.Steps) == 0 {
		return // What is wrong above would be said again.
	}
	for _, dead := range l.ways.deadEnds(l.v, l.dir) {
		at := "steps"
		if s, ok := l.v.Step(dead.Step); ok {
			at = s.Post
		}
		l.bad(at, 0, "dead end: %s; give the post the act, the step may_finalise, or change the order", dead.Text)
	}
}

// declared checks names and numbers of checks and rules.
func (l *linter) declared() {
	if len(l.v.Steps) > maxSteps || len(l.v.Checks) > maxChecks || len(l.v.Rules) > maxRules {
		l.bad("steps", 0, "want at most %d steps, %d checks and %d rules", maxSteps, maxChecks, maxRules)
	}
	seen := map[string]bool{}
	for _, c := range l.v.Checks {
		l.named("check", c.ID, c.Name, seen)
	}
	clear(seen)
	for _, r := range l.v.Rules {
		l.named("rule", r.ID, r.Says, seen)
	}
}

func (l *linter) named(what, id string, name place.Name, seen map[string]bool) {
	if !serviceID.MatchString(id) || len(id) > 64 {
		l.bad(id, 0, "%s %q: want small letters, digits and single hyphens, such as record-scan", what, id)
	}
	if seen[id] {
		l.bad(id, 1, "%s %q is double", what, id)
	}
	seen[id] = true
	if !name.Complete() {
		l.bad(id, 0, "%s %q: its words lack bn or en", what, id)
	}
}

// references checks that steps, fees and the issue name checks and rules that are
// declared, and that everything declared is used.
func (l *linter) references() {
	used := map[string]bool{}
	rule := func(id string) {
		if _, ok := l.v.Rule(id); id != "" && !ok {
			l.bad(id, 0, "no rule %q is declared under rules", id)
		}
		used["rule "+id] = true
	}
	check := func(id string) {
		if l.v.Check(id) < 0 {
			l.bad(id, 0, "no check %q is declared under checks", id)
		}
		used["check "+id] = true
	}
	for _, s := range l.v.Steps {
		rule(s.When)
		for _, id := range s.Needs {
			rule(id)
		}
		for _, id := range s.Checks {
			check(id)
		}
	}
	for _, f := range l.v.Fees {
		rule(f.Rule)
	}
	if p := l.v.Procedure; p != nil && p.Certificate != nil && p.Certificate.Renewal != nil {
		rule(p.Certificate.Renewal.Rule)
	}
	if p := l.v.Procedure; p != nil && p.Issue != nil {
		rule(p.Issue.When)
		for _, id := range p.Issue.Checks {
			check(id)
		}
	}
	for _, r := range l.v.Rules {
		if !used["rule "+r.ID] {
			l.bad(r.ID, 0, "rule %q steers nothing: name it under when, requires or if, or take it away", r.ID)
		}
	}
	for _, c := range l.v.Checks {
		if !used["check "+c.ID] {
			l.bad(c.ID, 0, "check %q is asked for nowhere: name it at a step or at the issue, or take it away", c.ID)
		}
	}
}

// rules compiles every rule against the form's answers and their types.
func (l *linter) rules() {
	if l.form == nil {
		return
	}
	for _, r := range l.v.Rules {
		one := *l.v
		one.Rules = []dcat.Rule{r}
		if _, err := CompileRules(&one, l.form); err != nil {
			l.bad(r.If, 0, "rule %q: %v", r.ID, err)
		}
	}
}

// procedure checks posts, words and terms.
func (l *linter) procedure() {
	p := l.v.Procedure
	if p == nil {
		return
	}
	if p.FeeDays < 0 || p.FeeDays > maxFeeDays {
		l.bad("fee_days", 0, "fee_days %d: want 1 to %d calendar days", p.FeeDays, maxFeeDays)
	}
	if i := p.Issue; i != nil {
		l.seated("issue", i.Post, i.OfficeLevel, i.Name, place.ActSign)
		l.issue(i)
	}
	l.record(p.Record)
	l.once(p.Once)
	l.grievance(p.Grievance)
	l.certificate(p)
	l.decidedAt(p)
	if len(p.Appeals) > maxRungs {
		l.bad("appeals", 0, "%d rungs of appeal: want at most %d", len(p.Appeals), maxRungs)
	}
	for _, a := range p.Appeals {
		l.seated("appeal", a.Post, a.OfficeLevel, a.Name, place.ActFinalise)
		if a.Days < 1 || a.Days > maxFeeDays || a.SLADays < 1 || a.SLADays > maxFeeDays {
			l.bad(a.Post, 0, "appeal to %q: want days and sla_days of 1 to %d", a.Post, maxFeeDays)
		}
	}
}

// record checks that a record is told by answers that everybody gives, and scanned
// by a check that shows a document.
func (l *linter) record(r *dcat.Record) {
	for _, s := range l.v.Steps {
		if s.Unscanned && r == nil {
			l.bad("unless_scanned", 0, "unless_scanned: the procedure declares no record that could have been scanned")
		}
	}
	if r == nil {
		return
	}
	if i := l.v.Check(r.Check); i < 0 || !l.v.Checks[i].Document {
		l.bad(r.Check, 0, "record: check %q is declared under checks, with document: true, or it scans nothing", r.Check)
	}
	if len(r.By) == 0 || len(r.By) > 8 {
		l.bad("record", 0, "record: want by with 1 to 8 fields of the form that tell one record from another")
	}
	if l.form == nil {
		return
	}
	for _, name := range r.By {
		if f, ok := l.form.Field(name); !ok || !f.Required {
			l.bad(name, 0, "record: the form has no required field %q to tell a record by", name)
		}
	}
	if f, ok := l.form.Field(r.Area); r.Area != "" && (!ok || len(f.Options) == 0) {
		l.bad(r.Area, 0, "record: the form has no field %q whose options are upazilas", r.Area)
	}
}

// once checks that a fact is told by answers that everybody gives.
func (l *linter) once(o *dcat.Once) {
	if o == nil || l.form == nil {
		return
	}
	if len(o.By) == 0 || len(o.By) > 4 || o.Days < 0 || o.Days > 31 {
		l.bad("once", 0, "once: want by with 1 to 4 fields of the form, and days of 0 to 31")
	}
	wants := append(slices.Clone(o.By), o.On)
	if o.Unless != "" {
		wants = append(wants, o.Unless, o.Name)
	}
	for _, name := range wants {
		if f, ok := l.form.Field(name); !ok || !f.Required {
			l.bad(name, 0, "once: the form has no required field %q to tell a fact by", name)
		}
	}
	if f, _ := l.form.Field(o.On); f.Format != "date" {
		l.bad(o.On, 0, "once: the field %q is no date", o.On)
	}
}

// grievance checks that the form asks whom it is about, and that nothing of it is kept
// in clear beside the answers.
func (l *linter) grievance(g *dcat.Grievance) {
	if g == nil || l.form == nil {
		return
	}
	fits := func(name string, must bool, want func(Field) bool) {
		if f, ok := l.form.Field(name); (must || name != "") && (!ok || !want(f)) {
			l.bad(name, 0, "grievance: the form has no fitting field %q: want against as a required choice, centre, officer and receipt as texts, on as a date, hidden as yes or no", name)
		}
	}
	text := func(f Field) bool { return f.Type == "string" }
	fits(g.Against, true, func(f Field) bool { return f.Required && len(f.Options) > 0 })
	fits(g.Centre, true, text)
	fits(g.Officer, true, text)
	fits(g.Receipt, true, text)
	fits(g.On, false, func(f Field) bool { return f.Format == "date" })
	fits(g.Hidden, false, func(f Field) bool { return f.Type == "boolean" })
	if len(l.v.Fees) > 0 || l.v.Offline == dcat.OnlineOnly {
		l.bad("grievance", 0, "grievance: want no fees and offline: intake: a box keeps nothing of it but a number")
	}
	if slices.ContainsFunc(l.v.Documents, func(d dcat.Document) bool { return d.Required || d.OriginalAtCounter }) {
		l.bad("grievance", 0, "grievance: want every document with required: false and original_at_counter: false: whoever has no proof may complain too, and what was only seen at the counter nobody else can read")
	}
}

// outside checks that what another register has to say is waited for where a case waits:
// before the issue.
func (l *linter) outside() {
	seen := false
	for _, c := range l.v.Checks {
		if c.Connector == "" {
			continue
		}
		if !serviceID.MatchString(c.Connector) || len(c.Connector) > 64 || c.Document || seen {
			l.bad(c.ID, 0, "check %q: want one check with a connector, such as civil-registration, and no document", c.ID)
		}
		seen = true
		if p := l.v.Procedure; p == nil || p.Issue == nil || !slices.Contains(p.Issue.Checks, c.ID) {
			l.bad(c.ID, 0, "check %q: what another register says is waited for at the issue alone: name it there", c.ID)
		}
		if slices.ContainsFunc(l.v.Steps, func(s dcat.Step) bool { return slices.Contains(s.Checks, c.ID) }) {
			l.bad(c.ID, 0, "check %q: another register is asked after the approval, so no step can wait for it", c.ID)
		}
	}
}

func (l *linter) issue(i *dcat.Issue) {
	if i.Days < 0 || i.Days > maxIssueDays || i.CloseDays < 0 || i.CloseDays > maxIssueDays {
		l.bad(i.Post, 0, "issue: want days and close_days of 0 to %d", maxIssueDays)
	}
	if len(i.Modes) == 0 {
		l.bad("issue", 0, "issue: want one or more modes of %v", dcat.Modes())
	}
	for n, m := range i.Modes {
		if !slices.Contains(dcat.Modes(), m) || slices.Contains(i.Modes[:n], m) {
			l.bad(string(m), 0, "issue: mode %q is double or none of %v", m, dcat.Modes())
		}
	}
	for _, id := range i.Checks {
		if n := l.v.Check(id); n >= 0 && l.v.Checks[n].Connector != "" {
			continue
		}
		if !slices.ContainsFunc(l.v.Steps, func(s dcat.Step) bool {
			return s.Mandatory && (s.When == "" || s.When == i.When) && slices.Contains(s.Checks, id)
		}) {
			l.bad(id, 0, "issue: no mandatory step asks for the check %q, so a delivery date would be promised before it is done", id)
		}
	}
	if i.ModeField == "" || l.form == nil {
		return
	}
	f, ok := l.form.Field(i.ModeField)
	if !ok || slices.ContainsFunc(i.Modes, func(m dcat.Mode) bool {
		return !slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == string(m) })
	}) {
		l.bad(i.ModeField, 0, "mode_field %q: the form has no such field whose options are the modes", i.ModeField)
	}
}

// seated checks that a post exists, sits where the service says, and may do it.
func (l *linter) seated(what, post, level string, name place.Name, act string) {
	if !name.Complete() {
		l.bad(post, 0, "%s: name lacks bn or en", what)
	}
	if l.dir == nil {
		return
	}
	switch p, ok := l.dir.Post(post); {
	case !ok:
		l.bad(post, 0, "%s: no post %q in %s", what, post, postsFile)
	case p.OfficeLevel != level:
		l.bad(post, 0, "%s: the post %q sits at %q, not at %q", what, post, p.OfficeLevel, level)
	case !p.May(act):
		l.bad(post, 0, "%s: the post %q lacks the act %s", what, post, act)
	}
}

// moments checks that every fee can be paid when it is asked for.
func (l *linter) moments() {
	for i, f := range l.v.Fees {
		at, line := f.At, string(f.At)
		if at == "" {
			at, line = l.v.FeeAt, string(l.v.FeeAt)
		}
		p := l.v.Procedure
		switch {
		case p == nil && (f.At != "" || f.Rule != ""):
			l.bad(string(f.Kind), 0, "fee %d: at and if belong to a service with a procedure", i+1)
		case p == nil:
		case at != dcat.AtSubmit && at != dcat.BeforeReview && at != dcat.AfterApproval:
			l.bad(line, 0, "fee %d: at %q: want submit, before_review or after_approval", i+1, at)
		case at == dcat.AtSubmit && f.Rule != "":
			l.bad(f.Rule, 0, "fee %d: a rule can't decide what is paid at submission, where no hub is: use when", i+1)
		case at != dcat.AtSubmit && p.FeeDays == 0:
			l.bad(line, 0, "fee %d is demanded later, so the procedure needs fee_days", i+1)
		case at == dcat.AfterApproval && (p.Issue == nil || p.Issue.When != "" && p.Issue.When != f.Rule):
			l.bad(line, 0, "fee %d is unreachable: after an approval nothing is issued, so nothing waits for its payment; declare an issue or take it before_review", i+1)
		}
	}
}
