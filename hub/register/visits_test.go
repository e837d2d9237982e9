package register

import (
	"testing"

	"kendro/protocol"
)

// TestVisitsReasonReachesTheReport: what the counter said of a visit is in the course of its case, and
// a box of before says nothing (R-SV9).
func TestVisitsReasonReachesTheReport(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	approved(w, n)
	for _, visit := range []protocol.Visit{0, protocol.VisitPaper} {
		b.add(&protocol.Event{Kind: protocol.PaymentTaken, At: w.at, Actor: "rahima", Number: n, Payload: protocol.Marshal(cash(copyFee / 2)), Visit: visit})
		if f := w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{b.ingest(len(b.events), len(b.events))}}).Ingests[0].Fault; f != nil {
			t.Fatal(f.Err())
		}
	}
	c, err := w.first().Case(n)
	if err != nil {
		t.Fatal(err)
	}
	course, err := w.first().Course(c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, turn := range course.Turns {
		if turn.Sent != 0 {
			got = append(got, turn.Action.String()+" "+turn.Visit)
		}
	}
	if len(got) < 2 || got[len(got)-2] != "pay " || got[len(got)-1] != "pay wrong-paper" {
		t.Errorf("the course has %q", got)
	}
}
