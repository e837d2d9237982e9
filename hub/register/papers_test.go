package register

import (
	"encoding/binary"
	"slices"
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// scanned is an application that names documents.
func (b *box) scanned(nonce uint64, docs ...protocol.Document) protocol.Number {
	v := licence(b.town.t)
	return b.add(&protocol.Event{
		Kind: protocol.Submitted, At: dawn, Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, nonce),
		Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
		Payload: protocol.Marshal(&protocol.Submission{
			Channel: "counter", Form: []byte(`{"business":"মুদি দোকান","copies":2}`), Applicant: []byte(`{"name":"রহিম","mobile":"01700000000"}`), Documents: docs,
		}),
	})
}

func (w *town) lacks(n protocol.Number) int {
	w.t.Helper()
	c, err := w.first().Case(n)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(c.Lacks)
}

func (w *town) heldAt() (list []protocol.Hash) {
	for _, e := range w.inboxOf("41-09-17") {
		var held protocol.HeldDocuments
		if e.Kind == protocol.DocumentsHeld && e.Decode(&held) == nil {
			list = append(list, held.Hashes...)
		}
	}
	return list
}

// Rows 22 and 23: a case is received and flagged while a document is missing; one
// document in two cases is one document.
func TestACaseLacksItsDocumentsUntilTheyAreHeld(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	b := w.enrol("41-09-17")
	one := protocol.Document{Kind: "nid", Hash: protocol.Hash{1}, Size: 1000, Type: 1}
	two := protocol.Document{Kind: "photo", Hash: protocol.Hash{2}, Size: 2000, Type: 2}
	bad := protocol.Document{Kind: "huge", Hash: protocol.Hash{3}, Size: protocol.MaxDocument + 1, Type: 1}
	first := b.scanned(1, one, two, bad)
	second := b.scanned(2, one)
	b.mustBring(1, 2)
	if w.lacks(first) != 2 || w.lacks(second) != 1 {
		t.Fatalf("they lack %d and %d; want 2 and 1", w.lacks(first), w.lacks(second))
	}
	c, err := w.first().Case(first)
	if err != nil || c.State.Stage.String() != "RECEIVED" {
		t.Errorf("the case is %v, %v; want RECEIVED", c.State.Stage, err)
	}
	wantFault(t, "another size", w.do(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: one.Hash, Size: 999, Type: 1})).Fault, fault.Conflict)
	kept := &PaperKept{Hash: one.Hash, Size: one.Size, Type: one.Type}
	w.must(NewCommand("", ActorHub, DocumentKept, kept))
	w.must(NewCommand("", ActorHub, DocumentKept, kept)) // Nothing new.
	if w.lacks(first) != 1 || w.lacks(second) != 0 {
		t.Errorf("they lack %d and %d; want 1 and 0", w.lacks(first), w.lacks(second))
	}
	if got := w.heldAt(); len(got) != 1 || got[0] != one.Hash {
		t.Errorf("the centre was told of %v; want the first document, once", got)
	}
	third := b.scanned(3, one)
	b.mustBring(3, 3)
	if w.lacks(third) != 0 || len(w.heldAt()) != 2 {
		t.Errorf("a case with a held document lacks %d, told %d times", w.lacks(third), len(w.heldAt()))
	}
	var list []protocol.Hash
	mark, err := w.first().PapersAfter(nil, func(k PaperKept) error {
		list = append(list, k.Hash)
		return nil
	})
	if err != nil || len(list) != 1 || list[0] != one.Hash {
		t.Errorf("held %v, %v; want the first document", list, err)
	}
	if again, err := w.first().PapersAfter(mark, func(PaperKept) error { return fault.New("", fault.Internal, "", "seen twice") }); err != nil || string(again) != string(mark) {
		t.Errorf("after the mark: %v", err)
	}
}

// Row 22, where the box died with a document: the case stays, flagged; its officer
// asks for that page alone, and the centre's new box brings it. The lost scan stays
// named as missing, since the receipt covers it.
func TestRow22ALostDocumentIsAskedForAlone(t *testing.T) {
	w, b := office(t)
	here := protocol.Document{Kind: "photo", Hash: protocol.Hash{1}, Size: 1000, Type: 1}
	lost := protocol.Document{Kind: "nid", Hash: protocol.Hash{2}, Size: 2000, Type: 1}
	n := b.scanned(1, here, lost)
	b.mustBring(1, 1)
	w.must(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: here.Hash, Size: here.Size, Type: here.Type}))
	c := w.stage(n, application.Received)
	if !slices.Equal(c.Lacks, []protocol.Hash{lost.Hash}) || slices.Contains(w.heldAt(), lost.Hash) {
		t.Fatalf("it lacks %v, %v are told to be held; want the lost one kept by its box", c.Lacks, w.heldAt())
	}
	w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-17", Reason: "burnt", GossipKey: seedOf("fresh")}))
	fresh := w.enrol("41-09-17")
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", RequestInfo, Act{Items: []string{"nid"}, Text: "the scan was lost"})
	if st, _, err := w.first().Standing(n); err != nil || !slices.Equal(st.Items, []string{"nid"}) {
		t.Fatalf("the citizen reads %+v, %v; want that page alone", st, err)
	}
	again := protocol.Document{Kind: "nid", Hash: protocol.Hash{3}, Size: 2100, Type: 1}
	fresh.send(protocol.Supplied, n, w.at, &protocol.Supplement{Documents: []protocol.Document{again}})
	if c = w.stage(n, application.UnderReview); !slices.Equal(c.Lacks, []protocol.Hash{lost.Hash, again.Hash}) {
		t.Fatalf("it lacks %v; want the new scan to be on its way", c.Lacks)
	}
	if p, err := w.first().Paper(again.Hash); err != nil || !slices.Contains(p.Centres, "41-09-17") {
		t.Errorf("got %+v, %v; want the new box's scan welcome", p, err)
	}
	w.must(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: again.Hash, Size: again.Size, Type: again.Type}))
	if !slices.Contains(w.heldAt(), again.Hash) || w.lacks(n) != 1 {
		t.Errorf("held %v, lacks %d; want the new scan safe and told", w.heldAt(), w.lacks(n))
	}
}
