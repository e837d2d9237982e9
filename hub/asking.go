package hub

import (
	"context"
	"errors"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// How another authority's register is asked: so many requests in a round, and after a
// failure a pause that doubles, since an outage there may last for days.
const (
	askEvery    = time.Second
	askAtOnce   = 5
	askAgainIn  = 5 * time.Second  // What was not answered.
	pendingIn   = 30 * time.Second // What is pending there.
	longestRest = time.Minute
	lookAhead   = 512 // Cases of the queue that a round looks at.
)

// An inquiry works off every connector's queue while this server leads.
type inquiry struct {
	*group
	clock      func() time.Time
	connectors map[string]Connector
	asked      asked
}

func (q *inquiry) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for name, o := range q.connectors {
		c, err := newConnector(name, o)
		if err != nil {
			continue // Open has refused it.
		}
		a := &asker{group: q.group, clock: q.clock, connector: c, book: q.asked[name]}
		wg.Go(func() { a.keep(ctx) })
	}
}

// An asker works off one connector's queue. One goroutine owns it.
type asker struct {
	*group
	clock     func() time.Time
	connector *connector
	book      *askedBook

	rest  time.Duration // After the next failure.
	until time.Time     // No call before.
}

func (a *asker) keep(ctx context.Context) {
	defer a.connector.close()
	for rest(ctx, askEvery) {
		if !a.leads() {
			a.book.forget() // Another one asks now.
			a.rest, a.until = 0, time.Time{}
			continue
		}
		if now := a.clock(); !now.Before(a.until) {
			a.round(ctx, now)
		}
	}
}

// round asks about the oldest that may be asked about. The first failure ends it, since
// the others would most likely meet the same; the next round begins with them.
func (a *asker) round(ctx context.Context, now time.Time) {
	list, err := a.next(now)
	if err != nil {
		a.log.Warn("the queue to another register could not be read", "connector", a.connector.name, "err", err)
		return
	}
	for _, n := range list {
		if err := a.about(ctx, n, now); err != nil {
			a.rest = min(max(2*a.rest, askEvery), longestRest)
			a.until = now.Add(a.rest)
			if ctx.Err() == nil {
				a.book.failed(n, err, now, a.until)
				a.log.Info("another register does not answer", "connector", a.connector.name, "case", n.String(), "trouble", string(troubleOf(err)), "rest", a.rest.String(), "err", err)
			}
			return
		}
		a.rest = 0
		a.book.heard()
	}
}

// next are those of the oldest cases of the queue that were asked about the longest ago,
// never before all: what is pending there for days holds up nobody who came later.
func (a *asker) next(now time.Time) ([]protocol.Number, error) {
	var list []protocol.Number
	seen := map[protocol.Number]bool{}
	err := a.register().Awaiting(func(w register.Awaited) (bool, error) {
		if w.Connector == a.connector.name {
			seen[w.Number] = true
			list = append(list, w.Number)
		}
		return len(seen) < lookAhead, nil
	})
	if err != nil {
		return nil, err
	}
	if len(seen) < lookAhead {
		a.book.keep(seen)
	}
	list = a.book.due(list, now)
	return list[:min(len(list), askAtOnce)], nil
}

// about asks about one case, and tells the group what it hears. Told twice, by two
// leaders, it is taken once.
func (a *asker) about(ctx context.Context, n protocol.Number, now time.Time) error {
	a.book.tried(n, now)
	h, err := a.handOff(n)
	if err != nil {
		return err
	}
	answer, err := a.connector.settle(ctx, h)
	if err != nil {
		return err
	}
	if answer.State == outsidePending {
		a.book.pending(n, now)
		return nil
	}
	heard := register.Heard{Connector: a.connector.name, Number: answer.Number}
	if answer.State == outsideRefused {
		heard = register.Heard{Connector: a.connector.name, Refused: answer.Reason}
	}
	cmd := register.NewCommand(drawID(), register.ActorHub, register.Hear, &heard)
	cmd.Number = n
	_, err = a.do(ctx, cmd)
	if errors.Is(err, fault.Conflict) { // Another leader has told it, or an officer.
		err = nil
	}
	if err == nil {
		a.book.over(n)
	}
	return err
}

func (a *asker) handOff(n protocol.Number) (*handOff, error) {
	reg := a.register()
	c, err := reg.Case(n)
	if err != nil {
		return nil, err
	}
	e, sub, err := reg.AsOf(c, 0)
	if err != nil {
		return nil, err
	}
	return &handOff{
		ID: n, Service: c.Service, Version: c.Edition, Centre: string(c.Centre),
		Filed: time.UnixMilli(e.At).UTC().Format(time.RFC3339), Form: sub.Form, Applicant: sub.Applicant,
	}, nil
}
