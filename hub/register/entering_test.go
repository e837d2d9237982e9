package register

import (
	"slices"
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// clerked is a town whose upazila has a clerk, and one in another union.
func clerked(t testing.TB) (*town, *box) {
	t.Helper()
	w, b := office(t)
	for name, seat := range map[string]place.Seat{"clerk": {Post: "uno", Office: "upazila-41-09"}, "other": {Post: "secretary", Office: "local-41-09-23"}} {
		w.must(NewCommand("clerk "+name, "root", AddUser, &User{Name: name, Role: access.Clerk, Seat: seat, Hash: hash1, From: 1}))
	}
	return w, b
}

// letter is what a clerk enters: asked is what he sent, of which nonce and verdict are
// none of his.
func letter(v *dcat.Version, asked string, nonce byte, elsewhere *protocol.Elsewhere) *Entering {
	return &Entering{
		Request: protocol.Hash(seedOf(asked)), Area: "41-09-17", Verdict: Verdict{Due: dawn/1000 + 5*86400},
		Finding: &Finding{Issue: copyFee, Mode: dcat.ByPost},
		Event: protocol.Event{
			Kind: protocol.Submitted, Nonce: []byte{0, 0, 0, 0, 0, 0, 0, nonce},
			Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
			Payload: protocol.Marshal(&protocol.Submission{
				Channel: "counter", Form: []byte(`{"khatian_no":"12"}`), Applicant: []byte(`{"name":"রহিম"}`), PostedOn: "2026-11-10", Elsewhere: elsewhere,
			}),
		},
	}
}

// entered enters something, and returns the register's answer.
func entered(w *town, id, who string, b *Entering) (Entered, *protocol.Failure) {
	w.t.Helper()
	res := w.apply(&Entry{Offset: dhakaOffset, Commands: []Command{NewCommand(id, who, Enter, b)}}).Results[0]
	var e Entered
	if res.Fault == nil {
		if err := res.Decode(&e); err != nil {
			w.t.Fatal(err)
		}
	}
	return e, res.Fault
}

// drops fails where what came and what became of it don't balance.
func drops(t testing.TB, w *town) {
	t.Helper()
	if n, err := w.first().SilentDrops(); n != 0 || err != nil {
		t.Errorf("silent drops: %d, %v", n, err)
	}
}

// TestLetterToAnOffice: what a clerk enters is one case, however often he is not answered
// and asks again, under a number of the hub's own; it goes the way of all others, and no
// box hears of it (R-CH6).
func TestLetterToAnOffice(t *testing.T) {
	w, b := clerked(t)
	v := landCopy(t)
	inbox := len(w.inboxOf("41-09-17"))
	first, f := entered(w, "k1", "clerk", letter(v, "letter", 1, nil))
	if f != nil {
		t.Fatal(f.Err())
	}
	later := letter(v, "letter", 2, nil)
	later.Verdict.Refused = "by a later release"
	if again, f := entered(w, "k1", "clerk", later); f != nil || again.Number != first.Number || again.At != first.At {
		t.Errorf("asked again: %+v, %v; want %+v", again, f, first)
	}
	if _, f := entered(w, "k1", "clerk", letter(v, "another", 1, nil)); f == nil || f.Kind != fault.Conflict {
		t.Errorf("another letter under one key: %v", f)
	}
	second, f := entered(w, "k2", "clerk", letter(v, "letter", 1, nil)) // The nonce has come before.
	if f != nil || second.Number == first.Number {
		t.Fatalf("the second: %+v, %v", second, f)
	}
	for _, n := range []protocol.Number{first.Number, second.Number} {
		if n.Slot() != "0002" {
			t.Errorf("number %s; want one of slot 0002", n.Spaced())
		}
	}
	c := w.stage(first.Number, application.Received)
	if c.Centre != "" || c.Area != "41-09-17" || c.By != "clerk" || c.Filed != c.Accepted || c.Legal != c.Accepted || c.ClockOff != 0 || c.Printed != 0 ||
		!slices.Equal(c.Offices, []string{"upazila-41-09", "local-41-09-17"}) {
		t.Errorf("the case is %+v", c)
	}
	e, sub, err := w.first().Submission(c)
	if err != nil || sub.PostedOn != "2026-11-10" || e.At != c.Filed || e.Actor != "clerk" || e.Post != "uno" {
		t.Errorf("kept: %+v, %+v, %v", e, sub, err)
	}
	approved(w, first.Number)
	w.worked(first.Number, "chair", Pay, Act{Amount: copyFee, Text: "challan 7"})
	w.worked(first.Number, "chair", Issue, Act{})
	w.worked(first.Number, "chair", Dispatch, Act{Text: "RR123456789BD"})
	w.stage(first.Number, application.Posted)
	if n := len(w.inboxOf("41-09-17")); n != inbox {
		t.Errorf("the box of the union heard %d things of a case that is not its own", n-inbox)
	}
	if n := len(w.inboxOf("")); n != 0 {
		t.Errorf("%d events stand in the inbox of no centre", n)
	}
	b.filed(v, 1, copyDue)
	if st := w.first().Stats(); st.Cases != 3 || st.Accepted != 3 || st.Aliases != 0 {
		t.Errorf("stats = %+v", st)
	}
	drops(t, w)
	w.agree()
}

// TestWhatAnOfficeRefusesToEnter: nothing that is refused is kept.
func TestWhatAnOfficeRefusesToEnter(t *testing.T) {
	w, b := clerked(t)
	v := landCopy(t)
	n := b.filed(v, 1, copyDue)
	bad := letter(v, "bad", 1, nil)
	bad.Verdict.Refused = "form/khatian_no: it is missing"
	unknown := letter(version(t, "land-record-copy", 7, "secretary"), "unknown", 1, nil)
	by := letter(v, "by fax", 1, nil)
	by.Event.Payload = protocol.Marshal(&protocol.Submission{Channel: "fax", Form: []byte(`{}`), Applicant: []byte(`{}`)})
	short := letter(v, "short", 1, nil)
	short.Event.Nonce = []byte{1}
	long := letter(v, "long", 1, nil)
	long.Event.Payload = protocol.Marshal(make([]byte, protocol.MaxEvent))
	money := &Entering{Request: protocol.Hash{1}, Event: protocol.Event{Kind: protocol.PaymentTaken, Number: n, Payload: protocol.Marshal(cash(1))}}
	back := &Entering{Request: protocol.Hash{2}, Event: protocol.Event{Kind: protocol.Withdrawn, Number: n, Payload: protocol.Marshal(&protocol.Withdrawal{})}}
	for what, x := range map[string]struct {
		who  string
		b    *Entering
		want fault.Kind
	}{
		"what the leader refused":        {"clerk", bad, fault.Invalid},
		"a version nobody knows":         {"clerk", unknown, fault.Conflict},
		"a channel it is not offered by": {"clerk", by, fault.Conflict},
		"a nonce that is none":           {"clerk", short, fault.Invalid},
		"what is too long":               {"clerk", long, fault.Invalid},
		"by an officer":                  {"anna", letter(v, "x", 1, nil), fault.Denied},
		"by an entrepreneur":             {"rahima", letter(v, "x", 1, nil), fault.Denied},
		"by the hub":                     {ActorHub, letter(v, "x", 1, nil), fault.Denied},
		"money":                          {"clerk", money, fault.Invalid},
		"on a centre's case":             {"clerk", back, fault.Denied},
	} {
		if _, f := entered(w, what, x.who, x.b); f == nil || f.Kind != x.want {
			t.Errorf("%s: %v; want %v", what, f, x.want)
		}
	}
	withdrawn := letter(v, "gone", 1, nil)
	w.publish(3, fullDirectory(), licence(t))
	if _, f := entered(w, "gone", "clerk", withdrawn); f == nil || f.Kind != fault.NotFound {
		t.Errorf("a withdrawn service: %v", f)
	}
	if st := w.first().Stats(); st.Cases != 1 || st.Accepted != 1 {
		t.Errorf("stats = %+v", st)
	}
	drops(t, w)
	w.agree()
}

// TestClerkBringsWhatWasAskedFor: only the office that took a case in, and only what was
// asked for.
func TestClerkBringsWhatWasAskedFor(t *testing.T) {
	w, _ := clerked(t)
	a, f := entered(w, "k1", "clerk", letter(landCopy(t), "letter", 1, nil))
	if f != nil {
		t.Fatal(f.Err())
	}
	supply := func(id, who string, ids ...string) *protocol.Failure {
		_, f := entered(w, id, who, &Entering{Request: protocol.Hash(seedOf(id)), Event: protocol.Event{
			Kind: protocol.Supplied, Number: a.Number, Payload: protocol.Marshal(&protocol.Supplement{Originals: ids}),
		}})
		return f
	}
	wantFault(t, "before anything was asked for", supply("s1", "clerk", "nid"), fault.Conflict)
	w.worked(a.Number, "anna", Take, Act{})
	w.worked(a.Number, "anna", RequestInfo, Act{Items: []string{"nid"}, Text: "পড়া যায় না"})
	wantFault(t, "by another office", supply("s2", "other", "nid"), fault.Denied)
	wantFault(t, "something else", supply("s3", "clerk", "deed"), fault.Conflict)
	drops(t, w)
	if f := supply("s4", "clerk", "nid"); f != nil {
		t.Fatal(f.Err())
	}
	c := w.stage(a.Number, application.UnderReview)
	if last := c.History[len(c.History)-1]; last.Actor != "clerk" || last.Event == nil || last.Event.Log != a.Log || last.Event.At.Seq != 2 {
		t.Errorf("the turn is %+v", last)
	}
	if _, sub, err := w.first().AsOf(c, 0); err != nil || !slices.Equal(sub.Originals, []string{"nid"}) {
		t.Errorf("as of now: %+v, %v", sub, err)
	}
	if course, err := w.first().Course(c); err != nil || len(course.Turns) != len(c.History) {
		t.Errorf("measured: %+v, %v", course, err)
	}
	if _, f := entered(w, "w1", "clerk", &Entering{Request: protocol.Hash{7}, Event: protocol.Event{
		Kind: protocol.Withdrawn, Number: a.Number, Payload: protocol.Marshal(&protocol.Withdrawal{Reason: "sold"}),
	}}); f != nil {
		t.Fatal(f.Err())
	}
	w.stage(a.Number, application.Withdrawn)
	drops(t, w)
	w.agree()
}

// TestTakenOverOnce: another system's application becomes one case, whoever brings it and
// under whatever key.
func TestTakenOverOnce(t *testing.T) {
	w, _ := clerked(t)
	v := landCopy(t)
	from := &protocol.Elsewhere{System: "e-filing", Number: "EF-77", On: "2025-01-05"}
	first, f := entered(w, "k1", "clerk", letter(v, "row 1", 1, from))
	if f != nil {
		t.Fatal(f.Err())
	}
	bad := letter(v, "row 1", 2, from)
	bad.Verdict.Refused = "by a later release"
	again, f := entered(w, "k2", "other", bad)
	if f != nil || !again.Before || again.Number != first.Number || again.At != first.At || again.Pin == nil {
		t.Errorf("brought again: %+v, %v; want %+v", again, f, first)
	}
	if _, f := entered(w, "k3", "clerk", letter(v, "row 2", 2, &protocol.Elsewhere{System: "e-filing"})); f == nil || f.Kind != fault.Invalid {
		t.Errorf("without its number: %v", f)
	}
	if other, f := entered(w, "k4", "clerk", letter(v, "row 1", 2, &protocol.Elsewhere{System: "old", Number: "EF-77"})); f != nil || other.Before {
		t.Errorf("another system's: %+v, %v", other, f)
	}
	if c := w.stage(first.Number, application.Received); c.Legal != c.Accepted {
		t.Errorf("legal at %d, accepted at %d; want the date of the entry", c.Legal, c.Accepted)
	}
	if st := w.first().Stats(); st.Cases != 2 {
		t.Errorf("stats = %+v", st)
	}
	drops(t, w)
}

// TestEachRegisterHasAnIntakeOfItsOwn: one that begins anew gives no number that the one
// before may have given.
func TestEachRegisterHasAnIntakeOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range []*Anew{nil, {FirstSlot: 1010}, {FirstSlot: 2186}, {FirstSlot: 3200}, {FirstSlot: 8000}} {
		w := &world{founding: &Founding{District: "41", Incarnation: 7, Anew: a}}
		name := w.ownLog().Name
		if slot := name[3:]; seen[slot] || slot <= firstOwnSlot || slot > "0009" {
			t.Errorf("%+v takes in under %s", a, name)
		} else {
			seen[slot] = true
		}
	}
}

// TestGrievanceByLetter: one about a centre that names none is about nobody known, not
// about whoever has no centre.
func TestGrievanceByLetter(t *testing.T) {
	w, _, v := grievanceOffice(t)
	w.must(NewCommand("clerk", "root", AddUser, &User{Name: "clerk", Role: access.Clerk, Seat: place.Seat{Post: "l0", Office: "local-41-09-17"}, Hash: hash1, From: 1}))
	b := letter(v, "grievance", 1, nil)
	b.Finding = &Finding{Complaint: &application.Complaint{Kind: "centre"}}
	a, f := entered(w, "k1", "clerk", b)
	if f != nil {
		t.Fatal(f.Err())
	}
	c := w.stage(a.Number, application.Received)
	if c.Accused == nil || !c.Accused.Unknown || len(c.Accused.Persons) != 0 {
		t.Errorf("it is about %+v", c.Accused)
	}
}
