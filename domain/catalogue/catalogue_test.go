package catalogue

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kendro/domain/fault"
	"kendro/domain/place"
)

func version(id string, number int) *Version {
	v := &Version{ID: id, Number: number, CentreTypes: []place.CentreType{place.Union}, Channels: []Channel{AtCentre}}
	v.Hash = Hash{id[0], byte(number)}
	return v
}

func set(t *testing.T, current []*Version, older ...*Version) *Set {
	t.Helper()
	var r Release
	for _, v := range current {
		r.Services = append(r.Services, Entry{ID: v.ID, Version: v.Number, Hash: v.Hash})
	}
	s, err := NewSet(r, &place.Directory{}, append(current, older...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSet(t *testing.T) {
	a1, a2, b1 := version("a", 1), version("a", 2), version("b", 1)
	b1.CentreTypes = []place.CentreType{place.EPost}
	s := set(t, []*Version{a2, b1}, a1)
	if v, ok := s.Current("a"); !ok || v != a2 {
		t.Errorf("Current(a) = %v, %v", v, ok)
	}
	if v, ok := s.Pinned("a", a1.Hash); !ok || v != a1 {
		t.Errorf("Pinned(a, 1) = %v, %v", v, ok)
	}
	if _, ok := s.Pinned("b", a1.Hash); ok {
		t.Error("a version is pinned under another service")
	}
	if v, ok := s.Numbered("a", 1); !ok || v != a1 {
		t.Errorf("Numbered(a, 1) = %v, %v", v, ok)
	}
	if _, ok := s.Numbered("a", 3); ok {
		t.Error("a version that nobody made")
	}
	if got := s.VersionsOf("a"); len(got) != 2 || got[0] != a1 || got[1] != a2 {
		t.Errorf("VersionsOf(a) = %v", got)
	}
	if got := s.OfferedTo(place.EPost); len(got) != 1 || got[0] != b1 {
		t.Errorf("OfferedTo(e-post) = %v", got)
	}
	if got := s.Since(set(t, []*Version{a1})); len(got) != 2 {
		t.Errorf("Since has %d versions; want 2", len(got))
	}
	if got := s.Since(nil); len(got) != 3 {
		t.Errorf("Since(nil) has %d versions; want 3", len(got))
	}
	if got := s.Services(); len(got) != 2 || got[0] != a2 {
		t.Errorf("Services = %v", got)
	}
}

func TestNewSetRefuses(t *testing.T) {
	v := version("a", 1)
	r := Release{Services: []Entry{{ID: "a", Version: 1, Hash: v.Hash}}}
	if _, err := NewSet(r, nil, nil); !errors.Is(err, fault.NotFound) {
		t.Errorf("without the version: %v; want not found", err)
	}
	r.Services[0].Version = 2
	if _, err := NewSet(r, nil, []*Version{v}); !errors.Is(err, fault.NotFound) {
		t.Errorf("with another number: %v; want not found", err)
	}
	twin := version("a", 1)
	twin.Hash = Hash{99}
	if _, err := NewSet(Release{}, nil, []*Version{v, twin}); !errors.Is(err, fault.Conflict) {
		t.Errorf("two versions of one number: %v; want conflict", err)
	}
}

func TestSteps(t *testing.T) {
	v := &Version{Steps: []Step{{Post: "a"}, {Post: "b"}}}
	if s, ok := v.Step(0); !ok || s.Post != "a" {
		t.Errorf("Step(0) = %v, %v", s, ok)
	}
	if i, s, ok := v.NextStep(0); !ok || i != 1 || s.Post != "b" {
		t.Errorf("NextStep(0) = %d, %v, %v", i, s, ok)
	}
	for _, i := range []int{-1, 2, 1 << 30} {
		if _, ok := v.Step(i); ok {
			t.Errorf("Step(%d) exists", i)
		}
	}
	if _, _, ok := v.NextStep(1); ok {
		t.Error("there is a step after the last")
	}
}

func TestCharges(t *testing.T) {
	on := time.Date(2026, 11, 22, 23, 59, 0, 0, time.UTC)
	v := &Version{Fees: []Fee{
		{Kind: Government, Poisha: 2500, When: &Condition{Field: "born", From: 46, To: 1826}},
		{Kind: Government, Poisha: 5000, When: &Condition{Field: "born", From: 1827}},
		{Kind: Government, Poisha: 100, Per: "copies"},
		{Kind: Postage, Poisha: 4000, When: &Condition{Field: "mode", In: []string{"post"}}},
		{Kind: ServiceCharge, Poisha: 2000, Ceiling: 5000},
	}}
	for _, tt := range []struct {
		name    string
		answers map[string]string
		want    int64
	}{
		{"newborn", map[string]string{"born": "2026-11-22"}, 2100},
		{"45 days", map[string]string{"born": "2026-10-08"}, 2100},
		{"46 days", map[string]string{"born": "2026-10-07"}, 4600},
		{"1826 days", map[string]string{"born": "2021-11-22"}, 4600},
		{"1827 days", map[string]string{"born": "2021-11-21"}, 7100},
		{"no date", map[string]string{"born": "yesterday"}, 2100},
		{"copies", map[string]string{"copies": "3"}, 2300},
		{"negative copies", map[string]string{"copies": "-3"}, 2100},
		{"too many copies", map[string]string{"copies": "999999999"}, 102000},
		{"by post", map[string]string{"mode": "post"}, 6100},
		{"at the counter", map[string]string{"mode": "counter"}, 2100},
	} {
		charges := v.Charges(func(f string) string { return tt.answers[f] }, on)
		if got := Total(charges); got != tt.want {
			t.Errorf("%s: %d poisha in %v; want %d", tt.name, got, charges, tt.want)
		}
	}
	if got := v.BaseFees(); got != 2100 {
		t.Errorf("base fees %d; want 2100", got)
	}
}

func TestHashText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h, back Hash
		copy(h[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "bytes"))
		b, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &back); err != nil || back != h {
			t.Fatalf("%s came back as %s, %v", h, back, err)
		}
	})
	var h Hash
	for _, bad := range []string{"", "00", "zz" + h.String()[2:], h.String() + "00"} {
		if err := h.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read as a hash", bad)
		}
	}
}
