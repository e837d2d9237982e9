package register

import (
	"slices"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// acts has somebody of the union act at a time.
func (u *union) acts(who string, n protocol.Number, at int64, a protocol.UnionAct) {
	a.Token = u.lease().Token
	u.wrote(who, protocol.ActedAtUnion, n, at, &a)
}

// TestUnionAsksTheApplicant: what an officer of the union asks for stands as if he had asked
// at the hub, and the office's clock stands from then until the answer at the counter,
// whether the hub hears of both at once or of each by itself.
func TestUnionAsksTheApplicant(t *testing.T) {
	const day = 24 * 3600 * 1000
	zone := time.FixedZone("", dhakaOffset)
	for _, atOnce := range []bool{true, false} {
		w, u := newUnion(t)
		n := u.files()
		u.arrives()
		asked := w.at + day
		answered := asked + 5*day
		was, err := w.first().Case(n)
		if err != nil {
			t.Fatal(err)
		}
		u.acts("anna", n, asked, protocol.UnionAct{Action: "take"})
		u.acts("anna", n, asked, protocol.UnionAct{Action: "request-info", Text: "which shop?", Items: []string{"photo", "nid"}})
		if !atOnce {
			since(w, 2)
			u.arrives()
			w.stage(n, application.InfoRequested)
			if st := u.newest(n); !slices.Equal(st.Items, []string{"photo", "nid"}) || st.Reason != "which shop?" {
				t.Errorf("the centre is told that %+v is asked for", st)
			}
		}
		u.wrote("rahima", protocol.Supplied, n, answered, &protocol.Supplement{Originals: []string{"photo", "nid"}})
		u.acts("anna", n, answered, protocol.UnionAct{Action: "note", Text: "both seen"})
		since(w, 9)
		u.arrives()
		w.stage(n, application.UnderReview)
		c, err := w.first().Case(n)
		if err != nil {
			t.Fatal(err)
		}
		want := application.Resumed(fullDirectory().Calendar, was.Due, time.UnixMilli(asked).In(zone), time.UnixMilli(answered).In(zone))
		if c.Due != want || c.Due == was.Due || c.Paused != 0 || c.State.Holder != "anna" {
			t.Errorf("at once: %v: the case is due at %d and paused since %d, with %s; want %d, later than %d", atOnce, c.Due, c.Paused, c.State.Holder, want, was.Due)
		}
		if kinds, _ := u.items(n); len(kinds) != 0 {
			t.Errorf("items %v; want none", kinds)
		}
		verified(w)
		w.agree()
	}
}

// newest is what the centre was last told of a case.
func (u *union) newest(n protocol.Number) (st protocol.Standing) {
	for _, e := range u.town.inboxOf(u.centre) {
		if e.Kind == protocol.CaseMoved && e.Number == n {
			st = protocol.Standing{}
			if err := e.Decode(&st); err != nil {
				u.town.t.Fatal(err)
			}
		}
	}
	return st
}

// TestUnionsQuestionIsJudged: a question by somebody without the desk, or under no lease, is an
// item, and so is the answer to a question that did not stand.
func TestUnionsQuestionIsJudged(t *testing.T) {
	w, u := newUnion(t)
	n := u.files()
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "take"})
	ask := protocol.UnionAct{Action: "request-info", Text: "which?", Items: []string{"nid"}}
	u.acts("chair", n, w.at, ask)
	ask.Token = 7
	u.wrote("anna", protocol.ActedAtUnion, n, w.at, &ask)
	ask.Items = nil
	u.acts("anna", n, w.at, ask)
	u.wrote("rahima", protocol.Supplied, n, w.at, &protocol.Supplement{Originals: []string{"nid"}})
	u.arrives()
	w.stage(n, application.UnderReview)
	if kinds, _ := u.items(n); !slices.Equal(kinds, []string{ItemUnion, ItemUnion, ItemUnion, ItemSupplement}) {
		t.Errorf("items %v", kinds)
	}
	verified(w)
	w.agree()
}

// TestUnionsCheckWantsItsScan: a check that wants a document is none without; with it the case
// lacks the document until the servers hold it, and the box is told when they do.
func TestUnionsCheckWantsItsScan(t *testing.T) {
	w, u := newUnionOf(t, func(v *dcat.Version) {
		v.Checks = []dcat.Check{{ID: "visit", Document: true, Name: place.Name{BN: "পরিদর্শন", EN: "Visit"}}}
		v.Steps[0].Checks = []string{"visit"}
	})
	n := u.files()
	photo := protocol.Document{Kind: "visit", Hash: protocol.Hash{9}, Size: 1000, Type: 2}
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "take"})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "check", Check: "visit", Text: "seen"})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "check", Check: "visit", Text: "seen", Document: &photo})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "decide", Opinion: "approve", Text: "in order"})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "forward"})
	u.arrives()
	w.stage(n, application.Received)
	if kinds, it := u.items(n); !slices.Equal(kinds, []string{ItemUnion}) || it.Text != "the check wants the document that shows it" {
		t.Errorf("items %v, the last %+v; want the check without a document", kinds, it)
	}
	if c, err := w.first().Case(n); err != nil || !slices.Equal(c.Lacks, []protocol.Hash{photo.Hash}) || c.History[2].Document == nil {
		t.Errorf("the case lacks %v, %v", c.Lacks, err)
	}
	w.must(NewCommand("", ActorHub, DocumentKept, &PaperKept{Hash: photo.Hash, Size: photo.Size, Type: photo.Type}))
	if w.lacks(n) != 0 || !slices.Equal(w.heldAt(), []protocol.Hash{photo.Hash}) {
		t.Errorf("once it is held the case lacks %d, and the box was told of %v", w.lacks(n), w.heldAt())
	}
	other := u.files()
	u.acts("anna", other, w.at, protocol.UnionAct{Action: "take"})
	u.acts("anna", other, w.at, protocol.UnionAct{Action: "check", Check: "visit", Text: "the same shop", Document: &photo})
	u.arrives()
	if w.lacks(other) != 0 || len(w.heldAt()) != 2 {
		t.Errorf("a document that is held already: the case lacks %d, and the box was told of %v", w.lacks(other), w.heldAt())
	}
	verified(w)
	w.agree()
}

// newUnionOf is newUnion with another service.
func newUnionOf(t testing.TB, change func(*dcat.Version)) (*town, *union) {
	t.Helper()
	v := unionLicence(t)
	change(v)
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return foundUnion(t, v)
}

// TestRow11UnionsDecisionIsOverturned: what a union's decision at its box rests on is the officer's
// to decide about, as at the hub's desks; taken, the decision counts no more. Grounds that no act has are an item.
func TestRow11UnionsDecisionIsOverturned(t *testing.T) {
	w, u := newUnion(t)
	n := u.files()
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "take"})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "decide", Opinion: "approve", Text: "two copies", Cites: []string{"form.copies"}})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "forward", Cites: []string{"form.copies"}})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "note", Text: "x", Cites: []string{"copies"}})
	u.acts("anna", n, w.at, protocol.UnionAct{Action: "forward"})
	u.arrives()
	if kinds, _ := u.items(n); !slices.Equal(kinds, []string{ItemUnion, ItemUnion}) {
		t.Errorf("items %v; want one for each act with grounds that it can't have", kinds)
	}
	if h := caseOf(w, n).History; !slices.Equal(h[2].Cites, []string{"form.copies"}) {
		t.Errorf("the decision rests on %v", h[2].Cites)
	}
	u.correct(n, "copies", "2", "3")
	weigh(w, nil)
	if it := disputed(w, n); it.Text != whyCited || formOf(w, n)["copies"] != 2.0 {
		t.Errorf("the item is %+v, and the answers %v; want it with the officer, and nothing taken", it, formOf(w, n))
	}
	if res := ruled(w, n, "chair", "accepted"); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	weigh(w, nil)
	if c := caseOf(w, n); c.State.Seat.Post != "secretary" || formOf(w, n)["copies"] != 3.0 || len(c.Grounds) != 0 {
		t.Errorf("the case is at %v with %v and rests on %v; want it back at the secretary's", c.State.Seat, formOf(w, n), c.Grounds)
	}
	verified(w)
	w.agree()
}
