package sim

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/measure"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
)

// A dayPlan says what one day brings to the counters of a district, and who is there
// to work on it.
type dayPlan struct {
	Seed    uint64
	Centres int
	Copies  int     // Applications for a certified copy of a land record …
	Others  int     // … and for everything else that a union's centre takes in.
	Staff   float64 // Share of the officers that each desk has; 1 is all.
	Days    int     // After so many days it ends, done or not.
	Trace   io.Writer
}

// A dayResult is what became of a day's applications.
type dayResult struct {
	Seed       uint64         `json:"seed"`
	Trace      string         `json:"trace"` // Hash of the trace: the same seed gives the same.
	Centres    int            `json:"centres"`
	Filed      int            `json:"filed"`
	Disposed   int            `json:"disposed"`
	Days       int            `json:"days"`    // Until nothing was left to do.
	Backlog    []string       `json:"backlog"` // By desk.
	Violations []string       `json:"violations"`
	All        *measure.Line  `json:"all"` // Every service together.
	Report     measure.Report `json:"report"`
	Desks      []deskDay      `json:"desks"`
	Acts       int            `json:"acts"`
	Entries    int            `json:"entries"`
	Sessions   int            `json:"sessions"`
}

// copies is the service of which a district's record room has a day full (R-OF8).
const copies = "land-record-copy"

// local are the services that a union's office decides, of which most people come for
// one: six of ten of those who want no copy.
var local = []string{
	"citizenship-certificate", "birth-registration", "death-registration", "character-certificate", "trade-licence",
	"trade-licence-renewal", "warish-certificate", "residence-certificate", "income-certificate", "unmarried-certificate",
	"landless-certificate", "family-card",
}

// A day is a district without faults, but for some links that are gone for hours.
type day struct {
	*world
	plan    dayPlan
	staff   *staff
	office  measure.Office
	sampler *catalogue.Sampler
	others  []string                      // The services that are not local.
	due     map[protocol.Number]*returner // Who is to come back, or be asked for.
	asked   map[protocol.Number]bool      // What another register was asked about.
	seen    map[protocol.Number]bool      // What an officer asked the applicant about: once is enough.
}

// hour of the day at which people come, officers begin and boxes are on, since dawn,
// which is at eight in Dhaka.
const (
	opens  = time.Hour
	closes = opens + place.OfficeCloses - place.OfficeOpens
)

// simulateDay simulates one day's applications until all are disposed of, and judges it.
// The error is a defect of the simulator itself.
func simulateDay(p dayPlan) (dayResult, error) {
	st := newStaff(p.Staff)
	c, _, _, err := foundCast(p.Centres, nil, st.appoint)
	if err != nil {
		return dayResult{}, err
	}
	return runDay(p, c, st)
}

func runDay(p dayPlan, c *cast, st *staff) (dayResult, error) {
	w := &world{
		ctx: context.Background(), plan: Plan{Seed: p.Seed, Nodes: p.Centres}, seed: p.Seed, cast: c, calm: true,
		queue: queue{rand: rand.New(rand.NewPCG(p.Seed, 8))}, //nolint:gosec // Simulated.
		trace: trace{hash: sha256.New(), out: p.Trace},
	}
	if err := populate(w); err != nil {
		return dayResult{}, err
	}
	sampler, err := catalogue.NewSampler(c.set)
	if err != nil {
		return dayResult{}, err
	}
	d := &day{
		world: w, plan: p, staff: st, sampler: sampler, due: map[protocol.Number]*returner{},
		asked: map[protocol.Number]bool{}, seen: map[protocol.Number]bool{},
		office: measure.Office{Calendar: c.set.Directory.Calendar, Zone: zone},
	}
	for _, v := range c.set.Services() {
		if v.ID != copies && !slices.Contains(local, v.ID) {
			d.others = append(d.others, v.ID)
		}
	}
	r := dayResult{Seed: p.Seed, Centres: p.Centres, Backlog: []string{}, Violations: []string{}}
	d.live(&r)
	r.Trace = hex.EncodeToString(w.hash.Sum(nil)[:16])
	r.Violations = append(r.Violations, w.violations...)
	r.Acts, r.Entries, r.Sessions = w.stats.Acts, w.stats.Entries, w.stats.Sessions
	return r, nil
}

// live lets the days pass until nothing is left to do.
func (d *day) live(r *dayResult) {
	defer func() { leave(d.world, recover()) }()
	for _, m := range d.machines {
		d.after(d.between(0, opens/2), m.start)
	}
	d.file()
	d.cutSome()
	for _, p := range d.staff.posts {
		p.open(d)
	}
	d.after(opens, d.hub)
	for day := 1; day <= d.plan.Days && len(d.violations) == 0; day++ {
		d.until(time.Duration(day-1)*24*time.Hour + closes)
		d.staff.close(d)
		if r.Days = day; d.over() {
			break
		}
	}
	d.until(d.now + time.Hour)
	if d.rest("after the last case", d.oracle.settled) {
		reg := d.group.servers[0].reg
		d.oracle.judge()
		d.offices.shown(reg)
		d.verify(reg)
	}
	d.sum(r)
}

// at is the office's time.
func (d *day) at(now time.Duration) time.Time { return dawn.Add(now).In(zone) }

// over reports whether every application that was filed is here and waits for nobody
// any more.
func (d *day) over() bool {
	reg := d.group.leader.reg
	if int(reg.Stats().Cases) < d.stats.Receipts || len(d.due) > 0 {
		return false
	}
	done := true
	err := reg.ForEachCase(func(c *register.Case) error {
		done = done && !c.State.Stage.Open() && !c.State.Stage.Stopped()
		return nil
	})
	return err == nil && done
}

// verify goes every history through again, and looks for every act that was answered
// as done.
func (d *day) verify(reg *register.Register) {
	if _, err := reg.Verify(func(n protocol.Number, broken string) { d.violated("%v: %s", n, broken) }); err != nil {
		d.violated("the cases cannot be read: %v", err)
	}
	for _, a := range d.offices.asked {
		c, err := reg.Case(a.number)
		if err != nil || a.version == 0 || int(a.saw) >= len(c.History) || c.History[a.saw].Actor != a.by {
			d.violated("exactly once: %s of %s on %v is not in its history: %v", a.method, a.by, a.number, err)
		}
	}
}

// sum adds up what became of the day.
func (d *day) sum(r *dayResult) {
	now := d.at(d.now).UnixMilli()
	t, all := measure.NewTally(d.office, dawn.UnixMilli(), now+1, now), measure.NewTally(d.office, dawn.UnixMilli(), now+1, now)
	reg := d.group.servers[0].reg
	err := reg.ForEachCase(func(c *register.Case) error {
		course, err := reg.Course(c)
		if err == nil {
			t.Add(course, measure.Everything)
			course.Service = "all services"
			all.Add(course, measure.Everything)
		}
		return err
	})
	if err != nil {
		d.violated("the cases cannot be measured: %v", err)
	}
	r.Filed, r.Report = d.stats.Receipts, t.Report()
	for _, l := range all.Report().Services {
		r.All, r.Disposed = l, l.Disposed
	}
	if want := d.plan.Copies + d.plan.Others; r.Filed != want && len(d.violations) == 0 {
		d.violated("%d applications were filed of the %d that people came with", r.Filed, want)
	}
	r.Desks, r.Backlog = d.staff.sum()
	if left := r.Filed - r.Disposed; left > 0 {
		r.Backlog = append(r.Backlog, fmt.Sprintf("%d of %d applications are not disposed of after %d days", left, r.Filed, r.Days))
	}
}

// hub does every ten minutes what a hub does by itself: what has fallen due, and what
// other registers have to say.
func (d *day) hub() {
	reg := d.group.leader.reg
	list, err := reg.Waiting(d.at(d.now).Unix())
	if err == nil && len(list) > 0 {
		d.group.command(register.NewCommand(fmt.Sprint("tick ", d.now), register.ActorHub, register.Tick, register.Due{Numbers: list}))
	}
	if err == nil {
		err = reg.Awaiting(func(a register.Awaited) (bool, error) {
			if !d.asked[a.Number] {
				d.asked[a.Number] = true
				d.after(d.between(time.Minute, time.Hour), func() {
					c := register.NewCommand("hear "+a.Number.String(), register.ActorHub, register.Hear, register.Heard{Connector: a.Connector, Number: a.Number.String()})
					c.Number = a.Number
					d.group.command(c)
				})
			}
			return true, nil
		})
	}
	if err != nil {
		d.violated("the hub cannot read what is due: %v", err)
	}
	d.after(10*time.Minute, d.hub)
}

// version is the one that a case pins.
func (d *day) version(c *register.Case) *dcat.Version {
	v, _ := d.cast.set.Current(c.Service)
	return v
}
