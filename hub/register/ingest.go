package register

import (
	"bytes"
	"errors"
	"strings"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
	"kendro/protocol"
)

// An Opener opens blocks that were sealed to the district.
type Opener interface {
	// Open returns the events of a block, checked to chain from its Prev to its
	// End; epoch is nil for a block that isn't sealed. It answers the same for the
	// same bytes on every server, but for fault.NotFound: this server lacks a key
	// that the group has, and must stop.
	Open(b *protocol.Block, epoch *protocol.Epoch) ([]protocol.Item, error)
}

// intake puts the blocks of uplinks into the register.
type intake struct{ *step }

// bring applies one block of an uplink.
func (s intake) bring(in *Ingest) IngestResult {
	h := &in.Block.Header
	res := IngestResult{Log: h.Log}
	owner, f := s.author(&in.Block)
	if f != nil {
		res.Fault = f
		return res
	}
	l := s.log(h.Log)
	before := l.At.Seq
	res.Fault = s.extend(in, owner, l)
	res.At, res.Accepted = l.At, int(l.At.Seq-before)
	return res
}

// author returns the box whose slot the block's log belongs to.
func (s intake) author(b *protocol.Block) (*Node, *protocol.Failure) {
	h := &b.Header
	if s.world.founding == nil {
		return nil, refuse(fault.Unavailable, "register", "the district is not founded yet")
	}
	if b.Check() != nil || len(b.Signature) > identity.SignatureSize {
		return nil, refuse(fault.Invalid, h.Log.String(), "the block is malformed")
	}
	district, slot, ok := strings.Cut(h.Log.Name, "-")
	if h.Log.Channel != protocol.Uplink || !ok || district != s.world.founding.District {
		return nil, refuse(fault.Invalid, h.Log.String(), "not an uplink of this district")
	}
	owner := s.world.slots[slot]
	switch {
	case owner == nil:
		return nil, refuse(fault.Denied, h.Log.String(), "no box is enrolled under this slot")
	case s.format == 1 && owner.RevokedAt != 0:
		return nil, refuse(fault.Denied, h.Log.String(), "the box was revoked")
	case h.Signer != identity.IDOf(owner.Signing):
		return nil, refuse(fault.Denied, h.Log.String(), "the block is signed by another key than the slot's")
	}
	return owner, nil
}

// extend brings the log up to the block's end, or says why not. Whatever of the
// block is in the register already is compared and skipped.
func (s intake) extend(in *Ingest, owner *Node, l *logState) *protocol.Failure {
	h := &in.Block.Header
	erasures{courses(s)}.carried(h, l.At.Seq)
	switch {
	case l.Fork != nil:
		return refuse(fault.Conflict, h.Log.String(), "the log forked and is frozen")
	case h.First > l.At.Seq+1:
		return refuse(fault.Unavailable, h.Log.String(), "events before this block are missing: send from the position given")
	case h.First == 1 && h.Prev != protocol.Hash{}:
		return refuse(fault.Invalid, h.Log.String(), "the first event of a log has nothing before it")
	}
	if s.differs(l, h.Log, h.First-1, h.Prev) {
		return s.fork(in, l, h.First-1, h.Prev)
	}
	if h.Last <= l.At.Seq {
		if s.differs(l, h.Log, h.Last, h.End) {
			return s.forkIn(in, l)
		}
		return nil
	}
	if f := sealers(s).refused(h); f != nil {
		return f
	}
	if in.Quarantine != "" {
		return s.quarantine(in, l)
	}
	if len(in.Verdicts) != h.Count() {
		return refuse(fault.Invalid, h.Log.String(), "the block was not judged")
	}
	if !s.room(4*h.Count()+8, len(in.Block.Body)+h.Count()<<10) {
		return refuse(fault.Unavailable, h.Log.String(), whyCrowded)
	}
	items, f := s.open(&in.Block)
	if f != nil {
		return f
	}
	return s.take(in, items, owner, l)
}

// differs reports whether the register holds another hash for an event.
func (s intake) differs(l *logState, id protocol.LogID, seq uint64, hash protocol.Hash) bool {
	if seq == l.At.Seq {
		return hash != l.At.Hash
	}
	v, ok := s.raw(eventKey(id, seq))
	return seq != 0 && ok && !bytes.HasPrefix(v, hash[:]) // Inside a quarantined block no hash is known.
}

// open opens a block. A server without the key stops; what opens nowhere is
// refused everywhere.
func (s intake) open(b *protocol.Block) ([]protocol.Item, *protocol.Failure) {
	h := &b.Header
	var epoch *protocol.Epoch
	if h.Sealed() {
		epoch = &protocol.Epoch{}
		if !s.get(key(tagEpoch, h.Epoch[:]), epoch) {
			return nil, refuse(fault.Unavailable, h.Epoch.String(), "the epoch was not introduced: introduce it, then send again")
		}
	}
	if f := sealers(s).refused(h); f != nil {
		return nil, f
	}
	items, err := s.opener.Open(b, epoch)
	switch {
	case errors.Is(err, fault.NotFound):
		s.keep(fault.Wrap("register.Apply", fault.Internal, h.Epoch.String(), err))
		return nil, refuse(fault.Unavailable, h.Epoch.String(), "no key here")
	case err != nil || len(items) != h.Count():
		return nil, refuse(fault.Invalid, h.Log.String(), "the block does not open")
	}
	size := 0
	for i := range items {
		size += len(items[i].Raw)
	}
	if s.plain > 0 && s.plain+size > MaxEntryPlain || !s.room(4*len(items)+8, size+len(items)<<10) {
		return nil, refuse(fault.Unavailable, h.Log.String(), whyCrowded)
	}
	s.plain += size
	return items, nil
}

// take puts the events that are new into the register, and tells the centre.
func (s intake) take(in *Ingest, items []protocol.Item, owner *Node, l *logState) *protocol.Failure {
	h := &in.Block.Header
	for i := range items {
		if it := &items[i]; it.Seq <= l.At.Seq && s.differs(l, h.Log, it.Seq, it.Hash) {
			return s.fork(in, l, it.Seq, it.Hash)
		}
	}
	s.beginLog(h.Log, l, owner)
	told := tidings{step: s.step, centre: owner.Centre}
	told.Acceptance = protocol.Acceptance{Log: h.Log, First: l.At.Seq + 1, Last: h.Last, Index: s.index, At: s.meta.At}
	full := false
	for i := range items {
		if items[i].Seq <= l.At.Seq {
			continue
		}
		if full = !(taking{s, in, &items[i], owner, l, &told}).take(); full {
			break
		}
	}
	return told.over(in, items, full)
}

// mostTold bounds the standings in one acceptance: with what else it says it is an event.
const mostTold = protocol.MaxEvent - 1<<10

// Tidings are what a centre is told of a block, in more than one event where it is long.
type tidings struct {
	*step
	protocol.Acceptance
	centre place.Centre
	size   int // Of the standings, in bytes.
}

// add tells where the case of an event stands.
func (a *tidings) add(seq uint64, st *protocol.Standing) {
	more := len(protocol.Marshal(st))
	if a.size += more; a.size > mostTold {
		last := a.Last
		a.Last = seq - 1
		a.tell()
		a.First, a.Last, a.Other, a.size = seq, last, nil, more
	}
	a.Other = append(a.Other, *st)
}

func (a *tidings) tell() {
	a.append(a.world.inbox(a.centre), &protocol.Event{Kind: protocol.Accepted, Payload: protocol.Marshal(&a.Acceptance)})
}

// over ends what has been taken of a block. One of which the entry had no room for all is sent
// again: what was taken of it counts.
func (a *tidings) over(in *Ingest, items []protocol.Item, full bool) *protocol.Failure {
	h, s := &in.Block.Header, intake{a.step}
	l := s.log(h.Log)
	var f *protocol.Failure
	if full {
		f = refuse(fault.Unavailable, h.Log.String(), whyCrowded)
		items = items[:l.At.Seq+1-h.First]
	}
	s.moved(h.Log)
	if a.Last = l.At.Seq; a.Last >= a.First {
		a.tell()
	}
	s.contradicted(h.Log, l, items)
	papers(s).tellHeld(a.centre, s.held)
	s.held = nil
	return f
}

// Why an event stands aside.
const (
	whyUnreadable = "the event cannot be read"
	whyKind       = "this kind of event is not known here"
	whyVersion    = "this version of the service is not known here"
	whySteps      = "the service has no desk to go to"
	whyRevoked    = "it was filed after the box was revoked"
	whyReceipt    = "a recovered event whose receipt no box of this centre gave"
)

// file makes a case of one event. It returns a standing when the case is not
// simply received at its first desk under its own number.
func (s intake) file(in *Ingest, it *protocol.Item, judged *Verdict, owner *Node) *protocol.Standing {
	log := in.Block.Header.Log
	e, err := protocol.DecodeEvent(it.Raw)
	why := ""
	switch {
	case err != nil:
		why = whyUnreadable
	case s.format > 1 && e.Kind == protocol.Recovered:
		return s.recovered(in, it, &e, judged, owner)
	case follows(e.Kind, s.format):
		arrival(s, in, it, &e, owner).come()
		return nil
	case e.Kind != protocol.Submitted:
		why = whyKind
	}
	number, err := s.mint(log, &e)
	if why != "" || err != nil {
		return s.unreadable(log, it, why)
	}
	at := protocol.Position{Seq: it.Seq, Hash: it.Hash}
	if st, again := s.cameBefore(log, at); again {
		return st
	}
	c := &Case{Number: number, Log: log, At: at, Centre: owner.Centre}
	if s.format > 1 {
		c.Legal, c.ClockOff = s.legalNext(log, e.At, seen(s.step, log, at.Seq, e.Checkpoint))
	}
	return s.admit(c, &e, judged, owner, in.finding(it.Seq))
}

func (s intake) mint(log protocol.LogID, e *protocol.Event) (protocol.Number, error) {
	_, slot, _ := strings.Cut(log.Name, "-")
	return protocol.MintNumber(s.world.founding.District, slot, e.Nonce)
}

func (s intake) unreadable(log protocol.LogID, it *protocol.Item, why string) *protocol.Standing {
	s.meta.Stats.Unreadable++
	s.aside(&Quarantine{Log: log, First: it.Seq, Last: it.Seq, Reason: why, Hash: it.Hash})
	return nil
}

// admit keeps a new case, at its first desk or aside. by is the box that took the
// application in.
func (s intake) admit(c *Case, e *protocol.Event, judged *Verdict, by *Node, f *Finding) *protocol.Standing {
	if c.Centre != "" { // Else the hub took it in, and knows its applicant's.
		c.Area = s.world.area(c.Centre)
	}
	c.By, c.Filed = e.Actor, e.At
	c.Service, c.Edition, c.Accepted = e.Pin.Service, e.Pin.Version, s.meta.At
	if s.has(caseKey(c.Number)) {
		s.alias(c)
	}
	s.meta.Stats.Cases++
	papers(s).of(c, e)
	version, why := s.pinned(e.Pin), ""
	switch {
	case by.RevokedAt != 0 && c.Legal > by.RevokedAt: // Row 25; before format 2 none came so far.
		why = whyRevoked
	case judged.Refused != "":
		why = clip(strings.ToValidUTF8(judged.Refused, "?"), 100)
	case version == nil:
		why = whyVersion
	case len(version.Steps) == 0:
		why = whySteps
	case s.format > 3:
		why = withheld{courses(s)}.gone(c, e)
	}
	if version != nil {
		c.Pinned = version.Hash
	}
	n := newcomer{s, c, version, e, f}
	n.note()
	if why != "" {
		st := s.hold(c, why)
		if s.format > 3 {
			withheld{courses(s)}.consider(c, e, judged, f)
		}
		return st
	}
	if s.format > 2 {
		return n.begin(judged.Due)
	}
	return s.accept(c, version, judged.Due)
}

// A newcomer is an application that is about to become a case, with what the leader found.
type newcomer struct {
	intake
	c       *Case
	version *dcat.Version // That it pins; nil where it is not known here.
	e       *protocol.Event
	found   *Finding
}

// note keeps with the case what was found.
func (n newcomer) note() {
	grievances{courses(n.intake)}.name(n.c, n.found.found())
	if n.found != nil {
		n.c.Variance = n.found.Variance
	}
	if n.format > 3 {
		n.c.Succeeds = renewedBy(n.version, n.found.found(), n.e)
	}
}

// begin sends it on its way, and has what was amiss with its intake looked at.
func (n newcomer) begin(due int64) *protocol.Standing {
	st := courses(n.intake).begin(n.c, due, n.found)
	if n.format > 3 {
		withheld{courses(n.intake)}.dear(n.c, n.version, n.e)
		trainings{staff(n.intake)}.look(n.c, n.version)
	}
	return st
}

// accept sends a new case to its first desk.
func (s intake) accept(c *Case, version *dcat.Version, due int64) *protocol.Standing {
	c.Due = due
	seat, ok := s.world.set.Directory.SeatFor(version.Steps[0].Post, c.Area)
	if !ok { // It waits in a queue of its own.
		seat = place.Seat{}
	}
	if err := s.change(c, application.Event{Action: application.Accept, Desk: application.Desk{Seat: seat}}); err != nil {
		s.keep(fault.Wrap("register.Apply", fault.Internal, c.Number.String(), err))
		return nil
	}
	if c.Printed == 0 && seat != (place.Seat{}) {
		return nil
	}
	return c.exception()
}

// exception is the standing of a case that is not simply received, as its centre
// hears of it: under the number that is printed on the slip.
func (c *Case) exception() *protocol.Standing {
	st := c.standing(nil)
	if c.Printed != 0 {
		st.Number = c.Printed
		st.Reason = AliasReason + c.Number.String()
	}
	return &st
}

// AliasReason begins the Reason of a standing whose case got another number than
// the one printed, which is its Number; the other number follows.
const AliasReason = "alias "

// pinned returns the version that an event names, or nil.
func (s intake) pinned(p *protocol.Pin) *dcat.Version {
	if s.world.set == nil {
		return nil
	}
	v, ok := s.world.set.Numbered(p.Service, int(p.Version))
	if !ok || !bytes.HasPrefix(v.Hash[:], p.Hash[:]) {
		return nil
	}
	return v
}

// hold keeps a case aside for a person.
func (s intake) hold(c *Case, why string) *protocol.Standing {
	c.Held = why
	if err := s.change(c, application.Event{Action: application.Hold}); err != nil {
		s.keep(fault.Wrap("register.Apply", fault.Internal, c.Number.String(), err))
		return nil
	}
	s.meta.Stats.Held++
	s.aside(&Quarantine{Log: c.Log, First: c.At.Seq, Last: c.At.Seq, Reason: why, Hash: c.At.Hash, Number: c.Number})
	st := c.exception()
	if c.Printed == 0 {
		st.Reason = why
	}
	return st
}

// introduce keeps an epoch that is sealed to a key of the district's, which every
// server holds. Others could never be opened here and are passed over.
func (s intake) introduce(e *protocol.Epoch) {
	const most = 64 << 10
	f := s.world.founding
	if f == nil || e.Check() != nil || !s.world.understands(e) || !s.room(1, most) {
		return
	}
	if k, raw := key(tagEpoch, e.ID[:]), protocol.Marshal(e); len(raw) <= most && !s.has(k) {
		s.set(k, raw)
	}
}
