package application

import (
	"fmt"
	"slices"

	"kendro/domain/catalogue"
	"kendro/domain/place"
)

// A DeadEnd is a situation from which no work leads to an end, or a declaration
// that no case ever comes to.
type DeadEnd struct {
	Step int // Of the service; -1: of none.
	Text string
}

// maxStates bounds an exploration; far more than a procedure for people has.
const maxStates = 100_000

// Explore goes every way that a case of this version can go, by the very rules of
// [Case.Apply], for every outcome of its rules, and returns what has no way out.
// May says what a post is allowed, by [Right].
func Explore(v *catalogue.Version, may func(post, right string) bool, superior func(post string) (string, bool)) []DeadEnd {
	x := explorer{way: Way{
		Version: v, Tracked: true, Superior: superior,
		Seat: func(post string) (place.Seat, bool) { return place.Seat{Post: post, Office: "o"}, post != "" },
	}, may: may, came: catalogue.Bits(0)}
	for _, rules := range outcomes(v) {
		for _, dues := range x.dues() {
			f := Found{Rules: rules, Dues: dues, Mode: catalogue.ByCentre}
			if rules.Has(catalogue.Scanned) {
				f.Done = v.Scan()
			}
			x.from(f)
			if len(x.found) > 0 {
				return x.found
			}
		}
	}
	for i, s := range v.Steps {
		if !x.came.Has(i) {
			x.found = append(x.found, DeadEnd{i, fmt.Sprintf("no case ever comes to the step of %q", s.Post)})
		}
	}
	return x.found
}

// outcomes are what the rules that steer a case may come to, together.
func outcomes(v *catalogue.Version) []catalogue.Bits {
	list := []catalogue.Bits{0}
	for i, r := range v.Rules {
		steers := slices.ContainsFunc(v.Steps, func(s catalogue.Step) bool { return s.When == r.ID || slices.Contains(s.Needs, r.ID) })
		if p := v.Procedure; p != nil && p.Issue != nil && p.Issue.When == r.ID {
			steers = true
		}
		if !steers {
			continue
		}
		for _, b := range list {
			list = append(list, b.With(i))
		}
	}
	if v.Scan() != 0 {
		for _, b := range list {
			list = append(list, b.With(catalogue.Scanned))
		}
	}
	return list
}

type explorer struct {
	way   Way
	may   func(post, right string) bool
	came  catalogue.Bits // Steps that some case came to.
	found []DeadEnd
}

// dues are the sums that stand for all: nothing, or something, at each moment at
// which the version has a line.
func (x *explorer) dues() []Dues {
	list := []Dues{{}}
	p := x.way.Version.Procedure
	if p == nil {
		return list
	}
	var before, after bool
	for _, f := range x.way.Version.Fees {
		at := f.At
		if at == "" {
			at = x.way.Version.FeeAt
		}
		before, after = before || at == catalogue.BeforeReview, after || at == catalogue.AfterApproval
	}
	if before {
		list = append(list, Dues{Review: 2})
	}
	if after {
		list = append(list, Dues{Issue: 2})
	}
	if before && after {
		list = append(list, Dues{Review: 2, Issue: 2})
	}
	return list
}

// from explores the cases whose answers come to this.
func (x *explorer) from(f Found) {
	first := x.way.First(f.Rules)
	if first.Seat == (place.Seat{}) {
		x.found = append(x.found, DeadEnd{-1, "where the rules come out so, no step is left to go to"})
		return
	}
	start, err := Case{}.Apply(Event{Action: Accept, Desk: first, Found: &f})
	if err != nil {
		x.found = append(x.found, DeadEnd{-1, err.Error()})
		return
	}
	start = settled(x.way, start)
	seen := map[Case]bool{start: true}
	back := map[Case][]Case{}
	queue := []Case{start}
	for len(queue) > 0 && len(seen) <= maxStates {
		c := queue[0]
		queue = queue[1:]
		if c.Step < len(x.way.Version.Steps) {
			x.came = x.came.With(c.Step)
		}
		for _, n := range x.next(c) {
			back[n] = append(back[n], c)
			if !seen[n] {
				seen[n] = true
				queue = append(queue, n)
			}
		}
	}
	if len(seen) > maxStates {
		x.found = append(x.found, DeadEnd{-1, "the procedure has more ways than can be proven: take steps, checks or rules away"})
		return
	}
	x.judge(f, start, seen, back)
}

// judge walks back from the ends.
func (x *explorer) judge(f Found, start Case, seen map[Case]bool, back map[Case][]Case) {
	var ended, granted []Case
	for c := range seen {
		yes := c.Stage == Closed || c.Stage == Approved && x.way.Over(c)
		if yes || c.Stage == Rejected {
			ended = append(ended, c)
		}
		if yes {
			granted = append(granted, c)
		}
	}
	out := reaches(ended, back)
	var worst *Case
	for c := range seen {
		if !out[c] && !x.way.Over(c) && (worst == nil || c.Step < worst.Step) {
			worst = &c
		}
	}
	if worst != nil {
		x.found = append(x.found, DeadEnd{min(worst.Step, len(x.way.Version.Steps)-1), fmt.Sprintf(
			"a case that is %s at %q comes to no end: nobody there may do what the procedure wants next", worst.Stage, worst.Seat.Post)})
		return
	}
	if !reaches(granted, back)[start] && x.grantable(f.Rules) {
		x.found = append(x.found, DeadEnd{len(x.way.Version.Steps) - 1, "no case can ever be approved and come to its end"})
	}
}

// grantable reports whether no rule that an approval needs stands in its way.
func (x *explorer) grantable(rules catalogue.Bits) bool {
	return !slices.ContainsFunc(x.way.Version.Steps, func(s catalogue.Step) bool {
		return slices.ContainsFunc(s.Needs, func(id string) bool { return !x.way.Version.Holds(rules, id) })
	})
}

func reaches(ends []Case, back map[Case][]Case) map[Case]bool {
	out := map[Case]bool{}
	for len(ends) > 0 {
		c := ends[0]
		ends = ends[1:]
		if !out[c] {
			out[c] = true
			ends = append(ends, back[c]...)
		}
	}
	return out
}

// worked are the actions by which work goes on. What a citizen may always do,
// withdraw, is no way out of a dead end, nor is a duplicate.
var worked = []Action{
	Take, Decide, Check, RequestInfo, Supply, Unanswered, Forward, Return, Approve, Reject, Pay, Lapse, Issue, HandOver, Dispatch, ComeBack, Close, Appeal, Escalate,
}

// next returns the situations that one action leads to.
func (x *explorer) next(c Case) []Case {
	var list []Case
	for _, a := range worked {
		for _, e := range x.events(c, a) {
			if n, err := c.Apply(e); err == nil {
				if n = settled(x.way, n); n != c {
					list = append(list, n)
				}
			}
		}
	}
	return list
}

// events are the ways to ask for an action.
func (x *explorer) events(c Case, a Action) []Event {
	v := x.way.Version
	e := sketch(c, a)
	switch a {
	case Reject, Close:
		e.Until = 2
	case Pay, Appeal:
		e.At = 1
	case Lapse, Unanswered:
		e.At = 3
	case RequestInfo:
		e.Until = 2 * int64(min(v.InfoDays, 1))
	default:
	}
	tos := []string{""}
	if a == Forward {
		for _, s := range v.Steps {
			tos = append(tos, s.Post)
		}
	}
	checks := []int{-1}
	if a == Check {
		checks = checks[:0]
		for i := range v.Checks {
			checks = append(checks, i)
		}
	}
	var list []Event
	for _, to := range tos {
		for _, check := range checks {
			d, err := x.way.Desk(c, a, to)
			if err != nil {
				continue
			}
			d.Check, e.Desk = check, d
			e.Desk.Check = check
			list = append(list, x.actors(c, e)...)
		}
	}
	return list
}

// actors are who may ask for it.
func (x *explorer) actors(c Case, e Event) []Event {
	by := hands[e.Action]
	if by&theOfficer == 0 || by&theCentre != 0 {
		return []Event{e}
	}
	seats := []place.Seat{c.Seat}
	switch {
	case e.Action == Appeal:
		seats = []place.Seat{e.Desk.Seat}
	case e.Action == Take && c.Above != (place.Seat{}):
		seats = append(seats, c.Above)
	}
	var list []Event
	for _, seat := range seats {
		if right := Right(e.Action); right == "" || x.may(seat.Post, right) {
			e.By = Officer{Name: "officer", Seat: seat}
			list = append(list, e)
		}
	}
	return list
}

// settled is the case after what the hub does by itself, with the counters that
// tell no two situations apart left out.
func settled(w Way, c Case) Case {
	for a := w.Follows(c); a != NoAction; a = w.Follows(c) {
		d, err := w.Desk(c, a, "")
		if err != nil {
			break
		}
		next, err := c.Apply(Event{Action: a, Expect: c.Version, Until: 2, At: 1, Desk: d})
		if err != nil {
			break
		}
		c = next
	}
	c.Version, c.Assignment, c.Returns, c.Late, c.From = 0, 0, 0, 0, place.Seat{}
	c.Issued = min(c.Issued, 1)
	if c.Stage == Received || c.Stage == UnderReview {
		return c
	}
	c.Promised = min(c.Promised, 1)
	return c
}
