package register

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// newer is the land copy after the one in force: decided by the chairman alone, dearer and in
// fewer days. What was made under one before counts for so many days.
func newer(t testing.TB, number, grace int) *dcat.Version {
	t.Helper()
	v := *landCopy(t)
	v.Number, v.SLADays, v.GraceDays = number, 2, grace
	v.Steps = slices.Clone(v.Steps[1:])
	v.Steps[0].Checks = []string{"record-scan"}
	v.Fees = []dcat.Fee{{Kind: dcat.Government, Poisha: 2 * copyFee, At: dcat.AfterApproval}}
	v.Documents = []dcat.Document{{ID: "deed", Name: place.Name{BN: "দলিল", EN: "Deed"}, Required: true, OriginalAtCounter: true}}
	h, err := catalogue.HashVersion(&v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return &v
}

// filedOn files one application at a moment of the counter's clock, of which the leader found
// what a newer version asks in addition.
func (b *box) filedOn(v *dcat.Version, nonce uint64, at int64, asked *AskedAnew) protocol.Number {
	b.town.t.Helper()
	n := b.add(&protocol.Event{
		Kind: protocol.Submitted, At: at, Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, nonce),
		Pin:     &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{Channel: "counter", Form: []byte(`{"copies":2}`), Applicant: []byte(`{"name":"রহিম"}`)}),
	})
	b.found(Finding{Issue: copyFee, Mode: dcat.ByCentre, AskedAnew: asked})
	return n
}

// found brings the newest event of the box with what the leader found of it.
func (b *box) found(f Finding) {
	b.town.t.Helper()
	last := len(b.events)
	in := b.ingest(last, last)
	f.Seq = uint64(last)
	in.Findings = []Finding{f}
	if f := b.town.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
		b.town.t.Fatal(f.Err())
	}
}

// supplied brings what an applicant was asked for, with what its answers come to.
func (b *box) supplied(n protocol.Number, s *protocol.Supplement, f Finding) {
	b.town.t.Helper()
	b.add(&protocol.Event{Kind: protocol.Supplied, At: b.town.at, Actor: "rahima", Number: n, Payload: protocol.Marshal(s)})
	b.found(f)
}

// lapsed is an office in which the grace of the first land copy has ended long ago, and a case
// that was filed under it since and is asked for what is new.
func lapsed(t testing.TB) (w *town, b *box, old, current *dcat.Version, n protocol.Number) {
	t.Helper()
	w, b = office(t)
	old, current = landCopy(t), newer(t, 2, 10)
	w.publish(3, fullDirectory(), licence(t), current)
	since(w, 40)
	n = b.filedOn(old, 1, w.at, &AskedAnew{Under: current.Hash, Edition: 2, Items: []string{"form.purpose", "deed"}})
	return w, b, old, current, n
}

// replayed fails unless a register that hears every entry from the first on comes to the same.
func replayed(w *town) {
	w.t.Helper()
	r := w.reopen(newMemory())
	for i, raw := range w.entries {
		r.Apply(uint64(i+1), 1, raw)
	}
	if i, d := r.Digest(); i != w.index || r.SetHash() != w.first().SetHash() {
		w.t.Errorf("replayed, the register is at %d %v; want what it was", i, d)
	}
}

// TestRow7LegalDateDecides: what was filed while the old version still counted goes on under
// it, however late it comes; what was filed a day later is asked for what is new.
func TestRow7LegalDateDecides(t *testing.T) {
	w, b := office(t)
	old, current := landCopy(t), newer(t, 2, 10)
	w.publish(3, fullDirectory(), licence(t), current)
	zone := time.FixedZone("", dhakaOffset)
	last := application.Term(time.UnixMilli(w.at).In(zone), 10)*1000 + 999
	since(w, 40)
	asked := &AskedAnew{Under: current.Hash, Edition: 2, Items: []string{"form.purpose"}}
	for i, tt := range []struct {
		at    int64
		stage application.Stage
	}{
		{last - 5*24*60*minute, application.Received},
		{last, application.Received},
		{last + 1, application.InfoRequested},
		{w.at, application.InfoRequested},
	} {
		n := b.filedOn(old, uint64(i), tt.at, asked)
		c := w.stage(n, tt.stage)
		if c.Legal != tt.at || c.Held != "" || c.Pinned != old.Hash || c.Edition != 1 || (c.AskedAnew != nil) != (tt.stage == application.InfoRequested) {
			t.Errorf("filed %d ms after the grace: %+v", tt.at-last, c)
		}
		if c.Custody() != CustodyAccepted || c.State.Seat.Post != "secretary" {
			t.Errorf("its custody is %s, at %v", c.Custody(), c.State.Seat)
		}
	}
	// The leader's word alone is not enough, nor is a version that says nothing of a grace.
	unasked := b.filedOn(old, 9, w.at, nil)
	w.stage(unasked, application.Received)
	none := newer(t, 3, 0)
	w.publish(4, fullDirectory(), licence(t), old)
	w.stage(b.filedOn(old, 10, w.at, asked), application.Received) // It is in force again.
	w.publish(5, fullDirectory(), licence(t), none)
	since(w, 40)
	w.stage(b.filedOn(old, 11, w.at, &AskedAnew{Under: none.Hash, Items: []string{"deed"}}), application.Received)
	reopened(w)
	verified(w)
	replayed(w)
	w.agree()
}

// TestRow7SoonestGraceCounts: of two versions that replaced one, the grace that ends first holds.
func TestRow7SoonestGraceCounts(t *testing.T) {
	w, b := office(t)
	old, second, third := landCopy(t), newer(t, 2, 20), newer(t, 3, 100)
	w.publish(3, fullDirectory(), licence(t), second)
	since(w, 5)
	w.publish(4, fullDirectory(), licence(t), third)
	since(w, 30)
	asked := &AskedAnew{Under: third.Hash, Edition: 3, Items: []string{"deed"}}
	w.stage(b.filedOn(old, 1, w.at, asked), application.InfoRequested)
	w.stage(b.filedOn(second, 2, w.at, asked), application.Received)
	reopened(w)
	w.agree()
}

// TestRow7AskedForWhatIsNew: the citizen is asked for exactly that, the office's clock stands,
// and no desk can do more than write a note until it is there.
func TestRow7AskedForWhatIsNew(t *testing.T) {
	w, _, old, current, n := lapsed(t)
	c := w.stage(n, application.InfoRequested)
	st, _, err := w.first().Standing(n)
	want := protocol.Pin{Service: old.ID, Version: 2, Hash: [8]byte(current.Hash[:8])}
	if err != nil || !slices.Equal(st.Items, []string{"form.purpose", "deed"}) || st.Reason != protocol.WhyAnew || st.Under == nil || *st.Under != want || st.Moved {
		t.Errorf("the citizen reads %+v, %v", st, err)
	}
	if c.Paused == 0 || c.Timer != 0 || c.State.Issue != copyFee || len(c.History) != 2 || !slices.Equal(c.History[1].Items, st.Items) {
		t.Errorf("the case is %+v; want its clock to stand", c)
	}
	inbox := w.inboxOf("41-09-17")
	var told protocol.Acceptance
	if err := inbox[len(inbox)-1].Decode(&told); err != nil || len(told.Other) != 1 || !slices.Equal(told.Other[0].Items, st.Items) || told.Other[0].Under == nil {
		t.Errorf("its centre was told %+v, %v", told, err)
	}
	for _, m := range []Method{Take, Decide, Forward} {
		wantFault(t, string(m), w.officer(n, "anna", m, Act{Opinion: application.ForApproval, Text: "x"}).Fault, fault.Conflict)
	}
	wantFault(t, "asked again by its desk", w.officer(n, "anna", RequestInfo, Act{Items: []string{"nid"}, Text: "x"}).Fault, fault.Conflict)
	w.worked(n, "anna", Note, Act{Text: "the applicant was here"})
	verified(w)
	w.agree()
}

// TestRow7Answered: with what is new the case goes on at the first desk of the version that
// asked, in its time, at what the receipt says that it costs.
func TestRow7Answered(t *testing.T) {
	w, b, _, current, n := lapsed(t)
	since(w, 3)
	b.supplied(n, &protocol.Supplement{Form: []byte(`{"mouza":"Khajura"}`)}, Finding{})
	w.stage(n, application.InfoRequested)
	if it, all := itemOf(w, n); all != 1 || it.Kind != ItemSupplement {
		t.Errorf("what nobody asked for is %+v of %d", it, all)
	}
	b.supplied(n, &protocol.Supplement{Originals: []string{"deed"}}, Finding{Issue: 2 * copyFee, Mode: dcat.ByPost})
	if c := w.stage(n, application.InfoRequested); !slices.Equal(c.State.AskedFor(), []string{"form.purpose"}) || c.Asks() != current.Hash {
		t.Errorf("asked for %q under %v", c.State.AskedFor(), c.Asks())
	}
	// The new form wants the deed's number with its purpose: nobody could be asked before.
	b.supplied(n, &protocol.Supplement{Form: []byte(`{"purpose":"a sale","deed_no":"12"}`)}, Finding{Issue: 2 * copyFee, Mode: dcat.ByCentre})
	c := w.stage(n, application.Received)
	due := application.WorkTerm(fullDirectory().Calendar, time.UnixMilli(w.at).In(time.FixedZone("", dhakaOffset)), 2)
	if c.Pinned != current.Hash || c.Edition != 2 || c.State.Seat.Post != "chairman" || c.Due != due || c.Paused != 0 || c.State.Issue != copyFee || c.State.Mode != dcat.ByCentre {
		t.Errorf("the case is %+v; want it at the chairman's desk, due %d, for %d", c, due, copyFee)
	}
	if _, sub, err := w.first().AsOf(c, 0); err != nil || string(sub.Form) != `{"copies":2,"deed_no":"12","purpose":"a sale"}` {
		t.Errorf("its answers are %s, %v", sub.Form, err)
	}
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", RequestInfo, Act{Items: []string{"form.copies"}, Text: "how many?"})
	if st, _, err := w.first().Standing(n); err != nil || st.Under == nil || !st.Moved || st.Reason != "how many?" {
		t.Errorf("asked once more, the citizen reads %+v, %v", st, err)
	}
	b.supplied(n, &protocol.Supplement{Form: []byte(`{"copies":3}`)}, Finding{Issue: copyFee, Mode: dcat.ByCentre})
	w.worked(n, "chair", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "chair", Decide, Act{Opinion: application.ForApproval, Text: "in order"})
	w.worked(n, "chair", Approve, Act{})
	if c := w.stage(n, application.FeeDue); c.State.Owed != copyFee {
		t.Errorf("it owes %d; want what its receipt says, %d", c.State.Owed, copyFee)
	}
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	w.worked(n, "chair", Issue, Act{})
	b.send(protocol.HandedOver, n, w.at, &protocol.HandOver{Proof: "nid"})
	w.stage(n, application.Delivered)
	verified(w)
	replayed(w)
	w.agree()
}

// TestRow7Unanswered: a case whose applicant brings nothing waits for him, as every case that
// asks does: nothing lapses, nobody is told that it is late, and he may take it back.
func TestRow7Unanswered(t *testing.T) {
	w, b, _, _, n := lapsed(t)
	before := w.stage(n, application.InfoRequested)
	since(w, 400)
	tick(w)
	if c := w.stage(n, application.InfoRequested); c.State != before.State || c.Timer != 0 {
		t.Errorf("after a year the case is %+v; want it as it was", c)
	}
	b.send(protocol.Withdrawn, n, w.at, &protocol.Withdrawal{Reason: "bought elsewhere"})
	w.stage(n, application.Withdrawn)
	verified(w)
	replayed(w)
	w.agree()
}

// TestRow7WhatCannotBeAsked: a finding out of bounds, or under a version that is not here,
// holds nothing up.
func TestRow7WhatCannotBeAsked(t *testing.T) {
	w, b := office(t)
	old, current := landCopy(t), newer(t, 2, 10)
	w.publish(3, fullDirectory(), licence(t), current)
	since(w, 40)
	for i, r := range []*AskedAnew{
		{Under: current.Hash},
		{Under: current.Hash, Items: []string{"a\nb"}},
		{Under: current.Hash, Items: make([]string, application.MaxItems+1)},
		{Under: dcat.Hash{1}, Items: []string{"deed"}},
		{Under: licence(t).Hash, Items: []string{"deed"}},
	} {
		if c := w.stage(b.filedOn(old, uint64(i), w.at, r), application.Received); c.AskedAnew != nil {
			t.Errorf("finding %d: %+v", i, c)
		}
	}
	verified(w)
	w.agree()
}

// TestRow7AsItStoodUnderItsVersion: a file as it stood before the answers came names the version
// that its officers worked by then (R-OF3).
func TestRow7AsItStoodUnderItsVersion(t *testing.T) {
	w, b, old, current, n := lapsed(t)
	editions := func() (list []uint32) {
		c, err := w.first().Case(n)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.State.Version + 1 {
			e, _, err := w.first().AsOf(c, i)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, c.AskedAnew.EditionAt(c, &e, i))
		}
		return list
	}
	before := editions()
	b.supplied(n, &protocol.Supplement{Form: []byte(`{"purpose":"a loan"}`), Originals: []string{"deed"}}, Finding{Issue: copyFee, Mode: dcat.ByCentre})
	after := editions()
	if len(after) != len(before)+1 || after[0] != uint32(current.Number) || after[len(after)-1] != uint32(current.Number) {
		t.Fatalf("answered, it stands under %v; before %v", after, before)
	}
	for i, e := range after[1:len(before)] {
		if e != uint32(old.Number) || e != before[i+1] {
			t.Errorf("as of %d it stands under %d; want %d", i+1, e, old.Number)
		}
	}
}
