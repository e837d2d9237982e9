package box

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"time"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// Desks say what waits at the desks of this box's union.
type Desks struct{ *Union }

// Tasks returns the open cases that wait at a seat, or in the whole office where the seat
// names no post: those that are due first at the front.
func (b Desks) Tasks(seat place.Seat) ([]*UnionCase, error) {
	list, err := b.which(func(u *UnionCase) bool {
		at := u.State.Seat
		return u.State.Stage.Open() && at.Office == seat.Office && (seat.Post == "" || at == seat)
	})
	slices.SortFunc(list, func(x, y *UnionCase) int { return byDue(x.Expected, x.Number, y) })
	return list, err
}

// byDue orders a case that is due, by number, and another: what has no date comes last.
func byDue(due int64, n protocol.Number, other *UnionCase) int {
	date := func(unix int64) int64 {
		if unix == 0 {
			return math.MaxInt64
		}
		return unix
	}
	return cmp.Or(cmp.Compare(date(due), date(other.Expected)), cmp.Compare(n, other.Number))
}

// Sooner reports whether a case that is due then, 0 is never, stands before another in the
// list of tasks.
func Sooner(due int64, n protocol.Number, other *UnionCase) bool { return byDue(due, n, other) < 0 }

// which returns the cases that this box's union decides, and fn picks.
func (b Desks) which(fn func(*UnionCase) bool) ([]*UnionCase, error) {
	numbers, err := b.atDesks()
	if err != nil {
		return nil, err
	}
	list := []*UnionCase{}
	for _, n := range numbers {
		u, err := b.UnionCase(n)
		switch {
		case errors.Is(err, fault.NotFound):
		case err != nil:
			return nil, err
		case !u.Elsewhere && fn(u):
			list = append(list, u)
		}
	}
	return list, nil
}

// Waiting returns the cases that wait for their applicant, as far as this box knows: what
// the hub has said, and where the union decides, what has happened here. Whose time is over, or ends first, comes first.
func (b *Box) Waiting() ([]*Case, error) {
	told, err := b.Cases.Waiting()
	if err != nil {
		return nil, err
	}
	list := []*Case{}
	for _, c := range told {
		if u, err := b.UnionCase(c.Number); err != nil || u.Elsewhere {
			list = append(list, c)
		}
	}
	here, err := b.which(func(u *UnionCase) bool { return waitsForApplicant(&u.Said, u.Stage) })
	for _, u := range here {
		list = append(list, u.Case)
	}
	slices.SortStableFunc(list, func(x, y *Case) int { return cmp.Compare(x.lastSecond(), y.lastSecond()) })
	return list, err
}

// lastSecond is until when the applicant has time for what a case waits for; far away where
// nothing says so.
func (c *Case) lastSecond() int64 {
	switch s := &c.Said; {
	case len(s.Items) > 0 && s.SupplyBy != 0:
		return s.SupplyBy
	case s.Owed > 0 && s.PayBy != 0:
		return s.PayBy
	}
	return math.MaxInt64
}

// atDesks returns the applications of services that the union may decide, which nobody
// has ended as far as the hub has said.
func (b Desks) atDesks() (numbers []protocol.Number, err error) {
	err = b.intake.view(func(tx *store.Tx) error {
		return tx.Scan([]byte(keyDesk), nil, func(_, value []byte) (bool, error) {
			var d deskEntry
			if err := protocol.Unmarshal(value, store.MaxValue, "index", &d); err != nil {
				return false, damagedIndex(err)
			}
			if _, told := b.Lease(d.Service); told {
				numbers = append(numbers, d.Number)
			}
			return true, nil
		})
	})
	return numbers, err
}

// A Bar is why nothing can be done about a case at this box.
type Bar string

// The bars. Empty is none.
const (
	BarEnded     Bar = "ended"     // The district has taken the lease back.
	BarNotYet    Bar = "not-yet"   // The lease is not this box's, or not yet.
	BarElsewhere Bar = "elsewhere" // The case is at the hub's desks, or waits there to be confirmed.
)

// Bar says why nobody can do anything about a case here, empty where somebody may.
func (b *Union) Bar(u *UnionCase) Bar {
	switch l := &u.Lease; {
	case l.Ended:
		return BarEnded
	case l.Token == 0 || l.Slot != b.intake.o.Enrolment.Slot || b.intake.o.Clock().Unix() < l.From:
		return BarNotYet
	case u.Elsewhere:
		return BarElsewhere
	}
	return ""
}

// Left is how many numbers of a lease are not used.
func (b Desks) Left(l *protocol.Lease) (uint64, error) {
	used, err := b.used(l)
	_, left := l.After(used)
	return left, err
}

// used is the highest number of a lease's certificates that was issued here.
func (b *Union) used(l *protocol.Lease) (used uint64, err error) {
	err = b.intake.view(func(tx *store.Tx) (err error) {
		used, err = lookup(tx, serialKey(l.Prefix))
		return err
	})
	return used, err
}

// stand says where a case stands by what its union has done with it here, in place of what
// the hub has said.
func (u *UnionCase) stand(cases *Cases) {
	s, w, said := &u.State, &u.Where, u.Said
	w.Stage, w.Since = s.Stage.String(), u.since()
	w.Office, w.Next = Named{}, Named{}
	if s.Stage.Open() {
		w.Office = cases.officeNamed(s.Seat.Office)
	}
	switch post, name := u.way.Upcoming(*s); {
	case post != "" && name.Complete():
		w.Next = Named{Code: post, Name: name}
	case post != "":
		w.Next = cases.postNamed(post)
	}
	w.Seen = w.Seen || slices.ContainsFunc(u.Turns, func(t Turn) bool { return t.Action == application.Take })
	if !u.heard || said.Expected == 0 {
		w.Expected = u.clock.Due
	}
	w.Said.Items, w.Said.Owed, w.Said.PayBy, w.Said.Mode, w.Said.AppealBy = nil, 0, 0, "", s.AppealBy
	w.Said.Question = protocol.Question{SupplyBy: s.SupplyBy, Unanswered: s.Unanswered} // It is no newer version that asks.
	if s.Asking() {
		w.Said.Items, w.Said.Reason = s.AskedFor(), u.why()
	}
	switch s.Stage {
	case application.FeeDue:
		w.Said.Owed, w.Said.PayBy = s.Owed, s.PayBy
	case application.InPreparation, application.Ready, application.Posted, application.Returned:
		w.Said.Mode = string(s.Mode)
	default:
	}
	u.Asks = u.Version
}

// since is when the stage began in which the case is.
func (u *UnionCase) since() time.Time {
	at := u.Turns[len(u.Turns)-1].At
	for _, t := range slices.Backward(u.Turns) {
		if t.Stage != u.State.Stage {
			break
		}
		at = t.At
	}
	return at
}

// why is what the officer wrote who asked the applicant for something.
func (u *UnionCase) why() string {
	for _, t := range slices.Backward(u.Turns) {
		if t.Action == application.RequestInfo {
			return t.Said.Text
		}
	}
	return ""
}
