package register

import (
	"slices"
	"strings"

	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/protocol"
)

// unions tell the officers of a union, at its box, what became of their acts there that the
// register did not take, has not taken yet, or has overturned (decision 0049). All of it is
// since format 4.
type unions struct{ courses }

// told is what they are told of an item; nil where it is about no act of theirs, or the act
// was erased by order.
func (s unions) told(it *Item) *protocol.AsideAct {
	if it.Kind != ItemUnion && it.Kind != ItemConfirm && it.Kind != ItemRevoked {
		return nil
	}
	a := s.act(&it.Event)
	if a != nil {
		a.Since, a.Owner = it.At, it.Owner.String()
		a.Words, a.Settled = clip(it.Words, protocol.MaxText), it.SettledAt
	}
	return a
}

// act is an act as its box sent it, nil where the event is none.
func (s unions) act(from *Source) *protocol.AsideAct {
	stored, ok := s.raw(eventKey(from.Log, from.At.Seq))
	if !ok || len(stored) < len(protocol.Hash{}) {
		return nil
	}
	if _, gone := protocol.ErasedHash(stored[len(protocol.Hash{}):]); gone {
		return nil
	}
	e, ok := withheld(s).eventAt(from)
	if !ok || e.Kind != protocol.ActedAtUnion {
		return nil
	}
	a := &protocol.AsideAct{Actor: e.Actor, Post: e.Post, At: e.At}
	var said protocol.UnionAct
	if e.Decode(&said) == nil {
		a.Action = clip(said.Action, protocol.MaxName)
		if k := said.Certificate; k != nil {
			a.Certificate = clip(k.Number, protocol.MaxName)
		}
	}
	return a
}

// part leaves a case to the hub's desks of which an act at its union did not count: at the
// box it stands otherwise from there on. A note moves nothing. A certificate that was printed
// with such an act is known as refused.
func (s unions) part(f *follower) {
	var a protocol.UnionAct
	if f.e.Kind != protocol.ActedAtUnion || f.e.Decode(&a) == nil && a.Action == application.Note.String() {
		return
	}
	f.c.Parted = true
	if k := a.Certificate; k != nil && k.Check() == nil && f.c.Certificate == nil {
		f.c.Certificate = &Certificate{Certificate: *k, State: protocol.CertificateRefused}
		if at := certificateKey(k.Number); !s.has(at) {
			s.set(at, u64(uint64(f.c.Number)))
		}
		s.tell(f.c)
	}
	s.put(caseKey(f.c.Number), f.c)
}

// overturn tells a union which decisions of its officers count no more, since what they
// rested on was put right: of each desk the newest, or where another way follows from the
// answers, the newest of all.
func (s unions) overturn(c *Case, names []string) {
	var fallen []*Turn
	var newest *Turn
	seen := map[place.Seat]bool{}
	for i := range slices.Backward(c.History) {
		t := &c.History[i]
		if t.Action != application.Decide || seen[t.Seat] {
			continue
		}
		seen[t.Seat] = true
		if newest == nil {
			newest = t
		}
		if slices.ContainsFunc(t.Cites, func(name string) bool { return slices.Contains(names, name) }) {
			fallen = append(fallen, t)
		}
	}
	if fallen == nil && newest != nil {
		fallen = append(fallen, newest)
	}
	for _, t := range fallen {
		if t.Event == nil {
			continue // Decided at the hub's own desk.
		}
		a := s.act(t.Event)
		if a == nil {
			continue
		}
		c.Parted = true
		a.Since, a.Owner = s.meta.At, c.State.Seat.String()
		s.append(s.world.inbox(c.Centre), &protocol.Event{Kind: protocol.SetAside, Number: c.Number, Payload: protocol.Marshal(&protocol.Aside{
			Number: c.Number, Log: t.Event.Log, At: t.Event.At, Kind: protocol.AsideOverturned, Text: "put right: " + strings.Join(names, ", "), Act: a,
		})})
	}
}

// begunAt is the slot of the box at which a union has worked on a case last, empty for none.
func begunAt(history []Turn) string {
	for _, t := range slices.Backward(history) {
		if t.Event != nil && begins(t.Action) {
			_, slot, _ := strings.Cut(t.Event.Log.Name, "-")
			return slot
		}
	}
	return ""
}
