package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kendro/domain/access"
	"kendro/web/api"
)

// until waits for what a script says of a page, which may just be on its way.
func until(ctx context.Context, t *testing.T, what, script string) {
	t.Helper()
	script = `document.readyState == "complete" && (` + script + `)`
	for {
		if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); ok && err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestCatalogueInABrowser looks through the whole catalogue as whoever serves a counter does (R-OF10): by category with
// the keyboard alone and by a word in either language; and finds on a telephone what the box has of a person.
func TestCatalogueInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	c, rec := unionCentre(t)
	c.api.Raw(api.Route{Method: http.MethodGet, Path: "/v1/search", ID: "search", Act: access.ReadCase}, nil, nil, func(w http.ResponseWriter, r *http.Request, _ api.Caller) {
		list := api.FoundList{Complete: true, Found: []api.Found{}}
		if r.URL.Query().Get("q") == "করিম" {
			list.Found = append(list.Found, api.Found{Number: rec.Number, Service: rec.Service, Stage: rec.Stage, SubmittedAt: api.TimeOf(noon())})
		}
		api.WriteJSON(w, http.StatusOK, list)
	})
	s := httptest.NewServer(c.api)
	defer s.Close()
	ctx := browse(t)
	do(ctx, t, "open a page", chromedp.Navigate(s.URL+"/search"))
	do(ctx, t, "name", chromedp.SendKeys("#user", "rahima"))
	do(ctx, t, "password", chromedp.SendKeys("#password", "correct horse\r"))

	// The box's search, which the way in leads back to, on a telephone.
	do(ctx, t, "a telephone", chromedp.EmulateViewport(360, 740))
	do(ctx, t, "a name", chromedp.SendKeys("#q", "করিম\r"))
	do(ctx, t, "found", chromedp.WaitVisible(`.cards a`))
	photo(ctx, t, "search-phone")
	if seen := do(ctx, t, "width", chromedp.Evaluate[bool](`document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll(".cards td")].every(e => e.getBoundingClientRect().right <= innerWidth)`)); !seen {
		t.Error("a part of what was found lies beyond the edge of a telephone")
	}
	do(ctx, t, "the case", chromedp.Click(`.cards a`))
	do(ctx, t, "the case", chromedp.WaitVisible(`main .over.number`))
	do(ctx, t, "another name", chromedp.Navigate(s.URL+"/search?q=zzz"))
	if got := do(ctx, t, "nothing", chromedp.Text("main")); !strings.Contains(got, wordNothingFound.BN) {
		t.Errorf("a search that finds nothing says %q", got)
	}

	// The catalogue, by category.
	do(ctx, t, "a laptop", chromedp.EmulateViewport(1366, 768))
	do(ctx, t, "services", chromedp.Navigate(s.URL+"/"))
	info, _ := c.set.Directory.Centre(ours)
	offered := c.set.OfferedTo(info.Type)
	groups := grouped(BN, offered)
	drawn := do(ctx, t, "services", chromedp.Evaluate[int](`document.querySelectorAll(".services a").length`))
	shelves := do(ctx, t, "categories", chromedp.Evaluate[int](`document.querySelectorAll(".categories section").length`))
	if drawn != len(offered) || shelves != len(groups) || drawn < 150 || shelves != 27 {
		t.Errorf("%d services in %d categories are drawn; want %d in %d", drawn, shelves, len(offered), len(groups))
	}
	last := groups[len(groups)-1]
	do(ctx, t, "the list of categories", chromedp.Focus(`.jump summary`))
	do(ctx, t, "open it", chromedp.KeyEvent("\r"))
	do(ctx, t, "the last", chromedp.Focus(`.jump li:last-child a`))
	do(ctx, t, "go there", chromedp.KeyEvent("\r"))
	until(ctx, t, "the last category is in view", `(() => { const r = document.getElementById("`+last.Code+`").getBoundingClientRect(); return location.hash == "#`+last.Code+`" && r.top >= 0 && r.top < innerHeight; })()`)

	// By a word: in Bangla, in English, and one that nothing has.
	for word, service := range map[string]string{"জন্ম নিবন্ধন": "birth-registration", "land record": "land-record-copy"} {
		do(ctx, t, "services", chromedp.Navigate(s.URL+"/"))
		do(ctx, t, word, chromedp.SendKeys("#q", word+"\r"))
		until(ctx, t, service, `location.search != "" && !!document.querySelector('a[href="/apply/`+service+`"]')`)
		if n := do(ctx, t, "services", chromedp.Evaluate[int](`document.querySelectorAll(".services a").length`)); n == 0 || n > 12 {
			t.Errorf("%q finds %d services", word, n)
		}
	}
	do(ctx, t, "nothing", chromedp.Navigate(s.URL+"/?q=zzz"))
	do(ctx, t, "all services", chromedp.Click(`main p a[href="/"]`))
	until(ctx, t, "all services", `document.querySelectorAll(".services a").length == `+strconv.Itoa(len(offered)))

	// A form: Enter goes on, and the reader's focus is on what is wrong.
	do(ctx, t, "form", chromedp.Navigate(s.URL+"/apply/warish-certificate"))
	do(ctx, t, "name", chromedp.SendKeys("#applicant-name_bn", "করিমুন নেসা\r"))
	until(ctx, t, "the summary has the focus", `document.activeElement.className == "problems" && document.querySelector("#applicant-name_bn").value == "করিমুন নেসা"`)
}
