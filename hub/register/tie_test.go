package register

import (
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

func relate(w *town, who string, n protocol.Number, l Likening) Result {
	l.Text = "one card, two spellings"
	c := NewCommand("", who, Relate, &l)
	c.Number = n
	return entry(w, c)
}

// TestRow34TiesAreTakenBack: a link of two applicants is somebody's opinion with its
// reason. It changes neither case, and goes as it came.
func TestRow34TiesAreTakenBack(t *testing.T) {
	w, b := office(t)
	n, other := b.filed(landCopy(t), 1, copyDue), b.filed(landCopy(t), 2, copyDue)
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "clerk", Role: access.Clerk, Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}, Hash: hash1, From: 1,
	}))
	before := w.stage(n, application.Received).State.Version
	wantFault(t, "nothing to take back", relate(w, "anna", n, Likening{Other: other, Verdict: "open", Saw: 0}).Fault, fault.Invalid)
	wantFault(t, "another word", relate(w, "anna", n, Likening{Other: other, Verdict: "twins", Saw: 0}).Fault, fault.Invalid)
	wantFault(t, "itself", relate(w, "anna", n, Likening{Other: n, Verdict: SamePerson, Saw: 0}).Fault, fault.Invalid)
	wantFault(t, "a number that is nowhere", relate(w, "anna", n, Likening{Other: 7, Verdict: SamePerson, Saw: 0}).Fault, fault.NotFound)
	wantFault(t, "an officer of another office", relate(w, "far", n, Likening{Other: other, Verdict: SamePerson, Saw: 0}).Fault, fault.Denied)
	wantFault(t, "a clerk", relate(w, "clerk", n, Likening{Other: other, Verdict: SamePerson, Saw: 0}).Fault, fault.Denied)
	for i, c := range []struct{ who, verdict string }{{"anna", SamePerson}, {"chair", OtherPerson}, {"anna", "open"}} {
		if i > 0 {
			wantFault(t, "who had not seen the last", relate(w, c.who, other, Likening{Other: n, Verdict: c.verdict, Saw: i - 1}).Fault, fault.Conflict)
		}
		if f := relate(w, c.who, n, Likening{Other: other, Verdict: c.verdict, Saw: i}).Fault; f != nil {
			t.Fatal(f.Err())
		}
		for _, of := range []protocol.Number{n, other} {
			ties, err := w.first().Ties(of)
			if err != nil || len(ties) != 1 || ties[0].Verdict() != c.verdict || len(ties[0].Said) != i+1 || ties[0].Said[0].By != "anna" {
				t.Fatalf("after %s: %+v, %v", c.verdict, ties, err)
			}
		}
	}
	if v := w.stage(n, application.Received).State.Version; v != before {
		t.Errorf("the case went from version %d to %d", before, v)
	}
	w.agree()
}

// TestRow2TwoCentresOnePerson: both numbers stay valid and lead to the primary that
// the officer names, and what was paid twice waits for an outcome.
func TestRow2TwoCentresOnePerson(t *testing.T) {
	w, b := office(t)
	paid := Finding{Review: copyFee, Mode: dcat.ByCentre}
	first, second := b.filed(landCopy(t), 1, paid), b.filed(landCopy(t), 2, paid)
	for _, n := range []protocol.Number{first, second} {
		b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	}
	w.worked(second, "anna", Link, Act{Primary: first, Text: "one card, two centres"})
	w.stage(second, application.Duplicate)
	for _, n := range []protocol.Number{first, second} {
		if st, _, err := w.first().Standing(n); err != nil || st.Number != n || st.Stage == application.Duplicate.String() {
			t.Errorf("%s reads %+v, %v; want the primary's stage under its own number", n, st, err)
		}
	}
	items, err := w.first().Items(second)
	if err != nil || len(items) != 1 || items[0].Kind != ItemSecondFee || items[0].Amount != copyFee || items[0].Owner == (place.Seat{}) {
		t.Fatalf("items = %+v, %v; want the second fee, once, at a desk", items, err)
	}
	if items, err := w.first().Items(first); err != nil || len(items) != 0 {
		t.Errorf("of the first: %+v, %v", items, err)
	}
	w.agree()
}
