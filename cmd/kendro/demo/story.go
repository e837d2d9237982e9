package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"kendro/catalogue"
	"kendro/cmd/kendro/district"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/pack/bd"
	"kendro/protocol"
	"kendro/web/api"
)

const (
	perDay     = 60 // Applications while the hub is down.
	acceptedIn = 40 * time.Second
)

// A drama is the story while it plays: who acts, and what people were told. What
// it was told decides nothing; see evidence.go.
type drama struct {
	*stage
	samples *catalogue.Sampler
	counter []*api.Client // An entrepreneur at each node, signed in.
	filed   []filing
	seen    observed
}

// A filing is one application as the counter tried it.
type filing struct {
	node    int
	service *dcat.Version
	key     string
	body    []byte
	answer  api.ApplicationAnswer // Number 0 until a receipt was printed.
}

// story plays the day and prints the table. A line that fails is
// [fault.Internal].
func (s *stage) story(ctx context.Context, out io.Writer) error {
	d := &drama{stage: s}
	set, err := catalogue.Build(bd.Pack(), nil, time.Now())
	if err != nil {
		return err
	}
	if d.samples, err = catalogue.NewSampler(set); err != nil {
		return err
	}
	for _, act := range []func(context.Context) error{
		d.fresh, d.hubGoesDown, d.counterGoesOn, d.hubComesBack, d.officersWork, d.leaderDies, d.feeChanges, d.settle,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	s.say.tell("stopping everything to read what the disks hold")
	s.Stop()
	lines, err := d.evidence(ctx)
	if err != nil {
		return err
	}
	return report(out, lines)
}

// fresh refuses a district in which somebody has worked already: the table is
// about all that its disks hold.
func (d *drama) fresh(ctx context.Context) error {
	if err := d.signInAtCounters(ctx); err != nil {
		return err
	}
	c, err := release(ctx, d.Servers[0])
	if err != nil {
		return err
	}
	used := c.Release != 1
	for i := range d.Nodes {
		var list api.FiledList
		if err := d.counter[i].Do(ctx, api.Call{Path: "/v1/applications", Out: &list}); err != nil {
			return err
		}
		used = used || len(list.Applications) > 0
	}
	if used {
		return fault.New(op, fault.Invalid, d.Dir, "this district has worked already, and the story needs a new one: leave --dir out, or name an empty folder")
	}
	return nil
}

func (d *drama) hubGoesDown(ctx context.Context) error {
	for _, p := range d.Servers {
		p.Kill()
	}
	d.say.tell("hub down: all %d servers killed", len(d.Servers))
	return d.signInAtCounters(ctx) // With the hub gone.
}

func (d *drama) signInAtCounters(ctx context.Context) error {
	d.counter = nil
	for _, n := range d.Nodes {
		l, err := d.find(func(l login) bool { return l.Role == entrepreneur && l.Place == n.Centre })
		if err != nil {
			return err
		}
		c, err := signIn(ctx, l)
		if err != nil {
			return err
		}
		d.counter = append(d.counter, c)
	}
	return nil
}

// counterGoesOn files the day's applications, and kills one box half-way.
func (d *drama) counterGoesOn(ctx context.Context) error {
	victim := len(d.Nodes) - 1
	for i := range perDay {
		if err := d.prepare(i%len(d.Nodes), d.town.services[i%len(d.town.services)], uint64(i+1)); err != nil {
			return err
		}
	}
	for i := range d.filed {
		if i == perDay/2 {
			d.Nodes[victim].Kill()
			d.say.tell("%s killed with -9 after %d applications", d.Nodes[victim].Name, i)
		}
		if err := d.file(ctx, i); err != nil && !errors.Is(err, fault.Unavailable) {
			return err
		}
	}
	if err := d.Nodes[victim].Start(ctx); err != nil {
		return err
	}
	again := 0
	for i := range d.filed {
		if d.filed[i].node != victim {
			continue
		}
		before := d.filed[i].answer.Number
		if err := d.file(ctx, i); err != nil {
			return err
		}
		if before != 0 && before != d.filed[i].answer.Number {
			return fault.New(op, fault.Internal, before.String(), "repeating the request gave number "+d.filed[i].answer.Number.String())
		}
		again++
	}
	d.say.tell("%s restarted; its %d requests repeated with the same keys", d.Nodes[victim].Name, again)
	for i := range d.filed {
		if d.filed[i].answer.Custody != api.Local {
			return fault.New(op, fault.Internal, d.filed[i].answer.Number.String(), "custody without a hub is "+string(d.filed[i].answer.Custody))
		}
	}
	d.say.tell("%d receipts printed with no hub, such as %s (%s)", len(d.filed), d.filed[0].answer.Number.Spaced(), d.filed[0].answer.Number.Bangla())
	return nil
}

// prepare adds an application to be filed at a node.
func (d *drama) prepare(node int, v *dcat.Version, seed uint64) error {
	body, err := d.samples.Body(v.ID, seed, d.town.centres[node].Code)
	d.filed = append(d.filed, filing{node: node, service: v, key: api.NewKey(), body: body})
	return err
}

// file sends the i-th application, under its key.
func (d *drama) file(ctx context.Context, i int) error {
	f := &d.filed[i]
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	return d.counter[f.node].Do(ctx, api.Call{Method: http.MethodPost, Path: "/v1/applications", Key: f.key, In: f.body, Out: &f.answer})
}

func (d *drama) hubComesBack(ctx context.Context) error {
	began := time.Now()
	if err := district.StartAll(ctx, d.Servers); err != nil {
		return err
	}
	d.say.tell("hub up again")
	if err := d.awaitAccepted(ctx); err != nil {
		return err
	}
	d.say.tell("all %d applications ACCEPTED at their boxes, %.1f s after the hub's start", len(d.filed), time.Since(began).Seconds())
	return d.readTasks(ctx)
}

// awaitAccepted waits until every application is ACCEPTED as its own box tells.
func (d *drama) awaitAccepted(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, acceptedIn)
	defer stop()
	for i := range d.filed {
		f := &d.filed[i]
		var last api.Tracking
		if err := district.Poll(ctx, func() bool {
			t, err := track(ctx, d.Nodes[f.node].Process, f.answer.Number)
			last = t
			return err == nil && (t.Custody == api.Accepted || t.Custody == api.Seen) // Seen by an officer since.
		}); err != nil {
			return fault.New(op, fault.Internal, f.answer.Number.String(), "is still "+string(last.Custody)+" at "+d.Nodes[f.node].Name)
		}
	}
	return nil
}

func track(ctx context.Context, p *district.Process, n protocol.Number) (t api.Tracking, err error) {
	c, err := api.NewClient(p.URL(), "", nil)
	if err != nil {
		return t, err
	}
	defer c.Close()
	return t, c.Do(ctx, api.Call{Path: "/v1/track/" + n.String(), Out: &t})
}

// leaderDies kills the leading server and goes on working.
func (d *drama) leaderDies(ctx context.Context) error {
	old, err := d.leader(ctx)
	if err != nil {
		return err
	}
	old.Kill()
	began := time.Now()
	var next *district.Process
	if err := district.Poll(ctx, func() bool { next, err = d.leader(ctx); return err == nil }); err != nil {
		return err
	}
	d.seen.elected = time.Since(began)
	d.say.tell("leader %s killed; %s leads after %.1f s", old.Name, next.Name, d.seen.elected.Seconds())
	if err := d.fileNow(ctx, 0, d.town.services[0]); err != nil {
		return err
	}
	if err := d.awaitAccepted(ctx); err != nil {
		return err
	}
	d.seen.acceptedWithoutOld = true
	if err := d.oneMoreTakes(ctx, next); err != nil {
		return err
	}
	d.say.tell("an application was filed and accepted, and an officer took a case, without %s", old.Name)
	return old.Start(ctx)
}

// leader returns the running server that leads.
func (d *drama) leader(ctx context.Context) (*district.Process, error) {
	for _, p := range d.Servers {
		if !p.Running() {
			continue
		}
		if s, err := status(ctx, p); err == nil && s.State == "leader" {
			return p, nil
		}
	}
	return nil, fault.New(op, fault.Unavailable, "", "no server leads")
}

func status(ctx context.Context, p *district.Process) (s api.HubStatus, err error) {
	c := api.NewLocalClient(p.Dir)
	defer c.Close()
	ctx, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	return s, c.Do(ctx, api.Call{Path: "/v1/status", Out: &s})
}

// fileNow files one more application.
func (d *drama) fileNow(ctx context.Context, node int, v *dcat.Version) error {
	if err := d.prepare(node, v, uint64(1000+len(d.filed))); err != nil {
		return err
	}
	return d.file(ctx, len(d.filed)-1)
}

// report prints the table and fails when a line does.
func report(out io.Writer, lines []line) error {
	t := &table{head: []string{"", "what must hold", "found"}}
	failed := 0
	for _, l := range lines {
		mark := "ok"
		if !l.holds {
			mark = "FAILED"
			failed++
		}
		t.add(mark, l.what, l.found)
	}
	t.print(out)
	if failed > 0 {
		return fault.New(op, fault.Internal, "", fmt.Sprintf("%d of %d lines failed", failed, len(lines)))
	}
	return nil
}
