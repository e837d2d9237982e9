package measure

import (
	"time"

	"kendro/domain/application"
	"kendro/domain/place"
)

// A Stay is the time that a case lies at one desk.
type Stay struct {
	Seat     place.Seat
	Officer  string // Who let it go, or has it now; empty: nobody took it.
	From, To int64  // Unix milliseconds; To is 0 while it lies there.
	Disposed bool   // The officer has done what the desk is for.
	Worked   time.Duration
}

// Stays returns where a case has lain until a moment, in order. A question to the
// applicant ends no stay, and the wait for the answer is not counted as work.
func (c *Course) Stays(o Office, until int64) (list []Stay) {
	var now *Stay
	c.legs(until, func(l leg) {
		if l.first == nil {
			return
		}
		t, waits := l.first, c.waits(l.first) == theOfficer
		if now != nil && (t.Seat != now.Seat || !waits && t.Stage != application.InfoRequested) {
			now.leave(t)
			list, now = append(list, *now), nil
		}
		if now == nil && waits {
			now = &Stay{Seat: t.Seat, From: t.At}
		}
		if now == nil {
			return
		}
		if t.Action == application.Take {
			now.Officer = t.Actor
		}
		if l.side == theOfficer {
			now.Worked += o.worked(l)
		}
	})
	if now != nil {
		list = append(list, *now)
	}
	return list
}

// leave ends a stay with the turn by which the case went away.
func (s *Stay) leave(t *Turn) {
	s.To = t.At
	switch t.Action {
	case application.Take, application.Withdraw: // A superior has it, or the applicant.
	default:
		if s.Disposed = t.Actor != ""; s.Disposed {
			s.Officer = t.Actor
		}
	}
}
