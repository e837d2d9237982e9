package register

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"

	"kendro/domain/access"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// erased has a case erased by the chairman and the UNO.
func erased(w *town, list ...protocol.Number) *Erasure {
	w.t.Helper()
	good(w.t, "order", order(w, "chair", list...))
	good(w.t, "confirm", confirm(w, "uno-officer", list[0]))
	o, err := w.first().Erasure(list[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// heard returns what a centre was told to forget.
func heard(w *town, c place.Centre) (list []protocol.Erasure) {
	w.t.Helper()
	for _, e := range w.inboxOf(c) {
		var x protocol.Erasure
		if e.Kind == protocol.EventsErased && e.Decode(&x) == nil && x.Check() == nil {
			list = append(list, x)
		}
	}
	return list
}

// TestRow36WhatCameLaterOfACase: corrections and what came of them go with the case.
func TestRow36WhatCameLaterOfACase(t *testing.T) {
	w, b := eraseOffice(t)
	n := b.filed(licence(t), 1, Finding{})
	w.worked(n, "anna", Take, Act{})
	b.correct(n, "business", `"`+canary+`"`, `"new `+canary+`"`)
	weigh(w, nil)
	b.correct(n, canary, `1`, `2`)
	weigh(w, nil)
	b.send(protocol.Withdrawn, n, w.at, &protocol.Withdrawal{})
	items, err := w.first().Items(n)
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		if f := settled(w, "anna", it, "refused"); f != nil {
			t.Fatal(f.Err())
		}
	}
	if holding(w, []byte(canary)) == "" {
		t.Fatal("nothing tells of him: the test looks at nothing")
	}
	o := erased(w, n)
	if left := holding(w, []byte(canary)); left != "" {
		t.Errorf("it still stands under %s", left)
	}
	said := func(p Source) bool { return p.Log.Name == "41-09-17" }
	if len(o.Places) != 4 || !slices.ContainsFunc(o.Inboxes, said) {
		t.Errorf("places %v and %v; want four in the uplink, and the words of the inbox", o.Places, o.Inboxes)
	}
	_, base := baseOf(w, b)
	orders := 0
	for i := range base {
		if base[i].Kind == protocol.EventsErased {
			orders++
		}
		if bytes.Contains(base[i].Payload, []byte(canary)) {
			t.Errorf("a new box of the centre is told of him by an event of kind %d", base[i].Kind)
		}
	}
	if orders != len(heard(w, b.centre)) || orders == 0 {
		t.Errorf("a new box of the centre is told of %d orders; want each that was told before it", orders)
	}
	verified(w)
	w.agree()
}

// TestRow36InALogOfTheHubsOwn: what a clerk entered lies in the hub's own log and goes like
// any other. Nothing is entered on the case afterwards.
func TestRow36InALogOfTheHubsOwn(t *testing.T) {
	w, _ := eraseOffice(t)
	w.must(NewCommand("clerk", "root", AddUser, &User{Name: "clerk-2", Role: access.Clerk, Seat: place.Seat{Post: "uno", Office: "upazila-41-09"}, Hash: hash1, From: 1}))
	v := landCopy(t)
	asked := letter(v, "letter", 1, nil)
	asked.Event.Payload = protocol.Marshal(&protocol.Submission{Channel: "counter", Form: []byte(`{"khatian_no":"12"}`), Applicant: []byte(`{"name":"` + canary + `"}`)})
	e, f := entered(w, "k1", "clerk-2", asked)
	if f != nil {
		t.Fatal(f.Err())
	}
	gone := func(request byte) *Entering {
		return &Entering{Request: protocol.Hash{request}, Event: protocol.Event{
			Kind: protocol.Withdrawn, Number: e.Number, Payload: protocol.Marshal(&protocol.Withdrawal{Reason: canary}),
		}}
	}
	if _, f := entered(w, "k2", "clerk-2", gone(1)); f != nil {
		t.Fatal(f.Err())
	}
	o := erased(w, e.Number)
	if left := holding(w, []byte(canary)); left != "" {
		t.Errorf("it still stands under %s", left)
	}
	if len(o.Places) != 2 || o.Places[0].Log != e.Log || len(o.Told) != 0 {
		t.Errorf("the order is %+v; want two places of the hub's own log, and no centre told", o)
	}
	readThrough(t, w, e.Log)
	if _, f := entered(w, "k3", "clerk-2", gone(2)); f == nil || f.Kind != fault.Conflict {
		t.Errorf("a letter on it: %v; want a conflict", f)
	}
	drops(t, w)
	w.agree()
}

// TestRow36AWordOnACopyGoes: how many copies of a certificate were printed stays, and not why.
func TestRow36AWordOnACopyGoes(t *testing.T) {
	w, u := newUnion(t)
	n, k := u.licensed(1)
	u.by("rahima", protocol.CopyPrinted, n, &protocol.CertificateCopy{Certificate: k.Number, Copy: 2, Reason: canary})
	c := caseOf(w, n)
	s := &step{world: w.first().world.Load(), meta: *w.first().meta.Load(), index: w.first().Applied() + 1}
	err := w.first().base.Update(s.index, func(tx Tx) error {
		s.tx = tx
		newEraser(erasures{courses{s}}, []*Case{c}).strip(c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c = caseOf(w, n)
	if len(c.Copies) != 1 || c.Copies[0].Copy != 2 || c.Copies[0].Reason != ErasedText || c.Certificate == nil || c.Certificate.Number != k.Number {
		t.Errorf("copies %+v, certificate %+v", c.Copies, c.Certificate)
	}
}

// TestRow36WhoHasForgotten: servers and boxes say how far they are; less than before is not
// believed, nor of another's inbox. A box that came afterwards has nothing to say.
func TestRow36WhoHasForgotten(t *testing.T) {
	w, b := eraseOffice(t)
	o := erased(w, b.ended(1))
	report := func(slot string, c place.Centre, seq uint64) Result {
		x := BoxForgot{Slot: slot, Inbox: protocol.Head{Log: w.first().Inbox(c), At: protocol.Position{Seq: seq}}, Since: dawn}
		return entry(w, NewCommand("", ActorHub, BoxHasForgot, &x))
	}
	boxes := func() (done, lack int) {
		list, err := w.first().ErasedAtBoxes(o)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			if f.Done != 0 {
				done++
			} else {
				lack++
			}
		}
		return done, lack
	}
	told := o.Told[slices.IndexFunc(o.Told, func(h protocol.Head) bool { return h.Log.Name == "41-09-17" })]
	wantFault(t, "another centre's inbox", report(b.slot, "41-09-23", 1).Fault, fault.Invalid)
	wantFault(t, "what was never said", report(b.slot, b.centre, told.At.Seq+100).Fault, fault.Invalid)
	good(t, "too little", report(b.slot, b.centre, told.At.Seq-1))
	if done, lack := boxes(); done != 0 || lack != 2 {
		t.Errorf("%d boxes have done it, %d not; want none of two", done, lack)
	}
	good(t, "all of it", report(b.slot, b.centre, told.At.Seq))
	good(t, "less again", report(b.slot, b.centre, told.At.Seq-1))
	if done, lack := boxes(); done != 1 || lack != 1 {
		t.Errorf("%d boxes have done it, %d not; want one each", done, lack)
	}
	since(w, 1)
	w.enrol("41-09-17")
	if done, lack := boxes(); done != 1 || lack != 1 {
		t.Errorf("with a new box %d have done it, %d not; want one each", done, lack)
	}

	server := w.first().world.Load().servers
	id := ""
	for name := range server {
		id = max(id, name)
	}
	if upTo, at, err := w.first().Unswept(id, math.MaxUint64); err != nil || upTo != o.Index || at != o.ErasedAt {
		t.Errorf("the server has to sweep up to %d since %d, %v; want %d, %d", upTo, at, err, o.Index, o.ErasedAt)
	}
	wantFault(t, "no such server", entry(w, NewCommand("", ActorHub, ServerHasForgot, &ServerForgot{Server: "s77", Index: 1})).Fault, fault.Invalid)
	good(t, "swept", entry(w, NewCommand("", ActorHub, ServerHasForgot, &ServerForgot{Server: id, Index: o.Index})))
	if upTo, at, err := w.first().Unswept(id, o.Index-1); err != nil || upTo != o.Index || at != o.ErasedAt {
		t.Errorf("its folder is an older copy than its word: %d, %d, %v", upTo, at, err)
	}
	if upTo, _, err := w.first().Unswept(id, math.MaxUint64); err != nil || upTo != 0 {
		t.Errorf("the server still has to sweep up to %d, %v", upTo, err)
	}
	// Something of it comes again: whoever had done it is asked once more.
	after := b.next(9, b.slot, 0)
	after.mustBring(1, len(after.events))
	var err error
	if o, err = w.first().Erasure(o.Number); err != nil || o.LateIndex != w.first().Applied() {
		t.Fatalf("the order is %+v, %v", o, err)
	}
	if upTo, _, err := w.first().Unswept(id, math.MaxUint64); err != nil || upTo != o.LateIndex {
		t.Errorf("the server has to sweep up to %d, %v; want %d", upTo, err, o.LateIndex)
	}
	wantFault(t, "a time to come", entry(w, NewCommand("", "root", CopiesAreGone, &CopiesGone{Before: w.at + 1e9})).Fault, fault.Invalid)
	at := w.at
	good(t, "copies", entry(w, NewCommand("", "root", CopiesAreGone, &CopiesGone{Before: at})))
	wantFault(t, "an earlier time", entry(w, NewCommand("", "root", CopiesAreGone, &CopiesGone{Before: at - 1})).Fault, fault.Conflict)
	if before, err := w.first().ErasedCopies(); err != nil || before.UnixMilli() != at {
		t.Errorf("copies are gone before %v, %v", before, err)
	}
	w.agree()
}

// TestRow36ABoxThatComesBackIsTold: a register that began anew tells every box that returns
// what the one before had it erase, before it brings anything.
func TestRow36ABoxThatComesBackIsTold(t *testing.T) {
	w, b := eraseOffice(t)
	o := erased(w, b.ended(1))
	anew := beginAnew(newTown(t, newMemory(), newMemory()))
	anew.must(NewCommand("", ActorHub, KnowErasures, &ErasuresKnown{List: []Erasure{*o}}))
	back, other := enrolled(anew, "41-09-17", b.slot), enrolled(anew, "41-09-23", "0016")
	back.events, back.hashes, back.numbers = b.events, b.hashes, b.numbers
	for _, x := range []*box{back, other} {
		if res := x.comesBack(nil); res.Fault != nil {
			t.Fatal(res.Fault.Err())
		}
		list := heard(anew, x.centre)
		if len(list) != 1 || list[0].Cases[0].Number != o.Number || list[0].Cases[0].At != o.ErasedAt || len(list[0].Places) != 2 {
			t.Errorf("%s hears %+v; want the order, with places in its uplink and its inbox", x.centre, list)
		}
	}
	before, err := anew.first().Erasure(o.Number)
	if err != nil {
		t.Fatal(err)
	}
	if list, err := anew.first().ErasedAtBoxes(before); err != nil || len(list) != 2 || list[0].Done != 0 {
		t.Errorf("boxes: %+v, %v; want two of which nothing is known", list, err)
	}
	back.mustBring(1, len(back.events))
	if list := heard(anew, "41-09-17"); len(list) != 1 {
		t.Errorf("it was told %d times", len(list))
	}
	if after, err := anew.first().Erasure(o.Number); err != nil || after.LateIndex == 0 {
		t.Errorf("the order is %+v, %v; want it to know of what came", after, err)
	}
	if c, err := anew.first().Case(o.Number); fault.KindOf(err) != fault.NotFound {
		t.Errorf("there is a case: %+v, %v", c, err)
	}
	anew.agree()
}

// warranted has the leader sign an order, and returns what a centre then keeps of it.
func warranted(w *town, ca *identity.CA, o *Erasure) (list []protocol.Warrant) {
	w.t.Helper()
	held, _ := o.Held()
	given := WarrantGiven{Number: o.Number, Held: held}
	for _, said := range o.Words() {
		x := protocol.Warrant{District: "41", Erasure: said}
		for _, h := range o.Told {
			x.Centres = append(x.Centres, h.Log.Name)
		}
		x.Sign(ca)
		given.List = append(given.List, x)
	}
	good(w.t, "warrants", entry(w, NewCommand("", ActorHub, GiveWarrants, &given)))
	for _, e := range w.inboxOf(place.Centre(o.Told[0].Log.Name)) {
		var x protocol.Warrant
		if e.Kind == protocol.ErasureWarranted && e.Decode(&x) == nil {
			list = append(list, x)
		}
	}
	return list
}

// TestRow36AnOrderOutlivesTheRegister: every server is lost, and the recovery share is older
// than the order. What a centre keeps of it under the authority's hand is believed by the
// register that begins anew: before a box comes back that never heard of it, and after, when
// an officer has the case on his desk already.
func TestRow36AnOrderOutlivesTheRegister(t *testing.T) {
	ca, err := identity.NewCA("bd", "41", time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	w, b := eraseOffice(t)
	o := erased(w, b.ended(1))
	words := warranted(w, ca, o)
	if len(words) != 1 || words[0].Erasure.Cases[0].Number != o.Number {
		t.Fatalf("its centre keeps %+v", words)
	}
	authority, err := identity.ParseAuthority(ca.DER())
	if err != nil {
		t.Fatal(err)
	}
	if err := words[0].Verify(authority, "41"); err != nil {
		t.Fatal(err)
	}
	forged := words[0]
	forged.Erasure.Cases = slices.Clone(forged.Erasure.Cases)
	forged.Erasure.Cases[0].Number++
	for what, err := range map[string]error{"another case": forged.Verify(authority, "41"), "another district": words[0].Verify(authority, "42")} {
		if fault.KindOf(err) != fault.Denied {
			t.Errorf("a word on %s: %v; want denied", what, err)
		}
	}
	if o, err = w.first().Erasure(o.Number); err != nil || len(o.Warrants) != 1 {
		t.Fatalf("the order is %+v, %v", o, err)
	}
	if list, err := w.first().Unwarranted(); err != nil || len(list) != 0 {
		t.Errorf("%d orders are not signed, %v", len(list), err)
	}
	brought := Warranted(&words[0])
	if len(brought.Places) != len(o.Places) || len(brought.Inboxes) != len(o.Inboxes) || len(brought.Told) != len(o.Told) {
		t.Fatalf("a box brings %+v; want all of %+v", brought, o)
	}
	for _, order := range []string{"the word first", "the case first", "a desk has it"} {
		t.Run(order, func(t *testing.T) {
			anew := beginAnew(newTown(t, newMemory(), newMemory()))
			anew.publish(2, eraseDirectory(), licence(t))
			anew.must(NewCommand("", "root", AddUser, &User{
				Name: "anna", Role: access.Officer, Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}, Hash: hash1, From: 1,
			}))
			back, other := enrolled(anew, "41-09-17", b.slot), enrolled(anew, "41-09-23", "0016")
			back.events, back.hashes, back.numbers = b.events, b.hashes, b.numbers
			if order == "the word first" {
				good(t, "know", entry(anew, NewCommand("", ActorHub, KnowErasures, &ErasuresKnown{List: []Erasure{brought}})))
			}
			good(t, "return", back.comesBack(nil))
			back.mustBring(1, len(back.events))
			var came []Source // Of it, to this register alone.
			if order == "a desk has it" {
				anew.worked(o.Number, "anna", Take, Act{})
				anew.worked(o.Number, "anna", Note, Act{Text: canary})
				back.send(protocol.PaymentTaken, o.Number, anew.at, cash(copyFee))
				came = append(came, Source{Log: back.log, At: protocol.Position{Seq: uint64(len(back.events)), Hash: back.hashes[len(back.hashes)-1]}})
			}
			if order != "the word first" {
				if holding(anew, []byte(canary)) == "" {
					t.Fatal("nothing of it came back: the test looks at nothing")
				}
				good(t, "know", entry(anew, NewCommand("", ActorHub, KnowErasures, &ErasuresKnown{List: []Erasure{brought}})))
			}
			good(t, "again", entry(anew, NewCommand("", ActorHub, KnowErasures, &ErasuresKnown{List: []Erasure{brought}})))
			if left := holding(anew, []byte(canary)); left != "" {
				t.Errorf("it stands under %s", left)
			}
			if st, custody, err := anew.first().Standing(o.Number); err != nil || custody != CustodyErased || st.Stage != "REJECTED" {
				t.Errorf("the citizen reads %+v, %s, %v", st, custody, err)
			}
			if tasks, _, err := anew.first().Tasks(TaskQuery{Office: "local-41-09-17"}); err != nil || len(tasks) != 0 {
				t.Errorf("it lies on %+v, %v", tasks, err)
			}
			good(t, "return", other.comesBack(nil))
			for _, x := range []*box{back, other} {
				if list := heard(anew, x.centre); len(list) == 0 || list[0].Cases[0].Number != o.Number || list[0].Cases[0].At != o.ErasedAt {
					t.Errorf("%s hears %+v; want the order of its day", x.centre, list)
				}
			}
			readThrough(t, anew, back.log)
			now, err := anew.first().Erasure(o.Number)
			if err != nil || now.LateIndex == 0 || !anew.first().Knows(&brought) {
				t.Errorf("the order is %+v, %v; want it known, with the entry that held it", now, err)
			}
			if all := merged(now.Places, came); len(all) != len(now.Places) || len(came) > 0 && len(now.Inboxes) <= len(brought.Inboxes) {
				t.Errorf("the order names %v and %v; want what came here too, which the next register is told of", now.Places, now.Inboxes)
			}
			if order != "the word first" { // Else there is no case.
				verified(anew)
			}
			drops(t, anew)
			anew.agree()
			again := warranted(anew, ca, now)
			if len(again) != 1 || again[0].Erasure.Cases[0].Number != o.Number {
				t.Errorf("its centre keeps %+v", again)
			}
		})
	}
}
