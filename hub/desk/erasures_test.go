package desk

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"kendro/domain/access"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/web/api"
)

// head gives a login to a post of the district's office.
func (o *office) head(login, post string) {
	o.t.Helper()
	seat, ok := o.set.Directory.SeatFor(post, "41")
	if !ok {
		o.t.Fatalf("no office has the post %s", post)
	}
	hash, err := identity.HashPassword(password)
	if err != nil {
		o.t.Fatal(err)
	}
	o.must("root", register.AddUser, register.User{Name: login, Role: access.Officer, Seat: seat, Hash: hash, From: 1})
}

// TestRow36OrderedAndConfirmed: an order by the calls and on the page, from its refusal to
// what the citizen then reads. Nothing finds the case by what it told.
func TestRow36OrderedAndConfirmed(t *testing.T) {
	o := screens{newOffice(t)}
	o.head("adc", "adc-general")
	n := o.file(1)
	name, _, _ := o.who(n)
	if found := o.find("audit", "q="+url.QueryEscape(name)); len(found.Found) != 1 {
		t.Fatalf("its name finds %v; want it", numbersOf(found))
	}
	order := `{"numbers":["` + n.String() + `"],"basis":"Data Protection Act, s. 13","reason":"the citizen asked"}`
	if w := o.call("dc", "POST", "/v1/erasures", order); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "not at its end") {
		t.Errorf("an open case: got %d %s; want a conflict that says why", w.Code, w.Body.String())
	}
	o.send(&protocol.Event{Kind: protocol.Withdrawn, At: dawn, Actor: "rahima", Number: n, Payload: protocol.Marshal(&protocol.Withdrawal{Reason: name})})
	if w := o.call("anna", "POST", "/v1/erasures", order); w.Code != http.StatusForbidden {
		t.Errorf("a post that may not: got %d; want 403", w.Code)
	}
	if w := o.call("dc", "POST", "/v1/erasures", order); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "an item of it is open") {
		t.Errorf("while nobody has said what of its fee is owed back: got %d %s", w.Code, w.Body.String())
	}
	asked := o.unsettled("anna", "mine")
	if len(asked) != 1 || asked[0].Kind != register.ItemRefundAsked || asked[0].Number != n {
		t.Fatalf("the desk is asked %+v", asked)
	}
	if w := o.call("anna", "POST", "/v1/items/"+asked[0].ID, `{"outcome":"dismissed","text":"the fee is used up"}`); w.Code != http.StatusOK {
		t.Fatalf("got %d %s", w.Code, w.Body.String())
	}
	made := into[api.ErasureList](t, o.call("dc", "POST", "/v1/erasures", order), http.StatusCreated)
	if len(made.Erasures) != 1 || made.Erasures[0].ErasedAt != nil || made.Erasures[0].OrderedBy != "dc" {
		t.Errorf("ordered: %+v", made)
	}
	if page := o.page("adc", "GET", "/desk/erasures", nil).Body.String(); !strings.Contains(page, "Data Protection Act") || !strings.Contains(page, "value=\"confirm\"") {
		t.Error("the page does not show the order, or no way to confirm it")
	}
	if w := o.page("dc", "POST", "/desk/erasures", url.Values{"key": {api.NewKey()}, "word": {"confirm"}, "number": {n.String()}}); w.Code != http.StatusForbidden {
		t.Errorf("confirmed by the one who ordered it: got %d; want 403", w.Code)
	}
	if w := o.page("adc", "POST", "/desk/erasures", url.Values{"key": {api.NewKey()}, "word": {"confirm"}, "number": {n.String()}}); w.Code != http.StatusSeeOther {
		t.Fatalf("confirm: got %d %s", w.Code, w.Body.String())
	}
	tracked := into[api.Tracking](t, o.call("", "GET", "/v1/track/"+n.String(), ""), 200)
	if tracked.Stage != "WITHDRAWN" || tracked.Custody != api.Erased || tracked.Erased == nil || tracked.Erased.By.Code != "dc" {
		t.Errorf("the citizen reads %+v", tracked)
	}
	if page := o.page("", "GET", "/track?number="+n.String(), nil).Body.String(); !strings.Contains(page, wordOf(o, "dc")) {
		t.Error("the page does not say by whose order")
	}
	record := into[api.Record](t, o.call("audit", "GET", "/v1/applications/"+n.String(), ""), 200)
	if record.Erased == nil || len(record.Applicant) > 0 && string(record.Applicant) != "null" || len(record.History) < 3 {
		t.Errorf("the record is %+v", record)
	}
	if found := o.find("audit", "q="+url.QueryEscape(name)); len(found.Found) != 0 {
		t.Errorf("its name still finds %v", numbersOf(found))
	}
	list := into[api.ErasureList](t, o.call("audit", "GET", "/v1/erasures", ""), 200)
	if len(list.Erasures) != 1 || list.Erasures[0].ConfirmedBy != "adc" || list.Erasures[0].ErasedAt == nil {
		t.Errorf("the auditor reads %+v", list)
	}
	o.carriedOut(n)
}

// carriedOut: who has carried an order out is said by each of them, and by an operator of what
// lies elsewhere.
func (o screens) carriedOut(n protocol.Number) {
	o.t.Helper()
	steps := func() map[string]bool {
		done := map[string]bool{}
		for _, s := range into[api.ErasureList](o.t, o.call("audit", "GET", "/v1/erasures", ""), 200).Erasures[0].Steps {
			done[s.Step] = s.Done
			if (s.Step == "server" || s.Step == "copies") && s.Due == nil {
				o.t.Errorf("the step %s has no date", s.Step)
			}
		}
		return done
	}
	if got := steps(); len(got) != 4 || !got["register"] || got["server"] || got["box"] || got["copies"] {
		o.t.Errorf("at first the steps are %v; want the register alone", got)
	}
	e, err := o.reg.Erasure(n)
	if err != nil || len(e.Told) == 0 {
		o.t.Fatal(e, err)
	}
	if page := o.page("dc", "GET", "/desk/erasures", nil).Body.String(); !strings.Contains(page, wordNoWord) || !strings.Contains(page, "কেন্দ্রের বাক্স") {
		o.t.Error("the page does not say that there is no word of a box")
	}
	for _, s := range o.reg.Servers() {
		o.must(register.ActorHub, register.ServerHasForgot, &register.ServerForgot{Server: s.ID, Index: e.Index})
	}
	for _, b := range o.reg.Nodes() {
		for _, h := range e.Told {
			if h.Log.Name == string(b.Centre) {
				o.must(register.ActorHub, register.BoxHasForgot, &register.BoxForgot{Slot: b.Slot, Inbox: h, Since: dawn})
			}
		}
	}
	if w := o.call("dc", "POST", "/v1/erasures/copies", `{"before":"2027-01-01"}`); w.Code != http.StatusForbidden {
		o.t.Errorf("an officer's word on copies: got %d; want 403", w.Code)
	}
	o.must("root", register.CopiesAreGone, &register.CopiesGone{Before: o.reg.At()})
	for step, done := range steps() {
		if !done {
			o.t.Errorf("the step %s is not done", step)
		}
	}
}

// wordNoWord is what the page says where nothing was heard.
const wordNoWord = "এখনও খবর নেই"

// wordOf is a post in the words of the pages.
func wordOf(o screens, post string) string {
	p, _ := o.set.Directory.Post(post)
	return place.Name{BN: p.Name.BN}.BN
}
