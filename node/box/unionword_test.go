package box

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// lastAct is where the newest act on a case stands.
func (u *unionBox) lastAct(n protocol.Number) (protocol.LogID, protocol.Position) {
	u.tb.Helper()
	list, err := turnsOf(u.cases.core, n)
	if err != nil || len(list) == 0 {
		u.tb.Fatal(len(list), err)
	}
	e := list[len(list)-1]
	return e.log, protocol.Position{Seq: e.place, Hash: e.hash}
}

// hears is the hub's word on the newest act on a case, which change may alter.
func (u *unionBox) hears(n protocol.Number, change func(*protocol.Aside)) protocol.Aside {
	u.tb.Helper()
	log, at := u.lastAct(n)
	a := protocol.Aside{Number: n, Log: log, At: at, Kind: protocol.AsideUnfit, Text: "no", Act: &protocol.AsideAct{
		Action: "forward", Actor: "salma", Post: "secretary@" + unionOffice, At: 5, Since: 7, Owner: "uno@upazila-41-09",
	}}
	if change != nil {
		change(&a)
	}
	u.d.Say(u.tb, protocol.SetAside, &a)
	u.deliver(u.d.Inbox)
	return a
}

// forwarded is a licence that the secretary has sent on.
func (u *unionBox) forwarded(seed uint64) protocol.Number {
	u.tb.Helper()
	n := u.filed(licence, seed, "new")
	u.must("salma", n, application.Take, protocol.UnionAct{})
	u.must("salma", n, application.Decide, protocol.UnionAct{Opinion: "approve", Text: "in order"})
	u.must("salma", n, application.Forward, protocol.UnionAct{})
	return n
}

// word is the only one that there is.
func (u *unionBox) word() Word {
	u.tb.Helper()
	list, err := u.Words(unionOffice)
	if err != nil || len(list) != 1 {
		u.tb.Fatalf("words %+v, %v", list, err)
	}
	return list[0]
}

// TestUnionReadsWhatBecameOfItsActs: what the hub did not take is listed to the union's officers and leaves the case to
// the hub; one of them marks it as read, which holds through a restart and an index that is built again, until the word
// changes. After an erasure nothing is listed.
func TestUnionReadsWhatBecameOfItsActs(t *testing.T) {
	ctx := context.Background()
	u := newUnionBox(t)
	u.told(nil)
	n := u.forwarded(1)
	a := u.hears(n, nil)
	if w := u.word(); w.Number != n || w.Fate() != FateUnfit || w.Next() != StepDesk || w.Act.Owner != "uno@upazila-41-09" || w.Read != nil {
		t.Fatalf("the word is %+v", w)
	}
	if list, err := u.Words("local-41-09-23"); err != nil || len(list) != 0 {
		t.Errorf("another office's officers read %+v, %v", list, err)
	}
	k, err := u.UnionCase(n)
	if err != nil || !k.Elsewhere || u.Bar(k) != BarElsewhere {
		t.Errorf("the case is still the union's: %v", err)
	}
	salma := place.Seat{Post: "secretary", Office: unionOffice}
	if _, err := u.ReadWord(ctx, Followup{User: "salma", Key: "r0"}, place.Seat{Post: "secretary", Office: "local-41-09-23"}, a.At.Hash); !errors.Is(err, fault.NotFound) {
		t.Errorf("read by another office: %v", err)
	}
	for _, key := range []string{"r1", "r1", "r2"} {
		if w, err := u.ReadWord(ctx, Followup{User: "salma", Key: key}, salma, a.At.Hash); err != nil || w.Read == nil || w.Read.By != "salma" {
			t.Fatalf("read: %+v, %v", w, err)
		}
	}
	records := u.mirror.records()
	check := func(when string) {
		t.Helper()
		if w := u.word(); w.Read == nil || w.Read.By != "salma" || w.Fate() != FateUnfit {
			t.Errorf("%s the word is %+v", when, w)
		}
	}
	u.restart()
	check("after a restart")
	u.stop()
	if err := os.RemoveAll(filepath.Join(u.dir, "index")); err != nil {
		t.Fatal(err)
	}
	u.start()
	waitFor(t, "the index", func() bool { _, err := u.Words(unionOffice); return err == nil })
	check("built again")
	if u.mirror.records() != records {
		t.Error("it was written more than once that it was read")
	}
	other := u.forwarded(2)
	u.hears(other, nil)
	if list, err := u.Words(unionOffice); err != nil || len(list) != 2 || list[0].Number != other || list[1].Read == nil {
		t.Errorf("what nobody has read does not stand first: %+v, %v", list, err)
	}
	a.Outcome, a.Act.Words, a.Act.Settled = "dismissed", "seen", 9
	u.d.Say(t, protocol.SetAside, &a)
	u.d.Say(t, protocol.EventsErased, &protocol.Erasure{
		Cases: []protocol.ErasedCase{{Number: other, Stage: "REJECTED", At: 5, By: place.Seat{Post: "dc", Office: "dc-41"}, Basis: "the law"}},
	})
	u.deliver(u.d.Inbox)
	if w := u.word(); w.Number != n || w.Fate() != FateSettled || w.Read != nil || w.Act.Words != "seen" {
		t.Errorf("settled, the word is %+v", w)
	}
}

// TestFatesOfActs: what has become of an act, what is to be done next, and whose the case is.
func TestFatesOfActs(t *testing.T) {
	u := newUnionBox(t)
	u.told(nil)
	n := u.forwarded(1)
	for _, x := range []struct {
		kind, outcome, action, certificate string
		fate                               Fate
		next                               Step
		elsewhere                          bool
	}{
		{protocol.AsideUnfit, "", "note", "", FateUnfit, StepNothing, false},
		{protocol.AsideUnfit, "", "approve", "", FateUnfit, StepDesk, true},
		{protocol.AsideUnfit, "", "issue", "TL-1", FateUnfit, StepRecall, true},
		{protocol.AsideUnfit, "applied", "approve", "", FateSettled, StepDesk, true},
		{protocol.AsideConfirm, "", "issue", "TL-1", FateWaits, StepWait, true},
		{protocol.AsideConfirm, "refused", "issue", "TL-1", FateRefused, StepRecall, true},
		{protocol.AsideConfirm, "confirmed", "issue", "TL-1", FateCounts, StepNothing, false},
		{protocol.AsideRevoked, "", "reject", "", FateHeld, StepWait, true},
		{protocol.AsideRevoked, "honoured", "reject", "", FateCounts, StepNothing, false},
		{protocol.AsideOverturned, "", "decide", "", FateOverturned, StepDesk, true},
		{"of a later version", "", "decide", "", FateUnfit, StepDesk, true},
	} {
		u.hears(n, func(a *protocol.Aside) {
			a.Kind, a.Outcome, a.Act.Action, a.Act.Certificate = x.kind, x.outcome, x.action, x.certificate
		})
		k, err := u.UnionCase(n)
		if w := u.word(); err != nil || w.Fate() != x.fate || w.Next() != x.next || k.Elsewhere != x.elsewhere {
			t.Errorf("%s %s of %s: %s, then %s, elsewhere %v; want %+v", x.kind, x.outcome, x.action, w.Fate(), w.Next(), k.Elsewhere, x)
		}
	}
}

// TestHubsDeskBefore: a correction that the hub's officer accepts may send a case to a desk before, in the same stage. Its
// union's box doesn't take that for what it has, and nothing more is done with it there.
func TestHubsDeskBefore(t *testing.T) {
	u := newUnionBox(t)
	u.told(nil)
	n := u.forwarded(1)
	k := u.must("imran", n, application.Take, protocol.UnionAct{})
	log, at := u.lastAct(n)
	u.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: log, First: 1, Last: at.Seq, Index: 9, At: 5})
	next, _ := k.way.Upcoming(k.State)
	said := protocol.Standing{Number: n, Stage: k.State.Stage.String(), Office: unionOffice, Next: next, Version: k.State.Version}
	u.say(&said)
	if k, err := u.UnionCase(n); err != nil || k.Elsewhere {
		t.Fatalf("where both have it alike, the case is elsewhere: %v", err)
	}
	said.Version, said.Next = said.Version+1, "licence-inspector"
	u.say(&said)
	if k, err := u.UnionCase(n); err != nil || !k.Elsewhere || u.Bar(k) != BarElsewhere {
		t.Errorf("the hub has it at the desk before, and the box takes that for its own: %v", err)
	}
	if _, err := u.act("imran", n, application.Note, protocol.UnionAct{Text: "x"}); !errors.Is(err, fault.Conflict) {
		t.Errorf("a note there: %v", err)
	}
}

// TestUntakenCertificateIsWorthNothing: of a certificate whose act the hub set aside it may never say another word; it
// is refused all the same, and no further copy is printed.
func TestUntakenCertificateIsWorthNothing(t *testing.T) {
	u := newUnionBox(t)
	u.told(nil)
	n := u.forwarded(1)
	k, err := u.UnionCase(n)
	if err != nil {
		t.Fatal(err)
	}
	k.Certificate = &protocol.Certificate{Serial: 3, Number: "TL-41-09-17-000003", Issued: 5, Expires: 6}
	for _, x := range []struct{ number, outcome, state string }{
		{"TL-41-09-17-000004", "", ""},
		{"TL-41-09-17-000003", "", protocol.CertificateRefused},
		{"TL-41-09-17-000003", "dismissed", protocol.CertificateRefused},
		{"TL-41-09-17-000003", "confirmed", ""},
	} {
		k.Words = []Word{{Aside: protocol.Aside{Kind: protocol.AsideUnfit, Outcome: x.outcome, Act: &protocol.AsideAct{Action: "issue", Certificate: x.number}}}}
		if w, err := u.Worth(k); err != nil || w.State != x.state {
			t.Errorf("%+v: it is %q, %v", x, w.State, err)
		}
	}
}

// TestNextBoxHasItsUnionsWords: the centre's next box has the words by its inbox, and who has read them by the log of the box
// before.
func TestNextBoxHasItsUnionsWords(t *testing.T) {
	c, f := newCounter(t), newFormer(t)
	a := protocol.Aside{Number: f.numbers[1], Log: f.ID, At: protocol.Position{Seq: 2, Hash: protocol.Hash{2}}, Kind: protocol.AsideConfirm, Act: &protocol.AsideAct{Action: "approve"}}
	c.d.Say(t, protocol.SetAside, &a)
	c.deliver(c.d.Inbox)
	f.Append(t, protocol.Event{
		Kind: protocol.AsideRead, At: 9, Actor: "chairman", Number: a.Number, Payload: protocol.Marshal(&protocol.AsideSeen{Log: a.Log, At: a.At}),
	})
	if err := c.deliverRun(f.ID, protocol.Hash{}, f.Items); err != nil {
		t.Fatal(err)
	}
	list, err := c.Words(unionOffice)
	if err != nil || len(list) != 1 || list[0].Fate() != FateWaits || list[0].Read == nil || list[0].Read.By != "chairman" {
		t.Errorf("the words are %+v, %v", list, err)
	}
}

// TestUnionsRejectionIsAppealed: what the union rejects with no hub may be appealed at the counter at once and once; the case
// then lies with the office above, and is no task of the union's.
func TestUnionsRejectionIsAppealed(t *testing.T) {
	ctx := context.Background()
	u := newUnionBox(t)
	u.told(nil)
	n := u.filed(licence, 1, "renewal")
	u.must("salma", n, application.Take, protocol.UnionAct{})
	u.must("salma", n, application.Decide, protocol.UnionAct{Opinion: "reject", Text: "not in order"})
	u.must("salma", n, application.Forward, protocol.UnionAct{})
	if _, err := u.Followups().Appeal(ctx, u.by("early", n), "look again"); !errors.Is(err, fault.Conflict) {
		t.Errorf("an appeal before there is a decision: %v", err)
	}
	u.must("chairman", n, application.Take, protocol.UnionAct{})
	u.must("chairman", n, application.Decide, protocol.UnionAct{Opinion: "reject", Text: "not in order"})
	if k := u.must("chairman", n, application.Reject, protocol.UnionAct{Reason: "not_eligible", Text: "not in order"}); k.Said.AppealBy == 0 || k.Stage != application.Rejected.String() {
		t.Fatalf("rejected, the case is %s and may be appealed until %d", k.Stage, k.Said.AppealBy)
	}
	if _, err := u.Followups().Appeal(ctx, u.by("one", n), "look again"); err != nil {
		t.Fatal(err)
	}
	u.restart()
	k, err := u.UnionCase(n)
	if err != nil || k.Stage != application.Received.String() || k.State.Seat.Post != "uno" || k.State.Appeals != 1 || len(u.at("")) != 0 {
		t.Errorf("appealed, the case is %s at %v, %v; the union's tasks are %v", k.Stage, k.State.Seat, err, u.at(""))
	}
	if _, err := u.Followups().Appeal(ctx, u.by("two", n), "and again"); !errors.Is(err, fault.Conflict) {
		t.Errorf("a second appeal: %v", err)
	}
}

// TestNextBoxListsWhatNobodyHasBegun: what the box before took and nobody has begun waits at the union's desk at the next one,
// and nothing that is over does, however long ago.
func TestNextBoxListsWhatNobodyHasBegun(t *testing.T) {
	u := newUnionBox(t)
	u.told(nil)
	here := u.filed(licence, 1, "new")
	c, err := u.Case(here)
	if err != nil {
		t.Fatal(err)
	}
	f := former{Log: nodetest.Log{ID: protocol.LogID{Channel: protocol.Uplink, Name: "41-0007", Incarnation: 9}}}
	for i := range uint64(3) {
		e := c.Event
		e.Nonce = binary.BigEndian.AppendUint64(nil, i)
		n, err := protocol.MintNumber("41", "0007", e.Nonce)
		if err != nil {
			t.Fatal(err)
		}
		f.numbers = append(f.numbers, n)
		f.Append(t, e)
	}
	if err := u.deliverRun(f.ID, protocol.Hash{}, f.Items); err != nil {
		t.Fatal(err)
	}
	u.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: f.ID, First: 1, Last: 3, Index: 9, At: 5})
	u.d.Say(t, protocol.CaseMoved, &protocol.Standing{Number: f.numbers[1], Stage: application.UnderReview.String(), Version: 2})
	u.d.Say(t, protocol.CasesEnded, &protocol.Ended{Log: f.ID, Stage: "CLOSED", By: 5, Runs: []uint64{0, 1}})
	u.deliver(u.d.Inbox)
	got, want := u.at(""), []protocol.Number{here, f.numbers[2]}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there wait %v; want %v", got, want)
	}
}
