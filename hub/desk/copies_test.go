package desk

import (
	"net/http"
	"testing"

	"kendro/domain/application"
	"kendro/hub/register"
	"kendro/protocol"
	"kendro/web/api"
)

// TestMapIsScannedOnce: the copy of a map is not approved without a scan of its sheet, and a
// second request for that sheet goes to whoever approves it, past the record room (R-LR6).
func TestMapIsScannedOnce(t *testing.T) {
	o := screens{newOffice(t)}
	sheet := map[string]any{"mouza": "চৌবাড়িয়া", "jl_no": "12", "sheet_no": "3", "khatian_type": "rs", "upazila": "41-11"}
	o.services, o.answers = "mouza-map-copy", sheet
	first := o.file(1)
	o.pressed("rina", first, "take")
	o.pressed("rina", first, "decide", "opinion", "approve", "text", "পাওয়া গেছে")
	if w := o.press("rina", first, "forward"); w.Code != http.StatusConflict {
		t.Fatalf("forwarded without a scan: got %d", w.Code)
	}
	if w := o.scan("rina", first, scanned, map[string]string{"version": "3", "key": api.NewKey(), "check": "map-scan"}); w.Code != http.StatusSeeOther {
		t.Fatalf("check: got %d: %s", w.Code, w.Body)
	}
	o.pressed("rina", first, "forward")
	o.pressed("rokeya", first, "take")
	o.pressed("rokeya", first, "approve")

	again := o.file(2)
	c, err := o.reg.Case(again)
	if err != nil || c.State.Seat.Post != "record-keeper" || c.Record == nil || c.Record.Area != "41-11" {
		t.Fatalf("the second request lies with %v, %v; want the record keeper", c.State.Seat, err)
	}
	o.pressed("rokeya", again, "take")
	o.pressed("rokeya", again, "approve")
	sheet["sheet_no"] = "4"
	if c, err := o.reg.Case(o.file(3)); err != nil || c.State.Seat.Post != "record-room-assistant" {
		t.Errorf("another sheet lies with %v, %v; want the record room", c.State.Seat, err)
	}
}

// TestWithdrawnCopyIsPaidBack: what is owed back of a copy that is withdrawn follows from the
// pack, with no officer asked: all of it before he begins, a share once he has.
func TestWithdrawnCopyIsPaidBack(t *testing.T) {
	o := screens{newOffice(t)}
	o.services = "mouza-map-copy"
	before, within := o.file(1), o.file(2)
	o.pressed("rina", within, "take")
	for n, want := range map[protocol.Number]int64{before: 50_000, within: 45_000} {
		o.send(news(protocol.Withdrawn, n, &protocol.Withdrawal{}))
		c, err := o.reg.Case(n)
		if err != nil || c.State.Stage != application.Withdrawn || c.OwedBack != want {
			t.Fatalf("withdrawn, it is %v and %d are owed back, %v; want %d", c.State.Stage, c.OwedBack, err, want)
		}
		items, err := o.reg.Items(n)
		if err != nil || len(items) != 1 || items[0].Kind != register.ItemRefundOwed || items[0].Owner.Office != "record-41" {
			t.Errorf("its items are %+v, %v; want what is owed back, at the record room", items, err)
		}
	}
}
