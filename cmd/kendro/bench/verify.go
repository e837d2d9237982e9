package bench

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// verify makes sure that every application that was filed last stands at its node as
// ACCEPTED, with a proof that holds, and all records in every register once; and reckons what the same
// events come to under plain compression.
func (o *outage) verify(ctx context.Context, records int, r *result) error {
	events := make([][][]byte, len(o.Nodes))
	err := together(len(o.Nodes), func(i int) (err error) {
		events[i], err = o.proofs(ctx, i)
		return err
	})
	if err != nil {
		return err
	}
	var all [][]byte
	for _, e := range events {
		all = append(all, e...)
	}
	zipped, err := zstd3(all)
	if err != nil {
		return err
	}
	r.Zstd = round(float64(zipped) / float64(len(all)))
	_, err = registers(ctx, o.District, records, r)
	return err
}

// proofs reads back what a node has in its journal of each application that was
// filed last, in the order of its log.
func (o *outage) proofs(ctx context.Context, node int) ([][]byte, error) {
	n := o.Nodes[node]
	token, err := n.SignIn(ctx, o.logins[node])
	if err != nil {
		return nil, err
	}
	c, err := api.NewClient(n.URL(), token, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	events := make([][]byte, len(o.filed[node]))
	if len(events) == 0 {
		return nil, nil
	}
	before := slices.MinFunc(o.filed[node], func(a, b slip) int { return cmp.Compare(a.seq, b.seq) }).seq - 1
	for _, s := range o.filed[node] {
		var p api.Proof
		if err := c.Do(ctx, api.Call{Path: "/v1/receipts/" + s.number.String() + "/proof", Out: &p}); err != nil {
			return nil, err
		}
		receipt := protocol.Receipt{Log: p.Log, At: protocol.Position{Seq: p.Seq, Hash: p.Hash}, Signature: p.Signature}
		if s.seq != p.Seq || p.Seq-before > uint64(len(events)) || protocol.ChainHash(p.Log, p.Seq, p.Prev, p.Event) != p.Hash || !receipt.Verify(p.Signer) {
			return nil, fault.New(op, fault.Internal, s.number.String(), "the proof of its receipt does not hold")
		}
		events[p.Seq-before-1] = p.Event
		var t api.Tracking
		if err := c.Do(ctx, api.Call{Path: "/v1/track/" + s.number.String(), Out: &t}); err != nil {
			return nil, err
		}
		if t.Custody != api.Accepted || t.Stage != "RECEIVED" {
			return nil, fault.New(op, fault.Internal, s.number.String(), "is "+string(t.Custody)+" and "+t.Stage+" instead of ACCEPTED and RECEIVED")
		}
	}
	return events, nil
}

// registers waits until the servers agree, kills them, and reads every register
// back from its disk: the same digest, and each record once. It returns the cases.
func registers(ctx context.Context, d *district.District, records int, r *result) ([]district.Case, error) {
	mark, err := d.Agree(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range d.Servers {
		p.Kill() // Draining, a leader would hand over and the next propose.
	}
	var first district.Export
	for i, p := range d.Servers {
		e, err := d.Export(ctx, p)
		if err != nil {
			return nil, err
		}
		if err := once(p.Name, e.Cases, records); err != nil {
			return nil, err
		}
		if i == 0 {
			first = e
		}
		if e.Index != first.Index || e.Digest != first.Digest {
			return nil, fault.New(op, fault.Internal, p.Name, "its register is another one than the first server's")
		}
	}
	r.Digest, r.ServersHold = mark.Hash, len(first.Cases)
	return first.Cases, nil
}

// once checks that the cases are so many, each number and each place in a log
// but once.
func once(server string, cases []district.Case, records int) error {
	numbers, places := map[protocol.Number]bool{}, map[string]bool{}
	for _, c := range cases {
		place := c.Log + " " + strconv.FormatUint(c.Seq, 10)
		if numbers[c.Number] || places[place] {
			return fault.New(op, fault.Internal, server, c.Number.String()+" is in the register twice")
		}
		numbers[c.Number], places[place] = true, true
	}
	if len(cases) != records {
		return miscount(server, len(cases), records)
	}
	return nil
}
