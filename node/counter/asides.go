package counter

import (
	"context"
	"net/http"
	"time"

	"kendro/domain/access"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// asides adds the calls on what the district did not take of what the union's officers did
// here. They are for those officers alone, and need no link.
type asides struct{ *counter }

func (c asides) routes() {
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: api.AsidesPath, ID: "asides", Act: access.ListTasks,
		Summary: "Acts of the union here that the district did not take, has yet to take, or has overturned",
	}, c.list)
	api.Register(c.api, api.Route{
		Method: http.MethodPost, Path: api.AsidesPath + "/{id}/read", ID: "aside-read", Act: access.WorkCase,
		Summary: "An officer of the union has read what became of an act, as it is now",
	}, c.read)
}

type asidesInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (c asides) list(ctx context.Context, in *asidesInput) (*struct{ Body *api.AsideList }, error) {
	who := api.CallerOf(ctx).Principal
	if err := access.May(who, access.ListTasks, access.Resource{Seat: who.Seat}); err != nil {
		return nil, err
	}
	words, err := c.Box.Words(who.Seat.Office)
	if err != nil {
		return nil, err
	}
	out := &api.AsideList{Asides: []api.Aside{}, More: max(0, len(words)-in.Limit), AsOf: api.TimeOf(c.Box.Known())}
	for i := range words {
		if words[i].Read == nil {
			out.Unread++
		}
		if i < in.Limit {
			out.Asides = append(out.Asides, c.asideOf(&words[i]))
		}
	}
	return &struct{ Body *api.AsideList }{out}, nil
}

type asideInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (c asides) read(ctx context.Context, in *asideInput) (*struct{ Body api.Aside }, error) {
	who := api.CallerOf(ctx)
	if err := access.May(who.Principal, access.WorkCase, access.Resource{Seat: who.Seat}); err != nil {
		return nil, err
	}
	var act protocol.Hash
	if err := act.UnmarshalText([]byte(in.ID)); err != nil {
		return nil, err
	}
	w, err := c.Box.ReadWord(ctx, box.Followup{User: who.User, Key: who.Key}, who.Seat, act)
	if err != nil {
		return nil, explain(err)
	}
	return &struct{ Body api.Aside }{c.asideOf(w)}, nil
}

func (c asides) asideOf(w *box.Word) api.Aside {
	a := api.Aside{
		ID: w.At.Hash.String(), Number: w.Number, Action: w.Act.Action, Actor: w.Act.Actor, Post: w.Act.Post, At: api.Millis(w.Act.At),
		State: string(w.Fate()), Next: string(w.Next()), Text: w.Text, Owner: w.Act.Owner, Since: api.Millis(w.Act.Since),
		Certificate: w.Act.Certificate, Outcome: w.Outcome, Words: w.Act.Words,
	}
	if k, err := c.Box.Case(w.Number); err == nil {
		service := serviceOf(k)
		a.Service = &service
	}
	if w.Act.Settled != 0 {
		settled := api.Millis(w.Act.Settled)
		a.Settled = &settled
	}
	if r := w.Read; r != nil {
		at := api.TimeOf(time.UnixMilli(r.At))
		a.ReadBy, a.ReadAt = r.By, &at
	}
	return a
}
