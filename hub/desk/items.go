package desk

import (
	"context"
	"errors"
	"net/http"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// itemDesk answers about what the procedure could not decide.
type itemDesk struct{ *Server }

func (s itemDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/items", ID: "items", Summary: "What waits for a decision beside the procedure, at your desk", Act: access.ListTasks,
	}, s.list)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/items/{id}", ID: "settle", Summary: "Say what comes of an item, once and for all", Act: access.WorkCase,
	}, s.settle)
}

type itemsInput struct {
	Scope string `query:"scope" enum:"mine,office" default:"mine"`
}

const mostItems = 200

var errEnoughItems = errors.New("enough")

func (s itemDesk) list(ctx context.Context, in *itemsInput) (*struct{ Body api.ItemList }, error) {
	who := api.CallerOf(ctx)
	s.hub.Fresh(ctx)
	out := &struct{ Body api.ItemList }{api.ItemList{Items: []api.Item{}}}
	err := s.hub.Register().OpenItems(func(it *register.Item) error {
		mine := it.Owner == who.Seat || in.Scope == "office" && it.Owner.Office == who.Seat.Office
		if mine || who.Role == access.Auditor {
			out.Body.Items = append(out.Body.Items, itemOf(it))
		}
		if len(out.Body.Items) == mostItems {
			return errEnoughItems
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnoughItems) {
		return nil, err
	}
	return out, nil
}

func itemOf(it *register.Item) api.Item {
	return api.Item{
		ID: it.ID, Number: it.Number, Kind: it.Kind, Since: api.Millis(it.At), Due: api.DateOf(it.Deadline), Owner: it.Owner.String(),
		Text: it.Text, Poisha: it.Amount, Centre: string(it.Centre), Outcome: it.Outcome, Words: it.Words, SettledBy: it.By,
	}
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
