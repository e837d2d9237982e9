package register

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// fattened takes cases up and writes into each what a case file holds nearly.
func fattened(w *town, b *box, cases int) (list []protocol.Number) {
	w.t.Helper()
	const notes = 25
	for i := range cases {
		n := b.filed(landCopy(w.t), uint64(100+i), copyDue)
		w.worked(n, "anna", Take, Act{})
		seen := w.stage(n, application.UnderReview).State.Version
		e := &Entry{Offset: dhakaOffset}
		for j := range notes {
			c := act("anna", Note, n, seen+uint64(j), Act{Text: strings.Repeat("x", 4<<10)})
			c.ID = fmt.Sprint("note ", n, j)
			e.Commands = append(e.Commands, c)
		}
		for _, res := range w.apply(e).Results {
			if res.Fault != nil {
				w.t.Fatal(res.Fault.Err())
			}
		}
		list = append(list, n)
	}
	return list
}

// long skips a test that writes a great deal, in a run that is to be short: the race
// detector makes each several times as long, and finds nothing in one goroutine.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it writes megabytes")
	}
}

// TestABlockThatWritesTooMuch: a block whose events come to more than one entry writes is taken
// up to where the entry is full, and the rest when it is sent again. No server stops for it.
func TestABlockThatWritesTooMuch(t *testing.T) {
	long(t)
	onBoth(t, func(w *town) {
		w.settle()
		w.publish(2, fullDirectory(), licence(t), landCopy(t))
		b := w.enrol("41-09-17")
		list := fattened(w, b, 60)
		first := len(b.events) + 1
		for _, n := range list {
			b.add(&protocol.Event{Kind: protocol.Withdrawn, At: w.at, Actor: "rahima", Number: n, Payload: protocol.Marshal(&protocol.Withdrawal{Reason: "x"})})
		}
		last := len(b.events)
		res := b.bring(first, last)
		wantFault(t, "more than an entry writes", res.Fault, fault.Unavailable)
		if res.Accepted == 0 || res.At.Seq != uint64(first-1+res.Accepted) || res.At.Hash != b.hashes[res.At.Seq-1] {
			t.Fatalf("of %d it took %+v; want a part, up to its place", len(list), res)
		}
		for range 5 {
			if res = b.bring(first, last); res.Fault == nil {
				break
			}
		}
		if res.Fault != nil || res.At.Seq != uint64(last) {
			t.Fatalf("sent again it came to %+v", res)
		}
		for _, n := range list {
			w.stage(n, application.Withdrawn)
		}
		told := map[uint64]int{} // What the centre was told is all of it, and each once.
		for _, e := range w.inboxOf(b.centre) {
			var a protocol.Acceptance
			if e.Kind == protocol.Accepted && e.Decode(&a) == nil {
				for seq := a.First; seq <= a.Last; seq++ {
					told[seq]++
				}
			}
		}
		for seq := range uint64(last) {
			if told[seq+1] != 1 {
				t.Fatalf("event %d was accepted %d times", seq+1, told[seq+1])
			}
		}
		w.agree()
	})
}

// TestATickThatWritesTooMuch: where more has fallen due than one entry writes, the rest is due
// on.
func TestATickThatWritesTooMuch(t *testing.T) {
	long(t)
	w, b := office(t)
	list := fattened(w, b, MaxDue)
	since(w, 40)
	good(t, "the first tick", entry(w, NewCommand("", ActorHub, Tick, &Due{Numbers: list})))
	rung := func() (n int) {
		for _, x := range list {
			if c, err := w.first().Case(x); err == nil && c.State.Above != (place.Seat{}) {
				n++
			}
		}
		return n
	}
	if n := rung(); n == 0 || n == len(list) {
		t.Fatalf("%d of %d superiors heard; want some", n, len(list))
	}
	tick(w)
	if n := rung(); n != len(list) {
		t.Errorf("%d of %d superiors heard in the end", n, len(list))
	}
	verified(w)
	w.agree()
}

// TestWhatTheStateCannotHold: a command that asks for a key or a value beyond the store's limits
// is refused, and changes nothing.
func TestWhatTheStateCannotHold(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		w.enrol("41-09-17")
		long := strings.Repeat("4", store.MaxKey+1)
		wantFault(t, "an upazila that no key holds", w.do(NewCommand("", "root", RotateGossip, &Rotation{Upazila: place.Code(long), GossipKey: seedOf("g")})).Fault, fault.NotFound)
		wantFault(t, "a centre that no key holds", w.do(NewCommand("", "root", RevokeNode, &Revocation{Centre: place.Centre(long), GossipKey: seedOf("g")})).Fault, fault.NotFound)
		token := protocol.Hash(seedOf("long"))
		before, _ := w.first().NextSlots()
		w.do(NewCommand("", "root", CreateToken, &Token{Nonce: token, Role: "node", Centre: place.Centre(long), Expires: w.at/1000 + 600}))
		x := &box{town: w, centre: place.Centre(long), signer: signerOf("long")}
		if res := w.do(NewCommand("", ActorHub, EnrolNode, w.keys(x, token, before, "0013"))); res.Fault == nil {
			t.Error("a box of such a centre was let in")
		}
		if after, _ := w.first().NextSlots(); after != before {
			t.Errorf("the next slot is %s; want %s still", after, before)
		}
		w.agree()
	})
}

// manyWords is a case that was rejected, and of which its box has written so many words.
func manyWords(w *town, b *box, words int) protocol.Number {
	w.t.Helper()
	n := b.ended(1)
	for i := range words {
		b.add(&protocol.Event{Kind: protocol.AsideRead, At: w.at, Number: n, Payload: protocol.Marshal(&protocol.AsideSeen{})})
		if m := len(b.events); i%protocol.MaxBlockEvents == protocol.MaxBlockEvents-1 || i == words-1 {
			b.mustBring(m-i%protocol.MaxBlockEvents, m)
		}
	}
	return n
}

// TestAnOrderOnTooMuch: what a box has written of one case may be more than the order to erase
// it can name. It is refused, and no server stops; what a box writes of an erased case later
// has no end either, and is forgotten no less.
func TestAnOrderOnTooMuch(t *testing.T) {
	const many = 5400
	w, b := eraseOffice(t)
	n := manyWords(w, b, many)
	good(t, "ordered", order(w, "chair", n))
	wantFault(t, "more than an order names", confirm(w, "uno-officer", n).Fault, fault.Invalid)
	if c := w.stage(n, application.Rejected); c.Erased != 0 || c.History[1].Text == ErasedText {
		t.Errorf("the case is %+v; want it as it was", c)
	}
	if holding(w, []byte(canary)) == "" {
		t.Error("half of it was erased")
	}
	w.agree()
}

// TestWordsWithoutEndOnAnErasedCase: of what a box writes of a case after it was erased, the
// hashes alone are kept, however much it is.
func TestWordsWithoutEndOnAnErasedCase(t *testing.T) {
	long(t)
	w, b := eraseOffice(t)
	n := manyWords(w, b, 2000)
	erased(w, n)
	from := len(b.events)
	for range 80 {
		b.add(&protocol.Event{Kind: protocol.Supplied, At: w.at, Number: n, Payload: protocol.Marshal(&protocol.Supplement{Text: canary})})
	}
	for at, tries := from, 0; at < len(b.events); tries++ {
		res := b.bring(from+1, len(b.events))
		if at = int(res.At.Seq); res.Fault != nil && res.Fault.Kind != fault.Unavailable || tries > 200 {
			t.Fatalf("it came to %+v", res)
		}
	}
	if s := holding(w, []byte(canary)); s != "" {
		t.Errorf("under %s the words are kept", s)
	}
	if list := unfitting(w); len(list) > 0 {
		t.Error(list)
	}
	w.agree()
}

// TestALeaderThatLies: whatever a leader says that it found before an erasure, the order is
// carried out or refused, by every server alike, and none stops.
func TestALeaderThatLies(t *testing.T) {
	long := make([]byte, store.MaxKey+1)
	long[0], long[1] = tagEvent, byte(protocol.Uplink)
	for name, lie := range map[string]func(*Sought){
		"a key that no state holds":    func(s *Sought) { s.Keys = [][]byte{long, {0}, {}} },
		"a document by such a key":     func(s *Sought) { s.Papers = []SoughtPaper{{Hash: scan.Hash, By: long}} },
		"a document by its own state":  func(s *Sought) { s.Papers = []SoughtPaper{{Hash: scan.Hash, By: []byte{0}}} },
		"logs that end later":          func(s *Sought) { s.Heads[0].Seq = ^uint64(0) },
		"no logs":                      func(s *Sought) { s.Heads = nil },
		"other cases":                  func(s *Sought) { s.Cases = append(s.Cases, s.Cases...) },
		"an entry that is yet to come": func(s *Sought) { s.Index = ^uint64(0) },
		"nothing":                      func(s *Sought) { *s = Sought{} },
	} {
		t.Run(name, func(t *testing.T) {
			w, b := eraseOffice(t)
			n := b.ended(1, *scan)
			good(t, "ordered", order(w, "chair", n))
			c := looked(w, "uno-officer", n)
			var word ErasureWord
			if err := protocol.Unmarshal(c.Body, MaxEntry, "body", &word); err != nil || word.Sought == nil {
				t.Fatalf("the leader found %+v, %v", word, err)
			}
			lie(word.Sought)
			c.Body = protocol.Marshal(&word)
			if f := entry(w, c).Fault; f != nil && f.Kind != fault.Unavailable {
				t.Errorf("it is refused with %v", f.Err())
			}
			w.agree()
		})
	}
}

// TestAnOrderThatNoRegisterGave: an order of the register before, as a share or a leader has it,
// is refused where its places or the authority's words on it are none.
func TestAnOrderThatNoRegisterGave(t *testing.T) {
	w, b := eraseOffice(t)
	o := erased(w, b.ended(1))
	anew := beginAnew(newTown(t, newMemory(), newMemory()))
	long := Source{Log: protocol.LogID{Channel: protocol.Uplink, Name: strings.Repeat("x", 2000), Incarnation: 7}, At: protocol.Position{Seq: 1}}
	for what, change := range map[string]func(*Erasure){
		"a log that can't be":   func(e *Erasure) { e.Places = append(slices.Clip(e.Places), long) },
		"an inbox that can't":   func(e *Erasure) { e.Inboxes = append(slices.Clip(e.Inboxes), long) },
		"words that are none":   func(e *Erasure) { e.Warrants = [][]byte{{0x5c, 0xff}} },
		"a centre of no name":   func(e *Erasure) { e.Told = append(slices.Clip(e.Told), protocol.Head{}) },
		"no place in its log":   func(e *Erasure) { e.Places = []Source{{Log: b.log}} },
		"more than a state has": func(e *Erasure) { e.Basis = strings.Repeat("x", store.MaxValue) },
	} {
		bad := *o
		change(&bad)
		wantFault(t, what, anew.do(NewCommand("", ActorHub, KnowErasures, &ErasuresKnown{List: []Erasure{bad}})).Fault, fault.Invalid)
	}
	anew.must(NewCommand("", ActorHub, KnowErasures, &ErasuresKnown{List: []Erasure{*o}}))
	back := enrolled(anew, "41-09-17", b.slot)
	good(t, "returned", back.comesBack(nil))
	anew.agree()
}

// TestAnEntryThatNobodyReads: a leader does not propose what no server could read.
func TestAnEntryThatNobodyReads(t *testing.T) {
	for what, e := range map[string]*Entry{
		"a command":  {Commands: []Command{{ID: "1", Actor: "\xff", Method: Look}}},
		"a finding":  {Ingests: []Ingest{{Block: protocol.Block{Header: protocol.Header{First: 1, Last: 1}}, Verdicts: []Verdict{{}}, Findings: []Finding{{Seq: 1, Record: &application.Record{Text: "\xff"}}}}}},
		"a verdict":  {Ingests: []Ingest{{Block: protocol.Block{Header: protocol.Header{First: 1, Last: 1}}, Verdicts: []Verdict{{Refused: "\xff"}}}}},
		"of a block": {Ingests: []Ingest{{Block: protocol.Block{Header: protocol.Header{Log: protocol.LogID{Name: "41-\xff"}, First: 1, Last: 1}}}}},
	} {
		if _, err := EncodeEntry(e); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v; want invalid", what, err)
		}
	}
}

// TestTakenBack: what a part has written of an entry, and what it has changed in memory, is as it
// was before once the part is taken back.
func TestTakenBack(t *testing.T) {
	r, err := Open(filepath.Join(t.TempDir(), "register"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	log := protocol.LogID{Channel: protocol.Inbox, Name: "41-09-17", Incarnation: 1}
	err = r.DB().Update(1, func(tx *store.Tx) error {
		s := &step{tx: tx, world: r.world.Load(), logs: map[protocol.LogID]*logState{}, cells: map[cellID]*Cell{}, index: 1}
		s.set([]byte("a"), []byte("1"))
		l := s.log(log)
		one := newAttempt(s)
		s.set([]byte("a"), []byte("2"))
		s.set([]byte("b"), []byte("2"))
		s.del([]byte("a"))
		s.append(log, &protocol.Event{Kind: protocol.Settings, Payload: protocol.Marshal(1)})
		s.meta.Stats.Items++
		cellOf(s, "41-09-17").of("x").Held++
		s.set(make([]byte, 9), make([]byte, store.MaxValue+1))
		if why := one.over(); why == nil || s.err != nil {
			t.Errorf("it ended with %v, %v; want it taken back", why, s.err)
		}
		if v, ok := s.raw([]byte("a")); !ok || string(v) != "1" || s.has([]byte("b")) || l.At.Seq != 0 || len(s.touched) != 0 || s.meta.Stats.Items != 0 || len(s.cells) != 0 {
			t.Errorf("a is %q, b %v, the log at %d, %d touched, %+v", v, s.has([]byte("b")), l.At.Seq, len(s.touched), s.meta.Stats)
		}
		if w := tx.Writes(); len(w) != 1 || tx.Mark().Size != 2+store.Beside {
			t.Errorf("it writes %v, of %d", w, tx.Mark().Size)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
