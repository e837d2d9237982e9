package register

import (
	"slices"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// copyFee is what the copy of a record costs.
const copyFee = 14_000

// landCopy is the certified copy of a land record: a scan before the first desk
// lets go, a fee after the approval, a copy that is signed and handed over, an appeal.
func landCopy(t testing.TB) *dcat.Version {
	t.Helper()
	v := version(t, "land-record-copy", 1, "secretary", "chairman")
	v.Checks = []dcat.Check{{ID: "record-scan", Name: place.Name{BN: "স্ক্যান", EN: "Scan"}, Document: true}}
	v.Steps[0].Checks = []string{"record-scan"}
	v.Fees = []dcat.Fee{{Kind: dcat.Government, Poisha: copyFee, At: dcat.AfterApproval}}
	v.Procedure = &dcat.Procedure{
		FeeDays: 30,
		Issue: &dcat.Issue{
			Post: "chairman", OfficeLevel: "local", Name: place.Name{BN: "স্বাক্ষর", EN: "Sign"}, Days: 3,
			Modes: []dcat.Mode{dcat.ByCentre, dcat.ByPost}, Checks: []string{"record-scan"}, CloseDays: 7,
		},
		Appeals: []dcat.Appeal{{Post: "uno", OfficeLevel: "upazila", Name: place.Name{BN: "আপিল", EN: "Appeal"}, Days: 30, SLADays: 10}},
	}
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return v
}

// dhakaOffset is the civil time of the entries of these tests.
const dhakaOffset = 6 * 3600

// office settles a town whose desks may do everything that a post can.
func office(t testing.TB) (*town, *box) {
	t.Helper()
	w := newTown(t, newMemory(), newMemory()).settle()
	w.publish(2, fullDirectory(), licence(t), landCopy(t))
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "uno-officer", Role: access.Officer, Seat: place.Seat{Post: "uno", Office: "upazila-41-09"}, Hash: hash1, From: 1,
	}))
	w.enrol("41-09-23")
	return w, w.enrol("41-09-17")
}

// fullDirectory is the district with posts that may do what their kind does, and
// superiors above them.
func fullDirectory() *place.Directory {
	dir := directory("41-09-17", "41-09-23")
	dir.Calendar = &place.Calendar{Weekend: []string{"Friday", "Saturday"}}
	for i := range dir.Posts {
		dir.Posts[i].Acts = append(dir.Posts[i].Acts, place.ActReturn, place.ActRequestInfo, place.ActSign)
	}
	for i, above := range map[string]string{"secretary": "chairman", "chairman": "uno"} {
		p := slices.IndexFunc(dir.Posts, func(x place.Post) bool { return x.Code == i })
		dir.Posts[p].Superior = above
	}
	return dir
}

// since applies entries as they come days later.
func since(w *town, days int) { w.at += int64(days) * 24 * time.Hour.Milliseconds() }

// officer does one act after another on a case, each on its newest version.
func (w *town) officer(n protocol.Number, who string, m Method, a Act) Result {
	w.t.Helper()
	c, err := w.first().Case(n)
	if err != nil {
		w.t.Fatal(err)
	}
	return entry(w, act(who, m, n, c.State.Version, a))
}

// entry is do, in the offices' civil time.
func entry(w *town, c Command) Result {
	w.ids++
	c.ID = "act-" + string(rune('a'+w.ids%26)) + time.Duration(w.ids).String()
	return w.apply(&Entry{Offset: dhakaOffset, Commands: []Command{c}}).Results[0]
}

func (w *town) worked(n protocol.Number, who string, m Method, a Act) {
	w.t.Helper()
	if res := w.officer(n, who, m, a); res.Fault != nil {
		w.t.Fatalf("%s by %s: %v", m, who, res.Fault.Err())
	}
}

// tick does what is due.
func tick(w *town) {
	w.t.Helper()
	for range 5 {
		due, err := w.first().Waiting(w.at / 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(due) == 0 {
			return
		}
		if res := entry(w, NewCommand("", ActorHub, Tick, &Due{Numbers: due})); res.Fault != nil {
			w.t.Fatal(res.Fault.Err())
		}
	}
}

// send brings a centre's event on a case.
func (b *box) send(kind protocol.Kind, n protocol.Number, at int64, payload any) {
	b.town.t.Helper()
	e := &protocol.Event{Kind: kind, At: at, Actor: "rahima", Number: n, Payload: protocol.Marshal(payload)}
	b.add(e)
	in := b.ingest(len(b.events), len(b.events))
	if f := b.town.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
		b.town.t.Fatal(f.Err())
	}
}

// filed files one application whose answers come to what is found.
func (b *box) filed(v *dcat.Version, nonce uint64, found Finding) protocol.Number {
	b.town.t.Helper()
	n := b.submit(v, nonce)
	in := b.ingest(len(b.events), len(b.events))
	found.Seq = uint64(len(b.events))
	in.Findings = []Finding{found}
	if f := b.town.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
		b.town.t.Fatal(f.Err())
	}
	return n
}

func (w *town) stage(n protocol.Number, want application.Stage) *Case {
	w.t.Helper()
	c, err := w.first().Case(n)
	if err != nil || c.State.Stage != want {
		w.t.Fatalf("the case is %+v, %v; want it %v", c.State, err, want)
	}
	st, _, err := w.first().Standing(n)
	if err != nil || c.Primary == 0 && st.Stage != c.State.Stage.String() {
		w.t.Fatalf("the citizen reads %v, %v; the officer %v (I7)", st.Stage, err, c.State.Stage)
	}
	return c
}

var scan = &protocol.Document{Kind: "record-scan", Hash: protocol.Hash{9}, Size: 1000, Type: 2}

// approved takes a land copy up to its demand.
func approved(w *town, n protocol.Number) {
	w.t.Helper()
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "the record is there"})
	w.worked(n, "anna", Forward, Act{})
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", Decide, Act{Opinion: application.ForApproval, Text: "right"})
	w.worked(n, "chair", Approve, Act{})
}

var copyDue = Finding{Issue: copyFee, Mode: dcat.ByCentre}

func cash(poisha int64) *protocol.Payment {
	return &protocol.Payment{Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: poisha}, {Kind: "service_charge", Poisha: 500}}}
}

// TestLandCopy is flow A from the receipt to the closed case.
func TestLandCopy(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "x"})
	wantFault(t, "forward without the scan", w.officer(n, "anna", Forward, Act{}).Fault, fault.Conflict)
	wantFault(t, "a check without its document", w.officer(n, "anna", Check, Act{Check: "record-scan"}).Fault, fault.Invalid)
	wantFault(t, "a check that nobody declared", w.officer(n, "anna", Check, Act{Check: "x", Document: scan}).Fault, fault.Invalid)
	w.worked(n, "anna", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "anna", Forward, Act{})
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", Decide, Act{Opinion: application.ForApproval, Text: "right"})
	w.worked(n, "chair", Approve, Act{})
	c := w.stage(n, application.FeeDue)
	if got := time.Unix(c.State.PayBy, 0).UTC().Add(dhakaOffset * time.Second).Format(time.DateTime); c.State.Owed != copyFee || got[11:] != "23:59:59" {
		t.Fatalf("owed %d until %s", c.State.Owed, got)
	}
	wantFault(t, "issue before the money (I2)", w.officer(n, "chair", Issue, Act{}).Fault, fault.Conflict)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	c = w.stage(n, application.InPreparation)
	if c.State.Promised == 0 || c.Due != c.State.Promised || c.State.Seat.Post != "chairman" {
		t.Fatalf("in preparation: %+v", c)
	}
	w.worked(n, "chair", Issue, Act{})
	if c := w.stage(n, application.Ready); c.State.Issued != 1 {
		t.Fatalf("issued %d", c.State.Issued)
	}
	wantFault(t, "by post, which nobody asked for", w.officer(n, "chair", Dispatch, Act{Text: "RR1"}).Fault, fault.Conflict)
	b.send(protocol.HandedOver, n, w.at, &protocol.HandOver{Proof: "nid"})
	w.stage(n, application.Delivered)
	tick(w)
	w.stage(n, application.Delivered)
	since(w, 9)
	tick(w)
	w.stage(n, application.Closed)
	if s := w.first().Stats(); s.Followed != 2 || s.Items != 0 {
		t.Errorf("stats = %+v", s)
	}
	w.agree()
}

// TestRow16LapseIsCompensated: lapsed on day 31, a payment of day 29 syncs on day 40.
func TestRow16LapseIsCompensated(t *testing.T) {
	w, b := office(t)
	n, late := b.filed(landCopy(t), 1, copyDue), b.filed(landCopy(t), 2, copyDue)
	approved(w, n)
	approved(w, late)
	since(w, 29)
	paid := w.at
	tick(w)
	w.stage(n, application.FeeDue)
	since(w, 2)
	tick(w)
	c := w.stage(n, application.FeeLapsed)
	if c.State.PayBy >= w.at/1000 {
		t.Fatal("lapsed before its term")
	}
	owed := Debt{c}.Demand()
	if owed == nil || !owed.Lapsed || owed.Owed != copyFee || owed.PayBy != c.State.PayBy || owed.For != protocol.ForIssue || c.History[owed.Version-1].Action != application.Demand {
		t.Errorf("the demand is %+v", owed)
	}
	since(w, 9)
	b.send(protocol.PaymentTaken, n, paid, cash(copyFee))
	w.stage(n, application.InPreparation)
	b.send(protocol.PaymentTaken, late, w.at, cash(copyFee))
	w.stage(late, application.FeeLapsed)
	items, err := w.first().Items(late)
	if err != nil || len(items) != 1 || items[0].Kind != ItemLate || items[0].Amount != copyFee || items[0].Outcome != "" {
		t.Fatalf("items = %+v, %v", items, err)
	}
	w.agree()
}

// TestRow15PaidTwice: both payments are kept, the second is an item with one outcome.
func TestRow15PaidTwice(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	approved(w, n)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	if c := w.stage(n, application.InPreparation); (Debt{c}).Demand() != nil {
		t.Error("something is owed still")
	}
	items, err := w.first().Items(n)
	if err != nil || len(items) != 1 || items[0].Kind != ItemOverpayment || items[0].Amount != copyFee || items[0].Owner.Post != "chairman" || items[0].Deadline == 0 {
		t.Fatalf("items = %+v, %v", items, err)
	}
	settle := func(who, outcome string) Result {
		c := NewCommand("", who, Settle, &Settlement{Item: items[0].ID, Outcome: outcome, Text: "paid back in cash"})
		c.Number = n
		return entry(w, c)
	}
	wantFault(t, "by another desk", settle("far", "refund").Fault, fault.Denied)
	wantFault(t, "no outcome", settle("chair", "kept").Fault, fault.Invalid)
	if f := settle("chair", "refund").Fault; f != nil {
		t.Fatal(f.Err())
	}
	wantFault(t, "a second outcome (I11)", settle("chair", "credit").Fault, fault.Conflict)
	open := 0
	if err := w.first().OpenItems(func(*Item) error { open++; return nil }); err != nil || open != 0 {
		t.Errorf("%d items are open, %v", open, err)
	}
	var told []string
	for _, e := range w.inboxOf("41-09-17") {
		var a protocol.Aside
		if e.Kind == protocol.SetAside && e.Decode(&a) == nil {
			told = append(told, a.Kind+" "+a.Outcome)
		}
	}
	if !slices.Equal(told, []string{"overpayment ", "overpayment refund"}) {
		t.Errorf("the centre was told %q", told)
	}
	w.agree()
}

// TestRow12WithdrawnAndApproved: the first in the log wins; a withdrawal that comes
// after the approval is an item.
func TestRow12WithdrawnAndApproved(t *testing.T) {
	w, b := office(t)
	n, early := b.filed(landCopy(t), 1, copyDue), b.filed(landCopy(t), 2, copyDue)
	dated := w.at
	approved(w, n)
	b.send(protocol.Withdrawn, n, dated, &protocol.Withdrawal{Reason: "not needed"})
	w.stage(n, application.FeeDue)
	if items, err := w.first().Items(n); err != nil || len(items) != 1 || items[0].Kind != ItemWithdrawal {
		t.Fatalf("items = %+v, %v", items, err)
	}
	b.send(protocol.Withdrawn, early, w.at, &protocol.Withdrawal{Reason: "not needed"})
	w.stage(early, application.Withdrawn)
	wantFault(t, "take what is withdrawn (I6)", w.officer(early, "anna", Take, Act{}).Fault, fault.Conflict)
}

// TestClockStopsForTheCitizen: what an officer asks for stops the clock, and only
// what was asked for starts it again.
func TestClockStopsForTheCitizen(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	w.worked(n, "anna", Take, Act{})
	due := w.stage(n, application.UnderReview).Due
	wantFault(t, "nothing named", w.officer(n, "anna", RequestInfo, Act{Text: "why"}).Fault, fault.Invalid)
	wantFault(t, "no reason", w.officer(n, "anna", RequestInfo, Act{Items: []string{"nid"}}).Fault, fault.Invalid)
	w.worked(n, "anna", RequestInfo, Act{Items: []string{"nid", "form.mouza"}, Text: "the card can't be read"})
	w.stage(n, application.InfoRequested)
	if st, _, err := w.first().Standing(n); err != nil || !slices.Equal(st.Items, []string{"nid", "form.mouza"}) || st.Reason != "the card can't be read" {
		t.Fatalf("the citizen reads %+v, %v", st, err)
	}
	since(w, 14)
	tick(w)
	if c := w.stage(n, application.InfoRequested); c.State.Late != 0 {
		t.Fatal("the office is blamed for the citizen's delay")
	}
	b.send(protocol.Supplied, n, w.at, &protocol.Supplement{Originals: []string{"passport"}})
	w.stage(n, application.InfoRequested)
	b.send(protocol.Supplied, n, w.at, &protocol.Supplement{Originals: []string{"nid"}})
	if c := w.stage(n, application.InfoRequested); c.State.Asked != "form.mouza" {
		t.Fatalf("still asked for: %q", c.State.Asked)
	}
	b.send(protocol.Supplied, n, w.at, &protocol.Supplement{Form: []byte(`{"mouza":"Khajura"}`)})
	c := w.stage(n, application.UnderReview)
	if days := float64(c.Due-due) / 86400; days < 13 || days > 15 || c.State.Holder != "anna" {
		t.Errorf("the due date moved by %.1f days for 14 days of waiting", days)
	}
	if items, err := w.first().Items(n); err != nil || len(items) != 1 || items[0].Kind != ItemSupplement {
		t.Errorf("items = %+v, %v", items, err)
	}
}

// TestOverdueGoesUp: an overdue task is seen by the superior, then by his, and a
// superior may take it.
func TestOverdueGoesUp(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	w.worked(n, "anna", Take, Act{})
	wantFault(t, "the superior before it is due", w.officer(n, "chair", Take, Act{}).Fault, fault.Denied)
	since(w, 8)
	tick(w)
	c := w.stage(n, application.UnderReview)
	if c.State.Above.Post != "chairman" || c.State.Holder != "anna" {
		t.Fatalf("it went up to %+v", c.State)
	}
	tasks := func(seat place.Seat) int {
		list, _, err := w.first().Tasks(TaskQuery{Office: seat.Office, Post: seat.Post})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if tasks(c.State.Seat) != 1 || tasks(c.State.Above) != 1 {
		t.Fatal("it is not on both lists")
	}
	since(w, 4)
	tick(w)
	if c = w.stage(n, application.UnderReview); c.State.Above.Post != "uno" || c.State.Late != 2 {
		t.Fatalf("then to %+v", c.State)
	}
	if st, _, err := w.first().Standing(n); err != nil || !st.Overdue {
		t.Errorf("the citizen can't see that it is overdue: %+v, %v", st, err)
	}
	w.worked(n, "uno-officer", Take, Act{})
	c = w.stage(n, application.UnderReview)
	if c.State.Holder != "uno-officer" || c.State.Seat.Post != "uno" || tasks(place.Seat{Post: "secretary", Office: "local-41-09-17"}) != 0 {
		t.Fatalf("taken: %+v", c.State)
	}
	wantFault(t, "who had it before", w.officer(n, "anna", Note, Act{Text: "x"}).Fault, fault.Denied)
	w.worked(n, "uno-officer", Note, Act{Text: "the record is here now"})
	wantFault(t, "given back without a word", w.officer(n, "uno-officer", HandBack, Act{}).Fault, fault.Invalid)
	w.worked(n, "uno-officer", HandBack, Act{Text: "go on"})
	c = w.stage(n, application.Received)
	if c.State.Seat != (place.Seat{Post: "secretary", Office: "local-41-09-17"}) || c.State.Holder != "" || tasks(c.State.Seat) != 1 || tasks(place.Seat{Post: "uno", Office: "upazila-41-09"}) != 0 {
		t.Fatalf("given back: %+v", c.State)
	}
	if h := c.History; h[len(h)-2].Text != "the record is here now" || h[len(h)-1].Actor != "uno-officer" || h[len(h)-1].Text != "go on" {
		t.Errorf("the case says %+v", h[len(h)-2:])
	}
	wantFault(t, "the superior afterwards", w.officer(n, "uno-officer", Note, Act{Text: "x"}).Fault, fault.Denied)
	w.worked(n, "anna", Take, Act{})
	wantFault(t, "given back by who has it", w.officer(n, "anna", HandBack, Act{Text: "x"}).Fault, fault.Conflict)
	since(w, 4)
	tick(w)
	if c = w.stage(n, application.UnderReview); c.State.Above == (place.Seat{}) || c.State.Late < 3 {
		t.Errorf("left lying, it goes up no more: %+v", c.State)
	}
	verified(w)
	w.agree()
}

// TestReturnDuplicateAppeal are the other ways out of a desk.
func TestReturnDuplicateAppeal(t *testing.T) {
	w, b := office(t)
	v := landCopy(t)
	n, twin := b.filed(v, 1, copyDue), b.filed(v, 2, copyDue)
	w.worked(n, "anna", Take, Act{})
	wantFault(t, "return from the first desk", w.officer(n, "anna", Return, Act{Text: "x"}).Fault, fault.Conflict)
	w.worked(n, "anna", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "x"})
	w.worked(n, "anna", Forward, Act{})
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", Return, Act{Text: "the scan is of another page"})
	c := w.stage(n, application.Received)
	if c.State.Step != 0 || c.State.Seat.Post != "secretary" || c.State.Returns != 1 {
		t.Fatalf("returned: %+v", c.State)
	}
	wantFault(t, "itself", w.officer(twin, "anna", Link, Act{Primary: twin, Text: "x"}).Fault, fault.Invalid)
	wantFault(t, "nothing", w.officer(twin, "anna", Link, Act{Primary: 7, Text: "x"}).Fault, fault.Invalid)
	w.worked(twin, "anna", Link, Act{Primary: n, Text: "the same khatian"})
	w.stage(twin, application.Duplicate)
	w.worked(n, "anna", Take, Act{})
	for _, number := range []protocol.Number{n, twin} {
		if st, _, err := w.first().Standing(number); err != nil || st.Stage != "UNDER_REVIEW" || st.Number != number {
			t.Errorf("both numbers lead to the primary: %+v, %v", st, err)
		}
	}
	w.worked(n, "anna", Decide, Act{Opinion: application.ForRejection, Text: "x"})
	w.worked(n, "anna", Forward, Act{})
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", Decide, Act{Opinion: application.ForRejection, Text: "x"})
	w.worked(n, "chair", Reject, Act{Text: "no such record", Reason: "not-found"})
	wantFault(t, "appeal to himself", w.officer(n, "chair", Appeal, Act{Text: "x"}).Fault, fault.Denied)
	since(w, 20)
	w.worked(n, "uno-officer", Appeal, Act{Text: "the applicant says that it is in volume 12"})
	c = w.stage(n, application.UnderReview)
	if c.State.Holder != "uno-officer" || c.State.Appeals != 1 || c.Due == 0 {
		t.Fatalf("on appeal: %+v", c)
	}
	wantFault(t, "without a decision of his own", w.officer(n, "uno-officer", Approve, Act{}).Fault, fault.Conflict)
	w.worked(n, "uno-officer", Decide, Act{Opinion: application.ForApproval, Text: "x"})
	w.worked(n, "uno-officer", Approve, Act{})
	w.stage(n, application.FeeDue)
	w.agree()
}

// TestFollowUpsComeOnce: an event on a case that stands again as recovered is
// applied once, whichever way it comes first.
func TestFollowUpsComeOnce(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	approved(w, n)
	before := len(b.events)
	b.add(&protocol.Event{Kind: protocol.PaymentTaken, At: w.at, Actor: "rahima", Number: n, Payload: protocol.Marshal(cash(copyFee))})
	spare := b.next(9, b.slot, 1)
	spare.recover(b, before+1)
	w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{spare.ingest(1, 1)}})
	w.stage(n, application.InPreparation)
	w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{b.ingest(before+1, before+1)}})
	w.stage(n, application.InPreparation)
	if s := w.first().Stats(); s.Items != 0 || s.Again != 1 || s.Followed != 1 {
		t.Errorf("stats = %+v", s)
	}
	b.send(protocol.PaymentTaken, 4100109292280148, w.at, cash(1))
	if s := w.first().Stats(); s.Accepted != s.Cases+s.Again+s.Unreadable+s.Quarantined+s.Followed {
		t.Errorf("an event is counted nowhere: %+v", s)
	}
	w.agree()
}

// TestByPost: what was asked for by post is posted, comes back, and is fetched.
func TestByPost(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, Finding{Issue: copyFee, Mode: dcat.ByPost})
	approved(w, n)
	wantFault(t, "a delivery date before the payment", w.officer(n, "chair", Prepare, Act{Until: w.at/1000 + 86400}).Fault, fault.Conflict)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	wantFault(t, "a date that is past", w.officer(n, "chair", Prepare, Act{Until: 1}).Fault, fault.Invalid)
	w.worked(n, "chair", Prepare, Act{Until: w.at/1000 + 9*86400})
	if st, _, err := w.first().Standing(n); err != nil || st.Expected != w.stage(n, application.InPreparation).State.Promised {
		t.Errorf("the citizen expects it %+v, %v", st, err)
	}
	w.worked(n, "chair", Issue, Act{})
	wantFault(t, "no article number", w.officer(n, "chair", Dispatch, Act{}).Fault, fault.Invalid)
	w.worked(n, "chair", Dispatch, Act{Text: "RR123456789BD"})
	w.stage(n, application.Posted)
	w.worked(n, "chair", ComeBack, Act{Text: "not known there"})
	w.stage(n, application.Returned)
	w.worked(n, "chair", HandOver, Act{Text: "fetched, NID"})
	w.stage(n, application.Delivered)
	w.worked(n, "chair", Close, Act{})
	w.stage(n, application.Closed)
}
