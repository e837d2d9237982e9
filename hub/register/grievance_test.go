package register

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
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

// ladder is a directory of six posts at two levels, with superiors drawn at random.
func ladder(rng *rand.Rand) *place.Directory {
	dir := directory("41-09-17", "41-09-23")
	dir.Calendar = &place.Calendar{Weekend: []string{"Friday", "Saturday"}}
	dir.Posts = nil
	codes := []string{"l0", "l1", "l2", "u0", "u1", "u2"}
	for i, code := range codes {
		p := place.Post{Code: code, Name: place.Name{BN: code, EN: code}, OfficeLevel: "local", Acts: place.Acts()}
		if i >= 3 {
			p.OfficeLevel = "upazila"
		}
		if above := i + 1 + rng.IntN(3); above < len(codes) {
			p.Superior = codes[above]
		}
		dir.Posts = append(dir.Posts, p)
	}
	dir.Sort()
	return dir
}

// complained is a grievance of three desks and two rungs of appeal.
func complained(t testing.TB) *dcat.Version {
	t.Helper()
	v := version(t, "grievance", 1, "l0", "l1", "u0")
	name := place.Name{BN: "আপিল", EN: "Appeal"}
	v.Steps[2].OfficeLevel = "upazila"
	v.Procedure = &dcat.Procedure{
		Grievance: &dcat.Grievance{Against: "against", Centre: "centre", Officer: "officer", Receipt: "receipt"},
		Appeals: []dcat.Appeal{
			{Post: "u1", OfficeLevel: "upazila", Name: name, Days: 30, SLADays: 5}, {Post: "u2", OfficeLevel: "upazila", Name: name, Days: 30, SLADays: 5},
		},
	}
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return v
}

// A hunt is a town whose people, posts and grievances change at random, with what the
// test itself knows of them.
type hunt struct {
	*town
	rng      *rand.Rand
	box      *box
	service  *dcat.Version
	dir      *place.Directory
	release  int
	users    []User
	gone     map[string]bool
	persons  map[string]string // By login.
	about    map[protocol.Number]*target
	numbers  []protocol.Number
	diverted int
	around   int
	turns    int
	turned   int
}

// A target is whom a grievance is about, as the test worked it out.
type target struct {
	persons map[string]bool
	seats   []place.Seat
	offices []string
}

func newHunt(t *testing.T, seed uint64) *hunt {
	rng := rand.New(rand.NewPCG(seed, 11))
	h := &hunt{
		town: newTown(t, newMemory(), newMemory()).found(), rng: rng, service: complained(t), dir: ladder(rng), release: 1,
		gone: map[string]bool{}, persons: map[string]string{}, about: map[protocol.Number]*target{},
	}
	h.publish(1, h.dir, h.service)
	h.hire(User{Name: "rahima", Role: access.Entrepreneur, Centre: "41-09-17", From: 1})
	for range 14 {
		h.recruit()
	}
	h.enrol("41-09-23")
	h.box = h.enrol("41-09-17")
	return h
}

func (h *hunt) seat() place.Seat {
	p := h.dir.Posts[h.rng.IntN(len(h.dir.Posts))]
	offices := map[string][]string{"local": {"local-41-09-17", "local-41-09-17", "local-41-09-23"}, "upazila": {"upazila-41-09", "upazila-41-09", "upazila-41-11"}}[p.OfficeLevel]
	return place.Seat{Post: p.Code, Office: offices[h.rng.IntN(len(offices))]}
}

func (h *hunt) hire(u User) {
	u.Hash = hash1
	person := u.Name
	if u.Of != "" {
		person = h.persons[u.Of]
	}
	h.must(NewCommand("", "root", AddUser, &u))
	h.users, h.persons[u.Name] = append(h.users, u), person
}

// recruit gives a new or a known person a seat, from before, now or later on, for ever
// or for a while.
func (h *hunt) recruit() {
	now := h.at / 1000
	u := User{Name: fmt.Sprintf("o%d", len(h.users)), Role: access.Officer, Seat: h.seat(), From: now - 500 + h.rng.Int64N(600)}
	if h.rng.IntN(3) == 0 {
		u.Until = max(now, u.From) + 5 + h.rng.Int64N(500)
	}
	if len(h.users) > 3 && h.rng.IntN(3) == 0 {
		u.Of = h.users[1+h.rng.IntN(len(h.users)-1)].Name
	}
	h.hire(u)
}

func (h *hunt) holds(u *User, at int64) bool {
	return u.Seat != (place.Seat{}) && u.From <= at && (u.Until == 0 || at < u.Until)
}

// target draws whom a grievance is about, nil for nobody that there is.
func (h *hunt) target() (*application.Complaint, *target) {
	k := &application.Complaint{Kind: "officer"}
	u := h.users[1+h.rng.IntN(len(h.users)-1)]
	tg := &target{persons: map[string]bool{}}
	switch h.rng.IntN(5) {
	case 0:
		k.Officer = u.Name
		tg.persons[h.persons[u.Name]] = true
	case 1:
		k.Officer = u.Seat.String()
		tg.seats = append(tg.seats, u.Seat)
	case 2:
		k.Officer = u.Seat.Office
		tg.offices = append(tg.offices, u.Seat.Office)
	case 3:
		k.Officer = "somebody"
	default:
		if len(h.numbers) == 0 {
			return nil, nil
		}
		n := h.numbers[h.rng.IntN(len(h.numbers))]
		k.Kind, k.Receipt = "receipt", n.String()
		c, err := h.first().Case(n)
		if err != nil {
			h.t.Fatal(err)
		}
		for _, turn := range c.History {
			if turn.Actor != "" {
				tg.persons[h.persons[turn.Actor]] = true
			}
		}
		if c.State.Seat != (place.Seat{}) {
			tg.seats = append(tg.seats, c.State.Seat)
		}
	}
	return k, tg
}

// there adds to a target who of the first users had its seats when a case was filed.
func (h *hunt) there(k *application.Complaint, tg *target, c *Case, known int) {
	for _, x := range h.users[:known] {
		in := slices.Contains(tg.seats, x.Seat) && k.Kind != "receipt" || slices.Contains(tg.offices, x.Seat.Office)
		if in && h.holds(&x, c.Legal/1000) {
			tg.persons[h.persons[x.Name]] = true
		}
	}
}

// complain files a grievance about somebody.
func (h *hunt) complain() {
	k, tg := h.target()
	if k == nil {
		return
	}
	known := len(h.users)
	n := h.box.filed(h.service, uint64(len(h.numbers)+1), Finding{Complaint: k})
	c, err := h.first().Case(n)
	if err != nil {
		h.t.Fatal(err)
	}
	h.there(k, tg, c, known)
	if plain, ok := h.dir.SeatFor("l0", c.Area); ok && c.State.Seat != plain {
		h.around++
	}
	h.numbers = append(h.numbers, n)
	h.about[n] = tg
}

// shift changes who holds what, or who is above whom.
func (h *hunt) shift() {
	before := map[protocol.Number]place.Seat{}
	for _, n := range h.numbers {
		c, _ := h.first().Case(n)
		before[n] = c.State.Seat
	}
	switch h.rng.IntN(6) {
	case 0:
		u := h.users[1+h.rng.IntN(len(h.users)-1)]
		h.must(NewCommand("", "root", DisableUser, &Name{Name: u.Name}))
		h.gone[u.Name] = true
	case 1:
		h.release++
		h.dir = ladder(h.rng)
		h.publish(h.release, h.dir, h.service)
	default:
		h.recruit()
	}
	for _, n := range h.numbers {
		if c, _ := h.first().Case(n); c.State.Seat != before[n] {
			h.diverted++
		}
	}
}

// work has somebody try something on a grievance.
func (h *hunt) work() {
	n := h.numbers[h.rng.IntN(len(h.numbers))]
	c, err := h.first().Case(n)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.rng.IntN(8) == 0 || c.State.Stage == application.Rejected {
		h.box.send(protocol.Appealed, n, h.at, &protocol.Appeal{Text: "again"})
		return
	}
	u := h.users[1+h.rng.IntN(len(h.users)-1)]
	for _, x := range h.users {
		if x.Seat == c.State.Seat && !h.gone[x.Name] && h.holds(&x, h.at/1000) && (c.State.Holder == "" || c.State.Holder == x.Name) && h.rng.IntN(5) > 0 {
			u = x
		}
	}
	acts := []Method{Take, Decide, Forward, Return, Reject, Appeal, Approve, RequestInfo, Note}
	m := acts[h.rng.IntN(len(acts))]
	if h.rng.IntN(3) > 0 { // What comes next.
		switch {
		case c.State.Stage == application.Received:
			m = Take
		case c.State.DecidedBy == "":
			m = Decide
		default:
			m = []Method{Forward, Forward, Reject}[h.rng.IntN(3)]
		}
	}
	a := Act{Text: "x"}
	switch m { //nolint:exhaustive // The others need no more.
	case Decide:
		a.Opinion = application.Other
	case Reject:
		a.Reason = "other"
	case RequestInfo:
		a.Items = []string{"form.body"}
	case Forward:
		if h.rng.IntN(4) == 0 {
			a.To = "u0"
		}
	}
	if res := h.officer(n, u.Name, m, a); m == RequestInfo && res.Fault == nil {
		h.t.Errorf("%s asked a centre for answers that it may not read", u.Name)
	}
}

// accused reports whether a grievance is about who holds a seat now, by the test's book.
func (h *hunt) accused(tg *target, seat place.Seat) bool {
	if slices.Contains(tg.seats, seat) || slices.Contains(tg.offices, seat.Office) {
		return true
	}
	return slices.ContainsFunc(h.users, func(u User) bool {
		return u.Seat == seat && !h.gone[u.Name] && h.holds(&u, h.at/1000) && tg.persons[h.persons[u.Name]]
	})
}

// below reports whether a seat is directly below one of theirs.
func (h *hunt) below(tg *target, seat place.Seat) bool {
	p, _ := h.dir.Post(seat.Post)
	o, _ := h.dir.Office(seat.Office)
	if p.Superior == "" {
		return false
	}
	up, ok := h.dir.SeatFor(p.Superior, o.Area)
	return ok && h.accused(tg, up)
}

// check fails where a grievance lies at whom it is about, or directly below, or may be
// read there.
func (h *hunt) check(step string) {
	h.t.Helper()
	for _, n := range h.numbers {
		c, err := h.first().Case(n)
		if err != nil {
			h.t.Fatal(err)
		}
		tg := h.about[n]
		for _, seat := range []place.Seat{c.State.Seat, c.State.Above} {
			if seat == (place.Seat{}) || !c.State.Stage.Open() {
				continue
			}
			bad := h.accused(tg, seat) || h.below(tg, seat)
			for _, u := range h.users {
				if u.Seat != seat || h.gone[u.Name] || !h.holds(&u, h.at/1000) {
					continue
				}
				for _, other := range h.users { // Acting charges of the same person.
					if h.persons[other.Name] == h.persons[u.Name] && !h.gone[other.Name] && h.holds(&other, h.at/1000) {
						bad = bad || h.accused(tg, other.Seat) || h.below(tg, other.Seat)
					}
				}
			}
			if bad {
				h.t.Fatalf("after %s: grievance %v about %+v (register: %+v) lies at %v, above %v", step, n, tg, c.Accused, c.State.Seat, c.State.Above)
			}
		}
		on := h.first().Resource(c)
		for _, u := range h.users {
			p, err := h.first().Principal(u.Name, h.at/1000)
			if err == nil && tg.persons[h.persons[u.Name]] && access.May(p, access.ReadCase, on) == nil {
				h.t.Fatalf("after %s: %s may read grievance %v, which is about him", step, u.Name, n)
			}
		}
	}
}

// TestGrievanceNeverLiesAtTheAccused: over random hierarchies, acting charges, transfers
// and acts, a grievance lies neither at whom it is about nor directly below, and nobody of
// them may read it.
func TestGrievanceNeverLiesAtTheAccused(t *testing.T) {
	seeds, steps := 12, 160
	if testing.Short() {
		seeds = 3
	}
	diverted, around, appeals, turned := 0, 0, 0, 0
	stages := map[application.Stage]int{}
	for seed := range seeds {
		h := newHunt(t, uint64(seed))
		for i := range steps {
			what := "a complaint"
			switch x := h.rng.IntN(20); {
			case len(h.numbers) == 0 || x < 3 && len(h.numbers) < 12:
				h.complain()
			case x == 4 && seed%3 == 0 && h.rng.IntN(2) == 0:
				what = "a correction"
				h.turn()
			case x < 5:
				what = "a shift"
				h.shift()
			case x == 5:
				what = "a tick"
				h.at += h.rng.Int64N(6) * 86_400_000
				if due, err := h.first().Waiting(h.at / 1000); err == nil && len(due) > 0 {
					h.must(NewCommand("", ActorHub, Tick, &Due{Numbers: due}))
				}
			default:
				what = "an act"
				h.work()
			}
			h.check(fmt.Sprintf("seed %d, step %d, %s", seed, i, what))
		}
		h.agree()
		verified(h.town)
		diverted, around, turned = diverted+h.diverted, around+h.around, turned+h.turned
		for _, n := range h.numbers {
			c, _ := h.first().Case(n)
			stages[c.State.Stage]++
			appeals += c.State.Appeals
		}
	}
	t.Logf("%d were taken away, %d began elsewhere than at the first desk, %d turned, %d appeals; they stand as %v", diverted, around, turned, appeals, stages)
	if diverted < seeds || around < seeds || turned < seeds/3 || appeals == 0 && !testing.Short() {
		t.Error("too little happens: the test looks at nothing")
	}
}

// TestGrievanceIsRefusedByName: a forward or a return to a desk that it is about says
// which; a desk below is passed by.
func TestGrievanceIsRefusedByName(t *testing.T) {
	w, b, v := grievanceOffice(t)
	n := b.filed(v, 1, Finding{Complaint: &application.Complaint{Kind: "officer", Officer: "mid"}})
	c := w.stage(n, application.Received)
	if c.State.Seat.Post != "l2" { // l0 is below l1, which it is about.
		t.Fatalf("it lies at %v; want the desk above whom it is about", c.State.Seat)
	}
	w.worked(n, "head", Take, Act{})
	w.worked(n, "head", Decide, Act{Opinion: application.Other, Text: "x"})
	for name, res := range map[string]Result{
		"forward": w.officer(n, "head", Forward, Act{To: "l1"}), "take": w.officer(n, "mid", Take, Act{}), "read": look(w, n, "mid"), "read below": look(w, n, "low"),
	} {
		if res.Fault == nil || name == "forward" && (!strings.Contains(res.Fault.Item, "l1@local-41-09-17") || res.Fault.Kind != fault.Conflict) {
			t.Errorf("%s: %+v", name, res.Fault)
		}
	}
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "mid-acting", Of: "mid", Role: access.Officer, Seat: place.Seat{Post: "l2", Office: "local-41-09-17"}, Hash: hash1, From: w.at/1000 + 1e6,
	}))
	if c := w.stage(n, application.Received); c.State.Seat.Post != "u0" || c.State.Holder != "" {
		t.Errorf("after its desk was given to him, it lies at %v with %q", c.State.Seat, c.State.Holder)
	}
	wantFault(t, "the one before", look(w, n, "head").Fault, fault.Denied)
	verified(w)
	w.agree()
}

func look(w *town, n protocol.Number, who string) Result {
	c := NewCommand("", who, Look, nil)
	c.Number = n
	return w.do(c)
}

// grievanceOffice is a town in which l0 is below l1, l1 below l2, and so on up to u2.
func grievanceOffice(t *testing.T) (*town, *box, *dcat.Version) {
	t.Helper()
	w := newTown(t, newMemory(), newMemory()).found()
	dir, v := ladder(rand.New(rand.NewPCG(1, 1))), complained(t)
	for i := range dir.Posts[:5] {
		dir.Posts[i].Superior = dir.Posts[i+1].Code
	}
	w.publish(1, dir, v)
	for name, seat := range map[string]place.Seat{
		"low": {Post: "l0", Office: "local-41-09-17"}, "mid": {Post: "l1", Office: "local-41-09-17"}, "head": {Post: "l2", Office: "local-41-09-17"},
		"up": {Post: "u0", Office: "upazila-41-09"}, "upper": {Post: "u1", Office: "upazila-41-09"}, "top": {Post: "u2", Office: "upazila-41-09"},
	} {
		w.must(NewCommand("", "root", AddUser, &User{Name: name, Role: access.Officer, Seat: seat, Hash: hash1, From: 1}))
	}
	w.enrol("41-09-23")
	return w, w.enrol("41-09-17"), v
}

// TestLoginsInMemory: what every grievance asks of the logins is what stands on the disk, after
// each change and when the register is opened again.
func TestLoginsInMemory(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		same := func(when string) {
			t.Helper()
			r := w.first()
			again := w.reopen(r.base)
			held, opened := r.world.Load().logins, again.world.Load().logins
			users, err := r.Users()
			if err != nil || len(users) != len(held) || !slices.EqualFunc(held, opened, func(a, b login) bool { return a.key == b.key && reflect.DeepEqual(a.User, b.User) }) {
				t.Fatalf("%s: %d users, %v; held %+v; opened %+v", when, len(users), err, held, opened)
			}
			for i, u := range users {
				if l := held[i].User; l.Name != u.Name || l.Disabled != u.Disabled || l.Seat != u.Seat || l.Centre != u.Centre || l.Hash != "" {
					t.Errorf("%s: %+v stands for %+v", when, l, u)
				}
			}
		}
		same("at the beginning")
		before := w.first().world.Load().logins
		names := make([]string, len(before))
		for i := range before {
			names[i] = before[i].Name
		}
		w.must(NewCommand("", "root", AddUser, &User{Name: "later", Role: access.Officer, Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}, Hash: hash1, From: 1, Until: w.at}))
		w.must(NewCommand("", "root", DisableUser, &Name{Name: "anna"}))
		same("after a new one, and one less")
		for i := range before {
			if before[i].Name != names[i] || before[i].Disabled {
				t.Errorf("a reader's list changed under it: %+v", before[i])
			}
		}
	})
}
