package web

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"

	"kendro/web/api"
)

// TestSealedCorrectionFromThePage: of a grievance the page has empty fields, asks for none
// and sends what was typed alone; it tells what has come of one without a name.
func TestSealedCorrectionFromThePage(t *testing.T) {
	c := newCentre(t)
	service, ok := c.set.Current("grievance")
	if !ok {
		t.Fatal("no grievance in the release")
	}
	v := visitView{version: service, Record: &api.Record{Form: json.RawMessage(`{}`), Applicant: json.RawMessage(`{}`)}}
	v.Record.Confidential = true
	v.fix(EN, tried{})
	if i := slices.IndexFunc(v.Fix, func(q question) bool { return !q.Optional || q.Value != "" }); i >= 0 || len(v.Fix) < 10 {
		t.Errorf("%d fields; the %dth has to be filled in, or has a value", len(v.Fix), i)
	}
	v.Typed = url.Values{"saw": {v.Saw}, fixForm + ".body": {"he took triple"}, fixForm + ".hide_name": {""}, "reason": {"misheard"}}
	in, words := v.correction(EN)
	raw, err := json.Marshal(in)
	if want := `{"form":{"body":"he took triple"},"reason":"misheard","form_saw":{},"applicant_saw":{}}`; string(raw) != want || err != nil {
		t.Errorf("it sends %s, %v, %v; want %s", raw, words, err, want)
	}
	if len(v.Fixed) != 2 || v.Fixed[0].Value != "he took triple" {
		t.Errorf("the slip says %+v; want what is to be, and nothing of what was", v.Fixed)
	}
	for state, want := range map[string]string{"": wordFixSent.EN, "waits": wordFixWaits.EN, "taken": wordFixTaken.EN, "refused": wordFixRefused.EN} {
		if got := wordsOfSealed(state).EN; got != want {
			t.Errorf("%q is told as %q; want %q", state, got, want)
		}
	}
}
