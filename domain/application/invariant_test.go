package application_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"kendro/domain/application"
	"kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/internal/flowtest"
)

// A witness watches a case and knows the invariants of the procedure by rules of
// its own: what it counts, it counts from the events alone.
type witness struct {
	t       *testing.T
	flow    *flowtest.Flow
	due     application.Dues
	decided map[string]bool // Officers who decided since the assignment.
	done    map[string]bool // Checks.
	paid    int64
	open    int // Demands.
	ended   bool
	lapsed  bool
	payBy   int64
	issued  int
	asked   bool  // Something is asked for.
	askBy   int64 // The last second for it; 0 is none.

	overturned bool // The decision of the desk where it lies.
}

func final(s application.Stage) bool {
	return s == application.Rejected || s == application.Closed || s == application.Withdrawn || s == application.Duplicate
}

// saw takes note of an event that was applied and fails the test where it breaks
// an invariant.
func (w *witness) saw(before, after application.Case, e application.Event) {
	w.t.Helper()
	bad := func(text string) { w.t.Fatalf("%s: %v took\n%+v\nto\n%+v", text, e, before, after) }
	if w.ended && e.Action != application.Appeal {
		bad("I6: a final state was left")
	}
	if again := e.Action == application.Demand && after.Owed == before.Owed && after.Purpose == before.Purpose; w.lapsed && !again && (e.Action != application.Pay || e.At > w.payBy) {
		bad("I6: a lapsed case was revived by something else than a payment in time, or another term for what was owed")
	}
	switch e.Action {
	case application.Accept, application.Take, application.Return, application.HandBack, application.Appeal, application.Supply, application.Escalate:
		if e.Action != application.Escalate {
			w.decided = map[string]bool{}
		}
		w.overturned = w.overturned && after.Assignment == before.Assignment
	case application.Correct:
		if after.Stage != before.Stage && e.Desk.Seat == (place.Seat{}) {
			bad("a correction alone moved the case")
		}
		if e.Overturns || e.Desk.Seat != (place.Seat{}) {
			w.decided, w.overturned = map[string]bool{}, true
		}
	case application.Decide:
		w.decided[e.By.Name], w.overturned = true, false
	case application.Check:
		w.done[w.flow.Version.Checks[e.Desk.Check].ID] = true
	case application.Forward:
		if !w.decided[e.By.Name] {
			bad("I1: forwarded without a preliminary decision by the same officer since the assignment")
		}
		w.decided, w.overturned = map[string]bool{}, false
	case application.Approve, application.Reject:
		if w.overturned {
			bad("row 11: ended on a decision that was overturned")
		}
		if before.Step < len(w.flow.Version.Steps) && !w.flow.Version.Steps[before.Step].MayFinalise {
			bad("a desk decided that may not")
		}
		w.decided = map[string]bool{}
	case application.Demand:
		if before.Stage == application.FeeLapsed {
			w.open--
		}
		if w.open++; w.open > 1 {
			bad("I10: two demands are open")
		}
		w.payBy = e.Until
	case application.Pay:
		w.paid += min(e.Amount, before.Owed)
		if after.Owed == 0 {
			w.open--
		}
	case application.Issue:
		w.issue(bad)
	case application.RequestInfo:
		w.asked, w.askBy = true, e.Until
	case application.Unanswered:
		if w.askBy == 0 || e.At <= w.askBy {
			bad("a case went on without an answer whose term was not over, or that had none")
		}
		if (after.Stage == application.UnderReview) != (before.Holder != "") || after.Seat != before.Seat || after.Holder != before.Holder || after.Asked != before.Asked {
			bad("an unanswered case went to another desk, or was asked for something else")
		}
	case application.Withdraw, application.Link:
		w.open = 0
	default:
	}
	w.ended, w.lapsed = final(after.Stage), after.Stage == application.FeeLapsed
	if e.Action == application.Supply && !w.asked {
		bad("something was supplied that nobody asked for")
	}
	w.asked = w.asked && after.Asked != ""
	if after.Stage.Decided() && after.Asked != "" {
		bad("a decided case asks for something")
	}
	if after.Version != before.Version+1 {
		bad("an event counts once")
	}
}

// issue is I2: no artefact before the required money and checks.
func (w *witness) issue(bad func(string)) {
	if w.paid < w.due.Review+w.due.Issue {
		bad("I2: issued before the money")
	}
	for _, id := range w.flow.Version.Procedure.Issue.Checks {
		if !w.done[id] {
			bad("I2: issued before the check " + id)
		}
	}
	w.issued++
}

// TestInvariantsHold sends 100,000 random sequences of actions, sane ones and
// others, through random procedures that lint lets pass.
func TestInvariantsHold(t *testing.T) {
	flows, walks := 500, 200
	if testing.Short() {
		flows = 50
	}
	rng := rand.New(rand.NewPCG(4, 2026))
	applied, refused, ends := 0, 0, map[application.Stage]int{}
	for range flows {
		flow := flowtest.New(rng, "service")
		for range walks {
			c, tried, done := walk(t, rng, flow)
			applied += done
			refused += tried - done
			ends[c.Stage]++
		}
	}
	t.Logf("%d applied, %d refused; the cases end as %v", applied, refused, ends)
	for _, s := range []application.Stage{application.Received, application.UnderReview, application.InfoRequested, application.Approved, application.Rejected, application.FeeDue, application.FeeLapsed, application.InPreparation, application.Ready, application.Delivered, application.Closed, application.Withdrawn, application.Duplicate} {
		if ends[s] == 0 {
			t.Errorf("no case was ever left %v: the test looks at too little", s)
		}
	}
}

// walk takes one case through random actions.
func walk(t *testing.T, rng *rand.Rand, flow *flowtest.Flow) (c application.Case, tried, applied int) {
	t.Helper()
	way := application.Way{
		Version: flow.Version, Tracked: true, Superior: flow.Superior,
		Seat: func(post string) (place.Seat, bool) { return place.Seat{Post: post, Office: "office"}, true },
	}
	f := application.Found{Rules: catalogue.Bits(rng.Uint32N(1 << len(flow.Version.Rules))), Mode: catalogue.ByCentre}
	for _, fee := range flow.Version.Fees {
		if fee.At == catalogue.BeforeReview {
			f.Review = fee.Poisha
		} else {
			f.Issue = fee.Poisha
		}
	}
	w := &witness{t: t, flow: flow, due: f.Dues, decided: map[string]bool{}, done: map[string]bool{}}
	try := func(e application.Event) {
		n, err := c.Apply(e)
		tried++
		if rng.IntN(16) == 0 {
			offered(t, way, c, e, err)
		}
		if err != nil {
			if n != c {
				t.Fatalf("a refused %v changed the case", e.Action)
			}
			return
		}
		applied++
		w.saw(c, n, e)
		c = n
	}
	try(application.Event{Action: application.Accept, Desk: way.First(f.Rules), Found: &f})
	for range 5 + rng.IntN(60) {
		a := way.Follows(c)
		if a == application.NoAction || rng.IntN(20) == 0 {
			a = anyAction(rng, c)
		}
		for _, e := range anyEvent(rng, way, flow, c, a) {
			try(e)
		}
	}
	return c, tried, applied
}

// offered fails the test where an officer's act was accepted that he was not
// offered, or an act without a bar in its way was refused.
func offered(t *testing.T, way application.Way, c application.Case, e application.Event, refused error) {
	t.Helper()
	if e.By == (application.Officer{}) || e.Expect != c.Version {
		return
	}
	open := false
	for _, o := range way.Offers(c, e.By, e.At) {
		if o.Action != e.Action || o.Bar != "" {
			continue
		}
		open = true
		leads := append([]place.Seat{o.To}, o.Further...)
		if refused == nil && e.Action == application.Forward && !slices.Contains(leads, e.Desk.Seat) {
			t.Fatalf("forwarded to %v; the offer says %v", e.Desk.Seat, leads)
		}
		for _, seat := range o.Further {
			to := e
			var err error
			if to.Desk, err = way.Desk(c, e.Action, seat.Post); err == nil {
				_, err = c.Apply(to)
			}
			if err != nil || to.Desk.Seat != seat {
				t.Fatalf("the offer leads to %v, and there it gets %v, %v", seat, to.Desk.Seat, err)
			}
		}
	}
	asked := application.Right(e.Action) != "" || e.Action == application.Take || e.Action == application.Note
	if refused == nil && !open || refused != nil && open && asked && e.Action != application.Forward {
		t.Fatalf("%v by %+v is offered: %v, and applied: %v, to\n%+v", e.Action, e.By, open, refused, c)
	}
}

// anyAction draws an action, mostly one that the stage knows, and seldom one that
// ends the case early.
func anyAction(rng *rand.Rand, c application.Case) application.Action {
	for {
		a := application.Action(1 + rng.IntN(int(application.Escalate)))
		switch rng.IntN(20) {
		case 0:
			a = application.Correct
		case 1:
			a = application.Unanswered
		}
		early := a == application.Withdraw || a == application.Link || a == application.Lapse || a == application.RequestInfo
		if (application.After(c.Stage, a) != application.None || rng.IntN(12) == 0) && (!early || rng.IntN(8) == 0) {
			return a
		}
	}
}

// anyEvent draws a way to ask for an action.
func anyEvent(rng *rand.Rand, way application.Way, flow *flowtest.Flow, c application.Case, a application.Action) []application.Event {
	to := ""
	if a == application.Forward && rng.IntN(3) == 0 {
		to = flowtest.Post(rng.IntN(flowtest.Posts))
	}
	d, err := way.Desk(c, a, to)
	if err != nil {
		return nil
	}
	d.Terms.Resolved = rng.IntN(4) > 0
	if n := len(flow.Version.Checks); a == application.Check && n > 0 {
		d.Check = rng.IntN(n)
	}
	e := application.Event{
		Action: a, Expect: c.Version, Text: "x", At: 1 + rng.Int64N(40), Until: 1 + rng.Int64N(40), Amount: 1 + rng.Int64N(6000), Desk: d,
	}
	if rng.IntN(30) == 0 && c.Version > 0 {
		e.Expect--
	}
	switch a {
	case application.Decide:
		e.Opinion = []application.Opinion{application.ForApproval, application.ForRejection, application.Other}[rng.IntN(3)]
	case application.Reject:
		e.Reason = "R1"
	case application.RequestInfo:
		if e.Items = []string{"form.name", "nid"}[:1+rng.IntN(2)]; flow.Version.InfoDays == 0 {
			e.Until = 0
		}
	case application.Supply:
		if e.Items = c.AskedFor(); rng.IntN(3) == 0 {
			e.Items = []string{"nid"}
		}
	case application.Correct:
		e.Items, e.Overturns = []string{"form.name"}, rng.IntN(2) == 0
		if back := rng.IntN(3); back < c.Step && rng.IntN(2) == 0 {
			if e.Desk, err = way.Back(c, back); err != nil {
				return nil
			}
			e.Overturns = true
		}
		if rng.IntN(6) == 0 && c.Step < len(flow.Version.Steps) {
			e.Desk, e.Afresh, e.Overturns = way.First(c.Rules), true, true
		}
		f := application.Found{Rules: catalogue.Bits(rng.Uint32N(1 << len(flow.Version.Rules))), Mode: c.Mode, Dues: c.Dues}
		if rng.IntN(2) == 0 {
			e.Found = &f
		}
	default:
	}
	officer := application.Officer{Name: "anna", Seat: c.Seat}
	if c.Holder != "" && rng.IntN(6) > 0 {
		officer.Name = c.Holder
	}
	switch rng.IntN(12) {
	case 0:
		officer.Seat = place.Seat{Post: flowtest.Post(rng.IntN(flowtest.Posts)), Office: "office"}
	case 1:
		officer.Seat = c.Above
	}
	if a == application.Appeal {
		officer.Seat = d.Seat
	}
	byOfficer := e
	byOfficer.By = officer
	if rng.IntN(8) == 0 {
		return []application.Event{e, byOfficer}
	}
	if _, err := c.Apply(byOfficer); err == nil {
		return []application.Event{byOfficer}
	}
	return []application.Event{e}
}
