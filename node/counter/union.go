package counter

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

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
		Method: http.MethodGet, Path: "/v1/leases", ID: "leases", Act: access.ReadSync, Or: access.ListTasks,
		Summary: "What the union may decide by itself here, until when, and how many numbers are left",
	}, c.list)
	c.api.Raw(api.Route{
		Method: http.MethodGet, Path: "/v1/cases/{number}/documents/{sha256}", ID: "case-document", Act: access.ReadCase, Media: "application/octet-stream",
		Summary: "A document that a case of this box names",
	}, nil, nil, func(w http.ResponseWriter, r *http.Request, who api.Caller) {
		d, content, err := c.document(r, who)
		if err != nil {
			c.api.Fail(w, "case-document", err)
			return
		}
		api.ServeDocument(w, &d, content)
	})
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
	Scope  string `query:"scope" enum:"mine,office" default:"mine" doc:"Your own desk, or the whole office"`
	Cursor string `query:"cursor" maxLength:"64"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// tasks lists what waits, the earliest due first (R-OF2). An officer's own list has what he
// took and what anybody of his post may take.
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
	if in.Scope != "office" {
		cases = slices.DeleteFunc(cases, func(u *box.UnionCase) bool { return u.State.Holder != "" && u.State.Holder != who.User })
	}
	from, err := after(cases, in.Cursor)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body api.TaskList }{api.TaskList{Tasks: []api.Task{}, AsOf: api.TimeOf(c.Clock())}}
	for _, u := range cases[from:min(len(cases), from+in.Limit)] {
		out.Body.Tasks = append(out.Body.Tasks, api.Task{
			Number: u.Number, Service: serviceOf(u.Case), Stage: u.Stage, Version: u.State.Version, Seat: u.State.Seat.String(),
			Holder: u.State.Holder, Since: api.TimeOf(u.Since), Due: api.DateOf(u.Expected), Centre: c.Box.Centre(),
			Overdue: u.Expected != 0 && u.Expected < c.Clock().Unix(), AskedUntil: api.DateOf(u.State.SupplyBy),
		})
	}
	if rest := from + in.Limit; rest < len(cases) {
		last := cases[rest-1]
		out.Body.Next = strconv.FormatInt(last.Expected, 10) + "." + last.Number.String()
	}
	return out, nil
}

// after is where a list goes on after a cursor: the due date and the number of the last case
// of the page before, which may not be in the list any more.
func after(cases []*box.UnionCase, cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	due, number, _ := strings.Cut(cursor, ".")
	at, err := strconv.ParseInt(due, 10, 64)
	n, err2 := protocol.ParseNumber(number)
	if err != nil || err2 != nil {
		return 0, fault.New("counter.Tasks", fault.Invalid, "cursor", "not a cursor of this list: begin again without")
	}
	i := slices.IndexFunc(cases, func(u *box.UnionCase) bool { return box.Sooner(at, n, u) })
	if i < 0 {
		i = len(cases)
	}
	return i, nil
}

type actInput struct {
	Number string `path:"number" maxLength:"128"`
	Action string `path:"action" enum:"take,note,decide,check,request-info,forward,return,approve,reject,issue,revoke"`
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
		a.Said = protocol.UnionAct{Opinion: b.Opinion, Text: b.Text, Reason: b.ReasonCode, To: b.To, Check: b.Check, Cites: b.Cites}
		switch a.Action {
		case application.Return:
			a.Said.Text = b.Reason
		case application.RequestInfo:
			a.Said.Text, a.Said.Items = cmp.Or(b.Reason, b.Text), b.Items
		case application.Check:
			a.Scan = b.SHA256
		default:
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

// list is for who serves the counter, and for the officers who decide under it.
func (c union) list(ctx context.Context, _ *struct{}) (*struct{ Body api.LeaseList }, error) {
	who := api.CallerOf(ctx).Principal
	if err := access.May(who, access.ReadSync, c.own()); err != nil {
		if access.May(who, access.ListTasks, c.readable()) != nil {
			return nil, err
		}
	}
	out := &struct{ Body api.LeaseList }{api.LeaseList{Leases: []api.Lease{}}}
	for _, l := range c.Box.Leases() {
		note := api.LeaseOf(&l, c.Box.Centre())
		left, err := c.Box.Left(&l)
		if err != nil {
			return nil, err
		}
		note.Left = &left
		note.Low = l.Token != 0 && !l.Ended && (c.Clock().Unix() > l.Until-(l.Until-l.From)/4 || left < (note.Numbers+3)/4)
		out.Body.Leases = append(out.Body.Leases, note)
	}
	return out, nil
}

// document is one that a case of this box names.
func (c union) document(r *http.Request, who api.Caller) (protocol.Document, []byte, error) {
	var h protocol.Hash
	if err := h.UnmarshalText([]byte(r.PathValue("sha256"))); err != nil {
		return protocol.Document{}, nil, err
	}
	if err := access.May(who.Principal, access.ReadCase, c.readable()); err != nil {
		return protocol.Document{}, nil, err
	}
	n, err := protocol.ParseNumber(r.PathValue("number"))
	if err != nil {
		return protocol.Document{}, nil, err
	}
	rec, err := c.recordFor(n, who)
	if err != nil {
		return protocol.Document{}, nil, err
	}
	if !slices.ContainsFunc(rec.Documents, func(d api.DocumentNote) bool { return d.SHA256 == h.String() }) {
		return protocol.Document{}, nil, fault.New("counter.Document", fault.NotFound, h.String(), "the case names no such document")
	}
	return c.Box.Document(h)
}

// recordAt is a case as it stood at a version, 0 as it is now. Only of what its union does here
// this box knows how it stood.
func (c union) recordAt(n protocol.Number, version uint64, who api.Caller) (*api.Record, error) {
	if version == 0 {
		return c.recordFor(n, who)
	}
	u, err := c.Box.Stood(n, version)
	if err != nil {
		return nil, err
	}
	r := c.recordOf(u.Case)
	if u.Until == 0 {
		return r, c.decidedHere(r, u, who)
	}
	posted := r.PostedOn
	r.Course = api.Course{Until: u.Until, PostedOn: posted}
	r.Version, r.Office, r.NextStep, r.Due, r.Assignment = u.Until, nil, nil, nil, api.Assignment{}
	c.doneHere(r, u)
	last := r.History[len(r.History)-1]
	r.Stage, r.Since = last.Stage, last.At
	if last.Post != "" {
		r.Seat = last.Post + "@" + last.Office
	}
	return r, nil
}

// doneHere puts what was done on a case here in the place of its history, with the documents that
// came with it.
func (c union) doneHere(r *api.Record, u *box.UnionCase) {
	r.History = r.History[:1]
	for i := range u.Turns {
		t := &u.Turns[i]
		r.History = append(r.History, historyOf(t))
		if d := t.Said.Document; d != nil {
			r.Documents = append(r.Documents, api.NotesOf(nil, []protocol.Document{*d}, nil)...)
		}
		if s := t.Brought; s != nil {
			r.Documents = append(r.Documents, api.NotesOf(s.Originals, s.Documents, nil)...)
		}
	}
}

// recordFor is a case as this box, or its union here, has it.
func (c union) recordFor(n protocol.Number, who api.Caller) (*api.Record, error) {
	if _, err := searches(c).readable(n, who.Principal); err != nil {
		return nil, err
	}
	u, err := c.Box.UnionCase(n)
	if err == nil {
		r := c.recordOf(u.Case)
		return r, c.decidedHere(r, u, who)
	}
	if !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	k, err := c.Box.Case(n)
	if err != nil {
		return nil, err
	}
	return c.recordOf(k), nil
}

// decidedHere shows a case as its union has brought it on here.
func (c union) decidedHere(r *api.Record, u *box.UnionCase, who api.Caller) error {
	if k, err := issuedOf(c.counter, u); err == nil && k != nil {
		r.Certificate = k.Note(c.Attest)
	}
	left, err := c.Box.Left(&u.Lease)
	if err != nil {
		return err
	}
	r.Union = &api.UnionNote{Bar: string(c.Box.Bar(u))}
	for i := range u.Words {
		r.Union.Asides = append(r.Union.Asides, asides(c).asideOf(&u.Words[i]))
	}
	if u.Lease.Token != 0 {
		until := api.TimeOf(time.Unix(u.Lease.Until, 0))
		r.Union.Until, r.Union.Late = &until, c.Clock().Unix() > u.Lease.Until
	}
	if u.Elsewhere { // What was done here, and then how it stands.
		stands := slices.Clone(r.History[1:])
		c.doneHere(r, u)
		r.History = append(r.History, stands...)
		return nil
	}
	s := &u.State
	r.Version, r.Seat, r.Holder = s.Version, "", ""
	if s.Stage.Open() {
		r.Seat, r.Holder = s.Seat.String(), s.Holder
	}
	r.Step, r.DecidedBy, r.DeliveryMode = s.Step, s.DecidedBy, string(s.Mode)
	r.Asking, r.Demand = api.AskingOf(&u.Said, c.Clock()), api.OwedOf(&u.Said)
	if s.Promised > 0 {
		r.Delivery = api.DateOf(s.Promised)
	}
	for i, k := range u.Version.Checks {
		r.Checks = append(r.Checks, api.CheckNote{ID: k.ID, Name: k.Name, Done: s.Done.Has(i), Document: k.Document})
	}
	c.doneHere(r, u)
	r.Acts = api.ActNotes(c.Box.Offers(u, who.User, who.Seat))
	for i := range r.Acts {
		if n := &r.Acts[i]; n.Action == application.Issue.String() && n.Bar == "" && left == 0 {
			n.Bar = api.BarNumbers
		}
	}
	return nil
}

func historyOf(t *box.Turn) api.HistoryEntry {
	return api.HistoryEntry{
		Version: t.Version, At: api.TimeOf(t.At), Action: t.Action.String(), Actor: t.Actor, Post: t.Seat.Post, Office: t.Seat.Office,
		Opinion: t.Said.Opinion, Text: t.Said.Text, Reason: t.Said.Reason, Check: t.Said.Check, Stage: t.Stage.String(),
		Items: t.Said.Items, Cites: t.Said.Cites, Day: api.DateOf(t.Dated), Late: t.Late,
	}
}
