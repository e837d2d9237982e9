package register

import (
	"testing"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// paid takes money for a case at the box, and returns where its receipt stands.
func paid(b *box, n protocol.Number, poisha int64) *protocol.Voiding {
	b.send(protocol.PaymentTaken, n, b.town.at, cash(poisha))
	last := len(b.events)
	return &protocol.Voiding{
		Log: b.log, At: protocol.Position{Seq: uint64(last), Hash: b.hashes[last-1]}, Fees: cash(poisha).Fees, Reason: "counted twice",
	}
}

// TestRow17PaymentVoided: what was booked is owed again, once, with a term of its own;
// the payment stays in the history, the void stands on the list of whoever watches the
// centre, and what comes of it is his to say.
func TestRow17PaymentVoided(t *testing.T) {
	w, b := office(t)
	other := w.enrol("41-09-23")
	n, gone := b.filed(landCopy(t), 1, copyDue), b.filed(landCopy(t), 2, copyDue)
	approved(w, n)
	approved(w, gone)
	v := paid(b, n, copyFee+1000) // With a surplus, which is an item.
	w.stage(n, application.InPreparation)
	late := paid(b, gone, copyFee)
	since(w, 40)
	tick(w)
	other.send(protocol.PaymentVoided, n, w.at, v) // Money that another centre took.
	w.stage(n, application.InPreparation)
	b.send(protocol.PaymentVoided, n, w.at, v)
	c := w.stage(n, application.FeeDue)
	if c.State.Owed != copyFee || c.State.Paid != 0 || c.State.PayBy <= w.at/1000 || c.State.Promised != 0 {
		t.Errorf("after the void: %+v", c.State)
	}
	var said []application.Action
	for _, h := range c.History {
		if h.Action == application.Pay || h.Action == application.Void {
			said = append(said, h.Action)
		}
	}
	if len(said) != 2 || said[1] != application.Void || c.History[len(c.History)-1].Text != v.Reason {
		t.Errorf("the history has %v", said)
	}
	items, err := w.first().Items(n)
	if err != nil || len(items) != 3 {
		t.Fatalf("items = %+v, %v", items, err)
	}
	if it := items[0]; it.Kind != ItemOverpayment || it.Outcome != "dismissed" {
		t.Errorf("the surplus is %+v; want it closed", it)
	}
	if it := items[1]; it.Kind != ItemVoided || it.Text != whyOthersMoney || it.Owner.Post != "uno" || !it.Charged {
		t.Errorf("another centre's void is %+v", it)
	}
	it := items[2]
	if it.Kind != ItemVoided || it.Owner.Post != "uno" || it.Amount != copyFee+1500 || it.Charged || it.Text != v.Reason || it.Deadline == 0 {
		t.Errorf("the void is %+v", it)
	}
	b.send(protocol.PaymentVoided, n, w.at, v)
	if again, all := itemOf(w, n); all != 4 || again.Text != whyVoided || w.stage(n, application.FeeDue).State.Owed != copyFee {
		t.Errorf("voided twice: %+v of %d", again, all)
	}
	wantFault(t, "by the desk of the case", settled(w, "chair", it, "accepted"), fault.Denied)
	if f := settled(w, "uno-officer", it, "refused"); f != nil {
		t.Fatal(f.Err())
	}
	if done, err := w.first().Items(n); err != nil || !done[2].Charged || done[2].Outcome != "refused" {
		t.Errorf("refused: %+v, %v; want the centre charged", done[2], err)
	}
	paid(b, n, copyFee)
	w.stage(n, application.InPreparation)

	// What has gone on too far is an item, and the centre's liability.
	w.worked(gone, "chair", Issue, Act{})
	b.send(protocol.PaymentVoided, gone, w.at, late)
	w.stage(gone, application.Ready)
	if it, all := itemOf(w, gone); all != 1 || it.Kind != ItemVoided || !it.Charged || it.Owner.Post != "uno" {
		t.Errorf("void after the issue: %+v of %d", it, all)
	}
	verified(w)
	w.agree()
}

// TestRow8ChargeAboveTheCeiling: what a centre took for itself above the ceiling, with
// the application or later, is an item of whoever watches it; the payment counts.
func TestRow8ChargeAboveTheCeiling(t *testing.T) {
	w, b := office(t)
	v := landCopy(t)
	v.Number = 2
	v.Fees = append(v.Fees, dcat.Fee{Kind: dcat.ServiceCharge, Poisha: 300, Ceiling: 450, At: dcat.AtSubmit})
	hash, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = hash
	w.publish(3, fullDirectory(), licence(t), v)
	n := b.filed(v, 1, copyDue)
	approved(w, n)
	paid(b, n, copyFee) // With a charge of 500.
	w.stage(n, application.InPreparation)
	late := b.filedKnowing(v, 2, 0) // The same, on the first receipt.
	w.stage(late, application.Received)
	for _, n := range []protocol.Number{n, late} {
		it, all := itemOf(w, n)
		if all != 1 || it.Kind != ItemDear || it.Amount != 50 || !it.Charged || it.Owner.Post != "uno" || it.Deadline == 0 {
			t.Errorf("item %+v of %d", it, all)
		}
	}
	w.agree()
}
