package desk

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/hub/register"
	"kendro/identity"
	"kendro/protocol"
	"kendro/web/api"
)

// unsettled is the conflict desk as somebody's call has it.
func (o screens) unsettled(user, scope string) []api.Item {
	o.t.Helper()
	w := o.call(user, "GET", "/v1/items?scope="+scope, "")
	var list api.ItemList
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != http.StatusOK {
		o.t.Fatalf("%s: got %d, %v", user, w.Code, err)
	}
	return list.Items
}

func kindsOf(list []api.Item) (kinds []string) {
	for _, it := range list {
		kinds = append(kinds, it.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

// late lets days pass.
func (o screens) late(days int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at += int64(days) * 24 * time.Hour.Milliseconds()
}

// news is an event on a case, as its centre sends it.
func news(kind protocol.Kind, n protocol.Number, payload any) *protocol.Event {
	return &protocol.Event{Kind: kind, At: dawn, Actor: "rahima", Number: n, Payload: protocol.Marshal(payload)}
}

// ghost puts a version of the service into force whose first desk no office has.
func (o screens) ghost() {
	o.t.Helper()
	o.stepsOf(service, func(steps []dcat.Step) { steps[0].Post = "ghost" })
}

// stepsOf puts a version of a service into force that has other steps.
func (o screens) stepsOf(id string, change func([]dcat.Step)) {
	o.t.Helper()
	now, ok := o.set.Current(id)
	if !ok {
		o.t.Fatalf("the pack lacks %s", id)
	}
	v := *now
	v.Steps = slices.Clone(v.Steps)
	change(v.Steps)
	o.must("root", register.Publish, parcels(releaseOf(o.t, o.office, &v))[0])
	o.set = o.reg.Set()
	var err error
	if o.intake, err = catalogue.NewIntake(o.set); err != nil {
		o.t.Fatal(err)
	}
}

// TestConflictDeskListsEachKind: whatever of one district's collisions is
// unresolved stands on the desk of its owner, and says what to do and what the
// citizen is told (DOMAIN §7); what was due comes first.
func TestConflictDeskListsEachKind(t *testing.T) {
	o := screens{newOffice(t)}
	o.scans = []protocol.Document{{Kind: "nid", Hash: protocol.Hash{7}, Size: 9, Type: 1}}
	missing := o.file(1) // Row 22: its scan does not come.
	o.scans = nil
	paid := o.landCopy(2, "counter")
	o.toFeeDue(paid)
	o.send(news(protocol.PaymentTaken, paid, &protocol.Payment{Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: 50000}}})) // Row 15.
	o.send(news(protocol.Withdrawn, paid, &protocol.Withdrawal{Reason: "আর লাগবে না"}))                                                                // Row 12.
	o.send(news(protocol.Supplied, paid, &protocol.Supplement{Originals: []string{"nid"}}))
	o.send(news(protocol.HandedOver, missing, &protocol.HandOver{Proof: "nid"}))
	o.send(news(protocol.Withdrawn, 4100_0000_0000_0001, &protocol.Withdrawal{}))
	o.send(&protocol.Event{Kind: 19, At: dawn, Actor: "rahima", Payload: []byte{0xa0}})
	o.ingest(news(protocol.Withdrawn, paid, &protocol.Withdrawal{}), register.Ingest{Quarantine: "the block does not open"})
	o.services, o.answers = "", nil
	again := o.seq // Row 4: a twin of the box mints the same numbers.
	o.file(1)
	o.scans = nil
	first := o.file(5)
	twin := o.twin(6, first) // Rows 2 and 34: one person comes again for the same.
	o.file(20_000)           // Row 6: its counter's clock is ahead by days.
	o.ghost()
	unrouted := o.file(3)
	o.late(3)
	want := []string{"clock-off", "document-missing", "handed-over-early", "late-withdrawal", "likely-person", "likely-person", "no-case", "number-twice", "overpayment", "unasked", "unopened-block", "unreadable", "unrouted"}
	var all []api.Item
	for _, user := range []string{"anna", "rokeya", "dc", o.overseer()} {
		all = append(all, o.unsettled(user, "mine")...)
	}
	if got := kindsOf(all); !slices.Equal(got, want) {
		t.Errorf("the desks list %v after %d events; want %v", got, again, want)
	}
	for _, it := range all {
		if it.Name.BN == "" || it.Do.BN == "" || it.Says.BN == "" || it.Owner == "" || it.Centre == "" {
			t.Errorf("%s lacks words, an owner or its centre: %+v", it.Kind, it)
		}
		if it.Due == nil || len(it.Outcomes) == 0 {
			t.Errorf("%s has no deadline, or nothing may come of it", it.Kind)
		}
		if it.Kind == "likely-person" && it.Number == twin != strings.Contains(it.Text, first.Spaced()) { // The other came with the twin of the box.
			t.Errorf("it is %v's: %s", it.Number, it.Text)
		}
	}
	if got := o.unsettled("anna", "mine"); slices.ContainsFunc(got, func(it api.Item) bool { return it.Number == paid }) {
		t.Error("an officer sees the item of another office")
	}
	if got := kindsOf(o.unsettled("audit", "office")); len(got) != len(want)-2 { // Persons who are alike are found at their own desk.
		t.Errorf("the auditor sees %v", got)
	}
	// What is overdue comes first, and the queue of R-CH5 empties itself once there is a desk.
	o.late(30)
	list := o.unsettled("dc", "mine")
	if len(list) == 0 || !list[0].Overdue || list[0].Due == nil {
		t.Errorf("the first is %+v; want what is overdue", list)
	}
	sorted := slices.IsSortedFunc(list, func(a, b api.Item) int {
		return int(dueUnix(a)/86400 - dueUnix(b)/86400)
	})
	if !sorted || !slices.ContainsFunc(list, func(it api.Item) bool { return it.Number == unrouted }) {
		t.Errorf("got %+v", list)
	}
	o.endsOnThePage(all)
	if got := o.silentDrops(); got != "0" {
		t.Errorf("kendro_silent_drops %s in a district of collisions; want 0", got)
	}
}

// endsOnThePage has each owner settle, on the page, what is no case's item: it leaves the desk,
// and what came of it stays readable.
func (o screens) endsOnThePage(all []api.Item) {
	o.t.Helper()
	seats, first := map[string]string{}, ""
	for _, user := range []string{"dc", "nirbahi", "anna"} {
		u, err := o.reg.User(user)
		if err != nil {
			o.t.Fatal(err)
		}
		first = u.Seat.String()
		seats[first] = user
	}
	ended := 0
	for _, it := range all {
		if it.ID[0] >= '0' && it.ID[0] <= '9' {
			continue
		}
		user, path := seats[it.Owner], "/desk/items/"+it.ID
		form := url.Values{"key": {api.NewKey()}, "outcome": {"put-right"}, "text": {"কেন্দ্রের সাথে কথা হয়েছে"}}
		if it.Kind == register.MatterUnrouted {
			if page := o.page(user, "GET", "/desk/items", nil).Body.String(); !strings.Contains(page, `name="to"`) || !strings.Contains(page, first) {
				o.t.Errorf("the page offers no desk: %s", page)
			}
			form.Set("outcome", "routed")
			if w := o.page(user, "POST", path, form); w.Code != http.StatusBadRequest {
				o.t.Errorf("routed nowhere: got %d", w.Code)
			}
			form.Set("to", first)
			form.Set("key", api.NewKey())
		}
		if w := o.page(user, "POST", path, form); w.Code != http.StatusSeeOther {
			o.t.Errorf("%s by %s: got %d: %s", it.Kind, user, w.Code, w.Body)
		}
		form.Set("key", api.NewKey())
		if w := o.page(user, "POST", path, form); w.Code != http.StatusNotFound {
			o.t.Errorf("%s again: got %d", it.Kind, w.Code)
		}
		ended++
	}
	for _, user := range seats {
		for _, it := range o.unsettled(user, "mine") {
			if it.ID[0] < '0' || it.ID[0] > '9' {
				o.t.Errorf("%s is still there", it.ID)
			}
		}
	}
	var list api.ItemList
	w := o.call("audit", "GET", "/v1/items?scope=office&ended=true", "")
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Items) != ended || ended == 0 || list.Items[0].Words == "" || list.Items[0].SettledBy == "" {
		o.t.Errorf("%d were settled; got %s, %v", ended, w.Body, err)
	}
}

// TestConflictDeskSettles: an item is settled on the page, once.
func TestConflictDeskSettles(t *testing.T) {
	o := screens{newOffice(t)}
	n := o.landCopy(1, "counter")
	o.toFeeDue(n)
	o.send(news(protocol.PaymentTaken, n, &protocol.Payment{Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: 50000}}}))
	if c, err := o.reg.Case(n); err != nil || c.State.Stage != application.InPreparation {
		t.Fatalf("got %v, %v", c.State.Stage, err)
	}
	id := o.unsettled("rokeya", "mine")[0].ID
	page := o.page("rokeya", "GET", "/desk/items", nil).Body.String()
	for _, want := range []string{"বেশি টাকা জমা হয়েছে", "৳ ৩০০", "করণীয়", "আবেদনকারীকে যা বলবেন", n.Bangla(), `value="refund"`, "পাওনার চেয়ে বেশি টাকা জমা হয়েছে।", `lang="en">more was paid than was owed`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	form := url.Values{"key": {api.NewKey()}, "outcome": {"refund"}, "text": {" "}}
	if w := o.page("rokeya", "POST", "/desk/items/"+id, form); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `value="refund" checked`) {
		t.Errorf("without words: got %d", w.Code)
	}
	form.Set("text", "কেন্দ্র থেকে ৩০০ টাকা ফেরত নিন")
	form.Set("key", api.NewKey())
	if w := o.page("kamal", "POST", "/desk/items/"+id, form); w.Code != http.StatusForbidden {
		t.Errorf("a colleague settles it: got %d", w.Code)
	}
	if w := o.page("rokeya", "POST", "/desk/items/"+id, form); w.Code != http.StatusSeeOther {
		t.Fatalf("settle: got %d: %s", w.Code, w.Body)
	}
	left := o.unsettled("rokeya", "mine") // What is owed back, to be paid by a voucher; the record room has no accounts post.
	if len(left) != 1 || left[0].Kind != register.ItemRefundOwed || left[0].Poisha != 30000 || left[0].Of != register.ItemOverpayment {
		t.Fatalf("owed back: %+v", left)
	}
	if page := o.page("", "GET", "/track?number="+n.String(), nil).Body.String(); !strings.Contains(page, "আপনি ফেরত পাবেন") || !strings.Contains(page, "৳ ৩০০") {
		t.Error("the citizen does not read that he gets money back")
	}
	back := url.Values{"key": {api.NewKey()}, "outcome": {"refund"}, "text": {"হাতে দেওয়া হয়েছে"}}
	if w := o.page("rokeya", "POST", "/desk/items/"+left[0].ID, back); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `name="voucher"`) {
		t.Errorf("without a voucher: got %d", w.Code)
	}
	back.Set("key", api.NewKey())
	back.Set("voucher", "ভি-১৭")
	back.Set("paid_on", o.now().In(api.Dhaka()).Format(time.DateOnly))
	if w := o.page("rokeya", "POST", "/desk/items/"+left[0].ID, back); w.Code != http.StatusSeeOther {
		t.Fatalf("paid back: got %d: %s", w.Code, w.Body)
	}
	if page := o.shown("rokeya", n); !strings.Contains(page, "ফেরত দেওয়া হয়েছে") || strings.Contains(page, "ফেরত দিতে হবে") {
		t.Error("the case does not say that it was paid back")
	}
	if left := o.unsettled("rokeya", "mine"); len(left) != 0 {
		t.Errorf("it is still there: %+v", left)
	}
	form.Set("key", api.NewKey())
	if w := o.page("rokeya", "POST", "/desk/items/"+id, form); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "নিষ্পত্তি হয়েছে") {
		t.Errorf("settled twice: got %d", w.Code)
	}
	// Every kind that a case can have is written about.
	for _, kind := range []string{register.ItemOverpayment, register.ItemDoubtful, register.ItemLate, register.ItemWithdrawal, register.ItemSupplement, register.ItemHandOver, register.ItemLikely, register.ItemRefused, register.ItemSecondNumber, register.ItemGone, register.ItemRevoked, register.ItemRefundOwed, register.ItemVoided, register.ItemDear, register.ItemSecondFee, register.ItemRefundAsked, register.ItemSecondRenewal, register.ItemPartPaid} {
		if _, ok := api.AdviceOn(kind); !ok {
			t.Errorf("nobody says what to do about %s", kind)
		}
	}
}

// TestItemsOfAGrievanceAreKeptAway: an officer of the same office whom a grievance is about, and
// whoever else may not read it, sees that something of it stands on the conflict desk, and neither
// where it lies nor a word of what is said of it. Whose it is sees all.
func TestItemsOfAGrievanceAreKeptAway(t *testing.T) {
	o := screens{newOffice(t)}
	v, ok := o.set.Current("grievance")
	if !ok {
		t.Fatal("the pack lacks it")
	}
	const district = "dc-41"
	hash, err := identity.HashPassword(password)
	if err != nil {
		t.Fatal(err)
	}
	for name, post := range map[string]string{"front": "dc-front-desk", "mina": "adc-general"} {
		o.must("root", register.AddUser, register.User{Name: name, Role: access.Officer, Seat: place.Seat{Post: post, Office: district}, Hash: hash, From: 1})
	}
	e := &protocol.Event{
		Kind: protocol.Submitted, At: dawn, Actor: "rahima", Nonce: []byte("12345678"), Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{Channel: "counter", Documents: []protocol.Document{{Kind: "evidence", Hash: protocol.Hash{9}, Size: 9, Type: 4}}}),
	}
	others := slices.IndexFunc(v.Rules, func(r dcat.Rule) bool { return r.ID == "about-others" })
	if others < 0 {
		t.Fatal("the pack has another rule")
	}
	o.ingest(e, register.Ingest{
		Verdicts: []register.Verdict{{Due: dawn/1000 + 30*86400}},
		Findings: []register.Finding{{Seq: o.seq + 1, Rules: dcat.Bits(0).With(others), Complaint: &application.Complaint{Kind: "officer", Officer: "mina"}}},
	})
	_, slot, _ := strings.Cut(o.log.Name, "-")
	n, err := protocol.MintNumber("41", slot, e.Nonce)
	if err != nil {
		t.Fatal(err)
	}
	o.send(news(protocol.HandedOver, n, &protocol.HandOver{Proof: "nid"}))
	o.late(2)
	seat := "dc@" + district // Above her, and whoever is directly below her does not get it either.
	var ids []string
	for _, it := range o.unsettled("dc", "mine") {
		if ids = append(ids, it.ID); it.Owner != seat || it.Centre == "" || len(it.Outcomes) == 0 {
			t.Errorf("whose it is sees %+v", it)
		}
	}
	if len(ids) != 2 {
		t.Fatalf("%v stand at the desk; want what does not fit, and the scan", ids)
	}
	hidden := func(user, when string, list []api.Item) {
		t.Helper()
		seen := 0
		for _, it := range list {
			if it.Number != n {
				continue
			}
			if seen++; it.Owner != "" || it.Text != "" || it.Words != "" || it.Centre != "" || it.SettledBy != "" || len(it.Outcomes) > 0 {
				t.Errorf("%s, %s, sees %+v", user, when, it)
			}
		}
		if seen == 0 {
			t.Errorf("%s, %s, does not see that there is something: the test shows nothing", user, when)
		}
	}
	for _, user := range []string{"mina", "front", "audit"} {
		hidden(user, "open", o.unsettled(user, "office"))
	}
	for _, id := range ids {
		if w := o.call("dc", "POST", "/v1/items/"+id, `{"outcome":"dismissed","text":"she who complained of mina came here"}`); w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", id, w.Code, w.Body)
		}
	}
	for _, user := range []string{"mina", "front", "audit"} {
		hidden(user, "ended", o.unsettled(user, "office&ended=true"))
	}
}
