package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
)

// TestAmend: what was accepted goes into the overlay, whose comments and other values
// stay as they were, and the result passes over the base.
func TestAmend(t *testing.T) {
	const was = `# What the courier asks for.
- service: land-record-copy
  field: fees.postage # In poisha.
  was: 4000
  value: 6000
  reason: the courier's rate
- {service: vgd-card, field: hidden, value: true} # Until the store is built.
- {service: land-record-copy, field: sla_days, was: 5, value: 3}
`
	files := []dcat.File{
		{Name: "overlay.yaml", Text: []byte("# Ours.\ndistrict: \"41\"\nbase: 1\n")}, {Name: "changes/fees.yaml", Text: []byte(was)},
	}
	list := []catalogue.Amendment{
		{Service: "land-record-copy", Field: "fees.postage", Was: "6000", Value: "7000", Reason: "dearer", Proposal: "9-1"},
		{Service: "land-record-copy", Field: "sla_days", Was: "3", Value: "4", Reason: "too soon", Proposal: "9-2"},
		{Service: "land-record-copy", Field: "form.mouza.help", Was: `{"bn":"","en":""}`, Value: `{"bn":"মৌজার নাম","en":"As on the khatian: \"Mouza\" #1"}`, Reason: "people ask: where?", Proposal: "9-3"},
		{Service: "grievance", Field: "centre_types", Was: `["union","upazila"]`, Value: `["union"]`, Reason: "line\nbreak", Proposal: "9-4"},
	}
	got, err := catalogue.Amend(files, list[:2])
	if err == nil {
		got, err = catalogue.Amend(got, list[2:3])
	}
	if err == nil { // A second round finds the file of the first.
		got, err = catalogue.Amend(got, list[3:])
	}
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(got, func(f dcat.File) bool { return f.Name == "changes/fees.yaml" })
	text := string(got[i].Text)
	for _, want := range []string{"# What the courier asks for.", "# In poisha.", "# Until the store is built.", "value: 7000", "was: 4000", "value: 4"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if string(files[1].Text) != was || string(got[0].Text) != string(files[0].Text) {
		t.Error("what was given changed")
	}
	o, found := catalogue.ReadOverlay(got)
	if len(found) > 0 {
		t.Fatalf("%v\n%s\n%s", found, text, got[2].Text)
	}
	fields, found, err := catalogue.LintOver(with(t, "land-record-copy", "vgd-card", "grievance"), o)
	if err != nil || len(found) > 0 {
		t.Fatal(err, found)
	}
	values := map[string]string{}
	for _, f := range fields {
		values[f.Service+" "+f.Field] = f.Value
	}
	for _, a := range list {
		if values[a.Service+" "+a.Field] != a.Value {
			t.Errorf("%s is %s; want %s", a.Field, values[a.Service+" "+a.Field], a.Value)
		}
	}
	if values["vgd-card hidden"] != "true" || len(values) != 5 {
		t.Errorf("fields %v", values)
	}
	if _, err := catalogue.Amend(files[1:], nil); err == nil {
		t.Error("an overlay without a head was amended")
	}
}
