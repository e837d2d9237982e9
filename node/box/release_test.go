package box

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// next is a release with a dearer service, signed and in the log; the box has not
// heard of it yet.
func next(c *counter) *dcat.Set {
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

func releaseOf(c *counter) int { return c.Goods().Set.Release.Number }

// TestRow28TwoReleasesOfOneNumber: the active one stays, with an alarm that outlives a
// restart, and the next number is taken as ever.
func TestRow28TwoReleasesOfOneNumber(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	active := c.Goods().Set.Release
	twin := active
	twin.Services = twin.Services[1:]
	c.appendRelease(&twin)
	c.deliver(c.d.Catalogue)
	check := func(when string, number int, hash dcat.Hash) {
		t.Helper()
		waitFor(t, when+": the release", func() bool { return c.Goods() != nil && releaseOf(c) == number })
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
	set := next(c)
	c.deliver(c.d.Catalogue)
	check("with the next release", 2, set.Release.Hash)
}

// TestRow29HalfARelease has the power fail at every place of a release's way: what is
// in force is the whole of the old one or the whole of the new one.
func TestRow29HalfARelease(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	old := c.Goods().Set.Release.Hash
	from := len(c.d.Catalogue.Items)
	set := next(c)
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
	t.Parallel()
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
	t.Parallel()
	c := newCounter(t)
	one := c.Goods().Set
	first := c.file(1)
	two := next(c)
	c.deliver(c.d.Catalogue)
	waitFor(t, "release 2", func() bool { return releaseOf(c) == 2 })
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
	waitFor(t, "release 3", func() bool { return releaseOf(c) == 3 })
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

// try appends what a release adds, and the release on trial at some centres.
func (c *counter) try(set, older *dcat.Set, centres ...string) {
	c.tb.Helper()
	from := len(c.d.Catalogue.Items)
	c.d.Publish(c.tb, set, older)
	all := c.d.Catalogue.Items
	last, err := protocol.DecodeEvent(all[len(all)-1].Raw)
	if err != nil || len(all) == from {
		c.tb.Fatal(err)
	}
	c.d.Catalogue.Items = all[:len(all)-1]
	trial := protocol.Trial{Signed: last.Payload, Centres: centres, For: 60_000}
	c.d.Catalogue.Append(c.tb, protocol.Event{Kind: protocol.Tried, At: nodetest.Start.UnixMilli(), Payload: protocol.Marshal(&trial)})
}

// TestTrialHere has a release on trial at this centre: it is in force, counted, kept
// over a restart, and gone once it is over; what was filed under it stays under it.
func TestTrialHere(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	one := c.d.Set
	two, err := catalogue.Build(dearer(t), one, nodetest.Start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	c.try(two, one, "41-09-23", nodetest.Centre)
	c.deliver(c.d.Catalogue)
	check := func(filed, refused int) {
		t.Helper()
		waitFor(t, "the release on trial", func() bool { return c.Goods() != nil && releaseOf(c) == 2 })
		on := c.OnTrial()
		if on == nil || !on.Fare.InForce || on.Fare.Release != 2 || on.Fare.Failure != "" || len(on.Fare.Filed) != filed || len(on.Fare.Refused) != refused || on.Until.IsZero() {
			t.Fatalf("on trial: %+v; want %d filed and %d refused", on, filed, refused)
		}
	}
	check(0, 0)
	c.d.Set = two
	a := c.file(1)
	bad := c.request(2)
	bad.Body = []byte(`{"service":"` + service + `","channel":"centre","applicant":{},"form":{},"documents":[]}`)
	if _, wrong, err := c.File(t.Context(), bad); err != nil || len(wrong) == 0 {
		t.Fatalf("an empty form: %v, %v", wrong, err)
	}
	on := c.OnTrial()
	if len(on.Fare.Filed) != 1 || len(on.Fare.Refused) == 0 || a.Pin.Version != 2 {
		t.Errorf("filed under version %d; counted %+v", a.Pin.Version, on.Fare)
	}
	run := on.Fare.Run
	c.restart()
	check(0, 0)
	if c.OnTrial().Fare.Run == run {
		t.Error("two runs count as one")
	}
	c.d.Catalogue.Append(t, protocol.Event{Kind: protocol.TrialEnded, At: nodetest.Start.UnixMilli(), Payload: protocol.Marshal(&protocol.TrialOver{Release: 2, Reason: "errors"})})
	c.deliver(c.d.Catalogue)
	waitFor(t, "release 1 again", func() bool { return releaseOf(c) == 1 && c.OnTrial() == nil })
	k, err := c.Case(a.Number)
	if err != nil || k.Version == nil || k.Version.Number != 2 || total(k.Fees) != total(a.Fees) {
		t.Errorf("the case of the trial: %+v, %v", k, err)
	}
	c.d.Set = one
	if b := c.file(3); b.Pin.Version != 1 {
		t.Errorf("filed under version %d; want 1", b.Pin.Version)
	}
}

// TestTrialElsewhere leaves the release in force until the one on trial is for all.
func TestTrialElsewhere(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	two, err := catalogue.Build(dearer(t), c.d.Set, nodetest.Start.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	c.try(two, c.d.Set, "41-09-23")
	c.deliver(c.d.Catalogue)
	c.restart()
	if releaseOf(c) != 1 || c.OnTrial() != nil {
		t.Fatalf("release %d is in force, on trial %+v", releaseOf(c), c.OnTrial())
	}
	c.appendRelease(&two.Release)
	c.deliver(c.d.Catalogue)
	waitFor(t, "the release for all", func() bool { return releaseOf(c) == 2 })
}

// TestTrialThatDoesNotWork has a form that nothing can read: the release before stays in
// force, over a restart too, and the box says why.
func TestTrialThatDoesNotWork(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	set := c.d.Set
	v, _ := set.Current(service)
	bad := *v
	bad.Number, bad.Form = v.Number+1, []byte(`{"type":`)
	var err error
	if bad.Hash, err = catalogue.HashVersion(&bad); err != nil {
		t.Fatal(err)
	}
	r := set.Release
	r.Number, r.Services = r.Number+1, slices.Clone(r.Services)
	i := slices.IndexFunc(r.Services, func(e dcat.Entry) bool { return e.ID == service })
	r.Services[i] = dcat.Entry{ID: service, Version: bad.Number, Hash: bad.Hash}
	next, err := dcat.NewSet(r, set.Directory, append(set.Versions(), &bad))
	if err != nil {
		t.Fatal(err)
	}
	c.try(next, set, nodetest.Centre)
	c.deliver(c.d.Catalogue)
	for range 2 {
		waitFor(t, "the box to say so", func() bool {
			on := c.OnTrial()
			return on != nil && !on.Fare.InForce && on.Fare.Failure != ""
		})
		if releaseOf(c) != 1 {
			t.Errorf("release %d is in force", releaseOf(c))
		}
		c.file(1)
		c.restart()
	}
}

// TestRow9WithdrawnServiceIsRefused: a box that knows of the withdrawal takes nothing in,
// not even under the version that somebody's old link names; what it took in before
// keeps its answer.
func TestRow9WithdrawnServiceIsRefused(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	first, again := c.file(1), c.request(1)
	linked, unnamed := c.request(2), c.request(3)
	unnamed.Body = regexp.MustCompile(`,"version":\d+|"version":\d+,`).ReplaceAll(unnamed.Body, nil)
	if !bytes.Contains(linked.Body, []byte(`"version":`)) || bytes.Contains(unnamed.Body, []byte(`"version":`)) {
		t.Fatalf("the bodies %s and %s don't differ in the version", linked.Body, unnamed.Body)
	}
	set := *c.d.Set
	set.Release.Number++
	set.Release.Services = slices.DeleteFunc(slices.Clone(set.Release.Services), func(e dcat.Entry) bool { return e.ID == service })
	c.appendRelease(&set.Release)
	c.deliver(c.d.Catalogue)
	waitFor(t, "the release without the service", func() bool { return releaseOf(c) == 2 })
	for what, r := range map[string]Request{"by an old link": linked, "without a version": unnamed} {
		if a, wrong, err := c.File(t.Context(), r); !errors.Is(err, fault.NotFound) || a != nil {
			t.Errorf("%s: got %+v, %v, %v; want not-found", what, a, wrong, err)
		}
	}
	if a, _, err := c.File(t.Context(), again); err != nil || a.Number != first.Number {
		t.Errorf("the request from before: %+v, %v; want %v", a, err, first.Number)
	}
}
