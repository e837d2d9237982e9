package web

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"kendro/document"
	"kendro/domain/fault"
)

// scanned is a page of this size, as a scanner writes it.
func scanned(t *testing.T, side int) []byte {
	t.Helper()
	p := image.NewGray(image.Rect(0, 0, side, side))
	for i := range side {
		p.SetGray(i, i, color.Gray{Y: 255})
	}
	var out bytes.Buffer
	if err := png.Encode(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// attachTo posts a form with files as a browser does, in this order: what was typed,
// then the files.
func (c *centre) attachTo(path string, values url.Values, files map[string][]byte, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	c.t.Helper()
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if err := form.WriteField(name, values.Get(name)); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := form.CreateFormFile(name, "scan.png")
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		c.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path, &b)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return c.send(r, cookies...)
}

// What is attached survives a correction round, is read back, filed and shown on the
// receipt; what can't be taken is told beside its document and loses nothing.
func TestScansGoWithAnApplication(t *testing.T) {
	c := newCentre(t)
	const service = "/apply/trade-licence"
	v, _ := c.set.Current("trade-licence")
	id := v.Documents[0].ID
	values := typedIn(t, c, "trade-licence", 3)
	values.Del("documents." + id)
	values.Set("version", "1")
	values.Set("applicant.mobile", "123")
	values.Set("step", "review")

	w := c.attachTo(service, values, map[string][]byte{inputFile + id: scanned(t, 64), inputCamera + id: nil})
	again := hiddenIn(w.Body.String())
	scan := again.Get(inputScan + id)
	if w.Code != 400 || scan == "" || !strings.Contains(w.Body.String(), `href="/documents/`+scan+`"`) {
		t.Fatalf("a wrong answer: got %d, scan %q; want the scan kept", w.Code, scan)
	}
	if w := c.get("/documents/" + scan); w.Code != 200 || w.Header().Get("Content-Type") != "image/png" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("the scan: got %d %v", w.Code, w.Header())
	}
	values.Set(inputScan+id, scan)
	values.Set("applicant.mobile", typedIn(t, c, "trade-licence", 3).Get("applicant.mobile"))
	w = c.attachTo(service, values, nil)
	if w.Code != 200 || !strings.Contains(w.Body.String(), wordScanned.BN) || hiddenIn(w.Body.String()).Get(inputScan+id) != scan {
		t.Fatalf("review: got %d %s", w.Code, errorsIn(w.Body.String()))
	}
	last := hiddenIn(w.Body.String())
	last.Set("step", "file")
	w = c.post(service, last.Encode())
	if w.Code != http.StatusSeeOther || c.count() != 1 || c.filed[0].Documents[0].SHA256 != scan {
		t.Fatalf("file: got %d %s, %+v", w.Code, errorsIn(w.Body.String()), c.filed)
	}
	if page := c.get(w.Header().Get("Location")).Body.String(); !strings.Contains(page, wordScanned.BN) {
		t.Error("the receipt does not say that a scan is enclosed")
	}
}

func TestScansThatCannotBeTaken(t *testing.T) {
	c := newCentre(t)
	const service = "/apply/trade-licence"
	v, _ := c.set.Current("trade-licence")
	id, other := v.Documents[0].ID, v.Documents[1].ID
	values := typedIn(t, c, "trade-licence", 3)
	values.Set("version", "1")
	values.Set("step", "review")
	for name, content := range map[string][]byte{
		"no document": []byte("<script>"), "cut off": scanned(t, 64)[:40], "too long": make([]byte, document.MaxOriginal+1),
	} {
		w := c.attachTo(service, values, map[string][]byte{inputFile + id: content, inputFile + other: scanned(t, 64)})
		page := w.Body.String()
		if w.Code != 400 || !strings.Contains(page, wordScanBad.BN) || !strings.Contains(page, `id="documents-`+id+`-error"`) || !strings.Contains(page, `href="#documents-`+id+`"`) {
			t.Errorf("%s: got %d %v", name, w.Code, errorsIn(page))
		}
		if got := hiddenIn(page); got.Get(inputScan+other) == "" || got.Get(inputScan+id) != "" || got.Get("key") != values.Get("key") {
			t.Errorf("%s: got %v; want the other scan and the key kept", name, got)
		}
		if !strings.Contains(page, `value="`+values.Get("applicant.name_bn")+`"`) {
			t.Errorf("%s: what was typed is lost", name)
		}
	}
	en := httptest.NewRequest(http.MethodGet, "/documents/"+strings.Repeat("ab", 32), nil)
	if w := c.send(en, session(), &http.Cookie{Name: "kendro_lang", Value: "en"}); w.Code != 404 || !strings.Contains(w.Body.String(), wordScanNotHere.EN) {
		t.Errorf("a scan that is not here: got %d; want 404 in words", w.Code)
	}
	c.full = fault.New("centre.upload", fault.Unavailable, "documents_refused", "internal cause 4711")
	w := c.attachTo(service, values, map[string][]byte{inputFile + id: scanned(t, 64)})
	if page := w.Body.String(); w.Code != 400 || !strings.Contains(page, wordScanNoRoom.BN) || strings.Contains(page, "4711") {
		t.Errorf("a full disk: got %d %v", w.Code, errorsIn(page))
	}
	c.full = nil
	files := map[string][]byte{}
	for range 8 { // 96 MiB.
		files[inputFile+strings.Repeat("x", len(files)+1)] = make([]byte, document.MaxOriginal)
	}
	w = c.attachTo(service, values, files)
	if page := w.Body.String(); w.Code != 400 || !strings.Contains(page, `value="`+values.Get("applicant.name_bn")+`"`) || c.count() != 0 {
		t.Errorf("too many files: got %d; want the form with what was typed", w.Code)
	}
}

// A scan can be left out again, or replaced; a hash that is none is none.
func TestScansAreLeftOut(t *testing.T) {
	h := strings.Repeat("ab", 32)
	for want, values := range map[string]url.Values{
		h:  {inputScan + "nid": {h}},
		"": {inputScan + "nid": {h}, inputDrop + "nid": {"1"}},
	} {
		if got := scanOf(values, "nid"); got != want {
			t.Errorf("%v: got %q; want %q", values, got, want)
		}
	}
	if got := scanOf(url.Values{inputScan + "nid": {`"><script>`}}, "nid"); got != "" {
		t.Errorf("got %q; want none", got)
	}
}

// TestScanInABrowser attaches a picture as an entrepreneur does, without a script,
// and files.
func TestScanInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	c := newCentre(t)
	s := httptest.NewServer(c.api)
	defer s.Close()
	ctx := browse(t)
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 2000, 1500)), nil); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	page, picture := filepath.Join(folder, "page.png"), filepath.Join(folder, "photo.jpg")
	for path, content := range map[string][]byte{page: scanned(t, 400), picture: photo.Bytes()} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v, _ := c.set.Current("trade-licence")
	id, other := v.Documents[0].ID, v.Documents[1].ID

	do(ctx, t, "open", chromedp.Navigate(s.URL+"/"))
	do(ctx, t, "name", chromedp.SendKeys("#user", "rahima"))
	do(ctx, t, "password", chromedp.SendKeys("#password", "correct horse"))
	do(ctx, t, "sign in", chromedp.Click("main button.main"))
	do(ctx, t, "services", chromedp.WaitVisible("#q"))
	do(ctx, t, "form", chromedp.Navigate(s.URL+"/apply/trade-licence"))
	for name, list := range typedIn(t, c, "trade-licence", 5) {
		if name != "key" && name != "applicant.mobile" && name != "documents."+id && name != "documents."+other {
			do(ctx, t, name, chromedp.Evaluate[bool](fill(name, list[0])))
		}
	}
	do(ctx, t, "a scan", chromedp.SetUploadFiles("#documents-"+id+"-file", []string{page}))
	do(ctx, t, "continue", chromedp.Click(`button.main[value="review"]`))
	do(ctx, t, "the mobile is missing", chromedp.WaitVisible(`.problems a[href="#applicant-mobile"]`))
	do(ctx, t, "the scan is kept", chromedp.WaitVisible("#documents-"+id+" .scan a"))
	do(ctx, t, "mobile", chromedp.SendKeys("#applicant-mobile", typedIn(t, c, "trade-licence", 5).Get("applicant.mobile")))
	do(ctx, t, "a picture", chromedp.SetUploadFiles("#documents-"+other+"-file", []string{picture}))
	do(ctx, t, "continue", chromedp.Click(`button.main[value="review"]`))
	do(ctx, t, "read back", chromedp.WaitVisible(`button[value="file"]`))
	do(ctx, t, "submit", chromedp.Click(`button[value="file"]`))
	do(ctx, t, "slip", chromedp.WaitVisible(".slip"))
	if got := do(ctx, t, "enclosed", chromedp.Text(".slip .ticks")); strings.Count(got, wordScanned.BN) != 2 {
		t.Errorf("the slip says %q; want two scans enclosed", got)
	}
	docs := c.filed[0].Documents
	if len(docs) < 2 || docs[0].SHA256 == "" || docs[1].SHA256 == "" || len(c.scans) != 2 {
		t.Fatalf("got %+v; want two scans", docs)
	}
	for _, kept := range c.scans {
		if size, _, err := image.DecodeConfig(bytes.NewReader(kept)); err != nil || size.Width > document.Normal.Side {
			t.Errorf("kept at %d pixels, %v; want it shrunk", size.Width, err)
		}
	}
}
