package bench

import (
	"context"
	"time"

	"kendro/cmd/kendro/district"
)

// compared is what the same count of new records costs where more and more is stored.
type compared struct {
	Stores []stored `json:"stores,omitempty"`
	Spread float64  `json:"dearest_to_cheapest,omitempty"` // By bytes.
}

// stored is what new records cost beside so many that were acknowledged before.
type stored struct {
	Stored   int               `json:"stored"`
	Bytes    uint64            `json:"bytes"` // Both directions, since the boxes started.
	BytesPer float64           `json:"bytes_per_record"`
	Purposes map[string]uint64 `json:"bytes_by_purpose"`
	Seconds  float64           `json:"seconds"` // Since the boxes served, until all was settled.
	Filling  float64           `json:"filling_seconds"`
}

// runStored fills boxes and servers with acknowledged records up to each of the
// wished numbers, and measures each time what new ones cost: they are filed while
// there is no hub, and sent after a power cut of everything, so that no session, no
// position and no key is left from before.
func runStored(ctx context.Context, o options, site string) (*result, error) {
	c, out, err := o.outage(ctx, site)
	if err != nil {
		return nil, err
	}
	defer out.Kill()
	old := *c
	old.wished = 0 // Forms as they come: they are drawn sooner.
	r, has, next := &result{}, 0, 0
	for _, n := range o.stored {
		began := time.Now()
		l := lot{first: next, records: n - has, clients: o.batch}
		if _, err := out.file(ctx, &old, l); err != nil {
			return nil, err
		}
		if err := out.settle(ctx); err != nil {
			return nil, err
		}
		next += l.records * o.nodes
		s := stored{Stored: n, Filling: round(time.Since(began).Seconds())}
		if err := out.fresh(ctx, c, lot{first: next, records: o.records, clients: 1}, &s); err != nil {
			return nil, err
		}
		next += o.records * o.nodes
		has = n + o.records
		r.Stores, r.Seconds, r.BytesPer = append(r.Stores, s), s.Seconds, s.BytesPer
	}
	r.Spread, r.Payload = spread(r.Stores), out.size
	return r, out.verify(ctx, has, r)
}

// fresh files new records without a hub, cuts the power of everything, and measures
// what the boxes send and receive once there is a hub again.
func (o *outage) fresh(ctx context.Context, c *corpus, l lot, s *stored) error {
	for _, p := range o.Servers {
		p.Kill()
	}
	sum, err := o.file(ctx, c, l)
	if err != nil {
		return err
	}
	o.size = round(float64(sum) / float64(l.records))
	for _, n := range o.Nodes {
		n.Kill()
	}
	if err := district.StartAll(ctx, o.Servers); err != nil {
		return err
	}
	if err := district.Poll(ctx, func() bool { return o.Leader(ctx) != nil }); err != nil {
		return err
	}
	if _, err := o.Agree(ctx); err != nil { // On what the new leader wrote, too.
		return err
	}
	if err := o.Start(ctx); err != nil {
		return err
	}
	ready := time.Now()
	if err := o.settle(ctx); err != nil {
		return err
	}
	s.Seconds = round(time.Since(ready).Seconds())
	w, err := o.metered(ctx)
	s.Bytes, s.Purposes = w.out+w.in, w.purposes
	s.BytesPer = round(float64(s.Bytes) / float64(l.records))
	return err
}

// spread compares the dearest store with the cheapest.
func spread(stores []stored) float64 {
	least, most := stores[0].Bytes, stores[0].Bytes
	for _, s := range stores {
		least, most = min(least, s.Bytes), max(most, s.Bytes)
	}
	return round(float64(most) / float64(least))
}
