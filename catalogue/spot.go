package catalogue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// SpotNames says, for a person, which fields of a service a district may have otherwise
// and an office may propose to change.
const SpotNames = "hidden, name, offline_reason, sla_days, freshness_days, grace_days, info_days, channels, centre_types, fees.KIND, fees.KIND.2, " +
	"steps.POST.post, steps.POST.name, steps.POST.2.name, documents.ID.name, checks.ID.name, rules.ID.says, form.FIELD.label, form.FIELD.help, " +
	"form.FIELD.options.VALUE, procedure.fee_days, procedure.issue.days, procedure.issue.close_days, " +
	"procedure.appeals.1.days, procedure.appeals.1.sla_days"

// A shape is what a value looks like.
type shape string

// The shapes.
const (
	aNumber shape = "a whole number"
	aWord   shape = "a text in bn and en"
	aPost   shape = "the code of a post"
	aList   shape = "a list"
	aSwitch shape = "true or false"
)

// A sheet is a version of its own that may be changed.
type sheet struct {
	dcat.Version
	hidden bool
	posts  []string // Of the steps as they were: a field keeps its name though the post beside it was changed.
}

func sheetOf(v *dcat.Version) *sheet {
	d := &sheet{Version: *v}
	d.Channels, d.CentreTypes = slices.Clone(v.Channels), slices.Clone(v.CentreTypes)
	d.Fees, d.Steps = slices.Clone(v.Fees), slices.Clone(v.Steps)
	for _, s := range v.Steps {
		d.posts = append(d.posts, s.Post)
	}
	d.Documents, d.Checks, d.Rules = slices.Clone(v.Documents), slices.Clone(v.Checks), slices.Clone(v.Rules)
	if v.Procedure != nil {
		p := *v.Procedure
		p.Appeals = slices.Clone(p.Appeals)
		if p.Issue != nil {
			issue := *p.Issue
			p.Issue = &issue
		}
		d.Procedure = &p
	}
	return d
}

// A spot is one value of a sheet.
type spot struct {
	shape shape
	get   func() any
	set   func(raw []byte) error
}

// value is what stands there, as JSON.
func (s *spot) value() string {
	b, err := json.Marshal(s.get())
	if err != nil {
		return ""
	}
	return string(b)
}

// half reports whether a word is there in one language alone.
func (s *spot) half() bool {
	n, ok := s.get().(place.Name)
	return ok && (n.BN == "") != (n.EN == "")
}

// put writes a value, as JSON. It fails where the value is of another shape.
func (s *spot) put(raw []byte) error {
	if err := s.set(raw); err != nil {
		return fmt.Errorf("%s: want %s", clipText(string(raw)), s.shape)
	}
	return nil
}

// at is the spot of a plain variable.
func at[T any](shape shape, p *T) *spot {
	return &spot{shape: shape, get: func() any { return *p }, set: func(raw []byte) error { return strictly(raw, p) }}
}

func strictly[T any](raw []byte, p *T) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var v T
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return fault.New("catalogue.spot", fault.Invalid, "", "null is no value")
	}
	if err := dec.Decode(&v); err != nil {
		return err
	}
	*p = v
	return nil
}

// spot finds a field by its path; false where the version has none.
func (d *sheet) spot(path string) (*spot, bool) {
	head, rest, _ := strings.Cut(path, ".")
	if rest == "" {
		s, ok := d.plain()[path]
		return s, ok
	}
	name, tail, _ := strings.Cut(rest, ".")
	switch head {
	case "fees":
		return d.fee(name, tail)
	case "steps":
		return d.step(name, tail)
	case "documents":
		return named(d.Documents, func(x *dcat.Document) bool { return x.ID == name && tail == "name" }, func(x *dcat.Document) *spot { return at(aWord, &x.Name) })
	case "checks":
		return named(d.Checks, func(x *dcat.Check) bool { return x.ID == name && tail == "name" }, func(x *dcat.Check) *spot { return at(aWord, &x.Name) })
	case "rules":
		return named(d.Rules, func(x *dcat.Rule) bool { return x.ID == name && tail == "says" }, func(x *dcat.Rule) *spot { return at(aWord, &x.Says) })
	case "form":
		return d.word(name, strings.Split(tail, "."))
	case "procedure":
		return d.term(rest)
	}
	return nil, false
}

func (d *sheet) plain() map[string]*spot {
	all := map[string]*spot{
		"hidden": at(aSwitch, &d.hidden), "name": at(aWord, &d.Name), "offline_reason": at(aWord, &d.OfflineReason),
		"sla_days": at(aNumber, &d.SLADays), "freshness_days": at(aNumber, &d.FreshnessDays),
		"channels": at(aList, &d.Channels), "centre_types": at(aList, &d.CentreTypes),
	}
	if d.GraceDays > 0 { // Where the base has versions before count for ever, a district does too.
		all["grace_days"] = at(aNumber, &d.GraceDays)
	}
	if d.InfoDays > 0 { // Where the base waits for ever, a district does too.
		all["info_days"] = at(aNumber, &d.InfoDays)
	}
	return all
}

func named[T any](list []T, is func(*T) bool, spotOf func(*T) *spot) (*spot, bool) {
	for i := range list {
		if is(&list[i]) {
			return spotOf(&list[i]), true
		}
	}
	return nil, false
}

// ordinal reads the 2 of fees.government.2; nothing is the first.
func ordinal(s string) int {
	if s == "" {
		return 1
	}
	n, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(n) != s {
		return 0
	}
	return n
}

func (d *sheet) fee(kind, nth string) (*spot, bool) {
	n := ordinal(nth)
	for i := range d.Fees {
		if string(d.Fees[i].Kind) != kind {
			continue
		}
		if n--; n == 0 {
			return at(aNumber, &d.Fees[i].Poisha), true
		}
	}
	return nil, false
}

// step finds a field of a step at a post: steps.POST.name of the first, steps.POST.2.name of the second.
func (d *sheet) step(post, what string) (*spot, bool) {
	n := 1
	if nth, rest, ok := strings.Cut(what, "."); ok {
		if n, what = ordinal(nth), rest; n < 2 {
			return nil, false
		}
	}
	i := slices.IndexFunc(d.posts, func(p string) bool {
		if p == post {
			n--
		}
		return n == 0
	})
	switch {
	case i < 0:
		return nil, false
	case what == "post":
		return at(aPost, &d.Steps[i].Post), true
	case what == "name":
		return at(aWord, &d.Steps[i].Name), true
	}
	return nil, false
}

func (d *sheet) term(path string) (*spot, bool) {
	p := d.Procedure
	if p == nil {
		return nil, false
	}
	if path == "fee_days" && p.FeeDays > 0 {
		return at(aNumber, &p.FeeDays), true
	}
	if p.Issue != nil && path == "issue.days" {
		return at(aNumber, &p.Issue.Days), true
	}
	if p.Issue != nil && path == "issue.close_days" {
		return at(aNumber, &p.Issue.CloseDays), true
	}
	rung, ok := strings.CutPrefix(path, "appeals.")
	nth, what, _ := strings.Cut(rung, ".")
	n := ordinal(nth)
	switch {
	case !ok || nth == "" || n < 1 || n > len(p.Appeals):
		return nil, false
	case what == "days":
		return at(aNumber, &p.Appeals[n-1].Days), true
	case what == "sla_days":
		return at(aNumber, &p.Appeals[n-1].SLADays), true
	}
	return nil, false
}

// word is a word that the counter shows beside a field of the form.
func (d *sheet) word(field string, what []string) (*spot, bool) {
	options := len(what) == 2 && what[0] == "options"
	if !options && (len(what) != 1 || what[0] != "label" && what[0] != "help") {
		return nil, false
	}
	whole, hint := d.hint(field)
	if hint == nil {
		return nil, false
	}
	in, name := hint, what[0]
	if options {
		if in, _ = hint["options"].(map[string]any); in == nil || in[what[1]] == nil {
			return nil, false
		}
		name = what[1]
	}
	read := func() (n place.Name) {
		m, _ := in[name].(map[string]any)
		n.BN, _ = m["bn"].(string)
		n.EN, _ = m["en"].(string)
		return n
	}
	return &spot{shape: aWord, get: func() any { return read() }, set: func(raw []byte) error {
		var n place.Name
		if err := strictly(raw, &n); err != nil {
			return err
		}
		in[name] = map[string]any{"bn": n.BN, "en": n.EN}
		form, err := json.Marshal(whole)
		d.Form = form
		return err
	}}, true
}

// hint returns the form as a tree, and in it what it says beside a field; nil where there
// is no such field.
func (d *sheet) hint(field string) (whole, hint map[string]any) {
	dec := json.NewDecoder(bytes.NewReader(d.Form))
	dec.UseNumber() // A number keeps the digits that it was written with.
	if dec.Decode(&whole) != nil {
		return nil, nil
	}
	props, _ := whole["properties"].(map[string]any)
	f, _ := props[field].(map[string]any)
	hint, _ = f["x-kendro"].(map[string]any)
	return whole, hint
}

// FieldOf returns what a version has at a field, as JSON; false where it has no such
// field, or none that a district may have otherwise. The register asks it, so what it
// answers for a version and a field that it knows stays for ever. A nil version is a service that is
// not offered: it is hidden, and has nothing else.
func FieldOf(v *dcat.Version, path string) (string, bool) {
	if v == nil {
		return "true", path == "hidden"
	}
	s, ok := sheetOf(v).spot(path)
	if !ok {
		return "", false
	}
	return s.value(), true
}

// FieldLike returns a value as the version would have it at a field, in the one way in
// which it is written. It fails with [fault.Invalid] where there is no such field or the
// value is of another shape, and where a word is in one language alone.
func FieldLike(v *dcat.Version, path, value string) (string, error) {
	const op = "catalogue.FieldLike"
	d := sheetOf(v)
	s, ok := d.spot(path)
	if !ok {
		return "", fault.New(op, fault.Invalid, clipText(path), v.ID+" has no such field, or none that may be changed; want one of "+SpotNames)
	}
	if err := s.put([]byte(value)); err != nil {
		return "", fault.New(op, fault.Invalid, clipText(path), err.Error())
	}
	if s.half() {
		return "", fault.New(op, fault.Invalid, clipText(path), "want the words in bn and in en")
	}
	return s.value(), nil
}
