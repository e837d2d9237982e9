package box

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"kendro/catalogue"
	"kendro/domain/fault"
	"kendro/domain/person"
	"kendro/finder"
	"kendro/internal/nodetest"
	"kendro/protocol"
)

// A seeker looks for what a box has.
type seeker struct{ *counter }

// applicant is whom an application of the tests is of.
func (c seeker) applicant(n protocol.Number) person.Person {
	c.tb.Helper()
	k, err := c.Case(n)
	if err != nil {
		c.tb.Fatal(err)
	}
	p, err := catalogue.ApplicantOf(k.Submission.Applicant)
	if err != nil {
		c.tb.Fatal(err)
	}
	return p
}

func everyCase(*Case) bool { return true }

// finds returns what a search of the box finds, which is complete.
func (c seeker) finds(q Quest) (list []protocol.Number) {
	c.tb.Helper()
	q.Limit = max(q.Limit, 20)
	if q.Keep == nil {
		q.Keep = everyCase
	}
	found, reach, err := c.Search.Find(context.Background(), q)
	if err != nil || !reach.Complete {
		c.tb.Fatalf("%+v: %+v, %v", q.Query, reach, err)
	}
	for _, f := range found {
		list = append(list, f.Case.Number)
	}
	return list
}

// TestBoxFindsWhatItTook: with no hub an application is found by its number, its applicant's mobile, the sound of
// his name and a field of its form, also after a restart, by what was put right, and by whoever may read it alone.
func TestBoxFindsWhatItTook(t *testing.T) {
	u := newUnionBox(t)
	n := u.filed(licence, 1, "new")
	for seed := range uint64(6) {
		u.filed(service, 20+seed, "")
	}
	look := seeker{u.counter}
	p := look.applicant(n)
	for name, q := range map[string]finder.Query{
		"its number": {Text: n.Spaced()}, "a mobile": {Text: p.Mobile}, "a name": {Text: p.Name.BN}, "a name in the other script": {Text: p.Name.EN},
	} {
		if got := look.finds(Quest{Query: q}); !slices.Contains(got, n) {
			t.Errorf("%s, %q, finds %v; want %s", name, q.Text, got, n)
		}
		if got := look.finds(Quest{Query: q, Keep: func(k *Case) bool { return k.Number != n }}); slices.Contains(got, n) {
			t.Errorf("%s finds what the asker may not read", name)
		}
	}
	if _, _, err := u.Search.Find(context.Background(), Quest{Limit: 5, Keep: everyCase}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a question that says nothing: %v", err)
	}
	const other = "01999999999"
	if got := look.finds(Quest{Query: finder.Query{Text: other}}); len(got) != 0 {
		t.Fatalf("before it was put right the new mobile finds %v", got)
	}
	fix := Fix{Applicant: []byte(`{"mobile":"` + other + `"}`), Reason: "misheard"}
	if _, wrong, err := u.Followups().Correct(context.Background(), u.by("fixed", n), fix); err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	for _, when := range []string{"before a restart", "after it"} {
		for _, mobile := range []string{other, p.Mobile} {
			if got := look.finds(Quest{Query: finder.Query{Text: mobile}}); !slices.Equal(got, []protocol.Number{n}) {
				t.Errorf("%s, %s finds %v; want %s, once", when, mobile, got, n)
			}
		}
		u.restart()
	}
}

// TestBoxSaysWhoMayBeOnePerson: another application of the same person is found whatever it asks for and
// however old it is, once, and none of anybody else's; a grievance is like nothing.
func TestBoxSaysWhoMayBeOnePerson(t *testing.T) {
	u := newUnionBox(t)
	n := u.filed(licence, 1, "new")
	u.filed(service, 30, "")
	k, err := u.Case(n)
	if err != nil {
		t.Fatal(err)
	}
	var same map[string]json.RawMessage
	if err := json.Unmarshal(u.d.Body(t, service, 31), &same); err != nil {
		t.Fatal(err)
	}
	same["applicant"] = json.RawMessage(k.Submission.Applicant)
	body, err := json.Marshal(same)
	if err != nil {
		t.Fatal(err)
	}
	a, wrong, err := u.File(context.Background(), Request{User: nodetest.Person, Key: "same", Body: body})
	if err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	u.ahead.Store(200)
	likes, reach, err := u.Search.Resembling(context.Background(), k, everyCase)
	if err != nil || !reach.Complete || len(likes) != 1 || likes[0].Case.Number != a.Number || likes[0].Grade != person.Likely {
		t.Errorf("like it are %v, %+v, %v; want %s alone, likely", likes, reach, err, a.Number)
	}
	if likes, _, err := u.Search.Resembling(context.Background(), k, func(*Case) bool { return false }); err != nil || len(likes) != 0 {
		t.Errorf("whoever may read nothing is shown %v, %v", likes, err)
	}
}

// TestSearchForgets: once the box has carried an order of erasure out, what was erased is in no memory of the
// search, though nobody has asked since.
func TestSearchForgets(t *testing.T) {
	c := small(t)
	k, _ := told(t, c)
	look := seeker(c)
	p := look.applicant(k.Number)
	if got := look.finds(Quest{Query: finder.Query{Text: p.Mobile}}); !slices.Contains(got, k.Number) {
		t.Fatalf("the mobile finds %v; want %s", got, k.Number)
	}
	c.order(k)
	c.deliver(c.d.Inbox)
	c.carriedOut()
	c.Search.mu.RLock()
	held := c.Search.index.Held()
	c.Search.mu.RUnlock()
	if held != 0 {
		t.Errorf("the search still holds %d applications", held)
	}
	if got := look.finds(Quest{Query: finder.Query{Text: p.Mobile}}); slices.Contains(got, k.Number) {
		t.Errorf("the mobile still finds %v", got)
	}
}

// TestSearchForgetsFirst: what the search knew is gone before the index is made anew, and with
// an index that could not be.
func TestSearchForgetsFirst(t *testing.T) {
	f := &Finder{index: finder.New(), numbers: []protocol.Number{1}}
	w := &writer{mend: make(chan chan error), gone: make(chan struct{})}
	care := Care{Memory: &Memory{Shelf: &Shelf{core: &core{writer: w}}}, finder: f}
	why := fault.New("test", fault.Stopped, "index", "no disk")
	held := make(chan int, 1)
	go func() {
		done := <-w.mend
		held <- f.reach(false).Held
		done <- why
	}()
	if err := care.anew(t.Context()); !errors.Is(err, why) {
		t.Errorf("the index is made anew with %v; want %v", err, why)
	}
	if n := <-held; n != 0 {
		t.Errorf("the search still holds %d applications while the index is made anew", n)
	}
}
