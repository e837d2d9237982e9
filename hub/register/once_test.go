package register

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// TestRow1EveryEventExactlyOnce is row 1 in all its forms: blocks of several logs,
// cut anywhere, in any order, twice, overlapping, with gaps; one server restarts
// and hears old entries again, another begins with a snapshot. Every event has one
// effect, and all servers are the same.
func TestRow1EveryEventExactlyOnce(t *testing.T) {
	v := licence(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(t, newMemory(), newMemory())
		w.settle()
		boxes := []*box{w.enrol("41-09-17"), w.enrol("41-09-23"), w.enrol("41-11-05")}
		for _, b := range boxes {
			for range rapid.IntRange(1, 25).Draw(rt, "events") {
				switch nonce := rapid.Uint64().Draw(rt, "nonce"); rapid.IntRange(0, 9).Draw(rt, "kind") {
				case 0:
					b.addRaw([]byte{0x01}, nil) // A CBOR item, but no event.
				case 1:
					b.add(&protocol.Event{Kind: 999, Payload: []byte{0x01}})
				default:
					b.submit(v, nonce)
				}
			}
		}
		cursor := map[*box]int{}
		for range rapid.IntRange(1, 40).Draw(rt, "entries") {
			e := &Entry{At: dawn + rapid.Int64Range(-1e6, 1e6).Draw(rt, "clock")}
			var want []bool
			for range rapid.IntRange(0, 4).Draw(rt, "blocks") {
				b := rapid.SampledFrom(boxes).Draw(rt, "box")
				first := rapid.IntRange(1, min(len(b.events), cursor[b]+2)).Draw(rt, "first")
				last := rapid.IntRange(first, len(b.events)).Draw(rt, "last")
				e.Ingests = append(e.Ingests, b.ingest(first, last))
				fits := first <= cursor[b]+1
				want = append(want, fits)
				if fits {
					cursor[b] = max(cursor[b], last)
				}
			}
			for i, res := range w.apply(e).Ingests {
				if want[i] != (res.Fault == nil) || !want[i] && res.Fault.Kind != fault.Unavailable {
					rt.Fatalf("block %d: %+v; taken should be %v", i, res, want[i])
				}
			}
			switch rapid.IntRange(0, 9).Draw(rt, "trouble") {
			case 0:
				w.restart(1, rapid.Uint64Range(1, w.index).Draw(rt, "again from"))
			case 1:
				w.registers[1] = w.reopen(w.first().base.(*memory).copy())
			}
		}
		for _, b := range boxes {
			if cursor[b] < len(b.events) {
				b.mustBring(cursor[b]+1, len(b.events))
			}
		}
		w.agree()
		w.onceEach(boxes)
	})
}

func (w *town) reopen(b base) *Register {
	w.t.Helper()
	r, err := open(b, Options{District: "41", Opener: w})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// restart opens a register anew and lets it hear old entries again.
func (w *town) restart(i int, from uint64) {
	w.t.Helper()
	r := w.reopen(w.registers[i].base)
	for n := from; n <= w.index; n++ {
		if out := r.Apply(n, 1, w.entries[n-1]); !out.Already {
			w.t.Fatalf("entry %d was applied twice", n)
		}
	}
	w.registers[i] = r
}

// onceEach fails unless every event of the boxes had exactly one effect.
func (w *town) onceEach(boxes []*box) {
	w.t.Helper()
	r := w.first()
	byEvent := map[string]int{}
	if err := r.ForEachCase(func(c *Case) error {
		byEvent[fmt.Sprint(c.Log, c.At.Seq, c.At.Hash)]++
		return nil
	}); err != nil {
		w.t.Fatal(err)
	}
	total := 0
	for _, b := range boxes {
		at, fork, err := r.Cursor(b.log)
		if err != nil || fork != nil || at.Seq != uint64(len(b.events)) || at.Hash != b.hashes[len(b.hashes)-1] {
			w.t.Fatalf("%v stands at %v, %v, %v", b.log, at, fork, err)
		}
		for i := range b.events {
			total++
			e, err := protocol.DecodeEvent(b.events[i])
			want := 0
			if err == nil && e.Kind == protocol.Submitted {
				want = 1
			}
			if got := byEvent[fmt.Sprint(b.log, i+1, b.hashes[i])]; got != want {
				w.t.Fatalf("event %d of %v made %d cases; want %d", i+1, b.log, got, want)
			}
		}
		next := uint64(1)
		for _, e := range w.inboxOf(b.centre) {
			var a protocol.Acceptance
			if e.Kind != protocol.Accepted || e.Decode(&a) != nil || a.Log != b.log {
				continue
			}
			if a.First != next || a.Last < a.First {
				w.t.Fatalf("%s hears of %d to %d; want from %d", b.centre, a.First, a.Last, next)
			}
			next = a.Last + 1
		}
		if next != uint64(len(b.events))+1 {
			w.t.Fatalf("%s has heard of events up to %d; want %d", b.centre, next-1, len(b.events))
		}
	}
	st := r.Stats()
	if st.Accepted != uint64(total) || st.Cases+st.Unreadable != uint64(total) || st.Forks != 0 {
		w.t.Fatalf("stats = %+v; want %d events", st, total)
	}
}

// TestRestartOnDisk closes the store and opens it again in mid-stream.
func TestRestartOnDisk(t *testing.T) {
	dir := t.TempDir()
	openDisk := func() *Register {
		r, err := Open(dir, Options{District: "41", Opener: &town{packer: protocol.NewPacker()}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	w := newTown(t, newMemory())
	w.registers = append(w.registers, openDisk())
	w.settle()
	b := w.enrol("41-09-17")
	for i := range 60 {
		b.submit(licence(t), uint64(i))
	}
	for i := 1; i <= 60; i += 20 {
		b.mustBring(i, i+19)
		if err := w.registers[1].Close(); err != nil {
			t.Fatal(err)
		}
		w.registers[1] = openDisk()
		if out := w.registers[1].Apply(w.index, 1, w.entries[w.index-1]); !out.Already {
			t.Fatal("the newest entry was applied twice")
		}
		if got, want := w.registers[1].Release(), w.first().Release(); got != want {
			t.Fatalf("after a restart the release is %d; want %d", got, want)
		}
	}
	w.agree()
	w.onceEach([]*box{b})
	if err := w.registers[1].Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{District: "42"}); !errors.Is(err, fault.Conflict) {
		t.Fatalf("another district's register opens: %v", err)
	}
}

// TestRow4SameNumberTwice is row 4: both cases are accepted, the later gets an alias,
// and its centre hears of it under the printed number.
func TestRow4SameNumberTwice(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		v := licence(t)
		a := w.enrol("41-09-17")
		first := a.submit(v, 5)
		a.submit(v, 6)
		a.submit(v, 5) // A box that was restored repeats itself.
		again := a.submit(v, 5)
		if first != again {
			t.Fatal("the test needs equal numbers")
		}
		a.mustBring(1, 4)
		aliases, err := w.first().Aliases(first)
		if err != nil || len(aliases) != 2 || aliases[0] == aliases[1] {
			t.Fatalf("aliases = %v, %v", aliases, err)
		}
		if other, err := w.first().Aliases(a.numbers[1]); err != nil || len(other) != 0 {
			t.Fatalf("a number of its own has aliases %v, %v", other, err)
		}
		seqs := map[uint64]bool{}
		for _, n := range append(aliases, first) {
			c, err := w.first().Case(n)
			if err != nil || c.State.Stage != application.Received || c.Number != n {
				t.Fatalf("case %v = %+v, %v", n, c, err)
			}
			if n != first && (c.Printed != first || n.Slot() != "0001" || !n.Valid() || n.District() != "41") {
				t.Fatalf("alias %v of %v, slot %s", n, c.Printed, n.Slot())
			}
			if at, err := w.first().NumberAt(first, c.Log, c.At.Seq); err != nil || at != n {
				t.Fatalf("the case of event %d is %v, %v; want %v", c.At.Seq, at, err, n)
			}
			seqs[c.At.Seq] = true
		}
		if n, err := w.first().NumberAt(first, a.log, 2); !errors.Is(err, fault.NotFound) {
			t.Fatalf("an event under another number is case %v, %v", n, err)
		}
		if !seqs[1] || !seqs[3] || !seqs[4] {
			t.Fatalf("the cases are events %v; want 1, 3 and 4", seqs)
		}
		events := w.inboxOf("41-09-17")
		var told protocol.Acceptance
		if err := events[len(events)-1].Decode(&told); err != nil || len(told.Other) != 2 {
			t.Fatalf("the centre hears %+v, %v", told, err)
		}
		for _, st := range told.Other {
			ok := slices.ContainsFunc(aliases, func(n protocol.Number) bool { return st.Reason == AliasReason+n.String() })
			if st.Number != first || st.Stage != "RECEIVED" || !ok {
				t.Errorf("the centre hears %+v", st)
			}
		}
		if st := w.first().Stats(); st.Aliases != 2 || st.Cases != 4 {
			t.Errorf("stats = %+v", st)
		}
	})
}

// TestRow39UnknownFieldsSurvive is row 39: what only a newer box knows is kept as the
// bytes it signed.
func TestRow39UnknownFieldsSurvive(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		v := licence(t)
		nonce := binary.BigEndian.AppendUint64(nil, 9)
		raw := protocol.Marshal(map[int]any{
			1: uint(protocol.Submitted), 2: int64(dawn), 3: "rahima", 9: nonce, 99: "from the future",
			7: []any{v.ID, uint32(1), v.Hash[:8]}, 10: map[int]any{1: "counter", 2: []byte(`{}`), 3: []byte(`{}`), 77: 1},
		})
		n := b.addRaw(raw, nonce)
		b.mustBring(1, 1)
		c, err := w.first().Case(n)
		if err != nil || c.State.Stage != application.Received {
			t.Fatalf("case = %+v, %v", c, err)
		}
		run, err := w.first().LogEvents(b.log, 0, 10)
		if err != nil || len(run.Events) != 1 || string(run.Events[0]) != string(raw) || run.End != b.hashes[0] {
			t.Fatalf("kept %x, %v; want %x", run.Events, err, raw)
		}
	})
}

// TestForkFreezesALog: two signed statements that disagree about one sequence
// freeze it, wherever in a block they differ.
func TestForkFreezesALog(t *testing.T) {
	v := licence(t)
	for name, cut := range map[string][2]int{
		"below the cursor": {2, 3}, "over the cursor": {2, 6}, "right behind it": {5, 6}, "the same cut": {1, 4},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(w *town) {
				w.settle()
				b := w.enrol("41-09-17")
				clone := *b
				for i := range 6 {
					b.submit(v, uint64(i))
					if i == 0 {
						clone.submit(v, uint64(i))
					} else {
						clone.submit(v, uint64(100+i))
					}
				}
				b.mustBring(1, 4)
				res := clone.bring(cut[0], cut[1])
				wantFault(t, "fork", res.Fault, fault.Conflict)
				at, fork, err := w.first().Cursor(b.log)
				if err != nil || fork == nil || at.Seq != 4 || at.Hash != b.hashes[3] || res.At != at {
					t.Fatalf("at %v, fork %+v, %v", at, fork, err)
				}
				if fork.Ours != b.hashes[fork.Seq-1] || fork.Theirs != clone.hashes[fork.Seq-1] || fork.Ours == fork.Theirs || fork.Seq > 4 {
					t.Errorf("evidence = %+v", fork)
				}
				wantFault(t, "the true branch", b.bring(5, 6).Fault, fault.Conflict)
				if st := w.first().Stats(); st.Forks != 1 || st.Accepted != 4 {
					t.Errorf("stats = %+v", st)
				}
			})
		})
	}
}

// TestSealedBlocks: an epoch is introduced once, in the entry of its first block
// or before; without it the block is asked for again.
func TestSealedBlocks(t *testing.T) {
	db, err := store.Open(t.TempDir(), store.Options{Preset: store.Office})
	if err != nil {
		t.Fatal(err)
	}
	w := newTown(t, newMemory(), onDisk{db}).withKey()
	w.settle()
	b := w.enrol("41-09-17")
	b.seal(w.recips...)
	for i := range 10 {
		b.submit(licence(t), uint64(i))
	}
	wantFault(t, "without the epoch", b.bring(1, 3).Fault, fault.Unavailable)
	intro := b.introduction()
	out := w.apply(&Entry{Epochs: []protocol.Epoch{intro}, Ingests: []Ingest{b.ingest(1, 3)}})
	if out.Ingests[0].Fault != nil {
		t.Fatal(out.Ingests[0].Fault.Err())
	}
	b.mustBring(2, 10)
	if got, err := w.first().EpochOf(intro.ID); err != nil || got.ID != intro.ID {
		t.Fatalf("EpochOf = %v, %v", got, err)
	}
	// An epoch that the district can't open is never kept.
	b.seal(seedKey(t))
	b.submit(licence(t), 99)
	out = w.apply(&Entry{Epochs: []protocol.Epoch{b.introduction()}, Ingests: []Ingest{b.ingest(11, 11)}})
	wantFault(t, "sealed to a stranger", out.Ingests[0].Fault, fault.Unavailable)
	// A body that doesn't open is refused by all, and nothing else happens.
	b.seal(w.recips...)
	bad := b.ingest(11, 11)
	bad.Block.Header.Counter++
	out = w.apply(&Entry{Epochs: []protocol.Epoch{b.introduction()}, Ingests: []Ingest{bad}})
	wantFault(t, "under another counter", out.Ingests[0].Fault, fault.Invalid)
	w.agree()
	w.onceEach([]*box{{town: w, centre: b.centre, log: b.log, events: b.events[:10], hashes: b.hashes[:10]}})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRefusedBlocks lists what no box may send.
func TestRefusedBlocks(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		other := w.enrol("41-09-23")
		for i := range 3 {
			b.submit(licence(t), uint64(i))
		}
		change := func(fn func(in *Ingest)) Ingest {
			in := b.ingest(1, 3)
			fn(&in)
			return in
		}
		before := w.first().SetHash()
		for _, tt := range []struct {
			name string
			in   Ingest
			want fault.Kind
		}{
			{"a gap", b.ingest(2, 3), fault.Unavailable},
			{"not judged", change(func(in *Ingest) { in.Verdicts = nil }), fault.Invalid},
			{"judged in part", change(func(in *Ingest) { in.Verdicts = in.Verdicts[:2] }), fault.Invalid},
			{"another's signature", change(func(in *Ingest) { in.Block.Header.Signer = other.signer.ID() }), fault.Denied},
			{"another's log", change(func(in *Ingest) { in.Block.Header.Log = other.log }), fault.Denied},
			{"another district", change(func(in *Ingest) { in.Block.Header.Log.Name = "42-0010" }), fault.Invalid},
			{"no slot", change(func(in *Ingest) { in.Block.Header.Log.Name = "41-0999" }), fault.Denied},
			{"not an uplink", change(func(in *Ingest) { in.Block.Header.Log = w.first().Inbox("41-09-17") }), fault.Invalid},
			{"a past before the first", change(func(in *Ingest) { in.Block.Header.Prev[0] = 1 }), fault.Invalid},
			{"another end", change(func(in *Ingest) { in.Block.Header.End[0]++ }), fault.Invalid},
			{"a torn body", change(func(in *Ingest) { in.Block.Body = in.Block.Body[1:] }), fault.Invalid},
		} {
			res := w.apply(&Entry{Ingests: []Ingest{tt.in}}).Ingests[0]
			wantFault(t, tt.name, res.Fault, tt.want)
			if res.Accepted != 0 || res.At.Seq != 0 {
				t.Errorf("%s: %+v; want nothing taken", tt.name, res)
			}
		}
		if st := w.first().Stats(); st.Accepted != 0 {
			t.Errorf("stats = %+v", st)
		}
		if before == w.first().SetHash() {
			t.Error("entries must move the register's own mark")
		}
		b.mustBring(1, 3)
	})
}

// TestHeldAndQuarantined: nothing that a box has signed is dropped. What can't be
// a case waits for a person, is counted, and its number is tracked.
func TestHeldAndQuarantined(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		future := version(t, "trade-licence", 2, "secretary", "chairman")
		good := b.submit(licence(t), 1)
		badForm := b.submit(licence(t), 2)
		early := b.submit(future, 3)
		in := b.ingest(1, 3)
		in.Verdicts[1].Refused = "the form lacks a name"
		if res := w.apply(&Entry{Ingests: []Ingest{in}}).Ingests[0]; res.Fault != nil || res.Accepted != 3 {
			t.Fatalf("ingest = %+v", res)
		}
		for n, why := range map[protocol.Number]string{badForm: "the form lacks a name", early: whyVersion} {
			st, custody, err := w.first().Standing(n)
			if err != nil || st.Stage != "SUBMITTED" || st.Reason != why || custody != CustodyQuarantined {
				t.Errorf("%v stands at %+v, %s, %v", n, st, custody, err)
			}
		}
		if _, custody, err := w.first().Standing(good); err != nil || custody != CustodyAccepted {
			t.Errorf("the good one: %s, %v", custody, err)
		}
		wantFault(t, "work on a held case", w.do(act("anna", Take, badForm, 1, Act{})).Fault, fault.Denied)

		// A block that nobody can open is kept whole, and the log goes on.
		for i := range 4 {
			b.submit(licence(t), uint64(10+i))
		}
		quarantined := Ingest{Block: b.block(4, 6), Quarantine: "it does not inflate"}
		wantFault(t, "one that overlaps", w.apply(&Entry{Ingests: []Ingest{{Block: b.block(3, 6), Quarantine: "x"}}}).Ingests[0].Fault, fault.Unavailable)
		res := w.apply(&Entry{Ingests: []Ingest{quarantined}}).Ingests[0]
		if res.Fault != nil || res.At.Seq != 6 || res.At.Hash != b.hashes[5] {
			t.Fatalf("quarantine = %+v", res)
		}
		b.mustBring(7, 7)
		b.mustBring(5, 7) // Copies with other cuts are "have it".
		list, err := w.first().Quarantined(10)
		if err != nil || len(list) != 3 {
			t.Fatalf("%d quarantines, %v; want two held cases and a block", len(list), err)
		}
		raw, err := w.first().Block(list[2])
		if err != nil || string(raw) != string(protocol.Marshal(&quarantined.Block)) || list[2].First != 4 || list[2].Last != 6 {
			t.Fatalf("the kept block is %d bytes, %v", len(raw), err)
		}
		if _, err := w.first().Block(list[0]); !errors.Is(err, fault.NotFound) {
			t.Errorf("a held case has a block: %v", err)
		}
		st := w.first().Stats()
		if st.Held != 2 || st.Quarantined != 3 || st.Accepted != 7 || st.Cases != 4 {
			t.Errorf("stats = %+v", st)
		}
	})
}

// TestUnroutedFindsADesk: a case without a desk waits in a queue of its own until
// a release has the office.
func TestUnroutedFindsADesk(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-11-05") // Its union has no office yet.
		n := b.submit(licence(t), 1)
		b.mustBring(1, 1)
		tasks, _, err := w.first().Tasks(TaskQuery{Office: Unrouted().Office})
		if err != nil || len(tasks) != 1 || tasks[0].Number != n || w.first().Stats().Unrouted != 1 {
			t.Fatalf("tasks = %+v, %v, stats %+v", tasks, err, w.first().Stats())
		}
		w.publish(2, directory("41-09-17", "41-09-23", "41-11-05"), licence(t))
		c, err := w.first().Case(n)
		if err != nil || c.State.Seat != (place.Seat{Post: "secretary", Office: "local-41-11-05"}) || c.State.Version != 2 {
			t.Fatalf("case = %+v, %v", c, err)
		}
		tasks, _, err = w.first().Tasks(TaskQuery{Office: Unrouted().Office})
		if err != nil || len(tasks) != 0 || w.first().Stats().Unrouted != 0 {
			t.Fatalf("still unrouted: %+v, %v", tasks, err)
		}
		events := w.inboxOf("41-11-05")
		if last := events[len(events)-1]; last.Kind != protocol.CaseMoved || last.Number != n {
			t.Errorf("the centre hears %+v last", last)
		}
	})
}
