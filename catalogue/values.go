package catalogue

import (
	"encoding/json"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"kendro/domain/digit"
)

// FromValues turns what a page posts into answers as JSON. Value returns the
// posted text of a name, "" if there is none; the cells of a row are named
// field.index.name ("heirs.0.age"). Empty answers are left out, Bangla digits
// become Latin where a number is wanted, and what doesn't fit its type stays as
// typed, so that [Form.Validate] can say what is wrong with it.
func (f *Form) FromValues(value func(name string) string) ([]byte, error) {
	return writeTree(fromValues(f.fields, "", value))
}

func fromValues(fields []Field, prefix string, value func(string) string) map[string]any {
	m := map[string]any{}
	for _, x := range fields {
		if x.Type == "array" {
			if rows := rowValues(x, prefix+x.Name, value); len(rows) > 0 {
				m[x.Name] = rows
			}
			continue
		}
		if v, ok := fromValue(x, strings.TrimSpace(value(prefix+x.Name))); ok {
			m[x.Name] = v
		}
	}
	return m
}

// rowValues skips empty rows; a person may leave one between others.
func rowValues(x Field, name string, value func(string) string) []any {
	var rows []any
	for i := range x.MaxItems {
		row := fromValues(x.Items, name+"."+strconv.Itoa(i)+".", value)
		if len(row) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

func fromValue(x Field, text string) (any, bool) {
	switch x.Type {
	case "boolean":
		switch text {
		case "on", "true", "1":
			return true, true
		case "", "off", "false", "0":
			return false, x.Required
		}
	case "integer":
		text = digit.InLatin(text)
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return json.Number(strconv.FormatInt(n, 10)), true
		}
	case "string":
		if x.Format == "date" || strings.Contains(x.Pattern, "0-9") {
			text = digit.InLatin(text)
		}
	}
	return norm.NFC.String(text), text != ""
}
