package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kendro/web/api"
)

// wordNumbersLeft stands on an officer's page of tasks, in Bangla.
const wordNumbersLeft = "অব্যবহৃত সনদ নম্বর"

// A unionTale is one whose union decides trade licences at its box.
type unionTale struct{ *tale }

func newUnionTale(t *testing.T) unionTale {
	t.Helper()
	x := unionTale{newTale(t, nil)}
	for who, post := range map[string]string{"salma": "secretary", "imran": "licence-inspector", "chairman": "chairman"} {
		x.kendro("user add --dir hub --name " + who + " --post " + post + "@local-41-09-17 --from 2020-01-01 --password-file password")
	}
	x.kendro("lease allow --centre 41-09-17 --service trade-licence --dir hub")
	x.until(`"token":1,`, "lease list --dir node --output json")
	return x
}

// signed has the union's people sign in at the box, for another day.
func (x unionTale) signed() {
	x.t.Helper()
	for _, who := range []string{"rahima", "salma", "imran", "chairman"} {
		x.login(who, x.box)
	}
}

// here is one act of the union's at the box.
func (x unionTale) here(who, what string) string {
	x.t.Helper()
	return x.kendro("desk " + what + " --output json " + x.as(who, x.box))
}

// licensed has the union decide an application at the box, up to the licence.
func (x unionTale) licensed(number string, inspected bool) {
	x.t.Helper()
	var r api.Record
	if x.get("salma", x.box, "/v1/applications/"+number, &r); r.Holder == "" {
		x.here("salma", "take "+number)
	}
	x.here("salma", "decide "+number+" --opinion approve --text 'papers in order' --cites form.capital_taka")
	x.here("salma", "forward "+number)
	if inspected {
		x.here("imran", "take "+number)
		x.refused("a required check is not done", "desk forward "+number+" "+x.as("imran", x.box)+x.judged("imran", number))
		x.here("imran", "check "+number+" --check site-visit --text 'shop seen'")
		x.here("imran", "forward "+number)
	}
	x.here("chairman", "take "+number)
	x.here("chairman", "approve "+number)
	fee := map[bool]string{true: "30000", false: "20000"}[inspected] // A renewal is cheaper.
	x.kendro("case pay " + number + " --government " + fee + " --output json " + x.as("rahima", x.box))
	x.here("chairman", "issue "+number)
}

// asked has the secretary ask the applicant for something with no hub, who brings it to the counter.
func (x unionTale) asked(number string) {
	x.t.Helper()
	x.here("salma", "take "+number)
	x.refused("the service has no such answer", "desk request-info "+number+" --item form.colour --reason which "+x.as("salma", x.box))
	x.here("salma", "request-info "+number+" --item form.capital_taka --item nid --reason 'one figure is missing'")
	var track api.Tracking
	x.get("rahima", x.box, "/v1/track/"+number, &track)
	if track.Stage != "INFO_REQUESTED" || !slices.Equal(track.Asked, []string{"form.capital_taka", "nid"}) || track.Why != "one figure is missing" {
		x.t.Errorf("the box says that the applicant is asked for %+v", track)
	}
	var waits api.WaitingList
	if x.get("rahima", x.box, "/v1/waiting", &waits); len(waits.Applications) != 1 || waits.Applications[0].Why != track.Why {
		x.t.Errorf("the counter's list of those who wait is %+v", waits)
	}
	x.refused("only what was asked for", "case supply "+number+" --original photo "+x.as("rahima", x.box))
	x.write("brought.json", `{"capital_taka":300000}`)
	x.kendro("case supply " + number + " --form brought.json --original nid --output json " + x.as("rahima", x.box))
}

// found has an officer of the union find its case with no hub, and none of those that it does not decide; the counter
// finds all.
func (x unionTale) found(number string) {
	x.t.Helper()
	other := x.file("land-record-copy", nil)
	var is api.Record
	x.get("rahima", x.box, "/v1/applications/"+number, &is)
	var who struct {
		Mobile string `json:"mobile"`
	}
	if err := json.Unmarshal(is.Applicant, &who); err != nil || who.Mobile == "" {
		x.t.Fatalf("the applicant is %s", is.Applicant)
	}
	if list := x.here("salma", "find "+who.Mobile); !strings.Contains(list, number) || !strings.Contains(list, `"complete":true`) {
		x.t.Errorf("the mobile finds %s", list)
	}
	if list := x.here("salma", "find "+other); strings.Contains(list, other) {
		x.t.Errorf("an officer of the union finds what it does not decide: %s", list)
	}
	x.refused("not yours to do", "desk show "+other+" "+x.as("salma", x.box))
	if list := x.here("rahima", "find "+other); !strings.Contains(list, other) {
		x.t.Errorf("the counter finds %s", list)
	}
	if list := x.here("salma", "similar "+number); !strings.Contains(list, `"complete":true`) {
		x.t.Errorf("like it are %s", list)
	}
}

// stood looks with no hub at what the secretary saw when she decided.
func (x unionTale) stood(number string) {
	x.t.Helper()
	var now api.Record
	x.get("chairman", x.box, "/v1/applications/"+number, &now)
	at := slices.IndexFunc(now.History, func(h api.HistoryEntry) bool { return h.Action == "decide" })
	if at < 0 || !slices.Equal(now.History[at].Cites, []string{"form.capital_taka"}) {
		x.t.Fatalf("the case file is %+v; want a decision that rests on the capital", now.History)
	}
	var was api.Record
	version := strconv.FormatUint(now.History[at].Version, 10)
	if err := json.Unmarshal([]byte(x.here("chairman", "show "+number+" --as-of "+version)), &was); err != nil {
		x.t.Fatal(err)
	}
	if was.Until != now.History[at].Version || was.Stage != "UNDER_REVIEW" || was.Certificate != nil || !reflect.DeepEqual(was.History, now.History[:at+1]) {
		x.t.Errorf("as it was decided the case is %+v", was)
	}
	if page := x.read("chairman", x.box, "/desk/cases/"+number+"/sheet?as_of_version="+version); !strings.Contains(page, "papers in order") || strings.Contains(page, "shop seen") {
		x.t.Error("the note sheet is not of what stood then")
	}
}

// judged states a preliminary decision at the box, before a command.
func (x unionTale) judged(who, number string) string {
	x.t.Helper()
	x.here(who, "decide "+number+" --opinion approve --text 'seen'")
	return ""
}

// licence is what a daemon says was issued.
func (x unionTale) licence(who string, d *daemonInTale, number string) api.CertificateNote {
	x.t.Helper()
	var r api.Record
	x.get(who, d, "/v1/applications/"+number, &r)
	if r.Certificate == nil {
		x.t.Fatalf("%s has no certificate at the %s: it is %s", number, d.name, r.Stage)
	}
	return *r.Certificate
}

// certified waits until the box shows a certificate in a state.
func (x unionTale) certified(number, state string) {
	x.t.Helper()
	x.until(`"state":"`+state+`"`, "desk show "+number+" --output json "+x.as("salma", x.box))
}

// TestTradeLicenceAtAnOfflineBox is flow B: taken, inspected, decided, paid for and issued
// with no hub at all; the register then repeats every step and confirms the licence.
func TestTradeLicenceAtAnOfflineBox(t *testing.T) {
	x := newUnionTale(t)
	x.signed()
	x.down(x.hub)
	number := x.file("trade-licence", map[string]any{"application_type": "new"})
	if tasks := x.here("salma", "tasks"); !strings.Contains(tasks, number) {
		t.Fatalf("the secretary's desk has %s", tasks)
	}
	if page := x.read("salma", x.box, "/desk"); !strings.Contains(page, "/desk/cases/"+number) || !strings.Contains(page, wordNumbersLeft) {
		t.Errorf("the secretary's page of tasks lacks the case or the lease: %s", page)
	}
	if page := x.read("salma", x.box, "/desk/cases/"+number); !strings.Contains(page, `action="/desk/cases/`+number+`/take"`) {
		t.Errorf("the secretary's page of the case can't take it: %s", page)
	}
	x.refused("does not lie at your desk", "desk take "+number+" "+x.as("chairman", x.box))
	x.found(number)
	x.asked(number)
	x.licensed(number, true)
	x.stood(number)
	licence := x.licence("chairman", x.box, number)
	if licence.State != api.CertificateProvisional || licence.Number != "TL-41-09-17-000001" {
		t.Fatalf("with the hub down the licence is %+v", licence)
	}
	x.kendro("case hand-over " + number + " --proof nid --output json " + x.as("rahima", x.box))
	x.until(`"stage":"DELIVERED"`, "track "+number+" --url http://"+x.box.ports.HTTP+" --output json")
	x.up(x.hub)
	x.stage(number, "DELIVERED")
	x.certified(number, "confirmed")

	next := x.renewed(number, licence)

	// While the lease holds, the hub's desks leave the next one to the union.
	x.stage(next, "RECEIVED")
	x.kendro("user add --dir hub --name second --post secretary@local-41-09-17 --from 2020-01-01 --password-file password")
	x.login("second", x.hub)
	x.refused("it is decided at the union", "desk take "+next+" "+x.as("second", x.hub))
	x.licensed(next, false)
	x.stage(next, "READY")
	x.certified(next, "confirmed")

	// The one before is renewed, to everybody, and nobody renews it again.
	x.certified(number, "renewed")
	for _, d := range []*daemonInTale{x.box, x.hub} {
		var worth api.CertificateAnswer
		x.get("rahima", d, "/v1/certificates/"+licence.Number, &worth)
		if worth.State != "renewed" || worth.By != "TL-41-09-17-000002" || worth.Valid {
			t.Errorf("the %s says of the licence before: %+v", d.name, worth)
		}
	}
	x.refused("it is renewed TL-41-09-17-000002", "apply --renew "+licence.Number+" "+x.as("rahima", x.box))
}

// renewed files the renewal of a licence, which begins with the application before.
func (x unionTale) renewed(before string, licence api.CertificateNote) string {
	x.t.Helper()
	page := x.read("rahima", x.box, "/apply/trade-licence?renews=tl-41-09-17-000001")
	x.write("papers.json", `{"documents":[{"id":"nid","original_at_counter":true},{"id":"rent-deed","original_at_counter":true}],"form":{"capital_taka":250000}}`)
	answer := x.kendro("apply --renew " + licence.Number + " --form papers.json --output json " + x.as("rahima", x.box))
	number, _ := x.receipt(answer)
	var was, is api.Record
	x.get("rahima", x.box, "/v1/applications/"+before, &was)
	x.get("rahima", x.box, "/v1/applications/"+number, &is)
	var old, form map[string]any
	if json.Unmarshal(was.Form, &old) != nil || json.Unmarshal(is.Form, &form) != nil {
		x.t.Fatalf("the forms are %s and %s", was.Form, is.Form)
	}
	old["application_type"], old["capital_taka"], old["licence_no"] = "renewal", 250000.0, licence.Number
	if !reflect.DeepEqual(form, old) || string(is.Applicant) != string(was.Applicant) {
		x.t.Errorf("the renewal begins with %s of %s; want %v of %s", is.Form, is.Applicant, old, was.Applicant)
	}
	for _, answer := range []string{"address", "business_name_bn"} {
		if text, _ := form[answer].(string); text == "" || !strings.Contains(page, text) {
			x.t.Errorf("the page is not filled with %q", text)
		}
	}
	return number
}

// TestTradeLicenceAfterTheLease is the same past the end of the lease (row 37): what the
// union decides then waits for the UNO, who confirms one and refuses the other.
func TestTradeLicenceAfterTheLease(t *testing.T) {
	x := newUnionTale(t)
	x.down(x.hub)
	x.days(15)
	x.signed()
	good := x.file("trade-licence", map[string]any{"application_type": "renewal"})
	bad := x.file("trade-licence", map[string]any{"application_type": "renewal"})
	x.licensed(good, false)
	x.licensed(bad, false)
	x.up(x.hub)
	x.officer("uno", "uno@uno-41-09")
	x.certified(good, "waits")
	x.certified(bad, "waits")
	x.stage(good, "UNDER_REVIEW")
	for _, item := range x.items("uno") {
		outcome := "refused"
		if item.Number.String() == good {
			outcome = "confirmed"
		}
		if item.Kind == "decision-to-confirm" {
			x.kendro("desk settle " + item.ID + " --outcome " + outcome + " --text 'seen' " + x.as("uno", x.hub))
		}
	}
	x.stage(good, "READY")
	x.stage(bad, "UNDER_REVIEW")
	x.certified(good, "confirmed")
	x.certified(bad, "refused")
	for number, state := range map[string]string{good: "confirmed", bad: "refused"} {
		var worth api.CertificateAnswer
		x.get("uno", x.hub, "/v1/certificates/"+x.licence("chairman", x.box, number).Number, &worth)
		if worth.State != state || worth.Valid != (state == "confirmed") {
			t.Errorf("the hub says of the licence that was %s: %+v", state, worth)
		}
	}
	x.refused("waits there to be confirmed", "desk note "+bad+" --text more "+x.as("chairman", x.box))
	x.untaken(good, bad)
}

// untaken: with no hub, the union reads what became of its late acts and marks it as read, and whoever asks where the
// refused application is hears what its licence is worth.
func (x unionTale) untaken(good, bad string) {
	x.t.Helper()
	x.down(x.hub)
	list := func() (asides api.AsideList) {
		x.t.Helper()
		if err := json.Unmarshal([]byte(x.kendro("case asides --output json "+x.as("chairman", x.box))), &asides); err != nil {
			x.t.Fatal(err)
		}
		return asides
	}
	states, refused := map[string]string{}, ""
	for _, a := range list().Asides {
		states[a.Number.String()+" "+a.Action] = a.State + " " + a.Next
		if a.State == "refused" {
			refused = a.ID
		}
	}
	for act, want := range map[string]string{good + " approve": "counts nothing", bad + " approve": "refused hub-desk", bad + " issue": "set-aside recall"} {
		if states[act] != want {
			x.t.Errorf("%s: %q of %v; want %q", act, states[act], states, want)
		}
	}
	x.kendro("case read " + refused + " " + x.as("chairman", x.box))
	after := list()
	if last := after.Asides[len(after.Asides)-1]; after.Unread != len(after.Asides)-1 || last.ID != refused || last.ReadBy != "chairman" {
		x.t.Errorf("%d are unread, and the last is %+v", after.Unread, last)
	}
	x.refused("sign in as somebody who may", "case asides "+x.as("rahima", x.box))
	var track api.Tracking
	x.get("rahima", x.box, "/v1/track/"+bad, &track)
	if track.Paper != "refused" {
		x.t.Errorf("whoever asks hears of the licence %q", track.Paper)
	}
}

// items is what waits for an officer.
func (x unionTale) items(who string) []api.Item {
	x.t.Helper()
	var list api.ItemList
	x.get(who, x.hub, "/v1/items?scope=mine", &list)
	return list.Items
}
