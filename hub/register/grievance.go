package register

import (
	"slices"
	"strings"
	"time"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A grievance never lies at whom it is about, nor directly below: where its way leads
// there, it goes to the first desk above that is neither, and where such a person gets
// the desk at which it lies, it moves away. Only desks on its way may read it. All of it
// is since format 4.

// grievances keeps the cases that are about somebody away from them.
type grievances struct{ courses }

// roster is who holds which seat at the entry's time, or will hold it.
func (s grievances) roster() *application.Roster {
	if s.people == nil {
		s.people = rosterOf(s.world.logins, s.world.set, s.meta.At/1000)
	}
	return s.people
}

// rosterOf leaves out who holds a seat no more. Who will hold one counts already, so
// that nothing has to move on the day.
func rosterOf(all []login, set *dcat.Set, now int64) *application.Roster {
	r := &application.Roster{Above: func(place.Seat) (place.Seat, bool) { return place.Seat{}, false }}
	for i := range all {
		u := &all[i].User
		if u.Seat != (place.Seat{}) && !u.Disabled && (u.Until == 0 || now < u.Until) {
			r.Holdings = append(r.Holdings, application.Holding{Login: u.Name, Person: u.person(), Seat: u.Seat})
		}
	}
	if set == nil {
		return r
	}
	dir := set.Directory
	r.Above = func(seat place.Seat) (place.Seat, bool) {
		p, ok := dir.Post(seat.Post)
		o, ok2 := dir.Office(seat.Office)
		if !ok || !ok2 || p.Superior == "" {
			return place.Seat{}, false
		}
		return dir.SeatFor(p.Superior, o.Area)
	}
	return r
}

// person names who a login is of.
func (u *User) person() string {
	if u.Of != "" {
		return u.Of
	}
	return u.Name
}

// name finds out whom a case is about, by what its answers come to.
func (s grievances) name(c *Case, f *application.Found) {
	if f == nil || f.Complaint == nil || s.format < 4 || s.world.set == nil {
		return
	}
	c.Accused = s.accused(c, f.Complaint)
}

// accused is whom a complaint on a case is about.
func (s grievances) accused(c *Case, k *application.Complaint) *application.Accused {
	a := &application.Accused{Hidden: k.Hidden}
	switch {
	case k.Kind == "centre":
		s.ofCentre(a, c, k)
	case k.Kind == "receipt":
		s.ofReceipt(a, k)
	case k.Officer != "":
		s.ofOfficer(a, c, k)
	case k.Kind == "officer":
		a.Unknown = true
	}
	for i, login := range a.Persons {
		if u := (&User{}); s.get(s.userKey(login), u) {
			a.Persons[i] = u.person()
		}
	}
	slices.Sort(a.Persons)
	a.Persons = slices.Compact(a.Persons)
	return a
}

func (s grievances) ofCentre(a *application.Accused, c *Case, k *application.Complaint) {
	centre := k.Centre
	if centre == "" {
		centre = c.Centre
	}
	if centre == "" { // Entered at the hub, and no centre named.
		a.Unknown = true
		return
	}
	for i := range s.world.logins {
		u := &s.world.logins[i]
		if u.Centre == centre {
			a.Persons = append(a.Persons, u.Name)
		}
	}
}

// ofReceipt makes a grievance about a case one about whoever had a hand in it.
func (s grievances) ofReceipt(a *application.Accused, k *application.Complaint) {
	n, err := protocol.ParseNumber(k.Receipt)
	about := &Case{}
	if err != nil || !s.get(caseKey(n), about) {
		return
	}
	a.Persons = append(a.Persons, about.By)
	for i := range about.History {
		if by := about.History[i].Actor; by != "" {
			a.Persons = append(a.Persons, by)
		}
	}
	if about.State.Seat != (place.Seat{}) {
		a.Seats = append(a.Seats, about.State.Seat)
	}
}

// ofOfficer reads a login, a seat or an office. Of the latter two, it is also about who
// was there on the day.
func (s grievances) ofOfficer(a *application.Accused, c *Case, k *application.Complaint) {
	if u := (&User{}); s.get(s.userKey(clip(k.Officer, protocol.MaxName)), u) {
		a.Persons = append(a.Persons, u.Name)
		return
	}
	dir := s.world.set.Directory
	seat, err := place.ParseSeat(k.Officer)
	if err != nil {
		seat = place.Seat{Office: k.Officer}
	}
	_, known := dir.Office(seat.Office)
	if p, ok := dir.Post(seat.Post); err == nil && (!ok || p.Code == "") {
		known = false
	}
	if !known {
		a.Unknown = true
		return
	}
	if seat.Post == "" {
		a.Offices = append(a.Offices, seat.Office)
	} else {
		a.Seats = append(a.Seats, seat)
	}
	from, until := s.moment(c, k)
	for i := range s.world.logins {
		u := &s.world.logins[i]
		there := u.Seat.Office == seat.Office && (seat.Post == "" || u.Seat.Post == seat.Post)
		if there && u.From <= until && (u.Until == 0 || u.Until > from) {
			a.Persons = append(a.Persons, u.Name)
		}
	}
}

// moment is when it happened, from … until, in Unix seconds: a day of the offices', or
// the moment at which it was filed.
func (s grievances) moment(c *Case, k *application.Complaint) (from, until int64) {
	if k.Day <= 0 {
		return c.Legal / 1000, c.Legal / 1000
	}
	y, m, d := time.Unix(k.Day*86400, 0).UTC().Date()
	day := time.Date(y, m, d, 0, 0, 0, 0, s.zone)
	return day.Unix(), day.AddDate(0, 0, 1).Unix() - 1
}

func grievanceKey(n protocol.Number) []byte { return key(tagGrievance, u64(uint64(n))) }

// track keeps the list of grievances that lie at a desk.
func (s grievances) track(before, c *Case) {
	was, is := before.State.Stage.Open(), c.State.Stage.Open()
	switch {
	case c.Accused == nil || was == is:
	case is:
		s.set(grievanceKey(c.Number), []byte{})
	default:
		s.del(grievanceKey(c.Number))
	}
}

// keepAway takes every grievance, and every item of one, from a desk that may not have it
// since logins or posts have changed.
func (s grievances) keepAway() {
	var open []protocol.Number
	s.people = nil
	if s.format < 4 {
		return
	}
	s.keep(s.tx.Scan(key(tagGrievance), nil, func(k, _ []byte) (bool, error) {
		open = append(open, numberOf(k[1:]))
		return true, nil
	}))
	for _, n := range open {
		c := &Case{}
		if s.get(caseKey(n), c) && c.State.Seat != (place.Seat{}) {
			s.divert(c)
		}
	}
	for _, n := range s.disputed() {
		if c := (&Case{}); s.get(caseKey(n), c) && c.Accused != nil {
			s.unburden(c)
		}
	}
}

// disputed are the cases of which an item is open, ended ones too.
func (s grievances) disputed() (list []protocol.Number) {
	s.keep(s.tx.Scan(key(tagOpenItem), nil, func(k, _ []byte) (bool, error) {
		if n := numberOf(k[1:9]); len(list) == 0 || list[len(list)-1] != n {
			list = append(list, n)
		}
		return true, nil
	}))
	return list
}

// divert moves one grievance, and takes it off the list of a superior who may not see it.
func (s grievances) divert(c *Case) {
	r := s.roster()
	if c.State.Above != (place.Seat{}) && r.Conflict(c.Accused, c.State.Above) != "" {
		before := *c
		c.State.Above = place.Seat{}
		s.relist(&before, c)
		s.save(c)
	}
	if r.Conflict(c.Accused, c.State.Seat) == "" {
		return
	}
	seat, _ := r.Free(c.Accused, c.State.Seat, s.world.beyond(c))
	err := s.change(c, application.Event{Action: application.Divert, Desk: application.Desk{Step: c.State.Step, Seat: seat}})
	if err != nil {
		s.keep(fault.Wrap("register.Apply", fault.Internal, c.Number.String(), err))
		return
	}
	s.tell(c)
}

// beyond are the desks above the last superior: those that hear appeals.
func (w *world) beyond(c *Case) (seats []place.Seat) {
	v, ok := w.version(c.Pinned)
	if !ok || v.Procedure == nil {
		return nil
	}
	for _, rung := range v.Procedure.Appeals {
		if seat, ok := w.set.Directory.SeatFor(rung.Post, c.Area); ok {
			seats = append(seats, seat)
		}
	}
	return seats
}

// guarded has a case's way lead around whom it is about, and an appeal to nobody who
// has decided it before.
func (w *world) guarded(way application.Way, c *Case, roster func() *application.Roster) application.Way {
	plain, about := way.Seat, c.Accused
	if about == nil {
		about = &application.Accused{}
	} else {
		way.Seat = func(post string) (place.Seat, bool) {
			seat, ok := plain(post)
			if !ok {
				return seat, false
			}
			return roster().Free(about, seat, w.beyond(c))
		}
	}
	way.Appellate = func(post string) place.Seat {
		seat, ok := plain(post)
		if !ok {
			return place.Seat{}
		}
		r := roster()
		free, _ := r.Free(about, seat, w.beyond(c), decidersOf(c, r)...)
		return free
	}
	return way
}

// decidersOf are the persons who ended a case before.
func decidersOf(c *Case, r *application.Roster) (persons []string) {
	for i := range c.History {
		t := &c.History[i]
		if t.Action != application.Approve && t.Action != application.Reject && t.Action != application.Revoke {
			continue
		}
		who := t.Actor
		if r == nil {
			continue
		}
		if i := slices.IndexFunc(r.Holdings, func(h application.Holding) bool { return h.Login == who }); i >= 0 {
			who = r.Holdings[i].Person
		}
		persons = append(persons, who)
	}
	return persons
}

// barred says by name why an officer's act may not be done on a grievance.
func (s grievances) barred(k *Case, action application.Action, b *Act) *protocol.Failure {
	if k.Accused == nil || s.format < 4 {
		return nil
	}
	v, ok := s.world.version(k.Pinned)
	post := b.To
	switch {
	case !ok:
		return nil
	case action == application.RequestInfo:
		if i := slices.IndexFunc(b.Items, func(it string) bool { return strings.HasPrefix(it, "form.") }); i >= 0 {
			return refuse(fault.Invalid, b.Items[i], "a centre may not read the answers of this case, so it can put none right: ask for a document, with which the applicant says the rest")
		}
		return nil
	case action == application.Return || action == application.HandBack:
		w := s.world.way(k)
		w.Version, w.Tracked = v, true
		if d, err := w.Desk(k.State, action, ""); err == nil && d.Step < len(v.Steps) {
			post = v.Steps[d.Step].Post
		}
	case action != application.Forward:
		return nil
	}
	seat, ok := s.world.set.Directory.SeatFor(clip(post, 64), k.Area)
	if !ok {
		return nil
	}
	if why := s.roster().Conflict(k.Accused, seat); why != "" {
		return refuse(fault.Conflict, seat.String(), "may not have this grievance: "+string(why))
	}
	return nil
}

// path are the desks that may read a grievance: where it lies or lay, and those that
// decide about something beside it, but for those that it is about by now.
func (c *Case) path(r *application.Roster) []place.Seat {
	var seats []place.Seat
	add := func(seat place.Seat) {
		if seat != (place.Seat{}) && !slices.Contains(seats, seat) && r.Conflict(c.Accused, seat) == "" {
			seats = append(seats, seat)
		}
	}
	for i := range c.History {
		add(c.History[i].Seat)
	}
	add(c.State.Seat)
	add(c.State.Above)
	for _, seat := range c.Judges {
		add(seat)
	}
	return seats
}

// closed makes of what a case belongs to what a grievance does.
func (c *Case) closed(r access.Resource, roster func() *application.Roster) access.Resource {
	if c.Accused == nil {
		return r
	}
	r.Closed, r.Path = true, c.path(roster())
	if !slices.Contains(r.Path, r.Seat) { // Such as the desk that it was taken from.
		r.Seat = place.Seat{}
	}
	return r
}

// roster is who holds which seat as of the newest entry.
func (r Cases) roster() *application.Roster {
	w := r.world.Load()
	return rosterOf(w.logins, w.set, r.meta.Load().At/1000)
}

// sealedIn is what an appeal, a supplement or a correction says that no box may read.
func sealedIn(v View, from *Source) (*protocol.Confidential, error) {
	e, err := sent(v, from)
	if err != nil {
		return nil, err
	}
	switch e.Kind { //nolint:exhaustive // The others say nothing sealed here.
	case protocol.Supplied:
		var s protocol.Supplement
		err = e.Decode(&s)
		return s.Secret, err
	case protocol.Corrected:
		var k protocol.Correction
		err = e.Decode(&k)
		return k.Secret, err
	}
	var a protocol.Appeal
	err = e.Decode(&a)
	return a.Secret, err
}

// Words returns what a centre brought sealed with a turn of a case, nil where it brought
// nothing sealed.
func (r Cases) Words(t *Turn) (*protocol.Confidential, error) {
	if t.Event == nil || t.Action != application.Appeal && t.Action != application.Supply {
		return nil, nil
	}
	var secret *protocol.Confidential
	err := r.base.View(func(v View) (err error) {
		secret, err = sealedIn(v, t.Event)
		return err
	})
	return secret, err
}
