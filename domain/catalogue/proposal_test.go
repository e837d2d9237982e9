package catalogue

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// TestMerge is the table of what proposals on one field come to.
func TestMerge(t *testing.T) {
	at := func(was, value string, fate Fate) *Proposal {
		return &Proposal{Service: "s", Field: "sla_days", Was: was, Value: value, Fate: fate}
	}
	for _, tt := range []struct {
		name, has, conflict, value string
		list                       []*Proposal
	}{
		{"one", "5", "", "4", []*Proposal{at("5", "4", Waiting)}},
		{"two of one mind", "5", "", "4", []*Proposal{at("5", "4", Waiting), at("5", "4", Waiting)}},
		{"two values", "5", ConflictValues, "", []*Proposal{at("5", "4", Waiting), at("5", "3", Waiting)}},
		{"another value since", "6", ConflictMoved, "", []*Proposal{at("5", "4", Waiting)}},
		{"one of them saw another", "5", ConflictMoved, "", []*Proposal{at("5", "4", Waiting), at("6", "4", Waiting)}},
		{"two values, and another since", "6", ConflictValues, "", []*Proposal{at("5", "4", Waiting), at("6", "3", Waiting)}},
		{"the field is gone", "", ConflictGone, "", []*Proposal{at("5", "4", Waiting), at("5", "3", Waiting)}},
		{"chosen, though it had changed", "6", "", "4", []*Proposal{at("5", "4", Accepted)}},
		{"another after the choice", "6", ConflictValues, "", []*Proposal{at("5", "4", Accepted), at("6", "3", Waiting)}},
		{"settled ones count no more", "5", "", "4", []*Proposal{at("5", "4", Waiting), at("5", "3", Declined), at("5", "2", Replaced), at("5", "1", InForce)}},
	} {
		got := Merge(tt.list, func(string, string) (string, bool) { return tt.has, tt.has != "" })
		if len(got) != 1 || got[0].Conflict != tt.conflict || got[0].Value != tt.value || got[0].Has != tt.has {
			t.Errorf("%s: %+v; want conflict %q and value %q", tt.name, got, tt.conflict, tt.value)
		}
	}
}

// TestMergeInAnyOrder: over random proposals the order of the list changes nothing, and
// none that waits is dropped or counted twice.
func TestMergeInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(31, 27))
	for round := range 2000 {
		base := map[string]string{}
		for f := range 4 {
			if random.IntN(5) > 0 {
				base[fmt.Sprint("f", f)] = fmt.Sprint(random.IntN(3))
			}
		}
		has := func(service, field string) (string, bool) { v, ok := base[field]; return v, ok }
		var list []*Proposal
		waiting := 0
		for i := range random.IntN(12) {
			p := &Proposal{
				ID: fmt.Sprint(i), Service: fmt.Sprint("s", random.IntN(2)), Field: fmt.Sprint("f", random.IntN(4)), At: int64(random.IntN(3)),
				Was: fmt.Sprint(random.IntN(3)), Value: fmt.Sprint(random.IntN(3)), Fate: Fate(1 + random.IntN(5)),
			}
			if p.Fate <= Accepted {
				waiting++
			}
			list = append(list, p)
		}
		want := Merge(list, has)
		seen := map[string]bool{}
		for _, m := range want {
			for _, p := range m.Proposals {
				if seen[p.ID] || p.Service != m.Service || p.Field != m.Field {
					t.Fatalf("round %d: proposal %+v stands in %+v", round, p, m)
				}
				seen[p.ID] = true
				if m.Conflict == "" && p.Value != m.Value {
					t.Fatalf("round %d: %+v is merged to %q", round, p, m.Value)
				}
			}
		}
		if len(seen) != waiting {
			t.Fatalf("round %d: %d of %d that wait are in a meeting", round, len(seen), waiting)
		}
		for range 4 {
			mixed := slices.Clone(list)
			random.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
			if got := Merge(mixed, has); !reflect.DeepEqual(got, want) {
				t.Fatalf("round %d: another order gives %+v; want %+v", round, got, want)
			}
		}
	}
}
