package desk

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"kendro/domain/access"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/web/api"
)

// trainingDesk notes what entrepreneurs are trained in, and tells who lacks what their
// centre's services ask for (R-CE7).
type trainingDesk struct{ *Server }

func (s trainingDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/users/{name}/training", ID: "train", Act: access.Train,
		Summary: "Note a training that an entrepreneur has done, or take one back",
	}, s.train)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/training", ID: "training", Act: access.ReadTraining,
		Summary: "Who is trained in what, and who lacks what the services of the own centre ask for",
	}, s.training)
}

type trainInput struct {
	Name string `path:"name" maxLength:"128"`
	Body api.TrainingRequest
}

func (s trainingDesk) train(ctx context.Context, in *trainInput) (*doneOutput, error) {
	b := register.Training{User: in.Name, Tag: in.Body.Tag, Where: in.Body.Where, Certificate: in.Body.Certificate, Withdrawn: in.Body.Withdrawn}
	var err error
	if b.On, err = s.day(in.Body.On, "on", 0); err != nil {
		return nil, err
	}
	if b.Until, err = s.day(in.Body.Until, "until", 24*time.Hour); err != nil {
		return nil, err
	}
	_, err = s.do(ctx, command(ctx, register.Train, b))
	return &doneOutput{Body: api.Done{Done: err == nil}}, err
}

type trainingInput struct {
	Cursor  string `query:"cursor" maxLength:"256" doc:"The answer's next"`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"200"`
	Area    string `query:"area" maxLength:"64" doc:"Absent: the caller's own"`
	Centre  string `query:"centre" maxLength:"64" doc:"Only this one's"`
	Service string `query:"service" maxLength:"128" doc:"Only those who lack what this service asks for"`
	Lacking bool   `query:"lacking" doc:"Only those who lack something"`
}

// wants reports whether a person is among those asked for.
func (in *trainingInput) wants(p *api.TrainedPerson) bool {
	if in.Service != "" && !slices.ContainsFunc(p.Lacks, func(g api.TrainingGap) bool { return slices.Contains(g.Services, in.Service) }) {
		return false
	}
	return !in.Lacking || len(p.Lacks) > 0
}

type trainingOutput struct {
	Body api.TrainingList
}

// training lists the entrepreneurs of an area who may sign in, by their logins.
func (s trainingDesk) training(ctx context.Context, in *trainingInput) (*trainingOutput, error) {
	s.hub.Fresh(ctx)
	reg := s.hub.Register()
	set := reg.Set()
	if set == nil {
		return nil, fault.New("desk.training", fault.Unavailable, "catalogue", "the first release is not published yet")
	}
	area, err := areaOf(s.Server, &statsInput{Area: in.Area}, api.CallerOf(ctx), set.Directory, access.ReadTraining)
	if err != nil {
		return nil, err
	}
	all, err := reg.Users()
	if err != nil {
		return nil, err
	}
	now := s.clock().Unix()
	all = slices.DeleteFunc(all, func(u *register.User) bool {
		info, ok := set.Directory.Centre(u.Centre)
		return u.Role != access.Entrepreneur || !ok || !set.Directory.Within(info.Area, area) || !u.ActiveAt(now) || in.Centre != "" && string(u.Centre) != in.Centre
	})
	if in.Lacking || in.Service != "" {
		all = slices.DeleteFunc(all, func(u *register.User) bool { p := trainedOf(set, u, now); return !in.wants(&p) })
	}
	slices.SortFunc(all, func(a, b *register.User) int { return cmp.Compare(a.Name, b.Name) })
	part, next := page(all, func(u *register.User) string { return u.Name }, &pageInput{Cursor: in.Cursor, Limit: in.Limit})
	out := &trainingOutput{Body: api.TrainingList{People: make([]api.TrainedPerson, 0, len(part)), Next: next}}
	for _, u := range part {
		without, err := reg.Untrained(u.Name)
		if err != nil {
			return nil, err
		}
		p := trainedOf(set, u, now)
		p.FiledWithout = without.Cases
		out.Body.People = append(out.Body.People, p)
	}
	return out, nil
}

// trainedOf is what an entrepreneur is trained in, and what lacks for the services of
// the centre.
func trainedOf(set *dcat.Set, u *register.User, now int64) api.TrainedPerson {
	p := api.TrainedPerson{User: u.Name, Centre: string(u.Centre), Noted: []api.TrainingNote{}, Lacks: []api.TrainingGap{}}
	for _, t := range u.Training {
		n := api.TrainingNote{
			Tag: t.Tag, Name: set.Directory.TrainingName(t.Tag), On: api.DateOf(t.On), Where: t.Where, Certificate: t.Certificate,
			Withdrawn: t.Withdrawn, By: t.By, At: api.TimeOf(time.UnixMilli(t.At)),
		}
		if t.Until != 0 {
			n.Until = api.DateOf(t.Until - 1)
		}
		p.Noted = append(p.Noted, n)
	}
	info, _ := set.Directory.Centre(u.Centre)
	for _, v := range set.OfferedTo(info.Type) {
		for _, tag := range u.Lacks(v.Training, now) {
			i := slices.IndexFunc(p.Lacks, func(g api.TrainingGap) bool { return g.Tag == tag })
			if i < 0 {
				i, p.Lacks = len(p.Lacks), append(p.Lacks, api.TrainingGap{Training: place.Training{Tag: tag, Name: set.Directory.TrainingName(tag)}})
			}
			p.Lacks[i].Services = append(p.Lacks[i].Services, v.ID)
		}
	}
	return p
}
