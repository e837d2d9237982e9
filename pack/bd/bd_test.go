package bd_test

import (
	"encoding/csv"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/pack/bd"
)

func load(t *testing.T) *catalogue.Pack {
	t.Helper()
	p, found := catalogue.LoadPack(bd.Pack())
	for _, f := range found {
		t.Error(f)
	}
	if len(found) > 0 {
		t.FailNow()
	}
	return p
}

func TestJashoreIsComplete(t *testing.T) {
	p := load(t)
	count := map[string]int{}
	for _, a := range p.Directory.Areas {
		if a.Level == "division" || a.Level == "district" || p.Directory.Within(a.Code, "41") {
			count[a.Level]++
		}
	}
	for level, want := range map[string]int{"division": 8, "district": 64, "upazila": 8, "union": 91, "paurashava": 8} {
		if count[level] != want {
			t.Errorf("%d areas of level %s; want %d", count[level], level, want)
		}
	}
	for code, name := range map[place.Code]string{
		"41": "Jashore", "41-04": "Abhaynagar", "41-09": "Bagherpara", "41-11": "Chaugachha", "41-23": "Jhikargachha",
		"41-38": "Keshabpur", "41-47": "Jashore Sadar", "41-61": "Manirampur", "41-90": "Sharsha", "D40": "Khulna",
	} {
		if a, _ := p.Directory.Area(code); a.Name.EN != name {
			t.Errorf("area %s is %q; want %q", code, a.Name.EN, name)
		}
	}
	if len(p.Country.Districts) != 64 {
		t.Errorf("%d districts own a hub; want 64", len(p.Country.Districts))
	}
}

// Every centre has a code that leads back to its own area.
func TestCentresServeTheirArea(t *testing.T) {
	p := load(t)
	types := map[place.CentreType]int{}
	for _, c := range p.Directory.Centres {
		types[c.Type]++
		if c.Code.Area() != c.Area {
			t.Errorf("centre %s serves %s; its code says %s", c.Code, c.Area, c.Code.Area())
		}
	}
	if types[place.Union] != 91 || types[place.Paurashava] != 8 || types[place.Upazila] != 8 {
		t.Errorf("centres by type: %v", types)
	}
}

func TestServices(t *testing.T) {
	p := load(t)
	if len(p.Services) < 147 {
		t.Fatalf("%d services; want 147 or more (R-OF10)", len(p.Services))
	}
	in := map[string]int{}
	for _, v := range p.Services {
		in[v.Category.Code]++
	}
	for _, c := range p.Categories {
		if in[c.Code] < 3 {
			t.Errorf("%d services in the category %s; want 3 or more", in[c.Code], c.Code)
		}
	}
	var long int
	for _, v := range p.Services {
		if len(v.Steps) >= 2 {
			long++
		}
		if v.Kind == dcat.Public && v.Offline != dcat.Intake {
			t.Errorf("%s is public and not taken offline", v.ID)
		}
		if last := v.Steps[len(v.Steps)-1]; !last.MayFinalise {
			t.Errorf("%s never ends", v.ID)
		}
		for _, a := range p.Directory.Areas {
			if a.Level != "union" {
				continue
			}
			for i, s := range v.Steps {
				if _, ok := p.Directory.SeatFor(s.Post, a.Code); !ok {
					t.Fatalf("%s step %d: no seat of %s serves %s", v.ID, i+1, s.Post, a.Code)
				}
			}
		}
	}
	if long < 10 {
		t.Errorf("%d services have two steps or more; want 10", long)
	}
	for _, id := range []string{"land-record-copy", "trade-licence", "birth-registration", "grievance"} {
		if !slices.ContainsFunc(p.Services, func(v *dcat.Version) bool { return v.ID == id }) {
			t.Errorf("the worked flow %s is missing", id)
		}
	}
	if len(p.Categories) != 27 {
		t.Errorf("%d categories; want 27 (R-OF10)", len(p.Categories))
	}
}

// TestCopiesOfRecords: a copy of a paper is not approved without its scan, and whoever asks for
// the paper again passes by the record room (R-LR6). No two services mean one paper by the
// same words.
func TestCopiesOfRecords(t *testing.T) {
	checks := map[string]string{}
	for _, v := range load(t).Services {
		if v.Procedure == nil || v.Procedure.Record == nil {
			continue
		}
		r := v.Procedure.Record
		if other := checks[r.Check]; other != "" {
			t.Errorf("%s and %s scan by the one check %s", v.ID, other, r.Check)
		}
		checks[r.Check] = v.ID
		last := v.Steps[len(v.Steps)-1]
		issued := v.Procedure.Issue != nil && slices.Contains(v.Procedure.Issue.Checks, r.Check)
		if !slices.Contains(v.Steps[0].Checks, r.Check) || !v.Steps[0].Unscanned || last.Unscanned || !issued && !slices.Contains(last.Checks, r.Check) {
			t.Errorf("%s: a copy may go out without %s, or is looked for again", v.ID, r.Check)
		}
		if r.Area != "upazila" {
			t.Errorf("%s: a paper of another upazila can't be asked for", v.ID)
		}
	}
	for _, id := range []string{"land-record-copy", "mutation-khatian-copy", "mouza-map-copy", "deed-copy", "vested-property-list-copy"} {
		if !slices.Contains(slices.Collect(maps.Values(checks)), id) {
			t.Errorf("%s declares no record", id)
		}
	}
}

// TestRefundsOfCopies: what is paid back of a copy follows from the pack, all of it before an
// officer has begun.
func TestRefundsOfCopies(t *testing.T) {
	got := map[string]dcat.Refund{}
	for _, v := range load(t).Services {
		if v.Refund != nil {
			got[v.ID] = *v.Refund
		}
	}
	want := map[string]dcat.Refund{
		"land-record-copy":      {BeforeReview: 100, InReview: 50},
		"mutation-khatian-copy": {BeforeReview: 100, InReview: 50, Rejected: 50},
		"mouza-map-copy":        {BeforeReview: 100, InReview: 90, Rejected: 90},
		"deed-copy":             {BeforeReview: 100, InReview: 60, Rejected: 60},
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
}

func TestCalendar(t *testing.T) {
	c := load(t).Directory.Calendar
	for date, want := range map[string]time.Duration{"2027-02-07": 17 * time.Hour, "2027-02-09": 15*time.Hour + 30*time.Minute, "2027-03-11": 17 * time.Hour} {
		day, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if _, closes := c.HoursOn("record-41", day); closes != want {
			t.Errorf("on %s the record room closes at %v; want %v", date, closes, want)
		}
	}
	for date, want := range map[string]bool{
		"2026-12-16": true,  // Victory Day.
		"2026-12-17": false, // A Thursday.
		"2026-12-18": true,  // A Friday.
		"2026-12-19": true,  // A Saturday.
		"2027-03-26": true,
	} {
		day, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Closed(day); got != want {
			t.Errorf("Closed(%s) = %v; want %v", date, got, want)
		}
	}
	day := time.Date(2026, 12, 15, 9, 0, 0, 0, time.UTC)
	if got := c.AddWorkingDays(day, 2).Format(time.DateOnly); got != "2026-12-20" {
		t.Errorf("two working days after 2026-12-15: %s; want 2026-12-20", got)
	}
}

// The Bangla names of the unions agree with an imported list, where one is at
// hand: KENDRO_GEOCODE names its folder.
func TestUnionNamesAgreeWithAList(t *testing.T) {
	dir := os.Getenv("KENDRO_GEOCODE")
	if dir == "" {
		t.Skip("KENDRO_GEOCODE is not set")
	}
	f, err := os.Open(dir + "/unions.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	recs, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, r := range recs {
		known[norm.NFC.String(r[3])] = true
	}
	var unknown []string
	for _, a := range load(t).Directory.Areas {
		if a.Level == "union" && !known[a.Name.BN] {
			unknown = append(unknown, a.Name.BN)
		}
	}
	if len(unknown) > 12 { // Spellings that this pack corrects.
		t.Errorf("%d union names are not in the list: %v", len(unknown), unknown)
	}
}
