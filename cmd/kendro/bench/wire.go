package bench

import (
	"context"
	"strings"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/web/api"
)

// wire is what machines have sent and received since they started.
type wire struct {
	out, in  uint64            // UDP payload at the sockets.
	purposes map[string]uint64 // The same by purpose, both directions.
}

// metered sums up what the sockets of the nodes have sent and received.
func (o *outage) metered(ctx context.Context) (w wire, err error) {
	w.purposes = map[string]uint64{}
	for _, n := range o.Nodes {
		text, err := metrics(ctx, n.Process)
		if err != nil {
			return w, err
		}
		if err := w.add(text); err != nil {
			return w, err
		}
	}
	return w, nil
}

// add reads one machine's metrics.
func (w *wire) add(text string) error {
	sent, err := parseMetric(text, "kendro_quic_sent_bytes")
	if err != nil {
		return err
	}
	received, err := parseMetric(text, "kendro_quic_received_bytes")
	if err != nil {
		return err
	}
	w.out, w.in = w.out+uint64(sent), w.in+uint64(received)
	const prefix = `kendro_wire_bytes_total{direction="`
	found := false
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, prefix)
		_, rest, cut := strings.Cut(rest, `",purpose="`)
		purpose, _, named := strings.Cut(rest, `"`)
		if !ok || !cut || !named {
			continue
		}
		n, err := parseMetric(line, strings.Fields(line)[0])
		if err != nil {
			return err
		}
		w.purposes[purpose] += uint64(n)
		found = true
	}
	if !found {
		return fault.New(op, fault.Internal, "kendro_wire_bytes_total", "is not among the metrics")
	}
	return nil
}

// since is what was spent after an earlier reading.
func (w wire) since(before wire) wire {
	out := wire{out: w.out - before.out, in: w.in - before.in, purposes: map[string]uint64{}}
	for p, n := range w.purposes {
		if spent := n - min(n, before.purposes[p]); spent > 0 {
			out.purposes[p] = spent
		}
	}
	return out
}

func metrics(ctx context.Context, p *district.Process) (string, error) {
	c := api.NewLocalClient(p.Dir)
	defer c.Close()
	var text []byte
	err := c.Do(ctx, api.Call{Path: "/metrics", Out: &text})
	return string(text), err
}
