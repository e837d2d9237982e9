package desk

import (
	"context"
	"errors"
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
	Ended bool   `query:"ended" doc:"What was settled of what is no case's item, the newest first, in place of what waits"`
}

// mostItems bounds a list.
const mostItems = 200

// list shows what waits for an outcome and what the register could not place, to
// whoever may list its owner's tasks. What is overdue comes first.
func (s itemDesk) list(ctx context.Context, in *itemsInput) (*struct{ Body api.ItemList }, error) {
	who := api.CallerOf(ctx)
	reg := s.search.fresh(ctx)
	on := conflicts{reg, s.search.index.Load(), s.clock()}
	gather := func() ([]api.Item, error) { return on.all(who.Seat) }
	if in.Ended {
		gather = on.ended
	}
	all, err := gather()
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
		if !mine {
			if it, err = apart(reg, it, who.Principal); err != nil {
				return nil, err
			}
		}
		out.Body.Items = append(out.Body.Items, it)
	}
	return out, nil
}

// apart leaves of an item of a grievance that is not the reader's to read what it is: where
// it lies and what is said of it may be kept from him of all people.
func apart(reg *register.Register, it api.Item, who access.Principal) (api.Item, error) {
	if it.Number == 0 {
		return it, nil
	}
	c, err := reg.Case(it.Number)
	if errors.Is(err, fault.NotFound) {
		return it, nil
	}
	if err != nil || c.Accused == nil || access.May(who, access.ReadCase, reg.Resource(c)) == nil {
		return it, err
	}
	return api.Item{ID: it.ID, Number: it.Number, Kind: it.Kind, Since: it.Since, Advice: it.Advice}, nil
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
		Disputed: api.Disputed{Fields: it.Fields}, PaidOut: api.PaidOut{Voucher: it.Voucher, PaidOn: api.DateOf(it.PaidOn), Of: it.Of},
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
	var cmd register.Command
	if err != nil { // It is no case's.
		cmd, err = s.ending(ctx, in)
	} else {
		b := register.Settlement{Item: in.ID, Outcome: in.Body.Outcome, Text: in.Body.Text, Owes: true, Poisha: in.Body.Poisha}
		b.Voucher = in.Body.Voucher
		b.PaidOn, err = actDesk(s).endOf(in.Body.PaidOn, "paid_on")
		cmd = command(ctx, register.Settle, b)
		cmd.Number = number
	}
	if err == nil {
		_, err = s.do(ctx, cmd)
	}
	if err != nil {
		return nil, err
	}
	return &struct{ Body api.Done }{api.Done{Done: true}}, nil
}

// ending is the command that ends what is no case's item.
func (s itemDesk) ending(ctx context.Context, in *settleInput) (register.Command, error) {
	b := register.MatterEnd{ID: in.ID, Outcome: in.Body.Outcome, Text: in.Body.Text}
	var err error
	if in.Body.To != "" {
		b.To, err = place.ParseSeat(in.Body.To)
	}
	if in.Body.Number != "" && err == nil {
		b.Number, err = protocol.ParseNumber(in.Body.Number)
	}
	return command(ctx, register.EndMatter, &b), err
}

// before is the number with which an item's ID begins.
func before(id string) string {
	if len(id) > 16 && id[16] == '-' {
		return id[:16]
	}
	return ""
}
