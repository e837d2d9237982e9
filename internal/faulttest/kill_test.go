//go:build fault

package faulttest

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
)

// A node is killed while four clerks file at it, started, killed again at once or
// in the middle of its start, and started again. Whoever has a receipt finds it
// in the register, and nothing is there twice, though clerks repeat what got no
// answer.
func TestNodeKilledUnderIntake(t *testing.T) {
	const clerks = 4
	rounds := sized(20, 200)
	ctx := within(t, 20*time.Minute)
	rng := dice(t)
	d := found(ctx, t, 3, unions()[:1])
	logins, err := d.AddEntrepreneurs(ctx)
	must(t, err)
	node := d.Nodes[0]
	token, err := node.SignIn(ctx, logins[0])
	must(t, err)

	all, who, land := newPile(), newClient(token), newCountry(t)
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for i := range uint64(clerks) {
		k := &clerk{client: who, centre: node.Centre, url: node.URL() + "/v1/applications", c: land, pile: all, first: i << 32}
		wg.Go(func() {
			if err := k.work(ctx, enough, 0); err != nil {
				t.Error(err)
			}
		})
	}
	began := time.Now()
	for round := range rounds {
		if err := killTwice(ctx, node.Process, all, round%2 == 0, rng); err != nil {
			t.Errorf("round %d: %v", round, err)
			break
		}
	}
	close(enough)
	wg.Wait()
	took := time.Since(began)
	export := settle(ctx, t, d)
	lost, extra := all.count(t, export)
	must(t, d.Run(ctx, "audit", "verify", "--dir", node.Dir))
	t.Logf("%d rounds, %d kills in %.0f s; calls: %s", rounds, 2*rounds, took.Seconds(), who.fair(t))
	t.Logf("RESULT node killed: %d receipted, %d lost, %d duplicated", all.len(), lost, extra)
}

// killTwice kills a node under load and starts it, twice.
func killTwice(ctx context.Context, p *district.Process, all *pile, whenReady bool, rng *rand.Rand) error {
	enough := all.len() + 1 + rng.IntN(60)
	if err := district.Poll(ctx, func() bool { return all.len() >= enough }); err != nil {
		return err
	}
	p.Kill()
	if err := p.Launch(); err != nil {
		return err
	}
	if whenReady {
		if err := p.Ready(ctx); err != nil {
			return err
		}
	}
	pause(ctx, time.Duration(rng.Int64N(int64(60*time.Millisecond))))
	p.Kill()
	return p.Start(ctx)
}
