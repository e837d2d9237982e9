package box

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"kendro/domain/fault"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// A hubCopy is what a hub holds of a box's log.
type hubCopy struct {
	log   protocol.LogID
	items []protocol.Item
}

// copied has a hub take the log up to its end, and sign for it.
func (c *counter) copied() *hubCopy {
	c.tb.Helper()
	h := &hubCopy{log: c.Log()}
	run, err := c.Tail(h.log, protocol.Position{}, 256)
	if err != nil {
		c.tb.Fatal(err)
	}
	prev := protocol.Hash{}
	for i, raw := range run.Events {
		seq := uint64(i + 1)
		prev = protocol.ChainHash(h.log, seq, prev, raw)
		h.items = append(h.items, protocol.Item{Seq: seq, Hash: prev, Raw: raw})
	}
	c.d.Say(c.tb, protocol.Accepted, &protocol.Acceptance{Log: h.log, First: 1, Last: c.Head().At.Seq, Index: 9, At: nodetest.Start.UnixMilli()})
	c.deliver(c.d.Inbox)
	c.signed(c.Head().At)
	return h
}

// signed has the hub sign for the log that is written.
func (c *counter) signed(at protocol.Position) {
	c.tb.Helper()
	if err := c.Acknowledge(context.Background(), &protocol.Ack{Log: c.Log(), At: at, Index: 9}); err != nil {
		c.tb.Fatal(err)
	}
	waitFor(c.tb, "the acknowledgement to be kept", func() bool { return c.Acknowledged().Seq == at.Seq })
}

// giveBack has the hub send what the box says that it lacks of the log.
func (c *counter) giveBack(h *hubCopy) {
	c.tb.Helper()
	heads, err := c.Former()
	if err != nil {
		c.tb.Fatal(err)
	}
	from := protocol.Position{} // Of a log that the box knows nothing of.
	for _, head := range append(heads, protocol.Head{Log: h.log, At: c.Held()[h.log]}) {
		if head.Log == h.log && head.At.Seq > from.Seq {
			from = head.At
		}
	}
	if from.Seq < uint64(len(h.items)) {
		if err := c.deliverRun(h.log, from.Hash, h.items[from.Seq:]); err != nil {
			c.tb.Fatal(err)
		}
	}
	c.refetched()
}

// TestDamagedOwnComesBack damages journal/own in every way while a hub has signed
// for all of it. The box starts, takes applications at once under another log, and
// denies no receipt; once the hub has given back what was lost, it answers as before.
func TestDamagedOwnComesBack(t *testing.T) {
	t.Parallel()
	c, _ := filled(t)
	h := c.copied()
	want := c.ageless()
	c.stop()
	whole := t.TempDir()
	parts := []string{"journal", "index", "vault"}
	for _, part := range parts {
		copyTree(t, filepath.Join(c.dir, part), filepath.Join(whole, part))
	}
	r := rand.New(rand.NewPCG(5, 6))
	dir := filepath.Join(c.dir, "journal", "own")
	lost, seed := 0, uint64(1000)
	for round := range 16 {
		putBack(t, c, whole, parts...)
		for name, used := range written(t, dir) {
			at := 128 + r.IntN(used-128)
			var err error
			switch round {
			case 0:
				err = os.Remove(name)
			case 1:
				err = os.Truncate(name, int64(at))
			case 2:
				err = errors.Join(os.Remove(name), os.Remove(filepath.Join(dir, "HEAD")))
			case 3:
				for range 5 {
					flipAt(t, name, 128+r.IntN(used-128))
				}
			default:
				flipAt(t, name, at)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		c.start()
		seed++
		a := c.file(seed)
		if a.Receipt.Log == h.log {
			t.Fatalf("round %d: the damaged log is written on", round)
		}
		for n := range want {
			_, err := c.Case(n)
			if errors.Is(err, fault.NotFound) || err != nil && !c.Blockers().Standing(RecordsMissing) {
				t.Fatalf("round %d: %v is denied: %v; blockers %v", round, n, err, c.Blockers().List())
			}
			if err != nil {
				lost++
			}
		}
		for _, again := range []bool{false, true} {
			c.giveBack(h)
			if c.Blockers().Standing(RecordsMissing) {
				t.Fatalf("round %d: still waits for %v, holds %v", round, c.missing.all(), c.Held())
			}
			for n, k := range want {
				got, err := c.Case(n)
				if err != nil {
					t.Fatalf("round %d, again %v: %v: %v", round, again, n, err)
				}
				if got.Receipt.At != k.Receipt.At || got.Receipt.Log != k.Receipt.Log || string(got.Raw) != string(k.Raw) ||
					got.Prev != k.Prev || got.Stage != k.Stage || !got.Accepted || !got.Receipt.Verify(c.o.Signer.Public()) {
					t.Fatalf("round %d, again %v: %v is %+v, was %+v", round, again, n, got, k)
				}
			}
			log := c.Log()
			c.restart()
			if c.Log() != log {
				t.Fatalf("round %d: a restart gives the new log up again", round)
			}
			if err := c.Rebuild(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if k, err := c.Case(a.Number); err != nil || k.Receipt.At != a.Receipt.At {
			t.Fatalf("round %d: what was filed meanwhile is %+v, %v", round, k, err)
		}
		c.stop()
	}
	if lost == 0 {
		t.Fatal("nothing was ever lost: the test alters nothing")
	}
}

// TestDamagedAtWorkIsMendedAtStart has the scrub find damage: the next start reads
// the whole journal and mends it.
func TestDamagedAtWorkIsMendedAtStart(t *testing.T) {
	t.Parallel()
	c, _ := filled(t)
	h := c.copied()
	for name, used := range written(t, filepath.Join(c.dir, "journal", "own")) {
		flipAt(t, name, used/2)
	}
	if err := c.Scrub(context.Background()); !errors.Is(err, fault.Damaged) {
		t.Fatalf("the scrub says %v", err)
	}
	c.restart()
	if c.Log() == h.log || !c.Blockers().Standing(RecordsMissing) {
		t.Fatalf("after a start: log %v, blockers %v", c.Log(), c.Blockers().List())
	}
	c.giveBack(h)
	if c.Blockers().Standing(RecordsMissing) {
		t.Fatal("what the hub gave back did not count")
	}
}

// TestUnsignedDamageIsRefused damages a record that no hub has signed for: the start
// names it and changes nothing. Accepting the loss, a person has all others stand.
func TestUnsignedDamageIsRefused(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	var filed []*Answer
	for seed := range uint64(12) {
		filed = append(filed, c.file(seed))
	}
	c.signed(filed[3].Receipt.At)
	log := c.Log()
	c.stop()
	own := filepath.Join(c.dir, "journal", "own")
	for name, used := range written(t, own) {
		flipAt(t, name, used*3/4)
	}
	if b, err := Open(c.dir, c.o); !errors.Is(err, fault.Damaged) {
		t.Fatalf("%v, %v; want a refusal", b, err)
	}
	list, err := Repair(context.Background(), c.dir, c.o)
	if own := list[len(list)-1]; !errors.Is(err, fault.Damaged) || own.State != damagedState {
		t.Fatalf("a repair that accepts nothing: %+v, %v", own, err)
	}
	c.o.AcceptLoss = true
	list, err = Repair(context.Background(), c.dir, c.o)
	if own := list[len(list)-1]; err != nil || own.State != repairedState || len(own.Found) != 1 {
		t.Fatalf("a repair that accepts the loss: %+v, %v", own, err)
	}
	c.o.AcceptLoss = false
	c.start()
	var again []*Answer
	gone := 0
	for i, a := range filed {
		k, err := c.Case(a.Number)
		switch {
		case errors.Is(err, fault.Unavailable):
			gone++
		case err != nil || k.Receipt.At != a.Receipt.At:
			t.Errorf("%v is %+v, %v", a.Number, k, err)
		case i > 3:
			again = append(again, a)
		}
	}
	if gone != 1 || len(again) != 7 {
		t.Errorf("%d are gone, %d stand again; want 1 and 7", gone, len(again))
	}
	wantAgain(t, c, log, again...)
	next := c.Log()
	c.restart()
	if c.Log() != next {
		t.Error("a restart gives the new log up")
	}
	if err := c.Rebuild(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(c.index.parts.all()) != 2 || c.index.parts.all()[1].From != again[0].Receipt.At.Seq {
		t.Errorf("rebuilt sections %+v", c.index.parts.all())
	}
}
