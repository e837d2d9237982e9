package sim

import (
	"testing"
)

func mustCast(t *testing.T, nodes int) *cast {
	t.Helper()
	c, err := newCast(nodes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A slice of the seeds that make sim runs: nothing is violated in any.
func TestDistrict(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 4
	}
	plans := make([]Plan, seeds)
	for i := range plans {
		plans[i] = Plan{Seed: uint64(i) + 1, Nodes: 8, Days: 7}
	}
	var all Stats
	err := many(t.Context(), mustCast(t, 8), plans, 2, func(r Result) bool {
		all.add(&r.Stats)
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", r.Seed, v)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d seeds: %+v", seeds, all)
	if all.Receipts < 100*seeds || all.Crashes == 0 || all.Cuts == 0 || all.Leaders == 0 || all.Tampered == 0 || all.Unknown == 0 {
		t.Errorf("too little happened to mean anything: %+v", all)
	}
}

// The same seed goes the same way, in another process as well: nothing but the
// seed decides. Keys and ciphertexts of two casts differ.
func TestSeedDecides(t *testing.T) {
	seen := map[string]bool{}
	for _, seed := range []uint64{3, 11} {
		var first Result
		own := mustCast(t, 8)
		for i, c := range []*cast{own, mustCast(t, 8), own} { // The third finds what earlier seeds left on the shelves.
			r, err := run(Plan{Seed: seed, Nodes: 8, Days: 3}, c)
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = r
			}
			if r.Trace != first.Trace || r.Stats != first.Stats {
				t.Errorf("seed %d: trace %s %+v; the first time %s %+v", seed, r.Trace, r.Stats, first.Trace, first.Stats)
			}
			seen[r.Trace] = true
		}
	}
	if len(seen) != 2 {
		t.Errorf("two seeds gave %d traces; want 2", len(seen))
	}
}

// A disk that says it has synced, and has not, is found out.
func TestLyingDiskIsFound(t *testing.T) {
	c := mustCast(t, 8)
	for seed := range uint64(200) {
		r, err := run(Plan{Seed: seed + 1, Nodes: 8, Days: 7, lie: true}, c)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Violations) > 0 {
			t.Logf("seed %d: %s", r.Seed, r.Violations[0])
			return
		}
	}
	t.Error("200 seeds found nothing")
}
