package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kendro/web/api"
)

// TestCorrectionsFromAnOfflineBox is row 11 from end to end: filed and put right while
// the hub is gone, merged when it is back; found by the new number; and what a decision
// rests on waits for the officer, who takes it and has to decide again.
func TestCorrectionsFromAnOfflineBox(t *testing.T) {
	x := newTale(t, nil)
	x.officer("assistant", "record-room-assistant@record-41")
	x.write("scan.pdf", scanInTale)
	x.down(x.hub)
	n := x.file("land-record-copy", map[string]any{
		"upazila": nil, "mouza": "খাজুরা", "jl_no": "37", "khatian_type": "rs", "khatian_no": "1042", "copies": 1, "delivery_mode": "centre",
	})
	correct := func(what string) {
		x.kendro("case correct " + n + " " + what + " --reason misheard --output json " + x.as("rahima", x.box))
	}
	correct("--set copies:=2 --applicant mobile=01912345678")
	correct("--set mouza=নারিকেলবাড়িয়া --set copies:=3")
	x.refused("want 1 to 32 answers", "case correct "+n+" --set copies:=3 --reason misheard "+x.as("rahima", x.box))
	x.refused("copies", "case correct "+n+" --set copies:=300 --reason misheard "+x.as("rahima", x.box))
	x.up(x.hub)
	answer := func(r *api.Record, name string) (v any) {
		var all map[string]any
		if err := json.Unmarshal(r.Form, &all); err != nil {
			t.Fatal(err)
		}
		return all[name]
	}
	record := func() *api.Record {
		r := new(api.Record)
		x.get("assistant", x.hub, "/v1/applications/"+n, r)
		return r
	}
	x.stage(n, "RECEIVED")
	until := func(name string, want any) bool {
		return x.soon(func() error {
			if got := answer(record(), name); got != want {
				return fmt.Errorf("%s is %v", name, got)
			}
			return nil
		})
	}
	if !until("copies", 3.0) || !until("mouza", "নারিকেলবাড়িয়া") {
		t.Fatalf("the register has %s", record().Form)
	}
	x.until(n, "desk find 01912345678 --output json "+x.as("assistant", x.hub))
	x.desk("assistant", "take "+n)
	x.desk("assistant", "check "+n+" --check record-scan --file scan.pdf")
	x.refused("no such answer", "desk decide "+n+" --opinion approve --text x --cites form.wrong "+x.as("assistant", x.hub))
	x.desk("assistant", "decide "+n+" --opinion approve --text 'seen in the volume' --cites form.copies")
	correct("--set copies:=4 --set dag_no=873")
	list := x.until("correction", "desk items --output json "+x.as("assistant", x.hub))
	var items api.ItemList
	if err := json.Unmarshal([]byte(list), &items); err != nil || len(items.Items) != 1 || strings.Join(items.Items[0].Fields, " ") != "form.copies" {
		t.Fatalf("the officer has %s, %v", list, err)
	}
	r := record()
	if answer(r, "copies") != 3.0 || answer(r, "dag_no") != "873" || r.DecidedBy != "assistant" || len(r.Items) != 1 || string(r.Items[0].Changes[0].Is) != "4" || r.Items[0].Reason != "misheard" {
		t.Errorf("the record is %s, decided by %q, with %+v", r.Form, r.DecidedBy, r.Items)
	}
	x.until(`"correction":"waits"`, "track "+n+" --url http://"+x.box.ports.HTTP+" --output json")
	x.desk("assistant", "settle "+items.Items[0].ID+" --outcome accepted --text 'he showed me the paper'")
	if !until("copies", 4.0) || record().DecidedBy != "" {
		t.Fatalf("after it was accepted the register has %s", record().Form)
	}
	r = record()
	last := r.History[len(r.History)-1]
	if last.Action != "correct" || len(last.Change) != 1 || string(last.Change[0].Was) != "3" || string(last.Change[0].Is) != "4" || last.Actor != "rahima" {
		t.Errorf("the history ends with %+v", last)
	}
	x.refused("preliminary decision", "desk forward "+n+" "+x.as("assistant", x.hub))
	x.until(`"correction":"taken"`, "track "+n+" --url http://"+x.box.ports.HTTP+" --output json")
	var own api.Record
	x.get("rahima", x.box, "/v1/applications/"+n, &own)
	if len(own.PutRight) != 3 || len(own.PutRight[2].Taken) != 2 || answer(&own, "copies") != 4.0 {
		t.Errorf("the centre reads %s and %+v", own.Form, own.PutRight)
	}
}
