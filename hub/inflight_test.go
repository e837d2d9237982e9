package hub_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/hub"
	"kendro/hub/register"
	"kendro/internal/hubtest"
	"kendro/pack/bd"
	"kendro/protocol"
)

// The service that changes, and what a copy costs before and after.
const (
	landCopy = "land-record-copy"
	oldFee   = 10_000
	newFee   = 12_500
)

// A recordRoom is a hub with the officers of the district's record room, and a box
// that takes requests for copies in.
type recordRoom struct {
	*testing.T
	g      *hubtest.Group
	box    *hubtest.Box
	boxOf  map[protocol.Number]*hubtest.Box
	intake *catalogue.Intake // Of the release that the box has …
	former *catalogue.Intake // … and of the one before.
	sample *catalogue.Sampler
	posts  []string // By the steps of the service; who sits there bears the post's name.
	ids    int
	ahead  atomic.Int64 // Of the machine's clock, nanoseconds.
}

func newRecordRoom(t *testing.T) *recordRoom {
	r := &recordRoom{T: t, boxOf: map[protocol.Number]*hubtest.Box{}}
	r.g = hubtest.With(t, hubtest.Options{Voters: 1, Tune: func(_ int, c *hub.Config) { c.Clock = r.now }})
	r.box = r.g.Enrol(centre)
	r.hear()
	v, _ := r.set().Current(landCopy)
	for _, s := range v.Steps {
		seat, ok := r.set().Directory.SeatFor(s.Post, centre.Area())
		if !ok {
			t.Fatalf("nobody is %s", s.Post)
		}
		r.g.Do(r.g.Leader(), register.AddUser, register.User{
			Name: s.Post, Role: access.Officer, Seat: seat, From: 1,
			Hash: "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		})
		r.posts = append(r.posts, s.Post)
	}
	return r
}

// now is the time in the district, at its boxes as at its hub.
func (r *recordRoom) now() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) }

func (r *recordRoom) reg() *register.Register { return r.g.Servers[0].Hub.Register() }

func (r *recordRoom) set() *dcat.Set { return r.reg().Set() }

// hear puts the release in force into force at the box.
func (r *recordRoom) hear() {
	r.Helper()
	var err error
	r.former = r.intake
	if r.intake, err = catalogue.NewIntake(r.set()); err != nil {
		r.Fatal(err)
	}
	if r.sample, err = catalogue.NewSampler(r.set()); err != nil {
		r.Fatal(err)
	}
}

// body is a request for a copy of a record of its own, without some answers.
func (r *recordRoom) body(n int, without ...string) []byte {
	r.Helper()
	raw, err := r.sample.Body(landCopy, uint64(n), centre)
	if err != nil {
		r.Fatal(err)
	}
	var whole map[string]any
	if err := json.Unmarshal(raw, &whole); err != nil {
		r.Fatal(err)
	}
	form := whole["form"].(map[string]any)
	delete(whole, "version") // The one in force where it is taken in.
	form["khatian_no"], form["copies"], form["delivery_mode"] = fmt.Sprint(1000+n), 1, "centre"
	for _, name := range without {
		delete(form, name)
	}
	if raw, err = json.Marshal(whole); err != nil {
		r.Fatal(err)
	}
	return raw
}

// file has a box take a request in.
func (r *recordRoom) file(b *hubtest.Box, n int, without ...string) protocol.Number {
	r.Helper()
	app, wrong, err := r.intake.Check(r.body(n, without...), place.Union, r.now())
	if err != nil || len(wrong) > 0 {
		r.Fatalf("request %d: %v, %v", n, wrong, err)
	}
	number := b.FileEvent(hubtest.Submitted(app, r.now()))
	r.boxOf[number] = b
	return number
}

// online has a box sync until the returned function is called.
func (r *recordRoom) online(b *hubtest.Box) (stop func()) {
	r.Helper()
	ctx, cancel := context.WithCancel(r.Context())
	wait := b.Sync(ctx, r.g.Servers[0].Addr)
	return func() { cancel(); wait() }
}

// sent waits until the hub has acknowledged what a box filed.
func (r *recordRoom) sent(b *hubtest.Box) {
	r.Helper()
	r.g.Wait("the acknowledgement", func() bool { return b.Acked() == b.Filed() })
}

// send brings an event on a case from the box that took it in.
func (r *recordRoom) send(k protocol.Kind, n protocol.Number, payload any) {
	r.Helper()
	b := r.boxOf[n]
	b.FileEvent(&protocol.Event{
		Kind: k, At: r.now().UnixMilli(), Actor: "rahima", Nonce: binary.BigEndian.AppendUint64(nil, b.Filed()), Number: n, Payload: protocol.Marshal(payload),
	})
	r.sent(b)
}

func (r *recordRoom) of(n protocol.Number) *register.Case {
	r.Helper()
	c, err := r.reg().Case(n)
	if err != nil {
		r.Fatal(err)
	}
	return c
}

// act has whoever sits at the case's desk do something. Where the clock has moved the case
// on meanwhile, such as to his superior, he looks at it again, as people do.
func (r *recordRoom) act(n protocol.Number, m register.Method, a register.Act) {
	r.Helper()
	for {
		c := r.of(n)
		r.ids++
		cmd := register.NewCommand(fmt.Sprint("act-", r.ids), c.State.Seat.Post, m, &a)
		cmd.Number, cmd.Expect = n, c.State.Version
		_, err := r.g.Servers[0].Hub.Do(r.Context(), cmd)
		if err == nil {
			return
		}
		if now := r.of(n); fault.KindOf(err) != fault.Conflict || now.State.Version == c.State.Version || now.State.Stage != c.State.Stage {
			r.Fatalf("%s of %s, which is %s at %s: %v", m, n, c.State.Stage, c.State.Seat, err)
		}
	}
}

// work does the next thing that a case waits for.
func (r *recordRoom) work(n protocol.Number) {
	r.Helper()
	c := r.of(n)
	switch c.State.Stage {
	case application.Received:
		r.act(n, register.Take, register.Act{})
	case application.UnderReview:
		r.review(n, c)
	case application.InfoRequested:
		r.send(protocol.Supplied, n, &protocol.Supplement{Form: []byte(`{"purpose":"a sale"}`)})
	case application.FeeDue:
		r.send(protocol.PaymentTaken, n, &protocol.Payment{Means: protocol.MeansCash, Fees: []protocol.Fee{{Kind: "government", Poisha: c.State.Owed}}})
	case application.InPreparation:
		r.act(n, register.Issue, register.Act{})
	case application.Ready:
		r.send(protocol.HandedOver, n, &protocol.HandOver{Proof: "nid"})
	default:
		r.Fatalf("%s is %s: nobody knows what it waits for", n, c.State.Stage)
	}
}

// review does the work of the desk that holds a case, and lets it go on.
func (r *recordRoom) review(n protocol.Number, c *register.Case) {
	r.Helper()
	if c.State.Step == 0 {
		r.act(n, register.Check, register.Act{Check: "record-scan", Document: &protocol.Document{Kind: "record-scan", Hash: protocol.Hash{1}, Size: 1000, Type: 2}})
	}
	r.act(n, register.Decide, register.Act{Opinion: application.ForApproval, Text: "in order"})
	if c.State.Step == len(r.posts)-1 {
		r.act(n, register.Approve, register.Act{})
		return
	}
	r.act(n, register.Forward, register.Act{})
}

// until works on a case until it stands at a stage and a step.
func (r *recordRoom) until(n protocol.Number, s application.Stage, step int) *register.Case {
	r.Helper()
	for range 30 {
		if c := r.of(n); c.State.Stage == s && c.State.Step >= step {
			return c
		}
		r.work(n)
	}
	r.Fatalf("%s does not become %s", n, s)
	return nil
}

// stricter is the catalogue after the one in force: a copy costs more, and who asks for
// one has to say what it is for; and more changes of its text.
func (r *recordRoom) stricter(more ...[2]string) *dcat.Set {
	r.Helper()
	return r.changed(append(more,
		[2]string{"kind: government, poisha: 10000", "kind: government, poisha: 12500"},
		[2]string{"kind: service_charge, poisha: 3000", "kind: service_charge, poisha: 3500"},
		[2]string{"copies, delivery_mode]", "copies, delivery_mode, purpose]"},
	)...)
}

// changed is the catalogue after the one in force with changes of the service's text.
func (r *recordRoom) changed(changes ...[2]string) *dcat.Set {
	r.Helper()
	yaml, err := fs.ReadFile(bd.Pack(), "services/"+landCopy+".yaml")
	if err != nil {
		r.Fatal(err)
	}
	text := string(yaml)
	for _, change := range changes {
		if strings.Count(text, change[0]) != 1 {
			r.Fatalf("the service does not say %q once", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	set, err := catalogue.Build(fstest.MapFS{"services/" + landCopy + ".yaml": {Data: []byte(text)}}, r.set(), time.Now())
	if err != nil {
		r.Fatal(err)
	}
	return set
}

// scattered are requests that lie everywhere, from a box that is cut off to the signing desk.
func (r *recordRoom) scattered(n int, away *hubtest.Box) (list []protocol.Number) {
	r.Helper()
	places := []struct {
		stage application.Stage
		step  int
	}{
		{application.None, 0},
		{application.Received, 0},
		{application.UnderReview, 0},
		{application.InfoRequested, 0},
		{application.Received, 1},
		{application.UnderReview, 2},
		{application.FeeDue, 0},
		{application.InPreparation, 0},
	}
	for i := range n {
		at := places[i%len(places)]
		if at.stage == application.None {
			list = append(list, r.file(away, i, "purpose"))
			continue
		}
		n := r.file(r.box, i, "purpose")
		list = append(list, n)
		r.sent(r.box)
		if at.stage == application.InfoRequested {
			r.until(n, application.UnderReview, 0)
			r.act(n, register.RequestInfo, register.Act{Items: []string{"form.purpose"}, Text: "what is it for?"})
		}
		r.until(n, at.stage, at.step)
	}
	return list
}

// TestFortyInFlight is row 7 of what collides: a release asks for one answer more and
// takes another fee while forty requests lie everywhere from a box that is cut off to the
// signing desk. Each of them is worked to its end under the version that it pins, and
// what is taken in afterwards is under the new one.
func TestFortyInFlight(t *testing.T) {
	t.Parallel()
	r := newRecordRoom(t)
	away := r.g.Enrol(centreOf("41-04-28"))
	defer r.online(r.box)()
	before, _ := r.set().Current(landCopy)
	list := r.scattered(40, away)

	r.g.Release(r.stricter())
	r.hear()
	after, _ := r.set().Current(landCopy)
	if after.Number != before.Number+1 || r.set().Release.Number != 2 {
		t.Fatalf("version %d after %d, release %d", after.Number, before.Number, r.set().Release.Number)
	}
	defer r.online(away)() // It has not heard of the release, and sends what it took in before.
	r.sent(away)

	for i, n := range list {
		c := r.of(n)
		if c.Held != "" || c.Pinned != before.Hash || c.Edition != uint32(before.Number) {
			t.Errorf("request %d, %s: held %q under version %d; want version %d", i, c.State.Stage, c.Held, c.Edition, before.Number)
			continue
		}
		if c.State.Paid == 0 {
			if c = r.until(n, application.FeeDue, 0); c.State.Owed != oldFee {
				t.Errorf("request %d owes %d; want the fee of its version, %d", i, c.State.Owed, oldFee)
			}
		}
		if c = r.until(n, application.Delivered, 0); c.State.Paid != oldFee || c.Pinned != before.Hash {
			t.Errorf("request %d has paid %d under %v", i, c.State.Paid, c.Pinned)
		}
	}
	if n, err := r.reg().SilentDrops(); n != 0 || err != nil {
		t.Errorf("%d events were dropped silently, %v", n, err)
	}
	if s := r.reg().Stats(); s.Held+s.Items+s.Unreadable+s.Quarantined+s.Unrouted != 0 || s.Stages[application.Delivered] != uint64(len(list)) {
		t.Errorf("something stands aside: %+v", s)
	}
	r.new(len(list), after)
}

// TestRow7FortyInFlightUnderAGrace: the same, where the new version says for how long the one
// before counts, and some of the forty were filed later. Those are asked for the new answer,
// and for nothing else; all are worked to their end, at the fee of their receipts.
func TestRow7FortyInFlightUnderAGrace(t *testing.T) {
	t.Parallel()
	r := newRecordRoom(t)
	away := r.g.Enrol(centreOf("41-04-28"))
	stop := r.online(r.box)
	before, _ := r.set().Current(landCopy)
	list := r.scattered(37, away)
	r.g.Release(r.stricter([2]string{"kind: public", "kind: public\ngrace_days: 10"}))
	after, _ := r.set().Current(landCopy)
	r.ahead.Add(int64(15 * 24 * time.Hour))
	late := map[protocol.Number]bool{}
	for i := 37; i < 40; i++ { // At the box that has not heard of the release.
		n := r.file(away, i, "purpose")
		list, late[n] = append(list, n), true
	}
	defer stop()
	defer r.online(away)()
	r.sent(away)
	for i, n := range list {
		c := r.of(n)
		want := before
		if late[n] {
			want = after
			if c.State.Stage != application.InfoRequested || !slices.Equal(c.State.AskedFor(), []string{"form.purpose"}) || c.Pinned != before.Hash {
				t.Fatalf("request %d is %s, asked for %q", i, c.State.Stage, c.State.AskedFor())
			}
			r.send(protocol.Supplied, n, &protocol.Supplement{Form: []byte(`{"purpose":7}`)})
			if items, err := r.reg().Items(n); err != nil || len(items) != 1 || !strings.Contains(items[0].Text, "purpose") {
				t.Errorf("an answer that the new form does not take: %+v, %v", items, err)
			}
		}
		if c.Held != "" || !late[n] && c.AskedAnew != nil {
			t.Errorf("request %d is held %q, asked %+v", i, c.Held, c.AskedAnew)
		}
		if c = r.until(n, application.Delivered, 0); c.State.Paid != oldFee || c.Pinned != want.Hash || c.Edition != uint32(want.Number) {
			t.Errorf("request %d has paid %d under version %d; want %d under %d", i, c.State.Paid, c.Edition, oldFee, want.Number)
		}
	}
	if n, err := r.reg().SilentDrops(); n != 0 || err != nil {
		t.Errorf("%d events were dropped silently, %v", n, err)
	}
	if s := r.reg().Stats(); s.Held+s.Unreadable+s.Quarantined+s.Unrouted != 0 || s.Stages[application.Delivered] != uint64(len(list)) {
		t.Errorf("something stands aside: %+v", s)
	}
}

// new takes a request in under the release now in force.
func (r *recordRoom) new(i int, v *dcat.Version) {
	r.Helper()
	_, wrong, err := r.intake.Check(r.body(i, "purpose"), place.Union, time.Now())
	if err != nil || len(wrong) != 1 || !strings.HasSuffix(wrong[0].Path, "/purpose") {
		r.Errorf("without the new answer the counter is told %v, %v", wrong, err)
	}
	n := r.file(r.box, i)
	r.sent(r.box)
	if c := r.until(n, application.FeeDue, 0); c.Pinned != v.Hash || c.State.Owed != newFee {
		r.Errorf("a new request owes %d under version %d; want %d under %d", c.State.Owed, c.Edition, newFee, v.Number)
	}
	bare, _, err := r.former.Check(r.body(i+1, "purpose"), place.Union, time.Now())
	if err != nil {
		r.Fatal(err)
	}
	bare.Version = v // A box that pins the new version, and has not asked for its answer.
	n = r.box.FileEvent(hubtest.Submitted(bare, time.Now()))
	r.sent(r.box)
	if c := r.of(n); !strings.Contains(c.Held, "purpose") {
		r.Errorf("a new request without the new answer is %s, held %q; want it held for that answer", c.State.Stage, c.Held)
	}
}

// TestRow8FeeChangedUnderway: what a receipt says was paid stands, and what it says will
// be due is what is asked for, though both cost more by the time that the box is back.
func TestRow8FeeChangedUnderway(t *testing.T) {
	t.Parallel()
	r := newRecordRoom(t)
	n := r.file(r.box, 1, "purpose")
	r.g.Release(r.stricter())
	defer r.online(r.box)()
	r.sent(r.box)
	_, sub, err := r.reg().Submission(r.of(n))
	if err != nil || len(sub.Fees) != 1 || sub.Fees[0] != (protocol.Fee{Kind: "service_charge", Poisha: 3000}) {
		t.Errorf("the receipt's fees are %+v, %v", sub.Fees, err)
	}
	if c := r.until(n, application.FeeDue, 0); c.State.Owed != oldFee || c.Held != "" || c.Variance != oldFee-newFee-500 {
		t.Errorf("it owes %d, held %q, variance %d; want %d, and the difference", c.State.Owed, c.Held, c.Variance, oldFee)
	}
	if items, err := r.reg().Items(n); err != nil || len(items) != 0 {
		t.Errorf("items %+v, %v", items, err)
	}
}

// TestServiceTakenFromCentres: a release takes a service from one kind of centre. What
// such a centre gave a receipt for before it heard goes its way; then it is refused there.
func TestServiceTakenFromCentres(t *testing.T) {
	t.Parallel()
	r := newRecordRoom(t)
	first := r.file(r.box, 1)
	r.g.Release(r.changed([2]string{"centre_types: [union, upazila,", "centre_types: [upazila,"}))
	list := []protocol.Number{first, r.file(r.box, 2)} // The box has not heard.
	defer r.online(r.box)()
	r.sent(r.box)
	for _, n := range list {
		if items, err := r.reg().Items(n); err != nil || len(items) != 0 || r.of(n).Held != "" {
			t.Errorf("%s: held %q, items %+v, %v", n, r.of(n).Held, items, err)
		}
	}
	r.until(first, application.FeeDue, 0)
	body := r.body(3)
	r.hear()
	if _, _, err := r.intake.Check(body, place.Union, time.Now()); !errors.Is(err, fault.Denied) {
		t.Errorf("a union is told %v; want denied", err)
	}
	if _, wrong, err := r.intake.Check(body, place.Upazila, time.Now()); err != nil || len(wrong) > 0 {
		t.Errorf("an upazila's own centre is told %v, %v", wrong, err)
	}
}
