package counter

import (
	"encoding/json"
	"errors"
	"net/http"

	"kendro/domain/fault"
	"kendro/web/api"
)

// people adds the call by which people sign in.
func (c *counter) people() {
	c.api.Raw(api.Route{
		Method: http.MethodPost, Path: "/v1/sessions", ID: "sign-in", Public: true, MaxBody: 4 << 10,
		Summary: "Sign in; the token is good for 12 hours, also while the hub is gone",
	}, api.SessionRequest{}, api.SessionAnswer{}, c.signIn)
}

func (c *counter) signIn(w http.ResponseWriter, r *http.Request, who api.Caller) {
	answer, err := c.session(r, who.Key)
	if err != nil {
		c.api.Fail(w, "sign-in", err)
		return
	}
	api.WriteJSON(w, http.StatusOK, answer)
}

func (c *counter) session(r *http.Request, key string) (*api.SessionAnswer, error) {
	const op = "counter.SignIn"
	body, err := api.ReadBody(r)
	if err != nil {
		return nil, err
	}
	var in api.SessionRequest
	if err := json.Unmarshal(body, &in); err != nil || in.User == "" || in.Password == "" || len(in.User) > 128 {
		return nil, fault.New(op, fault.Invalid, "body", "want user and password")
	}
	key = in.User + "/" + key
	if first, ok, err := c.repeats.Find(key, body); err != nil || ok {
		return first, err
	}
	now := c.Clock()
	try := api.SignIn{User: in.User, Address: api.AddressOf(r, c.Proxied), Device: c.Doors.device(in)}
	if err := c.guard.Begin(try, now); err != nil {
		return nil, err
	}
	answer, err := c.Doors.signIn(in)
	if errors.Is(err, fault.Denied) {
		if err := c.guard.Bad(try, now); err != nil {
			return nil, err
		}
		return nil, &api.Refusal{Err: err, SignIn: true}
	}
	if err != nil {
		c.guard.Undo(try, now)
		return nil, err
	}
	if try.Device != "" {
		answer.Device = in.Device
	}
	answer.Wrong = api.WrongOf(c.guard.Right(try, now))
	c.repeats.Keep(key, body, answer)
	return answer, nil
}
