package desk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"kendro/hub"
	"kendro/protocol"
	"kendro/web/api"
)

// approved is a birth that waits for the national register.
func (o *office) approved(n uint64) protocol.Number {
	o.t.Helper()
	o.services = "birth-registration"
	number := o.file(n)
	const agreed = `{"opinion":"approve","text":"দেখা হয়েছে"}`
	for _, act := range [][3]string{{"anna", "take", ""}, {"anna", "decide", agreed}, {"anna", "forward", ""}, {"chair", "take", ""}, {"chair", "decide", agreed}, {"chair", "approve", ""}} {
		o.acts(number, act[0], act[1], act[2])
	}
	return number
}

// TestAwaitedPage: what waits for another register, since when, how often it was asked about
// and what stands in the way, each as far as the reader may see it; and the gauges of it.
func TestAwaitedPage(t *testing.T) {
	o := newOffice(t)
	gauges := func(want ...string) {
		t.Helper()
		text := o.call("root", "GET", "/metrics", "").Body.String()
		for _, line := range want {
			if !strings.Contains(text, "\nkendro_connector_"+line) {
				t.Errorf("the metrics lack %s", line)
			}
		}
	}
	if list := into[api.AwaitedList](t, o.call("root", "GET", api.AwaitedPath, ""), 200); len(list.Registers) != 0 {
		t.Fatalf("before anything waits: %+v", list)
	}
	n := o.approved(1)
	second := o.approved(2)
	const unset = "রেজিস্টারটির ঠিকানা বসানো হয়নি"
	page := func(user string, want ...string) string {
		t.Helper()
		w := o.page(user, "GET", "/desk/awaited", nil)
		for _, text := range want {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s: %d, and the page lacks %q", user, w.Code, text)
			}
		}
		return w.Body.String()
	}
	page("anna", unset, "awaited-"+n.String(), "awaited-"+second.String(), "এখনো হয়নি")
	gauges(`waiting{connector="civil-registration"} 2`, `answered_total{connector="civil-registration"} 0`)

	at := api.TimeOf(o.now())
	o.registers = []api.ConnectorStatus{
		{Name: "civil-registration", Set: true, Host: "bdris.example", Trouble: "denied", Text: "it answers 401", Since: &at, Again: &at, Failures: map[string]uint64{"denied": 4}, Answered: 9},
		{Name: "idle", Set: true, Host: "idle.example"},
	}
	o.tries = map[protocol.Number]hub.Try{n: {Times: 4, At: o.now(), Trouble: hub.TroubleDenied}, second: {Times: 1, At: o.now(), Pending: true}}
	const denied, pending = "রেজিস্টার অনুমতি দিচ্ছে না", "রেজিস্টারে আছে, সিদ্ধান্ত হয়নি"
	for user, sees := range map[string]bool{"anna": true, "uno": true, "audit": true, "elsewhere": false, "root": false} {
		text := page(user, denied)
		if strings.Contains(text, "awaited-"+n.String()) != sees || strings.Contains(text, pending) != sees || strings.Contains(text, "৪×") != sees {
			t.Errorf("%s sees the cases: want %v", user, sees)
		}
		if detail := user == "root" || user == "audit"; strings.Contains(text, "it answers 401") != detail || strings.Contains(text, "bdris.example") != detail {
			t.Errorf("%s reads the technical detail: want %v", user, detail)
		}
	}
	gauges(`waiting{connector="civil-registration"} 2`, `waiting{connector="idle"} 0`, `oldest_seconds{connector="idle"} 0`,
		`failures_total{connector="civil-registration",trouble="denied"} 4`, `answered_total{connector="civil-registration"} 9`)
	var oldest float64
	_, tail, _ := strings.Cut(o.call("root", "GET", "/metrics", "").Body.String(), `oldest_seconds{connector="civil-registration"} `)
	if _, err := fmt.Sscan(tail, &oldest); err != nil || oldest <= 0 {
		t.Errorf("the first has waited %v seconds, %v", oldest, err)
	}
	for _, user := range []string{"clara", "rahima"} {
		if w := o.page(user, "GET", "/desk/awaited", nil); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d; want 403", user, w.Code)
		}
		if strings.Contains(o.page(user, "GET", "/desk", nil).Body.String(), `href="/desk/awaited"`) {
			t.Errorf("%s is offered the page", user)
		}
	}
	page("anna", `href="/desk/awaited"`)
}
