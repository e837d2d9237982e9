package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"kendro/domain/access"
	"kendro/domain/fault"
)

// SessionCookie is the cookie in which a page's session travels.
const SessionCookie = "kendro_session"

// MaxKey bounds an Idempotency-Key.
const MaxKey = 128

// An Authenticator knows people by their bearer tokens. It may be called
// concurrently and answers from memory.
type Authenticator interface {
	// Check returns whom a token speaks for, as he stands now: a disabled user
	// is Denied however good the token.
	Check(token string) (access.Principal, error)
}

// A Caller is who makes a request, and the ID he gave it.
type Caller struct {
	access.Principal
	Key   string // Idempotency-Key of a POST.
	Token string // The bearer token, to be handed on to a page's session.
}

type callerKey struct{}

type controlKey struct{}

// CallerOf returns who makes the request of this context; a public call may have
// a nobody.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	return c
}

// LocalOperator is who speaks through a daemon's control socket. No login begins
// with @.
func LocalOperator() access.Principal {
	return access.Principal{User: "@control", Role: access.Operator}
}

// Control marks the requests of a handler as the local operator's. It belongs on
// the control socket and nowhere else.
func Control(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), controlKey{}, true)))
	})
}

// Who returns the caller of a request by its bearer token, its page's session or
// its way in. Without any it is nobody and no error; with a token that is no
// good the error is Denied, and the answer to it 401.
func (a *API) Who(r *http.Request) (Caller, error) {
	if local, _ := r.Context().Value(controlKey{}).(bool); local {
		return Caller{Principal: LocalOperator()}, nil
	}
	token := bearer(r)
	if token == "" {
		return Caller{}, nil
	}
	p, err := a.auth.Check(token)
	if err != nil {
		return Caller{}, &Refusal{Err: err, SignIn: true}
	}
	return Caller{Principal: p, Token: token}, nil
}

func bearer(r *http.Request) string {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, token, ok := strings.Cut(h, " ")
		if ok && strings.EqualFold(scheme, "bearer") {
			return strings.TrimSpace(token)
		}
		return h // Not a token of ours: Check says so.
	}
	if c, err := r.Cookie(SessionCookie); err == nil {
		return c.Value
	}
	return ""
}

// admit lets a request in or says why not: who is it, may his role do this at
// all, does it carry its ID. What he may touch is the handler's to ask.
func (a *API) admit(route *Route, r *http.Request) (Caller, error) {
	c, err := a.Who(r)
	if err != nil && !route.Public {
		return c, err
	}
	if !route.Public {
		if c.User == "" {
			return c, &Refusal{SignIn: true, Err: fault.New("api.Gate", fault.Denied, "", "sign in first: POST /v1/sessions")}
		}
		if access.ScopeOf(c.Role, route.Act) == access.Never && access.ScopeOf(c.Role, route.Or) == access.Never {
			return c, fault.New("api.Gate", fault.Denied, string(route.Act), "not for the role "+string(c.Role)+": sign in as somebody who may")
		}
	}
	if r.Method == http.MethodPost {
		c.Key = r.Header.Get("Idempotency-Key")
		if err := CheckKey(c.Key); err != nil {
			return c, err
		}
	}
	return c, nil
}

// CheckKey returns [fault.Invalid] for what can't be an Idempotency-Key.
func CheckKey(key string) error {
	if key == "" {
		return fault.New("api.Gate", fault.Invalid, "Idempotency-Key", "every POST carries one: draw it at random and repeat the request with the same")
	}
	if len(key) > MaxKey {
		return fault.New("api.Gate", fault.Invalid, "Idempotency-Key", "want at most 128 characters")
	}
	for _, b := range []byte(key) {
		if b < 0x21 || b > 0x7e {
			return fault.New("api.Gate", fault.Invalid, "Idempotency-Key", "want letters, digits and signs without spaces")
		}
	}
	return nil
}

// sessionAge is how long a browser keeps a session, in seconds: as long as a
// token is good. It is a length of time, as the clocks of a box and of the
// browser before it may differ by years.
const sessionAge = 12 * 60 * 60

// SetSession hands a page's browser its token.
func SetSession(w http.ResponseWriter, r *http.Request, token string) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the connection is: loopback may be plain.
		Name: SessionCookie, Value: token, Path: "/", MaxAge: sessionAge, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
}

// EndSession takes it back.
func EndSession(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the connection is: loopback may be plain.
		Name: SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
}

// deviceAge is how long a browser keeps its mark, in seconds: what browsers allow at most.
const deviceAge = 400 * 24 * 60 * 60

// deviceCookie is where a browser keeps a login's mark: people share one.
func deviceCookie(user string) string {
	sum := sha256.Sum256([]byte(user))
	return "kendro_device_" + hex.EncodeToString(sum[:6])
}

// DeviceOf is the mark that a browser has of a login, "" for none.
func DeviceOf(r *http.Request, user string) string {
	c, err := r.Cookie(deviceCookie(user))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetDevice hands a page's browser the mark of a login.
func SetDevice(w http.ResponseWriter, r *http.Request, user, mark string) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the connection is: loopback may be plain.
		Name: deviceCookie(user), Value: mark, Path: "/sign-in", MaxAge: deviceAge, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil,
	})
}
