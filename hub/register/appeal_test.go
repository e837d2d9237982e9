package register

import (
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
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
