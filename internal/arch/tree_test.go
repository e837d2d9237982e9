package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// source is one Go file of the module.
type source struct {
	path  string // From the root of the module, with slashes.
	lines int
	set   *token.FileSet
	file  *ast.File
}

// dir is the folder of the file, "." for the root.
func (s source) dir() string { return path.Dir(s.path) }

// testing says whether the file never ships: a test, or a harness.
func (s source) testing() bool {
	return strings.HasSuffix(s.path, "_test.go") || within(s.path, "internal")
}

func (s source) generated() bool { return ast.IsGenerated(s.file) }

// at prefixes a finding with its place.
func (s source) at(pos token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s:%d: %s", s.path, s.set.Position(pos).Line, fmt.Sprintf(format, args...))
}

// imports calls fn with every import path of the file and the name it has there.
func (s source) imports(fn func(spec *ast.ImportSpec, target, name string)) {
	for _, spec := range s.file.Imports {
		target := strings.Trim(spec.Path.Value, `"`)
		name := path.Base(target)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		fn(spec, target, name)
	}
}

// parse reads one file of the tree.
func parse(name string, text []byte) (source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments)
	if err != nil {
		return source{}, err
	}
	return source{path: name, lines: bytes.Count(text, []byte("\n")), set: set, file: file}, nil
}

// skipped are folders without code of ours.
var skipped = []string{"testdata", "vendor", "node_modules", "bin"}

// readTree parses every Go file of the module, sorted by path.
func readTree(t *testing.T, root string) []source {
	t.Helper()
	var tree []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || slices.Contains(skipped, d.Name())) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), text)
		if err != nil {
			return err
		}
		tree = append(tree, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestTree holds the code of the whole module to every rule.
func TestTree(t *testing.T) {
	tree := readTree(t, "../..")
	if len(tree) < 10 {
		t.Fatalf("found %d Go files; this test must run inside the module", len(tree))
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, finding := range r.check(tree) {
				t.Errorf("%s\n\t%s", finding, r.because)
			}
		})
	}
}

// TestExcusesAreNeeded keeps the list of exceptions from outliving its reasons.
func TestExcusesAreNeeded(t *testing.T) {
	all := sizes(readTree(t, "../.."), nil)
	for key, reason := range excused {
		if len(strings.Fields(reason)) < 4 {
			t.Errorf("excused[%q] = %q; want a sentence that says why", key, reason)
		}
		if !slices.ContainsFunc(all, func(f string) bool { return strings.HasPrefix(f, key+":") }) {
			t.Errorf("excused[%q] is within the limits now; delete the line", key)
		}
	}
}
