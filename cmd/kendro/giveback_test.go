package main

import "testing"

// TestGivesBackAfterARush: memory goes back once after much was allocated, when
// little is, and not again before much was allocated anew.
func TestGivesBackAfterARush(t *testing.T) {
	var r rest
	allocated := uint64(0)
	for i, look := range []struct {
		name string
		more uint64
		due  bool
	}{
		{"little was ever used", 100 << 10, false},
		{"a rush", 40 << 20, false},
		{"the rush goes on", 20 << 20, false},
		{"then rest", 100 << 10, true},
		{"nothing to gain", 100 << 10, false},
		{"another rush", worthBytes, false},
		{"rest again", 0, true},
		{"little by little", quietBytes, false},
	} {
		allocated += look.more
		if got := r.due(allocated); got != look.due {
			t.Errorf("look %d, %s: got %v; want %v", i, look.name, got, look.due)
		}
	}
}
