package register

import (
	"maps"
	"strings"
	"testing"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// settled says what comes of an item.
func settled(w *town, who string, it *Item, outcome string) *protocol.Failure {
	w.t.Helper()
	c := NewCommand("", who, Settle, &Settlement{Item: it.ID, Outcome: outcome, Text: "read both receipts"})
	c.Number = it.Number
	return entry(w, c).Fault
}

// itemOf is the newest item of a case, and how many it has.
func itemOf(w *town, n protocol.Number) (*Item, int) {
	w.t.Helper()
	items, err := w.first().Items(n)
	if err != nil || len(items) == 0 {
		w.t.Fatalf("items of %v: %+v, %v", n, items, err)
	}
	return items[len(items)-1], len(items)
}

// filedKnowing files one application whose box knew an entry of the register, and
// printed a fee.
func (b *box) filedKnowing(v *dcat.Version, nonce, checkpoint uint64) protocol.Number {
	b.town.t.Helper()
	b.submit(v, nonce)
	e, err := protocol.DecodeEvent(b.events[len(b.events)-1])
	if err != nil {
		b.town.t.Fatal(err)
	}
	last := len(b.events) - 1
	b.events, b.hashes, b.numbers = b.events[:last], b.hashes[:last], b.numbers[:last]
	e.Checkpoint = checkpoint
	e.Payload = protocol.Marshal(&protocol.Submission{
		Channel: "counter", Form: []byte(`{"copies":2}`), Applicant: []byte(`{"name":"রহিম"}`),
		Fees: []protocol.Fee{{Kind: "government", Poisha: 2000}, {Kind: "service_charge", Poisha: 500}},
	})
	n := b.add(&e)
	in := b.ingest(last+1, last+1)
	in.Findings = []Finding{{Seq: uint64(last + 1), Issue: copyFee, Mode: dcat.ByCentre}}
	if f := b.town.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
		b.town.t.Fatal(f.Err())
	}
	return n
}

// TestRow9WithdrawnService: what was filed under a service that is withdrawn is held, and
// the desk that it would have gone to accepts it under its version, or refuses it; what
// its box filed although it could know is the centre's liability.
func TestRow9WithdrawnService(t *testing.T) {
	w, b := office(t)
	v := landCopy(t)
	knew := w.index
	w.publish(3, fullDirectory(), licence(t))
	n, other, late := b.filedKnowing(v, 1, knew), b.filedKnowing(v, 2, 0), b.filedKnowing(v, 3, w.index)
	for _, c := range []struct {
		n       protocol.Number
		held    string
		charged bool
	}{{n, whyGone, false}, {other, whyGone, false}, {late, whyGoneKnown, true}} {
		k := w.stage(c.n, application.Submitted)
		it, all := itemOf(w, c.n)
		if k.Held != c.held || k.Custody() != CustodyQuarantined || all != 1 || it.Kind != ItemGone || it.Charged != c.charged || it.Deadline == 0 || it.Owner.Post != "secretary" || it.Amount != 2500 {
			t.Errorf("case %+v, item %+v; want it held since %s", k, it, c.held)
		}
	}
	wantFault(t, "take what is held", w.officer(n, "anna", Take, Act{}).Fault, fault.Denied)
	it, _ := itemOf(w, n)
	wantFault(t, "by another desk", settled(w, "far", it, "accepted"), fault.Denied)
	wantFault(t, "an outcome of others", settled(w, "anna", it, "dismissed"), fault.Invalid)
	if f := settled(w, "anna", it, "accepted"); f != nil {
		t.Fatal(f.Err())
	}
	wantFault(t, "twice", settled(w, "anna", it, "refused"), fault.Conflict)
	c := w.stage(n, application.Received)
	if c.Held != "" || c.Pinned != v.Hash || c.Due <= w.at/1000 || c.State.Issue != copyFee {
		t.Errorf("accepted: %+v", c)
	}
	approved(w, n) // It goes the way of its own version.
	w.stage(n, application.FeeDue)

	it, _ = itemOf(w, late)
	if f := settled(w, "anna", it, "refused"); f != nil {
		t.Fatal(f.Err())
	}
	w.stage(late, application.Rejected)
	st, custody, err := w.first().Standing(late)
	if err != nil || st.Reason != "read both receipts" || custody != CustodyAccepted || st.AppealBy != 0 {
		t.Errorf("the citizen reads %+v %s, %v", st, custody, err)
	}
	owed, all := itemOf(w, late)
	if all != 2 || owed.Kind != ItemRefundOwed || owed.Amount != 2500 || owed.Owner != it.Owner || !owed.Charged {
		t.Errorf("the refund is %+v of %d", owed, all)
	}
	if f := settled(w, "anna", owed, "refund"); f != nil {
		t.Error(f.Err())
	}
	// A service that comes back holds nothing up.
	w.publish(4, fullDirectory(), licence(t), v)
	w.stage(b.filedKnowing(v, 4, 0), application.Received)
	reopened(w)
	verified(w)
	w.agree()
}

// reopened fails unless a register that is opened on this state knows the same
// endings.
func reopened(w *town) {
	w.t.Helper()
	was := w.first().world.Load().over
	now := w.reopen(w.first().base.(*memory).copy()).world.Load().over
	if len(was.services) != len(now.services) || !maps.Equal(was.versions, now.versions) {
		w.t.Fatalf("it knows %v; want %v", now, was)
	}
	for id, e := range was.services {
		if now.services[id] != e {
			w.t.Errorf("%s ended at %+v; want %+v", id, now.services[id], e)
		}
	}
}

// TestRow25Honoured: what a revoked box sent is the overseer's to honour, each once and
// in the order in which it was sent, or to refuse; the centre is charged either way.
func TestRow25Honoured(t *testing.T) {
	w, b := office(t)
	v := landCopy(t)
	n, turned := b.filedKnowing(v, 1, 0), b.filedKnowing(v, 2, 0)
	approved(w, n)
	w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-17", Reason: "stolen", GossipKey: seedOf("g")}))
	since(w, 1)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	b.send(protocol.Withdrawn, turned, w.at, &protocol.Withdrawal{Reason: "not needed"})
	later := b.filedKnowing(v, 3, w.index)
	b.send(protocol.Withdrawn, later, w.at, &protocol.Withdrawal{Reason: "changed his mind"})
	w.stage(n, application.FeeDue)
	w.stage(turned, application.Received)
	items, err := w.first().Items(n)
	if err != nil || len(items) != 2 {
		t.Fatalf("items = %+v, %v", items, err)
	}
	for _, it := range items {
		if it.Kind != ItemRevoked || it.Owner.Post != "uno" || !it.Charged || it.Deadline == 0 || it.Amount != copyFee+500 {
			t.Errorf("item %+v", it)
		}
	}
	const uno = "uno-officer"
	if f := settled(w, uno, items[1], "honoured"); f == nil || f.Kind != fault.Conflict || !strings.Contains(f.Text, items[0].ID) {
		t.Errorf("the second before the first: %+v", f)
	}
	for _, it := range items {
		if f := settled(w, uno, it, "honoured"); f != nil {
			t.Fatal(f.Err())
		}
	}
	wantFault(t, "honoured twice", settled(w, uno, items[0], "honoured"), fault.Conflict)
	c := w.stage(n, application.InPreparation)
	if c.State.Paid != copyFee || c.History[len(c.History)-2].Event == nil || c.History[len(c.History)-2].Event.At != items[0].Event.At {
		t.Errorf("paid %d by %+v; want the first payment, at its place", c.State.Paid, c.History)
	}
	if it, all := itemOf(w, n); all != 3 || it.Kind != ItemOverpayment || it.Amount != copyFee {
		t.Errorf("of the second came %+v of %d; want a surplus", it, all)
	}
	first, err := w.first().Items(n)
	if err != nil || first[0].Outcome != "honoured" || !first[0].Charged {
		t.Errorf("settled: %+v, %v", first, err)
	}

	it, _ := itemOf(w, turned)
	if f := settled(w, uno, it, "refused"); f != nil {
		t.Fatal(f.Err())
	}
	w.stage(turned, application.Received)

	own, err := w.first().Items(later)
	if err != nil || len(own) != 2 {
		t.Fatalf("items = %+v, %v", own, err)
	}
	wantFault(t, "what is about a case that is held", settled(w, uno, own[1], "honoured"), fault.Conflict)
	if f := settled(w, uno, own[0], "honoured"); f != nil {
		t.Fatal(f.Err())
	}
	w.stage(later, application.Received)
	if f := settled(w, uno, own[1], "honoured"); f != nil {
		t.Fatal(f.Err())
	}
	w.stage(later, application.Withdrawn)
	verified(w)
	w.agree()
}

// TestWithheldGrievance: whom a grievance is about does not say whether it goes on, and
// can't read it while it is held.
func TestWithheldGrievance(t *testing.T) {
	w, b, v := grievanceOffice(t)
	w.publish(2, w.first().Set().Directory, licence(t))
	n := b.filed(v, 1, Finding{Complaint: &application.Complaint{Kind: "officer", Officer: "low"}})
	w.stage(n, application.Submitted)
	it, _ := itemOf(w, n)
	if it.Kind != ItemGone || it.Owner.Post != "l1" {
		t.Fatalf("the item is %+v; want it at the desk above whom it is about", it)
	}
	wantFault(t, "settled by whom it is about", settled(w, "low", it, "refused"), fault.Denied)
	wantFault(t, "read by whom it is about", look(w, n, "low").Fault, fault.Denied)
	if f := settled(w, "mid", it, "accepted"); f != nil {
		t.Fatal(f.Err())
	}
	if c := w.stage(n, application.Received); c.State.Seat.Post != "l1" {
		t.Errorf("it lies at %v", c.State.Seat)
	}
	verified(w)
	w.agree()
}
