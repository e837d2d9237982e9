package register

import (
	"slices"
	"testing"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// onTrial orders a release for a centre.
func onTrial(w *town, number int, centre place.Centre, versions ...*dcat.Version) Command {
	w.t.Helper()
	return NewCommand("", "root", TryRelease, &TrialOrder{
		Parcel: *w.parcel(number, directory("41-09-17", "41-09-23"), versions...), Centre: centre, For: 60_000, Limit: 2,
	})
}

// tell is a box's word on the release on trial.
func tell(w *town, centre place.Centre, f protocol.Fare) Result {
	w.t.Helper()
	return w.do(NewCommand("", ActorHub, ReleaseFared, &FareTold{Centre: centre, Fare: f}))
}

func trialOf(w *town) *Trial {
	w.t.Helper()
	t, err := w.first().Trial()
	if err != nil || t == nil {
		w.t.Fatalf("trial %+v, %v", t, err)
	}
	return t
}

// kinds are those of the catalogue's log from an event on.
func (w *town) kinds(from int) (list []protocol.Kind) {
	for _, e := range w.logOf(w.first().Shelf())[from:] {
		list = append(list, e.Kind)
	}
	return list
}

// TestTrialPasses: a release is for all once the centre says, after its time, that it
// goes well; nobody else is asked.
func TestTrialPasses(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		w.enrol("41-09-23")
		two := version(t, "trade-licence", 2, "chairman")
		wantFault(t, "a centre without a box", w.do(onTrial(w, 2, "41-11-05", two)).Fault, fault.NotFound)
		wantFault(t, "a number left out", w.do(onTrial(w, 3, "41-09-17", two)).Fault, fault.Conflict)
		from := len(w.logOf(w.first().Shelf()))
		w.must(onTrial(w, 2, "41-09-17", two))
		if got := w.kinds(from); !slices.Equal(got, []protocol.Kind{protocol.ServiceAdded, protocol.DirectoryAdded, protocol.Tried}) && !slices.Equal(got, []protocol.Kind{protocol.ServiceAdded, protocol.Tried}) {
			t.Errorf("the log got %v", got)
		}
		for _, r := range []*Register{w.first(), w.reopen(w.registers[0].base)} {
			if cur, _ := r.Set().Current("trade-licence"); r.Release() != 1 || cur.Number != 1 || len(r.Set().VersionsOf("trade-licence")) != 2 {
				t.Errorf("release %d is in force with version %d", r.Release(), cur.Number)
			}
		}
		n := b.submit(two, 1) // Filed under the trial, and taken as any.
		b.mustBring(1, 1)
		if c, err := w.first().Case(n); err != nil || c.State.Seat.Post != "chairman" {
			t.Errorf("a case of the trial stands at %+v, %v", c, err)
		}
		wantFault(t, "a release meanwhile", w.do(NewCommand("", "root", Publish, w.parcel(3, directory("41-09-17"), two))).Fault, fault.Conflict)
		wantFault(t, "a second trial", w.do(onTrial(w, 3, "41-09-23", two)).Fault, fault.Conflict)
		wantFault(t, "another centre's word", tell(w, "41-09-23", protocol.Fare{Release: 2, Run: 1, InForce: true}).Fault, fault.Denied)

		tell(w, "41-09-17", protocol.Fare{Release: 2, Run: 1})
		if trialOf(w).Active != 0 {
			t.Error("it runs though it is not in force")
		}
		tell(w, "41-09-17", protocol.Fare{Release: 2, Run: 1, InForce: true})
		w.at += 60_000
		// Nobody's word: the trial waits for the centre.
		w.apply(&Entry{})
		if w.first().Release() != 1 {
			t.Fatal("it passed without a word of the centre")
		}
		tell(w, "41-09-17", protocol.Fare{Release: 2, Run: 1, InForce: true, Filed: []protocol.FarePlace{{Service: "trade-licence", Count: 1}}})
		for _, r := range []*Register{w.first(), w.reopen(w.registers[0].base)} {
			if cur, _ := r.Set().Current("trade-licence"); r.Release() != 2 || cur.Number != 2 {
				t.Errorf("release %d is in force with version %d; want 2", r.Release(), cur.Number)
			}
		}
		if x := trialOf(w); x.State != TrialPassed || x.By != ActorHub {
			t.Errorf("trial %+v", x)
		}
		wantFault(t, "a word after the end", tell(w, "41-09-17", protocol.Fare{Release: 2, Run: 1, InForce: true}).Fault, fault.Conflict)
	})
}

// TestTrialHaltsOnErrors is the table of what ends a trial by itself.
func TestTrialHaltsOnErrors(t *testing.T) {
	at := func(place string, n uint64) protocol.FarePlace {
		return protocol.FarePlace{Service: "trade-licence", Place: place, Count: n}
	}
	for _, tt := range []struct {
		name  string
		fares []protocol.Fare
		halts bool
	}{
		{"nothing went wrong", []protocol.Fare{{InForce: true, Filed: []protocol.FarePlace{at("", 1)}}}, false},
		{"it can't be put in force", []protocol.Fare{{Failure: "a form does not compile"}}, true},
		{"one field refuses all", []protocol.Fare{{InForce: true, Refused: []protocol.FarePlace{at("/form/mouza", 3)}}}, true},
		{"up to the limit", []protocol.Fare{{InForce: true, Refused: []protocol.FarePlace{at("/form/mouza", 2)}}}, false},
		{"typing errors among what is filed", []protocol.Fare{{InForce: true, Filed: []protocol.FarePlace{at("", 9)}, Refused: []protocol.FarePlace{at("/form/mouza", 5)}}}, false},
		{"two fields, a little each", []protocol.Fare{{InForce: true, Refused: []protocol.FarePlace{at("/form/a", 2), at("/form/b", 2)}}}, false},
		{"over two runs of the box", []protocol.Fare{
			{Run: 1, InForce: true, Refused: []protocol.FarePlace{at("/form/mouza", 2)}}, {Run: 2, InForce: true, Refused: []protocol.FarePlace{at("/form/mouza", 1)}},
		}, true},
		{"the same word twice", []protocol.Fare{
			{Run: 1, InForce: true, Refused: []protocol.FarePlace{at("/form/mouza", 2)}}, {Run: 1, InForce: true, Refused: []protocol.FarePlace{at("/form/mouza", 2)}},
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(t, newMemory()).settle()
			w.enrol("41-09-17")
			w.must(onTrial(w, 2, "41-09-17", version(t, "trade-licence", 2, "chairman")))
			from := len(w.logOf(w.first().Shelf()))
			for _, f := range tt.fares {
				f.Release, f.Run = 2, max(f.Run, 1)
				tell(w, "41-09-17", f)
			}
			x := trialOf(w)
			if halted := x.State == TrialHalted; halted != tt.halts || halted != (x.Reason != "") {
				t.Errorf("trial %s, reason %q; halted: want %v", x.State, x.Reason, tt.halts)
			}
			if got := w.kinds(from); tt.halts != slices.Equal(got, []protocol.Kind{protocol.TrialEnded}) {
				t.Errorf("the log got %v", got)
			}
		})
	}
}

// TestTrialIsEndedByHand: an operator promotes or halts; the number of a halted one is
// not given out again, nor are those of its versions.
func TestTrialIsEndedByHand(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		w.enrol("41-09-17")
		two, three := version(t, "trade-licence", 2, "chairman"), version(t, "trade-licence", 3, "secretary", "chairman")
		w.must(onTrial(w, 2, "41-09-17", two))
		word := func(m Method, n int) Command {
			return NewCommand("", "root", m, &TrialWord{Release: n, Reason: "a wrong fee"})
		}
		wantFault(t, "another release", w.do(word(PromoteRelease, 3)).Fault, fault.NotFound)
		wantFault(t, "an officer", w.do(NewCommand("", "anna", HaltRelease, &TrialWord{Release: 2})).Fault, fault.Denied)
		w.must(word(HaltRelease, 2))
		wantFault(t, "what was halted", w.do(word(PromoteRelease, 2)).Fault, fault.Conflict)
		if n, err := w.first().NextRelease(); n != 3 || err != nil || w.first().Release() != 1 {
			t.Fatalf("next release %d, %v; in force %d", n, err, w.first().Release())
		}
		wantFault(t, "its number again", w.do(onTrial(w, 2, "41-09-17", three)).Fault, fault.Conflict)
		twice := version(t, "trade-licence", 2, "secretary")
		wantFault(t, "its version's number again", w.do(onTrial(w, 3, "41-09-17", twice)).Fault, fault.Conflict)
		w.must(onTrial(w, 3, "41-09-17", three))
		w.must(word(PromoteRelease, 3))
		for _, r := range []*Register{w.first(), w.reopen(w.registers[0].base)} {
			if cur, _ := r.Set().Current("trade-licence"); r.Release() != 3 || cur.Number != 3 {
				t.Errorf("release %d is in force with version %d; want 3", r.Release(), cur.Number)
			}
		}
		if list, err := w.first().Releases(); err != nil || len(list) != 2 {
			t.Errorf("%d releases were for all, %v; want 2", len(list), err)
		}
	})
}

// storyOfTrials is what can happen since format 4: releases on trial.
func storyOfTrials(w *town) {
	w.t.Helper()
	v := licence(w.t)
	w.must(onTrial(w, 5, "41-09-17", v))
	tell(w, "41-09-17", protocol.Fare{Release: 5, Run: 1, InForce: true})
	w.do(NewCommand("", "root", Publish, w.parcel(6, directory("41-09-17"), v)))
	tell(w, "41-09-17", protocol.Fare{Release: 5, Run: 2, InForce: true, Refused: []protocol.FarePlace{{Service: "trade-licence", Place: "/form/a", Count: 3}}})
	w.must(onTrial(w, 6, "41-09-17", v))
	w.must(NewCommand("", "root", HaltRelease, &TrialWord{Release: 6, Reason: "a wrong fee"}))
	w.must(onTrial(w, 7, "41-09-17", v))
	tell(w, "41-09-17", protocol.Fare{Release: 7, Run: 3, InForce: true})
	w.at += 60_000
	tell(w, "41-09-17", protocol.Fare{Release: 7, Run: 3, InForce: true, Filed: []protocol.FarePlace{{Service: "trade-licence", Count: 1}}})
}
