package catalogue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// ProposedFile holds the changes of an overlay that came from proposals.
const ProposedFile = changesDir + "/proposals.yaml"

// NewOverlay returns the files of an overlay that changes nothing yet.
func NewOverlay(district string, base int) []dcat.File {
	return []dcat.File{{Name: overlayFile, Text: fmt.Appendf(nil, "district: %q\nbase: %d\n", district, base)}}
}

// An Amendment is one field that was proposed and accepted, with its values as JSON.
type Amendment struct {
	Service  string
	Field    string
	Was      string // What is in force.
	Value    string
	Reason   string
	Proposal string // Its ID.
}

// Amend returns an overlay's files with the amendments in them, comments and all else as
// they were: the new value where the overlay changes the field already, a line in
// ProposedFile where it doesn't. A seal is taken off, since it fits no more. It fails with
// [fault.Invalid] where the overlay can't be read.
func Amend(files []dcat.File, list []Amendment) ([]dcat.File, error) {
	const op = "catalogue.Amend"
	o, found := ReadOverlay(files)
	if err := FindingsError(op, found); err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(slices.Clone(files), func(f dcat.File) bool { return f.Name == SealFile })
	var more bytes.Buffer
	for _, a := range list {
		i := slices.IndexFunc(o.changes, func(c change) bool { return c.Service == a.Service && c.Field == a.Field })
		if i < 0 {
			a.write(&more)
			continue
		}
		c := &o.changes[i]
		at := slices.IndexFunc(files, func(f dcat.File) bool { return f.Name == c.src.name })
		text, err := revalue(files[at].Text, c.nth, a.Value)
		if err != nil {
			return nil, fault.Wrap(op, fault.Invalid, c.src.name, err)
		}
		files[at].Text = text
	}
	if more.Len() == 0 {
		return files, nil
	}
	at := slices.IndexFunc(files, func(f dcat.File) bool { return f.Name == ProposedFile })
	if at < 0 {
		return append(files, dcat.File{Name: ProposedFile, Text: append([]byte("# Proposed by offices, and accepted.\n"), more.Bytes()...)}), nil
	}
	files[at].Text = slices.Concat(bytes.TrimRight(files[at].Text, "\n"), []byte("\n"), more.Bytes())
	return files, nil
}

// write writes an amendment as a change: JSON is YAML.
func (a *Amendment) write(w *bytes.Buffer) {
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			return `""`
		}
		return string(b)
	}
	fmt.Fprintf(w, "- service: %s\n  field: %s\n  was: %s\n  value: %s\n  reason: %s\n  proposal: %s\n",
		a.Service, a.Field, a.Was, a.Value, quoted(a.Reason), quoted(a.Proposal))
}

// revalue puts another value into the nth change of a file.
func revalue(text []byte, nth int, value string) ([]byte, error) {
	file, err := parser.ParseBytes(text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	p, err := yaml.PathString(fmt.Sprintf("$[%d].value", nth))
	if err != nil {
		return nil, err
	}
	if err := p.ReplaceWithReader(file, strings.NewReader(value)); err != nil {
		return nil, err
	}
	out := file.String()
	if !strings.HasSuffix(out, "\n") {
		out += "\n"
	}
	return []byte(out), nil
}
