package node

import (
	"context"
	"sync"
	"time"

	"kendro/node/box"
	"kendro/protocol"
	"kendro/replication"
)

// A reporter tells the hub how a release fares that is on trial here: at once where
// something has changed, and now and then that it is still so. A word that is lost is
// made up for by the next. It may be used concurrently.
type reporter struct {
	box   *box.Box
	clock func() time.Time

	mu    sync.Mutex // Guards all below.
	lines map[uint64]replication.Line
	last  protocol.Fare
	said  time.Time // Zero: not yet in the session at hand.
}

// How often the reporter looks, and tells again what the hub has heard: seldom, and
// often once the release has been in force for as long as it has to go well.
const (
	fareEvery = time.Second
	fareAgain = time.Minute
	fareDue   = 5 * time.Second
)

// join and leave frame a session with a server.
func (r *reporter) join(session uint64, line replication.Line) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lines == nil {
		r.lines = map[uint64]replication.Line{}
	}
	r.lines[session], r.said = line, time.Time{}
}

func (r *reporter) leave(session uint64) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.lines, session)
}

// run reports until ctx ends.
func (r *reporter) run(ctx context.Context) {
	tick := time.NewTicker(fareEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.report()
		}
	}
}

func (r *reporter) report() {
	t, now := r.box.OnTrial(), r.clock()
	if t == nil {
		return
	}
	again := fareAgain
	if !t.Until.IsZero() && !now.Before(t.Until) {
		again = fareDue
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) == 0 || t.Fare.Same(&r.last) && now.Sub(r.said) < again {
		return
	}
	for _, line := range r.lines {
		line.Tell(&t.Fare)
	}
	r.last, r.said = t.Fare, now
}
