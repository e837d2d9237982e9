package node

import (
	"testing"
	"time"
)

// A server that signs for nothing is left after a minute; one that is slow, or has
// nothing to sign for, is not.
func TestPatience(t *testing.T) {
	type look struct {
		after       time.Duration // Since the look before.
		acked, head uint64
		over        bool
	}
	for name, looks := range map[string][]look{
		"nothing waits":     {{0, 5, 5, false}, {time.Hour, 5, 5, false}},
		"nothing is signed": {{0, 5, 6, false}, {stuckAfter - 1, 5, 9, false}, {1, 5, 9, true}},
		"slow":              {{0, 5, 100, false}, {50 * time.Second, 6, 100, false}, {50 * time.Second, 7, 100, false}, {50 * time.Second, 8, 100, false}},
		"filed after hours": {{0, 5, 5, false}, {time.Hour, 5, 6, false}, {50 * time.Second, 5, 6, false}, {10 * time.Second, 5, 6, true}},
		"the last one late": {{0, 5, 6, false}, {50 * time.Second, 6, 6, false}, {time.Hour, 6, 7, false}},
	} {
		var p patience
		now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		for i, l := range looks {
			now = now.Add(l.after)
			if got := p.over(l.acked, l.head, now); got != l.over {
				t.Errorf("%s, look %d: got %v; want %v", name, i, got, l.over)
			}
		}
	}
}
