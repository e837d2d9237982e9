package desk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"kendro/web/api"
)

// TestStrangersGuess: many addresses guess a password. The same is said of a name that nobody
// has; its owner signs in where he did before, and in his browser anywhere, and is told.
func TestStrangersGuess(t *testing.T) {
	o := screens{newOffice(t)}
	try := func(user, pass, from, device string) *httptest.ResponseRecorder {
		body, err := json.Marshal(api.SessionRequest{User: user, Password: pass, Device: device})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "/v1/sessions", bytes.NewReader(body))
		r.RemoteAddr = from + ":9"
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", api.NewKey())
		w := httptest.NewRecorder()
		o.server.ServeHTTP(w, r)
		return w
	}
	first := into[api.SessionAnswer](t, try("dc", password, "203.0.113.7", ""), 201)
	if first.Device == "" || first.Wrong != nil {
		t.Errorf("the first time he is told %+v", first)
	}
	for i := range 12 {
		from := fmt.Sprint("192.0.2.", i)
		his, nobodys := try("dc", "guessed it", from, ""), try("nobody", "guessed it", from, "")
		if his.Code != nobodys.Code || strings.ReplaceAll(his.Body.String(), "dc", "nobody") != nobodys.Body.String() {
			t.Errorf("guess %d: got %d %s, of a name that nobody has %d %s", i, his.Code, his.Body, nobodys.Code, nobodys.Body)
		}
		if slow := i >= 5; (his.Code == http.StatusTooManyRequests) != slow {
			t.Errorf("guess %d: got %d; want it slowed down: %v", i, his.Code, slow)
		}
	}
	if w := try("dc", password, "192.0.2.99", ""); w.Code != http.StatusTooManyRequests {
		t.Errorf("from a place where he never was: got %d", w.Code)
	}
	if w := try("dc", password, "192.0.2.99", "a mark of nobody’s"); w.Code != http.StatusTooManyRequests {
		t.Errorf("with a forged mark: got %d", w.Code)
	}
	if w := try("anna", password, "192.0.2.98", first.Device); w.Code != http.StatusCreated {
		t.Errorf("another login, with his mark: got %d", w.Code)
	}
	travelling := into[api.SessionAnswer](t, try("dc", password, "198.51.100.4", first.Device), 201)
	if travelling.Wrong == nil || travelling.Wrong.Tries != 14 || travelling.Device != first.Device {
		t.Errorf("he is told %+v", travelling)
	}
	if again := into[api.SessionAnswer](t, try("dc", password, "203.0.113.7", ""), 201); again.Wrong != nil {
		t.Errorf("he is told again: %+v", again)
	}
	into[api.Problem](t, o.call("anna", "POST", "/v1/users/dc/unlock", ""), 403)
	into[api.Problem](t, o.call("root", "POST", "/v1/users/nobody/unlock", ""), 404)
	into[api.Done](t, o.call("root", "POST", "/v1/users/dc/unlock", ""), 200)
	if w := try("dc", password, "192.0.2.99", ""); w.Code != http.StatusCreated {
		t.Errorf("unlocked: got %d", w.Code)
	}
}

// TestSignInPageTells: the page remembers the browser, and shows what was tried before it goes on.
func TestSignInPageTells(t *testing.T) {
	o := screens{newOffice(t)}
	var jar []*http.Cookie
	post := func(pass, from string) *httptest.ResponseRecorder {
		form := url.Values{"user": {"dc"}, "password": {pass}, "key": {api.NewKey()}}
		r := httptest.NewRequest(http.MethodPost, "/sign-in", strings.NewReader(form.Encode()))
		r.RemoteAddr = from + ":9"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range jar {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		o.server.ServeHTTP(w, r)
		return w
	}
	w := post(password, "203.0.113.7")
	if w.Code != http.StatusSeeOther {
		t.Fatalf("got %d", w.Code)
	}
	jar = slices.DeleteFunc(w.Result().Cookies(), func(c *http.Cookie) bool { return c.Name == api.SessionCookie })
	his := jar
	jar = nil
	for range 7 {
		w = post("guessed it", "192.0.2.9")
	}
	if w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), "১৫ মিনিট") {
		t.Errorf("the seventh guess: got %d %s", w.Code, w.Body)
	}
	jar = his
	w = post(password, "192.0.2.9")
	if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, "ভুল পাসওয়ার্ড দিয়ে চেষ্টা হয়েছে") || !strings.Contains(body, "৭") || !strings.Contains(body, `href="/desk"`) {
		t.Errorf("he is told: %d %s", w.Code, body)
	}
	if w = post(password, "192.0.2.9"); w.Code != http.StatusSeeOther {
		t.Errorf("told again: got %d", w.Code)
	}
}
