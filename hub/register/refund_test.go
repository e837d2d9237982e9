package register

import (
	"encoding/binary"
	"testing"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// owes settles an item as refund, as the desk's API has it.
func owes(w *town, who string, it *Item, b Settlement) *protocol.Failure {
	w.t.Helper()
	b.Item, b.Outcome, b.Text, b.Owes = it.ID, outcomeRefund, "read both receipts", true
	c := NewCommand("", who, Settle, &b)
	c.Number = it.Number
	return entry(w, c).Fault
}

// refunding is the land copy with a court fee that is due with it, and what it says of refunds.
func refunding(t *testing.T, r *dcat.Refund) *dcat.Version {
	t.Helper()
	v := *landCopy(t)
	v.Number, v.Refund = 2, r
	var err error
	if v.Hash, err = catalogue.HashVersion(&v); err != nil {
		t.Fatal(err)
	}
	return &v
}

// paidWith files an application with which a court fee and the centre's charge were paid.
func (b *box) paidWith(v *dcat.Version, nonce uint64) protocol.Number {
	b.town.t.Helper()
	return b.paidFound(v, nonce, copyDue)
}

// paidFound is the same with answers that come to what is found.
func (b *box) paidFound(v *dcat.Version, nonce uint64, f Finding) protocol.Number {
	b.town.t.Helper()
	n := b.add(&protocol.Event{
		Kind: protocol.Submitted, At: b.town.at, Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, nonce),
		Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{
			Channel: "counter", Form: []byte(`{"copies":2}`), Applicant: []byte(`{"name":"রহিম"}`),
			Fees: []protocol.Fee{{Kind: "government", Poisha: 2000}, {Kind: "service_charge", Poisha: 500}},
		}),
	})
	b.found(f)
	return n
}

// withAccounts is an office whose secretary keeps its accounts, with a version in force.
func withAccounts(t *testing.T, v *dcat.Version) (*town, *box) {
	t.Helper()
	w, b := office(t)
	dir := fullDirectory()
	for i := range dir.Posts {
		if dir.Posts[i].Code == "secretary" {
			dir.Posts[i].Acts = append(dir.Posts[i].Acts, place.ActRefund)
		}
	}
	w.publish(3, dir, licence(t), v)
	return w, b
}

// TestRefundsAreReckoned: what is owed back of a case that comes to nothing follows from its
// version and its stage, without the centre's own charge; it lies at the accounts post and ends
// once, by a voucher. Where an appeal may come it is paid after that, and where one came it is
// owed no more.
func TestRefundsAreReckoned(t *testing.T) {
	v := refunding(t, &dcat.Refund{BeforeReview: 100, InReview: 50, Rejected: 20})
	w, b := withAccounts(t, v)
	withdrawn := func(n protocol.Number) {
		b.send(protocol.Withdrawn, n, w.at, &protocol.Withdrawal{Reason: "not needed"})
		w.stage(n, application.Withdrawn)
	}
	rejected := func(n protocol.Number) {
		approvedTo(w, n)
		w.worked(n, "chair", Reject, Act{Reason: "R1", Text: "no such record"})
	}
	var n [4]protocol.Number
	for i := range n {
		n[i] = b.paidWith(v, uint64(i+1))
	}
	withdrawn(n[0])
	w.worked(n[1], "anna", Take, Act{})
	withdrawn(n[1])
	rejected(n[2])
	rejected(n[3])
	for i, want := range []int64{2000, 1000, 400, 400} {
		it, all := itemOf(w, n[i])
		c, err := w.first().Case(n[i])
		if err != nil || all != 1 || it.Kind != ItemRefundOwed || it.Amount != want || c.OwedBack != want {
			t.Fatalf("%d.: %d owed back, items %d, %+v, %v; want %d", i+1, c.OwedBack, all, it, err, want)
		}
		if want := (place.Seat{Post: "secretary", Office: "local-41-09-17"}); it.Owner != want {
			t.Errorf("it lies with %v; want %v", it.Owner, want)
		}
	}
	it, _ := itemOf(w, n[0])
	wantFault(t, "by the chairman", owes(w, "chair", it, Settlement{Payout: Payout{Voucher: "V-9"}}), fault.Denied)
	wantFault(t, "without a voucher", owes(w, "anna", it, Settlement{Payout: Payout{Voucher: " "}}), fault.Invalid)
	wantFault(t, "tomorrow", owes(w, "anna", it, Settlement{Payout: Payout{Voucher: "V-9", PaidOn: w.at/1000 + 2*86400}}), fault.Invalid)
	if f := owes(w, "anna", it, Settlement{Payout: Payout{Voucher: " V-9 "}}); f != nil {
		t.Fatal(f.Err())
	}
	wantFault(t, "twice", owes(w, "anna", it, Settlement{Payout: Payout{Voucher: "V-10"}}), fault.Conflict)
	st, _, err := w.first().Standing(n[0])
	if it, _ = itemOf(w, n[0]); err != nil || it.Voucher != "V-9" || it.PaidOn != it.SettledAt/1000 || st.Refund == nil || *st.Refund != (protocol.RefundWord{Paid: 2000}) {
		t.Errorf("paid back, the item is %+v and the citizen reads %+v, %v", it, st.Refund, err)
	}
	told := protocol.Standing{}
	for _, e := range w.inboxOf("41-09-17") {
		if e.Kind == protocol.CaseMoved && e.Number == n[0] {
			told = protocol.Standing{}
			if err := e.Decode(&told); err != nil {
				t.Fatal(err)
			}
		}
	}
	if told.Refund == nil || told.Refund.Paid != 2000 {
		t.Errorf("the centre was told %+v", told.Refund)
	}

	it, _ = itemOf(w, n[2])
	wantFault(t, "while an appeal may come", owes(w, "anna", it, Settlement{Payout: Payout{Voucher: "V-11"}}), fault.Conflict)
	w.worked(n[3], "uno-officer", Appeal, Act{Text: "the record is there"})
	if c := w.stage(n[3], application.UnderReview); c.OwedBack != 0 {
		t.Errorf("appealed against, %d are owed back still", c.OwedBack)
	}
	since(w, 31)
	if f := owes(w, "anna", it, Settlement{Payout: Payout{Voucher: "V-11"}}); f != nil {
		t.Error(f.Err())
	}
	verified(w)
	w.agree()
}

// approvedTo takes a land copy up to the chairman's decision.
func approvedTo(w *town, n protocol.Number) {
	w.t.Helper()
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "the record is there"})
	w.worked(n, "anna", Forward, Act{})
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", Decide, Act{Opinion: application.ForRejection, Text: "wrong"})
}

// TestRefundIsAnOfficersWord: a version that says nothing has an officer asked; what he says is
// owed back, and so is what was paid twice.
func TestRefundIsAnOfficersWord(t *testing.T) {
	v := refunding(t, nil)
	w, b := withAccounts(t, v)
	n, twice := b.paidWith(v, 1), b.paidWith(v, 2)
	b.send(protocol.Withdrawn, n, w.at, &protocol.Withdrawal{})
	it, all := itemOf(w, n)
	if c := w.stage(n, application.Withdrawn); all != 1 || it.Kind != ItemRefundAsked || it.Amount != 2000 || c.OwedBack != 0 {
		t.Fatalf("the item is %+v of %d, owed back %d", it, all, c.OwedBack)
	}
	wantFault(t, "more than was paid", owes(w, "anna", it, Settlement{Poisha: 2001}), fault.Invalid)
	if f := owes(w, "anna", it, Settlement{Poisha: 1500}); f != nil {
		t.Fatal(f.Err())
	}
	if owed, all := itemOf(w, n); all != 2 || owed.Kind != ItemRefundOwed || owed.Amount != 1500 || w.stage(n, application.Withdrawn).OwedBack != 1500 {
		t.Errorf("of his word came %+v of %d", owed, all)
	}
	approved(w, twice)
	b.send(protocol.PaymentTaken, twice, w.at, cash(copyFee))
	b.send(protocol.PaymentTaken, twice, w.at, cash(copyFee))
	it, _ = itemOf(w, twice)
	if f := owes(w, "chair", it, Settlement{}); f != nil {
		t.Fatal(f.Err())
	}
	back, _ := itemOf(w, twice)
	if f := owes(w, "anna", back, Settlement{Payout: Payout{Voucher: "V-1"}}); f != nil {
		t.Fatal(f.Err())
	}
	if c := w.stage(twice, application.InPreparation); c.OwedBack != 0 || c.PaidBack != copyFee || c.State.Paid != copyFee {
		t.Errorf("%d are owed back, %d were paid back, of %d", c.OwedBack, c.PaidBack, c.State.Paid)
	}
	verified(w)
	w.agree()
}
