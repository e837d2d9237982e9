package hub

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"kendro/hub/register"
)

// When a server counts again, and how: a little at a time, with a pause behind it in which
// whoever works goes first. A million cases are through in some minutes.
const (
	recountAt    = 2 // O'clock, in the offices' civil time.
	recountStep  = 256
	recountPause = 20 * time.Millisecond
)

// Recounted is what came of counting again what the metric cells say.
type Recounted struct {
	At     time.Time
	Cases  uint64
	Differ uint64 // Places that the cells tell otherwise than the cases. Anything but 0 is a defect.
}

// A recounter counts the metric cells again every night, from the histories of the cases (row
// 32). Each server does so for its own copy.
type recounter struct {
	register func() *register.Register
	clock    func() time.Time
	zone     *time.Location
	log      *slog.Logger
	newest   atomic.Pointer[Recounted] // Nil before the first night.
}

// run counts every night until ctx ends.
func (r *recounter) run(ctx context.Context) {
	for rest(ctx, untilNight(r.clock().In(r.zone))) {
		r.count(ctx)
	}
}

// untilNight is how long it is until the next time to count.
func untilNight(now time.Time) time.Duration {
	y, m, d := now.Date()
	at := time.Date(y, m, d, recountAt, 0, 0, 0, now.Location())
	if !at.After(now) {
		at = time.Date(y, m, d+1, recountAt, 0, 0, 0, now.Location())
	}
	return at.Sub(now)
}

// count counts once. A register that can't be read, or was replaced meanwhile, leaves the word of
// the night before; the next night tries again.
func (r *recounter) count(ctx context.Context) {
	c := r.register().Recount()
	for {
		done, err := c.Step(recountStep)
		if err != nil {
			r.log.Warn("the counters could not be counted again", "err", err)
			return
		}
		if done {
			break
		}
		if !rest(ctx, recountPause) {
			return
		}
	}
	out := &Recounted{At: r.clock(), Cases: c.Cases, Differ: c.Differ()}
	r.newest.Store(out)
	if out.Differ > 0 {
		r.log.Error("the counters differ from what the cases say: tell us", "places", out.Differ, "cases", out.Cases)
	}
}

// rest waits, and reports whether ctx goes on.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
