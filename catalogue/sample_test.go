package catalogue_test

import (
	"encoding/json"
	"errors"
	"testing"

	"golang.org/x/text/unicode/norm"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

func newSampler(tb testing.TB) *catalogue.Sampler {
	tb.Helper()
	s, err := catalogue.NewSampler(release(tb))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// Every service × 100 seeds is complete and valid at the centres that offer it.
func TestSamplesAreValid(t *testing.T) {
	set, s, in := release(t), newSampler(t), newIntake(t)
	var sum, n int
	for _, v := range set.Services() {
		for seed := range uint64(100) {
			body, err := s.Body(v.ID, seed, "41-09-17")
			if err != nil {
				t.Fatal(err)
			}
			app, errs, err := in.Check(body, place.Union, published())
			if err != nil || len(errs) > 0 {
				t.Fatalf("%s seed %d: %v %v\n%s", v.ID, seed, errs, err, body)
			}
			if !norm.NFC.IsNormal(body) {
				t.Fatalf("%s seed %d is not NFC", v.ID, seed)
			}
			sum, n = sum+len(app.Applicant)+len(app.Form), n+1
		}
	}
	if mean := sum / n; mean < 450 || mean > 750 {
		t.Errorf("applicant and form take %d bytes on average; want 450 to 750", mean)
	}
}

// Every service at a centre of each type that offers it, and some at every centre.
func TestSampleOfEveryCentre(t *testing.T) {
	set, s, in := release(t), newSampler(t), newIntake(t)
	seen := map[place.CentreType]bool{}
	for n, c := range set.Directory.Centres {
		for i, v := range set.OfferedTo(c.Type) {
			if seen[c.Type] && (i+n)%20 != 0 {
				continue
			}
			body, err := s.Body(v.ID, 7, c.Code)
			if err != nil {
				t.Fatal(err)
			}
			if _, errs, err := in.Check(body, c.Type, published()); err != nil || len(errs) > 0 {
				t.Fatalf("%s at %s: %v %v", v.ID, c.Code, errs, err)
			}
		}
		seen[c.Type] = true
	}
}

func TestSampleIsAFunctionOfItsSeed(t *testing.T) {
	set := release(t)
	one, err := catalogue.Sample(set, "trade-licence", 5, "41-09-17")
	if err != nil {
		t.Fatal(err)
	}
	two, err := catalogue.Sample(release(t), "trade-licence", 5, "41-09-17")
	if err != nil {
		t.Fatal(err)
	}
	if string(one) != string(two) {
		t.Errorf("one seed, two bodies:\n%s\n%s", one, two)
	}
	if _, err := catalogue.Sample(set, "nothing", 1, "41-09-17"); !errors.Is(err, fault.NotFound) {
		t.Errorf("unknown service: %v; want not found", err)
	}
	if _, err := catalogue.Sample(set, "grievance", 1, "41-09-18"); !errors.Is(err, fault.NotFound) {
		t.Errorf("unknown centre: %v; want not found", err)
	}
}

func TestPeopleAreMany(t *testing.T) {
	s := newSampler(t)
	names, mobiles, persons := map[string]bool{}, map[string]bool{}, map[string]bool{}
	const seeds = 20000
	for seed := range uint64(seeds) {
		body, err := s.Body("citizenship-certificate", seed, "41-09-17")
		if err != nil {
			t.Fatal(err)
		}
		var b struct {
			Applicant struct {
				Name   string `json:"name_bn"`
				Mobile string `json:"mobile"`
			} `json:"applicant"`
		}
		if err := json.Unmarshal(body, &b); err != nil {
			t.Fatal(err)
		}
		names[b.Applicant.Name], mobiles[b.Applicant.Mobile] = true, true
		persons[b.Applicant.Name+b.Applicant.Mobile] = true
	}
	if len(names) < 5000 {
		t.Errorf("%d distinct names; want 5,000 or more", len(names))
	}
	if len(persons) != seeds || len(mobiles) < seeds-10 {
		t.Errorf("%d persons with %d mobiles from %d seeds", len(persons), len(mobiles), seeds)
	}
}

func BenchmarkSample(b *testing.B) {
	s := newSampler(b)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		if _, err := s.Body("land-record-copy", i, "41-09-17"); err != nil {
			b.Fatal(err)
		}
	}
}
