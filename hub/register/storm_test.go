package register

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kendro/protocol"
	"kendro/store"
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
}

// TestNothingStopsApply is the promise that a district never stops for what somebody sends:
// whatever stands in an entry is answered, by every server alike, nothing is dropped
// silently, and the log replays to the same register.
func TestNothingStopsApply(t *testing.T) {
	c := newClimate(t)
	taken := map[string]int{}
	run := func(seed uint64, steps int) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := c.storm(t, seed)
			s.rage(steps)
			s.ends(seed == 1)
			for what, n := range s.taken {
				taken[what] += n
			}
		})
	}
	for seed := range uint64(6) {
		run(seed, 150)
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
		switch s.rng.IntN(10) {
		case 0, 1, 2, 3:
			s.sends()
		case 4:
			s.hub()
		default:
			s.commands()
		}
	}
}

// send gives an entry to the registers as a leader would, which proposes none that it
// can't encode.
func (s *storm) send(e *Entry) *Outcome {
	s.at += s.rng.Int64N(5000)
	e.At, e.Offset = s.at-s.rng.Int64N(2)*s.rng.Int64N(60_000), dhakaOffset
	b, err := EncodeEntry(e)
	if err != nil {
		return &Outcome{Results: make([]Result, len(e.Commands)), Ingests: make([]IngestResult, len(e.Ingests))}
	}
	if _, err := DecodeEntry(b); err != nil {
		s.t.Fatalf("%s is an entry that no server can read: %v", clip(s.doing, 300), err)
	}
	return s.applyRaw(b)
}

// command sends one, and notes whether it took effect.
func (s *storm) command(c Command) Result {
	s.ids++
	c.ID = fmt.Sprint("storm-", s.ids-s.rng.IntN(20)/19)
	c.Actor = strings.ToValidUTF8(c.Actor, "?") // Whom a hub lets in has a login.
	s.doing = fmt.Sprintf("%s by %q on %s at %d: %x", c.Method, c.Actor, c.Number, c.Expect, []byte(c.Body))
	r := s.send(&Entry{Commands: []Command{c}}).Results[0]
	s.note(string(c.Method), r.Fault)
	return r
}

func (s *storm) note(what string, f *protocol.Failure) {
	s.taken[what] += 0
	if f == nil {
		s.taken[what]++
	}
}

// ends looks at what the storm has left: the servers are the same, every history holds, the
// log replays to the same on a disk, and so does what is exported of it.
func (s *storm) ends(disk bool) {
	s.t.Helper()
	s.doing = "the end"
	s.agree()
	verified(s.town)
	reopened(s.town)
	again := s.join(newMemory())
	for i, raw := range s.entries {
		again.Apply(uint64(i+1), 1, raw)
	}
	s.agree()
	if !disk {
		return
	}
	r, err := Open(s.t.TempDir(), Options{District: "41", Opener: s.town})
	if err != nil {
		s.t.Fatal(err)
	}
	for i, raw := range s.entries {
		r.Apply(uint64(i+1), 1, raw)
	}
	s.same(r)
	var out bytes.Buffer
	if err := r.DB().Export(context.Background(), r.Applied(), &out); err != nil {
		s.t.Fatal(err)
	}
	copied := filepath.Join(s.t.TempDir(), "copy")
	if _, _, err := store.Import(context.Background(), copied, store.Options{Preset: store.Office}, &out); err != nil {
		s.t.Fatal(err)
	}
	other, err := Open(copied, Options{District: "41", Opener: s.town})
	if err != nil {
		s.t.Fatal(err)
	}
	s.same(other)
	if err := errors.Join(r.Close(), other.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// same fails unless a register is the storm's.
func (s *storm) same(r *Register) {
	s.t.Helper()
	i, d := r.Digest()
	if i0, d0 := s.first().Digest(); i != i0 || d != d0 || r.SetHash() != s.first().SetHash() {
		s.t.Fatalf("it is at %d %v; want %d %v", i, d, i0, d0)
	}
}
