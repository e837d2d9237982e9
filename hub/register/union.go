package register

import (
	"slices"
	"strconv"
	"time"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// What the officers of a union do at their box comes as events of its uplink. The register
// judges each again: who acted, in which post, whether the procedure allowed it, and whether
// the lease held. What binds the citizen and was decided under no valid lease waits for an
// officer above the union to confirm it (DOMAIN §7 row 37).

// A Certificate is what was issued on a case, as the district knows it.
type Certificate struct {
	protocol.Certificate
	State string `cbor:"5,keyasint"` // One of the protocol's.

	By     string `cbor:"71,keyasint,omitempty"` // Renewed: the number of the one that has its place.
	Ended  int64  `cbor:"72,keyasint,omitempty"` // Renewed, revoked: since when, Unix seconds.
	Reason string `cbor:"73,keyasint,omitempty"` // Revoked: the code of the reason.
}

// A Waiting is a decision of a union that waits to be confirmed, and what its box sent on
// the case since.
type Waiting struct {
	Item   string   `cbor:"1,keyasint"` // Its ID.
	Parked []Parked `cbor:"2,keyasint,omitempty"`
}

// A Parked is an event that waits with a decision.
type Parked struct {
	_     struct{} `cbor:",toarray"`
	From  Source
	Legal int64 // Unix milliseconds.
}

// maxParked bounds what waits with a decision. What comes later is an item of its own.
const maxParked = 32

// Why an act of a union's officer stands aside or waits.
const (
	whyNotHis    = "the officer had no such post at that time, or the case did not lie at his desk"
	whyAtHub     = "the case is worked at the hub's desks"
	whyNoLease   = "it was decided under no lease of this box"
	whyLeaseOver = "it was decided after the end of the lease"
	whyClock     = "it can't be believed when it was decided"
	whyNumber    = "the number of the certificate is used, or none of the lease's"
	whyExpiry    = "the certificate is dated otherwise than the service allows"
	whyUpset     = "the decision before it was not confirmed"
	whyMany      = "too much waits with a decision before it that is to be confirmed"
	whyErased    = "the case was erased by order before it came"
)

// workedAtHub reports whether an officer has begun work on a case at the hub's desks: it
// stays there.
func (c *Case) workedAtHub() bool {
	return slices.ContainsFunc(c.History, func(t Turn) bool {
		return (begins(t.Action) || t.Action == application.Appeal) && t.Actor != "" && t.Event == nil
	})
}

// begins reports whether an act at the hub's desks makes a case theirs: the union's desks
// and the hub's never both work on it. What was issued may be taken back at either.
func begins(a application.Action) bool {
	return application.AtUnion(a) && a != application.Revoke || a == application.Link
}

// leased says why an officer at the hub can't act on a case: its union has the desks, or a
// decision of the union's waits to be confirmed.
func (s desks) leased(k *Case, action application.Action) *protocol.Failure {
	if s.format < 4 {
		return nil
	}
	if k.Waits != nil && application.Binds(action) {
		return refuse(fault.Conflict, k.Number.String(), "a decision of the union waits to be confirmed: settle the item "+k.Waits.Item)
	}
	if !begins(action) {
		return nil
	}
	if t := leases(s).out(k); t != nil {
		until := time.Unix(t.Lease.Until, 0).In(s.zone).Format("2006-01-02 15:04")
		return refuse(fault.Conflict, k.Number.String(), "it is decided at the union, at the centre "+string(t.Centre)+", under a lease until "+until)
	}
	return nil
}

// act applies what an officer of the union did, has it wait, or makes an item of it.
func (f *follower) act() {
	var a protocol.UnionAct
	if f.e.Decode(&a) != nil {
		f.aside(whyUnreadable, 0)
		return
	}
	action, err := application.ParseAct(a.Action)
	if err != nil || !application.AtUnion(action) || action == application.Issue && (a.Certificate == nil || a.Certificate.Check() != nil) {
		f.aside(whyUnreadable, 0)
		return
	}
	late := f.late(&a)
	switch {
	case late == whyNoLease:
		f.aside(late, 0)
	case f.c.workedAtHub():
		f.aside(whyAtHub, 0)
	case f.c.Erased != 0: // It would wait for a word on what nobody can read.
		f.aside(whyErased, 0)
	case f.parks():
	case f.c.Waits != nil && !f.confirmed: // In the place of what waits it would be all that does.
		f.aside(whyMany, 0)
	case application.Binds(action) && late != "" && !f.confirmed:
		f.wait(late, a.Certificate)
	default:
		f.carry(action, &a)
	}
}

// late says why an act is not covered by a lease, "" where it is.
func (f *follower) late(a *protocol.UnionAct) string {
	t, _ := leases{f.step}.of(f.c.Centre, f.c.Service)
	if t == nil {
		return whyNoLease
	}
	l, ok := t.under(a.Token)
	switch {
	case !ok || l.Slot != f.owner.Slot || f.legal/1000 < l.From:
		return whyNoLease
	case !l.Holds(f.owner.Slot, a.Token, f.legal/1000):
		return whyLeaseOver
	case f.doubt:
		return whyClock
	}
	return ""
}

// officer returns who acted, if he could at that time.
func (f *follower) officer(action application.Action) (access.Principal, bool) {
	u := &User{}
	if !f.get(f.userKey(f.e.Actor), u) || u.Role != access.Officer || !u.activeThen(f.legal/1000) {
		return access.Principal{}, false
	}
	d, by := desks{f.step}, f.world.principalOf(u)
	may := access.May(by, access.WorkCase, d.reach(f.c, by.Seat, f.c.State.Version, action))
	return by, may == nil && d.postMay(by.Seat, action) == nil
}

// carry applies an act as if the officer had done it at the hub's desk.
func (f *follower) carry(action application.Action, a *protocol.UnionAct) {
	d := desks{f.step}
	if !(askings{f.courses}).expire(f.c, f.legal/1000) {
		return
	}
	by, may := f.officer(action)
	if !may {
		f.aside(whyNotHis, 0)
		return
	}
	b := &Act{
		Opinion: application.Opinion(a.Opinion), Text: a.Text, Reason: a.Reason, To: a.To, Check: a.Check, Items: a.Items, Document: a.Document,
		Cites: a.Cites,
	}
	e, fail := d.event(f.c, by, action, b)
	if fail == nil {
		fail = citing(action, b.Cites)
	}
	if fail == nil {
		fail = d.reasonKnown(action, b.Reason)
	}
	if action == application.Revoke || action == application.RequestInfo && !f.doubt {
		e.At = f.legal / 1000
	}
	if w, missing := f.way(f.c); action == application.RequestInfo && missing == nil {
		w.Ask(&e, time.Unix(e.At, 0).In(f.zone))
	}
	var renewed *Case
	if fail == nil && action == application.Issue {
		renewed, fail = f.numbered(a)
	}
	if fail == nil && f.c.full(action) {
		fail = refuse(fault.Invalid, f.c.Number.String(), "the case file is full")
	}
	if fail != nil {
		f.aside(clip(fail.Text, 200), 0)
		return
	}
	before := f.c.State
	e.Expect = before.Version
	if err := f.change(f.c, e); err != nil {
		f.aside(failureOf(err).Text, 0)
		return
	}
	f.meta.Stats.Acts++
	f.c.History[len(f.c.History)-1].Event = &f.from
	if action == application.Issue {
		f.c.replaced()
		f.c.Certificate = &Certificate{Certificate: *a.Certificate, State: protocol.CertificateConfirmed}
		f.set(certificateKey(a.Certificate.Number), u64(uint64(f.c.Number)))
		f.takePlace(renewed, a.Certificate)
	}
	if fail := d.after(f.c, before, &e, b); fail == nil {
		f.tell(f.c)
	}
	if action == application.Check && a.Document != nil { // Its box may let go of what the servers hold already.
		f.held = append(f.held, papers{f.step}.name(f.c, []protocol.Document{*a.Document})...)
	}
}

// askedAtUnion reports whether a union has asked its applicant for what a case waits for.
func askedAtUnion(history []Turn) bool {
	for _, t := range slices.Backward(history) {
		if t.Action == application.RequestInfo {
			return t.Event != nil
		}
	}
	return false
}

// numbered says what is wrong with a certificate's number and dates, and returns the case of
// the one that it renews. A number is used once: the second that brings it stands aside
// (row 20).
func (f *follower) numbered(a *protocol.UnionAct) (*Case, *protocol.Failure) {
	c := a.Certificate
	t, _ := leases{f.step}.of(f.c.Centre, f.c.Service)
	v, known := f.world.version(f.c.Pinned)
	if t == nil || !known || !v.DecidedAtNode() {
		return nil, refuse(fault.Conflict, f.c.Number.String(), whyNoLease)
	}
	l, ok := t.under(a.Token)
	if !ok || l.Slot != f.owner.Slot || !l.Has(c.Serial) || c.Number != protocol.CertificateNumber(l.Prefix, c.Serial) || f.counts(c.Number) {
		return nil, refuse(fault.Conflict, clip(c.Number, 64), whyNumber)
	}
	return f.follows(c, v.Procedure.Certificate)
}

// counts reports whether a certificate of this number counts already. One that waits, or
// was refused, is none of another's: whoever has no right to a number can't use it up.
func (f *follower) counts(number string) bool {
	raw, ok := f.raw(certificateKey(number))
	if !ok || len(raw) != 8 {
		return false
	}
	n := numberOf(raw)
	c := &Case{}
	if n == f.c.Number {
		c = f.c
	} else if !f.get(caseKey(n), c) {
		return false
	}
	k := c.certified(number)
	return k != nil && k.State != protocol.CertificateWaits && k.State != protocol.CertificateRefused
}

func certificateKey(number string) []byte { return key(tagCertificate, []byte(number)) }

// parks keeps an event until the decision before it is confirmed or refused, and reports
// whether it does.
func (f *follower) parks() bool {
	if f.c.Waits == nil || f.confirmed || len(f.c.Waits.Parked) >= maxParked {
		return false
	}
	w := *f.c.Waits
	w.Parked = append(slices.Clip(w.Parked), Parked{From: f.from, Legal: f.legal})
	f.c.Waits = &w
	var a protocol.UnionAct
	if f.e.Kind == protocol.ActedAtUnion && f.e.Decode(&a) == nil && a.Certificate != nil {
		f.provisional(a.Certificate)
	}
	f.put(caseKey(f.c.Number), f.c)
	return true
}

// provisional notes a certificate that is printed, and not confirmed.
func (f *follower) provisional(c *protocol.Certificate) {
	if f.c.Certificate == nil {
		f.c.Certificate = &Certificate{Certificate: *c, State: protocol.CertificateWaits}
		if k := certificateKey(c.Number); !f.has(k) {
			f.set(k, u64(uint64(f.c.Number))) // So that anybody can ask what it is worth.
		}
		f.tell(f.c)
	}
}

// wait has a decision wait for an officer above the union.
func (f *follower) wait(why string, c *protocol.Certificate) {
	id := f.open(f.c, Item{Kind: ItemConfirm, Text: why, Event: f.from, Centre: f.owner.Centre, Owner: f.above(f.c)})
	f.c.Waits = &Waiting{Item: id, Parked: []Parked{{From: f.from, Legal: f.legal}}}
	if c != nil && c.Check() == nil {
		f.provisional(c)
	}
	f.put(caseKey(f.c.Number), f.c)
}

// above is the desk over the union's office; the case's own where there is none.
func (s courses) above(c *Case) place.Seat {
	if w, f := s.way(c); f == nil {
		return w.Overseer(c.State)
	}
	return c.State.Seat
}

// confirm does what an officer's word on a waiting decision brings. Where the case has gone
// another way meanwhile, a confirmation is refused and nothing changes.
func (s courses) confirm(it *Item, outcome string) *protocol.Failure {
	c := &Case{}
	if !s.get(caseKey(it.Number), c) || c.Waits == nil || c.Waits.Item != it.ID {
		return refuse(fault.Conflict, it.ID, "nothing waits for it any more")
	}
	parked := make([]*follower, len(c.Waits.Parked)) // The first is the decision.
	for i := range parked {
		var ok bool
		if parked[i], ok = s.again(c, c.Waits.Parked[i]); !ok {
			return refuse(fault.Conflict, it.ID, "what waits can't be read any more: kendro audit verify says what is damaged")
		}
	}
	first := parked[0]
	held := c.Waits
	c.Waits = nil
	if outcome == outcomeConfirmed {
		first.try = true
		if first.act(); first.why != "" {
			c.Waits = held
			return refuse(fault.Conflict, it.ID, "the case has gone another way meanwhile: "+first.why)
		}
	}
	for _, f := range parked[1:] {
		if outcome == outcomeConfirmed {
			f.apply()
		} else {
			f.aside(whyUpset, f.sum())
		}
	}
	if k := c.Certificate; k != nil && k.State == protocol.CertificateWaits {
		k.State = protocol.CertificateRefused // Its number, or its date, was none after all.
	}
	c.Parted = c.Parted || outcome != outcomeConfirmed
	s.put(caseKey(c.Number), c)
	s.tell(c)
	papers(s).tellHeld(c.Centre, s.held)
	s.held = nil
	return nil
}

// again is a parked event, as an officer has confirmed it.
func (s courses) again(c *Case, p Parked) (*follower, bool) {
	w := withheld{s}
	owner := w.world.ownerOf(p.From.Log)
	e, ok := w.eventAt(&p.From)
	if !ok || owner == nil {
		return nil, false
	}
	return &follower{courses: s, judged: &Verdict{}, e: &e, owner: owner, from: p.From, c: c, legal: p.Legal, confirmed: true}, true
}

// sum is what a payment came to, 0 for all else.
func (f *follower) sum() int64 {
	var p protocol.Payment
	if f.e.Kind != protocol.PaymentTaken || f.e.Decode(&p) != nil {
		return 0
	}
	return p.Total()
}

// numberHere numbers what the hub's own desk has issued.
func (s desks) numberHere(k *Case) {
	w, f := courses(s).way(k)
	if f != nil || s.format < 4 || w.Version.Procedure == nil || w.Version.Procedure.Certificate == nil {
		return
	}
	serial, number := leases(s).number(k, w.Version)
	if serial == 0 {
		return
	}
	now, end := courses(s).now(), int64(0)
	issued := protocol.Certificate{Serial: serial, Number: number, Issued: now.Unix()}
	before, _ := courses(s).predecessor(k)
	if before != nil {
		end, issued.Renews = before.Certificate.Expires, before.Certificate.Number
	}
	issued.Expires = application.CertificateTerm(w.Version.Procedure.Certificate, now, end)
	k.replaced()
	k.Certificate = &Certificate{State: protocol.CertificateConfirmed, Certificate: issued}
	s.set(certificateKey(number), u64(uint64(k.Number)))
	courses(s).takePlace(before, &issued)
}

// activeThen reports whether the user could act at a time, in Unix seconds, whatever has
// become of the login since.
func (u *User) activeThen(unix int64) bool {
	then := *u
	then.Disabled = u.Disabled && (u.DisabledAt == 0 || unix >= u.DisabledAt)
	return then.ActiveAt(unix)
}

// CertificateCase returns the case on which a certificate of this number was issued, or
// [fault.NotFound].
func (r Cases) CertificateCase(number string) (*Case, error) {
	var n protocol.Number
	err := r.base.View(func(v View) error {
		raw, err := v.Get(certificateKey(number))
		if err != nil {
			return err
		}
		if len(raw) != 8 {
			return fault.New("register.Certificate", fault.Damaged, strconv.Quote(clip(number, 64)), "its case is not a number")
		}
		n = numberOf(raw)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.Case(n)
}
