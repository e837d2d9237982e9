package place

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kendro/domain/fault"
)

func TestParseCentre(t *testing.T) {
	for _, tt := range []struct {
		text               string
		district, up, area Code
	}{
		{"41-09-17", "41", "41-09", "41-09-17"},
		{"41-47-123", "41", "41-47", "41-47-123"},
		{"41-09-00", "41", "41-09", "41-09"},
		{"41-09-00-e01", "41", "41-09", "41-09"},
		{"41-47-99-w05", "41", "41-47", "41-47-99"},
		{"41-47-99-c12", "41", "41-47", "41-47-99"},
	} {
		c, err := ParseCentre(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if c.District() != tt.district || c.Upazila() != tt.up || c.Area() != tt.area {
			t.Errorf("%s: district %s, upazila %s, area %s; want %v", tt.text, c.District(), c.Upazila(), c.Area(), tt)
		}
	}
	for _, bad := range []string{
		"", "41", "41-09", "4-09-17", "41-9-17", "41-09-1", "41-09-1234", "41-09-17-", "41-09-17-x01", "41-09-17-e1",
		"41-09-17-e01-e02", "৪১-০৯-১৭", "41 09 17", "41-09-1a", " 41-09-17", strings.Repeat("1-", 5000),
	} {
		_, err := ParseCentre(bad)
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "want district-upazila-union, such as 41-09-17") {
			t.Errorf("%.20q: %v; want invalid and how to write it", bad, err)
		}
	}
}

func TestParseSeat(t *testing.T) {
	s, err := ParseSeat("secretary@local-41-09-17")
	if err != nil || s != (Seat{Post: "secretary", Office: "local-41-09-17"}) || s.String() != "secretary@local-41-09-17" {
		t.Errorf("got %v, %v", s, err)
	}
	for _, bad := range []string{"", "@", "a@", "@b", "a", "a@b@c", "a b@c", strings.Repeat("a", 200) + "@b"} {
		if _, err := ParseSeat(bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("%.20q: %v; want invalid", bad, err)
		}
	}
}

func TestCodeDistrict(t *testing.T) {
	for code, want := range map[Code]Code{"41": "41", "41-09": "41", "41-09-17": "41", "D40": "", "": "", "4": ""} {
		if got := code.District(); got != want {
			t.Errorf("%q: %q; want %q", code, got, want)
		}
	}
}

func name(s string) Name { return Name{BN: "বাংলা " + s, EN: s} }

// small is a district of one upazila with two unions.
func small() *Directory {
	d := &Directory{
		Areas: []Area{
			{Code: "D40", Level: "division", Name: name("Khulna")},
			{Code: "41", Parent: "D40", Level: "district", Name: name("Jashore")},
			{Code: "41-09", Parent: "41", Level: "upazila", Name: name("Bagherpara")},
			{Code: "41-09-17", Parent: "41-09", Level: "union", Name: name("Bandabila")},
			{Code: "41-09-27", Parent: "41-09", Level: "union", Name: name("Basuari")},
		},
		Offices: []Office{
			{Code: "local-41-09-17", Area: "41-09-17", Level: "local", Name: name("UP 17")},
			{Code: "uno-41-09", Area: "41-09", Level: "upazila", Name: name("UNO")},
			{Code: "acland-41-09", Area: "41-09", Level: "upazila/land", Name: name("AC Land")},
			{Code: "dc-41", Area: "41", Level: "district", Name: name("DC")},
		},
		Posts: []Post{
			{Code: "uno", Name: name("UNO"), OfficeLevel: "upazila", Superior: "dc", Acts: []string{ActFinalise}},
			{Code: "dc", Name: name("DC"), OfficeLevel: "district"},
			{Code: "secretary", Name: name("Secretary"), OfficeLevel: "local", Superior: "uno"},
		},
		Centres: []CentreInfo{{Code: "41-09-17", Type: Union, Name: name("UDC"), Area: "41-09-17"}},
		Calendar: &Calendar{
			Weekend: []string{"Friday", "Saturday"}, Holidays: []Holiday{{Date: "2026-12-16", Name: name("Victory Day")}},
		},
	}
	d.Sort()
	return d
}

func TestOfficeForWalksUp(t *testing.T) {
	d := small()
	for _, tt := range []struct {
		area  Code
		level string
		want  string
	}{
		{"41-09-17", "local", "local-41-09-17"},
		{"41-09-27", "local", ""},
		{"41-09-27", "upazila", "uno-41-09"},
		{"41-09-17", "upazila/land", "acland-41-09"},
		{"41-09-17", "district", "dc-41"},
		{"41-09", "local", ""},
		{"41", "district", "dc-41"},
		{"D40", "district", ""},
		{"99", "district", ""},
		{"", "district", ""},
	} {
		o, ok := d.OfficeFor(tt.area, tt.level)
		if o.Code != tt.want || ok != (tt.want != "") {
			t.Errorf("OfficeFor(%s, %s) = %q; want %q", tt.area, tt.level, o.Code, tt.want)
		}
	}
	if s, ok := d.SeatFor("uno", "41-09-27"); !ok || s.String() != "uno@uno-41-09" {
		t.Errorf("SeatFor(uno) = %v, %v", s, ok)
	}
	if _, ok := d.SeatFor("secretary", "41-09-27"); ok {
		t.Error("a seat without an office")
	}
}

func TestLookups(t *testing.T) {
	d := small()
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
	if o, ok := d.Office("dc-41"); !ok || o.Area != "41" {
		t.Errorf("Office(dc-41) = %v, %v", o, ok)
	}
	if p, ok := d.Post("uno"); !ok || !p.May(ActFinalise) || p.May(ActSign) {
		t.Errorf("Post(uno) = %v, %v", p, ok)
	}
	if c, ok := d.Centre("41-09-17"); !ok || c.Type != Union {
		t.Errorf("Centre = %v, %v", c, ok)
	}
	for _, tt := range []struct {
		area, ancestor Code
		want           bool
	}{
		{"41-09-17", "41-09", true},
		{"41-09-17", "D40", true},
		{"41", "41", true},
		{"41", "41-09", false},
		{"41-09-17", "41-09-27", false},
		{"", "", false},
		{"x", "41", false},
	} {
		if got := d.Within(tt.area, tt.ancestor); got != tt.want {
			t.Errorf("Within(%s, %s) = %v; want %v", tt.area, tt.ancestor, got, tt.want)
		}
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	for want, spoil := range map[string]func(*Directory){
		"is double or out of order": func(d *Directory) { d.Areas[0], d.Areas[1] = d.Areas[1], d.Areas[0] },
		"leads to no root":          func(d *Directory) { d.Areas[0].Parent = "41-09-17" },
		"lacks a name":              func(d *Directory) { d.Areas[2].Name.BN = "" },
		"has two offices":           func(d *Directory) { d.Offices = append(d.Offices, d.Offices[0]); d.Sort() },
		"the unknown area 77":       func(d *Directory) { d.Offices[1].Area = "77"; d.Sort() },
		"where there is no office":  func(d *Directory) { d.Posts[0].OfficeLevel = "moon" },
		"unknown superior":          func(d *Directory) { d.Posts[0].Superior = "king" },
		"unknown act":               func(d *Directory) { d.Posts[0].Acts = []string{"dance"} },
		"centre 41-09":              func(d *Directory) { d.Centres[0].Code = "41-09" },
		"unknown type":              func(d *Directory) { d.Centres[0].Type = "tent" },
		"want an English day name":  func(d *Directory) { d.Calendar.Weekend = []string{"Freitag"} },
		"want a date such as":       func(d *Directory) { d.Calendar.Holidays[0].Date = "16.12.2026" },
		"hours are out of order":    func(d *Directory) { d.Calendar.Hours = ramadan(); slices.Reverse(d.Calendar.Hours) },
		"no office \"moon\"":        func(d *Directory) { d.Calendar.Hours = ramadan(); d.Calendar.Hours[1].Office = "moon" },
		"holiday 2026-12-16 is":     func(d *Directory) { d.Calendar.Holidays = append(d.Calendar.Holidays, d.Calendar.Holidays[0]) },
		"without a working day":     func(d *Directory) { d.Calendar.Weekend = make([]string, 7) },
		"serves the unknown area":   func(d *Directory) { d.Centres[0].Area = "41-09-99" },
	} {
		d := small()
		spoil(d)
		if err := d.Check(); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %q", err, want)
		}
	}
}

// Whatever the tree looks like, circles included, every walk ends and agrees.
func TestWalksEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codes := rapid.SampledFrom([]Code{"", "a", "b", "c", "d", "e"})
		d := &Directory{}
		for _, c := range []Code{"a", "b", "c", "d", "e"} {
			d.Areas = append(d.Areas, Area{Code: c, Parent: codes.Draw(t, "parent"), Level: "x", Name: name("x")})
			if rapid.Bool().Draw(t, "office") {
				d.Offices = append(d.Offices, Office{Code: "o" + string(c), Area: c, Level: "l", Name: name("o")})
			}
		}
		d.Sort()
		at := codes.Draw(t, "at")
		if o, ok := d.OfficeFor(at, "l"); ok && !d.Within(at, o.Area) {
			t.Fatalf("the office of %s serves %s, but the area is not within it", at, o.Area)
		}
		_ = d.Check()
	})
}

func TestWorkingDays(t *testing.T) {
	c := small().Calendar
	for _, tt := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-12-15", 0, "2026-12-15"},
		{"2026-12-15", 1, "2026-12-17"}, // The 16th is a holiday.
		{"2026-12-17", 1, "2026-12-20"}, // Friday and Saturday are closed.
		{"2026-12-18", 1, "2026-12-20"}, // Filed on a closed day.
		{"2026-12-15", 5, "2026-12-23"},
	} {
		from, err := time.Parse(time.DateOnly, tt.from)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.AddWorkingDays(from, tt.n).Format(time.DateOnly); got != tt.want {
			t.Errorf("%d working days after %s: %s; want %s", tt.n, tt.from, got, tt.want)
		}
	}
	day := time.Date(2026, 12, 18, 0, 0, 0, 0, time.UTC)
	if got := (*Calendar)(nil).AddWorkingDays(day, 2); !got.Equal(day.AddDate(0, 0, 2)) {
		t.Errorf("without a calendar: %s", got)
	}
	never := &Calendar{Weekend: []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}}
	if got := never.AddWorkingDays(day, 1); got.Before(day) {
		t.Errorf("a calendar without working days: %s", got)
	}
}

// ramadan are hours of a week, of one office, and for a month.
func ramadan() []Hours {
	return []Hours{
		{Opens: 9 * 60, Closes: 17 * 60},
		{Office: "dc-41", Days: []string{"Sunday"}, Opens: 10 * 60, Closes: 12 * 60},
		{From: "2027-02-09", To: "2027-03-10", Opens: 9 * 60, Closes: 15*60 + 30, Name: name("Ramadan")},
		{From: "2027-02-28", Office: "dc-41", To: "2027-02-28", Opens: 8 * 60, Closes: 9 * 60, Name: name("Election")},
	}
}

// TestOfficeHours: those count that begin last, an office's own before those of all, up to
// their last day.
func TestOfficeHours(t *testing.T) {
	d := small()
	d.Calendar.Hours = ramadan()
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		office, day   string
		opens, closes time.Duration
	}{
		{"uno-41-09", "2027-02-07", 9 * time.Hour, 17 * time.Hour},
		{"dc-41", "2027-02-07", 10 * time.Hour, 12 * time.Hour}, // A Sunday.
		{"dc-41", "2027-02-08", 9 * time.Hour, 17 * time.Hour},
		{"uno-41-09", "2027-02-09", 9 * time.Hour, 15*time.Hour + 30*time.Minute},
		{"dc-41", "2027-02-14", 9 * time.Hour, 15*time.Hour + 30*time.Minute},
		{"dc-41", "2027-02-28", 8 * time.Hour, 9 * time.Hour},
		{"uno-41-09", "2027-03-10", 9 * time.Hour, 15*time.Hour + 30*time.Minute},
		{"uno-41-09", "2027-03-11", 9 * time.Hour, 17 * time.Hour},
	} {
		day, err := time.ParseInLocation(time.DateOnly, tt.day, time.FixedZone("BST", 6*3600))
		if err != nil {
			t.Fatal(err)
		}
		opens, closes := d.Calendar.HoursOn(tt.office, day)
		if opens != tt.opens || closes != tt.closes {
			t.Errorf("%s on %s: %v to %v; want %v to %v", tt.office, tt.day, opens, closes, tt.opens, tt.closes)
		}
		if got := d.Calendar.WorkingTime(tt.office, day, day.AddDate(0, 0, 1)); got != tt.closes-tt.opens {
			t.Errorf("%s on %s: %v of work; want %v", tt.office, tt.day, got, tt.closes-tt.opens)
		}
	}
	var none *Calendar
	if opens, closes := none.HoursOn("dc-41", time.Time{}); opens != OfficeOpens || closes != OfficeCloses {
		t.Errorf("without a calendar: %v to %v", opens, closes)
	}
}
