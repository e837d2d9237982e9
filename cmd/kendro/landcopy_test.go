package main

import (
	"strings"
	"testing"

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

	// Row 16: paid on day 29 on a box that is cut off; on day 31 the hub lets it lapse;
	// on day 40 the box is back.
	x.down(x.hub)
	x.days(29)
	x.login("rahima", x.box)
	x.kendro("case pay " + first + " --government 10000 --postage 4000 --service-charge 500 --output json " + x.as("rahima", x.box))
	x.down(x.box)
	x.days(2)
	x.up(x.hub)
	x.stage(first, "FEE_LAPSED")
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
	if shares := x.kendro("desk records " + x.as("keeper", x.hub)); !strings.Contains(shares, "Bagherpara") {
		t.Errorf("the share of scanned records is %s", shares)
	}
}
