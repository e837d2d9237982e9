package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kendro/domain/access"
	"kendro/protocol"
	"kendro/web/api"
)

// unionCentre is a centre whose union decides: one licence lies at the chairman's desk.
func unionCentre(t *testing.T) (*centre, *api.Record) {
	t.Helper()
	c := newCentre(t)
	form := typedIn(t, c, "trade-licence", 5)
	form.Set("step", "file")
	if w := c.post("/apply/trade-licence", form.Encode()); w.Code != http.StatusSeeOther || c.count() != 1 {
		t.Fatalf("filed: %d %s", w.Code, w.Body)
	}
	rec, left := c.filed[0], uint64(3)
	until := api.TimeOf(noon().AddDate(0, 0, 2))
	from := api.TimeOf(noon().AddDate(0, 0, -12))
	rec.Stage, rec.Seat, rec.Union = "UNDER_REVIEW", "chairman@local-41-09-17", &api.UnionNote{Until: &until}
	rec.Holder = "chairman"
	rec.Acts = []api.ActNote{{Action: "approve"}, {Action: "request-info"}, {Action: "note"}}
	raw := func(method, path, id string, act access.Act, h func(http.ResponseWriter, *http.Request, api.Caller)) {
		c.api.Raw(api.Route{Method: method, Path: path, ID: id, Act: act}, nil, nil, h)
	}
	raw(http.MethodGet, "/v1/tasks", "tasks", access.ListTasks, func(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
		list := api.TaskList{Tasks: []api.Task{}}
		if rec.Stage == "UNDER_REVIEW" {
			list.Tasks = append(list.Tasks, api.Task{Number: rec.Number, Service: rec.Service, Stage: rec.Stage, Seat: rec.Seat, Due: due()})
		}
		api.WriteJSON(w, http.StatusOK, list)
	})
	raw(http.MethodGet, "/v1/leases", "leases", access.ListTasks, func(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
		l := api.Lease{Service: "trade-licence", Centre: string(ours), Allowed: true, Token: 1, From: &from, Until: &until, Numbers: 50, Left: &left, Low: true}
		api.WriteJSON(w, http.StatusOK, api.LeaseList{Leases: []api.Lease{l}})
	})
	raw(http.MethodGet, api.AsidesPath, "asides", access.ListTasks, func(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
		api.WriteJSON(w, http.StatusOK, c.asides)
	})
	raw(http.MethodPost, api.AsidesPath+"/{id}/read", "aside-read", access.WorkCase, func(w http.ResponseWriter, r *http.Request, who api.Caller) {
		if i := slices.IndexFunc(c.asides.Asides, func(a api.Aside) bool { return a.ID == r.PathValue("id") }); i >= 0 && who.Key != "" {
			at := api.TimeOf(noon())
			c.asides.Asides[i].ReadBy, c.asides.Asides[i].ReadAt, c.asides.Unread = who.User, &at, 0
		}
		api.WriteJSON(w, http.StatusOK, api.Aside{})
	})
	raw(http.MethodPost, "/v1/cases/{number}/{action}", "act", access.WorkCase, func(w http.ResponseWriter, r *http.Request, _ api.Caller) {
		body, err := api.ReadBody(r)
		if err != nil {
			t.Error(err)
		}
		c.taken = append(c.taken, r.PathValue("action")+" "+string(body))
		rec.Stage, rec.Acts, rec.Version = "READY", nil, rec.Version+1
		rec.Certificate = &api.CertificateNote{Number: "TL-41-09-17-000048", Issued: due(), Expires: due(), State: api.CertificateProvisional}
		api.WriteJSON(w, http.StatusOK, api.ActionAnswer{Number: rec.Number, Version: rec.Version, Stage: rec.Stage})
	})
	raw(http.MethodPost, "/v1/applications/{number}/copies", "print", access.PrintCopy, func(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
		note := api.CopyNote{Copy: 1, At: api.TimeOf(noon()), By: "chairman", Centre: string(ours)}
		rec.Certificate.Copies = append(rec.Certificate.Copies, note)
		api.WriteJSON(w, http.StatusOK, note)
	})
	return c, rec
}

func chairman() *http.Cookie {
	return &http.Cookie{Name: api.SessionCookie, Value: "chairman's token"}
}

// TestUnionDeskInABrowser signs in as the chairman at the box, opens a case from the list, approves
// it, and prints the certificate, as at the hub's desk.
func TestUnionDeskInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	c, rec := unionCentre(t)
	s := httptest.NewServer(c.api)
	defer s.Close()
	ctx := browse(t)
	do(ctx, t, "open", chromedp.Navigate(s.URL+"/"))
	do(ctx, t, "name", chromedp.SendKeys("#user", "chairman"))
	do(ctx, t, "password", chromedp.SendKeys("#password", "correct horse"))
	do(ctx, t, "sign in", chromedp.Click("main button.main"))
	do(ctx, t, "the lease", chromedp.WaitVisible(".lease"))
	photo(ctx, t, "union-tasks")
	if got := do(ctx, t, "the lease", chromedp.Text(".lease")); !strings.Contains(got, "৩") || !strings.Contains(got, wordLeaseLow.BN) {
		t.Errorf("the lease says %q", got)
	}
	do(ctx, t, "the case", chromedp.Click(`a[href="/desk/cases/`+rec.Number.String()+`"]`))
	do(ctx, t, "the act", chromedp.WaitVisible("#act-approve"))
	photo(ctx, t, "union-case")
	do(ctx, t, "approve", chromedp.Click("#act-approve button"))
	do(ctx, t, "sure", chromedp.Click(`button[name="sure"]`))
	do(ctx, t, "the list", chromedp.WaitVisible(".lease"))
	if len(c.taken) != 1 || !strings.HasPrefix(c.taken[0], "approve ") {
		t.Fatalf("the box got %v; want an approval", c.taken)
	}
	do(ctx, t, "the certificate", chromedp.Navigate(s.URL+"/desk/cases/"+rec.Number.String()+"/certificate"))
	do(ctx, t, "print", chromedp.Click("main form button.main"))
	do(ctx, t, "the sheet", chromedp.WaitVisible("main.certificate"))
	photo(ctx, t, "union-certificate")
	if got := do(ctx, t, "number", chromedp.Text(`.slip-number [lang="en"]`)); got != rec.Certificate.Number {
		t.Errorf("the sheet says %q", got)
	}
}

// TestUnionFindsAtItsBox: an officer of the union searches what its box has, and who serves its counter does, each led
// to his own pages; who is likely the same person stands beside the case.
func TestUnionFindsAtItsBox(t *testing.T) {
	c, rec := unionCentre(t)
	found := func(path, id string, list ...api.Found) {
		c.api.Raw(api.Route{Method: http.MethodGet, Path: path, ID: id, Act: access.ReadCase}, nil, nil, func(w http.ResponseWriter, r *http.Request, _ api.Caller) {
			c.taken = append(c.taken, r.URL.RawQuery)
			api.WriteJSON(w, http.StatusOK, api.FoundList{Found: list, Complete: true})
		})
	}
	hit := api.Found{Number: rec.Number, Service: rec.Service, Stage: rec.Stage}
	var other [2]protocol.Number
	for i := range other {
		n, err := protocol.MintNumber("41", "0010", []byte{9, 9, 9, 9, 9, 9, 9, byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		other[i] = n
	}
	likely, possible := api.Found{Number: other[0], Grade: "likely"}, api.Found{Number: other[1], Grade: "possible"}
	found("/v1/search", "search", hit)
	found("/v1/cases/{number}/similar", "similar", likely, possible)
	if page := c.get("/desk/search?q=karim", chairman()).Body.String(); !strings.Contains(page, `href="/desk/cases/`+rec.Number.String()) || !strings.Contains(page, `action="/desk/search"`) || len(c.taken) != 1 || c.taken[0] != "q=karim" {
		t.Errorf("the officer's search asks %q and shows %s", c.taken, page)
	}
	if page := c.get("/search?q=karim").Body.String(); !strings.Contains(page, `href="/cases/`+rec.Number.String()) || !strings.Contains(page, `action="/search"`) {
		t.Errorf("the counter's search shows %s", page)
	}
	page := c.get("/desk/cases/"+rec.Number.String(), chairman()).Body.String()
	if !strings.Contains(page, wordLikelySame.BN) || !strings.Contains(page, "/desk/cases/"+likely.Number.String()) || strings.Contains(page, "/desk/cases/"+possible.Number.String()) {
		t.Error("beside the case there do not stand those that are likely the same person's, and no others")
	}
}

// TestUnionDeskSaysWhatIsInTheWay: each reason why nothing can be done stands in words, and so does what waits for
// a number; the desk is nobody's who serves the counter, and the counter's services are none of an officer's.
func TestUnionDeskSaysWhatIsInTheWay(t *testing.T) {
	c, rec := unionCentre(t)
	path := "/desk/cases/" + rec.Number.String()
	wants := func(words string) {
		t.Helper()
		if w := c.get(path, chairman()); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), words) {
			t.Errorf("%d, without %q", w.Code, words)
		}
	}
	wants(`action="/desk/cases/` + rec.Number.String() + `/request-info"`)
	rec.History = append(rec.History, api.HistoryEntry{Version: 3, Action: "decide", Actor: "salma", Cites: []string{"form.capital_taka"}})
	wants(`name="cites" type="checkbox" value="form.capital_taka"`)
	wants(wordCites.BN)
	wants(path + `?as_of_version=3`)
	for bar, words := range barWords {
		rec.Acts, rec.Union = nil, &api.UnionNote{Bar: bar}
		wants(words.BN)
	}
	rec.Union = &api.UnionNote{Late: true}
	wants(wordLeaseOver.BN)
	rec.Acts = []api.ActNote{{Action: "issue", Bar: api.BarNumbers}}
	wants(wordNoNumbers.BN)
	if w := c.get("/", chairman()); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/desk" {
		t.Errorf("an officer begins at %d %s", w.Code, w.Header().Get("Location"))
	}
	if w := c.get("/desk"); w.Code != http.StatusForbidden {
		t.Errorf("who serves the counter gets %d at the desk", w.Code)
	}
}

// TestUnionReadsWhatWasNotTaken: the desk says that there is something, the page says of each act what became of it and what to do,
// the case says it as well, and what an officer marks as read stands so. Who serves the counter sees none of it.
func TestUnionReadsWhatWasNotTaken(t *testing.T) {
	c, rec := unionCentre(t)
	id := strings.Repeat("ab", 32)
	a := api.Aside{ID: id, Number: rec.Number, Action: "issue", Actor: "chairman", At: api.TimeOf(noon()), Since: api.TimeOf(noon()), Owner: "uno@upazila-41-09", Text: "the detail", Words: "come to us"}
	if page := c.get("/desk", chairman()).Body.String(); strings.Contains(page, wordAsidesNew.BN) {
		t.Error("with nothing to read the desk says that there is")
	}
	for state, said := range becameWords {
		for next, do := range nextWords {
			a.State, a.Next = state, next
			c.asides = api.AsideList{Asides: []api.Aside{a}, Unread: 1, More: 3}
			page := c.get("/desk/asides", chairman()).Body.String()
			for _, want := range []string{said.BN, do.BN, actionName("issue").BN, "the detail", "come to us", wordAsideRead.BN, "/desk/cases/" + rec.Number.String(), "৩"} {
				if !strings.Contains(page, want) {
					t.Errorf("%s, %s: the page lacks %q", state, next, want)
				}
			}
		}
	}
	if page := c.get("/desk", chairman()).Body.String(); !strings.Contains(page, wordAsidesNew.BN) {
		t.Error("the desk does not say that there is something to read")
	}
	rec.Acts, rec.Union = nil, &api.UnionNote{Bar: "elsewhere", Asides: c.asides.Asides}
	if page := c.get("/desk/cases/"+rec.Number.String(), chairman()).Body.String(); !strings.Contains(page, "the detail") || !strings.Contains(page, wordAsides.BN) {
		t.Error("the case does not say what was not taken")
	}
	if w := c.post("/desk/asides/"+id, url.Values{"key": {"k1"}}.Encode(), chairman()); w.Code != http.StatusSeeOther {
		t.Fatalf("read: %d %s", w.Code, w.Body)
	}
	page := c.get("/desk/asides?done=1", chairman()).Body.String()
	if strings.Contains(page, wordAsideRead.BN) || !strings.Contains(page, wordAsideReadB.BN) || !strings.Contains(page, wordAsideDone.BN) {
		t.Error("what is read does not stand so")
	}
	if w := c.get("/desk/asides"); w.Code != http.StatusForbidden {
		t.Errorf("who serves the counter gets %d", w.Code)
	}
}

// TestCaseIsGivenBack: the page on which a superior gives a case back asks him what has to be done.
func TestCaseIsGivenBack(t *testing.T) {
	c, rec := unionCentre(t)
	rec.Acts = []api.ActNote{{Action: "hand-back", To: "secretary@local-41-09-17"}}
	_, form, ok := strings.Cut(c.get("/desk/cases/"+rec.Number.String(), chairman()).Body.String(), `action="/desk/cases/`+rec.Number.String()+`/hand-back"`)
	form, _, _ = strings.Cut(form, "</form>")
	if !ok || !strings.Contains(form, `name="reason"`) {
		t.Errorf("the form to give it back is %q", form)
	}
}
