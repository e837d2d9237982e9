package register

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kendro/protocol"
)

var (
	storms   = flag.Uint64("storms", 0, "storms that TestNothingStopsApply sends beside those of every run")
	stormOf  = flag.Uint64("storm", 0, "seed of the first of them")
	stormFor = flag.Int("storm-steps", 300, "entries of each of them")
)

// A storm is a history drawn from a seed: all that boxes can sign and all that people can
// command, fitting and not, at cases in every state.
type storm struct {
	drawer
	kinds    []protocol.Kind
	payloads map[protocol.Kind]func(*storm) any
	bodies   map[Method]func(*storm) any
	doing    string         // What the entry at hand is, for whoever reads a failure.
	taken    map[string]int // How often what took effect.

	gathered *Entry                 // That is being put together; nil: each thing goes by itself …
	pending  map[protocol.LogID]int // … and up to where a log's events are in it.

	older bool // Some entries are of older formats.

	away []*box // That have not returned yet to a register that began anew.
}

// TestNothingStopsApply is the promise that a district never stops for what somebody sends:
// whatever stands in an entry is answered, by every server alike, nothing is dropped
// silently, and the log replays to the same register.
func TestNothingStopsApply(t *testing.T) {
	c := newClimate(t)
	anew := c.beginsAnew(t)
	taken := map[string]int{}
	run := func(seed uint64, steps int) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			from := c
			if seed%4 == 3 {
				from = anew
			}
			s := from.storm(t, seed)
			s.rage(steps)
			aftermath{s}.ends(seed%16 == 1)
			for what, n := range s.taken {
				taken[what] += n
			}
		})
	}
	for seed := range uint64(6) {
		run(seed, 100)
	}
	for seed := range *storms {
		run(*stormOf+seed, *stormFor)
	}
	var without []string
	for what, n := range taken {
		if n == 0 {
			without = append(without, what)
		}
	}
	slices.Sort(without)
	t.Logf("took effect: %v; never: %v", len(taken)-len(without), without)
	if *storms > 0 {
		t.Logf("%v", taken)
	}
	if len(taken)-len(without) < 35 {
		t.Error("too little takes effect: the test looks at nothing")
	}
}

// TestStormKnowsEveryKind fails for an event that a box can sign, or a command, that no
// storm makes.
func TestStormKnowsEveryKind(t *testing.T) {
	bodies, payloads := bodies(), payloads()
	for _, m := range Methods() {
		if bodies[m] == nil {
			t.Errorf("no storm commands %s", m)
		}
	}
	file, err := parser.ParseFile(token.NewFileSet(), "../../protocol/event.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(v.Comment.Text(), "Uplink:") {
			return true
		}
		lit, ok := v.Values[0].(*ast.BasicLit)
		if !ok {
			t.Fatalf("the number of %s is no literal", v.Names[0])
		}
		k, err := strconv.Atoi(lit.Value)
		if seen++; err != nil || payloads[protocol.Kind(k)] == nil {
			t.Errorf("no storm sends %s, kind %s: %v", v.Names[0], lit.Value, err)
		}
		return true
	})
	if seen < 14 || seen != len(payloads) {
		t.Errorf("the protocol has %d kinds of uplinks, a storm %d", seen, len(payloads))
	}
}

// rage applies entries. A server that stops is the end of the test.
func (s *storm) rage(steps int) {
	s.t.Helper()
	step := 0
	defer func() {
		if r := recover(); r != nil {
			if d, ok := r.(*Defect); ok {
				s.t.Fatalf("STOPPED after %d of %d by %s: %v", step, steps, clip(s.doing, 500), d)
			}
			s.t.Fatalf("PANIC after %d of %d by %s: %v\n%s", step, steps, clip(s.doing, 500), r, debug.Stack())
		}
	}()
	for ; step < steps; step++ {
		if s.rng.IntN(6) == 0 {
			since(s.town, s.rng.IntN(9))
		}
		if step%16 == 0 {
			s.look()
		}
		if step%100 == 0 {
			s.turns()
		}
		if step%60 == 59 {
			s.restarts()
		}
		switch s.rng.IntN(40) {
		case 0, 1, 2:
			s.gathers()
		case 3:
			s.fills()
		case 4:
			s.again()
		case 5, 6, 7, 8:
			deeds{s}.one()
		default:
			s.one()
		}
	}
}

// one is one thing that happens.
func (s *storm) one() {
	switch s.rng.IntN(10) {
	case 0, 1, 2, 3:
		s.sends()
	case 4:
		leader{s}.hub()
	default:
		s.commands()
	}
}

// restarts has a server begin with what lies on its disk.
func (s *storm) restarts() {
	s.registers[1] = s.reopen(s.first().base.(*memory).copy())
}
