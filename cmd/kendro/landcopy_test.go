package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"kendro/protocol"
	"kendro/web/api"
)

// scanInTale is the smallest file that is a PDF.
const scanInTale = "%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"

// TestLandCopyFromAnOfflineBox is flow A: filed while the hub is gone, scanned once,
// paid for in time on a box that is cut off and synced after the lapse (row 16), posted
// under its article number; a second request for the record is served from the scan.
func TestLandCopyFromAnOfflineBox(t *testing.T) {
	x := newTale(t, nil)
	x.officer("assistant", "record-room-assistant@record-41")
	x.officer("deputy", "deputy-record-keeper@record-41")
	x.officer("keeper", "record-keeper@record-41")
	x.write("scan.pdf", scanInTale)
	khatian := map[string]any{
		"upazila": nil, "mouza": "খাজুরা", "jl_no": "37", "khatian_type": "rs", "khatian_no": "1042", "copies": 1, "delivery_mode": "post",
	}

	// Filed with no hub.
	x.down(x.hub)
	first := x.file("land-record-copy", khatian)
	x.until(`"custody":"LOCAL"`, "track "+first+" --url http://"+x.box.ports.HTTP+" --output json")
	x.up(x.hub)
	x.stage(first, "RECEIVED")
	x.desk("assistant", "take "+first)
	x.desk("assistant", "check "+first+" --check record-scan --file scan.pdf")
	x.desk("assistant", "decide "+first+" --opinion approve --text 'volume 12, page 3'")
	x.desk("assistant", "forward "+first)
	x.decided("deputy", first, "forward")
	x.decided("keeper", first, "approve")
	x.stage(first, "FEE_DUE")
	x.refused("not possible while the case is FEE_DUE", "desk issue "+first+" "+x.as("keeper", x.hub))
	x.until(first, "case waiting --output json "+x.as("rahima", x.box))
	other := x.enrolled("other", "41-09-27", "karima")
	x.owedElsewhere(first, other)

	// Row 16: paid on day 29 on a box that is cut off; on day 31 the hub lets it lapse;
	// on day 40 the box is back.
	x.down(x.hub)
	x.owedWithoutTheHub(first, other)
	x.down(other)
	x.days(29)
	x.login("rahima", x.box)
	x.kendro("case pay " + first + " --government 10000 --postage 4000 --service-charge 500 --output json " + x.as("rahima", x.box))
	x.down(x.box)
	x.days(2)
	x.up(x.hub)
	x.stage(first, "FEE_LAPSED")
	x.up(other)
	x.login("karima", other)
	if owed := x.owed(first, other, api.FromHub); owed.Demand != nil || owed.Lapsed == nil || owed.Lapsed.Poisha != 14000 {
		t.Errorf("of a demand that has lapsed, another centre is told %+v", owed)
	}
	x.down(other)
	x.days(9)
	x.login("keeper", x.hub)
	x.up(x.box)
	x.stage(first, "IN_PREPARATION")
	x.desk("keeper", "issue "+first)
	x.desk("keeper", "post "+first+" --reference RR123456789BD")
	x.login("rahima", x.box)
	var r api.Record
	x.until(`"stage":"POSTED"`, "track "+first+" --url http://"+x.box.ports.HTTP+" --output json")
	if x.get("rahima", x.box, "/v1/applications/"+first, &r); r.Article != "RR123456789BD" {
		t.Errorf("the centre reads the article number %q", r.Article)
	}

	// A second request for the record needs nobody in the record room.
	khatian["delivery_mode"] = "centre"
	second := x.file("land-record-copy", khatian)
	x.stage(second, "RECEIVED")
	if tasks := x.desk("keeper", "tasks"); !strings.Contains(tasks, second) {
		t.Fatalf("the second request is not at the record keeper's desk: %s", tasks)
	}
	var record api.Record
	x.get("keeper", x.hub, "/v1/applications/"+second, &record)
	if record.Paper == nil || record.Paper.Requests != 2 || record.Paper.Number.String() != first || len(record.Documents) == 0 {
		t.Errorf("its file says %+v, with the documents %+v", record.Paper, record.Documents)
	}
	x.decided("keeper", second, "approve")
	x.stage(second, "FEE_DUE")
	x.lateChallan(second)
	if shares := x.kendro("desk records " + x.as("keeper", x.hub)); !strings.Contains(shares, "Bagherpara") {
		t.Errorf("the share of scanned records is %s", shares)
	}
}

// owed asks a box what is to be paid, until it answers by this source.
func (x *tale) owed(number string, at *daemonInTale, source string) (b api.Bill) {
	x.t.Helper()
	out := x.until(`"source":"`+source+`"`, "case owed "+number+" --output json "+x.as("karima", at))
	if err := json.Unmarshal([]byte(out), &b); err != nil {
		x.t.Fatal(err)
	}
	return b
}

// owedElsewhere asks at another centre's counter what is to be paid: its hub knows.
func (x *tale) owedElsewhere(number string, other *daemonInTale) {
	x.t.Helper()
	b := x.owed(number, other, api.FromHub)
	if d := b.Demand; d == nil || d.Poisha != 14000 || d.For != protocol.ForIssue || !strings.HasPrefix(d.ID, number+"-") || d.Due == nil || b.AsOf == nil || len(b.Taken) != 0 {
		x.t.Fatalf("another centre's counter knows %+v", b)
	}
	var own api.Bill
	x.get("rahima", x.box, "/v1/applications/"+number+"/payments", &own)
	if d := own.Demand; own.Source != api.FromBox || d == nil || d.Poisha != b.Demand.Poisha || !d.Due.Equal(b.Demand.Due.Time) {
		x.t.Errorf("the case's own counter knows %+v", own)
	}
	said := x.kendro("track " + number + " --url http://" + other.ports.HTTP)
	for _, want := range []string{"to pay", "140.00", "what is issued", b.Demand.ID, "last day"} {
		if !strings.Contains(said, want) {
			x.t.Errorf("tracking at another centre lacks %q: %s", want, said)
		}
	}
	x.payPage(number, other, `value="১৪০"`, "জেলা দপ্তর এইমাত্র জানিয়েছে")
}

// payPage reads a case's page at another centre's counter.
func (x *tale) payPage(number string, other *daemonInTale, says ...string) {
	x.t.Helper()
	_, page := x.raw("karima", other, "/cases/"+number)
	for _, want := range says {
		if !strings.Contains(string(page), want) {
			x.t.Errorf("the page of another centre's case lacks %q", want)
		}
	}
}

// owedWithoutTheHub asks once there is no link: what was heard counts as of then, and of a
// case that was never asked about the counter says that it does not know. Money is taken all
// the same, and it says so the next time.
func (x *tale) owedWithoutTheHub(number string, other *daemonInTale) {
	x.t.Helper()
	if b := x.owed(number, other, api.FromMemory); b.Demand == nil || b.Demand.Poisha != 14000 || b.AsOf == nil {
		x.t.Errorf("with no link, another centre's counter knows %+v", b)
	}
	x.payPage(number, other, `value="১৪০"`, "আগে যা জানিয়েছিল")
	unheard := foreign(x.t, "41", "7773")
	if b := x.owed(unheard, other, api.FromUnknown); b.Demand != nil || b.Known() {
		x.t.Errorf("of a case that nobody was asked about it knows %+v", b)
	}
	x.payPage(unheard, other, "এখন এখানে জানা নেই")
	x.kendro("case pay " + unheard + " --government 10000 --output json " + x.as("karima", other))
	if b := x.owed(unheard, other, api.FromUnknown); len(b.Taken) != 1 || b.Taken[0].Fees[0].Poisha != 10000 {
		x.t.Errorf("what it took is %+v", b.Taken)
	}
	x.payPage(unheard, other, "আগে টাকা নেওয়া হয়েছে", "দুবার নেবেন না")
}

// lateChallan has a centre bring a challan after the term that was paid within it: the officer
// books the item that it became, and the case goes on.
func (x *tale) lateChallan(number string) {
	x.t.Helper()
	paid := x.now().Format(dateOnly)
	x.days(31)
	x.stage(number, "FEE_LAPSED")
	x.login("rahima", x.box)
	x.kendro("case pay " + number + " --means challan --reference C-1042 --paid-on " + paid + " --government 10000 --output json " + x.as("rahima", x.box))
	x.login("keeper", x.hub)
	var list api.ItemList
	if err := json.Unmarshal([]byte(x.until("C-1042|"+number, "desk items --output json "+x.as("keeper", x.hub))), &list); err != nil {
		x.t.Fatal(err)
	}
	i := slices.IndexFunc(list.Items, func(it api.Item) bool { return it.Number.String() == number && it.Kind == "doubtful-date" })
	if i < 0 {
		x.t.Fatalf("no item of the challan: %+v", list.Items)
	}
	x.desk("keeper", "pay "+number+" --reference C-1042 --books "+list.Items[i].ID)
	x.stage(number, "IN_PREPARATION")
	if left := x.kendro("desk items --output json " + x.as("keeper", x.hub)); strings.Contains(left, list.Items[i].ID) {
		x.t.Errorf("the item is open still: %s", left)
	}
}
