package register

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/internal/flowtest"
	"kendro/protocol"
)

// TestRandomProceduresHold publishes random procedures and sends random acts of
// officers, events of centres and ticks of leaders, one of which has its clock
// behind. Every history is verified afterwards, the citizen reads the stage that the
// officer sees (I7), and another server that gets the same log is the same.
func TestRandomProceduresHold(t *testing.T) {
	flows, steps := 12, 400
	if testing.Short() {
		flows = 8
	}
	acted := 0
	stages := map[application.Stage]int{}
	for seed := range flows {
		rng := rand.New(rand.NewPCG(uint64(seed), 7))
		w, b, numbers := flowTown(t, rng)
		for range steps {
			acted += randomEntry(w, b, rng, numbers)
		}
		verified(w)
		replay := w.join(newMemory())
		for i, raw := range w.entries {
			replay.Apply(uint64(i+1), 1, raw)
		}
		w.agree()
		for _, n := range numbers {
			c, err := w.first().Case(n)
			if err != nil {
				t.Fatal(err)
			}
			stages[c.State.Stage]++
			w.stage(n, c.State.Stage)
		}
	}
	t.Logf("%d acts were done; the cases stand as %v", acted, stages)
	if acted < flows*50 || len(stages) < 6 {
		t.Error("too little happens: the test looks at nothing")
	}
}

// verified fails unless every history keeps the invariants.
func verified(w *town) {
	w.t.Helper()
	n, err := w.first().Verify(func(n protocol.Number, broken string) { w.t.Errorf("%s: %s", n, broken) })
	if err != nil || n == 0 {
		w.t.Fatalf("%d cases were verified, %v", n, err)
	}
	for _, broken := range unfitting(w) {
		w.t.Error(broken)
	}
}

// unfitting is what does not fit into a log, or into an order to erase.
func unfitting(w *town) (list []string) {
	w.t.Helper()
	events, _, err := w.first().VerifyLogs(func(at protocol.Head, broken string) { list = append(list, fmt.Sprint(at, broken)) })
	if err != nil || events == 0 {
		w.t.Fatalf("%d events were verified, %v", events, err)
	}
	if _, err := w.first().VerifyErasures(func(n protocol.Number, broken string) { list = append(list, n.String()+broken) }); err != nil {
		w.t.Fatal(err)
	}
	return list
}

// flowTown is a town with one random service and an officer at every post.
func flowTown(t *testing.T, rng *rand.Rand) (*town, *box, []protocol.Number) {
	t.Helper()
	w := newTown(t, newMemory(), newMemory()).found()
	flow := flowtest.New(rng, "service")
	flow.Version.Number = 1
	hash, err := catalogue.HashVersion(flow.Version)
	if err != nil {
		t.Fatal(err)
	}
	flow.Version.Hash = hash
	w.publish(1, flow.Directory("41-09-17"), flow.Version)
	for i := range flowtest.Posts {
		w.must(NewCommand("", "root", AddUser, &User{
			Name: flowtest.Post(i), Role: access.Officer, Seat: place.Seat{Post: flowtest.Post(i), Office: "office"}, Hash: hash1, From: 1,
		}))
	}
	b := w.enrol("41-09-17")
	var numbers []protocol.Number
	for i := range 6 {
		f := Finding{Rules: dcat.Bits(rng.Uint32N(1 << len(flow.Version.Rules))), Mode: dcat.ByCentre}
		for _, fee := range flow.Version.Fees {
			if fee.At == dcat.BeforeReview {
				f.Review = fee.Poisha
			} else {
				f.Issue = fee.Poisha
			}
		}
		numbers = append(numbers, b.filed(flow.Version, uint64(i), f))
	}
	return w, b, numbers
}

// randomEntry applies one entry and returns how many acts it did.
func randomEntry(w *town, b *box, rng *rand.Rand, numbers []protocol.Number) int {
	n := numbers[rng.IntN(len(numbers))]
	c, err := w.first().Case(n)
	if err != nil {
		w.t.Fatal(err)
	}
	if rng.IntN(4) == 0 {
		since(w, rng.IntN(6))
	}
	switch rng.IntN(12) {
	case 0:
		tick(w)
		return 0
	case 1:
		p := cash(1 + rng.Int64N(max(1, 2*c.State.Owed)))
		b.send(protocol.PaymentTaken, n, w.at-rng.Int64N(20*86_400_000), p)
		return 1
	case 2:
		b.send(protocol.Supplied, n, w.at, &protocol.Supplement{Originals: []string{"nid"}})
		return 1
	case 3:
		if rng.IntN(20) == 0 {
			b.send(protocol.Withdrawn, n, w.at, &protocol.Withdrawal{})
			return 1
		}
	}
	m := anyMethod(rng, c)
	who := c.State.Holder
	if who == "" || rng.IntN(10) == 0 {
		who = c.State.Seat.Post
	}
	if m == Appeal || rng.IntN(15) == 0 {
		who = flowtest.Post(rng.IntN(flowtest.Posts))
	}
	if who == "" {
		who = flowtest.Post(0)
	}
	a := Act{Text: "words on " + n.String()}
	switch m {
	case Decide:
		a.Opinion = application.ForApproval
	case Reject:
		a.Reason = "R1"
	case RequestInfo:
		a.Items = []string{"nid"}
	case Check:
		a.Check = fmt.Sprintf("check-%d", rng.IntN(3))
	case Link:
		a.Primary = numbers[rng.IntN(len(numbers))]
	case Pay:
		a.Amount = max(1, c.State.Owed)
	case Prepare:
		a.Until = w.at/1000 + 86400*9
	default:
	}
	cmd := act(who, m, n, c.State.Version-min(c.State.Version, rng.Uint64N(9)/8), a)
	w.ids++
	cmd.ID = fmt.Sprint("r", w.ids)
	at := w.at + 1000
	if rng.IntN(10) == 0 {
		at -= 3_600_000 // A leader whose clock is behind.
	}
	if w.apply(&Entry{At: at, Offset: dhakaOffset, Commands: []Command{cmd}}).Results[0].Fault == nil {
		return 1
	}
	return 0
}

// anyMethod draws an act, mostly one that the stage knows.
func anyMethod(rng *rand.Rand, c *Case) Method {
	acts := application.Acts()
	for {
		a := acts[rng.IntN(len(acts))]
		early := slices.Contains([]application.Action{application.Link, application.RequestInfo, application.Return}, a)
		if (application.After(c.State.Stage, a) != application.None || rng.IntN(15) == 0) && (!early || rng.IntN(6) == 0) {
			return Method(a.String())
		}
	}
}

// TestVerifyFindsWhatIsBroken alters histories that were right.
func TestVerifyFindsWhatIsBroken(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	approved(w, n)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	w.worked(n, "chair", Issue, Act{})
	verified(w)
	for name, alter := range map[string]func(*Case){
		"I1":                           func(c *Case) { c.History[3].Action = application.Note }, // The preliminary decision.
		"I2":                           func(c *Case) { c.State.Paid = 0 },
		"I2: issued without the check": func(c *Case) { c.History[2].Check = "other" },
		"I6":                           func(c *Case) { c.History[1].Action = application.Withdraw },
		"I10":                          func(c *Case) { c.History[9].Action = application.Demand },
		"gap":                          func(c *Case) { c.History[4].Version = 9 },
	} {
		c, err := w.first().Case(n)
		if err != nil {
			t.Fatal(err)
		}
		alter(c)
		m := w.first().base.(*memory).copy()
		m.pairs[string(caseKey(n))] = protocol.Marshal(c)
		found := false
		_, err = w.reopen(m).Verify(func(_ protocol.Number, broken string) {
			found = found || len(broken) >= 2 && broken[:2] == name[:2] || name == "gap"
		})
		if err != nil || !found {
			t.Errorf("%s: not found, %v", name, err)
		}
	}
}
