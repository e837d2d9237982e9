package desk

import (
	"context"
	"net/http"

	"kendro/domain/access"
	"kendro/domain/place"
	"kendro/web/api"
)

// recordDesk answers about old papers and their scans.
type recordDesk struct{ *Server }

func (s recordDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/records", ID: "records", Act: access.ReadStats,
		Summary: "How many records were asked for, and how many of them are scanned, by upazila",
	}, s.shares)
}

func (s recordDesk) shares(ctx context.Context, _ *struct{}) (*struct{ Body api.RecordShares }, error) {
	asOf, _ := s.hub.Fresh(ctx)
	reg := s.hub.Register()
	list, err := reg.RecordShares()
	if err != nil {
		return nil, err
	}
	out := &struct{ Body api.RecordShares }{api.RecordShares{Areas: []api.RecordShare{}, AsOf: api.TimeOf(asOf)}}
	for _, share := range list {
		name := place.Name{BN: string(share.Area), EN: string(share.Area)}
		if a, ok := reg.Set().Directory.Area(share.Area); ok {
			name = a.Name
		}
		out.Body.Areas = append(out.Body.Areas, api.RecordShare{
			Area: api.NamedOf(string(share.Area), name), Requested: share.Requested, Scanned: share.Scanned,
		})
		out.Body.Requested += share.Requested
		out.Body.Scanned += share.Scanned
	}
	return out, nil
}
