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

// loseHead takes HEAD away: the copy may be old.
func loseHead(t *testing.T, c *counter) {
	t.Helper()
	heads, err := filepath.Glob(filepath.Join(c.dir, "journal", "own", "HEAD*"))
	if err != nil || len(heads) == 0 {
		t.Fatalf("no HEAD: %v", err)
	}
	for _, name := range heads {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// putBack lets a stopped box have an older copy of a part of its folder.
func putBack(t *testing.T, c *counter, old string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err := os.RemoveAll(filepath.Join(c.dir, part)); err != nil {
			t.Fatal(err)
		}
		copyTree(t, filepath.Join(old, part), filepath.Join(c.dir, part))
	}
}

// wantAgain fails unless the box has begun another log, in which exactly these
// applications stand again, with the receipts that were printed, and files on.
func wantAgain(t *testing.T, c *counter, old protocol.LogID, again ...*Answer) {
	t.Helper()
	if c.Log() == old {
		t.Fatal("the box writes its old log on")
	}
	if err := c.Blockers().Closed(); err != nil {
		t.Fatalf("intake is closed: %v", err)
	}
	run, err := c.Tail(c.Log(), protocol.Position{}, 256)
	if err != nil || len(run.Events) != len(again) {
		t.Fatalf("%d events stand again, %v; want %d", len(run.Events), err, len(again))
	}
	for i, raw := range run.Events {
		var r protocol.Recovery
		e, err := protocol.DecodeEvent(raw)
		if err != nil || e.Kind != protocol.Recovered || e.Decode(&r) != nil {
			t.Fatalf("event %d is %+v, %v", i+1, e, err)
		}
		if _, err := r.Open(); err != nil || !r.Receipt.Verify(c.o.Signer.Public()) || r.Receipt.At != again[i].Receipt.At || r.Receipt.Log != again[i].Receipt.Log {
			t.Errorf("event %d has receipt %+v, %v; want %+v", i+1, r.Receipt, err, again[i].Receipt)
		}
		k, err := c.Case(again[i].Number)
		if err != nil || k.Receipt.At != again[i].Receipt.At || k.Receipt.Log != again[i].Receipt.Log || string(k.Raw) != string(r.Event) || k.Prev != r.Prev {
			t.Errorf("case %v has receipt %+v, %v; want %+v", again[i].Number, k.Receipt, err, again[i].Receipt)
		}
	}
	a := c.file(9_000_000 + rand.Uint64N(1<<40))
	if a.Receipt.Log != c.Log() || a.Receipt.At.Seq != uint64(len(again)+1) {
		t.Errorf("the next receipt names %v %d", a.Receipt.Log, a.Receipt.At.Seq)
	}
	if list, err := c.Latest(0, 1); err != nil || len(list) != 1 || list[0].Number != a.Number {
		t.Errorf("the newest application is %v, %v", list, err)
	}
}

// TestRestoredJournal puts an old copy of journal/own beside a HEAD or an
// acknowledgement that knows more: another log is begun, no place used twice, and
// whoever repeats a request gets his first answer.
func TestRestoredJournal(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	first := c.file(1)
	c.stop()
	old := t.TempDir()
	copyTree(t, filepath.Join(c.dir, "journal"), filepath.Join(old, "journal"))
	c.start()
	log := c.Log()
	c.file(2)
	c.stop()
	copyTree(t, filepath.Join(c.dir, "journal", "own"), filepath.Join(old, "newer"))
	putBack(t, c, old, "journal")
	head, err := os.ReadFile(filepath.Join(old, "newer", "HEAD")) // It alone is as new as it was.
	if err == nil {
		err = os.WriteFile(filepath.Join(c.dir, "journal", "own", "HEAD"), head, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.start()
	wantAgain(t, c, log, first)
	if a := c.file(1); a.Number != first.Number || a.Receipt.At != first.Receipt.At || a.Receipt.Log != log {
		t.Errorf("the same request got %+v; want %+v", a, first)
	}
	log = c.Log()
	c.restart()
	if c.Log() != log {
		t.Error("a restart gives the new log up again")
	}
}

func TestHeadMissing(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	first := c.file(1)
	log := c.Log()
	c.stop()
	loseHead(t, c)
	c.start()
	wantAgain(t, c, log, first)
}

// TestHubKnowsMore has the hub sign for a record that this box lacks, and for
// another than it has.
func TestHubKnowsMore(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]protocol.Position{"beyond": {Seq: 3, Hash: protocol.Hash{1}}, "another": {Seq: 2, Hash: protocol.Hash{1}}} {
		t.Run(name, func(t *testing.T) {
			c := newCounter(t)
			c.file(1)
			log := c.Log()
			if err := c.Acknowledge(context.Background(), &protocol.Ack{Log: log, At: c.Head().At, Index: 5}); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the acknowledgement to be kept", func() bool { return c.Acknowledged().Seq == 1 })
			second := c.file(2)
			err := c.Acknowledge(context.Background(), &protocol.Ack{Log: log, At: at})
			if !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Conflict) {
				t.Fatalf("the acknowledgement: %v", err)
			}
			waitFor(t, "the log to be given up", func() bool { return c.Log() != log })
			wantAgain(t, c, log, second)
		})
	}
}

// TestToldOfACopy: the hub says that the log has two branches. The box goes on
// under its spare slot, says so, and stays there.
func TestToldOfACopy(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	first := c.file(1)
	log := c.Log()
	c.d.Say(t, protocol.LogGivenUp, &protocol.GivenUp{Log: log, Seq: 1, Why: protocol.GivenUpForked})
	c.deliver(c.d.Inbox)
	waitFor(t, "the log to be given up", func() bool { return c.Log() != log })
	if c.Log().Name != "41-0011" {
		t.Fatalf("the box goes on as %v; want its spare slot", c.Log())
	}
	wantAgain(t, c, log, first)
	a := c.file(2)
	if a.Number.Slot() != "0011" {
		t.Errorf("number %v; want one of the spare slot", a.Number)
	}
	log = c.Log()
	c.restart()
	if c.Log() != log || !c.Blockers().Standing(Forked) {
		t.Errorf("after a restart: %v, blockers %v", c.Log(), c.Blockers().List())
	}
	if k, err := c.Case(first.Number); err != nil || k.Receipt.At != first.Receipt.At {
		t.Errorf("the first receipt is %+v, %v", k, err)
	}
}

// TestGivingUpIsFinished cuts the power at every step of giving a log up: the next
// start ends with all that was receipted, once, in one new log.
func TestGivingUpIsFinished(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	var filed []*Answer
	for seed := range uint64(maxAgain + 6) {
		filed = append(filed, c.file(seed+1))
	}
	log := c.Log()
	c.stop()
	loseHead(t, c)
	old := t.TempDir()
	parts := []string{"journal", "index", "vault"}
	for _, part := range parts {
		copyTree(t, filepath.Join(c.dir, part), filepath.Join(old, part))
	}
	for cut := 0; ; cut += 1 + cut/4 {
		putBack(t, c, old, parts...)
		disk := &faultyDisk{}
		disk.failAfter(cut)
		c.o.disk = disk
		b, err := Open(c.dir, c.o)
		if err == nil {
			err = b.Close()
		}
		c.o.disk = nil
		c.start()
		wantAgain(t, c, log, filed...)
		c.stop()
		if err == nil {
			if cut < 4 {
				t.Errorf("giving up needed %d writes only", cut)
			}
			return
		}
	}
}

// TestFetchedBack: the hub tells of applications that stand in a log of the
// centre's and not in journal/own. They are found, shown and tracked.
func TestFetchedBack(t *testing.T) {
	t.Parallel()
	c, other := newCounter(t), newCounter(t)
	c.file(1)
	other.o.Enrolment = c.o.Enrolment
	a := other.file(2)
	run, err := other.Tail(other.Log(), protocol.Position{}, 9)
	if err != nil {
		t.Fatal(err)
	}
	item := protocol.Item{Seq: 1, Hash: a.Receipt.At.Hash, Raw: run.Events[0]}
	for range 2 {
		if err := c.deliverRun(other.Log(), protocol.Hash{}, []protocol.Item{item}); err != nil {
			t.Fatal(err)
		}
		c.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: other.Log(), First: 1, Last: 1, Index: 7, At: nodetest.Start.UnixMilli()})
		c.deliver(c.d.Inbox)
	}
	for range 2 {
		k, err := c.Case(a.Number)
		if err != nil || string(k.Raw) != string(item.Raw) || !k.Accepted || k.Stage != "RECEIVED" {
			t.Fatalf("case %+v, %v", k, err)
		}
		if w, err := c.Track(a.Number); err != nil || !w.Accepted {
			t.Fatalf("track %+v, %v", w, err)
		}
		if err := c.Rebuild(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if n := c.Head().At.Seq; n != 1 {
		t.Errorf("the own log has %d events", n)
	}
}
