package register

import (
	"strings"
	"testing"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// taught is a licence that only somebody with a training may take in.
func taught(t testing.TB, number int, tags ...string) *dcat.Version {
	t.Helper()
	v := version(t, "trade-licence", number, "secretary", "chairman")
	v.Training = tags
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return v
}

// school is a district whose services ask for trainings.
func school(t testing.TB) (*town, *box, *dcat.Version) {
	t.Helper()
	w, b := office(t)
	dir := fullDirectory()
	for _, tag := range []string{"bmet-demo", "platform"} {
		dir.Trainings = append(dir.Trainings, place.Training{Tag: tag, Name: place.Name{BN: tag, EN: tag}})
	}
	v := taught(t, 2, "platform", "bmet-demo")
	w.publish(3, dir, v)
	w.must(NewCommand("", "root", AddUser, &User{Name: "elsewhere", Role: access.Supervisor, Seat: place.Seat{Post: "uno", Office: "upazila-41-11"}, Hash: hash1, From: 1}))
	return w, b, v
}

func noted(w *town, who string, b Training) *protocol.Failure {
	w.t.Helper()
	return w.do(NewCommand("", who, Train, &b)).Fault
}

// toldTrained is what a centre was told last of a login.
func toldTrained(w *town, name string) (out []protocol.Trained) {
	w.t.Helper()
	for _, e := range w.inboxOf("41-09-17") {
		var u protocol.User
		if e.Kind == protocol.UserChanged && e.Decode(&u) == nil && u.Name == name {
			out = u.Trained
		}
	}
	return out
}

// TestTrainingIsNoted: whoever monitors the centre notes it and nobody else; what was
// noted stays, the newest counts, and the centre hears of it.
func TestTrainingIsNoted(t *testing.T) {
	w, _, _ := school(t)
	day := w.at/1000 - 86400
	good := Training{User: "rahima", Tag: "platform", On: day, Where: "Jashore PTI", Certificate: "B-1042", Until: day + 400*86400}
	for who, kind := range map[string]fault.Kind{
		"root": fault.Denied, "audit": fault.Denied, "rahima": fault.Denied, "anna": fault.Denied, "elsewhere": fault.Denied,
	} {
		wantFault(t, "by "+who, noted(w, who, good), kind)
	}
	for what, c := range map[string]struct {
		b    Training
		kind fault.Kind
	}{
		"an unknown tag":         {Training{User: "rahima", Tag: "juggling", On: day}, fault.NotFound},
		"an officer":             {Training{User: "anna", Tag: "platform", On: day}, fault.NotFound},
		"tomorrow's":             {Training{User: "rahima", Tag: "platform", On: day + 4*86400}, fault.Invalid},
		"over before it was":     {Training{User: "rahima", Tag: "platform", On: day, Until: day}, fault.Invalid},
		"no day":                 {Training{User: "rahima", Tag: "platform"}, fault.Invalid},
		"taken back, never done": {Training{User: "rahima", Tag: "platform", Withdrawn: true}, fault.Conflict},
	} {
		wantFault(t, what, noted(w, "uno", c.b), c.kind)
	}
	if got := toldTrained(w, "rahima"); got != nil {
		t.Fatalf("after refusals the centre was told %+v", got)
	}
	for who, b := range map[string]Training{"uno": good, "uno-officer": {User: "rahima", Tag: "bmet-demo", On: day}} {
		if f := noted(w, who, b); f != nil {
			t.Fatalf("by %s: %v", who, f.Err())
		}
	}
	u, err := w.first().User("rahima")
	if err != nil || len(u.Training) != 2 || len(toldTrained(w, "rahima")) != 2 || len(u.Lacks([]string{"platform", "bmet-demo"}, day)) != 0 {
		t.Fatalf("noted %+v, told %+v, %v", u, toldTrained(w, "rahima"), err)
	}
	if got := u.Lacks([]string{"platform", "bmet-demo"}, good.Until); len(got) != 1 || got[0] != "platform" {
		t.Errorf("after its last day %v lacks; want platform", got)
	}
	if f := noted(w, "uno", Training{User: "rahima", Tag: "platform", Withdrawn: true}); f != nil {
		t.Fatal(f.Err())
	}
	if u, err = w.first().User("rahima"); err != nil || len(u.Training) != 3 || u.Training[2].By != "uno" {
		t.Errorf("what was noted is %+v, %v; want all three", u.Training, err)
	}
	if got := toldTrained(w, "rahima"); len(got) != 1 || got[0].Tag != "bmet-demo" {
		t.Errorf("after one was taken back the centre was told %+v", got)
	}
	w.agree()
}

// TestUntrainedIsTakenIn: a receipt stands whoever gave it; the overseer gets one item
// for a login until it is settled, and every case is counted.
func TestUntrainedIsTakenIn(t *testing.T) {
	w, b, v := school(t)
	file := func(v *dcat.Version, nonce uint64) protocol.Number {
		t.Helper()
		n := b.submit(v, nonce)
		at := len(b.events)
		if f := w.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{b.ingest(at, at)}}).Ingests[0].Fault; f != nil {
			t.Fatal(f.Err())
		}
		w.stage(n, application.Received)
		return n
	}
	without := func(want uint64) {
		t.Helper()
		if got, err := w.first().Untrained("rahima"); err != nil || got.Cases != want {
			t.Errorf("%+v, %v were taken in without; want %d", got, err, want)
		}
	}
	file(licence(t), 1) // The version of before asks for nothing.
	without(0)
	first, second := file(v, 2), file(v, 3)
	it, n := itemOf(w, first)
	if n != 1 || it.Kind != ItemUntrained || it.Owner.String() != "uno@upazila-41-09" || !strings.Contains(it.Text, "rahima") || !strings.Contains(it.Text, "platform, bmet-demo") {
		t.Errorf("the item is %+v of %d", it, n)
	}
	if items, err := w.first().Items(second); err != nil || len(items) != 0 {
		t.Errorf("the second case has the items %+v, %v; want none while the first is open", items, err)
	}
	without(2)
	if f := settled(w, "uno-officer", it, "dismissed"); f != nil {
		t.Fatal(f.Err())
	}
	if it, _ = itemOf(w, file(v, 4)); it.Kind != ItemUntrained {
		t.Errorf("after it was settled the next is %+v", it)
	}
	for _, tag := range v.Training {
		if f := noted(w, "uno", Training{User: "rahima", Tag: tag, On: dawn/1000 - 86400}); f != nil {
			t.Fatal(f.Err())
		}
	}
	if items, err := w.first().Items(file(v, 5)); err != nil || len(items) != 0 {
		t.Errorf("with the training: the items %+v, %v", items, err)
	}
	without(3)
	verified(w)
	w.agree()
}
