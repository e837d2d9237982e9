package register

import (
	"encoding/base64"
	"encoding/binary"
	"errors"

	"kendro/domain/access"
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
func find[T any](r *Register, op string, k []byte, item string) (*T, error) {
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
func list[T any](r *Register, prefix []byte) ([]*T, error) {
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

// Case returns the case with this number, or [fault.NotFound]. Where two slips
// carry one number it is the first's; [Register.Aliases] has the others.
func (r *Register) Case(n protocol.Number) (*Case, error) {
	return find[Case](r, "Case", caseKey(n), n.String())
}

// Aliases returns the numbers of further cases whose slips carry n.
func (r *Register) Aliases(n protocol.Number) ([]protocol.Number, error) {
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

// Submission returns the application as its counter signed it: the event and its
// payload.
func (r *Register) Submission(c *Case) (protocol.Event, protocol.Submission, error) {
	var e protocol.Event
	var sub protocol.Submission
	err := r.base.View(func(v View) error {
		k := eventKey(c.Log, c.At.Seq)
		stored, err := v.Get(k)
		if err != nil {
			return fault.Wrap("register.Submission", fault.Damaged, c.Number.String(), err)
		}
		if e, err = eventOf(k, stored); err != nil {
			return err
		}
		return e.Decode(&sub)
	})
	return e, sub, err
}

// Standing returns what the citizen may know of a case, and its custody, or
// [fault.NotFound].
func (r *Register) Standing(n protocol.Number) (protocol.Standing, string, error) {
	c, err := r.Case(n)
	if err != nil {
		return protocol.Standing{}, "", err
	}
	return c.standing(r.world.Load().set), c.Custody(), nil
}

// Resource returns what a case belongs to, for access.May.
func (r *Register) Resource(c *Case) access.Resource {
	return c.resource(r.world.Load(), place.Seat{}, c.State.Version)
}

// A Task is an open case as a desk lists it.
type Task struct {
	Number  protocol.Number
	Seat    place.Seat
	Service string
	Edition uint32
	Stage   string
	Holder  string // Empty while nobody has taken it.
	Since   int64  // Unix milliseconds.
	Due     int64  // Unix seconds; 0 is none.
	Version uint64
	Centre  place.Centre
}

// A TaskQuery asks for the tasks of an office, or of one of its seats.
type TaskQuery struct {
	Office string
	Post   string // Empty: the whole office.
	After  string // What the page before ended with.
	Limit  int    // 1 to 500; others are 50.
}

// Tasks returns open cases, each seat's by due date, and what the next page
// begins with, empty at the end. A page mark that isn't one is [fault.Invalid].
func (r *Register) Tasks(q TaskQuery) (tasks []Task, next string, err error) {
	if q.Limit < 1 || q.Limit > 500 {
		q.Limit = 50
	}
	prefix := seatPrefix(place.Seat{Office: q.Office, Post: q.Post})
	var from []byte
	if q.After != "" {
		rest, derr := base64.RawURLEncoding.DecodeString(q.After)
		if derr != nil || len(rest) > 512 {
			return nil, "", fault.New("register.Tasks", fault.Invalid, "page", "not a mark of a page: begin again")
		}
		from = append(append([]byte{}, prefix...), append(rest, 0)...)
	}
	var last []byte
	err = r.base.View(func(v View) error {
		return v.Scan(prefix, from, func(k, raw []byte) (bool, error) {
			if len(tasks) == q.Limit {
				next = base64.RawURLEncoding.EncodeToString(last[len(prefix):])
				return false, nil
			}
			last = append(last[:0], k...)
			t, err := taskOf(k, raw)
			tasks = append(tasks, t)
			return true, err
		})
	})
	return tasks, next, err
}

// taskOf reads a task from its key and value.
func taskOf(k, raw []byte) (Task, error) {
	var st taskState
	if err := decodeState(k, raw, &st); err != nil {
		return Task{}, err
	}
	seat, ok := seatOf(k)
	if !ok {
		return Task{}, fault.New("register.Tasks", fault.Damaged, "task", "its key is not one")
	}
	t := Task{
		Number: protocol.Number(binary.BigEndian.Uint64(k[len(k)-8:])), Seat: seat,
		Service: st.Service, Edition: st.Edition, Stage: st.Stage.String(), Holder: st.Holder,
		Since: st.Since, Version: st.Version, Centre: st.Centre,
	}
	if due := binary.BigEndian.Uint64(k[len(k)-16:]); due != ^uint64(0) {
		t.Due = int64(due)
	}
	return t, nil
}

// User returns a login, or [fault.NotFound].
func (r *Register) User(name string) (*User, error) {
	f := r.world.Load().founding
	if f == nil {
		return nil, fault.New("register.User", fault.NotFound, clip(name, 64), "nobody has a login yet")
	}
	return find[User](r, "User", key(tagUser, nameKey(f.Incarnation, name)), name)
}

// Users returns every login, in no order that means anything.
func (r *Register) Users() ([]*User, error) { return list[User](r, key(tagUser)) }

// Principal returns who a login is to the policy at a time in Unix seconds, or
// [fault.Denied] when it may not sign in then.
func (r *Register) Principal(name string, unix int64) (access.Principal, error) {
	if name == ActorControl {
		return access.Principal{User: name, Role: access.Operator}, nil
	}
	u, err := r.User(name)
	switch {
	case errors.Is(err, fault.NotFound) || err == nil && !u.ActiveAt(unix):
		return access.Principal{}, fault.New("register.Principal", fault.Denied, "", "the login is unknown, disabled or not valid now")
	case err != nil:
		return access.Principal{}, err
	}
	return r.world.Load().principalOf(u), nil
}

// Tokens returns every join token ever made.
func (r *Register) Tokens() ([]*Token, error) { return list[Token](r, key(tagToken)) }

// Token returns the join token with this hash of its nonce, or [fault.NotFound].
func (r *Register) Token(nonce protocol.Hash) (*Token, error) {
	return find[Token](r, "Token", key(tagToken, nonce[:]), "token")
}

// Draft returns what a user wrote on a case when a colleague had been faster, or
// [fault.NotFound].
func (r *Register) Draft(n protocol.Number, user string) (*Draft, error) {
	f := r.world.Load().founding
	if f == nil {
		return nil, fault.New("register.Draft", fault.NotFound, n.String(), "no draft")
	}
	return find[Draft](r, "Draft", key(tagDraft, u64(uint64(n)), nameKey(f.Incarnation, user)), n.String())
}

// Looks returns who looked at a case, oldest first.
func (r *Register) Looks(n protocol.Number) ([]*Looked, error) {
	return list[Looked](r, key(tagLook, u64(uint64(n))))
}

// Answer returns the kept answer to a command, if its ID has one: the same as
// Apply would give. A command that reuses an ID for something else gets
// [fault.Conflict], which Apply would say too.
func (r *Register) Answer(c *Command) (Result, bool) {
	s := &step{world: r.world.Load()}
	a, err := find[answer](r, "Answer", s.answerKey(c), c.ID)
	switch {
	case err != nil:
		return Result{}, false
	case a.Digest != c.digest():
		return Result{Fault: reused(c)}, true
	}
	return a.Result, true
}
