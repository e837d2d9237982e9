package catalogue

import (
	"maps"
	"slices"
	"testing"

	"kendro/domain/place"
)

// TestFormerVersionsLeaveTheirNumbers: a set that is told of former versions gives out no number
// twice and knows their categories, as one that holds them does.
func TestFormerVersionsLeaveTheirNumbers(t *testing.T) {
	land := Category{Code: "land", Name: place.Name{EN: "Land"}}
	v := func(id string, number int, c Category) *Version {
		return &Version{ID: id, Number: number, Category: c, Hash: Hash{id[0], byte(number)}}
	}
	renamed := Category{Code: "land", Name: place.Name{EN: "Land and records"}}
	trade := Category{Code: "trade", Name: place.Name{EN: "Trade"}}
	all := []*Version{v("a", 1, land), v("a", 2, renamed), v("b", 1, renamed), v("b", 3, land), v("withdrawn", 4, trade)}
	release := Release{Services: []Entry{{ID: "a", Version: 2, Hash: Hash{'a', 2}}, {ID: "b", Version: 1, Hash: Hash{'b', 1}}}}
	whole, err := NewSet(release, nil, all)
	if err != nil {
		t.Fatal(err)
	}
	f := whole.Former()
	if want := map[string]int{"b": 3, "withdrawn": 4}; !maps.Equal(f.Numbers, want) || !slices.Equal(f.Categories, []Category{trade}) {
		t.Fatalf("got %v; want the numbers %v and trade", f, want)
	}
	named, err := NewSet(release, nil, whole.Services())
	if err != nil {
		t.Fatal(err)
	}
	named = named.With(f)
	for _, s := range []*Set{whole, named} {
		for id, want := range map[string]int{"a": 2, "b": 3, "withdrawn": 4, "never": 0} {
			if got := s.Last(id); got != want {
				t.Errorf("%s: the last is %d; want %d", id, got, want)
			}
		}
		if got := s.Categories(); !slices.Equal(got, []Category{renamed, trade}) {
			t.Errorf("got %v; want the names in force first", got)
		}
		if again := s.Former(); !maps.Equal(again.Numbers, f.Numbers) || !slices.Equal(again.Categories, f.Categories) {
			t.Errorf("got %v; want %v", again, f)
		}
	}
}
