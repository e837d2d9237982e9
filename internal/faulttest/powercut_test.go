//go:build fault

package faulttest

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
)

// The power of a node's disk is cut under intake: what was not synced is gone. It
// starts again, and every receipt that was handed out is in the register.
func TestNodePowerCut(t *testing.T) {
	cuts := sized(5, 50)
	ctx := within(t, 25*time.Minute)
	rng := dice(t)
	l := lodged(ctx, t, func(t *testing.T, dir string) *disk { return onLoop(t, dir, 400) })
	enough := make(chan struct{})
	wait := l.clerks(ctx, t, 3, enough)
	for i := range cuts {
		must(t, l.more(ctx, 1+rng.IntN(60)))
		pause(ctx, time.Duration(rng.Int64N(int64(300*time.Millisecond))))
		l.disk.cut(t, l.node.Process)
		if err := l.node.Start(ctx); err != nil {
			t.Fatalf("after cut %d: %v", i, err)
		}
	}
	must(t, l.more(ctx, 5))
	close(enough)
	wait()
	export := settle(ctx, t, l.District)
	lost, extra := l.all.count(t, export)
	t.Logf("calls: %s", l.who.fair(t))
	t.Logf("RESULT node power cut: %d cuts: %d receipted, %d lost, %d duplicated", cuts, l.all.len(), lost, extra)
}

// The power of one of three servers' disks is cut, often the leader's, while a
// node files. What the hub signed for stays in every register, and they stay one.
func TestServerPowerCut(t *testing.T) {
	cuts := sized(3, 20)
	ctx := within(t, 25*time.Minute)
	rng := dice(t)
	d, disks := poweredHub(t, rng)
	logins, err := d.AddEntrepreneurs(ctx)
	must(t, err)
	token, err := d.Nodes[0].SignIn(ctx, logins[0])
	must(t, err)
	l := &lodge{District: d, node: d.Nodes[0], all: newPile(), who: newClient(token), land: newCountry(t)}
	enough := make(chan struct{})
	wait := l.clerks(ctx, t, 2, enough)
	for i := range cuts {
		must(t, l.more(ctx, 1+rng.IntN(60)))
		k := rng.IntN(len(disks))
		disks[k].cut(t, d.Servers[k])
		if err := d.Servers[k].Start(ctx); err != nil {
			t.Fatalf("after cut %d of %s: %v", i, d.Servers[k].Name, err)
		}
	}
	close(enough)
	wait()
	export := settle(ctx, t, d)
	lost, extra := l.all.count(t, export)
	t.Logf("RESULT server power cut: %d cuts: %d receipted, %d lost, %d duplicated", cuts, l.all.len(), lost, extra)
}

// poweredHub founds three servers and a node, and moves each server's folder onto
// a disk of its own.
func poweredHub(t *testing.T, _ *rand.Rand) (*district.District, []*disk) {
	t.Helper()
	ctx := within(t, 25*time.Minute)
	d := found(ctx, t, 3, unions()[:1])
	d.Stop()
	var disks []*disk
	for _, p := range d.Servers {
		aside := p.Dir + ".aside"
		must(t, os.Rename(p.Dir, aside))
		disks = append(disks, onLoop(t, p.Dir, 900))
		entries, err := os.ReadDir(aside)
		must(t, err)
		for _, e := range entries {
			must(t, copyTree(filepath.Join(aside, e.Name()), filepath.Join(p.Dir, e.Name())))
		}
		tool(t, "sync", "-f", p.Dir) // What was copied is what a daemon had synced.
		t.Cleanup(p.Kill)
	}
	must(t, d.Start(ctx))
	return d, disks
}
