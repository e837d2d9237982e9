package register

import (
	"bytes"
	"slices"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// A Case is an application as the register holds it. The application itself, as
// the counter signed it, is the event at Log and At.
type Case struct {
	Number  protocol.Number `cbor:"1,keyasint"`
	Printed protocol.Number `cbor:"2,keyasint,omitempty"` // The number on the slip, where Number is an alias for it.

	Log protocol.LogID    `cbor:"3,keyasint"`
	At  protocol.Position `cbor:"4,keyasint"`

	Centre  place.Centre `cbor:"5,keyasint"` // That took it in; empty: a clerk of the hub's did.
	Area    place.Code   `cbor:"6,keyasint"`
	By      string       `cbor:"7,keyasint"` // Login of who took it in.
	Filed   int64        `cbor:"8,keyasint"` // The counter's clock, Unix milliseconds.
	Service string       `cbor:"9,keyasint"`
	Edition uint32       `cbor:"10,keyasint"` // The version of the service that it was made under …
	Pinned  dcat.Hash    `cbor:"11,keyasint"` // … and its hash; zero if the register doesn't know it.

	State    application.Case `cbor:"12,keyasint"`
	Accepted int64            `cbor:"13,keyasint"`           // The register's time, Unix milliseconds.
	Since    int64            `cbor:"14,keyasint"`           // Of the stage, Unix milliseconds.
	Due      int64            `cbor:"15,keyasint,omitempty"` // Unix seconds; 0 is not set.
	Held     string           `cbor:"16,keyasint,omitempty"` // Why it stands aside.
	Offices  []string         `cbor:"17,keyasint,omitempty"` // Where it lay, in order, now included.
	History  []Turn           `cbor:"18,keyasint"`

	Enclosed
	Dating
}

// Enclosed is what belongs to a case: its papers, and other cases that are it.
type Enclosed struct {
	// Receipt is what was printed, where the event came as recovered: Log and At are
	// then where it stands, and not what the receipt names.
	Receipt *protocol.Receipt `cbor:"19,keyasint,omitempty"`
	// Lacks are the documents that the application names and no quorum of the
	// servers holds (DOMAIN §7 row 22).
	Lacks []protocol.Hash `cbor:"22,keyasint,omitempty"`

	Primary protocol.Number   `cbor:"25,keyasint,omitempty"` // The case that this one is once more.
	Twins   []protocol.Number `cbor:"26,keyasint,omitempty"` // Cases that are this one once more.

	Record  *application.Record `cbor:"27,keyasint,omitempty"` // The old paper that it asks for.
	Outside *Outside            `cbor:"28,keyasint,omitempty"` // What another register has to say.
	Likely  protocol.Number     `cbor:"29,keyasint,omitempty"` // An earlier case that is likely about the same.

	Accused     *application.Accused `cbor:"30,keyasint,omitempty"` // Whom it is about, where it is a grievance.
	Certificate *Certificate         `cbor:"31,keyasint,omitempty"` // What was issued on it under a number.
	Waits       *Waiting             `cbor:"32,keyasint,omitempty"` // A decision of its union's that is to be confirmed.
	Parted      bool                 `cbor:"95,keyasint,omitempty"` // At its union's box it stands otherwise: the hub's desks have it.

	AskedAnew *AskedAnew        `cbor:"45,keyasint,omitempty"` // What a newer version asks in addition, where it goes on under that.
	Notice    *DateNotice       `cbor:"46,keyasint,omitempty"` // Of a delivery date that changes again and again.
	Succeeds  *protocol.Renewed `cbor:"70,keyasint,omitempty"` // The certificate that it asks to renew.
	Former    []Certificate     `cbor:"71,keyasint,omitempty"` // That were revoked before another was issued on it.
	Copies    []Copy            `cbor:"72,keyasint,omitempty"` // Prints of its certificates, the newest last.
	Basis
	Repaid

	Variance int64 `cbor:"40,keyasint,omitempty"` // By how much it costs more than by the version in force when it came, poisha.
}

// Dating is what the register makes of a counter's clock, and of the office's.
type Dating struct {
	Legal    int64 `cbor:"20,keyasint,omitempty"` // The legal date, Unix milliseconds; 0 before there was one.
	ClockOff int64 `cbor:"21,keyasint,omitempty"` // Milliseconds that the clock was off, where that is over ten minutes.
	Paused   int64 `cbor:"23,keyasint,omitempty"` // Since when the office's clock stands still, Unix seconds; 0: it runs.
	Timer    int64 `cbor:"24,keyasint,omitempty"` // When the hub looks at it by itself, Unix seconds; 0 is never.

	Erased int64 `cbor:"65,keyasint,omitempty"` // When what it told of its applicant was erased by order, Unix milliseconds; 0 is not.
}

// A Turn is one entry of a case's history. The file as an officer saw it at
// version n is every Turn up to n.
type Turn struct {
	Version uint64              `cbor:"1,keyasint"`
	At      int64               `cbor:"2,keyasint"` // The register's time, Unix milliseconds.
	Action  application.Action  `cbor:"3,keyasint"`
	Actor   string              `cbor:"4,keyasint,omitempty"`
	Seat    place.Seat          `cbor:"5,keyasint"` // Where the case lay after it.
	Opinion application.Opinion `cbor:"6,keyasint,omitempty"`
	Text    string              `cbor:"7,keyasint,omitempty"`
	Reason  string              `cbor:"8,keyasint,omitempty"`

	Items  []string `cbor:"9,keyasint,omitempty"`  // Request-info, supply, correct.
	Check  string   `cbor:"10,keyasint,omitempty"` // Check; accept and supply where an earlier case's scan does it.
	Amount int64    `cbor:"11,keyasint,omitempty"` // Demand, pay: poisha.
	Dated  int64    `cbor:"12,keyasint,omitempty"` // Pay: when it was paid. Supply, where there was a term: when it was brought. Demand, prepare, request-info: the last second that it gives. Unix seconds.
	Event  *Source  `cbor:"13,keyasint,omitempty"` // What a centre sent, where it comes of that.

	Document *protocol.Document `cbor:"14,keyasint,omitempty"` // What shows it.
	Stage    application.Stage  `cbor:"15,keyasint,omitempty"` // After it; not kept before format 3.

	Cites     []string `cbor:"50,keyasint,omitempty"` // Note, decide: answers that it rests on.
	Overturns bool     `cbor:"51,keyasint,omitempty"` // Correct: a decision rested on what it put right.
}

// A Source is an event of an uplink.
type Source struct {
	_   struct{} `cbor:",toarray"`
	Log protocol.LogID
	At  protocol.Position
}

// Custody names of a case in the register.
const (
	CustodyAccepted    = "ACCEPTED"
	CustodySeen        = "SEEN" // An officer has opened it.
	CustodyQuarantined = "QUARANTINED"
	CustodyErased      = "ERASED"
)

// Custody returns how far the case has come, as the citizen may know it.
func (c *Case) Custody() string {
	switch {
	case c.Erased != 0:
		return CustodyErased
	case c.Held != "":
		return CustodyQuarantined
	case slices.ContainsFunc(c.History, func(t Turn) bool { return t.Action == application.Take }):
		return CustodySeen
	}
	return CustodyAccepted
}

// standing is what the citizen may know of the case.
func (c *Case) standing(set *dcat.Set) protocol.Standing {
	st := protocol.Standing{
		Number: c.Number, Stage: c.State.Stage.String(), Since: c.Since,
		Expected: c.Due, Version: c.State.Version, Reason: c.Held,
	}
	if c.State.Stage.Open() {
		st.Office = c.State.Seat.Office
	} else {
		st.Expected = 0
	}
	if n := len(c.History); n > 0 && c.History[n-1].Reason != "" {
		st.Reason = c.History[n-1].Reason
	}
	c.publish(&st)
	if c.Accused != nil {
		st.Office = "" // Where it lies would tell whom it is about …
		if c.State.Asking() {
			st.Reason = "" // … and what an officer writes, what it is about.
		}
		return st
	}
	if set == nil || c.Held != "" {
		return st
	}
	if v, ok := set.ByHash(c.Pinned); ok {
		st.Next, st.NextName = application.Way{Version: v}.Upcoming(c.State)
	}
	return st
}

// publish adds what the citizen may know of payment, delivery and what he is asked
// for.
func (c *Case) publish(st *protocol.Standing) {
	if c.State.Asking() && !(question{c}).dropped() {
		st.Items, st.Reason = c.State.AskedFor(), c.lastText(application.RequestInfo)
		st.SupplyBy, st.Unanswered = c.State.SupplyBy, c.State.Unanswered
		if moved := c.AskedAnew != nil && c.Pinned == c.AskedAnew.Under; moved || c.WaitsAnew() {
			st.Under, st.Moved = c.AskedAnew.pin(c.Service), !c.WaitsAnew()
		}
	}
	switch c.State.Stage {
	case application.Rejected:
		if c.History[len(c.History)-1].Action == application.Refuse {
			st.Reason = c.lastText(application.Refuse)
		}
	case application.FeeDue:
		st.Owed, st.PayBy = c.State.Owed, c.State.PayBy
	case application.InPreparation, application.Ready, application.Posted, application.Returned:
		st.Mode, st.Expected = string(c.State.Mode), c.State.Promised
	default:
	}
	if c.State.Stage == application.Posted {
		st.Article = c.lastText(application.Dispatch)
	}
	if k := c.Certificate; k != nil {
		st.Certificate = &protocol.CertificateWord{Number: k.Number, State: k.State, Expires: k.Expires, By: k.By, Ended: k.Ended, Reason: k.Reason, Copies: c.copied(k.Number)}
	}
	st.Correction, st.Refund = c.Correction, c.refund()
	st.Overdue, st.AppealBy = c.State.Late > 0 && c.State.Stage.Open(), c.State.AppealBy
}

// lastText is what was written with the newest of an action.
func (c *Case) lastText(a application.Action) string {
	for _, t := range slices.Backward(c.History) {
		if t.Action == a {
			return clip(t.Text, protocol.MaxText)
		}
	}
	return ""
}

// taskState is the value of a task's key, which holds the rest.
type taskState struct {
	_       struct{} `cbor:",toarray"`
	Service string
	Edition uint32
	Stage   application.Stage
	Holder  string
	Since   int64
	Version uint64
	Centre  place.Centre
}

// Unrouted is the seat under which cases are listed that no desk serves. An
// office's code holds no @, so it is nobody's.
func Unrouted() place.Seat { return place.Seat{Post: "unrouted", Office: "@"} }

// queue is the seat under which an open case is listed.
func (c *Case) queue() place.Seat {
	if c.State.Seat == (place.Seat{}) {
		return Unrouted()
	}
	return c.State.Seat
}

// change moves a case on by one event and keeps it, with its task and the
// counters. The caller has checked that the event comes from who it says.
func (s *step) change(c *Case, e application.Event) error {
	before := *c
	e.Expect = cmpExpect(e, c)
	next, err := c.State.Apply(e)
	if err != nil {
		return err
	}
	c.State = next
	c.stand()
	if before.State.Stage != next.Stage || before.State.Seat != next.Seat {
		c.Since = s.meta.At
	}
	if office := next.Seat.Office; office != "" && !slices.Contains(c.Offices, office) {
		c.Offices = append(slices.Clip(c.Offices), office)
	}
	c.History = append(slices.Clip(c.History), Turn{
		Version: next.Version, At: s.meta.At, Action: e.Action, Actor: e.By.Name, Seat: next.Seat,
		Opinion: e.Opinion, Text: e.Text, Reason: e.Reason,
	})
	if s.format > 2 {
		c.History[len(c.History)-1].note(&e)
		c.History[len(c.History)-1].Stage = next.Stage
	}
	s.count(&before, c, e.Action)
	if s.format > 2 {
		courses{s}.run(&before, c, &e)
	}
	courses{s}.relist(&before, c)
	corrections{courses{s}}.move(&before, c)
	s.save(c)
	return nil
}

// relist takes a case off the lists in which it no longer stands.
func (s courses) relist(before, after *Case) {
	stands := after.lists()
	for _, k := range before.lists() {
		if !slices.ContainsFunc(stands, func(x []byte) bool { return bytes.Equal(x, k) }) {
			s.del(k)
		}
	}
}

// lists are the keys under which an open case is listed: at its desk, and at the
// superior's once it is overdue.
func (c *Case) lists() (keys [][]byte) {
	if !c.State.Stage.Open() {
		return nil
	}
	keys = append(keys, taskKey(c.queue(), c.Due, c.Number))
	if c.State.Above != (place.Seat{}) {
		keys = append(keys, taskKey(c.State.Above, c.Due, c.Number))
	}
	return keys
}

// cmpExpect lets the hub's own events act on the case as it stands.
func cmpExpect(e application.Event, c *Case) uint64 {
	if e.By == (application.Officer{}) {
		return c.State.Version
	}
	return e.Expect
}

// save writes a case and the task that lists it.
func (s *step) save(c *Case) {
	s.put(caseKey(c.Number), c)
	for _, k := range c.lists() {
		s.put(k, &taskState{
			Service: c.Service, Edition: c.Edition, Stage: c.State.Stage, Holder: c.State.Holder,
			Since: c.Since, Version: c.State.Version, Centre: c.Centre,
		})
	}
}

// count keeps the counters in step with a change.
func (s *step) count(before, after *Case, a application.Action) {
	st := &s.meta.Stats
	if before.State.Stage != application.None {
		st.Stages[before.State.Stage]--
	}
	st.Stages[after.State.Stage]++
	wasUnrouted := before.State.Stage.Open() && before.State.Seat == (place.Seat{})
	isUnrouted := after.State.Stage.Open() && after.State.Seat == (place.Seat{})
	switch {
	case isUnrouted && !wasUnrouted:
		st.Unrouted++
	case wasUnrouted && !isUnrouted:
		st.Unrouted--
	}
	cell := cellOf(s, after.Centre)
	cell.of(after.Service).happened(a, s.meta.At-after.Accepted)
}

// tell sends a case's new standing to its centre.
func (s *step) tell(c *Case) {
	if c.Primary != 0 && s.format > 2 {
		return // The primary speaks for it.
	}
	st := s.standing(c)
	s.append(s.world.inbox(c.Centre), &protocol.Event{
		Kind: protocol.CaseMoved, Number: c.Number, Base: c.State.Version, Payload: protocol.Marshal(&st),
	})
	for _, n := range c.Twins {
		courses{s}.tellTwin(n, st)
	}
}

// standing is what a centre is told of a case: what entries of a former format said.
func (s *step) standing(c *Case) protocol.Standing {
	st := c.standing(s.world.set)
	if s.format < 4 {
		st.Article = ""
	}
	return st
}

// tellTwin sends the standing of a case under the number of one that is it once
// more.
func (s courses) tellTwin(n protocol.Number, st protocol.Standing) {
	twin := &Case{}
	if !s.get(caseKey(n), twin) {
		return
	}
	st.Primary, st.Number = st.Number, n
	st.Version = 0 // The primary's counts its own events.
	s.append(s.world.inbox(twin.Centre), &protocol.Event{Kind: protocol.CaseMoved, Number: n, Payload: protocol.Marshal(&st)})
}
