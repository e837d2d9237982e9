package bench

import (
	"context"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/replication/link"
)

// apart is how long after one another the sessions begin.
const apart = 10 * time.Millisecond

// Of the measurement.
const (
	firstFew = 10                // Sessions before the first look: what a server keeps once is not of each.
	settling = 10 * time.Second  // A server that was just founded.
	quiet    = 130 * time.Second // After the rush: Go collects once in two minutes where nothing is asked of it.
)

// runIdle opens many sessions with the first server, files nothing, and measures
// what memory the server needs for each.
func runIdle(ctx context.Context, o options, site string) (*result, error) {
	f, err := o.settle(ctx, site)
	if err != nil {
		return nil, err
	}
	d := f.District
	defer d.Kill()
	callers, err := f.crowd(ctx, o.batch)
	defer closeAll(callers)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	failed, running := make(chan error, 1), make(chan struct{})
	warm, rush := min(firstFew, len(callers)/2), make(chan struct{})
	go func() {
		defer close(running)
		failed <- together(len(callers), func(i int) error {
			if i >= warm {
				select {
				case <-rush:
				case <-ctx.Done():
				}
				stagger(ctx, time.Duration(i)*apart)
			}
			return callers[i].run(ctx, d.Servers[0].Ports.QUIC, link.Heartbeat(30*time.Second))
		})
	}()
	defer func() { stop(); <-running }()
	if err := await(ctx, callers[:warm], failed, (*caller).connected); err != nil {
		return nil, err
	}
	before, err := memoryOf(ctx, d.Servers[0])
	if err != nil {
		return nil, err
	}
	began := time.Now()
	close(rush)
	if err := await(ctx, callers, failed, (*caller).connected); err != nil {
		return nil, err
	}
	seconds := time.Since(began)
	stagger(ctx, quiet/2) // Who was turned away in the rush is back by then.
	opened := sessions(callers)
	stagger(ctx, quiet/2)
	after, err := memoryOf(ctx, d.Servers[0])
	if err != nil {
		return nil, err
	}
	r := &result{Seconds: seconds.Seconds(), weighed: weighed{RSSAnon: after}}
	if r.Fresh = sessions(callers); r.Fresh != opened {
		return nil, fault.New(op, fault.Internal, "sessions", "some were broken and begun again: nothing idle was measured")
	}
	r.PerSession = round(float64(after-min(after, before)) / float64(len(callers)-warm))
	return r, nil
}

// sessions counts all that were begun.
func sessions(callers []*caller) (n int) {
	for _, c := range callers {
		c.mu.Lock()
		n += c.sessions
		c.mu.Unlock()
	}
	return n
}

// stagger waits, or until ctx ends.
func stagger(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// memoryOf returns the anonymous memory of a process once it has stopped falling.
func memoryOf(ctx context.Context, p *district.Process) (uint64, error) {
	least, err := rssAnon(p.PID())
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for start, since := time.Now(), time.Now(); err == nil && time.Since(start) < settling && time.Since(since) < settling/2; {
		select {
		case <-ctx.Done():
			return 0, fault.Wrap(op, fault.Unavailable, p.Name, ctx.Err())
		case <-tick.C:
		}
		var now uint64
		if now, err = rssAnon(p.PID()); now < least {
			least, since = now, time.Now()
		}
	}
	return least, err
}
