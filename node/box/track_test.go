package box

import (
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kendro/catalogue"
	"kendro/internal/nodetest"
	"kendro/pack/bd"
	"kendro/protocol"
)

func (c *counter) where(n protocol.Number) Where {
	c.tb.Helper()
	k, err := c.Case(n)
	if err != nil {
		c.tb.Fatal(err)
	}
	return k.Where
}

// TestTracking shows custody and stage change together, a case move, one set
// aside, and one under another number.
func TestTracking(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	var n []protocol.Number
	for seed := range uint64(4) {
		n = append(n, c.file(seed).Number)
	}
	if w := c.where(n[0]); w.Accepted || w.Stage != "SUBMITTED" || w.Office.Code != nodetest.Centre || w.Next.Code == "" || w.Expected != 0 {
		t.Fatalf("at the counter: %+v", w)
	}
	alias, err := protocol.MintNumber("41", "0001", []byte("12345678"))
	if err != nil {
		t.Fatal(err)
	}
	at := nodetest.Start.UnixMilli()
	accept := &protocol.Acceptance{Log: c.Log(), First: 1, Last: 3, Index: 44, At: at, Other: []protocol.Standing{
		{Number: n[1], Stage: "SUBMITTED", Since: at, Version: 1, Reason: "form/name: missing"},
		{Number: n[2], Stage: "RECEIVED", Since: at, Version: 1, Reason: "alias " + alias.String()},
	}}
	c.d.Say(t, protocol.Accepted, accept)
	c.deliver(c.d.Inbox)
	check := func(when string) {
		t.Helper()
		w := c.where(n[0])
		if !w.Accepted || w.Stage != "RECEIVED" || !w.Since.Equal(nodetest.Start) || w.Office.Code == "" || w.Next.Code == "" || w.Expected == 0 {
			t.Fatalf("%s: accepted: %+v", when, w)
		}
		if w := c.where(n[1]); !w.Aside || w.Stage != "SUBMITTED" || w.Reason == "" {
			t.Fatalf("%s: set aside: %+v", when, w)
		}
		if w := c.where(n[3]); w.Accepted || w.Stage != "SUBMITTED" {
			t.Fatalf("%s: not in the run: %+v", when, w)
		}
		w, err := c.Track(alias)
		if err != nil || w.Stage != "UNDER_REVIEW" || w.Alias != alias || !w.Seen || !reflect.DeepEqual(w, c.where(n[2])) {
			t.Fatalf("%s: by its other number: %+v, %v", when, w, err)
		}
	}
	c.d.Say(t, protocol.CaseMoved, &protocol.Standing{Number: alias, Stage: "UNDER_REVIEW", Since: at, Version: 2})
	c.deliver(c.d.Inbox)
	check("at once")
	if got := c.mirror.checkpoint(); got != 44 {
		t.Errorf("checkpoint %d; want 44", got)
	}
	c.restart()
	check("after a restart")
	if got := c.mirror.checkpoint(); got != 44 {
		t.Errorf("checkpoint after a restart %d; want 44", got)
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("after a rebuild")
}

// TestNextRelease changes one fee: what was filed before keeps its version and
// its answer, what comes after uses the new one. Halfway there nothing changes.
func TestNextRelease(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	before := c.file(1)
	next, err := catalogue.Build(dearer(t), c.d.Set, nodetest.Start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	from := len(c.d.Catalogue.Items)
	c.d.Publish(t, next, c.d.Set)
	all := c.d.Catalogue.Items
	for i := from; i < len(all); i++ {
		if got := c.Goods().Set.Release.Number; got != 1 {
			t.Fatalf("release %d in force with %d of %d parts here", got, i-from, len(all)-from)
		}
		if err := c.deliverRun(c.d.Catalogue.ID, c.d.Catalogue.Before(uint64(i+1)), all[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	c.d.Set = next // Whoever fills in a form from now on.
	waitFor(t, "release 2", func() bool { return c.Goods().Set.Release.Number == 2 })
	check := func(when string) {
		t.Helper()
		after := c.file(2)
		if before.Pin.Version != 1 || after.Pin.Version != 2 || total(after.Fees) != total(before.Fees)+12300 {
			t.Fatalf("%s: before %+v, after %+v", when, before, after)
		}
		k, err := c.Case(before.Number)
		if err != nil || k.Version == nil || k.Version.Number != 1 || total(k.Fees) != total(before.Fees) {
			t.Fatalf("%s: the first one changed: %+v, %v", when, k, err)
		}
	}
	check("at once")
	c.restart()
	check("after a restart")
}

// TestForgedRelease has somebody else sign a release.
func TestForgedRelease(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	next, err := catalogue.Build(dearer(t), c.d.Set, nodetest.Start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	c.d.Release = nodetest.New(t).Release
	c.d.Publish(t, next, c.d.Set)
	c.deliver(c.d.Catalogue)
	waitFor(t, "the alarm", func() bool { return c.Blockers().find(CatalogueRefused) >= 0 })
	if got := c.Goods().Set.Release.Number; got != 1 {
		t.Fatalf("release %d in force", got)
	}
	c.file(1) // It closes nothing.
	c.restart()
	if c.Blockers().find(CatalogueRefused) < 0 {
		t.Fatal("the alarm is forgotten")
	}
}

func total(fees []protocol.Fee) (sum int64) {
	for _, f := range fees {
		sum += f.Poisha
	}
	return sum
}

// dearer is a folder with one service of the pack, 123 taka dearer.
func dearer(t testing.TB) fs.FS {
	t.Helper()
	raw, err := fs.ReadFile(bd.Pack(), "services/"+service+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), "fees:\n", "fees:\n  - {kind: government, poisha: 12300}\n", 1)
	if text == string(raw) {
		t.Fatal("the service has no fees to change")
	}
	return fstest.MapFS{"services/" + service + ".yaml": {Data: []byte(text)}}
}
