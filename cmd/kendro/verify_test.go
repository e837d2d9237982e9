package main

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	x.copied(number, 1, "")
	sheet := x.read("rahima", x.box, "/cases/"+number+"/certificate?copy=1")
	for _, want := range []string{"মূল · Original", "TL-41-09-17-000001", "TL-৪১-০৯-১৭-০০০০০১", "Provisional until the district confirms", "সাময়িক", "Trade licence", `<svg class="code"`} {
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
	x.copies(number)
	x.revoked(number, late, authority)
}

// copied counts one more print of a licence at the box.
func (x unionTale) copied(number string, want uint32, reason string) {
	x.t.Helper()
	var got api.CopyNote
	if err := json.Unmarshal([]byte(x.kendro("case print "+number+" --reason '"+reason+"' --output json "+x.as("rahima", x.box))), &got); err != nil || got.Copy != want || got.By != "rahima" || got.Reason != reason {
		x.t.Errorf("the print is %+v, %v; want copy %d", got, err, want)
	}
}

// copies prints a licence again, at the box and at the hub: each is numbered, the case and
// whoever verifies say how many (row 20).
func (x unionTale) copies(number string) {
	x.t.Helper()
	x.refused("from the second on a reason", "case print "+number+" "+x.as("rahima", x.box))
	x.copied(number, 2, "burnt")
	sheet := x.read("rahima", x.box, "/cases/"+number+"/certificate?copy=2")
	for _, want := range []string{"অনুলিপি ২ · Copy 2", "burnt"} {
		if !strings.Contains(sheet, want) {
			x.t.Errorf("the second print lacks %q", want)
		}
	}
	x.officer("uno", "uno@uno-41-09")
	x.until(`"reason":"burnt"`, "desk show "+number+" --output json "+x.as("uno", x.hub))
	if got := x.kendro("case print " + number + " --reason 'lost at court' --output json " + x.as("uno", x.hub)); !strings.Contains(got, `"copy":3`) {
		x.t.Errorf("the hub's print is %s; want copy 3", got)
	}
	licence := x.licence("rahima", x.box, number)
	x.until(`"copies":3`, "verify --output json --text '"+licence.Code+"' --dir node")
	x.copied(number, 4, "lost again")
}

// revoked has the UNO take a licence back: the box that issued it says so, and another box of
// the upazila does with no link, where it said as of when it was valid before (row 21).
func (x unionTale) revoked(number string, licence api.CertificateNote, authority string) {
	x.t.Helper()
	other := x.enrolled("other", "41-09-27", "karima")
	at := " --url http://" + other.ports.HTTP + authority
	if got := x.verify(licence.Code, at); !strings.Contains(got, `"valid":true`) {
		x.t.Errorf("another centre's box, by the code: got %s", got)
	}
	x.renewedElsewhere(number, licence, other)
	x.trackedElsewhere(number, other)
	x.down(x.hub)
	x.trackedWithoutTheHub(number, other)
	x.days(9)
	path := "/v1/certificates/" + licence.Number
	for _, d := range []*daemonInTale{x.box, other} {
		var known api.CertificateAnswer
		x.get("rahima", d, path+"?"+url.Values{"code": {licence.Code}}.Encode(), &known)
		if known.Valid || !known.Stale || known.State != "confirmed" {
			x.t.Errorf("nine days without the district, the %s says %+v", d.name, known)
		}
	}
	x.up(x.hub)
	x.login("uno", x.hub)
	x.signed()
	x.kendro("desk revoke " + number + " --reason-code false-statement --text 'it is a bridge' " + x.as("uno", x.hub))
	x.certified(number, "revoked")
	if !x.soon(func() error {
		if status, body := x.raw("rahima", other, path+"?"+url.Values{"code": {licence.Code}}.Encode()); status != http.StatusOK || !strings.Contains(string(body), `"revoked"`) {
			return errors.New(string(body))
		}
		return nil
	}) {
		x.t.Fatal("another centre's box never hears of the revocation")
	}
	x.down(x.hub)
	for _, d := range []*daemonInTale{x.box, other} {
		x.refused("revoked on", "verify --text '"+licence.Code+"' --url http://"+d.ports.HTTP+authority)
		var known api.CertificateAnswer
		x.get("rahima", d, path, &known)
		if known.Valid || known.State != "revoked" || known.Ended == nil {
			x.t.Errorf("the %s says of a revoked licence %+v", d.name, known)
		}
	}
	x.refused("it holds no more", "case print "+number+" --reason again "+x.as("rahima", x.box))
	x.refused("can't be renewed", "apply --renew "+licence.Number+" "+x.as("rahima", x.box))
}

// renewedElsewhere begins a renewal at another centre's box: with the holder's mobile from the
// hub, with the code alone by its number and its end.
func (x unionTale) renewedElsewhere(number string, licence api.CertificateNote, other *daemonInTale) {
	x.t.Helper()
	var r api.Record
	x.get("rahima", x.box, "/v1/applications/"+number, &r)
	var who struct {
		Mobile string `json:"mobile"`
	}
	if err := json.Unmarshal(r.Applicant, &who); err != nil || len(who.Mobile) < 4 {
		x.t.Fatalf("the applicant is %s", r.Applicant)
	}
	ask := "apply --renew " + licence.Number + " " + x.as("karima", other)
	x.refused("no such certificate", ask)
	x.refused("held by somebody with this mobile", ask+" --mobile "+wrongDigits(who.Mobile))
	var hub, code api.RenewalAnswer
	path := "/v1/certificates/" + licence.Number + "/renewal?"
	x.get("karima", other, path+url.Values{"mobile": {who.Mobile}}.Encode(), &hub)
	x.get("karima", other, path+url.Values{"code": {licence.Code}}.Encode(), &code)
	if hub.Source != api.FromHub || hub.Code == "" || string(hub.Applicant) != string(r.Applicant) || hub.Expires == nil {
		x.t.Errorf("the hub tells %+v", hub)
	}
	if code.Source != api.FromCode || code.Expires == nil || len(code.Applicant) != 0 || !strings.Contains(string(code.Form), licence.Number) {
		x.t.Errorf("the code tells %+v", code)
	}
}

// trackedElsewhere asks at another centre's box where a case stands: its hub knows (R-TR4).
func (x unionTale) trackedElsewhere(number string, other *daemonInTale) {
	x.t.Helper()
	var says, own, hub api.Tracking
	x.get("rahima", other, "/v1/track/"+number, &says)
	x.get("rahima", x.box, "/v1/track/"+number, &own)
	x.get("rahima", x.hub, "/v1/track/"+number, &hub)
	if says.Source != api.FromHub || says.Stage != hub.Stage || !says.Since.Equal(hub.Since.Time) || says.Custody != hub.Custody || says.AsOf.IsZero() || own.Source != "" {
		x.t.Errorf("another centre's box says %+v, its own %+v, the hub %+v", says, own, hub)
	}
	if page := x.read("karima", other, "/track?number="+number); !strings.Contains(page, "জেলা দপ্তর এইমাত্র জানিয়েছে") {
		x.t.Errorf("the page does not say who said it: %s", page)
	}
	x.refused("no such number in this district", "track "+foreign(x.t, "41", "7771")+" --url http://"+other.ports.HTTP)
	x.refused("of another district", "track "+foreign(x.t, "42", "7771")+" --url http://"+other.ports.HTTP)
}

// trackedWithoutTheHub asks the same once there is no link.
func (x unionTale) trackedWithoutTheHub(number string, other *daemonInTale) {
	x.t.Helper()
	if !x.soon(func() error {
		var t api.Tracking
		x.get("rahima", other, "/v1/track/"+number, &t)
		if t.Source != api.FromMemory || t.Stage != "READY" || t.AsOf.IsZero() {
			return fmt.Errorf("the answer is %+v", t)
		}
		return nil
	}) {
		x.t.Error("without a hub, the other box does not say what it was told")
	}
	if page := x.read("karima", other, "/track?number="+number); !strings.Contains(page, "এখন জিজ্ঞেস করা যাচ্ছে না") {
		x.t.Errorf("the page does not say that it is of before: %s", page)
	}
	line := "track " + foreign(x.t, "41", "7772") + " --url http://" + other.ports.HTTP
	x.refused("ask again when this centre has a link", line)
	if _, err := x.run(line); exitCode(err) != 75 {
		x.t.Errorf("a number that nobody can be asked about ends with %d; want 75", exitCode(err))
	}
	x.refused("which alone gives out numbers like it", "track "+foreign(x.t, "41", number[2:6])+" --url http://"+x.box.ports.HTTP)
}

// foreign is a number that nobody has.
func foreign(t *testing.T, district, slot string) string {
	t.Helper()
	n, err := protocol.MintNumber(district, slot, []byte("nobodys!"))
	if err != nil {
		t.Fatal(err)
	}
	return n.String()
}

// wrongDigits is another end than a mobile's.
func wrongDigits(mobile string) string {
	if strings.HasSuffix(mobile, "0000") {
		return "1111"
	}
	return "0000"
}
