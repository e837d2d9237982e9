package register

import (
	"slices"

	"kendro/domain/application"
	"kendro/domain/fault"
)

// A question to an applicant has a term where the version that asks gives it one. When it is
// over nobody is rejected by that: the desk which asked has the case again, marked, with its
// clock running, and an officer decides with what is there. What comes late is taken as long as
// nothing is decided. All of it is since format 4.

// whyInTime is why an answer is an item that was brought in its time and came too late.
const whyInTime = "it was brought within its term, and the case was decided before it came here: look at the decision again"

// expire has the case go on without an answer whose term was over when a union's officer acted,
// and reports whether his act can be looked at. A box without a link knows the end of a term by
// itself, and its acts after it may be here before the hub's own tick.
func (f *follower) expire(at int64) bool {
	if st := &f.c.State; st.Stage != application.InfoRequested || st.SupplyBy == 0 || at <= st.SupplyBy {
		return true
	}
	w, fail := f.way(f.c)
	if fail != nil {
		return false
	}
	if err := f.self(f.c, w, application.Unanswered); err != nil {
		f.keep(fault.Wrap("register.Apply", fault.Internal, f.c.Number.String(), err))
		return false
	}
	return true
}

// decidedBefore reports whether an answer was brought within the term of the newest question,
// and the case decided meanwhile.
func (f *follower) decidedBefore() bool {
	if f.doubt || !f.c.State.Stage.Decided() {
		return false
	}
	for _, t := range slices.Backward(f.c.History) {
		if t.Action == application.RequestInfo {
			return t.Dated != 0 && f.legal/1000 <= t.Dated
		}
	}
	return false
}
