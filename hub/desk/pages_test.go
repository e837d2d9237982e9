package desk

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kendro/protocol"
	"kendro/web/api"
)

// browse opens a real browser; without one the test fails.
func browse(t *testing.T) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	ctx, cancel := context.WithTimeout(ctx, 150*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func do[T any](ctx context.Context, t *testing.T, what string, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return v
}

// page asks for a page as a signed-in browser does.
func (o *office) page(user, method, path string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: o.token(user)})
	w := httptest.NewRecorder()
	o.server.ServeHTTP(w, r)
	return w
}

// TestForwardNeedsADecisionOnThePage is R-OF4 as an officer meets it: the button
// is locked with the rule beside it, and going round the button doesn't help.
func TestForwardNeedsADecisionOnThePage(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	path := "/desk/cases/" + n.String()
	form := func(version, text string) url.Values {
		return url.Values{"version": {version}, "key": {api.NewKey()}, "text": {text}, "opinion": {""}}
	}
	if w := o.page("anna", "POST", path+"/take", form("1", "")); w.Code != 303 {
		t.Fatalf("take: got %d", w.Code)
	}
	page := o.page("anna", "GET", path, nil).Body.String()
	if !strings.Contains(page, "প্রাথমিক সিদ্ধান্ত লিপিবদ্ধ না করা পর্যন্ত") || !strings.Contains(page, `disabled aria-describedby="forward-rule"`) {
		t.Error("the page doesn't explain why forward is locked")
	}
	w := o.page("anna", "POST", path+"/forward", form("2", "তবুও পাঠাই"))
	if w.Code != 409 || !strings.Contains(w.Body.String(), "প্রাথমিক সিদ্ধান্ত লিপিবদ্ধ না করা পর্যন্ত") {
		t.Errorf("forward without a decision: got %d; want 409 with the rule in words", w.Code)
	}
	c, err := o.reg.Case(n)
	if err != nil || c.State.Version != 2 {
		t.Fatalf("got version %d, %v; want the case untouched", c.State.Version, err)
	}
	decide := form("2", "কাগজপত্র ঠিক আছে")
	decide.Set("opinion", "approve")
	if w := o.page("anna", "POST", path+"/decide", decide); w.Code != 303 {
		t.Fatalf("decide: got %d", w.Code)
	}
	if page = o.page("anna", "GET", path, nil).Body.String(); strings.Contains(page, "forward-rule\" class") {
		t.Error("forward is still locked after the decision")
	}
	if w := o.page("anna", "POST", path+"/forward", form("3", "")); w.Code != 303 || w.Header().Get("Location") != "/desk" {
		t.Errorf("forward: got %d to %s", w.Code, w.Header().Get("Location"))
	}
}

// TestSlowerOfficerKeepsHisText is row 13 on the page.
func TestSlowerOfficerKeepsHisText(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	path := "/desk/cases/" + n.String()
	o.page("anna", "POST", path+"/take", url.Values{"version": {"1"}, "key": {"a"}})
	o.page("anna", "POST", path+"/note", url.Values{"version": {"2"}, "key": {"b"}, "text": {"প্রথম মন্তব্য"}})
	w := o.page("anna", "POST", path+"/note", url.Values{"version": {"2"}, "key": {"c"}, "text": {"আমার লেখা হারাবে না"}})
	page := w.Body.String()
	for _, want := range []string{"আমার লেখা হারাবে না</textarea>", "প্রথম মন্তব্য", `<li class="new">`, "এর মধ্যে নথিটি বদলেছে"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if w.Code != 409 || !strings.Contains(page, `name="version" value="3"`) {
		t.Errorf("got %d; want 409 and the new version to act on", w.Code)
	}
}

func TestDeskPagesByReader(t *testing.T) {
	o := newOffice(t)
	n := o.file(1)
	path := "/desk/cases/" + n.String()
	for user, status := range map[string]int{"anna": 200, "uno": 200, "audit": 200, "rahima": 200, "root": 403} {
		w := o.page(user, "GET", path, nil)
		if w.Code != status {
			t.Errorf("%s: got %d; want %d", user, w.Code, status)
		}
		if acts := strings.Contains(w.Body.String(), `action="`+path); acts != (user == "anna") {
			t.Errorf("%s may act: %v", user, acts)
		}
	}
	o.page("anna", "POST", path+"/take", url.Values{"version": {"1"}, "key": {"a"}})
	if page := o.page("bilal", "GET", path, nil).Body.String(); !strings.Contains(page, "একজন সহকর্মীর কাছে") {
		t.Error("the colleague doesn't see who has it")
	}
	if page := o.page("bilal", "GET", "/desk?scope=office", nil).Body.String(); !strings.Contains(page, n.Bangla()) || !strings.Contains(page, "anna") {
		t.Error("the office's list lacks the case or its holder")
	}
	if w := o.page("nobody", "GET", "/desk", nil); w.Code != 200 || !strings.Contains(w.Body.String(), `type="password"`) {
		t.Errorf("got %d; want the way in", w.Code)
	}
	o.fall(true)
	w := o.page("anna", "POST", path+"/note", url.Values{"version": {"2"}, "key": {"n"}, "text": {"পরে আবার"}})
	if w.Code != 503 || !strings.Contains(w.Body.String(), "পরে আবার</textarea>") || strings.Contains(w.Body.String(), "no leader") {
		t.Errorf("got %d; want words and the text kept", w.Code)
	}
}

// TestDeskInABrowser takes a case over two desks with a mouse.
func TestDeskInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	o := newOffice(t)
	n := o.file(1)
	s := httptest.NewServer(o.server)
	defer s.Close()
	ctx := browse(t)
	signIn(ctx, t, s.URL, "anna")
	do(ctx, t, "open the case", chromedp.Click(`a[href="/desk/cases/`+n.String()+`"]`))
	do(ctx, t, "take", chromedp.Click("#act-take button"))
	do(ctx, t, "forms", chromedp.WaitVisible("#act-forward button"))
	locked := do(ctx, t, "forward is locked", chromedp.Evaluate[bool](`document.querySelector("#act-forward button").disabled`))
	if !locked {
		t.Error("forward can be pressed without a decision")
	}
	picture(ctx, t, "locked")
	do(ctx, t, "opinion", chromedp.Click("#opinion-approve"))
	do(ctx, t, "grounds", chromedp.SendKeys("#decide-text", "কাগজপত্র যাচাই করা হয়েছে"))
	do(ctx, t, "decide", chromedp.Click("#act-decide button"))
	do(ctx, t, "unlocked", chromedp.WaitVisible("#forward-text"))
	picture(ctx, t, "unlocked")
	do(ctx, t, "forward", chromedp.Click("#act-forward button"))
	do(ctx, t, "back at the tasks", chromedp.WaitVisible(".tabs"))
	if got := do(ctx, t, "tasks", chromedp.Text("main")); strings.Contains(got, n.Bangla()) {
		t.Error("the case is still on anna's list")
	}
	do(ctx, t, "sign out", chromedp.Click("nav button"))
	do(ctx, t, "signed out", chromedp.WaitVisible("#user"))
	signIn(ctx, t, s.URL, "dora")
	do(ctx, t, "the next desk has it", chromedp.WaitVisible(`a[href="/desk/cases/`+n.String()+`"]`))
	picture(ctx, t, "tasks")
	do(ctx, t, "track", chromedp.Navigate(s.URL+"/track?number="+n.String()))
	if got := do(ctx, t, "where", chromedp.Text(".card")); !strings.Contains(got, "দপ্তরে পৌঁছেছে") {
		t.Errorf("the public page says %q", got)
	}
	want, err := protocol.ParseNumber(n.Bangla())
	if err != nil || want != n {
		t.Errorf("the number on the page reads back as %v, %v", want, err)
	}
}

func signIn(ctx context.Context, t *testing.T, base, user string) {
	t.Helper()
	do(ctx, t, "open", chromedp.Navigate(base+"/desk"))
	do(ctx, t, "name", chromedp.SendKeys("#user", user))
	do(ctx, t, "password", chromedp.SendKeys("#password", password))
	do(ctx, t, "sign in", chromedp.Click("main button.main"))
	do(ctx, t, "tasks", chromedp.WaitVisible(".tabs"))
}

// picture keeps what the browser shows where a person asked for it.
func picture(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("KENDRO_PICTURES")
	if dir == "" {
		return
	}
	img := do(ctx, t, "picture", chromedp.FullScreenshot(100))
	if err := os.WriteFile(dir+"/desk-"+name+".png", img, 0o600); err != nil {
		t.Error(err)
	}
}

// TestRow3ReasonIsReadByTheOfficer: why an application was filed in spite of a warning
// stands on the case, on its page and on the sheet that is printed.
func TestRow3ReasonIsReadByTheOfficer(t *testing.T) {
	o := screens{newOffice(t)}
	plain := o.file(1)
	o.despite = "অন্য দোকান"
	n := o.file(2)
	for path, want := range map[string]bool{
		"/desk/cases/" + n.String(): true, "/desk/cases/" + n.String() + "/sheet": true, "/v1/applications/" + n.String(): true,
		"/desk/cases/" + plain.String(): false,
	} {
		get := o.page
		if strings.HasPrefix(path, "/v1") {
			get = func(user, method, path string, _ url.Values) *httptest.ResponseRecorder {
				return o.call(user, method, path, "")
			}
		}
		if w := get("anna", "GET", path, nil); w.Code != http.StatusOK || strings.Contains(w.Body.String(), o.despite) != want {
			t.Errorf("%s: got %d; want the reason to be there: %v", path, w.Code, want)
		}
	}
}
