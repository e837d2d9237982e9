package register

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// correct has a centre put one answer right, of which it saw a value.
func (b *box) correct(n protocol.Number, field, saw, want string) {
	b.town.t.Helper()
	object := func(v string) []byte { return fmt.Appendf(nil, `{%q:%s}`, field, v) }
	b.send(protocol.Corrected, n, b.town.at, &protocol.Correction{Form: object(want), FormSaw: object(saw), Reason: "misheard"})
}

// weigh does what the leader does: it judges what waits, and finds all of it good.
func weigh(w *town, found *Finding) {
	w.t.Helper()
	for range 8 {
		list, err := w.first().Unweighed(64)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(list) == 0 {
			return
		}
		for _, u := range list {
			c := NewCommand("", ActorHub, Weigh, &Weighed{Of: u.Of, Found: found})
			c.Number = u.Number
			if res := entry(w, c); res.Fault != nil {
				w.t.Fatal(res.Fault.Err())
			}
		}
	}
	w.t.Fatal("corrections still wait")
}

// formOf is the answers of a case, as they are now.
func formOf(w *town, n protocol.Number) map[string]any {
	w.t.Helper()
	_, sub, err := w.first().AsOf(caseOf(w, n), 0)
	if err != nil {
		w.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(sub.Form, &m); err != nil {
		w.t.Fatal(err)
	}
	return m
}

func caseOf(w *town, n protocol.Number) *Case {
	w.t.Helper()
	c, err := w.first().Case(n)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// disputed is the one open item about a correction.
func disputed(w *town, n protocol.Number) *Item {
	w.t.Helper()
	items, err := w.first().Items(n)
	if err != nil {
		w.t.Fatal(err)
	}
	items = slices.DeleteFunc(items, func(it *Item) bool { return it.Kind != ItemCorrection || it.Outcome != "" })
	if len(items) != 1 {
		w.t.Fatalf("%d corrections wait; want one", len(items))
	}
	return items[0]
}

func ruled(w *town, n protocol.Number, who, outcome string) Result {
	w.t.Helper()
	c := NewCommand("", who, Settle, &Settlement{Item: disputed(w, n).ID, Outcome: outcome, Text: "I have asked him"})
	c.Number = n
	return entry(w, c)
}

// wordOn is the newest word that a centre got on a correction.
func wordOn(w *town, centre place.Centre) (word protocol.CorrectionWord) {
	w.t.Helper()
	for _, e := range w.inboxOf(centre) {
		if e.Kind == protocol.CorrectionTold {
			word = protocol.CorrectionWord{}
			if err := e.Decode(&word); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	return word
}

// TestRow11DisjointFieldsMerge: what a centre puts right while an officer reviews is
// taken where nobody else has changed it and nothing rests on it; the decision stands,
// and the history has both values and who changed them.
func TestRow11DisjointFieldsMerge(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "x", Cites: []string{"form.business"}})
	saw := w.stage(n, application.UnderReview).State.Version
	b.correct(n, "copies", "2", "3")
	if got := formOf(w, n)["copies"]; got != 2.0 {
		t.Errorf("copies = %v before the leader has judged it; want 2", got)
	}
	weigh(w, nil)
	c := w.stage(n, application.UnderReview)
	if got := formOf(w, n)["copies"]; got != 3.0 || c.State.DecidedBy != "anna" || c.Disputes != 0 {
		t.Errorf("copies = %v, decided by %q, %d disputes; want 3, the decision as it was, and none", got, c.State.DecidedBy, c.Disputes)
	}
	changes, err := w.first().Changes(c)
	last := c.History[len(c.History)-1]
	if got := changes[last.Version]; err != nil || len(got) != 1 || got[0].Field != "form.copies" || string(got[0].Was) != "2" || string(got[0].Is) != "3" || last.Actor != "rahima" || last.Text != "misheard" {
		t.Errorf("the history has %+v by %q: %q, %v", got, last.Actor, last.Text, err)
	}
	if _, sub, err := w.first().AsOf(c, saw); err != nil || string(sub.Form) != `{"business":"মুদি দোকান","copies":2}` {
		t.Errorf("what the officer saw is %s, %v", sub.Form, err)
	}
	if word := wordOn(w, "41-09-17"); !slices.Equal(word.Taken, []string{"form.copies"}) || len(word.Waits)+len(word.Refused) != 0 {
		t.Errorf("the centre is told %+v", word)
	}
	if st, _, err := w.first().Standing(n); err != nil || st.Correction != "taken" {
		t.Errorf("the citizen reads %q, %v", st.Correction, err)
	}
	wantFault(t, "by what was seen before", entry(w, act("anna", Forward, n, saw, Act{})).Fault, fault.Conflict)
	w.worked(n, "anna", Forward, Act{})
	verified(w)
	w.agree()
}

// TestRow11SameFieldIsTheOfficers: an answer that somebody else has changed since the
// centre saw it is an item; refused, it stays, and the centre is told; accepted, it is
// taken. What of the same correction is nobody else's is merged.
func TestRow11SameFieldIsTheOfficers(t *testing.T) {
	for outcome, want := range map[string]any{"accepted": 9.0, "refused": 3.0} {
		w, b := office(t)
		n := b.filed(landCopy(t), 1, copyDue)
		w.worked(n, "anna", Take, Act{})
		w.worked(n, "anna", RequestInfo, Act{Items: []string{"form.copies"}, Text: "how many?"})
		b.send(protocol.Supplied, n, w.at, &protocol.Supplement{Form: []byte(`{"copies":3}`)})
		b.send(protocol.Corrected, n, w.at, &protocol.Correction{
			Form: []byte(`{"copies":9,"business":"চালের দোকান"}`), FormSaw: []byte(`{"copies":2,"business":"মুদি দোকান"}`), Reason: "misheard",
		})
		weigh(w, nil)
		it := disputed(w, n)
		if form := formOf(w, n); form["copies"] != 3.0 || form["business"] != "চালের দোকান" || !slices.Equal(it.Fields, []string{"form.copies"}) || it.Text != whyChangedToo || it.Owner.Post != "secretary" || it.Deadline == 0 {
			t.Errorf("the answers are %v, and the item %+v", form, it)
		}
		if list, why, err := w.first().Wanted(it); err != nil || len(list) != 1 || string(list[0].Was) != "3" || string(list[0].Is) != "9" || why != "misheard" {
			t.Errorf("the officer reads %+v for %q, %v", list, why, err)
		}
		wantFault(t, "an end before it is settled", w.officer(n, "anna", Approve, Act{}).Fault, fault.Denied) // No such right at all …
		wantFault(t, "by a stranger", ruled(w, n, "far", outcome).Fault, fault.Denied)
		if res := ruled(w, n, "anna", outcome); res.Fault != nil {
			t.Fatal(res.Fault.Err())
		}
		weigh(w, nil)
		word := wordOn(w, "41-09-17")
		if got := formOf(w, n)["copies"]; got != want || caseOf(w, n).Disputes != 0 || len(word.Waits) != 0 || (len(word.Refused) == 1) != (outcome == "refused") {
			t.Errorf("%s: copies = %v, and the centre is told %+v", outcome, got, word)
		}
		verified(w)
		w.agree()
	}
}

// TestRow11CitedFieldOverturnsTheDecision: what a decision rests on is an officer's to
// decide about. Taken, the decision counts no more: nobody ends the case before another
// is stated at that desk, wherever the case has got to.
func TestRow11CitedFieldOverturnsTheDecision(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", Check, Act{Check: "record-scan", Document: scan})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "x", Cites: []string{"form.copies"}})
	wantFault(t, "cited with another act", w.officer(n, "anna", Forward, Act{Cites: []string{"form.copies"}}).Fault, fault.Invalid)
	wantFault(t, "no name of an answer", w.officer(n, "anna", Note, Act{Text: "x", Cites: []string{"copies"}}).Fault, fault.Invalid)
	w.worked(n, "anna", Forward, Act{})
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", Decide, Act{Opinion: application.ForApproval, Text: "x"})
	b.correct(n, "copies", "2", "3")
	weigh(w, nil)
	if it := disputed(w, n); it.Text != whyCited || it.Owner.Post != "chairman" || formOf(w, n)["copies"] != 2.0 {
		t.Errorf("the item is %+v; want it with who holds the case, and nothing taken", it)
	}
	wantFault(t, "approved over it", w.officer(n, "chair", Approve, Act{}).Fault, fault.Conflict)
	if res := ruled(w, n, "chair", "accepted"); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	wantFault(t, "approved before it is taken", w.officer(n, "chair", Approve, Act{}).Fault, fault.Unavailable)
	weigh(w, nil)
	c := w.stage(n, application.Received)
	if c.State.Seat.Post != "secretary" || formOf(w, n)["copies"] != 3.0 || len(c.Grounds) != 0 {
		t.Errorf("the case is at %v with %v and rests on %v; want it back at the secretary's", c.State.Seat, formOf(w, n), c.Grounds)
	}
	wantFault(t, "approved without the decision", w.officer(n, "chair", Approve, Act{}).Fault, fault.Denied)
	w.worked(n, "anna", Take, Act{})
	wantFault(t, "sent on without another decision", w.officer(n, "anna", Forward, Act{}).Fault, fault.Conflict)
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "with three"})
	w.worked(n, "anna", Forward, Act{})
	w.worked(n, "chair", Take, Act{})
	w.worked(n, "chair", Decide, Act{Opinion: application.ForApproval, Text: "y", Cites: []string{"form.business"}})
	b.correct(n, "business", `"মুদি দোকান"`, `"চালের দোকান"`)
	weigh(w, nil)
	if res := ruled(w, n, "chair", "accepted"); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	weigh(w, nil)
	if c := w.stage(n, application.UnderReview); c.State.DecidedBy != "" || !c.State.Overturned || c.State.Holder != "chair" {
		t.Errorf("the case is %+v; want it with the chairman, undecided", c.State)
	}
	wantFault(t, "approved on what was overturned", w.officer(n, "chair", Approve, Act{}).Fault, fault.Conflict)
	w.worked(n, "chair", Decide, Act{Opinion: application.ForApproval, Text: "with rice"})
	w.worked(n, "chair", Approve, Act{})
	verified(w)
	w.agree()
}

// TestRow11AfterTheApproval: a correction of what is decided changes nothing and is not
// lost: it is an item, refused by name, and its centre is told.
func TestRow11AfterTheApproval(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	approved(w, n)
	before := caseOf(w, n).State
	b.correct(n, "copies", "2", "3")
	weigh(w, nil)
	it := disputed(w, n)
	if c := caseOf(w, n); c.State != before || formOf(w, n)["copies"] != 2.0 || it.Text != "not possible while the case is FEE_DUE" {
		t.Errorf("the case is %+v, and the item %+v", c.State, it)
	}
	who := "chair"
	wantFault(t, "accepted", ruled(w, n, who, "accepted").Fault, fault.Conflict)
	if res := ruled(w, n, who, "refused"); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	if word := wordOn(w, "41-09-17"); !slices.Equal(word.Refused, []string{"form.copies"}) || word.Why != "I have asked him" {
		t.Errorf("the centre is told %+v", word)
	}
	verified(w)
	w.agree()
}

// TestRow11OtherRulesAreTheOfficers: where the answers come to something else under the
// service's rules, what they come to is taken before a decision, and is the officer's
// afterwards.
func TestRow11OtherRulesAreTheOfficers(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	dearer := copyDue
	dearer.Issue = 2 * copyFee
	b.correct(n, "copies", "2", "4")
	weigh(w, &dearer)
	if c := w.stage(n, application.Received); c.State.Issue != 2*copyFee {
		t.Errorf("the copies cost %d; want what four cost", c.State.Issue)
	}
	w.worked(n, "anna", Take, Act{})
	w.worked(n, "anna", Decide, Act{Opinion: application.ForApproval, Text: "x"})
	b.correct(n, "copies", "4", "2")
	weigh(w, &copyDue)
	if it := disputed(w, n); it.Text != whyOtherRules || caseOf(w, n).State.Issue != 2*copyFee {
		t.Errorf("the item is %+v, the fee %d; want it to wait", it, caseOf(w, n).State.Issue)
	}
	if res := ruled(w, n, "anna", "accepted"); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	weigh(w, &copyDue)
	if c := w.stage(n, application.UnderReview); c.State.Issue != copyFee || c.State.DecidedBy != "" {
		t.Errorf("the case is %+v; want the lower fee, to be decided anew", c.State)
	}
	verified(w)
	w.agree()
}

// TestRow11JudgedAnew: the leader's word counts for the answers that it judged, and for
// no others.
func TestRow11JudgedAnew(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	w.worked(n, "anna", Take, Act{})
	b.correct(n, "copies", "2", "3")
	list, err := w.first().Unweighed(9)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d wait, %v", len(list), err)
	}
	word := func(of protocol.Hash, refused string) Result {
		c := NewCommand("", ActorHub, Weigh, &Weighed{Of: of, Refused: refused})
		c.Number = n
		return entry(w, c)
	}
	w.worked(n, "anna", Note, Act{Text: "x", Cites: []string{"form.copies"}})
	wantFault(t, "a word on other answers", word(list[0].Of, "").Fault, fault.Conflict)
	weigh(w, nil)
	if it := disputed(w, n); it.Text != whyCited {
		t.Errorf("the item is %+v; want what the note rests on", it)
	}
	b.correct(n, "business", `"মুদি দোকান"`, "7")
	list, err = w.first().Unweighed(9)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d wait, %v", len(list), err)
	}
	if res := word(list[0].Of, "form/business: want text"); res.Fault != nil {
		t.Fatal(res.Fault.Err())
	}
	wantFault(t, "again", word(list[0].Of, "").Fault, fault.Conflict)
	if caseOf(w, n).Disputes != 2 || formOf(w, n)["business"] != "মুদি দোকান" {
		t.Errorf("%d corrections wait, and the answers are %v; want what the form refuses to wait too", caseOf(w, n).Disputes, formOf(w, n))
	}
	w.agree()
}

// TestRow11ComesAgain: a correction that comes again, in another log, is done once.
func TestRow11ComesAgain(t *testing.T) {
	w, b := office(t)
	n := b.filed(landCopy(t), 1, copyDue)
	b.correct(n, "copies", "2", "3")
	weigh(w, nil)
	version := caseOf(w, n).State.Version
	in := b.ingest(len(b.events), len(b.events))
	if f := w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
		t.Fatal(f.Err())
	}
	after := b.next(9, b.slot, 1)
	after.mustBring(1, len(after.events))
	weigh(w, nil)
	if c := caseOf(w, n); c.State.Version != version || c.Disputes != 0 || formOf(w, n)["copies"] != 3.0 {
		t.Errorf("the case is at version %d with %d disputes and %v", c.State.Version, c.Disputes, formOf(w, n))
	}
	verified(w)
	w.agree()
}

// TestRow11ConvergesInEveryOrder sends corrections of two boxes of one centre, and an
// officer's work, in every order that the two logs allow at random. Wherever the officer
// decides by the same rule, the answers are the same in the end, each correction has come
// to one end, and no invariant is broken.
func TestRow11ConvergesInEveryOrder(t *testing.T) {
	rounds := 60
	if testing.Short() {
		rounds = 12
	}
	for seed := range uint64(3) {
		plan := rand.New(rand.NewPCG(11, seed))
		type fix struct {
			field string
			want  int
		}
		var logs [2][]fix
		final := map[string]any{"business": "মুদি দোকান", "copies": 2.0}
		for i := range logs {
			for k := range 1 + plan.IntN(3) {
				f := fix{[]string{"copies", "pages", "plots"}[plan.IntN(3)], 10*(k+1) + plan.IntN(90) + 3*i}
				logs[i] = append(logs[i], f)
				if old, ok := final[f.field].(float64); !ok || float64(f.want) > old {
					final[f.field] = float64(f.want)
				}
			}
		}
		for range rounds / 3 {
			order := rand.New(rand.NewPCG(plan.Uint64(), seed))
			w, first := office(t)
			n := first.filed(landCopy(t), 1, copyDue)
			boxes := [2]*box{first, w.enrol("41-09-17")}
			next := [2]int{}
			for next[0] < len(logs[0]) || next[1] < len(logs[1]) {
				i := order.IntN(2)
				switch {
				case order.IntN(3) == 0:
					officeWorks(w, n, order)
				case next[i] < len(logs[i]):
					f := logs[i][next[i]]
					next[i]++
					saw := "null"
					if f.field == "copies" {
						saw = "2"
					}
					boxes[i].correct(n, f.field, saw, strconv.Itoa(f.want))
				}
				if order.IntN(2) == 0 {
					weigh(w, nil)
				}
			}
			weigh(w, nil)
			for caseOf(w, n).Disputes > 0 {
				settleOne(w, n)
				weigh(w, nil)
			}
			if got := formOf(w, n); !maps.Equal(got, final) {
				t.Fatalf("seed %d: the answers are %v; want %v", seed, got, final)
			}
			verified(w)
			w.agree()
		}
	}
}

// officeWorks has the officer do one thing that his case allows.
func officeWorks(w *town, n protocol.Number, rng *rand.Rand) {
	cites := [][]string{nil, {"form.copies"}, {"form.pages", "form.plots"}}[rng.IntN(3)]
	m := []Method{Take, Note, Decide}[rng.IntN(3)]
	a := Act{}
	if m != Take {
		a = Act{Text: "x", Cites: cites}
	}
	if m == Decide {
		a.Opinion = application.ForApproval
	}
	w.officer(n, "anna", m, a)
}

// settleOne settles the oldest correction that waits: the higher number is the right one.
func settleOne(w *town, n protocol.Number) {
	w.t.Helper()
	items, err := w.first().Items(n)
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(items, func(it *Item) bool { return it.Kind == ItemCorrection && it.Outcome == "" })
	list, _, err := w.first().Wanted(items[i])
	if err != nil || len(list) != 1 {
		w.t.Fatalf("the item is about %v, %v", list, err)
	}
	was, _ := strconv.Atoi(string(list[0].Was))
	is, _ := strconv.Atoi(string(list[0].Is))
	outcome := "refused"
	if is > was {
		outcome = "accepted"
	}
	c := NewCommand("", "anna", Settle, &Settlement{Item: items[i].ID, Outcome: outcome, Text: "x"})
	c.Number = n
	if res := entry(w, c); res.Fault != nil {
		w.t.Fatal(res.Fault.Err())
	}
}

// TestNobodyReadsWhatIsCorrected: a box may send an application that nobody can read, and put
// it right. It is held, and the correction is an item.
func TestNobodyReadsWhatIsCorrected(t *testing.T) {
	w, b := office(t)
	v := licence(t)
	n := b.add(&protocol.Event{
		Kind: protocol.Submitted, At: dawn, Actor: "rahima", Nonce: []byte("12345678"),
		Pin: &protocol.Pin{Service: v.ID, Version: uint32(v.Number), Hash: [8]byte(v.Hash[:8])}, Payload: protocol.Marshal("none"),
	})
	in := b.ingest(len(b.events), len(b.events))
	in.Verdicts[0].Refused = "the application cannot be read"
	if f := w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
		t.Fatal(f.Err())
	}
	b.correct(n, "copies", `1`, `2`)
	c := w.stage(n, application.Submitted)
	if it, all := itemOf(w, n); c.Held == "" || all != 1 || it.Kind != ItemCorrection {
		t.Errorf("the case is %+v, with %d items", c, all)
	}
	drops(t, w)
	w.agree()
}
