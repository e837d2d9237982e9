package register

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kendro/domain/fault"
	"kendro/protocol"
)

// receipt is what was printed for the box's n-th event.
func (b *box) receipt(n int) protocol.Receipt {
	return protocol.SignReceipt(b.log, protocol.Position{Seq: uint64(n), Hash: b.hashes[n-1]}, b.signer)
}

// rolledBack is the box as an older copy of its disk has it: it remembers n events.
func (b *box) rolledBack(n int) *box {
	c := *b
	c.events, c.hashes, c.numbers = c.events[:n:n], c.hashes[:n:n], c.numbers[:n:n]
	return &c
}

// next is the box after it gave its log up, with the events after n recovered.
func (b *box) next(incarnation uint64, slot string, n int) *box {
	c := *b
	c.slot, c.log = slot, protocol.LogID{Channel: protocol.Uplink, Name: "41-" + slot, Incarnation: incarnation}
	c.events, c.hashes, c.numbers = nil, nil, nil
	for i := n; i < len(b.events); i++ {
		c.recover(b, i+1)
	}
	return &c
}

// recover puts the n-th event of a former log into this one.
func (b *box) recover(from *box, n int) {
	r := protocol.Recovery{Receipt: from.receipt(n), Event: from.events[n-1]}
	if n > 1 {
		r.Prev = from.hashes[n-2]
	}
	b.add(&protocol.Event{Kind: protocol.Recovered, At: dawn, Payload: protocol.Marshal(&r)})
}

// casesByReceipt counts the cases of each receipt.
func casesByReceipt(w *town) map[string]int {
	w.t.Helper()
	count := map[string]int{}
	if err := w.first().ForEachCase(func(c *Case) error {
		log, at := c.Log, c.At
		if c.Receipt != nil {
			log, at = c.Receipt.Log, c.Receipt.At
		}
		if _, sub, err := w.first().Submission(c); err != nil || sub.Channel == "" {
			w.t.Fatalf("%v: the application is %v, %v", c.Number, sub, err)
		}
		count[fmt.Sprint(log, at.Seq, at.Hash)]++
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	return count
}

func (w *town) balanced() {
	w.t.Helper()
	if st := w.first().Stats(); st.Accepted != st.Cases+st.Unreadable+st.Quarantined+st.Again {
		w.t.Fatalf("events are missing: %+v", st)
	}
}

// TestRow5EveryReceiptOneCase is row 5 in all its forms: a box is put back to an older
// copy of its disk or runs twice, both branches are receipted, and their events
// come under the old log, as recovered, twice, in any order. Every receipt has
// exactly one case, and nobody is taken for a copy who is none.
func TestRow5EveryReceiptOneCase(t *testing.T) {
	v := licence(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(t, newMemory(), newMemory()).settle()
		b := w.enrol("41-09-17")
		nonce := uint64(0)
		submit := func(b *box) { nonce++; b.submit(v, nonce) }
		for range rapid.IntRange(1, 12).Draw(rt, "first branch") {
			submit(b)
		}
		split := rapid.IntRange(0, len(b.events)).Draw(rt, "split")
		other := b.rolledBack(split)
		for range rapid.IntRange(0, 8).Draw(rt, "second branch") {
			submit(other)
		}
		after := other.next(8, b.slot, rapid.IntRange(0, split).Draw(rt, "known to be taken"))
		submit(after)
		mayFork := rapid.Bool().Draw(rt, "both branches sent")
		ways := []*box{b, after}
		if mayFork {
			ways = append(ways, other)
		}
		cursor := map[*box]int{}
		for range rapid.IntRange(0, 20).Draw(rt, "blocks") {
			x := rapid.SampledFrom(ways).Draw(rt, "way")
			if len(x.events) == 0 {
				continue
			}
			first := rapid.IntRange(1, min(len(x.events), cursor[x]+1)).Draw(rt, "first")
			last := rapid.IntRange(first, len(x.events)).Draw(rt, "last")
			if res := x.bring(first, last); res.Fault == nil {
				cursor[x] = max(cursor[x], last)
			} else if k := res.Fault.Kind; k != fault.Conflict && k != fault.Unavailable {
				rt.Fatalf("%+v", res.Fault)
			}
		}
		if cursor[after] < len(after.events) {
			after.mustBring(cursor[after]+1, len(after.events))
		}
		_, fork, err := w.first().Cursor(b.log)
		if err != nil || fork != nil && !mayFork {
			rt.Fatalf("an honest box is accused: %+v, %v", fork, err)
		}
		final := b.next(9, "0011", 0) // Told that its log is frozen, it goes to its spare slot.
		if fork == nil && !mayFork {
			final = b
		}
		res := final.bring(1, len(final.events))
		if res.Fault != nil {
			rt.Fatalf("the first branch: %+v", res.Fault)
		}
		if mayFork && len(other.events) > 0 { // Nobody's branch is lost.
			other.next(10, "0011", 0).mustBring(1, len(other.events))
		}
		w.agree()
		w.balanced()
		count := casesByReceipt(w)
		for _, x := range []*box{b, other} {
			for i := range x.events {
				if got := count[fmt.Sprint(x.log, i+1, x.hashes[i])]; got != 1 {
					rt.Fatalf("receipt %d of a branch of %d has %d cases", i+1, len(x.events), got)
				}
			}
		}
		if n, _ := w.first().NodeOf("41-09-17"); (n.CopiedAt != 0) != (mayFork || final != b) {
			rt.Fatalf("copied at %d; both sent is %v", n.CopiedAt, mayFork)
		}
	})
}

// TestCopyIsToldAtFirstContact: one of two boxes notices that its log has another
// branch and recovers its own events; the other hears of it in its inbox.
func TestCopyIsToldAtFirstContact(t *testing.T) {
	w := newTown(t, newMemory(), newMemory()).settle()
	v, b := licence(t), w.enrol("41-09-17")
	for i := range 4 {
		b.submit(v, uint64(i))
	}
	b.mustBring(1, 3)
	other := b.rolledBack(2)
	other.submit(v, 77)
	moved := other.next(8, b.slot, 2)
	moved.mustBring(1, 1)
	var told []protocol.GivenUp
	for _, e := range w.inboxOf(b.centre) {
		var g protocol.GivenUp
		if e.Kind == protocol.LogGivenUp && e.Decode(&g) == nil {
			told = append(told, g)
		}
	}
	if len(told) != 1 || told[0].Log != b.log || told[0].Seq != 3 || told[0].Why != protocol.GivenUpRecovered {
		t.Fatalf("told %+v", told)
	}
	if left, err := w.first().LeftLog(b.log); err != nil || left.Contradicted != 3 {
		t.Errorf("left %+v, %v", left, err)
	}
	if n, _ := w.first().NodeOf(b.centre); n.CopiedAt != 0 || w.first().Stats().Forks != 0 {
		t.Error("a box that was put back is taken for a copy")
	}
	b.mustBring(4, 4) // What the other branch had filed before it heard is not lost.
	spare := b.next(9, "0011", 4)
	spare.submit(v, 78)
	spare.mustBring(1, 1)
	if n, _ := w.first().NodeOf(b.centre); n.CopiedAt == 0 {
		t.Error("two boxes go on, and no copy is noted")
	}
	c, err := w.first().Case(other.numbers[2])
	if err != nil || c.Receipt == nil || c.Receipt.Log != b.log || !c.Receipt.Verify(b.signer.Public()) {
		t.Errorf("the recovered case is %+v, %v", c, err)
	}
	w.balanced()
}

// TestRecoveredNeedsTheReceipt: a receipt of another centre's, of another event,
// or one that the leader found unsigned, makes no case.
func TestRecoveredNeedsTheReceipt(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	v, b, far := licence(t), w.enrol("41-09-17"), w.enrol("41-11-05")
	b.submit(v, 1)
	far.submit(v, 2)
	foreign := b.next(8, b.slot, 1)
	foreign.recover(far, 1)
	wrong := protocol.Recovery{Receipt: b.receipt(1), Event: far.events[0]}
	foreign.add(&protocol.Event{Kind: protocol.Recovered, At: dawn, Payload: protocol.Marshal(&wrong)})
	foreign.recover(b, 1)
	in := foreign.ingest(1, 3)
	in.Verdicts[2].Refused = BadReceipt
	if res := w.apply(&Entry{Ingests: []Ingest{in}}).Ingests[0]; res.Fault != nil {
		t.Fatal(res.Fault)
	}
	if st := w.first().Stats(); st.Cases != 0 || st.Unreadable != 3 {
		t.Errorf("stats %+v", st)
	}
	q, err := w.first().Quarantined(9)
	if err != nil || len(q) != 3 || q[0].Reason != whyReceipt {
		t.Errorf("aside: %+v, %v", q, err)
	}
	b.mustBring(1, 1)
	if st := w.first().Stats(); st.Cases != 1 {
		t.Errorf("the event itself makes no case: %+v", st)
	}
}

// TestRow25RevokedBoxesEvents is row 25: what a box had filed before it was revoked is
// an application like any other, what it files later waits for a person.
func TestRow25RevokedBoxesEvents(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	v, b := licence(t), w.enrol("41-09-17")
	before := b.submit(v, 1)
	w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-17", Reason: "stolen", GossipKey: seedOf("g")}))
	e, err := protocol.DecodeEvent(b.events[0])
	if err != nil {
		t.Fatal(err)
	}
	file := func(nonce string, at int64, checkpoint uint64) protocol.Number {
		later := e
		later.Nonce, later.At, later.Checkpoint = []byte(nonce), at, checkpoint
		return b.add(&later)
	}
	after := file("88888888", w.at+3_600_000, 0)
	liar := file("99999999", dawn-1, w.index) // It names what it could not know before.
	w.at += 7_200_000
	w.apply(&Entry{})
	b.mustBring(1, 3)
	for n, why := range map[protocol.Number]string{before: "", after: whyRevoked, liar: whyRevoked} {
		if c, err := w.first().Case(n); err != nil || c.Held != why {
			t.Errorf("%v: held %q, %v; want %q", n, c.Held, err, why)
		}
	}
}

// TestRow6LegalDates is row 6: a counter's clock is bounded by what its box knew and by
// now, and orders nothing.
func TestRow6LegalDates(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	v, b := licence(t), w.enrol("41-09-17")
	hour := int64(3_600_000)
	w.at += hour
	w.apply(&Entry{})
	known, knownAt := w.index, w.at
	w.at += hour
	b.submit(v, 1)
	e, err := protocol.DecodeEvent(b.events[0])
	if err != nil {
		t.Fatal(err)
	}
	b.events, b.hashes, b.numbers = nil, nil, nil
	now := w.at + 1000
	rows := []struct{ at, legal, off int64 }{
		{knownAt - 20*24*hour, knownAt, -20 * 24 * hour},      // Set back 20 days.
		{946_684_800_000, knownAt, 946_684_800_000 - knownAt}, // The year 2000.
		{knownAt + 20*minute, knownAt + 20*minute, 0},
		{knownAt + 15*minute, knownAt + 20*minute, 0}, // Five minutes before the one before it.
		{now + 3*hour, now, 3 * hour},
		{4_070_908_800_000, now, 4_070_908_800_000 - now}, // The year 2099.
		{knownAt, now, knownAt - now},
	}
	for i, r := range rows {
		f := e
		f.At, f.Checkpoint, f.Nonce = r.at, known, []byte(strings.Repeat(fmt.Sprint(i), 8))
		b.add(&f)
	}
	b.mustBring(1, len(rows))
	for i, r := range rows {
		c, err := w.first().Case(b.numbers[i])
		if err != nil || c.Legal != r.legal || c.ClockOff != r.off || c.Filed != r.at {
			t.Errorf("row %d: legal %d off %d, %v; want %d off %d", i, c.Legal-knownAt, c.ClockOff, err, r.legal-knownAt, r.off)
		}
	}
}
