package sim

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/hub/register"
	nodebox "kendro/node/box"
	"kendro/protocol"
)

// licences is the service that a union decides.
const licences = "trade-licence"

// A unionTown is one box whose union decides, and the hub's servers, at random.
type unionTown struct {
	*world
	t       *testing.T
	m       *machine
	staff   *staff
	sampler *catalogue.Sampler
	cases   []protocol.Number
	did     map[string]int
	tries   int
}

func newUnionTown(t *testing.T, c *cast, st *staff, seed uint64) *unionTown {
	t.Helper()
	w := &world{
		ctx: context.Background(), plan: Plan{Seed: seed, Nodes: 1}, seed: seed, cast: c, calm: true,
		queue: queue{rand: rand.New(rand.NewPCG(seed, 37))},
		trace: trace{hash: sha256.New()},
	}
	if err := populate(w); err != nil {
		t.Fatal(err)
	}
	sampler, err := catalogue.NewSampler(c.set)
	if err != nil {
		t.Fatal(err)
	}
	u := &unionTown{world: w, t: t, m: w.machines[0], staff: st, sampler: sampler, did: map[string]int{}}
	u.m.start()
	w.group.command(register.NewCommand("allow", register.ActorControl, register.AllowLease, &register.LeaseOrder{Centre: u.m.centre(), Service: licences}))
	for range 100 {
		u.until(u.now + 10*time.Second)
		u.asks()
		if l, ok := u.m.box.Lease(licences); ok && l.Token == 1 {
			return u
		}
	}
	t.Fatal("the box has no lease")
	return nil
}

// asks is what a box does every few seconds.
func (u *unionTown) asks() {
	if u.m.box == nil {
		return
	}
	if err := u.m.box.Ask(u.ctx); err != nil && !errors.Is(err, fault.Unavailable) {
		u.t.Fatal(err)
	}
}

func (u *unionTown) key() string {
	u.tries++
	return fmt.Sprint("try-", u.tries)
}

// body is an application, with other answers for another seed.
func (u *unionTown) body(seed uint64) []byte {
	body, err := u.sampler.Body(licences, seed, u.m.centre())
	if err != nil {
		u.t.Fatal(err)
	}
	return body
}

// something is one thing that happens at the centre.
func (u *unionTown) something() {
	switch x := u.rand.IntN(20); {
	case u.m.box == nil:
	case x == 0:
		u.m.online = !u.m.online
		if !u.m.online {
			u.cutLink(u.m)
		}
	case x == 1 && u.chance(0.2):
		u.m.reboot(false)
	case x == 2 && len(u.cases) < 5 || len(u.cases) == 0:
		before := len(u.m.receipts)
		u.m.post(&request{key: u.key(), body: u.body(u.rand.Uint64N(1 << 20))})
		for _, r := range u.m.receipts[before:] {
			u.cases = append(u.cases, r.number)
		}
	default:
		u.work(u.cases[u.rand.IntN(len(u.cases))])
	}
}

// work is one thing that happens to a case.
func (u *unionTown) work(n protocol.Number) {
	c, err := u.m.box.UnionCase(n)
	if err != nil {
		u.t.Fatalf("%v: %v", n, err)
	}
	by := nodebox.Followup{User: u.m.keys.user, Key: u.key(), Number: n}
	what := ""
	switch {
	case c.State.Stage == application.InfoRequested && u.chance(0.7):
		what, err = "supply", u.supply(by, c)
	case c.State.Stage == application.FeeDue:
		fees := []protocol.Fee{{Kind: "government", Poisha: c.State.Owed}}
		what = "pay"
		_, err = u.m.box.Followups().Pay(u.ctx, by, protocol.Payment{Means: protocol.MeansCash, Fees: fees})
	case c.State.Stage == application.Ready && u.chance(0.5):
		what = "hand-over"
		_, err = u.m.box.Followups().HandOver(u.ctx, by, protocol.HandOver{Proof: "nid"}, "")
	case c.State.Stage.Open():
		what, err = u.act(c)
	}
	if err != nil && !errors.Is(err, fault.Conflict) && !errors.Is(err, fault.Unavailable) {
		u.t.Fatalf("seed %d, %s on %v, which is %v: %v", u.seed, what, n, c.State.Stage, err)
	}
	if err == nil && what != "" {
		u.did[what]++
		u.tracef("%s on %v: %v", what, n, c.State.Stage)
	}
	u.m.look()
}

// act is an officer at his desk.
func (u *unionTown) act(c *nodebox.UnionCase) (string, error) {
	seat := c.State.Seat
	who := u.staff.desks[seat].names[0]
	offers := slices.DeleteFunc(u.m.box.Offers(c, who, seat), func(o application.Offer) bool {
		return o.Bar != "" || o.Action == application.Revoke || u.chance(map[application.Action]float64{application.Reject: 0.9, application.Note: 0.9, application.Return: 0.6, application.RequestInfo: 0.3, application.Check: 0.7, application.Decide: 0.3}[o.Action])
	})
	if len(offers) == 0 {
		return "", nil
	}
	o := offers[u.rand.IntN(len(offers))]
	a := nodebox.Act{User: who, Key: u.key(), Number: c.Number, Expect: c.State.Version, Action: o.Action, Said: protocol.UnionAct{Text: "as seen"}}
	switch o.Action {
	case application.Decide:
		a.Said.Opinion = string(application.ForApproval)
	case application.Reject:
		a.Said.Reason = u.cast.set.Directory.Reasons[0].Code
	case application.Check:
		a.Said.Check = c.Version.Checks[u.rand.IntN(len(c.Version.Checks))].ID
	case application.RequestInfo:
		a.Said.Items = u.items(c)
	default:
	}
	_, err := u.m.box.Act(u.ctx, a)
	return o.Action.String(), err
}

// items are some of what may be asked for.
func (u *unionTown) items(c *nodebox.UnionCase) []string {
	all := []string{"form.application_type", "form.capital_taka", "form.address", c.Version.Documents[0].ID}
	u.rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+u.rand.IntN(3)]
}

// supply brings some of it.
func (u *unionTown) supply(by nodebox.Followup, c *nodebox.UnionCase) error {
	var sample struct {
		Form map[string]json.RawMessage `json:"form"`
	}
	if err := json.Unmarshal(u.body(u.rand.Uint64N(1<<20)), &sample); err != nil {
		return err
	}
	s, form := nodebox.Supply{Text: "here"}, map[string]json.RawMessage{}
	for _, it := range c.State.AskedFor() {
		switch answer, ok := sample.Form[it[min(len(it), len("form.")):]]; {
		case ok:
			form[it[len("form."):]] = answer
		case u.chance(0.7):
			s.Documents = append(s.Documents, catalogue.Paper{ID: it, OriginalAtCounter: true})
		}
	}
	if len(form) > 0 {
		raw, err := json.Marshal(form)
		if err != nil {
			return err
		}
		s.Form = raw
	}
	_, wrong, err := u.m.box.Followups().Supply(u.ctx, by, s)
	if len(wrong) > 0 {
		return fault.New("sim", fault.Conflict, wrong[0].Path, "another answer wants one that nobody asked for")
	}
	return err
}

// quiet has everything arrive.
func (u *unionTown) quiet() {
	u.t.Helper()
	u.m.online = true
	for range 400 {
		u.until(u.now + time.Minute)
		if u.m.box != nil && u.oracle.settled() == nil {
			return
		}
	}
	u.t.Fatalf("seed %d does not come to rest: %v", u.seed, u.oracle.settled())
}

// same compares what the box and the register have of every case.
func (u *unionTown) same() {
	u.t.Helper()
	reg := u.group.leader.reg
	for _, n := range u.cases {
		c, err := reg.Case(n)
		if err != nil {
			u.t.Fatalf("seed %d: %v: %v", u.seed, n, err)
		}
		b, err := u.m.box.UnionCase(n)
		if err != nil {
			u.t.Fatal(err)
		}
		items, err := reg.Items(n)
		if err != nil || len(items) > 0 || b.Elsewhere {
			u.t.Errorf("seed %d: %v has %d items, the first %+v, and is elsewhere: %v, %v", u.seed, n, len(items), first(items), b.Elsewhere, err)
			continue
		}
		hub, box := timeless(c.State), timeless(b.State)
		if hub != box {
			u.t.Errorf("seed %d: %v is at the hub\n%+v\nand at the box\n%+v", u.seed, n, hub, box)
		}
		_, sub, err := reg.AsOf(c, 0)
		if k, err2 := u.m.box.Case(n); err != nil || err2 != nil || !sameJSON(sub.Form, k.Submission.Form) {
			u.t.Errorf("seed %d: the answers of %v are at the hub\n%s\nand at the box\n%s, %v, %v", u.seed, n, sub.Form, k.Submission.Form, err, err2)
		}
		if stops := c.State.Stage.Stopped(); stops != (c.Paused != 0) {
			u.t.Errorf("seed %d: the clock of %v stands since %d while it is %v", u.seed, n, c.Paused, c.State.Stage)
		}
	}
}

// timeless is a case without the days that two clocks count from two moments, or, as the simulated
// leader's is UTC's, by two walls.
func timeless(c application.Case) application.Case {
	c.PayBy, c.SupplyBy, c.Promised, c.AppealBy = 0, 0, 0, 0
	return c
}

func first(items []*register.Item) any {
	if len(items) == 0 {
		return nil
	}
	return *items[0]
}

func sameJSON(a, b []byte) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

// TestUnionConverges: whatever officers and applicants of a union do at its box in whatever
// order, what is asked of an applicant and answered by him included, and whenever the hub
// hears of it, box and register come to the same case.
func TestUnionConverges(t *testing.T) {
	st := newStaff(1)
	c, _, _, err := foundCast(1, []string{licences}, st.appoint)
	if err != nil {
		t.Fatal(err)
	}
	did := map[string]int{}
	for seed := range uint64(4) {
		u := newUnionTown(t, c, st, seed+1)
		for range 120 {
			u.until(u.now + u.between(time.Second, time.Hour))
			u.asks()
			u.something()
		}
		u.quiet()
		u.same()
		for what, n := range u.did {
			did[what] += n
		}
		leave(u.world, nil)
		if t.Failed() {
			return
		}
	}
	for _, a := range []string{"take", "request-info", "supply", "check", "forward", "return", "approve", "pay", "issue", "hand-over"} {
		if did[a] == 0 {
			t.Errorf("nobody did %s: %v", a, did)
		}
	}
}
