package catalogue_test

import (
	"testing"

	"kendro/catalogue"
)

func TestFromValues(t *testing.T) {
	land, heirs := compile(t, "land-record-copy"), compile(t, "warish-certificate")
	for _, tt := range []struct {
		name   string
		form   *catalogue.Form
		posted map[string]string
		want   string
		valid  bool
	}{
		{"complete, with Bangla digits", land, map[string]string{
			"mouza": " রাজাপুর ", "jl_no": "১০৭", "khatian_type": "rs", "khatian_no": "৫৩৯/২", "copies": "২", "delivery_mode": "post", "envelope": "on", "dag_no": "",
		}, `{"copies":2,"delivery_mode":"post","envelope":true,"jl_no":"107","khatian_no":"539/2","khatian_type":"rs","mouza":"রাজাপুর"}`, true},
		{"what doesn't fit stays as typed", land, map[string]string{"copies": "two", "envelope": "perhaps"}, `{"copies":"two","envelope":"perhaps"}`, false},
		{"rows, one left empty", heirs, map[string]string{
			"deceased_name_bn": "ক খ", "deceased_father_bn": "গ", "death_date": "২০২৬-০১-৩১",
			"heirs.0.name_bn": "চ", "heirs.0.relation": "son", "heirs.0.age": "9", "heirs.2.name_bn": "ছ", "heirs.2.relation": "wife", "heirs.2.age": "৪০",
		}, `{"death_date":"2026-01-31","deceased_father_bn":"গ","deceased_name_bn":"ক খ","heirs":[{"age":9,"name_bn":"চ","relation":"son"},{"age":40,"name_bn":"ছ","relation":"wife"}]}`, true},
		{"nothing", land, nil, `{}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.form.FromValues(func(name string) string { return tt.posted[name] })
			if err != nil || string(got) != tt.want {
				t.Fatalf("got %s, %v; want %s", got, err, tt.want)
			}
			if errs := tt.form.Validate(got); (len(errs) == 0) != tt.valid {
				t.Errorf("errors %v; want valid %v", errs, tt.valid)
			}
		})
	}
}

// An unticked box that must be answered is a no.
func TestUntickedBox(t *testing.T) {
	got, err := compile(t, "birth-registration").FromValues(func(string) string { return "" })
	if err != nil || string(got) != `{"twin":false}` {
		t.Errorf("got %s, %v; want twin false", got, err)
	}
}

func TestAnswers(t *testing.T) {
	answer := catalogue.Answers([]byte(landForm))
	for name, want := range map[string]string{"copies": "2", "jl_no": "107", "nothing": ""} {
		if got := answer(name); got != want {
			t.Errorf("answer %s is %q; want %q", name, got, want)
		}
	}
	if got := catalogue.Answers([]byte("{"))("copies"); got != "" {
		t.Errorf("an answer %q from what can't be read", got)
	}
}
