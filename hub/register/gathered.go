package register

import (
	"time"

	"kendro/domain/application"
)

// gatherFor is how long further changes of one delivery date are gathered up after a notice
// (row 18). A telephone call back and forth between two offices takes minutes; half an hour is
// soon enough for who comes on another day.
const gatherFor = 30 * minute

// A DateNotice is what the centre was told of a delivery date that offices keep changing. It
// lies in the case, so a leader that ends takes nothing with it.
type DateNotice struct {
	Told int64 `cbor:"1,keyasint,omitempty"` // When the newest gathered notice went, Unix milliseconds.
	Due  int64 `cbor:"2,keyasint,omitempty"` // When the next goes, Unix seconds; 0: nothing is gathered.
}

// gathering reports whether a change waits to be told.
func (n *DateNotice) gathering() bool { return n != nil && n.Due != 0 }

// gather lets a change of the delivery date wait where one was told a short while ago. All of it
// is since format 4.
func (s courses) gather(before, c *Case, e *application.Event) {
	moved := e.Action == application.Prepare && before.State.Promised != c.State.Promised
	switch {
	case s.format < 4:
	case c.State.Stage != application.InPreparation || before.State.Stage != application.InPreparation:
		c.Notice = nil // The centre hears of the stage, and the date with it.
	case e.Action == application.Escalate && c.Notice.gathering():
		c.Notice = &DateNotice{Told: s.meta.At} // As above.
	case moved && !c.Notice.gathering():
		if told := dateTold(c); told != 0 && s.meta.At < told+gatherFor {
			c.Notice = &DateNotice{Due: (told + gatherFor) / time.Second.Milliseconds()}
		}
	default:
	}
}

// dateTold is when the centre last heard that the delivery date had changed, 0 for never. The
// newest turn is the change that is about to be told.
func dateTold(c *Case) (at int64) {
	if c.Notice != nil {
		at = c.Notice.Told
	}
	for i := len(c.History) - 2; i >= 0; i-- {
		t := &c.History[i]
		if t.Stage != application.InPreparation {
			break
		}
		if t.Action == application.Prepare && t.Actor != "" {
			return max(at, t.At)
		}
	}
	return at
}

// tellGathered sends the notice of a delivery date for which its changes waited. It reports
// whether that was all that had fallen due.
func (s courses) tellGathered(c *Case) bool {
	now := s.now().Unix()
	if !c.Notice.gathering() || c.Notice.Due > now {
		return false
	}
	before := *c
	c.Notice = &DateNotice{Told: s.meta.At}
	s.wind(&before, c)
	s.put(caseKey(c.Number), c)
	s.tell(c)
	return c.Timer == 0 || c.Timer > now
}
