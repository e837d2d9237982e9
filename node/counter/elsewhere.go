package counter

import (
	"context"
	"errors"
	"net/http"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// elsewhere says where cases stand that another centre took (R-TR4).
type elsewhere struct{ *counter }

// track answers by the hub's word of now, or of when it was asked before.
func (c elsewhere) track(w http.ResponseWriter, r *http.Request, n protocol.Number) {
	address := api.AddressOf(r, c.Proxied)
	told, now, err := (*protocol.Told)(nil), false, c.unknown.Check(address, c.Clock())
	if err == nil {
		told, now, err = c.ask(r.Context(), n)
	}
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Unavailable) {
		if limited := c.unknown.Take(address, c.Clock()); limited != nil {
			err = limited
		}
	}
	if err != nil {
		c.api.Fail(w, "track", err)
		return
	}
	where := c.Box.Elsewhere(&told.Standing)
	t := c.trackingOf(n, &where)
	t.Custody, t.AsOf, t.Also, t.Source = api.Custody(told.Custody), api.Millis(told.AsOf), told.Also, api.FromHub
	if !now {
		t.Source = api.FromMemory
	}
	t.Owes(told.Demand)
	if told.Asks != nil {
		t.AskedNames = api.AskedNames(c.Box.Pinned(told.Asks), t.Asked)
	}
	api.WriteJSON(w, http.StatusOK, t)
}

// ask asks, where it is not this box that has to know.
func (c elsewhere) ask(ctx context.Context, n protocol.Number) (*protocol.Told, bool, error) {
	const op = "counter.Track"
	hub, nobody := c.Box.Knows(n)
	if !hub {
		return nil, false, fault.New(op, fault.NotFound, n.String(), "this number is of another district: ask there")
	}
	told, now, err := c.Elsewhere(ctx, n)
	if !errors.Is(err, fault.Unavailable) {
		return told, now, err
	}
	if nobody {
		return nil, false, fault.New(op, fault.NotFound, n.String(), "no such number on this box, which alone gives out numbers like it")
	}
	return nil, false, fault.New(op, fault.Unavailable, n.String(),
		"the number is well formed and not this centre's, and the hub can't be asked now: ask again when this centre has a link, at that centre, or online")
}
