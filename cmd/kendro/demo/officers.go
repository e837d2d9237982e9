package demo

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"kendro/cmd/kendro/district"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// readTasks asks every desk for its list.
func (d *drama) readTasks(ctx context.Context) error {
	d.seen.tasks = map[protocol.Number]string{}
	for _, seat := range d.town.seats {
		c, err := d.officerAt(ctx, seat.String(), d.Servers[0])
		if err != nil {
			return err
		}
		cursor := ""
		for {
			var list api.TaskList
			if err := c.Do(ctx, api.Call{Path: "/v1/tasks?scope=mine" + cursor, Out: &list}); err != nil {
				return err
			}
			for _, t := range list.Tasks {
				d.seen.tasks[t.Number] = seat.String()
			}
			if list.Next == "" {
				break
			}
			cursor = "&cursor=" + list.Next
		}
		c.Close()
	}
	d.say.tell("%d tasks stand in the lists of %d desks", len(d.seen.tasks), len(d.town.seats))
	return nil
}

// officerAt signs in whoever sits at a desk, at one server.
func (d *drama) officerAt(ctx context.Context, seat string, at *district.Process) (*api.Client, error) {
	l, err := d.find(func(l login) bool { return l.Role == officer && l.Place == seat })
	if err != nil {
		return nil, err
	}
	l.URL = at.URL()
	return signIn(ctx, l)
}

// officersWork takes one case through every desk: the first tries to forward it
// without a preliminary decision.
func (d *drama) officersWork(ctx context.Context) error {
	i := slices.IndexFunc(d.filed, func(f filing) bool {
		return len(f.service.Steps) >= 2 && f.service.Steps[0].Decision && f.service.Procedure == nil
	})
	if i < 0 {
		return fault.New(op, fault.Internal, "", "no application has two desks before it")
	}
	n := d.filed[i].answer.Number
	seat := d.seen.tasks[n]
	c, err := d.officerAt(ctx, seat, d.Servers[0])
	if err != nil {
		return err
	}
	defer c.Close()
	if err := act(ctx, c, n, "take", api.ActionRequest{}); err != nil {
		return err
	}
	err = act(ctx, c, n, "forward", api.ActionRequest{Text: "please"})
	if err == nil || errors.Is(err, fault.Unavailable) || errors.Is(err, fault.Internal) {
		return fault.New(op, fault.Internal, n.String(), "a forward without a preliminary decision was not refused")
	}
	d.seen.hero, d.seen.refusal = n, err.Error()
	d.say.tell("%s: forward without a preliminary decision refused", n.Spaced())
	if err := d.throughTheDesks(ctx, n); err != nil {
		return err
	}
	return d.sameStage(ctx, d.filed[i].node)
}

// throughTheDesks decides and forwards until a post that may finalise approves.
func (d *drama) throughTheDesks(ctx context.Context, n protocol.Number) error {
	for range 10 {
		r, err := d.record(ctx, n)
		if err != nil {
			return err
		}
		c, err := d.officerAt(ctx, r.Seat, d.Servers[len(d.Servers)-1])
		if err != nil {
			return err
		}
		defer c.Close()
		if r.Holder == "" {
			if err := act(ctx, c, n, "take", api.ActionRequest{}); err != nil {
				return err
			}
		}
		step := d.stepOf(r)
		if step.Decision || !step.MayFinalise {
			if err := act(ctx, c, n, "decide", api.ActionRequest{Opinion: "approve", Text: "records agree"}); err != nil {
				return err
			}
		}
		if step.MayFinalise {
			d.say.tell("%s: approved by %s", n.Spaced(), r.Seat)
			return act(ctx, c, n, "approve", api.ActionRequest{Text: "granted"})
		}
		if err := act(ctx, c, n, "forward", api.ActionRequest{}); err != nil {
			return err
		}
		d.say.tell("%s: decided and forwarded by %s", n.Spaced(), r.Seat)
	}
	return fault.New(op, fault.Internal, n.String(), "passes from desk to desk without end")
}

func (d *drama) stepOf(r *api.Record) dcat.Step {
	if v := d.town.service(r.Service.ID); v != nil && r.Step < len(v.Steps) {
		return v.Steps[r.Step]
	}
	return dcat.Step{}
}

// act does one thing to a case, as its present version stands.
func act(ctx context.Context, c *api.Client, n protocol.Number, action string, in api.ActionRequest) error {
	var r api.Record
	if err := c.Do(ctx, api.Call{Path: "/v1/applications/" + n.String(), Out: &r}); err != nil {
		return err
	}
	return c.Do(ctx, api.Call{
		Method: http.MethodPost, Path: "/v1/cases/" + n.String() + "/" + action,
		Key: api.NewKey(), Match: r.Version, In: in,
	})
}

// record reads a case as the auditor may.
func (d *drama) record(ctx context.Context, n protocol.Number) (*api.Record, error) {
	if d.seen.auditor == nil {
		l, err := d.find(func(l login) bool { return l.Role == "auditor" })
		if err != nil {
			return nil, err
		}
		if d.seen.auditor, err = signIn(ctx, l); err != nil {
			return nil, err
		}
	}
	r := &api.Record{}
	return r, d.seen.auditor.Do(ctx, api.Call{Path: "/v1/applications/" + n.String(), Out: r})
}

// sameStage waits until the slip's box and the hub's public page tell the same,
// and remembers what both said.
func (d *drama) sameStage(ctx context.Context, node int) error {
	ctx, stop := context.WithTimeout(ctx, acceptedIn)
	defer stop()
	err := district.Poll(ctx, func() bool {
		slip, err1 := track(ctx, d.Nodes[node].Process, d.seen.hero)
		public, err2 := track(ctx, d.Servers[0], d.seen.hero)
		d.seen.slip, d.seen.public = slip, public
		return err1 == nil && err2 == nil && slip.Stage == public.Stage && public.Stage == "APPROVED"
	})
	if err == nil {
		d.say.tell("%s: slip and public page both say %s", d.seen.hero.Spaced(), d.seen.public.Stage)
	}
	return fault.Wrap(op, fault.Internal, d.seen.hero.String(), err)
}

// oneMoreTakes lets the officer of some untouched case take it.
func (d *drama) oneMoreTakes(ctx context.Context, at *district.Process) error {
	for _, f := range d.filed {
		seat := d.seen.tasks[f.answer.Number]
		if _, err := place.ParseSeat(seat); err != nil || f.answer.Number == d.seen.hero {
			continue
		}
		c, err := d.officerAt(ctx, seat, at)
		if err != nil {
			return err
		}
		defer c.Close()
		d.seen.taken = f.answer.Number
		return act(ctx, c, f.answer.Number, "take", api.ActionRequest{})
	}
	return fault.New(op, fault.Internal, "", "no case waits for anybody")
}
