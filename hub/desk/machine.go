package desk

import (
	"context"
	"math"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kendro/domain/access"
	"kendro/hub/register"
	"kendro/replication/link"
	"kendro/web/api"
)

func (s *Server) machineRoutes() {
	get := func(path, id, summary string) api.Route {
		return api.Route{Method: http.MethodGet, Path: path, ID: id, Summary: summary}
	}
	status, members := get("/v1/status", "status", "How this server and its register are"), get("/v1/members", "members", "The hub's servers")
	status.Act, members.Act = access.ReadStatus, access.ReadStatus
	api.Register(s.api, status, func(context.Context, *struct{}) (*statusOutput, error) {
		return &statusOutput{Body: s.status()}, nil
	})
	api.Register(s.api, members, func(context.Context, *struct{}) (*membersOutput, error) {
		return &membersOutput{Body: api.MemberList{Members: s.status().Members}}, nil
	})
	releaseDesk{s}.routes()
	backupRoutes(s)
	health, ready, metrics := get("/healthz", "health", "It runs"), get("/readyz", "ready", "It can serve"), get("/metrics", "metrics", "Prometheus")
	health.Public, ready.Public, metrics.Act, metrics.Media = true, true, access.ReadMetrics, "text/plain"
	s.api.Raw(health, nil, api.Health{}, func(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
		api.WriteJSON(w, http.StatusOK, api.Health{Status: "ok"})
	})
	s.api.Raw(ready, nil, api.Health{}, s.ready)
	s.api.Raw(metrics, nil, nil, func(w http.ResponseWriter, r *http.Request, _ api.Caller) { s.gauges.handler.ServeHTTP(w, r) })
}

type statusOutput struct {
	Body api.HubStatus
}

type membersOutput struct {
	Body api.MemberList
}

// ready says whether desks and tracking can be served here now.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
	h := api.Health{Status: "ok"}
	status := s.status()
	if s.hub.Register().Set() == nil {
		h.Reasons = append(h.Reasons, "no catalogue yet")
	}
	if status.Replaying {
		h.Reasons = append(h.Reasons, "the log is still being read: what is not found here may be there")
	}
	if status.Leader == "" {
		h.Reasons = append(h.Reasons, "no leader: reads only")
	}
	if len(h.Reasons) > 0 {
		h.Status = "not_ready"
		api.WriteJSON(w, http.StatusServiceUnavailable, h)
		return
	}
	api.WriteJSON(w, http.StatusOK, h)
}

// gauges are what a hub's HTTP tells Prometheus, in a registry of its own.
type gauges struct {
	unrecorded prometheus.Counter
	calls      *prometheus.CounterVec // By what was told.
	handler    http.Handler
}

func newGauges(s *Server, traffic func(link.Purpose) (out, in uint64)) *gauges {
	reg := prometheus.NewRegistry()
	g := &gauges{unrecorded: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "kendro_reads_unrecorded_total", Help: "Cases shown while no leader could record the look.",
	})}
	g.calls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kendro_phone_calls_total", Help: "Calls that the phone desk answered here, by what was told: a stage, that there is no such number, or a search without one.",
	}, []string{"told"})
	reg.MustRegister(g.unrecorded, g.calls)
	for name, m := range map[string]struct {
		help string
		read func(register.Stats) uint64
	}{
		"kendro_accepted_events_total":    {"Events of uplinks in the register.", func(x register.Stats) uint64 { return x.Accepted }},
		"kendro_cases":                    {"Cases in the register.", func(x register.Stats) uint64 { return x.Cases }},
		"kendro_held":                     {"Cases that stand aside for a person.", func(x register.Stats) uint64 { return x.Held }},
		"kendro_unreadable_events_total":  {"Events that name no case.", func(x register.Stats) uint64 { return x.Unreadable }},
		"kendro_quarantined_events_total": {"Events in blocks that could not be opened.", func(x register.Stats) uint64 { return x.Quarantined }},
		"kendro_unrouted":                 {"Cases that wait for a desk to exist.", func(x register.Stats) uint64 { return x.Unrouted }},
		"kendro_aliases_total":            {"Receive numbers that were given twice.", func(x register.Stats) uint64 { return x.Aliases }},
		"kendro_forks_total":              {"Logs frozen because of a fork.", func(x register.Stats) uint64 { return x.Forks }},
		"kendro_acts_total":               {"Acts of officers.", func(x register.Stats) uint64 { return x.Acts }},
		"kendro_looks_total":              {"Recorded reads of cases.", func(x register.Stats) uint64 { return x.Looks }},
	} {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: m.help}, func() float64 {
			return float64(m.read(s.hub.Register().Stats()))
		}))
	}
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kendro_register_index", Help: "Newest applied entry."}, func() float64 {
		return float64(s.hub.Register().Applied())
	}))
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kendro_catalogue_base_blocked", Help: "Edition of a national base that the district's overlay keeps out; 0 while there is none.",
	}, func() float64 {
		b, err := s.hub.Register().Blocked()
		if err != nil {
			return math.NaN()
		}
		if b == nil {
			return 0
		}
		return float64(b.Edition)
	}))
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kendro_silent_drops", Help: "Events that boxes have sent and nothing came of, by the counts of both sides. Anything but 0 is a defect: tell us.",
	}, func() float64 {
		n, err := s.hub.Register().SilentDrops()
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	}))
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kendro_untold_words", Help: "What the register had to tell centres and was too long for an event. Anything but 0 is a defect: tell us.",
	}, func() float64 { return float64(s.hub.Register().Stats().Untold) }))
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kendro_recount_differs", Help: "Places that the metric cells tell otherwise than the cases, by last night's count. Anything but 0 is a defect: tell us.",
	}, func() float64 {
		if c := s.status().Recount; c != nil {
			return float64(c.Differ)
		}
		return 0
	}))
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kendro_clock_off_seconds", Help: "Seconds that the time of the group's servers is ahead of this one's own clock, where they are more than ten minutes apart. Anything but 0: set this server's clock right.",
	}, func() float64 { return float64(s.status().ClockOff) }))
	reg.MustRegister(newConnectorGauges(s))
	if traffic != nil {
		reg.MustRegister(wireBytes(traffic)...)
	}
	g.handler = promhttp.HandlerFor(reg, promhttp.HandlerOpts{})
	return g
}

// wireBytes are the bytes that went over the network, by what they were for.
func wireBytes(traffic func(link.Purpose) (out, in uint64)) (list []prometheus.Collector) {
	for _, p := range link.Purposes() {
		for direction, pick := range map[string]func(out, in uint64) uint64{
			"out": func(out, _ uint64) uint64 { return out },
			"in":  func(_, in uint64) uint64 { return in },
		} {
			list = append(list, prometheus.NewCounterFunc(prometheus.CounterOpts{
				Name: "kendro_wire_bytes_total", Help: "Bytes on the network, by purpose and direction.",
				ConstLabels: prometheus.Labels{"purpose": p.String(), "direction": direction},
			}, func() float64 { return float64(pick(traffic(p))) }))
		}
	}
	return list
}
