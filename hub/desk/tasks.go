package desk

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/web/api"
)

type tasksInput struct {
	Scope  string `query:"scope" enum:"mine,office" default:"mine" doc:"Your own desk, or your whole office"`
	Office string `query:"office" maxLength:"128" doc:"Another office, for supervisors and auditors"`
	Cursor string `query:"cursor" maxLength:"4096"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type tasksOutput struct {
	Body api.TaskList
}

// tasks lists what waits, the earliest due first (R-OF2). An officer's own list
// has what he took and what anybody of his post may take.
func (s *Server) tasks(ctx context.Context, in *tasksInput) (*tasksOutput, error) {
	who := api.CallerOf(ctx)
	asOf, _ := s.hub.Fresh(ctx)
	reg := s.hub.Register()
	seat := place.Seat{Office: cmp.Or(in.Office, who.Seat.Office)}
	if seat.Office == "" {
		return nil, fault.New("desk.tasks", fault.Invalid, "office", "say which office: yours is none")
	}
	on := access.Resource{Seat: seat}
	if set := reg.Set(); set != nil {
		if o, ok := set.Directory.Office(seat.Office); ok {
			on.Areas = access.In(set.Directory, o.Area)
		}
	}
	if err := access.May(who.Principal, access.ListTasks, on); err != nil {
		return nil, err
	}
	m := merge{reg: reg, office: seat.Office, limit: in.Limit, posts: postsOf(reg, seat.Office)}
	if in.Scope != "office" && in.Office == "" {
		m.posts = []string{who.Seat.Post}
		m.keep = func(t register.Task) bool { return t.Holder == "" || t.Holder == who.User }
	}
	list, next, err := m.page(in.Cursor)
	if err != nil {
		return nil, err
	}
	out := &tasksOutput{Body: api.TaskList{Tasks: make([]api.Task, 0, len(list)), Next: next, AsOf: api.TimeOf(asOf)}}
	for _, t := range list {
		task, err := s.task(reg, t)
		if err != nil {
			return nil, err
		}
		out.Body.Tasks = append(out.Body.Tasks, task)
	}
	return out, discreet(reg, out.Body.Tasks, who.Principal)
}

// discreet leaves of a grievance that is not the reader's to read its number and stage.
func discreet(reg *register.Register, tasks []api.Task, who access.Principal) error {
	set := reg.Set()
	for i := range tasks {
		t := &tasks[i]
		if v, ok := numbered(set, &t.Service); !ok || !v.Confidential() {
			continue
		}
		c, err := reg.Case(t.Number)
		if err != nil {
			return err
		}
		if access.May(who, access.ReadCase, reg.Resource(c)) != nil {
			*t = api.Task{Number: t.Number, Service: t.Service, Stage: t.Stage, Since: t.Since}
		}
	}
	return nil
}

func numbered(set *dcat.Set, s *api.ServiceRef) (*dcat.Version, bool) {
	if set == nil {
		return nil, false
	}
	return set.Numbered(s.ID, s.Version)
}

// task shows one case on a list. What its applicant has time until is read from the case, where
// it waits for him.
func (s *Server) task(reg *register.Register, t register.Task) (api.Task, error) {
	out := api.Task{
		Number: t.Number, Service: serviceRef(reg.Set(), t.Service, int(t.Edition)), Stage: t.Stage, Version: t.Version,
		Seat: t.Seat.String(), Holder: t.Holder, Since: api.Millis(t.Since), Due: api.DateOf(t.Due),
		Overdue: t.Due != 0 && t.Due < s.clock().Unix(), Centre: string(t.Centre),
	}
	if t.Stage != application.InfoRequested.String() {
		return out, nil
	}
	c, err := reg.Case(t.Number)
	if err == nil {
		out.AskedUntil = api.DateOf(c.State.SupplyBy)
	}
	return out, err
}

// postsOf lists the posts of an office.
func postsOf(reg *register.Register, office string) []string {
	set := reg.Set()
	if set == nil {
		return nil
	}
	o, ok := set.Directory.Office(office)
	if !ok {
		return nil
	}
	var list []string
	for _, p := range set.Directory.Posts {
		if p.OfficeLevel == o.Level {
			list = append(list, p.Code)
		}
	}
	return list
}

// A merge lists the tasks of several posts by due date. The register keeps them
// by post, then by due date; the cursor is how far each post's list was read.
type merge struct {
	reg    *register.Register
	office string
	posts  []string
	limit  int
	keep   func(register.Task) bool
}

// ended marks a post whose list was read to its end.
const ended = "."

// page returns the tasks after a cursor and the cursor after them, empty on the
// last page.
func (m merge) page(cursor string) ([]register.Task, string, error) {
	marks := map[string]string{}
	if cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil || json.Unmarshal(raw, &marks) != nil || marks == nil {
			return nil, "", fault.New("desk.tasks", fault.Invalid, "cursor", "not a cursor of this list: begin again without")
		}
	}
	var out []register.Task
	for len(out) < m.limit {
		list, more, err := m.read(marks, m.limit-len(out))
		if err != nil {
			return nil, "", err
		}
		out = append(out, list...)
		if !more {
			return out, "", nil
		}
	}
	raw, err := json.Marshal(marks)
	return out, base64.RawURLEncoding.EncodeToString(raw), fault.Wrap("desk.tasks", fault.Internal, "cursor", err)
}

// read takes up to limit tasks off the posts' lists, moves their marks on, and
// reports whether anything is left.
func (m merge) read(marks map[string]string, limit int) (list []register.Task, more bool, err error) {
	for _, post := range m.posts {
		if marks[post] == ended {
			continue
		}
		some, _, err := m.tasks(post, marks[post], limit)
		if err != nil {
			return nil, false, err
		}
		list = append(list, some...)
	}
	slices.SortStableFunc(list, byDue)
	list = list[:min(limit, len(list))]
	for _, post := range m.posts {
		used := 0
		for _, t := range list {
			if t.Seat.Post == post {
				used++
			}
		}
		if marks[post] != ended && used > 0 {
			_, next, err := m.tasks(post, marks[post], used)
			if err != nil {
				return nil, false, err
			}
			marks[post] = cmp.Or(next, ended)
		}
		more = more || used > 0 && marks[post] != ended
	}
	if !more {
		more, err = m.anything(marks)
	}
	if m.keep != nil {
		list = slices.DeleteFunc(list, func(t register.Task) bool { return !m.keep(t) })
	}
	return list, more, err
}

// anything reports whether a post's list goes on after its mark.
func (m merge) anything(marks map[string]string) (bool, error) {
	for _, post := range m.posts {
		if marks[post] == ended {
			continue
		}
		some, _, err := m.tasks(post, marks[post], 1)
		if err != nil || len(some) > 0 {
			return true, err
		}
	}
	return false, nil
}

func (m merge) tasks(post, after string, limit int) ([]register.Task, string, error) {
	return m.reg.Tasks(register.TaskQuery{Office: m.office, Post: post, After: after, Limit: limit})
}

// byDue orders tasks as the register does: what has no due date comes last.
func byDue(a, b register.Task) int {
	due := func(t register.Task) int64 {
		if t.Due == 0 {
			return math.MaxInt64
		}
		return t.Due
	}
	return cmp.Or(cmp.Compare(due(a), due(b)), cmp.Compare(a.Number, b.Number))
}
