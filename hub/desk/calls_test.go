package desk

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kendro/protocol"
	"kendro/web/api"
)

// a shelf keeps what is saved, until it fails.
type callShelf struct {
	kept []byte
	fail bool
}

func (s *callShelf) Load() ([]byte, error) { return s.kept, nil }

func (s *callShelf) Save(b []byte) error {
	if s.fail {
		return errors.New("no space")
	}
	s.kept = b
	return nil
}

// TestCallsAreNoted: who answered a telephone, about which number and what was told stands at the
// server, of the applicant nothing, and whoever watches the area reads it (R-TR1).
func TestCallsAreNoted(t *testing.T) {
	o := screens{newOffice(t)}
	n := o.landCopy(1, "counter")
	phone := func(user, q string, want int) {
		t.Helper()
		if w := o.page(user, "GET", "/desk/phone?q="+url.QueryEscape(q), nil); w.Code != want {
			t.Fatalf("%s asks for %s: got %d %s", user, q, w.Code, w.Body)
		}
	}
	entries := o.index
	phone("anna", n.Bangla(), http.StatusOK)
	unknown, err := protocol.MintNumber("41", "0999", make([]byte, 8))
	if err != nil {
		t.Fatal(err)
	}
	phone("anna", unknown.String(), http.StatusNotFound)
	phone("elsewhere", n.String(), http.StatusOK)
	if o.index != entries {
		t.Errorf("the calls made %d entries of the district's log", o.index-entries)
	}
	phone("rina", "01832157069", http.StatusOK)
	phone("anna", "12345678901234567", http.StatusBadRequest) // Misheard: nothing was told.

	list := func(user, query string) api.CallList {
		t.Helper()
		w := o.call(user, "GET", "/v1/calls"+query, "")
		for _, never := range []string{"আবু", "01832157069", unknown.String()} {
			if strings.Contains(w.Body.String(), never) {
				t.Errorf("the calls tell of %s", never)
			}
		}
		return into[api.CallList](t, w, http.StatusOK)
	}
	all := list("audit", "")
	if len(all.Calls) != 4 || all.Server != "s1" || all.More {
		t.Fatalf("the auditor reads %+v", all)
	}
	for i, want := range []string{"rina 0 search", "elsewhere " + n.String() + " RECEIVED", "anna 0 unknown", "anna " + n.String() + " RECEIVED"} {
		c := all.Calls[i]
		number := c.Number.String()
		if c.Number == 0 {
			number = "0"
		}
		if got := fmt.Sprint(c.User, " ", number, " ", c.Told); got != want || c.At.IsZero() || c.Office == "" {
			t.Errorf("call %d: got %+v; want %s", i, c, want)
		}
	}
	if got := all.Calls[0].Found; got == nil {
		t.Error("it does not say how many were found")
	}
	if got := list("audit", "?user=anna&limit=1"); len(got.Calls) != 1 || !got.More || got.Calls[0].Told != api.ToldUnknown {
		t.Errorf("one of anna's: %+v", got)
	}
	if got := list("audit", "?number="+n.String()); len(got.Calls) != 2 {
		t.Errorf("about one case: %+v", got)
	}
	for _, c := range list("uno", "").Calls {
		if !strings.HasPrefix(c.Office, "local-41-09") {
			t.Errorf("the supervisor of an upazila reads of %s", c.Office)
		}
	}
	if got := list("uno", ""); len(got.Calls) != 3 {
		t.Errorf("the supervisor reads %+v", got)
	}
	into[api.Problem](t, o.call("anna", "GET", "/v1/calls", ""), http.StatusForbidden)
	page := o.page("uno", "GET", "/desk/calls", nil)
	if body := page.Body.String(); page.Code != http.StatusOK || !strings.Contains(body, n.Bangla()) || !strings.Contains(body, "anna") || strings.Contains(body, "rina") {
		t.Errorf("the page: got %d %s", page.Code, body)
	}
	if !strings.Contains(o.page("uno", "GET", "/desk/phone", nil).Body.String(), `href="/desk/calls"`) {
		t.Error("nothing leads the supervisor to the calls")
	}
	if m := o.call("root", "GET", "/metrics", "").Body.String(); !strings.Contains(m, `kendro_phone_calls_total{told="stage"} 2`) || !strings.Contains(m, `kendro_phone_calls_total{told="search"} 1`) {
		t.Error("the metrics lack the calls")
	}
	key := api.NewKey()
	for range 2 {
		into[api.CallAnswer](t, o.call("anna", "POST", "/v1/calls", `{"number":"`+n.String()+`"}`, "Idempotency-Key", key), http.StatusOK)
	}
	if got := list("audit", ""); len(got.Calls) != 5 {
		t.Errorf("asked again with the same key, there are %d calls; want 5", len(got.Calls))
	}
	into[api.Problem](t, o.call("anna", "POST", "/v1/calls", `{}`), http.StatusBadRequest)
}

// TestCallsAreBounded: the newest calls are kept over a restart, and no more than so many and no
// longer than so long; a full disk keeps nobody from an answer.
func TestCallsAreBounded(t *testing.T) {
	shelf := &callShelf{}
	c := &Config{Calls: shelf, Logger: slog.New(slog.DiscardHandler)}
	b := newCallBook(c)
	at := time.UnixMilli(dawn)
	for i := range maxCalls + 50 {
		at = at.Add(time.Minute)
		if err := b.note(call{PhoneCall: api.PhoneCall{At: api.TimeOf(at), User: fmt.Sprint(i)}}, at); err != nil {
			t.Fatal(err)
		}
	}
	again := newCallBook(c).newest()
	if len(again) != maxCalls || again[0].User != "50" || again[maxCalls-1].User != fmt.Sprint(maxCalls+49) {
		t.Errorf("after a restart there are %d, from %s on", len(again), again[0].User)
	}
	if len(shelf.kept) > 400<<10 {
		t.Errorf("the file has %d bytes", len(shelf.kept))
	}
	shelf.fail = true
	later := at.Add(callsKept)
	if err := b.note(call{PhoneCall: api.PhoneCall{At: api.TimeOf(later), User: "late"}}, later); err == nil {
		t.Error("a full disk is not told")
	}
	if got := b.newest(); len(got) != 2 { // That of the very last minute, and the new one.
		t.Errorf("half a year later there are %d", len(got))
	}
	shelf.kept = []byte("torn")
	if got := newCallBook(c).newest(); len(got) != 0 {
		t.Errorf("of a torn file it reads %v", got)
	}
}
