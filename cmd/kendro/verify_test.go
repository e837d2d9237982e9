package main

import (
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"kendro/domain/fault"
	"kendro/hub"
	"kendro/identity"
	"kendro/protocol"
	"kendro/web/api"
)

// verify is kendro verify of a code, with what more the command says.
func (x unionTale) verify(code, more string) string {
	x.t.Helper()
	return x.kendro("verify --output json --text '" + code + "' " + more)
}

// read is a page as a browser gets it.
func (x unionTale) read(who string, d *daemonInTale, path string) string {
	x.t.Helper()
	status, body := x.raw(who, d, path)
	if status != http.StatusOK {
		x.t.Fatalf("GET %s: %d %s", path, status, body)
	}
	return string(body)
}

// holder is the name of an applicant, as it is printed.
func (x unionTale) holder(number string) string {
	x.t.Helper()
	var r api.Record
	x.get("rahima", x.box, "/v1/applications/"+number, &r)
	return api.HoldersIn(r.Applicant)[0]
}

// forged is a code with a machine's certificate, signed by somebody who lacks its key.
func forged(t *testing.T, code string) string {
	t.Helper()
	a, err := protocol.ParseAttestation(code)
	if err != nil {
		t.Fatal(err)
	}
	a.Provisional = false
	a.Sign(a.Cert, identity.NewSigner())
	return a.Text()
}

// TestVerificationIsJudged: what is known decides, and how old it is.
func TestVerificationIsJudged(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, api.Dhaka())
	yes, no := true, false
	for name, c := range map[string]struct {
		state   string
		holder  *bool
		expires int64
		known   time.Duration
		kind    fault.Kind
		says    string
	}{
		"confirmed":    {state: "confirmed", holder: &yes, says: "valid as of 2026-11-22 12:00"},
		"a week old":   {state: "confirmed", known: 7*24*time.Hour + 1, kind: fault.Unavailable, says: "it can't be said"},
		"provisional":  {state: "provisional", kind: fault.Unavailable, says: "provisional until"},
		"waits":        {state: "waits", kind: fault.Unavailable, says: "provisional until"},
		"refused":      {state: "refused", kind: fault.Conflict, says: "refused"},
		"expired":      {state: "expired", kind: fault.Conflict, says: "expired on"},
		"past its end": {state: "confirmed", expires: -2, kind: fault.Conflict, says: "expired on"},
		"another's":    {state: "confirmed", holder: &no, kind: fault.Conflict, says: "somebody else's"},
	} {
		at, ends := api.TimeOf(now.Add(-c.known)), now.Unix()+1+c.expires
		v := verification{Number: "TL-1", State: c.state, Holder: c.holder, AsOf: &at, Expires: api.DateOf(ends)}
		v.judge(now, ends, api.CertificateAge)
		if v.Valid != (c.kind == 0) || !strings.HasPrefix(strings.TrimPrefix(v.Says, "not valid for this name: it is "), c.says) || c.kind != 0 && !errors.Is(v.failure, c.kind) {
			t.Errorf("%s: got %+v", name, v)
		}
	}
}

// TestRow21LicenceIsVerified: the sheet of a licence that the union issued with no hub says
// that it is provisional, and so does whoever verifies its code; once the district has
// confirmed it, it is valid, at the box and at the hub, for as long as that is known lately.
func TestRow21LicenceIsVerified(t *testing.T) {
	x := newUnionTale(t)
	papers, err := hub.Certificates(x.at("hub"))
	if err != nil {
		t.Fatal(err)
	}
	x.write("ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: papers[0]})))
	authority := " --ca " + x.at("ca.crt")
	x.signed()
	x.down(x.hub)
	number := x.file("trade-licence", map[string]any{"application_type": "renewal"})
	x.licensed(number, false)
	early := x.licence("rahima", x.box, number)
	sheet := x.read("rahima", x.box, "/cases/"+number+"/certificate")
	for _, want := range []string{"TL-41-09-17-000001", "TL-৪১-০৯-১৭-০০০০০১", "Provisional until the district confirms", "সাময়িক", "Trade licence", `<svg class="code"`} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the sheet lacks %q", want)
		}
	}
	x.refused("provisional until the district confirms", "verify --text '"+early.Code+"'"+authority)
	x.refused("signature does not verify", "verify --text '"+forged(t, early.Code)+"'"+authority)
	at := " --url http://" + x.box.ports.HTTP + authority
	x.refused("provisional until the district confirms", "verify --text '"+early.Code+"'"+at)

	x.up(x.hub)
	x.certified(number, "confirmed")
	if got := x.verify(early.Code, at); !strings.Contains(got, `"valid":true`) || !strings.Contains(got, "valid as of") {
		t.Errorf("the district has confirmed it since it was printed: got %s", got)
	}
	late := x.licence("rahima", x.box, number)
	for _, way := range []string{authority, at, " --url http://" + x.hub.ports.HTTP + authority, " --dir hub", " --dir node"} {
		if got := x.verify(late.Code, way+" --holder '"+x.holder(number)+"'"); !strings.Contains(got, `"valid":true`) {
			t.Errorf("%s: got %s", way, got)
		}
	}
	x.refused("somebody else's", "verify --holder Nobody --text '"+late.Code+"'"+authority)
	x.refused("it can't be said", "verify --max-age 0s --text '"+late.Code+"'"+authority)
	if got := x.read("rahima", x.hub, "/verify?text=tl-41-09-17-%E0%A7%A6%E0%A7%A6%E0%A7%A6%E0%A7%A6%E0%A7%A6%E0%A7%A7"); !strings.Contains(got, "সনদটি বৈধ") || strings.Contains(got, x.holder(number)) {
		t.Errorf("anybody's page says %s", got)
	}
	x.down(x.hub)
	x.days(9)
	var known api.CertificateAnswer
	x.get("rahima", x.box, "/v1/certificates/"+late.Number, &known)
	if known.Valid || !known.Stale || known.State != "confirmed" {
		t.Errorf("nine days without the district: got %+v", known)
	}
}
