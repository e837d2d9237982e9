package register

import (
	"strings"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// Some of what a case needs, another authority's register has to say: the number of
// a birth. A check that names a connector is such a thing. While it is not done, a case
// in preparation waits in a queue, oldest first; the leader asks, and what it hears is
// a command. All of it is since format 4.

// An Outside is what a case has to do with another authority's register.
type Outside struct {
	Since   int64  `cbor:"1,keyasint,omitempty"` // In the queue, Unix milliseconds; 0: not in it.
	Number  string `cbor:"2,keyasint,omitempty"` // What the other register gave; the first stands (DOMAIN §7 row 33).
	Refused string `cbor:"3,keyasint,omitempty"` // Why it gave none, until an officer has it asked again.
}

// A Heard is the body of heard: what another register said about a case.
type Heard struct {
	Connector string `cbor:"1,keyasint"`
	Number    string `cbor:"2,keyasint,omitempty"` // It is registered under this one.
	Refused   string `cbor:"3,keyasint,omitempty"` // It never will be, in its words.
}

// maxHeard bounds another register's words.
const maxHeard = 400

// outsiders keeps the queue towards other registers.
type outsiders struct{ courses }

// outside is the check of a version that another register does.
func outside(v *dcat.Version) (check int, connector string, ok bool) {
	for i, c := range v.Checks {
		if c.Connector != "" {
			return i, c.Connector, true
		}
	}
	return -1, "", false
}

func awaitKey(millis int64, n protocol.Number) []byte {
	return key(tagAwaited, u64(uint64(millis)), u64(uint64(n)))
}

// queue lets a case stand in the queue while it has to, and no longer.
func (s outsiders) queue(before, c *Case) {
	v, ok := s.world.version(c.Pinned)
	if s.format < 4 || !ok {
		return // A case that is held may pin nothing that is known.
	}
	check, connector, ok := outside(v)
	if !ok {
		return
	}
	waits := c.State.Stage == application.InPreparation && !c.State.Done.Has(check) && (c.Outside == nil || c.Outside.Refused == "")
	var since int64
	if before.Outside != nil {
		since = before.Outside.Since
	}
	switch {
	case waits && since == 0:
		s.outside(c).Since = s.meta.At
		s.set(awaitKey(s.meta.At, c.Number), []byte(connector))
	case !waits && since != 0:
		s.outside(c).Since = 0
		s.del(awaitKey(since, c.Number))
	}
}

// outside is a case's own copy, to be changed.
func (s outsiders) outside(c *Case) *Outside {
	o := Outside{}
	if c.Outside != nil {
		o = *c.Outside
	}
	c.Outside = &o
	return c.Outside
}

// heard takes what another register said. A second number for one case is an item:
// the first stands.
func (s outsiders) heard(cmd *Command) Result {
	b, f := body[Heard](cmd)
	if f != nil {
		return Result{Fault: f}
	}
	c := &Case{}
	if s.format < 4 || !s.get(caseKey(cmd.Number), c) {
		return failed(fault.NotFound, cmd.Number.String(), "no case has this number")
	}
	v, ok := s.world.version(c.Pinned)
	if !ok {
		return failed(fault.Conflict, cmd.Number.String(), "the case stands aside")
	}
	check, connector, ok := outside(v)
	number, refused := clip(strings.TrimSpace(b.Number), maxHeard), clip(strings.TrimSpace(b.Refused), maxHeard)
	if !ok || connector != b.Connector || (number == "") == (refused == "") {
		return failed(fault.Invalid, cmd.Number.String(), "want a number or a refusal, of the connector that the service names")
	}
	if c.Outside != nil && c.Outside.Number != "" {
		if number != "" && number != c.Outside.Number {
			s.open(c, Item{Kind: ItemSecondNumber, Text: "it says " + number + " now, and said " + c.Outside.Number + " before", Event: Source{Log: c.Log, At: c.At}, Centre: c.Centre})
		}
		return done(nil)
	}
	if c.Outside == nil || c.Outside.Since == 0 {
		return failed(fault.Conflict, cmd.Number.String(), "the case does not wait for it")
	}
	if refused != "" {
		before := *c
		s.outside(c).Refused = refused
		s.queue(&before, c)
		s.open(c, Item{Kind: ItemRefused, Text: refused, Event: Source{Log: c.Log, At: c.At}, Centre: c.Centre})
		s.put(caseKey(c.Number), c)
		return done(nil)
	}
	return s.registered(c, check, number)
}

// registered notes the other register's number: the check is done.
func (s outsiders) registered(c *Case, check int, number string) Result {
	w, f := s.way(c)
	if f != nil {
		return Result{Fault: f}
	}
	d, err := w.Desk(c.State, application.Check, "")
	if err != nil {
		return Result{Fault: failureOf(err)}
	}
	d.Check = check
	s.outside(c).Number = number
	if err := s.change(c, application.Event{Action: application.Check, Text: number, Desk: d}); err != nil {
		return Result{Fault: failureOf(err)}
	}
	t := &c.History[len(c.History)-1]
	t.Check = w.Version.Checks[check].ID
	s.put(caseKey(c.Number), c)
	return done(nil)
}

// byHand keeps the number that an officer has read in the other register himself.
func (s outsiders) byHand(c *Case, v *dcat.Version, check, number string) {
	i, _, ok := outside(v)
	if s.format < 4 || !ok || v.Checks[i].ID != check || c.Outside != nil && c.Outside.Number != "" {
		return
	}
	s.outside(c).Number = clip(strings.TrimSpace(number), maxHeard)
}

// again has the other register asked once more, after an officer has settled why it
// refused.
func (s outsiders) again(n protocol.Number) {
	c := &Case{}
	if !s.get(caseKey(n), c) || c.Outside == nil || c.Outside.Refused == "" {
		return
	}
	before := *c
	s.outside(c).Refused = ""
	s.queue(&before, c)
	s.put(caseKey(n), c)
}

// An Awaited case waits for another register.
type Awaited struct {
	Number    protocol.Number
	Connector string
	Since     int64 // Unix milliseconds.
}

// Awaiting calls fn with the cases that wait for other registers, oldest first, until
// it says that it has enough.
func (r Cases) Awaiting(fn func(Awaited) (more bool, err error)) error {
	return r.base.View(func(v View) error {
		return v.Scan(key(tagAwaited), nil, func(k, connector []byte) (bool, error) {
			if len(k) != 17 {
				return false, fault.New("register.Awaiting", fault.Damaged, "queue", "a key is of another length")
			}
			return fn(Awaited{Number: numberOf(k[9:17]), Connector: string(connector), Since: int64(numberOf(k[1:9]))})
		})
	})
}
