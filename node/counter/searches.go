package counter

import (
	"context"
	"net/http"

	"kendro/domain/access"
	"kendro/finder"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// searches finds what this box has, with no hub: for who serves its counter all that it took,
// for an officer of the union what his office decides here.
type searches struct{ *counter }

func (c searches) routes() {
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/search", ID: "search", Act: access.ReadCase,
		Summary: "Find applications of this box by number, mobile, identifier, name or a field of the form",
	}, c.search)
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/cases/{number}/similar", ID: "similar", Act: access.ReadCase,
		Summary: "Applications of this box whose applicant may be that of a case",
	}, c.similar)
}

// belongs is what a case of this box belongs to, for who reads it: besides the centre that took
// it, the office that decides it here.
func (c searches) belongs(k *box.Case) access.Resource {
	r := c.own()
	if l, told := c.Box.Lease(k.Pin.Service); told && k.Version != nil && k.Version.DecidedAtNode() {
		r.Offices = []string{l.Office}
	}
	return r
}

// readable returns a case that somebody may read.
func (c searches) readable(n protocol.Number, who access.Principal) (*box.Case, error) {
	k, err := c.Box.Case(n)
	if err != nil {
		return nil, err
	}
	return k, access.May(who, access.ReadCase, c.belongs(k))
}

// readableBy says which cases somebody may read.
func (c searches) readableBy(who access.Principal) func(*box.Case) bool {
	return func(k *box.Case) bool { return access.May(who, access.ReadCase, c.belongs(k)) == nil }
}

type foundOutput struct{ Body api.FoundList }

func foundBy(r box.Reach) *foundOutput {
	return &foundOutput{api.FoundList{Found: []api.Found{}, More: r.More, Indexed: r.Held, Complete: r.Complete}}
}

func (c searches) search(ctx context.Context, in *api.SearchInput) (*foundOutput, error) {
	fields, err := in.Fields()
	if err != nil {
		return nil, err
	}
	list, reach, err := c.Box.Search.Find(ctx, box.Quest{
		Query: finder.Query{Text: in.Text, Fields: fields}, Limit: in.Limit, Keep: c.readableBy(api.CallerOf(ctx).Principal),
	})
	if err != nil {
		return nil, err
	}
	out := foundBy(reach)
	for _, f := range list {
		out.Body.Found = append(out.Body.Found, foundOf(c.Box, f.Case, f.Name.Name, f.Fit))
	}
	return out, nil
}

// similar lists what the search has of people who may be a case's applicant: what else the
// district knows, and what its officers have found out, its own desks say.
func (c searches) similar(ctx context.Context, in *numbered) (*foundOutput, error) {
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	who := api.CallerOf(ctx).Principal
	k, err := c.readable(n, who)
	if err != nil {
		return nil, err
	}
	likes, reach, err := c.Box.Search.Resembling(ctx, k, c.readableBy(who))
	if err != nil {
		return nil, err
	}
	out := foundBy(reach)
	for _, l := range likes {
		out.Body.Found = append(out.Body.Found, likeOf(c.Box, &l))
	}
	return out, nil
}
