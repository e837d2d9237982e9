package catalogue

import (
	"slices"
	"strings"
	"time"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// Carry returns answers that were given to another version of a form, without those to
// questions that this one does not ask. What is no JSON object is [fault.Invalid].
func (f *Form) Carry(answers []byte) ([]byte, error) {
	const op = "catalogue.Carry"
	tree, err := parseTree(answers)
	if err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "answers", err)
	}
	given, ok := tree.(map[string]any)
	if !ok {
		return nil, fault.New(op, fault.Invalid, "answers", "want an object of answers by their names")
	}
	kept := map[string]any{}
	for _, field := range f.fields {
		if v, ok := given[field.Name]; ok {
			kept[field.Name] = v
		}
	}
	return writeTree(kept)
}

// Answer is the name of the answer that an error is about, "" where it is about all of them.
func (e *FieldError) Answer() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(e.Path, "/"), "/")
	return name
}

// Named is the name under which a correction has what is wrong: form.NAME or applicant.NAME.
func (e *FieldError) Named() string {
	part, rest, _ := strings.Cut(strings.TrimPrefix(e.Path, "/"), "/")
	name, _, _ := strings.Cut(rest, "/")
	return part + "." + name
}

// Lacks lists what an application that was made under another version has to bring before it
// can go on under this one, as officers ask for it: answers that are missing or not right any
// more, and required documents that papers does not name. It reports false where that can't
// be said by names, or is more than one can be asked for at once.
func (in *Intake) Lacks(v *dcat.Version, answers []byte, papers []string, on time.Time) ([]string, bool) {
	form, err := in.Form(v)
	if err != nil {
		return nil, false
	}
	kept, err := form.Carry(answers)
	if err != nil {
		return nil, false
	}
	var items []string
	for _, wrong := range form.ValidateOn(kept, on) {
		name := wrong.Answer()
		if name == "" {
			return nil, false
		}
		if it := "form." + name; !slices.Contains(items, it) {
			items = append(items, it)
		}
	}
	for _, d := range v.Documents {
		if d.Required && !slices.Contains(papers, d.ID) {
			items = append(items, d.ID)
		}
	}
	return items, len(items) <= application.MaxItems
}
