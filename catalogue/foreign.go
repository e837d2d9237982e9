package catalogue

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/unicode/norm"

	"kendro/domain/digit"
	"kendro/domain/fault"
)

// A Mapping reads rows of another system's file into bodies of POST /v1/applications. A
// column that it doesn't name goes nowhere, such as a row's own ID.
type Mapping struct{ in mappingFile }

// mappingFile is the YAML. The tags are the words of who writes it.
type mappingFile struct {
	System    string          `yaml:"system"`
	Number    cell            `yaml:"number"`
	FiledOn   cell            `yaml:"filed_on"`
	PostedOn  cell            `yaml:"posted_on"`
	Service   cell            `yaml:"service"`
	Channel   cell            `yaml:"channel"`
	Applicant map[string]cell `yaml:"applicant"`
	IDs       map[string]cell `yaml:"identifiers"`
	Form      map[string]cell `yaml:"form"`
	Seen      []string        `yaml:"originals"`
}

// A cell is where one value comes from: a column, or the same text in every row.
type cell struct {
	Column string            `yaml:"column"`
	Value  string            `yaml:"value"`
	Words  map[string]string `yaml:"words"`
	As     string            `yaml:"as"`
}

// UnmarshalYAML reads a column's name alone as that column.
func (c *cell) UnmarshalYAML(read func(any) error) error {
	if read(&c.Column) == nil {
		return nil
	}
	type plain cell
	*c = cell{}
	return read((*plain)(c))
}

// How a cell's text is read.
const (
	asText   = ""
	asDigits = "digits" // Bangla digits become Latin ones.
	asNumber = "number"
	asDate   = "date"
	asYes    = "yes" // True for yes, হ্যাঁ and the like.
)

// ReadMapping reads a mapping. What is wrong with it is [fault.Invalid].
func ReadMapping(name string, text []byte) (*Mapping, error) {
	const op = "catalogue.ReadMapping"
	if _, findings := newSource(name, text); len(findings) > 0 {
		return nil, fault.New(op, fault.Invalid, name, findings[0].String())
	}
	m := &Mapping{}
	if err := yaml.UnmarshalWithOptions(text, &m.in, yaml.Strict()); err != nil {
		return nil, fault.New(op, fault.Invalid, name, yaml.FormatError(err, false, false))
	}
	in := &m.in
	switch {
	case in.System == "" || len(in.System) > maxSystem || in.Number.Column == "":
		return nil, fault.New(op, fault.Invalid, name, "want system, a short name of the other system, and number, the column with its number")
	case in.Service.none() || in.Channel.none():
		return nil, fault.New(op, fault.Invalid, name, "want service and channel, each a column or {value: …}")
	}
	for _, c := range m.cells() {
		if !slices.Contains([]string{asText, asDigits, asNumber, asDate, asYes}, c.As) || (c.Column == "") == (c.Value == "") {
			return nil, fault.New(op, fault.Invalid, name, "want a column or a value each, and as: digits, number, date or yes where it is no text")
		}
	}
	return m, nil
}

func (c cell) none() bool { return c.Column == "" && c.Value == "" }

// cells are those that are given.
func (m *Mapping) cells() (list []cell) {
	in := &m.in
	list = append(list, in.Number, in.FiledOn, in.PostedOn, in.Service, in.Channel)
	for _, part := range []map[string]cell{in.Applicant, in.IDs, in.Form} {
		for _, name := range slices.Sorted(maps.Keys(part)) {
			list = append(list, part[name])
		}
	}
	return slices.DeleteFunc(list, cell.none)
}

// Columns are the columns that a file must have.
func (m *Mapping) Columns() (list []string) {
	for _, c := range m.cells() {
		if c.Column != "" && !slices.Contains(list, c.Column) {
			list = append(list, c.Column)
		}
	}
	return list
}

// A ForeignRow is one row, ready to be entered. The same row has the same Key.
type ForeignRow struct {
	Key    string
	Number string // Of the other system.
	Body   []byte
}

// Row reads one row by the names of its columns. The failure is [fault.Invalid] and names
// the column.
func (m *Mapping) Row(columns map[string]string) (*ForeignRow, error) {
	in, r := &m.in, rowReader{columns: columns}
	from := map[string]any{"system": in.System}
	r.into(from, "number", in.Number)
	in.FiledOn.As = asDate
	r.into(from, "filed_on", in.FiledOn)
	number, _ := from["number"].(string)
	if r.err == nil && number == "" {
		r.err = fault.New("catalogue.Row", fault.Invalid, in.Number.Column, "it is empty: without the other system's number a row is nothing that could come once")
	}
	body := map[string]any{"elsewhere": from, "applicant": r.object(in.Applicant, in.IDs), "form": r.object(in.Form, nil)}
	r.into(body, "service", in.Service)
	r.into(body, "channel", in.Channel)
	in.PostedOn.As = asDate
	r.into(body, "posted_on", in.PostedOn)
	if len(in.Seen) > 0 {
		var seen []any
		for _, id := range in.Seen {
			seen = append(seen, map[string]any{"id": id, "original_at_counter": true})
		}
		body["documents"] = seen
	}
	if r.err != nil {
		return nil, r.err
	}
	text, err := json.Marshal(body)
	sum := sha256.Sum256([]byte("kendro-import-1\x00" + in.System + "\x00" + number))
	return &ForeignRow{Key: "import-" + hex.EncodeToString(sum[:16]), Number: number, Body: text}, err
}

// A rowReader reads the cells of one row until one fails.
type rowReader struct {
	columns map[string]string
	err     error
}

// object reads a part of the body; identifiers become its list of them.
func (r *rowReader) object(part, ids map[string]cell) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(part)) {
		c := part[name]
		if name == "mobile" && c.As == asText {
			c.As = asDigits
		}
		r.into(out, name, c)
	}
	var list []any
	for _, kind := range slices.Sorted(maps.Keys(ids)) {
		c := ids[kind]
		c.As = asDigits
		one := map[string]any{"type": kind}
		if r.into(one, "value", c); one["value"] != nil {
			list = append(list, one)
		}
	}
	if len(list) > 0 {
		out["identifiers"] = list
	}
	return out
}

// into reads a cell; an empty one is left out.
func (r *rowReader) into(out map[string]any, name string, c cell) {
	text := c.Value
	if c.Column != "" {
		text = strings.TrimSpace(norm.NFC.String(r.columns[c.Column]))
	}
	if word, ok := c.Words[text]; ok {
		text = word
	}
	if text == "" || r.err != nil {
		return
	}
	v, err := c.read(text)
	if err != nil {
		r.err = fault.New("catalogue.Row", fault.Invalid, c.Column, err.Error())
		return
	}
	out[name] = v
}

func (c cell) read(text string) (any, error) {
	digits := digit.InLatin(text)
	switch c.As {
	case asDigits:
		return strings.ReplaceAll(digits, " ", ""), nil
	case asNumber:
		n := json.Number(strings.ReplaceAll(digits, ",", ""))
		if _, err := n.Float64(); err != nil {
			return nil, fmt.Errorf("%q is no number", text)
		}
		return n, nil
	case asDate:
		for _, layout := range []string{time.DateOnly, "2/1/2006", "2-1-2006", "2.1.2006"} {
			if day, err := time.Parse(layout, digits); err == nil {
				return day.Format(time.DateOnly), nil
			}
		}
		return nil, fmt.Errorf("%q is no day: want such as 2026-11-20 or 20/11/2026", text)
	case asYes:
		return slices.Contains([]string{"yes", "y", "true", "1", "হ্যাঁ"}, strings.ToLower(digits)), nil
	}
	return text, nil
}
