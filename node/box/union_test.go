package box

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/internal/nodetest"
	"kendro/pack/bd"
	"kendro/protocol"
)

const (
	licence     = "trade-licence"
	unionOffice = "local-41-09-17"
)

// A unionBox is a box whose union may decide trade licences.
type unionBox struct {
	*counter
	tries int
	ahead atomic.Int64 // Of its clock, in days.
}

// newUnionBox makes one with the officers of its union; the lease is still to be told.
func newUnionBox(t *testing.T) *unionBox {
	t.Helper()
	u := &unionBox{counter: newCounter(t)}
	for who, post := range map[string]string{"salma": "secretary", "imran": "licence-inspector", "chairman": "chairman"} {
		u.d.Say(t, protocol.UserChanged, &protocol.User{Name: who, Centre: nodetest.Centre, Role: "officer", From: 1, Post: post, Office: unionOffice})
	}
	u.stop()
	u.o.Clock = func() time.Time { return time.Now().AddDate(0, 0, int(u.ahead.Load())) }
	u.start()
	u.deliver(u.d.Inbox)
	return u
}

// told is the hub's word on the lease.
func (u *unionBox) told(change func(*protocol.Lease)) {
	u.tb.Helper()
	now := time.Now().Unix()
	l := protocol.Lease{
		Service: licence, Office: unionOffice, Token: 1, Slot: "0010", From: now - 3600, Until: now + 14*24*3600,
		Numbers: []protocol.Serial{{First: 1, Last: 50}}, Prefix: "TL-41-09-17-",
	}
	if change != nil {
		change(&l)
	}
	u.d.Say(u.tb, protocol.LeaseTold, &l)
	u.deliver(u.d.Inbox)
}

// filed takes an application with an answer of its own.
func (u *unionBox) filed(service string, seed uint64, kind string) protocol.Number {
	u.tb.Helper()
	body := string(u.d.Body(u.tb, service, seed))
	for _, other := range []string{"new", "renewal"} {
		body = strings.Replace(body, `"application_type":"`+other+`"`, `"application_type":"`+kind+`"`, 1)
	}
	a, wrong, err := u.File(context.Background(), Request{User: nodetest.Person, Key: service + strconv.FormatUint(seed, 10), Body: []byte(body)})
	if err != nil || len(wrong) > 0 {
		u.tb.Fatalf("file: %v %v", err, wrong)
	}
	return a.Number
}

// act is one act of an officer's on the case as it stands.
func (u *unionBox) act(who string, n protocol.Number, action application.Action, said protocol.UnionAct) (*UnionCase, error) {
	u.tb.Helper()
	return u.shown(who, n, action, said, "")
}

func (u *unionBox) shown(who string, n protocol.Number, action application.Action, said protocol.UnionAct, scan string) (*UnionCase, error) {
	u.tb.Helper()
	k, err := u.UnionCase(n)
	if err != nil {
		u.tb.Fatal(err)
	}
	u.tries++
	return u.Act(context.Background(), Act{User: who, Key: strconv.Itoa(u.tries), Number: n, Expect: k.State.Version, Action: action, Said: said, Scan: scan})
}

func (u *unionBox) must(who string, n protocol.Number, action application.Action, said protocol.UnionAct) *UnionCase {
	u.tb.Helper()
	k, err := u.act(who, n, action, said)
	if err != nil {
		u.tb.Fatalf("%v by %s: %v", action, who, err)
	}
	return k
}

// at lists what waits at a post of the union.
func (u *unionBox) at(post string) (list []protocol.Number) {
	u.tb.Helper()
	tasks, err := u.Tasks(place.Seat{Post: post, Office: unionOffice})
	if err != nil {
		u.tb.Fatal(err)
	}
	for _, k := range tasks {
		list = append(list, k.Number)
	}
	return list
}

// TestUnionAsksAtTheBox: with no hub, an officer asks, the clock stands, the applicant brings what was asked
// for and nothing else, the case goes the way that its new answer leads, and the hub's late word upsets nothing.
func TestUnionAsksAtTheBox(t *testing.T) {
	ctx := context.Background()
	u := newUnionBox(t)
	u.told(nil)
	n := u.filed(licence, 1, "renewal")
	ask := protocol.UnionAct{Text: "which is it?", Items: []string{"form.application_type", "nid"}}
	if _, err := u.act("salma", n, application.RequestInfo, ask); !errors.Is(err, fault.Conflict) {
		t.Errorf("asked before it was taken: %v", err)
	}
	due := u.must("salma", n, application.Take, protocol.UnionAct{}).Expected
	for _, it := range []string{"form.nothing", "birth-certificate"} {
		if _, err := u.act("salma", n, application.RequestInfo, protocol.UnionAct{Text: "which?", Items: []string{it}}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s, which the service does not know: %v", it, err)
		}
	}
	k := u.must("salma", n, application.RequestInfo, ask)
	if k.Stage != application.InfoRequested.String() || !slices.Equal(k.Said.Items, ask.Items) || k.Said.Reason != ask.Text {
		t.Fatalf("the case waits as %s for %v, since %q", k.Stage, k.Said.Items, k.Said.Reason)
	}
	if list, err := u.Waiting(); err != nil || len(list) != 1 || list[0].Number != n {
		t.Errorf("waiting for their applicant: %v, %v", list, err)
	}
	if _, err := u.act("salma", n, application.Decide, protocol.UnionAct{Opinion: "approve", Text: "in order"}); !errors.Is(err, fault.Conflict) {
		t.Errorf("decided while it waits: %v", err)
	}
	supply := func(key string, s Supply) error {
		_, wrong, err := u.Followups().Supply(ctx, u.by(key, n), s)
		if len(wrong) > 0 {
			t.Errorf("%s: %v", key, wrong)
		}
		return err
	}
	if err := supply("other", Supply{Form: []byte(`{"capital_taka":250000}`)}); !errors.Is(err, fault.Conflict) {
		t.Errorf("what nobody asked for: %v", err)
	}
	u.ahead.Store(9)
	if err := supply("one", Supply{Form: []byte(`{"application_type":"new"}`)}); err != nil {
		t.Fatal(err)
	}
	if k, err := u.UnionCase(n); err != nil || k.Stage != application.InfoRequested.String() || !slices.Equal(k.Said.Items, []string{"nid"}) {
		t.Fatalf("after the first of two it waits for %v, %v", k.Said.Items, err)
	}
	if err := supply("two", Supply{Documents: []catalogue.Paper{{ID: "nid", OriginalAtCounter: true}}}); err != nil {
		t.Fatal(err)
	}
	u.restart()
	k, err := u.UnionCase(n)
	if err != nil || k.Stage != application.UnderReview.String() || k.State.Holder != "salma" || k.Expected < due+5*24*3600 {
		t.Fatalf("answered, the case is %s with %s, due at %d of %d before, %v", k.Stage, k.State.Holder, k.Expected, due, err)
	}
	if list, err := u.Waiting(); err != nil || len(list) != 0 {
		t.Errorf("waiting for their applicant: %v, %v", list, err)
	}
	// The hub's word of before the answers comes late.
	u.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: k.Receipt.Log, First: 1, Last: 3, Index: 9, At: 5})
	u.say(&protocol.Standing{Number: n, Stage: application.InfoRequested.String(), Version: 3, Items: ask.Items})
	if k, err = u.UnionCase(n); err != nil || k.Elsewhere || k.Stage != application.UnderReview.String() {
		t.Errorf("after the hub's late word the case is %s, elsewhere: %v, %v", k.Stage, k.Elsewhere, err)
	}
	u.must("salma", n, application.Decide, protocol.UnionAct{Opinion: "approve", Text: "in order"})
	if k = u.must("salma", n, application.Forward, protocol.UnionAct{}); k.State.Seat.Post != "licence-inspector" {
		t.Errorf("a new licence went to the %s; want the inspection", k.State.Seat.Post)
	}
}

// TestUnionGoesOnUnanswered: with no hub, the last day is known when an officer asks; once it is over the desk has
// the case again and can decide, what comes late is taken until it has, and the hub's word fits, be its clock behind.
func TestUnionGoesOnUnanswered(t *testing.T) {
	u := newUnionBox(t)
	u.told(func(l *protocol.Lease) { l.Until += 30 * 24 * 3600 })
	n := u.filed(licence, 1, "renewal")
	u.must("salma", n, application.Take, protocol.UnionAct{})
	k := u.must("salma", n, application.RequestInfo, protocol.UnionAct{Text: "which?", Items: []string{"nid", "photo"}})
	asked := k.Turns[len(k.Turns)-1].At
	if want := application.Term(asked.In(dhaka), 15); k.Said.SupplyBy != want || k.Said.Unanswered || k.Turns[len(k.Turns)-1].Dated != want {
		t.Fatalf("the term ends at %d; want %d", k.Said.SupplyBy, want)
	}
	until := k.Said.SupplyBy
	u.ahead.Store(14)
	if _, err := u.act("salma", n, application.Decide, protocol.UnionAct{Opinion: "reject", Text: "no answer"}); !errors.Is(err, fault.Conflict) {
		t.Errorf("decided before the last day: %v", err)
	}
	u.ahead.Store(17)
	k, err := u.UnionCase(n)
	if err != nil || k.Stage != application.UnderReview.String() || k.State.Holder != "salma" || !k.Said.Unanswered || !slices.Equal(k.Said.Items, []string{"nid", "photo"}) {
		t.Fatalf("after the last day the case is %+v, %v", k.Where, err)
	}
	if list, err := u.Waiting(); err != nil || len(list) != 1 || list[0].Number != n {
		t.Errorf("still heard, and listed as %v, %v", list, err)
	}
	late := func(id string) error {
		_, wrong, err := u.Followups().Supply(context.Background(), u.by(id, n), Supply{Documents: []catalogue.Paper{{ID: id, OriginalAtCounter: true}}})
		if len(wrong) > 0 {
			t.Errorf("%s: %v", id, wrong)
		}
		return err
	}
	if err := late("nid"); err != nil {
		t.Fatal(err)
	}
	u.restart()
	k = u.must("salma", n, application.Decide, protocol.UnionAct{Opinion: "reject", Text: "no photograph"})
	if turn := k.Turns[len(k.Turns)-2]; turn.Action != application.Supply || !turn.Late || !slices.Equal(k.Said.Items, []string{"photo"}) || k.State.DecidedBy != "salma" {
		t.Errorf("what was brought late is %+v, and %v is still asked for", turn, k.Said.Items)
	}
	k = u.must("salma", n, application.Forward, protocol.UnionAct{})
	u.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: k.Receipt.Log, First: 1, Last: 6, Index: 9, At: 5})
	u.say(&protocol.Standing{
		Number: n, Stage: application.Received.String(), Version: k.State.Version, Items: []string{"photo"},
		Question: protocol.Question{SupplyBy: until, Unanswered: true},
	})
	if k, err = u.UnionCase(n); err != nil || k.Elsewhere || k.State.Seat.Post == "secretary" {
		t.Errorf("the hub's word of the same: %+v, %v", k.Where, err)
	}
}

// TestUnionHearsThatItIsOver: where the hub's clock has come to the end of a term before this box's, its word counts.
func TestUnionHearsThatItIsOver(t *testing.T) {
	u := newUnionBox(t)
	u.told(nil)
	n := u.filed(licence, 1, "renewal")
	u.must("salma", n, application.Take, protocol.UnionAct{})
	k := u.must("salma", n, application.RequestInfo, protocol.UnionAct{Text: "which?", Items: []string{"nid"}})
	u.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: k.Receipt.Log, First: 1, Last: 3, Index: 9, At: 5})
	u.say(&protocol.Standing{
		Number: n, Stage: application.UnderReview.String(), Version: k.State.Version + 1, Items: []string{"nid"},
		Question: protocol.Question{SupplyBy: k.Said.SupplyBy, Unanswered: true},
	})
	if k, err := u.UnionCase(n); err != nil || k.Elsewhere || k.Stage != application.UnderReview.String() || !k.State.Unanswered {
		t.Errorf("the case is %+v, elsewhere: %v, %v", k.Where, k.Elsewhere, err)
	}
}

// TestUnionCaseAsItStood: with no hub a decision rests on answers that the case has and on no others, and any
// version is shown as the officer saw it, whatever has come since.
func TestUnionCaseAsItStood(t *testing.T) {
	u := newUnionBox(t)
	u.told(nil)
	n := u.filed(licence, 1, "renewal")
	u.must("salma", n, application.Take, protocol.UnionAct{})
	for _, wrong := range []protocol.UnionAct{
		{Opinion: "approve", Text: "x", Cites: []string{"form.nothing"}},
		{Opinion: "approve", Text: "x", Cites: []string{"capital_taka"}},
		{Opinion: "approve", Text: "x", Cites: []string{"form.capital_taka", "form.capital_taka"}},
	} {
		if _, err := u.act("salma", n, application.Decide, wrong); !errors.Is(err, fault.Invalid) {
			t.Errorf("resting on %q: %v", wrong.Cites, err)
		}
	}
	decided := u.must("salma", n, application.Decide, protocol.UnionAct{Opinion: "approve", Text: "small", Cites: []string{"form.capital_taka", "applicant.mobile"}})
	if _, err := u.act("salma", n, application.Forward, protocol.UnionAct{Cites: []string{"form.capital_taka"}}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a forward that rests on an answer: %v", err)
	}
	u.must("salma", n, application.RequestInfo, protocol.UnionAct{Text: "how much?", Items: []string{"form.capital_taka", "nid"}})
	brought := Supply{Form: []byte(`{"capital_taka":999999}`), Documents: []catalogue.Paper{{ID: "nid", OriginalAtCounter: true}}}
	if _, wrong, err := u.Followups().Supply(context.Background(), u.by("brought", n), brought); err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	u.must("salma", n, application.Decide, protocol.UnionAct{Opinion: "reject", Text: "large", Cites: []string{"form.capital_taka"}})
	u.must("salma", n, application.Forward, protocol.UnionAct{})
	u.restart()
	now, err := u.UnionCase(n)
	if err != nil {
		t.Fatal(err)
	}
	was, err := u.Stood(n, decided.State.Version)
	if err != nil {
		t.Fatal(err)
	}
	last := was.Turns[len(was.Turns)-1]
	if string(was.Submission.Form) != string(decided.Submission.Form) || string(was.Submission.Form) == string(now.Submission.Form) || len(was.Turns) != 3 ||
		last.Action != application.Decide || !slices.Equal(last.Said.Cites, []string{"form.capital_taka", "applicant.mobile"}) {
		t.Errorf("as it was decided the case has %s after %d turns, the last %+v; want %s", was.Submission.Form, len(was.Turns), last, decided.Submission.Form)
	}
	if seen := now.Turns[4]; seen.Brought == nil || !slices.Equal(seen.Brought.Originals, []string{"nid"}) {
		t.Errorf("what the applicant brought is %+v", seen)
	}
	if same, err := u.Stood(n, now.State.Version); err != nil || same.Until != 0 || len(same.Turns) != len(now.Turns) {
		t.Errorf("at its newest version the case is not as it is now: %v", err)
	}
}

// TestUnionAsksUnderALease: without one, with another box's, and once it was taken back nothing is done.
func TestUnionAsksUnderALease(t *testing.T) {
	u := newUnionBox(t)
	n := u.filed(licence, 1, "new")
	u.told(nil)
	u.must("salma", n, application.Take, protocol.UnionAct{})
	ask := protocol.UnionAct{Text: "which?", Items: []string{"nid"}}
	for name, tc := range map[string]struct {
		change func(*protocol.Lease)
		want   fault.Kind
		bar    Bar
	}{
		"allowed, and not given":   {func(l *protocol.Lease) { *l = protocol.Lease{Service: l.Service, Office: l.Office} }, fault.Unavailable, BarNotYet},
		"another box's":            {func(l *protocol.Lease) { l.Slot = "0044" }, fault.Unavailable, BarNotYet},
		"not before the one ended": {func(l *protocol.Lease) { l.From = l.Until }, fault.Unavailable, BarNotYet},
		"taken back":               {func(l *protocol.Lease) { l.Ended = true }, fault.Denied, BarEnded},
	} {
		u.told(tc.change)
		_, err := u.act("salma", n, application.RequestInfo, ask)
		k, err2 := u.UnionCase(n)
		if !errors.Is(err, tc.want) || err2 != nil || u.Bar(k) != tc.bar || len(u.Offers(k, "salma", Seat(&protocol.User{Post: "secretary", Office: unionOffice}))) != 0 {
			t.Errorf("%s: %v, and the bar %q; want %v and %q, and nothing offered", name, err, u.Bar(k), tc.want, tc.bar)
		}
	}
	u.told(nil)
	log := u.must("salma", n, application.RequestInfo, ask).Receipt.Log
	u.d.Say(t, protocol.Accepted, &protocol.Acceptance{Log: log, First: 1, Last: 3, Index: 9, At: 5})
	u.say(&protocol.Standing{Number: n, Stage: application.UnderReview.String(), Version: 9})
	if k, err := u.UnionCase(n); err != nil || u.Bar(k) != BarElsewhere {
		t.Errorf("the hub has taken the case up, and the bar is %q, %v", u.Bar(k), err)
	}
}

// TestTasksComeFromAnIndex: the desks list what waits there, filed before the lease was told or after, by
// the day it is due, until the hub ends it; built again, the index says the same.
func TestTasksComeFromAnIndex(t *testing.T) {
	u := newUnionBox(t)
	first := u.filed(licence, 1, "new")
	for seed := range uint64(5) {
		u.filed(service, 10+seed, "")
	}
	if got := u.at(""); len(got) != 0 {
		t.Errorf("before the lease was told there wait %v", got)
	}
	u.told(nil)
	u.ahead.Store(4)
	second := u.filed(licence, 2, "renewal")
	u.ahead.Store(8)
	third := u.filed(licence, 3, "new")
	u.must("salma", second, application.Take, protocol.UnionAct{})
	u.must("salma", second, application.Decide, protocol.UnionAct{Opinion: "approve", Text: "in order"})
	u.must("salma", second, application.Forward, protocol.UnionAct{})
	want := func(when string, post string, list ...protocol.Number) {
		t.Helper()
		if got := u.at(post); !slices.Equal(got, list) {
			t.Errorf("%s, at the desk of %q: %v; want %v", when, post, got, list)
		}
	}
	want("forwarded", "secretary", first, third)
	want("forwarded", "chairman", second)
	want("forwarded", "", first, second, third)
	u.say(&protocol.Standing{Number: third, Stage: application.Withdrawn.String(), Version: 2})
	entries, err := u.atDesks()
	if err != nil || !slices.Contains(entries, first) || slices.Contains(entries, third) {
		t.Errorf("the index has %v, %v; want all but the one that the hub has ended", entries, err)
	}
	u.stop()
	if err := os.RemoveAll(filepath.Join(u.dir, "index")); err != nil {
		t.Fatal(err)
	}
	u.start()
	waitFor(t, "the index", func() bool { _, err := u.atDesks(); return err == nil })
	want("built again", "secretary", first)
	want("built again", "chairman", second)
}

// shownVisit is a release in which the visit has to be shown by a picture.
func shownVisit(t *testing.T, d *nodetest.District) *dcat.Set {
	t.Helper()
	raw, err := fs.ReadFile(bd.Pack(), "services/"+licence+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), "{id: site-visit, ", "{id: site-visit, document: true, ", 1)
	set, err := catalogue.Build(fstest.MapFS{"services/" + licence + ".yaml": {Data: []byte(text)}}, d.Set, nodetest.Start.Add(time.Hour))
	if err != nil || text == string(raw) {
		t.Fatal(err)
	}
	return set
}

// TestUnionsCheckByAScan: a check that wants a document is done with one that lies in the box's own cabinet;
// it is sent to the hub with the case's, and the same request gets the same answer.
func TestUnionsCheckByAScan(t *testing.T) {
	u := newUnionBox(t)
	set := shownVisit(t, u.d)
	u.d.Publish(t, set, u.d.Set)
	u.d.Set = set
	u.deliver(u.d.Catalogue)
	waitFor(t, "the release", func() bool { return releaseOf(u.counter) == 2 })
	u.told(nil)
	n := u.filed(licence, 1, "new")
	for _, a := range []application.Action{application.Take, application.Decide, application.Forward} {
		said := protocol.UnionAct{}
		if a == application.Decide {
			said = protocol.UnionAct{Opinion: "approve", Text: "in order"}
		}
		u.must("salma", n, a, said)
	}
	u.must("imran", n, application.Take, protocol.UnionAct{})
	visit := protocol.UnionAct{Check: "site-visit", Text: "seen"}
	if _, err := u.act("imran", n, application.Check, visit); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a scan: %v", err)
	}
	if _, err := u.shown("imran", n, application.Check, visit, strings.Repeat("0", 64)); !errors.Is(err, fault.NotFound) {
		t.Errorf("with one that is not here: %v", err)
	}
	scan := u.upload(scanned(3))
	k, err := u.shown("imran", n, application.Check, visit, scan.String())
	if err != nil || !k.State.Done.Has(k.Version.Check("site-visit")) || k.Turns[len(k.Turns)-1].Said.Document.Hash != scan {
		t.Fatalf("with one: %v", err)
	}
	if list, err := u.Pending(); err != nil || len(list) != 1 || list[0].Hash != scan {
		t.Errorf("to be sent: %v, %v", list, err)
	}
	again := Act{User: "imran", Key: strconv.Itoa(u.tries), Number: n, Expect: k.State.Version - 1, Action: application.Check, Said: visit, Scan: scan.String()}
	if was, err := u.Act(context.Background(), again); err != nil || was.State.Version != k.State.Version {
		t.Errorf("again: %v", err)
	}
	again.Scan = u.upload(scanned(4)).String()
	if _, err := u.Act(context.Background(), again); !errors.Is(err, fault.Conflict) {
		t.Errorf("another scan under the same key: %v", err)
	}
	u.must("imran", n, application.Decide, protocol.UnionAct{Opinion: "approve", Text: "seen"})
	u.must("imran", n, application.Forward, protocol.UnionAct{})
}
