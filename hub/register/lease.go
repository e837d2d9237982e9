package register

import (
	"slices"

	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A union may decide at its centre's box, offline, under a lease: an operator allows it
// for a centre and a service, the box asks, and from then on it asks for more time well
// before the end. One box at a time holds the lease of an office; its token grows with
// every holder. All of it is since format 4.

// A Tenancy is what the register knows of the lease of one office for one service, and of
// the numbers of its certificates.
type Tenancy struct {
	Lease   protocol.Lease `cbor:"1,keyasint"`           // The newest.
	Centre  place.Centre   `cbor:"2,keyasint,omitempty"` // Whose box may have it; empty: nobody's was ever allowed to.
	Allowed bool           `cbor:"3,keyasint,omitempty"`
	Given   uint64         `cbor:"4,keyasint,omitempty"` // The highest number that was given out.
	Past    []Tenure       `cbor:"5,keyasint,omitempty"` // Of the leases before, the newest last.
}

// A Tenure is a lease that has ended: what was decided under it may still come.
type Tenure struct {
	_       struct{} `cbor:",toarray"`
	Slot    string
	Token   uint64
	From    int64
	Until   int64
	Numbers []protocol.Serial
}

// maxPast bounds the leases that are remembered.
const maxPast = 16

// under returns the lease with this token, as it is or was.
func (t *Tenancy) under(token uint64) (protocol.Lease, bool) {
	if token == 0 {
		return protocol.Lease{}, false
	}
	if t.Lease.Token == token {
		return t.Lease, true
	}
	for _, p := range t.Past {
		if p.Token == token {
			return protocol.Lease{Slot: p.Slot, Token: p.Token, From: p.From, Until: p.Until, Numbers: p.Numbers, Prefix: t.Lease.Prefix}, true
		}
	}
	return protocol.Lease{}, false
}

// A LeaseOrder is the body of allow-lease and of end-lease.
type LeaseOrder struct {
	Centre  place.Centre `cbor:"1,keyasint"`
	Service string       `cbor:"2,keyasint"`
}

// leases gives and takes leases.
type leases struct{ *step }

func tenancyKey(office, service string) []byte {
	return key(tagLease, []byte(office), []byte{0}, []byte(service))
}

// of returns the tenancy of a centre's own office for a service, and the version in force;
// nil where the centre has no office of its own, or the service has no desks at boxes.
func (s leases) of(centre place.Centre, service string) (*Tenancy, *dcat.Version) {
	o, v := s.world.union(centre, service)
	if v == nil {
		return nil, nil
	}
	return s.at(o, v), v
}

// union returns a centre's own office and the version in force of a service that it may
// decide; nil where there is none.
func (w *world) union(centre place.Centre, service string) (place.Office, *dcat.Version) {
	if w.set == nil {
		return place.Office{}, nil
	}
	v, ok := w.set.Current(service)
	area := w.area(centre)
	o, found := w.set.Directory.OfficeFor(area, dcat.LocalLevel)
	if !ok || !v.DecidedAtNode() || !found || o.Area != area {
		return o, nil
	}
	return o, v
}

// at returns the tenancy of an office, a new one where there was none.
func (s leases) at(o place.Office, v *dcat.Version) *Tenancy {
	t := &Tenancy{}
	s.get(tenancyKey(o.Code, v.ID), t)
	t.Lease.Service, t.Lease.Office = v.ID, o.Code
	t.Lease.Prefix = v.Procedure.Certificate.Code + "-" + string(o.Area) + "-"
	return t
}

func (s leases) save(t *Tenancy) { s.put(tenancyKey(t.Lease.Office, t.Lease.Service), t) }

// allow lets the box of a centre ask for a lease.
func (s leases) allow(c *Command) Result {
	b, f := body[LeaseOrder](c)
	if f != nil {
		return Result{Fault: f}
	}
	t, _ := s.of(b.Centre, b.Service)
	if _, known := s.world.centres[b.Centre]; !known || t == nil {
		return failed(fault.Invalid, clip(b.Service, 64), "want a centre that has a box and the office of its own union or municipality, and a service with decide_at: node")
	}
	if t.Allowed && t.Centre != b.Centre {
		return failed(fault.Conflict, string(t.Centre), "another centre of this office may decide it: end its lease first")
	}
	if !t.Allowed || t.Lease.Ended {
		t.Allowed, t.Centre, t.Lease.Ended = true, b.Centre, false
		s.save(t)
		s.tell(t)
		s.officers(t, false)
	}
	return done(t)
}

// end takes the permission back: the box decides no more once it hears of it, and no
// later than at the end of its lease.
func (s leases) end(c *Command) Result {
	b, f := body[LeaseOrder](c)
	if f != nil {
		return Result{Fault: f}
	}
	t, _ := s.of(b.Centre, b.Service)
	if t == nil || t.Centre != b.Centre {
		return failed(fault.NotFound, clip(b.Service, 64), "this centre has no lease of the service")
	}
	if t.Allowed {
		t.Allowed, t.Lease.Ended = false, true
		s.save(t)
		s.tell(t)
		s.officers(t, true)
	}
	return done(t)
}

// revoked ends the leases of a centre whose boxes are revoked, at once: what they date
// later needs somebody to confirm it. The centre's next box may ask.
func (s leases) revoked(centre place.Centre) {
	for _, t := range s.all() {
		if now := s.meta.At / 1000; t.Centre == centre && t.Lease.Until > now {
			t.Lease.Until = now
			s.save(t)
			s.tell(t)
		}
	}
}

// all returns every tenancy, in the order of their keys.
func (s leases) all() []*Tenancy { return s.under(key(tagLease)) }

func (s leases) under(prefix []byte) (list []*Tenancy) {
	s.keep(s.tx.Scan(prefix, nil, func(k, raw []byte) (bool, error) {
		t := &Tenancy{}
		err := decodeState(k, raw, t)
		list = append(list, t)
		return true, err
	}))
	return list
}

// tell sends the newest word on a lease to the centre that may have it.
func (s leases) tell(t *Tenancy) {
	s.append(s.world.inbox(t.Centre), &protocol.Event{Kind: protocol.LeaseTold, Payload: protocol.Marshal(&t.Lease)})
}

// asked gives a box a lease, or more time and numbers, if its centre may have it.
func (s leases) asked(e *protocol.Event, by *Node) bool {
	var r protocol.LeaseRequest
	if e.Decode(&r) != nil {
		return false
	}
	t, v := s.of(by.Centre, r.Service)
	if t == nil || !t.Allowed || t.Centre != by.Centre || by.RevokedAt != 0 || by.StandIn || s.world.centres[by.Centre].Slot != by.Slot {
		return true
	}
	s.give(t, v.Procedure.Certificate, by.Slot, r.Left)
	s.save(t)
	s.tell(t)
	return true
}

// give makes a box the holder, for as long as the version says: from now on, or once the
// holder before has to stop.
func (s leases) give(t *Tenancy, terms *dcat.Certificate, slot string, left uint64) {
	l, now := &t.Lease, s.meta.At/1000
	term := int64(terms.LeaseDays) * 24 * 3600
	if l.Token != 0 && l.Slot == slot && now <= l.Until {
		l.Until = max(l.Until, max(now, l.From)+term)
	} else {
		if l.Token != 0 {
			t.Past = append(t.Past, Tenure{Slot: l.Slot, Token: l.Token, From: l.From, Until: l.Until, Numbers: l.Numbers})
			t.Past = t.Past[max(0, len(t.Past)-maxPast):]
		}
		from := max(now, l.Until+1)
		if l.Slot != slot {
			l.Numbers, left = nil, 0
		}
		l.Token++
		l.Slot, l.From, l.Until = slot, from, from+term
	}
	if block := uint64(terms.Block); left < (block+1)/2 {
		l.Numbers = append(slices.Clip(l.Numbers), protocol.Serial{First: t.Given + 1, Last: t.Given + block})
		l.Numbers = l.Numbers[max(0, len(l.Numbers)-protocol.MaxSerials):]
		t.Given += block
	}
}

// number gives a certificate that is issued at the hub's own desks the next number.
func (s leases) number(c *Case, v *dcat.Version) (serial uint64, number string) {
	o, ok := s.world.set.Directory.OfficeFor(c.Area, v.Procedure.Issue.OfficeLevel)
	if !ok {
		return 0, ""
	}
	t := s.at(o, v)
	t.Given++
	s.save(t)
	return t.Given, protocol.CertificateNumber(t.Lease.Prefix, t.Given)
}

// out returns the tenancy under which a case is its union's to decide just now; nil where
// it is the hub's.
func (s leases) out(c *Case) *Tenancy {
	if t, _ := s.of(c.Centre, c.Service); t != nil && t.covers(c, s.meta.At/1000) {
		return t
	}
	return nil
}

// covers reports whether a case is its union's to decide at a time, in Unix seconds.
func (t *Tenancy) covers(c *Case, unix int64) bool {
	return t.Centre == c.Centre && t.Lease.Token != 0 && unix <= t.until(c) && c.State.Seat.Office == t.Lease.Office && !c.workedAtHub() && !c.Parted
}

// until is the last second of the lease of the box that has begun a case, of the newest
// where none has: no later box of the centre goes on with it.
func (t *Tenancy) until(c *Case) int64 {
	slot := begunAt(c.History)
	if slot == t.Lease.Slot {
		return t.Lease.Until
	}
	for _, p := range slices.Backward(t.Past) {
		if p.Slot == slot {
			return p.Until
		}
	}
	return t.Lease.Until
}

// AtUnion returns the lease under which a case is decided at its union at a time, in Unix
// seconds; nil where the hub's desks have it.
func (r Cases) AtUnion(c *Case, unix int64) *protocol.Lease {
	o, v := r.world.Load().union(c.Centre, c.Service)
	if v == nil {
		return nil
	}
	t, err := find[Tenancy](r.state, "AtUnion", tenancyKey(o.Code, v.ID), v.ID)
	if err != nil || !t.covers(c, unix) {
		return nil
	}
	return &t.Lease
}

// officers tells a centre of the logins of its office's officers, or that they are none of
// its box's any more. They are told once for all services.
func (s leases) officers(t *Tenancy, gone bool) {
	if gone && slices.ContainsFunc(s.all(), func(o *Tenancy) bool {
		return o.Allowed && o.Lease.Office == t.Lease.Office && o.Centre == t.Centre
	}) {
		return
	}
	s.keep(s.tx.Scan(key(tagUser), nil, func(k, raw []byte) (bool, error) {
		u := &User{}
		err := decodeState(k, raw, u)
		if err == nil && u.Role == access.Officer && u.Seat.Office == t.Lease.Office {
			s.lend(u, t.Centre, gone)
		}
		return true, err
	}))
}

// lend tells a centre of an officer's login.
func (s leases) lend(u *User, centre place.Centre, gone bool) {
	s.append(s.world.inbox(centre), &protocol.Event{
		Kind: protocol.UserChanged, Actor: u.Name,
		Payload: protocol.Marshal(&protocol.User{
			Name: u.Name, Centre: string(centre), Role: string(u.Role), Hash: u.Hash, From: u.From, Until: u.Until,
			Disabled: u.Disabled || gone, Post: u.Seat.Post, Office: u.Seat.Office,
		}),
	})
}

// lendNew tells the centre of a union that decides by itself of a changed login.
func (s leases) lendNew(u *User) {
	var told []place.Centre
	for _, t := range s.ofOffice(u) {
		if t.Allowed && !slices.Contains(told, t.Centre) {
			told = append(told, t.Centre)
			s.lend(u, t.Centre, false)
		}
	}
}

// ofOffice returns the tenancies of an officer's office; of nobody else's.
func (s leases) ofOffice(u *User) []*Tenancy {
	if u.Role != access.Officer {
		return nil
	}
	return s.under(tenancyKey(u.Seat.Office, ""))
}

// Tenancies returns what unions may decide by themselves, by office and service.
func (r Machines) Tenancies() ([]*Tenancy, error) { return list[Tenancy](r.state, key(tagLease)) }
