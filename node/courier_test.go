package node

import (
	"testing"
	"time"
)

// A server that signs for nothing is left after a minute, one that only holds what it
// was given sooner; one that is slow, or has nothing to sign for, is not left.
func TestPatience(t *testing.T) {
	type look struct {
		after             time.Duration // Since the look before.
		acked, head, held uint64
		over              bool
	}
	for name, looks := range map[string][]look{
		"nothing waits":     {{0, 5, 5, 0, false}, {time.Hour, 5, 5, 0, false}},
		"nothing is signed": {{0, 5, 6, 0, false}, {stuckAfter - 1, 5, 9, 0, false}, {1, 5, 9, 0, true}},
		"slow":              {{0, 5, 100, 0, false}, {50 * time.Second, 6, 100, 0, false}, {50 * time.Second, 7, 100, 0, false}, {50 * time.Second, 8, 100, 0, false}},
		"filed after hours": {{0, 5, 5, 0, false}, {time.Hour, 5, 6, 0, false}, {50 * time.Second, 5, 6, 0, false}, {10 * time.Second, 5, 6, 0, true}},
		"the last one late": {{0, 5, 6, 0, false}, {50 * time.Second, 6, 6, 0, false}, {time.Hour, 6, 7, 0, false}},
		"only held":         {{0, 5, 6, 0, false}, {heldAfter - 1, 5, 6, 6, false}, {1, 5, 6, 6, true}},
		"held and signed":   {{0, 5, 6, 6, false}, {heldAfter - 1, 6, 7, 6, false}, {heldAfter, 6, 7, 6, false}},
	} {
		var p patience
		now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
		for i, l := range looks {
			now = now.Add(l.after)
			if got := p.over(l.acked, l.head, l.held, now); got != l.over {
				t.Errorf("%s, look %d: got %v; want %v", name, i, got, l.over)
			}
		}
	}
}

// TestPatienceWithoutAnyLeader: while every server only holds, the box goes from one to
// the next ever more seldom, and soon again once something was signed.
func TestPatienceWithoutAnyLeader(t *testing.T) {
	var p patience
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	acked := uint64(5)
	stays := func() (d time.Duration) {
		p.anew()
		for ; !p.over(acked, 9, 9, now); now = now.Add(time.Second) {
			d += time.Second
		}
		return d
	}
	for i, want := range []time.Duration{heldAfter, 2 * heldAfter, 4 * heldAfter, stuckAfter, stuckAfter} {
		if got := stays(); got != want {
			t.Errorf("server %d: left after %v; want %v", i, got, want)
		}
	}
	acked++
	if got := stays(); got != heldAfter {
		t.Errorf("after something was signed: left after %v; want %v", got, heldAfter)
	}
}
