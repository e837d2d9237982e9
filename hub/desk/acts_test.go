package desk

import (
	"bytes"
	"context"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kendro/document"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web"
	"kendro/web/api"
)

// scanned is a page of the volume as an officer scans it.
var scanned = []byte("%PDF-1.4\nkhatian 1042\n%%EOF\n")

// screens are the pages of an office in a test, as its officers use them.
type screens struct{ *office }

// landCopy files an application for a certified copy.
func (o screens) landCopy(n uint64, mode string) protocol.Number {
	o.t.Helper()
	o.services, o.answers = "land-record-copy", map[string]any{"delivery_mode": mode, "copies": 2}
	return o.file(n)
}

// shown is a case as an officer's page has it.
func (o screens) shown(user string, n protocol.Number) string {
	o.t.Helper()
	w := o.page(user, "GET", "/desk/cases/"+n.String(), nil)
	if w.Code != http.StatusOK {
		o.t.Fatalf("%s: got %d for %s", user, w.Code, n)
	}
	return w.Body.String()
}

// press fills in the form of an act and sends it, being sure of it.
func (o screens) press(user string, n protocol.Number, action string, pairs ...string) *httptest.ResponseRecorder {
	o.t.Helper()
	c, err := o.reg.Case(n)
	if err != nil {
		o.t.Fatal(err)
	}
	form := url.Values{"version": {strconv.FormatUint(c.State.Version, 10)}, "key": {api.NewKey()}, "sure": {"1"}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return o.page(user, "POST", "/desk/cases/"+n.String()+"/"+action, form)
}

func (o screens) pressed(user string, n protocol.Number, action string, pairs ...string) {
	o.t.Helper()
	if w := o.press(user, n, action, pairs...); w.Code != http.StatusSeeOther {
		o.t.Fatalf("%s: %s got %d: %s", user, action, w.Code, w.Body)
	}
}

// offersOf lists the acts that a page has a button for that can be pressed, in
// their order.
func offersOf(page string) (open, locked []string) {
	for _, part := range strings.Split(page, `id="act-`)[1:] {
		name, rest, _ := strings.Cut(part, `"`)
		form, _, _ := strings.Cut(rest, "</form>")
		if strings.Contains(form, " disabled ") {
			locked = append(locked, name)
		} else {
			open = append(open, name)
		}
	}
	return open, locked
}

// scan sends a form with a file in it.
func (o screens) scan(user string, n protocol.Number, content []byte, fields map[string]string) *httptest.ResponseRecorder {
	o.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for name, value := range fields {
		if err := m.WriteField(name, value); err != nil {
			o.t.Fatal(err)
		}
	}
	f, err := m.CreateFormFile("file.scan", "scan.pdf")
	if err == nil {
		_, err = f.Write(content)
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/desk/cases/"+n.String()+"/check", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: api.SessionCookie, Value: o.token(user)})
	w := httptest.NewRecorder()
	o.server.ServeHTTP(w, r)
	return w
}

// toFeeDue brings a land copy to its approval.
func (o screens) toFeeDue(n protocol.Number) {
	o.t.Helper()
	o.pressed("rina", n, "take")
	if w := o.scan("rina", n, scanned, map[string]string{"version": "2", "key": api.NewKey(), "check": "record-scan"}); w.Code != http.StatusSeeOther {
		o.t.Fatalf("check: got %d: %s", w.Code, w.Body)
	}
	for _, user := range []string{"rina", "kamal"} {
		if user == "kamal" {
			o.pressed(user, n, "take")
		}
		o.pressed(user, n, "decide", "opinion", "approve", "text", "রেকর্ড মিলেছে")
		o.pressed(user, n, "forward")
	}
	o.pressed("rokeya", n, "take")
	o.pressed("rokeya", n, "approve")
}

// TestPagesOfferWhatTheProcedureAllows: at each stage the page has the acts that
// its officer may do, and no other; what is locked says what it waits for.
func TestPagesOfferWhatTheProcedureAllows(t *testing.T) {
	o := screens{newOffice(t)}
	n := o.landCopy(1, "counter")
	see := func(user, open, locked string) {
		t.Helper()
		page := o.shown(user, n)
		o1, l1 := offersOf(page)
		if got := strings.Join(o1, " "); got != open {
			t.Errorf("%s may %q; want %q", user, got, open)
		}
		if got := strings.Join(l1, " "); got != locked {
			t.Errorf("%s may not yet %q; want %q", user, got, locked)
		}
	}
	see("rina", "take duplicate", "")
	see("kamal", "", "")
	o.pressed("rina", n, "take")
	see("rina", "check decide request-info duplicate note", "forward")
	// The scan is attached, shown and readable; a text is none.
	fields := map[string]string{"version": "2", "key": api.NewKey(), "check": "record-scan"}
	if w := o.scan("rina", n, []byte("not a scan"), fields); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "এই ফাইল নেওয়া যায় না") {
		t.Errorf("a text as a scan: got %d", w.Code)
	}
	if w := o.press("rina", n, "check", "check", "record-scan"); w.Code != http.StatusBadRequest {
		t.Errorf("a check without its document: got %d", w.Code)
	}
	if w := o.scan("rina", n, scanned, fields); w.Code != http.StatusSeeOther {
		t.Fatalf("check: got %d: %s", w.Code, w.Body)
	}
	_, hash, ok := strings.Cut(o.shown("rina", n), "/documents/")
	if !ok {
		t.Fatal("the page has no link to the scan")
	}
	hash, _, _ = strings.Cut(hash, `"`)
	link := "/desk/cases/" + n.String() + "/documents/" + hash
	if w := o.page("rina", "GET", link, nil); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), scanned) {
		t.Errorf("the scan at %s: got %d", link, w.Code)
	}
	// Asked for and brought back by nobody: the clock stands, only notes are free.
	o.pressed("rina", n, "decide", "opinion", "approve", "text", "মিলেছে")
	see("rina", "decide forward request-info duplicate note", "")
	o.pressed("rina", n, "forward")
	o.pressed("kamal", n, "take")
	see("kamal", "decide request-info return duplicate note", "forward")
	o.pressed("kamal", n, "return", "reason", "স্ক্যান ঝাপসা")
	see("rina", "take duplicate", "")
	o.pressed("rina", n, "take")
	o.pressed("rina", n, "request-info", "items", "form.khatian_no", "items", "nid", "reason", "খতিয়ান নম্বর পড়া যায় না")
	see("rina", "duplicate note", "")
	if page := o.shown("rina", n); !strings.Contains(page, "খতিয়ান নম্বর, জাতীয় পরিচয়পত্র") {
		t.Error("the page does not name what is asked for in words")
	}
	// The list says until when the applicant has time, by the term of the service.
	k, err := o.reg.Case(n)
	if err != nil || k.State.SupplyBy == 0 {
		t.Fatalf("asked without a term: %v", err)
	}
	if list, want := o.page("rina", "GET", "/desk", nil).Body.String(), "আনার শেষ দিন "+web.BN.Day(time.Unix(k.State.SupplyBy, 0)); !strings.Contains(list, want) {
		t.Errorf("the list lacks %q", want)
	}
	if w := o.page("audit", "GET", "/desk/cases/"+n.String(), nil); strings.Contains(w.Body.String(), `id="act-`) {
		t.Error("an auditor is offered an act")
	}
}

// TestForwardChoosesALaterDesk: where the next desk is not mandatory, the page offers those
// behind it too, and no other; where it is, there is nothing to choose.
func TestForwardChoosesALaterDesk(t *testing.T) {
	o := screens{newOffice(t)}
	const id, choice = "winter-blanket", `id="forward-to"`
	o.services = id
	decided := func(n protocol.Number) string {
		t.Helper()
		o.pressed("anna", n, "take")
		o.pressed("anna", n, "decide", "opinion", "approve", "text", "দেখা হয়েছে")
		return o.shown("anna", n)
	}
	n := o.file(1)
	if page := decided(n); strings.Contains(page, choice) {
		t.Error("the next desk is mandatory, and the page offers one behind it")
	}
	if w := o.press("anna", n, "forward", "to", "uno"); w.Code != http.StatusBadRequest {
		t.Errorf("over a mandatory desk: got %d", w.Code)
	}
	o.stepsOf(id, func(steps []dcat.Step) { steps[1].Mandatory = false })
	n = o.file(2)
	page := decided(n)
	_, field, _ := strings.Cut(page, choice)
	field, _, _ = strings.Cut(field, "</select>")
	if strings.Count(field, "<option") != 2 || !strings.Contains(field, `<option value="uno"`) || !strings.Contains(field, "(পরের টেবিল)") {
		t.Fatalf("the page offers %q; want the next desk and the one behind it", field)
	}
	o.pressed("anna", n, "forward", "to", "uno", "text", "সরাসরি")
	if c, err := o.reg.Case(n); err != nil || c.State.Seat.Post != "uno" || c.State.Step != 2 {
		t.Errorf("it lies at %v, %v; want the UNO's desk", c.State.Seat, err)
	}
	// Where no office has the next post, one behind it has to be named.
	o.stepsOf(id, func(steps []dcat.Step) { steps[1].Mandatory, steps[1].Post = false, "ghost" })
	n = o.file(3)
	if page := decided(n); !strings.Contains(page, choice) || !strings.Contains(page, `<option value="uno"`) || !strings.Contains(page, `name="to" required`) {
		t.Error("no office has the next post, and the page does not have the officer name one behind it")
	}
	o.pressed("anna", n, "forward", "to", "uno")
}

// TestApprovalWaitsForAWordOnTheEarlier: a birth that looks like one of before is not offered
// for approval; the page says which that is and what to do.
func TestApprovalWaitsForAWordOnTheEarlier(t *testing.T) {
	o := screens{newOffice(t)}
	o.services = "birth-registration"
	o.answers = map[string]any{"mother_nid": "1234567890", "birth_date": "2026-09-01", "child_name_bn": "মিতু", "twin": false}
	first, again := o.file(1), o.file(2)
	o.pressed("anna", again, "take")
	o.pressed("anna", again, "decide", "opinion", "approve", "text", "দেখা হয়েছে")
	o.pressed("anna", again, "forward")
	o.pressed("chair", again, "take")
	o.pressed("chair", again, "decide", "opinion", "approve", "text", "দেখা হয়েছে")
	page := o.shown("chair", again)
	if _, locked := offersOf(page); !slices.Contains(locked, "approve") || !strings.Contains(page, `href="/desk/cases/`+first.String()+`"`) || !strings.Contains(page, `<a href="/desk/items">`) {
		t.Fatalf("locked are %v; want the approval, with a link to %s", locked, first)
	}
	if w := o.press("chair", again, "approve"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "আগের একটি আবেদন সম্ভবত একই বিষয়ের") {
		t.Errorf("round the button: got %d", w.Code)
	}
	item := o.unsettled("chair", "office")
	i := slices.IndexFunc(item, func(it api.Item) bool { return it.Kind == register.ItemLikely })
	if i < 0 {
		t.Fatalf("the conflict desk has %v", kindsOf(item))
	}
	owner := "chair"
	if strings.HasPrefix(item[i].Owner, "secretary@") {
		owner = "anna"
	}
	if w := o.call(owner, "POST", "/v1/items/"+item[i].ID, `{"outcome":"dismissed","text":"আলাদা শিশু"}`); w.Code != http.StatusOK {
		t.Fatalf("settle: %d %s", w.Code, w.Body)
	}
	if open, _ := offersOf(o.shown("chair", again)); !slices.Contains(open, "approve") {
		t.Errorf("once that is settled: %v", open)
	}
}

// TestSureBeforeItIsFinal: what can't be taken back is asked for twice, and going
// back keeps what was typed.
func TestSureBeforeItIsFinal(t *testing.T) {
	o := screens{newOffice(t)}
	n := o.landCopy(1, "counter")
	o.toFeeDue(n)
	c, err := o.reg.Case(n)
	if err != nil || c.State.Stage != application.FeeDue {
		t.Fatalf("got %v, %v; want a fee due", c.State.Stage, err)
	}
	form := url.Values{
		"version": {strconv.FormatUint(c.State.Version, 10)}, "key": {api.NewKey()},
		"taka": {"২০০"}, "paid_on": {"2026-09-21"}, "reference": {"চ-১২"},
	}
	path := "/desk/cases/" + n.String() + "/pay"
	w := o.page("rokeya", "POST", path, form)
	if page := w.Body.String(); w.Code != 200 || !strings.Contains(page, `name="sure"`) || !strings.Contains(page, "৳ ২০০") {
		t.Fatalf("got %d; want the question with the sum", w.Code)
	}
	back := url.Values{"back": {"1"}}
	maps.Copy(back, form)
	if page := o.page("rokeya", "POST", path, back).Body.String(); !strings.Contains(page, `value="চ-১২"`) {
		t.Error("going back loses what was typed")
	}
	bad := url.Values{"back": nil, "version": form["version"], "key": {api.NewKey()}, "taka": {"দুইশ"}}
	if w := o.page("rokeya", "POST", path, bad); w.Code != 400 || !strings.Contains(w.Body.String(), "টাকার পরিমাণ ঠিক নয়") {
		t.Errorf("a sum in words: got %d", w.Code)
	}
	form.Set("sure", "1")
	if w := o.page("rokeya", "POST", path, form); w.Code != http.StatusSeeOther {
		t.Errorf("pay: got %d: %s", w.Code, w.Body)
	}
	if c, _ = o.reg.Case(n); c.State.Stage != application.InPreparation {
		t.Errorf("got %v; want it in preparation", c.State.Stage)
	}
}

// TestFileAsItStood: an officer's page shows what a colleague had before him, and
// the note sheet of a version is the same bytes whatever has happened since.
func TestFileAsItStood(t *testing.T) {
	o := screens{newOffice(t)}
	n := o.landCopy(1, "counter")
	o.pressed("rina", n, "take")
	o.pressed("rina", n, "note", "text", "প্রথম নোট")
	path := "/desk/cases/" + n.String()
	sheet := o.page("rina", "GET", path+"/sheet", nil)
	for _, want := range []string{"প্রথম নোট", "নোট ও সিদ্ধান্ত", "যাচাই সংকেত", n.Bangla(), n.Spaced(), "জাতীয় পরিচয়পত্র"} {
		if !strings.Contains(sheet.Body.String(), want) {
			t.Errorf("the sheet lacks %q", want)
		}
	}
	o.pressed("rina", n, "note", "text", "দ্বিতীয় নোট")
	if w := o.scan("rina", n, scanned, map[string]string{"version": "4", "key": api.NewKey(), "check": "record-scan"}); w.Code != http.StatusSeeOther {
		t.Fatalf("check: got %d", w.Code)
	}
	if again := o.page("rina", "GET", path+"/sheet?as_of_version=3", nil); !bytes.Equal(again.Body.Bytes(), sheet.Body.Bytes()) {
		t.Errorf("the sheet of version 3 has changed:\n%s\n%s", sheet.Body, again.Body)
	}
	if now := o.page("rina", "GET", path+"/sheet", nil); !strings.Contains(now.Body.String(), "দ্বিতীয় নোট") || !strings.Contains(now.Body.String(), "রেকর্ডের স্ক্যান") {
		t.Error("the sheet lacks what came since")
	}
	page := o.page("rina", "GET", path+"?as_of_version=3", nil).Body.String()
	if strings.Contains(page, "দ্বিতীয় নোট") || strings.Contains(page, `id="act-`) || !strings.Contains(page, "যেমন ছিল") {
		t.Error("the file as it stood shows what came later, or an act")
	}
	if !strings.Contains(o.shown("rina", n), `href="`+path+`?as_of_version=5"`) {
		t.Error("the history does not lead to the file as it stood at the check")
	}
}

// TestLandCopyByClicks takes a certified copy from its unpaid fee to the hand of
// its applicant, with a mouse.
func TestLandCopyByClicks(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	o := screens{newOffice(t)}
	o.scans = []protocol.Document{o.photographed("rina")}
	n := o.landCopy(1, "counter")
	o.toFeeDue(n)
	s := httptest.NewServer(o.server)
	defer s.Close()
	ctx := browse(t)
	signIn(ctx, t, s.URL, "rokeya")
	open := func() {
		do(ctx, t, "open the case", chromedp.Navigate(s.URL+"/desk/cases/"+n.String()))
	}
	sure := func(what string) {
		picture(ctx, t, "sure-"+what)
		do(ctx, t, "sure of "+what, chromedp.Click(`button[name="sure"]`))
		do(ctx, t, what+" is done", chromedp.WaitVisible(`.notice`))
	}
	open()
	picture(ctx, t, "fee-due")
	if got := do(ctx, t, "owed", chromedp.Evaluate[string](`document.querySelector("#pay-taka").value`)); got != "২০০" {
		t.Errorf("the page suggests %q; want what is owed", got)
	}
	do(ctx, t, "day", chromedp.SetValue("#pay-paid_on", "2026-09-21"))
	do(ctx, t, "challan", chromedp.SendKeys("#pay-reference", "CH-77"))
	do(ctx, t, "pay", chromedp.Click("#act-pay button"))
	sure("pay")
	picture(ctx, t, "in-preparation")
	do(ctx, t, "issue", chromedp.Click("#act-issue button"))
	sure("issue")
	do(ctx, t, "proof", chromedp.SendKeys("#hand-over-text", "এনআইডি"))
	do(ctx, t, "hand over", chromedp.Click("#act-hand-over button"))
	sure("hand-over")
	picture(ctx, t, "delivered")
	do(ctx, t, "sheet", chromedp.Navigate(s.URL+"/desk/cases/"+n.String()+"/sheet"))
	picture(ctx, t, "sheet")
	if !do(ctx, t, "scans", chromedp.Evaluate[bool](`document.images.length == 1 && document.images[0].naturalWidth > 0`)) {
		t.Error("the browser does not show the picture on the note sheet")
	}
	paper := do(ctx, t, "print", chromedp.PrintToPDF())
	if pages, ok := document.Pages(paper); !ok || pages < 3 {
		t.Errorf("the note sheet prints %d pages; want its own, and one for each of two scans", pages)
	}
	o.readable(ctx, t, s.URL, n)
	do(ctx, t, "track", chromedp.Navigate(s.URL+"/track?number="+n.String()))
	if got := do(ctx, t, "where", chromedp.Text(".card")); !strings.Contains(got, "হস্তান্তরিত") {
		t.Errorf("the public page says %q", got)
	}
	if c, err := o.reg.Case(n); err != nil || c.State.Stage != application.Delivered {
		t.Errorf("got %v, %v", c.State.Stage, err)
	}
}

// faint finds text whose contrast with what is behind it is below 4.5, and a page
// that is wider than its window.
const faint = `(() => {
	const rgb = c => (c.match(/[\d.]+/g) || []).map(Number);
	const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length == 3 || c[3] > 0.9) return c.slice(0, 3); } return [255, 255, 255]; };
	const bad = [];
	for (const e of document.querySelectorAll("body *")) {
		const said = [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim());
		if (!said || !e.checkVisibility() || e.matches(":disabled, .skip")) continue;
		const [a, b] = [light(rgb(getComputedStyle(e).color).slice(0, 3)), light(behind(e))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) bad.push(e.tagName + "." + e.className + " " + ratio.toFixed(1) + ": " + e.textContent.trim().slice(0, 30));
	}
	if (document.documentElement.scrollWidth > innerWidth) bad.push("wider than the window by " + (document.documentElement.scrollWidth - innerWidth));
	return bad.join("\n");
})()`

// readable looks at the pages of an office as somebody with weak eyes sets them.
func (o screens) readable(ctx context.Context, t *testing.T, base string, n protocol.Number) {
	t.Helper()
	o.send(news(protocol.Withdrawn, n, &protocol.Withdrawal{Reason: "ভুল"})) // Something for the conflict desk.
	path := "/desk/cases/" + n.String()
	for _, set := range []string{"size=1&contrast=0", "size=3&contrast=1"} {
		do(ctx, t, "settings", chromedp.Navigate(base+"/settings?back=%2Fdesk&"+set))
		for name, page := range map[string]string{
			"tasks": "/desk?scope=office", "case": path, "stood": path + "?as_of_version=3", "items": "/desk/items",
			"phone": "/desk/phone?q=" + n.String(), "charters": "/charter", "charter": "/charter/land-record-copy",
			"doubles": "/desk/doubles", "awaited": "/desk/awaited", "trainings": "/desk/trainings", "proposals": "/desk/proposals",
		} {
			do(ctx, t, name, chromedp.Navigate(base+page))
			picture(ctx, t, name+"-"+set[5:6])
			if bad := do(ctx, t, "look at "+name, chromedp.Evaluate[string](faint)); bad != "" {
				t.Errorf("%s with %s:\n%s", page, set, bad)
			}
		}
	}
}
