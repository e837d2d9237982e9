package counter

import (
	"context"
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
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/catalogue", ID: "catalogue", Public: true,
		Summary: "The services that this centre may file",
	}, func(context.Context, *struct{}) (*struct{ Body *api.Catalogue }, error) {
		return &struct{ Body *api.Catalogue }{api.CatalogueOf(c.set(), c.offered())}, nil
	})
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/catalogue/{service}", ID: "service", Public: true,
		Summary: "The current version of a service, and all that are known",
	}, c.service)
	api.ServeRelease(c.api, c.set)
}

// offered picks what the centre's type may file.
func (c *counter) offered() func(*dcat.Version) bool {
	goods := c.Box.Goods()
	if goods == nil || !goods.Centre.Type.Valid() {
		return nil
	}
	return func(v *dcat.Version) bool { return v.OfferedAt(goods.Centre.Type) }
}

type serviceRequest struct {
	Service string `path:"service"`
}

func (c *counter) service(_ context.Context, in *serviceRequest) (*struct{ Body *api.ServiceVersions }, error) {
	v, ok := api.VersionsOf(c.set(), in.Service)
	if !ok {
		return nil, fault.New("counter.Service", fault.NotFound, in.Service, "no such service in the catalogue")
	}
	return &struct{ Body *api.ServiceVersions }{v}, nil
}

// track answers for what this box took. Guesses are counted; a known number
// never is.
func (c *counter) track(w http.ResponseWriter, r *http.Request, _ api.Caller) {
	n, err := protocol.ParseNumber(r.PathValue("number"))
	if err != nil {
		c.api.Fail(w, "track", err)
		return
	}
	where, err := c.Box.Track(n)
	if errors.Is(err, fault.NotFound) {
		if limited := c.unknown.Take(api.AddressOf(r, c.Proxied), c.Clock()); limited != nil {
			err = limited
		}
	}
	if err != nil {
		c.api.Fail(w, "track", err)
		return
	}
	api.WriteJSON(w, http.StatusOK, trackingOf(n, &where))
}
