package arch

import (
	"fmt"
	"go/ast"
	"strings"
)

// The limits. Below them a reviewer judges; above them somebody writes down why.
const (
	maxFileLines  = 500
	maxFuncLines  = 100
	maxParameters = 5
	maxFields     = 20
	maxMethods    = 30
)

// sizes finds what is larger than the limits and not excused. Findings begin
// with the key by which excused names the thing.
func sizes(tree []source, excused map[string]string) (found []string) {
	methods := map[string]int{}
	report := func(key, format string, args ...any) {
		if _, ok := excused[key]; !ok {
			found = append(found, key+": "+fmt.Sprintf(format, args...))
		}
	}
	for _, s := range tree {
		if s.generated() {
			continue
		}
		if s.lines > maxFileLines {
			report(s.path, "%d lines; at most %d", s.lines, maxFileLines)
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				s.sizeOfFunc(d, methods, report)
			case *ast.GenDecl:
				s.sizeOfTypes(d, report)
			}
		}
	}
	for key, n := range methods {
		if n > maxMethods {
			report(key, "%d methods; at most %d", n, maxMethods)
		}
	}
	return found
}

type reporter func(key, format string, args ...any)

func (s source) sizeOfFunc(f *ast.FuncDecl, methods map[string]int, report reporter) {
	if f.Recv != nil {
		methods[s.dir()+"."+receiver(f.Recv.List[0].Type)]++
	}
	key := s.path + ":" + f.Name.Name
	if n := f.Type.Params.NumFields(); n > maxParameters {
		report(key, "%d parameters; at most %d", n, maxParameters)
	}
	lines := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1
	if lines > maxFuncLines && !strings.HasSuffix(s.path, "_test.go") {
		report(key, "%d lines; at most %d", lines, maxFuncLines)
	}
}

func (s source) sizeOfTypes(d *ast.GenDecl, report reporter) {
	for _, spec := range d.Specs {
		ts, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		if st, ok := ts.Type.(*ast.StructType); ok && st.Fields.NumFields() > maxFields {
			report(s.path+":"+ts.Name.Name, "%d fields; at most %d", st.Fields.NumFields(), maxFields)
		}
	}
}

// receiver is the name of a method's type, without pointer and type parameters.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
