package bench

import (
	"context"
	"fmt"
	"time"

	"kendro/domain/fault"
)

// warming is how many applications a client files before the clock starts: by
// then every form is compiled.
const warming = 100

// runIntake files applications at one node whose hub is gone: the disk and the
// processors belong to the node and its clients.
func runIntake(ctx context.Context, o options, site string) (*result, error) {
	c, err := newCorpus(o.payload, time.Now())
	if err != nil {
		return nil, err
	}
	centres, err := c.centres(1)
	if err != nil {
		return nil, err
	}
	queues, size, err := c.queues(centres[0], o.records, o.batch)
	if err != nil {
		return nil, err
	}
	d, err := o.found(ctx, site, centres)
	if err != nil {
		return nil, err
	}
	defer d.Kill()
	logins, err := d.AddEntrepreneurs(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range d.Servers {
		p.Stop()
	}
	node := d.Nodes[0]
	token, err := node.SignIn(ctx, logins[0])
	if err != nil {
		return nil, err
	}
	windows, err := warm(ctx, node.Ports.HTTP, token, queues)
	if err != nil {
		return nil, err
	}
	bare, err := bareSync(site)
	if err != nil {
		return nil, err
	}
	took, seconds, err := fileAll(windows, queues)
	if err != nil {
		return nil, err
	}
	rss, err := rssAnon(node.PID())
	if err != nil {
		return nil, err
	}
	s, err := node.Sync(ctx)
	if err != nil {
		return nil, err
	}
	if want := uint64(o.records + warming*len(queues)); s.Backlog != want {
		return nil, miscount("node", int(s.Backlog), int(want))
	}
	again, err := restart(ctx, node)
	if err != nil {
		return nil, err
	}
	return &result{
		Seconds: seconds.Seconds(), P50: micros(percentile(took, 50)), P99: micros(percentile(took, 99)),
		weighed: weighed{RSSAnon: rss}, Fsync: micros(bare), carried: carried{Payload: size}, restarted: again,
	}, nil
}

// A queue is what one client files: first to warm up, then by the clock.
type queue struct{ warm, timed []application }

// queues draws the applications of all clients of a centre, and tells the mean
// size of those that count.
func (c *corpus) queues(centre string, records, clients int) ([]queue, float64, error) {
	list := make([]queue, clients)
	next, sum := 0, 0
	for i := range list {
		n := share(records, clients, i)
		for j := range warming + n {
			a, err := c.draw(centre, next)
			if err != nil {
				return nil, 0, err
			}
			next++
			if j < warming {
				list[i].warm = append(list[i].warm, a)
				continue
			}
			list[i].timed = append(list[i].timed, a)
			sum += a.encoded
		}
	}
	return list, round(float64(sum) / float64(records)), nil
}

// warm opens a connection for every client, and files what doesn't count.
func warm(ctx context.Context, addr, token string, queues []queue) ([]*window, error) {
	var list []*window
	for _, q := range queues {
		w, err := openWindow(ctx, addr, token)
		if err != nil {
			return nil, err
		}
		list = append(list, w)
		for _, a := range q.warm {
			if _, _, err := w.file(a.body); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// fileAll has every client file its queue, one application after another.
func fileAll(windows []*window, queues []queue) ([]time.Duration, time.Duration, error) {
	times := make([][]time.Duration, len(queues))
	began := time.Now()
	err := together(len(queues), func(i int) error {
		defer windows[i].close()
		for _, a := range queues[i].timed {
			_, took, err := windows[i].file(a.body)
			if err != nil {
				return err
			}
			times[i] = append(times[i], took)
		}
		return nil
	})
	seconds := time.Since(began)
	var all []time.Duration
	for _, t := range times {
		all = append(all, t...)
	}
	return all, seconds, err
}

// miscount is the failed check of a benchmark.
func miscount(where string, got, want int) error {
	return fault.New(op, fault.Internal, where, fmt.Sprintf("holds %d records instead of %d", got, want))
}
