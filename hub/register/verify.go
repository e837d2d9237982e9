package register

import (
	"kendro/domain/application"
	"kendro/protocol"
)

// Verify goes through every case's history again, by rules of its own, and calls
// fn with what breaks an invariant of the procedure (I1, I2, I6, I8, I10). It
// returns how many cases it has gone through.
func (r Cases) Verify(fn func(n protocol.Number, broken string)) (cases uint64, err error) {
	set := r.world.Load().set
	err = r.ForEachCase(func(c *Case) error {
		cases++
		v := verifier{c: c, decided: map[string]bool{}, done: map[string]bool{}}
		for i := range c.History {
			v.turn(uint64(i+1), &c.History[i])
		}
		if c.State.Version != uint64(len(c.History)) {
			v.bad("the state counts other events than the history has")
		}
		if set != nil && c.Held == "" && v.last != application.Refuse {
			if version, ok := set.ByHash(c.Pinned); !ok {
				v.bad("I8: the version that it pins is not here")
			} else if p := version.Procedure; p != nil && p.Issue != nil && v.issued {
				v.issue(p.Issue.Checks)
			}
		}
		for _, b := range v.broken {
			fn(c.Number, b)
		}
		return nil
	})
	return cases, err
}

// A verifier follows one history.
type verifier struct {
	c       *Case
	decided map[string]bool // Who stated a preliminary decision since the assignment.
	done    map[string]bool // Checks before the newest issue.
	last    application.Action

	overturned bool // The decision of the desk where it lies.

	open   bool // A demand.
	payBy  int64
	issued bool
	broken []string
}

func (v *verifier) bad(text string) { v.broken = append(v.broken, text) }

func (v *verifier) turn(version uint64, t *Turn) {
	if t.Version != version {
		v.bad("the history has a gap")
	}
	switch v.last {
	case application.Close, application.Revoke:
		if t.Action != application.Appeal && (t.Action != application.Revoke || v.last == application.Revoke) {
			v.bad("I6: a final state was left by " + t.Action.String())
		}
	case application.Reject, application.Withdraw, application.Link, application.Refuse:
		if t.Action != application.Appeal {
			v.bad("I6: a final state was left by " + t.Action.String())
		}
	case application.Lapse:
		if t.Action != application.Demand && (t.Action != application.Pay || t.Dated > v.payBy) {
			v.bad("I6: a lapse was undone by something else than a payment in time, or another term")
		}
	default:
	}
	switch t.Action {
	case application.Correct:
		if t.Overturns {
			clear(v.decided)
			v.overturned = true
		}
	case application.Accept, application.Supply:
		clear(v.decided)
		v.done[t.Check] = true // By an earlier case's scan.
	case application.Route, application.Take, application.Return, application.HandBack, application.Appeal:
		clear(v.decided)
		v.overturned = v.overturned && t.Action == application.Take
	case application.Decide:
		v.decided[t.Actor] = true
		v.overturned = false
	case application.Approve, application.Reject:
		if v.overturned {
			v.bad("row 11: it was ended on a decision that rested on what was then corrected")
		}
	case application.Forward:
		if !v.decided[t.Actor] {
			v.bad("I1: " + t.Actor + " forwarded without a preliminary decision of his own")
		}
		clear(v.decided)
	case application.Check:
		v.done[t.Check] = true
	case application.Issue:
		v.issued = true
	default:
		v.money(t)
	}
	v.last = t.Action
}

func (v *verifier) money(t *Turn) {
	switch t.Action {
	case application.Demand:
		if v.open && v.last != application.Lapse {
			v.bad("I10: two demands are open")
		}
		v.open, v.payBy = true, t.Dated
	case application.Void:
		v.open, v.payBy = true, t.Dated
	case application.Pay:
		v.open = t.Stage == application.FeeDue // Not all of it.
	default:
	}
}

// issue is I2, at the end: nothing that was required may still be missing.
func (v *verifier) issue(checks []string) {
	if st := &v.c.State; st.Paid < st.Review+st.Issue {
		v.bad("I2: issued before the money")
	}
	for _, id := range checks {
		if !v.done[id] {
			v.bad("I2: issued without the check " + id)
		}
	}
}
