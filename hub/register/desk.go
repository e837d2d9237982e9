package register

import (
	"slices"
	"strings"

	"kendro/domain/access"
	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// fullFile is the size from which a case takes no more notes, and no second
// opinion of one officer; what its way to the end needs still fits into a value.
const fullFile = 128 << 10

// desks carries out what people ask for on cases.
type desks struct{ *step }

// A Draft is what an officer wrote when a colleague had been faster. It is kept
// for its author until that author's next text on the case.
type Draft struct {
	Action string `cbor:"1,keyasint"`
	Text   string `cbor:"2,keyasint"`
	At     int64  `cbor:"3,keyasint"` // Unix milliseconds.
	Saw    uint64 `cbor:"4,keyasint"` // The version that the officer saw.
}

// act does what an officer asks for on a case.
func (s desks) act(c *Command, by access.Principal, action application.Action) Result {
	var b Act
	if len(c.Body) > 0 {
		var f *protocol.Failure
		if b, f = body[Act](c); f != nil {
			return Result{Fault: f}
		}
	}
	k := &Case{}
	if !s.get(caseKey(c.Number), k) {
		return failed(fault.NotFound, c.Number.String(), "no case has this number")
	}
	if err := access.May(by, access.WorkCase, s.reach(k, by.Seat, c.Expect, action)); err != nil {
		return Result{Fault: failureOf(err)}
	}
	if f := s.postMay(by.Seat, action); f != nil {
		return Result{Fault: f}
	}
	if f := s.reasonKnown(action, b.Reason); f != nil {
		return Result{Fault: f}
	}
	if f := (grievances{courses(s)}).barred(k, action, &b); f != nil {
		return Result{Fault: f}
	}
	if f := s.leased(k, action); f != nil {
		return Result{Fault: f}
	}
	if f := correcting(k, action, b.Cites); f != nil {
		return Result{Fault: f}
	}
	e, f := s.event(k, by, action, &b)
	if _, gone := courses(s).predecessor(k); f == nil && (action == application.Approve || action == application.Issue) {
		f = gone
	}
	if f != nil {
		return Result{Fault: f}
	}
	e.Expect = c.Expect
	if k.full(action) {
		return failed(fault.Invalid, k.Number.String(), "the case file is full: decide and send it on")
	}
	before := k.State
	if err := s.change(k, e); err != nil {
		return s.overtaken(c, k, &b, err)
	}
	s.meta.Stats.Acts++
	if b.Text != "" && s.has(s.draftKey(k.Number, by.User)) {
		s.del(s.draftKey(k.Number, by.User))
	}
	if s.format > 2 {
		if f := s.after(k, before, &e, &b); f != nil {
			return Result{Fault: f}
		}
	}
	if before.Stage != k.State.Stage || before.Seat != k.State.Seat || s.format > 2 && before.Promised != k.State.Promised && !k.Notice.gathering() {
		s.tell(k)
	}
	return Result{Version: k.State.Version}
}

// event is what an officer asks for, with all that the procedure wants to know.
func (s desks) event(k *Case, by access.Principal, action application.Action, b *Act) (application.Event, *protocol.Failure) {
	if action == application.Pay && b.Books != "" {
		if f := (latePays{courses(s)}).claim(k, by, b); f != nil {
			return application.Event{}, f
		}
	}
	e := application.Event{
		Action: action, By: application.Officer{Name: by.User, Seat: by.Seat},
		Opinion: b.Opinion, Text: b.Text, Reason: b.Reason, Items: b.Items, Amount: b.Amount, Until: b.Until, At: courses(s).now().Unix(),
	}
	if action == application.RequestInfo {
		e.Until = 0 // The version's to say, not the officer's.
	}
	w, f := courses(s).way(k)
	if f == nil && action == application.Revoke {
		f = k.revocable()
	}
	if f != nil {
		return e, f
	}
	w.Vacant = s.format > 3 && action == application.Take && s.vacant(k)
	d, err := w.Desk(k.State, action, clip(b.To, 64))
	if err != nil {
		return e, failureOf(err)
	}
	if s.format > 2 {
		w.Grant(&e, k.State, courses(s).calendar(), courses(s).now())
		if action == application.RequestInfo && s.format > 3 {
			w.Ask(&e, courses(s).now())
		}
		d.Check = w.Version.Check(b.Check)
		if d.Check >= 0 && w.Version.Checks[d.Check].Document && (b.Document == nil || b.Document.Check() != nil) {
			return e, refuse(fault.Invalid, clip(b.Check, 64), "the check wants the document that shows it")
		}
		if d.Check >= 0 && w.Version.Checks[d.Check].Connector != "" && strings.TrimSpace(b.Text) == "" {
			return e, refuse(fault.Invalid, clip(b.Check, 64), "want the number that the other register gave, as text")
		}
		if action == application.Approve && k.Likely != 0 && d.Forbids == "" {
			d.Forbids = likelyText + k.Likely.String() + ": settle the item, or mark it as its duplicate"
		}
		d.Terms.Resolved = action == application.Link && s.linkable(k, b.Primary)
		if action == application.Pay && b.At > 0 {
			e.At = min(b.At, e.At)
		}
		if action == application.Prepare && e.Until < courses(s).now().Unix() {
			return e, refuse(fault.Invalid, "until", "want a delivery date that is not past")
		}
	}
	e.Desk = d
	return e, nil
}

// vacant reports whether whoever holds a case may sign in no more (row 38).
func (s desks) vacant(k *Case) bool {
	u := &User{}
	return k.State.Holder != "" && (!s.get(s.userKey(k.State.Holder), u) || !u.ActiveAt(s.meta.At/1000))
}

// after does what an officer's act brings with it.
func (s desks) after(k *Case, before application.Case, e *application.Event, b *Act) *protocol.Failure {
	t := &k.History[len(k.History)-1]
	switch e.Action {
	case application.Note, application.Decide:
		t.Cites = b.Cites
		k.rest(b.Cites)
	case application.Check:
		t.Check, t.Document = b.Check, b.Document
		if b.Document != nil {
			papers(s).name(k, []protocol.Document{*b.Document})
			waiting{erasures{courses(s)}}.shown(k.Number, b.Document.Hash)
		}
		if w, f := courses(s).way(k); f == nil {
			outsiders{courses(s)}.byHand(k, w.Version, b.Check, b.Text)
			records{courses(s)}.scanned(k, w.Version, b.Check, e.By.Name, b.Document)
		}
	case application.Issue:
		if t.Event == nil {
			s.numberHere(k)
		}
	case application.Revoke:
		courses(s).revoke(k, b.Reason, e.At)
	case application.Link:
		s.link(k, b.Primary)
		if k.State.Paid > 0 && s.format > 3 {
			courses(s).open(k, Item{Kind: ItemSecondFee, Text: whySecondFee, Amount: k.State.Paid, Event: Source{Log: k.Log, At: k.At}, Centre: k.Centre})
		}
	case application.Pay:
		if b.Books != "" {
			latePays{courses(s)}.book(k, t, e, b.Books)
		}
		if e.Amount > before.Owed {
			from := Source{Log: k.Log, At: k.At}
			if t.Event != nil { // Its centre may void it, all of it.
				from = *t.Event
			}
			courses(s).open(k, Item{Kind: ItemOverpayment, Text: whySurplus, Amount: e.Amount - before.Owed, Event: from, Centre: k.Centre})
		}
	default:
	}
	if err := courses(s).follow(k); err != nil {
		s.keep(fault.Wrap("register.Apply", fault.Internal, k.Number.String(), err))
		return failureOf(err)
	}
	s.put(caseKey(k.Number), k)
	return nil
}

// maxTwins bounds the cases that are one case once more.
const maxTwins = 16

// linkable reports whether a case may be marked as another one once more.
func (s desks) linkable(k *Case, primary protocol.Number) bool {
	p := &Case{}
	return primary != k.Number && len(k.Twins) == 0 && s.get(caseKey(primary), p) &&
		p.Primary == 0 && p.State.Stage != application.Submitted && len(p.Twins) < maxTwins && p.Accused == nil && k.Accused == nil
}

// link lets both numbers lead to the primary.
func (s desks) link(k *Case, primary protocol.Number) {
	p := &Case{}
	if !s.get(caseKey(primary), p) {
		return
	}
	p.Twins = append(slices.Clip(p.Twins), k.Number)
	k.Primary = primary
	s.put(caseKey(primary), p)
	s.put(caseKey(k.Number), k)
	courses(s).tellTwin(k.Number, s.standing(p))
}

// reach is what a case belongs to where its officer acts. A superior to whom an
// overdue task went reaches it, and the appellate post what may be appealed.
func (s desks) reach(k *Case, asker place.Seat, saw uint64, action application.Action) access.Resource {
	r := k.closed(k.resource(s.world, asker, saw), grievances{courses(s)}.roster)
	if s.format <= 2 || asker == (place.Seat{}) {
		return r
	}
	if w, f := courses(s).way(k); f == nil {
		r.Seat = k.deskOf(w, r.Seat, asker, action)
	}
	return r
}

// deskOf is the desk at which a case lies for an asker: the superior to whom an
// overdue task went has it too, and the appellate post what may be appealed.
func (c *Case) deskOf(w application.Way, seat, asker place.Seat, action application.Action) place.Seat {
	if asker == c.State.Above {
		return asker
	}
	if action == application.Revoke && c.Certificate != nil && w.Overseer(c.State) == asker {
		return asker
	}
	if action == application.Appeal {
		if d, err := w.Desk(c.State, action, ""); err == nil && d.Seat == asker {
			return asker
		}
	}
	return seat
}

// reasonKnown asks whether the release in force lists the reason of a rejection or a
// revocation.
// One that lists none, as releases from before there were lists, takes any.
func (s desks) reasonKnown(action application.Action, code string) *protocol.Failure {
	if action != application.Reject && action != application.Revoke || s.world.set == nil || len(s.world.set.Directory.Reasons) == 0 {
		return nil
	}
	if _, ok := s.world.set.Directory.Reason(code); ok {
		return nil
	}
	var codes []string
	for _, r := range s.world.set.Directory.Reasons {
		codes = append(codes, r.Code)
	}
	return failed(fault.Invalid, clip(code, place.MaxReason), "no such reason code: want one of "+strings.Join(codes, ", ")).Fault
}

// resource is what a case belongs to, for the policy. An officer whose desk has
// just sent the case on may still be told so, when he acts on what he saw.
func (c *Case) resource(w *world, asker place.Seat, saw uint64) access.Resource {
	r := access.Resource{Centre: c.Centre, Seat: c.State.Seat, Offices: c.Offices}
	if asker == c.State.From && saw < c.State.Version {
		r.Seat = asker
	}
	if c.Certificate != nil && w.set != nil { // Who may take it back reads it.
		over := w.way(c).Overseer(c.State)
		r.Offices = append(slices.Clip(r.Offices), over.Office)
	}
	if w.set != nil {
		r.Areas = access.In(w.set.Directory, c.Area)
	}
	return r
}

// postMay asks whether the directory lets the post do the act.
func (s desks) postMay(seat place.Seat, action application.Action) *protocol.Failure {
	if s.world.postMay(seat, action) {
		return nil
	}
	return refuse(fault.Denied, seat.String(), "the post may not do this: "+application.Right(action))
}

func (w *world) postMay(seat place.Seat, action application.Action) bool {
	act := application.Right(action)
	if act == "" {
		return true
	}
	if w.set == nil {
		return false
	}
	p, ok := w.set.Directory.Post(seat.Post)
	return ok && p.May(act)
}

func (w *world) version(h dcat.Hash) (*dcat.Version, bool) {
	if w.set == nil {
		return nil, false
	}
	return w.set.ByHash(h)
}

// full reports whether a case file takes no more of this.
func (c *Case) full(action application.Action) bool {
	again := action == application.Decide && c.State.DecidedBy != ""
	if action != application.Note && !again {
		return false
	}
	size := 0
	for i := range c.History {
		size += len(c.History[i].Text) + 128
	}
	return size > fullFile
}

// overtaken answers a refused act. On a conflict the officer learns what
// happened, and what he wrote is kept as a draft.
func (s desks) overtaken(c *Command, k *Case, b *Act, err error) Result {
	res := Result{Version: k.State.Version, Fault: failureOf(err)}
	if res.Fault.Kind != fault.Conflict {
		res.Version = 0
		return res
	}
	if b.Text != "" && len(b.Text) <= application.MaxText && k.Erased == 0 {
		s.put(s.draftKey(k.Number, c.Actor), &Draft{Action: string(c.Method), Text: b.Text, At: s.meta.At, Saw: c.Expect})
	}
	const newest = 10
	d := Difference{Expected: c.Expect, Current: k.State.Version, Stage: k.State.Stage.String(), Seat: k.State.Seat, Holder: k.State.Holder}
	said := !s.has(erasureKey(k.Number)) // What is to be erased is told to nobody more.
	for i := len(k.History) - 1; said && i >= 0 && len(d.Since) < newest && k.History[i].Version > c.Expect; i-- {
		d.Since = append(d.Since, k.History[i])
	}
	slices.Reverse(d.Since)
	res.Body = protocol.Marshal(&d)
	return res
}

func (s desks) draftKey(n protocol.Number, user string) []byte {
	return key(tagDraft, u64(uint64(n)), nameKey(s.world.founding.Incarnation, user))
}

// A Looked is one look at a case.
type Looked struct {
	_    struct{} `cbor:",toarray"`
	User string
	At   int64 // Unix milliseconds.
}

// look records that somebody reads a case, if he may.
func (s desks) look(c *Command, by access.Principal) Result {
	k := &Case{}
	if !s.get(caseKey(c.Number), k) {
		return failed(fault.NotFound, c.Number.String(), "no case has this number")
	}
	if err := access.May(by, access.ReadCase, k.closed(k.resource(s.world, place.Seat{}, k.State.Version), grievances{courses(s)}.roster)); err != nil {
		return Result{Fault: failureOf(err)}
	}
	s.part++
	s.put(key(tagLook, u64(uint64(c.Number)), u64(s.index), u32(s.part)), &Looked{User: by.User, At: s.meta.At})
	s.meta.Stats.Looks++
	return Result{Version: k.State.Version}
}
