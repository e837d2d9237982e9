package catalogue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// A Finding is one thing that is wrong with a pack's source files. Line and
// Column count from 1; they are 0 where a finding concerns a whole file.
type Finding struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Text   string `json:"text"`
}

func (f Finding) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Text)
}

// A source is one YAML file of a pack, kept so that findings can name a line.
type source struct {
	name   string
	text   []byte
	tokens token.Tokens
}

// readSource reads a bounded file and refuses what a strict reader shouldn't
// expand: anchors, aliases, merge keys, tags, and deep nesting.
func readSource(fsys fs.FS, name string) (*source, []Finding) {
	text, err := readFile(fsys, name)
	if err != nil {
		return nil, []Finding{{File: name, Text: err.Error()}}
	}
	return newSource(name, text)
}

func newSource(name string, text []byte) (*source, []Finding) {
	if len(text) > MaxFile {
		return nil, []Finding{{File: name, Text: tooLong(len(text), MaxFile)}}
	}
	s := &source{name: name, text: text, tokens: lexer.Tokenize(string(text))}
	depth, entries, line := 0, 0, 0
	for _, t := range s.tokens {
		if t.Position.Line != line {
			line, entries = t.Position.Line, 0
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType, token.MappingKeyType, token.DirectiveType:
			return nil, []Finding{s.at(t, fmt.Sprintf("%q: anchors, aliases, tags, merges and directives are not allowed; write the value out", clipText(t.Value)))}
		case token.DocumentHeaderType, token.DocumentEndType:
			return nil, []Finding{s.at(t, "one document a file: remove the separator")}
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType:
			entries++
		default: // Plain values.
		}
		if depth > maxDepth || entries > maxDepth || t.Position.IndentNum > 8*maxDepth {
			return nil, []Finding{s.at(t, "nested too deeply")}
		}
	}
	return s, nil
}

// decode fills v strictly: an unknown or double key is a finding.
func (s *source) decode(v any) []Finding {
	err := yaml.UnmarshalWithOptions(s.text, v, yaml.Strict())
	if err == nil {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return []Finding{{File: s.name, Text: "the file is empty"}}
	}
	var ye yaml.Error
	if errors.As(err, &ye) && ye.GetToken() != nil {
		t := ye.GetToken()
		f := s.at(t, ye.GetMessage())
		f.Text += "\n" + s.caret(f.Line, f.Column)
		return []Finding{f}
	}
	return []Finding{{File: s.name, Text: err.Error()}}
}

// caret shows a line with a mark under the column.
func (s *source) caret(line, column int) string {
	lines := strings.Split(string(s.text), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	text := lines[line-1]
	if len(text) > 200 {
		return ""
	}
	return text + "\n" + strings.Repeat(" ", max(0, column-1)) + "^"
}

func (s *source) at(t *token.Token, text string) Finding {
	return Finding{File: s.name, Line: t.Position.Line, Column: t.Position.Column, Text: text}
}

// find returns a finding at the n-th place (from 0) where the file has this
// exact scalar, or at the whole file if it isn't there.
func (s *source) find(value string, n int, text string) Finding {
	for _, t := range s.tokens {
		if t.Value != value || t.Type == token.CommentType {
			continue
		}
		if n == 0 {
			return s.at(t, text)
		}
		n--
	}
	return Finding{File: s.name, Text: text}
}

func readFile(fsys fs.FS, name string) ([]byte, error) { return readUpTo(fsys, name, MaxFile) }

func readTable(fsys fs.FS, name string) ([]byte, error) { return readUpTo(fsys, name, MaxTable) }

func readUpTo(fsys fs.FS, name string, limit int) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, fmt.Errorf("can't be read: %w", err)
	}
	if len(text) > limit {
		return nil, errors.New(tooLong(len(text), limit))
	}
	return text, nil
}

func tooLong(n, limit int) string {
	return fmt.Sprintf("%d bytes or more: the limit of a file is %d", n, limit)
}

// serviceFiles lists services/*.yaml in order.
func serviceFiles(fsys fs.FS) ([]string, []Finding) {
	names, err := fs.Glob(fsys, path.Join(servicesDir, "*.yaml"))
	if err != nil || len(names) == 0 {
		return nil, []Finding{{File: servicesDir, Text: "no service: want files such as services/land-record-copy.yaml"}}
	}
	if len(names) > MaxFiles {
		return nil, []Finding{{File: servicesDir, Text: fmt.Sprintf("%d files: the limit is %d", len(names), MaxFiles)}}
	}
	slices.Sort(names)
	return names, nil
}

func exists(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return err == nil
}

func clipText(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
