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

func (s *Server) sessionRoutes() {
	s.api.Raw(api.Route{
		Method: http.MethodPost, Path: "/v1/sessions", ID: "sign-in", Summary: "Sign in", Public: true,
		Status: http.StatusCreated, MaxBody: 4 << 10,
	}, api.SessionRequest{}, api.SessionAnswer{}, s.signIn)
}

// signIn checks a name and a password (R-OF1). Who fails too often, by name or
// by address, has to wait.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request, c api.Caller) {
	body, err := api.ReadBody(r)
	if err != nil {
		s.api.Fail(w, "sign-in", err)
		return
	}
	var in api.SessionRequest
	if json.Unmarshal(body, &in) != nil || in.User == "" || in.Password == "" || len(in.User) > 128 || len(in.Password) > identity.MaxPassword {
		s.api.Fail(w, "sign-in", fault.New("desk.signIn", fault.Invalid, "body", "want {user, password}"))
		return
	}
	key := in.User + "/" + c.Key
	first, again, err := s.signed.Find(key, body)
	if err == nil && !again {
		first, err = s.session(r, in)
	}
	if err != nil {
		s.api.Fail(w, "sign-in", err)
		return
	}
	s.signed.Keep(key, body, first)
	api.WriteJSON(w, http.StatusCreated, first)
}

// session issues a token, or says how long to wait before another try.
func (s *Server) session(r *http.Request, in api.SessionRequest) (api.SessionAnswer, error) {
	now := s.clock()
	names := []string{"user " + in.User, "from " + api.AddressOf(r, s.proxied)}
	for _, name := range names {
		if err := s.failed.Check(name, now); err != nil {
			return api.SessionAnswer{}, err
		}
	}
	u, err := s.user(r.Context(), in.User)
	if err != nil {
		return api.SessionAnswer{}, err
	}
	select {
	case s.hashing <- struct{}{}:
	case <-r.Context().Done():
		return api.SessionAnswer{}, fault.Wrap("desk.session", fault.Unavailable, "", r.Context().Err())
	}
	good := identity.CheckPassword(in.Password, u.Hash)
	<-s.hashing
	if !good || !u.ActiveAt(now.Unix()) {
		for _, name := range names {
			if err := s.failed.Take(name, now); err != nil {
				return api.SessionAnswer{}, err
			}
		}
		return api.SessionAnswer{}, &api.Refusal{SignIn: true, Err: fault.New("desk.session", fault.Denied, "", "name or password is wrong, or the login is not valid now")}
	}
	token, expires := s.hub.Sessions().Issue(u.Name, now)
	return api.SessionAnswer{Token: token, Expires: api.TimeOf(expires)}, nil
}

// user finds a login, on a server that is behind after waiting; nobody's is
// empty, so that it costs as much to check.
func (s *Server) user(ctx context.Context, name string) (*register.User, error) {
	u, err := s.hub.Register().User(name)
	if errors.Is(err, fault.NotFound) {
		wait, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		s.hub.Fresh(wait)
		u, err = s.hub.Register().User(name)
	}
	if errors.Is(err, fault.NotFound) {
		return &register.User{Name: name}, nil
	}
	return u, err
}
