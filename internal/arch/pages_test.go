package arch

import (
	"fmt"
	"go/ast"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var link = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)\s]*)?\)`)

// brokenLinks finds links between the module's pages that lead nowhere, and
// pages under docs that docs/README.md or the index of their folder leaves out.
func brokenLinks(tree fs.FS) (found []string, err error) {
	linked := map[string]bool{}
	var pages []string
	err = fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(skipped, d.Name())) {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".md" {
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		pages = append(pages, name)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], ":") {
				continue
			}
			target := path.Join(path.Dir(name), m[1])
			if _, err := fs.Stat(tree, target); err != nil {
				found = append(found, fmt.Sprintf("%s: link to %s leads nowhere", name, m[1]))
			}
			if path.Base(name) == "README.md" {
				linked[target] = true
			}
		}
		return nil
	})
	for _, page := range pages {
		if within(page, "docs") && page != "docs/README.md" && !linked[page] {
			found = append(found, fmt.Sprintf("%s: no README links to it", page))
		}
	}
	return found, err
}

// TestPages follows every link between the pages of the module.
func TestPages(t *testing.T) {
	found, err := brokenLinks(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}

// TestPagesPlanted shows that broken links and forgotten pages are found.
func TestPagesPlanted(t *testing.T) {
	tree := fstest.MapFS{}
	for name, text := range map[string]string{
		"README.md":                "[docs](docs/README.md), [web](https://example.org/x.md)",
		"docs/README.md":           "[a](a.md#part) [gone](gone.md) [d](decisions/README.md)",
		"docs/a.md":                "[up](../README.md) [b](b.md)",
		"docs/b.md":                "only a page links here",
		"docs/decisions/README.md": "",
		"testdata/x.md":            "[not ours](nowhere.md)",
	} {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	got, err := brokenLinks(tree)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"docs/README.md: link to gone.md leads nowhere", "docs/b.md: no README links to it"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
}

// named is a test's name in a page; one that ends in "…" stands for those that begin so.
var named = regexp.MustCompile(`\bTest[A-Z0-9][A-Za-z0-9]*…?`)

// TestRequirementsNameTests: what docs/requirements.md gives as shown by a test is one.
func TestRequirementsNameTests(t *testing.T) {
	tests := map[string]bool{}
	for _, s := range readTree(t, "../..") {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasSuffix(s.path, "_test.go") {
				tests[f.Name.Name] = true
			}
		}
	}
	text, err := os.ReadFile("../../docs/requirements.md")
	if err != nil {
		t.Fatal(err)
	}
	names := named.FindAllString(string(text), -1)
	for _, name := range names {
		begin, many := strings.CutSuffix(name, "…")
		if !tests[begin] && (!many || !slices.ContainsFunc(slices.Collect(maps.Keys(tests)), func(have string) bool { return strings.HasPrefix(have, begin) })) {
			t.Errorf("docs/requirements.md names %s: there is no such test", name)
		}
	}
	if len(names) < 100 {
		t.Errorf("%d tests are named: the page is read wrongly", len(names))
	}
}
