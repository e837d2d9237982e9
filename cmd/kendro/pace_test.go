package main

import (
	"runtime"
	"testing"
)

// TestGarbageOfARush: only a rush of blocks lets more garbage grow, and never more than is
// bounded beyond what a server at rest would; a rush of sessions lets less.
func TestGarbageOfARush(t *testing.T) {
	for _, tt := range []struct {
		name string
		second
		live uint64
		want int
	}{
		{"at rest", second{500 << 10, 0}, 100 << 20, hubGarbage},
		{"just short of a rush", second{rushBytes - 1, manyBegan - 1}, 100 << 20, hubGarbage},
		{"a rush on a small heap", second{rushBytes, 0}, 40 << 20, rushGarbage},
		{"before the first collection", second{100 << 20, 0}, 0, rushGarbage},
		{"a rush on a heap of 64 MiB", second{100 << 20, 0}, 64 << 20, 100},
		{"a rush on a large heap", second{100 << 20, 0}, 1 << 30, hubGarbage},
		{"sessions on a small heap", second{10 << 20, 100}, 40 << 20, 10},
		{"sessions on a large heap", second{10 << 20, 100}, 1 << 30, leastShare},
		{"sessions and blocks", second{100 << 20, 100}, 100 << 20, 25},
		{"sessions before the first collection", second{10 << 20, manyBegan}, 0, hubGarbage},
	} {
		if got := garbageShare(tt.second, tt.live); got != tt.want {
			t.Errorf("%s: %d; want %d", tt.name, got, tt.want)
		}
	}
	runtime.GC()
	if live() == 0 {
		t.Error("the runtime doesn't say what is in use")
	}
}
