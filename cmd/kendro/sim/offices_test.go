package sim

import (
	"testing"

	"kendro/domain/application"
	"kendro/hub/register"
)

// An approval that the hub follows up by itself, with a demand or a delivery date, is
// answered with the version of the case after that: whoever acts next acts on it. The
// oracle takes that answer and no other, and the case's way by its rules.
func TestApprovalIsAnsweredWithWhatTheHubDidNext(t *testing.T) {
	y := newCentre(t)
	y.service = services[1] // Whose licence is issued.
	y.file(1)
	y.decide(y.cases, 0, register.Note)
	number := y.cases[0]
	before, err := y.reg.Case(number)
	if err != nil {
		t.Fatal(err)
	}
	a := &asked{by: before.State.Holder, number: number, method: register.Approve, saw: before.State.Version}
	answer := y.apply(0, &register.Entry{Commands: []register.Command{y.command(a.by, a.method, number, a.saw, register.Act{})}}).Results[0].Version
	c, err := y.reg.Case(number)
	if err != nil {
		t.Fatal(err)
	}
	if answer != a.saw+2 || answer != c.State.Version || c.State.Stage == application.Approved {
		t.Fatalf("answered with version %d of %d, %s; want the version after the hub's own turn, which follows %d", answer, c.State.Version, c.State.Stage, a.saw+1)
	}
	at := len(c.History) - 2
	o := newOffices(&world{cast: y.cast})
	for _, tc := range []struct {
		what    string
		version uint64
		turns   func([]register.Turn)
		stands  bool
	}{
		{"the version after the hub's own", answer, func([]register.Turn) {}, true},
		{"the version before his act", a.saw, func([]register.Turn) {}, false},
		{"a version that is not there", answer + 1, func([]register.Turn) {}, false},
		{"a colleague's turn in between", answer, func(h []register.Turn) { h[at+1].Actor = "officer.9.1" }, false},
		{"a colleague's turn in place of his", answer, func(h []register.Turn) { h[at].Actor = "officer.9.1" }, false},
		{"another act in place of his", answer, func(h []register.Turn) { h[at].Action = application.Reject }, false},
	} {
		turns := append([]register.Turn(nil), c.History...)
		tc.turns(turns)
		if err := a.stands(turns, tc.version); (err == nil) != tc.stands {
			t.Errorf("%s: %v; want it to stand: %v", tc.what, err, tc.stands)
		}
	}
	by := map[spotOfAct]*asked{{number, a.saw + 1}: a}
	if err := o.history(c, by); err != nil || len(by) != 0 {
		t.Errorf("the case's way: %v, and %d acts are left; want neither", err, len(by))
	}
	c.History[at+1].Actor = "officer.9.1"
	if err := o.history(c, by); err == nil {
		t.Error("an officer's demand is taken for the hub's")
	}
}
