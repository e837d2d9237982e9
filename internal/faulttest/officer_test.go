//go:build fault

package faulttest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/web/api"
)

// An officer takes cases and writes notes into them, at one server after
// another, and repeats what got no answer with the same ID at the next.
type officer struct {
	*client
	urls  []string
	notes map[string]protocol.Number // What he wrote, and where.
}

// newOfficer adds an officer at the desk where most applications of the first
// union begin.
func newOfficer(ctx context.Context, t *testing.T, d *district.District, c *country) *officer {
	t.Helper()
	desks, seat := map[place.Seat]int{}, place.Seat{}
	info, ok := c.set.Directory.Centre(place.Centre(d.Nodes[0].Centre))
	if !ok {
		t.Fatal("no such centre")
	}
	for _, v := range c.services {
		if s, ok := c.set.Directory.SeatFor(v.Steps[0].Post, info.Area); ok {
			if desks[s]++; desks[s] > desks[seat] {
				seat = s
			}
		}
	}
	operator, err := d.Operator()
	must(t, err)
	defer operator.Close()
	l := district.Login{User: "officer", Password: rand.Text()}
	in := api.UserRequest{Name: l.User, Password: l.Password, Role: "officer", Post: seat.String()}
	must(t, operator.Do(ctx, api.Call{Path: "/v1/users", Key: api.NewKey(), In: in}))
	var token string
	must(t, district.Poll(ctx, func() bool { token, err = d.Servers[0].SignIn(ctx, l); return err == nil }))
	o := &officer{client: newClient(token), notes: map[string]protocol.Number{}}
	for _, p := range d.Servers {
		o.urls = append(o.urls, p.URL())
	}
	return o
}

// work takes a case and notes something ten times, then goes on to another.
func (o *officer) work(ctx context.Context, enough <-chan struct{}) error {
	const notes = 10
	for i := 0; ; i++ {
		select {
		case <-enough:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
		task, ok := o.free(ctx, o.urls[i%len(o.urls)])
		if !ok {
			pause(ctx, 50*time.Millisecond)
			continue
		}
		version, err := o.act(ctx, task.Number, "take", task.Version, nil)
		for n := 0; n < notes && err == nil && version > 0; n++ {
			text := rand.Text()
			if version, err = o.act(ctx, task.Number, "note", version, &api.ActionRequest{Text: text}); version > 0 {
				o.notes[text] = task.Number
			}
			pause(ctx, 10*time.Millisecond)
		}
		if err != nil {
			return err
		}
	}
}

// free returns a task that nobody holds.
func (o *officer) free(ctx context.Context, url string) (api.Task, bool) {
	var list api.TaskList
	if err := o.get(ctx, url+"/v1/tasks?scope=mine&limit=200", &list); err != nil {
		return api.Task{}, false
	}
	for _, t := range list.Tasks {
		if t.Holder == "" {
			return t, true
		}
	}
	return api.Task{}, false
}

// act does one thing to a case, once, and returns the version after it; 0 if it
// was rejected, which happens where a follower showed an older list.
func (o *officer) act(ctx context.Context, n protocol.Number, action string, version uint64, r *api.ActionRequest) (uint64, error) {
	var body []byte
	if r != nil {
		var err error
		if body, err = json.Marshal(r); err != nil {
			return 0, err
		}
	}
	urls := make([]string, len(o.urls))
	for i, u := range o.urls {
		urls[i] = u + "/v1/cases/" + n.String() + "/" + action
	}
	how, answer := o.insist(ctx, urls, api.NewKey(), version, body)
	switch how {
	case succeeded:
		var a api.ActionAnswer
		err := json.Unmarshal(answer, &a)
		return a.Version, err
	case rejected:
		if action == "note" {
			return 0, fmt.Errorf("a note on a case that he holds was rejected: %.300s", answer)
		}
		return 0, nil
	case unknown:
	}
	return 0, fmt.Errorf("%s of %s got no answer from anybody", action, n)
}

func (o *officer) get(ctx context.Context, url string, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+o.token)
	res, err := o.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// check reads the cases back: every note stands in its case once.
func (o *officer) check(ctx context.Context, t *testing.T) {
	t.Helper()
	stand, read := map[string]int{}, map[protocol.Number]bool{}
	for _, n := range o.notes {
		if read[n] {
			continue
		}
		read[n] = true
		var r api.Record
		must(t, district.Poll(ctx, func() bool { return o.get(ctx, o.urls[0]+"/v1/applications/"+n.String(), &r) == nil }))
		for _, h := range r.History {
			if h.Action == "note" {
				stand[h.Text]++
			}
		}
	}
	if len(o.notes) == 0 {
		t.Error("the officer got nothing done")
	}
	for text, n := range o.notes {
		if stand[text] != 1 {
			t.Errorf("a note stands %d times in case %s", stand[text], n)
		}
		delete(stand, text)
	}
	for text := range stand {
		t.Errorf("note %q stands in a case and was never answered for", text)
	}
}
