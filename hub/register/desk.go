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
	if err := access.May(by, access.WorkCase, k.resource(s.world, by.Seat, c.Expect)); err != nil {
		return Result{Fault: failureOf(err)}
	}
	if f := s.postMay(by.Seat, action); f != nil {
		return Result{Fault: f}
	}
	if f := s.reasonKnown(action, b.Reason); f != nil {
		return Result{Fault: f}
	}
	e := application.Event{
		Action: action, By: application.Officer{Name: by.User, Seat: by.Seat}, Expect: c.Expect,
		Opinion: b.Opinion, Text: b.Text, Reason: b.Reason,
	}
	var f *protocol.Failure
	if e.Desk, f = s.desk(k, action, b.To); f != nil {
		return Result{Fault: f}
	}
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
	if before.Stage != k.State.Stage || before.Seat != k.State.Seat {
		s.tell(k)
	}
	return Result{Version: k.State.Version}
}

// reasonKnown asks whether the release in force lists the reason of a rejection.
// One that lists none, as releases from before there were lists, takes any.
func (s desks) reasonKnown(action application.Action, code string) *protocol.Failure {
	if action != application.Reject || s.world.set == nil || len(s.world.set.Directory.Reasons) == 0 {
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
	if w.set != nil {
		r.Areas = access.In(w.set.Directory, c.Area)
	}
	return r
}

// postMay asks whether the directory lets the post do the act.
func (s desks) postMay(seat place.Seat, action application.Action) *protocol.Failure {
	var act string
	switch action {
	case application.Decide:
		act = place.ActPreliminary
	case application.Forward:
		act = place.ActForward
	case application.Approve, application.Reject:
		act = place.ActFinalise
	default:
		return nil
	}
	if s.world.set != nil {
		if p, ok := s.world.set.Directory.Post(seat.Post); ok && p.May(act) {
			return nil
		}
	}
	return refuse(fault.Denied, seat.String(), "the post may not do this: "+act)
}

// desk looks up what the pinned version demands where the case stands, and for
// forward where it goes to.
func (s desks) desk(c *Case, action application.Action, to string) (application.Desk, *protocol.Failure) {
	v, ok := s.world.version(c.Pinned)
	if !ok {
		s.keep(fault.New("register.Apply", fault.Damaged, c.Number.String(), "the pinned version of the service is missing"))
		return application.Desk{}, refuse(fault.Unavailable, c.Number.String(), "no version")
	}
	here, _ := v.Step(c.State.Step)
	d := application.Desk{Decision: here.Decision, Finalise: here.MayFinalise}
	next := -1
	for i := c.State.Step + 1; i < len(v.Steps); i++ {
		if next < 0 && (to == "" || v.Steps[i].Post == to) {
			if to != "" && d.Mandatory {
				return d, refuse(fault.Invalid, clip(to, 64), "a mandatory desk comes before this one: forward to it")
			}
			next = i
		}
		d.Mandatory = d.Mandatory || v.Steps[i].Mandatory
	}
	if action != application.Forward || next < 0 {
		if to != "" {
			return d, refuse(fault.Invalid, clip(to, 64), "no later step of the service has this post")
		}
		return d, nil
	}
	seat, ok := s.world.set.Directory.SeatFor(v.Steps[next].Post, c.Area)
	if !ok {
		return d, refuse(fault.Conflict, v.Steps[next].Post, "no office has this post for the area: ask the district")
	}
	d.Step, d.Seat = next, seat
	return d, nil
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
	if b.Text != "" && len(b.Text) <= application.MaxText {
		s.put(s.draftKey(k.Number, c.Actor), &Draft{Action: string(c.Method), Text: b.Text, At: s.meta.At, Saw: c.Expect})
	}
	const newest = 10
	d := Difference{Expected: c.Expect, Current: k.State.Version, Stage: k.State.Stage.String(), Seat: k.State.Seat, Holder: k.State.Holder}
	for i := len(k.History) - 1; i >= 0 && len(d.Since) < newest && k.History[i].Version > c.Expect; i-- {
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
	if err := access.May(by, access.ReadCase, k.resource(s.world, place.Seat{}, k.State.Version)); err != nil {
		return Result{Fault: failureOf(err)}
	}
	s.part++
	s.put(key(tagLook, u64(uint64(c.Number)), u64(s.index), u32(s.part)), &Looked{User: by.User, At: s.meta.At})
	s.meta.Stats.Looks++
	return Result{Version: k.State.Version}
}
