package counter

import (
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/node/box"
	"kendro/web/api"
)

// Doors lets people in: against the box's own copy of its logins, so the hub
// may be gone. It satisfies [api.Authenticator] and is safe for concurrent use.
type Doors struct {
	box      *box.Box
	sessions *identity.Sessions
	clock    func() time.Time
	turn     chan struct{} // One password at a time: each takes 19 MiB.
}

// NewDoors returns the doors of a box. The secret is the box's own and lasts, so
// that a token survives a restart.
func NewDoors(b *box.Box, secret []byte, clock func() time.Time) *Doors {
	return &Doors{box: b, sessions: identity.NewSessions(secret), clock: clock, turn: make(chan struct{}, 1)}
}

// Check returns whom a token speaks for, as he stands now.
func (d *Doors) Check(token string) (access.Principal, error) {
	now := d.clock()
	name, err := d.sessions.Check(token, now)
	if err != nil {
		return access.Principal{}, err
	}
	u, ok := d.box.User(name)
	if !ok || !box.Active(u, now) {
		return access.Principal{}, fault.New("counter.Check", fault.Denied, "", "this login has ended: ask the UNO's office")
	}
	return access.Principal{User: u.Name, Role: access.Role(u.Role), Centre: place.Centre(u.Centre), Seat: box.Seat(&u)}, nil
}

// device is which browser the mark in a request names, "" where it is none of that login's.
func (d *Doors) device(in api.SessionRequest) string {
	u, _ := d.box.User(in.User)
	return d.sessions.Devices().ID(in.Device, in.User, u.Hash)
}

// signIn lets a login in with its password, or returns [fault.Denied]. Which of the two was
// wrong stays untold.
func (d *Doors) signIn(in api.SessionRequest) (*api.SessionAnswer, error) {
	d.turn <- struct{}{}
	u, ok := d.box.User(in.User)
	right := identity.CheckPassword(in.Password, u.Hash)
	<-d.turn
	now := d.clock()
	if !ok || !right || !box.Active(u, now) {
		return nil, fault.New("counter.SignIn", fault.Denied, "", "name or password is wrong, or the login has ended")
	}
	token, expires := d.sessions.Issue(u.Name, now)
	return &api.SessionAnswer{Token: token, Expires: api.TimeOf(expires), Device: d.sessions.Devices().Mark(u.Name, u.Hash)}, nil
}
