package desk

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"kendro/domain/access"
	"kendro/domain/measure"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
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

	if c := whole.Channels; len(c) != 7 || c[6].Of != "centre" || c[6].Received != 2 || c[6].Pending != 2 || c[4].Of != "fax" || c[4].Received != 0 {
		t.Errorf("by channel: %+v", c)
	}

	page := screens{o}.page("uno", "GET", "/desk/report?"+span, nil)
	for _, want := range []string{"ডিজিটাল সেন্টারে", "ফ্যাক্সে", "কাজের প্রতিবেদন", "নাগরিকত্ব", "anna", "১টি, সবচেয়ে পুরোনো তথ্য", `name="from" value="১.৯.২০২৬"`} {
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

// TestReportTellsWhereNoWomanWorks: a login by which nothing was taken in for a month is told
// apart from none, once it is as old; an application is a sign of work by its own date.
func TestReportTellsWhereNoWomanWorks(t *testing.T) {
	o := newOffice(t)
	women := func(days int) (none, idle []string) {
		t.Helper()
		o.mu.Lock()
		o.at = dawn + int64(days)*24*3600_000
		o.mu.Unlock()
		r := into[api.OfficeReport](t, o.call("audit", "GET", "/v1/report?area=41-09", ""), 200)
		return r.NoWoman, r.IdleWoman
	}
	here := []string{string(centre)}
	if none, idle := women(1); len(none) != 0 || !slices.Equal(idle, here) {
		t.Errorf("before anything was taken in: none at %v, idle at %v; want idle at %s", none, idle, centre)
	}
	o.file(1)
	if none, idle := women(29); len(none) != 0 || len(idle) != 0 {
		t.Errorf("within a month: none at %v, idle at %v", none, idle)
	}
	if none, idle := women(31); len(none) != 0 || !slices.Equal(idle, here) {
		t.Errorf("after a month: none at %v, idle at %v; want idle at %s", none, idle, centre)
	}
	page := screens{o}.page("uno", "GET", "/desk/report", nil)
	if page.Code != 200 || !strings.Contains(page.Body.String(), "৩০ দিনে একটি আবেদনও নেননি") || strings.Contains(page.Body.String(), "কোনো নারী উদ্যোক্তার লগইন নেই") {
		t.Errorf("the page: got %d; want the one heading and not the other", page.Code)
	}
	o.must("root", "disable-user", map[int]string{1: "rahima"})
	if none, idle := women(32); !slices.Equal(none, here) || len(idle) != 0 {
		t.Errorf("without a login: none at %v, idle at %v; want none at %s", none, idle, centre)
	}
	hash, err := identity.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	late := register.User{Name: "salma", Role: access.Entrepreneur, Centre: centre, Gender: "f", Hash: hash, From: dawn/1000 + 20*86400}
	o.must("root", register.AddUser, &late)
	if none, idle := women(33); len(none) != 0 || len(idle) != 0 {
		t.Errorf("with somebody new: none at %v, idle at %v", none, idle)
	}
}

// TestReportAddsUpFees: what applications under former fees cost more and less than they would
// by those in force, and what is owed and was paid back, stands in the report, by service and
// in all (row 8).
func TestReportAddsUpFees(t *testing.T) {
	o := screens{newOffice(t)}
	n := o.landCopy(1, "counter")
	o.variance = 1500
	dearer := o.landCopy(2, "counter")
	o.services, o.answers, o.variance = "", nil, -500
	o.file(3)
	o.send(news(protocol.Withdrawn, dearer, &protocol.Withdrawal{}))
	o.toFeeDue(n)
	o.send(news(protocol.PaymentTaken, n, &protocol.Payment{Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: 50_000}}}))
	o.settled("rokeya", `{"outcome":"refund","text":"paid too much"}`)

	span := "/v1/report?area=41&from=2026-09-01&to=2026-12-31"
	copies := measure.Fees{Former: 1, Charged: 23_000, Due: 21_500, Over: 1500, Collected: 3000, OwedBack: 30_000}
	all := measure.Fees{Former: 2, Charged: 26_000, Due: 25_000, Over: 1500, Under: 500, Collected: 6000, OwedBack: 30_000}
	r := into[api.OfficeReport](t, o.call("audit", "GET", span, ""), 200)
	if i := slices.IndexFunc(r.Services, func(l *measure.Line) bool { return l.Of == "land-record-copy" }); i < 0 || *r.Services[i].Fees != copies || r.Fees != all {
		t.Errorf("copies come to %+v and all to %+v; want %+v and %+v", r.Services[max(0, i)].Fees, r.Fees, copies, all)
	}
	o.settled("rokeya", `{"outcome":"refund","text":"by hand","voucher":"V-1","paid_on":"2026-09-20"}`)
	all.OwedBack, all.PaidBack = 0, 30_000
	if r := into[api.OfficeReport](t, o.call("audit", "GET", span, ""), 200); r.Fees != all {
		t.Errorf("paid back, all come to %+v; want %+v", r.Fees, all)
	}
	all.PaidBack = 0 // By the day on the voucher.
	if r := into[api.OfficeReport](t, o.call("audit", "GET", strings.Replace(span, "from=2026-09-01", "from=2026-09-21", 1), ""), 200); r.Fees != all {
		t.Errorf("from the day after, all come to %+v; want %+v", r.Fees, all)
	}
	page := o.page("audit", "GET", "/desk"+span[len("/v1"):], nil)
	for _, want := range []string{"ফির পার্থক্য ও ফেরত", "সব সেবা", "৳ ১৫", "৳ ৩০০"} {
		if page.Code != 200 || !strings.Contains(page.Body.String(), want) {
			t.Errorf("the page: got %d; want %q", page.Code, want)
		}
	}
}

// settled settles the one item of somebody's desk.
func (o screens) settled(user, body string) {
	o.t.Helper()
	list := o.unsettled(user, "mine")
	if len(list) != 1 {
		o.t.Fatalf("%d items lie with %s", len(list), user)
	}
	if w := o.call(user, "POST", "/v1/items/"+list[0].ID, body); w.Code != http.StatusOK {
		o.t.Fatalf("settled: got %d: %s", w.Code, w.Body)
	}
}
