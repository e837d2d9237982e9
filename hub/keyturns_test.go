package hub_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"kendro/hub"
	"kendro/hub/register"
	"kendro/internal/hubtest"
)

// A next key is announced after 23 days and used a week later, again and again.
func TestStepDue(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	days := func(n int) int64 { return now.Add(-time.Duration(n) * 24 * time.Hour).UnixMilli() }
	next := bytes.Repeat([]byte{1}, 32)
	for name, c := range map[string]struct {
		turn register.KeyTurn
		due  bool
	}{
		"fresh":            {register.KeyTurn{Since: days(0)}, false},
		"in use":           {register.KeyTurn{Since: days(22)}, false},
		"to be announced":  {register.KeyTurn{Since: days(23)}, true},
		"announced":        {register.KeyTurn{Since: days(6), Next: next}, false},
		"to be used":       {register.KeyTurn{Since: days(7), Next: next}, true},
		"used":             {register.KeyTurn{Since: days(7), Previous: next}, false},
		"a clock set back": {register.KeyTurn{Since: days(-400)}, false},
	} {
		if got := hub.StepDue(c.turn, now); got != c.due {
			t.Errorf("%s: due %v; want %v", name, got, c.due)
		}
	}
}

// TestKeysTurnByThemselves: the leader takes a step when it is due, once, and the
// others don't.
func TestKeysTurnByThemselves(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	g := hubtest.With(t, hubtest.Options{Voters: 3, Tune: func(_ int, c *hub.Config) {
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	}})
	g.Enrol(centre)
	g.Agree()
	step := func() register.KeyTurn {
		for _, s := range g.Servers {
			hub.TurnKeys(t.Context(), s.Hub)
			hub.TurnKeys(t.Context(), s.Hub)
		}
		g.Agree()
		turns, err := g.Leader().Hub.Register().KeyTurns()
		if err != nil || len(turns) != 1 {
			t.Fatalf("turns %+v, %v; want one", turns, err)
		}
		return turns[centre.Upazila()]
	}
	if turn := step(); turn.Next != nil {
		t.Fatalf("on the first day %+v; want no step", turn)
	}
	later.Store(int64(23 * 24 * time.Hour))
	if turn := step(); turn.Next == nil || turn.Previous != nil {
		t.Fatalf("after 23 days %+v; want the next announced", turn)
	}
	later.Store(int64(30*24*time.Hour + time.Minute))
	if turn := step(); turn.Next != nil || turn.Previous == nil {
		t.Fatalf("a week later %+v; want it used", turn)
	}
}
