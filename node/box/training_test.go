package box

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/pack/bd"
	"kendro/protocol"
)

// edited publishes the service with a change of its text, and waits until the release is in
// force.
func edited(c *counter, old, text string) *dcat.Set {
	c.tb.Helper()
	raw, err := fs.ReadFile(bd.Pack(), "services/"+service+".yaml")
	if err != nil {
		c.tb.Fatal(err)
	}
	changed := strings.Replace(string(raw), old, text, 1)
	set, err := catalogue.Build(fstest.MapFS{"services/" + service + ".yaml": {Data: []byte(changed)}}, c.d.Set, nodetest.Start.Add(time.Hour))
	if err != nil {
		c.tb.Fatal(err)
	}
	c.d.Publish(c.tb, set, c.d.Set)
	c.d.Set = set
	c.deliver(c.d.Catalogue)
	waitFor(c.tb, "the release", func() bool { return releaseOf(c) == set.Release.Number })
	return set
}

// TestTrainingLocksAService: without a link the box decides by what it last heard; who
// lacks the training is refused, somebody else of the centre is not, and the version of
// before is no way round it.
func TestTrainingLocksAService(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	asked := c.request(1)
	first, again := c.file(2), c.request(2)
	before, _ := c.Goods().Set.Current(service)
	edited(c, "kind: public", "kind: public\ntraining: [platform, bmet-demo]")
	refused := func(what string, r Request) {
		t.Helper()
		if a, wrong, err := c.File(t.Context(), r); !errors.Is(err, fault.Denied) || a != nil || len(wrong) > 0 {
			t.Errorf("%s: got %+v, %v, %v; want denied", what, a, wrong, err)
		}
	}
	now := c.request(3)
	refused("without it", now)
	refused("under the version of before", asked)
	if a, _, err := c.File(t.Context(), again); err != nil || a.Number != first.Number {
		t.Errorf("the request from before: %+v, %v; want %v", a, err, first.Number)
	}
	if got := c.Lacks(nodetest.Person, before); len(got) != 2 {
		t.Errorf("%v lacks; want both", got)
	}
	if _, _, err := c.File(t.Context(), now); err == nil || !strings.Contains(err.Error(), "Services of BMET") {
		t.Errorf("the refusal is %v; want it to name the training", err)
	}

	end := time.Now().Add(time.Hour)
	c.d.AddUser(t, func(u *protocol.User) { u.Trained = []protocol.Trained{{Tag: "bmet-demo"}} })
	c.d.AddUser(t, func(u *protocol.User) {
		u.Name, u.Trained = "karim", []protocol.Trained{{Tag: "bmet-demo"}, {Tag: "platform", Until: end.Unix()}}
	})
	c.deliver(c.d.Inbox)
	waitFor(t, "the logins", func() bool { _, ok := c.User("karim"); return ok })
	refused("with half of it", now)
	c.restart()
	refused("after a restart", now)
	other := c.request(4)
	other.User = "karim"
	if a, wrong, err := c.File(t.Context(), other); err != nil || len(wrong) > 0 || a == nil {
		t.Errorf("by somebody who has it: %+v, %v, %v", a, wrong, err)
	}
	c.stop()
	c.o.Clock = func() time.Time { return end }
	c.start()
	other.Key = "later"
	refused("after its last day", other)
}

// TestServiceOfOtherCentres: a version that another kind of centre offers is refused
// here, also by name of its number.
func TestServiceOfOtherCentres(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	linked := c.request(1)
	set := edited(c, "centre_types: [union, ", "centre_types: [")
	v, _ := set.Current(service)
	if v.OfferedAt(c.Goods().Centre.Type) {
		t.Fatalf("%s is still offered here: %v", service, v.CentreTypes)
	}
	for what, r := range map[string]Request{"now": c.request(2), "under the version of before": linked} {
		if a, wrong, err := c.File(t.Context(), r); !errors.Is(err, fault.Denied) || a != nil {
			t.Errorf("%s: got %+v, %v, %v; want denied", what, a, wrong, err)
		}
	}
	for _, o := range c.Goods().Set.OfferedTo(c.Goods().Centre.Type) {
		if o.ID == service {
			t.Errorf("%s is on the list of this centre", service)
		}
	}
}
