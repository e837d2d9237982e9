package counter

import (
	"errors"
	"net/http"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// citizens adds the calls that anybody may make.
func (c *counter) citizens() {
	c.api.Raw(api.Route{
		Method: http.MethodGet, Path: "/v1/track/{number}", ID: "track", Public: true,
		Summary: "Where an application stands, by its receive number alone",
	}, nil, api.Tracking{}, c.track)
	c.api.Raw(api.Route{
		Method: http.MethodGet, Path: "/v1/catalogue", ID: "catalogue", Public: true,
		Summary: "The services that this centre may file",
	}, nil, api.Catalogue{}, func(w http.ResponseWriter, _ *http.Request, _ api.Caller) {
		api.WriteJSON(w, http.StatusOK, api.CatalogueOf(c.set(), c.offered()))
	})
	c.api.Raw(api.Route{
		Method: http.MethodGet, Path: "/v1/catalogue/{service}", ID: "service", Public: true,
		Summary: "The current version of a service, and all that are known",
	}, nil, api.ServiceVersions{}, c.service)
	api.ServeRelease(c.api, func() (*dcat.Set, error) { return c.set(), nil })
	certificates{c}.routes()
	renewals{c}.routes()
}

// offered picks what the centre's type may file.
func (c *counter) offered() func(*dcat.Version) bool {
	goods := c.Box.Goods()
	if goods == nil || !goods.Centre.Type.Valid() {
		return nil
	}
	return func(v *dcat.Version) bool { return v.OfferedAt(goods.Centre.Type) }
}

func (c *counter) service(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	v, ok := api.VersionsOf(c.set(), r.PathValue("service"))
	if !ok {
		c.api.Fail(w, "service", fault.New("counter.Service", fault.NotFound, r.PathValue("service"), "no such service in the catalogue"))
		return
	}
	api.WriteJSON(w, http.StatusOK, v)
}

// track answers for what this box took, and for another centre's case by what the hub
// says (R-TR4). Guesses are counted; a known number never is.
func (c *counter) track(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	n, err := protocol.ParseNumber(r.PathValue("number"))
	if err != nil {
		c.api.Fail(w, "track", err)
		return
	}
	where, k, err := bills{c}.stands(n)
	if errors.Is(err, fault.NotFound) {
		elsewhere{c}.track(w, r, n)
		return
	}
	if err != nil {
		c.api.Fail(w, "track", err)
		return
	}
	t := c.trackingOf(n, &where)
	t.Erased = erased{c}.note(where.Erased)
	if len(t.Asked) > 0 {
		if k == nil {
			k, _ = c.Box.Case(n) // Without it, what is asked for goes by its codes.
		}
		if k != nil {
			t.AskedNames = api.AskedNames(k.Asks, t.Asked)
		}
	}
	api.WriteJSON(w, http.StatusOK, t)
}
