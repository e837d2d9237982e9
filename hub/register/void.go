package register

import (
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// Why a void is an item without more.
const (
	whyOthersMoney = "it names a payment that another centre took"
	whyVoided      = "the payment was voided before"
	whyNotBooked   = "no payment of this case stands there, or it was settled already"
)

// surplusVoided is what stands on an item about money that was then voided.
const surplusVoided = "its payment was voided"

// void reverses a payment (row 17). The payment stays in the history; its demand is
// open again with a term of its own, and whoever watches the centre has it on his list.
func (f *follower) void() {
	var v protocol.Voiding
	if f.e.Decode(&v) != nil || v.Check() != nil {
		f.aside(whyUnreadable, 0)
		return
	}
	sum := sumOf(v.Fees)
	k := voidedKey(v.Log, v.At.Seq)
	took := f.world.ownerOf(v.Log)
	switch {
	case took == nil || took.Centre != f.owner.Centre:
		f.aside(whyOthersMoney, sum)
		return
	case f.has(k):
		f.aside(whyVoided, sum)
		return
	}
	booked := f.booked(&v)
	if !f.unclaim(&v) && booked == 0 {
		f.aside(whyNotBooked, sum)
		return
	}
	if f.format > 3 {
		evidence{withheld{f.courses}}.settled(f.c)
	}
	f.set(k, u64(uint64(f.c.Number)))
	e := application.Event{Action: application.Void, Amount: booked, Text: clip(v.Reason, application.MaxText)}
	if w, fail := f.way(f.c); fail == nil && w.Version.Procedure != nil {
		e.Until = application.Term(f.now(), w.Version.Procedure.FeeDays)
	}
	if booked == 0 || f.move(e, sum) {
		f.open(f.c, Item{
			Kind: ItemVoided, Owner: f.world.overseer(f.owner.Centre), Text: v.Reason, Amount: sum, Event: f.from, Centre: f.owner.Centre,
		})
	}
}

func voidedKey(log protocol.LogID, seq uint64) []byte {
	return append(logKey(tagVoided, log), u64(seq)...)
}

// booked is how much of a payment was booked on a demand, 0 for one that was not.
func (f *follower) booked(v *protocol.Voiding) int64 {
	owed := int64(0)
	for i := range f.c.History {
		switch t := &f.c.History[i]; t.Action {
		case application.Demand:
			owed = t.Amount
		case application.Void:
			owed += t.Amount
		case application.Pay:
			part := min(t.Amount, owed)
			owed -= part
			if f.receipted(t.Event, v) {
				return part
			}
		default:
		}
	}
	return 0
}

// unclaim closes the items about a payment's money: there is nothing to pay back.
func (f *follower) unclaim(v *protocol.Voiding) (any bool) {
	s, owed := refunds{withheld{f.courses}}, f.c.OwedBack
	for _, it := range s.unsettled(f.c.Number) {
		if f.receipted(&it.Event, v) {
			any = true
			s.less(f.c, it)
			it.Outcome, it.Words, it.By = outcomeDismissed, surplusVoided, f.e.Actor
			s.close(it)
		}
	}
	if f.c.OwedBack != owed {
		f.put(caseKey(f.c.Number), f.c)
		f.tell(f.c)
	}
	return any
}

// receipted reports whether an event is the one that a void names by its receipt: in
// its own log, or as it came again in another.
func (f *follower) receipted(at *Source, v *protocol.Voiding) bool {
	if at == nil {
		return false
	}
	if at.Log == v.Log {
		return at.At == v.At
	}
	k := eventKey(at.Log, at.At.Seq)
	stored, ok := f.raw(k)
	if !ok || bare(stored) {
		return false
	}
	e, err := eventOf(k, stored)
	if err != nil || e.Kind != protocol.Recovered {
		f.keep(err)
		return false
	}
	var r protocol.Recovery
	if e.Decode(&r) != nil {
		return false
	}
	return r.Receipt.Log == v.Log && r.Receipt.At == v.At
}

// dear looks at what a centre took for itself with an application.
func (s withheld) dear(c *Case, v *dcat.Version, e *protocol.Event) {
	var sub protocol.Submission
	if e.Decode(&sub) == nil {
		s.above(c, v, sub.Fees, &Source{Log: c.Log, At: c.At}, c.Centre)
	}
}

// above opens an item where a centre took more for itself than the version allows: the
// receipt stands, and the centre is liable (row 8).
func (s withheld) above(c *Case, v *dcat.Version, fees []protocol.Fee, from *Source, centre place.Centre) {
	p := protocol.Payment{Fees: fees}
	over := v.AboveCeiling(p.Charge())
	if over == 0 {
		return
	}
	s.open(c, Item{
		Kind: ItemDear, Owner: s.world.overseer(centre), Text: whyDear, Amount: over, Event: *from, Centre: centre, Withheld: Withheld{Charged: true},
	})
}

// whyDear is why a charge is an item.
const whyDear = "the centre's own charge is above the ceiling of the version"
