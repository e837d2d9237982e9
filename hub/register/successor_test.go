package register

import (
	"testing"
	"time"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// renews files an application that asks to renew a certificate.
func (u *union) renews(r *protocol.Renewed) protocol.Number {
	u.nonces, u.rules = u.nonces+1, 1
	return u.add(&protocol.Event{
		Kind: protocol.Submitted, At: u.town.at, Actor: "rahima", Nonce: u64(u.nonces),
		Pin:     &protocol.Pin{Service: u.v.ID, Version: uint32(u.v.Number), Hash: [8]byte(u.v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{Channel: "counter", Form: []byte(`{"copies":2}`), Applicant: []byte(`{"name":"রহিম"}`), Renews: r}),
	})
}

// signs has the fee paid and a certificate signed that takes another's place.
func (u *union) signs(n protocol.Number, token, serial uint64, r *protocol.Renewed, last int64) string {
	u.wrote("rahima", protocol.PaymentTaken, n, u.town.at, cash(licenceFee))
	k := &protocol.Certificate{
		Serial: serial, Number: protocol.CertificateNumber(u.lease().Prefix, serial), Issued: u.town.at / 1000, Expires: last, Renews: r.Number,
	}
	u.wrote("chair", protocol.ActedAtUnion, n, u.town.at, &protocol.UnionAct{Action: "issue", Token: token, Certificate: k})
	return k.Number
}

// licensed has the union issue its first certificate, and returns the newest word on it.
func (u *union) licensed(serial uint64) (n protocol.Number, k protocol.Certificate) {
	u.town.t.Helper()
	token := u.lease().Token
	n = u.files()
	u.decides(n, u.town.at, token)
	u.issues(n, u.town.at, token, serial)
	u.arrives()
	c, err := u.town.first().Case(n)
	if err != nil || c.Certificate == nil {
		u.town.t.Fatalf("no certificate: %v, %v", c, err)
	}
	return n, c.Certificate.Certificate
}

// TestRenewalCountsFromTheEndBefore shows the time of a renewal: from the end of the one
// before within the days that the version gives, before and after that end; else from its own
// issue. The one before is renewed, and the centre is told.
func TestRenewalCountsFromTheEndBefore(t *testing.T) {
	for _, x := range []struct {
		name  string
		after int // Days from the first issue.
		from  bool
	}{
		{"long before its end", 100, false},
		{"shortly before its end", 330, true},
		{"shortly after its end", 400, true},
		{"long after its end", 430, false},
	} {
		w, u := newUnion(t)
		old, before := u.licensed(1)
		since(w, x.after)
		lease := u.ask(3)
		r := &protocol.Renewed{Number: before.Number, Expires: before.Expires}
		n := u.renews(r)
		u.decides(n, w.at, lease.Token)
		from := time.UnixMilli(w.at)
		if x.from {
			from = time.Unix(before.Expires, 0)
		}
		issued := w.at / 1000
		number := u.signs(n, lease.Token, 2, r, application.Term(from.In(time.FixedZone("", dhakaOffset)), 365))
		u.arrives()
		u.certificate(n, number, protocol.CertificateConfirmed)
		u.certificate(old, before.Number, protocol.CertificateRenewed)
		var said *protocol.CertificateWord
		for _, e := range w.inboxOf("41-09-17") {
			var st protocol.Standing
			if e.Kind == protocol.CaseMoved && e.Number == old && e.Decode(&st) == nil {
				said = st.Certificate
			}
		}
		if said == nil || said.State != protocol.CertificateRenewed || said.By != number || said.Ended != issued {
			t.Errorf("%s: the centre was told %+v", x.name, said)
		}
		if kinds, it := u.items(n); len(kinds) != 0 {
			t.Errorf("%s: items %v, %+v", x.name, kinds, it)
		}
		verified(w)
		w.agree()
	}
}

// TestRow20RenewedOnce shows that a certificate is renewed once, that a renewal dated by
// another end than the district knows is an item, and that the hub's desks refuse as well.
func TestRow20RenewedOnce(t *testing.T) {
	w, u := newUnion(t)
	_, before := u.licensed(1)
	since(w, 340)
	token := u.ask(1).Token
	r := &protocol.Renewed{Number: before.Number, Expires: before.Expires}
	last := application.Term(time.Unix(before.Expires, 0).In(time.FixedZone("", dhakaOffset)), 365)
	const day = 24 * 3600
	var second protocol.Number
	for i, x := range []struct {
		r    protocol.Renewed
		last int64
		why  string
	}{
		{protocol.Renewed{Number: before.Number, Expires: before.Expires + 9*day}, last + 9*day, whyBeforeUnknown},
		{protocol.Renewed{Number: "TL-41-09-17-000099", Expires: before.Expires}, last, whyBeforeUnknown},
		{*r, last + 9*day, whyExpiry},
		{*r, last, ""},
		{*r, last, whyRenewedAlready + "TL-41-09-17-000005"},
	} {
		n := u.renews(&x.r)
		second = n
		u.decides(n, w.at, token)
		u.signs(n, token, uint64(2+i), &x.r, x.last)
		u.arrives()
		kinds, it := u.items(n)
		if len(kinds) > 0 && kinds[0] == ItemSecondRenewal { // Approved and paid for, beside what the union did.
			kinds = kinds[1:]
		}
		if x.why == "" && len(kinds) != 0 || x.why != "" && (len(kinds) != 1 || it.Kind != ItemUnion || it.Text != x.why) {
			t.Errorf("the %d. has items %v, %+v; want %q", i+1, kinds, it, x.why)
		}
	}
	items, err := w.first().Items(second)
	if err != nil || items[0].Kind != ItemSecondRenewal || items[0].Amount != 0 {
		t.Fatalf("the item from before its fee was paid: %+v, %v", items, err)
	}
	wantFault(t, "more than was paid by now", owes(w, "chair", items[0], Settlement{Poisha: licenceFee + 1}), fault.Invalid)
	if f := owes(w, "chair", items[0], Settlement{}); f != nil || w.stage(second, application.Rejected).OwedBack != licenceFee {
		t.Errorf("what was paid after the approval is not owed back: %v", f)
	}
	late := u.renews(r)
	u.arrives()
	since(w, 20)
	w.worked(late, "anna", Take, Act{})
	w.worked(late, "anna", Decide, Act{Opinion: application.ForApproval, Text: "in order"})
	w.worked(late, "anna", Forward, Act{})
	w.worked(late, "chair", Take, Act{})
	wantFault(t, "approve a second renewal", w.officer(late, "chair", Approve, Act{}).Fault, fault.Conflict)
	w.agree()
}

// TestRow20SecondRenewalIsPaidBack: of two renewals of one licence that were both approved, one
// waits to be paid for and one to be signed when a third is issued: both are items. One is ended
// with its fee owed back, the other, for which nothing was paid, with nothing.
func TestRow20SecondRenewalIsPaidBack(t *testing.T) {
	w, u := newUnion(t)
	_, before := u.licensed(1)
	since(w, 340)
	token := u.ask(1).Token
	r := &protocol.Renewed{Number: before.Number, Expires: before.Expires}
	last := application.Term(time.Unix(before.Expires, 0).In(time.FixedZone("", dhakaOffset)), 365)
	first, paid, unpaid := u.renews(r), u.renews(r), u.renews(r)
	for _, n := range []protocol.Number{first, paid, unpaid} {
		u.decides(n, w.at, token)
	}
	u.arrives()
	u.by("rahima", protocol.PaymentTaken, paid, cash(licenceFee))
	w.stage(paid, application.InPreparation)
	w.stage(unpaid, application.FeeDue)
	if kinds, _ := u.items(paid); len(kinds) != 0 {
		t.Fatalf("before any was issued: %v", kinds)
	}
	u.signs(first, token, 2, r, last)
	u.arrives()
	w.stage(first, application.Ready)
	for n, sum := range map[protocol.Number]int64{paid: licenceFee, unpaid: 0} {
		kinds, it := u.items(n)
		if len(kinds) != 1 || it.Kind != ItemSecondRenewal || it.Amount != sum {
			t.Fatalf("items %v, %+v; want the second renewal of %d", kinds, it, sum)
		}
	}
	_, it := u.items(paid)
	if f := owes(w, "chair", it, Settlement{}); f != nil {
		t.Fatal(f.Err())
	}
	c := w.stage(paid, application.Rejected)
	kinds, back := u.items(paid)
	if c.OwedBack != licenceFee || len(kinds) != 2 || back.Kind != ItemRefundOwed || back.Amount != licenceFee {
		t.Errorf("owed back is %d: %v, %+v", c.OwedBack, kinds, back)
	}
	if f := owes(w, "chair", back, Settlement{Payout: Payout{Voucher: "V-1"}}); f != nil {
		t.Error(f.Err())
	}
	_, it = u.items(unpaid)
	wantFault(t, "nothing to pay back", owes(w, "chair", it, Settlement{}), fault.Invalid)
	if f := settled(w, "chair", it, "refused"); f != nil {
		t.Fatal(f.Err())
	}
	if c := w.stage(unpaid, application.Rejected); c.OwedBack != 0 || c.State.Owed != 0 || c.Timer != 0 {
		t.Errorf("ended, the case is %+v", c)
	}
	verified(w)
	w.agree()
}
