package desk

import (
	"slices"
	"strings"
	"testing"

	"kendro/domain/measure"
	"kendro/web/api"
)

// A head of office reads what the desks below him have come to; every look is
// recorded, and nobody reads beyond his own desks or area.
func TestReport(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	o.file(2)
	version := uint64(1)
	for _, a := range []struct{ action, body string }{
		{"take", ""}, {"decide", `{"opinion":"approve","text":"seen"}`}, {"forward", "{}"},
	} {
		w := o.call("anna", "POST", "/v1/cases/"+n.String()+"/"+a.action, a.body, "If-Match", api.ETag(version))
		version = into[api.ActionAnswer](t, w, 200).Version
	}
	of := func(lines []*measure.Line) (names []string) {
		for _, l := range lines {
			names = append(names, l.Of)
		}
		return names
	}
	span := "from=2026-09-01&to=2026-12-31"
	whole := into[api.OfficeReport](t, o.call("uno", "GET", "/v1/report?"+span, ""), 200)
	desks := []string{o.seat(0).String(), o.seat(1).String()}
	slices.Sort(desks)
	if whole.Area != "41-09" || len(whole.Services) != 1 || whole.Services[0].Received != 2 || whole.Services[0].Pending != 2 ||
		!slices.Equal(of(whole.Desks), desks) || !slices.Equal(of(whole.Officers), []string{"anna"}) || whole.Officers[0].Disposed != 1 {
		t.Errorf("the supervisor reads %+v", whole)
	}
	if c := whole.Completeness; c.OldestData == nil || !strings.Contains(c.EN, "centres, oldest data 0 d 0 h") || !strings.Contains(c.BN, "১টি") {
		t.Errorf("completeness: %+v", c)
	}
	if len(whole.NoWoman) != 0 {
		t.Errorf("no woman at %v; Rahima has a login", whole.NoWoman)
	}
	chair := into[api.OfficeReport](t, o.call("chair", "GET", "/v1/report?"+span, ""), 200)
	if !slices.Contains(of(chair.Desks), o.seat(0).String()) || !slices.Equal(of(chair.Officers), []string{"anna"}) {
		t.Errorf("the chairman reads the desks %v and officers %v; want those below him", of(chair.Desks), of(chair.Officers))
	}
	own := into[api.OfficeReport](t, o.call("anna", "GET", "/v1/report?"+span, ""), 200)
	colleague := into[api.OfficeReport](t, o.call("bilal", "GET", "/v1/report?"+span, ""), 200)
	if !slices.Equal(of(own.Officers), []string{"anna"}) || len(own.Desks) != 1 || len(colleague.Officers) != 0 || len(colleague.Desks) != 1 {
		t.Errorf("Anna reads %+v, Bilal %+v; want each himself at their desk", own, colleague)
	}
	into[api.Problem](t, o.call("uno", "GET", "/v1/report?area=41", ""), 403)
	into[api.Problem](t, o.call("root", "GET", "/v1/report", ""), 403)
	into[api.Problem](t, o.call("audit", "GET", "/v1/report?area=99", ""), 404)

	page := screens{o}.page("uno", "GET", "/desk/report?"+span, nil)
	for _, want := range []string{"কাজের প্রতিবেদন", "নাগরিকত্ব", "anna", "১টি, সবচেয়ে পুরোনো তথ্য", `name="from" type="date" value="2026-09-01"`} {
		if page.Code != 200 || !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page: got %d; want %q", page.Code, want)
		}
	}
	if w := (screens{o}).page("anna", "GET", "/desk/report?area=41", nil); w.Code != 403 {
		t.Errorf("the page of another area: got %d; want 403", w.Code)
	}

	o.must("root", "disable-user", map[int]string{1: "rahima"})
	if r := into[api.OfficeReport](t, o.call("audit", "GET", "/v1/report?"+span, ""), 200); !slices.Equal(r.NoWoman, []string{string(centre)}) {
		t.Errorf("no woman at %v; want %s, whose only login ended", r.NoWoman, centre)
	}
	looks := into[api.ReportLooks](t, o.call("audit", "GET", "/v1/report/looks", ""), 200).Looks
	var who []string
	for _, l := range looks {
		who = append(who, l.User)
	}
	if !slices.Equal(who, []string{"uno", "chair", "anna", "bilal", "uno", "audit"}) || looks[0].Area != "41-09" || looks[0].From != "2026-09-01" {
		t.Errorf("looks: %+v", looks)
	}
}
