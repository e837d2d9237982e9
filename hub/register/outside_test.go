package register

import (
	"slices"
	"strings"
	"testing"

	"kendro/catalogue"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// birth is a registration that one desk approves and a national register numbers.
func birth(t testing.TB) *dcat.Version {
	t.Helper()
	v := version(t, "birth-registration", 1, "chairman")
	v.Checks = []dcat.Check{{ID: "registered", Name: place.Name{BN: "নিবন্ধিত", EN: "Registered"}, Connector: "national"}}
	v.Procedure = &dcat.Procedure{
		Issue: &dcat.Issue{
			Post: "chairman", OfficeLevel: "local", Name: place.Name{BN: "স্বাক্ষর", EN: "Sign"}, Days: 3,
			Modes: []dcat.Mode{dcat.ByCentre}, Checks: []string{"registered"}, CloseDays: 7,
		},
		Once: &dcat.Once{By: []string{"mother"}, On: "born", Days: 5, Name: "name", Unless: "twin"},
	}
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return v
}

// births is a town that registers them.
func births(t *testing.T) (*town, func(f application.Fact) protocol.Number) {
	t.Helper()
	w, b := office(t)
	v := birth(t)
	w.publish(3, fullDirectory(), licence(t), v)
	nonce := uint64(0)
	return w, func(f application.Fact) protocol.Number {
		nonce++
		return b.filed(v, nonce, Finding{Mode: dcat.ByCentre, Fact: &f})
	}
}

// TestFactsHappenOnce: an application about what an earlier one is about is an item,
// until which is settled nobody approves it.
func TestFactsHappenOnce(t *testing.T) {
	w, tell := births(t)
	fact := application.Fact{Who: "123", Day: 20_000, Near: 5, Name: "mitu"}
	with := func(change func(*application.Fact)) application.Fact {
		f := fact
		change(&f)
		return f
	}
	tell(fact)
	for name, c := range map[string]struct {
		fact application.Fact
		like bool
	}{
		"the same":           {fact, true},
		"five days earlier":  {with(func(f *application.Fact) { f.Day -= 5 }), true},
		"five days later":    {with(func(f *application.Fact) { f.Day += 5 }), true},
		"under another name": {with(func(f *application.Fact) { f.Name = "ritu" }), true},
		"twins of one name":  {with(func(f *application.Fact) { f.Twin = true }), true},
		"twins":              {with(func(f *application.Fact) { f.Twin, f.Name = true, "raju" }), false},
		"another mother's":   {with(func(f *application.Fact) { f.Who = "124" }), false},
	} {
		c0, err := w.first().Case(tell(c.fact))
		if err != nil || (c0.Likely != 0) != c.like {
			t.Errorf("%s: likely %v, %v; want %v", name, c0.Likely, err, c.like)
		}
	}
	apart := tell(with(func(f *application.Fact) { f.Day += 11 }))
	if c, err := w.first().Case(apart); err != nil || c.Likely != 0 {
		t.Errorf("six days after the last: likely %v, %v", c.Likely, err)
	}
	second := tell(fact)
	w.worked(second, "chair", Take, Act{})
	w.worked(second, "chair", Decide, Act{Opinion: application.ForApproval, Text: "x"})
	wantFault(t, "approval of what is likely the same", w.officer(second, "chair", Approve, Act{}).Fault, fault.Conflict)
	items, err := w.first().Items(second)
	if err != nil || len(items) != 1 || items[0].Kind != ItemLikely || !strings.HasPrefix(items[0].Text, likelyText) {
		t.Fatalf("items = %+v, %v", items, err)
	}
	settle := NewCommand("", "chair", Settle, &Settlement{Item: items[0].ID, Outcome: "dismissed", Text: "two mothers share the card"})
	settle.Number = second
	if f := entry(w, settle).Fault; f != nil {
		t.Fatal(f.Err())
	}
	w.worked(second, "chair", Approve, Act{})
	w.agree()
}

// TestRow33OutsideIsAwaited is DOMAIN §7 row 33 and the queue: nothing is issued before the
// other register has spoken, its first number stands, a second one is an item, and a
// refusal is asked again when an officer says so.
func TestRow33OutsideIsAwaited(t *testing.T) {
	w, tell := births(t)
	hear := func(n protocol.Number, h Heard) Result {
		c := NewCommand("", ActorHub, Hear, &h)
		c.Number = n
		return entry(w, c)
	}
	var cases []protocol.Number
	for i := range 3 {
		n := tell(application.Fact{Who: string(rune('a' + i)), Day: 1, Name: "x"})
		w.worked(n, "chair", Take, Act{})
		w.worked(n, "chair", Decide, Act{Opinion: application.ForApproval, Text: "x"})
		wantFault(t, "heard before it was asked", hear(n, Heard{Connector: "national", Number: "1"}).Fault, fault.Conflict)
		w.worked(n, "chair", Approve, Act{})
		wantFault(t, "issue before the number (I2)", w.officer(n, "chair", Issue, Act{}).Fault, fault.Conflict)
		cases = append(cases, n)
	}
	waiting := func() (list []protocol.Number) {
		t.Helper()
		if err := w.first().Awaiting(func(a Awaited) (bool, error) { list = append(list, a.Number); return true, nil }); err != nil {
			t.Fatal(err)
		}
		return list
	}
	if got := waiting(); !slices.Equal(got, cases) {
		t.Fatalf("the queue is %v; want the oldest first, %v", got, cases)
	}
	since(w, 40) // The office is not late for it.
	tick(w)
	if c := w.stage(cases[0], application.InPreparation); c.State.Late != 0 {
		t.Error("the desk is blamed for the silence of another register")
	}
	wantFault(t, "by a person", w.do(withNumber(NewCommand("", "root", Hear, &Heard{Connector: "national", Number: "1"}), cases[0])).Fault, fault.Denied)
	wantFault(t, "of another connector", hear(cases[0], Heard{Connector: "other", Number: "1"}).Fault, fault.Invalid)
	for _, number := range []string{"N1", "N1", "N2"} {
		if f := hear(cases[0], Heard{Connector: "national", Number: number}).Fault; f != nil {
			t.Fatal(f.Err())
		}
	}
	c := w.stage(cases[0], application.InPreparation)
	items, err := w.first().Items(cases[0])
	if err != nil || c.Outside.Number != "N1" || len(items) != 1 || items[0].Kind != ItemSecondNumber {
		t.Fatalf("after a second number: %+v, items %+v, %v", c.Outside, items, err)
	}
	w.worked(cases[0], "chair", Issue, Act{})

	if f := hear(cases[1], Heard{Connector: "national", Refused: "the mother is not registered"}).Fault; f != nil {
		t.Fatal(f.Err())
	}
	if got := waiting(); !slices.Equal(got, cases[2:]) {
		t.Fatalf("the queue is %v; want what was refused out of it", got)
	}
	if items, err = w.first().Items(cases[1]); err != nil || len(items) != 1 || items[0].Kind != ItemRefused {
		t.Fatalf("items = %+v, %v", items, err)
	}
	if f := entry(w, withNumber(NewCommand("", "chair", Settle, &Settlement{Item: items[0].ID, Outcome: "again", Text: "she is now"}), cases[1])).Fault; f != nil {
		t.Fatal(f.Err())
	}
	if got := waiting(); !slices.Equal(got, []protocol.Number{cases[2], cases[1]}) {
		t.Fatalf("the queue is %v; want what is asked again at its end", got)
	}

	// An officer who has read the number himself writes it down.
	wantFault(t, "no number", w.officer(cases[2], "chair", Check, Act{Check: "registered"}).Fault, fault.Invalid)
	w.worked(cases[2], "chair", Check, Act{Check: "registered", Text: "N3"})
	w.worked(cases[2], "chair", Issue, Act{})
	if got := waiting(); !slices.Equal(got, cases[1:2]) {
		t.Fatalf("the queue is %v", got)
	}
	verified(w)
	w.agree()
}

func withNumber(c Command, n protocol.Number) Command {
	c.Number = n
	return c
}
