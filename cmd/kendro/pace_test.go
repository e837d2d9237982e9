package main

import (
	"runtime"
	"testing"
)

// TestGarbageOfARush: only a rush lets more garbage grow, and never more than is
// bounded beyond what a server at rest would.
func TestGarbageOfARush(t *testing.T) {
	for _, tt := range []struct {
		name       string
		rate, live uint64
		want       int
	}{
		{"at rest", 500 << 10, 100 << 20, hubGarbage},
		{"just short of a rush", rushBytes - 1, 100 << 20, hubGarbage},
		{"a rush on a small heap", rushBytes, 40 << 20, rushGarbage},
		{"before the first collection", 100 << 20, 0, rushGarbage},
		{"a rush on a heap of 64 MiB", 100 << 20, 64 << 20, 100},
		{"a rush on a large heap", 100 << 20, 1 << 30, hubGarbage},
	} {
		if got := garbageShare(tt.rate, tt.live); got != tt.want {
			t.Errorf("%s: %d; want %d", tt.name, got, tt.want)
		}
	}
	runtime.GC()
	if live() == 0 {
		t.Error("the runtime doesn't say what is in use")
	}
}
