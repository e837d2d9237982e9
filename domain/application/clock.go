package application

import (
	"time"

	"kendro/domain/catalogue"
	"kendro/domain/place"
)

// Term returns the last second of the n-th calendar day after a moment, in the
// zone that it carries: what is due in 30 days may be paid on the 30th, up to
// midnight (R-LR3).
func Term(from time.Time, days int) int64 {
	y, m, d := from.Date()
	return time.Date(y, m, d+days+1, 0, 0, -1, 0, from.Location()).Unix()
}

// BroughtLate reports whether what an applicant brought at a moment came after the last second
// that he had for it, both in Unix seconds; where either is 0, it can't be said.
func BroughtLate(at, until int64) bool { return until != 0 && at > until }

// CertificateTerm returns the last second of a certificate that is issued at a moment, and
// renews one that ends at before, in Unix seconds; 0 for none.
func CertificateTerm(c *catalogue.Certificate, now time.Time, before int64) int64 {
	if c.Follows(now.Unix(), before) {
		now = time.Unix(before, 0).In(now.Location())
	}
	return Term(now, c.ValidDays)
}

// WorkTerm returns the last second of the n-th working day after a moment.
func WorkTerm(c *place.Calendar, from time.Time, days int) int64 {
	return Term(c.AddWorkingDays(from, days), 0)
}

// A Clock is an office's time for a case, both in Unix seconds.
type Clock struct {
	Due    int64 // 0: none.
	Paused int64 // Since when it stands still; 0: it runs.
}

// Turned returns the clock after a case went from one stage to another at a moment: it
// stands while the applicant is the one who is waited for.
func (k Clock) Turned(c *place.Calendar, was, is Stage, now time.Time) Clock {
	switch {
	case is.Stopped() && !was.Stopped():
		k.Paused = now.Unix()
	case was.Stopped() && !is.Stopped() && k.Paused != 0:
		k.Due = Resumed(c, k.Due, time.Unix(k.Paused, 0).In(now.Location()), now)
		k.Paused = 0
	}
	return k
}

// Resumed returns the due date of a clock that stood still from stopped until now:
// as many working days later as it stood. A due date of 0 stays none.
func Resumed(c *place.Calendar, due int64, stopped, now time.Time) int64 {
	if due == 0 {
		return 0
	}
	return WorkTerm(c, time.Unix(due, 0).In(now.Location()), c.WorkingDays(stopped, now))
}
