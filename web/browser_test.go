package web

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"kendro/web/api"
)

// browse opens a real browser; without one the test fails, since nothing else
// sees whether letters are drawn.
func browse(t *testing.T) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("/usr/bin/chromium"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "bn"))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// do runs one action and fails the test if the page doesn't play along.
func do[T any](ctx context.Context, t *testing.T, what string, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	for range 20 { // A page that is just being replaced takes its nodes along before anything was done to them.
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "node with given id") {
			break
		}
		v, err = chromedp.Run(ctx, a)
	}
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return v
}

// TestCounterInABrowser signs in, finds a service, fills its form, reads it back,
// files it and looks at the slip, as an entrepreneur does.
func TestCounterInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	c := newCentre(t)
	s := httptest.NewServer(c.api)
	defer s.Close()
	ctx := browse(t)

	do(ctx, t, "open", chromedp.Navigate(s.URL+"/"))
	do(ctx, t, "name", chromedp.SendKeys("#user", "rahima"))
	do(ctx, t, "password", chromedp.SendKeys("#password", "correct horse"))
	do(ctx, t, "sign in", chromedp.Click("main button.main"))
	do(ctx, t, "services", chromedp.WaitVisible("#q"))
	fonts := do(ctx, t, "fonts", chromedp.Evaluate[bool](
		`document.fonts.ready.then(() => [...document.fonts].filter(f => f.status == "loaded" && f.family.includes("Noto Sans Bengali")).length >= 2)`,
		chromedp.EvalAwaitPromise))
	if !fonts {
		t.Error("the embedded Bangla font did not load")
	}
	do(ctx, t, "search", chromedp.SendKeys("#q", "ট্রেড লাইসেন্স\r"))
	do(ctx, t, "service", chromedp.Click(`a[href="/apply/trade-licence"]`))
	do(ctx, t, "form", chromedp.WaitVisible("#applicant-name_bn"))

	// Nothing filled in: our sentences, and a summary that leads to the fields.
	do(ctx, t, "continue", chromedp.Click(`button.main[value="review"]`))
	do(ctx, t, "summary", chromedp.WaitVisible(".problems a"))
	if got := do(ctx, t, "first problem", chromedp.AttributeValue(".problems a", "href")); got.Value != "#applicant-name_bn" {
		t.Errorf("the first problem leads to %s", got.Value)
	}
	for name, list := range typedIn(t, c, "trade-licence", 5) {
		if name == "key" {
			continue
		}
		do(ctx, t, name, chromedp.Evaluate[bool](fill(name, list[0])))
	}
	do(ctx, t, "continue", chromedp.Click(`button.main[value="review"]`))
	do(ctx, t, "read back", chromedp.WaitVisible(`button[value="file"]`))
	// A double click: two requests leave, one application is filed.
	do(ctx, t, "submit", chromedp.DoubleClick(`button[value="file"]`))
	do(ctx, t, "slip", chromedp.WaitVisible(".slip"))
	if c.count() != 1 {
		t.Fatalf("%d applications are filed; want 1", c.count())
	}
	n := c.filed[0].Number
	if got := do(ctx, t, "number", chromedp.Text(`.slip-number [lang="bn"]`)); got != n.Bangla() {
		t.Errorf("the slip says %q; want %q", got, n.Bangla())
	}
	width := do(ctx, t, "width", chromedp.Evaluate[float64](`document.querySelector(".slip").getBoundingClientRect().width`))
	if width < 300 || width > 304 {
		t.Errorf("the slip is %v pixels wide; want 80 mm", width)
	}
	paper := do(ctx, t, "print", chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	boxes := regexp.MustCompile(`/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]`).FindAllSubmatch(paper, -1)
	if len(boxes) != 1 || !strings.HasPrefix(string(boxes[0][1]), "226.") && !strings.HasPrefix(string(boxes[0][1]), "227") {
		t.Errorf("the slip prints on %q; want one page of 80 mm (227 points)", boxes)
	}
	if over := do(ctx, t, "overflow", chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`)); over {
		t.Error("the page is wider than its window")
	}
	do(ctx, t, "track", chromedp.Navigate(s.URL+"/track"))
	do(ctx, t, "number", chromedp.SendKeys("#number", n.Bangla()+"\r"))
	do(ctx, t, "standing", chromedp.WaitVisible("#standing"))
	if got := do(ctx, t, "stage", chromedp.Text("#standing")); got != stageWords["SUBMITTED"].BN {
		t.Errorf("tracking says %q", got)
	}
	// He comes back to pay, and to fetch what was made.
	c.moved(n, api.Tracking{Stage: "FEE_DUE", Demand: &api.DemandNote{Poisha: 14000, Due: due()}})
	do(ctx, t, "earlier ones", chromedp.Navigate(s.URL+"/cases"))
	do(ctx, t, "the one that waits", chromedp.Click(`a[href="/cases/`+n.String()+`"]`))
	do(ctx, t, "cash", chromedp.Click(`label[for="means-cash"]`))
	photo(ctx, t, "visit-pay")
	do(ctx, t, "pay", chromedp.Click("#act-payments button"))
	do(ctx, t, "sure", chromedp.Click(`button[name="sure"]`))
	do(ctx, t, "slip", chromedp.WaitVisible(".slip"))
	photo(ctx, t, "visit-slip")
	if got := do(ctx, t, "sum", chromedp.Text(".slip .fees tfoot td")); got != "৳ ১৪০" {
		t.Errorf("the slip says %q", got)
	}
	c.moved(n, api.Tracking{Stage: "READY", Mode: "centre"})
	do(ctx, t, "back", chromedp.Click(`p.screen a.button`))
	do(ctx, t, "proof", chromedp.SendKeys("#hand-over-proof", "এনআইডি"))
	photo(ctx, t, "visit-ready")
	do(ctx, t, "hand over", chromedp.Click("#act-hand-over button"))
	do(ctx, t, "sure", chromedp.Click(`button[name="sure"]`))
	do(ctx, t, "slip", chromedp.WaitVisible(".slip"))
	if len(c.taken) != 2 || !strings.HasPrefix(c.taken[1], "hand-over ") {
		t.Errorf("the box got %v; want a payment and a hand-over", c.taken)
	}
}

// photo keeps what the browser shows where a person asked for it.
func photo(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("KENDRO_PICTURES")
	if dir == "" {
		return
	}
	img := do(ctx, t, "picture", chromedp.FullScreenshot(100))
	if err := os.WriteFile(filepath.Join(dir, "counter-"+name+".png"), img, 0o600); err != nil {
		t.Error(err)
	}
}

// fill is a script that puts an answer into an input, whatever kind it is.
func fill(name, value string) string {
	return `(() => {
		const all = [...document.getElementsByName(` + quoted(name) + `)];
		for (const e of all) {
			if (e.type == "radio") e.checked = e.value == ` + quoted(value) + `;
			else if (e.type == "checkbox") e.checked = true;
			else if (e.type != "hidden") e.value = ` + quoted(value) + `;
		}
		return all.length > 0;
	})()`
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // A string always encodes.
	}
	return string(b)
}
