package register

import (
	"slices"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/protocol"
)

// answerDays is the term of what these tests ask for.
const answerDays = 15

// withTerm is a version that gives its applicants a term.
func withTerm(t testing.TB, v *dcat.Version) *dcat.Version {
	t.Helper()
	v.InfoDays = answerDays
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return v
}

// asking is an office with a case of which anna has asked for a paper, and the last second for it.
func asking(t testing.TB) (w *town, b *box, n protocol.Number, until int64) {
	t.Helper()
	w, b = office(t)
	v := landCopy(t)
	v.Number = 2
	w.publish(3, fullDirectory(), licence(t), withTerm(t, v))
	n = b.filed(v, 1, copyDue)
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", RequestInfo, Act{Items: []string{"nid"}, Text: "which?", Until: 5})
	return w, b, n, application.Term(time.UnixMilli(w.at).In(time.FixedZone("", dhakaOffset)), answerDays)
}

// past brings the register to some seconds after a moment, and does what is due then.
func past(w *town, unix, seconds int64) {
	w.t.Helper()
	w.at = (unix + seconds) * 1000
	tick(w)
}

// nid is the paper that was asked for, as it was shown at the counter.
func nid() *protocol.Supplement { return &protocol.Supplement{Originals: []string{"nid"}} }

// newest is a case's newest turn.
func newest(w *town, n protocol.Number) Turn {
	h := caseOf(w, n).History
	return h[len(h)-1]
}

// sound fails unless the register's servers agree, its histories hold, and a replay comes to the same.
func sound(w *town) {
	w.t.Helper()
	verified(w)
	replayed(w)
	w.agree()
}

// TestQuestionHasATerm: the citizen knows the last day, which is the version's to say. Until its
// end nothing happens; then the desk which asked has the case again with what there is, its clock
// running from that end, however late the hub comes to it, and nobody is rejected.
func TestQuestionHasATerm(t *testing.T) {
	w, _, n, until := asking(t)
	c := w.stage(n, application.InfoRequested)
	due, paused := c.Due, c.Paused
	if c.State.SupplyBy != until || c.Timer != until+1 || newest(w, n).Dated != until {
		t.Fatalf("the term ends at %d, the hub looks at %d, the history says %d; want %d", c.State.SupplyBy, c.Timer, newest(w, n).Dated, until)
	}
	if st, _, err := w.first().Standing(n); err != nil || st.SupplyBy != until || st.Unanswered {
		t.Errorf("the citizen reads %+v, %v", st, err)
	}
	past(w, until, 0)
	w.stage(n, application.InfoRequested)
	past(w, until, 3*24*3600)
	c = w.stage(n, application.UnderReview)
	zone := time.FixedZone("", dhakaOffset)
	want := application.Resumed(fullDirectory().Calendar, due, time.Unix(paused, 0).In(zone), time.Unix(until+1, 0).In(zone))
	if c.State.Holder != "anna" || c.State.Seat.Post != "secretary" || !c.State.Unanswered || c.Due != want || c.Paused != 0 {
		t.Errorf("the case is %+v; want it in anna's hands, due %d", c, want)
	}
	if turn := newest(w, n); turn.Action != application.Unanswered || turn.Actor != "" {
		t.Errorf("the history ends with %+v", turn)
	}
	inbox := w.inboxOf("41-09-17")
	var st protocol.Standing
	if err := inbox[len(inbox)-1].Decode(&st); err != nil || !st.Unanswered || !slices.Equal(st.Items, []string{"nid"}) || st.Reason != "which?" || st.SupplyBy != until {
		t.Errorf("its centre was told %+v, %v", st, err)
	}
	w.worked(n, "anna", Decide, Act{Opinion: application.ForRejection, Text: "no answer"})
	w.worked(n, "anna", RequestInfo, Act{Items: []string{"nid"}, Text: "once more"})
	if c := w.stage(n, application.InfoRequested); c.State.Unanswered || c.State.SupplyBy <= until {
		t.Errorf("asked again: %+v; want a term of its own", c.State)
	}
	sound(w)
}

// TestNoTermWaits: without a term in the version a case waits for its applicant for ever, whatever
// the officer's call says.
func TestNoTermWaits(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", RequestInfo, Act{Items: []string{"nid"}, Text: "which?", Until: 5})
	since(w, 400)
	tick(w)
	if c := w.stage(n, application.InfoRequested); c.State.SupplyBy != 0 || c.Timer != 0 {
		t.Errorf("the case is %+v", c)
	}
	sound(w)
}

// TestAnswerComesLate: what is brought after the term is taken as long as nothing is decided, and
// says so; what was brought within it counts as in time, however late its box is heard. Neither
// moves the case, its clock or its officer, and whoever has stated a decision states it anew.
func TestAnswerComesLate(t *testing.T) {
	for _, tt := range []struct {
		name    string
		brought int64 // Seconds after the term.
		late    bool
	}{
		{"on the last second", 0, false},
		{"a second later", 1, true},
	} {
		w, b, n, until := asking(t)
		past(w, until, 24*3600)
		w.worked(n, "anna", Decide, Act{Opinion: application.ForRejection, Text: "no answer"})
		before := w.stage(n, application.UnderReview)
		b.send(protocol.Supplied, n, (until+tt.brought)*1000, nid())
		c := w.stage(n, application.UnderReview)
		if c.State.Asked != "" || c.State.Unanswered || c.State.SupplyBy != 0 || c.State.Holder != "anna" || c.State.DecidedBy != "" || c.Due != before.Due {
			t.Errorf("%s: the case is %+v", tt.name, c)
		}
		if turn := newest(w, n); turn.Action != application.Supply || application.BroughtLate(turn.Dated, until) != tt.late || turn.Dated != until+tt.brought {
			t.Errorf("%s: the history ends with %+v; want it late: %v", tt.name, turn, tt.late)
		}
		sound(w)
	}
}

// TestAnswerComesToTheNextDesk: a case that went on without an answer takes it where it lies, and
// what is brought in part leaves the rest asked for.
func TestAnswerComesToTheNextDesk(t *testing.T) {
	w, b, n, _ := asking(t)
	b.send(protocol.Supplied, n, w.at, nid())
	w.worked(n, "anna", RequestInfo, Act{Items: []string{"nid", "form.mouza"}, Text: "and these"})
	past(w, caseOf(w, n).State.SupplyBy, 1)
	w.worked(n, "anna", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForRejection, Text: "no answer"})
	w.worked(n, "anna", Forward, Act{})
	before := w.stage(n, application.Received)
	b.send(protocol.Supplied, n, w.at, nid())
	c := w.stage(n, application.Received)
	if c.State.Seat.Post != "chairman" || c.State.Asked != "form.mouza" || !c.State.Unanswered || c.Due != before.Due || c.State.Visited != before.State.Visited {
		t.Errorf("the case is %+v; want it with the chairman, and the mouza still asked for", c)
	}
	if kinds, err := w.first().Items(n); err != nil || len(kinds) != 0 {
		t.Errorf("items %+v, %v", kinds, err)
	}
	sound(w)
}

// TestAnswerAfterTheDecision: nothing is lost of what comes to a decided case; of what was brought
// within the term the officer reads that.
func TestAnswerAfterTheDecision(t *testing.T) {
	w, b, n, until := asking(t)
	past(w, until, 24*3600)
	w.worked(n, "anna", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForRejection, Text: "no answer"})
	w.worked(n, "anna", Forward, Act{})
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", Decide, Act{Opinion: application.ForRejection, Text: "no answer"})
	w.worked(n, "chair", Reject, Act{Text: "no answer", Reason: "incomplete"})
	if st, _, err := w.first().Standing(n); err != nil || len(st.Items) != 0 || st.SupplyBy != 0 {
		t.Errorf("a rejected case still asks: %+v, %v", st, err)
	}
	b.send(protocol.Supplied, n, until*1000, nid())
	if it, all := itemOf(w, n); all != 1 || it.Kind != ItemSupplement || it.Text != whyInTime {
		t.Errorf("what was brought in time is %+v of %d", it, all)
	}
	b.send(protocol.Supplied, n, w.at, nid())
	if it, all := itemOf(w, n); all != 2 || it.Kind != ItemSupplement || it.Text == whyInTime {
		t.Errorf("what was brought after it is %+v of %d", it, all)
	}
	w.stage(n, application.Rejected)
	sound(w)
}

// TestAnswerOfADoubtfulClock: an answer whose date can't be believed is taken, and called neither
// late nor in time.
func TestAnswerOfADoubtfulClock(t *testing.T) {
	w, b, n, until := asking(t)
	past(w, until, 24*3600)
	b.send(protocol.Supplied, n, w.at+20*24*3600*1000, nid())
	w.stage(n, application.UnderReview)
	if turn := newest(w, n); turn.Action != application.Supply || turn.Dated != 0 {
		t.Errorf("the history ends with %+v", turn)
	}
	sound(w)
}

// askedByTheHub is a case that a newer version asks for a paper, and gives a term.
func askedByTheHub(t *testing.T) (w *town, b *box, n protocol.Number, old, current *dcat.Version) {
	t.Helper()
	w, b = office(t)
	old, current = landCopy(t), withTerm(t, newer(t, 2, 10))
	w.publish(3, fullDirectory(), licence(t), current)
	since(w, 40)
	n = b.filedOn(old, 1, w.at, &AskedAnew{Under: current.Hash, Edition: 2, Items: []string{"deed"}})
	until := application.Term(time.UnixMilli(w.at).In(time.FixedZone("", dhakaOffset)), answerDays)
	past(w, until, 1)
	c := w.stage(n, application.Received)
	if !c.State.Unanswered || c.Pinned != old.Hash || c.State.Seat.Post != "secretary" || c.Due == 0 {
		t.Fatalf("when its term was over, the case is %+v; want it at the first desk of its own version", c)
	}
	return w, b, n, old, current
}

// TestRow7UnansweredGoesOn: what a newer version asks has that version's term. When it is over the
// case goes on under its own, and what comes before somebody takes it up still moves it.
func TestRow7UnansweredGoesOn(t *testing.T) {
	w, b, n, _, current := askedByTheHub(t)
	if st, _, err := w.first().Standing(n); err != nil || st.Under == nil || st.Moved || !st.Unanswered || !slices.Equal(st.Items, []string{"deed"}) {
		t.Errorf("the citizen reads %+v, %v", st, err)
	}
	since(w, 2)
	b.supplied(n, &protocol.Supplement{Originals: []string{"deed"}}, Finding{Issue: 2 * copyFee, Mode: dcat.ByCentre})
	c := w.stage(n, application.Received)
	due := application.WorkTerm(fullDirectory().Calendar, time.UnixMilli(w.at).In(time.FixedZone("", dhakaOffset)), current.SLADays)
	if c.Pinned != current.Hash || c.State.Seat.Post != "chairman" || c.State.Unanswered || c.Due != due || c.State.Issue != copyFee {
		t.Errorf("answered late the case is %+v; want it with the chairman, due %d", c, due)
	}
	sound(w)
}

// TestRow7UnansweredIsTakenUp: once an officer has the case under its own version, nothing is
// asked for any more, and what still comes is his to look at.
func TestRow7UnansweredIsTakenUp(t *testing.T) {
	w, b, n, old, _ := askedByTheHub(t)
	w.worked(n, "anna", Take, Act{})
	if st, _, err := w.first().Standing(n); err != nil || len(st.Items) != 0 || st.Under != nil {
		t.Errorf("the citizen reads %+v, %v", st, err)
	}
	b.supplied(n, &protocol.Supplement{Originals: []string{"deed"}}, Finding{Issue: copyFee, Mode: dcat.ByCentre})
	if c := w.stage(n, application.UnderReview); c.Pinned != old.Hash || c.State.Holder != "anna" || newest(w, n).Action != application.Supply {
		t.Errorf("the case is %+v; want the paper in it, under its own version", c)
	}
	sound(w)
}

// TestUnionsQuestionEnds: a union without a link goes on when the term of its question is over,
// whether the hub hears of it at once or has ended the term by itself before.
func TestUnionsQuestionEnds(t *testing.T) {
	const day = 24 * 3600 * 1000
	zone := time.FixedZone("", dhakaOffset)
	for _, atOnce := range []bool{true, false} {
		w, u := newUnionOf(t, func(v *dcat.Version) { v.InfoDays, v.Procedure.Certificate.LeaseDays = 2, 14 })
		n := u.files()
		u.arrives()
		was, asked := caseOf(w, n), w.at+day
		until := application.Term(time.UnixMilli(asked).In(zone), 2)
		u.acts("anna", n, asked, protocol.UnionAct{Action: "take"})
		u.acts("anna", n, asked, protocol.UnionAct{Action: "request-info", Text: "which shop?", Items: []string{"photo", "nid"}})
		if !atOnce {
			since(w, 8)
			u.arrives()
			tick(w)
			w.stage(n, application.UnderReview)
		}
		after := (until + 3600) * 1000
		u.wrote("rahima", protocol.Supplied, n, until*1000, &protocol.Supplement{Originals: []string{"nid"}})
		u.acts("anna", n, after, protocol.UnionAct{Action: "decide", Opinion: "reject", Text: "no photograph"})
		u.acts("anna", n, after, protocol.UnionAct{Action: "forward"})
		since(w, 9)
		u.arrives()
		c := w.stage(n, application.Received)
		want := application.Resumed(fullDirectory().Calendar, was.Due, time.UnixMilli(asked).In(zone), time.Unix(until+1, 0).In(zone))
		if c.State.Seat.Post != "chairman" || c.State.Asked != "photo" || !c.State.Unanswered || c.Due != want {
			t.Errorf("at once: %v: the case is %+v; want it with the chairman, due %d", atOnce, c, want)
		}
		for _, turn := range c.History {
			if turn.Action == application.Supply && turn.Dated != until || turn.Action == application.RequestInfo && turn.Dated != until {
				t.Errorf("at once: %v: the history says %+v; want %d", atOnce, turn, until)
			}
		}
		if kinds, _ := u.items(n); len(kinds) != 0 {
			t.Errorf("at once: %v: items %v; want none", atOnce, kinds)
		}
		sound(w)
	}
}
