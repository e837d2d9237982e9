package web

import (
	"net/http"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/web/api"
)

// sign hangs up the way in and the way out.
func (s *pages) sign(title place.Name) {
	s.api.Page("POST /sign-in", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values, err := post(w, r)
		if err != nil {
			s.failed(w, r, err)
			return
		}
		in := api.SessionRequest{User: values.Get("user"), Password: values.Get("password")}
		in.Device = api.DeviceOf(r, in.User)
		var out api.SessionAnswer
		err = api.Inside(s.api, r).Do(r.Context(), api.Call{Path: "/v1/sessions", Key: values.Get("key"), In: in, Out: &out})
		if err == nil {
			api.SetSession(w, r, out.Token)
			api.SetDevice(w, r, in.User, out.Device)
			if out.Wrong != nil {
				p := s.page(r, wordWrongTries)
				s.show(w, r, http.StatusOK, signedIn(p, s.home, p.Lang.Count(int64(out.Wrong.Tries)), p.Lang.Moment(out.Wrong.Last.Time)))
				return
			}
			http.Redirect(w, r, s.home, http.StatusSeeOther)
			return
		}
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
		s.show(w, r, api.ProblemOf(err).Status, signIn(p, p.Say(title), "/sign-in", in.User, api.NewKey()))
	}))
	s.api.Page("POST /sign-out", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.EndSession(w, r)
		http.Redirect(w, r, s.home, http.StatusSeeOther)
	}))
}

// known lets the signed-in through; everybody else sees the way in.
func (s *pages) known(title place.Name, h func(http.ResponseWriter, *http.Request, api.Caller)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := s.api.Who(r)
		if err == nil && c.User != "" {
			if home := s.homeOf(c.Role); r.URL.Path == s.home && home != s.home {
				http.Redirect(w, r, home, http.StatusSeeOther)
				return
			}
			h(w, r, c)
			return
		}
		p := s.page(r, title)
		status := http.StatusOK
		if r.Method != http.MethodGet {
			status = http.StatusUnauthorized
			p.Problems = []problem{{Text: p.Say(wordSignInNew)}}
		}
		s.show(w, r, status, signIn(p, p.Say(title), "/sign-in", "", api.NewKey()))
	})
}
