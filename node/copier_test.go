package node

import (
	"testing"
	"time"
)

// A box without a link tries its carriers soon, and does not change them every
// minute for as long as it has none.
func TestTurns(t *testing.T) {
	for gone, want := range map[time.Duration]int{
		59 * time.Second: 0, time.Minute: 1, 8 * time.Minute: 8, 37 * time.Minute: 8, 38 * time.Minute: 9, 24 * time.Hour: 55,
	} {
		if got := turns(gone, copyAfter); got != want {
			t.Errorf("after %v: turn %d; want %d", gone, got, want)
		}
	}
}

// A neighbour that has just failed is no candidate, also where there is no other.
func TestFailedNeighbourRests(t *testing.T) {
	list := []candidate{{centre: "a", linked: true, alive: true, avoid: true}, {centre: "b", linked: true, alive: true}}
	if got := keepers(list, nil, 2); len(got) != 1 || got[0] != "b" {
		t.Errorf("keepers %v; want b", got)
	}
	if got := carrier(list[:1], 0); got != "" {
		t.Errorf("carrier %q; want none", got)
	}
}
