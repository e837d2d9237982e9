package hub

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"kendro/hub/register"
)

// TestRow32CountedEveryNight: at two o'clock of the offices' day, wherever the machine thinks
// that it is.
func TestRow32CountedEveryNight(t *testing.T) {
	dhaka := time.FixedZone("", 6*3600)
	for _, tt := range []struct {
		now  string
		want time.Duration
	}{
		{"2026-11-28T20:00:00Z", 24 * time.Hour}, // It is two there.
		{"2026-11-28T19:59:59Z", time.Second},
		{"2026-11-28T18:00:00Z", 2 * time.Hour},
		{"2026-11-28T21:00:00Z", 23 * time.Hour},
	} {
		now, err := time.Parse(time.RFC3339, tt.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := untilNight(now.In(dhaka)); got != tt.want {
			t.Errorf("at %s it is %v until the night's count; want %v", tt.now, got, tt.want)
		}
	}
}

// TestRow32CountIsKept: what a night's count came to is there until the next, and one that is
// broken off leaves none.
func TestRow32CountIsKept(t *testing.T) {
	reg, err := register.Open(t.TempDir(), register.Options{})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 28, 20, 0, 0, 0, time.UTC)
	r := &recounter{register: func() *register.Register { return reg }, clock: func() time.Time { return now }, zone: time.UTC, log: slog.New(slog.DiscardHandler)}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	r.run(ended)
	if got := r.newest.Load(); got != nil {
		t.Errorf("before the first night: %+v", got)
	}
	r.count(t.Context())
	if got := r.newest.Load(); got == nil || *got != (Recounted{At: now}) {
		t.Errorf("the count came to %+v", got)
	}
	if err := reg.Close(); err != nil {
		t.Fatal(err)
	}
}
