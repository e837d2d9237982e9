package register

import (
	"slices"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// latePays book what a centre brought after the term, such as a challan that was paid within
// it. A centre's word for the bank's day is not enough: an officer has looked at the paper.
type latePays struct{ courses }

// claim takes sum and day of a payment from the item that it became. The day that the officer
// names goes before the one that the centre wrote down.
func (s latePays) claim(k *Case, by access.Principal, b *Act) *protocol.Failure {
	it, f := s.item(k, b.Books)
	if f != nil {
		return f
	}
	if by.Seat != k.State.Seat { // Whose case it is books it, also where the item has gone to his superior.
		if err := access.May(by, access.WorkCase, access.Resource{Seat: it.Owner}); err != nil {
			return failureOf(err)
		}
	}
	var p protocol.Payment
	e, ok := withheld(s).eventAt(&it.Event)
	if !ok || e.Decode(&p) != nil || p.Check() != nil {
		return refuse(fault.Conflict, it.ID, "its payment can't be read: book the sum by hand, then settle the item")
	}
	if s.counted(k, it.Event, &p) {
		return refuse(fault.Conflict, it.ID, "a payment of this number counts for the case already: settle the item, and book the sum by hand where it is another one")
	}
	switch sum := p.Total(); {
	case b.Amount != 0 && b.Amount != sum:
		return refuse(fault.Invalid, "poisha", "the centre brought another sum: leave it out, or settle the item and book the sum by hand")
	case b.At == 0 && p.PaidAt == 0:
		return refuse(fault.Invalid, "paid_on", "say on which day it was paid")
	default:
		b.Amount = sum
	}
	if b.At == 0 {
		b.At = p.PaidAt / 1000
	}
	return nil
}

// whyCounted is on an item about a challan, or mobile money, that is the same number's once more.
const whyCounted = "a payment of this number counts for the case already"

// counted reports whether another event's payment of the same number is booked on a case and
// was not voided. A case may have two demands, and one paper would pay both. What an officer
// booked by hand has no number.
func (s latePays) counted(k *Case, from Source, p *protocol.Payment) bool {
	if p.Means == protocol.MeansCash || p.Reference == "" {
		return false
	}
	return slices.ContainsFunc(k.History, func(t Turn) bool {
		if t.Action != application.Pay || t.Event == nil || *t.Event == from || s.has(voidedKey(t.Event.Log, t.Event.At.Seq)) {
			return false
		}
		var other protocol.Payment
		e, ok := withheld(s).eventAt(t.Event)
		return ok && e.Decode(&other) == nil && other.Means == p.Means && other.Reference == p.Reference
	})
}

// item is an open item of a case whose payment may be booked.
func (s latePays) item(k *Case, id string) (*Item, *protocol.Failure) {
	at, ok := keyOf(tagItem, id)
	it := &Item{}
	if !ok || !s.get(at, it) || it.Number != k.Number || !slices.Contains([]string{ItemLate, ItemDoubtful}, it.Kind) {
		return nil, refuse(fault.NotFound, clip(id, 64), "no such item of a payment on this case")
	}
	if it.Outcome != "" {
		return nil, refuse(fault.Conflict, it.ID, "it is settled: "+it.Outcome)
	}
	return it, nil
}

// book notes on the turn which event the money came with, and ends the item.
func (s latePays) book(k *Case, t *Turn, e *application.Event, id string) {
	it, f := s.item(k, id)
	if f != nil {
		s.keep(f.Err())
		return
	}
	t.Event = &it.Event
	it.Outcome, it.Words, it.By = outcomeApplied, clip(e.Text, application.MaxText), e.By.Name
	withheld(s).close(it)
}
