package register

import (
	"cmp"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// What was filed under a service that is withdrawn, and what a box sent that was
// revoked by then, counts only once somebody has said so (rows 9 and 25). Until then it
// is an item: a case is held, an event on a case is not applied.

// Why a case is held that somebody may accept.
const (
	whyGone      = "the service was withdrawn before this came"
	whyGoneKnown = "the service was withdrawn, and its box could know when it took this in"
)

// HasItem reports whether a case that is held for this reason is an [Item].
func HasItem(held string) bool { return held == whyGone || held == whyGoneKnown || held == whyRevoked }

// withheld carries out what waits for somebody's word before it counts.
type withheld struct{ courses }

// gone says why a case is held whose service is withdrawn, "" where it is not.
func (s withheld) gone(c *Case, e *protocol.Event) string {
	over, gone := s.world.over.services[e.Pin.Service]
	switch {
	case !gone:
		return ""
	case seen(s.step, c.Log, c.At.Seq, e.Checkpoint) >= over.index:
		return whyGoneKnown
	}
	return whyGone
}

// consider makes an item of a case that was held, where somebody may accept it.
func (s withheld) consider(c *Case, e *protocol.Event, judged *Verdict, f *Finding) {
	it := Item{Text: c.Held, Event: Source{Log: c.Log, At: c.At}, Centre: c.Centre, Withheld: Withheld{Legal: c.Legal, Found: f, Bad: clip(judged.Refused, 200)}}
	switch c.Held {
	case whyGone, whyGoneKnown:
		it.Kind, it.Owner, it.Charged = ItemGone, s.firstDesk(c, f), c.Held == whyGoneKnown
	case whyRevoked:
		it.Kind, it.Owner, it.Charged = ItemRevoked, s.world.overseer(c.Centre), true
	default:
		return
	}
	var sub protocol.Submission
	if e.Decode(&sub) == nil {
		it.Amount = sumOf(sub.Fees)
	}
	s.open(c, it)
}

// firstDesk is the seat to which a case would go, or the overseer where there is none.
func (s withheld) firstDesk(c *Case, f *Finding) place.Seat {
	if w, fail := s.way(c); fail == nil {
		found := cmp.Or(f.found(), &application.Found{})
		if d := w.First(found.Rules); d.Seat != (place.Seat{}) {
			return d.Seat
		}
	}
	return s.world.overseer(c.Centre)
}

// withhold makes an item of an event that came from a revoked box.
func (f *follower) withhold() {
	it := Item{
		Kind: ItemRevoked, Owner: f.world.overseer(f.owner.Centre), Text: whyRevoked, Event: f.from, Centre: f.owner.Centre,
		Withheld: Withheld{Charged: true, Legal: f.legal, Doubt: f.doubt, Found: f.found, Bad: clip(f.judged.Refused, 200)},
	}
	var p protocol.Payment
	if f.e.Kind == protocol.PaymentTaken && f.e.Decode(&p) == nil && p.Check() == nil {
		it.Amount = sumOf(p.Fees)
	}
	f.open(f.c, it)
}

// sumOf is everything that somebody paid, the centre's own charge included.
func sumOf(fees []protocol.Fee) (poisha int64) {
	for _, f := range fees {
		poisha += f.Poisha
	}
	return poisha
}

// goesOn says what is in the way of an outcome by which something counts.
func (s withheld) goesOn(it *Item, b *Settlement) *protocol.Failure {
	if it.Kind != ItemGone && it.Kind != ItemRevoked || b.Outcome == outcomeRefused {
		return nil
	}
	c := &Case{}
	if !s.get(caseKey(it.Number), c) {
		return refuse(fault.NotFound, it.ID, "its case is not here")
	}
	if first := s.earlier(it); first != "" {
		return refuse(fault.Conflict, it.ID, "what was sent before comes first: settle "+first)
	}
	if !it.ofCase(c) {
		return nil
	}
	_, known := s.world.version(c.Pinned)
	switch {
	case c.State.Stage != application.Submitted:
		return refuse(fault.Conflict, it.ID, "the case is "+c.State.Stage.String()+" meanwhile: refuse this")
	case !known:
		return refuse(fault.Conflict, it.ID, whyVersion)
	case it.Bad != "":
		return refuse(fault.Conflict, it.ID, "it can't go on as it is, refuse it: "+it.Bad)
	}
	return nil
}

// ofCase reports whether an item is about the application itself.
func (it *Item) ofCase(c *Case) bool { return it.Event.Log == c.Log && it.Event.At == c.At }

// earlier is an item of the same case that a revoked box sent before and that is open.
func (s withheld) earlier(it *Item) (id string) {
	for _, other := range s.unsettled(it.Number) {
		if other.ID == it.ID {
			break
		}
		if other.Kind == ItemRevoked || other.Kind == ItemGone {
			return other.ID
		}
	}
	return ""
}

// unsettled are the open items of a case, oldest first.
func (s withheld) unsettled(n protocol.Number) (list []*Item) {
	var keys [][]byte
	s.keep(s.tx.Scan(key(tagOpenItem, u64(uint64(n))), nil, func(k, _ []byte) (bool, error) {
		keys = append(keys, append([]byte{tagItem}, k[1:]...))
		return true, nil
	}))
	for _, k := range keys {
		if it := new(Item); s.get(k, it) {
			list = append(list, it)
		}
	}
	return list
}

// close keeps what came of an item, and tells its centre.
func (s withheld) close(it *Item) {
	it.SettledAt = s.meta.At
	s.meta.Stats.Settled++
	if k, ok := keyOf(tagItem, it.ID); ok {
		s.put(k, it)
	}
	if k, ok := keyOf(tagOpenItem, it.ID); ok {
		s.del(k)
	}
	s.tellAside(it)
}

// resolve does what an outcome says: the event counts from now on, once, or it never
// does and what was paid for it is owed back.
func (s withheld) resolve(it *Item) {
	c := &Case{}
	if !s.get(caseKey(it.Number), c) {
		return
	}
	switch {
	case it.Outcome == outcomeRefused:
		s.turnDown(c, it)
	case it.ofCase(c):
		s.release(c, it)
	default:
		s.honour(c, it)
	}
}

// turnDown ends a held case. What was paid is somebody's to pay back.
func (s withheld) turnDown(c *Case, it *Item) {
	if it.ofCase(c) && c.State.Stage == application.Submitted {
		c.Held = ""
		s.endHeld(c, it)
	}
	if it.Amount > 0 {
		refunds{s}.owe(c, Item{
			Of: it.Kind, Owner: it.Owner, Text: it.Words, Amount: it.Amount, Event: it.Event, Centre: it.Centre,
			Withheld: Withheld{Charged: it.Charged},
		})
		s.put(caseKey(c.Number), c)
	}
}

func (s withheld) endHeld(c *Case, it *Item) {
	if err := s.change(c, application.Event{Action: application.Refuse, Text: it.Words}); err != nil {
		s.keep(fault.Wrap("register.Apply", fault.Internal, c.Number.String(), err))
		return
	}
	c.History[len(c.History)-1].Actor = it.By
	s.put(caseKey(c.Number), c)
	s.tell(c)
}

// release lets a held case go on under the version that it pins. The office's clock
// starts now.
func (s withheld) release(c *Case, it *Item) {
	w, f := s.way(c)
	if f != nil {
		return
	}
	c.Held = ""
	due := int64(0)
	if w.Version.SLADays > 0 {
		due = application.WorkTerm(s.calendar(), s.now(), w.Version.SLADays)
	}
	s.begin(c, due, it.Found)
	if len(c.History) > 1 {
		c.History[1].Text, c.History[1].Actor = it.Words, it.By
		s.put(caseKey(c.Number), c)
	}
	s.tell(c)
}

// honour applies an event of a revoked box's as if it had come in its time. What does
// not fit its case any more is an item again.
func (s withheld) honour(c *Case, it *Item) {
	e, ok := s.eventAt(&it.Event)
	if !ok {
		return
	}
	owner := s.world.ownerOf(it.Event.Log)
	if owner == nil {
		return
	}
	f := &follower{
		courses: s.courses, c: c, e: &e, from: it.Event, owner: owner, found: it.Found, judged: &Verdict{Refused: it.Bad}, legal: it.Legal, doubt: it.Doubt,
		confirmed: true, // What its union decided needs no second word.
	}
	f.place()
}

// eventAt reads an event of an uplink back, out of its recovery where it came as one; false
// where it is not here, or its hash is alone.
func (s withheld) eventAt(at *Source) (protocol.Event, bool) {
	k := eventKey(at.Log, at.At.Seq)
	stored, ok := s.raw(k)
	if !ok || bare(stored) {
		return protocol.Event{}, false
	}
	e, err := eventOf(k, stored)
	if err == nil && e.Kind == protocol.Recovered {
		var r protocol.Recovery
		if err = e.Decode(&r); err == nil {
			e, err = r.Open()
		}
	}
	s.keep(err)
	return e, err == nil
}
