package web

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// typedIn is a sample application as a browser would send it.
func typedIn(t *testing.T, c *centre, service string, seed uint64) url.Values {
	t.Helper()
	raw, err := catalogue.Sample(c.set, service, seed, ours)
	if err != nil {
		t.Fatal(err)
	}
	var b struct {
		Form, Applicant map[string]any
		Channel         string
		Documents       []struct{ ID string }
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	values := url.Values{"channel": {b.Channel}, "key": {api.NewKey()}}
	flatten(values, "form", b.Form)
	flatten(values, "applicant", b.Applicant)
	for _, d := range b.Documents {
		values.Set("documents."+d.ID, "1")
	}
	return values
}

func flatten(values url.Values, prefix string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, y := range x {
			flatten(values, prefix+"."+k, y)
		}
	case []any:
		values.Set("rows."+prefix, strconv.Itoa(len(x)))
		for i, y := range x {
			flatten(values, prefix+"."+strconv.Itoa(i), y)
		}
	case bool:
		if x {
			values.Set(prefix, "1")
		}
	case float64:
		values.Set(prefix, BN.Digits(strconv.FormatFloat(x, 'f', -1, 64))) // As a Bangla keyboard types it.
	case string:
		values.Set(prefix, x)
	}
}

// TestEveryServiceFilesFromItsPage draws the page of each service, reads it back
// and files it, with answers as the sample generator makes them.
func TestEveryServiceFilesFromItsPage(t *testing.T) {
	c := newCentre(t)
	counter := &counter{pages: &pages{house: House{Set: func() *dcat.Set { return c.set }, Centre: ours}}}
	for _, v := range counter.offered(c.set) {
		t.Run(v.ID, func(t *testing.T) {
			if w := c.get("/apply/" + v.ID); w.Code != 200 || !strings.Contains(w.Body.String(), html.EscapeString(v.Name.BN)) {
				t.Fatalf("got %d", w.Code)
			}
			values := typedIn(t, c, v.ID, 7)
			values.Set("step", "review")
			w := c.post("/apply/"+v.ID, values.Encode())
			if w.Code != 200 || !strings.Contains(w.Body.String(), wordReview.BN) {
				t.Fatalf("review: got %d %s", w.Code, errorsIn(w.Body.String()))
			}
			again := hiddenIn(w.Body.String())
			again.Set("step", "file")
			before := c.count()
			w = c.post("/apply/"+v.ID, again.Encode())
			if w.Code != http.StatusSeeOther || c.count() != before+1 {
				t.Fatalf("file: got %d %s; %d kept", w.Code, errorsIn(w.Body.String()), c.count()-before)
			}
			if w = c.get(w.Header().Get("Location")); w.Code != 200 || !strings.Contains(w.Body.String(), wordKeep.BN) {
				t.Errorf("receipt: got %d", w.Code)
			}
		})
	}
}

var hiddenInput = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// hiddenIn reads the hidden inputs of a page.
func hiddenIn(page string) url.Values {
	values := url.Values{}
	for _, m := range hiddenInput.FindAllStringSubmatch(page, -1) {
		values.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return values
}

var errorText = regexp.MustCompile(`(?s)class="(?:error|problems)"[^>]*>(.*?)</(?:p|div)>`)

func errorsIn(page string) []string { return errorText.FindAllString(page, -1) }

func TestDoubleClickFilesOnce(t *testing.T) {
	c := newCentre(t)
	values := typedIn(t, c, "trade-licence", 3)
	values.Set("step", "file")
	first := c.post("/apply/trade-licence", values.Encode())
	second := c.post("/apply/trade-licence", values.Encode())
	if c.count() != 1 || first.Header().Get("Location") != second.Header().Get("Location") || first.Code != 303 {
		t.Fatalf("got %d then %d, %d kept; want one application and one receipt", first.Code, second.Code, c.count())
	}
	values.Set("applicant.village", "অন্য গ্রাম")
	if w := c.post("/apply/trade-licence", values.Encode()); w.Code != 409 || !strings.Contains(w.Body.String(), wordAlready.BN) || c.count() != 1 {
		t.Errorf("got %d; want 409 in words and nothing filed", w.Code)
	}
}

// TestRow3LikelyDuplicateIsShown warns before the second paper of one person is filed,
// and lets it be filed (DOMAIN §7 row 2).
func TestRow3LikelyDuplicateIsShown(t *testing.T) {
	c := newCentre(t)
	values := typedIn(t, c, "trade-licence", 3)
	values.Set("step", "review")
	for alike, want := range map[string]bool{"4100101234567890": true, "": false} {
		if c.alike = nil; alike != "" {
			n, err := protocol.MintNumber("41", "0010", []byte{1, 2, 3, 4, 5, 6, 7, 8})
			if err != nil {
				t.Fatal(err)
			}
			c.alike, alike = []api.Found{{Number: n, Stage: "RECEIVED", Because: []string{"same_identifier"}}}, n.String()
		}
		w := c.post("/apply/trade-licence", values.Encode())
		page := w.Body.String()
		if w.Code != 200 || strings.Contains(page, wordAlike.BN) != want || want && !strings.Contains(page, "/receipt/"+alike) || !strings.Contains(page, `value="file"`) {
			t.Errorf("got %d; want the warning to be %v, and the way on", w.Code, want)
		}
	}
}

// TestRow3FiledInSpiteOfTheWarning: the page wants a reason, files with it once, and the
// application carries it.
func TestRow3FiledInSpiteOfTheWarning(t *testing.T) {
	c := newCentre(t)
	n, err := protocol.MintNumber("41", "0010", []byte{1, 2, 3, 4, 5, 6, 7, 8})
	if err != nil {
		t.Fatal(err)
	}
	c.alike = []api.Found{{Number: n, Stage: "RECEIVED", Because: []string{"same_identifier"}}}
	values := typedIn(t, c, "trade-licence", 3)
	values.Set("step", "review")
	page := c.post("/apply/trade-licence", values.Encode()).Body.String()
	if !strings.Contains(page, wordDespite.BN) {
		t.Fatal("the page does not ask why")
	}
	values = hiddenIn(page)
	values.Set("step", "file")
	for _, blank := range []string{"", " \n"} {
		values.Set("duplicate_reason", blank)
		w := c.post("/apply/trade-licence", values.Encode())
		if w.Code != 400 || c.count() != 0 || !strings.Contains(w.Body.String(), `href="#duplicate_reason"`) || hiddenIn(w.Body.String()).Get("key") != values.Get("key") {
			t.Fatalf("without a reason: got %d, %d filed: %v", w.Code, c.count(), errorsIn(w.Body.String()))
		}
	}
	values.Set("duplicate_reason", "অন্য দোকান")
	for range 2 { // A double click.
		if w := c.post("/apply/trade-licence", values.Encode()); w.Code != 303 || c.count() != 1 {
			t.Fatalf("with a reason: got %d, %d filed", w.Code, c.count())
		}
	}
	var body struct {
		Reason string `json:"duplicate_reason"`
	}
	if err := json.Unmarshal(c.bodies[values.Get("key")], &body); err != nil || body.Reason != "অন্য দোকান" {
		t.Errorf("the application says %+v, %v", body, err)
	}
}

// TestPostmarkFromThePage: what came by post is entered with the day on its paper, which
// is read back and stands on the receipt; a day to come is refused beside its field (R-CH6).
func TestPostmarkFromThePage(t *testing.T) {
	c := newCentre(t)
	if page := c.get("/apply/grievance").Body.String(); !strings.Contains(page, `name="posted_on"`) {
		t.Fatal("the page of a service that takes post has no field for the postmark")
	}
	values := typedIn(t, c, "grievance", 3)
	values.Set("step", "review")
	values.Set("channel", "post")
	values.Set("posted_on", noon().AddDate(0, 0, 1).Format(time.DateOnly))
	w := c.post("/apply/grievance", values.Encode())
	if w.Code != 400 || !strings.Contains(w.Body.String(), `href="#posted_on"`) || !strings.Contains(w.Body.String(), `id="posted_on-error"`) {
		t.Errorf("a postmark of tomorrow: got %d, %v", w.Code, errorsIn(w.Body.String()))
	}
	day := noon().AddDate(0, 0, -5)
	values.Set("posted_on", day.Format(time.DateOnly))
	w = c.post("/apply/grievance", values.Encode())
	if w.Code != 200 || !strings.Contains(w.Body.String(), BN.Day(day)) {
		t.Fatalf("the page does not read the postmark back: %d, %v", w.Code, errorsIn(w.Body.String()))
	}
	values = hiddenIn(w.Body.String())
	values.Set("step", "file")
	w = c.post("/apply/grievance", values.Encode())
	if w.Code != 303 || c.count() != 1 || c.filed[0].PostedOn != day.Format(time.DateOnly) {
		t.Fatalf("filed: %d, %+v", w.Code, c.filed)
	}
	if slip := c.get(w.Header().Get("Location")).Body.String(); !strings.Contains(slip, BN.Day(day)) {
		t.Error("the receipt lacks the postmark")
	}
}

func TestWrongAnswersKeepWhatWasTyped(t *testing.T) {
	c := newCentre(t)
	values := typedIn(t, c, "trade-licence", 3)
	values.Set("applicant.mobile", "123")
	values.Set("step", "review")
	w := c.post("/apply/trade-licence", values.Encode())
	page := w.Body.String()
	if w.Code != 400 || !strings.Contains(page, `href="#applicant-mobile"`) || !strings.Contains(page, `value="123"`) || !strings.Contains(page, `id="applicant-mobile-error"`) {
		t.Fatalf("got %d; want the field named, with its sentence and what was typed:\n%v", w.Code, errorsIn(page))
	}
	if got := hiddenIn(page).Get("key"); got != values.Get("key") {
		t.Errorf("got key %q; want the first, %q", got, values.Get("key"))
	}
	if strings.Contains(page, "jsonschema") || strings.Contains(page, "pattern") {
		t.Error("the page speaks the validator's language")
	}
}

// TestRenewalFillsRowsIn: what a renewal begins with has its lists of rows on the page as well.
func TestRenewalFillsRowsIn(t *testing.T) {
	c := newCentre(t)
	applicant := `{"name_bn":"রহিমা","identifiers":[{"type":"nid","value":"1234567890"},{"type":"brn","value":"19901234567890123"}]}`
	c.api.Raw(api.Route{Method: http.MethodGet, Path: "/v1/certificates/{number}/renewal", ID: "renewal", Act: access.File}, nil, nil,
		func(w http.ResponseWriter, r *http.Request, _ api.Caller) {
			api.WriteJSON(w, http.StatusOK, api.RenewalAnswer{Number: r.PathValue("number"), Service: "trade-licence", Form: json.RawMessage(`{"ward":"4"}`), Applicant: json.RawMessage(applicant)})
		})
	page := c.get("/apply/trade-licence?renews=TL-41-09-17-000001").Body.String()
	for _, want := range []string{
		`name="rows.applicant.identifiers" value="2"`, `value="1234567890"`, `value="19901234567890123"`, `<option value="brn" selected`, `value="রহিমা"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestAddRow(t *testing.T) {
	c := newCentre(t)
	values := typedIn(t, c, "warish-certificate", 3)
	values.Set("add", "applicant.identifiers")
	values.Set("rows.applicant.identifiers", "1")
	w := c.post("/apply/warish-certificate", values.Encode())
	if w.Code != 200 || hiddenIn(w.Body.String()).Get("rows.applicant.identifiers") != "2" {
		t.Fatalf("got %d with %v", w.Code, hiddenIn(w.Body.String()))
	}
}

func TestFailuresComeInWords(t *testing.T) {
	c := newCentre(t)
	values := typedIn(t, c, "trade-licence", 3)
	values.Set("step", "file")
	for kind, words := range faultWords {
		c.down = fault.New("secret.place", kind, "", "internal cause 4711")
		w := c.post("/apply/trade-licence", values.Encode())
		if kind == fault.Conflict {
			words = wordAlready
		}
		page := w.Body.String()
		if !strings.Contains(page, words.BN) || strings.Contains(page, "4711") || w.Code == 200 {
			t.Errorf("%v: got %d %v; want %q and no cause", kind, w.Code, errorsIn(page), words.BN)
		}
		if hiddenIn(page).Get("key") != values.Get("key") {
			t.Errorf("%v: the key is lost; a second try would file twice", kind)
		}
	}
}

func TestSignInPage(t *testing.T) {
	c := newCentre(t)
	for _, path := range []string{"/", "/today", "/apply/trade-licence"} {
		w := c.get(path, nobody())
		if w.Code != 200 || !strings.Contains(w.Body.String(), `type="password"`) || strings.Contains(w.Body.String(), wordNewCase.BN) {
			t.Errorf("%s: got %d; want the way in", path, w.Code)
		}
	}
	w := c.post("/sign-in", "user=rahima&password=wrong&key=k", nobody())
	if w.Code != 401 || !strings.Contains(w.Body.String(), wordBadSignIn.BN) || strings.Contains(w.Body.String(), "wrong") {
		t.Errorf("got %d; want a refusal in words without the password", w.Code)
	}
	w = c.post("/sign-in", "user=rahima&password=correct+horse&key=k", nobody())
	cookies := w.Result().Cookies()
	if w.Code != 303 || len(cookies) != 1 || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteLaxMode || cookies[0].Name != api.SessionCookie {
		t.Fatalf("got %d and %v", w.Code, cookies)
	}
	if w = c.post("/sign-out", ""); w.Code != 303 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("got %d and %v; want the cookie taken back", w.Code, w.Result().Cookies())
	}
	if w = c.post("/apply/trade-licence", "step=file", nobody()); w.Code != 401 {
		t.Errorf("got %d; want 401", w.Code)
	}
	r := c.get("/")
	if csp := r.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("got policy %q", csp)
	}
}

func TestSearch(t *testing.T) {
	c := newCentre(t)
	for query, want := range map[string]bool{"": true, "ট্রেড": true, "trade lic": true, "LICENCE": true, "নেই এমন": false} {
		page := c.get("/?q=" + url.QueryEscape(query)).Body.String()
		if got := strings.Contains(page, `/apply/trade-licence"`); got != want {
			t.Errorf("%q finds the trade licence: %v; want %v", query, got, want)
		}
	}
	c.set = nil
	if page := c.get("/").Body.String(); !strings.Contains(page, wordNoCatalogue.BN) {
		t.Error("without a catalogue the page doesn't say so")
	}
	if w := c.get("/apply/trade-licence"); w.Code != 503 {
		t.Errorf("got %d; want 503 without a catalogue", w.Code)
	}
}

func TestTrackPage(t *testing.T) {
	c := newCentre(t)
	values := typedIn(t, c, "trade-licence", 3)
	values.Set("step", "file")
	c.post("/apply/trade-licence", values.Encode())
	n := c.filed[0].Number
	for _, typed := range []string{n.String(), n.Spaced(), n.Bangla()} {
		w := c.get("/track?number="+url.QueryEscape(typed), nobody())
		if w.Code != 200 || !strings.Contains(w.Body.String(), stageWords["SUBMITTED"].BN) || !strings.Contains(w.Body.String(), n.Bangla()) {
			t.Errorf("%s: got %d", typed, w.Code)
		}
		if strings.Contains(w.Body.String(), "রহি") {
			t.Error("the public page names the applicant")
		}
	}
	for typed, status := range map[string]int{"123": 400, "4100100000000001": 400, "": 200} {
		if w := c.get("/track?number="+typed, nobody()); w.Code != status {
			t.Errorf("%q: got %d; want %d", typed, w.Code, status)
		}
	}
	en := c.get("/track?number="+n.String(), &http.Cookie{Name: "kendro_lang", Value: "en"}).Body.String()
	if !strings.Contains(en, stageWords["SUBMITTED"].EN) || !strings.Contains(en, `lang="en"`) || !strings.Contains(en, n.Spaced()) {
		t.Error("the English page isn't English")
	}
}

func TestSettings(t *testing.T) {
	c := newCentre(t)
	w := c.get("/settings?lang=en&size=3&contrast=1&back=%2Ftoday")
	if w.Code != 303 || w.Header().Get("Location") != "/today" || len(w.Result().Cookies()) != 3 {
		t.Errorf("got %d to %s with %v", w.Code, w.Header().Get("Location"), w.Result().Cookies())
	}
	for _, back := range []string{"https://evil.example/", "//evil.example/", "/\\evil.example", "evil", ""} {
		if got := c.get("/settings?lang=xx&back=" + url.QueryEscape(back)); got.Header().Get("Location") != "/" || len(got.Result().Cookies()) != 0 {
			t.Errorf("%q: goes to %s with %v", back, got.Header().Get("Location"), got.Result().Cookies())
		}
	}
}

func TestReceiptAndToday(t *testing.T) {
	c := newCentre(t)
	values := typedIn(t, c, "land-record-copy", 3)
	values.Set("step", "file")
	w := c.post("/apply/land-record-copy", values.Encode())
	page := c.get(w.Header().Get("Location")).Body.String()
	n := c.filed[0].Number
	for _, want := range []string{n.Bangla(), n.Spaced(), "✓", wordTotal.BN, "৳ ", custodyWords[0].Name.BN, "41-0010"} {
		if !strings.Contains(page, want) {
			t.Errorf("the receipt lacks %q", want)
		}
	}
	if page := c.get("/today").Body.String(); !strings.Contains(page, "/receipt/"+n.String()) {
		t.Error("today's receipts lack it")
	}
	if w := c.get("/receipt/4100100000000000"); w.Code != 404 {
		t.Errorf("got %d for no such receipt; want 404", w.Code)
	}
}

// TestLockedServiceSaysWhatToDo: a service that asks for a training which the login
// lacks is listed without its form, and says who can take it in.
func TestLockedServiceSaysWhatToDo(t *testing.T) {
	c := newCentre(t)
	lacks := false
	c.lacks = func(user string, v *dcat.Version) []place.Name {
		if lacks && user == "rahima" && v.ID == "trade-licence" {
			return []place.Name{{BN: "ব্যবসা প্রশিক্ষণ", EN: "Business"}}
		}
		return nil
	}
	for _, lacks = range []bool{true, false} {
		list, form := c.get("/").Body.String(), c.get("/apply/trade-licence")
		locked := strings.Contains(list, "ব্যবসা প্রশিক্ষণ") && strings.Contains(list, wordTrainingDo.BN) && !strings.Contains(list, `href="/apply/trade-licence"`)
		if locked != lacks || !strings.Contains(list, `href="/apply/birth-registration"`) {
			t.Errorf("lacking %v: the list says %v", lacks, locked)
		}
		if shut := form.Code == http.StatusForbidden && strings.Contains(form.Body.String(), "ব্যবসা প্রশিক্ষণ"); shut != lacks {
			t.Errorf("lacking %v: the form answers %d", lacks, form.Code)
		}
	}
}
