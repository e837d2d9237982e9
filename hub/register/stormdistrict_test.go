package register

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/place"
	"kendro/protocol"
)

// A climate is a district in which everything has happened once, from which storms begin.
type climate struct {
	base    *town // Its one register is never written to again.
	boxes   []*box
	lease   protocol.Lease // That the union's box has.
	catalog []*dcat.Version
	dir     *place.Directory

	stranger []byte   // A sealing key of nobody's here.
	before   *climate // Where the register began anew: the one that was lost.
}

// stormDirectory is a district with desks for every service of these tests: its officers
// may do whatever a post can, and one of its unions has no office.
func stormDirectory() *place.Directory {
	dir := eraseDirectory()
	above := map[string]string{"l0": "l1", "l1": "u0", "u0": "u1", "u1": "u2"}
	for _, code := range []string{"l0", "l1", "u0", "u1", "u2"} {
		p := place.Post{Code: code, Name: place.Name{BN: code, EN: code}, OfficeLevel: "local", Acts: place.Acts(), Superior: above[code]}
		if code[0] == 'u' {
			p.OfficeLevel = "upazila"
		}
		dir.Posts = append(dir.Posts, p)
	}
	dir.Trainings = []place.Training{{Tag: "platform", Name: place.Name{BN: "প্রশিক্ষণ", EN: "Platform"}}}
	return withChief(dir)
}

// newClimate tells all stories of the golden tests in one district, and then brings cases
// into the states that these leave out.
func newClimate(t testing.TB) *climate {
	t.Helper()
	w := newTown(t, newMemory()).withKey()
	for _, tell := range []func(*town){
		story, storyOfBranches, storyOfCourse, storyOfRecords, storyOfTrials, storyOfOutside, storyOfDesks, storyOfEntries, storyOfAgencies,
	} {
		tell(w)
	}
	for _, u := range []User{
		{Name: "uno-officer", Seat: place.Seat{Post: "uno", Office: "upazila-41-09"}},
		{Name: "salam", Role: access.Entrepreneur, Centre: "41-09-17", Gender: "m"},
		{Name: "clerk-17", Role: access.Clerk, Seat: place.Seat{Post: "secretary", Office: "local-41-09-17"}},
	} {
		if u.Role == "" {
			u.Role = access.Officer
		}
		u.Hash, u.From = hash1, 1
		w.must(NewCommand("", "root", AddUser, &u))
	}
	storyOfMatters(w)
	c := &climate{base: w, dir: stormDirectory(), stranger: seedKey(t)}
	c.catalog = []*dcat.Version{
		numbered(t, unionLicence(t), 30), numbered(t, withTerm(t, landCopy(t)), 30), numbered(t, birth(t), 30), complained(t),
	}
	w.publish(w.first().Release()+1, c.dir, c.catalog...)
	for name, seat := range map[string]place.Seat{
		"low": {Post: "l0", Office: "local-41-09-17"}, "mid": {Post: "l1", Office: "local-41-09-17"},
		"up": {Post: "u0", Office: "upazila-41-09"}, "upper": {Post: "u1", Office: "upazila-41-09"},
	} {
		w.must(NewCommand("user "+name, "root", AddUser, &User{Name: name, Role: access.Officer, Seat: seat, Hash: hash1, From: 1}))
	}
	c.revoked(t)
	c.filings(t)
	c.union()
	return c
}

// revoked is a box that was revoked and sends on.
func (c *climate) revoked(t testing.TB) {
	w := c.base
	b := w.enrol("41-09-17")
	n := b.filed(landCopy(t), 3001, copyDue)
	approved(w, n)
	w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-17", Reason: "stolen", GossipKey: seedOf("g9")}))
	since(w, 1)
	b.send(protocol.PaymentTaken, n, w.at, cash(copyFee))
	b.filed(landCopy(t), 3002, copyDue)
	c.boxes = append(c.boxes, b)
}

// union is a box that decides under a lease, has given out a certificate, and has some
// decisions wait.
func (c *climate) union() {
	w, v := c.base, c.catalog[0]
	u := &union{box: c.boxes[1], v: v, nonces: 4000}
	w.must(NewCommand("", "root", AllowLease, &LeaseOrder{Centre: "41-09-17", Service: v.ID}))
	c.lease = u.ask(0)
	for serial := range uint64(2) {
		n := u.files()
		u.decides(n, w.at, c.lease.Token)
		u.issues(n, w.at, c.lease.Token, serial+1)
	}
	u.arrives()
	n := u.files()
	u.decides(n, w.at, 77)
	u.arrives()
}

// filings are some cases of each service, and some that were erased or are to be.
func (c *climate) filings(t testing.TB) {
	w := c.base
	b, far, unrouted := w.enrol("41-09-17"), w.enrol("41-09-23"), w.enrol("41-11-05")
	for i, v := range c.catalog {
		f := Finding{Mode: dcat.ByCentre, Complaint: complaintOf(v, "low")}
		if len(v.Fees) > 0 {
			f.Issue = v.Fees[0].Poisha
		}
		n := b.filed(v, uint64(5000+i), f)
		far.filed(v, uint64(5000+i), f)
		unrouted.filed(v, uint64(5000+i), f)
		if v.ID == "land-record-copy" {
			w.worked(n, "anna", Take, Act{})
			w.worked(n, "anna", RequestInfo, Act{Items: []string{"nid"}, Text: "which?"})
		}
	}
	erased(w, b.ended(6001, *scan))
	good(t, "order", order(w, "chair", b.ended(6002)))
	paidAndErased(w, b)
	c.boxes = append(c.boxes, b, far, unrouted)
}

func complaintOf(v *dcat.Version, who string) *application.Complaint {
	if v.Procedure == nil || v.Procedure.Grievance == nil {
		return nil
	}
	return &application.Complaint{Kind: "officer", Officer: who}
}

// storm begins one from the climate, with as many registers as it likes to compare.
func (c *climate) storm(t testing.TB, seed uint64) *storm {
	t.Helper()
	b := c.base
	w := newTown(t)
	w.index, w.at, w.ids, w.entries, w.district, w.recips = b.index, b.at, b.ids, slices.Clip(b.entries), b.district, b.recips
	for range 2 {
		w.join(b.first().base.(*memory).copy())
	}
	s := &storm{drawer: drawer{town: w, climate: c, rng: rand.New(rand.NewPCG(seed, 50))}, payloads: payloads(), bodies: bodies(), taken: map[string]int{}}
	s.older = seed%3 == 2
	s.kinds = slices.Sorted(maps.Keys(s.payloads)) // In no order of a map: a seed draws the same again.
	for _, x := range c.boxes {
		own := x.rolledBack(len(x.events))
		own.town = w
		s.boxes = append(s.boxes, own)
	}
	if s.anew() {
		homecoming{s}.leave()
	}
	s.look()
	return s
}
