package web

import (
	"encoding/json"
	"net/url"
	"testing"

	"kendro/catalogue"
	"kendro/protocol"
)

// FuzzTyped holds that whatever a browser sends becomes a body that the intake
// either takes or answers with sentences, and that the page can draw again.
func FuzzTyped(f *testing.F) {
	c := newCentre(f)
	v, _ := c.set.Current("warish-certificate")
	form, err := c.intake.Form(v)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		"", "applicant.name_bn=%E0%A6%B0&rows.form.heirs=2&form.heirs.0.name_bn=x", "rows.form.heirs=99999999&add=form.heirs",
		"rows.applicant.identifiers=-1&add=applicant.identifiers", "form.death_date=%E0%A7%A8%E0%A7%A6&channel=%00", "documents.nid=1&version=x",
	} {
		f.Add(s)
	}
	applicant := c.intake.Applicant().Fields()
	f.Fuzz(func(t *testing.T, sent string) {
		values, err := url.ParseQuery(sent)
		if err != nil {
			return
		}
		raw, err := body(v, form, applicant, values)
		if err != nil || !json.Valid(raw) {
			t.Fatalf("%q became %s, %v; want JSON", sent, raw, err)
		}
		app, wrong, err := c.intake.Check(raw, "", noon())
		if app == nil && len(wrong) == 0 && err == nil {
			t.Fatalf("%q is neither taken nor answered", sent)
		}
		s := sheet{lang: BN, values: values}
		if n := count(s.questions(form.Fields(), "form")); n > 20_000 {
			t.Fatalf("%q draws %d fields", sent, n)
		}
	})
}

func count(list []question) int {
	n := len(list)
	for _, q := range list {
		for _, row := range q.Rows {
			n += count(row)
		}
	}
	return n
}

// TestLines puts stored answers into words, whatever they are.
func TestLines(t *testing.T) {
	fields := []catalogue.Field{{Name: "day", Format: "date", Label: wordSince}, {Name: "kind", Label: wordService, Options: []catalogue.Option{{Value: "a", Label: wordFees}}}}
	got := lines(BN, fields, stored(json.RawMessage(`{"kind":"a","day":"2026-11-22","more":{"x":1},"yes":true,"n":12.5}`)))
	want := []string{"২২ নভেম্বর ২০২৬", wordFees.BN, `{"x":1}`, "১২.৫", wordYes.BN}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, l := range got {
		if l.Value != want[i] {
			t.Errorf("line %d: got %q; want %q", i, l.Value, want[i])
		}
	}
	if got := lines(BN, nil, stored(json.RawMessage(`broken`))); len(got) != 1 || got[0].Value != "broken" {
		t.Errorf("got %+v; want what is stored, as it is", got)
	}
	if total([]protocol.Fee{{Poisha: 2}, {Poisha: 3}}) != 5 {
		t.Error("the total is wrong")
	}
}
