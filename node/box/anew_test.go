package box

import (
	"testing"

	"kendro/identity"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// anew is the inbox of a register that began anew at a time, with its first word
// signed by ca.
func anew(tb testing.TB, ca *identity.CA, incarnation uint64, at int64) *nodetest.Log {
	tb.Helper()
	l := &nodetest.Log{ID: protocol.LogID{Channel: protocol.Inbox, Name: nodetest.Centre, Incarnation: incarnation}}
	r := protocol.Refounding{District: "41", Incarnation: incarnation, At: at}
	r.Sign(ca)
	say(tb, l, protocol.Assured, &protocol.Assurance{Refounded: &r})
	return l
}

func say(tb testing.TB, l *nodetest.Log, kind protocol.Kind, payload any) {
	tb.Helper()
	l.Append(tb, protocol.Event{Kind: kind, At: nodetest.Start.UnixMilli(), Checkpoint: 40, Payload: protocol.Marshal(payload)})
}

// sign hands over an acknowledgement of a register.
func (c *counter) sign(incarnation uint64, at protocol.Position) {
	c.tb.Helper()
	a := &protocol.Ack{Log: c.Log(), At: at, Index: 30, Incarnation: incarnation}
	a.Sign(c.d.Signer)
	if err := c.Acknowledge(c.tb.Context(), a); err != nil {
		c.tb.Fatal(err)
	}
	c.d.Say(c.tb, 99, 1)
	c.deliver(c.d.Inbox) // Behind it in the writer's queue.
}

// wantWhere fails unless a case is where it should be.
func (c *counter) wantWhere(what string, n protocol.Number, accepted bool, stage string) {
	c.tb.Helper()
	w, err := c.Track(n)
	if err != nil || w.Accepted != accepted || w.Stage != stage {
		c.tb.Errorf("%s: accepted %v, %s, %v; want %v, %s", what, w.Accepted, w.Stage, err, accepted, stage)
	}
}

// TestRegisterBeganAnew lets a register accept and decide, burn, and begin anew:
// the box accuses nobody, shows what is true, believes the present register alone,
// and a restart finds it as it was.
func TestRegisterBeganAnew(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	a, b := c.file(1), c.file(2)
	c.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: c.Log(), First: 1, Last: 2, Index: 900, At: 5})
	c.d.Say(t, protocol.CaseMoved, &protocol.Standing{Number: a.Number, Stage: "APPROVED", Version: 5})
	c.sign(7, b.Receipt.At)
	c.wantWhere("before the fire", a.Number, true, "APPROVED")
	log := c.Log()

	fresh := anew(t, c.d.CA, 9, 100)
	c.deliver(fresh)
	for _, restarted := range []bool{false, true} {
		if restarted {
			c.restart()
		}
		if c.Log() != log || c.Acknowledged().Seq != 0 || !c.Blockers().Standing(RegisterAnew) || c.Blockers().Standing(JournalBehind) || c.Blockers().Closed() != nil {
			t.Errorf("restarted %v: log %v, acknowledged %v, blockers %v; want the same log, nothing acknowledged, and a word of it",
				restarted, c.Log(), c.Acknowledged(), c.Blockers().List())
		}
		c.wantWhere("after the fire", a.Number, false, "SUBMITTED")
	}
	c.sign(7, b.Receipt.At) // A neighbour passes on what a burned server had signed.
	c.d.Say(t, protocol.CaseMoved, &protocol.Standing{Number: b.Number, Stage: "REJECTED", Version: 6})
	c.deliver(c.d.Inbox)
	if c.Acknowledged().Seq != 0 {
		t.Error("a server of the burned register released a record")
	}
	c.wantWhere("an old register's word", b.Number, false, "SUBMITTED")
	if run, err := c.Tail(log, protocol.Position{}, 10); err != nil || len(run.Events) != 2 {
		t.Errorf("%d events to send, %v; want both, below the old mark", len(run.Events), err)
	}

	say(t, fresh, protocol.Accepted, &protocol.Acceptance{Log: log, First: 1, Last: 1, Index: 20, At: 6})
	c.deliver(fresh)
	c.sign(9, a.Receipt.At)
	c.wantWhere("sent again", a.Number, true, "RECEIVED")
	c.wantWhere("on its way", b.Number, false, "SUBMITTED")
	say(t, fresh, protocol.Accepted, &protocol.Acceptance{Log: log, First: 2, Last: 2, Index: 21, At: 6})
	c.deliver(fresh)
	c.sign(9, b.Receipt.At)
	if c.Acknowledged() != b.Receipt.At || c.Blockers().Standing(RegisterAnew) {
		t.Errorf("acknowledged %v, blockers %v", c.Acknowledged(), c.Blockers().List())
	}
	later := c.file(3)
	if k, err := c.Case(later.Number); err != nil || k.Event.Checkpoint > 30 {
		t.Errorf("the next event knows entry %d, %v; want one of the present register", k.Event.Checkpoint, err)
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.wantWhere("after the index was built again", a.Number, true, "RECEIVED")
}

// TestForgedBeginning lets others than the authority claim that the register began
// anew, and the authority's own word come late or for another log: nothing changes.
func TestForgedBeginning(t *testing.T) {
	t.Parallel()
	stranger, err := identity.NewCA("bd", "41", nodetest.Start)
	if err != nil {
		t.Fatal(err)
	}
	c := newCounter(t)
	a := c.file(1)
	c.deliver(anew(t, c.d.CA, 9, 100))
	c.sign(9, a.Receipt.At)
	for what, l := range map[string]*nodetest.Log{
		"another authority": anew(t, stranger, 11, 200),
		"an earlier time":   anew(t, c.d.CA, 12, 50),
		"the same time":     anew(t, c.d.CA, 13, 100),
	} {
		c.deliver(l)
		if c.Acknowledged() != a.Receipt.At {
			t.Errorf("%s set the box back", what)
		}
	}
	other := anew(t, c.d.CA, 15, 300)
	moved := &nodetest.Log{ID: other.ID}
	moved.ID.Incarnation = 14
	e, err := protocol.DecodeEvent(other.Items[0].Raw)
	if err != nil {
		t.Fatal(err)
	}
	moved.Append(t, e)
	c.deliver(moved)
	if c.Acknowledged() != a.Receipt.At {
		t.Error("the word for another log set the box back")
	}
}

// TestDocumentsStayUntilBackedUp fills the disk: a document that the hub holds goes
// once a backup has it, and not before; and one whose register burned is sent again.
func TestDocumentsStayUntilBackedUp(t *testing.T) {
	t.Parallel()
	c := freshCounter(t)
	full := 0
	c.o.Fill = func(string) (int, error) { return full, nil }
	c.d.Publish(t, c.d.Set, nil)
	c.d.AddUser(t, nil)
	c.start()
	c.deliver(c.d.Catalogue)
	c.deliver(c.d.Inbox)
	waitFor(t, "intake to open", func() bool { return c.Blockers().Closed() == nil })
	kept, gone := c.upload(scanned(1)), c.upload(scanned(2))
	for i, h := range []protocol.Hash{kept, gone} {
		if _, wrong, err := c.File(t.Context(), c.withPaper(uint64(i+1), h)); err != nil || len(wrong) > 0 {
			t.Fatal(wrong, err)
		}
	}
	held := func(l *nodetest.Log, checkpoint uint64, h protocol.Hash) {
		l.Append(t, protocol.Event{Kind: protocol.DocumentsHeld, Checkpoint: checkpoint, Payload: protocol.Marshal(&protocol.HeldDocuments{Hashes: []protocol.Hash{h}})})
	}
	has := func(h protocol.Hash) bool { _, _, err := c.Document(h); return err == nil }
	held(c.d.Inbox, 10, gone)
	held(c.d.Inbox, 20, kept)
	c.deliver(c.d.Inbox)
	full = 90
	c.tend()
	if !has(kept) || !has(gone) {
		t.Fatal("a document left before any backup had it")
	}
	c.d.Say(t, protocol.Assured, &protocol.Assurance{Backed: &protocol.Watermark{Index: 15, At: 1, Until: 2}})
	c.deliver(c.d.Inbox)
	c.tend()
	if !has(kept) || has(gone) {
		t.Errorf("kept %v, gone %v; want the one that lies in the backup gone", has(kept), !has(gone))
	}
	full = 0
	fresh := anew(t, c.d.CA, 9, 100)
	c.deliver(fresh)
	if got := c.pending(); len(got) != 1 || got[0].Hash != kept || got[0].Size == 0 {
		t.Errorf("pending %v; want the document that is still here", got)
	}
	held(fresh, 5, kept)
	c.deliver(fresh)
	full = 90
	c.tend()
	if got := c.pending(); len(got) != 0 || !has(kept) {
		t.Errorf("pending %v, here %v; want it held by the new register, and in no backup of it", got, has(kept))
	}
}

// TestFetchedLogsAreSentAgain has records of this centre that only the hub still
// had: they came back, and a register that began anew gets them from here.
func TestFetchedLogsAreSentAgain(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	former := &nodetest.Log{ID: protocol.LogID{Channel: protocol.Uplink, Name: "41-0008", Incarnation: 3}}
	e, err := protocol.DecodeEvent(func() []byte { k, _ := c.Case(c.file(1).Number); return k.Raw }())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		former.Append(t, e)
	}
	c.deliver(former)
	if run, err := c.Tail(former.ID, protocol.Position{}, 10); err == nil && len(run.Events) > 0 {
		t.Error("another box's log is sent to the register that it came from")
	}
	c.deliver(anew(t, c.d.CA, 9, 100))
	home, err := c.Homecoming()
	if err != nil || len(home.Logs) != 2 || home.Logs[1] != former.Head() || home.Release != 1 || len(home.Before) != 3 {
		t.Errorf("the box tells %+v, %v; want its log, the former box's, and the hub's three", home, err)
	}
	from := protocol.Position{}
	for _, n := range []int{2, 3, 0} {
		run, err := c.Tail(former.ID, from, max(n, 2))
		if n == 3 {
			run, err = c.Tail(former.ID, from, 100)
		}
		if err != nil && n > 0 || len(run.Events) != n || run.Prev != from.Hash {
			t.Fatalf("after %d: %d events from %v, %v; want %d", from.Seq, len(run.Events), run.Prev, err, n)
		}
		if n > 0 {
			from = protocol.Position{Seq: from.Seq + uint64(n), Hash: run.End}
		}
	}
	if from != former.Head().At {
		t.Errorf("the run ends at %v; want %v", from, former.Head().At)
	}
}
