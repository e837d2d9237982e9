package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/digit"
	"kendro/domain/place"
	"kendro/web/api"
)

// A question is one field as the page draws it.
type question struct {
	catalogue.Field
	Input    string // Name of the input, such as form.heirs.0.name_bn.
	ID       string // The same as an HTML ID.
	Value    string
	Error    string // What to correct, in the page's language.
	Optional bool
	Focus    bool // The reader goes on here: its row was just added.
	Rows     [][]question
	Groups   []group // In place of Options, where there are many.
}

// A group is a part of a long list of options.
type group struct {
	Label   place.Name
	Options []catalogue.Option
}

// told names the elements that say what is wanted, and what is wrong.
func (q question) told(l Lang) string {
	hint := ""
	if l.Say(q.Help) != "" {
		hint = q.ID + "-hint"
	}
	return told(hint, q.ID+"-error", q.Error != "")
}

// told lists the elements that describe an input: its hint, and its error where there is one.
func told(hint, wrong string, is bool) string {
	if is {
		hint += " " + wrong
	}
	return strings.TrimSpace(hint)
}

// invalid marks an input whose answer has to be put right.
func invalid(is bool) templ.Attributes {
	out := templ.Attributes{}
	if is {
		out["aria-invalid"] = "true"
	}
	return out
}

// state is what an input says beside its answer: that it is wrong, or that the reader goes on here.
func (q question) state() templ.Attributes {
	out := invalid(q.Error != "")
	if q.Focus {
		out["autofocus"] = true
	}
	return out
}

// maxRows bounds what a page draws of a list.
const maxRows = 100

// A sheet is one form on its way through a page: what was typed, and what is
// wrong with it.
type sheet struct {
	lang   Lang
	values url.Values
	errors []api.FieldProblem
}

// questions draws fields below prefix ("form", "applicant").
func (s sheet) questions(fields []catalogue.Field, prefix string) []question {
	list := make([]question, 0, len(fields))
	for _, f := range fields {
		input := prefix + "." + f.Name
		q := question{
			Field: f, Input: input, ID: strings.ReplaceAll(input, ".", "-"), Value: s.values.Get(input),
			Error: s.errorAt(input), Optional: !f.Required,
		}
		if f.Widget == "rows" {
			for i := range s.rows(f, input) {
				q.Rows = append(q.Rows, s.questions(f.Items, input+"."+strconv.Itoa(i)))
			}
			if n := len(q.Rows); s.values.Get("add") == input && n > 0 && len(q.Rows[n-1]) > 0 {
				q.Rows[n-1][0].Focus = true
			}
		}
		list = append(list, q)
	}
	return list
}

// rows is how many rows of a list to draw: as many as there were, one more where
// that was asked for, and never fewer than the form wants.
func (s sheet) rows(f catalogue.Field, input string) int {
	n, err := strconv.Atoi(s.values.Get("rows." + input))
	if err != nil || n < 0 {
		n = 0
	}
	if s.values.Get("add") == input {
		n++
	}
	return min(max(n, f.MinItems, 1), f.MaxItems, maxRows)
}

// errorAt is what is wrong with an input; rows that a page counts apart are told
// under their own list.
func (s sheet) errorAt(input string) string {
	path := "/" + strings.ReplaceAll(input, ".", "/")
	for _, e := range s.errors {
		if e.Path == path {
			return s.lang.Say(e.Text)
		}
	}
	return ""
}

// answers reads what was typed below prefix into the JSON that the form's schema
// is about. Empty answers are left out, so that the schema says what is missing.
func answers(values url.Values, fields []catalogue.Field, prefix string) map[string]any {
	out := map[string]any{}
	for _, f := range fields {
		if v := answer(values, f, prefix+"."+f.Name); v != nil {
			out[f.Name] = v
		}
	}
	return out
}

func answer(values url.Values, f catalogue.Field, input string) any {
	if f.Widget == "rows" {
		return rowAnswers(values, f, input)
	}
	typed := strings.TrimSpace(values.Get(input))
	switch {
	case f.Type == "boolean":
		if typed != "" {
			return true
		}
		if f.Required {
			return false
		}
		return nil
	case typed == "":
		return nil
	case f.Type == "integer":
		if n, err := strconv.ParseInt(digit.InLatin(typed), 10, 64); err == nil {
			return n
		}
		return typed // The schema says that it is no whole number.
	case f.Format == "date":
		return dayOf(typed)
	case latin(f):
		return digit.InLatin(typed)
	}
	return strings.ReplaceAll(typed, "\r\n", "\n")
}

// latin reports whether a field's digits are Latin in the record, however they
// are typed: phones, and patterns that know no Bangla letter.
func latin(f catalogue.Field) bool {
	return f.Widget == "phone" ||
		strings.Contains(f.Pattern, "[0-9]") && !strings.Contains(f.Pattern, `\x{09`)
}

// rowAnswers reads the rows of a list and leaves out those that are empty.
func rowAnswers(values url.Values, f catalogue.Field, input string) any {
	n, err := strconv.Atoi(values.Get("rows." + input))
	if err != nil || n < 0 || n > maxRows {
		return nil
	}
	list := make([]any, 0, n)
	for i := range n {
		if row := answers(values, f.Items, input+"."+strconv.Itoa(i)); len(row) > 0 && !onlyFalse(row) {
			list = append(list, row)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

func onlyFalse(row map[string]any) bool {
	for _, v := range row {
		if v != false {
			return false
		}
	}
	return true
}

// body is the POST body that a filled page comes to.
func body(v *dcat.Version, form *catalogue.Form, applicant []catalogue.Field, values url.Values) ([]byte, error) {
	all := map[string]any{
		"service": v.ID, "version": v.Number, "channel": values.Get("channel"),
		"form": answers(values, form.Fields(), "form"), "applicant": answers(values, applicant, "applicant"),
		"documents": notesOf(v, values),
	}
	if why := strings.TrimSpace(values.Get(fieldDespite)); why != "" {
		all[fieldDespite] = why
	}
	if day := values.Get(fieldPosted); day != "" {
		all[fieldPosted] = dayOf(day)
	}
	if code := values.Get(fieldCode); code != "" {
		all[fieldCode] = code
	}
	return json.Marshal(all)
}

// fieldPosted is the day on what came by post or fax.
const fieldPosted = "posted_on"

// What the page that reads an application back asks where one like it was taken: the
// reason, and that it was asked for.
const (
	fieldDespite = "duplicate_reason"
	fieldWarned  = "warned"
)

// A line is one answer in words: what the summary and the case file show.
type line struct {
	Label place.Name
	Value string
	Rows  [][]line
}

// lines puts stored answers beside their labels, in the order of the form.
// Answers that the form doesn't know come last, by their own names.
func lines(l Lang, fields []catalogue.Field, stored map[string]any) []line {
	out := make([]line, 0, len(stored))
	for _, f := range fields {
		v, ok := stored[f.Name]
		if !ok {
			continue
		}
		out = append(out, lineOf(l, f, v))
	}
	known := func(name string) bool {
		return slices.ContainsFunc(fields, func(f catalogue.Field) bool { return f.Name == name })
	}
	rest := make([]string, 0)
	for name := range stored {
		if !known(name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	for _, name := range rest {
		out = append(out, line{Label: place.Name{BN: name, EN: name}, Value: text(l, stored[name])})
	}
	return out
}

func lineOf(l Lang, f catalogue.Field, v any) line {
	out := line{Label: f.Label}
	if list, ok := v.([]any); ok {
		for _, item := range list {
			row, _ := item.(map[string]any)
			out.Rows = append(out.Rows, lines(l, f.Items, row))
		}
		return out
	}
	out.Value = text(l, v)
	switch s, ok := v.(string); {
	case ok && f.Format == "date":
		out.Value = dayText(l, s)
	case ok && latin(f):
		out.Value = l.Numerals(s)
	}
	for _, o := range f.Options {
		if o.Value == v {
			out.Value = l.Say(o.Label)
		}
	}
	return out
}

// person puts an applicant's answers into words, the area by its name.
func person(l Lang, set *dcat.Set, fields []catalogue.Field, answers map[string]any) []line {
	fields = slices.Clone(fields)
	for i := range fields {
		code, ok := answers["area"].(string)
		if fields[i].Name != "area" || !ok || set == nil {
			continue
		}
		fields[i].Label = wordArea
		if a, ok := set.Directory.Area(place.Code(code)); ok {
			fields[i].Options = []catalogue.Option{{Value: code, Label: a.Name}}
		}
	}
	return lines(l, fields, answers)
}

func text(l Lang, v any) string {
	switch x := v.(type) {
	case string:
		return x
	case bool:
		if x {
			return l.Say(wordYes)
		}
		return l.Say(wordNo)
	case float64:
		return l.Digits(strconv.FormatFloat(x, 'f', -1, 64))
	case nil:
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// stored reads answers as they are kept.
func stored(raw json.RawMessage) map[string]any {
	m := map[string]any{}
	if json.Unmarshal(raw, &m) != nil {
		return map[string]any{"": string(raw)} // Shown as it is; never hidden.
	}
	return m
}
