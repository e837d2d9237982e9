package register

import (
	"testing"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// words are what the union was told last of its own acts on a case, by what was done.
func (u *union) words(n protocol.Number) map[string]protocol.Aside {
	u.town.t.Helper()
	out := map[string]protocol.Aside{}
	for _, e := range u.town.inboxOf(u.centre) {
		var a protocol.Aside
		if e.Kind != protocol.SetAside || e.Number != n {
			continue
		}
		if err := e.Decode(&a); err != nil {
			u.town.t.Fatal(err)
		}
		if a.Act != nil {
			out[a.Act.Action] = a
		}
	}
	return out
}

// TestUnionIsToldWhatWasRefused: of an act that does not fit, its union hears what it was, of whom, why and whose
// it is now; the hub's desks then have the case though the lease goes on, unless it was a note alone. What an officer
// of the union has read changes nothing.
func TestUnionIsToldWhatWasRefused(t *testing.T) {
	w, u := newUnion(t)
	n, noted := u.files(), u.files()
	act := func(who string, n protocol.Number, a protocol.UnionAct) {
		a.Token = u.lease().Token
		u.add(&protocol.Event{Kind: protocol.ActedAtUnion, At: w.at, Actor: who, Post: "chairman@" + unionOffice, Number: n, Payload: protocol.Marshal(&a)})
	}
	act("chair", n, protocol.UnionAct{Action: "take"})
	act("chair", noted, protocol.UnionAct{Action: "note", Text: "seen"})
	u.arrives()
	got := u.words(n)["take"]
	if a := got.Act; a == nil || a.Actor != "chair" || a.Post != "chairman@"+unionOffice || a.Owner != "uno@upazila-41-09" || a.Since != w.at || a.At > w.at ||
		got.Kind != protocol.AsideUnfit || got.Text != whyNotHis || got.Outcome != "" || a.Settled != 0 {
		t.Fatalf("the union is told %+v of %+v", got, a)
	}
	wantFault(t, "take at the hub what was only noted", w.officer(noted, "anna", Take, Act{}).Fault, fault.Conflict)
	w.worked(n, "anna", Take, Act{})
	_, it := u.items(n)
	if res := u.settles("uno-officer", it, "dismissed"); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	got = u.words(n)["take"]
	if got.Outcome != "dismissed" || got.Counts() || got.Act == nil || got.Act.Words != "seen" || got.Act.Settled != w.at {
		t.Errorf("settled, the union is told %+v of %+v", got, got.Act)
	}
	before := w.first().Stats()
	u.by("anna", protocol.AsideRead, n, &protocol.AsideSeen{Log: got.Log, At: got.At, Outcome: got.Outcome})
	if after := w.first().Stats(); after.Items != before.Items || after.Unreadable != before.Unreadable || after.Followed != before.Followed+1 {
		t.Errorf("what was read became %+v; before %+v", after, before)
	}
	verified(w)
	w.agree()
}

// TestUnionIsToldWhatWaits: what was decided late waits, with the certificate's act behind it; the union hears that, and
// of the end either way. Refused, the hub's desks have the case at once though there is another lease.
func TestUnionIsToldWhatWaits(t *testing.T) {
	for _, outcome := range []string{outcomeConfirmed, outcomeRefused} {
		w, u := newUnion(t)
		l := u.lease()
		since(w, 20)
		n := u.files()
		u.decides(n, w.at, l.Token)
		number := u.issues(n, w.at, l.Token, 2)
		u.arrives()
		u.ask(4)
		if got := u.words(n)["approve"]; got.Kind != protocol.AsideConfirm || got.Act.Owner != "uno@upazila-41-09" || got.Outcome != "" {
			t.Fatalf("the union is told %+v of %+v", got, got.Act)
		}
		_, it := u.items(n)
		if res := u.settles("uno-officer", it, outcome); res.Fault != nil {
			t.Fatal(res.Fault.Err())
		}
		got := u.words(n)
		if approved := got["approve"]; approved.Outcome != outcome || approved.Counts() != (outcome == outcomeConfirmed) || approved.Act.Words != "seen" {
			t.Errorf("%s: the union is told %+v of %+v", outcome, approved, approved.Act)
		}
		if outcome == outcomeConfirmed {
			if len(got) != 1 {
				t.Errorf("confirmed, and it is told of %v too", got)
			}
			continue
		}
		if issued := got["issue"]; issued.Kind != protocol.AsideUnfit || issued.Text != whyUpset || issued.Act.Certificate != number {
			t.Errorf("of the certificate it is told %+v, %+v", issued, issued.Act)
		}
		w.worked(n, "chair", Decide, Act{Opinion: application.ForRejection, Text: "not in order"})
		w.agree()
	}
}

// TestUnionIsToldWhatFell: a decision of the union's that a correction overturns is told, and its case can be taken up
// at the hub's desk, which is the only one that has it as it is.
func TestUnionIsToldWhatFell(t *testing.T) {
	w, u := newUnion(t)
	n := u.files()
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "take"})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "decide", Opinion: "approve", Text: "two copies", Cites: []string{"form.copies"}})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "forward"})
	u.arrives()
	u.correct(n, "copies", "2", "3")
	weigh(w, nil)
	wantFault(t, "take at the hub under a lease", w.officer(n, "chair", Take, Act{}).Fault, fault.Conflict)
	if res := ruled(w, n, "chair", "accepted"); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	weigh(w, nil)
	got := u.words(n)
	if fell := got["decide"]; len(got) != 1 || fell.Kind != protocol.AsideOverturned || fell.Act.Actor != "anna" || fell.Act.Owner != "secretary@"+unionOffice || fell.Act.Since != w.at {
		t.Fatalf("the union is told %+v", got)
	}
	if kinds, _ := u.items(n); len(kinds) != 1 || kinds[0] != ItemCorrection {
		t.Errorf("items %v; want the correction's alone", kinds)
	}
	w.worked(n, "anna", Take, Act{})
	verified(w)
	w.agree()
}

// TestRefusedCertificateIsKnown: a certificate that was printed at a union and does not count, is one that is refused to
// whoever asks by its number, and to its holder; the hub's own desk then issues another.
func TestRefusedCertificateIsKnown(t *testing.T) {
	w, u := newUnion(t)
	l := u.lease()
	n := u.files()
	u.decides(n, w.at, l.Token)
	number := u.issues(n, w.at, l.Token, 99)
	u.arrives()
	w.stage(n, application.InPreparation)
	u.certificate(n, number, protocol.CertificateRefused)
	if c, err := w.first().CertificateCase(number); err != nil || c.Number != n {
		t.Errorf("the number leads to %v, %v", c, err)
	}
	if st := u.newest(n); st.Certificate == nil || st.Certificate.Number != number || st.Certificate.State != protocol.CertificateRefused {
		t.Errorf("its centre is told %+v", st.Certificate)
	}
	w.worked(n, "chair", Issue, Act{})
	c := caseOf(w, n)
	if c.Certificate.Number == number || c.Certificate.State != protocol.CertificateConfirmed || c.Certified(number) != nil {
		t.Errorf("then it has %+v", c.Certificate)
	}
	verified(w)
	w.agree()
}

// TestNoBoxGoesOnWithAnothersCase: what a box has begun that is gone, is the hub's desks' once its lease is over, though the
// centre's next box has one; what nobody has begun is the next box's.
func TestNoBoxGoesOnWithAnothersCase(t *testing.T) {
	w, u := newUnion(t)
	begun, other := u.files(), u.files()
	u.acts("anna", begun, w.at, protocol.UnionAct{Action: "take"})
	u.arrives()
	next := &union{box: w.enrol("41-09-17"), v: u.v, nonces: 200}
	next.ask(0)
	wantFault(t, "take while the first box may decide", w.officer(begun, "anna", Note, Act{Text: "x"}).Fault, fault.Conflict)
	since(w, 15)
	if l := next.lease(); l.Slot != next.slot || l.Until < w.at/1000 {
		t.Fatalf("the next box has %+v", l)
	}
	w.worked(begun, "anna", Note, Act{Text: "x"})
	wantFault(t, "take what nobody has begun", w.officer(other, "anna", Take, Act{}).Fault, fault.Conflict)
	w.agree()
}

// TestAppealWaitsWithItsRejection: an appeal against what a union rejected late waits with it, and is heard once it is confirmed.
func TestAppealWaitsWithItsRejection(t *testing.T) {
	w, u := newUnionOf(t, func(v *dcat.Version) {
		v.Procedure.Appeals = []dcat.Appeal{{Post: "uno", OfficeLevel: "upazila", Name: place.Name{BN: "আপিল", EN: "Appeal"}, Days: 30, SLADays: 10}}
	})
	since(w, 20)
	n := u.files()
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "take"})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "decide", Opinion: "reject", Text: "not in order"})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "forward"})
	u.acts("chair", n, w.at, protocol.UnionAct{Action: "take"})
	u.acts("chair", n, w.at, protocol.UnionAct{Action: "reject", Reason: "incomplete", Text: "not in order"})
	u.wrote("rahima", protocol.Appealed, n, w.at, &protocol.Appeal{Text: "look again"})
	u.arrives()
	kinds, it := u.items(n)
	if len(kinds) != 1 || it.Kind != ItemConfirm {
		t.Fatalf("items %v", kinds)
	}
	if res := u.settles("uno-officer", it, outcomeConfirmed); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	if c := w.stage(n, application.Received); c.State.Seat.Post != "uno" || c.State.Appeals != 1 {
		t.Errorf("the appeal lies at %v", c.State.Seat)
	}
	verified(w)
	w.agree()
}
