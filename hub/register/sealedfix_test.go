package register

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// hide seals what the tests can open: a register never opens anything.
func hide(s *protocol.Secret) *protocol.Confidential {
	return &protocol.Confidential{Sealed: protocol.Marshal(s)}
}

func revealed(c *protocol.Confidential) (*protocol.Secret, error) {
	s := &protocol.Secret{}
	return s, protocol.Unmarshal(c.Sealed, protocol.MaxEvent, "secret", s)
}

// correctSealed has a centre put something right that it can't read.
func (b *box) correctSealed(n protocol.Number, form, applicant string) {
	b.town.t.Helper()
	b.send(protocol.Corrected, n, b.town.at, &protocol.Correction{Secret: hide(&protocol.Secret{Form: []byte(form), Applicant: []byte(applicant), Text: "misheard"})})
}

// weighSealed does what the leader does: it opens what waits, and finds it good unless it
// is to be refused. About is whom the case is about with it.
func weighSealed(w *town, about *application.Complaint, refused string) {
	w.t.Helper()
	list, err := w.first().Unweighed(64)
	if err != nil || len(list) != 1 || !list[0].Sealed() {
		w.t.Fatalf("there wait %+v, %v; want one that is sealed", list, err)
	}
	u := list[0]
	if err := u.Open(revealed); err != nil {
		w.t.Fatal(err)
	}
	b := &Weighed{Of: u.Of, Changes: u.Changes, About: about, Refused: refused}
	if u.Answers && refused == "" {
		b.Found = &Finding{Complaint: about}
	}
	c := NewCommand("", ActorHub, Weigh, b)
	c.Number = u.Number
	if res := entry(w, c); res.Fault != nil {
		w.t.Fatal(res.Fault.Err())
	}
}

// readsNow is a grievance as its deciding desk reads it.
func readsNow(w *town, n protocol.Number) *Opened {
	w.t.Helper()
	k, err := w.first().Confidence(caseOf(w, n), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	o, err := k.Open(revealed)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

func about(login string) *application.Complaint {
	return &application.Complaint{Kind: "officer", Officer: login}
}

func mayRead(w *town, n protocol.Number, who string) bool {
	w.t.Helper()
	p, err := w.first().Principal(who, w.at/1000)
	return err == nil && access.May(p, access.ReadCase, w.first().Resource(caseOf(w, n))) == nil
}

// TestGrievanceIsPutRight: a sealed correction is taken by field once the leader has judged
// it; nothing of it stands in what a box is told or in an item; whom it is about by then
// loses the case, at once or through the desk that decides.
func TestGrievanceIsPutRight(t *testing.T) {
	w, b, v := grievanceOffice(t)
	n := b.filed(v, 1, Finding{Complaint: about("mid")})
	w.worked(n, "head", Take, Act{})

	b.correctSealed(n, `{"body":"two","copies":null}`, `{"mobile":"01712345678"}`)
	if res := w.officer(n, "head", Decide, Act{Opinion: application.Other, Text: "x"}); res.Fault == nil || res.Fault.Kind != fault.Unavailable {
		t.Errorf("decided while a correction waits for the leader: %+v", res.Fault)
	}
	weighSealed(w, about("mid"), "")
	c := w.stage(n, application.UnderReview)
	o := readsNow(w, n)
	last := c.History[len(c.History)-1]
	if string(o.Form) != `{"body":"two","business":"মুদি দোকান"}` || !strings.Contains(string(o.Applicant), `"01712345678"`) || len(o.Changes[last.Version]) != 3 || o.Reasons[last.Version] != "misheard" || last.Text != textSealed {
		t.Errorf("it reads %s of %s, changed by %+v because %v, in a turn that says %q", o.Form, o.Applicant, o.Changes, o.Reasons, last.Text)
	}
	if word := wordOn(w, "41-09-17"); word.Sealed != correctionTaken || len(word.Taken)+len(word.Waits)+len(word.Refused)+len(word.Why) > 0 {
		t.Errorf("the box is told %+v; want that it was taken, and no more", word)
	}

	b.correctSealed(n, `{"officer":"head"}`, "") // Whom it is about has it.
	weighSealed(w, about("head"), "")
	if c := w.stage(n, application.Received); c.State.Seat.Post != "u0" || mayRead(w, n, "head") || !mayRead(w, n, "up") {
		t.Fatalf("turned against who has it, it lies at %v; he reads it: %v", c.State.Seat, mayRead(w, n, "head"))
	}

	w.worked(n, "up", Take, Act{})
	w.worked(n, "up", Decide, Act{Opinion: application.ForRejection, Text: "x"})
	b.correctSealed(n, `{"body":"three"}`, `{"mobile":"01811111111"}`)
	weighSealed(w, about("head"), "")
	it := disputed(w, n)
	if it.Owner.Post != "u0" || len(it.Fields) != 0 || it.Text != whyStated || wordOn(w, "41-09-17").Sealed != correctionWaits {
		t.Errorf("after a decision the item is %+v, and the box hears %+v", it, wordOn(w, "41-09-17"))
	}
	if o := readsNow(w, n); strings.Contains(string(o.Form), "three") || !strings.Contains(string(o.Applicant), "01811111111") {
		t.Errorf("it reads %s of %s; want the applicant's number alone put right", o.Form, o.Applicant)
	}
	wantFault(t, "ended while it waits", w.officer(n, "up", Reject, Act{Text: "x", Reason: "other"}).Fault, fault.Conflict)
	if res := ruled(w, n, "up", outcomeAccepted); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	weighSealed(w, about("head"), "")
	if c := caseOf(w, n); c.State.DecidedBy != "" || c.Disputes != 0 || !strings.Contains(string(readsNow(w, n).Form), "three") {
		t.Errorf("accepted: decided by %q, %d wait, %s", c.State.DecidedBy, c.Disputes, readsNow(w, n).Form)
	}

	w.worked(n, "up", Decide, Act{Opinion: application.ForRejection, Text: "x"})
	b.correctSealed(n, `{"officer":"up"}`, "") // He may not even see that it would be about him.
	weighSealed(w, about("up"), "")
	it = disputed(w, n)
	if it.Owner.Post != "u1" || !mayRead(w, n, "upper") || caseOf(w, n).State.Seat.Post != "u0" {
		t.Errorf("the item that turns it against who has it is at %v, the case at %v", it.Owner, caseOf(w, n).State.Seat)
	}
	wantFault(t, "whom it would be about settles it", ruled(w, n, "up", outcomeRefused).Fault, fault.Denied)
	if res := ruled(w, n, "upper", outcomeAccepted); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	weighSealed(w, about("up"), "")
	if c := w.stage(n, application.Received); c.State.Seat.Post != "u1" || mayRead(w, n, "up") {
		t.Errorf("accepted, it lies at %v, and whom it is about reads it: %v", c.State.Seat, mayRead(w, n, "up"))
	}
	verified(w)
	w.agree()
}

// TestSealedCorrectionIsNeverLost: what doesn't fit, comes after the decision or can't be
// opened is an item of a desk that it isn't about, and its centre hears that it waits.
func TestSealedCorrectionIsNeverLost(t *testing.T) {
	w, b, v := grievanceOffice(t)
	n := b.filed(v, 1, Finding{Complaint: about("mid")})
	b.correctSealed(n, `{"body":""}`, "")
	weighSealed(w, about("mid"), "not as its service wants it")
	if it := disputed(w, n); it.Owner.Post != "l2" || it.Text != "not as its service wants it" {
		t.Errorf("what its form refuses is %+v", it)
	}
	if res := ruled(w, n, "head", outcomeRefused); res.Fault != nil || wordOn(w, "41-09-17").Sealed != correctionRefused || wordOn(w, "41-09-17").Why != "" {
		t.Errorf("refused: %+v, and the box hears %+v", res.Fault, wordOn(w, "41-09-17"))
	}

	b.correctSealed(n, `{"body":"x"}`, "") // Sealed to a key that nobody has.
	list, err := w.first().Unweighed(9)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	c := NewCommand("", ActorHub, Weigh, &Weighed{Of: list[0].Of, Refused: "cannot be opened"})
	c.Number = n
	if res := entry(w, c); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	if it := disputed(w, n); it.Text != "cannot be opened" {
		t.Errorf("what can't be opened is %+v", it)
	}
	if res := ruled(w, n, "head", outcomeRefused); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}

	for range 2 { // The second desk is whom it is about: this one has it for him.
		w.worked(n, "head", Take, Act{})
		w.worked(n, "head", Decide, Act{Opinion: application.Other, Text: "x"})
		w.worked(n, "head", Forward, Act{})
	}
	w.worked(n, "up", Take, Act{})
	w.worked(n, "up", Decide, Act{Opinion: application.ForRejection, Text: "x"})
	w.worked(n, "up", Reject, Act{Text: "x", Reason: "other"})
	b.correctSealed(n, `{"officer":"up"}`, "")
	weighSealed(w, about("up"), "")
	it := disputed(w, n)
	if it.Owner.Post != "u1" || !strings.Contains(it.Text, "REJECTED") {
		t.Errorf("after the end it is an item of %v: %s", it.Owner, it.Text)
	}
	wantFault(t, "accepted after the end", ruled(w, n, "upper", outcomeAccepted).Fault, fault.Conflict)
	b.send(protocol.Appealed, n, w.at, &protocol.Appeal{Text: "again"})
	if res := ruled(w, n, "upper", outcomeAccepted); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	weighSealed(w, about("up"), "")
	if o := readsNow(w, n); !strings.Contains(string(o.Form), `"up"`) {
		t.Errorf("once it was appealed, it reads %s", o.Form)
	}
	verified(w)
	w.agree()
}

// TestSealedCorrectionBeginsAnew: where the answers lead to another first desk, the case
// begins there, in whoever's hands it was.
func TestSealedCorrectionBeginsAnew(t *testing.T) {
	w, b, v := grievanceOffice(t)
	n := b.filed(v, 1, Finding{Complaint: about("mid")})
	c := caseOf(w, n)
	s := corrections{}
	way := application.Way{Version: v, Seat: func(post string) (place.Seat, bool) { return place.Seat{Post: post, Office: "o"}, true }}
	e := application.Event{Action: application.Correct, Found: &application.Found{}}
	if s.reroute(c, way, &e); e.Afresh {
		t.Error("it begins anew although its desk is on its way")
	}
	c.State.Step = 1
	v.Rules = []dcat.Rule{{ID: "never"}}
	v.Steps[1].When = "never"
	if s.reroute(c, way, &e); !e.Afresh || e.Desk.Step != 0 {
		t.Errorf("its desk is none of its way, and it begins at %+v", e.Desk)
	}
}

// TestSealedCorrectionsByField: what was put right by another box meanwhile, was cited, or
// was decided on waits; the rest is taken.
func TestSealedCorrectionsByField(t *testing.T) {
	mine, other := protocol.LogID{Name: "41-0010"}, protocol.LogID{Name: "41-0011"}
	fixed := func(by protocol.LogID, version uint64) Turn {
		return Turn{Action: application.Correct, Version: version, Items: []string{"form.body"}, Event: &Source{Log: by}}
	}
	for name, x := range map[string]struct {
		history []Turn
		grounds []Ground
		by      Correcting
		asks    []string
		why     string
	}{
		"nobody has changed it":       {},
		"this box has":                {history: []Turn{fixed(mine, 7)}},
		"another has, and it knew":    {history: []Turn{fixed(other, 5)}},
		"another has meanwhile":       {history: []Turn{fixed(other, 6)}, asks: []string{"form.body"}, why: whyChangedToo},
		"a note rests on it":          {grounds: []Ground{{Fields: []string{"applicant.mobile"}}}, asks: []string{"applicant.mobile"}, why: whyCited},
		"a decision is stated":        {history: []Turn{{Action: application.Decide}}, asks: []string{"form.body"}, why: whyStated},
		"an officer accepts it":       {history: []Turn{{Action: application.Decide}}, by: Correcting{Agreed: true}},
		"it came too late altogether": {by: Correcting{Why: "late"}, asks: []string{"applicant.mobile", "form.body"}},
	} {
		x.by.From = Source{Log: mine}
		w := weighing{event: protocol.Event{Base: 5}}
		c := &Case{History: x.history}
		c.Grounds = x.grounds
		w.sort(c, &x.by, []string{"applicant.mobile", "form.body"})
		if !slices.Equal(w.asks, x.asks) || w.why != x.why || len(w.takes) != 2-len(x.asks) {
			t.Errorf("%s: takes %v, asks %v because %q; want %v because %q", name, w.takes, w.asks, w.why, x.asks, x.why)
		}
	}
}

// turn puts right whom a grievance is about: at once, or as an item that whoever owns it
// takes or refuses.
func (h *hunt) turn() {
	n := h.numbers[h.rng.IntN(len(h.numbers))]
	k, tg := h.target()
	if k == nil {
		return
	}
	h.there(k, tg, caseOf(h.town, n), len(h.users))
	had := caseOf(h.town, n).Disputes
	h.turns++
	h.box.correctSealed(n, fmt.Sprintf(`{"officer":"%d"}`, h.turns), "")
	weighSealed(h.town, k, "")
	if caseOf(h.town, n).Disputes == had {
		h.about[n] = tg
		h.turned++
		return
	}
	items, err := h.first().Items(n)
	if err != nil {
		h.t.Fatal(err)
	}
	it := items[len(items)-1]
	if it.Owner != (place.Seat{}) && (h.accused(tg, it.Owner) || h.accused(h.about[n], it.Owner)) {
		h.t.Fatalf("whether grievance %v turns against %+v, away from %+v, is for %v to say", n, tg, h.about[n], it.Owner)
	}
	outcomes := []string{outcomeAccepted, outcomeRefused}[h.rng.IntN(2):]
	for _, u := range h.users {
		for _, outcome := range outcomes { // After the end it can only be refused.
			c := NewCommand("", u.Name, Settle, &Settlement{Item: it.ID, Outcome: outcome, Text: "x"})
			c.Number = n
			if u.Seat != it.Owner || entry(h.town, c).Fault != nil {
				continue
			}
			if caseOf(h.town, n).Weighing > 0 {
				weighSealed(h.town, k, "")
				h.about[n] = tg
				h.turned++
			}
			return
		}
	}
}

// TestEverythingSealedIsConfided: what a centre sealed whole, in whatever event, is what has
// to be kept open when the key that it was sealed to expires.
func TestEverythingSealedIsConfided(t *testing.T) {
	secret := hide(&protocol.Secret{Text: "x"})
	for kind, payload := range map[protocol.Kind]any{
		protocol.Submitted: &protocol.Submission{Secret: secret}, protocol.Supplied: &protocol.Supplement{Secret: secret},
		protocol.Appealed: &protocol.Appeal{Secret: secret}, protocol.Corrected: &protocol.Correction{Secret: secret},
	} {
		list := confided(&protocol.Event{Kind: kind, Payload: protocol.Marshal(payload)})
		if len(list) != 1 || list[0].Text == nil || list[0].Name() != secret.Name() {
			t.Errorf("of kind %d, %+v is to be kept open", kind, list)
		}
	}
}

// TestItemsOfGrievancesMoveAway: where who owns an item of a grievance turns into whom it is
// about, by a login or a release, the next desk owns it, of an ended grievance too.
func TestItemsOfGrievancesMoveAway(t *testing.T) {
	w, b, v := grievanceOffice(t)
	acting := func(post, office string) {
		t.Helper()
		w.must(NewCommand("", "root", AddUser, &User{
			Name: "mid-" + post, Of: "mid", Role: access.Officer, Seat: place.Seat{Post: post, Office: office}, Hash: hash1, From: w.at/1000 + 1e6,
		}))
	}
	n := b.filed(v, 1, Finding{Complaint: about("mid")})
	b.send(protocol.Withdrawn, n, w.at, &protocol.Withdrawal{})
	b.correctSealed(n, `{"body":"x"}`, "")
	weighSealed(w, about("mid"), "")
	for _, x := range []struct{ post, office, next string }{
		{"", "", "l2"}, {"l2", "local-41-09-17", "u0"}, {"u0", "upazila-41-09", "u1"},
	} {
		if x.post != "" {
			acting(x.post, x.office)
		}
		if it := disputed(w, n); it.Owner.Post != x.next {
			t.Fatalf("with %q held by whom it is about, its item is %v's; want %s", x.post, it.Owner, x.next)
		}
	}
	if mayRead(w, n, "mid-u0") || mayRead(w, n, "up") || !mayRead(w, n, "upper") {
		t.Error("who may read it is not who may own its item")
	}
	if res := ruled(w, n, "upper", outcomeRefused); res.Fault != nil {
		t.Error(res.Fault.Err())
	}
	verified(w)
	w.agree()
}
