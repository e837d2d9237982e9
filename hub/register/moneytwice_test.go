package register

import (
	"testing"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// nobodys is the number of no case.
const nobodys = protocol.Number(4100_0000_0000_0001)

// TestRefusedHeldApplicationIsPaidBackOnce: what is owed back of an application that was set aside
// and then refused is owed no more once a voucher says that it was paid.
func TestRefusedHeldApplicationIsPaidBackOnce(t *testing.T) {
	w, b := office(t)
	appointed(w)
	n := b.paidWith(numbered(t, landCopy(t), 7), 1)
	if f := endMatter(w, "chief", &MatterEnd{ID: standing(w, MatterHeld).ID, Outcome: outcomeRefused}); f != nil {
		t.Fatal(f.Err())
	}
	it, all := itemOf(w, n)
	if c := w.stage(n, application.Rejected); all != 1 || it.Kind != ItemRefundOwed || it.Amount != 2500 || c.OwedBack != 2500 {
		t.Fatalf("%d are owed back: %+v of %d", c.OwedBack, it, all)
	}
	if f := owes(w, "chief", it, Settlement{Payout: Payout{Voucher: "V-1"}}); f != nil {
		t.Fatal(f.Err())
	}
	if c := w.stage(n, application.Rejected); c.OwedBack != 0 || c.PaidBack != 2500 {
		t.Errorf("paid back, %d are owed back and %d were paid back; want 0 and 2500", c.OwedBack, c.PaidBack)
	}
	verified(w)
	w.agree()
}

// TestRejectedAgainIsPaidBackOnce: an appeal that was made in its time, and comes after the money
// was paid back, has the case looked at again. Rejected again, no more is owed than what is
// missing still, whether the version says how much or an officer does.
func TestRejectedAgainIsPaidBackOnce(t *testing.T) {
	for name, x := range map[string]struct {
		rule       *dcat.Refund
		back, left int64
	}{
		"by the version": {&dcat.Refund{Rejected: 20}, (2000 + copyFee) / 5, 0},
		"all, by word":   {nil, 2000 + copyFee, 0},
		"some, by word":  {nil, copyFee, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			v := refunding(t, x.rule)
			w, b := withAccounts(t, v)
			n := b.paidFound(v, 1, Finding{Review: copyFee})
			b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
			approvedTo(w, n)
			w.worked(n, "chair", Reject, Act{Reason: "R1", Text: "no such record"})
			appealed := w.at
			since(w, 31)
			it, items := itemOf(w, n)
			if it.Kind == ItemRefundAsked {
				if f := owes(w, "chair", it, Settlement{Poisha: x.back}); f != nil {
					t.Fatal(f.Err())
				}
				it, items = itemOf(w, n)
			}
			if f := owes(w, "anna", it, Settlement{Payout: Payout{Voucher: "V-1"}}); f != nil {
				t.Fatal(f.Err())
			}
			b.send(protocol.Appealed, n, appealed, &protocol.Appeal{Text: "the record is there"})
			w.worked(n, "uno-officer", Take, Act{})
			w.worked(n, "uno-officer", Decide, Act{Opinion: application.ForRejection, Text: "it is not"})
			w.worked(n, "uno-officer", Reject, Act{Reason: "R1", Text: "no such record"})
			c := w.stage(n, application.Rejected)
			if c.PaidBack != x.back || c.OwedBack != 0 {
				t.Errorf("%d were paid back and %d are owed; want %d and nothing", c.PaidBack, c.OwedBack, x.back)
			}
			it, all := itemOf(w, n)
			switch {
			case x.left == 0 && all != items:
				t.Errorf("rejected again, somebody is asked: %+v", it)
			case x.left != 0 && (all != items+1 || it.Kind != ItemRefundAsked || it.Amount != x.left):
				t.Errorf("rejected again, the newest of %d items is %+v; want %d asked about", all, it, x.left)
			}
			verified(w)
			w.agree()
		})
	}
}

// TestPaymentForNoCaseWaitsForTheUnion: while a decision of a union's waits to be confirmed, no
// payment is applied to its case by hand, and what is refused leaves nothing behind: repeated, it would
// be counted twice.
func TestPaymentForNoCaseWaitsForTheUnion(t *testing.T) {
	w, u := newUnion(t)
	w.publish(3, withChief(fullDirectory()), u.v)
	w.must(NewCommand("", "root", AddUser, chief()))
	n := u.files()
	since(w, 15)
	u.decides(n, w.at, u.lease().Token)
	u.wrote("rahima", protocol.PaymentTaken, nobodys, w.at, cash(licenceFee))
	u.arrives()
	m := standing(w, MatterNoCase)
	apply := func() *protocol.Failure {
		return endMatter(w, "chief", &MatterEnd{ID: m.ID, Outcome: outcomeApplied, Number: n})
	}
	for range 2 {
		wantFault(t, "while the decision waits", apply(), fault.Conflict)
	}
	_, it := u.items(n)
	if res := u.settles("uno-officer", it, outcomeConfirmed); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	if c := w.stage(n, application.FeeDue); c.State.Paid != 0 {
		t.Errorf("%d are paid; want nothing", c.State.Paid)
	}
	if f := apply(); f != nil {
		t.Fatal(f.Err())
	}
	if kinds, it := u.items(n); w.stage(n, application.InPreparation).State.Paid != licenceFee || len(kinds) != 1 {
		t.Errorf("applied once, its items are %v, %+v", kinds, it)
	}
	verified(w)
	w.agree()
}

// TestRefusedToApplyLeavesNothing: a payment that a case does not take leaves no item on it.
func TestRefusedToApplyLeavesNothing(t *testing.T) {
	v := *landCopy(t)
	v.Fees = append(v.Fees, dcat.Fee{Kind: dcat.ServiceCharge, Ceiling: 100})
	w, b := office(t)
	w.publish(3, withChief(fullDirectory()), licence(t), numbered(t, &v, 2))
	w.must(NewCommand("", "root", AddUser, chief()))
	n := b.filed(&v, 1, copyDue)
	b.send(protocol.PaymentTaken, nobodys, w.at, cash(copyFee))
	m := standing(w, MatterNoCase)
	apply := func() *protocol.Failure {
		return endMatter(w, "chief", &MatterEnd{ID: m.ID, Outcome: outcomeApplied, Number: n})
	}
	wantFault(t, "what is not owed", apply(), fault.Conflict)
	if items, err := w.first().Items(n); err != nil || len(items) != 0 {
		t.Fatalf("what was refused left %+v, %v", items, err)
	}
	approved(w, n)
	if f := apply(); f != nil {
		t.Fatal(f.Err())
	}
	if it, all := itemOf(w, n); all != 1 || it.Kind != ItemDear || it.Amount != 400 || w.stage(n, application.InPreparation).State.Paid != copyFee {
		t.Errorf("applied, it left %+v of %d", it, all)
	}
	verified(w)
	w.agree()
}

// TestVoidedSurplusIsOwedBackNoMore: a centre that voids a payment gives all of it back, what was above
// the demand too: that is owed back no more, whether the centre's payment was booked at once or by an
// officer, and whether he has said that it is owed back or not.
func TestVoidedSurplusIsOwedBackNoMore(t *testing.T) {
	for name, x := range map[string]struct{ late, said bool }{
		"at once": {false, true}, "booked late": {true, true}, "booked late, not looked at": {true, false},
	} {
		t.Run(name, func(t *testing.T) {
			w, b := office(t)
			n := b.filed(landCopy(t), 1, copyDue)
			approved(w, n)
			day := w.at / 1000
			if x.late {
				since(w, 31)
				tick(w)
			}
			v := paid(b, n, copyFee+1000)
			if x.late {
				it, _ := itemOf(w, n)
				w.worked(n, "chair", Pay, Act{Books: it.ID, At: day})
			}
			w.stage(n, application.InPreparation)
			it, all := itemOf(w, n)
			if it.Kind != ItemOverpayment || it.Amount != 1000 {
				t.Fatalf("the surplus is %+v", it)
			}
			if x.said {
				if f := owes(w, "chair", it, Settlement{}); f != nil || w.stage(n, application.InPreparation).OwedBack != 1000 {
					t.Fatalf("owed back: %v", f)
				}
				it, all = itemOf(w, n)
			}
			b.send(protocol.PaymentVoided, n, w.at, v)
			c := w.stage(n, application.FeeDue)
			items, err := w.first().Items(n)
			if err != nil || c.OwedBack != 0 || items[all-1].ID != it.ID || items[all-1].Outcome != outcomeDismissed {
				t.Errorf("voided, %d are owed back, and the surplus stands as %+v, %v", c.OwedBack, items[all-1], err)
			}
			if st, _, err := w.first().Standing(n); err != nil || st.Refund != nil {
				t.Errorf("the citizen reads %+v, %v", st.Refund, err)
			}
			verified(w)
			w.agree()
		})
	}
}

// TestMoreThanCanWaitIsAnItem: with a decision that waits to be confirmed no more than so much waits.
// What its union decides then is an item of its own, and takes nothing of the place of what waits
// already, such as a payment.
func TestMoreThanCanWaitIsAnItem(t *testing.T) {
	w, u := newUnion(t)
	token := u.lease().Token
	since(w, 20)
	n := u.files()
	u.decides(n, w.at, token)
	u.wrote("rahima", protocol.PaymentTaken, n, w.at, cash(licenceFee))
	for range maxParked {
		u.wrote("chair", protocol.ActedAtUnion, n, w.at, &protocol.UnionAct{Action: "note", Text: "once more", Token: token})
	}
	u.wrote("chair", protocol.ActedAtUnion, n, w.at, &protocol.UnionAct{Action: "issue", Token: token, Certificate: &protocol.Certificate{
		Serial: 1, Number: protocol.CertificateNumber(u.lease().Prefix, 1), Issued: w.at / 1000, Expires: w.at/1000 + 365*24*3600,
	}})
	u.arrives()
	items, err := w.first().Items(n)
	if err != nil || len(items) != 4 || items[0].Kind != ItemConfirm {
		t.Fatalf("%d items, %v; want the decision, two notes and the certificate", len(items), err)
	}
	for _, it := range items[1:] {
		if it.Kind != ItemUnion {
			t.Errorf("beside the decision there is %+v", it)
		}
	}
	if res := u.settles("uno-officer", items[0], outcomeConfirmed); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	if c := w.stage(n, application.InPreparation); c.Waits != nil || c.State.Paid != licenceFee {
		t.Errorf("confirmed, %d are paid and %+v waits", c.State.Paid, c.Waits)
	}
	verified(w)
	w.agree()
}
