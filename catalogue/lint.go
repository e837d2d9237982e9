package catalogue

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// Lint reads a pack folder and returns everything that keeps it from being
// published, in the order of the files. No findings means that [Build] accepts
// it. A folder without pack.yaml is linted for what can be said without one.
func Lint(fsys fs.FS) []Finding {
	if exists(fsys, packFile) {
		_, found := LoadPack(fsys)
		return found
	}
	names, found := serviceFiles(fsys)
	for _, name := range names {
		src, more := readSource(fsys, name)
		if len(more) == 0 {
			_, _, more = parseService(src, nil, nil, nil)
			more = slices.DeleteFunc(more, func(f Finding) bool { return strings.HasPrefix(f.Text, "category ") })
		}
		found = append(found, more...)
	}
	return found
}

// FindingsError joins findings into one [fault.Invalid] for a caller who can't go on; nil
// where there are none.
func FindingsError(op string, found []Finding) error {
	if len(found) == 0 {
		return nil
	}
	lines := make([]string, 0, len(found))
	for i, f := range found {
		if i == 20 {
			lines = append(lines, fmt.Sprintf("and %d more", len(found)-i))
			break
		}
		lines = append(lines, f.String())
	}
	return fault.New(op, fault.Invalid, "", fmt.Sprintf("%d findings:\n%s", len(found), strings.Join(lines, "\n")))
}

var (
	serviceID = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	foreignID = regexp.MustCompile(`^[a-z][a-z0-9]{1,15}\.[a-z][a-z0-9]*(-[a-z0-9]+)*$`) // Of an agency's.
	fieldName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// maxPoisha bounds one fee line: ten lakh taka.
const maxPoisha = 100_000_000

// A linter checks one version against the file it came from. dir is nil when
// the posts can't be checked.
type linter struct {
	src   *source
	dir   *place.Directory
	v     *dcat.Version
	form  *Form
	probe *generator
	ways  ways
	found []Finding
}

// bad adds a finding at the n-th place of a value in the file.
func (l *linter) bad(value string, n int, format string, args ...any) {
	l.found = append(l.found, l.src.find(value, n, fmt.Sprintf(format, args...)))
}

func (l *linter) all() {
	l.identity()
	l.offers()
	l.training()
	l.schema()
	l.documents()
	l.fees()
	l.steps()
	l.flow()
	if _, err := EncodeVersion(l.v); err != nil {
		l.bad("form", 0, "%v", err)
	}
}

func (l *linter) identity() {
	v := l.v
	if !serviceID.MatchString(v.ID) && !foreignID.MatchString(v.ID) || len(v.ID) > 64 {
		l.bad(v.ID, 0, "id %q: want small letters, digits and single hyphens, such as land-record-copy; an agency's begins with its code and a dot", v.ID)
	}
	if !v.Name.Complete() {
		l.bad("name", 0, "name lacks bn or en")
	}
	if !slices.Contains([]dcat.Kind{dcat.Public, dcat.Private, dcat.Letter}, v.Kind) {
		l.bad(string(v.Kind), 0, "kind %q: want public, private or letter", v.Kind)
	}
	switch v.Offline {
	case dcat.Intake:
		if v.OfflineReason.BN != "" || v.OfflineReason.EN != "" {
			l.bad("offline_reason", 0, "offline_reason belongs to online_only")
		}
	case dcat.OnlineOnly:
		if !v.OfflineReason.Complete() {
			l.bad(string(v.Offline), 0, "online_only needs an offline_reason in bn and en: the counter shows it")
		}
	default:
		l.bad(string(v.Offline), 0, "offline %q: want intake or online_only", v.Offline)
	}
	if v.KeepDays < 0 || v.KeepDays > maxKeepDays {
		l.bad("keep_days", 0, "keep_days %d: want 0 to %d calendar days after the end of a case", v.KeepDays, maxKeepDays)
	}
	if v.InfoDays < 0 || v.InfoDays > maxFeeDays {
		l.bad("info_days", 0, "info_days %d: want 1 to %d calendar days for the applicant to bring what he is asked for, or leave it out: then it is waited for for ever", v.InfoDays, maxFeeDays)
	}
	if v.SLADays < 1 || v.SLADays > 365 {
		l.bad("sla_days", 0, "sla_days %d: want 1 to 365 working days", v.SLADays)
	}
	if v.FreshnessDays < 0 || v.FreshnessDays > 3650 {
		l.bad("freshness_days", 0, "freshness_days %d: want 0 to 3650", v.FreshnessDays)
	}
}

// maxGraceDays bounds for how long a version that was replaced still counts.
const maxGraceDays = 3650

// lintGrace checks for how long what was made under a version before still counts, where the file
// says so.
func lintGrace(l *linter, days *int) {
	switch {
	case days == nil:
	case *days < 1 || *days > maxGraceDays:
		l.bad("grace_days", 0, "grace_days %d: want 1 to %d calendar days, or leave it out: what was made under a version before then counts for ever", *days, maxGraceDays)
	case l.v.Confidential():
		l.bad("grace_days", 0, "grace_days: no box may read a grievance again, so no centre could bring what is new: leave it out")
	case l.v.Procedure != nil && l.v.Procedure.DecideAt == dcat.AtNode:
		l.bad("grace_days", 0, "grace_days: with decide_at: node a union may have decided by then, and its lease says for how long it may: leave it out")
	}
}

func (l *linter) offers() {
	if len(l.v.Channels) == 0 || len(l.v.CentreTypes) == 0 {
		l.bad("channels", 0, "channels and centre_types each need one entry or more")
	}
	for i, c := range l.v.Channels {
		if !slices.Contains(dcat.Channels(), c) {
			l.bad(string(c), 0, "channel %q: want one of %v", c, dcat.Channels())
		}
		if slices.Contains(l.v.Channels[:i], c) {
			l.bad(string(c), 1, "channel %q is double", c)
		}
	}
	for i, t := range l.v.CentreTypes {
		if !t.Valid() {
			l.bad(string(t), 0, "centre type %q: want one of %v", t, place.CentreTypes())
		}
		if slices.Contains(l.v.CentreTypes[:i], t) {
			l.bad(string(t), 1, "centre type %q is double", t)
		}
	}
}

func (l *linter) schema() {
	form, err := CompileForm(l.v.Form)
	if err != nil {
		l.bad("form", 0, "%v", err)
		return
	}
	l.form, l.probe = form, newProbe()
	for _, f := range form.fields {
		l.field(f)
		for _, item := range f.Items {
			l.field(item)
			if item.NotAfter != "" {
				l.bad(item.Name, 0, "field %q: not_after does not reach into rows", item.Name)
			}
		}
	}
}

func (l *linter) field(f Field) {
	if !fieldName.MatchString(f.Name) {
		l.bad(f.Name, 0, "field %q: want small letters, digits and underscores", f.Name)
	}
	if !f.Label.Complete() {
		l.bad(f.Name, 0, "field %q: x-kendro.label lacks bn or en", f.Name)
	}
	if (f.Help.BN == "") != (f.Help.EN == "") {
		l.bad(f.Name, 0, "field %q: x-kendro.help lacks bn or en", f.Name)
	}
	for _, o := range f.Options {
		if !o.Label.Complete() {
			l.bad(f.Name, 0, "field %q: option %q has no label in bn and en", f.Name, o.Value)
		}
	}
	if !slices.Contains(widgets, f.Widget) {
		l.bad(f.Name, 0, "field %q: widget %q: want one of %v", f.Name, f.Widget, widgets)
	}
	if f.Sample != "" && !l.probe.knows(f.Sample) {
		l.bad(f.Name, 0, "field %q: no generator makes %q samples", f.Name, f.Sample)
	}
	if f.NotAfter != "" && (f.NotAfter != today || f.Format != "date" || f.Sample == "date_future") {
		l.bad(f.Name, 0, "field %q: not_after: want today, on a date whose samples lie in the past", f.Name)
	}
	if f.Type == "string" && f.MaxLength == 0 && len(f.Options) == 0 && f.Format == "" {
		l.bad(f.Name, 0, "field %q: a text needs a maxLength", f.Name)
	}
}

func (l *linter) documents() {
	seen := map[string]bool{}
	for _, d := range l.v.Documents {
		if d.ID == "" || seen[d.ID] {
			l.bad(d.ID, 1, "document %q is double or has no id", d.ID)
		}
		seen[d.ID] = true
		if !d.Name.Complete() {
			l.bad(d.ID, 0, "document %q: name lacks bn or en", d.ID)
		}
		if d.Required && !d.OriginalAtCounter && l.v.Offline == dcat.Intake {
			l.bad(d.ID, 0, "document %q is required and can't be shown at the counter: an offline intake could never be complete", d.ID)
		}
	}
}

func (l *linter) fees() {
	switch l.v.FeeAt {
	case dcat.AtSubmit, dcat.BeforeReview, dcat.AfterApproval:
	default:
		l.bad(string(l.v.FeeAt), 0, "fee_at %q: want submit, before_review or after_approval", l.v.FeeAt)
	}
	for i, f := range l.v.Fees {
		kind := string(f.Kind)
		switch f.Kind {
		case dcat.Government, dcat.Postage:
			if f.Ceiling != 0 {
				l.bad("ceiling", 0, "fee %d: only a service charge has a ceiling", i+1)
			}
		case dcat.ServiceCharge:
			if f.Ceiling == 0 {
				l.bad(kind, 0, "fee %d: a service charge needs a ceiling", i+1)
			} else if f.Poisha > f.Ceiling {
				l.bad(kind, 0, "fee %d: the service charge %d is above its ceiling %d", i+1, f.Poisha, f.Ceiling)
			}
		default:
			l.bad(kind, 0, "fee %d: kind %q: want government, service_charge or postage", i+1, kind)
		}
		if f.Poisha < 0 || f.Poisha > maxPoisha || f.Ceiling < 0 || f.Ceiling > maxPoisha {
			l.bad(kind, 0, "fee %d: want 0 to %d poisha", i+1, maxPoisha)
		}
		l.feeField(i, f.Per, "integer")
		if w := f.When; w != nil {
			l.condition(i, w)
		}
	}
}

func (l *linter) condition(i int, w *dcat.Condition) {
	l.feeField(i, w.Field, "string")
	dated := w.From != 0 || w.To != 0
	if (len(w.In) > 0) == dated || w.From < 0 || w.To < 0 || (w.To != 0 && w.To < w.From) {
		l.bad(w.Field, 0, "fee %d: when wants either in, or from_days with to_days not before it", i+1)
	}
}

func (l *linter) feeField(i int, name, kind string) {
	if name == "" || l.form == nil {
		return
	}
	if f, ok := l.form.Field(name); !ok || f.Type != kind {
		l.bad(name, 0, "fee %d: the form has no %s field %q", i+1, kind, name)
	}
}

func (l *linter) steps() {
	steps := l.v.Steps
	if len(steps) == 0 {
		l.bad("steps", 0, "a service needs one step or more")
		return
	}
	for i, s := range steps {
		if !s.Name.Complete() {
			l.bad(s.Post, 0, "step %d: name lacks bn or en", i+1)
		}
		if i < len(steps)-1 && !s.Decision {
			l.bad(s.Post, 0, "step %d forwards, so it needs decision: true (R-OF4)", i+1)
		}
		l.post(i, s)
	}
	ends := func(s dcat.Step) bool { return s.MayFinalise && s.Mandatory } // For some cases, where it has a rule.
	if last := steps[len(steps)-1]; !last.MayFinalise || !slices.ContainsFunc(steps, ends) {
		l.bad(last.Post, 0, "the last step must be mandatory and may_finalise, or no case ever ends")
	}
}

func (l *linter) post(i int, s dcat.Step) {
	if l.dir == nil {
		return
	}
	p, ok := l.dir.Post(s.Post)
	switch {
	case !ok:
		l.bad(s.Post, 0, "step %d: no post %q in %s", i+1, s.Post, postsFile)
		return
	case p.OfficeLevel != s.OfficeLevel:
		l.bad(s.Post, 0, "step %d: the post %q sits at %q, not at %q", i+1, s.Post, p.OfficeLevel, s.OfficeLevel)
	case s.MayFinalise && !p.May(place.ActFinalise):
		l.bad(s.Post, 0, "step %d: the post %q may not finalise", i+1, s.Post)
	case s.Decision && (!p.May(place.ActPreliminary) || !p.May(place.ActForward)) && i < len(l.v.Steps)-1:
		l.bad(s.Post, 0, "step %d: the post %q may not decide and forward", i+1, s.Post)
	}
	for _, c := range l.dir.Centres {
		if !l.v.OfferedAt(c.Type) {
			continue
		}
		if _, ok := l.dir.OfficeFor(c.Area, s.OfficeLevel); !ok {
			l.bad(s.Post, 0, "step %d: no office of level %q serves the centre %s", i+1, s.OfficeLevel, c.Code)
			return
		}
	}
}
