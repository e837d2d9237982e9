package web

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kendro/web/api"
)

// TestFormOutlivesItsSession: what was typed while the session ran out is kept by the way in, and the page goes on with
// it; a wrong password loses nothing either. A page that was asked for is what one comes back to.
func TestFormOutlivesItsSession(t *testing.T) {
	c := newCentre(t)
	form := typedIn(t, c, "trade-licence", 5)
	form.Set("step", "file")
	w := c.post("/apply/trade-licence", form.Encode(), nobody())
	kept := regexp.MustCompile(`name="kept" value="([^"]*)"`)
	again := func(password string) *httptest.ResponseRecorder {
		t.Helper()
		m := kept.FindStringSubmatch(w.Body.String())
		if w.Code != http.StatusUnauthorized || m == nil || !strings.Contains(w.Body.String(), `action="/apply/trade-licence"`) {
			t.Fatalf("got %d; want the way in with what was typed", w.Code)
		}
		return c.post("/apply/trade-licence", url.Values{
			"user": {"rahima"}, "password": {password}, "key": {api.NewKey()}, fieldKept: {html.UnescapeString(m[1])},
		}.Encode(), nobody())
	}
	w = again("wrong")
	w = again("correct horse")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/receipt/") || c.count() != 1 {
		t.Fatalf("got %d, %d filed: %s", w.Code, c.count(), w.Body)
	}
	if !strings.Contains(w.Header().Get("Set-Cookie"), api.SessionCookie+"=") {
		t.Error("no session was begun")
	}

	page := c.get("/cases?number=12", nobody()).Body.String()
	if !strings.Contains(page, `name="back" value="/cases?number=12"`) {
		t.Error("the way in forgets which page was asked for")
	}
	in := url.Values{"user": {"rahima"}, "password": {"correct horse"}, "key": {api.NewKey()}, "back": {"/cases?number=12"}}
	if w := c.post("/sign-in", in.Encode(), nobody()); w.Header().Get("Location") != "/cases?number=12" {
		t.Errorf("signed in, one is sent to %q", w.Header().Get("Location"))
	}
	in.Set("back", "//elsewhere.example/")
	if w := c.post("/sign-in", in.Encode(), nobody()); w.Header().Get("Location") != "/" {
		t.Errorf("signed in, one is sent to %q", w.Header().Get("Location"))
	}
}

// TestFormWithAFileOutlivesItsSession: a file can't be kept, so the form is shown again and nothing is filed without it.
func TestFormWithAFileOutlivesItsSession(t *testing.T) {
	c := newCentre(t)
	form := typedIn(t, c, "trade-licence", 5)
	form.Set("step", "review")
	page := c.attachTo("/apply/trade-licence", form, map[string][]byte{inputFile + "nid": scanned(t, 64)}, nobody()).Body.String()
	m := regexp.MustCompile(`name="kept" value="([^"]*)"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("what was typed is lost")
	}
	values, err := url.ParseQuery(html.UnescapeString(m[1]))
	if err != nil || values.Get("step") != "" || values.Get("applicant.name_bn") != form.Get("applicant.name_bn") {
		t.Errorf("kept: %v, %v", values, err)
	}
}

// TestNoSuchPage: a browser is told in words that there is no such page, and by which way to go on; a program gets a
// problem as before.
func TestNoSuchPage(t *testing.T) {
	c := newCentre(t)
	ask := func(path, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept", accept)
		return c.send(r)
	}
	if w := ask("/nowhere", "text/html,*/*"); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "<h1>"+wordNoPage.BN) || !strings.Contains(w.Body.String(), `href="/today"`) {
		t.Errorf("a browser: %d %s", w.Code, w.Body)
	}
	for path, accept := range map[string]string{"/nowhere": "application/json", "/v1/nowhere": "text/html"} {
		if w := ask(path, accept); w.Code != http.StatusNotFound || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s: %d %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
	// What was not found has nothing that could be corrected.
	if page := c.get("/receipt/4100100000000000").Body.String(); strings.Contains(page, wordThereIs.BN) || !strings.Contains(page, "<h1>"+wordNotDoneNow.BN) {
		t.Error("a page says that answers need correcting where there are none")
	}
}

// TestPagesDescribeTheirInputs: each input has its label, what it is described by is on the page, and one that is wrong
// says so; no ID stands there twice.
func TestPagesDescribeTheirInputs(t *testing.T) {
	c := newCentre(t)
	n := filedLand(t, c)
	pages := map[string]string{}
	for _, path := range []string{"/", "/?q=zzz", "/today", "/cases", "/track", "/cases/" + n.String(), "/apply/birth-registration", "/apply/grievance"} {
		pages[path] = c.get(path).Body.String()
	}
	wrong := c.post("/apply/trade-licence", url.Values{"key": {"k"}, "version": {"1"}, "step": {"review"}}.Encode()).Body.String()
	pages["mistakes"] = wrong
	pages["read back"] = c.post("/apply/land-record-copy", withStep(typedIn(t, c, "land-record-copy", 5), "review").Encode()).Body.String()
	attribute := func(page, name string) (all []string) {
		for _, m := range regexp.MustCompile(` `+name+`="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			all = append(all, strings.Fields(m[1])...)
		}
		return all
	}
	input := regexp.MustCompile(`<(?:input|select|textarea)\b[^>]*>`)
	for name, page := range pages {
		ids := attribute(page, "id")
		for i, id := range ids {
			if slices.Contains(ids[:i], id) {
				t.Errorf("%s: the ID %s stands there twice", name, id)
			}
		}
		labels := attribute(page, "for")
		for _, id := range slices.Concat(labels, attribute(page, "aria-describedby"), attribute(page, "aria-labelledby")) {
			if !slices.Contains(ids, id) {
				t.Errorf("%s: nothing has the ID %s", name, id)
			}
		}
		for _, tag := range input.FindAllString(page, -1) {
			id := append(attribute(tag, "id"), "")[0]
			if !strings.Contains(tag, `type="hidden"`) && !slices.Contains(labels, id) {
				t.Errorf("%s: no label for %s", name, tag)
			}
		}
	}
	if m := regexp.MustCompile(`<input id="applicant-name_bn"[^>]*>`).FindString(wrong); !strings.Contains(m, `aria-describedby="applicant-name_bn-hint applicant-name_bn-error"`) || !strings.Contains(m, `aria-invalid="true"`) {
		t.Errorf("a wrong answer's input is %s", m)
	}
	if strings.Contains(pages["/apply/grievance"], "aria-invalid") {
		t.Error("a form that nobody has filled in says that it is wrong")
	}
}

func withStep(values url.Values, step string) url.Values {
	values.Set("step", step)
	return values
}

// TestEnterGoesOn: Enter in a field presses the first button of a form, which goes on and adds no row; after a row was
// added, its first field has the focus.
func TestEnterGoesOn(t *testing.T) {
	c := newCentre(t)
	page := c.get("/apply/warish-certificate").Body.String()
	_, form, _ := strings.Cut(page, `action="/apply/warish-certificate"`)
	first := regexp.MustCompile(`<button[^>]*>`).FindString(form)
	if !strings.Contains(form, `name="add"`) || !strings.Contains(first, `name="step" value="review"`) {
		t.Errorf("Enter presses %s", first)
	}
	values := url.Values{"key": {"k"}, "version": {"1"}, "rows.applicant.identifiers": {"1"}, "add": {"applicant.identifiers"}}
	page = c.post("/apply/warish-certificate", values.Encode()).Body.String()
	m := regexp.MustCompile(`<[^>]* autofocus[^>]*>`).FindAllString(page, -1)
	if len(m) != 1 || !strings.Contains(m[0], `id="applicant-identifiers-1-`) {
		t.Errorf("the focus is on %v", m)
	}
}

// TestReadBackInItsDigits: numbers that are kept in Latin digits are read back in the reader's, and so are the examples
// beside the fields; a number with Latin letters stays.
func TestReadBackInItsDigits(t *testing.T) {
	c := newCentre(t)
	form := withStep(typedIn(t, c, "land-record-copy", 5), "review")
	form.Set("applicant.mobile", "০১৭১২৩৪৫৬৭৮")
	for _, x := range []struct{ lang, want, not string }{{"bn", "<dd>০১৭১২৩৪৫৬৭৮</dd>", "<dd>01712345678"}, {"en", "<dd>01712345678</dd>", "<dd>০১৭"}} {
		page := c.post("/apply/land-record-copy", form.Encode(), session(), &http.Cookie{Name: "kendro_lang", Value: x.lang}).Body.String()
		if !strings.Contains(page, x.want) || strings.Contains(page, x.not) {
			t.Errorf("%s: read back otherwise than %s", x.lang, x.want)
		}
	}
	if page := c.get("/apply/land-record-copy").Body.String(); !strings.Contains(page, "যেমন ০১৭১২৩৪৫৬৭৮") || !strings.Contains(page, "A01234567") {
		t.Error("an example is in other digits than its page")
	}
	if got := BN.Numerals("A01234567, 1042/3 · 12টি"); got != "A01234567, ১০৪২/৩ · ১২টি" {
		t.Errorf("numerals: %s", got)
	}
}

// TestServicesAreFound: the page leads to each category, and from a search that finds nothing back to all services.
func TestServicesAreFound(t *testing.T) {
	c := newCentre(t)
	page := c.get("/").Body.String()
	codes := map[string]bool{}
	for _, v := range c.set.Services() {
		codes[v.Category.Code] = true
	}
	for code := range codes {
		if !strings.Contains(page, `href="#`+code+`"`) || !strings.Contains(page, `<section id="`+code+`">`) {
			t.Errorf("no way to the category %s", code)
		}
	}
	page = c.get("/?q=zzz").Body.String()
	if !strings.Contains(page, wordNoService.BN) || !strings.Contains(page, `<a href="/">`+wordShowAll.BN) {
		t.Error("a search that finds nothing ends there")
	}
}
