package register

import (
	"errors"
	"slices"
	"strings"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// Outcomes of matters, beside those of items.
const (
	outcomeRouted   = "routed"    // The case lies at a desk that the officer named.
	outcomePutRight = "put-right" // What was to be done is done.
)

// MatterOutcomes are what may come of a matter of a kind.
func MatterOutcomes(kind string) []string {
	switch kind {
	case MatterHeld:
		return []string{outcomeAccepted, outcomeRefused}
	case MatterUnrouted:
		return []string{outcomeRouted}
	case MatterNoCase:
		return []string{outcomeApplied, "refund", outcomePutRight, "dismissed"}
	}
	return []string{outcomePutRight, "dismissed"}
}

// A MatterEnd is the body of end-matter. Verdict and Finding are the leader's, of an
// application that was held and is accepted.
type MatterEnd struct {
	ID      string          `cbor:"1,keyasint"`
	Outcome string          `cbor:"2,keyasint"` // One of MatterOutcomes.
	Text    string          `cbor:"3,keyasint"`
	To      place.Seat      `cbor:"4,keyasint,omitzero"`  // Routed: the desk.
	Number  protocol.Number `cbor:"5,keyasint,omitempty"` // Applied: the case that was meant.
	Verdict Verdict         `cbor:"6,keyasint"`
	Finding *Finding        `cbor:"7,keyasint,omitempty"`
}

// ending is what stays the same when a request to end a matter is repeated: the leader may
// find something else then, and the first that is committed counts.
func (c *Command) ending() []byte {
	var b MatterEnd
	if protocol.Unmarshal(c.Body, MaxEntry, "body", &b) != nil {
		return c.Body
	}
	b.Verdict, b.Finding = Verdict{}, nil
	return protocol.Marshal(&b)
}

// An Ending is what came of a matter.
type Ending struct {
	ID      string          `cbor:"1,keyasint"`
	Kind    string          `cbor:"2,keyasint"`
	Number  protocol.Number `cbor:"3,keyasint,omitempty"`
	Owner   place.Seat      `cbor:"4,keyasint"`
	Centre  place.Centre    `cbor:"5,keyasint,omitempty"`
	Since   int64           `cbor:"6,keyasint"` // Unix milliseconds.
	Detail  string          `cbor:"7,keyasint,omitempty"`
	Outcome string          `cbor:"8,keyasint"`
	Words   string          `cbor:"9,keyasint"`
	By      string          `cbor:"10,keyasint"`
	At      int64           `cbor:"11,keyasint"` // Unix milliseconds.
}

func matterKey(id string) []byte { return sideKey(sideMatter, []byte(id)) }

// matterEnds carries out what officers say of matters. All of it is since format 4.
type matterEnds struct{ intake }

// end has an officer say what comes of a matter.
func (s matterEnds) end(c *Command, by access.Principal) Result {
	b, f := body[MatterEnd](c)
	if f != nil {
		return Result{Fault: f}
	}
	if access.ScopeOf(by.Role, access.WorkCase) == access.Never {
		return failed(fault.Denied, string(c.Method), "not yours to do: sign in as an officer")
	}
	m, err := matters{s.tx, s.world}.find(b.ID)
	s.keep(err)
	if m == nil {
		return failed(fault.NotFound, clip(b.ID, 64), "nothing of this name stands on the desk, or it is settled")
	}
	if err := access.May(by, access.WorkCase, access.Resource{Seat: m.Owner}); err != nil {
		return Result{Fault: failureOf(err)}
	}
	switch {
	case !slices.Contains(MatterOutcomes(m.Kind), b.Outcome):
		return failed(fault.Invalid, clip(b.Outcome, 64), "no such outcome: want one of "+strings.Join(MatterOutcomes(m.Kind), ", "))
	case strings.TrimSpace(b.Text) == "" || len(b.Text) > application.MaxText:
		return failed(fault.Invalid, m.ID, "write a text of 1 to 4096 bytes: it is what the citizen is told")
	}
	if f := s.does(m, &b, by); f != nil {
		return Result{Fault: f}
	}
	s.put(matterKey(m.ID), &Ending{
		ID: m.ID, Kind: m.Kind, Number: m.Number, Owner: m.Owner, Centre: m.Centre, Since: m.Since, Detail: m.Text,
		Outcome: b.Outcome, Words: b.Text, By: by.User, At: s.meta.At,
	})
	s.tellEnded(m, &b)
	return done(nil)
}

// does what an outcome says; most say only that something was done elsewhere.
func (s matterEnds) does(m *Matter, b *MatterEnd, by access.Principal) *protocol.Failure {
	c := &Case{}
	if m.Number != 0 && !s.get(caseKey(m.Number), c) {
		return refuse(fault.NotFound, m.Number.String(), "no case has this number")
	}
	switch {
	case m.Kind == MatterHeld && b.Outcome == outcomeAccepted:
		return s.accept(c, b, by)
	case m.Kind == MatterHeld:
		return s.turnDown(c, m, b, by)
	case m.Kind == MatterUnrouted:
		return s.route(c, b, by)
	case m.Kind == MatterNoCase && b.Outcome == outcomeApplied:
		return s.applyTo(m, b)
	}
	return nil
}

// accept lets an application that was set aside go on, as the leader finds it now: its
// version may have become known since. Its office's clock begins now.
func (s matterEnds) accept(c *Case, b *MatterEnd, by access.Principal) *protocol.Failure {
	e, ok := withheld{courses(s.intake)}.eventAt(&Source{Log: c.Log, At: c.At})
	if !ok {
		return refuse(fault.Conflict, c.Number.String(), "it can't be read, refuse it")
	}
	v := s.pinned(e.Pin)
	switch {
	case b.Verdict.Refused != "":
		return refuse(fault.Conflict, c.Number.String(), "it can't go on as it is, refuse it: "+clip(b.Verdict.Refused, 200))
	case v == nil:
		return refuse(fault.Conflict, c.Number.String(), whyVersion)
	case len(v.Steps) == 0:
		return refuse(fault.Conflict, c.Number.String(), whySteps)
	}
	c.Held, c.Pinned = "", v.Hash
	n := newcomer{s.intake, c, v, &e, b.Finding}
	n.note()
	n.begin(b.Verdict.Due)
	s.sign(c, 1, b.Text, by)
	s.tell(c)
	return nil
}

// sign puts an officer's words to what the hub did to a case because of them.
func (s matterEnds) sign(c *Case, turn int, words string, by access.Principal) {
	if turn < len(c.History) {
		c.History[turn].Text, c.History[turn].Actor = words, by.User
		s.put(caseKey(c.Number), c)
	}
}

// turnDown ends an application that was set aside. What was paid for it is to be paid back.
func (s matterEnds) turnDown(c *Case, m *Matter, b *MatterEnd, by access.Principal) *protocol.Failure {
	from := Source{Log: c.Log, At: c.At}
	it := &Item{Kind: m.Kind, Owner: m.Owner, Words: b.Text, By: by.User, Event: from, Centre: c.Centre}
	var sub protocol.Submission
	if e, ok := (withheld{courses(s.intake)}).eventAt(&from); ok && e.Decode(&sub) == nil {
		it.Amount = sumOf(sub.Fees)
	}
	withheld{courses(s.intake)}.turnDown(c, it)
	return nil
}

// route sends a case that found no desk to the one that an officer names.
func (s matterEnds) route(c *Case, b *MatterEnd, by access.Principal) *protocol.Failure {
	dir := s.world.set.Directory
	post, ok := dir.Post(clip(b.To.Post, 64))
	office, ok2 := dir.Office(clip(b.To.Office, 64))
	if !ok || !ok2 || office.Level != post.OfficeLevel {
		return refuse(fault.Invalid, clip(b.To.String(), 64), "want the desk to which it goes, as post@office: no such office, or it has no such post")
	}
	if c.Accused != nil {
		if why := (grievances{courses(s.intake)}).roster().Conflict(c.Accused, b.To); why != "" {
			return refuse(fault.Conflict, b.To.String(), "may not have this grievance: "+string(why))
		}
	}
	err := s.change(c, application.Event{Action: application.Route, Desk: application.Desk{Step: c.State.Step, Seat: b.To}})
	if err != nil {
		return failureOf(err)
	}
	s.sign(c, len(c.History)-1, b.Text, by)
	s.tell(c)
	return nil
}

// applyTo books a payment that named a case which is not here on the one that was meant.
func (s matterEnds) applyTo(m *Matter, b *MatterEnd) *protocol.Failure {
	c := &Case{}
	if !s.get(caseKey(b.Number), c) {
		return refuse(fault.NotFound, b.Number.String(), "no case has this number: name the one that was meant")
	}
	e, ok := withheld{courses(s.intake)}.eventAt(&m.from)
	owner := s.world.ownerOf(m.from.Log)
	if !ok || owner == nil || e.Kind != protocol.PaymentTaken || c.Held != "" {
		return refuse(fault.Conflict, m.ID, "only a payment can be applied to a case, and to none that is set aside")
	}
	if c.Waits != nil { // It would wait with the decision, and here as well.
		return refuse(fault.Conflict, m.ID, "a decision of the union waits to be confirmed: settle the item "+c.Waits.Item+" first")
	}
	e.Number = b.Number
	f := &follower{
		courses: courses(s.intake), c: c, e: &e, from: m.from, owner: owner, judged: &Verdict{},
		legal: min(e.At, s.meta.At), doubt: true, try: true, // Its date was never compared with what its box knew.
	}
	before := c.State.Version
	f.place()
	if c.State.Version == before {
		return refuse(fault.Conflict, b.Number.String(), "the case does not take it: "+clip(f.why, 200))
	}
	return nil
}

// tellEnded tells the centre what came of a matter that is about a case which it knows.
func (s matterEnds) tellEnded(m *Matter, b *MatterEnd) {
	n := m.Number
	if m.Kind == MatterTwice || m.Kind == MatterNoCase {
		n = m.Other // As the slip has it.
	}
	if n == 0 || m.Centre == "" {
		return
	}
	s.append(s.world.inbox(m.Centre), &protocol.Event{
		Kind: protocol.SetAside, Number: n, Payload: protocol.Marshal(&protocol.Aside{
			Number: n, Log: m.from.Log, At: m.from.At, Kind: m.Kind, Text: clip(b.Text, protocol.MaxText), Outcome: b.Outcome,
		}),
	})
}

// Endings returns what came of matters, the newest first, at most limit.
func (r Desk) Endings(limit int) ([]*Ending, error) {
	all, err := list[Ending](r.state, sideKey(sideMatter))
	slices.SortFunc(all, func(a, b *Ending) int { return int(b.At - a.At) })
	return all[:min(len(all), limit)], err
}

// HeldEvent returns the application that a matter is about, as it stands in its uplink, or
// [fault.NotFound] where nothing of this name is held.
func (r Desk) HeldEvent(id string) (it protocol.Item, err error) {
	err = r.base.View(func(v View) error {
		m, err := matters{v, r.world.Load()}.find(id)
		if err != nil {
			return err
		}
		if m == nil || m.Kind != MatterHeld {
			return fault.New("register.HeldEvent", fault.NotFound, clip(id, 64), "nothing of this name is held")
		}
		raw, err := v.Get(eventKey(m.from.Log, m.from.At.Seq))
		if err == nil && len(raw) <= len(it.Hash) {
			err = errors.New("the event is cut off")
		}
		if err != nil {
			return fault.Wrap("register.HeldEvent", fault.Damaged, m.Number.String(), err)
		}
		it.Seq, it.Raw = m.from.At.Seq, slices.Clone(raw[len(it.Hash):])
		return nil
	})
	return it, err
}
