package web

import (
	"html"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"kendro/protocol"
	"kendro/web/api"
)

// issued files an application at a centre and has a certificate issued on it.
func issued(t *testing.T, c *centre) *api.Record {
	t.Helper()
	values := typedIn(t, c, "trade-licence", 3)
	values.Set("step", "file")
	if w := c.post("/apply/trade-licence", values.Encode()); w.Code != http.StatusSeeOther {
		t.Fatalf("file: got %d", w.Code)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	rec := c.filed[0]
	rec.Certificate = &api.CertificateNote{Number: "TL-41-09-17-000012", Issued: api.DateOf(noon().Unix())}
	for i, why := range []string{"", "burnt"} {
		rec.Certificate.Copies = append(rec.Certificate.Copies, api.CopyNote{Copy: uint32(i + 1), At: api.TimeOf(noon()), By: "rahima", Centre: "41-09-17", Reason: why})
	}
	rec.History = append(rec.History, api.HistoryEntry{Action: "issue", Post: "chairman", Office: "local-41-09-17"})
	return rec
}

// TestCertificateSheet: what is printed says in both languages what the certificate is worth.
func TestCertificateSheet(t *testing.T) {
	a := protocol.Attestation{Number: "TL-41-09-17-000012", Cert: make([]byte, 430), Signature: make([]byte, 64)}
	c := newCentre(t)
	rec := issued(t, c)
	path := "/cases/" + rec.Number.String()
	office, ok := c.set.Directory.Office("local-41-09-17")
	if !ok {
		t.Fatal("the pack lacks the union's office")
	}
	always := []string{
		"অনুলিপি ২ · Copy 2", "burnt", "TL-41-09-17-000012", "TL-৪১-০৯-১৭-০০০০১২", "22 November 2026", "২২ নভেম্বর ২০২৬", html.EscapeString(office.Name.BN), html.EscapeString(api.HoldersIn(rec.Applicant)[0]),
	}
	for _, x := range []struct {
		state, code string
		days        int // From today to the last day.
		want        []string
	}{
		{api.CertificateProvisional, a.Text(), 365, []string{"Provisional until the district confirms", "সাময়িক", `<svg class="code"`}},
		{protocol.CertificateWaits, a.Text(), 365, []string{"Provisional until the district confirms", "২২ নভেম্বর ২০২৭"}},
		{protocol.CertificateConfirmed, a.Text(), 0, []string{"Confirmed by the district", "জেলা কর্তৃক নিশ্চিত", `<svg class="code"`}},
		{protocol.CertificateConfirmed, a.Text(), -1, []string{"Expired", "মেয়াদোত্তীর্ণ"}},
		{protocol.CertificateRefused, "", -1, []string{"it is worth nothing"}},
	} {
		rec.Certificate.State, rec.Certificate.Code, rec.Certificate.Expires = x.state, x.code, api.DateOf(noon().AddDate(0, 0, x.days).Unix())
		w := c.get(path + "/certificate?copy=2")
		for _, text := range append(x.want, always...) {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s: got %d; the sheet lacks %q", x.state, w.Code, text)
			}
		}
		if x.code == "" && strings.Contains(w.Body.String(), "<svg") {
			t.Error("a refused certificate has a code")
		}
	}
	if w := c.get(path + "/certificate?copy=1"); !strings.Contains(w.Body.String(), "মূল · Original") {
		t.Errorf("the first print is not the original: %d", w.Code)
	}
	for _, uncounted := range []string{"", "?copy=3"} {
		if w := c.get(path + "/certificate" + uncounted); w.Code != http.StatusOK || strings.Contains(w.Body.String(), "<svg") || !strings.Contains(w.Body.String(), html.EscapeString(wordCopyOver.BN)) {
			t.Errorf("%q: a print that nobody counted: got %d", uncounted, w.Code)
		}
	}
	if w := c.get(path); !strings.Contains(w.Body.String(), path+"/certificate") {
		t.Errorf("the case's page has no link to the sheet: got %d", w.Code)
	}
	if w := c.get(path+"/certificate", nobody()); strings.Contains(w.Body.String(), "TL-41") {
		t.Errorf("whoever is not signed in sees the sheet: %d", w.Code)
	}
	rec.Certificate = nil
	if w := c.get(path + "/certificate"); w.Code != http.StatusNotFound {
		t.Errorf("with no certificate: got %d", w.Code)
	}
}

// TestCodeIsDrawn compares a code's picture with what every QR code has: three finders of
// seven modules in their corners, and a quiet zone of four.
func TestCodeIsDrawn(t *testing.T) {
	m, err := matrixOf("KENDRO:V1:" + strings.Repeat("A0", 400))
	if err != nil {
		t.Fatal(err)
	}
	if m.Side-8 > 101 || (m.Side-8-17)%4 != 0 {
		t.Errorf("%d modules a side; want at most 101, which a telephone reads off 58 mm", m.Side-8)
	}
	dark := func(x, y int) bool {
		return strings.Contains(m.Path, "M"+strconv.Itoa(x)+" "+strconv.Itoa(y)+"h1v1h-1z")
	}
	far := m.Side - 4 - 7
	for _, at := range [][2]int{{4, 4}, {far, 4}, {4, far}} {
		for i := range 7 {
			if !dark(at[0]+i, at[1]) || !dark(at[0], at[1]+i) || dark(at[0]-1, at[1]+i) {
				t.Fatalf("no finder at %v", at)
			}
		}
	}
}

// TestVerifyPage: anybody asks by number or code, and is told why not.
func TestVerifyPage(t *testing.T) {
	c := newCentre(t)
	yes, no := true, false
	known := api.CertificateAnswer{Number: "TL-41-09-17-000012", State: protocol.CertificateConfirmed, Valid: true, Holder: &yes, AsOf: api.TimeOf(noon())}
	c.api.Raw(api.Route{Method: http.MethodGet, Path: "/v1/certificates/{number}", ID: "certificate", Public: true}, nil, nil, func(w http.ResponseWriter, r *http.Request, _ api.Caller) {
		if r.PathValue("number") != known.Number {
			http.NotFound(w, r)
			return
		}
		a := known
		if r.URL.Query().Get("holder") != "Rahima" {
			a.Valid, a.Holder = false, &no
		}
		api.WriteJSON(w, http.StatusOK, a)
	})
	for query, want := range map[string]string{
		"": wordVerifyHint.BN, "?text=tl-41-09-17-%E0%A7%A6%E0%A7%A6%E0%A7%A6%E0%A7%A6%E0%A7%A7%E0%A7%A8&holder=Rahima": wordIsValid.BN,
		"?text=TL-41-09-17-000012&holder=Karim": wordHolderIsNot.BN, "?text=%3F": wordBadPaper.BN, "?text=KENDRO:V1:AB": wordBadPaper.BN, "?text=TL-1": wordNoSuchPaper.BN,
	} {
		if w := c.get("/verify"+query, nobody()); !strings.Contains(w.Body.String(), html.EscapeString(want)) {
			t.Errorf("%s: got %d; want %q", query, w.Code, want)
		}
	}
}
