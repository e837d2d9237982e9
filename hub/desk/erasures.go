package desk

import (
	"context"
	"net/http"
	"slices"
	"time"

	"kendro/domain/access"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// An erasureDesk takes the orders by which cases are erased, and says how far they have
// come.
type erasureDesk struct{ *Server }

func (s erasureDesk) routes() {
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/erasures", ID: "order-erasure", Summary: "Order that a case, or those of a person, be erased; a second person has to confirm it", Act: access.EraseCase, Status: http.StatusCreated,
	}, s.order)
	api.Register(s.api, api.Route{
		Method: http.MethodGet, Path: "/v1/erasures", ID: "erasures", Summary: "Which cases are or will be erased, by whose order, and which steps are done", Act: access.ReadErasures,
	}, s.list)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/erasures/{number}/confirm", ID: "confirm-erasure", Summary: "Confirm an order as the second person; it is carried out at once and can't be taken back", Act: access.EraseCase,
	}, s.confirm)
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/erasures/{number}/withdraw", ID: "withdraw-erasure", Summary: "Withdraw an order that nobody has confirmed", Act: access.EraseCase,
	}, s.withdraw)
}

type erasureInput struct {
	Body api.ErasureRequest
}

type erasuresOutput struct {
	Body api.ErasureList
}

func (s erasureDesk) order(ctx context.Context, in *erasureInput) (*erasuresOutput, error) {
	b := &register.ErasureOrder{Numbers: in.Body.Numbers, Basis: in.Body.Basis, Reason: in.Body.Reason}
	return s.told(ctx, command(ctx, register.OrderErasure, b), in.Body.Numbers[0])
}

func (s erasureDesk) confirm(ctx context.Context, in *numberInput) (*erasuresOutput, error) {
	return s.word(ctx, in, register.ConfirmErasure)
}

func (s erasureDesk) withdraw(ctx context.Context, in *numberInput) (*erasuresOutput, error) {
	return s.word(ctx, in, register.DropErasure)
}

func (s erasureDesk) word(ctx context.Context, in *numberInput, m register.Method) (*erasuresOutput, error) {
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	return s.told(ctx, command(ctx, m, &register.ErasureWord{Number: n}), n)
}

// told carries out a command and answers with the order in which a case then stands.
func (s erasureDesk) told(ctx context.Context, cmd register.Command, n protocol.Number) (*erasuresOutput, error) {
	if _, err := s.do(ctx, cmd); err != nil {
		return nil, err
	}
	s.hub.Fresh(ctx)
	return s.show(func(e *register.Erasure) bool { return slices.Contains(e.With, n) })
}

// list shows an officer the orders of his area.
func (s erasureDesk) list(ctx context.Context, _ *struct{}) (*erasuresOutput, error) {
	who := api.CallerOf(ctx).Principal
	s.hub.Fresh(ctx)
	set := s.hub.Register().Set()
	return s.show(func(e *register.Erasure) bool {
		on := access.Resource{}
		if set != nil {
			on.Areas = access.In(set.Directory, e.Area)
		}
		return access.May(who, access.ReadErasures, on) == nil
	})
}

func (s erasureDesk) show(keep func(*register.Erasure) bool) (*erasuresOutput, error) {
	all, err := s.hub.Register().Erasures()
	if err != nil {
		return nil, err
	}
	out := &erasuresOutput{api.ErasureList{Erasures: []api.Erasure{}}}
	for _, e := range all {
		if keep(e) {
			out.Body.Erasures = append(out.Body.Erasures, s.erasureOf(e))
		}
	}
	return out, nil
}

func (s erasureDesk) erasureOf(e *register.Erasure) api.Erasure {
	out := api.Erasure{
		Number: e.Number, With: e.With, Basis: e.Basis, Reason: e.Reason, Stage: e.Stage, OrderedBy: e.By, OrderedSeat: e.Seat.String(),
		OrderedAt: api.Millis(e.At), ConfirmedBy: e.Confirmed, Index: e.Index, Documents: len(e.Documents), Steps: []api.ErasureStep{},
	}
	if e.ErasedAt == 0 {
		return out
	}
	at := api.Millis(e.ErasedAt)
	out.ErasedAt, out.Confirmed = &at, e.Second.String()
	out.Steps = append(out.Steps, api.ErasureStep{Step: "register", Done: true})
	return out
}

// erasedNote is what anybody may know of an erased case, nil for one that is not.
func erasedNote(reg *register.Register, n protocol.Number) *api.ErasureNote {
	e, err := reg.Erasure(n)
	if err != nil || e.ErasedAt == 0 {
		return nil
	}
	name := place.Name{BN: e.Seat.Post, EN: e.Seat.Post}
	if set := reg.Set(); set != nil {
		if p, ok := set.Directory.Post(e.Seat.Post); ok {
			name = p.Name
		}
	}
	by := api.NamedOf(e.Seat.Post, name)
	return &api.ErasureNote{At: api.TimeOf(time.UnixMilli(e.ErasedAt)), By: by, Basis: e.Basis}
}
