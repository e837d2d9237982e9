package desk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/web/api"
)

// A door lets people in by name and password.
type door struct {
	server  *Server
	failed  *api.Limiter // Failed tries.
	signed  *api.Repeats[api.SessionAnswer]
	hashing chan struct{} // A place for each password being checked.
}

// hashers bounds how many passwords are checked at once: each takes 19 MiB.
const hashers = 2

func newDoor(s *Server) *door {
	return &door{server: s, failed: api.SignIns(), signed: api.NewRepeats[api.SessionAnswer](), hashing: make(chan struct{}, hashers)}
}

func (d *door) routes() {
	d.server.api.Raw(api.Route{
		Method: http.MethodPost, Path: "/v1/sessions", ID: "sign-in", Summary: "Sign in", Public: true,
		Status: http.StatusCreated, MaxBody: 4 << 10,
	}, api.SessionRequest{}, api.SessionAnswer{}, d.signIn)
}

// signIn checks a name and a password (R-OF1). Who fails too often, by name or
// by address, has to wait.
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
func (d *door) session(r *http.Request, in api.SessionRequest) (api.SessionAnswer, error) {
	now := d.server.clock()
	names := []string{"user " + in.User, "from " + api.AddressOf(r, d.server.proxied)}
	for _, name := range names {
		if err := d.failed.Check(name, now); err != nil {
			return api.SessionAnswer{}, err
		}
	}
	u, err := d.user(r.Context(), in.User)
	if err != nil {
		return api.SessionAnswer{}, err
	}
	select {
	case d.hashing <- struct{}{}:
	case <-r.Context().Done():
		return api.SessionAnswer{}, fault.Wrap("desk.session", fault.Unavailable, "", r.Context().Err())
	}
	good := identity.CheckPassword(in.Password, u.Hash)
	<-d.hashing
	if !good || !u.ActiveAt(now.Unix()) {
		for _, name := range names {
			if err := d.failed.Take(name, now); err != nil {
				return api.SessionAnswer{}, err
			}
		}
		return api.SessionAnswer{}, &api.Refusal{SignIn: true, Err: fault.New("desk.session", fault.Denied, "", "name or password is wrong, or the login is not valid now")}
	}
	token, expires := d.server.hub.Sessions().Issue(u.Name, now)
	return api.SessionAnswer{Token: token, Expires: api.TimeOf(expires)}, nil
}

// user finds a login, on a server that is behind after waiting; nobody's is
// empty, so that it costs as much to check.
func (d *door) user(ctx context.Context, name string) (*register.User, error) {
	u, err := d.server.hub.Register().User(name)
	if errors.Is(err, fault.NotFound) {
		wait, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		d.server.hub.Fresh(wait)
		u, err = d.server.hub.Register().User(name)
	}
	if errors.Is(err, fault.NotFound) {
		return &register.User{Name: name}, nil
	}
	return u, err
}
