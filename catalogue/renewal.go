package catalogue

import (
	"encoding/json"
	"slices"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// maxRenewalCode bounds the text of the code on the certificate that is renewed.
const maxRenewalCode = 5000

// code reads the text of the code on the certificate that the application renews.
func (app *Application) code(raw any) []FieldError {
	if raw == nil {
		return nil
	}
	if app.RenewalCode, _ = raw.(string); app.RenewalCode == "" || len(app.RenewalCode) > maxRenewalCode {
		return []FieldError{{Path: "/renewal_code", Field: place.Name{BN: "সনদের সংকেত", EN: "Code of the certificate"}, Text: place.Name{
			BN: "আগের সনদে ছাপা সংকেতের লেখা দিন।", EN: "Want the text of the code on the certificate before.",
		}}}
	}
	return nil
}

// Renewed returns the answers with which a renewal begins: those of the application before
// that the form still knows, the number of the certificate before, and what the version sets.
func (f *Form) Renewed(r *dcat.Renewal, number string, before []byte) (json.RawMessage, error) {
	tree, err := parseTree(before)
	if len(before) == 0 {
		tree, err = map[string]any{}, nil
	}
	old, ok := tree.(map[string]any)
	if err != nil || !ok {
		return nil, fault.Wrap("catalogue.Renewed", fault.Invalid, number, err)
	}
	answers := map[string]any{}
	for _, q := range f.fields {
		if v, given := old[q.Name]; given && q.Name != r.Answer {
			answers[q.Name] = v
		}
	}
	answers[r.Answer] = number
	for _, s := range r.Set {
		answers[s.Answer] = s.Value
	}
	return writeTree(answers)
}

// Refused is what the form says of one of its answers.
func (f *Form) Refused(name string, text place.Name) []FieldError {
	if !slices.ContainsFunc(f.fields, func(q Field) bool { return q.Name == name }) {
		return nil
	}
	fe := f.fieldError("/"+name, text)
	fe.Path = "/form/" + name
	return []FieldError{fe}
}
