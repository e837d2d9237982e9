package register

import (
	"slices"
	"testing"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// TestRow16LateChallanIsBooked: a challan of day 29 that a centre brings on day 40 is an
// officer's to look at. Booked by its item it counts as of the bank's day: the lapse is
// compensated, the delivery is promised from then on, and the item ends with it.
func TestRow16LateChallanIsBooked(t *testing.T) {
	w, b := office(t)
	n, other := b.filed(landCopy(t), 1, copyDue), b.filed(landCopy(t), 2, copyDue)
	approved(w, n)
	approved(w, other)
	since(w, 29)
	bank := w.at
	since(w, 2)
	tick(w)
	w.stage(n, application.FeeLapsed)
	since(w, 9)
	challan := cash(copyFee)
	challan.Means, challan.Reference, challan.PaidAt = protocol.MeansChallan, "C-1042", bank
	b.send(protocol.PaymentTaken, n, w.at, challan)
	b.send(protocol.PaymentTaken, other, w.at, cash(copyFee))
	c := w.stage(n, application.FeeLapsed)
	item := func(n protocol.Number) *Item {
		items, err := w.first().Items(n)
		if err != nil || len(items) != 1 {
			t.Fatalf("items = %+v, %v", items, err)
		}
		return items[0]
	}
	id, paused := item(n).ID, c.Paused
	wantFault(t, "by another desk", w.officer(n, "far", Pay, Act{Books: id}).Fault, fault.Denied)
	wantFault(t, "another case's", w.officer(n, "chair", Pay, Act{Books: item(other).ID}).Fault, fault.NotFound)
	wantFault(t, "another sum", w.officer(n, "chair", Pay, Act{Books: id, Amount: copyFee - 1}).Fault, fault.Invalid)
	wantFault(t, "cash without a day", w.officer(other, "chair", Pay, Act{Books: item(other).ID}).Fault, fault.Invalid)
	wantFault(t, "a day after the term", w.officer(n, "chair", Pay, Act{Books: id, At: w.at / 1000}).Fault, fault.Conflict)
	if it := item(n); it.Outcome != "" {
		t.Fatalf("what was refused settled the item: %+v", it)
	}
	w.worked(n, "chair", Pay, Act{Books: id, Text: "seen, C-1042"})
	c = w.stage(n, application.InPreparation)
	i := slices.IndexFunc(c.History, func(t Turn) bool { return t.Action == application.Pay })
	if pay := c.History[i]; pay.Dated != bank/1000 || pay.Amount != copyFee || pay.Event == nil || pay.Event.At != item(n).Event.At || pay.Actor != "chair" {
		t.Errorf("the payment stands as %+v", pay)
	}
	if paused == 0 || c.Paused != 0 || c.Due != c.State.Promised || c.State.Promised <= w.at/1000 {
		t.Errorf("the clock stands at %d, due %d, promised %d", c.Paused, c.Due, c.State.Promised)
	}
	if it := item(n); it.Outcome != outcomeApplied || it.By != "chair" || it.Words != "seen, C-1042" {
		t.Errorf("the item is %+v", it)
	}
	wantFault(t, "twice", w.officer(n, "chair", Pay, Act{Books: id}).Fault, fault.Conflict)
	w.agree()
}

// TestRow16AChallanCountsOnce: of a case with two demands, the paper that paid the first does
// not pay the second, whether its centre brings it again or an officer books it. One that was
// voided may come again. A payment that is none is nobody's to book.
func TestRow16AChallanCountsOnce(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, Finding{Review: copyFee, Issue: copyFee, Mode: dcat.ByCentre})
	w.stage(n, application.FeeDue)
	challan := cash(copyFee)
	challan.Means, challan.Reference, challan.PaidAt = protocol.MeansChallan, "C-1042", w.at
	b.send(protocol.PaymentTaken, n, w.at, challan)
	w.stage(n, application.Received)
	approved(w, n)

	b.send(protocol.PaymentTaken, n, w.at, challan)
	it, all := itemOf(w, n)
	if all != 1 || it.Kind != ItemLate || it.Text != whyCounted || it.Amount != copyFee || w.stage(n, application.FeeDue).State.Owed != copyFee {
		t.Fatalf("once more: %+v of %d", it, all)
	}
	wantFault(t, "booked all the same", w.officer(n, "chair", Pay, Act{Books: it.ID}).Fault, fault.Conflict)
	none := *challan
	none.Reference, none.Fees = "C-1043", []protocol.Fee{{Kind: "government", Poisha: -copyFee}}
	b.send(protocol.PaymentTaken, n, w.at, &none)
	it, _ = itemOf(w, n)
	wantFault(t, "a payment of less than nothing", w.officer(n, "chair", Pay, Act{Books: it.ID}).Fault, fault.Conflict)
	other := *challan
	other.Reference = "C-1044"
	b.send(protocol.PaymentTaken, n, w.at, &other)
	w.stage(n, application.InPreparation)
	b.send(protocol.PaymentVoided, n, w.at, &protocol.Voiding{
		Log: b.log, At: protocol.Position{Seq: uint64(len(b.events)), Hash: b.hashes[len(b.hashes)-1]}, Fees: other.Fees, Reason: "a wrong sum",
	})
	w.stage(n, application.FeeDue)
	b.send(protocol.PaymentTaken, n, w.at, &other)
	w.stage(n, application.InPreparation)
	w.agree()
}
