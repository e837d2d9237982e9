package desk

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kendro/domain/access"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// into checks the status of an answer and reads it.
func into[T any](t testing.TB, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var v T
	if w.Code != status {
		t.Fatalf("got %d %s; want %d", w.Code, w.Body, status)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return v
}

// TestRolesByRoutes holds every call against every role, by the table of acts,
// and holds docs/roles.md to what is served.
func TestRolesByRoutes(t *testing.T) {
	o := newOffice(t)
	users := map[access.Role]string{
		access.Entrepreneur: "rahima", access.Clerk: "clara", access.Officer: "anna",
		access.Supervisor: "uno", access.Operator: "root", access.Auditor: "audit",
	}
	fill := strings.NewReplacer("{number}", "4100100000000000", "{action}", "take", "{service}", service, "{name}", "nobody", "{centre}", "41-09-17")
	doc, err := os.ReadFile("../../docs/roles.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range o.server.Routes() {
		path := fill.Replace(r.Path)
		if w := o.call("", r.Method, path, ""); (w.Code == 401) == r.Public {
			t.Errorf("%s %s by nobody: got %d", r.Method, r.Path, w.Code)
		}
		row := []string{"`" + r.Method + " " + r.Path + "`"}
		for _, role := range access.Roles() {
			w := o.call(users[role], r.Method, path, "", "Idempotency-Key", "")
			may := r.Public || access.ScopeOf(role, r.Act) != access.Never
			if denied := strings.Contains(w.Body.String(), "not for the role"); denied == may {
				t.Errorf("%s %s by %s: got %d %s; want allowed %v", r.Method, r.Path, role, w.Code, w.Body, may)
			}
			row = append(row, cell(r, role))
		}
		if line := "| " + strings.Join(row, " | ") + " |"; !strings.Contains(string(doc), line+"\n") {
			t.Errorf("docs/roles.md lacks the line\n%s", line)
		}
	}
	if o.reg.Stats().Acts != 0 {
		t.Error("a request without an Idempotency-Key did something")
	}
}

// cell is what the documentation says of a call and a role.
func cell(r api.Route, role access.Role) string {
	if r.Public {
		return "all"
	}
	return map[access.Scope]string{
		access.Never: "–", access.Always: "all", access.OwnCentre: "own centre", access.OwnSeat: "own desk",
		access.OwnOffice: "own office", access.OwnArea: "own area",
	}[access.ScopeOf(role, r.Act)]
}

// TestOneCase follows a case over its desks by the API alone.
func TestOneCase(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	path := "/v1/cases/" + n.String() + "/"

	tr := into[api.Tracking](t, o.call("", "GET", "/v1/track/"+strings.ReplaceAll(n.Spaced(), " ", "%20"), ""), 200)
	if tr.Number != n || tr.Stage != "RECEIVED" || tr.Custody != api.Accepted || tr.Office == nil || tr.Expected == nil || tr.NextStep == nil || tr.AsOf.IsZero() {
		t.Fatalf("got %+v", tr)
	}
	w := o.call("anna", "GET", "/v1/applications/"+n.String(), "")
	rec := into[api.Record](t, w, 200)
	if w.Header().Get("ETag") != api.ETag(rec.Version) || len(rec.Form) == 0 || len(rec.History) != 2 || rec.History[0].Action != "submit" || rec.Seat != o.seat(0).String() {
		t.Fatalf("got %s with ETag %s", w.Body, w.Header().Get("ETag"))
	}
	version := rec.Version
	act := func(user, action, body string, status int) *httptest.ResponseRecorder {
		t.Helper()
		w := o.call(user, "POST", path+action, body, "If-Match", api.ETag(version))
		if w.Code != status {
			t.Fatalf("%s by %s: got %d %s; want %d", action, user, w.Code, w.Body, status)
		}
		if status == 200 {
			version = into[api.ActionAnswer](t, w, 200).Version
		}
		return w
	}
	act("chair", "take", "", 403)
	act("anna", "take", "", 200)
	act("bilal", "note", `{"text":"আমিও"}`, 409)
	act("anna", "forward", `{}`, 409) // R-OF4
	act("anna", "decide", `{"opinion":"maybe","text":"x"}`, 400)
	act("anna", "decide", `{"opinion":"approve","text":"যাচাই করা হয়েছে"}`, 200)
	act("anna", "forward", `{}`, 200)
	for i := 1; i < len(o.version().Steps)-1; i++ {
		act("dora", "take", "", 200)
		act("dora", "decide", `{"opinion":"approve","text":"পরিদর্শন সম্পন্ন"}`, 200)
		act("dora", "forward", `{}`, 200)
	}
	act("chair", "take", "", 200)
	act("chair", "reject", `{"text":"x"}`, 400)
	if w := act("chair", "reject", `{"text":"x","reason_code":"because"}`, 400); !strings.Contains(w.Body.String(), "because") || !strings.Contains(w.Body.String(), "not-eligible, not-found") {
		t.Errorf("an unknown reason: got %s; want the list of those there are", w.Body)
	}
	act("chair", "decide", `{"opinion":"approve","text":"ঠিক আছে"}`, 200)
	if last := into[api.ActionAnswer](t, act("chair", "approve", `{"text":"অনুমোদিত"}`, 200), 200); last.Stage != "APPROVED" || last.Seat != "" {
		t.Errorf("got %+v", last)
	}
	rec = into[api.Record](t, o.call("rahima", "GET", "/v1/applications/"+n.String(), ""), 200)
	tr = into[api.Tracking](t, o.call("", "GET", "/v1/track/"+n.String(), ""), 200)
	if rec.Stage != "APPROVED" || tr.Stage != rec.Stage || tr.Custody != api.Seen || tr.Office != nil || tr.Expected != nil {
		t.Errorf("got record %s and tracking %+v; want the same final stage (I7)", rec.Stage, tr)
	}
	if last := rec.History[len(rec.History)-1]; last.Action != "approve" || last.Text != "অনুমোদিত" || last.Stage != "APPROVED" || last.Version != rec.Version {
		t.Errorf("got %+v as the last entry", last)
	}
	looks, err := o.reg.Looks(n)
	if err != nil || len(looks) != 2 || looks[0].User != "anna" || looks[1].User != "rahima" {
		t.Errorf("got looks %+v, %v; want anna's and rahima's", looks, err)
	}
}

// TestJustStarted: a server that may lack what it had doesn't say that there is no
// such thing, and is not ready; what it finds it shows.
func TestJustStarted(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	other, err := protocol.MintNumber("41", "0009", make([]byte, protocol.NonceSize))
	if err != nil {
		t.Fatal(err)
	}
	lookups := []string{"/v1/track/" + other.String(), "/v1/applications/" + other.String(), "/v1/catalogue/none"}
	for _, replaying := range []bool{true, false} {
		o.replaying.Store(replaying)
		want := 404
		if replaying {
			want = 503
		}
		for _, path := range lookups {
			p := into[api.Problem](t, o.call("anna", "GET", path, ""), want)
			if replaying && (p.Outcome != api.Rejected || p.RetryAfter == 0 || !strings.Contains(p.Detail, "log")) {
				t.Errorf("%s: got %+v", path, p)
			}
		}
		into[api.Tracking](t, o.call("", "GET", "/v1/track/"+n.String(), ""), 200)
		if w := o.call("", "GET", "/readyz", ""); (w.Code == 503) != replaying {
			t.Errorf("replaying %v: readyz answers %d %s", replaying, w.Code, w.Body)
		}
	}
}

// TestOvertaken is row 13: the slower of two officers gets what has changed.
func TestOvertaken(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	path := "/v1/cases/" + n.String() + "/"
	rec := into[api.Record](t, o.call("bilal", "GET", "/v1/applications/"+n.String(), ""), 200)
	into[api.ActionAnswer](t, o.call("anna", "POST", path+"take", "", "If-Match", api.ETag(rec.Version)), 200)
	p := into[api.Problem](t, o.call("bilal", "POST", path+"take", "", "If-Match", api.ETag(rec.Version)), 409)
	d := p.Difference
	if p.Outcome != api.Rejected || d == nil || d.Expected != rec.Version || d.Current != rec.Version+1 || d.Stage != "UNDER_REVIEW" || d.Holder != "anna" || len(d.History) != 1 || d.History[0].Actor != "anna" {
		t.Fatalf("got %+v with %+v", p, d)
	}
}

func TestRepeats(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	take := func(match string, key string) *httptest.ResponseRecorder {
		return o.call("anna", "POST", "/v1/cases/"+n.String()+"/take", "", "If-Match", match, "Idempotency-Key", key)
	}
	first := take(`"1"`, "k1")
	if again := take(`"1"`, "k1"); first.Code != 200 || again.Body.String() != first.Body.String() {
		t.Errorf("got %d %s, then %s; want the same", first.Code, first.Body, again.Body)
	}
	into[api.Problem](t, take(`"2"`, "k1"), 409)
	into[api.Problem](t, take("", "k2"), 400)

	user := `{"name":"eva","centre":"41-09-17","gender":"f","password":"long enough"}`
	made := into[api.User](t, o.call("root", "POST", "/v1/users", user, "Idempotency-Key", "u1"), 201)
	again := into[api.User](t, o.call("root", "POST", "/v1/users", user, "Idempotency-Key", "u1"), 201)
	if made.Name != "eva" || made.Role != "entrepreneur" || made.From == nil || again.Name != made.Name {
		t.Errorf("got %+v, then %+v", made, again)
	}
	into[api.Problem](t, o.call("root", "POST", "/v1/users", strings.Replace(user, "enough", "gone", 1), "Idempotency-Key", "u1"), 409)
	into[api.Problem](t, o.call("root", "POST", "/v1/users", user, "Idempotency-Key", "u2"), 409)

	token := `{"centre":"41-09-17","ttl":"1h"}`
	one := into[api.TokenAnswer](t, o.call("root", "POST", "/v1/tokens", token, "Idempotency-Key", "t1"), 201)
	two := into[api.TokenAnswer](t, o.call("root", "POST", "/v1/tokens", token, "Idempotency-Key", "t1"), 201)
	other := into[api.TokenAnswer](t, o.call("root", "POST", "/v1/tokens", token, "Idempotency-Key", "t2"), 201)
	if one != two || one.Token == other.Token {
		t.Errorf("got %+v, %+v and %+v; want a repeat to be the same and a new request another", one, two, other)
	}
	into[api.Problem](t, o.call("root", "POST", "/v1/tokens", `{"server":true}`, "Idempotency-Key", "t1"), 409)
	join, err := protocol.ParseJoinToken(one.Token)
	if err != nil || join.Centre != string(centre) || len(join.Servers) != 1 {
		t.Errorf("got %+v, %v", join, err)
	}
	for _, c := range []struct{ body, why string }{
		{`{}`, "neither"}, {`{"centre":"41-09-17","server":true}`, "both"}, {`{"server":true,"ttl":"25h"}`, "too long"}, {`{"server":true,"ttl":"soon"}`, "no duration"},
	} {
		if w := o.call("root", "POST", "/v1/tokens", c.body); w.Code != 400 {
			t.Errorf("%s: got %d %s; want 400", c.why, w.Code, w.Body)
		}
	}
}

func TestTokensAndUsersAreListed(t *testing.T) {
	o := newOffice(t)
	made := into[api.TokenAnswer](t, o.call("root", "POST", "/v1/tokens", `{"server":true}`), 201)
	into[api.Done](t, o.call("root", "DELETE", "/v1/tokens/"+made.ID, ""), 200)
	list := into[api.TokenList](t, o.call("root", "GET", "/v1/tokens", ""), 200)
	states := map[string]string{}
	for _, x := range list.Tokens {
		states[x.ID] = x.State
	}
	if len(states) != 2 || states[made.ID] != "revoked" {
		t.Errorf("got %v; want one used and one revoked", states)
	}
	into[api.Problem](t, o.call("root", "DELETE", "/v1/tokens/none", ""), 404)

	into[api.Done](t, o.call("root", "POST", "/v1/users/bilal/disable", ""), 200)
	into[api.Problem](t, o.call("root", "POST", "/v1/users/nobody/disable", ""), 404)
	into[api.Problem](t, o.call("bilal", "GET", "/v1/tasks", ""), 401)
	var names []string
	for next := ""; ; {
		l := into[api.UserList](t, o.call("root", "GET", "/v1/users?limit=4&cursor="+next, ""), 200)
		for _, u := range l.Users {
			names = append(names, u.Name)
			if u.Disabled != (u.Name == "bilal") {
				t.Errorf("%s disabled: %v", u.Name, u.Disabled)
			}
		}
		if next = l.Next; next == "" {
			break
		}
	}
	if want := len(o.people()) + 1; !slices.IsSorted(names) || len(slices.Compact(names)) != want { // And the first operator.
		t.Errorf("got %v; want %d names once each", names, want)
	}
}

func TestSignIn(t *testing.T) {
	o := newOffice(t)
	body := func(user, pass string) string { return fmt.Sprintf(`{"user":%q,"password":%q}`, user, pass) }
	s := into[api.SessionAnswer](t, o.call("", "POST", "/v1/sessions", body("anna", password), "Idempotency-Key", "s1"), 201)
	again := into[api.SessionAnswer](t, o.call("", "POST", "/v1/sessions", body("anna", password), "Idempotency-Key", "s1"), 201)
	if s.Token != again.Token || s.Expires.Sub(o.now()) > 12*time.Hour {
		t.Errorf("got %+v, then %+v", s, again)
	}
	if w := o.call("", "GET", "/v1/tasks", "", "Authorization", "Bearer "+s.Token); w.Code != 200 {
		t.Errorf("got %d with the token", w.Code)
	}
	into[api.Problem](t, o.call("", "POST", "/v1/sessions", `{"user":"anna"}`), 400)
	into[api.Problem](t, o.call("", "POST", "/v1/sessions", body("nobody", password)), 401)
	limited := false
	for range 12 {
		limited = o.call("", "POST", "/v1/sessions", body("anna", "wrong password")).Code == 429
	}
	if !limited {
		t.Error("twelve wrong passwords went unpunished")
	}
	p := into[api.Problem](t, o.call("", "POST", "/v1/sessions", body("anna", password)), 429)
	if p.RetryAfter < 1 {
		t.Errorf("got %+v; want a time to wait", p)
	}
}

func TestUnknownNumbersAreLimited(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	counts := map[int]int{}
	for i := range uint64(25) {
		nonce := [8]byte{9, byte(i)}
		unknown, err := protocol.MintNumber("41", "0999", nonce[:])
		if err != nil {
			t.Fatal(err)
		}
		counts[o.call("", "GET", "/v1/track/"+unknown.String(), "").Code]++
	}
	if counts[404] != 20 || counts[429] != 5 {
		t.Errorf("got %v; want 20 answers and 5 refusals", counts)
	}
	for range 300 {
		if w := o.call("", "GET", "/v1/track/"+n.String(), ""); w.Code != 200 {
			t.Fatalf("a known number: got %d", w.Code)
		}
	}
	into[api.Problem](t, o.call("", "GET", "/v1/track/4100101234567890", ""), 400)
}

// TestTasks reads both lists to their ends, page by page.
func TestTasks(t *testing.T) {
	o := newOffice(t)
	numbers := map[protocol.Number]bool{}
	for i := range uint64(7) {
		numbers[o.file(i+1)] = true
	}
	read := func(user, query string) []api.Task {
		t.Helper()
		var all []api.Task
		for next := ""; ; {
			l := into[api.TaskList](t, o.call(user, "GET", "/v1/tasks?limit=2&"+query+"&cursor="+next, ""), 200)
			all = append(all, l.Tasks...)
			if next = l.Next; next == "" {
				return all
			}
			if len(all) > 50 {
				t.Fatal("the pages never end")
			}
		}
	}
	mine := read("anna", "scope=mine")
	sorted := slices.IsSortedFunc(mine, func(a, b api.Task) int { return a.Due.Compare(b.Due.Time) })
	if len(mine) != 7 || !sorted {
		t.Fatalf("got %d tasks, sorted %v; want 7 by due date", len(mine), sorted)
	}
	for _, x := range mine {
		if !numbers[x.Number] || x.Service.Name.BN == "" || x.Seat != o.seat(0).String() {
			t.Errorf("got %+v", x)
		}
	}
	take := "/v1/cases/" + mine[0].Number.String() + "/take"
	into[api.ActionAnswer](t, o.call("anna", "POST", take, "", "If-Match", api.ETag(mine[0].Version)), 200)
	if got := len(read("bilal", "scope=mine")); got != 6 {
		t.Errorf("bilal's own list has %d; want the 6 that nobody took", got)
	}
	if got := len(read("bilal", "scope=office")); got != 7 {
		t.Errorf("the office's list has %d; want all 7", got)
	}
	if got := len(read("chair", "scope=mine")); got != 0 {
		t.Errorf("the chairman's own list has %d; want none", got)
	}
	if got := len(read("uno", "scope=office&office="+o.seat(0).Office)); got != 7 {
		t.Errorf("the supervisor sees %d; want 7", got)
	}
	into[api.Problem](t, o.call("anna", "GET", "/v1/tasks?scope=office&office=dc-41", ""), 403)
	into[api.Problem](t, o.call("anna", "GET", "/v1/tasks?cursor=zz", ""), 400)
	into[api.Problem](t, o.call("anna", "GET", "/v1/tasks?scope=all", ""), 400)
	into[api.Problem](t, o.call("audit", "GET", "/v1/tasks", ""), 400)
}

// TestRow14WithoutALeader is row 14: reads go on, what changes anything is unknown.
func TestRow14WithoutALeader(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	o.fall(true)
	into[api.Record](t, o.call("anna", "GET", "/v1/applications/"+n.String(), ""), 200)
	into[api.Problem](t, o.call("dora", "GET", "/v1/applications/4100100000000000", ""), 400)
	into[api.Tracking](t, o.call("", "GET", "/v1/track/"+n.String(), ""), 200)
	p := into[api.Problem](t, o.call("anna", "POST", "/v1/cases/"+n.String()+"/take", "", "If-Match", `"1"`), 503)
	if p.Outcome != api.Unknown || p.RetryAfter < 1 {
		t.Errorf("got %+v; want unknown, with a time to wait", p)
	}
	w := o.call("root", "GET", "/metrics", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "kendro_reads_unrecorded_total 1") || !strings.Contains(w.Body.String(), "kendro_cases 1") ||
		!strings.Contains(w.Body.String(), `kendro_wire_bytes_total{direction="out",purpose="servers"} 7`) {
		t.Errorf("got %d %s; want the unrecorded read and the bytes on the network counted", w.Code, w.Body)
	}
}

func TestStats(t *testing.T) {
	o := newOffice(t)
	for i := range uint64(3) {
		o.file(i + 1)
	}
	s := into[api.Stats](t, o.call("uno", "GET", "/v1/stats", ""), 200)
	if s.Area != "41-09" || s.Counters["received"] != 3 || s.Counters["received/"+service] != 3 || s.Completeness.Reporting != 1 || s.Completeness.Centres < 5 {
		t.Errorf("got %+v", s)
	}
	if s := into[api.Stats](t, o.call("root", "GET", "/v1/stats?area=41-47", ""), 200); s.Counters["received"] != 0 {
		t.Errorf("another upazila: got %+v; want none", s.Counters)
	}
	if s := into[api.Stats](t, o.call("root", "GET", "/v1/stats?from=2026-09-01&to=2026-09-02", ""), 200); s.Counters["received"] != 0 || s.To != "2026-09-02" {
		t.Errorf("other days: got %+v; want none", s)
	}
	into[api.Problem](t, o.call("uno", "GET", "/v1/stats?area=41", ""), 403)
	into[api.Problem](t, o.call("root", "GET", "/v1/stats?area=99", ""), 404)
	into[api.Problem](t, o.call("root", "GET", "/v1/stats?from=yesterday", ""), 400)
}

func TestMachine(t *testing.T) {
	o := newOffice(t)
	into[api.Health](t, o.call("", "GET", "/healthz", ""), 200)
	into[api.Health](t, o.call("", "GET", "/readyz", ""), 200)
	if s := into[api.HubStatus](t, o.call("root", "GET", "/v1/status", ""), 200); s.Server != "s1" {
		t.Errorf("got %+v", s)
	}
	if m := into[api.MemberList](t, o.call("root", "GET", "/v1/members", ""), 200); len(m.Members) != 1 {
		t.Errorf("got %+v", m)
	}
	c := into[api.Catalogue](t, o.call("", "GET", "/v1/catalogue", ""), 200)
	if c.Release != 1 || len(c.Services) != len(o.set.Services()) || c.Hash != o.set.Release.Hash.String() {
		t.Errorf("got release %d with %d services", c.Release, len(c.Services))
	}
	v := into[api.ServiceVersions](t, o.call("", "GET", "/v1/catalogue/"+service, ""), 200)
	if v.Current == nil || len(v.Versions) != 1 || len(v.Current.Form) == 0 {
		t.Errorf("got %+v", v)
	}
	into[api.Problem](t, o.call("", "GET", "/v1/catalogue/none", ""), 404)
	into[api.Done](t, o.call("root", "POST", "/v1/nodes/41-09-17/revoke", `{"reason":"stolen"}`), 200)
	if node, _ := o.reg.NodeOf(centre); node.RevokedAt == 0 || node.Reason != "stolen" {
		t.Errorf("got %+v; want it revoked", node)
	}
	into[api.Problem](t, o.call("root", "POST", "/v1/nodes/41-11-99/revoke", ""), 404)
	into[api.Problem](t, o.call("root", "POST", "/v1/nodes/here/revoke", ""), 400)
	for _, step := range []string{"announced", "used"} {
		if got := into[api.KeyStep](t, o.call("root", "POST", "/v1/upazilas/41-09/gossip-key", ""), 200); got.Step != step {
			t.Errorf("got %+v; want %s", got, step)
		}
	}
	into[api.Problem](t, o.call("root", "POST", "/v1/upazilas/41-99/gossip-key", ""), 404)
	into[api.Problem](t, o.call("rahima", "POST", "/v1/upazilas/41-04/gossip-key", ""), 403)
}

func TestPublish(t *testing.T) {
	o := newOffice(t)
	into[api.Problem](t, o.call("root", "POST", "/v1/catalogue", `{"versions":[],"signed":""}`), 400)
	into[api.Problem](t, o.call("root", "POST", "/v1/catalogue", `{"versions":[],"signed":"AAAA"}`), 400)
	v := *o.version()
	v.SLADays++
	next := releaseOf(t, o, &v)
	body, err := json.Marshal(next)
	if err != nil {
		t.Fatal(err)
	}
	a := into[api.PublishAnswer](t, o.call("root", "POST", "/v1/catalogue", string(body), "Idempotency-Key", "p1"), 200)
	again := into[api.PublishAnswer](t, o.call("root", "POST", "/v1/catalogue", string(body), "Idempotency-Key", "p1"), 200)
	if a.Release != 2 || a.Hash == "" || again != a {
		t.Errorf("got %+v, then %+v", a, again)
	}
	if cur, _ := o.reg.Set().Current(service); cur.Number != 2 {
		t.Errorf("got version %d; want 2", cur.Number)
	}
}

func TestForeignCentre(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	other := place.Centre("")
	for _, c := range o.set.Directory.Centres {
		if c.Code.Upazila() != centre.Upazila() && c.Type == place.Union {
			other = c.Code
		}
	}
	body := fmt.Sprintf(`{"name":"stranger","centre":%q,"gender":"m","password":"long enough"}`, other)
	into[api.User](t, o.call("root", "POST", "/v1/users", body), 201)
	into[api.Problem](t, o.call("stranger", "GET", "/v1/applications/"+n.String(), ""), 403)
	into[api.Problem](t, o.call("root", "GET", "/v1/applications/"+n.String(), ""), 403)
	into[api.Problem](t, o.call("root", "POST", "/v1/users", strings.Replace(body, "stranger", "@hub", 1)), 400)
}
