package desk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/measure"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/web/api"
)

// reportDesk answers what desks and officers have come to (R-OF7).
type reportDesk struct{ *Server }

func (s reportDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/report", ID: "report", Act: access.ReadReport,
		Summary: "What services, offices, desks and officers have come to, with the officers' time apart from the network's and the citizens'; the look is recorded",
	}, s.report)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/report/looks", ID: "report-looks", Act: access.ReadLooks, Summary: "Who looked at reports",
	}, s.looks)
}

// reportDays is the span of a report that names none.
const reportDays = 30

type reportOutput struct {
	Body *api.OfficeReport
}

// report adds up the cases of an area over days. An officer sees the desks below his
// own, and of his own desk himself; whoever supervises an area sees all in it.
func (s reportDesk) report(ctx context.Context, in *statsInput) (*reportOutput, error) {
	who := api.CallerOf(ctx)
	set := s.hub.Register().Set()
	if set == nil {
		return nil, fault.New("desk.report", fault.Unavailable, "catalogue", "the first release is not published yet")
	}
	area, err := areaOf(s.Server, in, who, set.Directory, access.ReadReport)
	if err != nil {
		return nil, err
	}
	if in.From == "" && in.To == "" {
		in.From = s.clock().In(api.Dhaka()).AddDate(0, 0, 1-reportDays).Format(time.DateOnly)
	}
	from, until, err := s.span(in)
	if err != nil {
		return nil, err
	}
	asked := register.ReportAsked{Area: area, From: from.Format(time.DateOnly), To: until.Add(-time.Hour).Format(time.DateOnly)}
	_, err = s.do(ctx, register.NewCommand(api.NewKey(), who.User, register.LookReport, asked))
	if errors.Is(err, fault.Unavailable) {
		s.gauges.unrecorded.Inc()
		s.log.Warn("report read without a leader to record it", "area", string(area), "user", who.User)
	} else if err != nil {
		return nil, err
	}
	asOf, _ := s.hub.Fresh(ctx)
	reg := s.hub.Register()
	out := &api.OfficeReport{Area: string(area), From: asked.From, To: asked.To, AsOf: api.TimeOf(asOf)}
	office := measure.Office{Calendar: set.Directory.Calendar, Zone: api.Dhaka()}
	t := measure.NewTally(office, from.UnixMilli(), until.UnixMilli(), s.clock().UnixMilli())
	took, err := tallied(reg, t, area, from, viewOf(set.Directory, who.Principal))
	if err != nil {
		return nil, err
	}
	out.Report = t.Report()
	if out.Completeness, err = completeness(reg, set.Directory, area, asOf); err != nil {
		return nil, err
	}
	out.NoWoman, out.IdleWoman, err = took.women(reg, set.Directory, area, s.clock())
	return &reportOutput{Body: out}, err
}

// tallied adds up the cases of an area that were open since a moment, and what is owed and
// was paid back on any; and says who took in what.
func tallied(reg *register.Register, t *measure.Tally, area place.Code, from time.Time, view measure.View) (took intakes, err error) {
	dir := reg.Set().Directory
	took = intakes{}
	return took, reg.ForEachCase(func(c *register.Case) error {
		took.note(c)
		if !dir.Within(c.Area, area) {
			return nil
		}
		if err := repaid(reg, t, c); err != nil {
			return err
		}
		before := len(c.History) > 0 && c.History[len(c.History)-1].At < from.UnixMilli()
		if before && !c.State.Stage.Open() {
			return nil
		}
		course, err := reg.Course(c)
		if err == nil {
			t.Add(course, view)
		}
		return err
	})
}

// repaid adds up what is owed back on a case, and what was paid back.
func repaid(reg *register.Register, t *measure.Tally, c *register.Case) error {
	if c.OwedBack != 0 {
		t.Repaid(c.Service, c.OwedBack, 0, 0)
	}
	if c.PaidBack == 0 {
		return nil
	}
	items, err := reg.Items(c.Number)
	for _, it := range items {
		if back, on := it.PaidBack(); back != 0 {
			t.Repaid(c.Service, 0, back, on*1000)
		}
	}
	return err
}

// viewOf says which desks somebody may see, and whose names.
func viewOf(dir *place.Directory, who access.Principal) measure.View {
	if who.Role != access.Officer {
		return measure.Everything
	}
	return func(s *measure.Stay) (desk, officer bool) {
		if s.Seat == who.Seat {
			return true, s.Officer == who.User
		}
		o, ok := dir.Office(s.Seat.Office)
		below := ok && dir.Within(o.Area, who.Area) && dir.Below(s.Seat.Post, who.Seat.Post)
		return below, below
	}
}

// An atCentre is somebody's login at a centre.
type atCentre struct {
	centre place.Centre
	user   string
}

// intakes hold the newest application that a login took in at a centre, by its date, in
// Unix milliseconds.
type intakes map[atCentre]int64

func (t intakes) note(c *register.Case) {
	k := atCentre{c.Centre, c.By}
	t[k] = max(t[k], cmp.Or(c.Legal, c.Filed))
}

// idleDays are those after which a login by which nothing was taken in is no sign of
// somebody at work.
const idleDays = 30

// women lists the centres of an area where no woman has a login that is valid now, and
// those where some have one and none of them has taken an application in of late (R-CE2).
// Who is new there has the same days.
func (t intakes) women(reg *register.Register, dir *place.Directory, area place.Code, now time.Time) (none, idle []string, err error) {
	users, err := reg.Users()
	if err != nil {
		return nil, nil, err
	}
	since := now.AddDate(0, 0, -idleDays)
	with, works := map[place.Centre]bool{}, map[place.Centre]bool{}
	for _, u := range users {
		if u.Role != access.Entrepreneur || u.Gender != "f" || !u.ActiveAt(now.Unix()) {
			continue
		}
		with[u.Centre] = true
		works[u.Centre] = works[u.Centre] || u.From >= since.Unix() || t[atCentre{u.Centre, u.Name}] >= since.UnixMilli()
	}
	none, idle = []string{}, []string{}
	for _, c := range dir.Centres {
		_, enrolled := reg.NodeOf(c.Code)
		switch {
		case !enrolled || !dir.Within(c.Area, area) || works[c.Code]:
		case with[c.Code]:
			idle = append(idle, string(c.Code))
		default:
			none = append(none, string(c.Code))
		}
	}
	slices.Sort(none)
	slices.Sort(idle)
	return none, idle, nil
}

func (s reportDesk) looks(context.Context, *struct{}) (*struct{ Body api.ReportLooks }, error) {
	list, err := s.hub.Register().ReportLooks()
	out := &struct{ Body api.ReportLooks }{api.ReportLooks{Looks: []api.ReportLook{}}}
	for _, l := range list {
		out.Body.Looks = append(out.Body.Looks, api.ReportLook{User: l.User, At: api.Millis(l.At), Area: string(l.Area), From: l.From, To: l.To})
	}
	return out, err
}

// areaOf is the area of a request that its caller may ask about.
func areaOf(s *Server, in *statsInput, who api.Caller, dir *place.Directory, act access.Act) (place.Code, error) {
	area := place.Code(cmp.Or(in.Area, string(who.Area), string(s.district())))
	if _, ok := dir.Area(area); !ok {
		return area, fault.New("desk.area", fault.NotFound, in.Area, "no such area in the directory")
	}
	return area, access.May(who.Principal, act, access.Resource{Areas: access.In(dir, area)})
}
