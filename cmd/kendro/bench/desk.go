package bench

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kendro/catalogue"
	"kendro/cmd/kendro/district"
	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/web/api"
)

// atDesk is what people at a hub wait for once it holds very much.
type atDesk struct {
	ListP50    float64 `json:"list_p50_ms,omitempty"`
	ListP95    float64 `json:"list_p95_ms,omitempty"`
	Lists      int     `json:"lists,omitempty"`
	Longest    int     `json:"longest_list,omitempty"`
	SearchP50  float64 `json:"search_p50_ms,omitempty"`
	SearchP95  float64 `json:"search_p95_ms,omitempty"`
	ReportMS   float64 `json:"report_ms,omitempty"` // Of a month: for no more records than a month has.
	Searches   int     `json:"searches,omitempty"`
	HubReady   float64 `json:"hub_ready_seconds,omitempty"`
	Searchable float64 `json:"hub_searchable_seconds,omitempty"`
	Follower   float64 `json:"follower_seconds,omitempty"`
}

// Of the questions that are asked.
const (
	asked    = 75  // Cases that are looked for, each in three or four ways.
	listed   = 200 // Lists that are read, at least.
	pages    = 4   // Of one office's list.
	desksFor = 45 * time.Minute
)

// runDesk fills one server, and measures what its officers wait for: lists, searches, a
// restart, and another server that gets all of it.
func runDesk(ctx context.Context, o options, site string) (*result, error) {
	f, err := o.settle(ctx, site)
	if err != nil {
		return nil, err
	}
	d := f.District
	defer d.Kill()
	who, err := d.AddUser(ctx, api.UserRequest{Name: "auditor", Role: string(access.Auditor)})
	if err != nil {
		return nil, err
	}
	at := &desk{District: d, who: who}
	r, callers, err := at.fill(ctx, f, o)
	if err != nil {
		return nil, err
	}
	if err := at.searchable(ctx, o.records); err != nil {
		return nil, err
	}
	if err := at.ask(ctx, f.corpus, callers, r); err != nil {
		return nil, err
	}
	if err := at.report(ctx, o.records, r); err != nil {
		return nil, err
	}
	if r.RSSAnon, err = memoryOf(ctx, d.Servers[0]); err != nil {
		return nil, err
	}
	if err := at.restart(ctx, o.records, r); err != nil {
		return nil, err
	}
	if err := at.follow(ctx, r); err != nil {
		return nil, err
	}
	_, err = registers(ctx, d, o.records, r)
	return r, err
}

// fill has boxes bring the applications, or a clerk take them over from a file. The
// callers know what was filed.
func (d *desk) fill(ctx context.Context, f *field, o options) (*result, []*caller, error) {
	if o.imported {
		return d.takeOver(ctx, f, o)
	}
	callers, size, err := f.gather(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	defer closeAll(callers)
	r, err := play(ctx, d.District, callers, o)
	if err != nil {
		return nil, nil, err
	}
	r.Payload = size
	return r, callers, nil
}

// follow starts a second server that gets the register as a snapshot, as one does that
// joins after years: the first one keeps hardly any log behind its newest marker.
func (d *desk) follow(ctx context.Context, r *result) error {
	p := d.Servers[0]
	p.Stop()
	p.Args = append(p.Args, "--snapshot-every", "1", "--trailing-logs", "64")
	if err := p.Start(ctx); err != nil {
		return err
	}
	if err := district.Poll(ctx, func() bool {
		s, err := p.Status(ctx)
		return err == nil && s.State == "leader" && s.Snapshot >= s.Register.Index
	}); err != nil {
		return err
	}
	began := time.Now()
	second, err := d.AddServer(ctx)
	if err == nil {
		_, err = d.Agree(ctx)
	}
	if err != nil {
		return err
	}
	r.Follower = round(time.Since(began).Seconds())
	s, err := second.Status(ctx)
	if err == nil && s.Installed == 0 {
		err = fault.New("bench.desk", fault.Internal, second.Name, "was sent the log, and not a snapshot")
	}
	return err
}

// A desk is somebody who may read everything, at the first server.
type desk struct {
	*district.District
	who district.Login
}

// client signs in.
func (d *desk) client(ctx context.Context) (*api.Client, error) {
	token, err := d.Servers[0].SignIn(ctx, d.who)
	if err != nil {
		return nil, err
	}
	return api.NewClient(d.Servers[0].URL(), token, nil)
}

// searchable waits until the server's index holds every application.
func (d *desk) searchable(ctx context.Context, records int) error {
	var last error
	err := district.Poll(ctx, func() bool {
		c, err := d.client(ctx)
		if last = err; err != nil {
			return false
		}
		defer c.Close()
		var l api.FoundList
		last = c.Do(ctx, api.Call{Path: "/v1/search?q=01700000000", Out: &l})
		return last == nil && l.Complete && l.Indexed == records
	})
	if err != nil && last != nil {
		return last
	}
	return err
}

// ask reads lists and searches, and notes how long each took.
func (d *desk) ask(ctx context.Context, from *corpus, callers []*caller, r *result) error {
	c, err := d.client(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var lists, searches []time.Duration
	timed := func(took *[]time.Duration, path string, out any) error {
		began := time.Now()
		err := c.Do(ctx, api.Call{Path: path, Out: out})
		*took = append(*took, time.Since(began))
		return err
	}
	for len(lists) < listed {
		before := len(lists)
		for _, office := range from.set.Directory.Offices {
			n, path := 0, "/v1/tasks?scope=office&office="+url.QueryEscape(office.Code)
			for cursor, page := "", 0; page == 0 || cursor != "" && page < pages; page++ {
				var l api.TaskList
				if err := timed(&lists, path+cursor, &l); err != nil {
					return err
				}
				n += len(l.Tasks)
				if cursor = ""; l.Next != "" {
					cursor = "&cursor=" + url.QueryEscape(l.Next)
				}
			}
			if n == 0 {
				lists = lists[:len(lists)-1] // Nothing lies there: that is no list.
			}
			r.Longest = max(r.Longest, n)
		}
		if len(lists) == before {
			return fault.New(op, fault.Internal, "tasks", "no office has any")
		}
	}
	for i := range asked {
		k := callers[i%len(callers)]
		n := k.filed[i*len(k.filed)/asked].number
		queries, err := d.queries(ctx, c, n)
		if err != nil {
			return err
		}
		for _, q := range queries {
			var l api.FoundList
			if err := timed(&searches, "/v1/search?"+q, &l); err != nil {
				return err
			}
			if len(l.Found) == 0 {
				return fault.New(op, fault.Internal, n.String(), "is not found by "+q)
			}
		}
	}
	r.Lists, r.Searches = len(lists), len(searches)
	r.ListP50, r.ListP95 = millis(percentile(lists, 50)), millis(percentile(lists, 95))
	r.SearchP50, r.SearchP95 = millis(percentile(searches, 50)), millis(percentile(searches, 95))
	return nil
}

// month is how many applications a district has in one (DOMAIN §11), in round figures.
const month = 100_000

// report reads once what the whole district has come to, and notes how long it took.
func (d *desk) report(ctx context.Context, records int, r *result) error {
	if records > month {
		return nil
	}
	c, err := d.client(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var sum api.OfficeReport
	began := time.Now()
	if err := c.Do(ctx, api.Call{Path: "/v1/report", Out: &sum}); err != nil {
		return err
	}
	r.ReportMS = millis(time.Since(began))
	received := 0
	for _, l := range sum.Services {
		received += l.Received
	}
	if received != records {
		return fault.New(op, fault.Internal, "report", strconv.Itoa(received)+" applications were received, as it says")
	}
	return nil
}

// millis is a duration as the result has it.
func millis(d time.Duration) float64 { return round(micros(d) / 1000) }

// queries are the ways in which somebody looks for a case of which he has seen the paper.
func (d *desk) queries(ctx context.Context, c *api.Client, n protocol.Number) ([]string, error) {
	var rec api.Record
	if err := c.Do(ctx, api.Call{Path: "/v1/applications/" + n.String(), Out: &rec}); err != nil {
		return nil, err
	}
	p, err := catalogue.ApplicantOf(rec.Applicant)
	if err != nil {
		return nil, err
	}
	list := []string{"q=" + n.String(), "q=" + url.QueryEscape(p.Mobile), "q=" + url.QueryEscape(p.Name.BN)}
	for field, value := range catalogue.ShortAnswers(rec.Form) {
		if strings.HasSuffix(field, "_no") && value != "" {
			return append(list, "q="+url.QueryEscape(p.Name.BN)+"&field="+url.QueryEscape(field+":"+value)), nil
		}
	}
	return list, nil
}

// restart kills the server and measures until it serves, and until its search knows
// everything again.
func (d *desk) restart(ctx context.Context, records int, r *result) error {
	p := d.Servers[0]
	p.Kill()
	began := time.Now()
	if err := p.Start(ctx); err != nil {
		return err
	}
	var last error
	if err := district.Poll(ctx, func() bool {
		c, err := d.client(ctx)
		if last = err; err != nil {
			return false
		}
		defer c.Close()
		last = c.Do(ctx, api.Call{Path: "/readyz"})
		return last == nil
	}); err != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	r.HubReady = round(time.Since(began).Seconds())
	err := d.searchable(ctx, records)
	r.Searchable = round(time.Since(began).Seconds())
	return err
}
