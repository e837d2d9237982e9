package catalogue_test

import (
	"reflect"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
)

const pagesForm = `{"type":"object","additionalProperties":false,"properties":{
	"pages":{"type":"integer","x-kendro":{"order":1,"label":{"bn":"খ","en":"x"}}},
	"urgent":{"type":"boolean","x-kendro":{"order":2,"label":{"bn":"খ","en":"x"}}},
	"kind":{"type":"string","maxLength":9,"x-kendro":{"order":3,"label":{"bn":"খ","en":"x"}}}}}`

// TestRulesAreJudged: an answer that was not given is nothing, not an error.
func TestRulesAreJudged(t *testing.T) {
	form, err := catalogue.CompileForm([]byte(pagesForm))
	if err != nil {
		t.Fatal(err)
	}
	v := &dcat.Version{Rules: []dcat.Rule{
		{ID: "many", If: `form.pages > 5`},
		{ID: "quick", If: `form.urgent && form.kind == "map"`},
		{ID: "plain", If: `!form.urgent`},
	}}
	rules, err := catalogue.CompileRules(v, form)
	if err != nil {
		t.Fatal(err)
	}
	for answers, want := range map[string]dcat.Bits{
		`{"pages":6}`: 0b101, `{"pages":5}`: 0b100, `{"urgent":true,"kind":"map"}`: 0b010,
		`{"urgent":true,"kind":"text","pages":9}`: 0b001, `{}`: 0b100, `not JSON`: 0,
	} {
		if got := rules.Judge([]byte(answers)); got != want {
			t.Errorf("%s: %03b; want %03b", answers, got, want)
		}
	}
}

// TestFound reads what an application of the pack comes to.
func TestFound(t *testing.T) {
	set, err := catalogue.Build(smallPack(t), nil, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	intake, err := catalogue.NewIntake(set)
	if err != nil {
		t.Fatal(err)
	}
	record := func(area place.Code, text string) application.Record {
		return application.Record{Area: area, Text: "record-scan/" + text}
	}
	for _, tt := range []struct {
		service, form string
		want          application.Found
	}{
		{"land-record-copy", `{"copies":2,"delivery_mode":"post"}`, application.Found{Mode: dcat.ByPost, Dues: application.Dues{Issue: 24_000}, Record: record("", "///")}},
		{"land-record-copy", `{"copies":1,"delivery_mode":"counter"}`, application.Found{Mode: dcat.ByCounter, Dues: application.Dues{Issue: 10_000}, Record: record("", "///")}},
		{
			"land-record-copy", `{"copies":1,"upazila":"41-11","mouza":" Khajura  West","jl_no":"৩৭","khatian_type":"rs","khatian_no":"1042/3"}`,
			application.Found{Mode: dcat.ByCentre, Dues: application.Dues{Issue: 10_000}, Record: record("41-11", "khajura west/37/rs/1042/3")},
		},
		{"trade-licence", `{"application_type":"new"}`, application.Found{Rules: 1, Mode: dcat.ByCentre, Dues: application.Dues{Issue: 30_000}}},
		{"trade-licence", `{"application_type":"renewal"}`, application.Found{Rules: 2, Mode: dcat.ByCentre, Dues: application.Dues{Issue: 20_000}}},
		{
			"grievance", `{"against":"officer","officer":" uno@uno-41-09","happened_on":"1970-01-03","hide_name":true}`,
			application.Found{Rules: 2, Complaint: &application.Complaint{Kind: "officer", Officer: "uno@uno-41-09", Day: 2, Hidden: true}},
		},
	} {
		v, _ := set.Current(tt.service)
		got, err := intake.Found(v, []byte(tt.form), time.Unix(1, 0))
		if err != nil || !reflect.DeepEqual(*got, tt.want) {
			t.Errorf("%s %s: %+v, %v; want %+v", tt.service, tt.form, got, err, tt.want)
		}
	}
}
