//go:build fault

package faulttest

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kendro/cmd/kendro/district"
	"kendro/protocol"
	"kendro/web/api"
)

// TestEveryServerBurns destroys every server of a district with its folder. It
// begins anew from its recovery share and its boxes: one that runs on, one whose
// disk an older copy was put back to, so that part of its log is only what the hub
// had sent back, and one that comes late. Every receipt stands in the new
// registers once, at its place, and each box shows its applications as accepted.
func TestEveryServerBurns(t *testing.T) {
	for range sized(1, 5) {
		ctx := within(t, 6*time.Minute)
		d := found(ctx, t, 3, unions())
		logins, err := d.AddEntrepreneurs(ctx)
		must(t, err)
		safe := t.TempDir()
		offline, err := d.TakeOffline(safe)
		must(t, err)
		c := &canaries{District: d, logins: logins, c: newCountry(t), all: newPile()}

		c.file(ctx, t, 10)
		everywhereAccepted(ctx, t, d)
		older := d.Nodes[0]
		older.Stop()
		must(t, copyTree(older.Dir, filepath.Join(safe, "older")))
		must(t, older.Start(ctx))
		c.file(ctx, t, 10)
		everywhereAccepted(ctx, t, d)
		older.Kill()
		must(t, os.RemoveAll(older.Dir))
		must(t, copyTree(filepath.Join(safe, "older"), older.Dir))
		must(t, older.Start(ctx))
		must(t, district.Poll(ctx, func() bool { return accepted(ctx, d, c.all) == 60 }))
		c.file(ctx, t, 5)
		everywhereAccepted(ctx, t, d)

		late := d.Nodes[2]
		late.Kill()
		must(t, d.Burn())
		began := time.Now()
		must(t, d.BeginAnew(ctx, offline))
		d.Nodes = d.Nodes[:2]
		c.file(ctx, t, 3) // The counters work on.
		must(t, district.Poll(ctx, func() bool { return accepted(ctx, d, c.all) == 2*28 }))
		d.Nodes = append(d.Nodes, late)
		must(t, late.Start(ctx))
		must(t, district.Poll(ctx, func() bool { return accepted(ctx, d, c.all) == c.all.len() }))
		t.Logf("%d receipts, all servers gone: back %s after the fire", c.all.len(), time.Since(began).Round(time.Millisecond))
		for i, n := range d.Nodes {
			_, err := n.SignIn(ctx, logins[i])
			must(t, err)
			said := ""
			soon, cancel := context.WithTimeout(ctx, 30*time.Second)
			if district.Poll(soon, func() bool { // The last acknowledgement may be on its way.
				s, err := n.Sync(ctx)
				must(t, err)
				said = ""
				for _, b := range s.Blockers {
					if b.Code == "catalogue_conflict" || b.Code == "log_forked" || b.Code == "register_anew" {
						said = b.Code
					}
				}
				return said == ""
			}) != nil {
				t.Errorf("%s goes on saying %s", n.Name, said)
			}
			cancel()
		}
		missing, extra := c.all.count(t, settle(ctx, t, d))
		t.Logf("%d lost, %d extra", missing, extra)
	}
}

// accepted counts the applications that the boxes which run show as accepted.
func accepted(ctx context.Context, d *district.District, p *pile) (n int) {
	for _, node := range d.Nodes {
		c := api.NewLocalClient(node.Dir)
		for _, number := range p.numbers() {
			var a api.Tracking
			if err := c.Do(ctx, api.Call{Path: "/v1/track/" + number.String(), Out: &a}); err == nil && a.Custody == api.Accepted {
				n++
			}
		}
		c.Close()
	}
	return n
}

func (p *pile) numbers() (list []protocol.Number) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := range p.receipts {
		list = append(list, n)
	}
	return list
}
