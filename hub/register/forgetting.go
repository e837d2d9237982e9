package register

import (
	"cmp"
	"slices"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// An order of erasure is carried out in the register at once, and elsewhere in its time:
// on the disks of servers, at boxes, on what people have put away. Each says so here.

// A ServerForgot says that nothing lies in a server's folder any more of what entries up
// to Index held of erased cases: its register was written anew, Raft's log begins later
// and the documents are gone.
type ServerForgot struct {
	Server string `cbor:"1,keyasint"`
	Index  uint64 `cbor:"2,keyasint"`
	At     int64  `cbor:"3,keyasint,omitempty"` // Unix milliseconds; set by the register.
}

// A BoxForgot says that a box has carried out every order that its inbox held up to a
// place: nothing of what they name lies on its disk.
type BoxForgot struct {
	Slot  string        `cbor:"1,keyasint"`
	Inbox protocol.Head `cbor:"2,keyasint"`
	Since int64         `cbor:"3,keyasint"`           // By the box's clock, Unix milliseconds.
	At    int64         `cbor:"4,keyasint,omitempty"` // Unix milliseconds; set by the register.
}

// CopiesGone is an operator's word that what was put away elsewhere before a time was
// destroyed: backups, exports, recovery shares and sticks.
type CopiesGone struct {
	Before int64  `cbor:"1,keyasint"`           // Unix milliseconds.
	By     string `cbor:"2,keyasint,omitempty"` // Set by the register, as is At.
	At     int64  `cbor:"3,keyasint,omitempty"`
}

// Below tagErased no log begins with these.
const (
	forgotByServer = 0xff
	forgotByBox    = 0xfe
	forgotCopies   = 0xfd
)

func forgotKey(kind byte, name string) []byte { return key(tagErased, []byte{kind}, []byte(name)) }

// forgetting notes who has carried orders out.
type forgetting struct{ *step }

// byServer notes a server's report; one that says less than an earlier changes nothing.
func (s forgetting) byServer(c *Command) Result {
	b, f := body[ServerForgot](c)
	if f != nil {
		return Result{Fault: f}
	}
	if _, ok := s.world.servers[b.Server]; !ok || b.Index > s.index {
		return failed(fault.Invalid, clip(b.Server, 64), "no such server, or an entry that is not there yet")
	}
	k, old := forgotKey(forgotByServer, b.Server), ServerForgot{}
	if s.get(k, &old) && old.Index >= b.Index {
		return done(&old)
	}
	b.At = s.meta.At
	s.put(k, &b)
	return done(&b)
}

// byBox notes a box's report.
func (s forgetting) byBox(c *Command) Result {
	b, f := body[BoxForgot](c)
	if f != nil {
		return Result{Fault: f}
	}
	n := s.world.slots[b.Slot]
	switch {
	case n == nil || n.Slot != b.Slot:
		return failed(fault.NotFound, clip(b.Slot, 8), "no box has this slot")
	case b.Inbox.Log != s.world.inbox(n.Centre) || b.Inbox.At.Seq > s.log(b.Inbox.Log).At.Seq:
		return failed(fault.Invalid, clip(b.Slot, 8), "want a place in the inbox of the box's own centre")
	}
	k, old := forgotKey(forgotByBox, b.Slot), BoxForgot{}
	if s.get(k, &old) && old.Inbox.Log == b.Inbox.Log && old.Inbox.At.Seq >= b.Inbox.At.Seq {
		return done(&old)
	}
	b.At = s.meta.At
	s.put(k, &b)
	return done(&b)
}

// copies notes an operator's word.
func (s forgetting) copies(c *Command) Result {
	b, f := body[CopiesGone](c)
	if f != nil {
		return Result{Fault: f}
	}
	if b.Before <= 0 || b.Before > s.meta.At {
		return failed(fault.Invalid, "before", "want a time that is past: copies made until then were destroyed")
	}
	k, old := forgotKey(forgotCopies, ""), CopiesGone{}
	if s.get(k, &old) && old.Before >= b.Before {
		return failed(fault.Conflict, "before", "a later time was said already")
	}
	b.By, b.At = c.Actor, s.meta.At
	s.put(k, &b)
	return done(&b)
}

// forgets are the commands by which an erasure is said to be carried out.
func forgets() map[Method]plan {
	return map[Method]plan{
		ServerHasForgot: {"", func(s *step, c *Command) Result { return forgetting{s}.byServer(c) }},
		BoxHasForgot:    {"", func(s *step, c *Command) Result { return forgetting{s}.byBox(c) }},
		CopiesAreGone:   {access.ManageMembers, func(s *step, c *Command) Result { return forgetting{s}.copies(c) }},
	}
}

// A Forgetter is a server or a box, and how far it has carried out an order.
type Forgetter struct {
	Name    string       // Of a server, or the slot of a box.
	Centre  place.Centre // Of a box.
	Done    int64        // When it had, Unix milliseconds; 0: not yet, or nothing was heard.
	Revoked bool         // A box that may not speak with the hub any more.
}

// Unswept says up to which entry a server still holds something of erased cases, and since
// when it could have been rid of the oldest of it, in Unix milliseconds; 0 for nothing. Done here
// only is what its folder says as well, which may be an older copy than the server's word.
func (r Orders) Unswept(server string, folder uint64) (upTo uint64, since int64, err error) {
	newest := r.meta.Load().Stats.Newest
	last, err := said[ServerForgot](r, forgotByServer, server)
	done := min(last.Index, folder)
	if err != nil || newest <= done {
		return 0, 0, err
	}
	all, err := r.Erasures()
	if err != nil {
		return 0, 0, err
	}
	for _, e := range all {
		if index, at := e.Held(); index > done && (since == 0 || at < since) {
			since = at
		}
	}
	return newest, since, nil
}

// said returns what was reported last, the zero value where nothing was.
func said[T any](r Orders, kind byte, name string) (out T, err error) {
	err = r.base.View(func(v View) error {
		_, err := readInto(v, forgotKey(kind, name), &out)
		return err
	})
	return out, err
}

// ErasedAtServers says of every server of the group whether it has carried an order out.
func (r Orders) ErasedAtServers(e *Erasure) ([]Forgetter, error) {
	var list []Forgetter
	index, _ := e.Held()
	for _, sv := range r.world.Load().servers {
		if sv.RemovedAt != 0 {
			continue
		}
		f, err := said[ServerForgot](r, forgotByServer, sv.ID)
		if err != nil {
			return nil, err
		}
		one := Forgetter{Name: sv.ID}
		if f.Index >= index && index != 0 {
			one.Done = f.At
		}
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Forgetter) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// ErasedAtBoxes says of every box whose centre was told of an order whether it has carried it out.
func (r Orders) ErasedAtBoxes(e *Erasure) ([]Forgetter, error) {
	var list []Forgetter
	for _, n := range r.world.Load().all() {
		i := slices.IndexFunc(e.Told, func(h protocol.Head) bool { return place.Centre(h.Log.Name) == n.Centre })
		if i < 0 || n.StandIn || n.EnrolledAt > e.ErasedAt && e.LateAt == 0 && !e.Former {
			continue // What came after it has never held anything.
		}
		f, err := said[BoxForgot](r, forgotByBox, n.Slot)
		if err != nil {
			return nil, err
		}
		one := Forgetter{Name: n.Slot, Centre: n.Centre, Revoked: n.RevokedAt != 0}
		if told := e.Told[i]; f.Inbox.Log == told.Log && f.Inbox.At.Seq >= told.At.Seq {
			one.Done = f.At
		}
		list = append(list, one)
	}
	return list, nil
}

// ErasedCopies returns up to when copies elsewhere were destroyed, as operators said; the zero
// time where nobody has.
func (r Orders) ErasedCopies() (before time.Time, err error) {
	c, err := said[CopiesGone](r, forgotCopies, "")
	if err != nil || c.Before == 0 {
		return time.Time{}, err
	}
	return time.UnixMilli(c.Before), nil
}
