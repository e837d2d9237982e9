package register

import (
	"fmt"
	"testing"

	"kendro/protocol"
)

// TestALongAcceptance: what a full block comes to is told, however long it is.
func TestALongAcceptance(t *testing.T) {
	w, b, old, current, _ := lapsed(t)
	var items []string
	for i := range 16 {
		items = append(items, fmt.Sprintf("form.an_answer_that_is_asked_for_%d", i))
	}
	first := len(b.events) + 1
	for i := range protocol.MaxBlockEvents {
		b.submit(old, uint64(9000+i))
	}
	in := b.ingest(first, len(b.events))
	for seq := first; seq <= len(b.events); seq++ {
		in.Findings = append(in.Findings, Finding{Seq: uint64(seq), Issue: copyFee, AskedAnew: &AskedAnew{Under: current.Hash, Edition: uint32(current.Number), Items: items}})
	}
	if f := w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
		t.Fatal(f.Err())
	}
	told := map[protocol.Number]bool{}
	last := uint64(0)
	for _, e := range w.inboxOf(b.centre) {
		var a protocol.Acceptance
		if e.Kind == protocol.Accepted && e.Decode(&a) == nil && a.Log == b.log {
			if a.First != last+1 {
				t.Errorf("told of %d to %d after %d", a.First, a.Last, last)
			}
			last = a.Last
			for _, st := range a.Other {
				told[st.Number] = true
			}
		}
	}
	if last != uint64(len(b.events)) || len(told) < protocol.MaxBlockEvents {
		t.Errorf("told of %d cases up to %d; want %d up to %d", len(told), last, protocol.MaxBlockEvents, len(b.events))
	}
	sound(w)
}
