package desk

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/digit"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// letterBody is a body as a clerk keys it: the sample of a service with other members.
func (o *office) letterBody(id string, members map[string]any) string {
	o.t.Helper()
	raw, err := catalogue.Sample(o.set, id, 1, centre)
	if err != nil {
		o.t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		o.t.Fatal(err)
	}
	delete(body, "version")
	maps.Copy(body, members)
	if raw, err = json.Marshal(body); err != nil {
		o.t.Fatal(err)
	}
	return string(raw)
}

// TestClerkEntersALetter is R-CH6: by post, with a scan, the postmark apart from the
// date of entry; asked again it is the same case, and another body under its key is none.
func TestClerkEntersALetter(t *testing.T) {
	o := newOffice(t)
	scan := "%PDF-1.4\na letter to the office\n%%EOF\n"
	h := protocol.Hash(sha256.Sum256([]byte(scan)))
	const letter = "official-letter"
	members := map[string]any{
		"channel": "post", "posted_on": "2026-09-15", "documents": []any{map[string]any{"kind": "letter", "sha256": h.String()}},
	}
	body := o.letterBody(letter, members)
	file := func(who, body, key string) (int, string) {
		w := o.call(who, "POST", "/v1/applications", body, "Idempotency-Key", key)
		return w.Code, w.Body.String()
	}
	if code, out := file("clara", body, "letter"); code != 400 || !strings.Contains(out, "/documents/0") {
		t.Fatalf("before its scan is here: got %d %s", code, out)
	}
	if w := o.call("clara", "PUT", "/v1/documents/"+h.String(), scan); w.Code != 201 {
		t.Fatalf("a clerk's scan: got %d %s", w.Code, w.Body)
	}
	first := into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", body, "Idempotency-Key", "letter"), 201)
	if first.Number.Slot() != "0002" || first.Custody != api.Accepted || first.Receipt.Seq != 1 || len(first.Receipt.Signature) == 0 || first.ServiceHash == "" || first.Before {
		t.Fatalf("got %+v", first)
	}
	again := into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", body, "Idempotency-Key", "letter"), 201)
	if again.Number != first.Number || again.Receipt.Hash != first.Receipt.Hash {
		t.Errorf("asked again: %+v; want %+v", again, first)
	}
	if w := o.call("clara", "POST", "/v1/applications/check", body); w.Code != 200 {
		t.Errorf("checked: got %d %s", w.Code, w.Body)
	}
	if w := o.call("clara", "POST", "/v1/applications/check", strings.Replace(body, "2026-09-15", "2026-09-28", 1)); w.Code != 400 {
		t.Errorf("checked, and wrong: got %d %s", w.Code, w.Body)
	}
	if code, out := file("clara", strings.Replace(body, "2026-09-15", "2026-09-14", 1), "letter"); code != 409 {
		t.Errorf("another letter under its key: got %d %s", code, out)
	}
	for what, x := range map[string]struct {
		who, body string
		want      int
	}{
		"by an officer":          {"anna", body, 403},
		"by an entrepreneur":     {"rahima", body, 403},
		"as a centre's":          {"clara", o.letterBody("land-record-copy", map[string]any{"channel": "centre"}), 400},
		"posted tomorrow":        {"clara", strings.Replace(body, "2026-09-15", "2026-09-28", 1), 400},
		"a form that is wrong":   {"clara", o.letterBody(letter, map[string]any{"channel": "post", "form": map[string]any{}}), 400},
		"an unknown service":     {"clara", `{"service":"none","channel":"post","form":{},"applicant":{}}`, 404},
		"no system beside it":    {"clara", o.letterBody(letter, map[string]any{"channel": "post", "elsewhere": map[string]any{"number": "1"}}), 400},
		"a day that is not here": {"clara", o.letterBody(letter, map[string]any{"channel": "post", "elsewhere": map[string]any{"system": "x", "number": "1", "filed_on": "2027-09-15"}}), 400},
	} {
		if code, out := file(x.who, x.body, api.NewKey()); code != x.want {
			t.Errorf("%s: got %d %s; want %d", what, code, out, x.want)
		}
	}
	rec := into[api.Record](t, o.call("clara", "GET", "/v1/applications/"+first.Number.String(), ""), 200)
	if rec.PostedOn != "2026-09-15" || rec.Centre != "" || rec.Channel != "post" || len(rec.Documents) != 1 || rec.Documents[0].Missing ||
		!rec.SubmittedAt.Equal(first.Receipt.IssuedAt.Time) {
		t.Errorf("the record is %+v", rec)
	}
	tr := into[api.Tracking](t, o.call("", "GET", "/v1/track/"+first.Number.String(), ""), 200)
	if tr.Stage != "RECEIVED" || tr.Office == nil {
		t.Errorf("tracked: %+v", tr)
	}
	stats := into[api.Stats](t, o.call("audit", "GET", "/v1/stats?area=41", ""), 200)
	union := into[api.Stats](t, o.call("audit", "GET", "/v1/stats?area=41-09", ""), 200)
	if stats.Counters["received"] != 1 || union.Counters["received"] != 0 {
		t.Errorf("the district counts %v, the upazila %v", stats.Counters, union.Counters)
	}
	if st := o.reg.Stats(); st.Cases != 1 {
		t.Errorf("%d cases came of one letter", st.Cases)
	}
}

// TestRepeatAfterTheReleaseHasChanged: who was not answered gets the first answer, though
// the same letter would be refused by now.
func TestRepeatAfterTheReleaseHasChanged(t *testing.T) {
	o := newOffice(t)
	body := o.letterBody(service, map[string]any{"channel": "counter"})
	first := into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", body, "Idempotency-Key", "k"), 201)
	v := *o.version()
	v.Channels = v.Channels[:0:0]
	v.Channels = append(v.Channels, "online")
	p := releaseOf(t, o, &v)
	parcel := &register.Parcel{Signed: p.Signed}
	for _, raw := range p.Versions {
		parcel.Versions = append(parcel.Versions, raw)
	}
	o.must("root", register.Publish, parcel)
	if w := o.call("clara", "POST", "/v1/applications", body); w.Code != 400 {
		t.Fatalf("another: got %d %s", w.Code, w.Body)
	}
	again := into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", body, "Idempotency-Key", "k"), 201)
	if again.Number != first.Number {
		t.Errorf("got %+v; want %+v", again, first)
	}
}

// TestTakenOverIsFound: another system's application is found by its number there, and
// who brings it again gets the case that it is.
func TestTakenOverIsFound(t *testing.T) {
	o := newOffice(t)
	members := map[string]any{"channel": "counter", "elsewhere": map[string]any{"system": "e-filing", "number": "EF-2025/0077", "filed_on": "2025-01-05"}}
	body := o.letterBody(service, members)
	first := into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", body), 201)
	again := into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", body), 201)
	if !again.Before || again.Number != first.Number || len(first.Fees) != 0 {
		t.Errorf("first %+v, then %+v", first, again)
	}
	rec := into[api.Record](t, o.call("clara", "GET", "/v1/applications/"+first.Number.String(), ""), 200)
	if rec.Elsewhere == nil || rec.Elsewhere.On != "2025-01-05" || !rec.SubmittedAt.Equal(first.Receipt.IssuedAt.Time) {
		t.Errorf("the record says %+v, filed %v", rec.Elsewhere, rec.SubmittedAt)
	}
	for _, q := range []string{"EF-2025/0077", "ef-2025/০০৭৭"} {
		found := into[api.FoundList](t, o.call("clara", "GET", "/v1/search?q="+q, ""), 200).Found
		if len(found) != 1 || found[0].Number != first.Number || found[0].Fit != 100 || found[0].Elsewhere == nil {
			t.Errorf("%s finds %+v", q, found)
		}
	}
}

// TestClerkSuppliesAndWithdraws: by the calls that a box has.
func TestClerkSuppliesAndWithdraws(t *testing.T) {
	o := newOffice(t)
	first := into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", o.letterBody(service, map[string]any{"channel": "counter"})), 201)
	base := "/v1/applications/" + first.Number.String()
	if w := o.call("clara", "POST", base+"/supplement", `{"documents":[{"kind":"nid","original_at_counter":true}]}`); w.Code != 409 {
		t.Errorf("nothing was asked for: got %d %s", w.Code, w.Body)
	}
	o.acts(first.Number, "anna", "take", "")
	name := "form." + firstField(o, first.Number)
	o.acts(first.Number, "anna", "request-info", `{"items":["`+name+`"],"reason":"পড়া যায় না"}`)
	rec := into[api.Record](t, o.call("clara", "GET", base, ""), 200)
	var form map[string]json.RawMessage
	if err := json.Unmarshal(rec.Form, &form); err != nil {
		t.Fatal(err)
	}
	field := strings.TrimPrefix(name, "form.")
	answer := `{"form":{"` + field + `":` + string(form[field]) + `}}`
	w := o.call("clara", "POST", base+"/supplement", answer, "Idempotency-Key", "s")
	if out := into[api.FollowupAnswer](t, w, 201); out.Number != first.Number || out.Receipt.Seq != 2 {
		t.Errorf("supplied: %s", w.Body)
	}
	if w := o.call("clara", "POST", base+"/supplement", answer, "Idempotency-Key", "s"); w.Code != 201 {
		t.Errorf("asked again: got %d %s", w.Code, w.Body)
	}
	if rec = into[api.Record](t, o.call("clara", "GET", base, ""), 200); rec.Stage != "UNDER_REVIEW" {
		t.Errorf("the case is %s", rec.Stage)
	}
	if w := o.call("clara", "POST", base+"/withdrawal", `{"reason":"sold"}`); w.Code != 201 {
		t.Errorf("withdrawn: got %d %s", w.Code, w.Body)
	}
	if rec = into[api.Record](t, o.call("clara", "GET", base, ""), 200); rec.Stage != "WITHDRAWN" {
		t.Errorf("the case is %s", rec.Stage)
	}
}

// acts has an officer do something to a case as it stands.
func (o *office) acts(n protocol.Number, who, action, body string) {
	o.t.Helper()
	c, err := o.reg.Case(n)
	if err != nil {
		o.t.Fatal(err)
	}
	if w := o.call(who, "POST", "/v1/cases/"+n.String()+"/"+action, body, "If-Match", api.ETag(c.State.Version)); w.Code != 200 {
		o.t.Fatalf("%s by %s: got %d %s", action, who, w.Code, w.Body)
	}
}

// firstField is an answer of a case that may be asked for.
func firstField(o *office, n protocol.Number) string {
	o.t.Helper()
	c, err := o.reg.Case(n)
	if err != nil {
		o.t.Fatal(err)
	}
	_, sub, err := o.reg.Submission(c)
	if err != nil {
		o.t.Fatal(err)
	}
	for field := range catalogue.ShortAnswers(sub.Form) {
		if _, ok := api.Askable(o.version())["form."+field]; ok {
			return field
		}
	}
	o.t.Fatal("the service asks for nothing short")
	return ""
}

// typed is a letter's body as its page's fields hold it.
func typed(values url.Values, prefix string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, y := range x {
			typed(values, prefix+"."+k, y)
		}
	case []any:
		values.Set("rows."+prefix, strconv.Itoa(len(x)))
		for i, y := range x {
			typed(values, prefix+"."+strconv.Itoa(i), y)
		}
	case bool:
		if x {
			values.Set(prefix, "1")
		}
	case string:
		values.Set(prefix, x)
	}
}

// TestClerkEntersWhatCameLater: what the office asked for and that the applicant gives up come
// by post as well; the clerk enters both on the page of the case that the office took in, and
// nobody else does.
func TestClerkEntersWhatCameLater(t *testing.T) {
	o := newOffice(t)
	filed := into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", o.letterBody(service, map[string]any{"channel": "post"}), "Idempotency-Key", "k"), 201)
	n := filed.Number.String()
	page := "/desk/entered/" + n
	if got := o.page("clara", "GET", "/desk/cases/"+n, nil).Body.String(); !strings.Contains(got, `href="`+page+`"`) {
		t.Error("the page of the case does not lead the clerk there")
	}
	if got := o.page("anna", "GET", "/desk/cases/"+n, nil).Body.String(); strings.Contains(got, page) {
		t.Error("an officer is led there")
	}
	field := firstField(o, filed.Number)
	asked := "form." + field
	o.acts(filed.Number, "anna", "take", "")
	o.acts(filed.Number, "anna", "request-info", `{"items":["`+asked+`"],"reason":"illegible"}`)
	var had map[string]any
	rec := into[api.Record](t, o.call("clara", "GET", "/v1/applications/"+n, ""), 200)
	if err := json.Unmarshal(rec.Form, &had); err != nil {
		t.Fatal(err)
	}
	shown := o.page("clara", "GET", page, nil).Body.String()
	if !strings.Contains(shown, `name="`+asked+`"`) || !strings.Contains(shown, `action="`+page+`/supplement"`) || strings.Contains(shown, "act-appeal") || strings.Contains(shown, "act-void") {
		t.Fatalf("the page asks %s", shown)
	}
	values := url.Values{"key": {"s"}}
	typed(values, asked, had[field])
	if w := o.page("anna", "POST", page+"/supplement", values); w.Code != 403 {
		t.Errorf("by an officer: got %d", w.Code)
	}
	if w := o.page("clara", "POST", page+"/payments", values); w.Code != 404 {
		t.Errorf("a clerk takes money: got %d", w.Code)
	}
	if w := o.page("clara", "POST", page+"/supplement", values); w.Code != 201 {
		t.Fatalf("entered: got %d %s", w.Code, w.Body)
	}
	if tr := into[api.Tracking](t, o.call("", "GET", "/v1/track/"+n, ""), 200); tr.Stage != "UNDER_REVIEW" {
		t.Errorf("after it came, it is %s", tr.Stage)
	}
	values = url.Values{"key": {"w"}, "reason": {"আর লাগবে না"}}
	if w := o.page("clara", "POST", page+"/withdrawal", values); w.Code != 200 || !strings.Contains(w.Body.String(), `name="sure"`) || !strings.Contains(w.Body.String(), `action="`+page+`/withdrawal"`) {
		t.Errorf("a withdrawal is not asked about: %d", w.Code)
	}
	values.Set("sure", "1")
	if w := o.page("clara", "POST", page+"/withdrawal", values); w.Code != 201 {
		t.Errorf("withdrawn: got %d %s", w.Code, w.Body)
	}
	if tr := into[api.Tracking](t, o.call("", "GET", "/v1/track/"+n, ""), 200); tr.Stage != "WITHDRAWN" {
		t.Errorf("withdrawn, it is %s", tr.Stage)
	}
}

// TestClerkIsShownLikelyDuplicates: before a clerk enters an application, the page shows those
// of the same matter that he may read, and asks for a reason if he goes on.
func TestClerkIsShownLikelyDuplicates(t *testing.T) {
	o := newOffice(t)
	body := o.letterBody(service, map[string]any{"channel": "post"})
	var asked map[string]any
	if err := json.Unmarshal([]byte(body), &asked); err != nil {
		t.Fatal(err)
	}
	alike := func(who string, service string) int {
		raw, err := json.Marshal(map[string]any{"service": service, "applicant": asked["applicant"]})
		if err != nil {
			t.Fatal(err)
		}
		w := o.call(who, "POST", "/v1/applications/similar", string(raw))
		if w.Code != 200 {
			return -w.Code
		}
		return len(into[api.AlikeList](t, w, 200).Found)
	}
	if got := alike("clara", service); got != 0 {
		t.Errorf("%d are like what nobody has applied for", got)
	}
	into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", body, "Idempotency-Key", "k"), 201)
	for what, c := range map[string]struct {
		who, service string
		want         int
	}{
		"the same matter": {"clara", service, 1},
		"another service": {"clara", "official-letter", 0},
		"by an officer":   {"anna", service, -403},
	} {
		if got := alike(c.who, c.service); got != c.want {
			t.Errorf("%s: got %d; want %d", what, got, c.want)
		}
	}
}

// TestLetterEnteredLate: a letter was posted before a fee rose, and is keyed after: under the
// version that it names, or under the one in force. Either way its time begins when it is
// entered, and the postmark stands beside it.
func TestLetterEnteredLate(t *testing.T) {
	o := newOffice(t)
	old := *o.version()
	v := old
	v.Number++
	v.Fees = []dcat.Fee{{Kind: dcat.Government, Poisha: 77_00}}
	p := releaseOf(t, o, &v)
	parcel := &register.Parcel{Signed: p.Signed}
	for _, raw := range p.Versions {
		parcel.Versions = append(parcel.Versions, raw)
	}
	o.must("root", register.Publish, parcel)
	posted := o.now().AddDate(0, 0, -20)
	day := posted.Format(time.DateOnly)
	for what, c := range map[string]struct {
		members map[string]any
		version int
	}{
		"as it was posted": {map[string]any{"channel": "post", "posted_on": day, "version": old.Number}, old.Number},
		"as it is now":     {map[string]any{"channel": "post", "posted_on": day}, v.Number},
		"of today":         {map[string]any{"channel": "counter"}, v.Number},
	} {
		a := into[api.ApplicationAnswer](t, o.call("clara", "POST", "/v1/applications", o.letterBody(service, c.members)), 201)
		rec := into[api.Record](t, o.call("clara", "GET", "/v1/applications/"+a.Number.String(), ""), 200)
		if dear := slices.ContainsFunc(a.Fees, func(f protocol.Fee) bool { return f.Poisha == 77_00 }); a.ServiceVersion != c.version || dear != (c.version == v.Number) {
			t.Errorf("%s: taken under version %d, for %+v", what, a.ServiceVersion, a.Fees)
		}
		if want, _ := c.members["posted_on"].(string); rec.PostedOn != want || rec.Since.Sub(posted) < 19*24*time.Hour || !rec.SubmittedAt.Equal(a.Receipt.IssuedAt.Time) {
			t.Errorf("%s: postmark %q, received %v", what, rec.PostedOn, rec.Since)
		}
	}
}

// TestLetterFromThePage: a clerk begins at his list, fills the form that a counter has, and
// prints a slip with number and postmark.
func TestLetterFromThePage(t *testing.T) {
	o := newOffice(t)
	scan := "%PDF-1.4\na letter to the office\n%%EOF\n"
	h := protocol.Hash(sha256.Sum256([]byte(scan)))
	if w := o.call("clara", "PUT", "/v1/documents/"+h.String(), scan); w.Code != 201 {
		t.Fatalf("a clerk's scan: got %d %s", w.Code, w.Body)
	}
	list, others := o.page("clara", "GET", "/desk", nil).Body.String(), o.page("anna", "GET", "/desk", nil).Body.String()
	if !strings.Contains(list, `href="/desk/new"`) || strings.Contains(others, `href="/desk/new"`) {
		t.Error("the button for what reached the office is not the clerk's alone")
	}
	if page := o.page("clara", "GET", "/desk/new?q=official", nil).Body.String(); !strings.Contains(page, `href="/desk/apply/official-letter"`) {
		t.Error("the list of services lacks the letter")
	}
	const path = "/desk/apply/official-letter"
	page := o.page("clara", "GET", path, nil).Body.String()
	_, channels, _ := strings.Cut(page, `id="channel"`)
	channels, _, _ = strings.Cut(channels, "</select>")
	if !strings.Contains(page, `action="`+path+`"`) || !strings.Contains(page, `name="posted_on"`) ||
		strings.Contains(channels, `value="centre"`) || !strings.Contains(channels, `<option value="post" selected`) || !strings.Contains(page, `value="41-09-17"`) {
		t.Error("the form is not one for a letter to an office of this district")
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(o.letterBody("official-letter", nil)), &body); err != nil {
		t.Fatal(err)
	}
	values := url.Values{"key": {"letter-1"}, "version": {"1"}, "channel": {"post"}, "posted_on": {"2026-09-15"}, "scan.letter": {h.String()}, "step": {"review"}}
	typed(values, "applicant", body["applicant"])
	typed(values, "form", body["form"])
	w := o.page("clara", "POST", path, values)
	if page := w.Body.String(); w.Code != 200 || !strings.Contains(page, `name="scan.letter" value="`+h.String()) || !strings.Contains(page, `href="/desk/documents/`+h.String()) {
		t.Fatalf("read back: got %d %s", w.Code, page)
	}
	for who, want := range map[string]int{"clara": 200, "anna": 404} { // Nobody but who brought it.
		if w := o.page(who, "GET", "/desk/documents/"+h.String(), nil); w.Code != want || want == 200 && w.Body.String() != scan {
			t.Errorf("%s looks at the scan before it is filed: got %d", who, w.Code)
		}
	}
	values.Set("step", "file")
	if w := o.page("anna", "POST", path, values); w.Code != 403 {
		t.Errorf("by an officer: got %d", w.Code)
	}
	w = o.page("clara", "POST", path, values)
	to := w.Header().Get("Location")
	if again := o.page("clara", "POST", path, values); w.Code != 303 || again.Header().Get("Location") != to || o.reg.Stats().Cases != 1 {
		t.Fatalf("filed: got %d %s, then %s, %d cases", w.Code, to, again.Header().Get("Location"), o.reg.Stats().Cases)
	}
	n, err := protocol.ParseNumber(strings.TrimPrefix(to, "/desk/receipt/"))
	if err != nil {
		t.Fatal(err)
	}
	page = o.page("clara", "GET", to, nil).Body.String()
	for _, want := range []string{n.Spaced(), n.Bangla(), "/desk/cases/" + n.String(), `href="/desk/new"`, "১৫"} {
		if !strings.Contains(page, want) {
			t.Errorf("the slip lacks %q", want)
		}
	}
	if strings.Contains(page, "<dt>কেন্দ্র</dt>") {
		t.Error("the slip names a centre")
	}
	c, err := o.reg.Case(n)
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := o.reg.Submission(c)
	if err != nil {
		t.Fatal(err)
	}
	code := protocol.CollectionCode(e.Nonce)
	if !strings.Contains(digit.InLatin(page), code) { // R-SV8: by which it is collected.
		t.Errorf("the slip lacks the collection code %s", code)
	}
	for _, who := range []string{"clara", "audit"} {
		if out := o.call(who, "GET", "/v1/applications/"+n.String(), "").Body.String(); strings.Contains(out, code) != (who == "clara") {
			t.Errorf("%s reads %s; want the code for who entered it alone", who, out)
		}
	}
}
