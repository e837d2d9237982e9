package register

import (
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/measure"
	"kendro/domain/place"
	"kendro/protocol"
)

// Course returns what a case has been through, for [measure.Tally]: its turns, with
// the counters' own times where a centre sent them.
func (r Cases) Course(c *Case) (*measure.Course, error) {
	_, sub, err := r.Submission(c)
	if err != nil && c.Erased == 0 { // Of an erased case the register's own times are left.
		return nil, err
	}
	out := &measure.Course{
		Number: c.Number.String(), Service: c.Service, Mode: c.State.Mode, Filed: c.Filed,
		Due: c.Due, Paid: c.State.Paid, Awaits: c.Outside != nil && c.Outside.Since != 0,
	}
	if c.Legal != 0 {
		out.Filed = c.Legal
	}
	if c.Erased == 0 {
		with := sumOf(sub.Fees)
		out.Channel = dcat.Channel(sub.Channel)
		out.Bill = measure.Bill{Charged: with + c.State.Review + c.State.Issue, Collected: with + c.State.Paid, Variance: c.Variance}
	}
	switch out.Channel {
	case dcat.Counter, dcat.AtCentre, dcat.UNOOffice:
		out.InHouse = true
	default: // By post, fax, telephone or over the network nobody came.
	}
	stage := application.None
	err = r.base.View(func(v View) error {
		for i := range c.History {
			t := &c.History[i]
			if stage = t.Stage; stage == application.None { // Before format 3.
				stage = application.After(before(out), t.Action)
			}
			turn := measure.Turn{At: t.At, Action: t.Action, Stage: stage, Seat: t.Seat, Actor: t.Actor}
			if t.Event != nil && c.Erased == 0 {
				e, err := sent(v, t.Event)
				if err != nil {
					return err
				}
				turn.Sent, turn.Visit = e.At, e.Visit.String()
			}
			out.Turns = append(out.Turns, turn)
		}
		return nil
	})
	return out, err
}

// before is the stage after the turns so far.
func before(c *measure.Course) application.Stage {
	if n := len(c.Turns); n > 0 {
		return c.Turns[n-1].Stage
	}
	return application.None
}

// Newest returns when the newest event of a box that the register has was noted, by
// the counter's clock and not after the register's time; the enrolment where there is
// none. Unix milliseconds.
func (r Logs) Newest(n *Node) (int64, error) {
	newest := n.EnrolledAt
	heads, err := r.Cursors(n.Slot)
	if err != nil {
		return 0, err
	}
	for _, h := range heads {
		if h.At.Seq == 0 {
			continue
		}
		raw, err := r.LogEvent(h.Log, h.At.Seq)
		if err != nil {
			continue // Inside a quarantined block nobody reads it.
		}
		e, err := protocol.DecodeEvent(raw)
		if err != nil {
			continue // It stands aside, and says nothing.
		}
		newest = max(newest, e.At)
	}
	return min(newest, max(r.meta.Load().At, n.EnrolledAt)), nil
}

// A ReportAsked says which report somebody looks at.
type ReportAsked struct {
	Area place.Code `cbor:"1,keyasint"`
	From string     `cbor:"2,keyasint"` // A day, 2006-01-02.
	To   string     `cbor:"3,keyasint"`
}

// A ReportLook is one look at what an area's desks and officers have come to.
type ReportLook struct {
	ReportAsked
	User string `cbor:"4,keyasint"`
	At   int64  `cbor:"5,keyasint"` // Unix milliseconds.
}

// lookReport records that somebody reads a report, if he may.
func (s desks) lookReport(c *Command, by access.Principal) Result {
	b, f := body[ReportAsked](c)
	if f != nil {
		return Result{Fault: f}
	}
	on := access.Resource{}
	if s.world.set != nil {
		on.Areas = access.In(s.world.set.Directory, b.Area)
	}
	if err := access.May(by, access.ReadReport, on); err != nil {
		return Result{Fault: failureOf(err)}
	}
	b.Area, b.From, b.To = place.Code(clip(string(b.Area), 64)), clip(b.From, 10), clip(b.To, 10)
	s.part++
	s.put(key(tagReportLook, u64(s.index), u32(s.part)), &ReportLook{User: by.User, At: s.meta.At, ReportAsked: b})
	s.meta.Stats.Looks++
	return done(nil)
}

// ReportLooks returns who looked at reports, oldest first.
func (r Cases) ReportLooks() ([]*ReportLook, error) {
	return list[ReportLook](r.state, key(tagReportLook))
}
