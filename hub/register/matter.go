package register

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kendro/domain/application"
	"kendro/domain/place"
	"kendro/protocol"
)

// Some of what stands on the conflict desk is no case's item: what was set aside, a case
// without a desk, a number that was given twice, a box of which there is a copy. Nothing of
// it is stored as such: it is read out of what there is, and ends by what is done about it.
// Where that shows nowhere, or nothing can be done, an officer ends it with words.

// The kinds of matters.
const (
	MatterHeld       = "held"             // An application that was set aside, and is no [Item].
	MatterUnrouted   = "unrouted"         // A case without a desk (R-CH5).
	MatterTwice      = "number-twice"     // One number on two receipts (row 4).
	MatterCopied     = "box-copied"       // A copy of a box was seen (row 5).
	MatterUnopened   = "unopened-block"   // Records that nobody can open.
	MatterUnreadable = "unreadable"       // A record that nobody can read.
	MatterNoCase     = "no-case"          // News of a case that is not here.
	MatterScan       = "document-missing" // A scan that has not arrived (row 22).
	MatterClock      = "clock-off"        // A counter's clock was far off (row 6).
	MatterPerson     = "likely-person"    // Two open cases of one service are likely one person's (rows 2 and 34).
)

// A Matter is one of them.
type Matter struct {
	ID     string
	Kind   string
	Number protocol.Number // Of the case; 0 where it is about none.
	Other  protocol.Number // What the slip says; the case that a record names; the earlier case.
	Owner  place.Seat
	Centre place.Centre
	Since  int64 // Unix milliseconds.
	Text   string

	from Source // Of what was set aside: where it stands.
}

// stays reports whether what the matter is read from stays as it is when an officer ends it:
// then his word ends it.
func (m *Matter) stays() bool { return m.Kind != MatterHeld && m.Kind != MatterUnrouted }

// matters reads them out of the state at one moment.
type matters struct {
	View
	world *world
}

// find returns the matter with this ID, nil where there is none or it has ended.
func (m matters) find(id string) (*Matter, error) {
	if len(id) > 64 {
		return nil, nil
	}
	what, rest, _ := strings.Cut(id, "-")
	var out *Matter
	var err error
	switch what {
	case "aside":
		out, err = m.ofQuarantine(rest)
	case "copied":
		out = m.ofBox(m.world.slots[rest])
	default:
		a, b, _ := strings.Cut(rest, "-")
		out, err = m.ofNumbers(what, number(a), number(b))
	}
	if err != nil || out == nil || out.ID != id {
		return nil, err
	}
	return m.standing(out)
}

// number reads a number as an ID has it, 0 for anything else.
func number(s string) protocol.Number {
	n, err := protocol.ParseNumber(s)
	if err != nil {
		return 0
	}
	return n
}

// standing returns a matter unless an officer has ended it.
func (m matters) standing(out *Matter) (*Matter, error) {
	if out.stays() {
		if ended, err := readInto(m, matterKey(out.ID), &Ending{}); ended || err != nil {
			return nil, err
		}
	}
	if out.Owner == (place.Seat{}) {
		out.Owner = m.world.chief()
	}
	return out, nil
}

// caseOf returns a case, nil where there is none.
func (m matters) caseOf(n protocol.Number) (*Case, error) {
	c := &Case{}
	if ok, err := readInto(m, caseKey(n), c); !ok || err != nil {
		return nil, err
	}
	return c, nil
}

// ofNumbers is a matter that is named by the numbers of one or two cases.
func (m matters) ofNumbers(what string, n, other protocol.Number) (*Matter, error) {
	c, err := m.caseOf(n)
	if c == nil {
		return nil, err
	}
	out := &Matter{Number: n, Centre: c.Centre, Since: c.Accepted}
	ok := false
	switch what {
	case "unrouted":
		out.Kind, out.Text, ok = MatterUnrouted, c.Service, c.State.Stage.Open() && c.queue() == Unrouted()
		out.Since = c.Since
	case "twice":
		out.Kind, out.Other, out.Text = MatterTwice, c.Printed, c.Printed.Spaced()
		ok = c.Printed != 0 && !c.State.Stage.Decided()
	case "scan":
		out.Kind, out.Owner, ok = MatterScan, c.State.Seat, len(c.Lacks) > 0 && c.State.Stage.Open()
	case "clock":
		out.Kind, out.Owner, ok = MatterClock, m.world.overseer(c.Centre), c.ClockOff != 0
		out.Text = (time.Duration(c.ClockOff) * time.Millisecond).Round(time.Minute).String()
	case "person":
		return m.ofPerson(c, out, other)
	}
	if !ok {
		return nil, nil
	}
	out.ID = what + "-" + n.String()
	return out, nil
}

// ofPerson is that two cases are likely one person's. That they are alike, whoever names them
// has found out.
func (m matters) ofPerson(c *Case, out *Matter, other protocol.Number) (*Matter, error) {
	first, err := m.caseOf(other)
	switch {
	case first == nil || err != nil:
		return nil, err
	case c.Number == other || c.Service != first.Service || c.Accused != nil || !c.State.Stage.Open() || !first.State.Stage.Open():
		return nil, nil
	}
	out.ID = "person-" + c.Number.String() + "-" + other.String()
	out.Kind, out.Other, out.Owner, out.Text = MatterPerson, other, c.State.Seat, other.Spaced()
	return out, nil
}

// ofBox is that there is a copy of a box at work.
func (m matters) ofBox(n *Node) *Matter {
	if n == nil || n.CopiedAt == 0 || n.RevokedAt != 0 || m.world.centres[n.Centre] != n {
		return nil
	}
	return &Matter{ID: "copied-" + n.Slot, Kind: MatterCopied, Centre: n.Centre, Since: n.CopiedAt, Text: n.Slot}
}

// ofQuarantine is what was set aside at this place of an entry.
func (m matters) ofQuarantine(name string) (*Matter, error) {
	var index uint64
	var part uint32
	if _, err := fmt.Sscanf(name, "%d-%d", &index, &part); err != nil {
		return nil, nil //nolint:nilerr // It names nothing.
	}
	q := &Quarantine{}
	if ok, err := readInto(m, key(tagQuarantine, u64(index), u32(part)), q); !ok || err != nil {
		return nil, err
	}
	return m.aside(q)
}

// aside is what was quarantined, nil where it is settled one way or the other, or an item.
func (m matters) aside(q *Quarantine) (*Matter, error) {
	out := &Matter{
		ID: fmt.Sprintf("aside-%d-%d", q.Index, q.Place), Kind: MatterUnreadable, Text: q.Reason,
		from: Source{Log: q.Log, At: protocol.Position{Seq: q.Last, Hash: q.Hash}},
	}
	switch {
	case q.Number != 0 && q.Reason != WhyNoCase:
		c, err := m.caseOf(q.Number)
		if c == nil || c.State.Stage != application.Submitted || HasItem(c.Held) {
			return nil, err
		}
		out.Kind, out.Number, out.Since, out.Centre = MatterHeld, q.Number, c.Accepted, c.Centre
		return out, nil
	case q.Size > 0:
		out.Kind = MatterUnopened
	case q.Reason == WhyNoCase:
		out.Kind, out.Other = MatterNoCase, q.Number
		out.Text += ": " + q.Number.Spaced()
	}
	if n := m.world.ownerOf(q.Log); n != nil {
		out.Centre = n.Centre
	}
	var err error
	out.Since, err = timeIn(m, q.Index)
	return out, err
}

// ownerOf is the box that has, or had, a log.
func (w *world) ownerOf(log protocol.LogID) *Node {
	_, slot, _ := strings.Cut(log.Name, "-")
	return w.slots[slot]
}

// chief is the seat above all others of the district, which has what is nobody's.
func (w *world) chief() place.Seat {
	if w.set == nil || w.founding == nil {
		return place.Seat{}
	}
	dir := w.set.Directory
	for _, p := range dir.Posts {
		if _, above := dir.Post(p.Superior); p.OfficeLevel != "district" || above {
			continue
		}
		if seat, ok := dir.SeatFor(p.Code, place.Code(w.founding.District)); ok {
			return seat
		}
	}
	return place.Seat{}
}

// overseer is the seat that watches a centre.
func (w *world) overseer(centre place.Centre) place.Seat {
	if w.set == nil {
		return place.Seat{}
	}
	seat, _ := w.set.Directory.Overseer(w.area(centre))
	return seat
}

// Bounds of what is gathered.
const (
	mostMatters = 2000
	clockTail   = 32 // Newest events of a log among which a clock that was off shows.
)

// Desk answers questions about what stands on the conflict desk and is no case's item. Any
// goroutine may ask.
type Desk struct{ *state }

// Matters returns what stands on the conflict desk and is no case's item, but for persons who
// are alike: of those the search knows. Scans count that lack since before a moment in Unix
// milliseconds.
func (r Desk) Matters(before int64) (list []*Matter, err error) {
	err = r.base.View(func(v View) error {
		m := matters{v, r.world.Load()}
		add := func(x *Matter, err error) error {
			if x != nil && err == nil {
				x, err = m.standing(x)
			}
			if x != nil && err == nil {
				list = append(list, x)
			}
			return err
		}
		lacking := func(add adder) error { return m.eachLacking(before, add) }
		for _, each := range []func(adder) error{m.eachAside, m.eachUnrouted, m.eachTwice, m.eachCopied, lacking, m.eachClock} {
			if err := each(add); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// Matter returns what stands on the conflict desk under an ID, nil where nothing does or it
// has ended.
func (r Desk) Matter(id string) (out *Matter, err error) {
	err = r.base.View(func(v View) (err error) {
		out, err = matters{v, r.world.Load()}.find(id)
		return err
	})
	return out, err
}

// adder takes one matter into a list, nil where there is none.
type adder func(*Matter, error) error

func (m matters) eachAside(add adder) error {
	n := 0
	return m.Scan(key(tagQuarantine), nil, func(k, raw []byte) (bool, error) {
		q := &Quarantine{}
		if err := decodeState(k, raw, q); err != nil {
			return false, err
		}
		x, err := m.aside(q)
		if x != nil && err == nil {
			x, err = m.standing(x)
		}
		if x != nil { // What was ended stays there, and hides nothing that came later.
			n++
		}
		return n < mostMatters, add(x, err)
	})
}

func (m matters) eachUnrouted(add adder) error {
	n := 0
	return m.Scan(seatPrefix(Unrouted()), nil, func(k, _ []byte) (bool, error) {
		n++
		return n < mostMatters, add(m.ofNumbers("unrouted", numberOf(k[len(k)-8:]), 0))
	})
}

func (m matters) eachTwice(add adder) error {
	return m.Scan(key(tagAlias), nil, func(k, _ []byte) (bool, error) {
		if len(k) != 17 {
			return true, nil
		}
		return true, add(m.ofNumbers("twice", numberOf(k[9:17]), 0))
	})
}

func (m matters) eachCopied(add adder) error {
	for _, n := range m.world.all() {
		if err := add(m.ofBox(n), nil); err != nil {
			return err
		}
	}
	return nil
}

// eachLacking goes through the cases that name a scan which is not here.
func (m matters) eachLacking(before int64, add adder) error {
	n := 0
	prefix := sideKey(sideLacking)
	return m.Scan(prefix, nil, func(k, _ []byte) (bool, error) {
		x, err := m.ofNumbers("scan", numberOf(k[len(prefix):]), 0)
		if x == nil || x.Since > before {
			return true, err
		}
		n++
		return n < mostMatters, add(x, err)
	})
}

// eachClock goes through the newest events of every box's logs, and stops at the newest
// application whose clock was off.
func (m matters) eachClock(add adder) error {
	var heads []protocol.Head
	err := eachUplink(m, func(h protocol.Head) error {
		if m.world.ownerOf(h.Log) != nil {
			heads = append(heads, h)
		}
		return nil
	})
	for _, h := range heads {
		if err == nil {
			err = m.clockOf(h, add)
		}
	}
	return err
}

func (m matters) clockOf(h protocol.Head, add adder) error {
	var filed []protocol.Number
	_, slot, _ := strings.Cut(h.Log.Name, "-")
	from := max(h.At.Seq, clockTail) - clockTail + 1
	err := m.Scan(logKey(tagEvent, h.Log), eventKey(h.Log, from), func(k, raw []byte) (bool, error) {
		if len(raw) <= len(protocol.Hash{}) { // The end of a block that nobody could open.
			return true, nil
		}
		e, err := eventOf(k, raw)
		if err != nil || e.Kind != protocol.Submitted {
			return true, nil //nolint:nilerr // What can't be read is a matter of its own.
		}
		n, err := protocol.MintNumber(m.world.founding.District, slot, e.Nonce)
		if err == nil {
			filed = append(filed, n)
		}
		return true, nil
	})
	for _, n := range slices.Backward(filed) {
		if err != nil {
			break
		}
		var c struct {
			spot
			ClockOff int64 `cbor:"21,keyasint,omitempty"`
		}
		if _, err = readInto(m, caseKey(n), &c); err == nil && c.ClockOff != 0 && c.Log == h.Log {
			return add(m.ofNumbers("clock", n, 0))
		}
	}
	return err
}
