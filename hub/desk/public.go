package desk

import (
	"context"
	"errors"
	"net/http"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

func (s *Server) publicRoutes() {
	s.api.Raw(api.Route{
		Method: http.MethodGet, Path: "/v1/track/{number}", ID: "track", Summary: "Where an application is", Public: true,
	}, nil, api.Tracking{}, func(w http.ResponseWriter, r *http.Request, _ api.Caller) {
		t, err := s.track(r.Context(), r.PathValue("number"))
		if err = s.recast(err); errors.Is(err, fault.NotFound) {
			if limited := (certificateDesk{s}).guessed(r); limited != nil {
				err = limited
			}
		}
		if err != nil {
			s.api.Fail(w, "track", err)
			return
		}
		api.WriteJSON(w, http.StatusOK, t)
	})
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/catalogue", ID: "catalogue", Summary: "Services and their current versions", Public: true,
	}, func(context.Context, *struct{}) (*catalogueOutput, error) {
		return &catalogueOutput{Body: api.CatalogueOf(s.hub.Register().Set(), nil)}, nil
	})
	api.ServeRelease(s.api, releaseDesk{s}.published)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/catalogue/{service}", ID: "service", Summary: "Every version of one service", Public: true,
	}, func(_ context.Context, in *serviceInput) (*serviceOutput, error) {
		v, ok := api.VersionsOf(s.hub.Register().Set(), in.Service)
		if !ok {
			return nil, notHere(in.Service)
		}
		origin, err := s.hub.Register().Origin()
		if origin != nil && v.Current != nil {
			v.District = origin.Of(in.Service)
		}
		return &serviceOutput{Body: v}, err
	})
}

type catalogueOutput struct {
	Body *api.Catalogue
}

type serviceInput struct {
	Service string `path:"service" maxLength:"128"`
}

type serviceOutput struct {
	Body *api.ServiceVersions
}

// track says what anybody with the number may know (R-TR1, R-TR3). Every server
// answers; as_of tells how fresh it is.
func (s *Server) track(ctx context.Context, number string) (*api.Tracking, error) {
	n, err := protocol.ParseNumber(number)
	if err != nil {
		return nil, err
	}
	asOf, _ := s.hub.Fresh(ctx)
	reg := s.hub.Register()
	st, custody, err := reg.Standing(n)
	if err != nil {
		return nil, err
	}
	also, err := reg.Aliases(n)
	if err != nil {
		return nil, err
	}
	t := &api.Tracking{
		Number: n, Stage: st.Stage, Office: officeNamed(reg.Set(), st.Office), Since: api.Millis(st.Since),
		NextStep: api.NamedOf(st.Next, st.NextName), Expected: api.DateOf(st.Expected),
		Custody: api.Custody(custody), AsOf: api.TimeOf(asOf), Also: also,
		Missed: api.Missed{Overdue: st.Overdue}, AppealBy: api.DateOf(st.AppealBy), Rulings: api.RulingsOf(&st), Refund: api.RefundOf(st.Refund), Erased: erasedNote(reg, n),
	}
	t.Asking, t.AskedUnder, t.Demand, t.Mode = api.AskingOf(&st, time.UnixMilli(reg.At())), api.UnderOf(&st), api.OwedOf(&st), st.Mode
	owed, err := reg.Demand(n)
	if err != nil {
		return nil, err
	}
	t.Owes(owed)
	if set := reg.Set(); set != nil && len(t.Asked) > 0 {
		if c, err := reg.Case(n); err == nil {
			v, _ := set.ByHash(c.Asks())
			t.AskedNames = api.AskedNames(v, t.Asked)
		}
	}
	return t, nil
}
