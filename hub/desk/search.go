package desk

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/finder"
	"kendro/hub/register"
	"kendro/hub/search"
	"kendro/protocol"
	"kendro/web/api"
)

// searchDesk finds cases, for those who may read them.
type searchDesk struct {
	*Server
	index *atomic.Pointer[search.Index]
}

func newSearchDesk(s *Server) searchDesk {
	d := searchDesk{Server: s, index: &atomic.Pointer[search.Index]{}}
	d.index.Store(search.New())
	return d
}

func (d searchDesk) routes() {
	api.Register(d.api, api.Route{
		Method: http.MethodGet, Path: "/v1/search", ID: "search", Summary: "Find applications by number, mobile, identifier, name or a field of the form", Act: access.ReadCase,
	}, d.search)
	api.Register(d.api, api.Route{
		Method: http.MethodGet, Path: "/v1/cases/{number}/similar", ID: "similar", Summary: "Cases of people who may be the applicant of this one", Act: access.ReadCase,
	}, d.similar)
	api.Register(d.api, api.Route{
		Method: http.MethodPost, Path: "/v1/applications/similar", ID: "alike", Summary: "Cases that may be the same matter of an applicant, before he is entered; nothing is kept", Act: access.Enter,
	}, d.alike)
	api.Register(d.api, api.Route{
		Method: http.MethodPost, Path: "/v1/cases/{number}/ties", ID: "relate", Summary: "Say whether the applicants of two cases are one person", Act: access.WorkCase,
	}, d.relate)
}

type searchOutput struct {
	Body api.FoundList
}

// search answers who asks with what he may read (R-OF12).
func (d searchDesk) search(ctx context.Context, in *api.SearchInput) (*searchOutput, error) {
	fields, err := in.Fields()
	if err != nil {
		return nil, err
	}
	q := search.Query{Query: finder.Query{Text: in.Text, Fields: fields}, Limit: in.Limit}
	reg := d.fresh(ctx)
	q.Keep = readableBy(ctx, reg)
	found, err := d.index.Load().Find(reg, q)
	if err != nil {
		return nil, err
	}
	out := d.list(found.More)
	for _, h := range found.Hits {
		out.Body.Found = append(out.Body.Found, foundOf(reg, h))
	}
	return out, nil
}

// similar lists cases that may be the same person's (DOMAIN §7 rows 2 and 34).
func (d searchDesk) similar(ctx context.Context, in *numberInput) (*searchOutput, error) {
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	reg := d.fresh(ctx)
	c, err := reg.Case(n)
	if err != nil {
		return nil, err
	}
	keep := readableBy(ctx, reg)
	if !keep(c) {
		return nil, access.May(api.CallerOf(ctx).Principal, access.ReadCase, reg.Resource(c))
	}
	const most = 20
	likes, err := d.index.Load().Alike(reg, c, most, keep)
	if err != nil {
		return nil, err
	}
	ties, err := reg.Ties(c.Number)
	if err != nil {
		return nil, err
	}
	out := d.list(len(likes) == most)
	out.Body.Found = append(out.Body.Found, likesOf(reg, likes)...)
	return out, out.tie(reg, ties, keep)
}

func likesOf(reg *register.Register, likes []search.Like) []api.Found {
	list := []api.Found{}
	for _, l := range likes {
		f := foundOf(reg, l.Hit)
		f.Fit, f.Grade = min(l.Score, 100), l.Grade.String()
		for _, r := range l.Because {
			f.Because = append(f.Because, string(r))
		}
		list = append(list, f)
	}
	return list
}

// alike is for a clerk to look at before he enters an application; it keeps nothing. He is
// shown what he may read.
func (d searchDesk) alike(ctx context.Context, in *struct{ Body api.AlikeRequest }) (*struct{ Body api.AlikeList }, error) {
	p, err := catalogue.ApplicantOf(in.Body.Applicant)
	if err != nil {
		return nil, err
	}
	reg := d.fresh(ctx)
	readable := readableBy(ctx, reg)
	const most = 5
	likes, err := d.index.Load().Resembling(reg, &p, most, func(c *register.Case) bool { return c.Service == in.Body.Service && readable(c) })
	if err != nil {
		return nil, err
	}
	return &struct{ Body api.AlikeList }{api.AlikeList{Found: likesOf(reg, likes)}}, nil
}

// tie adds what officers have said, and the cases of which they have said it
// though they are not alike.
func (o *searchOutput) tie(reg *register.Register, ties []*register.Tie, keep func(*register.Case) bool) error {
	for _, t := range ties {
		i := slices.IndexFunc(o.Body.Found, func(f api.Found) bool { return f.Number == t.Other })
		if i < 0 {
			hit, ok, err := search.Look(reg, t.Other, keep)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			i = len(o.Body.Found)
			o.Body.Found = append(o.Body.Found, foundOf(reg, hit))
		}
		o.Body.Found[i].Said = opinionsOf(t)
	}
	return nil
}

// opinionsOf is what officers said of two cases, nothing for nil.
func opinionsOf(t *register.Tie) (list []api.Opinion) {
	if t == nil {
		return nil
	}
	for _, s := range t.Said {
		list = append(list, api.Opinion{Verdict: s.Verdict, Text: s.Text, By: s.By, Seat: s.Seat.String(), At: api.Millis(s.At)})
	}
	return list
}

type relateInput struct {
	Number string `path:"number" maxLength:"64"`
	Body   api.TieRequest
}

// relate has an officer say what the comparison can't: that two are one, or not.
func (d searchDesk) relate(ctx context.Context, in *relateInput) (*struct{ Body api.Done }, error) {
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, register.Relate, register.Likening{Other: in.Body.Other, Verdict: in.Body.Verdict, Text: in.Body.Text, Saw: in.Body.Saw})
	cmd.Number = n
	if _, err := d.do(ctx, cmd); err != nil {
		return nil, err
	}
	return &struct{ Body api.Done }{api.Done{Done: true}}, nil
}

// fresh brings the index up to what this server has applied, or as far as it comes
// in a moment, and returns the register to read.
func (d searchDesk) fresh(ctx context.Context) *register.Register {
	d.hub.Fresh(ctx)
	reg := d.hub.Register()
	soon, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	if err := d.index.Load().Follow(soon, reg); err != nil && soon.Err() == nil {
		d.log.Warn("search index does not follow", "err", err)
	}
	return reg
}

// follow keeps the index up to date until ctx ends. Where a case was erased, another index
// takes its place once it is as far: what it was found by is in no memory then.
func (d searchDesk) follow(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	erased := d.hub.Register().Stats().Erased
	for {
		reg, index := d.hub.Register(), d.index.Load()
		now := reg.Stats().Erased
		if now != erased {
			index = search.New()
		}
		err := index.Follow(ctx, reg)
		if err != nil && ctx.Err() == nil {
			d.log.Warn("search index does not follow", "err", err)
		}
		if err == nil && now != erased {
			d.index.Store(index)
			erased = now
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (d searchDesk) list(more bool) *searchOutput {
	held, complete := d.index.Load().State()
	return &searchOutput{Body: api.FoundList{Found: []api.Found{}, More: more, Indexed: held, Complete: complete}}
}

// readableBy says which cases the caller may read.
func readableBy(ctx context.Context, reg *register.Register) func(*register.Case) bool {
	who := api.CallerOf(ctx).Principal
	return func(c *register.Case) bool { return access.May(who, access.ReadCase, reg.Resource(c)) == nil }
}

func foundOf(reg *register.Register, h search.Hit) api.Found {
	c := h.Case
	return api.Found{
		Number: c.Number, Service: serviceRef(reg.Set(), c.Service, int(c.Edition)), Stage: c.State.Stage.String(),
		Applicant: h.Name.Name, Centre: string(c.Centre), SubmittedAt: api.Millis(c.Filed), Fit: h.Fit, Elsewhere: h.Elsewhere,
	}
}
