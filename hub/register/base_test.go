package register

import (
	"slices"
	"testing"

	"kendro/domain/application"
	"kendro/protocol"
)

// decide takes a case of the sample service to its end.
func decide(w *town, n protocol.Number, last Method) {
	w.t.Helper()
	for i, s := range []struct {
		who string
		m   Method
		a   Act
	}{
		{"anna", Take, Act{}},
		{"anna", Decide, Act{Opinion: application.ForApproval, Text: "in order"}},
		{"anna", Forward, Act{}},
		{"chair", Take, Act{}},
		{"chair", Decide, Act{Opinion: application.ForApproval, Text: "agreed"}},
		{"chair", last, Act{Reason: "incomplete", Text: "the shop is closed"}},
	} {
		if s.m == Approve {
			s.a = Act{}
		}
		w.must(act(s.who, s.m, n, uint64(i+1), s.a))
	}
}

// baseOf is the base of a centre's inbox, which every register must make alike.
func baseOf(w *town, b *box) (protocol.Head, []protocol.Event) {
	w.t.Helper()
	at, raw, err := w.first().InboxBase(b.centre)
	if err != nil {
		w.t.Fatal(err)
	}
	first, _ := protocol.NewBase(at.Log, at.At, raw)
	for _, r := range w.registers[1:] {
		at, raw, err := r.InboxBase(b.centre)
		other, _ := protocol.NewBase(at.Log, at.At, raw)
		if err != nil || other.State != first.State {
			w.t.Fatalf("another server makes %+v, %v; want %+v", other.State, err, first.State)
		}
	}
	events := make([]protocol.Event, len(raw))
	for i := range raw {
		if events[i], err = protocol.DecodeEvent(raw[i]); err != nil {
			w.t.Fatal(err)
		}
	}
	return at, events
}

// A base holds what is open and what ended lately, and names all others by runs.
func TestInboxBase(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		for i := range uint64(8) {
			b.submit(licence(t), i)
		}
		b.mustBring(1, 3)
		b.mustBring(4, 4)
		b.mustBring(5, 6)
		for i := range 4 {
			decide(w, b.numbers[i], Approve)
		}
		decide(w, b.numbers[5], Reject)
		since(w, 91)
		w.must(act("anna", Take, b.numbers[4], 1, Act{}))
		b.mustBring(7, 8)
		decide(w, b.numbers[6], Approve)

		head, events := baseOf(w, b)
		if want, _ := w.first().LogHead(head.Log); head.At != want {
			t.Errorf("the base stands at %v; want the head, %v", head.At, want)
		}
		told := w.inboxOf(b.centre)
		if len(events) >= len(told)/2 {
			t.Errorf("%d events in place of %d", len(events), len(told))
		}
		var moved []protocol.Number
		var ends []protocol.Ended
		var runs []protocol.Acceptance
		kinds := map[protocol.Kind]int{}
		for _, e := range events {
			kinds[e.Kind]++
			switch e.Kind { //nolint:exhaustive // The others are counted.
			case protocol.CaseMoved:
				moved = append(moved, e.Number)
			case protocol.CasesEnded:
				var x protocol.Ended
				if err := e.Decode(&x); err != nil {
					t.Fatal(err)
				}
				ends = append(ends, x)
			case protocol.Accepted:
				var a protocol.Acceptance
				if err := e.Decode(&a); err != nil {
					t.Fatal(err)
				}
				runs = append(runs, a)
			}
		}
		if want := []protocol.Number{b.numbers[4], b.numbers[6]}; !slices.Equal(moved, want) {
			t.Errorf("tells where %v stand; want the open and the one that ended lately, %v", moved, want)
		}
		if len(ends) != 2 || ends[0].Stage != "APPROVED" || !slices.Equal(ends[0].Runs, []uint64{0, 4}) ||
			ends[1].Stage != "REJECTED" || !slices.Equal(ends[1].Runs, []uint64{5, 1}) || ends[0].Log != b.log {
			t.Errorf("ended: %+v", ends)
		}
		// Events 7 and 8: one of the cases waits as it came, so their run stays what it was.
		if len(runs) != 2 || runs[0].First != 1 || runs[0].Last != 6 || runs[1].First != 7 || runs[1].Last != 8 {
			t.Errorf("accepted: %+v", runs)
		}
		if last := told[len(told)-1]; kinds[protocol.Settings] != 1 || last.Kind == protocol.Settings {
			t.Errorf("kinds %v", kinds)
		}
	})
}
