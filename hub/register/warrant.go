package register

import (
	"slices"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// An order that was carried out outlives the register. The leader signs it with the
// authority's key, and the centres concerned keep that in their inboxes. A register that
// begins anew believes it from whichever box brings it, however late.

// A WarrantGiven is the body of give-warrants: an order, in the authority's words, as the
// leader has signed them.
type WarrantGiven struct {
	Number protocol.Number    `cbor:"1,keyasint"`
	Held   uint64             `cbor:"2,keyasint"` // Of the order, as it stood then.
	List   []protocol.Warrant `cbor:"3,keyasint"`
}

// warrant keeps the words, and tells every centre that was told of the order here.
func (s erasures) warrant(c *Command) Result {
	b, f := body[WarrantGiven](c)
	if f != nil {
		return Result{Fault: f}
	}
	o := &Erasure{}
	if !s.get(erasureKey(b.Number), o) || o.ErasedAt == 0 || len(b.List) == 0 {
		return failed(fault.NotFound, b.Number.String(), "no order of this number was carried out, or no words on it")
	}
	if held, _ := o.Held(); len(o.Warrants) > 0 || held != b.Held {
		return failed(fault.Conflict, b.Number.String(), "it is signed already, or came to more meanwhile")
	}
	for i := range b.List {
		o.Warrants = append(o.Warrants, protocol.Marshal(&b.List[i]))
	}
	s.put(erasureKey(b.Number), o)
	for _, h := range o.Told {
		if h.Log == s.world.inbox(place.Centre(h.Log.Name)) { // Others are told when they return.
			s.tellWarrants(o, h.Log)
		}
	}
	return done(nil)
}

func (s erasures) tellWarrants(o *Erasure, inbox protocol.LogID) {
	for _, w := range o.Warrants {
		s.append(inbox, &protocol.Event{Kind: protocol.ErasureWarranted, Payload: w})
	}
}

// know keeps what a register before this one erased. Where one of its events has come to
// this one already, what began with it is erased now.
func (s erasures) know(e *Erasure) {
	old := &Erasure{}
	if s.get(erasureKey(e.Number), old) && old.ErasedAt != 0 {
		if old.includes(e) {
			return
		}
		old.Places, old.Inboxes = merged(old.Places, e.Places), merged(old.Inboxes, e.Inboxes)
		old.Documents, old.Warrants = merged(old.Documents, e.Documents), nil
		for _, h := range e.Told {
			if !old.hears(place.Centre(h.Log.Name)) {
				old.told(h)
			}
		}
		e = old
	} else {
		e.Former, e.Index, e.Late = true, 0, Late{} // Who was told has to be told here once more.
		waiting{s}.end(e.Number)
	}
	for _, p := range e.Places {
		s.set(erasedKey(p.Log, p.At), u64(uint64(e.Number)))
	}
	s.put(erasureKey(e.Number), e)
	s.eraseNow(e)
}

// sound reports whether an order is one that a register has carried out: its places can be
// somewhere, and its warrants can be told on.
func (e *Erasure) sound() bool {
	for _, list := range [][]Source{e.Places, e.Inboxes} {
		for i := range list {
			if list[i].Log.Check() != nil || list[i].At.Seq == 0 {
				return false
			}
		}
	}
	for _, h := range e.Told {
		if h.Log.Check() != nil {
			return false
		}
	}
	return !slices.ContainsFunc(e.Warrants, func(raw []byte) bool {
		return protocol.Unmarshal(raw, protocol.MaxEvent, "warrant", &protocol.Warrant{}) != nil
	})
}

// includes reports whether an order names all that another one does.
func (e *Erasure) includes(other *Erasure) bool {
	return len(merged(e.Places, other.Places)) == len(e.Places) && len(merged(e.Inboxes, other.Inboxes)) == len(e.Inboxes) &&
		len(merged(e.Documents, other.Documents)) == len(e.Documents)
}

// merged is a list, and what another one has beside.
func merged[T comparable](list, more []T) []T {
	list = slices.Clone(list)
	for _, x := range more {
		if !slices.Contains(list, x) {
			list = append(list, x)
		}
	}
	return list
}

// eraseNow erases the cases that began with an event which an order names: a box that had
// not heard of it came back before one that had.
func (s erasures) eraseNow(o *Erasure) {
	cases := s.begunBy(o.Places)
	if len(cases) == 0 {
		return
	}
	o.Late = Late{LateIndex: s.index, LateAt: s.meta.At}
	for _, k := range cases {
		n := *o
		n.Number = k.Number             // Two of one number may have changed it.
		s.put(erasureKey(k.Number), &n) // It is told of.
		s.end(k, o.Stage)
	}
	e := newEraser(s, cases)
	e.erase()
	for _, h := range e.told {
		o.told(h)
	}
	for i := range e.uplinks { // What came on the case here is named no less.
		o.Places = merged(o.Places, []Source{e.uplinks[i].at})
	}
	for i := range e.inboxes {
		o.Inboxes = merged(o.Inboxes, []Source{e.inboxes[i].at})
	}
	o.Documents = merged(o.Documents, e.goneDocuments())
	for _, k := range cases {
		n := *o
		n.Number = k.Number
		s.put(erasureKey(k.Number), &n)
	}
	s.put(erasureKey(o.Number), o)
	s.meta.Stats.Erased += uint64(len(cases))
	s.meta.Stats.Newest = s.index
}

// begunBy returns the cases that began with an event at one of some places.
func (s erasures) begunBy(places []Source) (list []*Case) {
	for i := range places {
		log := places[i].Log
		stored, ok := s.raw(eventKey(log, places[i].At.Seq))
		if !ok || len(stored) <= len(protocol.Hash{}) || protocol.Hash(stored[:len(protocol.Hash{})]) != places[i].At.Hash {
			continue
		}
		event, err := protocol.DecodeEvent(stored[len(protocol.Hash{}):])
		if err != nil {
			continue // Such as the hash alone.
		}
		if k := s.caseOf(&event, places[i]); k != nil && k.Erased == 0 && (k.Log == log && k.At == places[i].At) {
			list = append(list, k)
		}
	}
	return list
}

// end has a case stand where it stood when it was erased, at no desk: what its officers and
// the clocks would go on with is gone.
func (s erasures) end(k *Case, stage string) {
	before := *k
	for _, it := range withheld(s).unsettled(k.Number) {
		refunds{withheld(s)}.less(k, it)
		it.Outcome, it.By = "dismissed", ActorHub
		withheld(s).close(it)
	}
	to, err := application.ParseStage(stage)
	if err != nil || to.Open() || to == application.FeeDue {
		to = application.Withdrawn
	}
	k.State.Stage, k.State.Holder, k.State.Above, k.State.Owed, k.Waits = to, "", place.Seat{}, 0, nil
	s.count(&before, k, 0)
	grievances(s).track(&before, k)
	outsiders(s).queue(&before, k)
	s.wind(&before, k)
	s.relist(&before, k)
}

// Words is what is said of an order: the case, and where its events stood, in as many parts
// as it takes.
func (e *Erasure) Words() []protocol.Erasure {
	w := protocol.Erasure{Cases: []protocol.ErasedCase{{Number: e.Number, Stage: e.Stage, At: e.ErasedAt, By: e.Seat, Basis: e.Basis}}}
	return inWords(w, slices.Concat(e.Places, e.Inboxes), e.Documents)
}

// Warranted is the order of which the authority's word speaks.
func Warranted(w *protocol.Warrant) Erasure {
	one := &w.Erasure.Cases[0]
	e := Erasure{Number: one.Number, Basis: one.Basis, Seat: one.By, At: one.At, Stage: one.Stage, ErasedAt: one.At, Documents: w.Erasure.Documents}
	for i := range w.Erasure.Places {
		p := &w.Erasure.Places[i]
		for _, at := range p.At {
			if from := (Source{Log: p.Log, At: at}); p.Log.Channel == protocol.Uplink {
				e.Places = append(e.Places, from)
			} else {
				e.Inboxes = append(e.Inboxes, from)
			}
		}
	}
	for _, c := range w.Centres {
		e.Told = append(e.Told, protocol.Head{Log: protocol.LogID{Channel: protocol.Inbox, Name: c}})
	}
	return e
}

// Knows reports whether the register knows an order with all that another word on it says.
func (r Orders) Knows(e *Erasure) bool {
	old, err := r.Erasure(e.Number)
	return err == nil && old.ErasedAt != 0 && old.includes(e)
}

// Unwarranted returns orders that were carried out, and that the authority has not signed
// as they stand.
func (r Orders) Unwarranted() ([]*Erasure, error) {
	all, err := r.Erasures()
	return slices.DeleteFunc(all, func(e *Erasure) bool { return e.ErasedAt == 0 || len(e.Warrants) > 0 }), err
}
