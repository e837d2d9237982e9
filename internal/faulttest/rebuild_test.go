//go:build fault

package faulttest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/domain/fault"
	"kendro/web/api"
)

// trailing is how many Raft entries servers keep here for others.
const trailing = 256

// A server misses thousands of entries, and three more begin with nothing: all
// are sent a snapshot and what followed. Then all are killed and come back from
// their own disks. At each point every register has the same digest.
func TestServersRebuiltFromSnapshots(t *testing.T) {
	missed := sized(2500, 10_000)
	ctx := within(t, 15*time.Minute)
	d := found(ctx, t, 3, unions(), "--trailing-logs", strconv.Itoa(trailing), "--snapshot-every", strconv.Itoa(2*trailing))
	logins, err := d.AddEntrepreneurs(ctx)
	must(t, err)
	all := newPile()
	fileSome(ctx, t, crowd{d, logins, all}, 200)

	away := follower(ctx, t, d)
	away.Kill()
	before := markOf(ctx, t, d)
	began := time.Now()
	makeEntries(ctx, t, d, missed+missed/50)
	after := markOf(ctx, t, d)
	if after.Index-before.Index < uint64(missed) {
		t.Errorf("the server missed %d entries, want %d", after.Index-before.Index, missed)
	}
	t.Logf("%d entries in %.1f s", after.Index-before.Index, time.Since(began).Seconds())
	truncated(ctx, t, d, before.Index)
	began = time.Now()
	must(t, away.Start(ctx))
	installed(ctx, t, d, away)
	t.Logf("a server that missed them is level again after %.1f s", time.Since(began).Seconds())

	for range 3 {
		began = time.Now()
		p, err := d.AddServer(ctx, "--non-voter", "--trailing-logs", strconv.Itoa(trailing))
		must(t, err)
		installed(ctx, t, d, p)
		t.Logf("%s is built from nothing after %.1f s", p.Name, time.Since(began).Seconds())
	}
	fileSome(ctx, t, crowd{d, logins, all}, 100)
	first := settle(ctx, t, d)
	all.count(t, first)

	must(t, district.StartAll(ctx, d.Processes()))
	again := settle(ctx, t, d)
	if again.Digest != first.Digest {
		t.Errorf("after a restart of all from their disks the digest is %s, before it was %s", again.Digest, first.Digest)
	}
	lost, extra := all.count(t, again)
	t.Logf("RESULT rebuilt: %d servers, %d entries missed, one digest at index %d after snapshot, join and restart; %d lost, %d duplicated",
		len(d.Servers), after.Index-before.Index, again.Index, lost, extra)
}

// A crowd files at the counters of a district.
type crowd struct {
	*district.District
	logins []district.Login
	all    *pile
}

// fileSome files n applications at every node.
func fileSome(ctx context.Context, t *testing.T, c crowd, n int) {
	t.Helper()
	land := newCountry(t)
	first := uint64(c.all.len())
	var wg sync.WaitGroup
	for i, node := range c.Nodes {
		token, err := node.SignIn(ctx, c.logins[i])
		must(t, err)
		who := newClient(token)
		wg.Go(func() {
			for j := range uint64(n) {
				body, err := land.body(node.Centre, first+j)
				if err != nil {
					t.Error(err)
					return
				}
				how, answer := who.insist(ctx, []string{node.URL() + "/v1/applications"}, api.NewKey(), 0, body)
				if how != succeeded {
					t.Errorf("not taken: %s %.300s", how, answer)
					return
				}
				if err := c.all.add(answer); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func follower(ctx context.Context, t *testing.T, d *district.District) *district.Process {
	t.Helper()
	leader := d.Leader(ctx)
	for _, p := range d.Servers {
		if p != leader {
			return p
		}
	}
	t.Fatal("there is no follower")
	return nil
}

func markOf(ctx context.Context, t *testing.T, d *district.District) api.RegisterMark {
	t.Helper()
	var leader *district.Process
	must(t, district.Poll(ctx, func() bool { leader = d.Leader(ctx); return leader != nil }))
	s, err := leader.Status(ctx)
	must(t, err)
	return s.Register
}

// truncated waits until the leader has a snapshot so new that its log no longer
// holds the entries after an index.
func truncated(ctx context.Context, t *testing.T, d *district.District, index uint64) {
	t.Helper()
	must(t, district.Poll(ctx, func() bool {
		leader := d.Leader(ctx)
		if leader == nil {
			return false
		}
		s, err := leader.Status(ctx)
		return err == nil && s.Snapshot > index+trailing
	}))
}

// makeEntries has the leader commit so many Raft entries, one command each: two
// callers, as many as entries are in flight, so that hardly any are gathered.
func makeEntries(ctx context.Context, t *testing.T, d *district.District, n int) {
	t.Helper()
	leader := d.Leader(ctx)
	if leader == nil {
		t.Fatal("nobody leads")
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			c := api.NewLocalClient(leader.Dir)
			defer c.Close()
			for range (n + 1) / 2 {
				call := api.Call{Path: "/v1/tokens", Key: api.NewKey(), In: api.TokenRequest{Centre: unions()[0], TTL: "1h"}}
				err := c.Do(ctx, call)
				for errors.Is(err, fault.Unavailable) && ctx.Err() == nil {
					pause(ctx, 20*time.Millisecond)
					err = c.Do(ctx, call)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// installed waits until a server has the same register as the others, and makes
// sure that it was sent a snapshot.
func installed(ctx context.Context, t *testing.T, d *district.District, p *district.Process) {
	t.Helper()
	_, err := d.Agree(ctx)
	must(t, err)
	s, err := p.Status(ctx)
	must(t, err)
	if s.Installed == 0 {
		t.Errorf("%s has the same register, but shows no installed snapshot: %+v", p.Name, s)
	}
}
