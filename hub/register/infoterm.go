package register

import (
	"slices"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// A question to an applicant has a term where the version that asks gives it one. When it is
// over nobody is rejected by that: the desk which asked has the case again, marked, with its
// clock running, and an officer decides with what is there. What comes late is taken as long as
// nothing is decided. All of it is since format 4.

// whyInTime is why an answer is an item that was brought in its time and came too late.
const whyInTime = "it was brought within its term, and the case was decided before it came here: look at the decision again"

// A question is the newest that the applicant of a case was asked.
type question struct{ c *Case }

// over reports whether its term is over at a moment, in Unix seconds, and the case waits still.
func (q question) over(at int64) bool {
	st := &q.c.State
	return st.Stage == application.InfoRequested && st.SupplyBy != 0 && at > st.SupplyBy
}

// decided reports whether what was brought at a moment was within its term, and the case is
// decided meanwhile.
func (q question) decided(at int64) bool {
	if !q.c.State.Stage.Decided() {
		return false
	}
	for _, t := range slices.Backward(q.c.History) {
		if t.Action == application.RequestInfo {
			return t.Dated != 0 && at <= t.Dated
		}
	}
	return false
}

// dropped reports whether it was what a newer version asks, and an officer has taken the case
// up under its own, since nobody had brought it: that is asked for no more.
func (q question) dropped() bool {
	c := q.c
	return c.AskedAnew != nil && c.State.Unanswered && c.Pinned != c.AskedAnew.Under && !c.WaitsAnew() && c.lastText(application.RequestInfo) == protocol.WhyAnew
}

// expire has the case go on without an answer whose term was over when a union's officer acted,
// and reports whether his act can be looked at. A box without a link knows the end of a term by
// itself, and its acts after it may be here before the hub's own tick.
func (s askings) expire(c *Case, at int64) bool {
	if !(question{c}).over(at) {
		return true
	}
	w, fail := s.way(c)
	if fail != nil {
		return false
	}
	if err := s.self(c, w, application.Unanswered); err != nil {
		s.keep(fault.Wrap("register.Apply", fault.Internal, c.Number.String(), err))
		return false
	}
	return true
}
