package desk

import (
	"context"
	"net/http"

	"kendro/domain/access"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/web/api"
)

// A leaseDesk lets unions decide by themselves.
type leaseDesk struct{ *Server }

func (s leaseDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/leases", ID: "allow-lease", Summary: "Let the box of a union decide a service by itself; it then asks for its lease", Act: access.ManageNodes, Status: http.StatusCreated,
	}, s.allow)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/leases", ID: "leases", Summary: "What unions may decide by themselves, and until when", Act: access.ReadStatus,
	}, s.list)
	api.Register(s.api, api.Route{
		Method: http.MethodDelete, Path: "/v1/leases/{centre}/{service}", ID: "end-lease", Summary: "Take it back: the lease is not renewed, and its box decides no more once it hears of it", Act: access.ManageNodes,
	}, s.end)
}

type leaseInput struct {
	Body api.LeaseRequest
}

type leaseOutput struct {
	Body api.Lease
}

func (s leaseDesk) allow(ctx context.Context, in *leaseInput) (*leaseOutput, error) {
	centre, err := place.ParseCentre(in.Body.Centre)
	if err != nil {
		return nil, err
	}
	return s.told(ctx, command(ctx, register.AllowLease, &register.LeaseOrder{Centre: centre, Service: in.Body.Service}))
}

type endInput struct {
	Centre  string `path:"centre" maxLength:"64"`
	Service string `path:"service" maxLength:"128"`
}

func (s leaseDesk) end(ctx context.Context, in *endInput) (*leaseOutput, error) {
	centre, err := place.ParseCentre(in.Centre)
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, register.EndLease, &register.LeaseOrder{Centre: centre, Service: in.Service})
	cmd.ID = api.NewKey() // A DELETE has no key; a second one finds it done.
	return s.told(ctx, cmd)
}

// told carries out a command whose answer is a tenancy.
func (s leaseDesk) told(ctx context.Context, cmd register.Command) (*leaseOutput, error) {
	res, err := s.do(ctx, cmd)
	if err != nil {
		return nil, err
	}
	var t register.Tenancy
	if err := res.Decode(&t); err != nil {
		return nil, err
	}
	return &leaseOutput{leaseOf(&t)}, nil
}

func leaseOf(t *register.Tenancy) api.Lease {
	l := api.LeaseOf(&t.Lease, string(t.Centre))
	l.Allowed = t.Allowed
	return l
}

func (s leaseDesk) list(ctx context.Context, _ *struct{}) (*struct{ Body api.LeaseList }, error) {
	s.hub.Fresh(ctx)
	all, err := s.hub.Register().Tenancies()
	if err != nil {
		return nil, err
	}
	out := &struct{ Body api.LeaseList }{api.LeaseList{Leases: []api.Lease{}}}
	for _, t := range all {
		if t.Centre != "" {
			out.Body.Leases = append(out.Body.Leases, leaseOf(t))
		}
	}
	return out, nil
}
