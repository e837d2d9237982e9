package hub

import (
	"log/slog"
	"testing"
	"time"
)

func TestClocksAgree(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		others []time.Duration
		asked  int
		floor  time.Duration // When the register's newest entry was, by this server's clock.
		want   time.Duration
	}{
		"alone":                               {nil, 1, -day, 0},
		"nearly the same":                     {[]time.Duration{time.Minute, -9 * time.Minute}, 3, -day, 0},
		"this one is a year ahead":            {[]time.Duration{-365 * day, -365*day - time.Second}, 3, -366 * day, -365 * day},
		"another is a year ahead":             {[]time.Duration{365 * day, time.Second}, 3, -day, 0},
		"this one is behind the register":     {[]time.Duration{400 * day, 400 * day}, 3, 400 * day, 400 * day},
		"of two the earlier":                  {[]time.Duration{-20 * day}, 2, -21 * day, -20 * day},
		"of two not the one before the entry": {[]time.Duration{-9000 * day}, 2, -day, 0},
		"most are silent":                     {nil, 3, -day, 0},
		"one answers, two of five are needed": {[]time.Duration{-20 * day}, 5, -21 * day, 0},
		"three of five":                       {[]time.Duration{-20 * day, -20 * day}, 5, -21 * day, -20 * day},
	} {
		at := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
		clock := newOfficeClock(func() time.Time { return at }, slog.New(slog.DiscardHandler))
		clock.compare(c.others, c.asked, at.Add(c.floor))
		if got := clock.now().Sub(at); got != c.want || clock.off() != c.want {
			t.Errorf("%s: %v is added, %v by off; want %v", name, got, clock.off(), c.want)
		}
	}
}

// TestClockGoesOn: what was found to be off stays so while nobody answers, and ends
// once the clock was set right.
func TestClockGoesOn(t *testing.T) {
	t.Parallel()
	const month = 30 * 24 * time.Hour
	right := time.Date(2026, 11, 3, 9, 0, 0, 0, time.UTC)
	wall := right.Add(month)
	clock := newOfficeClock(func() time.Time { return wall }, slog.New(slog.DiscardHandler))
	clock.compare([]time.Duration{-month, -month}, 3, right)
	wall = wall.Add(time.Hour)
	clock.compare(nil, 3, right)
	if got := clock.now(); !got.Equal(right.Add(time.Hour)) {
		t.Errorf("an hour without an answer later it is %v, want %v", got, right.Add(time.Hour))
	}
	wall = right.Add(2 * time.Hour)
	clock.compare([]time.Duration{0, 0}, 3, right)
	if got := clock.now(); !got.Equal(wall) || clock.off() != 0 {
		t.Errorf("set right it is %v, want %v", got, wall)
	}
}
