package bench

import (
	"context"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/replication/link"
)

// runIngest has callers send sealed blocks, and measures how long the hub takes
// to acknowledge them.
func runIngest(ctx context.Context, o options, site string) (*result, error) {
	f, err := o.settle(ctx, site)
	if err != nil {
		return nil, err
	}
	d := f.District
	defer d.Kill()
	callers, size, err := f.gather(ctx, o)
	if err != nil {
		return nil, err
	}
	defer closeAll(callers)
	bare, err := bareSync(site)
	if err != nil {
		return nil, err
	}
	r, err := play(ctx, d, callers, o)
	if err != nil {
		return nil, err
	}
	r.Fsync, r.Payload = micros(bare), size
	closeAll(callers)
	_, err = registers(ctx, d, o.records, r)
	return r, err
}

func closeAll(callers []*caller) {
	for _, c := range callers {
		c.close()
	}
}

// play opens a session for each caller, spread over the servers, lets them begin
// together, and waits until everything is acknowledged.
func play(ctx context.Context, d *district.District, callers []*caller, o options) (*result, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	window := 1
	if o.batch > 1 {
		window = sideBySide
	}
	failed := make(chan error, 1)
	running := make(chan struct{})
	go func() {
		defer close(running)
		failed <- together(len(callers), func(i int) error {
			return callers[i].run(ctx, d.Servers[i%len(d.Servers)].Ports.QUIC, link.Window(window))
		})
	}()
	defer func() { stop(); <-running }()
	if err := await(ctx, callers, failed, (*caller).connected); err != nil {
		return nil, err
	}
	before, err := work(d)
	if err != nil {
		return nil, err
	}
	out, in := moved(callers)
	carriedBefore := spoken(callers)
	began := time.Now()
	for _, c := range callers {
		c.begin()
	}
	if err := await(ctx, callers, failed, (*caller).finished); err != nil {
		return nil, err
	}
	seconds := time.Since(began)
	after, err := work(d)
	if err != nil {
		return nil, err
	}
	outNow, inNow := moved(callers)
	spent := spoken(callers).since(carriedBefore)
	r := &result{Seconds: seconds.Seconds(), carried: carried{BytesOut: outNow - out, BytesIn: inNow - in, Purposes: spent.purposes}}
	r.CPU = round(float64((after - before).Microseconds()) / float64(o.records*o.servers))
	r.BytesPer = round(float64(r.BytesOut+r.BytesIn) / float64(o.records))
	var took []time.Duration
	for _, c := range callers {
		took = append(took, c.took...)
		r.Fresh += c.sessions
	}
	r.P50, r.P99 = micros(percentile(took, 50)), micros(percentile(took, 99))
	return r, nil
}

// await waits until each caller has come to a point.
func await(ctx context.Context, callers []*caller, failed <-chan error, point func(*caller) <-chan struct{}) error {
	for _, c := range callers {
		select {
		case <-point(c):
		case err := <-failed:
			if err == nil {
				err = fault.New(op, fault.Internal, "callers", "ended before their work was done")
			}
			return err
		case <-ctx.Done():
			return fault.Wrap(op, fault.Unavailable, c.centre+" does not get its answer", ctx.Err())
		}
	}
	return nil
}

// work sums up how long the servers have worked.
func work(d *district.District) (sum time.Duration, err error) {
	for _, p := range d.Servers {
		t, err := cpuTime(p.PID())
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}

func moved(callers []*caller) (out, in uint64) {
	for _, c := range callers {
		o, i := c.endpoint.Metered()
		out, in = out+o, in+i
	}
	return out, in
}

// spoken sums up what the callers' streams have carried, by purpose.
func spoken(callers []*caller) wire {
	w := wire{purposes: map[string]uint64{}}
	for _, c := range callers {
		for _, p := range link.Purposes() {
			out, in := c.endpoint.Traffic(p)
			w.purposes[p.String()] += out + in
		}
	}
	return w
}
