package counter

import (
	"context"
	"net/http"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// union adds the calls of the union's officers, who decide here under a lease. They are the
// hub's calls, on the cases of this box.
type union struct{ *counter }

func (c union) routes() {
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/tasks", ID: "tasks", Act: access.ListTasks,
		Summary: "What waits at a desk of the union, or in its whole office, of this box's cases",
	}, c.tasks)
	api.Register(c.api, api.Route{
		Method: http.MethodPost, Path: "/v1/cases/{number}/{action}", ID: "act", Act: access.WorkCase,
		Summary: "What an officer of the union does to a case here, with no hub, under the union's lease",
	}, c.act)
	api.Register(c.api, api.Route{
		Method: http.MethodGet, Path: "/v1/leases", ID: "leases", Act: access.ReadSync,
		Summary: "What the union may decide by itself here, and until when",
	}, c.list)
}

// offices are those whose cases may be decided here.
func (c *counter) offices() (list []string) {
	for _, l := range c.Box.Leases() {
		list = append(list, l.Office)
	}
	return list
}

// readable is what a case of this box belongs to, for who reads it.
func (c *counter) readable() access.Resource {
	return access.Resource{Centre: place.Centre(c.Box.Centre()), Offices: c.offices()}
}

type tasksInput struct {
	Scope string `query:"scope" enum:"mine,office" default:"mine"`
}

func (c union) tasks(ctx context.Context, in *tasksInput) (*struct{ Body api.TaskList }, error) {
	who := api.CallerOf(ctx).Principal
	seat := who.Seat
	if err := access.May(who, access.ListTasks, access.Resource{Seat: seat}); err != nil {
		return nil, err
	}
	if in.Scope == "office" {
		seat.Post = ""
	}
	cases, err := c.Box.Tasks(seat)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body api.TaskList }{api.TaskList{Tasks: []api.Task{}, AsOf: api.TimeOf(c.Clock())}}
	for _, u := range cases {
		out.Body.Tasks = append(out.Body.Tasks, api.Task{
			Number: u.Number, Service: serviceOf(u.Case), Stage: u.State.Stage.String(), Version: u.State.Version, Seat: u.State.Seat.String(),
			Holder: u.State.Holder, Since: api.TimeOf(u.Turns[len(u.Turns)-1].At), Due: api.DateOf(u.Expected), Centre: c.Box.Centre(),
		})
	}
	return out, nil
}

type actInput struct {
	Number string `path:"number" maxLength:"128"`
	Action string `path:"action" enum:"take,note,decide,check,forward,return,approve,reject,issue,revoke"`
	Match  string `header:"If-Match" required:"true" doc:"Version of the case that you saw"`
	Body   *api.ActionRequest
}

type actOutput struct {
	ETag string `header:"ETag"`
	Body api.ActionAnswer
}

func (c union) act(ctx context.Context, in *actInput) (*actOutput, error) {
	who := api.CallerOf(ctx)
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	a := box.Act{User: who.User, Key: who.Key, Number: n}
	if a.Action, err = application.ParseAct(in.Action); err != nil {
		return nil, err
	}
	if a.Expect, err = api.ParseMatch(in.Match); err != nil {
		return nil, err
	}
	if b := in.Body; b != nil {
		if b.SHA256 != "" {
			return nil, fault.New("counter.Act", fault.Invalid, "sha256", "a check that wants a document is done at the hub's desk")
		}
		a.Said = protocol.UnionAct{Opinion: b.Opinion, Text: b.Text, Reason: b.ReasonCode, To: b.To, Check: b.Check}
		if a.Action == application.Return {
			a.Said.Text = b.Reason
		}
	}
	u, err := c.Box.Act(ctx, a)
	if err != nil {
		return nil, explain(err)
	}
	s := &u.State
	out := &actOutput{ETag: api.ETag(s.Version), Body: api.ActionAnswer{Number: n, Version: s.Version, Stage: s.Stage.String(), Holder: s.Holder}}
	if s.Stage.Open() {
		out.Body.Seat = s.Seat.String()
	}
	return out, nil
}

func (c union) list(ctx context.Context, _ *struct{}) (*struct{ Body api.LeaseList }, error) {
	if err := access.May(api.CallerOf(ctx).Principal, access.ReadSync, c.own()); err != nil {
		return nil, err
	}
	out := &struct{ Body api.LeaseList }{api.LeaseList{Leases: []api.Lease{}}}
	for _, l := range c.Box.Leases() {
		out.Body.Leases = append(out.Body.Leases, api.LeaseOf(&l, c.Box.Centre()))
	}
	return out, nil
}

// decidedHere shows a case as its union has brought it on here.
func (c *counter) decidedHere(r *api.Record, u *box.UnionCase, who api.Caller) {
	if k, err := issuedOf(c, u); err == nil && k != nil {
		r.Certificate = k.Note(c.Attest)
	}
	if u.Elsewhere {
		return
	}
	s := &u.State
	r.Version, r.Stage, r.Since = s.Version, s.Stage.String(), api.TimeOf(u.Turns[len(u.Turns)-1].At)
	if r.Office = nil; s.Stage.Open() {
		r.Office, r.Seat, r.Holder = named(c.Box.OfficeNamed(s.Seat.Office)), s.Seat.String(), s.Holder
	}
	r.Step, r.DecidedBy, r.DeliveryMode = s.Step, s.DecidedBy, string(s.Mode)
	if s.Owed > 0 {
		r.Demand = &api.DemandNote{Poisha: s.Owed, Due: api.DateOf(s.PayBy)}
	}
	if s.Promised > 0 {
		r.Delivery = api.DateOf(s.Promised)
	}
	for i, k := range u.Version.Checks {
		r.Checks = append(r.Checks, api.CheckNote{ID: k.ID, Name: k.Name, Done: s.Done.Has(i)})
	}
	r.History = r.History[:1]
	for i := range u.Turns {
		r.History = append(r.History, historyOf(&u.Turns[i]))
	}
	for _, o := range c.Box.Offers(u, who.User, who.Seat) {
		note := api.ActNote{Action: o.Action.String(), Bar: string(o.Bar), Item: o.Item}
		if o.To != (place.Seat{}) {
			note.To = o.To.String()
		}
		r.Acts = append(r.Acts, note)
	}
}

func historyOf(t *box.Turn) api.HistoryEntry {
	return api.HistoryEntry{
		Version: t.Version, At: api.TimeOf(t.At), Action: t.Action.String(), Actor: t.Actor, Post: t.Seat.Post, Office: t.Seat.Office,
		Opinion: t.Said.Opinion, Text: t.Said.Text, Reason: t.Said.Reason, Check: t.Said.Check, Stage: t.Stage.String(),
	}
}
