package desk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/web/api"
)

// A door lets people in by name and password.
type door struct {
	server  *Server
	guard   *api.Guard
	signed  *api.Repeats[api.SessionAnswer]
	hashing chan struct{} // A place for each password being checked.
}

// hashers bounds how many passwords are checked at once: each takes 19 MiB.
const hashers = 2

func newDoor(s *Server) *door {
	return &door{server: s, guard: api.NewGuard(), signed: api.NewRepeats[api.SessionAnswer](), hashing: make(chan struct{}, hashers)}
}

func (d *door) routes() {
	d.server.api.Raw(api.Route{
		Method: http.MethodPost, Path: "/v1/sessions", ID: "sign-in", Summary: "Sign in", Public: true,
		Status: http.StatusCreated, MaxBody: 4 << 10,
	}, api.SessionRequest{}, api.SessionAnswer{}, d.signIn)
	api.Register(d.server.api, api.Route{
		Method: http.MethodPost, Path: "/v1/users/{name}/unlock", ID: "unlock-user", Act: access.ManageUsers,
		Summary: "Let a login that wrong passwords have slowed down begin anew, at this server",
	}, func(_ context.Context, in *nameInput) (*doneOutput, error) {
		if _, err := d.server.hub.Register().User(in.Name); err != nil {
			return nil, err
		}
		d.guard.Unlock(in.Name)
		return &doneOutput{Body: api.Done{Done: true}}, nil
	})
}

// signIn checks a name and a password (R-OF1). Who fails too often has to wait.
func (d *door) signIn(w http.ResponseWriter, r *http.Request, c api.Caller) {
	body, err := api.ReadBody(r)
	if err != nil {
		d.server.api.Fail(w, "sign-in", err)
		return
	}
	var in api.SessionRequest
	if json.Unmarshal(body, &in) != nil || in.User == "" || in.Password == "" || len(in.User) > 128 || len(in.Password) > identity.MaxPassword {
		d.server.api.Fail(w, "sign-in", fault.New("desk.signIn", fault.Invalid, "body", "want {user, password}"))
		return
	}
	key := in.User + "/" + c.Key
	first, again, err := d.signed.Find(key, body)
	if err == nil && !again {
		first, err = d.session(r, in)
	}
	if err != nil {
		d.server.api.Fail(w, "sign-in", err)
		return
	}
	d.signed.Keep(key, body, first)
	api.WriteJSON(w, http.StatusCreated, first)
}

// session issues a token, or says how long to wait before another try.
func (d *door) session(r *http.Request, in api.SessionRequest) (answer api.SessionAnswer, err error) {
	now := d.server.clock()
	u, err := d.user(in.User)
	if err != nil {
		return answer, err
	}
	sessions := d.server.hub.Sessions()
	try := api.SignIn{User: in.User, Address: api.AddressOf(r, d.server.proxied), Device: sessions.Devices().ID(in.Device, in.User, u.Hash)}
	if err := d.guard.Begin(try, now); err != nil {
		return answer, err
	}
	u, good, err := d.right(r.Context(), u, in.Password)
	if err != nil {
		d.guard.Undo(try, now)
		return answer, err
	}
	if !good || !u.ActiveAt(now.Unix()) {
		if err := d.guard.Bad(try, now); err != nil {
			return answer, err
		}
		return answer, &api.Refusal{SignIn: true, Err: fault.New("desk.session", fault.Denied, "", "name or password is wrong, or the login is not valid now")}
	}
	if answer.Device = in.Device; try.Device == "" {
		answer.Device = sessions.Devices().Mark(u.Name, u.Hash)
	}
	answer.Wrong = api.WrongOf(d.guard.Right(try, now))
	token, expires := sessions.Issue(u.Name, now)
	answer.Token, answer.Expires = token, api.TimeOf(expires)
	return answer, nil
}

// right checks a password, and once more where this server was behind with what it knows of
// the login. Whoever has none waits for that as long, so that the two can't be told apart.
func (d *door) right(ctx context.Context, u *register.User, password string) (*register.User, bool, error) {
	good, err := d.matches(ctx, password, u.Hash)
	if err != nil || good {
		return u, good, err
	}
	wait, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	d.server.hub.Fresh(wait)
	now, err := d.user(u.Name)
	if err != nil || now.Hash == u.Hash {
		return u, false, err
	}
	good, err = d.matches(ctx, password, now.Hash)
	return now, good, err
}

// matches waits for a place to check a password in.
func (d *door) matches(ctx context.Context, password, hash string) (bool, error) {
	select {
	case d.hashing <- struct{}{}:
	case <-ctx.Done():
		return false, fault.Wrap("desk.session", fault.Unavailable, "", ctx.Err())
	}
	defer func() { <-d.hashing }()
	return identity.CheckPassword(password, hash), nil
}

// user finds a login as this server knows it; nobody's is empty, so that it costs as much to
// check.
func (d *door) user(name string) (*register.User, error) {
	u, err := d.server.hub.Register().User(name)
	if errors.Is(err, fault.NotFound) {
		return &register.User{Name: name}, nil
	}
	return u, err
}
