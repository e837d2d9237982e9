package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// An outage is nodes with a backlog and a hub that is gone.
type outage struct {
	*district.District
	logins []district.Login
	filed  [][]slip // At each node, in some order.
	size   float64  // Mean size of an application.
}

// A slip is what a citizen has in hand.
type slip struct {
	number protocol.Number
	seq    uint64
}

// runSync lets nodes file while the hub is gone, brings it back, and measures
// how long the nodes need and what they send until all is settled.
func runSync(ctx context.Context, o options, site string) (*result, error) {
	if len(o.stored) > 0 {
		return runStored(ctx, o, site)
	}
	c, out, err := o.outage(ctx, site)
	if err != nil {
		return nil, err
	}
	defer out.Kill()
	if err := out.begin(ctx, c, o); err != nil {
		return nil, err
	}
	if o.neighbours {
		if err := out.copied(ctx); err != nil {
			return nil, err
		}
	}
	r, err := out.end(ctx)
	if err != nil {
		return nil, err
	}
	r.Payload = out.size
	r.BytesPer = round(float64(r.BytesIn+r.BytesOut) / float64(o.records))
	return r, out.verify(ctx, o.records, r)
}

// outage founds the district of an outage, in which nothing is filed yet.
func (o options) outage(ctx context.Context, site string) (*corpus, *outage, error) {
	c, err := newCorpus(o.payload, time.Now())
	if err != nil {
		return nil, nil, err
	}
	choose := c.scattered
	if o.neighbours {
		choose = c.centres
	}
	centres, err := choose(o.nodes)
	if err != nil {
		return nil, nil, err
	}
	d, err := o.found(ctx, site, centres)
	if err != nil {
		return nil, nil, err
	}
	out := &outage{District: d}
	if out.logins, err = d.AddEntrepreneurs(ctx); err != nil {
		d.Kill()
		return nil, nil, err
	}
	return c, out, nil
}

// begin kills the servers and fills the nodes.
func (o *outage) begin(ctx context.Context, c *corpus, opt options) error {
	for _, p := range o.Servers {
		p.Kill()
	}
	sum, err := o.file(ctx, c, lot{records: opt.records, clients: opt.batch})
	o.size = round(float64(sum) / float64(opt.records))
	return err
}

// A lot is so many applications, the first drawn with number first, and the clients
// at each node that file them.
type lot struct{ first, records, clients int }

// file files a lot, evenly at all nodes, in place of what was filed before, and
// returns the size of its events.
func (o *outage) file(ctx context.Context, c *corpus, l lot) (int, error) {
	o.filed = make([][]slip, len(o.Nodes))
	sizes := make([]int, len(o.Nodes))
	err := together(len(o.Nodes), func(i int) error {
		n := share(l.records, len(o.Nodes), i)
		parts := make([][]slip, l.clients)
		sums := make([]int, l.clients)
		err := together(l.clients, func(j int) (err error) {
			parts[j], sums[j], err = o.fill(ctx, c, i, l.first+i*l.records+j*n, share(n, l.clients, j))
			return err
		})
		for j := range parts {
			o.filed[i] = append(o.filed[i], parts[j]...)
			sizes[i] += sums[j]
		}
		return err
	})
	sum := 0
	for _, s := range sizes {
		sum += s
	}
	return sum, err
}

// copied waits until two neighbours hold all that was filed.
func (o *outage) copied(ctx context.Context) error {
	for _, n := range o.Nodes {
		kept := func() bool {
			s, err := n.Sync(ctx)
			if err != nil {
				return false
			}
			whole := 0
			for _, p := range s.Peers {
				for log, at := range s.Heads {
					if strings.HasPrefix(log, "uplink/") && p.Copies >= at.Seq {
						whole++
					}
				}
			}
			return whole >= 2
		}
		if err := district.Poll(ctx, kept); err != nil {
			return fault.Wrap(op, fault.Unavailable, n.Name+" gets no copies", err)
		}
	}
	return nil
}

// fill files n applications at a node, the first drawn with number first.
func (o *outage) fill(ctx context.Context, c *corpus, node, first, n int) (slips []slip, sum int, err error) {
	p := o.Nodes[node]
	token, err := p.SignIn(ctx, o.logins[node])
	if err != nil {
		return nil, 0, err
	}
	w, err := openWindow(ctx, p.Ports.HTTP, token)
	if err != nil {
		return nil, 0, err
	}
	defer w.close()
	for i := range n {
		a, err := c.draw(p.Centre, first+i)
		if err != nil {
			return nil, 0, err
		}
		raw, _, err := w.file(a.body)
		if err != nil {
			return nil, 0, err
		}
		var answer api.ApplicationAnswer
		if err := json.Unmarshal(raw, &answer); err != nil {
			return nil, 0, fault.Wrap(op, fault.Internal, p.Name, err)
		}
		slips, sum = append(slips, slip{answer.Number, answer.Receipt.Seq}), sum+a.encoded
	}
	return slips, sum, nil
}

// end starts the servers and waits until the nodes have nothing left to tell.
func (o *outage) end(ctx context.Context) (*result, error) {
	before, err := o.metered(ctx)
	if err != nil {
		return nil, err
	}
	started := time.Now()
	if err := district.StartAll(ctx, o.Servers); err != nil {
		return nil, err
	}
	ready := time.Now()
	if err := o.settle(ctx); err != nil {
		return nil, err
	}
	done := time.Now()
	after, err := o.metered(ctx)
	spent := after.since(before)
	return &result{
		Seconds: round(done.Sub(ready).Seconds()), Catching: round(done.Sub(started).Seconds()),
		carried: carried{BytesOut: spent.out, BytesIn: spent.in, Purposes: spent.purposes},
	}, err
}

// settle waits until all that was filed last is settled.
func (o *outage) settle(ctx context.Context) error {
	for i, n := range o.Nodes {
		if len(o.filed[i]) == 0 {
			continue
		}
		last := slices.MaxFunc(o.filed[i], func(a, b slip) int { return cmp.Compare(a.seq, b.seq) })
		if err := district.Poll(ctx, func() bool { return settled(ctx, n, last.number) }); err != nil {
			return fault.Wrap(op, fault.Unavailable, n.Name+" does not catch up", err)
		}
	}
	return nil
}

// settled reports whether a node's log is acknowledged and its last application
// ACCEPTED: acceptance comes in the order of the log.
func settled(ctx context.Context, n *district.Node, last protocol.Number) bool {
	s, err := n.Sync(ctx)
	if err != nil || s.Backlog > 0 {
		return false
	}
	t, err := track(ctx, n.Process, last)
	return err == nil && t.Custody == api.Accepted
}

func track(ctx context.Context, p *district.Process, n protocol.Number) (t api.Tracking, err error) {
	c := api.NewLocalClient(p.Dir)
	defer c.Close()
	return t, c.Do(ctx, api.Call{Path: "/v1/track/" + n.String(), Out: &t})
}
