package arch

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// planted are small trees that break one rule, or nearly do. want is part of
// each finding, in order; none means that the rule must stay silent.
var planted = []struct {
	rule  string
	title string
	tree  map[string]string
	want  []string
}{
	{"direction", "domain reaches up", one("domain/place/x.go", `package place; import "kendro/protocol"`), []string{"domain must not import protocol"}},
	{"direction", "domain takes a library", one("domain/ledger/x.go", `package ledger; import "github.com/fxamacker/cbor/v2"`), []string{"standard library alone"}},
	{"direction", "domain among itself", one("domain/ledger/x.go", `package ledger; import ("errors"; "kendro/domain/fault")`), nil},
	{"direction", "domain's tests use a library", one("domain/ledger/x_test.go", `package ledger; import "pgregory.net/rapid"`), nil},
	{"direction", "identity knows protocol", one("identity/x.go", `package identity; import "kendro/protocol"`), []string{"identity must not import protocol"}},
	{"direction", "node knows hub", one("node/x.go", `package node; import "kendro/hub/register"`), []string{"node must not import hub/register"}},
	{"direction", "hub knows node", one("hub/x.go", `package hub; import "kendro/node"`), []string{"hub must not import node"}},
	{"direction", "a test joins node and hub", one("node/x_test.go", `package node_test; import "kendro/hub"`), []string{"never meet"}},
	{"direction", "a harness joins node and hub", one("internal/hubtest/x.go", `package hubtest; import ("kendro/hub"; "kendro/node")`), nil},
	{"direction", "store knows replication", one("store/x.go", `package store; import "kendro/replication"`), []string{"store must not import replication"}},
	{"direction", "replication knows store", one("replication/link/x.go", `package link; import "kendro/store/journal"`), []string{"replication must not import store/journal"}},
	{"direction", "web knows store", one("web/x.go", `package web; import "kendro/store"`), []string{"web must not import store"}},
	{"direction", "web shows forms", one("web/x.go", `package web; import ("kendro/catalogue"; "kendro/protocol")`), nil},
	{"direction", "hub embeds the country", one("hub/x.go", `package hub; import "kendro/pack/bd"`), []string{"hub must not import pack/bd"}},
	{"direction", "hub's tests use the country", one("hub/x_test.go", `package hub; import "kendro/pack/bd"`), nil},
	{"direction", "harness in what ships", one("cmd/kendro/x.go", `package main; import "kendro/internal/hubtest"`), []string{"cmd must not import internal/hubtest"}},
	{"direction", "a prefix is not a folder", one("store/x.go", `package store; import "kendro/domainlike"`), []string{"store must not import domainlike"}},
	{"direction", "new folder", one("utils/x.go", `package utils`), []string{`"utils" is not on the map`}},
	{"direction", "code in the root", one("x.go", `package kendro`), []string{`"." is not on the map`}},

	{"one home", "raft outside hub", one("store/x.go", `package store; import "github.com/hashicorp/raft"`), []string{"belongs to hub alone"}},
	{"one home", "badger in hub, a later major", one("hub/x.go", `package hub; import "github.com/dgraph-io/badger/v5"`), []string{"belongs to store alone"}},
	{"one home", "memberlist in node", one("node/x.go", `package node; import "github.com/hashicorp/memberlist"`), []string{"belongs to replication alone"}},
	{"one home", "quic in hub", one("hub/x.go", `package hub; import "github.com/quic-go/quic-go/http3"`), []string{"belongs to replication alone"}},
	{"one home", "cobra in node", one("node/x.go", `package node; import "github.com/spf13/cobra"`), []string{"belongs to cmd alone"}},
	{"one home", "schema in web", one("web/x.go", `package web; import "github.com/santhosh-tekuri/jsonschema/v6"`), []string{"belongs to catalogue alone"}},
	{"one home", "cel in hub", one("hub/x.go", `package hub; import "cel.dev/cel-go/cel"`), []string{"belongs to catalogue alone"}},
	{"one home", "yaml in cmd", one("cmd/kendro/x.go", `package main; import "github.com/goccy/go-yaml"`), []string{"belongs to catalogue alone"}},
	{"one home", "templ in node", one("node/x.go", `package node; import "github.com/a-h/templ"`), []string{"belongs to web alone"}},
	{"one home", "huma in the templates", one("web/x.go", `package web; import "github.com/danielgtaylor/huma/v2"`), []string{"belongs to web/api, node, hub alone"}},
	{"one home", "a refused library", one("hub/x.go", `package hub; import ("github.com/hashicorp/raft-boltdb/v2"; "log"; "math/rand")`), []string{"raft-boltdb/v2 was refused", "log was refused", "math/rand was refused"}},
	{"one home", "all at home", map[string]string{
		"hub/x.go":                     `package hub; import ("github.com/hashicorp/raft"; "github.com/danielgtaylor/huma/v2"; "log/slog"; "math/rand/v2")`,
		"store/x.go":                   `package store; import "github.com/dgraph-io/badger/v4"`,
		"web/api/x.go":                 `package api; import "github.com/danielgtaylor/huma/v2"`,
		"replication/link/x.go":        `package link; import "github.com/quic-go/quic-go"`,
		"internal/hubtest/x.go":        `package hubtest; import "github.com/hashicorp/raft"`,
		"node/lookalike.go":            `package node; import "github.com/hashicorp/rafter"`,
		"replication/link/sim_test.go": `package link; import "github.com/quic-go/quic-go/testutils/simnet"`,
	}, nil},

	{"pure", "domain reads files", one("domain/place/x.go", `package place; import "os"`), []string{"domain must not import os"}},
	{"pure", "register rolls dice", one("hub/register/x.go", `package register; import "math/rand/v2"`), []string{"hub/register must not import math/rand/v2"}},
	{"pure", "session machine dials", one("replication/x.go", `package replication; import "net"`), []string{"replication must not import net"}},
	{"pure", "the link dials", one("replication/link/x.go", `package link; import "net"`), nil},
	{"pure", "hub around the register", one("hub/x.go", `package hub; import "os"`), nil},

	{"package doc", "none", one("hub/x.go", `package hub`), []string{"no package comment in hub"}},
	{"package doc", "of another package", one("hub/x.go", "// Package node is quite another thing.\npackage hub"), []string{"no package comment in hub"}},
	{"package doc", "nothing but the name", one("hub/x.go", "// Package hub is hub.\npackage hub"), []string{"no package comment in hub"}},
	{"package doc", "only in a test", map[string]string{
		"hub/x.go":      `package hub`,
		"hub/x_test.go": "// Package hub is the district office and its desks.\npackage hub",
	}, []string{"no package comment in hub"}},
	{"package doc", "main is a command", one("cmd/kendro/main.go", "// Package main is the one binary of Kendro.\npackage main"), []string{"no package comment in cmd/kendro"}},
	{"package doc", "in one of two files, in a command, in a folder of tests", map[string]string{
		"hub/x.go":                     `package hub`,
		"hub/doc.go":                   "// Package hub is the district office and its desks.\npackage hub",
		"cmd/kendro/main.go":           "// Command kendro is the one binary of Kendro.\npackage main",
		"internal/faulttest/a_test.go": "// Package faulttest kills nodes and counts what is left.\npackage faulttest",
	}, nil},

	{"no init", "init", one("hub/x.go", `package hub; func init() {}`), []string{"func init"}},
	{"no init", "init in a test", one("hub/x_test.go", `package hub; func init() {}`), []string{"func init"}},
	{"no init", "a method of that name", one("hub/x.go", `package hub; type t int; func (t) init() {}; func initial() {}`), nil},

	{"no blank import", "driver", one("hub/x.go", `package hub; import _ "image/png"`), []string{`import _ "image/png"`}},
	{"no blank import", "zones outside cmd", one("hub/x.go", `package hub; import _ "time/tzdata"`), []string{"time/tzdata"}},
	{"no blank import", "dot", one("hub/x.go", `package hub; import . "strings"`), []string{`import . "strings"`}},
	{"no blank import", "embed anywhere, zones in cmd", map[string]string{
		"web/x.go":        `package web; import _ "embed"`,
		"cmd/kendro/x.go": `package main; import _ "time/tzdata"`,
	}, nil},

	{"no changing variable", "assigned, counted, indexed, from another file", map[string]string{
		"hub/x.go": `package hub; var a, n int; var m = map[int]int{}; func f() { a = 1; n++; m[1] = 2; b.c.d = 3 }`,
		"hub/y.go": `package hub; var b struct{ c struct{ d int } }`,
	}, []string{"variable a changes", "variable n changes", "variable m changes", "variable b changes"}},
	{"no changing variable", "locals and fields of the same name", map[string]string{
		"hub/x.go": `package hub; var a = 1; type t struct{ a int }; func f(x *t) int { x.a = a; a := 2; a = 3; return a }; func g(a int) { a++ }`,
		"hub/y.go": `package hub; var _ = f; func h() { _ = a }`,
	}, nil},

	{"no hidden input", "clock", one("hub/x.go", `package hub; import "time"; var now = time.Now; func f(t time.Time) { _ = time.Since(t) }`), []string{"time.Now", "time.Since"}},
	{"no hidden input", "clock under another name", one("hub/x.go", `package hub; import t "time"; var now = t.Now()`), []string{"time.Now"}},
	{"no hidden input", "environment and exit", one("node/x.go", `package node; import "os"; func f() { os.Getenv("A"); os.LookupEnv("B"); os.Exit(1) }`), []string{"os.Getenv", "os.LookupEnv", "os.Exit"}},
	{"no hidden input", "sleep in a test", one("node/x_test.go", `package node; import "time"; func f() { time.Sleep(1) }`), []string{"time.Sleep"}},
	{"no hidden input", "sleep in cmd", one("cmd/kendro/x.go", `package main; import "time"; func f() { time.Sleep(1) }`), []string{"time.Sleep"}},
	{"no hidden input", "cmd, tests, harnesses and lookalikes", map[string]string{
		"cmd/kendro/x.go":       `package main; import ("os"; "time"); func f() { _ = time.Now(); os.Exit(1) }`,
		"node/x_test.go":        `package node; import "time"; var now = time.Now`,
		"internal/hubtest/x.go": `package hubtest; import "time"; var now = time.Now`,
		"hub/x.go":              `package hub; import "time"; type c struct{ Now func() time.Time }; func f(time c) { _ = time.Now() }`,
	}, nil},

	{"size", "long file", one("hub/x.go", "package hub\n"+strings.Repeat("// x\n", maxFileLines)), []string{"hub/x.go: 501 lines"}},
	{"size", "long function", one("hub/x.go", "package hub; func f() {\n"+strings.Repeat("g()\n", maxFuncLines)+"}"), []string{"hub/x.go:f: 102 lines"}},
	{"size", "parameters", one("hub/x.go", `package hub; func f(a, b, c, d, e, f int) {}`), []string{"hub/x.go:f: 6 parameters"}},
	{"size", "fields", one("hub/x.go", "package hub; type t struct {\n"+strings.Repeat("_ int\n", maxFields+1)+"}"), []string{"hub/x.go:t: 21 fields"}},
	{"size", "methods over two files", map[string]string{
		"hub/x.go": "package hub\ntype t[K any] int\n" + strings.Repeat("func (*t[K]) _() {}\n", maxMethods),
		"hub/y.go": "package hub\nfunc (t[K]) f() {}\n",
	}, []string{"hub.t: 31 methods"}},
	{"size", "at the limits, generated, and a long table test", map[string]string{
		"hub/x.go":       "package hub\n" + strings.Repeat("// x\n", maxFileLines-1),
		"hub/y.go":       `package hub; func f(a, b, c, d, e int) {}`,
		"web/x_templ.go": "// Code generated by templ - DO NOT EDIT.\n\npackage web\n" + strings.Repeat("// x\n", maxFileLines),
		"hub/x_test.go":  "package hub; func f() {\n" + strings.Repeat("g()\n", maxFuncLines) + "}",
	}, nil},

	{"nothing left for later", "a note to oneself", one("hub/x.go", "package hub // TO"+"DO(me): more\n/* FIX"+"ME */"), []string{"comment says TO" + "DO", "comment says FIX" + "ME"}},
	{"nothing left for later", "a longer word, a string", one("hub/x.go", "package hub // TO"+"DOS is a system\nconst s = `TO"+"DO`"), nil},
}

// one is a tree of one file.
func one(name, text string) map[string]string { return map[string]string{name: text} }

// TestPlanted shows for each rule that it finds what it is for, and no more.
func TestPlanted(t *testing.T) {
	for _, p := range planted {
		t.Run(p.rule+"/"+p.title, func(t *testing.T) {
			i := slices.IndexFunc(rules, func(r rule) bool { return r.name == p.rule })
			if i < 0 {
				t.Fatalf("there is no rule %q", p.rule)
			}
			got := rules[i].check(plant(t, p.tree))
			if len(got) != len(p.want) {
				t.Fatalf("got %d findings %q; want %d %q", len(got), got, len(p.want), p.want)
			}
			for i, want := range p.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("got %q; want it to say %q", got[i], want)
				}
			}
		})
	}
}

// TestEveryRuleIsPlanted keeps a rule from being added without its proof.
func TestEveryRuleIsPlanted(t *testing.T) {
	for _, r := range rules {
		found, silent := 0, 0
		for _, p := range planted {
			switch {
			case p.rule != r.name:
			case len(p.want) > 0:
				found++
			default:
				silent++
			}
		}
		if found == 0 || silent == 0 {
			t.Errorf("rule %q: %d planted cases that it finds, %d that it lets pass; want both", r.name, found, silent)
		}
	}
}

// TestExcused shows that an excuse covers what it names and nothing else.
func TestExcused(t *testing.T) {
	long := "package hub\n" + strings.Repeat("// x\n", maxFileLines)
	tree := plant(t, map[string]string{"hub/x.go": long, "hub/y.go": long})
	got := sizes(tree, map[string]string{"hub/x.go": "one table that reads best in one piece"})
	if len(got) != 1 || !strings.HasPrefix(got[0], "hub/y.go:") {
		t.Errorf("got %q; want hub/y.go alone", got)
	}
}

// plant parses a small tree, sorted by path.
func plant(t *testing.T, files map[string]string) (tree []source) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		s, err := parse(name, []byte(files[name]))
		if err != nil {
			t.Fatal(err)
		}
		tree = append(tree, s)
	}
	return tree
}
