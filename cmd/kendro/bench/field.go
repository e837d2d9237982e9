package bench

import (
	"context"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/web/api"
)

// A field is a district for callers, each at a centre of its own: where the
// benchmarks of the hub begin.
type field struct {
	*district.District
	corpus  *corpus
	centres []string
}

// settle founds a district that has room for the callers, none of whom is there yet.
// Whoever gets it kills it.
func (o options) settle(ctx context.Context, site string) (*field, error) {
	c, err := newCorpus(o.payload, time.Now())
	if err != nil {
		return nil, err
	}
	centres, err := c.centres(o.nodes)
	if err != nil {
		return nil, err
	}
	d, err := o.found(ctx, site, nil)
	if err != nil {
		return nil, err
	}
	return &field{District: d, corpus: c, centres: centres}, nil
}

// enrol makes a caller of a centre.
func (f *field) enrol(ctx context.Context, centre string) (*caller, error) {
	token, err := f.Token(ctx, api.TokenRequest{Centre: centre, TTL: "1h"})
	if err != nil {
		return nil, err
	}
	return enrolCaller(ctx, token)
}

// gather enrols the callers and seals what they will send. size is the mean of an
// event's bytes.
func (f *field) gather(ctx context.Context, o options) (callers []*caller, size float64, err error) {
	sum := 0
	for i, centre := range f.centres {
		w, err := f.enrol(ctx, centre)
		if err != nil {
			return callers, 0, err
		}
		w.pause = o.pause
		callers = append(callers, w)
		n, err := w.prepare(f.corpus, i*o.records, share(o.records, o.nodes, i), o.batch)
		if err != nil {
			return callers, 0, err
		}
		sum += n
	}
	return callers, round(float64(sum) / float64(o.records)), nil
}

// crowd enrols a caller for each centre and gives it as many ports as wished, which
// are so many boxes to the server's transport.
func (f *field) crowd(ctx context.Context, each int) (callers []*caller, err error) {
	for _, centre := range f.centres {
		first, err := f.enrol(ctx, centre)
		if err != nil {
			return callers, err
		}
		callers = append(callers, first)
		for range each - 1 {
			twin, err := first.twin()
			if err != nil {
				return callers, err
			}
			callers = append(callers, twin)
		}
	}
	return callers, nil
}
