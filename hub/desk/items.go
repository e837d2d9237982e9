package desk

import (
	"context"
	"net/http"
	"strings"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// itemDesk answers about what the procedure could not decide.
type itemDesk struct{ *Server }

func (s itemDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/items", ID: "items", Summary: "What waits for a decision beside the procedure, or could not be placed: what is overdue first", Act: access.ListTasks,
	}, s.list)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/items/{id}", ID: "settle", Summary: "Say what comes of an item, once and for all", Act: access.WorkCase,
	}, s.settle)
}

type itemsInput struct {
	Scope string `query:"scope" enum:"mine,office" default:"mine"`
}

// mostItems bounds a list.
const mostItems = 200

// list shows what waits for an outcome and what the register could not place, to
// whoever may list its owner's tasks. What is overdue comes first.
func (s itemDesk) list(ctx context.Context, in *itemsInput) (*struct{ Body api.ItemList }, error) {
	who := api.CallerOf(ctx)
	s.hub.Fresh(ctx)
	reg := s.hub.Register()
	all, err := conflicts{reg, s.clock()}.all(who.Seat.Office)
	if err != nil {
		return nil, err
	}
	out := &struct{ Body api.ItemList }{api.ItemList{Items: []api.Item{}}}
	for _, it := range all {
		mine := it.Owner == who.Seat.String()
		if !mine && in.Scope != "office" && who.Role == access.Officer || access.May(who.Principal, access.ListTasks, ownedBy(reg, it.Owner)) != nil {
			continue
		}
		if len(out.Body.Items) == mostItems {
			out.Body.More++
			continue
		}
		out.Body.Items = append(out.Body.Items, it)
	}
	return out, nil
}

// ownedBy is what an item belongs to: its owner's office, and the areas above.
func ownedBy(reg *register.Register, owner string) access.Resource {
	post, office, _ := strings.Cut(owner, "@")
	on := access.Resource{Seat: place.Seat{Post: post, Office: office}}
	if set := reg.Set(); set != nil {
		if o, ok := set.Directory.Office(office); ok {
			on.Areas = access.In(set.Directory, o.Area)
		}
	}
	return on
}

func itemOf(it *register.Item) api.Item {
	out := api.Item{
		ID: it.ID, Number: it.Number, Kind: it.Kind, Since: api.Millis(it.At), Due: api.DateOf(it.Deadline), Owner: it.Owner.String(),
		Text: it.Text, Poisha: it.Amount, Centre: string(it.Centre), Outcome: it.Outcome, Words: it.Words, SettledBy: it.By, Charged: it.Charged,
		Fields: it.Fields,
	}
	if out.Advice, _ = api.AdviceOn(it.Kind); it.Outcome == "" {
		out.Outcomes = register.OutcomesOf(it.Kind)
	}
	return out
}

type settleInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body api.SettleRequest
}

func (s itemDesk) settle(ctx context.Context, in *settleInput) (*struct{ Body api.Done }, error) {
	number, err := protocol.ParseNumber(before(in.ID))
	if err != nil {
		return nil, fault.New("desk.settle", fault.NotFound, in.ID, "no such item")
	}
	cmd := command(ctx, register.Settle, register.Settlement{Item: in.ID, Outcome: in.Body.Outcome, Text: in.Body.Text})
	cmd.Number = number
	if _, err := s.do(ctx, cmd); err != nil {
		return nil, err
	}
	return &struct{ Body api.Done }{api.Done{Done: true}}, nil
}

// before is the number with which an item's ID begins.
func before(id string) string {
	if len(id) > 16 && id[16] == '-' {
		return id[:16]
	}
	return ""
}
