package register

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// changed returns the tags of the keys that differ between two states.
func changed(before, after map[string][]byte) string {
	tags := map[byte]bool{}
	for k, v := range after {
		if old, ok := before[k]; !ok || !bytes.Equal(old, v) {
			tags[k[0]] = true
		}
	}
	for k := range before {
		if _, ok := after[k]; !ok {
			tags[k[0]] = true
		}
	}
	return string(slices.Sorted(maps.Keys(tags)))
}

// TestPolicy tries every command as everybody: who isn't meant to is denied, and
// a denial changes nothing but what remembers it.
func TestPolicy(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	for _, u := range []User{
		{Name: "clerk", Role: access.Clerk, Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}},
		{Name: "gone", Role: access.Operator, Until: dawn / 1000},
		{Name: "early", Role: access.Operator, From: dawn/1000 + 1e6},
		{Name: "off", Role: access.Operator},
		{Name: "farther", Role: access.Entrepreneur, Centre: "41-09-23"},
	} {
		u.Hash, u.From = hash1, max(u.From, 1)
		w.must(NewCommand("", "root", AddUser, &u))
	}
	w.must(NewCommand("", "root", DisableUser, &Name{Name: "off"}))
	b := w.enrol("41-09-17")
	n := b.submit(licence(t), 1)
	b.mustBring(1, 1)

	everybody := []string{"root", "rahima", "farther", "clerk", "anna", "bilal", "far", "chair", "uno", "audit", "gone", "early", "off", "nobody", ActorHub, ActorControl, "@x"}
	operators := []string{"root", ActorHub, ActorControl}
	hub := []string{ActorHub}
	desk := []string{"anna", "bilal"} // Where the case lies.
	may := map[Method][]string{
		Genesis: hub, EnrolNode: hub, EnrolServer: hub, ServerAddress: hub, NodeAddress: hub, DocumentKept: hub, ReturnNode: hub, BackedUp: operators,
		AddUser: operators, DisableUser: operators, CreateToken: operators, RevokeToken: operators, RevokeNode: operators,
		RotateGossip: operators, RemoveServer: operators, AddVersions: operators, Publish: operators,
		Take: desk, Note: desk, Decide: desk, Forward: desk,
		Approve: nil, Reject: nil, // A secretary's post may not finalise.
		RequestInfo: nil, Return: nil, Issue: nil, Appeal: nil, // Nor ask, return or sign; nor is it above.
		HandBack: desk, Check: desk, Link: desk, Pay: desk, Prepare: desk, HandOver: desk, Dispatch: desk, ComeBack: desk, Close: desk,
		Relate: {"anna", "bilal", "chair"}, // Who may read both.
		Enter:  {"clerk"}, BlockBase: operators,
		Train:  {"anna", "bilal", "far", "chair", "uno"}, // An officer only where his post monitors the centre.
		Settle: {"anna", "bilal", "far", "chair"}, Tick: hub, Hear: hub, Weigh: hub,
		TryRelease: operators, PromoteRelease: operators, HaltRelease: operators, ReleaseFared: hub,
		AllowLease: operators, EndLease: operators,
		DrawSealing: operators, AnnounceSealing: operators, HoldSealing: hub, KnowSealing: hub,
		ExpireSealing: operators, KeepSealing: operators, CutSealing: hub, EndSealing: hub, DropSealing: hub, KeepOpenings: hub, KnowOpenings: hub,
		ProposeChange: {"anna", "bilal", "far", "chair", "uno"}, SettleProposals: operators,
		AddAgency: operators, RevokeAgency: operators, RefuseVersion: operators, SubmitVersion: hub, // An editor's signature is what counts.
		Revoke: nil, PrintCopy: {"rahima", "clerk", "anna", "bilal", "chair"},
		EndMatter:    {"anna", "bilal", "far", "chair"},
		OrderErasure: nil, ConfirmErasure: nil, DropErasure: nil, KnowErasures: hub, GiveWarrants: hub, ServerHasForgot: hub, BoxHasForgot: hub, CopiesAreGone: operators, // No post of this district may.
		LookReport: {"audit"}, // The others have no such area.
		Look:       {"rahima", "clerk", "anna", "bilal", "chair", "uno", "audit"},
	}
	if len(may) != len(Methods()) {
		t.Fatalf("%d commands are tried; there are %d", len(may), len(Methods()))
	}
	base := w.first().base.(*memory)
	for _, m := range Methods() {
		for _, who := range everybody {
			// Each attempt begins at the same state; its body is empty, so that what
			// is not denied is refused for another reason or does little.
			r := w.reopen(base.copy())
			c := act(who, m, n, 1, Act{})
			c.ID = "try"
			before, _ := r.base.(*memory).now()
			raw, err := EncodeEntry(&Entry{At: w.at, Commands: []Command{c}})
			if err != nil {
				t.Fatal(err)
			}
			f := r.Apply(w.index+1, 1, raw).Results[0].Fault
			denied := f != nil && f.Kind == fault.Denied
			tokenless := m == EnrolNode || m == EnrolServer // Denied to the hub for want of a token.
			if want := !slices.Contains(may[m], who); denied != want && (!tokenless || who != ActorHub) {
				t.Errorf("%s by %s: %+v; denied should be %v", m, who, f, want)
			}
			after, _ := r.base.(*memory).now()
			if tags := changed(before, after); f != nil && strings.TrimPrefix(tags, "B") != "M" && strings.TrimPrefix(tags, "B") != "MX" {
				t.Errorf("%s by %s was refused and changed %s", m, who, tags)
			}
		}
	}
}

// TestChairMayFinalise completes the matrix where the case has come to a post
// that may end it, and only that post.
func TestChairMayFinalise(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	b := w.enrol("41-09-17")
	n := b.submit(licence(t), 1)
	b.mustBring(1, 1)
	w.must(act("anna", Take, n, 1, Act{}))
	w.must(act("anna", Decide, n, 2, Act{Opinion: application.ForApproval, Text: "x"}))
	wantFault(t, "to a post that is no step", w.do(act("anna", Forward, n, 3, Act{To: "uno"})).Fault, fault.Invalid)
	w.must(act("anna", Forward, n, 3, Act{To: "chairman"}))
	w.must(act("chair", Take, n, 4, Act{}))
	wantFault(t, "before a decision", w.do(act("chair", Approve, n, 5, Act{})).Fault, fault.Conflict)
	w.must(act("chair", Decide, n, 5, Act{Opinion: application.ForRejection, Text: "x"}))
	wantFault(t, "forward from the last step", w.do(act("chair", Forward, n, 6, Act{})).Fault, fault.Invalid)
	for _, who := range []string{"anna", "root", "uno", "audit", "rahima", ActorHub} {
		wantFault(t, who, w.do(act(who, Approve, n, 6, Act{})).Fault, fault.Denied)
	}
	w.must(act("chair", Reject, n, 6, Act{Text: "no", Reason: "INCOMPLETE"}))
	st, _, err := w.first().Standing(n)
	if err != nil || st.Stage != "REJECTED" || st.Office != "" || st.Reason != "INCOMPLETE" || st.Expected != 0 || st.Next != "" {
		t.Errorf("standing = %+v, %v", st, err)
	}
	wantFault(t, "a number that isn't", w.do(act("anna", Take, 1, 1, Act{})).Fault, fault.NotFound)
}

// TestMandatoryDesksAreNotSkipped: forward may leave out a desk that isn't
// mandatory, never one that is.
func TestMandatoryDesksAreNotSkipped(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	long := version(t, "long", 1, "secretary", "member", "chairman")
	strict := version(t, "strict", 1, "secretary", "chairman", "uno")
	w.publish(2, directory("41-09-17", "41-09-23"), licence(t), long, strict)
	b := w.enrol("41-09-17")
	skip, no := b.submit(long, 1), b.submit(strict, 2)
	b.mustBring(1, 2)
	for _, n := range []protocol.Number{skip, no} {
		w.must(act("anna", Take, n, 1, Act{}))
		w.must(act("anna", Decide, n, 2, Act{Opinion: application.Other, Text: "x"}))
	}
	wantFault(t, "over a mandatory desk", w.do(act("anna", Forward, no, 3, Act{To: "uno"})).Fault, fault.Invalid)
	w.must(act("anna", Forward, skip, 3, Act{To: "chairman"}))
	if c, err := w.first().Case(skip); err != nil || c.State.Seat.Post != "chairman" || c.State.Step != 2 {
		t.Errorf("case = %+v, %v", c, err)
	}
}

// TestLooksAreKept: every look at a case is recorded, and only who may look.
func TestLooksAreKept(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	b := w.enrol("41-09-17")
	n, other := b.submit(licence(t), 1), b.submit(licence(t), 2)
	b.mustBring(1, 2)
	look := func(who string, n protocol.Number) Command {
		return Command{Actor: who, Method: Look, Number: n}
	}
	w.must(look("audit", n))
	w.must(look("uno", n))
	w.must(look("uno", other))
	wantFault(t, "a stranger", w.do(look("far", n)).Fault, fault.Denied)
	wantFault(t, "nothing there", w.do(look("audit", 7)).Fault, fault.NotFound)
	got, err := w.first().Looks(n)
	if err != nil || len(got) != 2 || got[0].User != "audit" || got[1].User != "uno" || got[1].At <= got[0].At {
		t.Errorf("looks = %+v, %v", got, err)
	}
}

// TestTasksInPages walks an office's list, ordered by due date in each seat.
func TestTasksInPages(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		for i := range 23 {
			b.submit(licence(t), uint64(i))
		}
		in := b.ingest(1, 23)
		for i := range in.Verdicts {
			in.Verdicts[i].Due = int64(1000 - 10*i)
		}
		in.Verdicts[5].Due = 0 // Not set: last.
		if f := w.apply(&Entry{Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
			t.Fatal(f.Err())
		}
		w.must(act("anna", Take, b.numbers[3], 1, Act{}))
		q := TaskQuery{Office: "local-41-09-17", Post: "secretary", Limit: 10}
		var all []Task
		for range 3 {
			page, next, err := w.first().Tasks(q)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page...)
			q.After = next
		}
		if q.After != "" || len(all) != 23 || all[22].Number != b.numbers[5] || all[22].Due != 0 {
			t.Fatalf("%d tasks, next %q, last %+v", len(all), q.After, all[len(all)-1])
		}
		if !slices.IsSortedFunc(all[:22], func(a, b Task) int { return int(a.Due - b.Due) }) {
			t.Error("not in the order of their due dates")
		}
		if i := slices.IndexFunc(all, func(k Task) bool { return k.Holder == "anna" }); i < 0 || all[i].Number != b.numbers[3] || all[i].Stage != "UNDER_REVIEW" {
			t.Errorf("anna's task is at %d", i)
		}
		if _, _, err := w.first().Tasks(TaskQuery{Office: "x", After: "!"}); err == nil {
			t.Error("a page mark that isn't one is taken")
		}
		if none, _, err := w.first().Tasks(TaskQuery{Office: "local-41-09"}); err != nil || len(none) != 0 {
			t.Errorf("an office whose code begins another's has %d tasks, %v", len(none), err)
		}
	})
}
