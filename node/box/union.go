package box

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"kendro/catalogue"
	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// A Union lets the officers of the centre's own union work on its cases at this box, with
// no hub, under the lease that the hub has given it. What they do are events of the box's
// own log, durable before they are answered; the register judges each again.
type Union struct {
	intake *Intake
	memory *Memory
	cases  *Cases
	turn   chan struct{} // One act at a time: it is judged by what the one before left.
}

// An Act is what an officer of the union asks for. Which parts count, the action says.
type Act struct {
	User, Key string // Who asks, and by which ID: the same gets the same answer.
	Number    protocol.Number
	Expect    uint64 // The version of the case that he saw.
	Action    application.Action
	Said      protocol.UnionAct
	Scan      string // Check: the hash of an upload that shows it, as it was sent or as it is kept.
}

// Seat is where an officer's login acts; zero for an entrepreneur's.
func Seat(u *protocol.User) place.Seat { return place.Seat{Post: u.Post, Office: u.Office} }

// Lease returns what this box may decide of a service, as far as it has been told.
func (b *Union) Lease(service string) (protocol.Lease, bool) {
	return b.memory.leases.of(service)
}

// Leases returns all of them, by service.
func (b *Union) Leases() []protocol.Lease { return b.memory.leases.all() }

// UnionCase returns a case with all that was done on it here, or [fault.NotFound] where its
// service is none that a union decides, or this box was never told that it may.
func (b *Union) UnionCase(n protocol.Number) (*UnionCase, error) {
	c, err := b.cases.Case(n)
	if err != nil {
		return nil, err
	}
	lease, told := b.Lease(c.Pin.Service)
	if c.Version == nil || !c.Version.DecidedAtNode() || !told {
		return nil, fault.New("box.UnionCase", fault.NotFound, n.String(), "it is decided at the hub's desks")
	}
	u := &UnionCase{Case: c, Lease: lease}
	if err := b.fold(u); err != nil || u.Elsewhere {
		return u, err
	}
	u.stand(b.cases)
	return u, nil
}

// Act does what an officer of the union asks for, and returns the case as it then stands.
// [fault.Denied]: the post may not, or the district has taken the lease back.
// [fault.Conflict]: somebody was faster, a rule of the procedure is in the way, or the case
// is worked at the hub. [fault.Unavailable]: the lease is not this box's yet, or has no
// number left; nothing was done.
func (b *Union) Act(ctx context.Context, a Act) (*UnionCase, error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, fault.Wrap("box.Act", fault.Unavailable, "", ctx.Err())
	}
	u, err := b.UnionCase(a.Number)
	if err != nil {
		return nil, err
	}
	a.Said.Action = a.Action.String()
	if again, err := b.repeated(&a); err != nil || again {
		return u, err
	}
	seat, err := b.entitled(&a, u)
	if err != nil {
		return nil, err
	}
	now := b.intake.o.Clock()
	if err := b.number(u, &a, now); err != nil {
		return nil, err
	}
	if err := b.resolve(u, &a); err != nil {
		return nil, err
	}
	e, err := u.event(a.Action, application.Officer{Name: a.User, Seat: seat}, &a.Said, now, b.calendar())
	if err != nil {
		return nil, err
	}
	e.Expect = a.Expect
	if _, err := u.State.Apply(e); err != nil {
		return nil, err
	}
	event := protocol.Event{Kind: protocol.ActedAtUnion, Post: seat.String(), Base: a.Expect, Payload: protocol.Marshal(&a.Said)}
	if _, err := (Followups{b.intake, b}).write(ctx, Followup{User: a.User, Key: a.Key, Number: a.Number}, event, sha256.Sum256(event.Payload)); err != nil {
		return nil, err
	}
	return b.UnionCase(a.Number)
}

// repeated reports whether the request came before. With another body it is
// [fault.Conflict].
func (b *Union) repeated(a *Act) (bool, error) {
	var seq uint64
	err := b.intake.view(func(tx *store.Tx) (err error) {
		seq, err = lookup(tx, b.intake.index.requestKey(a.User, a.Key))
		return err
	})
	if err != nil || seq == 0 {
		return false, err
	}
	e, err := b.intake.recordAt(seq)
	if err != nil {
		return false, err
	}
	var was protocol.UnionAct
	if e.event.Kind != protocol.ActedAtUnion || e.event.Number != a.Number || e.event.Decode(&was) != nil || !b.same(a, &was, e.event.Base) {
		return false, fault.New("box.Act", fault.Conflict, "Idempotency-Key", "this key came before with another request: draw a new key for a new one")
	}
	return true, nil
}

// same reports whether what was written is what is asked for.
func (b *Union) same(a *Act, was *protocol.UnionAct, base uint64) bool {
	now := a.Said
	now.Token, now.Certificate = was.Token, was.Certificate
	if d := was.Document; d != nil && a.Scan != "" {
		if other, err := b.intake.papers.find(a.Scan); err == nil && other.Hash != d.Hash {
			return false
		}
		now.Document = d
	}
	return base == a.Expect && (a.Scan == "") == (was.Document == nil) && string(protocol.Marshal(&now)) == string(protocol.Marshal(was))
}

// entitled asks whether the officer and the box may.
func (b *Union) entitled(a *Act, u *UnionCase) (place.Seat, error) {
	const op = "box.Act"
	user, known := b.memory.User(a.User)
	seat := Seat(&user)
	who := access.Principal{User: a.User, Role: access.Role(user.Role), Seat: seat, Centre: b.intake.centre}
	if err := access.May(who, access.WorkCase, access.Resource{Seat: u.State.Seat}); err != nil || !known {
		return seat, fault.New(op, fault.Denied, a.Number.String(), "the case does not lie at your desk")
	}
	l, goods := &u.Lease, b.intake.Goods()
	bar := b.Bar(u)
	switch {
	case !application.AtUnion(a.Action):
		return seat, fault.New(op, fault.Invalid, a.Action.String(), "this is not done at a box")
	case bar == BarEnded:
		return seat, fault.New(op, fault.Denied, l.Service, "the district has taken back what this union decided by itself: work at the hub's desk")
	case bar == BarNotYet:
		return seat, fault.New(op, fault.Unavailable, l.Service, "the lease of this union is not this box's yet: it comes with the next link to the hub")
	case bar == BarElsewhere:
		return seat, fault.New(op, fault.Conflict, a.Number.String(), "the case is at the hub's desks, or waits there to be confirmed: "+u.Stage)
	case goods == nil || !mayDo(goods.Set.Directory, seat, a.Action):
		return seat, fault.New(op, fault.Denied, seat.String(), "the post may not do this: "+application.Right(a.Action))
	}
	return seat, nil
}

func mayDo(dir *place.Directory, seat place.Seat, a application.Action) bool {
	p, ok := dir.Post(seat.Post)
	return application.Right(a) == "" || ok && p.May(application.Right(a))
}

// number adds the lease, and to an issue the next number.
func (b *Union) number(u *UnionCase, a *Act, now time.Time) error {
	a.Said.Token = u.Lease.Token
	if a.Action != application.Issue {
		return nil
	}
	used, err := b.used(&u.Lease)
	if err != nil {
		return err
	}
	next, _ := u.Lease.After(used)
	if next == 0 {
		return fault.New("box.Act", fault.Unavailable, u.Lease.Service, "no number is left: more come with the next link to the hub")
	}
	k := &protocol.Certificate{Serial: next, Number: protocol.CertificateNumber(u.Lease.Prefix, next), Issued: now.Unix()}
	end := int64(0)
	if r := u.Submission.Renews; r != nil {
		k.Renews, end = r.Number, r.Expires
		before, err := b.Predecessor(r.Number, "")
		if err != nil && !errors.Is(err, fault.NotFound) {
			return err
		}
		if err == nil && before.Gone != "" {
			return fault.New("box.Act", fault.Conflict, r.Number, "the certificate before can't be renewed, it is "+strings.TrimSpace(before.Gone+" "+before.By))
		}
	}
	k.Expires = application.CertificateTerm(u.Version.Procedure.Certificate, now.In(dhaka), end)
	a.Said.Certificate = k
	return nil
}

// resolve checks what an act names: the answers that it rests on, what an applicant is asked
// for, and the document that shows a check.
func (b *Union) resolve(u *UnionCase, a *Act) error {
	const op = "box.Act"
	if err := citable(u, a); err != nil {
		return err
	}
	switch a.Action {
	case application.RequestInfo:
		form, err := catalogue.CompileForm(u.Version.Form)
		if err != nil {
			return err
		}
		for _, it := range a.Said.Items {
			name, answer := strings.CutPrefix(it, protocol.FormField)
			_, known := u.Version.Document(it)
			if answer {
				_, known = form.Field(name)
			}
			if !known {
				return fault.New(op, fault.Invalid, it, "the service has no such answer or document: want form.NAME, or a document's ID")
			}
		}
	case application.Check:
		i := u.Version.Check(a.Said.Check)
		if a.Scan == "" {
			if i >= 0 && u.Version.Checks[i].Document {
				return fault.New(op, fault.Invalid, a.Said.Check, "the check wants the document that shows it: upload it, and name its sha256")
			}
			return nil
		}
		d, err := b.intake.papers.find(a.Scan)
		if err != nil {
			return err
		}
		d.Kind = a.Said.Check
		a.Said.Document = &d
	default:
	}
	return nil
}

// citable refuses grounds that a decision or a note can't have: the hub overturns a decision
// whose answer is put right later (DOMAIN §7 row 11), so the answer has to be one of the case.
func citable(u *UnionCase, a *Act) error {
	const op = "box.Act"
	cites := a.Said.Cites
	switch {
	case len(cites) == 0:
		return nil
	case a.Action != application.Decide && a.Action != application.Note:
		return fault.New(op, fault.Invalid, "cites", "only a decision or a note rests on answers")
	case !application.ItemsFit(cites):
		return fault.New(op, fault.Invalid, "cites", "want form.NAME or applicant.NAME, 1 to 32 of them, each once")
	}
	has := protocol.AnswersOf(u.Submission.Form, u.Submission.Applicant)
	for _, f := range cites {
		if _, ok := has[f]; !ok {
			return fault.New(op, fault.Invalid, f, "the case has no such answer: want form.NAME, or applicant.NAME")
		}
	}
	return nil
}

// calendar is the office's, nil before there is a catalogue.
func (b *Union) calendar() *place.Calendar {
	if goods := b.intake.Goods(); goods != nil {
		return goods.Set.Directory.Calendar
	}
	return nil
}

// Offers returns what an officer may do on the case now.
func (b *Union) Offers(u *UnionCase, name string, seat place.Seat) []application.Offer {
	goods := b.intake.Goods()
	if goods == nil || b.Bar(u) != "" {
		return nil
	}
	list := u.way.Offers(u.State, application.Officer{Name: name, Seat: seat}, b.intake.o.Clock().Unix())
	return slices.DeleteFunc(list, func(o application.Offer) bool {
		return !application.AtUnion(o.Action) || !mayDo(goods.Set.Directory, seat, o.Action)
	})
}

// Ask asks the hub for each lease that this box may have and lacks, and for more time and
// numbers once half of either is gone. It writes events; nothing where nothing is due.
func (b *Union) Ask(ctx context.Context) error {
	for _, l := range b.Leases() {
		used, err := b.used(&l)
		if err != nil {
			return err
		}
		_, left := l.After(used)
		if !b.due(&l, used) {
			continue
		}
		key := strings.Join([]string{l.Service, strconv.FormatUint(l.Token, 10), strconv.FormatInt(l.Until, 10), l.Slot}, "/")
		event := protocol.Event{Kind: protocol.LeaseAsked, Payload: protocol.Marshal(&protocol.LeaseRequest{Service: l.Service, Token: l.Token, Left: left})}
		if _, err := (Followups{b.intake, b}).write(ctx, Followup{Key: "lease/" + key}, event, sha256.Sum256([]byte(key))); err != nil {
			return err
		}
	}
	return nil
}

// due reports whether it is time to ask for a lease: well before its end.
func (b *Union) due(l *protocol.Lease, used uint64) bool {
	switch {
	case l.Ended:
		return false
	case l.Token == 0 || l.Slot != b.intake.o.Enrolment.Slot:
		return true
	}
	_, left := l.After(used)
	_, all := l.After(l.Numbers[0].First - 1)
	return b.intake.o.Clock().Unix() > l.From+(l.Until-l.From)/2 || left < (all+1)/2
}
