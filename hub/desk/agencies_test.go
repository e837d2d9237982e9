package desk

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// TestSubmissionsAreLimited: nobody needs a login to submit, so an address may try only so often,
// and an agency be written to only so often whoever signs; who made a submission reads what
// became of it.
func TestSubmissionsAreLimited(t *testing.T) {
	o := screens{newOffice(t)}
	editor := ed25519.NewKeyFromSeed(seed("editor"))
	agency, err := catalogue.SignAgency(&dcat.Agency{
		Code: "bmet", Name: place.Name{BN: "বিএমইটি", EN: "BMET"}, Kind: dcat.Public, Serial: 1, Until: dawn/1000 + 365*86400,
		Editors: []dcat.Editor{{Name: "salma", Key: editor.Public().(ed25519.PublicKey)}},
	}, ed25519.NewKeyFromSeed(seed("catalogue")))
	if err != nil {
		t.Fatal(err)
	}
	o.must("root", register.AddAgency, register.AgencyTold{Signed: protocol.Marshal(&agency)})
	const path = "/v1/agencies/bmet/submissions"
	submit := func(n int) (code int, retry, body string) {
		signed, err := catalogue.SignSubmission(&dcat.Submission{Agency: "bmet", Withdraw: []string{"bmet.x"}, At: int64(n)}, editor)
		if err != nil {
			t.Fatal(err)
		}
		in, err := json.Marshal(api.SubmissionRequest{Versions: []api.Bytes{}, Signed: protocol.Marshal(&signed)})
		if err != nil {
			t.Fatal(err)
		}
		w := o.call("", "POST", path, string(in))
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
