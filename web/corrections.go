package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kendro/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// Words of what is put right.
var (
	wordCites      = name("যে উত্তরের ওপর নির্ভর করে:", "It rests on:")
	wordCitesHint  = name("এগুলোতে সংশোধন এলে আগে আপনি সিদ্ধান্ত নেবেন।", "A correction of one of these waits for your word.")
	wordNothing    = name("কিছু নেই", "nothing")
	wordWhyFix     = name("কেন সংশোধন করছেন", "Why it is put right")
	wordPutRight   = name("সংশোধন", "Corrections")
	wordFixWaits   = name("কর্মকর্তার সিদ্ধান্তের অপেক্ষায়", "waits for the officer")
	wordFixTaken   = name("গৃহীত", "taken")
	wordFixRefused = name("গৃহীত হয়নি", "not taken")
	wordFixSent    = name("জেলা এখনও উত্তর দেয়নি", "the district has not answered yet")
	wordNoFix      = name("যে উত্তরটি বদলাবে সেটি বদলান এবং কারণ লিখুন।", "Change the answer that is wrong, and write why.")
	wordFixMoved   = name("উত্তরটি এর মধ্যে বদলেছে। আবেদনটি আবার দেখে নিন।", "The answer was changed meanwhile. Look at the application again.")
)

// correctionWords say what has come of a correction, for its citizen.
var correctionWords = map[string]place.Name{
	"waits":   name("আপনার সংশোধন কর্মকর্তার কাছে আছে।", "Your correction lies with the officer."),
	"taken":   name("আপনার সংশোধন গৃহীত হয়েছে।", "Your correction was taken."),
	"refused": name("আপনার সংশোধন গৃহীত হয়নি। কেন্দ্রে কারণ জেনে নিন; অভিযোগের বেলায় দপ্তরে।", "Your correction was not taken. Your centre knows why; of a grievance, ask the office."),
}

// field is the field of an answer, or of a member of the applicant, by its full name.
func (v *caseView) field(full string) catalogue.Field {
	return fieldOf(v.fields, full)
}

func fieldOf(form []catalogue.Field, full string) catalogue.Field {
	short, ofForm := strings.CutPrefix(full, protocol.FormField)
	list := form
	if !ofForm {
		short, _ = strings.CutPrefix(full, protocol.ApplicantField)
		list = applicantFields()
	}
	if i := slices.IndexFunc(list, func(f catalogue.Field) bool { return f.Name == short }); i >= 0 {
		return list[i]
	}
	return catalogue.Field{Name: short, Label: place.Name{BN: full, EN: full}}
}

func applicantFields() []catalogue.Field {
	f, err := catalogue.CompileApplicant()
	if err != nil {
		return nil // It is part of this program.
	}
	return f.Fields()
}

// change says what an answer was, and what it is or is to be.
func (v *caseView) change(c api.Change) string {
	f := v.field(c.Field)
	return v.lang.Say(f.Label) + ": " + v.valueOf(f, c.Was) + " → " + v.valueOf(f, c.Is)
}

func (v *caseView) valueOf(f catalogue.Field, raw json.RawMessage) string {
	var x any
	if len(raw) == 0 || json.Unmarshal(raw, &x) != nil {
		return v.lang.Say(wordNothing)
	}
	l := lineOf(v.lang, f, x)
	if len(l.Rows) == 0 {
		return l.Value
	}
	var rows []string
	for _, row := range l.Rows {
		var cells []string
		for _, cell := range row {
			cells = append(cells, cell.Value)
		}
		rows = append(rows, strings.Join(cells, " "))
	}
	return strings.Join(rows, "; ")
}

// disputes are the corrections that wait for an officer.
func (v *caseView) disputes() []api.Item {
	return slices.DeleteFunc(slices.Clone(v.Record.Items), func(it api.Item) bool { return len(it.Changes) == 0 })
}

// citable are the answers that the case has, in the form's order, and then the
// applicant's.
func (v *caseView) citable() []catalogue.Option {
	var list []catalogue.Option
	add := func(begins string, fields []catalogue.Field, given map[string]any) {
		for _, f := range fields {
			if _, ok := given[f.Name]; ok {
				list = append(list, catalogue.Option{Value: begins + f.Name, Label: f.Label})
			}
		}
	}
	if !v.Record.Confidential {
		add(protocol.FormField, v.fields, stored(v.Record.Form))
		add(protocol.ApplicantField, applicantFields(), stored(v.Record.Applicant))
	}
	return list
}

// wordsOfFix are what one correction of a centre's came to, by what was said of a name.
func wordsOfFix(p api.PutRight, name string) place.Name {
	switch {
	case slices.Contains(p.Refused, name):
		return wordFixRefused
	case slices.Contains(p.Waits, name):
		return wordFixWaits
	case slices.Contains(p.Taken, name):
		return wordFixTaken
	}
	return wordFixSent
}

// wordsOfSealed are what a correction came to of which nobody here may know more.
func wordsOfSealed(state string) place.Name {
	switch state {
	case "refused":
		return wordFixRefused
	case "waits":
		return wordFixWaits
	case "taken":
		return wordFixTaken
	}
	return wordFixSent
}

// corrections says what the centre has put right, and what has come of it.
func (v *visitView) corrections(l Lang) []string {
	var form []catalogue.Field
	if v.version != nil {
		if f, err := catalogue.CompileForm(v.version.Form); err == nil {
			form = f.Fields()
		}
	}
	var list []string
	for _, p := range v.Record.PutRight {
		if p.Sealed {
			list = append(list, l.Moment(p.At.Time)+" – "+l.Say(wordsOfSealed(p.State)))
		}
		for _, n := range p.Names {
			list = append(list, l.Say(fieldOf(form, n).Label)+" – "+l.Say(wordsOfFix(p, n)))
		}
		if p.Why != "" && len(p.Refused) > 0 {
			list = append(list, p.Why)
		}
	}
	return list
}

// The inputs of what is put right: apart from those of what the applicant was asked for.
const (
	fixForm      = "fix.form"
	fixApplicant = "fix.applicant"
)

// fixable are the fields that can be put right. Where an application goes, and whether
// its applicant is named, stays.
func (v *visitView) fixable() (form, applicant []catalogue.Field) {
	if f, err := catalogue.CompileForm(v.version.Form); err == nil {
		form = f.Fields()
	}
	return form, slices.DeleteFunc(slices.Clone(applicantFields()), func(f catalogue.Field) bool { return f.Name == "area" || f.Name == "anonymous" })
}

// A seen is what a page showed of the answers.
type seen struct {
	Form      json.RawMessage `json:"form"`
	Applicant json.RawMessage `json:"applicant"`
}

// fix draws what can be put right, with what the case has, or with what was typed.
func (v *visitView) fix(l Lang, t tried) {
	if v.version == nil || v.Record == nil {
		return
	}
	form, applicant := v.fixable()
	s := sheet{lang: l, values: t.values, errors: v.problems}
	if v.Saw = t.values.Get("saw"); t.action != "correction" || v.Saw == "" {
		s.values = url.Values{}
		spread(s.values, fixForm, stored(v.Record.Form))
		spread(s.values, fixApplicant, stored(v.Record.Applicant))
		if raw, err := json.Marshal(seen{v.Record.Form, v.Record.Applicant}); err == nil {
			v.Saw = string(raw)
		}
	}
	v.Fix = append(s.questions(form, fixForm), s.questions(applicant, fixApplicant)...)
	for i := range v.Fix {
		v.Fix[i].Optional = v.Fix[i].Optional || v.Record.Confidential // What is left empty stays as it is.
	}
}

// spread puts answers into the inputs of a page.
func spread(values url.Values, input string, x any) {
	switch y := x.(type) {
	case map[string]any:
		for name, z := range y {
			spread(values, input+"."+name, z)
		}
	case []any:
		values.Set("rows."+input, strconv.Itoa(len(y)))
		for i, z := range y {
			spread(values, input+"."+strconv.Itoa(i), z)
		}
	default:
		values.Set(input, plainText(x))
	}
}

// placed puts problems with what is put right beside its inputs.
func (v *visitView) placed(list []api.FieldProblem) []api.FieldProblem {
	if v.Tried == "correction" {
		for i := range list {
			list[i].Path = "/fix" + list[i].Path
		}
	}
	return list
}

// correction is what differs from what the page showed, or the words for what is
// missing.
func (v *visitView) correction(l Lang) (any, place.Name) {
	in := api.CorrectionRequest{Reason: strings.TrimSpace(v.Typed.Get("reason"))}
	var saw seen
	if v.version == nil || json.Unmarshal([]byte(v.Typed.Get("saw")), &saw) != nil || in.Reason == "" {
		return nil, wordNoFix
	}
	form, applicant := v.fixable()
	in.FormSaw, in.ApplicantSaw = saw.Form, saw.Applicant
	in.Form = v.differs(l, form, fixForm, stored(saw.Form))
	in.Applicant = v.differs(l, applicant, fixApplicant, stored(saw.Applicant))
	if in.Form == nil && in.Applicant == nil {
		return nil, wordNoFix
	}
	v.Fixed = append(v.Fixed, line{Label: wordWhyFix, Value: in.Reason})
	return in, place.Name{}
}

// differs are the answers that were typed otherwise than they were, nil for none.
func (v *visitView) differs(l Lang, fields []catalogue.Field, prefix string, was map[string]any) json.RawMessage {
	now, out := answers(v.Typed, fields, prefix), map[string]any{}
	for _, f := range fields {
		before, after := was[f.Name], now[f.Name]
		if sameAnswer(before, after) {
			continue
		}
		out[f.Name] = after
		view := caseView{lang: l}
		value := view.valueOf(f, rawOf(after))
		if !v.Record.Confidential { // Else nobody here knows what it was.
			value = view.valueOf(f, rawOf(before)) + " → " + value
		}
		v.Fixed = append(v.Fixed, line{Label: f.Label, Value: value})
	}
	if len(out) == 0 {
		return nil
	}
	return rawOf(out)
}

// sameAnswer reports whether two are one answer: a box that isn't ticked is none.
func sameAnswer(a, b any) bool {
	plain := func(x any) string {
		if x == nil || x == false {
			return ""
		}
		return string(rawOf(x))
	}
	return plain(a) == plain(b)
}

func rawOf(x any) json.RawMessage {
	if x == nil {
		return nil
	}
	b, err := json.Marshal(x)
	if err != nil {
		return nil // It came from JSON.
	}
	return b
}
