package register

import (
	"slices"
	"testing"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

const (
	unionOffice = "local-41-09-17"
	licenceFee  = 30_000
)

// unionLicence is the trade licence as a union decides it at its box.
func unionLicence(t testing.TB) *dcat.Version {
	t.Helper()
	v := version(t, "trade-licence", 2, "secretary", "chairman")
	v.Steps[1].Decision = false
	v.Fees = []dcat.Fee{{Kind: dcat.Government, Poisha: licenceFee, At: dcat.AfterApproval}}
	v.Procedure = &dcat.Procedure{
		FeeDays: 30,
		Issue: &dcat.Issue{
			Post: "chairman", OfficeLevel: "local", Name: place.Name{BN: "স্বাক্ষর", EN: "Sign"}, Days: 2,
			Modes: []dcat.Mode{dcat.ByCentre}, CloseDays: 7,
		},
		DecideAt: dcat.AtNode,
		Certificate: &dcat.Certificate{
			Code: "TL", ValidDays: 365, Block: 4, LeaseDays: 14,
			Renewal: &dcat.Renewal{Rule: "renewal", Answer: "licence_no", Within: 60},
		},
	}
	v.Rules = []dcat.Rule{{ID: "renewal", If: "form.kind == 'renewal'", Says: place.Name{BN: "নবায়ন", EN: "Renewal"}}}
	h, err := catalogue.HashVersion(v)
	if err != nil {
		t.Fatal(err)
	}
	v.Hash = h
	return v
}

// A union is a box whose centre may decide, with its service.
type union struct {
	*box
	v      *dcat.Version
	nonces uint64
	rules  dcat.Bits // That hold for what it files.
}

// newUnion settles a town whose union may decide at its box, and has the box ask.
func newUnion(t testing.TB) (*town, *union) {
	t.Helper()
	return foundUnion(t, unionLicence(t))
}

func foundUnion(t testing.TB, v *dcat.Version) (*town, *union) {
	t.Helper()
	w := newTown(t, newMemory(), newMemory()).settle()
	w.publish(2, fullDirectory(), v)
	w.must(NewCommand("", "root", AddUser, &User{
		Name: "uno-officer", Role: access.Officer, Seat: place.Seat{Post: "uno", Office: "upazila-41-09"}, Hash: hash1, From: 1,
	}))
	u := &union{box: w.enrol("41-09-17"), v: v, nonces: 100}
	w.must(NewCommand("", "root", AllowLease, &LeaseOrder{Centre: "41-09-17", Service: v.ID}))
	u.ask(0)
	return w, u
}

// ask has the box ask for its lease.
func (u *union) ask(left uint64) protocol.Lease {
	u.town.t.Helper()
	u.by("", protocol.LeaseAsked, 0, &protocol.LeaseRequest{Service: u.v.ID, Left: left})
	return u.lease()
}

// lease is the newest that the centre was told of.
func (u *union) lease() (l protocol.Lease) {
	u.town.t.Helper()
	for _, e := range u.town.inboxOf(u.centre) {
		if e.Kind == protocol.LeaseTold {
			l = protocol.Lease{}
			if err := e.Decode(&l); err != nil {
				u.town.t.Fatal(err)
			}
		}
	}
	return l
}

// by writes an event of somebody's and brings it at once.
func (u *union) by(who string, kind protocol.Kind, n protocol.Number, payload any) {
	u.town.t.Helper()
	u.wrote(who, kind, n, u.town.at, payload)
	u.arrives()
}

// wrote writes an event at a time, which arrives later.
func (u *union) wrote(who string, kind protocol.Kind, n protocol.Number, at int64, payload any) {
	u.add(&protocol.Event{Kind: kind, At: at, Actor: who, Number: n, Payload: protocol.Marshal(payload)})
}

// arrives brings all that has not come yet.
func (u *union) arrives() {
	u.town.t.Helper()
	pos, _, err := u.town.first().Cursor(u.log)
	if err != nil {
		u.town.t.Fatal(err)
	}
	at := int(pos.Seq)
	in := u.ingest(at+1, len(u.events))
	for seq := at + 1; seq <= len(u.events); seq++ {
		in.Findings = append(in.Findings, Finding{Seq: uint64(seq), Rules: u.rules, Issue: licenceFee, Mode: dcat.ByCentre})
	}
	if f := u.town.apply(&Entry{Offset: dhakaOffset, Ingests: []Ingest{in}}).Ingests[0].Fault; f != nil {
		u.town.t.Fatal(f.Err())
	}
}

// files files an application that arrives with what follows.
func (u *union) files() protocol.Number {
	u.nonces++
	return u.submit(u.v, u.nonces)
}

// decides has secretary and chairman do their part at a time: up to the approval.
func (u *union) decides(n protocol.Number, at int64, token uint64) {
	act := func(who, action string, a protocol.UnionAct) {
		a.Action, a.Token = action, token
		u.wrote(who, protocol.ActedAtUnion, n, at, &a)
	}
	act("anna", "take", protocol.UnionAct{})
	act("anna", "decide", protocol.UnionAct{Opinion: "approve", Text: "in order"})
	act("anna", "forward", protocol.UnionAct{})
	act("chair", "take", protocol.UnionAct{})
	act("chair", "approve", protocol.UnionAct{})
}

// issues has the fee paid and the certificate signed.
func (u *union) issues(n protocol.Number, at int64, token, serial uint64) string {
	u.wrote("rahima", protocol.PaymentTaken, n, at, cash(licenceFee))
	number := protocol.CertificateNumber(u.lease().Prefix, serial)
	u.wrote("chair", protocol.ActedAtUnion, n, at, &protocol.UnionAct{Action: "issue", Token: token, Certificate: &protocol.Certificate{
		Serial: serial, Number: number, Issued: at / 1000, Expires: at/1000 + 365*24*3600,
	}})
	return number
}

func (u *union) items(n protocol.Number) (kinds []string, newest *Item) {
	u.town.t.Helper()
	list, err := u.town.first().Items(n)
	if err != nil {
		u.town.t.Fatal(err)
	}
	for _, it := range list {
		kinds, newest = append(kinds, it.Kind), it
	}
	return kinds, newest
}

func (u *union) settles(who string, it *Item, outcome string) Result {
	c := NewCommand("", who, Settle, &Settlement{Item: it.ID, Outcome: outcome, Text: "seen"})
	c.Number = it.Number
	return entry(u.town, c)
}

// certificate fails unless a case has one in this state.
func (u *union) certificate(n protocol.Number, number, state string) {
	u.town.t.Helper()
	c, err := u.town.first().Case(n)
	if err != nil {
		u.town.t.Fatal(err)
	}
	if c.Certificate == nil || c.Certificate.Number != number || c.Certificate.State != state {
		u.town.t.Fatalf("%s has the certificate %+v; want %s, %s", n, c.Certificate, number, state)
	}
}

// TestUnionDecidesUnderALease follows a licence that was decided at the box while its
// lease held: the register repeats every act, and the certificate counts.
func TestUnionDecidesUnderALease(t *testing.T) {
	w, u := newUnion(t)
	l := u.lease()
	if l.Token != 1 || l.Slot != u.slot || l.Until-l.From != 14*24*3600 || len(l.Numbers) != 1 || l.Numbers[0].Last != 4 {
		t.Fatalf("the box was told of the lease %+v", l)
	}
	n := u.files()
	u.decides(n, w.at, l.Token)
	number := u.issues(n, w.at, l.Token, 1)
	since(w, 3)
	u.arrives()
	w.stage(n, application.Ready)
	u.certificate(n, number, protocol.CertificateConfirmed)
	if c, err := w.first().CertificateCase(number); err != nil || c.Number != n {
		t.Errorf("the number leads to %v, %v", c, err)
	}
	if kinds, _ := u.items(n); len(kinds) != 0 {
		t.Errorf("items %v; want none", kinds)
	}
	u.by("rahima", protocol.HandedOver, n, &protocol.HandOver{Proof: "nid"})
	w.stage(n, application.Delivered)
	verified(w)
	w.agree()
}

// TestUnionHasTheDesks shows who may act while a lease is out, and whose a case is that
// somebody has begun.
func TestUnionHasTheDesks(t *testing.T) {
	w, u := newUnion(t)
	n, other := u.files(), u.files()
	u.arrives()
	wantFault(t, "take at the hub under a lease", w.officer(n, "anna", Take, Act{}).Fault, fault.Conflict)
	since(w, 15)
	w.worked(n, "anna", Take, Act{})
	l := u.ask(4)
	if l.Token != 2 {
		t.Fatalf("after the end the token is %d; want 2", l.Token)
	}
	wantFault(t, "take of another", w.officer(other, "anna", Take, Act{}).Fault, fault.Conflict)
	w.worked(n, "anna", Note, Act{Text: "it is mine"})
	u.decides(n, w.at, l.Token)
	u.arrives()
	w.stage(n, application.UnderReview)
	if kinds, it := u.items(n); len(kinds) != 5 || it.Kind != ItemUnion || it.Owner.Office != "upazila-41-09" {
		t.Errorf("what the box did on the hub's case became %v, at %v", kinds, it.Owner)
	}
	w.agree()
}

// TestRow37LeaseUsedAfterItsEnd shows the queue: the application counts, what was decided
// late waits for the UNO with all that followed, and is then confirmed or refused.
func TestRow37LeaseUsedAfterItsEnd(t *testing.T) {
	for _, outcome := range []string{outcomeConfirmed, outcomeRefused} {
		w, u := newUnion(t)
		l := u.lease()
		since(w, 20)
		n := u.files()
		u.decides(n, w.at, l.Token)
		number := u.issues(n, w.at, l.Token, 2)
		u.wrote("rahima", protocol.HandedOver, n, w.at, &protocol.HandOver{Proof: "nid"})
		since(w, 2)
		u.arrives()
		w.stage(n, application.UnderReview)
		u.certificate(n, number, protocol.CertificateWaits)
		kinds, it := u.items(n)
		if len(kinds) != 1 || it.Kind != ItemConfirm || it.Owner != (place.Seat{Post: "uno", Office: "upazila-41-09"}) || it.Text != whyLeaseOver {
			t.Fatalf("items %v, the last %+v", kinds, it)
		}
		wantFault(t, "approve at the hub meanwhile", w.officer(n, "chair", Approve, Act{}).Fault, fault.Conflict)
		wantFault(t, "confirm by the union itself", u.settles("chair", it, outcome).Fault, fault.Denied)
		if res := u.settles("uno-officer", it, outcome); res.Fault != nil {
			t.Fatal(res.Fault.Err())
		}
		wantFault(t, "settle it twice", u.settles("uno-officer", it, outcome).Fault, fault.Conflict)
		if outcome == outcomeConfirmed {
			w.stage(n, application.Delivered)
			u.certificate(n, number, protocol.CertificateConfirmed)
			if kinds, _ := u.items(n); len(kinds) != 1 {
				t.Errorf("confirmed, and items %v", kinds)
			}
		} else {
			w.stage(n, application.UnderReview)
			u.certificate(n, number, protocol.CertificateRefused)
			want := []string{ItemConfirm, ItemOverpayment, ItemUnion, ItemHandOver}
			if kinds, _ := u.items(n); !slices.Equal(kinds, want) {
				t.Errorf("refused, and items %v; want %v", kinds, want)
			}
			w.worked(n, "chair", Reject, Act{Reason: "incomplete", Text: "not in order"})
		}
		verified(w)
		w.agree()
	}
}

// TestRow37LeaseChangesHands shows the fence: a new box of the centre has to wait for the
// end of the old one's lease, what the old one decided in its time stands, and what it
// decided later waits.
func TestRow37LeaseChangesHands(t *testing.T) {
	w, u := newUnion(t)
	first := u.lease()
	inTime, late := u.files(), u.files()
	u.decides(inTime, w.at+1000, first.Token)
	u.decides(late, w.at+15*24*3600*1000, first.Token)
	next := &union{box: w.enrol("41-09-17"), v: u.v, nonces: 200}
	second := next.ask(0)
	if second.Token != 2 || second.Slot != next.slot || second.From != first.Until+1 || second.Has(1) || !second.Has(5) {
		t.Fatalf("the next box was told of %+v; the first had %+v", second, first)
	}
	since(w, 16)
	u.arrives()
	w.stage(inTime, application.FeeDue)
	w.stage(late, application.UnderReview)
	if kinds, _ := u.items(late); !slices.Equal(kinds, []string{ItemConfirm}) {
		t.Errorf("the late decision became %v", kinds)
	}
	w.agree()
}

// TestRow20NumberIsUsedOnce shows that a second certificate of one number is refused, and
// one of a number that is nobody's.
func TestRow20NumberIsUsedOnce(t *testing.T) {
	w, u := newUnion(t)
	l := u.lease()
	var cases []protocol.Number
	for i, serial := range []uint64{1, 1, 99} {
		cases = append(cases, u.files())
		u.decides(cases[i], w.at, l.Token)
		u.issues(cases[i], w.at, l.Token, serial)
	}
	u.arrives()
	w.stage(cases[0], application.Ready)
	for _, n := range cases[1:] {
		w.stage(n, application.InPreparation)
		if kinds, it := u.items(n); !slices.Equal(kinds, []string{ItemUnion}) || it.Text != whyNumber {
			t.Errorf("items %v", kinds)
		}
	}
	w.agree()
}

// TestRow20WaitingUsesUpNoNumber shows two late certificates of one number: anybody can ask
// about it at once, the one that is confirmed first has it, and the other is refused.
func TestRow20WaitingUsesUpNoNumber(t *testing.T) {
	w, u := newUnion(t)
	l := u.lease()
	since(w, 20)
	first, second := u.files(), u.files()
	for _, n := range []protocol.Number{first, second} {
		u.decides(n, w.at, l.Token)
	}
	number := u.issues(first, w.at, l.Token, 2)
	u.issues(second, w.at, l.Token, 2)
	u.arrives()
	leads := func(want protocol.Number) {
		t.Helper()
		if c, err := w.first().CertificateCase(number); err != nil || c.Number != want {
			t.Fatalf("the number leads to %v, %v; want %s", c, err, want)
		}
	}
	leads(first)
	for _, n := range []protocol.Number{second, first} {
		_, it := u.items(n)
		if res := u.settles("uno-officer", it, outcomeConfirmed); res.Fault != nil {
			t.Fatal(res.Fault.Err())
		}
		leads(second)
	}
	u.certificate(second, number, protocol.CertificateConfirmed)
	u.certificate(first, number, protocol.CertificateRefused)
	w.agree()
}

// TestUnionIsJudgedAgain shows that the register takes no box's word for who may act:
// whoever had no post then, no desk or no lease is an item, and nothing is dropped.
func TestUnionIsJudgedAgain(t *testing.T) {
	w, u := newUnion(t)
	l := u.lease()
	take := func(token uint64) *protocol.UnionAct { return &protocol.UnionAct{Action: "take", Token: token} }
	n := u.files()
	for who, a := range map[string]*protocol.UnionAct{"far": take(l.Token), "chair": take(l.Token), "rahima": take(l.Token), "nobody": take(l.Token), "anna": take(7)} {
		u.by(who, protocol.ActedAtUnion, n, a)
		w.stage(n, application.Received)
	}
	u.by("anna", protocol.ActedAtUnion, n, &protocol.UnionAct{Action: "appeal", Token: l.Token})
	before := w.at
	since(w, 1)
	w.must(NewCommand("", "root", DisableUser, &Name{Name: "bilal"}))
	u.wrote("bilal", protocol.ActedAtUnion, n, before, take(l.Token))
	u.arrives()
	w.stage(n, application.UnderReview) // He could then.
	u.by("bilal", protocol.ActedAtUnion, n, &protocol.UnionAct{Action: "note", Text: "late", Token: l.Token})
	if kinds, _ := u.items(n); len(kinds) != 7 {
		t.Errorf("items %v; want 7", kinds)
	}
	told := map[string]bool{}
	for _, e := range w.inboxOf("41-09-17") {
		var x protocol.User
		if e.Kind == protocol.UserChanged && e.Decode(&x) == nil && x.Office == unionOffice {
			told[x.Name] = !x.Disabled
		}
	}
	if !told["anna"] || !told["chair"] || told["bilal"] || told["far"] {
		t.Errorf("the box knows the logins %v", told)
	}
	w.must(NewCommand("", "root", EndLease, &LeaseOrder{Centre: "41-09-17", Service: u.v.ID}))
	if !u.lease().Ended {
		t.Error("the box was not told that it may decide no more")
	}
	if l := u.ask(0); l.Token != 1 {
		t.Errorf("it got another lease: %+v", l)
	}
	w.agree()
}

// TestLeaseEndsWithTheBox shows that a revoked box's lease ends at once, and the next box's
// begins at once.
func TestLeaseEndsWithTheBox(t *testing.T) {
	w, u := newUnion(t)
	w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-17", GossipKey: seedOf("new")}))
	revoked := w.at
	since(w, 1)
	if l := u.ask(0); l.Token != 1 || l.Until > revoked/1000 {
		t.Fatalf("the revoked box has %+v", l)
	}
	next := &union{box: w.enrol("41-09-17"), v: u.v, nonces: 300}
	if l := next.ask(0); l.Token != 2 || l.Slot != next.slot || l.From > w.at/1000 {
		t.Fatalf("the next box has %+v", l)
	}
	w.agree()
}
