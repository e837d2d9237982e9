package register

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// What is owed back on a case is an item at the accounts post of its office, and ends once: paid,
// with a voucher's number. No money moves by it. It comes of a case that came to nothing, by the
// rule of its version ([dcat.Refund]), or of an officer's word on another item. All of it is
// since format 4 (docs/decisions/0039).

// Repaid is what is paid back on a case, in poisha.
type Repaid struct {
	OwedBack int64 `cbor:"105,keyasint,omitempty"` // Still.
	PaidBack int64 `cbor:"106,keyasint,omitempty"`
	PartBack int64 `cbor:"140,keyasint,omitempty"` // Of PaidBack: of what stands in the case as paid for its demands.
}

// refund is what the citizen may know of it, nil for nothing.
func (r *Repaid) refund() *protocol.RefundWord {
	if r.OwedBack == 0 && r.PaidBack == 0 {
		return nil
	}
	return &protocol.RefundWord{Due: r.OwedBack, Paid: r.PaidBack}
}

// A Payout is what an item keeps, and its settlement brings, of money that is paid back.
type Payout struct {
	Voucher string `cbor:"105,keyasint,omitempty"`
	PaidOn  int64  `cbor:"106,keyasint,omitempty"` // Unix seconds.
}

// maxVoucher bounds the number of a voucher.
const maxVoucher = 64

// reversed is what stands on a refund that is owed no more since the case goes on.
const reversed = "the decision is looked at again"

// refunds carries out what concerns money that is owed back.
type refunds struct{ withheld }

// reckon says what is owed back on a case that an act has brought to nothing, or no more since
// it goes on.
func (s refunds) reckon(before, c *Case, e *application.Event) {
	switch e.Action {
	case application.Withdraw, application.Reject:
	case application.Appeal:
		s.forget(c)
		return
	case application.Lapse:
		partPayments{s}.ask(c)
		return
	case application.Pay:
		if before.State.Stage == application.FeeLapsed {
			partPayments{s}.drop(c)
		}
		return
	default: // Nothing else ends a case for which somebody has paid.
		return
	}
	paid, back := s.paid(c), s.back(c)
	w, f := s.way(c)
	if f != nil || paid <= back {
		return
	}
	rule := w.Version.Refund
	if rule == nil {
		if e.Action == application.Withdraw || c.State.Paid > 0 { // What is due with an application pays for its review.
			s.open(c, Item{Kind: ItemRefundAsked, Text: e.Action.String(), Amount: paid - back, Event: s.source(c), Centre: c.Centre})
		}
		return
	}
	percent, when := share(rule, before, e.Action)
	if sum := paid*int64(percent)/100 - back; sum > 0 {
		s.owe(c, Item{Of: e.Action.String(), Text: fmt.Sprintf("%s: %d %% of %d poisha", when, percent, paid), Amount: sum, Event: s.source(c), Centre: c.Centre})
	}
}

// share is the part in percent that a rule gives back, and why.
func share(r *dcat.Refund, before *Case, a application.Action) (percent int, when string) {
	seen := slices.ContainsFunc(before.History, func(t Turn) bool { return t.Action == application.Take })
	switch {
	case a == application.Reject:
		return r.Rejected, "rejected"
	case seen:
		return r.InReview, "withdrawn in review"
	}
	return r.BeforeReview, "withdrawn before review"
}

// paid is what was paid for a case, with its application and later, without the centre's own
// charge and what was paid back of it.
func (s refunds) paid(c *Case) int64 {
	p := protocol.Payment{}
	var sub protocol.Submission
	at := s.source(c)
	if e, ok := s.eventAt(&at); ok && e.Decode(&sub) == nil {
		p.Fees = sub.Fees
	}
	return p.Total() + c.State.Paid - c.PartBack
}

// back is what was paid back of that already: for a decision before an appeal that came late.
func (s refunds) back(c *Case) (poisha int64) {
	if c.PaidBack == 0 {
		return 0
	}
	s.keep(s.tx.Scan(key(tagItem, u64(uint64(c.Number))), nil, func(k, raw []byte) (bool, error) {
		it := &Item{}
		err := decodeState(k, raw, it)
		if it.Kind == ItemRefundOwed && it.decided() && it.Outcome == outcomeRefund {
			poisha += it.Amount
		}
		return true, err
	}))
	return poisha
}

// source is where the application stands.
func (s refunds) source(c *Case) Source { return Source{Log: c.Log, At: c.At} }

// owe opens a refund, of which sum, reason, event, centre and what it comes of are given.
func (s refunds) owe(c *Case, it Item) {
	it.Kind = ItemRefundOwed
	it.Owner = s.accounts(c, it.Owner)
	c.OwedBack += it.Amount
	s.open(c, it)
}

// accounts is the desk that pays back: the accounts post of the office of a desk, or that desk
// where the office has none.
func (s refunds) accounts(c *Case, desk place.Seat) place.Seat {
	desk = cmp.Or(desk, c.State.Seat, s.world.overseer(c.Centre))
	if seat, ok := s.world.set.Directory.Accounts(desk.Office); ok {
		return seat
	}
	return desk
}

// forget closes what is owed back for a decision that is looked at again.
func (s refunds) forget(c *Case) {
	for _, it := range s.unsettled(c.Number) {
		if it.Kind == ItemRefundAsked || it.decided() {
			s.drop(c, it, reversed)
		}
	}
}

// drop closes an item of money that nobody asks about, or owes, any more.
func (s refunds) drop(c *Case, it *Item, why string) {
	s.less(c, it)
	it.Outcome, it.Words = outcomeDismissed, why
	s.close(it)
}

// decided reports whether a refund is owed because of a decision that may be appealed against.
func (it *Item) decided() bool {
	return it.Of == application.Reject.String() || it.Of == ItemRefundAsked
}

// PaidBack is what was paid back by a voucher when this item was settled, and when, Unix
// seconds; 0 where nothing was.
func (it *Item) PaidBack() (poisha, on int64) {
	if it.Of == "" || it.Outcome != outcomeRefund {
		return 0, 0
	}
	return it.Amount, it.PaidOn
}

// less takes a refund off what is owed back.
func (s refunds) less(c *Case, it *Item) {
	if it.Of != "" {
		c.OwedBack -= it.Amount
	}
}

// allowed says what is in the way of an outcome by which money is paid back, or is to be.
func (s refunds) allowed(it *Item, b *Settlement) *protocol.Failure {
	if !b.Owes || b.Outcome != outcomeRefund {
		return nil
	}
	if it.Kind != ItemRefundOwed {
		most := s.about(it)
		b.Poisha = cmp.Or(b.Poisha, most)
		if b.Poisha <= 0 || most > 0 && b.Poisha > most {
			return refuse(fault.Invalid, "poisha", "say how much is to be paid back: above nothing, and no more than the item is about")
		}
		return nil
	}
	c := &Case{}
	switch v := strings.TrimSpace(b.Voucher); {
	case v == "" || len(v) > maxVoucher:
		return refuse(fault.Invalid, "voucher", "write the number of the voucher by which it was paid, of 1 to 64 bytes")
	case b.PaidOn > application.Term(s.now(), 0):
		return refuse(fault.Invalid, "paid_on", "want a day that is not to come")
	case !s.get(caseKey(it.Number), c):
		return refuse(fault.NotFound, it.ID, "its case is not here")
	case c.State.Stage == application.Rejected && it.decided() && s.now().Unix() <= c.State.AppealBy:
		return refuse(fault.Conflict, it.ID, "an appeal may come until "+time.Unix(c.State.AppealBy, 0).In(s.zone).Format(time.DateOnly)+": pay it back after that day")
	}
	return nil
}

// about is the sum that an item is about: of a second renewal what was paid for it by now.
func (s refunds) about(it *Item) int64 {
	c := &Case{}
	if it.Kind == ItemSecondRenewal && s.get(caseKey(it.Number), c) {
		return s.paid(c)
	}
	return it.Amount
}

// settled does what an outcome says about money that is owed back.
func (s refunds) settled(it *Item, b *Settlement) {
	c := &Case{}
	if !s.get(caseKey(it.Number), c) {
		return
	}
	switch {
	case it.Of != "":
		s.less(c, it)
		back, _ := it.PaidBack()
		c.PaidBack += back
		if it.Of == ItemPartPaid {
			c.PartBack += back
		}
	case b.Owes && it.Outcome == outcomeRefund && it.Kind != ItemRefundOwed:
		s.owe(c, Item{Of: it.Kind, Owner: it.Owner, Text: it.Words, Amount: b.Poisha, Event: it.Event, Centre: it.Centre, Withheld: Withheld{Charged: it.Charged}})
	default:
		return
	}
	s.put(caseKey(c.Number), c)
	s.tell(c)
}

// paidOut notes by which voucher an item was paid back, and when.
func (s refunds) paidOut(it *Item, b *Settlement) {
	if b.Owes && it.Kind == ItemRefundOwed && b.Outcome == outcomeRefund {
		it.Voucher, it.PaidOn = strings.TrimSpace(b.Voucher), cmp.Or(b.PaidOn, s.now().Unix())
	}
}
