package register

import (
	"encoding/binary"
	"errors"
	"slices"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// readInto reads a key into v and reports whether it was there.
func readInto(v View, k []byte, out any) (bool, error) {
	raw, err := v.Get(k)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, decodeState(k, raw, out)
}

// find reads one thing of the state, or returns [fault.NotFound] about item.
func find[T any](r *state, op string, k []byte, item string) (*T, error) {
	out := new(T)
	ok := false
	err := r.base.View(func(v View) (err error) {
		ok, err = readInto(v, k, out)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.New("register."+op, fault.NotFound, clip(item, 128), "the register has no such thing")
	}
	return out, nil
}

// list reads everything under a prefix.
func list[T any](r *state, prefix []byte) ([]*T, error) {
	var out []*T
	err := r.base.View(func(v View) error {
		return v.Scan(prefix, nil, func(k, raw []byte) (bool, error) {
			x := new(T)
			err := decodeState(k, raw, x)
			out = append(out, x)
			return true, err
		})
	})
	return out, err
}

// Cases answers questions about applications, as of the newest entry. Any
// goroutine may ask.
type Cases struct{ *state }

// Case returns the case with this number, or [fault.NotFound]. Where two slips
// carry one number it is the first's; [Cases.Aliases] has the others.
func (r Cases) Case(n protocol.Number) (*Case, error) {
	return find[Case](r.state, "Case", caseKey(n), n.String())
}

// Aliases returns the numbers of further cases whose slips carry n.
func (r Cases) Aliases(n protocol.Number) ([]protocol.Number, error) {
	var out []protocol.Number
	prefix := key(tagAlias, u64(uint64(n)))
	err := r.base.View(func(v View) error {
		return v.Scan(prefix, nil, func(k, _ []byte) (bool, error) {
			out = append(out, protocol.Number(binary.BigEndian.Uint64(k[len(prefix):])))
			return true, nil
		})
	})
	return out, err
}

// ForEachAlias calls fn with every number that was given twice, as it is printed, and
// with the number that its later case has in the register.
func (r Cases) ForEachAlias(fn func(printed, number protocol.Number) error) error {
	return r.base.View(func(v View) error {
		return v.Scan(key(tagAlias), nil, func(k, _ []byte) (bool, error) {
			if len(k) != 17 {
				return true, nil
			}
			return true, fn(numberOf(k[1:9]), numberOf(k[9:17]))
		})
	})
}

// A spot is what tells where the application of a case stands, without the rest.
type spot struct {
	Log protocol.LogID    `cbor:"3,keyasint"`
	At  protocol.Position `cbor:"4,keyasint"`
}

// NumberAt returns the number of the case whose slip carries printed and whose event
// stands at this place of an uplink, or [fault.NotFound].
func (r Cases) NumberAt(printed protocol.Number, log protocol.LogID, seq uint64) (n protocol.Number, err error) {
	stands := func(v View, n protocol.Number) (bool, error) {
		var c spot
		ok, err := readInto(v, caseKey(n), &c)
		return ok && c.Log == log && c.At.Seq == seq, err
	}
	err = r.base.View(func(v View) error {
		if ok, err := stands(v, printed); ok || err != nil {
			n = printed
			return err
		}
		prefix := key(tagAlias, u64(uint64(printed)))
		return v.Scan(prefix, nil, func(k, _ []byte) (bool, error) {
			other := protocol.Number(binary.BigEndian.Uint64(k[len(prefix):]))
			ok, err := stands(v, other)
			if ok {
				n = other
			}
			return !ok, err
		})
	})
	if err == nil && n == 0 {
		err = fault.New("register.NumberAt", fault.NotFound, printed.String(), "no case has its event there")
	}
	return n, err
}

// Submission returns the application as its counter signed it: the event and its
// payload. Of a case that was erased it is [fault.NotFound].
func (r Cases) Submission(c *Case) (e protocol.Event, sub protocol.Submission, err error) {
	err = r.base.View(func(v View) error {
		e, sub, err = c.filed(v)
		return err
	})
	return e, sub, err
}

// filed reads the application as its counter signed it.
func (c *Case) filed(v View) (e protocol.Event, sub protocol.Submission, err error) {
	if c.Erased != 0 {
		return e, sub, fault.New("register.Submission", fault.NotFound, c.Number.String(), "it was erased by order")
	}
	k := eventKey(c.Log, c.At.Seq)
	stored, err := v.Get(k)
	if err != nil {
		return e, sub, fault.Wrap("register.Submission", fault.Damaged, c.Number.String(), err)
	}
	if e, err = eventOf(k, stored); err != nil {
		return e, sub, err
	}
	if c.Receipt != nil {
		var r protocol.Recovery
		if err := e.Decode(&r); err != nil {
			return e, sub, err
		}
		if e, err = r.Open(); err != nil {
			return e, sub, fault.Wrap("register.Submission", fault.Damaged, c.Number.String(), err)
		}
	}
	return e, sub, e.Decode(&sub)
}

// AsOf returns the application as an officer saw it who had the case before him at
// a version: what its counter signed, with the answers and documents that were
// brought, or put right, until then (R-OF3). Version 0 is now.
func (r Cases) AsOf(c *Case, version uint64) (protocol.Event, protocol.Submission, error) {
	e, sub, err := r.Submission(c)
	if err != nil {
		return e, sub, err
	}
	err = r.base.View(func(v View) error { return c.amend(v, &sub, version, nil) })
	return e, sub, err
}

// amend brings an application as it was filed to what it was at a version, 0 for now.
// Saw is told of each turn that changed answers, with what they were before; nil is not.
func (c *Case) amend(v View, sub *protocol.Submission, version uint64, saw func(t *Turn, before, after protocol.Submission)) error {
	for i := range c.History {
		t := &c.History[i]
		if version > 0 && t.Version > version {
			break
		}
		if t.Document != nil {
			sub.Documents = append(sub.Documents, *t.Document)
		}
		if !t.amends() {
			continue
		}
		before := *sub
		if err := t.amend(v, sub); err != nil {
			return err
		}
		if saw != nil {
			saw(t, before, *sub)
		}
	}
	return nil
}

// amends reports whether a turn may have changed answers.
func (t *Turn) amends() bool {
	return t.Event != nil && (t.Action == application.Supply || t.Action == application.Correct)
}

// amend adds what a centre brought, or puts answers right.
func (t *Turn) amend(v View, sub *protocol.Submission) error {
	if t.Action == application.Correct {
		var k protocol.Correction
		e, err := sent(v, t.Event)
		if err == nil {
			err = e.Decode(&k)
		}
		if err != nil {
			return fault.Wrap("register.AsOf", fault.Damaged, t.Event.Log.String(), err)
		}
		k.Wants().Into(sub, t.Items)
		return nil
	}
	s, err := supplement(v, t.Event)
	if err != nil {
		return err
	}
	sub.Form = MergeForm(sub.Form, s.Form)
	sub.Documents = append(sub.Documents, s.Documents...)
	sub.Originals = append(sub.Originals, s.Originals...)
	return nil
}

// supplement reads what a centre brought.
func supplement(v View, from *Source) (protocol.Supplement, error) {
	var s protocol.Supplement
	e, err := sent(v, from)
	if err == nil {
		err = e.Decode(&s)
	}
	return s, fault.Wrap("register.AsOf", fault.Damaged, from.Log.String(), err)
}

// sent reads an event of a centre as its counter signed it.
func sent(v View, from *Source) (protocol.Event, error) {
	k := eventKey(from.Log, from.At.Seq)
	stored, err := v.Get(k)
	if err != nil {
		return protocol.Event{}, fault.Wrap("register.sent", fault.Damaged, from.Log.String(), err)
	}
	e, err := eventOf(k, stored)
	if err == nil && e.Kind == protocol.Recovered {
		var r protocol.Recovery
		if err = e.Decode(&r); err == nil {
			e, err = r.Open()
		}
	}
	return e, fault.Wrap("register.sent", fault.Damaged, from.Log.String(), err)
}

// Standing returns what the citizen may know of a case, and its custody, or
// [fault.NotFound].
func (r Cases) Standing(n protocol.Number) (protocol.Standing, string, error) {
	c, err := r.Case(n)
	if err != nil {
		if e, _ := Orders(r).Erasure(n); e != nil && e.Former {
			return protocol.Standing{Number: n, Stage: e.Stage, Since: e.ErasedAt}, CustodyErased, nil
		}
		return protocol.Standing{}, "", err
	}
	if c.Primary != 0 && c.Erased == 0 {
		if p, err := r.Case(c.Primary); err == nil {
			st := p.standing(r.world.Load().set)
			st.Number, st.Primary = n, p.Number
			return st, p.Custody(), nil
		}
	}
	return c.standing(r.world.Load().set), c.Custody(), nil
}

// Resource returns what a case belongs to, for access.May.
func (r Cases) Resource(c *Case) access.Resource {
	return c.closed(c.resource(r.world.Load(), place.Seat{}, c.State.Version), r.roster)
}

// Offers returns what somebody may do on a case at a moment in Unix seconds, asked
// as his command would be: the policy, the directory and the procedure. Who works
// on no cases is offered nothing.
func (r Cases) Offers(c *Case, by access.Principal, at int64) []application.Offer {
	w := r.world.Load()
	v, ok := w.version(c.Pinned)
	if !ok || by.Seat == (place.Seat{}) {
		return nil
	}
	way := w.way(c)
	way.Version, way.Tracked = v, true
	way = w.guarded(way, c, r.roster)
	if c.State.Holder != "" {
		_, err := People(r).Principal(c.State.Holder, at)
		way.Vacant = errors.Is(err, fault.Denied)
	}
	leased := r.AtUnion(c, at) != nil
	list := way.Offers(c.State, application.Officer{Name: by.User, Seat: by.Seat}, at)
	for i := range list {
		if o := &list[i]; o.Action == application.Approve && o.Bar == "" && c.Likely != 0 {
			o.Bar, o.Item = application.BarLikely, c.Likely.String()
		}
	}
	return slices.DeleteFunc(list, func(o application.Offer) bool {
		if leased && begins(o.Action) || c.Waits != nil && application.Binds(o.Action) || c.disputed(o.Action) {
			return true
		}
		on := c.closed(c.resource(w, place.Seat{}, c.State.Version), r.roster)
		on.Seat = c.deskOf(way, on.Seat, by.Seat, o.Action)
		return access.May(by, access.WorkCase, on) != nil || !w.postMay(by.Seat, o.Action)
	})
}

// Draft returns what a user wrote on a case when a colleague had been faster, or
// [fault.NotFound].
func (r Cases) Draft(n protocol.Number, user string) (*Draft, error) {
	f := r.world.Load().founding
	if f == nil {
		return nil, fault.New("register.Draft", fault.NotFound, n.String(), "no draft")
	}
	return find[Draft](r.state, "Draft", key(tagDraft, u64(uint64(n)), nameKey(f.Incarnation, user)), n.String())
}

// Looks returns who looked at a case, oldest first.
func (r Cases) Looks(n protocol.Number) ([]*Looked, error) {
	return list[Looked](r.state, key(tagLook, u64(uint64(n))))
}

// Quarantined returns what waits for a person to look at it, oldest first, at
// most limit.
func (r Cases) Quarantined(limit int) ([]*Quarantine, error) {
	var out []*Quarantine
	err := r.base.View(func(v View) error {
		return v.Scan(key(tagQuarantine), nil, func(k, raw []byte) (bool, error) {
			if len(out) >= limit {
				return false, nil
			}
			q := &Quarantine{}
			err := decodeState(k, raw, q)
			out = append(out, q)
			return true, err
		})
	})
	return out, err
}

// Block returns the block of a quarantine as it was received, encoded, or
// [fault.NotFound] where it is none of a block.
func (r Cases) Block(q *Quarantine) ([]byte, error) {
	var out []byte
	err := r.base.View(func(v View) error {
		return v.Scan(key(tagChunk, u64(q.Index), u32(q.Place)), nil, func(_, raw []byte) (bool, error) {
			out = append(out, raw...)
			return true, nil
		})
	})
	if err == nil && (len(out) == 0 || len(out) != q.Size) {
		err = fault.New("register.Block", fault.NotFound, q.Log.String(), "no block is kept here")
	}
	return out, err
}

// Cells calls fn with the counters of the hours from … until, the latter left
// out, given in Unix time in hours.
func (r Cases) Cells(from, until int64, fn func(*Cell) error) error {
	return r.base.View(func(v View) error {
		return v.Scan(key(tagCell), key(tagCell, u32(uint32(max(from, 0)))), func(k, raw []byte) (bool, error) {
			c := &Cell{}
			if err := decodeState(k, raw, c); err != nil {
				return false, err
			}
			if c.Hour >= until {
				return false, nil
			}
			return true, fn(c)
		})
	})
}

// ForEachCase calls fn with every case, sorted by number.
func (r Cases) ForEachCase(fn func(*Case) error) error {
	return r.base.View(func(v View) error {
		return v.Scan(key(tagCase), nil, func(k, raw []byte) (bool, error) {
			c := &Case{}
			if err := decodeState(k, raw, c); err != nil {
				return false, err
			}
			return true, fn(c)
		})
	})
}
