package catalogue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// draft is the only dialect of JSON Schema that a form may name.
const draft = "https://json-schema.org/draft/2020-12/schema"

// A Form is a compiled form: it draws itself as fields and checks answers. It
// may be used concurrently.
type Form struct {
	schema    *jsonschema.Schema
	plain     *plain // Finds right answers quickly; nil where the schema isn't plain.
	fields    []Field
	past      []Field // Questions for a date that may not lie in the future.
	anonymous bool    // The root's x-kendro says that nobody need be named.
	sample    string  // The root's x-kendro says who applies, for samples.
}

// A FieldError tells a person at the counter what to correct. Path is a JSON
// pointer into the answers ("/mouza", "/heirs/0/name_bn").
type FieldError struct {
	Path  string     `json:"path"`
	Field place.Name `json:"field"`
	Text  place.Name `json:"text"`
}

// CompileForm compiles a JSON Schema 2020-12 of one object with x-kendro hints.
// It fails with [fault.Invalid] for a schema that isn't valid, refers to
// anything outside itself, lets unknown fields pass, or uses a type that no
// counter page can draw.
func CompileForm(schema []byte) (*Form, error) {
	const op = "catalogue.CompileForm"
	tree, err := parseTree(schema)
	if err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "", fmt.Errorf("form: %w", err))
	}
	root, ok := tree.(map[string]any)
	if !ok || root["type"] != "object" || root["additionalProperties"] != false {
		return nil, fault.New(op, fault.Invalid, "", "form: want type: object and additionalProperties: false")
	}
	if s, ok := root["$schema"]; ok && s != draft {
		return nil, fault.New(op, fault.Invalid, "", "form: want no $schema, or "+draft)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(nothing{})
	if err := c.AddResource("kendro:form", tree); err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "", fmt.Errorf("form: %w", err))
	}
	sch, err := c.Compile("kendro:form")
	if err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "", fmt.Errorf("form: %w", err))
	}
	fields, err := readFields(root, "")
	if err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "", err)
	}
	hints, _ := root["x-kendro"].(map[string]any)
	sample, _ := hints["sample"].(string)
	return &Form{schema: sch, plain: plainOf(sch), fields: fields, past: lateOf(fields), anonymous: hints["anonymous"] == true, sample: sample}, nil
}

// nothing is a loader that fetches nothing: a form is complete in itself.
type nothing struct{}

func (nothing) Load(url string) (any, error) {
	return nil, fmt.Errorf("the form refers to %s: it must be complete in itself", url)
}

// Fields returns the fields in the order in which a counter asks for them. The
// caller must not change them.
func (f *Form) Fields() []Field { return f.fields }

// Validate checks answers as JSON. It returns what to correct, at most
// MaxErrors, sorted as the fields are; none means that the form is complete.
func (f *Form) Validate(data []byte) []FieldError { return f.ValidateOn(data, time.Time{}) }

func unreadable(err error) FieldError {
	return FieldError{Path: "", Text: place.Name{
		BN: "তথ্য পড়া যায়নি; আবার পাঠান।", EN: "The answers could not be read: " + err.Error() + ".",
	}}
}

// check validates a tree from parseTree.
func (f *Form) check(tree any) []FieldError {
	err := f.schema.Validate(tree)
	if err == nil {
		return nil
	}
	var ve *jsonschema.ValidationError
	if !errors.As(err, &ve) {
		return []FieldError{unreadable(err)}
	}
	found := f.collect(ve, nil)
	slices.SortStableFunc(found, func(a, b FieldError) int { return f.rank(a.Path) - f.rank(b.Path) })
	found = slices.CompactFunc(found, func(a, b FieldError) bool { return a.Path == b.Path && a.Text == b.Text })
	return found[:min(len(found), MaxErrors)]
}

// collect turns the leaves of a validation error into sentences.
func (f *Form) collect(e *jsonschema.ValidationError, found []FieldError) []FieldError {
	if len(found) >= 4*MaxErrors {
		return found
	}
	at := pointer(e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			found = append(found, f.fieldError(at+"/"+name, wordsMissing))
		}
		return found
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			found = append(found, f.fieldError(at+"/"+name, wordsMissing))
		}
		return found
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			found = append(found, f.fieldError(at+"/"+clipText(name), wordsUnknown))
		}
		return found
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		return append(found, f.fieldError(at, wordsWrong))
	}
	if len(e.Causes) == 0 {
		return append(found, f.fieldError(at, sentence(e.ErrorKind, f.at(at))))
	}
	for _, cause := range e.Causes {
		found = f.collect(cause, found)
	}
	return found
}

func (f *Form) fieldError(path string, text place.Name) FieldError {
	fe := FieldError{Path: path, Text: text}
	if field := f.at(path); field != nil {
		fe.Field = field.Label
	}
	return fe
}

// at returns the field that a JSON pointer leads to, nil if there is none.
func (f *Form) at(path string) *Field {
	fields, parts := f.fields, strings.Split(strings.TrimPrefix(path, "/"), "/")
	i := slices.IndexFunc(fields, func(x Field) bool { return x.Name == parts[0] })
	if i < 0 {
		return nil
	}
	if len(parts) < 3 {
		return &fields[i]
	}
	j := slices.IndexFunc(fields[i].Items, func(x Field) bool { return x.Name == parts[2] })
	if j < 0 {
		return &fields[i]
	}
	return &fields[i].Items[j]
}

// rank is the place of a path's field in the form.
func (f *Form) rank(path string) int {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	i := slices.IndexFunc(f.fields, func(x Field) bool { return x.Name == name })
	if i < 0 {
		return len(f.fields)
	}
	return i
}

// Field returns the question with this name.
func (f *Form) Field(name string) (Field, bool) {
	i := slices.IndexFunc(f.fields, func(x Field) bool { return x.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return f.fields[i], true
}

func pointer(parts []string) string {
	if len(parts) == 0 {
		return ""
	}
	clipped := make([]string, len(parts))
	for i, p := range parts {
		clipped[i] = clipText(p)
	}
	return "/" + strings.Join(clipped, "/")
}

// answers returns a lookup of the plain answers in a tree, as text.
func answers(tree any) func(string) string {
	m, _ := tree.(map[string]any)
	return func(name string) string {
		switch x := m[name].(type) {
		case nil:
			return ""
		case map[string]any, []any:
			return ""
		default:
			return fmt.Sprint(x)
		}
	}
}

// Answers returns the lookup that a version's Charges wants, over a form's
// answers as JSON. Answers that can't be read are empty.
func Answers(form []byte) func(field string) string {
	if root, ok := scan(form); ok && root.kind == objectNode {
		return root.answer
	}
	tree, err := parseTree(form)
	if err != nil {
		return func(string) string { return "" }
	}
	return answers(tree)
}
