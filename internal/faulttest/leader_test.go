//go:build fault

package faulttest

import (
	"context"
	"sync"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/web/api"
)

// The leader is killed, and started again, every five seconds while three nodes
// file fifty applications a second each and an officer works. Every application
// is in the register once, every note of the officer's stands in its case once.
func TestLeaderKilledUnderLoad(t *testing.T) {
	const (
		every = 5 * time.Second
		gap   = time.Second / 50
	)
	kills := sized(5, 20)
	least := (kills*3 + 3) / 4 // That must have hit proposals in flight.
	ctx := within(t, 10*time.Minute)
	d := found(ctx, t, 3, unions())
	logins, err := d.AddEntrepreneurs(ctx)
	must(t, err)
	land, all := newCountry(t), newPile()
	officer := newOfficer(ctx, t, d, land)

	enough := make(chan struct{})
	var wg sync.WaitGroup
	var clerks []*client
	for i, n := range d.Nodes {
		token, err := n.SignIn(ctx, logins[i])
		must(t, err)
		k := &clerk{client: newClient(token), centre: n.Centre, url: n.URL() + "/v1/applications", c: land, pile: all}
		clerks = append(clerks, k.client)
		wg.Go(func() {
			if err := k.work(ctx, enough, gap); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() {
		if err := officer.work(ctx, enough); err != nil {
			t.Error(err)
		}
	})
	began := time.Now()
	hits, downtime := 0, time.Duration(0)
	for i := range kills {
		pause(ctx, time.Until(began.Add(time.Duration(i+1)*every)))
		hit, down, err := killLeader(ctx, d)
		if err != nil {
			t.Errorf("kill %d: %v", i, err)
			break
		}
		downtime += down
		if hit {
			hits++
		}
	}
	close(enough)
	wg.Wait()
	took := time.Since(began)
	officer.check(ctx, t)
	export := settle(ctx, t, d)
	lost, extra := all.count(t, export)

	rate := float64(all.len()) / took.Seconds()
	for i, c := range clerks {
		t.Logf("clerk at %s: %s", d.Nodes[i].Centre, c.fair(t))
	}
	t.Logf("officer: %s; %d notes, each once", officer.fair(t), len(officer.notes))
	t.Logf("%.0f applications a second for %.0f s; another leader after %.0f ms on average", rate, took.Seconds(), float64(downtime.Milliseconds())/float64(kills))
	if hits < least {
		t.Errorf("only %d of %d kills hit a leader with proposals in flight; want %d, so the run doesn't count", hits, kills, least)
	}
	if rate < 120 {
		t.Errorf("only %.0f applications a second were filed", rate)
	}
	t.Logf("RESULT leader killed: %d kills, %d with proposals in flight; %d receipted, %d lost, %d duplicated", kills, hits, all.len(), lost, extra)
}

// killLeader kills the leader at a moment when it says that proposals are in
// flight, starts it again, and tells whether it found such a moment and how long
// it took until another led.
func killLeader(ctx context.Context, d *district.District) (hit bool, down time.Duration, err error) {
	const search = 2 * time.Second
	var leader *district.Process
	if err := district.Poll(ctx, func() bool { leader = d.Leader(ctx); return leader != nil }); err != nil {
		return false, 0, err
	}
	c := api.NewLocalClient(leader.Dir)
	defer c.Close()
	for until := time.Now().Add(search); time.Now().Before(until) && !hit; {
		var s api.HubStatus
		if err := c.Do(ctx, api.Call{Path: "/v1/status", Out: &s}); err != nil {
			return false, 0, err
		}
		hit = s.State == "leader" && s.InFlight > 0
	}
	leader.Kill()
	killed := time.Now()
	if err := leader.Launch(); err != nil {
		return hit, 0, err
	}
	if err := district.Poll(ctx, func() bool {
		next := d.Leader(ctx)
		return next != nil && (next != leader || time.Since(killed) > search)
	}); err != nil {
		return hit, 0, err
	}
	down = time.Since(killed)
	return hit, down, leader.Ready(ctx)
}
