package sim

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/protocol"
)

// waiting are the stages in which a case waits for its desk.
var waiting = []string{application.Received.String(), application.UnderReview.String(), application.InPreparation.String()}

// A staff is who sits at the desks of a district.
type staff struct {
	share float64
	desks map[place.Seat]*desk
	posts []*desk // Sorted.
}

func newStaff(share float64) *staff { return &staff{share: share, desks: map[place.Seat]*desk{}} }

// officers are how many a desk has; one where it isn't here.
var officers = map[string]int{
	"dc-front-desk": 7, "adc-general": 5, "dc": 2, "record-room-assistant": 6, "deputy-record-keeper": 8, "record-keeper": 6,
	"manpower-assistant": 2, "motor-vehicle-inspector": 2,
}

// minutes are what a case takes at a desk, on average: one that is only looked at, one
// that is decided, and what is issued.
const (
	toPrepare = 7 * time.Minute
	toDecide  = 4 * time.Minute
	toIssue   = 2 * time.Minute
	glance    = 10 * time.Second // Between two acts on a case.
	idle      = 5 * time.Minute  // Until an officer looks again whether something has come.
)

// A desk is a post in an office, with its officers.
type desk struct {
	seat    place.Seat
	names   []string
	pace    float64                  // Times the average.
	claimed map[protocol.Number]bool // What one of them is at.

	work    time.Duration // That the day brought.
	cases   int
	queue   []int // At the end of each working day.
	overdue int   // The most at the end of a day.
}

// A deskDay is what a desk had to do.
type deskDay struct {
	Desk     string  `json:"desk"`
	Officers int     `json:"officers"`
	Cases    int     `json:"cases"`
	Load     float64 `json:"load"`    // Of the office hours that its officers have in a day; above 1 its queue grows with every such day.
	Queue    []int   `json:"queue"`   // What waited at the end of each working day.
	Overdue  int     `json:"overdue"` // The most at the end of a day.
}

// appoint gives every desk that a case can come to its officers.
func (s *staff) appoint(set *dcat.Set) (list []register.User) {
	posts := map[string]bool{}
	for _, v := range set.Services() {
		for _, step := range v.Steps {
			posts[step.Post] = true
		}
		if p := v.Procedure; p != nil && p.Issue != nil {
			posts[p.Issue.Post] = true
		}
	}
	for _, c := range set.Directory.Centres {
		for post := range posts {
			if seat, ok := set.Directory.SeatFor(post, c.Code.Area()); ok && s.desks[seat] == nil {
				s.desks[seat] = &desk{seat: seat, claimed: map[protocol.Number]bool{}}
			}
		}
	}
	s.posts = slices.SortedFunc(maps.Values(s.desks), func(a, b *desk) int { return cmp.Compare(a.seat.String(), b.seat.String()) })
	for i, p := range s.posts {
		p.pace = 0.8 + 0.05*float64(i%9) // Some are quicker than others.
		n := max(1, int(math.Round(float64(max(1, officers[p.seat.Post]))*s.share)))
		for k := range n {
			name := fmt.Sprintf("%s.%d", p.seat, k+1)
			p.names = append(p.names, name)
			list = append(list, register.User{Name: name, Role: access.Officer, Seat: p.seat, Gender: "f", Hash: passwordHash, From: 1})
		}
	}
	return list
}

// close looks at the desks at the end of a day.
func (s *staff) close(d *day) {
	now := d.at(d.now)
	if d.office.Calendar.Closed(now) {
		return
	}
	for _, p := range s.posts {
		queue, late := 0, 0
		for _, t := range p.tasks(d) {
			if !slices.Contains(waiting, t.Stage) {
				continue
			}
			queue++
			if t.Due != 0 && t.Due < now.Unix() {
				late++
			}
		}
		p.queue, p.overdue = append(p.queue, queue), max(p.overdue, late)
	}
}

// sum says how the desks have fared, and which of them have a backlog.
func (s *staff) sum() (list []deskDay, backlog []string) {
	backlog = []string{}
	for _, p := range s.posts {
		if p.cases == 0 && (len(p.queue) == 0 || slices.Max(p.queue) == 0) {
			continue
		}
		load := float64(p.work) / float64(len(p.names)) / float64(place.OfficeCloses-place.OfficeOpens)
		list = append(list, deskDay{
			Desk: p.seat.String(), Officers: len(p.names), Cases: p.cases, Load: math.Round(load*100) / 100, Queue: p.queue, Overdue: p.overdue,
		})
		if load > 1 {
			backlog = append(backlog, fmt.Sprintf("%s: the day brought %.1f hours of work to each of its %d officers, and the office is open for %.0f: its queue grows",
				p.seat, load*8, len(p.names), (place.OfficeCloses-place.OfficeOpens).Hours()))
		}
		if p.overdue > 0 {
			backlog = append(backlog, fmt.Sprintf("%s: %d cases were overdue at the end of a day", p.seat, p.overdue))
		}
	}
	return list, backlog
}

// tasks are what lies at a desk, by due date.
func (p *desk) tasks(d *day) (list []register.Task) {
	q := register.TaskQuery{Office: p.seat.Office, Post: p.seat.Post, Limit: 500}
	for {
		some, next, err := d.group.leader.reg.Tasks(q)
		if err != nil {
			d.violated("the tasks of %s cannot be read: %v", p.seat, err)
			return nil
		}
		if list = append(list, some...); next == "" {
			return list
		}
		q.After = next
	}
}

// open has the officers of a desk begin.
func (p *desk) open(d *day) {
	for _, name := range p.names {
		k := &clerk{day: d, desk: p, name: name}
		d.after(opens+d.between(0, idle), k.look)
	}
}

// A clerk is one officer at work.
type clerk struct {
	*day
	desk *desk
	name string
}

// later does something when the clerk has worked for so long: not at night, and not on
// a closed day.
func (k *clerk) later(work time.Duration, do func()) {
	at := k.now
	for {
		t := k.at(at)
		midnight := at - time.Duration(t.Hour())*time.Hour - time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond())
		opens, closes := k.office.Calendar.HoursOn(k.desk.seat.Office, t)
		begins, ends := max(at, midnight+opens), midnight+closes
		if left := ends - begins; left > 0 && !k.office.Calendar.Closed(t) {
			if work <= left {
				k.after(begins+work-k.now, do)
				return
			}
			work -= left
		}
		at = midnight + 24*time.Hour
	}
}

// look takes the most urgent case that waits, or waits itself.
func (k *clerk) look() {
	if len(k.violations) > 0 {
		return
	}
	for _, t := range k.desk.tasks(k.day) {
		if k.desk.claimed[t.Number] || t.Holder != "" && t.Holder != k.name || !slices.Contains(waiting, t.Stage) {
			continue
		}
		c, err := k.group.leader.reg.Case(t.Number)
		if err != nil || c.State.Seat != k.desk.seat {
			continue // A superior sees what is overdue; it is not his to do.
		}
		if !awaits(c) {
			k.begin(c, c.State.Stage == application.Received)
			return
		}
	}
	k.later(idle, k.look)
}

// begin has a case worked on: the first act is to take it.
func (k *clerk) begin(c *register.Case, take bool) {
	k.desk.claimed[c.Number] = true
	k.desk.cases++
	work := time.Duration(float64(k.takes(c)) * k.desk.pace * (0.5 + k.rand.Float64()))
	k.desk.work += work
	number := c.Number
	if !take {
		k.later(work, func() { k.next(number) })
		return
	}
	k.act(register.Take, c, register.Act{}, func(*register.Case) { k.later(work, func() { k.next(number) }) })
}

// takes is how long a case takes here, on average.
func (k *clerk) takes(c *register.Case) time.Duration {
	v := k.version(c)
	switch {
	case c.State.Stage == application.InPreparation:
		return toIssue
	case v.Following(c.State.Step, c.State.Rules) < 0:
		return toDecide
	}
	return toPrepare
}

// next does the next act that the procedure wants of the desk.
func (k *clerk) next(n protocol.Number) {
	c, err := k.group.leader.reg.Case(n)
	if err != nil {
		k.violated("%s cannot read %v: %v", k.name, n, err)
		return
	}
	again := func(*register.Case) { k.later(glance, func() { k.next(n) }) }
	act := register.Act{Text: "seen, and compared with the papers"}
	v := k.version(c)
	step, _ := v.Step(c.State.Step)
	missing := v.Missing(step.Checks, c.State.Done)
	switch {
	case c.State.Seat != k.desk.seat || awaits(c):
		k.free(n)
	case c.State.Stage == application.InPreparation:
		k.act(register.Issue, c, act, again)
	case c.State.Stage == application.Ready && c.State.Mode == dcat.ByPost:
		act.Text = "RR" + n.String()[8:] + "BD"
		k.act(register.Dispatch, c, act, again)
	case c.State.Stage != application.UnderReview || c.State.Holder != k.name:
		k.free(n)
	case k.asks(c, v):
		act.Items, act.Text = []string{v.Documents[0].ID}, "it can't be read"
		k.act(register.RequestInfo, c, act, again)
	case missing != "":
		act.Check = missing
		if v.Checks[v.Check(missing)].Document {
			act.Document = &protocol.Document{Kind: missing, Hash: protocol.Hash(seedOf("scan", n)), Size: 150_000, Type: 1}
		}
		k.act(register.Check, c, act, again)
	case c.State.DecidedBy != k.name:
		act.Opinion = application.ForApproval
		k.act(register.Decide, c, act, again)
	case v.Following(c.State.Step, c.State.Rules) >= 0:
		k.act(register.Forward, c, act, again)
	case k.chance(0.04):
		act.Reason = k.offices.reason()
		k.act(register.Reject, c, act, again)
	default:
		k.act(register.Approve, c, act, again)
	}
}

// awaits reports whether another register has to say something first.
func awaits(c *register.Case) bool { return c.Outside != nil && c.Outside.Since != 0 }

// asks says whether the applicant has to bring something once more: one in twenty, at
// the first desk.
func (k *clerk) asks(c *register.Case, v *dcat.Version) bool {
	if k.seen[c.Number] || c.State.Step != v.First(c.State.Rules) || len(v.Documents) == 0 || !v.Documents[0].OriginalAtCounter {
		return false
	}
	k.seen[c.Number] = true
	return k.chance(0.05)
}

// free lets a case go, and looks for another.
func (k *clerk) free(n protocol.Number) {
	delete(k.desk.claimed, n)
	k.look()
}

// act asks for one act. Nothing goes wrong in such a district: a refusal is a violation.
func (k *clerk) act(method register.Method, c *register.Case, body register.Act, then func(*register.Case)) {
	o := k.offices
	o.count++
	cmd := register.NewCommand(fmt.Sprint("act ", o.count), k.name, method, body)
	cmd.Number, cmd.Expect = c.Number, c.State.Version
	o.asked[cmd.ID] = &asked{
		by: k.name, number: c.Number, method: method, saw: cmd.Expect,
		then: func(reg *register.Register, res *register.Result) {
			if res.Fault != nil {
				k.violated("%s of %s on %v: %v", method, k.name, c.Number, res.Fault.Err())
				return
			}
			after, err := reg.Case(c.Number)
			if err != nil {
				k.violated("%v cannot be read: %v", c.Number, err)
				return
			}
			if after.State.Stage != application.Ready || after.State.Mode != dcat.ByPost {
				k.moved(after)
			}
			then(after)
		},
	}
	k.group.command(cmd)
}
