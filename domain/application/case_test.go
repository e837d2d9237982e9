package application

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

var (
	front = place.Seat{Post: "secretary", Office: "local-41-09-17"}
	back  = place.Seat{Post: "chairman", Office: "local-41-09-17"}
	anna  = Officer{Name: "anna", Seat: front}
	bilal = Officer{Name: "bilal", Seat: front}
	chair = Officer{Name: "chair", Seat: back}
)

// onward is the desk at the front: it may not end a case, and leads to the back.
func onward() Desk { return Desk{Decision: true, Mandatory: true, Step: 1, Seat: back} }

// last is the desk at the back.
func last() Desk { return Desk{Decision: true, Finalise: true} }

func apply(t *testing.T, c Case, events ...Event) Case {
	t.Helper()
	for _, e := range events {
		e.Expect = c.Version
		next, err := c.Apply(e)
		if err != nil {
			t.Fatalf("%v on %+v: %v", e.Action, c, err)
		}
		if next.Version != c.Version+1 {
			t.Fatalf("%v: version %d; want %d", e.Action, next.Version, c.Version+1)
		}
		c = next
	}
	return c
}

func accepted(t *testing.T) Case {
	return apply(t, Case{}, Event{Action: Accept, Desk: Desk{Seat: front}})
}

func decide(by Officer) Event {
	return Event{Action: Decide, By: by, Opinion: ForApproval, Text: "papers in order"}
}

func TestWayOfACase(t *testing.T) {
	c := apply(t, accepted(t),
		Event{Action: Take, By: anna},
		Event{Action: Note, By: anna, Text: "asked the inspector"},
		decide(anna),
		Event{Action: Forward, By: anna, Desk: onward()},
	)
	if c.Stage != Received || c.Step != 1 || c.Seat != back || c.Holder != "" || c.DecidedBy != "" || c.Assignment != 2 {
		t.Fatalf("after forward: %+v", c)
	}
	c = apply(t, c, Event{Action: Take, By: chair}, decide(chair), Event{Action: Approve, By: chair, Desk: last()})
	if c.Stage != Approved || c.Seat != back || c.Version != 8 {
		t.Fatalf("at the end: %+v", c)
	}
}

func TestRefusals(t *testing.T) {
	taken := apply(t, accepted(t), Event{Action: Take, By: anna})
	decided := apply(t, taken, decide(anna))
	atBack := apply(t, decided, Event{Action: Forward, By: anna, Desk: onward()}, Event{Action: Take, By: chair})
	done := apply(t, atBack, decide(chair), Event{Action: Reject, By: chair, Text: "not eligible", Reason: "R1", Desk: last()})
	unrouted := apply(t, Case{}, Event{Action: Accept})
	held := apply(t, Case{}, Event{Action: Hold})
	long := strings.Repeat("x", MaxText+1)
	for _, tt := range []struct {
		name string
		c    Case
		e    Event
		want fault.Kind
	}{
		{"forward before a decision", taken, Event{Action: Forward, By: anna, Desk: onward()}, fault.Conflict},
		{"approve at a desk that may not", decided, Event{Action: Approve, By: anna, Desk: onward()}, fault.Denied},
		{"approve before a mandatory desk", decided, Event{Action: Approve, By: anna, Desk: Desk{Finalise: true, Mandatory: true}}, fault.Denied},
		{"approve before a decision", atBack, Event{Action: Approve, By: chair, Desk: last()}, fault.Conflict},
		{"reject before a decision", atBack, Event{Action: Reject, By: chair, Text: "no", Reason: "R1", Desk: last()}, fault.Conflict},
		{"reject without a text", atBack, Event{Action: Reject, By: chair, Reason: "R1", Desk: last()}, fault.Invalid},
		{"reject without a reason code", atBack, Event{Action: Reject, By: chair, Text: "no", Desk: last()}, fault.Invalid},
		{"decide with an empty text", taken, Event{Action: Decide, By: anna, Opinion: Other, Text: " \n\u00a0"}, fault.Invalid},
		{"decide without an opinion", taken, Event{Action: Decide, By: anna, Text: "x"}, fault.Invalid},
		{"note without a text", taken, Event{Action: Note, By: anna}, fault.Invalid},
		{"note with an opinion", taken, Event{Action: Note, By: anna, Text: "x", Opinion: Other}, fault.Invalid},
		{"note with a reason", taken, Event{Action: Note, By: anna, Text: "x", Reason: "R1"}, fault.Invalid},
		{"note too long", taken, Event{Action: Note, By: anna, Text: long}, fault.Invalid},
		{"note by a colleague", taken, Event{Action: Note, By: bilal, Text: "x"}, fault.Conflict},
		{"take what a colleague has", taken, Event{Action: Take, By: bilal}, fault.Conflict},
		{"take what I have", taken, Event{Action: Take, By: anna}, fault.Conflict},
		{"take at another desk", accepted(t), Event{Action: Take, By: chair}, fault.Denied},
		{"take without a seat", unrouted, Event{Action: Take, By: Officer{Name: "x"}}, fault.Denied},
		{"take without a name", accepted(t), Event{Action: Take, By: Officer{Seat: front}}, fault.Denied},
		{"note before taking", accepted(t), Event{Action: Note, By: anna, Text: "x"}, fault.Conflict},
		{"forward to nowhere", decided, Event{Action: Forward, By: anna, Desk: Desk{Step: 1}}, fault.Invalid},
		{"forward to the same step", decided, Event{Action: Forward, By: anna, Desk: Desk{Step: 0, Seat: back}}, fault.Invalid},
		{"act on a decided case", done, Event{Action: Note, By: chair, Text: "x"}, fault.Conflict},
		{"accept twice", accepted(t), Event{Action: Accept, Desk: Desk{Seat: front}}, fault.Conflict},
		{"accept at a later step", Case{}, Event{Action: Accept, Desk: Desk{Step: 1, Seat: front}}, fault.Invalid},
		{"accept by a person", Case{}, Event{Action: Accept, By: anna, Desk: Desk{Seat: front}}, fault.Denied},
		{"route what has a desk", accepted(t), Event{Action: Route, Desk: Desk{Seat: back}}, fault.Conflict},
		{"route to nowhere", unrouted, Event{Action: Route}, fault.Invalid},
		{"take what is held", held, Event{Action: Take, By: anna}, fault.Denied},
		{"no such action", taken, Event{Action: 99, By: anna}, fault.Invalid},
	} {
		tt.e.Expect = tt.c.Version
		got, err := tt.c.Apply(tt.e)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v; want %v", tt.name, err, tt.want)
		}
		if got != tt.c {
			t.Errorf("%s: a refused event changed the case to %+v", tt.name, got)
		}
	}
}

func TestSecondOfTwoOfficersIsTold(t *testing.T) {
	free := accepted(t)
	taken := apply(t, free, Event{Action: Take, By: anna})
	moved := apply(t, taken, decide(anna), Event{Action: Forward, By: anna, Desk: onward()})
	for _, c := range []Case{taken, moved} {
		if _, err := c.Apply(Event{Action: Take, By: bilal, Expect: free.Version}); !errors.Is(err, fault.Conflict) {
			t.Errorf("stale take: %v; want conflict", err)
		}
	}
	stranger := Officer{Name: "x", Seat: place.Seat{Post: "clerk", Office: "elsewhere"}}
	if _, err := taken.Apply(Event{Action: Take, By: stranger, Expect: free.Version}); !errors.Is(err, fault.Denied) {
		t.Errorf("a stranger's stale take: %v; want denied", err)
	}
}

// TestNoForwardWithoutDecision runs 100,000 random sequences (R-OF4, I1): whatever
// the order, no case is forwarded, approved or rejected without the holder's own
// preliminary decision since it was assigned, and a refused event changes nothing.
func TestNoForwardWithoutDecision(t *testing.T) {
	rounds := 100_000
	if testing.Short() {
		rounds = 10_000
	}
	officers := []Officer{anna, bilal, chair, {Name: "dina", Seat: back}}
	rnd := rand.New(rand.NewPCG(41, 9))
	var forwards, finals int
	for range rounds {
		c := accepted(t)
		decidedSince := map[string]bool{} // Kept apart from the code under test.
		for range 20 {
			by := officers[rnd.IntN(len(officers))]
			if rnd.IntN(2) == 0 { // Half of them come from the holder, so that cases move.
				by = Officer{Name: c.Holder, Seat: c.Seat}
			}
			e := Event{
				Action: Action(rnd.IntN(10)), By: by, Expect: c.Version - uint64(rnd.IntN(8)/7),
				Opinion: ForApproval, Text: "x", Reason: "R1", Desk: onward(),
			}
			if e.Action != Decide {
				e.Opinion = ""
			}
			if e.Action != Reject {
				e.Reason = ""
			}
			if c.Step == 1 {
				e.Desk = last()
			}
			next, err := c.Apply(e)
			if err != nil {
				if next != c {
					t.Fatalf("refused %v changed the case", e.Action)
				}
				continue
			}
			switch e.Action {
			case Decide:
				decidedSince[e.By.Name] = true
			case Forward, Approve, Reject:
				if !decidedSince[e.By.Name] || c.Holder != e.By.Name {
					t.Fatalf("%v by %s without a preliminary decision: %+v", e.Action, e.By.Name, c)
				}
				decidedSince = map[string]bool{}
				if forwards++; e.Action != Forward {
					finals++
				}
			default: // Changes nothing that is counted here.
			}
			c = next
		}
	}
	if forwards < rounds/100 || finals == 0 {
		t.Fatalf("only %d forwards and %d ends in %d sequences: the test looks at nothing", forwards, finals, rounds)
	}
}

func TestStagesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for s := None; int(s) < Stages; s++ {
		if s.String() == "" || seen[s.String()] {
			t.Errorf("stage %d is named %q", s, s)
		}
		seen[s.String()] = true
		if got, err := ParseStage(s.String()); s != None && (err != nil || got != s) {
			t.Errorf("ParseStage(%s) = %v, %v", s, got, err)
		}
	}
	if Stage(200).String() != "NONE" {
		t.Error("an unknown stage needs a name too")
	}
	for _, s := range []string{"", "NONE", "received", strings.Repeat("x", 200)} {
		if _, err := ParseStage(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseStage(%.20q) = %v; want invalid", s, err)
		}
	}
}

func TestOnlyOfficersActsAreParsed(t *testing.T) {
	for _, a := range []Action{Take, Note, Decide, Forward, Approve, Reject, RequestInfo, Return, Issue, Link, Appeal, Dispatch} {
		if got, err := ParseAct(a.String()); err != nil || got != a {
			t.Errorf("ParseAct(%s) = %v, %v", a, got, err)
		}
	}
	for _, s := range []string{"", "accept", "route", "hold", "TAKE", "supply", "withdraw", "demand", "lapse"} {
		if _, err := ParseAct(s); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseAct(%q) = %v; want invalid", s, err)
		}
	}
}

func TestUpcoming(t *testing.T) {
	v := &catalogue.Version{Steps: []catalogue.Step{{Post: "a"}, {Post: "b"}}}
	for _, tt := range []struct {
		stage Stage
		step  int
		want  string
	}{
		{Submitted, 0, "a"},
		{Received, 0, "a"},
		{UnderReview, 0, "b"},
		{Received, 1, "b"},
		{UnderReview, 1, ""},
		{Approved, 1, ""},
		{Rejected, 0, ""},
	} {
		if got, _ := Upcoming(tt.stage, tt.step, v); got.Post != tt.want {
			t.Errorf("Upcoming(%v, %d) = %q; want %q", tt.stage, tt.step, got.Post, tt.want)
		}
	}
	if _, ok := Upcoming(Received, 0, nil); ok {
		t.Error("no version, no step")
	}
}
