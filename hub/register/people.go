package register

import (
	"errors"
	"strings"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// staff carries out what concerns logins.
type staff struct{ *step }

// addUser gives a person a login. A name is given once.
func (s staff) addUser(c *Command) Result {
	u, f := body[User](c)
	if f != nil {
		return Result{Fault: f}
	}
	u.Disabled, u.DisabledAt = false, 0
	if f := s.identify(&u); f != nil {
		return Result{Fault: f}
	}
	if f := s.checkUser(&u); f != nil {
		return Result{Fault: f}
	}
	if s.has(s.userKey(u.Name)) {
		return failed(fault.Conflict, clip(u.Name, 64), "the name is taken: choose another")
	}
	s.saveUser(&u)
	grievances{courses(s)}.keepAway()
	return done(nil)
}

// identify has a login name the first of its person's.
func (s staff) identify(u *User) *protocol.Failure {
	if u.Of == "" {
		return nil
	}
	other := &User{}
	if !s.get(s.userKey(clip(u.Of, protocol.MaxName)), other) {
		return refuse(fault.NotFound, clip(u.Of, 64), "no such login: name another one of the same person")
	}
	u.Of = other.person()
	return nil
}

// checkUser says what is wrong with a new login.
func (s staff) checkUser(u *User) *protocol.Failure {
	bad := func(item, text string) *protocol.Failure { return refuse(fault.Invalid, item, text) }
	seated := u.Role == access.Officer || u.Role == access.Clerk || u.Role == access.Supervisor
	switch {
	case u.Name == "" || len(u.Name) > protocol.MaxName || u.Name[0] == '@' || strings.ContainsFunc(u.Name, unprintable):
		return bad("name", "want a name of 1 to 128 bytes without spaces, not beginning with @")
	case !u.Role.Valid():
		return bad(clip(string(u.Role), 40), "want the role entrepreneur, clerk, officer, supervisor, operator or auditor")
	case !strings.HasPrefix(u.Hash, "$argon2id$") || len(u.Hash) > 256:
		return bad("password", "want an argon2id hash")
	case u.Gender != "" && u.Gender != "f" && u.Gender != "m":
		return bad("gender", "want f or m")
	case u.From <= 0 || u.Until != 0 && u.Until <= u.From:
		return bad("from", "want a first day, and a last day after it or none")
	case seated != (u.Seat != place.Seat{}):
		return bad("post", "officers, clerks and supervisors have a post, others don't")
	case (u.Role == access.Entrepreneur) != (u.Centre != ""):
		return bad("centre", "entrepreneurs have a centre, others don't")
	case u.Role == access.Operator || u.Role == access.Auditor:
		return nil
	case s.world.set == nil:
		return refuse(fault.Unavailable, "catalogue", "the first release is not published yet")
	}
	return s.checkPlace(u)
}

// checkPlace asks the directory for the seat or the centre of a new login.
func (s staff) checkPlace(u *User) *protocol.Failure {
	dir := s.world.set.Directory
	if u.Role == access.Entrepreneur {
		if _, ok := dir.Centre(u.Centre); !ok {
			return refuse(fault.NotFound, clip(string(u.Centre), 64), "no such centre in this district's directory")
		}
		return nil
	}
	post, ok := dir.Post(u.Seat.Post)
	if !ok {
		return refuse(fault.NotFound, clip(u.Seat.Post, 64), "no such post")
	}
	office, ok := dir.Office(u.Seat.Office)
	if !ok || office.Level != post.OfficeLevel {
		return refuse(fault.NotFound, clip(u.Seat.String(), 64), "no such office, or it has no such post")
	}
	return nil
}

func unprintable(r rune) bool { return r <= ' ' || r == 0x7f || r == '\u00a0' || r == '\ufffd' }

// saveUser keeps a login, and tells the centre of an entrepreneur's.
func (s staff) saveUser(u *User) {
	k := s.userKey(u.Name)
	s.put(k, u)
	w := s.world.clone()
	w.addLogin(k, u)
	s.world, s.people = w, nil
	if u.Role == access.Officer && s.format > 3 {
		leases(s).lendNew(u)
	}
	if u.Role != access.Entrepreneur {
		return
	}
	s.append(s.world.inbox(u.Centre), &protocol.Event{
		Kind: protocol.UserChanged, Actor: u.Name,
		Payload: protocol.Marshal(&protocol.User{
			Name: u.Name, Centre: string(u.Centre), Role: string(u.Role), Gender: u.Gender, Hash: u.Hash,
			From: u.From, Until: u.Until, Disabled: u.Disabled, Trained: u.trained(),
		}),
	})
}

func (s staff) disableUser(c *Command) Result {
	b, f := body[Name](c)
	if f != nil {
		return Result{Fault: f}
	}
	u := &User{}
	if !s.get(s.userKey(b.Name), u) {
		return failed(fault.NotFound, clip(b.Name, 64), "no such login")
	}
	if b.Name == c.Actor {
		return failed(fault.Conflict, clip(b.Name, 64), "this is your own login: ask another operator")
	}
	if !u.Disabled {
		u.Disabled = true
		if s.format > 3 && len(leases(s).ofOffice(u)) > 0 {
			u.DisabledAt = s.meta.At / 1000
		}
		s.saveUser(u)
	}
	return done(nil)
}

// People answers questions about logins. Any goroutine may ask.
type People struct{ *state }

// User returns a login, or [fault.NotFound].
func (r People) User(name string) (*User, error) {
	f := r.world.Load().founding
	if f == nil {
		return nil, fault.New("register.User", fault.NotFound, clip(name, 64), "nobody has a login yet")
	}
	return find[User](r.state, "User", key(tagUser, nameKey(f.Incarnation, name)), name)
}

// Users returns every login, in no order that means anything.
func (r People) Users() ([]*User, error) { return list[User](r.state, key(tagUser)) }

// Principal returns who a login is to the policy at a time in Unix seconds, or
// [fault.Denied] when it may not sign in then.
func (r People) Principal(name string, unix int64) (access.Principal, error) {
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
