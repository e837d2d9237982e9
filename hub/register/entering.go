package register

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// What reaches an office itself (by post, fax or telephone, at its door, out of another
// system) a clerk enters at the hub. It stands in a log like a box's, which the register
// writes itself under a slot of the hub's own, and is from there on what a box sent: an
// application, or something on a case that is here. Such a case has no centre. All of it
// is since format 4.

// An Entering is the body of enter. Of Event count Kind, Number, Nonce, Pin and Payload.
// Verdict and Finding are the leader's.
type Entering struct {
	Request protocol.Hash  `cbor:"1,keyasint"` // SHA-256 of what was asked for: with the ID it is what tells two requests apart.
	Event   protocol.Event `cbor:"2,keyasint"`
	Area    place.Code     `cbor:"3,keyasint,omitempty"` // Of an application: where its applicant lives, which routes it.
	Verdict Verdict        `cbor:"4,keyasint"`
	Finding *Finding       `cbor:"5,keyasint,omitempty"`
}

// An Entered answers enter: what a receipt says. Before: the application had been taken
// over from the other system already, and nothing was done.
type Entered struct {
	Number protocol.Number   `cbor:"1,keyasint"`
	Log    protocol.LogID    `cbor:"2,keyasint"`
	At     protocol.Position `cbor:"3,keyasint"`
	Issued int64             `cbor:"4,keyasint"` // Unix milliseconds.
	Fees   []protocol.Fee    `cbor:"5,keyasint,omitempty"`
	Pin    *protocol.Pin     `cbor:"6,keyasint,omitempty"`
	Before bool              `cbor:"7,keyasint,omitempty"`
}

// asked is what stays the same when a request to enter something is repeated: nonce and
// verdict may be others then, and the first that is committed counts.
func (c *Command) asked() []byte {
	var b struct {
		Request protocol.Hash `cbor:"1,keyasint"`
	}
	if protocol.Unmarshal(c.Body, MaxEntry, "body", &b) != nil {
		return c.Body
	}
	return b.Request[:]
}

// The slots under which the hub takes in what reaches it itself. A register that begins
// anew takes another than the one before: nobody knows which numbers were given there.
const (
	firstOwnIntake = 2
	ownIntakes     = 8
	slotsOfOneLife = 1000 // At least so far apart do the boxes' slots of two registers begin.
)

// ownLog is the log of what the hub took in itself.
func (w *world) ownLog() protocol.LogID {
	slot := firstOwnIntake
	if a := w.founding.Anew; a != nil {
		slot += min(a.FirstSlot/slotsOfOneLife, ownIntakes-1)
	}
	return protocol.LogID{Channel: protocol.Uplink, Name: w.founding.District + "-" + slotName(slot), Incarnation: w.founding.Incarnation}
}

// entries takes in what clerks enter.
type entries struct{ intake }

// enter keeps what a clerk entered, and does what it says.
func (s entries) enter(c *Command, by access.Principal) Result {
	if err := access.May(by, access.Enter, access.Resource{Seat: by.Seat}); err != nil {
		return Result{Fault: failureOf(err)}
	}
	b, f := body[Entering](c)
	if f != nil {
		return Result{Fault: f}
	}
	e := &protocol.Event{
		Kind: b.Event.Kind, Actor: by.User, Post: by.Seat.Post, Number: b.Event.Number, Pin: b.Event.Pin, Nonce: b.Event.Nonce, Payload: b.Event.Payload,
		At: s.meta.At, Checkpoint: s.index,
	}
	raw, err := e.Encode()
	if err == nil {
		_, err = protocol.DecodeEvent(raw)
	}
	switch {
	case err != nil:
		return failed(fault.Invalid, "event", "what was entered can't be kept: it is malformed, or too long")
	case e.Kind == protocol.Submitted:
		return s.application(e, &b, by)
	}
	return s.onCase(e, raw, &b, by)
}

// application makes a case of an application.
func (s entries) application(e *protocol.Event, b *Entering, by access.Principal) Result {
	var sub protocol.Submission
	if e.Decode(&sub) != nil || sub.Elsewhere != nil && sub.Elsewhere.Check() != nil {
		return failed(fault.Invalid, "event", "the application cannot be read")
	}
	if n, known := s.taken(sub.Elsewhere); known {
		return s.again(n)
	}
	if b.Verdict.Refused != "" {
		return failed(fault.Invalid, "application", clip(b.Verdict.Refused, 200))
	}
	v := s.pinned(e.Pin)
	_, gone := s.world.over.services[e.Pin.Service]
	switch {
	case gone:
		return failed(fault.NotFound, clip(e.Pin.Service, 64), "the service was withdrawn: no application under any version of it is taken")
	case v == nil || len(v.Steps) == 0 || !v.Allows(dcat.Channel(sub.Channel)):
		return failed(fault.Conflict, clip(e.Pin.Service, 64), "this version of the service is not known here, has no desk or is not offered so: begin with the form again")
	}
	log := s.world.ownLog()
	n, err := s.draw(log, e)
	if err != nil {
		return Result{Fault: failureOf(err)}
	}
	at := s.append(log, e)
	s.meta.Stats.Accepted++
	c := &Case{Number: n, Log: log, At: at, Area: place.Code(clip(string(b.Area), 64)), Offices: []string{by.Seat.Office}, Dating: Dating{Legal: s.meta.At}}
	s.admit(c, e, &b.Verdict, &Node{}, b.Finding)
	s.held = nil // No box waits for that word.
	if sub.Elsewhere != nil {
		s.set(s.elsewhereKey(sub.Elsewhere), u64(uint64(n)))
	}
	return done(&Entered{Number: n, Log: log, At: at, Issued: s.meta.At, Fees: sub.Fees, Pin: e.Pin})
}

// onCase does what a clerk entered on a case that his office took in, as if its centre
// had sent it.
func (s entries) onCase(e *protocol.Event, raw []byte, b *Entering, by access.Principal) Result {
	c := &Case{}
	if !slices.Contains([]protocol.Kind{protocol.Supplied, protocol.Withdrawn}, e.Kind) {
		return failed(fault.Invalid, "event", "a clerk enters no such thing")
	}
	if !s.get(caseKey(e.Number), c) {
		return failed(fault.NotFound, e.Number.String(), "no case has this number")
	}
	if c.Erased != 0 {
		return failed(fault.Conflict, e.Number.String(), "it was erased by order: nothing more is entered on it")
	}
	if c.Centre != "" {
		return failed(fault.Denied, e.Number.String(), "a centre took the application in: the applicant goes there")
	}
	if err := access.May(by, access.Enter, access.Resource{Offices: c.Offices[:min(len(c.Offices), 1)]}); err != nil {
		return Result{Fault: failureOf(err)}
	}
	log := s.world.ownLog()
	at := s.log(log).At
	at = protocol.Position{Seq: at.Seq + 1, Hash: protocol.ChainHash(log, at.Seq+1, at.Hash, raw)}
	f := &follower{
		courses: courses(s.intake), found: b.Finding, judged: &b.Verdict, e: e, owner: &Node{}, try: true, c: c,
		from: Source{Log: log, At: at}, legal: s.meta.At,
	}
	before := c.State.Version
	f.place()
	s.held = nil
	if c.State.Version == before { // It was looked at, and changed nothing: the log doesn't get it.
		return failed(fault.Conflict, e.Number.String(), f.why)
	}
	s.append(log, e)
	s.meta.Stats.Accepted++
	s.meta.Stats.Followed++
	res := done(&Entered{Number: e.Number, Log: log, At: at, Issued: s.meta.At})
	res.Version = c.State.Version
	return res
}

// draw gives an application a number that no case has, and the nonce from which it
// follows.
func (s entries) draw(log protocol.LogID, e *protocol.Event) (protocol.Number, error) {
	first := e.Nonce
	for try := uint64(0); ; try++ {
		n, err := s.mint(log, e)
		if err != nil || !s.has(caseKey(n)) {
			return n, err
		}
		h := sha256.New()
		h.Write([]byte("kendro-entry-1\x00"))
		h.Write(first)
		h.Write(binary.BigEndian.AppendUint64(nil, try))
		e.Nonce = h.Sum(nil)[:protocol.NonceSize]
	}
}

func (s entries) elsewhereKey(e *protocol.Elsewhere) []byte {
	return key(tagElsewhere, nameKey(s.world.founding.Incarnation, "elsewhere", e.System, e.Number))
}

// taken is the case that was made of another system's application, if one was.
func (s entries) taken(e *protocol.Elsewhere) (protocol.Number, bool) {
	if e == nil {
		return 0, false
	}
	v, ok := s.raw(s.elsewhereKey(e))
	if !ok || len(v) != 8 {
		return 0, false
	}
	return numberOf(v), true
}

// again answers with what was taken over before.
func (s entries) again(n protocol.Number) Result {
	c := &Case{}
	if !s.get(caseKey(n), c) {
		return failed(fault.NotFound, n.String(), "no case has this number")
	}
	a := &Entered{Number: n, Log: c.Log, At: c.At, Issued: c.Filed, Before: true}
	k := eventKey(c.Log, c.At.Seq)
	if stored, ok := s.raw(k); ok && !bare(stored) {
		e, err := eventOf(k, stored)
		s.keep(err)
		var sub protocol.Submission
		if e.Decode(&sub) == nil {
			a.Fees, a.Pin = sub.Fees, e.Pin
		}
	}
	return done(a)
}
