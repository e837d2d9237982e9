package register

import (
	"slices"
	"strings"
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// standing is what stands on the conflict desk of this kind; the test fails unless it is one.
func standing(w *town, kind string) *Matter {
	w.t.Helper()
	var found *Matter
	for _, m := range listed(w) {
		if m.Kind == kind {
			if found != nil {
				w.t.Fatalf("%s and %s both stand there", found.ID, m.ID)
			}
			found = m
		}
	}
	if found == nil {
		w.t.Fatalf("no %s stands there", kind)
	}
	return found
}

func listed(w *town) []*Matter {
	w.t.Helper()
	list, err := w.first().Matters(w.at)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

// endMatter has somebody end a matter, and returns what he is told.
func endMatter(w *town, who string, b *MatterEnd) *protocol.Failure {
	w.t.Helper()
	if b.Text == "" {
		b.Text = "রসিদ দেখা হয়েছে"
	}
	return entry(w, NewCommand("", who, EndMatter, b)).Fault
}

// withChief gives a directory a post above all others.
func withChief(dir *place.Directory) *place.Directory {
	dir.Offices = append(dir.Offices, place.Office{Code: "district-41", Level: "district", Area: "41", Name: place.Name{BN: "জেলা", EN: "District"}})
	dir.Posts = append(dir.Posts, place.Post{Code: "dc", OfficeLevel: "district", Name: place.Name{BN: "জেলা প্রশাসক", EN: "DC"}, Acts: []string{place.ActMonitor}})
	dir.Sort()
	return dir
}

// chief is the officer of that post.
func chief() *User {
	return &User{Name: "chief", Role: access.Officer, Seat: place.Seat{Post: "dc", Office: "district-41"}, Hash: hash1, From: 1}
}

// appointed publishes a release with that post, and gives the officer his login.
func appointed(w *town) {
	w.t.Helper()
	w.publish(w.first().Release()+1, withChief(fullDirectory()), licence(w.t), landCopy(w.t))
	w.must(NewCommand("", "root", AddUser, chief()))
}

// TestHeldApplicationEnds: an application that was set aside is accepted by an officer as the
// leader finds it now, or refused with a reason, and what was paid for it is owed back.
func TestHeldApplicationEnds(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		appointed(w)
		b := w.enrol("41-09-17")
		future := version(t, "trade-licence", 2, "secretary", "chairman")
		early, bad := b.submit(future, 3), b.submit(licence(t), 2)
		in := b.ingest(1, 2)
		in.Verdicts[1].Refused = "the form lacks a name"
		w.apply(&Entry{Ingests: []Ingest{in}})
		ids := map[protocol.Number]string{}
		for _, m := range listed(w) {
			if m.Kind == MatterHeld && m.Owner == (place.Seat{Post: "dc", Office: "district-41"}) && m.Since > 0 && m.Centre == b.centre {
				ids[m.Number] = m.ID
			}
		}
		if len(ids) != 2 {
			t.Fatalf("what was held stands there as %v", ids)
		}
		accept := func() *MatterEnd {
			return &MatterEnd{ID: ids[early], Outcome: outcomeAccepted, Verdict: Verdict{Due: w.at/1000 + 86400}}
		}
		wantFault(t, "an officer of another desk", endMatter(w, "anna", accept()), fault.Denied)
		wantFault(t, "an operator", endMatter(w, "root", accept()), fault.Denied)
		wantFault(t, "without words", endMatter(w, "chief", &MatterEnd{ID: ids[early], Outcome: outcomeAccepted, Text: " "}), fault.Invalid)
		wantFault(t, "an outcome of others", endMatter(w, "chief", &MatterEnd{ID: ids[early], Outcome: outcomePutRight}), fault.Invalid)
		wantFault(t, "its version is not known yet", endMatter(w, "chief", accept()), fault.Conflict)
		wantFault(t, "its form is as bad as before", endMatter(w, "chief", &MatterEnd{ID: ids[bad], Outcome: outcomeAccepted, Verdict: Verdict{Refused: "the form lacks a name"}}), fault.Conflict)

		w.publish(w.first().Release()+1, w.first().Set().Directory, landCopy(t), future)
		before := w.first().Stats()
		again := NewCommand("once", "chief", EndMatter, &MatterEnd{ID: ids[early], Outcome: outcomeAccepted, Text: "জানা গেছে", Verdict: Verdict{Due: w.at/1000 + 86400}})
		once := func() *protocol.Failure {
			return w.apply(&Entry{Offset: dhakaOffset, Commands: []Command{again}}).Results[0].Fault
		}
		if f := once(); f != nil {
			t.Fatal(f.Err())
		}
		c := w.stage(early, application.Received)
		if c.Held != "" || c.State.Seat.Post != "secretary" || c.Due == 0 || c.History[1].Text != "জানা গেছে" || c.History[1].Actor != "chief" {
			t.Errorf("accepted it is %+v", c)
		}
		again.Body = protocol.Marshal(&MatterEnd{ID: ids[early], Outcome: outcomeAccepted, Text: "জানা গেছে"}) // The leader finds nothing held any more.
		if f := once(); f != nil || w.stage(early, application.Received).State.Version != c.State.Version {
			t.Errorf("repeated: %v", f)
		}
		if f := endMatter(w, "chief", &MatterEnd{ID: ids[bad], Outcome: outcomeRefused, Text: "নাম নেই"}); f != nil {
			t.Fatal(f.Err())
		}
		if st, _, err := w.first().Standing(bad); err != nil || st.Stage != "REJECTED" || st.Reason != "নাম নেই" {
			t.Errorf("refused it stands at %+v, %v", st, err)
		}
		if n := len(listed(w)); n != 0 {
			t.Errorf("%d still stand there", n)
		}
		wantFault(t, "settled twice", endMatter(w, "chief", &MatterEnd{ID: ids[bad], Outcome: outcomeRefused}), fault.NotFound)
		if done, err := w.first().Endings(9); err != nil || len(done) != 2 || done[0].Words == "" || done[0].By != "chief" {
			t.Errorf("what was settled: %+v, %v", done, err)
		}
		after := w.first().Stats()
		if drops, err := w.first().SilentDrops(); err != nil || drops != 0 || after.Accepted != before.Accepted {
			t.Errorf("%d silent drops, %v", drops, err)
		}
		verified(w)
	})
}

// TestUnroutedCaseIsSentToADesk: a case that found no desk goes to the one that an officer
// names, and no release moves it from there.
func TestUnroutedCaseIsSentToADesk(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		appointed(w)
		b := w.enrol("41-11-05") // Its union has no office.
		n := b.submit(licence(t), 1)
		b.mustBring(1, 1)
		m := standing(w, MatterUnrouted)
		to := func(seat place.Seat) *MatterEnd {
			return &MatterEnd{ID: m.ID, Outcome: outcomeRouted, To: seat}
		}
		wantFault(t, "no desk named", endMatter(w, "chief", to(place.Seat{})), fault.Invalid)
		wantFault(t, "a post that the office lacks", endMatter(w, "chief", to(place.Seat{Post: "dc", Office: "local-41-09-17"})), fault.Invalid)
		if f := endMatter(w, "chief", to(place.Seat{Post: "secretary", Office: "local-41-09-17"})); f != nil {
			t.Fatal(f.Err())
		}
		c := w.stage(n, application.Received)
		if c.State.Seat.Office != "local-41-09-17" || w.first().Stats().Unrouted != 0 {
			t.Errorf("it lies at %v; %d are unrouted", c.State.Seat, w.first().Stats().Unrouted)
		}
		events := w.inboxOf("41-11-05")
		if moved := events[len(events)-2]; moved.Kind != protocol.CaseMoved || moved.Number != n {
			t.Errorf("the centre hears %+v", moved)
		}
		w.publish(w.first().Release()+1, directory("41-09-17", "41-09-23", "41-11-05"), licence(t), landCopy(t))
		if c := w.stage(n, application.Received); c.State.Seat.Office != "local-41-09-17" {
			t.Errorf("the release moved it to %v", c.State.Seat)
		}
		w.worked(n, "anna", Take, Act{})
		verified(w)
	})
}

// TestPaymentForNoCaseIsApplied: a payment under a number that is no case's is booked on the
// one that was meant, once, or paid back; other news of no case ends with words.
func TestPaymentForNoCaseIsApplied(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		appointed(w)
		b := w.enrol("41-09-17")
		n := b.submit(landCopy(t), 1)
		in := b.ingest(1, 1)
		in.Findings = []Finding{{Seq: 1, Review: copyFee}}
		w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}})
		w.stage(n, application.FeeDue)
		const nobodys = 4100_0000_0000_0001
		pay := func() *Matter {
			b.add(&protocol.Event{Kind: protocol.PaymentTaken, At: w.at, Actor: "rahima", Number: nobodys, Payload: protocol.Marshal(cash(copyFee))})
			b.mustBring(len(b.events), len(b.events))
			return standing(w, MatterNoCase)
		}
		m := pay()
		apply := func(to protocol.Number) *MatterEnd {
			return &MatterEnd{ID: m.ID, Outcome: "applied", Number: to}
		}
		wantFault(t, "to no case", endMatter(w, "chief", apply(nobodys)), fault.NotFound)
		if f := endMatter(w, "chief", apply(n)); f != nil {
			t.Fatal(f.Err())
		}
		if c := w.stage(n, application.Received); c.State.Paid != copyFee {
			t.Errorf("%d poisha are paid", c.State.Paid)
		}
		events := w.inboxOf("41-09-17")
		var told protocol.Aside
		if last := events[len(events)-1]; last.Kind != protocol.SetAside || last.Number != nobodys || last.Decode(&told) != nil || told.Outcome != "applied" || told.Kind != MatterNoCase {
			t.Errorf("the centre hears %+v", last)
		}
		m = pay()
		wantFault(t, "what is not owed", endMatter(w, "chief", apply(n)), fault.Conflict)
		if f := endMatter(w, "chief", &MatterEnd{ID: m.ID, Outcome: "refund"}); f != nil {
			t.Fatal(f.Err())
		}
		b.add(&protocol.Event{Kind: protocol.Withdrawn, At: w.at, Actor: "rahima", Number: nobodys, Payload: protocol.Marshal(&protocol.Withdrawal{})})
		b.mustBring(len(b.events), len(b.events))
		m = standing(w, MatterNoCase)
		wantFault(t, "a withdrawal of somebody's", endMatter(w, "chief", apply(n)), fault.Conflict)
		if f := endMatter(w, "chief", &MatterEnd{ID: m.ID, Outcome: "dismissed"}); f != nil {
			t.Fatal(f.Err())
		}
		if left := listed(w); len(left) != 0 {
			t.Errorf("%s still stands there", left[0].ID)
		}
		if drops, err := w.first().SilentDrops(); err != nil || drops != 0 {
			t.Errorf("%d silent drops, %v", drops, err)
		}
		verified(w)
	})
}

// TestMattersThatStayEndWithWords: a number that was given twice, a copy of a box, a scan that
// lacks and a clock that was off stand there until an officer says that it is done; what
// can't be opened or read too. The next of its kind stands there again.
func TestMattersThatStayEndWithWords(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		appointed(w)
		b := w.enrol("41-09-17")
		v := licence(t)
		submit := func(nonce uint64, at int64) protocol.Number {
			return b.add(&protocol.Event{
				Kind: protocol.Submitted, At: at, Actor: "rahima", Nonce: u64(nonce), Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
				Payload: protocol.Marshal(&protocol.Submission{Channel: "counter", Documents: []protocol.Document{{Kind: "nid", Hash: protocol.Hash{byte(nonce)}, Size: 9, Type: 1}}}),
			})
		}
		const day = 86_400_000
		submit(1, dawn)
		submit(1, dawn)       // The same number again.
		submit(2, w.at+3*day) // Three days ahead.
		b.addRaw([]byte{1}, nil)
		b.mustBring(1, 4)
		submit(3, dawn)
		w.apply(&Entry{Ingests: []Ingest{{Block: b.block(5, 5), Quarantine: "it does not open"}}})
		for _, kind := range []string{MatterTwice, MatterClock, MatterUnopened, MatterUnreadable} {
			m := standing(w, kind)
			if m.Owner == (place.Seat{}) || m.Since == 0 || m.Centre != b.centre {
				t.Errorf("%s: %+v", kind, m)
			}
			who := "chief"
			if kind == MatterClock {
				w.must(NewCommand("", "root", AddUser, &User{Name: "overseer", Role: access.Officer, Seat: m.Owner, Hash: hash1, From: 1}))
				who = "overseer"
			}
			if f := endMatter(w, who, &MatterEnd{ID: m.ID, Outcome: outcomePutRight}); f != nil {
				t.Errorf("%s: %v", kind, f.Err())
			}
		}
		left := listed(w) // Three applications wait for their scans.
		if len(left) != 3 {
			t.Fatalf("%d stand there", len(left))
		}
		for _, m := range left {
			if m.Kind != MatterScan || !strings.HasPrefix(m.Owner.String(), "secretary@") {
				t.Errorf("%+v", m)
			}
		}
		w.must(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: protocol.Hash{2}, Size: 9, Type: 1}))
		if f := endMatter(w, "anna", &MatterEnd{ID: left[0].ID, Outcome: "dismissed"}); f != nil && f.Kind != fault.NotFound {
			t.Error(f.Err())
		}
		if n := len(listed(w)); n > 2 {
			t.Errorf("%d wait for a scan that is here, or that nobody waits for", n)
		}
		submit(4, w.at+3*day)
		b.mustBring(6, 6)
		standing(w, MatterClock)
		verified(w)
	})
}

// TestEndedMattersHideNone: what officers have ended stays in the register, and leaves room on the
// desk for what comes.
func TestEndedMattersHideNone(t *testing.T) {
	long(t)
	w := newTown(t, newMemory()).settle()
	appointed(w)
	b := w.enrol("41-09-17")
	for range mostMatters {
		b.addRaw([]byte{1}, nil)
	}
	for first := 1; first <= mostMatters; first += protocol.MaxBlockEvents {
		b.mustBring(first, min(first+protocol.MaxBlockEvents-1, mostMatters))
	}
	all := listed(w)
	if len(all) != mostMatters {
		t.Fatalf("%d stand there; want %d", len(all), mostMatters)
	}
	for some := range slices.Chunk(all, MaxEntryCommands/4) {
		e := &Entry{Offset: dhakaOffset}
		for _, m := range some {
			e.Commands = append(e.Commands, NewCommand("end "+m.ID, "chief", EndMatter, &MatterEnd{ID: m.ID, Outcome: outcomePutRight, Text: "looked at"}))
		}
		for _, res := range w.apply(e).Results {
			if res.Fault != nil {
				t.Fatal(res.Fault.Err())
			}
		}
	}
	b.addRaw([]byte{1}, nil)
	b.mustBring(mostMatters+1, mostMatters+1)
	if m := standing(w, MatterUnreadable); len(listed(w)) != 1 {
		t.Errorf("beside %s there are %d", m.ID, len(listed(w)))
	}
}

// storyOfMatters is the same for what stands on the conflict desk and is no case's item: a
// payment for no case, a case without a desk, a scan that lacks, an application that was held.
func storyOfMatters(w *town) {
	w.t.Helper()
	v, dir := landCopy(w.t), withChief(fullDirectory())
	w.publish(w.first().Release()+1, dir, v)
	w.must(NewCommand("", "root", AddUser, chief()))
	b, far := w.enrol("41-09-23"), w.enrol("41-11-05")
	b.add(&protocol.Event{
		Kind: protocol.Submitted, At: w.at, Actor: "rahima", Nonce: u64(1001), Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{Channel: "counter", Documents: []protocol.Document{{Kind: "deed", Hash: protocol.Hash{77}, Size: 9, Type: 1}}}),
	})
	in := b.plain(1, 1)
	in.Findings = []Finding{{Seq: 1, Review: copyFee}}
	w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}})
	b.add(&protocol.Event{Kind: protocol.PaymentTaken, At: w.at, Actor: "rahima", Number: 7, Payload: protocol.Marshal(cash(copyFee))})
	b.submit(v, 1002)
	in = b.plain(2, 3)
	in.Verdicts[1].Refused = "ফরমে নাম নেই"
	far.submit(v, 1003)
	w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in, far.plain(1, 1)}})
	for _, m := range listed(w) {
		end := MatterEnd{ID: m.ID, Outcome: MatterOutcomes(m.Kind)[0], Text: "দেখা হয়েছে"}
		switch m.Kind {
		case MatterUnrouted:
			end.To = place.Seat{Post: "secretary", Office: "local-41-09-23"}
		case MatterNoCase:
			end.Number = b.numbers[0]
		case MatterHeld:
			_ = endMatter(w, "chief", &MatterEnd{ID: m.ID, Outcome: outcomeAccepted, Verdict: Verdict{Refused: "ফরমে নাম নেই"}})
			end.Outcome = outcomeRefused
		default:
		}
		_ = endMatter(w, "chief", &end) // Those of others are refused.
	}
	w.must(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: protocol.Hash{77}, Size: 9, Type: 1}))
}
