package desk

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"kendro/domain/access"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/web/api"
)

// awaitedDesk shows what waits for other authorities' registers, and why.
type awaitedDesk struct{ *Server }

func (s awaitedDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: api.AwaitedPath, ID: "awaited", Act: access.ReadAwaited,
		Summary: "What waits for other authorities' registers, since when, and what stands in the way; the cases are those of the reader's office or area",
	}, s.list)
}

const (
	shownAwaited  = 200
	lookedAwaited = 5000 // Cases that one call reads, to find those.
)

type awaitedOutput struct {
	Body api.AwaitedList
}

func (s awaitedDesk) list(ctx context.Context, _ *struct{}) (*awaitedOutput, error) {
	s.hub.Fresh(ctx)
	who := api.CallerOf(ctx).Principal
	reg, status := s.hub.Register(), s.status()
	out := &awaitedOutput{Body: api.AwaitedList{Server: status.Server, Leader: status.Leader, Cases: []api.AwaitedCase{}}}
	b := &out.Body
	var err error
	if b.Registers, err = queued(reg, status.Connectors); err != nil {
		return nil, err
	}
	if access.ScopeOf(who.Role, access.ReadStatus) == access.Never {
		for i := range b.Registers {
			b.Registers[i].Host, b.Registers[i].Text = "", ""
		}
	}
	if access.ScopeOf(who.Role, access.ListTasks) == access.Never {
		return out, nil
	}
	looked := 0
	return out, reg.Awaiting(func(a register.Awaited) (bool, error) {
		if looked++; looked > lookedAwaited || len(b.Cases) == shownAwaited {
			b.More = true
			return false, nil
		}
		c, err := reg.Case(a.Number)
		if err != nil {
			return false, err
		}
		if on := reg.Resource(c); access.May(who, access.ListTasks, on) == nil && !on.Closed {
			b.Cases = append(b.Cases, s.awaited(reg, c, a))
		}
		return true, nil
	})
}

func (s awaitedDesk) awaited(reg *register.Register, c *register.Case, a register.Awaited) api.AwaitedCase {
	out := api.AwaitedCase{
		Number: c.Number, Service: serviceRef(reg.Set(), c.Service, int(c.Edition)), Connector: a.Connector, Since: api.Millis(a.Since),
		Seat: c.State.Seat.String(), Holder: c.State.Holder,
	}
	if s.tried == nil {
		return out
	}
	t, ok := s.tried(a.Connector, a.Number)
	if !ok {
		return out
	}
	at := api.TimeOf(t.At)
	out.Tries, out.Asked, out.Said = t.Times, &at, string(t.Trouble)
	if t.Pending {
		out.Said = "pending"
	}
	return out
}

// queued adds to what a server knows of other registers what waits for them, and those
// that only services name.
func queued(reg *register.Register, known []api.ConnectorStatus) ([]api.ConnectorStatus, error) {
	list := slices.Clone(known)
	at := map[string]int{}
	for i, c := range list {
		at[c.Name] = i
	}
	err := reg.Awaiting(func(a register.Awaited) (bool, error) {
		i, ok := at[a.Connector]
		if !ok {
			i, at[a.Connector] = len(list), len(list)
			list = append(list, api.ConnectorStatus{Name: a.Connector})
		}
		if list[i].Waiting++; list[i].Oldest == nil {
			since := api.Millis(a.Since)
			list[i].Oldest = &since
		}
		return true, nil
	})
	slices.SortFunc(list, func(x, y api.ConnectorStatus) int { return cmp.Compare(x.Name, y.Name) })
	if list == nil {
		list = []api.ConnectorStatus{}
	}
	return list, err
}

// connectorOf puts what a server has seen of another register into the API's words.
func connectorOf(s *hub.ConnectorState) api.ConnectorStatus {
	out := api.ConnectorStatus{Name: s.Name, Set: true, Host: s.Host, Trouble: string(s.Trouble), Text: s.Text, Answered: s.Answered}
	if s.Trouble != "" {
		since, again := api.TimeOf(s.Since), api.TimeOf(s.Again)
		out.Since, out.Again = &since, &again
	}
	for what, n := range s.Failures {
		if out.Failures == nil {
			out.Failures = map[string]uint64{}
		}
		out.Failures[string(what)] = n
	}
	return out
}

// connectorGauges tell Prometheus of the queues, as they are when it asks.
type connectorGauges struct {
	*Server
	waiting, oldest, failures, answered *prometheus.Desc
}

func newConnectorGauges(s *Server) *connectorGauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("kendro_connector_"+name, help, append([]string{"connector"}, labels...), nil)
	}
	return &connectorGauges{
		s,
		desc("waiting", "Cases that wait for another authority's register."),
		desc("oldest_seconds", "How long the first of them has waited; 0 where none does."),
		desc("failures_total", "Calls to it without an answer, by what stood in the way. Only who leads calls.", "trouble"),
		desc("answered_total", "Cases about which it answered."),
	}
}

// Describe implements [prometheus.Collector].
func (g *connectorGauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.waiting, g.oldest, g.failures, g.answered} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (g *connectorGauges) Collect(to chan<- prometheus.Metric) {
	list, err := queued(g.hub.Register(), g.status().Connectors)
	if err != nil {
		to <- prometheus.NewInvalidMetric(g.waiting, err)
		return
	}
	tell := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	now := g.clock()
	for _, c := range list {
		age := 0.0
		if c.Oldest != nil {
			age = max(0, now.Sub(c.Oldest.Time).Seconds())
		}
		tell(g.waiting, prometheus.GaugeValue, float64(c.Waiting), c.Name)
		tell(g.oldest, prometheus.GaugeValue, age, c.Name)
		tell(g.answered, prometheus.CounterValue, float64(c.Answered), c.Name)
		for what, n := range c.Failures {
			tell(g.failures, prometheus.CounterValue, float64(n), c.Name, what)
		}
	}
}
