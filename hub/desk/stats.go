package desk

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/web"
	"kendro/web/api"
)

type statsInput struct {
	Area string `query:"area" maxLength:"64" doc:"Code of an area; absent: your own, or the district"`
	From string `query:"from" maxLength:"10" doc:"First day; absent: today"`
	To   string `query:"to" maxLength:"10" doc:"Last day; absent: today"`
}

type statsOutput struct {
	Body api.Stats
}

// stats adds up the cells of an area's centres over days, and says how much of
// the truth they are (DOMAIN §9).
func (s *Server) stats(ctx context.Context, in *statsInput) (*statsOutput, error) {
	who := api.CallerOf(ctx)
	asOf, _ := s.hub.Fresh(ctx)
	reg := s.hub.Register()
	set := reg.Set()
	if set == nil {
		return nil, fault.New("desk.stats", fault.Unavailable, "catalogue", "the first release is not published yet")
	}
	area, err := areaOf(s, in, who, set.Directory, access.ReadStats)
	if err != nil {
		return nil, err
	}
	from, until, err := s.span(in)
	if err != nil {
		return nil, err
	}
	out := &statsOutput{Body: api.Stats{
		Area: string(area), From: from.Format(time.DateOnly), To: until.Add(-time.Hour).Format(time.DateOnly),
		AsOf: api.TimeOf(asOf),
	}}
	sum := newTally(func(c place.Centre) bool {
		at := c.Area()
		if c == "" { // What clerks of the hub enter counts in the district alone.
			at = s.district()
		}
		return set.Directory.Within(at, area)
	})
	if err := reg.Cells(from.Unix()/3600, until.Unix()/3600, sum.add); err != nil {
		return nil, err
	}
	out.Body.Counters = sum.counters
	out.Body.Completeness, err = completeness(reg, set.Directory, area, asOf)
	return out, err
}

// span reads the days of a request: from the first's beginning to the last's end.
func (s *Server) span(in *statsInput) (from, until time.Time, err error) {
	today := s.clock().In(api.Dhaka()).Format(time.DateOnly)
	from, err = time.ParseInLocation(time.DateOnly, cmp.Or(in.From, today), api.Dhaka())
	if err == nil {
		until, err = time.ParseInLocation(time.DateOnly, cmp.Or(in.To, today), api.Dhaka())
	}
	if err != nil || until.Before(from) || until.Sub(from) > 3*366*24*time.Hour {
		return from, until, fault.New("desk.stats", fault.Invalid, "from, to", "want two days such as 2026-11-22, at most three years apart")
	}
	return from, until.AddDate(0, 0, 1), nil
}

// A tally adds up cells.
type tally struct {
	within   func(place.Centre) bool
	counters map[string]int64
}

func newTally(within func(place.Centre) bool) *tally {
	return &tally{within: within, counters: map[string]int64{
		"received": 0, "held": 0, "forwarded": 0, "approved": 0, "rejected": 0, "decided_millis": 0,
	}}
}

func (t *tally) add(c *register.Cell) error {
	if !t.within(c.Centre) {
		return nil
	}
	for _, n := range c.Counts {
		t.counters["received"] += int64(n.Received)
		t.counters["held"] += int64(n.Held)
		t.counters["forwarded"] += int64(n.Forwarded)
		t.counters["approved"] += int64(n.Approved)
		t.counters["rejected"] += int64(n.Rejected)
		t.counters["decided_millis"] += n.DecidedMillis
		t.counters["received/"+n.Service] += int64(n.Received)
	}
	return nil
}

// completeness counts the area's centres, and those with an enrolled box, and says
// how old what the longest silent of them has sent is.
func completeness(reg *register.Register, dir *place.Directory, area place.Code, now time.Time) (c api.Completeness, err error) {
	oldest := now
	for _, info := range dir.Centres {
		if !dir.Within(info.Area, area) {
			continue
		}
		c.Centres++
		if n, ok := reg.NodeOf(info.Code); ok && n.RevokedAt == 0 {
			c.Reporting++
			newest, err := reg.Newest(n)
			if err != nil {
				return c, err
			}
			if at := time.UnixMilli(newest); at.Before(oldest) {
				oldest = at
			}
		}
	}
	if c.Reporting > 0 {
		at := api.TimeOf(oldest)
		c.OldestData = &at
	}
	days, hours := int(now.Sub(oldest)/(24*time.Hour)), int(now.Sub(oldest)/time.Hour)%24
	c.EN = fmt.Sprintf("%d of %d centres, oldest data %d d %d h", c.Reporting, c.Centres, days, hours)
	c.BN = web.BN.Digits(fmt.Sprintf("%dটি কেন্দ্রের মধ্যে %dটি, সবচেয়ে পুরোনো তথ্য %d দিন %d ঘণ্টা আগের", c.Centres, c.Reporting, days, hours))
	return c, nil
}
