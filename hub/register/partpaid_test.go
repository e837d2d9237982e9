package register

import (
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// partOf is what was paid of a copy's fee before its term ended.
const partOf = 5_000

// lapsedInPart is a land copy that lapsed with a part of its fee paid, and the item about it.
func lapsedInPart(t *testing.T) (w *town, b *box, n protocol.Number, it *Item) {
	t.Helper()
	w, b = withAccounts(t, refunding(t, nil))
	n = b.filed(landCopy(t), 1, copyDue)
	none := b.filed(landCopy(t), 2, copyDue)
	approved(w, n)
	approved(w, none)
	b.send(protocol.PaymentTaken, n, w.at, cash(partOf))
	if c := w.stage(n, application.FeeDue); c.State.Owed != copyFee-partOf {
		t.Fatalf("%d are owed after a part", c.State.Owed)
	}
	since(w, 32)
	tick(w)
	w.stage(none, application.FeeLapsed)
	if items, err := w.first().Items(none); err != nil || len(items) != 0 {
		t.Errorf("nothing was paid, and there is %+v, %v", items, err)
	}
	c := w.stage(n, application.FeeLapsed)
	it, all := itemOf(w, n)
	if all != 1 || it.Kind != ItemPartPaid || it.Amount != partOf || it.Owner != c.State.Seat || it.Deadline <= w.at/1000 || it.Text != whyPartPaid {
		t.Fatalf("the item is %+v of %d", it, all)
	}
	return w, b, n, it
}

// settles settles an item with an outcome.
func settles(w *town, who string, it *Item, outcome string) *protocol.Failure {
	w.t.Helper()
	c := NewCommand("", who, Settle, &Settlement{Item: it.ID, Outcome: outcome, Text: "spoke with him"})
	c.Number = it.Number
	return entry(w, c).Fault
}

// TestPartPaidIsRevived: what was paid in part before a term ended is an item, by which the
// applicant has another term for the rest; he pays no more than that. It lapses again as it
// did, and is asked about again.
func TestPartPaidIsRevived(t *testing.T) {
	w, b, n, it := lapsedInPart(t)
	wantFault(t, "by another desk", settles(w, "far", it, outcomeRevived), fault.Denied)
	wantFault(t, "no outcome of it", settles(w, "chair", it, outcomeApplied), fault.Invalid)
	if f := settles(w, "chair", it, outcomeRevived); f != nil {
		t.Fatal(f.Err())
	}
	c := w.stage(n, application.FeeDue)
	if c.State.Owed != copyFee-partOf || c.State.Paid != partOf || c.State.PayBy <= w.at/1000 || c.State.Purpose != application.ForIssue {
		t.Errorf("it goes on as %+v", c.State.Money)
	}
	if d := (Debt{c}).Demand(); d == nil || d.Lapsed || d.Owed != copyFee-partOf || d.Version != c.State.Version {
		t.Errorf("the demand is %+v", d)
	}
	wantFault(t, "twice", settles(w, "chair", it, outcomeRevived), fault.Conflict)
	since(w, 32)
	tick(w)
	w.stage(n, application.FeeLapsed)
	again, all := itemOf(w, n)
	if all != 2 || again.Kind != ItemPartPaid || again.Amount != partOf {
		t.Fatalf("lapsed again, the item is %+v of %d", again, all)
	}
	if f := settles(w, "chair", again, outcomeRevived); f != nil {
		t.Fatal(f.Err())
	}
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee-partOf))
	if c := w.stage(n, application.InPreparation); c.State.Paid != copyFee {
		t.Errorf("%d were paid in all; want %d", c.State.Paid, copyFee)
	}
	verified(w)
	w.agree()
}

// TestPartPaidIsPaidBack: or it is owed back, and paid once. A payment that was made in time
// and comes late has the case go on: what nobody has paid out by then is owed no more.
func TestPartPaidIsPaidBack(t *testing.T) {
	w, b, n, it := lapsedInPart(t)
	inTime := w.at - 5*24*3600_000
	wantFault(t, "more than was paid", owes(w, "chair", it, Settlement{Poisha: partOf + 1}), fault.Invalid)
	if f := owes(w, "chair", it, Settlement{}); f != nil {
		t.Fatal(f.Err())
	}
	back, _ := itemOf(w, n)
	if c := w.stage(n, application.FeeLapsed); back.Kind != ItemRefundOwed || back.Amount != partOf || back.Of != ItemPartPaid || c.OwedBack != partOf {
		t.Fatalf("owed back is %+v, on the case %d", back, c.OwedBack)
	}
	b.send(protocol.PaymentTaken, n, inTime, cash(copyFee-partOf))
	if c := w.stage(n, application.InPreparation); c.OwedBack != 0 || c.State.Paid != copyFee {
		t.Errorf("paid in time, %d are owed back of %d", c.OwedBack, c.State.Paid)
	}
	wantFault(t, "paid out all the same", owes(w, "anna", back, Settlement{Payout: Payout{Voucher: "V-1"}}), fault.Conflict)
	if back, _ = itemOf(w, n); back.Outcome != outcomeDismissed || back.Words != goneOn {
		t.Errorf("the item ended as %+v", back)
	}
	verified(w)
	w.agree()

	w, b, n, it = lapsedInPart(t)
	if f := owes(w, "chair", it, Settlement{}); f != nil {
		t.Fatal(f.Err())
	}
	back, _ = itemOf(w, n)
	if f := owes(w, "anna", back, Settlement{Payout: Payout{Voucher: "V-2"}}); f != nil {
		t.Fatal(f.Err())
	}
	b.send(protocol.PaymentTaken, n, inTime, cash(partOf)) // Another part of the rest, which was made in time.
	tick(w)
	c := w.stage(n, application.FeeLapsed)
	if it, all := itemOf(w, n); all != 3 || it.Kind != ItemPartPaid || it.Amount != partOf || c.PaidBack != partOf || c.PartBack != partOf {
		t.Errorf("lapsed again, %d were paid back and the item is %+v of %d; want what is not paid back yet", c.PaidBack, it, all)
	}
	verified(w)
	w.agree()
}
