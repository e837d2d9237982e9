package arch

import (
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// rule is one agreement about the tree. check returns a line for each place
// that breaks it; because tells the reader of a failure what to do.
type rule struct {
	name    string
	because string
	check   func(tree []source) []string
}

var rules = []rule{
	{"direction", "imports point down the map in map_test.go; a new folder begins with a line there", direction},
	{"one home", "a heavy library has one home; ask that package in the words of the domain", homes},
	{"pure", "this package decides apart from doing; take the value as an argument", purity},
	{"package doc", "say what the package is, where to enter and what it refuses: // Package x ...", docs},
	{"no init", "nothing happens by being imported; let a constructor receive what it needs", inits},
	{"no blank import", "nothing happens by being imported (embed, and time/tzdata in cmd, excepted)", blanks},
	{"no changing variable", "what changes belongs to a struct with its lock or its goroutine", globals},
	{"no hidden input", "the clock, the environment and the exit belong to cmd; take them as arguments", hidden},
	{"size", "cut it where the idea changes, or excuse it in map_test.go with a reason", func(tree []source) []string { return sizes(tree, excused) }},
	{"nothing left for later", "finish it, or leave it out", later},
}

// direction: a file imports from the module only what the map allows. Tests may
// also use the harnesses and the country pack, but never join node and hub.
func direction(tree []source) (found []string) {
	for _, s := range tree {
		from := part(s.dir())
		if _, ok := mayImport[from]; !ok {
			found = append(found, s.at(s.file.Package, "folder %q is not on the map", s.dir()))
			continue
		}
		s.imports(func(spec *ast.ImportSpec, target, _ string) {
			to, ours := strings.CutPrefix(target, module)
			switch {
			case !ours && !s.testing() && slices.Contains(noThirdParty, from) && thirdParty(target):
				found = append(found, s.at(spec.Pos(), "%s imports the standard library alone, not %s", from, target))
			case !ours || part(to) == from || slices.Contains(mayImport[from], part(to)):
			case !s.testing():
				found = append(found, s.at(spec.Pos(), "%s must not import %s", from, to))
			case strangers(from, part(to)):
				found = append(found, s.at(spec.Pos(), "%s and %s never meet, not even in a test; write a harness under internal", from, to))
			}
		})
	}
	return found
}

// strangers are node and hub.
func strangers(a, b string) bool {
	return a == "node" && b == "hub" || a == "hub" && b == "node"
}

// thirdParty says whether an import path begins with a domain name.
func thirdParty(target string) bool {
	first, _, _ := strings.Cut(target, "/")
	return strings.Contains(first, ".")
}

func homes(tree []source) (found []string) {
	for _, s := range tree {
		s.imports(func(spec *ast.ImportSpec, target, _ string) {
			for _, lib := range refused {
				if target == lib || thirdParty(lib) && within(target, lib) {
					found = append(found, s.at(spec.Pos(), "%s was refused", target))
				}
			}
			if s.testing() {
				return
			}
			for lib, folders := range oneHome {
				at := func(home string) bool { return within(s.dir(), home) }
				if within(target, lib) && !slices.ContainsFunc(folders, at) {
					found = append(found, s.at(spec.Pos(), "%s belongs to %s alone", lib, strings.Join(folders, ", ")))
				}
			}
		})
	}
	return found
}

func purity(tree []source) (found []string) {
	for _, s := range tree {
		if s.testing() {
			continue
		}
		for folder, banned := range pure {
			root, deep := strings.CutSuffix(folder, "/...")
			if s.dir() != root && (!deep || !within(s.dir(), root)) {
				continue
			}
			s.imports(func(spec *ast.ImportSpec, target, _ string) {
				if slices.Contains(banned, target) {
					found = append(found, s.at(spec.Pos(), "%s must not import %s", root, target))
				}
			})
		}
	}
	return found
}

// docs: every folder has a package comment. Where a package ships code the
// comment stands in a file that ships, so that go doc shows it.
func docs(tree []source) (found []string) {
	ships, documented, first := map[string]bool{}, map[string]bool{}, map[string]source{}
	isTest := func(s source) bool { return strings.HasSuffix(s.path, "_test.go") }
	for _, s := range tree {
		ships[s.dir()] = ships[s.dir()] || !isTest(s)
	}
	for _, s := range tree {
		if _, ok := first[s.dir()]; !ok {
			first[s.dir()] = s
		}
		if ships[s.dir()] && isTest(s) || s.file.Doc == nil {
			continue
		}
		want := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			want = "Command " + path.Base(s.dir()) + " "
		}
		if text := s.file.Doc.Text(); strings.HasPrefix(text, want) && len(strings.Fields(text)) > 5 {
			documented[s.dir()] = true
		}
	}
	for dir, s := range first {
		if !documented[dir] {
			found = append(found, s.at(s.file.Package, "no package comment in %s", dir))
		}
	}
	slices.Sort(found)
	return found
}

func inits(tree []source) (found []string) {
	for _, s := range tree {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				found = append(found, s.at(f.Pos(), "func init"))
			}
		}
	}
	return found
}

func blanks(tree []source) (found []string) {
	for _, s := range tree {
		s.imports(func(spec *ast.ImportSpec, target, name string) {
			fine := target == "embed" || target == "time/tzdata" && part(s.dir()) == "cmd"
			if name == "." || name == "_" && !fine {
				found = append(found, s.at(spec.Pos(), "import %s %q", name, target))
			}
		})
	}
	return found
}

// inputs are the functions through which the outside comes in unseen.
var inputs = map[string][]string{
	"time": {"Now", "Since", "Until"},
	"os":   {"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Exit"},
}

// hidden: inputs are read in cmd and tests alone, and nobody sleeps.
func hidden(tree []source) (found []string) {
	for _, s := range tree {
		names := map[string]string{}
		s.imports(func(_ *ast.ImportSpec, target, name string) { names[name] = target })
		free := s.testing() || part(s.dir()) == "cmd"
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			id, ok := sel.X.(*ast.Ident)
			if !ok || id.Obj != nil {
				return true
			}
			lib, call := names[id.Name], sel.Sel.Name
			if lib == "time" && call == "Sleep" || !free && slices.Contains(inputs[lib], call) {
				found = append(found, s.at(sel.Pos(), "%s.%s", lib, call))
			}
			return true
		})
	}
	return found
}

var laterWord = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)

func later(tree []source) (found []string) {
	for _, s := range tree {
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if word := laterWord.FindString(c.Text); word != "" {
					found = append(found, s.at(c.Pos(), "comment says %s", word))
				}
			}
		}
	}
	return found
}
