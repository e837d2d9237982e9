package counter

import (
	"context"
	"errors"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/web/api"
)

// bills says what is to be paid on a case of any centre, and what was taken for it here.
type bills struct{ *counter }

type billInput struct {
	Number string `path:"number" maxLength:"128"`
}

type billOutput struct{ Body api.Bill }

// bill answers from the box's own case or by the hub's word; where neither is known it says
// so: whoever stands at the counter with money is not sent away for want of a link.
func (c bills) bill(ctx context.Context, in *billInput) (*billOutput, error) {
	if err := access.May(api.CallerOf(ctx).Principal, access.File, c.own()); err != nil {
		return nil, err
	}
	n, err := protocol.ParseNumber(in.Number)
	if err != nil {
		return nil, err
	}
	out := &billOutput{api.Bill{Number: n, Taken: []api.PaymentNote{}}}
	taken, err := c.Box.Followups().Taken(n)
	if err != nil {
		return nil, err
	}
	for _, t := range taken {
		out.Body.Taken = append(out.Body.Taken, api.PaymentNote{
			Seq: t.Seq, At: api.TimeOf(t.At), Means: t.Payment.Means, Fees: t.Payment.Fees, Reference: t.Payment.Reference, Voided: t.Voided,
		})
	}
	where, _, err := c.stands(n)
	if err == nil {
		out.say(c.trackingOf(n, &where), api.FromBox)
		return out, nil
	}
	if !errors.Is(err, fault.NotFound) {
		return nil, err
	}
	told, now, err := elsewhere(c).ask(ctx, n)
	switch kind := fault.KindOf(err); {
	case err == nil:
		where := c.Box.Elsewhere(&told.Standing)
		t := c.trackingOf(n, &where)
		t.AsOf = api.Millis(told.AsOf)
		t.Owes(told.Demand)
		out.say(t, map[bool]string{true: api.FromHub, false: api.FromMemory}[now])
	case kind == fault.NotFound:
		out.Body.Source = api.FromNobody
	default: // There is no link, or the hub is busy.
		out.Body.Source = api.FromUnknown
	}
	return out, nil
}

func (b *billOutput) say(t *api.Tracking, source string) {
	b.Body.Source, b.Body.AsOf = source, &t.AsOf
	b.Body.Stage, b.Body.Demand, b.Body.Lapsed = t.Stage, t.Demand, t.Lapsed
}

// stands is where a case stands that this box took, as its union has brought it on here
// where it decides; the case alone where that is known already.
func (c bills) stands(n protocol.Number) (box.Where, *box.Case, error) {
	where, err := c.Box.Track(n)
	if err != nil {
		return where, nil, err
	}
	if u, err := c.Box.UnionCase(n); err == nil && !u.Elsewhere {
		return u.Where, u.Case, nil
	}
	return where, nil, nil
}
