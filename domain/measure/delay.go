// Package measure says how long cases take, and for whom they wait: what an office
// is measured by (R-OF7), computed from the events that a case's history holds.
//
// Enter at [Course.Delays] for one case and at [Tally] for an office. Both are
// functions of values: the same history gives the same figures, whoever asks. What
// lies between a counter and the register is the network's; what a case waits at a
// desk is the officer's, in office hours; while a clock stands still it is the
// citizen's. They add up to the whole.
//
// The package refuses to read a clock or a register, and to say who may see the
// figures.
package measure

import (
	"cmp"
	"slices"
	"time"

	"kendro/domain/application"
	"kendro/domain/catalogue"
	"kendro/domain/place"
)

// A Turn is one event of a case. Times are Unix milliseconds.
type Turn struct {
	At     int64 // When the register took it.
	Sent   int64 // When a centre noted it, by its own clock; 0: it came of no centre.
	Action application.Action
	Stage  application.Stage // After it.
	Seat   place.Seat        // Where the case lies after it.
	Actor  string            // Empty: the hub itself.
	Visit  string            // Why the applicant came with it, where the counter said so.
}

// A Course is what a case has been through.
type Course struct {
	Number  string
	Service string
	Mode    catalogue.Mode // How its artefact reaches the applicant.
	Filed   int64          // At the counter, by the legal date where there is one; Unix milliseconds.
	InHouse bool           // The applicant came for it: it was filed over a counter.
	Due     int64          // Unix seconds; 0 is none.
	Awaits  bool           // Another authority's register is waited for, now.
	Paid    int64          // For demands so far, in poisha.
	Channel catalogue.Channel
	Bill    Bill
	Turns   []Turn // In order.
}

// A Bill is what an application costs whoever made it, in poisha. That of an erased one
// is not known any more: the zero Bill.
type Bill struct {
	Charged   int64 // By its receipt and the version that it pins.
	Collected int64 // So far.
	Variance  int64 // By how much Charged is more than by the fees in force when it came.
}

// An Office says when officers work: each in the hours of the office where the case lies.
type Office struct {
	Calendar *place.Calendar
	Zone     *time.Location
}

// Delays are what the time of a case went to. They add up to the whole of it.
type Delays struct {
	Network time.Duration // Between a counter and the register.
	Officer time.Duration // At a desk, in office hours.
	Closed  time.Duration // At a desk, in nights and on closed days.
	Citizen time.Duration // The clock stood still: something was asked for, a fee due, nobody there to take it.
	Outside time.Duration // Another register, the post, or nobody's desk.
}

// Whole is the sum of all.
func (d Delays) Whole() time.Duration {
	return d.Network + d.Officer + d.Closed + d.Citizen + d.Outside
}

// A side is who is waited for.
type side uint8

const (
	over side = iota // Nobody.
	theOfficer
	theCitizen
	theOutside
)

// waits says for whom a case waits after a turn.
func (c *Course) waits(t *Turn) side {
	switch t.Stage {
	case application.Received, application.UnderReview, application.InPreparation, application.Paid:
		if t.Seat == (place.Seat{}) {
			return theOutside // No office has the desk.
		}
		return theOfficer
	case application.InfoRequested, application.FeeDue, application.FeeLapsed, application.Returned:
		return theCitizen
	case application.Ready:
		if c.Mode == catalogue.ByPost {
			return theOfficer // It is to be posted.
		}
		return theCitizen
	case application.Submitted, application.Posted:
		return theOutside
	default:
		return over
	}
}

// A leg is the time between two turns.
type leg struct {
	from, to int64 // Unix milliseconds.
	sent     int64 // From then on it was under way to the register.
	side     side
	first    *Turn // That it begins with; nil before the first.
	last     *Turn // That ends it; nil where the case is still there.
}

// live is how many of the turns until a moment count: none after the one that ends
// the case, such as the closing of what was handed over.
func (c *Course) live(until int64) int {
	n := 0
	for n < len(c.Turns) && c.Turns[n].At <= until {
		n++
	}
	for n > 1 && c.waits(&c.Turns[n-1]) == over && c.waits(&c.Turns[n-2]) == over {
		n--
	}
	return n
}

// legs calls fn with the time between turns, until a moment, and with the time
// after the last turn, which is none unless somebody is waited for. Between an end
// and an appeal it is the citizen who takes his time.
func (c *Course) legs(until int64, fn func(leg)) {
	turns := c.Turns[:c.live(until)]
	at := c.Filed
	if len(turns) > 0 {
		at = min(at, turns[0].At)
	}
	var first *Turn
	for i := range turns {
		t := &turns[i]
		l := leg{from: at, to: max(at, t.At), side: theCitizen, first: first, last: t}
		l.sent = l.to
		switch {
		case first == nil:
			l.sent = at
		case t.Sent != 0:
			l.sent = min(max(at, t.Sent), l.to)
		}
		if first != nil {
			if s := c.waits(first); s != over {
				l.side = s
			}
			if first.Stage == application.InPreparation && t.Action == application.Check && t.Actor == "" {
				l.side = theOutside // Another register has answered.
			}
		}
		fn(l)
		at, first = l.to, t
	}
	if first == nil {
		return
	}
	l := leg{from: at, to: at, sent: at, side: c.waits(first), first: first}
	if c.Awaits && first.Stage == application.InPreparation {
		l.side = theOutside
	}
	if l.side != over {
		l.to, l.sent = max(at, until), max(at, until)
	}
	fn(l)
}

// Delays returns what the time of the case went to until a moment, in Unix
// milliseconds. A case that is over counts to its end.
func (c *Course) Delays(o Office, until int64) (d Delays) {
	c.legs(until, func(l leg) {
		d.Network += millis(l.to - l.sent)
		waited := millis(l.sent - l.from)
		switch l.side {
		case theOfficer:
			worked := o.worked(l)
			d.Officer += worked
			d.Closed += waited - worked
		case theOutside:
			d.Outside += waited
		default:
			d.Citizen += waited
		}
	})
	return d
}

// worked is how much of the time at a desk lay in the hours of its office.
func (o Office) worked(l leg) time.Duration {
	return o.Calendar.WorkingTime(l.first.Seat.Office, time.UnixMilli(l.from).In(o.Zone), time.UnixMilli(l.sent).In(o.Zone))
}

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// End returns when the case was over or handed over, and when the office was done
// with it; 0 is not yet. An appeal makes neither of them so again.
func (c *Course) End() (disposed, ended int64) {
	for i := range c.Turns {
		t := &c.Turns[i]
		switch s := c.waits(t); {
		case s == over:
			if t.Stage == application.Approved && i+1 < len(c.Turns) { // The hub goes on by itself.
				continue
			}
			if disposed == 0 {
				disposed = t.At
			}
			if ended == 0 {
				ended = t.At
			}
		case t.Stage == application.Ready || t.Stage == application.Posted || t.Stage == application.Returned:
			if disposed == 0 {
				disposed = t.At
			}
		default:
			disposed, ended = 0, 0
		}
	}
	return disposed, ended
}

// A Visit is a day on which the applicant came, and what for.
type Visit struct {
	Day string   `json:"day"`           // 2006-01-02.
	For []string `json:"for"`           // Names of actions; the first is accept.
	Why []string `json:"why,omitempty"` // Reasons, each once; none of the first visit.
}

// whyCame is why somebody came for an act, where the counter did not say.
var whyCame = map[application.Action]string{application.Supply: "question", application.Pay: "payment", application.HandOver: "hand-over"}

// Visits returns the days on which the applicant stood at a counter (R-SV9): to
// file, to bring what was asked for, to put an answer right, to pay, to appeal, to withdraw, or to
// take what was issued.
func (c *Course) Visits(zone *time.Location) (list []Visit) {
	add := func(at int64, a application.Action, why string) {
		day := time.UnixMilli(at).In(zone).Format(time.DateOnly)
		if n := len(list); n == 0 || list[n-1].Day != day {
			list = append(list, Visit{Day: day})
		}
		v := &list[len(list)-1]
		v.For = append(v.For, a.String())
		if why != "" && !slices.Contains(v.Why, why) {
			v.Why = append(v.Why, why)
		}
	}
	if c.InHouse {
		add(c.Filed, application.Accept, "")
	}
	for i := range c.Turns {
		switch t := &c.Turns[i]; t.Action {
		case application.Supply, application.Correct, application.Pay, application.Appeal, application.HandOver, application.Withdraw:
			if t.Sent != 0 {
				add(t.Sent, t.Action, cmp.Or(t.Visit, whyCame[t.Action], "other"))
			}
		default:
		}
	}
	return list
}
