package register

import (
	"context"
	"errors"
	"slices"
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// onBoth runs a behaviour on a register in memory and on one on disk, side by
// side: they get the same entries and have to agree at the end.
func onBoth(t *testing.T, fn func(w *town)) {
	t.Helper()
	db, err := store.Open(t.TempDir(), store.Options{Preset: store.Office})
	if err != nil {
		t.Fatal(err)
	}
	w := newTown(t, newMemory(), onDisk{db})
	w.registers[1].db = db
	fn(w)
	w.agree()
	if err := w.registers[1].Scrub(context.Background()); err != nil {
		t.Error(err)
	}
	if err := w.registers[1].Close(); err != nil {
		t.Error(err)
	}
}

func TestWayOfAnApplication(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		n := b.submit(licence(t), 1)
		res := b.mustBring(1, 1)
		if res.Accepted != 1 || res.At.Seq != 1 || res.At.Hash != b.hashes[0] {
			t.Fatalf("ingest = %+v", res)
		}
		c, err := w.first().Case(n)
		if err != nil {
			t.Fatal(err)
		}
		if c.State.Stage != application.Received || c.State.Seat != (place.Seat{Post: "secretary", Office: "local-41-09-17"}) || c.Custody() != CustodyAccepted {
			t.Fatalf("case = %+v", c)
		}
		e, sub, err := w.first().Submission(c)
		if err != nil || e.Actor != "rahima" || sub.Channel != "counter" {
			t.Fatalf("submission = %+v, %+v, %v", e, sub, err)
		}
		steps := []struct {
			who    string
			m      Method
			a      Act
			stage  application.Stage
			seat   string
			events int // In the inbox, for this case.
		}{
			{"anna", Take, Act{}, application.UnderReview, "secretary@local-41-09-17", 1},
			{"anna", Note, Act{Text: "looked at the shop"}, application.UnderReview, "secretary@local-41-09-17", 1},
			{"anna", Decide, Act{Opinion: application.ForApproval, Text: "in order"}, application.UnderReview, "secretary@local-41-09-17", 1},
			{"anna", Forward, Act{}, application.Received, "chairman@local-41-09-17", 2},
			{"chair", Take, Act{}, application.UnderReview, "chairman@local-41-09-17", 3},
			{"chair", Decide, Act{Opinion: application.ForApproval, Text: "agreed"}, application.UnderReview, "chairman@local-41-09-17", 3},
			{"chair", Approve, Act{}, application.Approved, "chairman@local-41-09-17", 4},
		}
		for i, st := range steps {
			res := w.must(act(st.who, st.m, n, uint64(i+1), st.a))
			c, err := w.first().Case(n)
			if err != nil || c.State.Stage != st.stage || c.State.Seat.String() != st.seat || c.State.Version != uint64(i+2) || res.Version != c.State.Version {
				t.Fatalf("after %s: %+v, %v; answer %+v", st.m, c.State, err, res)
			}
			told := slices.DeleteFunc(w.inboxOf("41-09-17"), func(e protocol.Event) bool { return e.Kind != protocol.CaseMoved })
			if len(told) != st.events {
				t.Fatalf("after %s the centre was told %d times; want %d", st.m, len(told), st.events)
			}
			var got protocol.Standing
			if err := told[len(told)-1].Decode(&got); err != nil || got.Number != n || got.Stage != st.stage.String() {
				t.Fatalf("after %s the centre hears %+v, %v", st.m, got, err)
			}
			tasks, _, err := w.first().Tasks(TaskQuery{Office: "local-41-09-17"})
			if err != nil || (len(tasks) == 1) != st.stage.Open() || len(tasks) == 1 && (tasks[0].Seat.String() != st.seat || tasks[0].Version != c.State.Version || tasks[0].Due != c.Due) {
				t.Fatalf("after %s the tasks are %+v, %v", st.m, tasks, err)
			}
		}
		c, err = w.first().Case(n)
		if err != nil || len(c.History) != 8 || c.Custody() != CustodySeen || !slices.Equal(c.Offices, []string{"local-41-09-17"}) {
			t.Fatalf("at the end: %+v, %v", c, err)
		}
		st := w.first().Stats()
		if st.Cases != 1 || st.Stages[application.Approved] != 1 || st.Stages[application.Received] != 0 || st.Acts != 7 {
			t.Fatalf("stats = %+v", st)
		}
		var received, approved uint64
		hour := int64(dawn / 3_600_000)
		err = w.first().Cells(hour, hour+2, func(c *Cell) error {
			for _, n := range c.Counts {
				received, approved = received+n.Received, approved+n.Approved
			}
			return nil
		})
		if err != nil || received != 1 || approved != 1 {
			t.Fatalf("cells: %d received, %d approved, %v", received, approved, err)
		}
	})
}

// TestRow13SecondOfTwoOfficers is row 13: the first in the log wins, the other is told
// what happened and keeps what he wrote.
func TestRow13SecondOfTwoOfficers(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		n := b.submit(licence(t), 1)
		b.mustBring(1, 1)
		out := w.apply(&Entry{Commands: []Command{
			withID("a", act("anna", Take, n, 1, Act{})),
			withID("b", act("bilal", Take, n, 1, Act{})),
			withID("c", act("bilal", Note, n, 1, Act{Text: "I had called the applicant"})),
		}})
		if out.Results[0].Fault != nil || out.Results[0].Version != 2 {
			t.Fatalf("first = %+v", out.Results[0])
		}
		for _, res := range out.Results[1:] {
			wantFault(t, "second", res.Fault, fault.Conflict)
			var d Difference
			if err := res.Decode(&d); err != nil || res.Version != 2 || d.Current != 2 || d.Expected != 1 || d.Holder != "anna" || len(d.Since) != 1 || d.Since[0].Action != application.Take {
				t.Fatalf("difference = %+v, %v", d, err)
			}
		}
		draft, err := w.first().Draft(n, "bilal")
		if err != nil || draft.Text != "I had called the applicant" || draft.Saw != 1 || draft.Action != "note" {
			t.Fatalf("draft = %+v, %v", draft, err)
		}
		if _, err := w.first().Draft(n, "anna"); !errors.Is(err, fault.NotFound) {
			t.Fatalf("anna's draft: %v", err)
		}
		w.must(act("anna", Decide, n, 2, Act{Opinion: application.Other, Text: "see note"}))
		w.must(act("anna", Forward, n, 3, Act{}))
		// Even after the case has left the desk, he learns that, and no more.
		res := w.do(act("bilal", Take, n, 2, Act{}))
		wantFault(t, "after the forward", res.Fault, fault.Conflict)
		wantFault(t, "with the newest version", w.do(act("bilal", Take, n, 4, Act{})).Fault, fault.Denied)
		wantFault(t, "a stranger", w.do(act("far", Take, n, 1, Act{})).Fault, fault.Denied)
	})
}

func withID(id string, c Command) Command {
	c.ID = id
	return c
}

// TestCommandsAreOnceOnly: the same ID gets the same answer, even when the
// register has moved on; another request under it is refused.
func TestCommandsAreOnceOnly(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		n := b.submit(licence(t), 1)
		b.mustBring(1, 1)
		take := withID("take-1", act("anna", Take, n, 1, Act{}))
		first := w.must(take)
		w.must(act("anna", Note, n, 2, Act{Text: "x"}))
		acts := w.first().Stats().Acts
		if again := w.must(take); again.Version != first.Version || w.first().Stats().Acts != acts {
			t.Fatalf("again = %+v; want %+v, done once", again, first)
		}
		if res, ok := w.first().Answer(&take); !ok || res.Version != first.Version {
			t.Fatalf("Answer = %+v, %v", res, ok)
		}
		other := take
		other.Expect = 3
		wantFault(t, "same ID, other request", w.do(other).Fault, fault.Conflict)
		if res, ok := w.first().Answer(&other); !ok || res.Fault == nil {
			t.Fatalf("Answer to another request = %+v, %v", res, ok)
		}
		// IDs belong to their actor.
		bilal := withID("take-1", act("bilal", Take, n, 1, Act{}))
		wantFault(t, "another's ID", w.do(bilal).Fault, fault.Conflict)
		if res := w.do(bilal); res.Version != 3 {
			t.Fatalf("a kept refusal is %+v; want the one at version 3", res)
		}
		wantFault(t, "no ID", w.apply(&Entry{Commands: []Command{act("anna", Take, n, 1, Act{})}}).Results[0].Fault, fault.Invalid)
	})
}
