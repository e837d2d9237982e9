package desk

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kendro/catalogue"
	"kendro/protocol"
	"kendro/web/api"
)

// who is the applicant and the form of a case, as an officer reads them.
func (o *office) who(n protocol.Number) (name, mobile string, form map[string]string) {
	o.t.Helper()
	rec := into[api.Record](o.t, o.call("anna", "GET", "/v1/applications/"+n.String(), ""), 200)
	p, err := catalogue.ApplicantOf(rec.Applicant)
	if err != nil {
		o.t.Fatal(err)
	}
	return p.Name.BN, p.Mobile, catalogue.ShortAnswers(rec.Form)
}

func (o *office) find(user, query string) api.FoundList {
	o.t.Helper()
	return into[api.FoundList](o.t, o.call(user, "GET", "/v1/search?"+query, ""), 200)
}

func numbersOf(l api.FoundList) (list []protocol.Number) {
	for _, f := range l.Found {
		list = append(list, f.Number)
	}
	return list
}

// TestSearch finds one of many by all that somebody may know of it (R-OF12).
func TestSearch(t *testing.T) {
	o := newOffice(t)
	var all []protocol.Number
	for seed := range uint64(30) {
		all = append(all, o.file(seed+1))
	}
	for _, n := range []protocol.Number{all[0], all[17]} {
		name, mobile, form := o.who(n)
		field := ""
		for f, v := range form {
			if strings.ContainsAny(v, "0123456789") {
				field = f + ":" + v
			}
		}
		for what, query := range map[string]string{
			"the number":                          "q=" + n.String(),
			"the number, spaced":                  "q=" + url.QueryEscape(n.Spaced()),
			"the mobile":                          "q=" + mobile,
			"the name":                            "q=" + url.QueryEscape(name),
			"name and mobile's field of the form": "q=" + url.QueryEscape(name) + "&field=" + url.QueryEscape(field),
		} {
			if strings.HasSuffix(query, "field=") {
				continue
			}
			l := o.find("anna", query)
			if !slices.Contains(numbersOf(l), n) || !l.Complete || l.Indexed != 30 {
				t.Errorf("by %s: %v, %d indexed, complete %v; want %s among them", what, numbersOf(l), l.Indexed, l.Complete, n)
			}
		}
		if l := o.find("anna", "q="+mobile); len(l.Found) != 1 || l.Found[0].Fit != 100 {
			t.Errorf("by mobile: %+v; want the one", l.Found)
		}
	}
	if l := o.find("anna", "q=01999999999"); len(l.Found) != 0 || !l.Complete {
		t.Errorf("a mobile that nobody has: %+v", l)
	}
	if l := o.find("chair", "q="+all[0].String()); len(l.Found) != 1 {
		t.Errorf("the chairman sits in the same office: got %+v", l)
	}
	dora := o.find("uno", "q="+all[0].String())
	if len(dora.Found) != 1 {
		t.Errorf("the UNO reads his area: got %+v", dora)
	}
	for _, q := range []string{"", "q=", "q=.", "field=khatian_no", "field=:1"} {
		if w := o.call("anna", "GET", "/v1/search?"+q, ""); w.Code != 400 {
			t.Errorf("%q: got %d %s; want 400", q, w.Code, w.Body)
		}
	}
}

// TestSearchKeepsToWhatOneMayRead hides cases of another office, whatever is asked.
func TestSearchKeepsToWhatOneMayRead(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	name, mobile, _ := o.who(n)
	for _, q := range []string{"q=" + n.String(), "q=" + mobile, "q=" + url.QueryEscape(name)} {
		if l := o.find("elsewhere", q); len(l.Found) != 0 {
			t.Errorf("%s: an officer of another office found %+v", q, l.Found)
		}
	}
	if w := o.call("elsewhere", "GET", "/v1/cases/"+n.String()+"/similar", ""); w.Code != 403 {
		t.Errorf("similar at another office: %d %s; want 403", w.Code, w.Body)
	}
}

// twin files once more for the applicant of a case, who has left his card at home.
func (o *office) twin(seed uint64, first protocol.Number) protocol.Number {
	o.t.Helper()
	return o.fileAs(seed, func(applicant map[string]any) {
		var of map[string]any
		rec := into[api.Record](o.t, o.call("anna", "GET", "/v1/applications/"+first.String(), ""), 200)
		if err := json.Unmarshal(rec.Applicant, &of); err != nil {
			o.t.Fatal(err)
		}
		maps.Copy(applicant, of)
		delete(applicant, "identifiers")
	})
}

// TestSimilarCases shows two papers of one person at two centres (DOMAIN §7 row 2).
func TestSimilarCases(t *testing.T) {
	o := newOffice(t)
	first := o.file(1)
	o.file(2)
	o.file(3)
	twin := o.twin(4, first)
	l := into[api.FoundList](t, o.call("anna", "GET", "/v1/cases/"+twin.String()+"/similar", ""), 200)
	if len(l.Found) == 0 || l.Found[0].Number != first || l.Found[0].Grade != "likely" || !slices.Contains(l.Found[0].Because, "same_name") {
		t.Fatalf("got %+v; want the first case, likely", l.Found)
	}
	for _, f := range l.Found {
		if f.Number == twin {
			t.Error("a case is similar to itself")
		}
	}
	path := "/v1/cases/" + twin.String() + "/ties"
	say := func(who, verdict string, saw int) int {
		t.Helper()
		return o.call(who, "POST", path, fmt.Sprintf(`{"other":%q,"verdict":%q,"text":"একই কার্ড","saw":%d}`, first, verdict, saw)).Code
	}
	for _, c := range []struct {
		who, verdict string
		saw, want    int
	}{
		{"anna", "open", 0, 400},
		{"anna", "same", 0, 200},
		{"chair", "different", 0, 409},
		{"chair", "different", 1, 200},
		{"elsewhere", "same", 2, 403},
		{"rahima", "same", 2, 403},
		{"anna", "open", 2, 200},
	} {
		if got := say(c.who, c.verdict, c.saw); got != c.want {
			t.Errorf("%s says %s having seen %d: %d; want %d", c.who, c.verdict, c.saw, got, c.want)
		}
	}
	for n, other := range map[protocol.Number]protocol.Number{first: twin, twin: first} {
		l := into[api.FoundList](t, o.call("anna", "GET", "/v1/cases/"+n.String()+"/similar", ""), 200)
		i := slices.IndexFunc(l.Found, func(f api.Found) bool { return f.Number == other })
		if i < 0 || len(l.Found[i].Said) != 3 || l.Found[i].Verdict() != "open" || l.Found[i].Said[0].By != "anna" {
			t.Errorf("of %s: %+v; want %s with three opinions, the last open", n, l.Found, other)
		}
	}
	if w := o.call("anna", "GET", "/v1/cases/4100100000000000/similar", ""); w.Code != 404 && w.Code != 400 {
		t.Errorf("a number that is nowhere: %d", w.Code)
	}
}

// TestSearchPage finds a case in a browser, from the box on the page to the file.
func TestSearchPage(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	o := newOffice(t)
	n := o.file(1)
	o.file(2)
	name, _, _ := o.who(n)
	s := httptest.NewServer(o.server)
	defer s.Close()
	ctx := browse(t)
	signIn(ctx, t, s.URL, "anna")
	do(ctx, t, "to the search", chromedp.Click(`nav a[href="/desk/search"]`))
	do(ctx, t, "name", chromedp.SendKeys("#q", name))
	do(ctx, t, "find", chromedp.Click("form.search button"))
	do(ctx, t, "found", chromedp.WaitVisible(`table a[href="/desk/cases/`+n.String()+`"]`))
	picture(ctx, t, "search")
	do(ctx, t, "open", chromedp.Click(`table a[href="/desk/cases/`+n.String()+`"]`))
	do(ctx, t, "others", chromedp.Click(`a[href="/desk/cases/`+n.String()+`/similar"]`))
	do(ctx, t, "nobody like him", chromedp.WaitVisible("h1"))
	if got := do(ctx, t, "text", chromedp.Text("main")); !strings.Contains(got, "পাওয়া যায়নি") {
		t.Errorf("the page of similar cases says %q", got)
	}
	twin := o.twin(7, n)
	do(ctx, t, "likely doubles", chromedp.Click(`nav a[href="/desk/doubles"]`))
	double := "#double-" + twin.String() + "-" + n.String()
	do(ctx, t, "listed", chromedp.WaitVisible(double))
	do(ctx, t, "compare the two", chromedp.Click(double+` a[href="/desk/cases/`+twin.String()+`/similar"]`))
	do(ctx, t, "open the question", chromedp.Click("details summary"))
	do(ctx, t, "one person", chromedp.Click(`label[for="verdict-0-same"]`))
	do(ctx, t, "why", chromedp.SendKeys("#why-0", "একই কার্ড"))
	picture(ctx, t, "ties")
	do(ctx, t, "keep", chromedp.Click("details form button"))
	do(ctx, t, "kept", chromedp.WaitVisible("ol.said"))
	if got := do(ctx, t, "said", chromedp.Text("ol.said")); !strings.Contains(got, "একই ব্যক্তি") || !strings.Contains(got, "একই কার্ড") {
		t.Errorf("the page says %q", got)
	}
	do(ctx, t, "the list again", chromedp.Navigate(s.URL+"/desk/doubles"))
	if got := do(ctx, t, "what is left", chromedp.Text("main")); !strings.Contains(got, "এমন কোনো জোড়া নেই") {
		t.Errorf("an officer has spoken, and the list says %q", got)
	}
	if ties, err := o.reg.Ties(twin); err != nil || len(ties) != 1 || ties[0].Other != n || ties[0].Verdict() != "same" {
		t.Errorf("the register has %+v, %v", ties, err)
	}
}
