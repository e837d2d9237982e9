package desk

import (
	"context"
	"net/http"
	"slices"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
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
	api.Register(s.api, api.Route{
		Method: http.MethodPost, Path: "/v1/erasures/copies", ID: "copies-gone", Summary: "Say that backups, exports, recovery shares and sticks made before a day are destroyed", Act: access.ManageMembers,
	}, s.copies)
}

// An EraseSchedule says by when, after an erasure, what a hub doesn't do at once is done.
type EraseSchedule struct {
	Servers time.Duration // On the disks of its servers.
	Copies  time.Duration // By whoever keeps copies elsewhere.
}

type copiesInput struct {
	Body api.CopiesGone
}

// copies notes an operator's word that what was kept elsewhere is destroyed.
func (s erasureDesk) copies(ctx context.Context, in *copiesInput) (*doneOutput, error) {
	day, err := time.ParseInLocation(time.DateOnly, in.Body.Before, api.Dhaka())
	if err != nil {
		return nil, fault.New("desk.copiesGone", fault.Invalid, "before", "want a date such as 2027-03-01")
	}
	_, err = s.do(ctx, command(ctx, register.CopiesAreGone, register.CopiesGone{Before: day.UnixMilli()}))
	return &doneOutput{Body: api.Done{Done: true}}, err
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
	reg := s.hub.Register()
	all, err := reg.Erasures()
	if err != nil {
		return nil, err
	}
	before, err := reg.ErasedCopies()
	if err != nil {
		return nil, err
	}
	out := &erasuresOutput{api.ErasureList{
		Erasures: []api.Erasure{}, Schedule: api.ErasureSchedule{Servers: int(s.erase.Servers.Hours()), Copies: int(s.erase.Copies.Hours() / 24)},
	}}
	if !before.IsZero() {
		t := api.TimeOf(before)
		out.Body.Copies = &t
	}
	for _, e := range all {
		if !keep(e) {
			continue
		}
		one := erasureOf(e)
		if e.ErasedAt != 0 {
			if one.Steps, err = s.steps(reg, e, before); err != nil {
				return nil, err
			}
		}
		out.Body.Erasures = append(out.Body.Erasures, one)
	}
	return out, nil
}

// steps says who has carried an order out, and by when the others do by the schedule.
func (s erasureDesk) steps(reg *register.Register, e *register.Erasure, copies time.Time) ([]api.ErasureStep, error) {
	_, held := e.Held()
	last := time.UnixMilli(held)
	at := func(ms int64) *api.Time {
		if ms == 0 {
			return nil
		}
		t := api.Millis(ms)
		return &t
	}
	list := []api.ErasureStep{{Step: "register", Done: true, At: at(held)}}
	servers, err := reg.ErasedAtServers(e)
	if err != nil {
		return nil, err
	}
	for _, f := range servers {
		list = append(list, api.ErasureStep{Step: "server", Who: f.Name, Done: f.Done != 0, At: at(f.Done), Due: at(last.Add(s.erase.Servers).UnixMilli())})
	}
	boxes, err := reg.ErasedAtBoxes(e)
	if err != nil {
		return nil, err
	}
	for _, f := range boxes {
		list = append(list, api.ErasureStep{Step: "box", Who: string(f.Centre) + " " + f.Name, Done: f.Done != 0, At: at(f.Done), Lost: f.Revoked && f.Done == 0})
	}
	return append(list, api.ErasureStep{Step: "copies", Done: copies.After(last), Due: at(last.Add(s.erase.Copies).UnixMilli())}), nil
}

func erasureOf(e *register.Erasure) api.Erasure {
	out := api.Erasure{
		Number: e.Number, With: e.With, Basis: e.Basis, Reason: e.Reason, Stage: e.Stage, OrderedBy: e.By, OrderedSeat: e.Seat.String(),
		OrderedAt: api.Millis(e.At), ConfirmedBy: e.Confirmed, Index: e.Index, Documents: len(e.Documents), Steps: []api.ErasureStep{},
	}
	if e.ErasedAt == 0 {
		return out
	}
	at := api.Millis(e.ErasedAt)
	out.ErasedAt, out.Confirmed = &at, e.Second.String()
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
