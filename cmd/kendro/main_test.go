package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts start this test binary as kendro: in a process of its
// own, with its own exit status.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"kendro": main})
}

// TestScripts runs commands as they are typed.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Condition: func(cond string) (bool, error) {
			if cond == "short" {
				return testing.Short(), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "until": until, "keep": keep, "mode": mode,
			"ports": ports, "put": put, "term": term, "service": service, "flip": flip, "boxkey": boxkey,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// exits CODE PROGRAM ARG… runs a program that must end with this exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if want, err := strconv.Atoi(args[0]); err != nil || got != want {
		ts.Fatalf("got exit %d; want %s", got, args[0])
	}
}

// until SECONDS PATTERN PROGRAM ARG… repeats a program until it succeeds and its
// standard output matches; with ! before it, until it succeeds and doesn't match.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: [!] until SECONDS PATTERN PROGRAM ARG...")
	}
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	want, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	deadline := time.After(time.Duration(seconds) * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ts.Exec(args[2], args[3:]...)
		out := ts.ReadFile("stdout")
		if err == nil && want.MatchString(out) != neg {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("after %d s still %v; want %q in it to be %t:\n%s%s", seconds, err, args[1], !neg, out, ts.ReadFile("stderr"))
		}
	}
}

// keep VARIABLE MEMBER… sets a variable to a member of the last standard output,
// which is JSON; without a member to the whole, trimmed. FILE=name reads a file.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: keep VARIABLE [MEMBER...]")
	}
	text := ts.ReadFile("stdout")
	if len(args) == 1 {
		ts.Setenv(args[0], strings.TrimSpace(text))
		return
	}
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	ts.Check(d.Decode(&v))
	for _, member := range args[1:] {
		switch at := v.(type) {
		case map[string]any:
			v = at[member]
		case []any:
			i, err := strconv.Atoi(member)
			if err != nil || i >= len(at) {
				ts.Fatalf("no element %s in %s", member, text)
			}
			v = at[i]
		default:
			ts.Fatalf("no member %s in %s", member, text)
		}
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

// mode BITS FILE checks who may read a file.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode BITS FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s; want %s", args[1], got, args[0])
	}
}
