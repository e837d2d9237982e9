package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/internal/flowtest"
	"kendro/internal/hubtest"
	"kendro/protocol"
)

// A bustle is a group whose officers do whatever comes to their minds on the cases of
// one random service.
type bustle struct {
	*testing.T
	g       *hubtest.Group
	rng     *rand.Rand
	box     *hubtest.Box
	numbers []protocol.Number
	ids     int
	done    uint64 // Commands that were answered with success, each once.
	refused int
	unknown int // Commands of which nobody knew at first what came of them.
}

func newBustle(t *testing.T, seed uint64) *bustle {
	b := &bustle{T: t, g: hubtest.New(t, 3), rng: rand.New(rand.NewPCG(seed, 11))}
	b.box = b.g.Enrol(centre)
	v := b.publish()
	for i := range flowtest.Posts {
		b.g.Do(b.g.Leader(), register.AddUser, register.User{
			Name: flowtest.Post(i), Role: access.Officer, Seat: place.Seat{Post: flowtest.Post(i), Office: "office"}, From: 1,
			Hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		})
	}
	applicant := []byte(`{"anonymous":true,"area":"41-04-17"}`)
	for range 12 {
		b.numbers = append(b.numbers, b.box.FileEvent(hubtest.Submitted(&catalogue.Application{
			Version: v, Channel: dcat.Counter, Form: []byte(`{}`), Applicant: applicant,
		}, time.Now())))
	}
	return b
}

// publish puts a random service in the place of all others.
func (b *bustle) publish() *dcat.Version {
	b.Helper()
	flow := flowtest.New(b.rng, "service")
	v, dir := flow.Version, flow.Directory(centre.Area())
	v.Number, v.Form = 1, []byte(`{"type":"object","additionalProperties":false,"properties":{"why":{"type":"string","maxLength":20,"x-kendro":{"order":1,"label":{"bn":"কেন","en":"Why"}}}}}`)
	_, err := catalogue.CompileForm(v.Form)
	fail := func() {
		if err != nil {
			b.Fatal(err)
		}
	}
	fail()
	v.Hash, err = catalogue.HashVersion(v)
	fail()
	r := dcat.Release{Number: 2, PublishedAt: time.Now().Unix(), Services: []dcat.Entry{{ID: v.ID, Version: 1, Hash: v.Hash}}}
	r.Directory, err = catalogue.HashDirectory(dir)
	fail()
	set, err := dcat.NewSet(r, dir, []*dcat.Version{v})
	if err != nil {
		b.Fatal(err)
	}
	b.g.Release(set)
	return v
}

// command draws something to do on a case as one server sees it.
func (b *bustle) command(r *register.Register) register.Command {
	b.Helper()
	n := b.numbers[b.rng.IntN(len(b.numbers))]
	c, err := r.Case(n)
	if err != nil {
		b.Fatal(err)
	}
	acts := application.Acts()
	action := acts[b.rng.IntN(len(acts))]
	for application.After(c.State.Stage, action) == application.None || action == application.Link || action == application.Appeal && b.rng.IntN(2) == 0 {
		if action = acts[b.rng.IntN(len(acts))]; b.rng.IntN(200) == 0 {
			break // Anything.
		}
	}
	who := c.State.Holder
	if who == "" {
		who = c.State.Seat.Post
	}
	if who == "" || action == application.Appeal || b.rng.IntN(15) == 0 {
		who = flowtest.Post(b.rng.IntN(flowtest.Posts))
	}
	a := register.Act{Text: "x"}
	switch action {
	case application.Decide:
		a.Opinion = application.ForApproval
	case application.Reject:
		a.Reason = "R1"
	case application.RequestInfo:
		a.Items = []string{"nid"}
	case application.Check:
		a.Check = fmt.Sprintf("check-%d", b.rng.IntN(3))
	case application.Pay:
		a.Amount = max(1, c.State.Owed)
	case application.Prepare:
		a.Until = time.Now().Add(9 * 24 * time.Hour).Unix()
	default:
	}
	b.ids++
	cmd := register.NewCommand(fmt.Sprint("bustle-", b.ids), who, register.Method(action.String()), &a)
	cmd.Number, cmd.Expect = n, c.State.Version
	return cmd
}

// An answer is what a server said to a command.
type answer struct {
	res register.Result
	err error
}

// known reports whether the server knew what came of it.
func (a *answer) known() bool {
	return a.err == nil || !errors.Is(a.err, fault.Unavailable) && !errors.Is(a.err, fault.Stopped)
}

// round has many commands under way at all servers at once. While they are, the
// leader may be killed. What nobody knows is repeated at another server, and so is
// what succeeded: it has one answer.
func (b *bustle) round(kill bool) {
	b.Helper()
	leader := b.g.Leader()
	var hubs []*hub.Hub
	for _, s := range b.g.Servers {
		hubs = append(hubs, s.Hub)
	}
	cmds := make([]register.Command, 24)
	for i := range cmds {
		cmds[i] = b.command(leader.Hub.Register())
	}
	b.events(leader.Hub.Register())
	answers := make([]answer, len(cmds))
	var wg sync.WaitGroup
	first := make(chan struct{}, len(cmds))
	for i := range cmds {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
			defer cancel()
			answers[i].res, answers[i].err = hubs[i%len(hubs)].Do(ctx, cmds[i])
			first <- struct{}{}
		})
	}
	if kill {
		<-first // The others are on their way.
		b.g.Kill(leader)
	}
	wg.Wait()
	at := b.g.Leader()
	for i := range cmds {
		b.again(at, cmds[i], &answers[i])
	}
	if kill {
		b.g.Start(leader)
		b.g.Settle()
	}
}

// again repeats a command that succeeded, or of which nobody knows.
func (b *bustle) again(at *hubtest.Server, cmd register.Command, before *answer) {
	b.Helper()
	if before.known() && before.err != nil {
		b.refused++
		return
	}
	var now answer
	if !before.known() {
		b.unknown++
	}
	b.g.Wait("an answer to "+cmd.ID, func() bool {
		now.res, now.err = at.Hub.Do(b.Context(), cmd)
		return now.known()
	})
	switch {
	case now.err == nil && before.err == nil && now.res.Version != before.res.Version:
		b.Errorf("%s made version %d, and %d when it was repeated", cmd.ID, before.res.Version, now.res.Version)
	case now.err != nil && before.err == nil:
		b.Errorf("%s was done, and is refused when it is repeated: %v", cmd.ID, now.err)
	case now.err == nil:
		b.done++
	default:
		b.refused++
	}
}

// events has the centre send something on its cases.
func (b *bustle) events(r *register.Register) {
	b.Helper()
	for _, n := range b.numbers {
		c, err := r.Case(n)
		if err != nil {
			b.Fatal(err)
		}
		e := &protocol.Event{At: time.Now().UnixMilli(), Actor: "rahima", Number: n, Nonce: make([]byte, protocol.NonceSize)}
		switch c.State.Stage {
		case application.InfoRequested:
			e.Kind, e.Payload = protocol.Supplied, protocol.Marshal(&protocol.Supplement{Originals: []string{"nid"}})
		case application.FeeDue:
			e.Kind, e.Payload = protocol.PaymentTaken, protocol.Marshal(&protocol.Payment{
				Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: 1 + b.rng.Int64N(2*c.State.Owed)}},
			})
		default:
			continue
		}
		b.box.FileEvent(e)
	}
}

// holds fails unless a server's register keeps the invariants and what was answered.
func (b *bustle) holds(r *register.Register) map[application.Stage]int {
	b.Helper()
	cases, err := r.Verify(func(n protocol.Number, broken string) { b.Errorf("%s: %s", n, broken) })
	if err != nil || cases != uint64(len(b.numbers)) {
		b.Errorf("%d cases were verified, %v; want %d", cases, err, len(b.numbers))
	}
	if n, err := r.SilentDrops(); n != 0 || err != nil {
		b.Errorf("%d events were dropped silently, %v", n, err)
	}
	if got := r.Stats().Acts; got != b.done {
		b.Errorf("the register has done %d acts; %d were answered", got, b.done)
	}
	stages := map[application.Stage]int{}
	for _, n := range b.numbers {
		c, err := r.Case(n)
		if err != nil {
			b.Fatal(err)
		}
		if st, _, err := r.Standing(n); err != nil || st.Stage != c.State.Stage.String() || c.Held != "" {
			b.Errorf("%s reads %s, %v; its officer %s, held %q", n, st.Stage, err, c.State.Stage, c.Held)
		}
		stages[c.State.Stage]++
	}
	return stages
}

// TestRandomProceduresWithoutTheirLeader: officers send random acts on a random
// procedure to all servers at once, and the leader is killed while they are under way.
// Afterwards every server holds the same register, each act that was answered was done
// once, and the histories keep the invariants; so they do after a restart of all.
func TestRandomProceduresWithoutTheirLeader(t *testing.T) {
	t.Parallel()
	seeds, rounds := uint64(2), 10
	if testing.Short() {
		seeds, rounds = 1, 5
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			b := newBustle(t, seed)
			ctx, cancel := context.WithCancel(t.Context())
			var addrs []string
			for _, s := range b.g.Servers {
				addrs = append(addrs, s.Addr)
			}
			wait := b.box.Sync(ctx, addrs...)
			defer wait()
			defer cancel()
			sent := func() bool { return b.box.Acked() == b.box.Filed() }
			b.g.Wait("the cases", sent)
			for i := range rounds {
				b.round(i%5 == 3)
			}
			b.g.Wait("the centre's events", sent)
			b.g.Agree()
			var stages map[application.Stage]int
			for _, s := range b.g.Servers {
				stages = b.holds(s.Hub.Register())
			}
			t.Logf("%d acts done, %d refused, %d unknown at first; the cases stand as %v", b.done, b.refused, b.unknown, stages)
			if b.done < 20 {
				t.Errorf("%d acts: the test looks at nothing", b.done)
			}
			for _, s := range b.g.Servers {
				b.g.Stop(s)
			}
			for _, s := range b.g.Servers {
				b.g.Start(s)
			}
			b.g.Settle()
			b.g.Agree()
			for _, s := range b.g.Servers {
				b.holds(s.Hub.Register())
			}
		})
	}
}
