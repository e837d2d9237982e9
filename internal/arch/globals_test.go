package arch

import (
	"go/ast"
	"go/token"
)

// globals finds assignments to package variables inside functions. It goes by
// the syntax alone: a variable changed through its address or by a method (a
// mutex, an atomic) escapes it, and a reviewer has to see that.
func globals(tree []source) (found []string) {
	owned := map[string]map[string]bool{} // folder → package variables
	for _, s := range tree {
		if owned[s.dir()] == nil {
			owned[s.dir()] = map[string]bool{}
		}
		for _, spec := range s.packageVars() {
			for _, name := range spec.Names {
				owned[s.dir()][name.Name] = name.Name != "_"
			}
		}
	}
	for _, s := range tree {
		if s.testing() || s.generated() {
			continue
		}
		local := s.locals()
		changes := func(e ast.Expr) {
			if id := rootOf(e); id != nil && owned[s.dir()][id.Name] && !local(id) {
				found = append(found, s.at(id.Pos(), "package variable %s changes", id.Name))
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					if n.Tok != token.DEFINE {
						changes(e)
					}
				}
			case *ast.IncDecStmt:
				changes(n.X)
			}
			return true
		})
	}
	return found
}

// packageVars lists the var declarations at the top of the file.
func (s source) packageVars() (specs []*ast.ValueSpec) {
	for _, d := range s.file.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, spec := range g.Specs {
				specs = append(specs, spec.(*ast.ValueSpec))
			}
		}
	}
	return specs
}

// locals tells an identifier that a function declares from one that the package
// declares. The parser resolves names inside a file: what it left open, or
// bound to a declaration at the top, is the package's.
func (s source) locals() func(*ast.Ident) bool {
	top := map[any]bool{}
	for _, spec := range s.packageVars() {
		top[spec] = true
	}
	return func(id *ast.Ident) bool { return id.Obj != nil && !top[id.Obj.Decl] }
}

// rootOf is the variable that an assignment to e changes: x in x.f[i].
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
