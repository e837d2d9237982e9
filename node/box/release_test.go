package box

import (
	"slices"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// next is a release with a dearer service, signed and in the log; the box has not
// heard of it yet.
func (c *counter) next() *dcat.Set {
	c.tb.Helper()
	set, err := catalogue.Build(dearer(c.tb), c.d.Set, nodetest.Start.Add(time.Hour))
	if err != nil {
		c.tb.Fatal(err)
	}
	c.d.Publish(c.tb, set, c.d.Set)
	return set
}

// appendRelease appends a release alone.
func (c *counter) appendRelease(r *dcat.Release) {
	c.tb.Helper()
	signed, err := catalogue.Sign(r, c.d.Release)
	if err != nil {
		c.tb.Fatal(err)
	}
	c.d.Catalogue.Append(c.tb, protocol.Event{Kind: protocol.Released, At: nodetest.Start.UnixMilli(), Payload: protocol.Marshal(&signed)})
}

func (c *counter) release() int { return c.Goods().Set.Release.Number }

// TestRow28TwoReleasesOfOneNumber: the active one stays, with an alarm that outlives a
// restart, and the next number is taken as ever.
func TestRow28TwoReleasesOfOneNumber(t *testing.T) {
	c := newCounter(t)
	active := c.Goods().Set.Release
	twin := active
	twin.Services = twin.Services[1:]
	c.appendRelease(&twin)
	c.deliver(c.d.Catalogue)
	check := func(when string, number int, hash dcat.Hash) {
		t.Helper()
		waitFor(t, when+": the release", func() bool { return c.Goods() != nil && c.release() == number })
		if c.Blockers().find(CatalogueConflict) < 0 {
			t.Errorf("%s: no alarm", when)
		}
		if got := c.Goods().Set.Release.Hash; got != hash {
			t.Errorf("%s: release %s is in force; want %s", when, got, hash)
		}
		c.file(uint64(len(when))) // The counter works.
	}
	check("at once", 1, active.Hash)
	c.restart()
	check("after a restart", 1, active.Hash)
	set := c.next()
	c.deliver(c.d.Catalogue)
	check("with the next release", 2, set.Release.Hash)
}

// TestRow29HalfARelease has the power fail at every place of a release's way: what is
// in force is the whole of the old one or the whole of the new one.
func TestRow29HalfARelease(t *testing.T) {
	c := newCounter(t)
	old := c.Goods().Set.Release.Hash
	from := len(c.d.Catalogue.Items)
	set := c.next()
	all := c.d.Catalogue.Items
	for i := from; i < len(all); i++ {
		if got := c.Goods().Set.Release.Hash; got != old {
			t.Fatalf("release %s in force with %d of %d parts here", got, i-from, len(all)-from)
		}
		if err := c.deliverRun(c.d.Catalogue.ID, c.d.Catalogue.Before(uint64(i+1)), all[i:i+1]); err != nil {
			t.Fatal(err)
		}
		if i%4 == 0 || i == len(all)-1 {
			c.restart()
		}
	}
	waitFor(t, "the whole release", func() bool { return c.Goods().Set.Release.Hash == set.Release.Hash })
	if c.Blockers().find(CatalogueLacks) >= 0 {
		t.Error("the box says that parts are missing")
	}
}

// TestRow30WeeksWithoutACatalogue: intake goes on, under a banner that the next word
// from the hub takes away.
func TestRow30WeeksWithoutACatalogue(t *testing.T) {
	c := newCounter(t)
	days := 0
	for _, v := range c.Goods().Set.OfferedTo(c.Goods().Centre.Type) {
		if days == 0 || v.FreshnessDays < days {
			days = v.FreshnessDays
		}
	}
	late := time.Duration(0)
	c.stop()
	c.o.Clock = func() time.Time { return time.Now().Add(late) }
	c.start()
	for _, step := range []struct {
		after time.Duration
		old   bool
	}{{time.Hour, false}, {time.Duration(days)*24*time.Hour - time.Hour, false}, {time.Duration(days)*24*time.Hour + time.Hour, true}} {
		late = step.after
		c.lookForAge()
		if got := c.Blockers().find(CatalogueOld) >= 0; got != step.old {
			t.Errorf("after %v: banner %v; want %v", step.after, got, step.old)
		}
		c.file(uint64(step.after))
	}
	c.Heard()
	c.lookForAge()
	if c.Blockers().find(CatalogueOld) >= 0 {
		t.Error("the banner stays though the hub was heard")
	}
}

// TestRollback puts release 1 in force again: one event, no restart, and each case goes
// on under the version that it pinned.
func TestRollback(t *testing.T) {
	c := newCounter(t)
	one := c.Goods().Set
	first := c.file(1)
	two := c.next()
	c.deliver(c.d.Catalogue)
	waitFor(t, "release 2", func() bool { return c.release() == 2 })
	c.d.Set = two
	second := c.file(2)
	back, err := catalogue.Rollback(&two.Release, &one.Release, nodetest.Start.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	before := len(c.d.Catalogue.Items)
	c.appendRelease(back)
	if n := len(c.d.Catalogue.Items) - before; n != 1 {
		t.Fatalf("%d events; want 1", n)
	}
	c.deliver(c.d.Catalogue)
	waitFor(t, "release 3", func() bool { return c.release() == 3 })
	c.d.Set = one
	third := c.file(3)
	if got := []uint32{first.Pin.Version, second.Pin.Version, third.Pin.Version}; !slices.Equal(got, []uint32{1, 2, 1}) {
		t.Errorf("pinned versions %v; want 1, 2, 1", got)
	}
	c.restart()
	for _, a := range []*Answer{first, second, third} {
		k, err := c.Case(a.Number)
		if err != nil || k.Version == nil || uint32(k.Version.Number) != a.Pin.Version || total(k.Fees) != total(a.Fees) {
			t.Errorf("case of version %d: %+v, %v", a.Pin.Version, k, err)
		}
	}
	if _, err := catalogue.Rollback(back, &one.Release, nodetest.Start); err == nil {
		t.Error("a rollback that changes nothing was made")
	}
}
