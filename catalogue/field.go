package catalogue

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"kendro/domain/place"
)

// A Field is one question of a form, as a page draws it.
type Field struct {
	Name      string     `json:"name"`
	Path      string     `json:"path"` // JSON pointer; the index of a row is *.
	Label     place.Name `json:"label"`
	Help      place.Name `json:"help"`
	Widget    string     `json:"widget"` // One of text, textarea, number, date, select, radio, checkbox, phone, rows.
	Order     int        `json:"order"`
	Required  bool       `json:"required"`
	Type      string     `json:"type"` // string, integer, boolean or array.
	Format    string     `json:"format,omitempty"`
	Pattern   string     `json:"pattern,omitempty"`
	NotAfter  string     `json:"not_after,omitempty"` // "today": a date that may not lie in the future.
	MinLength int        `json:"min_length,omitempty"`
	MaxLength int        `json:"max_length,omitempty"`
	Minimum   *int64     `json:"minimum,omitempty"`
	Maximum   *int64     `json:"maximum,omitempty"`
	Options   []Option   `json:"options,omitempty"`
	Items     []Field    `json:"items,omitempty"` // The fields of a row, where Widget is rows.
	MinItems  int        `json:"min_items,omitempty"`
	MaxItems  int        `json:"max_items,omitempty"`
	Sample    string     `json:"-"` // Which generator makes plausible answers.
}

// An Option is one answer to choose.
type Option struct {
	Value string     `json:"value"`
	Label place.Name `json:"label"`
}

var widgets = []string{"text", "textarea", "number", "date", "select", "radio", "checkbox", "phone", "rows"}

// A hint is the x-kendro object of a property.
type hint struct {
	Label  place.Name `json:"label"`
	Help   place.Name `json:"help"`
	Widget string     `json:"widget"`
	Order  int        `json:"order"`
	Sample string     `json:"sample"`

	NotAfter string                `json:"not_after"`
	Options  map[string]place.Name `json:"options"`
}

// A property is what a counter page needs of a property's schema.
type property struct {
	Type      string   `json:"type"`
	Format    string   `json:"format"`
	Pattern   string   `json:"pattern"`
	Enum      []string `json:"enum"`
	MinLength int      `json:"minLength"`
	MaxLength int      `json:"maxLength"`
	Minimum   *int64   `json:"minimum"`
	Maximum   *int64   `json:"maximum"`
	MinItems  int      `json:"minItems"`
	MaxItems  int      `json:"maxItems"`
	Hint      hint     `json:"x-kendro"`
}

// readFields reads the properties of an object schema.
func readFields(schema map[string]any, at string) ([]Field, error) {
	props, ok := schema["properties"].(map[string]any)
	if !ok || len(props) == 0 {
		return nil, fmt.Errorf("form%s: want properties", at)
	}
	required := map[string]bool{}
	list, _ := schema["required"].([]any)
	if or, ok := schema["else"].(map[string]any); ok {
		more, _ := or["required"].([]any)
		list = append(slices.Clone(list), more...)
	}
	for _, r := range list {
		name, _ := r.(string)
		if _, ok := props[name]; !ok {
			return nil, fmt.Errorf("form%s: the required field %q is not among the properties", at, name)
		}
		required[name] = true
	}
	fields := make([]Field, 0, len(props))
	for name, raw := range props {
		f, err := readField(name, at, raw)
		if err != nil {
			return nil, err
		}
		f.Required = required[name]
		fields = append(fields, f)
	}
	slices.SortFunc(fields, func(a, b Field) int { return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name)) })
	return fields, nil
}

func readField(name, at string, raw any) (Field, error) {
	path := at + "/" + name
	b, err := json.Marshal(raw)
	if err != nil {
		return Field{}, fmt.Errorf("form%s: %w", path, err)
	}
	var p property
	if err := json.Unmarshal(b, &p); err != nil {
		return Field{}, fmt.Errorf("form%s: a counter page can't draw this: %w", path, err)
	}
	f := Field{
		Name: name, Path: path, Label: p.Hint.Label, Help: p.Hint.Help, Widget: p.Hint.Widget, Order: p.Hint.Order,
		Type: p.Type, Format: p.Format, Pattern: p.Pattern, NotAfter: p.Hint.NotAfter, MinLength: p.MinLength, MaxLength: p.MaxLength,
		Minimum: p.Minimum, Maximum: p.Maximum, MinItems: p.MinItems, MaxItems: p.MaxItems, Sample: p.Hint.Sample,
	}
	for _, v := range p.Enum {
		f.Options = append(f.Options, Option{Value: v, Label: p.Hint.Options[v]})
	}
	switch p.Type {
	case "string", "integer", "boolean":
	case "array":
		err = readRows(&f, raw, at)
	default:
		err = fmt.Errorf("form%s: type %q: want string, integer, boolean or an array of objects", path, p.Type)
	}
	if f.Widget == "" {
		f.Widget = defaultWidget(f)
	}
	return f, err
}

func readRows(f *Field, raw any, at string) error {
	items, _ := raw.(map[string]any)["items"].(map[string]any)
	if at != "" || items == nil || items["type"] != "object" || items["additionalProperties"] != false {
		return fmt.Errorf("form%s: an array holds objects with additionalProperties: false, one level deep", f.Path)
	}
	if f.MaxItems < 1 || f.MaxItems > 100 {
		return fmt.Errorf("form%s: want maxItems of 1 to 100", f.Path)
	}
	var err error
	f.Items, err = readFields(items, f.Path+"/*")
	return err
}

func defaultWidget(f Field) string {
	switch {
	case f.Type == "array":
		return "rows"
	case f.Type == "boolean":
		return "checkbox"
	case f.Type == "integer":
		return "number"
	case len(f.Options) > 0:
		return "select"
	case f.Format == "date":
		return "date"
	default:
		return "text"
	}
}
