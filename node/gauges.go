package node

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"kendro/domain/fault"
	"kendro/replication/link"
)

// gauges registers what an operator watches.
func (n *Node) gauges(r *prometheus.Registry) error {
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
	}
	list := []prometheus.Collector{
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		gauge("kendro_log_events", "Events in the box's own log.", func() float64 { return float64(n.box.Head().At.Seq) }),
		gauge("kendro_acknowledged_events", "Events of it that a hub has signed for.", func() float64 { return float64(n.box.Acknowledged().Seq) }),
		gauge("kendro_last_contact_seconds", "When the hub was last heard of, Unix time.", func() float64 { return float64(n.box.LastContact()) / 1000 }),
		gauge("kendro_blockers", "Things that stand in the box's way.", func() float64 { return float64(len(n.box.Blockers().List())) }),
		gauge("kendro_catalogue_release", "Number of the release in force.", func() float64 {
			if goods := n.box.Goods(); goods != nil {
				return float64(goods.Set.Release.Number)
			}
			return 0
		}),
		gauge("kendro_certificate_expires_seconds", "End of the session certificate, Unix time.", func() float64 { return float64(n.expires().Unix()) }),
		gauge("kendro_neighbours", "Neighbours that gossip knows.", func() float64 { return float64(len(n.neighbours.peers())) }),
		gauge("kendro_held_logs", "Neighbours' logs of which sealed blocks are kept here.", func() float64 { n, _ := n.exchange.held.Usage(); return float64(n) }),
		gauge("kendro_held_bytes", "Bytes of those blocks.", func() float64 { _, bytes := n.exchange.held.Usage(); return float64(bytes) }),
		gauge("kendro_keepers", "Neighbours that hold the whole own log as far as no hub has signed for it.", func() float64 { return float64(n.box.Copies()) }),
		gauge("kendro_quic_sent_bytes", "UDP payload sent.", func() float64 { out, _ := n.link.Metered(); return float64(out) }),
		gauge("kendro_quic_received_bytes", "UDP payload received.", func() float64 { _, in := n.link.Metered(); return float64(in) }),
	}
	for _, c := range append(list, n.wireBytes()...) {
		if err := r.Register(c); err != nil {
			return fault.Wrap("node.Open", fault.Internal, "metrics", err)
		}
	}
	return nil
}

// wireBytes are the bytes that went over the network, by what they were for.
func (n *Node) wireBytes() (list []prometheus.Collector) {
	add := func(purpose string, read func() (out, in uint64)) {
		for direction, pick := range map[string]func() uint64{
			"out": func() uint64 { out, _ := read(); return out },
			"in":  func() uint64 { _, in := read(); return in },
		} {
			list = append(list, prometheus.NewCounterFunc(prometheus.CounterOpts{
				Name: "kendro_wire_bytes_total", Help: "Bytes on the network, by purpose and direction.",
				ConstLabels: prometheus.Labels{"purpose": purpose, "direction": direction},
			}, func() float64 { return float64(pick()) }))
		}
	}
	for _, p := range link.Purposes() {
		add(p.String(), func() (uint64, uint64) { return n.link.Traffic(p) })
	}
	add("gossip", func() (uint64, uint64) { return n.neighbours.meter.Out.Load(), n.neighbours.meter.In.Load() })
	add("beacon", func() (uint64, uint64) { return n.neighbours.called.Out.Load(), n.neighbours.called.In.Load() })
	return list
}
