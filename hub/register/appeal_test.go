package register

import (
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// TestAppealClimbsTheLadder: an appeal that a centre brings goes to the next rung, to
// nobody who has decided, counts by the day on which the centre took it, and ends behind
// the last rung.
func TestAppealClimbsTheLadder(t *testing.T) {
	w, b, v := grievanceOffice(t)
	n := b.filed(v, 1, Finding{Complaint: &application.Complaint{Kind: "other"}})
	appeal := func() { b.send(protocol.Appealed, n, w.at, &protocol.Appeal{Text: "look again"}) }
	appeal()
	if items, err := w.first().Items(n); err != nil || len(items) != 1 || items[0].Kind != ItemAppeal || items[0].Owner.Post != "u1" {
		t.Fatalf("an appeal before any decision is %+v, %v; want an item", items, err)
	}
	end := func(who string) {
		t.Helper()
		w.worked(n, who, Take, Act{})
		w.worked(n, who, Decide, Act{Opinion: application.ForRejection, Text: "x"})
		w.worked(n, who, Reject, Act{Reason: "other", Text: "x"})
	}
	for _, who := range []string{"low", "mid"} {
		w.worked(n, who, Take, Act{})
		w.worked(n, who, Decide, Act{Opinion: application.Other, Text: "x"})
		w.worked(n, who, Forward, Act{})
	}
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "up-acting", Of: "up", Role: access.Officer, Seat: place.Seat{Post: "u1", Office: "upazila-41-09"}, Hash: hash1, From: 1,
	}))
	end("up")
	since(w, 29)
	sent := w.at
	since(w, 20) // The box was away.
	b.send(protocol.Appealed, n, sent, &protocol.Appeal{Text: "look again"})
	c := w.stage(n, application.Received)
	if c.State.Seat.Post != "u2" || c.State.Appeals != 1 || c.Due == 0 {
		t.Fatalf("the appeal lies at %v, rung %d, due %d; u1 is who decided, acting", c.State.Seat, c.State.Appeals, c.Due)
	}
	end("top")
	appeal()
	if c := w.stage(n, application.Rejected); c.State.Appeals != 1 {
		t.Errorf("who decided hears the appeal: %+v", c.State)
	}
	if items, err := w.first().Items(n); err != nil || len(items) != 2 {
		t.Errorf("an appeal behind the last rung: %d items, %v; want it to be one", len(items), err)
	}
	for _, e := range w.inboxOf("41-09-17") {
		var st protocol.Standing
		if e.Kind == protocol.CaseMoved && (e.Decode(&st) != nil || st.Office != "" || st.Next != "") {
			t.Errorf("the centre is told where a grievance lies: %+v", st)
		}
	}
	verified(w)
	w.agree()
}

// TestHeldGrievanceIsNobodysItHurts: a grievance that a revoked box sends is an item, and
// who watches the centre does not settle it where it is about him.
func TestHeldGrievanceIsNobodysItHurts(t *testing.T) {
	for _, about := range []string{"nobody", "the overseer"} {
		w, b, v := grievanceOffice(t)
		overseer, ok := w.first().Set().Directory.Overseer("41-09-17")
		if !ok {
			t.Fatal("nobody watches the centre")
		}
		w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-17", GossipKey: seedOf("next")}))
		k := &application.Complaint{Kind: "other"}
		if about != "nobody" {
			k = &application.Complaint{Kind: "officer", Officer: overseer.String()}
		}
		n := b.add(&protocol.Event{
			Kind: protocol.Submitted, At: w.at + 900, Actor: "rahima", Nonce: []byte("12345678"),
			Pin:     &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])},
			Payload: protocol.Marshal(&protocol.Submission{Channel: "counter"}),
		})
		in := b.ingest(1, 1)
		in.Findings = []Finding{{Seq: 1, Complaint: k}}
		if f := w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
			t.Fatal(f.Err())
		}
		items, err := w.first().Items(n)
		if err != nil || len(items) != 1 || items[0].Kind != ItemRevoked || (items[0].Owner == overseer) != (about == "nobody") {
			t.Errorf("about %s, watched by %v: %+v, %v", about, overseer, items, err)
		}
		w.agree()
	}
}

// TestGrievanceAsksForDocuments: its officer may ask for documents and for no answers; the
// centre hears what and not why; what it seals comes to the case. Where the desk that asked
// is taken from it meanwhile, the next one begins anew, and what comes then waits for a
// person.
func TestGrievanceAsksForDocuments(t *testing.T) {
	w, b, v := grievanceOffice(t)
	n := b.filed(v, 1, Finding{Complaint: &application.Complaint{Kind: "other"}})
	ask := Act{Items: []string{"evidence"}, Text: "who was it?"}
	brought := func() {
		b.send(protocol.Supplied, n, w.at, &protocol.Supplement{
			Documents: []protocol.Document{{Kind: "evidence", Hash: protocol.Hash{byte(len(b.events))}, Size: 5, Type: 4}}, Secret: &protocol.Confidential{Sealed: []byte{1}},
		})
	}
	w.worked(n, "low", Take, Act{})
	wantFault(t, "an answer", w.officer(n, "low", RequestInfo, Act{Items: []string{"evidence", "form.body"}, Text: "x"}).Fault, fault.Invalid)
	w.worked(n, "low", RequestInfo, ask)
	w.stage(n, application.InfoRequested)
	var st protocol.Standing
	if events := w.inboxOf("41-09-17"); events[len(events)-1].Decode(&st) != nil || st.Stage != "INFO_REQUESTED" || len(st.Items) != 1 || st.Reason != "" || st.Office != "" {
		t.Errorf("the centre hears %+v", st)
	}
	brought()
	c := w.stage(n, application.UnderReview)
	if last := c.History[len(c.History)-1]; c.State.Holder != "low" || len(c.Lacks) != 1 || last.Action != application.Supply {
		t.Fatalf("what came left the case as %+v", c)
	} else if sealed, err := w.first().Words(&last); err != nil || sealed == nil || sealed.Sealed[0] != 1 {
		t.Errorf("its words are %+v, %v", sealed, err)
	}
	w.worked(n, "low", RequestInfo, ask)
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "late", Role: access.Officer, Seat: place.Seat{Post: "l0", Office: "local-41-09-17"}, Hash: hash1, From: w.at/1000 + 1e6,
	}))
	w.stage(n, application.InfoRequested) // He has nothing to do with it.
	verified(w)

	m := b.filed(v, 2, Finding{Complaint: &application.Complaint{Kind: "officer", Officer: "mid"}})
	w.worked(m, "head", Take, Act{})
	w.worked(m, "head", RequestInfo, ask)
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "mid-acting", Of: "mid", Role: access.Officer, Seat: place.Seat{Post: "l2", Office: "local-41-09-17"}, Hash: hash1, From: w.at/1000 + 1e6,
	}))
	if c := w.stage(m, application.Received); c.State.Seat.Post != "u0" || len(c.State.AskedFor()) != 0 {
		t.Errorf("taken from the desk that asked, it is %+v", c.State)
	}
	n = m
	brought()
	if items, err := w.first().Items(m); err != nil || len(items) != 1 || items[0].Kind != ItemSupplement {
		t.Errorf("what came after that is %+v, %v; want an item", items, err)
	}
	w.stage(m, application.Received)
	verified(w)
	w.agree()
}
