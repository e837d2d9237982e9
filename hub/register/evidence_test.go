package register

import (
	"slices"
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// wasLate reports whether the citizen was ever told that a case's term had ended.
func wasLate(c *Case) bool {
	return slices.ContainsFunc(c.History, func(t Turn) bool { return t.Action == application.Lapse })
}

// challan is a payment at a bank, on the day that the centre wrote down.
func challan(at int64) *protocol.Payment {
	p := cash(copyFee)
	p.Means, p.Reference, p.PaidAt = protocol.MeansChallan, "C-1042", at
	return p
}

// TestRow16LapseWaitsForItsItem: a challan that may have been paid in time is an item before
// the term is noted as over: then it does not lapse until somebody has looked at it. What was
// paid too late by anybody's word holds nothing up.
func TestRow16LapseWaitsForItsItem(t *testing.T) {
	w, b := office(t)
	var n [5]protocol.Number
	for i := range n {
		n[i] = b.filed(landCopy(t), uint64(i+1), copyDue)
		approved(w, n[i])
	}
	booked, dismissed, forgotten, byCash, byBank := n[0], n[1], n[2], n[3], n[4]
	since(w, 29)
	bank := w.at
	since(w, 2)
	for _, n := range []protocol.Number{booked, dismissed, forgotten} {
		b.send(protocol.PaymentTaken, n, w.at, challan(bank))
	}
	b.send(protocol.PaymentTaken, byCash, w.at, cash(copyFee))
	b.send(protocol.PaymentTaken, byBank, w.at, challan(w.at))
	tick(w)
	w.stage(byCash, application.FeeLapsed)
	w.stage(byBank, application.FeeLapsed)
	c := w.stage(booked, application.FeeDue)
	it, _ := itemOf(w, booked)
	if it.Kind != ItemDoubtful || c.Timer != it.Deadline+1 {
		t.Fatalf("the case is looked at again at %d; want %d, behind the deadline of %+v", c.Timer, it.Deadline+1, it)
	}
	w.worked(booked, "chair", Pay, Act{Books: it.ID, Text: "seen"})
	if c := w.stage(booked, application.InPreparation); wasLate(c) {
		t.Errorf("who paid in time was told that his term had ended: %+v", c.History)
	}

	it, _ = itemOf(w, dismissed)
	wantFault(t, "money that counts and is not booked", settled(w, "chair", it, "applied"), fault.Conflict)
	if f := settled(w, "chair", it, "dismissed"); f != nil {
		t.Fatal(f.Err())
	}
	tick(w)
	w.stage(dismissed, application.FeeLapsed)

	since(w, 9)
	tick(w)
	w.stage(forgotten, application.FeeDue)
	it, _ = itemOf(w, forgotten)
	if want := (place.Seat{Post: "uno", Office: "upazila-41-09"}); it.Owner != want || it.Deadline <= w.at/1000 {
		t.Fatalf("overdue, the item lies with %v until %d; want it with %v, with time", it.Owner, it.Deadline, want)
	}
	since(w, 9)
	tick(w)
	w.stage(forgotten, application.FeeLapsed)
	w.worked(forgotten, "chair", Pay, Act{At: bank / 1000, Amount: copyFee}) // And even then nothing is lost.
	w.stage(forgotten, application.InPreparation)
	verified(w)
	w.agree()
}

// TestRow16LapseWaitsForARevokedBox: so it is with a payment that a box sent after it was
// revoked, until somebody honours it.
func TestRow16LapseWaitsForARevokedBox(t *testing.T) {
	w, b := office(t)
	n, late := b.filed(landCopy(t), 1, copyDue), b.filed(landCopy(t), 2, copyDue)
	approved(w, n)
	approved(w, late)
	since(w, 28)
	w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-17", Reason: "lost", GossipKey: seedOf("g")}))
	since(w, 1)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	since(w, 2)
	b.send(protocol.PaymentTaken, late, w.at, cash(copyFee))
	tick(w)
	w.stage(late, application.FeeLapsed)
	w.stage(n, application.FeeDue)
	it, _ := itemOf(w, n)
	if f := settled(w, "uno-officer", it, "honoured"); f != nil {
		t.Fatal(f.Err())
	}
	if c := w.stage(n, application.InPreparation); wasLate(c) {
		t.Errorf("honoured, the case is %+v", c)
	}
	verified(w)
	w.agree()
}
