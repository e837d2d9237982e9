package register

import (
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// paidAndErased is a case that was paid for, closed and erased.
func paidAndErased(w *town, b *box) (n protocol.Number, v *protocol.Voiding) {
	w.t.Helper()
	n = b.filed(landCopy(w.t), 1, copyDue)
	approved(w, n)
	v = paid(b, n, copyFee)
	w.worked(n, "chair", Issue, Act{})
	w.worked(n, "chair", HandOver, Act{Text: "to himself"})
	w.worked(n, "chair", Close, Act{})
	since(w, 61)
	erased(w, n)
	return n, v
}

// TestRow36WhatSpeaksOfAnErasedEvent: an event of which the hash alone is left is no reason
// for a server to stop, whatever names it: a box, an officer or a clerk.
func TestRow36WhatSpeaksOfAnErasedEvent(t *testing.T) {
	const uno = "uno-officer"
	for name, speaks := range map[string]func(t *testing.T, w *town, b *box){
		"a void of another log": func(t *testing.T, w *town, b *box) {
			n, v := paidAndErased(w, b)
			after := w.enrol("41-09-17")
			v.Log, v.At = after.log, protocol.Position{Seq: 1, Hash: protocol.Hash{1}}
			after.send(protocol.PaymentVoided, n, w.at, v)
			if it, _ := itemOf(w, n); it.Kind != ItemVoided || it.Text != whyNotBooked {
				t.Errorf("it came to %+v; want an item", it)
			}
		},
		"an officer who honours what a revoked box sent": func(t *testing.T, w *town, b *box) {
			n, _ := paidAndErased(w, b)
			w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-17", Reason: "stolen", GossipKey: seedOf("g")}))
			since(w, 1)
			b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
			it, _ := itemOf(w, n)
			if f := settled(w, uno, it, "honoured"); f != nil {
				t.Fatal(f.Err())
			}
		},
		"an officer who refuses a correction": func(t *testing.T, w *town, b *box) {
			n, _ := paidAndErased(w, b)
			b.correct(n, "khatian_no", `"12"`, `"13"`)
			weigh(w, nil)
			it, _ := itemOf(w, n)
			if list, _, err := w.first().Wanted(it); err != nil || len(list) > 0 {
				t.Errorf("the desk reads %+v, %v; want nothing", list, err)
			}
			wantFault(t, "what nobody can read is taken", settled(w, "chair", it, "accepted"), fault.Conflict)
			if f := settled(w, "chair", it, "refused"); f != nil {
				t.Fatal(f.Err())
			}
		},
		"a clerk who enters it once more": func(t *testing.T, w *town, _ *box) {
			w.must(NewCommand("", "root", AddUser, &User{Name: "clerk-2", Role: access.Clerk, Seat: place.Seat{Post: "uno", Office: "upazila-41-09"}, Hash: hash1, From: 1}))
			asked := letter(landCopy(t), "row 1", 1, &protocol.Elsewhere{System: "old", Number: "EF-77"})
			first, f := entered(w, "k1", "clerk-2", asked)
			if f != nil {
				t.Fatal(f.Err())
			}
			w.must(NewCommand("k2", "clerk-2", Enter, &Entering{Request: protocol.Hash{2}, Event: protocol.Event{
				Kind: protocol.Withdrawn, Number: first.Number, Payload: protocol.Marshal(&protocol.Withdrawal{Reason: "x"}),
			}}))
			erased(w, first.Number)
			again, f := entered(w, "k3", "clerk-2", letter(landCopy(t), "row 1 once more", 2, &protocol.Elsewhere{System: "old", Number: "EF-77"}))
			if f != nil || !again.Before || again.Number != first.Number || again.Pin != nil {
				t.Errorf("he is told %+v, %v; want the number", again, f)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, b := eraseOffice(t)
			speaks(t, w, b)
			drops(t, w)
			w.agree()
		})
	}
}

// TestRow36APaymentForNoCaseAnyMore: in a register that began anew, a payment for a case that
// the one before erased stands aside with its hash alone: it can't be booked on another.
func TestRow36APaymentForNoCaseAnyMore(t *testing.T) {
	w, b := eraseOffice(t)
	n := b.ended(1)
	o := erased(w, n)
	anew := beginAnew(newTown(t, newMemory(), newMemory()))
	anew.publish(2, withChief(eraseDirectory()), licence(t))
	anew.must(NewCommand("", ActorHub, KnowErasures, &ErasuresKnown{List: []Erasure{*o}}))
	back := enrolled(anew, "41-09-17", b.slot)
	back.events, back.hashes, back.numbers = b.events, b.hashes, b.numbers
	if res := back.comesBack(nil); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	back.mustBring(1, len(back.events))
	back.send(protocol.PaymentTaken, n, anew.at, cash(copyFee))
	other := back.filed(licence(t), 2, Finding{})
	m := standing(anew, MatterNoCase)
	anew.must(NewCommand("", "root", AddUser, &User{Name: "uno-officer", Role: access.Officer, Seat: m.Owner, Hash: hash1, From: 1}))
	wantFault(t, "booked", endMatter(anew, "uno-officer", &MatterEnd{ID: m.ID, Outcome: outcomeApplied, Number: other}), fault.Conflict)
	if f := endMatter(anew, "uno-officer", &MatterEnd{ID: m.ID, Outcome: "dismissed"}); f != nil {
		t.Fatal(f.Err())
	}
	anew.stage(other, application.Received)
	anew.agree()
}

// TestRow36ALateDecisionOnAnErasedCase: what a box decided late on a case that was withdrawn at the
// next box of its centre, and erased by order before that came, waits for nobody's word: the
// decision is gone, and the item that it leaves ends.
func TestRow36ALateDecisionOnAnErasedCase(t *testing.T) {
	w, u := newUnion(t)
	w.publish(3, eraseDirectory(), u.v)
	n := u.files()
	u.arrives()
	u.decides(n, w.at+20*24*3600*1000, u.lease().Token)
	next := &union{box: w.enrol("41-09-17"), v: u.v, nonces: 200}
	next.by("rahima", protocol.Withdrawn, n, &protocol.Withdrawal{})
	w.stage(n, application.Withdrawn)
	good(t, "order", order(w, "chair", n))
	good(t, "confirm", confirm(w, "uno-officer", n))
	since(w, 21)
	u.arrives()
	items, err := w.first().Items(n)
	if err != nil || len(items) == 0 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	for _, it := range items {
		if it.Outcome != "" {
			continue
		}
		if it.Kind != ItemUnion {
			t.Errorf("it left %+v; want an item that says what does not fit", it)
		}
		who := map[place.Seat]string{
			{Post: "uno", Office: "upazila-41-09"}: "uno-officer", {Post: "chairman", Office: unionOffice}: "chair", {Post: "secretary", Office: unionOffice}: "anna",
		}[it.Owner]
		if f := settled(w, who, it, OutcomesOf(it.Kind)[len(OutcomesOf(it.Kind))-1]); f != nil {
			t.Errorf("%s, %s by %q: %v", it.Kind, it.Text, who, f.Err())
		}
	}
	if c, err := w.first().Case(n); err != nil || c.Waits != nil {
		t.Errorf("the case waits for %+v, %v", c.Waits, err)
	}
	verified(w)
	w.agree()
}
