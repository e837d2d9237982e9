package desk

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// agency gives one its namespace, and returns its editor's key.
func (o screens) agency() ed25519.PrivateKey {
	o.t.Helper()
	editor := ed25519.NewKeyFromSeed(seed("editor"))
	agency, err := catalogue.SignAgency(&dcat.Agency{
		Code: "bmet", Name: place.Name{BN: "বিএমইটি", EN: "BMET"}, Kind: dcat.Public, Serial: 1, Until: dawn/1000 + 365*86400,
		Editors: []dcat.Editor{{Name: "salma", Key: editor.Public().(ed25519.PublicKey)}},
	}, ed25519.NewKeyFromSeed(seed("catalogue")))
	if err != nil {
		o.t.Fatal(err)
	}
	o.must("root", register.AddAgency, register.AgencyTold{Signed: protocol.Marshal(&agency)})
	return editor
}

// submits brings what an editor has signed, with its versions.
func (o screens) submits(editor ed25519.PrivateKey, sub *dcat.Submission, versions ...*dcat.Version) *httptest.ResponseRecorder {
	o.t.Helper()
	in := api.SubmissionRequest{Versions: []api.Bytes{}}
	for _, v := range versions {
		raw, err := catalogue.EncodeVersion(v)
		if err != nil {
			o.t.Fatal(err)
		}
		in.Versions = append(in.Versions, raw)
		sub.Services = append(sub.Services, dcat.Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
	}
	signed, err := catalogue.SignSubmission(sub, editor)
	if err != nil {
		o.t.Fatal(err)
	}
	in.Signed = protocol.Marshal(&signed)
	body, err := json.Marshal(in)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.call("", "POST", "/v1/agencies/bmet/submissions", string(body))
}

// submitted is a service of the agency's that waits.
func (o screens) submitted(editor ed25519.PrivateKey, note string) {
	o.t.Helper()
	v := *o.version()
	v.ID, v.Number, v.Kind, v.Name = "bmet.attest", 1, dcat.Public, place.Name{BN: "সনদ সত্যায়ন", EN: "Attest a certificate"}
	var err error
	if v.Hash, err = catalogue.HashVersion(&v); err != nil {
		o.t.Fatal(err)
	}
	if w := o.submits(editor, &dcat.Submission{Agency: "bmet", Note: note, At: dawn}, &v); w.Code != http.StatusOK {
		o.t.Fatalf("submit: %d %s", w.Code, w.Body)
	}
}

// TestAgenciesPage: what an agency submitted stands on a page with what it would change, in
// words; who runs the machines refuses it there, and reads how whoever has the key accepts it.
func TestAgenciesPage(t *testing.T) {
	o := screens{newOffice(t)}
	editor := o.agency()
	page := func(user string) string {
		t.Helper()
		w := o.page(user, "GET", "/desk/agencies", nil)
		if w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", user, w.Code, w.Body)
		}
		return w.Body.String()
	}
	if !strings.Contains(page("root"), "এখন কিছু অপেক্ষায় নেই") {
		t.Error("before anything is submitted, something waits")
	}
	o.submitted(editor, "প্রথম দাখিল")
	text := page("root")
	for _, want := range []string{
		"সনদ সত্যায়ন", "নতুন সেবা", "salma", "প্রথম দাখিল", "kendro catalogue agency accept bmet --dir", "কার্যদিবস: ২", "ফি ১ (সরকারি ফি): ৳ ২০", "ধাপ: সচিব, চেয়ারম্যান", `name="reason"`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page("audit"), `name="reason"`) {
		t.Error("an auditor is offered to refuse")
	}
	for _, user := range []string{"anna", "uno", "clara"} {
		if w := o.page(user, "GET", "/desk/agencies", nil); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d; want 403", user, w.Code)
		}
		if strings.Contains(o.page(user, "GET", "/desk", nil).Body.String(), `href="/desk/agencies"`) {
			t.Errorf("%s is offered the page", user)
		}
	}
	refuse := func(user, number, reason string) *httptest.ResponseRecorder {
		return o.page(user, "POST", "/desk/agencies", url.Values{"agency": {"bmet"}, "number": {number}, "key": {api.NewKey()}, "reason": {reason}})
	}
	o.submitted(editor, "দ্বিতীয় দাখিল")
	if w := refuse("root", "1", "ফি বেশি"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "ফি বেশি</textarea>") {
		t.Errorf("refused what was replaced: %d", w.Code)
	}
	if w := refuse("audit", "2", "ফি বেশি"); w.Code != http.StatusForbidden {
		t.Errorf("an auditor refuses: %d", w.Code)
	}
	if w := refuse("root", "2", "ফি বেশি"); w.Code != http.StatusSeeOther {
		t.Fatalf("refuse: %d %s", w.Code, w.Body)
	}
	if text = page("root"); !strings.Contains(text, "ফি বেশি") || !strings.Contains(text, "ফিরিয়ে দেওয়া হয়েছে") || strings.Contains(text, `name="reason"`) {
		t.Error("the page does not say what became of it")
	}
}

// TestSubmissionsAreLimited: nobody needs a login to submit, so an address may try only so often,
// and an agency be written to only so often whoever signs; who made a submission reads what
// became of it.
func TestSubmissionsAreLimited(t *testing.T) {
	o := screens{newOffice(t)}
	editor := o.agency()
	const path = "/v1/agencies/bmet/submissions"
	submit := func(n int) (code int, retry, body string) {
		w := o.submits(editor, &dcat.Submission{Agency: "bmet", Withdraw: []string{"bmet.x"}, At: int64(n)})
		return w.Code, w.Header().Get("Retry-After"), w.Body.String()
	}
	later := func(d time.Duration) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.at += d.Milliseconds()
	}
	last := 0
	for n := range 40 {
		if n == 15 { // The address is free again, and the agency's hour goes on.
			later(2 * time.Minute)
		}
		code, retry, body := submit(n)
		if code == http.StatusTooManyRequests {
			if wait, err := strconv.Atoi(retry); err != nil || wait < 60 {
				t.Errorf("told to wait %q: %s", retry, body)
			}
			break
		}
		if code != http.StatusNotFound { // Nothing of the kind is in force.
			t.Fatalf("submission %d: %d %s", n, code, body)
		}
		last = n + 1
	}
	if last != 30 {
		t.Errorf("%d submissions within an hour were looked at; want 30", last)
	}
	later(2 * time.Minute)
	tried := 0
	for ; tried < 40; tried++ {
		w := o.call("", "POST", path, `{"versions":[],"signed":""}`)
		if w.Code == http.StatusTooManyRequests {
			if w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			break
		}
	}
	if tried != 20 {
		t.Errorf("one address tried %d times in a minute; want 20", tried)
	}
	if w := o.call("", "POST", path, string(make([]byte, maxSubmission+1))); w.Code != http.StatusTooManyRequests {
		t.Errorf("who has to wait is read: %d", w.Code)
	}
	later(2 * time.Minute)
	if w := o.call("", "POST", path, string(make([]byte, maxSubmission+1))); w.Code != http.StatusRequestEntityTooLarge && w.Code != http.StatusBadRequest {
		t.Errorf("more than a submission's bytes: %d", w.Code)
	}
}

// TestAgenciesInABrowser: who runs the machines opens what an agency submitted from the navigation, reads it in either
// language, and refuses it; a reason that is missing is asked for before anything is sent.
func TestAgenciesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	o := screens{newOffice(t)}
	o.submitted(o.agency(), "প্রথম দাখিল")
	s := httptest.NewServer(o.server)
	defer s.Close()
	ctx := browse(t)
	do(ctx, t, "open", chromedp.Navigate(s.URL+"/desk/agencies"))
	do(ctx, t, "name", chromedp.SendKeys("#user", "root"))
	do(ctx, t, "password", chromedp.SendKeys("#password", password+"\r"))
	do(ctx, t, "the page that was asked for", chromedp.WaitVisible(`textarea[name="reason"]`))
	picture(ctx, t, "agencies")
	if got := do(ctx, t, "what waits", chromedp.Text("main")); !strings.Contains(got, "সনদ সত্যায়ন") || !strings.Contains(got, "নতুন সেবা") {
		t.Errorf("the page says %q", got)
	}
	do(ctx, t, "in English", chromedp.Click(`.sight a[lang="en"]`))
	do(ctx, t, "in English", chromedp.WaitVisible(`html[lang="en"] textarea[name="reason"]`))
	if got := do(ctx, t, "what waits", chromedp.Text("main")); !strings.Contains(got, "Attest a certificate") || !strings.Contains(got, "BMET") {
		t.Errorf("in English the page says %q", got)
	}
	do(ctx, t, "a telephone", chromedp.EmulateViewport(360, 740))
	if wide := do(ctx, t, "width", chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`)); wide {
		t.Error("the page is wider than a telephone")
	}
	if missing := do(ctx, t, "no reason", chromedp.Evaluate[bool](`document.querySelector('textarea[name="reason"]').validity.valueMissing`)); !missing {
		t.Error("a refusal may go without a reason")
	}
	do(ctx, t, "reason", chromedp.SendKeys(`textarea[name="reason"]`, "The fee is too high"))
	do(ctx, t, "refuse", chromedp.Click(`form[action="/desk/agencies"] button`))
	do(ctx, t, "refused", chromedp.WaitNotPresent(`textarea[name="reason"]`))
	if got := do(ctx, t, "after that, folded", chromedp.Evaluate[string](`document.querySelector("main").textContent`)); !strings.Contains(got, "The fee is too high") {
		t.Errorf("the page says %q", got)
	}
}
