package measure

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"kendro/domain/application"
	"kendro/domain/catalogue"
)

// ages bound the classes of what is pending, in working days.
var ages = [...]int{1, 5, 15}

// Took is a median, and what nine of ten stay within.
type Took struct {
	Median int64 `json:"median"`
	P90    int64 `json:"p90"`
}

// A Line is what a service, an office, a desk or an officer has come to. Received
// and disposed are those of the span; pending is how it stands in the end.
type Line struct {
	Of       string   `json:"of"`
	Received int      `json:"received"`
	Disposed int      `json:"disposed"`
	Pending  int      `json:"pending"`
	Ages     [4]int   `json:"pending_by_age"` // Up to 1, 5 and 15 working days, and more.
	Overdue  int      `json:"overdue"`        // Of the pending.
	Late     int      `json:"late"`           // Disposed after a superior had heard of them.
	Officer  Took     `json:"officer_seconds"`
	Account  *Account `json:"account,omitempty"` // Of a service or a channel.
	Fees     *Fees    `json:"fees,omitempty"`    // Of a service.

	samples [samples][]int64
	why     map[string]int // Visits after the first, by their reasons.
}

// An Account is what the disposed applications of a service cost those who made
// them (R-MO4), beside what the officers took. Times are seconds.
type Account struct {
	Whole   Took `json:"whole_seconds"`
	Network Took `json:"network_seconds"`
	Closed  Took `json:"closed_seconds"`
	Citizen Took `json:"citizen_seconds"`
	Outside Took `json:"outside_seconds"`
	Visits  Took `json:"visits"`
	Paid    Took `json:"paid_poisha"`

	Further []Further `json:"further_visits"`
}

// Further is how many of the visits after the first were for a reason (R-SV9). One for two reasons
// counts for each.
type Further struct {
	Reason string `json:"reason"`
	Visits int    `json:"visits"`
}

// What is sampled of each line.
const (
	ofOfficer = iota
	ofWhole
	ofNetwork
	ofClosed
	ofCitizen
	ofOutside
	ofVisits
	ofPaid
	samples
)

// A Report is what an area's offices have come to. Lines are sorted by name.
type Report struct {
	Services []*Line `json:"services"`
	Offices  []*Line `json:"offices"`
	Desks    []*Line `json:"desks"` // post@office.
	Officers []*Line `json:"officers"`
	Channels []*Line `json:"channels"` // All of the closed list, in its order (R-CH1); and NoChannel, where there is any.
	Fees     Fees    `json:"fees"`     // Of all services.
}

// NoChannel is the line of applications of which it is not known any more how they
// came: what they said was erased by order.
const NoChannel = "unknown"

// A Tally adds up courses. It is not for concurrent use.
type Tally struct {
	office                              Office
	from, until, now                    int64
	services, offices, desks, officials map[string]*Line
	channels                            map[string]*Line
}

// NewTally begins one over a span, as it stands now, in Unix milliseconds; until is
// left out.
func NewTally(o Office, from, until, now int64) *Tally {
	t := &Tally{
		office: o, from: from, until: until, now: now, channels: map[string]*Line{},
		services: map[string]*Line{}, offices: map[string]*Line{}, desks: map[string]*Line{}, officials: map[string]*Line{},
	}
	for _, c := range catalogue.Channels() {
		line(t.channels, string(c))
	}
	return t
}

// A View says what somebody may see of a stay: the desk's figures, and whose they are.
type View func(*Stay) (desk, officer bool)

// Everything is the view of who may see all.
func Everything(*Stay) (desk, officer bool) { return true, true }

// Add counts one course, and of its stays what the view shows.
func (t *Tally) Add(c *Course, view View) {
	if len(c.Turns) == 0 {
		return
	}
	service := line(t.services, c.Service)
	if t.within(c.Turns[0].At) {
		service.fees().charged(c.Bill)
	}
	disposed, ended := c.End()
	for _, l := range []*Line{service, line(t.channels, cmp.Or(string(c.Channel), NoChannel))} {
		if t.within(c.Turns[0].At) {
			l.Received++
		}
		if disposed == 0 {
			t.pending(l, c, c.Turns[0].At)
		}
		if t.within(disposed) {
			l.disposed(c, 0, disposed)
			t.sample(l, c, max(disposed, min(ended, t.now)))
		}
	}
	for _, s := range c.Stays(t.office, t.now) {
		t.stay(c, &s, view)
	}
}

func (t *Tally) within(at int64) bool { return at >= t.from && at < t.until && at > 0 }

func (t *Tally) stay(c *Course, s *Stay, view View) {
	desk, officer := view(s)
	var lines []*Line
	if desk {
		lines = append(lines, line(t.offices, s.Seat.Office), line(t.desks, s.Seat.String()))
	}
	if officer && s.Officer != "" {
		lines = append(lines, line(t.officials, s.Officer))
	}
	for _, l := range lines {
		if t.within(s.From) {
			l.Received++
		}
		if s.To == 0 {
			t.pending(l, c, s.From)
		}
		if s.Disposed && t.within(s.To) {
			l.disposed(c, s.From, s.To)
			l.add(ofOfficer, seconds(s.Worked))
		}
	}
}

func (t *Tally) pending(l *Line, c *Course, since int64) {
	l.Pending++
	in := func(at int64) time.Time { return time.UnixMilli(at).In(t.office.Zone) }
	days := t.office.Calendar.WorkingDays(in(since), in(t.now))
	class, _ := slices.BinarySearch(ages[:], days)
	l.Ages[class]++
	if last := &c.Turns[len(c.Turns)-1]; c.Due != 0 && c.Due < t.now/1000 && c.waits(last) == theOfficer {
		l.Overdue++
	}
}

func (l *Line) disposed(c *Course, from, to int64) {
	l.Disposed++
	late := func(t Turn) bool { return t.Action == application.Escalate && t.At >= from && t.At <= to }
	if slices.ContainsFunc(c.Turns, late) {
		l.Late++
	}
}

func (t *Tally) sample(l *Line, c *Course, until int64) {
	d := c.Delays(t.office, until)
	for i, v := range [...]time.Duration{
		ofOfficer: d.Officer, ofWhole: d.Whole(), ofNetwork: d.Network, ofClosed: d.Closed, ofCitizen: d.Citizen, ofOutside: d.Outside,
	} {
		l.add(i, seconds(v))
	}
	visits := c.Visits(t.office.Zone)
	l.add(ofVisits, int64(len(visits)))
	l.came(visits)
	l.add(ofPaid, c.Paid)
}

// came counts the visits after the day of the application, by their reasons.
func (l *Line) came(visits []Visit) {
	if l.why == nil {
		l.why = map[string]int{}
	}
	for i, v := range visits {
		if i == 0 && v.For[0] == application.Accept.String() {
			continue // He was there anyway.
		}
		for _, reason := range v.Why {
			l.why[reason]++
		}
	}
}

// further lists the reasons by their names.
func (l *Line) further() []Further {
	list := make([]Further, 0, len(l.why))
	for _, reason := range slices.Sorted(maps.Keys(l.why)) {
		list = append(list, Further{reason, l.why[reason]})
	}
	return list
}

func (l *Line) add(what int, v int64) { l.samples[what] = append(l.samples[what], v) }

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func line(m map[string]*Line, of string) *Line {
	l := m[of]
	if l == nil {
		l = &Line{Of: of}
		m[of] = l
	}
	return l
}

// Report returns what was added so far.
func (t *Tally) Report() Report {
	r := Report{Services: lines(t.services), Offices: lines(t.offices), Desks: lines(t.desks), Officers: lines(t.officials)}
	for _, c := range append(catalogue.Channels(), NoChannel) {
		if l := t.channels[string(c)]; l != nil {
			r.Channels = append(r.Channels, l)
		}
	}
	for _, l := range r.Channels {
		l.Officer = l.took(ofOfficer)
		l.Account = l.account()
	}
	for _, l := range r.Services {
		l.Account = l.account()
		r.Fees.add(l.fees())
	}
	return r
}

func (l *Line) account() *Account {
	return &Account{
		Whole: l.took(ofWhole), Network: l.took(ofNetwork), Closed: l.took(ofClosed), Citizen: l.took(ofCitizen),
		Outside: l.took(ofOutside), Visits: l.took(ofVisits), Paid: l.took(ofPaid), Further: l.further(),
	}
}

func lines(m map[string]*Line) []*Line {
	list := slices.SortedFunc(maps.Values(m), func(a, b *Line) int { return cmp.Compare(a.Of, b.Of) })
	for _, l := range list {
		l.Officer = l.took(ofOfficer)
	}
	return list
}

// took returns the median and the 90th percentile, by nearest rank; 0 of nothing.
func (l *Line) took(what int) Took {
	list := l.samples[what]
	if len(list) == 0 {
		return Took{}
	}
	slices.Sort(list)
	return Took{Median: list[(len(list)+1)/2-1], P90: list[(len(list)*9+9)/10-1]}
}
