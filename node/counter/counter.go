// Package counter is the HTTP of a node: the calls of the contract, and the
// counter's pages on top of them.
//
// Enter at [New], which makes the handler for the network, the pages included,
// and, wrapped in api.Control, for the operator's socket. [Doors] signs people
// in against the box's own logins.
//
// The package refuses to keep anything: what it answers is asked of the box at
// that moment. Where another centre's case stands it asks through what [Options] has.
package counter

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web"
	"kendro/web/api"
)

// Options are what the counter is made of.
type Options struct {
	Box     *box.Box
	Doors   *Doors
	Status  func() *api.SyncStatus
	Mail    Mail // For a USB stick.
	Metrics *prometheus.Registry
	// Certificate and Authority (DER) go out with proofs, so that they can be
	// checked by somebody who knows nothing but the district's authority.
	Certificate, Authority []byte
	Signer                 []byte                      // Public key of the box.
	Attest                 func(*protocol.Attestation) // Signs what the code of a certificate says.
	Hub                    Hub                         // Asked about certificates of other unions.
	Elsewhere              Elsewhere                   // Asked about cases of other centres.
	CertificateAge         time.Duration               // How old what is known of a certificate may be; 0 is a week.
	Proxied                bool                        // A declared proxy notes the client's address.
	Version                string
	Clock                  func() time.Time
	Logger                 *slog.Logger
}

// A Hub tells of a certificate that another union issued, to a box that names the last
// digits of its holder's mobile. [fault.Unavailable]: it can't be asked now.
type Hub func(ctx context.Context, number, mobile string) (*protocol.CertificateTold, error)

// An Elsewhere says where a case stands that another centre took, and whether the hub has
// said so just now or had when it was asked before. [fault.NotFound]: no case of the
// district has the number. [fault.Unavailable]: nobody can be asked now.
type Elsewhere func(ctx context.Context, n protocol.Number) (told *protocol.Told, now bool, err error)

// A counter answers.
type counter struct {
	Options
	api     *api.API
	unknown *api.Limiter
	guard   *api.Guard
	codes   *api.Codes
	repeats *api.Repeats[*api.SessionAnswer]
	filed   prometheus.Counter
	refused *prometheus.CounterVec
}

// New returns the counter's handler.
func New(o Options) (*api.API, error) {
	c := &counter{
		Options: o, unknown: api.UnknownNumbers(), guard: api.NewGuard(), codes: api.NewCodes(), repeats: api.NewRepeats[*api.SessionAnswer](),
		filed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kendro_applications_total", Help: "Applications taken in, repeats included.",
		}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kendro_applications_refused_total", Help: "Applications not taken in, by the kind of failure.",
		}, []string{"kind"}),
	}
	if err := o.Metrics.Register(c.filed); err != nil {
		return nil, fault.Wrap("counter.New", fault.Internal, "metrics", err)
	}
	if err := o.Metrics.Register(c.refused); err != nil {
		return nil, fault.Wrap("counter.New", fault.Internal, "metrics", err)
	}
	c.api = api.New(api.Options{
		Title: "Kendro node", Description: "The box of one digital centre: takes applications with no network at all.",
		Version: o.Version, Auth: o.Doors, Logger: o.Logger,
	})
	c.people()
	c.applications()
	followups{c}.routes()
	union{c}.routes()
	asides{c}.routes()
	searches{c}.routes()
	c.documents()
	c.bundles()
	c.citizens()
	c.machine()
	return c.api, web.Counter(c.api, web.House{Set: c.set, Centre: place.Centre(o.Box.Centre()), Clock: o.Clock, Lacks: c.lacks})
}

// set is the catalogue in force, nil before the first.
func (c *counter) set() *dcat.Set {
	if goods := c.Box.Goods(); goods != nil {
		return goods.Set
	}
	return nil
}

// lacks names the trainings that keep a login from taking a service in.
func (c *counter) lacks(user string, v *dcat.Version) []place.Name {
	return c.Box.TrainingNames(c.Box.Lacks(user, v))
}

// own is everything that belongs to this box's centre.
func (c *counter) own() access.Resource {
	return access.Resource{Centre: place.Centre(c.Box.Centre())}
}

// machine adds the calls about the box itself.
func (c *counter) machine() {
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/sync", ID: "sync", Act: access.ReadSync,
		Summary: "How far the box is in sync, and what stands in its way",
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body *api.SyncStatus }, error) {
		if err := access.May(api.CallerOf(ctx).Principal, access.ReadSync, c.own()); err != nil {
			return nil, err
		}
		return &struct{ Body *api.SyncStatus }{c.Status()}, nil
	})
	health := api.Route{Method: http.MethodGet, Path: "/healthz", ID: "healthz", Public: true, Summary: "The process answers"}
	c.api.Raw(health, nil, api.Health{}, func(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
		api.WriteJSON(w, http.StatusOK, api.Health{Status: "ok"})
	})
	ready := api.Route{Method: http.MethodGet, Path: "/readyz", ID: "readyz", Public: true, Summary: "Applications can be taken; 503 with the reasons else"}
	c.api.Raw(ready, nil, api.Health{}, c.ready)
	scrape := promhttp.HandlerFor(c.Metrics, promhttp.HandlerOpts{MaxRequestsInFlight: 2})
	c.api.Raw(api.Route{
		Method: http.MethodGet, Path: "/metrics", ID: "metrics", Act: access.ReadMetrics,
		Summary: "Prometheus", Media: "text/plain",
	}, nil, nil, func(w http.ResponseWriter, r *http.Request, _ api.Caller) { scrape.ServeHTTP(w, r) })
}

func (c *counter) ready(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
	h := api.Health{Status: "ok"}
	for _, b := range c.Box.Blockers().List() {
		if b.Code.Closes() {
			h.Status = "not_ready"
			h.Reasons = append(h.Reasons, string(b.Code))
		}
	}
	status := http.StatusOK
	if h.Reasons != nil {
		status = http.StatusServiceUnavailable
	}
	api.WriteJSON(w, status, h)
}
