package catalogue_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

const landBody = `{"service":"land-record-copy","channel":"centre",
 "applicant":{"name_bn":"মোঃ কামাল হোসেন","gender":"male","mobile":"01712345678","village":"রাজাপুর","area":"41-09-17"},
 "form":{"mouza":"রাজাপুর","jl_no":"107","khatian_type":"rs","khatian_no":"539/2","copies":2,"delivery_mode":"post"},
 "documents":[{"id":"nid","original_at_counter":true}]}`

var intake = sync.OnceValues(func() (*catalogue.Intake, error) {
	set, err := whole()
	if err != nil {
		return nil, err
	}
	return catalogue.NewIntake(set)
})

// newIntake is the intake of the pack's first release; the tests share it.
func newIntake(tb testing.TB) *catalogue.Intake {
	tb.Helper()
	in, err := intake()
	if err != nil {
		tb.Fatal(err)
	}
	return in
}

func TestCheck(t *testing.T) {
	app, errs, err := newIntake(t).Check([]byte(landBody), place.Union, published())
	if err != nil || len(errs) > 0 {
		t.Fatal(err, errs)
	}
	if app.Version.ID != "land-record-copy" || app.Channel != dcat.AtCentre || app.Area != "41-09-17" || app.Anonymous {
		t.Errorf("got %+v", app)
	}
	if want := []dcat.Charge{{Kind: dcat.ServiceCharge, Poisha: 3000}}; !slices.Equal(app.Charges, want) { // The copy is paid for once it is approved.
		t.Errorf("charges %v; want %v", app.Charges, want)
	}
	if canon, err := catalogue.Canonical(app.Form); err != nil || string(canon) != string(app.Form) {
		t.Errorf("the form %s is not canonical", app.Form)
	}
	if len(app.Documents) != 1 || app.Documents[0].ID != "nid" {
		t.Errorf("documents %v", app.Documents)
	}
}

func TestCheckTellsWhatToCorrect(t *testing.T) {
	in := newIntake(t)
	for _, tt := range []struct{ name, old, text, path string }{
		{"form", `"copies":2`, `"copies":99`, "/form/copies"},
		{"form missing", `"form":{"mouza"`, `"form":{"mauza"`, "/form/mouza"},
		{"applicant", `"01712345678"`, `"0171"`, "/applicant/mobile"},
		{"name in Latin", "মোঃ কামাল হোসেন", "Kamal", "/applicant/name_bn"},
		{"no name", `"name_bn":"মোঃ কামাল হোসেন",`, "", "/applicant/name_bn"},
		{"area unknown", "41-09-17", "41-09-18", "/applicant/area"},
		{"area without an office", "41-09-17", "26", "/applicant/area"},
		{"anonymous", `"gender"`, `"anonymous":true,"gender"`, "/applicant/anonymous"},
		{"channel", `"channel":"centre"`, `"channel":"fax"`, "/channel"},
		{"no channel", `"channel":"centre",`, ``, "/channel"},
		{"unknown document", `"id":"nid"`, `"id":"photo"`, "/documents/0"},
		{"document not shown", `"original_at_counter":true`, `"original_at_counter":false`, "/documents/0"},
		{"document missing", `{"id":"nid","original_at_counter":true}`, ``, "/documents"},
		{"document twice", `[{"id":"nid","original_at_counter":true}`, `[{"id":"nid","original_at_counter":true},{"id":"nid","original_at_counter":true}`, "/documents/1"},
		{"documents no list", `[{"id":"nid","original_at_counter":true}]`, `"nid"`, "/documents"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := strings.Replace(landBody, tt.old, tt.text, 1)
			if body == landBody {
				t.Fatal("the case changes nothing")
			}
			app, errs, err := in.Check([]byte(body), place.Union, published())
			if err != nil || app != nil || len(errs) == 0 {
				t.Fatalf("got %v, %v, %v; want errors of fields", app, errs, err)
			}
			if errs[0].Path != tt.path || !errs[0].Text.Complete() {
				t.Errorf("got %+v; want %s", errs, tt.path)
			}
		})
	}
}

// A birth in the future is refused by the counter's calendar, at a glance and at
// leisure, and one of today is not.
func TestNotAfterToday(t *testing.T) {
	set := release(t)
	in := newIntake(t)
	v, ok := set.Current("birth-registration")
	if !ok {
		t.Fatal("no birth registration")
	}
	sampler, err := catalogue.NewSampler(set)
	if err != nil {
		t.Fatal(err)
	}
	body, err := sampler.Body(v.ID, 1, "41-09-17")
	if err != nil {
		t.Fatal(err)
	}
	was := regexp.MustCompile(`"birth_date": *"[0-9-]+"`)
	if !was.Match(body) {
		t.Fatalf("no birth date in %s", body)
	}
	form, err := in.Form(v)
	if err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]bool{-1: true, 0: true, 1: false, 400: false} {
		day := published().AddDate(0, 0, days).Format(time.DateOnly)
		b := was.ReplaceAll(body, []byte(`"birth_date":"`+day+`"`))
		app, errs, err := in.Check(b, place.Union, published())
		if err != nil || (len(errs) == 0) != want {
			t.Errorf("born %s: %v, %v; want it taken: %v", day, errs, err, want)
		}
		if !want && (len(errs) != 1 || errs[0].Path != "/form/birth_date" || errs[0].Field.EN != "Date of birth" || !strings.Contains(errs[0].Text.EN, "after today") || !errs[0].Text.Complete()) {
			t.Errorf("born %s: got %+v", day, errs)
		}
		if want {
			if errs := form.ValidateOn(app.Form, published().AddDate(0, 0, days-1)); len(errs) != 1 {
				t.Errorf("born %s, judged a day before: got %v", day, errs)
			}
			if errs := form.Validate(app.Form); len(errs) != 0 {
				t.Errorf("born %s, judged on no day: got %v", day, errs)
			}
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	in := newIntake(t)
	for _, tt := range []struct {
		name, old, text string
		at              place.CentreType
		want            fault.Kind
	}{
		{"unknown service", "land-record-copy", "moon-landing", place.Union, fault.NotFound},
		{"unknown version", `"channel"`, `"version":9,"channel"`, place.Union, fault.NotFound},
		{"version no number", `"channel"`, `"version":"x","channel"`, place.Union, fault.Invalid},
		{"unknown key", `"channel"`, `"colour":"red","channel"`, place.Union, fault.Invalid},
		{"double key", `"channel"`, `"service":"grievance","channel"`, place.Union, fault.Invalid},
		{"not JSON", `{"service"`, `"service"`, place.Union, fault.Invalid},
		{"not offered here", "land-record-copy", "birth-registration", place.EPost, fault.Denied},
	} {
		_, _, err := in.Check([]byte(strings.Replace(landBody, tt.old, tt.text, 1)), tt.at, published())
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v; want %v", tt.name, err, tt.want)
		}
	}
	if _, _, err := in.Check(make([]byte, catalogue.MaxBody+1), place.Union, published()); !errors.Is(err, fault.Invalid) {
		t.Errorf("a long body: %v; want invalid", err)
	}
}

func TestAnonymousGrievance(t *testing.T) {
	const body = `{"service":"grievance","channel":"centre","applicant":{"anonymous":true,"area":"41-09-17"},"form":{"against":"centre","subject":"ক","body":"খ"}}`
	app, errs, err := newIntake(t).Check([]byte(body), place.Union, published())
	if err != nil || len(errs) > 0 {
		t.Fatal(err, errs)
	}
	if !app.Anonymous || len(app.Charges) != 0 {
		t.Errorf("got %+v; want anonymous and free", app)
	}
}

func TestOlderVersionIsTakenByNumber(t *testing.T) {
	two, err := catalogue.Build(raised(t), small(t), published())
	if err != nil {
		t.Fatal(err)
	}
	in, err := catalogue.NewIntake(two)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{`"channel"`: 2, `"version":2,"channel"`: 2, `"version":1,"channel"`: 1} {
		app, errs, err := in.Check([]byte(strings.Replace(landBody, `"channel"`, text, 1)), place.Union, published())
		if err != nil || len(errs) > 0 {
			t.Fatal(err, errs)
		}
		if got := app.Version.Number; got != want {
			t.Errorf("with %s: version %d; want %d", text, got, want)
		}
	}
}

func FuzzCheck(f *testing.F) {
	in := newIntake(f)
	f.Add([]byte(landBody))
	f.Add([]byte(`{"service":"grievance","channel":"centre","applicant":{"anonymous":true,"area":"41-09-17"},"form":{"against":"centre","subject":"ক","body":"খ"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		app, errs, err := in.Check(body, place.Union, published())
		if (app != nil) == (len(errs) > 0 || err != nil) {
			t.Fatalf("%v, %v, %v: want an application or a reason", app, errs, err)
		}
		if app != nil && (!json.Valid(app.Form) || !json.Valid(app.Applicant)) {
			t.Fatal("the parts are not JSON")
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	in, body := newIntake(b), []byte(landBody)
	b.ReportAllocs()
	for b.Loop() {
		if _, errs, err := in.Check(body, place.Union, published()); err != nil || len(errs) > 0 {
			b.Fatal(errs, err)
		}
	}
}
