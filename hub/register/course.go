package register

import (
	"errors"
	"slices"
	"time"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// courses carries out what a case goes through beyond its desks, and keeps its
// clocks. All of it is since format 3 of the entries.
type courses struct{ *step }

// now is the entry's time, in the offices' civil time.
func (s courses) now() time.Time { return time.UnixMilli(s.meta.At).In(s.zone) }

func (s courses) calendar() *place.Calendar {
	if s.world.set == nil {
		return nil
	}
	return s.world.set.Directory.Calendar
}

// way is the procedure of a case at its place. A case that was filed under a version which
// is not known here has none. The register never loses one that was: it stops where it has.
func (s courses) way(c *Case) (application.Way, *protocol.Failure) {
	v, ok := s.world.version(c.Pinned)
	if !ok {
		if c.Pinned != (dcat.Hash{}) {
			s.keep(fault.New("register.Apply", fault.Damaged, c.Number.String(), "the pinned version of the service is missing"))
		}
		return application.Way{}, refuse(fault.Unavailable, c.Number.String(), "no version")
	}
	w := s.world.way(c)
	w.Version, w.Tracked = v, s.format > 2
	if s.format > 3 {
		w = s.world.guarded(w, c, grievances{s}.roster)
	}
	return w, nil
}

// way is where a case's area has its posts.
func (w *world) way(c *Case) application.Way {
	dir := w.set.Directory
	return application.Way{
		Seat: func(post string) (place.Seat, bool) {
			seat, ok := dir.SeatFor(post, c.Area)
			if !ok {
				seat = place.Seat{}
			}
			return seat, ok
		},
		Superior: func(post string) (string, bool) {
			p, _ := dir.Post(post)
			return p.Superior, p.Superior != ""
		},
	}
}

// run keeps a case's clocks in step with a change.
func (s courses) run(before, c *Case, e *application.Event) {
	now := s.now()
	if e.At != 0 && (e.Action == application.RequestInfo || e.Action == application.Supply) {
		now = time.Unix(e.At, 0).In(s.zone)
	}
	if e.Action == application.Unanswered { // Whenever the hub comes to it.
		now = time.Unix(c.State.SupplyBy+1, 0).In(s.zone)
	}
	k := application.Clock{Due: c.Due, Paused: c.Paused}.Turned(s.calendar(), before.State.Stage, c.State.Stage, now)
	c.Due, c.Paused = k.Due, k.Paused
	switch e.Action {
	case application.Prepare:
		c.Due = c.State.Promised
	case application.Supply:
		if w, f := s.way(c); f == nil && before.State.Holder == "" && (!before.State.Unanswered || e.Afresh) && w.Version.SLADays > 0 { // Under a newer version its time begins now.
			c.Due = application.WorkTerm(s.calendar(), now, w.Version.SLADays)
		}
	case application.Appeal:
		if w, f := s.way(c); f == nil {
			c.Due = application.WorkTerm(s.calendar(), now, w.Version.Procedure.Appeals[c.State.Appeals-1].SLADays)
		}
	case application.Lapse:
		s.meta.Stats.Lapsed++
	case application.Escalate:
		s.meta.Stats.Escalated++
	default:
	}
	if s.format > 3 {
		refunds{withheld{s}}.reckon(before, c, e)
		renewals{refunds{withheld{s}}}.track(before, c)
	}
	grievances{s}.track(before, c)
	outsiders{s}.queue(before, c)
	s.gather(before, c, e)
	s.wind(before, c)
}

// wind sets the time at which the hub next looks at a case by itself.
func (s courses) wind(before, c *Case) {
	c.Timer = s.next(c)
	if before.Timer == c.Timer {
		return
	}
	if before.Timer != 0 {
		s.del(timerKey(before.Timer, c.Number))
	}
	if c.Timer != 0 {
		s.set(timerKey(c.Timer, c.Number), []byte{})
	}
}

func timerKey(unix int64, n protocol.Number) []byte {
	return key(tagTimer, u64(uint64(unix)), u64(uint64(n)))
}

// next is when something falls due on a case, 0 for never.
func (s courses) next(c *Case) int64 {
	at := s.falls(c)
	if c.Notice.gathering() && (at == 0 || c.Notice.Due < at) {
		return c.Notice.Due
	}
	return at
}

// falls is when the procedure itself has something done on a case.
func (s courses) falls(c *Case) int64 {
	switch st := &c.State; st.Stage {
	case application.FeeDue:
		return st.PayBy + 1
	case application.InfoRequested:
		if st.SupplyBy != 0 {
			return st.SupplyBy + 1
		}
	case application.Delivered:
		if w, f := s.way(c); f == nil && w.Version.Procedure != nil && w.Version.Procedure.Issue != nil {
			return application.Term(time.UnixMilli(c.Since).In(s.zone), w.Version.Procedure.Issue.CloseDays-1) + 1
		}
	case application.Received, application.UnderReview, application.InPreparation:
		return s.overdue(c)
	default:
	}
	return 0
}

// overdue is when the next superior hears of a case: when it is due, and another
// working day later for each further one, as long as there is one.
func (s courses) overdue(c *Case) int64 {
	if c.Due == 0 || c.State.Seat == (place.Seat{}) || c.Outside != nil && c.Outside.Since != 0 {
		return 0 // The desk is not to blame while another register is silent.
	}
	w, f := s.way(c)
	if f != nil {
		return 0
	}
	if d, err := w.Desk(c.State, application.Escalate, ""); err != nil || d.Seat == (place.Seat{}) || d.Seat == c.State.Above {
		return 0
	}
	return application.WorkTerm(s.calendar(), time.Unix(c.Due, 0).In(s.zone), c.State.Late) + 1
}

// follow does what the hub does by itself after an event, until it waits for
// somebody.
func (s courses) follow(c *Case) error {
	w, f := s.way(c)
	if f != nil {
		return f.Err()
	}
	for a := w.Follows(c.State); a != application.NoAction; a = w.Follows(c.State) {
		if err := s.self(c, w, a); err != nil {
			return err
		}
	}
	return nil
}

// begin sends a new case to the first desk that its answers lead to, or has its
// applicant pay before.
func (s courses) begin(c *Case, due int64, f *Finding) *protocol.Standing {
	c.Due = due
	w, fail := s.way(c)
	if fail != nil {
		return nil
	}
	e := application.Event{Action: application.Accept, Found: f.found()}
	if e.Found == nil {
		e.Found = &application.Found{}
	}
	record, scan := records{s}.look(c, w.Version, e.Found)
	e.Desk = w.First(e.Found.Rules)
	err := s.change(c, e)
	if err == nil {
		records{s}.ask(c, w.Version, record, scan)
		facts{s}.tell(c, &e.Found.Fact)
		if !(askings{s}).ask(c, f) {
			err = s.follow(c)
		}
	}
	if err != nil {
		s.keep(fault.Wrap("register.Apply", fault.Internal, c.Number.String(), err))
		return nil
	}
	plain := c.State.Stage == application.Received && c.State.Step == 0 && c.State.Version == 1
	if c.Printed == 0 && c.State.Seat != (place.Seat{}) && plain && c.Accused == nil {
		return nil
	}
	st := c.exception()
	if !plain {
		full := c.standing(s.world.set)
		full.Number, full.Reason = st.Number, st.Reason
		st = &full
	}
	return st
}

// self does one thing for the hub.
func (s courses) self(c *Case, w application.Way, a application.Action) error {
	d, err := w.Desk(c.State, a, "")
	if err != nil {
		return err
	}
	e := application.Event{Action: a, At: s.now().Unix(), Desk: d}
	w.Grant(&e, c.State, s.calendar(), s.now())
	return s.change(c, e)
}

// tick looks at cases on which something has fallen due. What the leader names too
// early, or twice, changes nothing.
func (s courses) tick(cmd *Command) Result {
	b, f := body[Due](cmd)
	if f != nil {
		return Result{Fault: f}
	}
	if len(b.Numbers) == 0 || len(b.Numbers) > MaxDue {
		return failed(fault.Invalid, "numbers", "want one case or more, not too many")
	}
	for _, n := range b.Numbers {
		c := &Case{}
		if !s.get(caseKey(n), c) || c.Timer == 0 || c.Timer > s.now().Unix() {
			continue
		}
		one := newAttempt(s.step)
		s.ring(c)
		if errors.Is(one.over(), errFull) { // Those that are left are due on.
			break
		}
	}
	return done(nil)
}

// MaxDue is how many cases one tick may name.
const MaxDue = 64

// ring does what has fallen due on a case.
func (s courses) ring(c *Case) {
	if s.tellGathered(c) {
		return
	}
	a := map[application.Stage]application.Action{
		application.FeeDue: application.Lapse, application.Delivered: application.Close, application.InfoRequested: application.Unanswered,
		application.Received: application.Escalate, application.UnderReview: application.Escalate, application.InPreparation: application.Escalate,
	}[c.State.Stage]
	w, f := s.way(c)
	if f != nil || a == application.NoAction || a == application.Lapse && s.format > 3 && (evidence{withheld{s}}).waits(c) {
		return
	}
	before := *c
	if err := s.self(c, w, a); err != nil { // The directory has changed meanwhile: look again when the case moves.
		c.Timer = 0
		s.del(timerKey(before.Timer, c.Number))
		if c.Notice.gathering() {
			c.Timer = c.Notice.Due
			s.set(timerKey(c.Timer, c.Number), []byte{})
		}
		s.put(caseKey(c.Number), c)
		return
	}
	if a == application.Unanswered {
		if err := s.follow(c); err != nil { // Where the hub had asked, a fee may be due.
			s.keep(fault.Wrap("register.Apply", fault.Internal, c.Number.String(), err))
			return
		}
	}
	if above := c.State.Above.Office; above != "" {
		s.lay(c, above)
	}
	s.tell(c)
}

// lay notes that a case lies, or is seen, at an office.
func (s courses) lay(c *Case, office string) {
	if !slices.Contains(c.Offices, office) {
		c.Offices = append(slices.Clip(c.Offices), office)
		s.put(caseKey(c.Number), c)
	}
}

// note adds to a turn what only some actions have.
func (t *Turn) note(e *application.Event) {
	switch e.Action {
	case application.RequestInfo:
		t.Items, t.Dated = e.Items, e.Until
	case application.Supply:
		t.Items, t.Dated = e.Items, e.Brought
	case application.Correct:
		t.Items, t.Overturns = e.Items, e.Overturns
	case application.Void:
		t.Amount, t.Dated = e.Amount, e.Until
	case application.Demand:
		t.Amount, t.Dated = e.Desk.Terms.Demand, e.Until
	case application.Pay:
		t.Amount, t.Dated = e.Amount, e.At
	case application.Prepare:
		t.Dated = e.Until
	default:
	}
}

// Waiting returns cases on which something has fallen due, at most [MaxDue].
func (r Cases) Waiting(unix int64) (list []protocol.Number, err error) {
	err = r.base.View(func(v View) error {
		return v.Scan(key(tagTimer), nil, func(k, _ []byte) (bool, error) {
			if len(k) != 17 || int64(numberOf(k[1:9])) > unix || len(list) == MaxDue {
				return false, nil
			}
			list = append(list, numberOf(k[9:17]))
			return true, nil
		})
	})
	return list, err
}
