package register

import (
	"testing"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// recordCopy is a copy of a record that is scanned once: what was scanned before
// goes past the first desk.
func recordCopy(t testing.TB) *dcat.Version {
	t.Helper()
	v := landCopy(t)
	v.Number, v.Fees = 2, nil
	v.Steps[0].Unscanned = true
	v.Steps[1].Checks = []string{"record-scan"}
	v.Procedure.FeeDays = 0
	v.Procedure.Record = &dcat.Record{Check: "record-scan", By: []string{"khatian"}, Area: "upazila"}
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return v
}

// TestRecordIsScannedOnce is R-LR6 and R-LR7: a second request for a record goes past
// the record room, its file shows the scan, and what is scanned is counted once.
func TestRecordIsScannedOnce(t *testing.T) {
	w, b := office(t)
	v := recordCopy(t)
	w.publish(3, fullDirectory(), licence(t), v)
	asks := func(nonce uint64, text string) protocol.Number {
		return b.filed(v, nonce, Finding{Mode: dcat.ByCentre, Record: &application.Record{Text: "record-scan/" + text}, Rules: 1 << dcat.Scanned})
	}
	at := func(n protocol.Number, post string) *Case {
		t.Helper()
		c := w.stage(n, application.Received)
		if c.State.Seat.Post != post {
			t.Fatalf("it lies at %v; want it at the %s", c.State.Seat, post)
		}
		return c
	}
	first, other := asks(1, "khajura/1042"), asks(2, "khajura/1043")
	at(first, "secretary") // What the finding says of scans doesn't count.
	w.worked(first, "anna", Take, Act{})
	w.worked(first, "anna", Check, Act{Check: "record-scan", Document: scan})
	at(other, "secretary")

	second := asks(3, "khajura/1042")
	c := at(second, "chairman")
	if _, sub, err := w.first().AsOf(c, 0); err != nil || len(sub.Documents) != 1 || sub.Documents[0].Hash != scan.Hash {
		t.Fatalf("the file shows %+v, %v; want the first one's scan", sub.Documents, err)
	}
	p, err := w.first().RecordOf(c)
	if err != nil || p.Requests != 2 || p.Number != first || p.By != "anna" || p.String() != "41-09 khajura, 1042" {
		t.Fatalf("the record is %+v, %v", p, err)
	}
	shares, err := w.first().RecordShares()
	if err != nil || len(shares) != 1 || *shares[0] != (RecordShare{Area: "41-09", Requested: 2, Scanned: 1}) {
		t.Fatalf("shares = %+v, %v", shares[0], err)
	}
	w.worked(second, "chair", Take, Act{})
	w.worked(second, "chair", Decide, Act{Opinion: application.ForApproval, Text: "as scanned"})
	w.worked(second, "chair", Approve, Act{})
	w.worked(second, "chair", Issue, Act{})
	w.stage(second, application.Ready)

	// A scan that nobody can read is made anew.
	third := asks(4, "khajura/1042")
	at(third, "chairman")
	w.worked(third, "chair", Take, Act{})
	w.worked(third, "chair", Return, Act{Text: "page two is cut off"})
	at(third, "secretary")
	w.worked(third, "anna", Take, Act{})
	w.worked(third, "anna", Decide, Act{Opinion: application.ForApproval, Text: "x"})
	wantFault(t, "on without a new scan", w.officer(third, "anna", Forward, Act{}).Fault, fault.Conflict)
	anew := *scan
	anew.Hash = protocol.Hash{10}
	w.worked(third, "anna", Check, Act{Check: "record-scan", Document: &anew})
	w.worked(third, "anna", Forward, Act{})
	if p, err = w.first().RecordOf(at(third, "chairman")); err != nil || p.Document.Hash != anew.Hash {
		t.Fatalf("the record is %+v, %v; want the new scan", p, err)
	}
	verified(w)
	w.agree()
}

// TestAnotherRecordIsAskedFor: an answer that is corrected asks for another record;
// the scan of the wrong one does for it no longer.
func TestAnotherRecordIsAskedFor(t *testing.T) {
	w, b := office(t)
	v := recordCopy(t)
	w.publish(3, fullDirectory(), licence(t), v)
	n := b.filed(v, 1, Finding{Mode: dcat.ByCentre, Record: &application.Record{Area: "41-11", Text: "record-scan/1042"}})
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "anna", RequestInfo, Act{Items: []string{"form.khatian"}, Text: "no such khatian in the volume"})
	b.add(&protocol.Event{Kind: protocol.Supplied, At: w.at, Actor: "rahima", Number: n, Payload: protocol.Marshal(&protocol.Supplement{Form: []byte(`{"khatian":"1024"}`)})})
	in := b.ingest(len(b.events), len(b.events))
	in.Findings = []Finding{{Seq: uint64(len(b.events)), Mode: dcat.ByCentre, Record: &application.Record{Area: "41-11", Text: "record-scan/1024"}}}
	w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "x"})
	wantFault(t, "on with the scan of another record", w.officer(n, "anna", Forward, Act{}).Fault, fault.Conflict)
	shares, err := w.first().RecordShares()
	if err != nil || len(shares) != 1 || *shares[0] != (RecordShare{Area: "41-11", Requested: 2, Scanned: 1}) {
		t.Fatalf("shares = %+v, %v; the first is scanned, though nobody asks for it now", shares[0], err)
	}
	w.agree()
}
