package register

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
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

// TestManyHeldDocuments: a full block may name more documents that are here already than one
// event can tell of.
func TestManyHeldDocuments(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	b := w.enrol("41-09-17")
	var all []protocol.Hash
	var docs []protocol.Document
	for i := range protocol.MaxDocuments {
		d := protocol.Document{Kind: fmt.Sprintf("doc%d", i), Hash: protocol.Hash{1, byte(i)}, Size: 9, Type: 1}
		w.must(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: d.Hash, Size: d.Size, Type: d.Type}))
		docs = append(docs, d)
	}
	v := licence(t)
	for n := range protocol.MaxBlockEvents {
		for _, d := range docs {
			all = append(all, d.Hash)
		}
		b.add(&protocol.Event{
			Kind: protocol.Submitted, At: dawn, Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, uint64(n+1)),
			Pin:     &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
			Payload: protocol.Marshal(&protocol.Submission{Channel: "counter", Form: []byte(`{}`), Applicant: []byte(`{}`), Documents: docs}),
		})
	}
	b.mustBring(1, len(b.events))
	var told []protocol.Hash
	for _, e := range w.inboxOf(b.centre) {
		var held protocol.HeldDocuments
		if e.Kind == protocol.DocumentsHeld && e.Decode(&held) == nil {
			told = append(told, held.Hashes...)
		}
	}
	if !slices.Equal(told, all) {
		t.Errorf("told of %d documents, want %d", len(told), len(all))
	}
	sound(w)
}

// TestAWordThatIsTooLong: what no event holds is not told, and counted; the entry goes on.
func TestAWordThatIsTooLong(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	w.enrol("41-09-17")
	r, undone := w.first(), errors.New("undone")
	s := &step{world: r.world.Load(), meta: *r.meta.Load(), index: r.Applied() + 1, logs: map[protocol.LogID]*logState{}}
	err := r.base.Update(s.index, func(tx Tx) error {
		s.tx = tx
		inbox := s.world.inbox("41-09-17")
		before := s.log(inbox).At
		at := s.append(inbox, &protocol.Event{Kind: protocol.CaseMoved, Payload: protocol.Marshal(make([]byte, protocol.MaxEvent))})
		if s.err != nil || at != before || s.meta.Stats.Untold != 1 {
			t.Errorf("appended at %v behind %v, %v, %d untold", at, before, s.err, s.meta.Stats.Untold)
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Error(err)
	}
}
