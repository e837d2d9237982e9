package register

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/measure"
	"kendro/domain/place"
	"kendro/internal/flowtest"
	"kendro/protocol"
)

// eraseOffice is an office in which the UNO and the chairman may order that cases be erased.
func eraseOffice(t testing.TB) (*town, *box) {
	t.Helper()
	w, b := office(t)
	w.publish(3, eraseDirectory(), licence(t), landCopy(t))
	return w, b
}

func eraseDirectory() *place.Directory {
	dir := fullDirectory()
	for i := range dir.Posts {
		if c := dir.Posts[i].Code; c == "uno" || c == "chairman" {
			dir.Posts[i].Acts = append(dir.Posts[i].Acts, place.ActErase)
		}
	}
	return dir
}

// holding returns under which kinds of key a text stands, and how often.
func holding(w *town, text []byte) string {
	pairs, _ := w.first().base.(*memory).now()
	seen := map[byte]int{}
	for k, v := range pairs {
		if bytes.Contains(v, text) || bytes.Contains([]byte(k), text) {
			seen[k[0]]++
		}
	}
	out := ""
	for tag := range 256 {
		if n := seen[byte(tag)]; n > 0 {
			out += fmt.Sprintf("%c×%d ", tag, n)
		}
	}
	return out
}

const canary = "Karim-of-Khajura"

// told files an application that tells of somebody in every way in which one can, and
// works it up to its rejection.
func (b *box) told(nonce uint64, docs ...protocol.Document) protocol.Number {
	w, v := b.town, licence(b.town.t)
	n := b.add(&protocol.Event{
		Kind: protocol.Submitted, At: dawn, Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, nonce),
		Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{
			Channel: "counter", Form: []byte(`{"business":"` + canary + `"}`), Applicant: []byte(`{"name":"` + canary + `"}`), Documents: docs,
		}),
	})
	b.mustBring(len(b.events), len(b.events))
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", RequestInfo, Act{Items: []string{"form.business"}, Text: "ask " + canary})
	b.send(protocol.Supplied, n, w.at, &protocol.Supplement{Form: []byte(`{"business":"` + canary + `"}`), Text: canary})
	w.worked(n, "anna", Note, Act{Text: "saw " + canary})
	seen := w.stage(n, application.UnderReview).State.Version
	w.worked(n, "anna", Decide, Act{Opinion: application.ForRejection, Text: "not of " + canary})
	wantFault(w.t, "overtaken", entry(w, act("anna", Note, n, seen-1, Act{Text: "late, of " + canary})).Fault, fault.Conflict)
	b.send(protocol.Withdrawn, n, w.at, &protocol.Withdrawal{Reason: "by " + canary})
	return n
}

// ended is a case that was told and rejected.
func (b *box) ended(nonce uint64, docs ...protocol.Document) protocol.Number {
	w, v := b.town, licence(b.town.t)
	n := b.add(&protocol.Event{
		Kind: protocol.Submitted, At: dawn, Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, nonce),
		Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{
			Channel: "counter", Form: []byte(`{"business":"` + canary + `"}`), Applicant: []byte(`{"name":"` + canary + `"}`), Documents: docs,
		}),
	})
	b.mustBring(len(b.events), len(b.events))
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: canary})
	w.worked(n, "anna", Forward, Act{})
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", Decide, Act{Opinion: application.ForRejection, Text: canary})
	w.worked(n, "chair", Reject, Act{Reason: "R1", Text: canary})
	return n
}

func order(w *town, who string, list ...protocol.Number) Result {
	return entry(w, NewCommand("", who, OrderErasure, &ErasureOrder{Numbers: list, Basis: "Data Protection Act, section 13", Reason: "the citizen asked"}))
}

func confirm(w *town, who string, n protocol.Number) Result {
	return entry(w, looked(w, who, n))
}

func good(t testing.TB, what string, r Result) {
	t.Helper()
	if r.Fault != nil {
		t.Fatalf("%s: %v", what, r.Fault.Err())
	}
}

// TestRow36ErasedByOrder: one person orders it, another confirms it, and nothing in the
// register tells of the citizen any more. Number, stage, dates, desks, hashes and the order
// stay; the log goes on, and every reader gets to its end.
func TestRow36ErasedByOrder(t *testing.T) {
	w, b := eraseOffice(t)
	n := b.told(1)
	other := b.filed(licence(t), 2, Finding{})
	good(t, "tie", relate(w, "anna", n, Likening{Other: other, Verdict: SamePerson, Text: canary}))
	c, err := w.first().Case(n)
	if err != nil || c.State.Stage != application.Withdrawn {
		t.Fatalf("the case is %+v, %v", c, err)
	}
	history, heads := len(c.History), b.hashes
	if holding(w, []byte(canary)) == "" {
		t.Fatal("nothing tells of him: the test looks at nothing")
	}
	wantFault(t, "a post that may not", order(w, "anna", n).Fault, fault.Denied)
	good(t, "order", order(w, "chair", n))
	wantFault(t, "twice", order(w, "uno-officer", n).Fault, fault.Conflict)
	wantFault(t, "by the one who ordered it", confirm(w, "chair", n).Fault, fault.Denied)
	good(t, "confirm", confirm(w, "uno-officer", n))
	if left := holding(w, []byte(canary)); left != "" {
		t.Fatalf("it still stands under %s", left)
	}
	w.agree()
	verified(w)
	c, err = w.first().Case(n)
	if err != nil || len(c.History) != history || c.State.Stage != application.Withdrawn || c.Erased == 0 || c.Filed == 0 || len(c.Offices) == 0 {
		t.Errorf("the tombstone is %+v, %v", c, err)
	}
	if _, _, err := w.first().Submission(c); fault.KindOf(err) != fault.NotFound {
		t.Errorf("its application: %v; want not found", err)
	}
	if k, err := w.first().Course(c); err != nil || k.Channel != "" || k.Bill != (measure.Bill{}) || len(k.Turns) != history {
		t.Errorf("it is measured as %+v, %v; want neither channel nor sums", k, err)
	}
	if st, custody, err := w.first().Standing(n); err != nil || custody != CustodyErased || st.Stage != "WITHDRAWN" || st.Reason != "" {
		t.Errorf("the citizen reads %+v, %s, %v", st, custody, err)
	}
	o, err := w.first().Erasure(n)
	if err != nil || o.Confirmed != "uno-officer" || o.Seat.Post != "chairman" || o.ErasedAt == 0 || len(o.Places) != 3 || len(o.Told) != 2 {
		t.Errorf("the order is %+v, %v", o, err)
	}
	// Whoever brings it again is told that it is here.
	if res := b.bring(1, len(b.events)); res.Fault != nil || res.Accepted != 0 || res.At.Hash != heads[len(heads)-1] {
		t.Errorf("the same once more: %+v", res)
	}
	if left := holding(w, []byte(canary)); left != "" {
		t.Errorf("it came back under %s", left)
	}
	o, err = w.first().Erasure(n)
	if upTo, _, _ := w.first().Unswept("s1", math.MaxUint64); err != nil || o.LateIndex != w.first().Applied() || upTo != o.LateIndex || len(o.Told) != 2 {
		t.Errorf("the entry that brought it again lies in Raft's log; the order is %+v, %v", o, err)
	}
	readThrough(t, w, b.log)
	readThrough(t, w, w.first().Inbox("41-09-17"))
	wantFault(t, "once more", confirm(w, "uno-officer", n).Fault, fault.Conflict)
	wantFault(t, "a tie to it", relate(w, "anna", other, Likening{Other: n, Verdict: SamePerson, Text: canary}).Fault, fault.Conflict)
}

// readThrough reads a log as a box gets it, erased places and all.
func readThrough(t *testing.T, w *town, log protocol.LogID) {
	t.Helper()
	head, _, err := w.first().Cursor(log)
	if err != nil {
		t.Fatal(err)
	}
	at, gone := protocol.Position{}, 0
	for at.Seq < head.Seq {
		run, err := w.first().LogEvents(log, at.Seq, protocol.MaxBlockEvents)
		if err != nil || len(run.Events) == 0 || run.Prev != at.Hash {
			t.Fatalf("%v after %d: %d events, %v", log, at.Seq, len(run.Events), err)
		}
		run.Reads = protocol.ReadableCodecs
		blk, err := w.packer.Pack(run, nil, signerOf("s1", "s"))
		if err != nil {
			t.Fatal(err)
		}
		items, err := w.packer.Open(&blk, nil)
		if err != nil || len(items) != len(run.Events) {
			t.Fatalf("%v after %d does not open: %v", log, at.Seq, err)
		}
		if run.Erased() {
			gone += len(items)
		}
		last := items[len(items)-1]
		at = protocol.Position{Seq: last.Seq, Hash: last.Hash}
	}
	if at != head || gone == 0 {
		t.Errorf("%v ends at %d with %d erased; want %d, and some", log, at.Seq, gone, head.Seq)
	}
}

// TestRow36WhatTheLawKeeps: an open case, an unpaid demand, the time for an appeal, an open
// item and the service's own term each stand in the way, by name.
func TestRow36WhatTheLawKeeps(t *testing.T) {
	w, b := eraseOffice(t)
	refused := func(what string, n protocol.Number, want string) {
		t.Helper()
		f := order(w, "chair", n).Fault
		if f == nil || f.Kind != fault.Conflict || !bytes.Contains([]byte(f.Text), []byte(want)) {
			t.Errorf("%s: %+v; want a conflict that says %q", what, f, want)
		}
	}
	n := b.filed(landCopy(t), 1, copyDue)
	refused("an open case", n, "not at its end: it is RECEIVED")
	approved(w, n)
	refused("an unpaid demand", n, "a demand is unpaid")
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee+100))
	w.worked(n, "chair", Issue, Act{})
	w.worked(n, "chair", HandOver, Act{Text: "to himself"})
	w.worked(n, "chair", Close, Act{})
	refused("an open item", n, "an item of it is open")
	it, _ := itemOf(w, n)
	good(t, "settle", Result{Fault: settled(w, "chair", it, "refund")})
	refused("the time for an appeal", n, "an appeal may still come")
	since(w, 59)
	refused("what a box may still bring", n, "an appeal may still come")
	since(w, 2)
	good(t, "order", order(w, "chair", n))
	good(t, "withdraw", entry(w, NewCommand("", "uno-officer", DropErasure, &ErasureWord{Number: n})))
	wantFault(t, "what was withdrawn", confirm(w, "uno-officer", n).Fault, fault.NotFound)

	kept := *licence(t)
	kept.Number, kept.KeepDays = 2, 400
	var err error
	if kept.Hash, err = catalogue.HashVersion(&kept); err != nil {
		t.Fatal(err)
	}
	w.publish(4, eraseDirectory(), &kept, landCopy(t))
	m := b.filed(&kept, 2, Finding{})
	b.send(protocol.Withdrawn, m, w.at, &protocol.Withdrawal{})
	refused("the service's own term", m, "its service is kept until 2027-")
	since(w, 401)
	good(t, "after it", order(w, "chair", m))
	w.agree()
}

// TestRow36DocumentsGoWithTheLastCase: a document that another case names stays; what was
// lost comes in again where a later case names it.
func TestRow36DocumentsGoWithTheLastCase(t *testing.T) {
	w, b := eraseOffice(t)
	own := protocol.Document{Kind: "nid", Hash: protocol.Hash{1}, Size: 100, Type: 2}
	both := protocol.Document{Kind: "deed", Hash: protocol.Hash{2}, Size: 200, Type: 2}
	n := b.ended(1, own, both)
	b.scanned(2, both)
	b.mustBring(len(b.events), len(b.events))
	for _, d := range []protocol.Document{own, both} {
		w.must(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: d.Hash, Size: d.Size, Type: d.Type}))
	}
	good(t, "order", order(w, "chair", n))
	good(t, "confirm", confirm(w, "uno-officer", n))
	if p, err := w.first().Paper(own.Hash); err != nil || p.Held != 0 || p.Erased == 0 {
		t.Errorf("his own document is %+v, %v; want it gone", p, err)
	}
	if p, err := w.first().Paper(both.Hash); err != nil || p.Held == 0 || p.Erased != 0 {
		t.Errorf("the other is %+v, %v; want it kept", p, err)
	}
	o, err := w.first().Erasure(n)
	if err != nil || !slices.Equal(o.Documents, []protocol.Hash{own.Hash}) {
		t.Errorf("the order says %v, %v", o, err)
	}
	late := &PaperKept{Hash: own.Hash, Size: own.Size, Type: own.Type, Sent: true} // Its last piece was on the way.
	wantFault(t, "for a case that is gone", w.do(NewCommand("late", ActorHub, DocumentKept, late)).Fault, fault.Unavailable)
	if p, err := w.first().Paper(own.Hash); err != nil || p.Held != 0 || p.Erased == 0 {
		t.Errorf("it came back: %+v, %v", p, err)
	}
	m := b.scanned(3, own)
	b.mustBring(len(b.events), len(b.events))
	if w.lacks(m) != 1 {
		t.Error("a later case that names it does not lack it")
	}
	w.must(NewCommand("late", ActorHub, DocumentKept, late)) // The refusal is not remembered.
	if p, err := w.first().Paper(own.Hash); err != nil || p.Held == 0 || w.lacks(m) != 0 {
		t.Errorf("it came again: %+v, %v", p, err)
	}
	w.agree()
}

// TestRow36NothingBringsItBack: neither a box that gave its log up and sends its receipts
// again, nor the boxes of a district that began anew.
func TestRow36NothingBringsItBack(t *testing.T) {
	w, b := eraseOffice(t)
	n := b.ended(1)
	good(t, "order", order(w, "chair", n))
	good(t, "confirm", confirm(w, "uno-officer", n))
	after := b.next(9, b.slot, 0) // It remembers nothing as signed for, and sends all of it once more.
	after.mustBring(1, len(after.events))
	if left := holding(w, []byte(canary)); left != "" {
		t.Errorf("a recovered event brought it back under %s", left)
	}
	readThrough(t, w, after.log)
	w.agree()

	all, err := w.first().Erasures()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d orders, %v", len(all), err)
	}
	anew := beginAnew(newTown(t, newMemory(), newMemory()))
	anew.must(NewCommand("", ActorHub, KnowErasures, &ErasuresKnown{List: []Erasure{*all[0]}}))
	back := enrolled(anew, "41-09-17", b.slot)
	back.events, back.hashes, back.numbers = b.events, b.hashes, b.numbers
	if res := back.comesBack(nil); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	back.mustBring(1, len(back.events))
	if left := holding(anew, []byte(canary)); left != "" {
		t.Errorf("the register that began anew has it under %s", left)
	}
	if st, custody, err := anew.first().Standing(n); err != nil || custody != CustodyErased || st.Stage != "REJECTED" {
		t.Errorf("the citizen reads %+v, %s, %v", st, custody, err)
	}
	readThrough(t, anew, back.log)
	// What comes of it later, by whatever way, goes as well: for somebody to look at, and without its words.
	back.send(protocol.Withdrawn, n, anew.at, &protocol.Withdrawal{Reason: canary})
	list, err := anew.first().Quarantined(10)
	if err != nil || len(list) != 1 {
		t.Errorf("%d things stand aside, %v; want the withdrawal", len(list), err)
	}
	fresh := back.next(11, back.slot, 0) // Its disk failed, and it has all of it from receipts.
	fresh.mustBring(1, len(fresh.events))
	if left := holding(anew, []byte(canary)); left != "" {
		t.Errorf("what came of it later stands under %s", left)
	}
	readThrough(t, anew, fresh.log)
	if o, err := anew.first().Erasure(n); err != nil || len(o.Places) != len(all[0].Places)+3 {
		t.Errorf("the order is %+v, %v; want it to name three further places", o, err)
	}
	if told := heard(anew, back.centre); len(told) != 4 {
		t.Errorf("its centre was told %d times; want at its return, and of each", len(told))
	}
	drops(t, anew)
	anew.agree()
}

// TestRow36HashAloneIsNotBelieved: a box that has nothing but hashes, and no order is known,
// is for somebody to look at.
func TestRow36HashAloneIsNotBelieved(t *testing.T) {
	w, b := eraseOffice(t)
	b.submit(licence(t), 1)
	b.mustBring(1, 1)
	h := protocol.Hash{7}
	b.events, b.hashes = append(b.events, protocol.ErasedRaw(h)), append(b.hashes, h)
	b.mustBring(2, 2)
	list, err := w.first().Quarantined(10)
	if err != nil || len(list) != 1 || list[0].Reason != whyBare {
		t.Errorf("set aside: %+v, %v", list, err)
	}
	b.submit(licence(t), 2)
	b.mustBring(3, 3)
	w.agree()
}

// TestRow36RandomHistories erases a case at a random place of a random history, goes on, and
// replays the whole log: two registers and the replay agree, and nothing holds the words.
func TestRow36RandomHistories(t *testing.T) {
	erased := 0
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 36))
		w, b, numbers := flowTown(t, rng)
		for _, who := range []string{"first", "second"} {
			w.must(NewCommand("", "root", AddUser, &User{
				Name: who, Role: access.Officer, Seat: place.Seat{Post: flowtest.Post(0), Office: "office"}, Hash: hash1, From: 1,
			}))
		}
		var gone []protocol.Number
		erase := func(n protocol.Number) {
			if order(w, "first", n).Fault == nil && confirm(w, "second", n).Fault == nil {
				gone = append(gone, n)
			}
		}
		for range 150 {
			if randomEntry(w, b, rng, numbers); rng.IntN(8) == 0 {
				erase(numbers[rng.IntN(len(numbers))])
			}
		}
		for _, n := range numbers {
			b.send(protocol.Withdrawn, n, w.at, &protocol.Withdrawal{Reason: "words on " + n.String()})
		}
		since(w, 400)
		tick(w)
		for _, n := range numbers {
			items, err := w.first().Items(n)
			if err != nil {
				t.Fatal(err)
			}
			for _, it := range items {
				settled(w, it.Owner.Post, it, "dismissed")
			}
			erase(n)
		}
		for range 20 { // What comes afterwards changes nothing of it.
			randomEntry(w, b, rng, numbers)
		}
		w.agree()
		verified(w)
		for _, n := range gone {
			erased++
			i := slices.Index(b.numbers, n)
			for what, text := range map[string][]byte{"its application": b.events[i], "what officers wrote": []byte("words on " + n.String())} {
				if left := holding(w, text); left != "" {
					t.Fatalf("seed %d, %s: %s still stands under %s", seed, n, what, left)
				}
			}
		}
		again := newTown(t, newMemory())
		for _, e := range w.entries {
			again.applyRaw(e)
		}
		if _, d := again.first().Digest(); d != digestOf(w.first()) || again.first().SetHash() != w.first().SetHash() {
			t.Fatalf("seed %d: the replay differs", seed)
		}
	}
	if erased < 5 {
		t.Errorf("%d cases were erased: the test looks at too little", erased)
	}
}

func digestOf(r *Register) protocol.Hash {
	_, d := r.Digest()
	return d
}

// TestRow36AnAlteredHashIsFound: another hash in the place of an erased event, or the event
// itself, is found by whoever reads the register through, also where nothing stands behind it.
func TestRow36AnAlteredHashIsFound(t *testing.T) {
	w, b := eraseOffice(t)
	n := b.told(1)
	good(t, "order", order(w, "chair", n))
	good(t, "confirm", confirm(w, "uno-officer", n))
	verified(w)
	o, err := w.first().Erasure(n)
	if err != nil || len(o.Places) == 0 || len(o.Inboxes) == 0 {
		t.Fatal(o, err)
	}
	base := w.first().base
	put := func(k, v []byte) {
		t.Helper()
		if err := base.Update(base.Applied()+1, func(tx Tx) error { return tx.Set(k, v) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range slices.Concat(o.Places, o.Inboxes) {
		k, other := eventKey(at.Log, at.At.Seq), at.At.Hash
		other[7] ^= 1
		for what, v := range map[string][]byte{
			"both":      append(bytes.Clone(other[:]), protocol.ErasedRaw(other)...),
			"the place": append(bytes.Clone(at.At.Hash[:]), protocol.ErasedRaw(other)...),
			"whole":     append(bytes.Clone(at.At.Hash[:]), "what it said"...),
			"nothing":   bytes.Clone(at.At.Hash[:]),
		} {
			put(k, v)
			if len(unfitting(w)) == 0 {
				t.Errorf("%s of %v is altered in silence", what, at)
			}
		}
		put(k, append(bytes.Clone(at.At.Hash[:]), protocol.ErasedRaw(at.At.Hash)...))
	}
	verified(w)
}
