package web

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"strings"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

// fieldKept holds what was typed into a page whose session had ended, while its reader signs in.
const fieldKept = "kept"

// sign hangs up the way in and the way out.
func (s *pages) sign(title place.Name) {
	s.api.Page("POST /sign-in", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values, err := post(w, r)
		if err != nil {
			s.failed(w, r, err)
			return
		}
		out, err := s.enter(w, r, values)
		to := local(cmp.Or(values.Get("back"), s.home))
		switch {
		case err == nil && out.Wrong != nil:
			p := s.page(r, wordWrongTries)
			s.show(w, r, http.StatusOK, signedIn(p, to, p.Lang.Count(int64(out.Wrong.Tries)), p.Lang.Moment(out.Wrong.Last.Time)))
			return
		case err == nil:
			http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // local lets no other server through.
			return
		}
		s.refused(w, r, title, err, wayIn{Action: "/sign-in", User: values.Get("user"), Back: values.Get("back")})
	}))
	s.api.Page("POST /sign-out", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.EndSession(w, r)
		http.Redirect(w, r, s.home, http.StatusSeeOther)
	}))
}

// enter signs in, and gives the browser its session.
func (s *pages) enter(w http.ResponseWriter, r *http.Request, values url.Values) (*api.SessionAnswer, error) {
	in := api.SessionRequest{User: values.Get("user"), Password: values.Get("password")}
	in.Device = api.DeviceOf(r, in.User)
	out := new(api.SessionAnswer)
	if err := api.Inside(s.api, r).Do(r.Context(), api.Call{Path: "/v1/sessions", Key: values.Get("key"), In: in, Out: out}); err != nil {
		return nil, err
	}
	api.SetSession(w, r, out.Token)
	if out.Device != "" { // A box marks no devices.
		api.SetDevice(w, r, in.User, out.Device)
	}
	return out, nil
}

// refused shows the way in again with why nobody was let in.
func (s *pages) refused(w http.ResponseWriter, r *http.Request, title place.Name, err error, v wayIn) {
	p := s.page(r, title)
	words := wordsFor(err)
	switch fault.KindOf(err) {
	case fault.Denied, fault.Invalid:
		words = wordBadSignIn
	case fault.Limited:
		words = wordSlowSignIn
	default:
	}
	p.Problems = []problem{{Anchor: "user", Text: p.Say(words)}}
	v.Title, v.Key = p.Say(title), api.NewKey()
	s.show(w, r, api.ProblemOf(err).Status, signIn(p, v))
}

// known lets the signed-in through; everybody else sees the way in, and comes back to where he was.
func (s *pages) known(title place.Name, h func(http.ResponseWriter, *http.Request, api.Caller)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.api.Who(r)
		switch {
		case err != nil || c.User == "":
			s.unknown(w, r, title, h)
		case r.URL.Path == s.home && s.homeOf(c.Role) != s.home:
			http.Redirect(w, r, s.homeOf(c.Role), http.StatusSeeOther)
		default:
			h(w, r, c)
		}
	})
}

// unknown shows the way in. What was typed into a page whose session had ended is not lost: it is kept
// in the form, and the page goes on with it.
func (s *pages) unknown(w http.ResponseWriter, r *http.Request, title place.Name, h func(http.ResponseWriter, *http.Request, api.Caller)) {
	p := s.page(r, title)
	if r.Method == http.MethodGet {
		v := wayIn{Title: p.Say(title), Action: "/sign-in", Key: api.NewKey()}
		if r.URL.Path != s.home {
			v.Back = r.URL.RequestURI()
		}
		s.show(w, r, http.StatusOK, signIn(p, v))
		return
	}
	values, err := typedOnly(w, r)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	kept := values.Get(fieldKept)
	if kept == "" {
		p.Problems = []problem{{Text: p.Say(wordSignInKept)}}
		v := wayIn{Title: p.Say(title), Action: r.URL.Path, Key: api.NewKey(), Kept: cmp.Or(values.Encode(), "&")}
		s.show(w, r, http.StatusUnauthorized, signIn(p, v))
		return
	}
	out, err := s.enter(w, r, values)
	if err != nil {
		s.refused(w, r, title, err, wayIn{Action: r.URL.Path, User: values.Get("user"), Kept: kept})
		return
	}
	again := resumed(r, out.Token, kept)
	c, err := s.api.Who(again)
	if err != nil {
		s.failed(w, r, err)
		return
	}
	h(w, again, c)
}

// resumed is a request as it would have come with a session.
func resumed(r *http.Request, token, kept string) *http.Request {
	again := r.Clone(r.Context())
	again.Form, again.PostForm, again.MultipartForm = nil, nil, nil
	again.Header.Del("Cookie")
	for _, c := range r.Cookies() {
		if c.Name != api.SessionCookie {
			again.AddCookie(c)
		}
	}
	again.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: token}) //nolint:gosec // Of a request, which has no attributes.
	again.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	again.Body, again.ContentLength = io.NopCloser(strings.NewReader(kept)), int64(len(kept))
	return again
}
