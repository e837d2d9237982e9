package box

import (
	"math"
	"slices"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// A UnionCase is a case of this box's whose desks are its union's.
type UnionCase struct {
	*Case
	State application.Case // As everything that this box knows adds up.
	Turns []Turn
	Lease protocol.Lease

	Certificate *protocol.Certificate // What was issued here.
	Confirmed   bool                  // The hub has confirmed the certificate.
	Late        bool                  // Something binding was done after the end of the lease, and waits to be confirmed.
	Elsewhere   bool                  // The hub says that the case stands otherwise: its desks have it, or have to confirm.
	Until       uint64                // The version at which it is shown as it stood; 0: as it is now.
	Words       []Word                // What the hub has said of acts here that it did not take.

	heard  bool // The hub has all that this box wrote on the case.
	clock  application.Clock
	way    application.Way
	goods  *Goods
	form   []byte                      // The answers up to the newest turn.
	booked map[protocol.Position]int64 // What was booked of each payment here, by its receipt.
}

// A Turn is one thing that happened to a case here.
type Turn struct {
	Version uint64
	At      time.Time
	Action  application.Action
	Actor   string
	Seat    place.Seat // Of the actor.
	Stage   application.Stage
	Said    protocol.UnionAct
	Brought *protocol.Supplement // Supply: what the applicant brought.
	Dated   int64                // Request-info: the last second that it gives; supply, where there was one: when it was brought. Unix seconds.
	Late    bool                 // Supply: it was brought after that.
}

// fold adds up what happened to a case here, by the rules of the procedure.
func (b *Union) fold(u *UnionCase) error {
	goods := b.intake.Goods()
	if goods == nil {
		return fault.New("box.UnionCase", fault.Unavailable, string(NotSynced), NotSynced.Words().EN)
	}
	dir := goods.Set.Directory
	u.booked = map[protocol.Position]int64{}
	u.way = application.Way{
		Version: u.Version, Tracked: true,
		Seat: func(post string) (place.Seat, bool) { return dir.SeatFor(post, goods.Centre.Area) },
		Superior: func(post string) (string, bool) {
			p, _ := dir.Post(post)
			return p.Superior, p.Superior != ""
		},
	}
	u.goods = goods
	list, err := turnsOf(b.cases.core, u.Number)
	if err != nil {
		return err
	}
	rest, err := u.begun(b.cases, list)
	if err != nil {
		return err
	}
	for _, e := range rest {
		if u.Until > 0 && u.State.Version >= u.Until {
			break
		}
		u.take(e, dir.Calendar)
	}
	if u.Until > 0 {
		u.freeze()
		return nil
	}
	var last *ownEffect
	if len(list) > 0 {
		last = list[len(list)-1]
	}
	if err := b.hear(u, last, dir.Calendar); err != nil {
		return err
	}
	if !u.Elsewhere {
		u.expire(b.intake.o.Clock().Unix(), dir.Calendar)
	}
	return nil
}

// expire has the case go on without what its applicant was asked for, where the time for that
// is over at a moment, as the hub does (Unix seconds).
func (u *UnionCase) expire(at int64, calendar *place.Calendar) {
	s := &u.State
	if s.Stage != application.InfoRequested || s.SupplyBy == 0 || at <= s.SupplyBy {
		return
	}
	over := time.Unix(s.SupplyBy+1, 0)
	u.turned(&application.Event{Action: application.Unanswered, At: over.Unix(), Desk: application.Desk{Terms: u.way.Terms(*s)}}, nil, over, calendar)
}

// begun is the case as it was filed, and put right before anything else was done about it.
// It returns what came then.
func (u *UnionCase) begun(cases *Cases, list []*ownEffect) ([]*ownEffect, error) {
	filed := &Case{Answer: u.Answer}
	if err := u.Event.Decode(&filed.Submission); err != nil {
		return nil, err
	}
	for len(list) > 0 && list[0].event.Kind == protocol.Corrected {
		if err := cases.putRight(filed, list[0]); err != nil {
			return nil, err
		}
		list = list[1:]
	}
	u.form = filed.Submission.Form
	if u.Until > 0 {
		u.Submission, u.PutRight = filed.Submission, filed.PutRight
	}
	found, err := u.goods.Intake.Found(u.Version, u.form, u.Issued.In(dhaka))
	if err != nil {
		return nil, err
	}
	calendar := u.goods.Set.Directory.Calendar
	u.clock.Due = due(calendar, u.Version.SLADays, u.Issued.In(dhaka))
	if u.Accepted && u.Said.Stage == "" && u.Expected != 0 {
		u.clock.Due = u.Expected // As the hub has counted it.
	}
	begin := application.Event{Action: application.Accept, Found: found, Desk: u.way.First(found.Rules)}
	u.turned(&begin, nil, u.Issued, calendar)
	return list, nil
}

// freeze leaves what was there at the version that is asked for.
func (u *UnionCase) freeze() {
	u.Submission.Form = u.form
	u.Turns = slices.DeleteFunc(u.Turns, func(t Turn) bool { return t.Version > u.Until })
}

// Stood returns a case as it stood here at a version: what the officer saw who acted on it with
// no hub (R-OF3), whatever has become of it since. A version that is not past is the case as it
// is now. [fault.NotFound]: as [Union.UnionCase].
func (b *Union) Stood(n protocol.Number, version uint64) (*UnionCase, error) {
	now, err := b.UnionCase(n)
	if err != nil || version == 0 || version >= now.State.Version {
		return now, err
	}
	u := &UnionCase{Case: now.Case, Lease: now.Lease, Until: version}
	return u, b.fold(u)
}

// take applies one event of this box's. What does not fit changes nothing: the register
// has made an item of it.
func (u *UnionCase) take(own *ownEffect, calendar *place.Calendar) {
	e := own.event
	at := time.UnixMilli(e.At)
	u.expire(at.Unix(), calendar)
	switch e.Kind { //nolint:exhaustive // The others are about no case that is decided here.
	case protocol.ActedAtUnion:
		var said protocol.UnionAct
		action, err := application.Action(0), e.Decode(&said)
		if err == nil {
			action, err = application.ParseAct(said.Action)
		}
		if err != nil {
			return
		}
		seat, _ := place.ParseSeat(e.Post)
		x, err := u.event(action, application.Officer{Name: e.Actor, Seat: seat}, &said, at, calendar)
		if err != nil {
			return
		}
		x.Expect = u.State.Version
		if u.turned(&x, &said, at, calendar) && application.Binds(action) {
			u.Late = u.Late || u.Lease.Token == said.Token && at.Unix() > u.Lease.Until
			if said.Certificate != nil {
				u.Certificate = said.Certificate
			}
		}
	case protocol.PaymentTaken:
		var p protocol.Payment
		if e.Decode(&p) == nil && p.Check() == nil {
			owed := u.State.Owed
			x := application.Event{Action: application.Pay, Amount: p.Total(), At: at.Unix(), Desk: application.Desk{Terms: u.way.Terms(u.State)}}
			if u.turned(&x, nil, at, calendar) {
				u.booked[protocol.Position{Seq: own.place, Hash: own.hash}] = min(p.Total(), owed)
			}
		}
	case protocol.PaymentVoided:
		var v protocol.Voiding
		if e.Decode(&v) == nil && u.booked[v.At] > 0 {
			x := application.Event{Action: application.Void, Amount: u.booked[v.At], Text: v.Reason, Desk: application.Desk{Terms: u.way.Terms(u.State)}}
			x.Until = application.Term(at.In(dhaka), u.Version.Procedure.FeeDays)
			u.turned(&x, nil, at, calendar)
		}
	case protocol.Supplied:
		var sup protocol.Supplement
		if e.Decode(&sup) == nil {
			u.supplied(&sup, at, calendar)
		}
	case protocol.Withdrawn:
		u.turned(&application.Event{Action: application.Withdraw, Desk: application.Desk{Terms: u.way.Terms(u.State)}}, nil, at, calendar)
	case protocol.Appealed:
		if d, err := u.way.Desk(u.State, application.Appeal, ""); err == nil {
			u.turned(&application.Event{Action: application.Appeal, At: at.Unix(), Desk: d}, nil, at, calendar)
		}
	case protocol.HandedOver:
		u.turned(&application.Event{Action: application.HandOver, Desk: application.Desk{Terms: u.way.Terms(u.State)}}, nil, at, calendar)
	}
}

// supplied brings what the union has asked the applicant for.
func (u *UnionCase) supplied(sup *protocol.Supplement, at time.Time, calendar *place.Calendar) {
	x := application.Event{Action: application.Supply, Items: sup.Items(), Text: sup.Text, Desk: application.Desk{Terms: u.way.Terms(u.State)}}
	form := u.form
	if len(sup.Form) > 0 {
		merged, _, _, err := catalogue.MergeAnswers(u.form, sup.Form)
		if err != nil {
			return
		}
		if x.Found, err = u.goods.Intake.Found(u.Version, merged, at.In(dhaka)); err != nil {
			return
		}
		form = merged
	}
	first, term := len(u.Turns), u.State.SupplyBy
	if u.turned(&x, &protocol.UnionAct{Text: sup.Text, Items: x.Items}, at, calendar) {
		t := &u.Turns[first]
		u.form, t.Brought = form, sup
		if term != 0 {
			t.Dated, t.Late = at.Unix(), application.BroughtLate(at.Unix(), term)
		}
	}
}

// event is an officer's act, with all that the procedure wants to know.
func (u *UnionCase) event(a application.Action, by application.Officer, said *protocol.UnionAct, at time.Time, calendar *place.Calendar) (application.Event, error) {
	e := application.Event{
		Action: a, By: by, Opinion: application.Opinion(said.Opinion), Text: said.Text, Reason: said.Reason, Items: said.Items, At: at.Unix(),
	}
	d, err := u.way.Desk(u.State, a, said.To)
	if err != nil {
		return e, err
	}
	d.Check = u.Version.Check(said.Check)
	e.Desk = d
	u.way.Grant(&e, u.State, calendar, at.In(dhaka))
	if a == application.RequestInfo {
		u.way.Ask(&e, at.In(dhaka))
	}
	return e, nil
}

// turned applies an event and what follows by itself, and reports whether it fitted.
func (u *UnionCase) turned(e *application.Event, said *protocol.UnionAct, at time.Time, calendar *place.Calendar) bool {
	if e.By == (application.Officer{}) {
		e.Expect = u.State.Version
	}
	was := u.State
	next, err := u.State.Apply(*e)
	if err != nil {
		return false
	}
	u.State = next
	u.timed(was.Stage, e.Action, at, calendar)
	t := Turn{Version: next.Version, At: at, Action: e.Action, Actor: e.By.Name, Seat: e.By.Seat, Stage: next.Stage}
	if said != nil {
		t.Said = *said
	}
	if e.Action == application.RequestInfo {
		t.Dated = e.Until
	}
	u.Turns = append(u.Turns, t)
	for a := u.way.Follows(u.State); a != application.NoAction; a = u.way.Follows(u.State) {
		d, err := u.way.Desk(u.State, a, "")
		if err != nil {
			break
		}
		self := application.Event{Action: a, At: at.Unix(), Desk: d, Expect: u.State.Version}
		u.way.Grant(&self, u.State, calendar, at.In(dhaka))
		was := u.State.Stage
		if u.State, err = u.State.Apply(self); err != nil {
			break
		}
		u.timed(was, a, at, calendar)
		u.Turns = append(u.Turns, Turn{Version: u.State.Version, At: at, Action: a, Stage: u.State.Stage})
	}
	return true
}

// timed keeps the office's clock in step with a change.
func (u *UnionCase) timed(was application.Stage, a application.Action, at time.Time, calendar *place.Calendar) {
	u.clock = u.clock.Turned(calendar, was, u.State.Stage, at.In(dhaka))
	if a == application.Prepare {
		u.clock.Due = u.State.Promised
	}
}

// hear compares what was done here with the hub's newest word. What the hub has set aside, or
// overturned, leaves the case to it. Else, once the hub has all that this box has written on
// the case, its word counts; before, only where it is further.
func (b *Union) hear(u *UnionCase, last *ownEffect, calendar *place.Calendar) error {
	said := &u.Said
	all := true
	err := b.intake.view(func(tx *store.Tx) (err error) {
		if last != nil {
			if _, all, err = b.intake.index.accepted(tx, last.log, last.place); err != nil {
				return err
			}
		}
		u.Words, err = unionIndex{b.intake.index}.about(tx, u.Number)
		return err
	})
	if err != nil {
		return err
	}
	u.heard = all
	if k := said.Certificate; k != nil && u.Certificate != nil && k.Number == u.Certificate.Number {
		u.Confirmed = k.State != protocol.CertificateWaits && k.State != protocol.CertificateRefused
	}
	if slices.ContainsFunc(u.Words, func(w Word) bool { return w.parts() }) {
		u.Elsewhere = true
		return nil
	}
	if said.Unanswered { // Its clock is ahead of this box's.
		u.expire(math.MaxInt64, calendar)
	}
	if said.Stage == "" {
		stage, err := application.ParseStage(u.Stage)
		u.Elsewhere = err == nil && u.Accepted && !stage.Open() // It ended so long ago that the hub says no more of it.
		return nil
	}
	if !all && said.Version <= u.State.Version || u.sameDesk(said) {
		return nil
	}
	if u.State.Stage == application.FeeDue && said.Stage == application.InPreparation.String() { // Paid elsewhere.
		pay := application.Event{Action: application.Pay, Amount: u.State.Owed, At: u.State.PayBy, Desk: application.Desk{Terms: u.way.Terms(u.State)}}
		u.turned(&pay, nil, time.UnixMilli(said.Since), calendar)
		return nil
	}
	ended := said.Stage == application.Closed.String() && u.State.Stage == application.Delivered
	u.Elsewhere = !ended
	return nil
}

// sameDesk reports whether the hub has the case where it stands here. A correction may have
// sent it back to a desk before, in the same stage: then the step that comes next is another.
// What the hub does not say counts as the same.
func (u *UnionCase) sameDesk(said *protocol.Standing) bool {
	if said.Stage != u.State.Stage.String() {
		return false
	}
	next, _ := u.way.Upcoming(u.State)
	return !u.State.Stage.Open() || (said.Office == "" || said.Office == u.State.Seat.Office) && (said.Next == "" || said.Next == next)
}

// Provisional reports whether the hub has yet to confirm what was issued.
func (u *UnionCase) Provisional() bool { return u.Certificate != nil && !u.Confirmed }
