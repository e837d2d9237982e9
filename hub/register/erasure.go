package register

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// What is known of a citizen is erased by an order: one officer whose post may gives it,
// another confirms it, and with that entry the values are gone. What stays is that there
// was a case, its dates, desks and money, the hashes of its events, and the order. All of
// it is since format 4.

// An Erasure is the order to erase a case, and what came of it.
type Erasure struct {
	Number protocol.Number `cbor:"1,keyasint"`
	Basis  string          `cbor:"2,keyasint"` // The law.
	Reason string          `cbor:"3,keyasint"`

	By     string     `cbor:"4,keyasint"`
	Seat   place.Seat `cbor:"5,keyasint"`
	At     int64      `cbor:"6,keyasint"` // Unix milliseconds.
	Stage  string     `cbor:"7,keyasint"` // Where the case had come to.
	Area   place.Code `cbor:"8,keyasint"`
	Former bool       `cbor:"9,keyasint,omitempty"` // A register before this one carried it out: mostly there is no case here.

	Confirmed string     `cbor:"10,keyasint,omitempty"` // Who confirmed it; empty: it waits.
	Second    place.Seat `cbor:"11,keyasint,omitzero"`
	ErasedAt  int64      `cbor:"12,keyasint,omitempty"` // Unix milliseconds; 0 is not.
	Index     uint64     `cbor:"13,keyasint,omitempty"` // Of the entry that did it.

	Told      []protocol.Head   `cbor:"14,keyasint,omitempty"` // The inboxes that say so, and where.
	Places    []Source          `cbor:"15,keyasint,omitempty"` // Of the events in uplinks.
	Documents []protocol.Hash   `cbor:"16,keyasint,omitempty"` // That went with it.
	With      []protocol.Number `cbor:"17,keyasint,omitempty"` // The cases of the same order.
	Inboxes   []Source          `cbor:"18,keyasint,omitempty"` // Of what inboxes said of it.

	Warrants [][]byte `cbor:"21,keyasint,omitempty"` // The authority's words on it, as boxes keep them.

	Late
}

// Late is what came of an erased case afterwards, from boxes that had been away.
type Late struct {
	LateIndex uint64 `cbor:"19,keyasint,omitempty"` // The newest entry that held some of it; 0 for none.
	LateAt    int64  `cbor:"20,keyasint,omitempty"` // Unix milliseconds.
}

// Held is the newest entry of Raft's log that held something of the case, and when that
// came, in Unix milliseconds.
func (e *Erasure) Held() (index uint64, at int64) {
	if e.LateIndex > e.Index {
		return e.LateIndex, e.LateAt
	}
	return e.Index, e.ErasedAt
}

// hears reports whether a centre was told of it.
func (e *Erasure) hears(c place.Centre) bool {
	return slices.ContainsFunc(e.Told, func(h protocol.Head) bool { return place.Centre(h.Log.Name) == c })
}

// told notes where a centre's inbox says it last.
func (e *Erasure) told(h protocol.Head) {
	e.Told = append(slices.DeleteFunc(slices.Clone(e.Told), func(old protocol.Head) bool { return old.Log.Name == h.Log.Name }), h)
	slices.SortFunc(e.Told, func(a, b protocol.Head) int { return strings.Compare(a.Log.Name, b.Log.Name) })
}

// An ErasureOrder is the body of order-erasure.
type ErasureOrder struct {
	Numbers []protocol.Number `cbor:"1,keyasint"` // One case, or those of one person.
	Basis   string            `cbor:"2,keyasint"`
	Reason  string            `cbor:"3,keyasint"`
}

// An ErasureWord is the body of confirm-erasure and drop-erasure: about the order in
// which Number stands.
type ErasureWord struct {
	Number protocol.Number `cbor:"1,keyasint"`

	Sought *Sought `cbor:"126,keyasint,omitempty"` // Confirm-erasure: what the leader found; nil: all is read in the entry.
}

// confirming is what stays the same when a confirmation is repeated: the leader may find
// something else then.
func (c *Command) confirming() []byte {
	var b ErasureWord
	if protocol.Unmarshal(c.Body, MaxEntry, "body", &b) != nil {
		return c.Body
	}
	b.Sought = nil
	return protocol.Marshal(&b)
}

// appealGrace is for how many days after its term an appeal, or a payment, may still come
// from a box that had no link.
const appealGrace = 30

// erasures orders cases to be erased, and has it done.
type erasures struct{ courses }

// erasing is how a command about an order is carried out.
func erasing(m Method) (func(erasures, *Command, access.Principal) Result, bool) {
	switch m { //nolint:exhaustive // The others are about no order.
	case OrderErasure:
		return erasures.order, true
	case ConfirmErasure:
		return erasures.confirm, true
	case DropErasure:
		return erasures.drop, true
	}
	return nil, false
}

func erasureKey(n protocol.Number) []byte { return key(tagErasure, u64(uint64(n))) }

// order keeps an order, if nothing is in its way.
func (s erasures) order(c *Command, by access.Principal) Result {
	b, f := body[ErasureOrder](c)
	if f != nil {
		return Result{Fault: f}
	}
	slices.Sort(b.Numbers)
	b.Numbers = slices.Compact(b.Numbers)
	fits := func(text string) bool { return strings.TrimSpace(text) != "" && len(text) <= protocol.MaxName*2 }
	switch {
	case len(b.Numbers) == 0 || len(b.Numbers) > protocol.MaxErasedCases:
		return failed(fault.Invalid, "numbers", "name 1 to 16 cases")
	case !fits(b.Basis) || !fits(b.Reason):
		return failed(fault.Invalid, "basis", "write the law and the reason, 1 to 256 bytes each: they stay, so write no names")
	}
	for _, n := range b.Numbers {
		k, f := s.reached(n, by)
		if f != nil {
			return Result{Fault: f}
		}
		old := &Erasure{}
		if s.get(erasureKey(n), old) {
			return failed(fault.Conflict, n.String(), "it is ordered already: confirm or withdraw that order")
		}
		if f := s.obstacle(k, b.Numbers); f != nil {
			return Result{Fault: f}
		}
	}
	for _, n := range b.Numbers {
		k := &Case{}
		s.get(caseKey(n), k)
		s.put(erasureKey(n), &Erasure{
			Number: n, Basis: b.Basis, Reason: b.Reason, By: by.User, Seat: by.Seat, At: s.meta.At, With: b.Numbers,
			Stage: k.State.Stage.String(), Area: k.Area,
		})
		waiting{s}.begin(n)
	}
	return done(nil)
}

// reached returns a case that an officer may have erased.
func (s erasures) reached(n protocol.Number, by access.Principal) (*Case, *protocol.Failure) {
	k := &Case{}
	if !s.get(caseKey(n), k) {
		return nil, refuse(fault.NotFound, n.String(), "no case has this number")
	}
	r := k.resource(s.world, place.Seat{}, k.State.Version)
	return k, failureOf(access.May(by, access.EraseCase, r))
}

// right says why somebody can order nothing of the kind, whatever the case.
func (s erasures) right(by access.Principal) *protocol.Failure {
	if access.ScopeOf(by.Role, access.EraseCase) == access.Never {
		return refuse(fault.Denied, string(access.EraseCase), "not yours to do: sign in as an officer")
	}
	if s.world.set != nil {
		if p, ok := s.world.set.Directory.Post(by.Seat.Post); ok && p.May(place.ActErase) {
			return nil
		}
	}
	return refuse(fault.Denied, by.Seat.String(), "the post may not do this: "+place.ActErase)
}

// obstacle says for what reason the law keeps a case, nil where it doesn't. The cases
// that go with it are named.
func (s erasures) obstacle(k *Case, with []protocol.Number) *protocol.Failure {
	no := func(text string) *protocol.Failure { return refuse(fault.Conflict, k.Number.String(), text) }
	day := func(unix int64) string { return time.Unix(unix, 0).In(s.zone).Format(time.DateOnly) }
	st := &k.State
	ended := st.Stage == application.Rejected // A case that was held may have been refused under a version that nobody knows.
	if _, known := s.world.version(k.Pinned); known {
		w, f := s.way(k)
		ended = f == nil && w.Over(*st) && st.Stage != application.FeeLapsed
	}
	switch {
	case k.Erased != 0:
		return no("it is erased already")
	case st.Owed > 0:
		return no("a demand is unpaid")
	case !ended:
		return no("the case is not at its end: it is " + st.Stage.String())
	case k.Waits != nil || len(withheld(s).unsettled(k.Number)) > 0:
		return no("an item of it is open: settle that first")
	case st.AppealBy != 0 && application.Term(time.Unix(st.AppealBy, 0).In(s.zone), appealGrace) >= s.now().Unix():
		return no("an appeal may still come: wait until 30 days after " + day(st.AppealBy))
	}
	if v, ok := s.world.version(k.Pinned); ok && v.KeepDays > 0 {
		if until := application.Term(time.UnixMilli(k.Since).In(s.zone), v.KeepDays); until >= s.now().Unix() {
			return no("its service is kept until " + day(until))
		}
	}
	for _, n := range k.Twins {
		twin := &Case{}
		if !slices.Contains(with, n) && s.get(caseKey(n), twin) && twin.Erased == 0 {
			return no(n.String() + " is this case once more: order both together")
		}
	}
	return nil
}

// standing returns the order in which a case stands, and its cases, for whoever may act
// on it.
func (s erasures) standing(c *Command, by access.Principal) (*Erasure, []*Case, *protocol.Failure) {
	b, f := body[ErasureWord](c)
	if f != nil {
		return nil, nil, f
	}
	o := &Erasure{}
	switch {
	case !s.get(erasureKey(b.Number), o):
		return nil, nil, refuse(fault.NotFound, b.Number.String(), "nobody has ordered that it be erased")
	case o.ErasedAt != 0:
		return nil, nil, refuse(fault.Conflict, b.Number.String(), "it is erased already")
	}
	var list []*Case
	for _, n := range o.With {
		k, f := s.reached(n, by)
		if f != nil {
			return nil, nil, f
		}
		list = append(list, k)
	}
	return o, list, nil
}

// confirm has a second person confirm an order. It is done in the same entry.
func (s erasures) confirm(c *Command, by access.Principal) Result {
	list, f := s.confirmed(c, by)
	if f != nil {
		return Result{Fault: f}
	}
	var with []protocol.Number
	for _, k := range list {
		with = append(with, k.Number)
	}
	for _, k := range list {
		if f := s.obstacle(k, with); f != nil {
			return Result{Fault: f}
		}
	}
	e := newEraser(s, list)
	if b, _ := body[ErasureWord](c); !slices.ContainsFunc(list, func(k *Case) bool { return !s.has(waitingKey(k.Number)) }) {
		e.sought = b.Sought
	}
	if !e.erase() {
		return failed(fault.Unavailable, list[0].Number.String(), "something came to it while the hub looked for what tells of it: confirm it again")
	}
	for _, k := range list {
		n := &Erasure{}
		if !s.get(erasureKey(k.Number), n) {
			continue
		}
		n.Confirmed, n.Second, n.ErasedAt, n.Index = by.User, by.Seat, s.meta.At, s.index
		n.Told, n.Places, n.Documents, n.Stage = e.told, placesOf(e.uplinks, k.Number), e.papersOf(k), k.State.Stage.String()
		n.Inboxes = placesOf(e.inboxes, k.Number)
		s.put(erasureKey(k.Number), n)
		waiting{s}.end(k.Number)
		s.meta.Stats.Erased++
		s.meta.Stats.Newest = s.index
	}
	return done(nil)
}

// confirmed returns the cases of the order that a command confirms, for whoever may.
func (s erasures) confirmed(c *Command, by access.Principal) ([]*Case, *protocol.Failure) {
	o, list, f := s.standing(c, by)
	if f == nil && s.personOf(o.By) == s.personOf(by.User) {
		f = refuse(fault.Denied, c.Actor, "whoever ordered it can't confirm it: a second person has to")
	}
	return list, f
}

func (s erasures) personOf(login string) string {
	u := &User{}
	if !s.get(s.userKey(login), u) {
		return login
	}
	return u.person()
}

// drop withdraws an order that was not carried out.
func (s erasures) drop(c *Command, by access.Principal) Result {
	o, _, f := s.standing(c, by)
	if f != nil {
		return Result{Fault: f}
	}
	for _, n := range o.With {
		if x := (&Erasure{}); s.get(erasureKey(n), x) && x.ErasedAt == 0 { // A box may have brought word of one meanwhile.
			s.del(erasureKey(n))
			waiting{s}.end(n)
		}
	}
	return done(nil)
}

// word is what boxes are told of an order.
func (s erasures) word(k *Case) protocol.ErasedCase {
	o := Erasure{}
	s.get(erasureKey(k.Number), &o)
	at := cmp.Or(o.ErasedAt, s.meta.At) // A register before this one may have done it.
	return protocol.ErasedCase{Number: k.Number, Stage: k.State.Stage.String(), At: at, By: o.Seat, Basis: o.Basis}
}

// knowErasures keeps what a register before this one erased, as the recovery share has it
// or a box brings it under the authority's hand: whoever brings it again brings what is
// here already.
func (s erasures) knowErasures(c *Command) Result {
	b, f := body[ErasuresKnown](c)
	if f != nil {
		return Result{Fault: f}
	}
	if s.world.founding.Anew == nil || len(b.List) > MaxErasuresKnown {
		return failed(fault.Conflict, "erasures", "this register did not begin anew, or there are too many in one command")
	}
	if i := slices.IndexFunc(b.List, func(e Erasure) bool { return e.ErasedAt != 0 && !e.sound() }); i >= 0 {
		return failed(fault.Invalid, b.List[i].Number.String(), "no register carried such an order out: its places or its words are none")
	}
	for i := range b.List {
		if e := b.List[i]; e.ErasedAt != 0 {
			s.know(&e)
		}
	}
	return done(nil)
}

// ErasuresKnown is the body of know-erasures.
type ErasuresKnown struct {
	List []Erasure `cbor:"1,keyasint"`
}

// MaxErasuresKnown bounds one command.
const MaxErasuresKnown = 64

// Orders answers questions about erasures. Any goroutine may ask.
type Orders struct{ *state }

// Erasure returns the order to erase a case, or [fault.NotFound].
func (r Orders) Erasure(n protocol.Number) (*Erasure, error) {
	return find[Erasure](r.state, "Erasure", erasureKey(n), n.String())
}

// Erasures returns every order, by number, done or not.
func (r Orders) Erasures() ([]*Erasure, error) {
	return list[Erasure](r.state, key(tagErasure))
}
