package hub

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/hub/register"
	"kendro/protocol"
)

// A judge says what a block is worth before it is proposed. Whatever depends on
// a library (a form's schema, a calendar, a signature) is decided here, by the
// leader alone, and travels in the entry. It may be used concurrently.
type judge struct {
	register func() *register.Register
	opener   *opener
	zone     *time.Location
	forms    func(*dcat.Set) (*catalogue.Intake, error) // Compiles a release's forms.

	mu     sync.Mutex // Guards what follows.
	intake *catalogue.Intake
	of     *dcat.Set     // The release that intake was made for.
	dues   map[int]int64 // By the days of a term, of the day dueOn …
	dueOn  int64         // … and the release dueBy.
	dueBy  *dcat.Set

	under unapplied
}

// judge checks a block and returns it as a proposal, without its done. e is the
// introduction of its epoch, nil if the sender brought none.
//
// [fault.Denied] and [fault.Invalid]: the sender may not send this. A block of an
// epoch that nobody introduced is [fault.NotFound]. A block that nobody could
// open, now or later, becomes a quarantine, which is a proposal too.
func (j *judge) judge(b *protocol.Block, e *protocol.Epoch, now time.Time) (*proposal, error) {
	const op = "hub.judge"
	h := &b.Header
	reg := j.register()
	owner, err := j.author(reg, h.Log)
	if err != nil {
		return nil, err
	}
	if err := b.Verify(owner.Signing); err != nil {
		return nil, err
	}
	out := &proposal{ingest: &register.Ingest{Block: *b, Verdicts: make([]register.Verdict, 0, h.Count())}}
	var epoch *protocol.Epoch
	if h.Sealed() {
		if epoch, out.epoch, err = j.epoch(reg, b, e, owner.Signing); err != nil {
			return nil, err
		}
	}
	items, err := j.opener.Open(b, epoch)
	switch {
	case errors.Is(err, fault.NotFound): // Its box has it in the open, and seals it again to whom it hears of next.
		return nil, fault.New(op, fault.Unavailable, h.Log.String(), "it is sealed to a key that this district does not hold: let the district's key turn (kendro hub key turn)")
	case errors.Is(err, fault.Damaged):
		out.ingest.Quarantine = "the block does not open, or its events don't chain"
		return out, nil
	case err != nil:
		return nil, fault.Wrap(op, fault.Internal, h.Log.String(), err)
	}
	for i := range items {
		out.plain += len(items[i].Raw)
		v, f := j.verdict(reg, h.Log, &items[i], now)
		v.Refused = strings.ToValidUTF8(v.Refused[:min(len(v.Refused), maxRefused)], "")
		out.ingest.Verdicts = append(out.ingest.Verdicts, v)
		if f != nil {
			out.ingest.Findings = append(out.ingest.Findings, *f)
		}
	}
	fitted(out.ingest)
	j.opener.judged(b, epoch, items)
	return out, nil
}

// maxRefused bounds why an event is refused: the register keeps no more of it.
const maxRefused = 200

// fitted leaves out what the newest version asks in addition where a block would be too long
// for an entry with it: its applications go on as they are, and else they would never come in.
func fitted(in *register.Ingest) {
	if sizeOf(in) <= maxBatchBytes {
		return
	}
	for i := range in.Findings {
		in.Findings[i].AskedAnew = nil
	}
}

// author returns the box that a log belongs to.
func (j *judge) author(reg *register.Register, log protocol.LogID) (*register.Node, error) {
	const op = "hub.judge"
	_, slot, ok := strings.Cut(log.Name, "-")
	if log.Channel != protocol.Uplink || !ok {
		return nil, fault.New(op, fault.Invalid, log.String(), "a hub takes uplinks")
	}
	owner, ok := reg.SlotOwner(slot)
	if !ok {
		return nil, fault.New(op, fault.Unavailable, log.String(), "this slot is not known here yet")
	}
	return owner, nil
}

// epoch returns the introduction that the block will be opened with, and, where
// the register lacks it, once more as what must travel along.
func (j *judge) epoch(reg *register.Register, b *protocol.Block, e *protocol.Epoch, signing []byte) (use, carry *protocol.Epoch, err error) {
	const op = "hub.judge"
	id := b.Header.Epoch
	known, err := reg.EpochOf(id)
	if e := cmp.Or(known, e); e != nil && e.ID == id && reg.Outdated(e) {
		return nil, nil, fault.New(op, fault.Unavailable, b.Header.Log.String(), register.OutdatedText)
	}
	if err == nil {
		return known, nil, nil
	}
	if !errors.Is(err, fault.NotFound) {
		return nil, nil, err
	}
	if e == nil || e.ID != id {
		return nil, nil, fault.New(op, fault.NotFound, id.String(), "the epoch was not introduced: introduce it, then send again")
	}
	if err := e.Verify(signing); err != nil {
		return nil, nil, err
	}
	return e, e, nil
}

// accepting judges an application that was held, which an officer may have accepted, as it
// stands now. What is not held any more, the register says.
func (j *judge) accepting(reg *register.Register, cmd *register.Command, now time.Time) error {
	var b register.MatterEnd
	if err := protocol.Unmarshal(cmd.Body, register.MaxEntry, "body", &b); err != nil {
		return err
	}
	it, err := reg.HeldEvent(b.ID)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	b.Verdict, b.Finding = j.verdict(reg, protocol.LogID{}, &it, now)
	cmd.Body = protocol.Marshal(&b)
	return nil
}

// command judges what hangs on a command, and puts into it what it found.
func (j *judge) command(ctx context.Context, reg *register.Register, cmd *register.Command, now time.Time) error {
	switch cmd.Method { //nolint:exhaustive // On the others nothing hangs.
	case register.EndMatter:
		return j.accepting(reg, cmd, now)
	case register.ConfirmErasure:
		return sought(ctx, reg, cmd)
	}
	return j.entering(reg, cmd, now)
}

// sought looks for what an erasure has to read, so that the entry reads that alone.
func sought(ctx context.Context, reg *register.Register, cmd *register.Command) error {
	var b register.ErasureWord
	err := protocol.Unmarshal(cmd.Body, register.MaxEntry, "body", &b)
	if err != nil {
		return err
	}
	if b.Sought, err = reg.Seek(ctx, cmd); err != nil {
		return err
	}
	cmd.Body = protocol.Marshal(&b)
	return nil
}

// entering judges what a clerk enters, as it does what a box sends, and puts into the
// command what it found.
func (j *judge) entering(reg *register.Register, cmd *register.Command, now time.Time) error {
	var b register.Entering
	if err := protocol.Unmarshal(cmd.Body, register.MaxEntry, "body", &b); err != nil {
		return err
	}
	b.Event.At = now.UnixMilli()
	raw, err := b.Event.Encode()
	if err != nil {
		return err
	}
	b.Verdict, b.Finding = j.verdict(reg, protocol.LogID{}, &protocol.Item{Raw: raw}, now)
	cmd.Body = protocol.Marshal(&b)
	return nil
}

// verdict judges one event of a log, and says what its answers come to, nil where it has
// none. What it refuses is held for a person, never dropped.
func (j *judge) verdict(reg *register.Register, log protocol.LogID, it *protocol.Item, now time.Time) (register.Verdict, *register.Finding) {
	e, err := protocol.DecodeEvent(it.Raw)
	made, at := log, protocol.Head{Log: log, At: protocol.Position{Seq: it.Seq}}
	if err == nil && e.Kind == protocol.Recovered {
		if e, made, err = j.recovered(reg, &e); errors.Is(err, fault.Denied) {
			return register.Verdict{Refused: register.BadReceipt}, nil
		}
	}
	if err != nil {
		return register.Verdict{}, nil // The register sees as much by itself.
	}
	set := reg.Set()
	switch {
	case e.Kind == protocol.Supplied:
		b := j.supplied(reg, at, &e)
		out := j.brought(reg, &b, now)
		if b.under != nil && out.Refused == "" {
			j.under.note(reg, e.Number, *b.under)
		}
		return out, j.find(set, it.Seq, b.version, b.form, now)
	case e.Kind != protocol.Submitted:
		return register.Verdict{}, nil
	case set == nil:
		return register.Verdict{Refused: "no release of the catalogue is in force"}, nil
	}
	v, ok := set.Numbered(e.Pin.Service, int(e.Pin.Version))
	if !ok {
		return register.Verdict{}, nil
	}
	var s protocol.Submission
	if err := e.Decode(&s); err != nil {
		return register.Verdict{Due: j.due(set, v.SLADays, now.In(j.zone)), Refused: "the application cannot be read"}, nil
	}
	if err := j.opener.read(reg, &s); err != nil || s.Secret != nil && !v.Confidential() {
		return register.Verdict{Due: j.due(set, v.SLADays, now.In(j.zone)), Refused: shut(reg, s.Secret)}, nil
	}
	j.under.filed(reg, made, e.Nonce, judged{log: at.Log, seq: at.At.Seq, version: v, form: s.Form})
	found := j.compare(&filing{reg: reg, set: set, seq: it.Seq, version: v, event: &e, sub: &s, now: now})
	if !bytes.HasPrefix(v.Hash[:], e.Pin.Hash[:]) {
		return register.Verdict{}, found
	}
	out := register.Verdict{Due: j.due(set, v.SLADays, now.In(j.zone)), Refused: j.check(set, v, &s, now.In(j.zone))}
	if out.Refused != "" && v.Confidential() {
		out.Refused = "the sealed application is not as its service wants it" // Which answer, nobody else is to know.
	}
	return out, found
}

// shut is why nobody can read what a box sealed.
func shut(reg *register.Register, c *protocol.Confidential) string {
	if g := reg.GenerationOf(c.Key); g != nil && g.ExpiredAt != 0 {
		return "it is sealed to a key of the district's that has expired: have the applicant file it anew"
	}
	return "what the box sealed cannot be opened"
}

// recovered opens a recovered event, and says of which log its receipt is. A receipt that
// its box did not sign is [fault.Denied].
func (j *judge) recovered(reg *register.Register, outer *protocol.Event) (protocol.Event, protocol.LogID, error) {
	var r protocol.Recovery
	if err := outer.Decode(&r); err != nil {
		return protocol.Event{}, r.Receipt.Log, err
	}
	by, err := j.author(reg, r.Receipt.Log)
	if err != nil || !r.Receipt.Verify(by.Signing) {
		return protocol.Event{}, r.Receipt.Log, fault.New("hub.judge", fault.Denied, r.Receipt.Log.String(), register.BadReceipt)
	}
	e, err := r.Open()
	return e, r.Receipt.Log, err
}

// check validates an application against the version that it pins. What may not
// lie in the future may lie a day after the entry's: the counter's clock and the
// leader's may stand on two sides of midnight.
func (j *judge) check(set *dcat.Set, v *dcat.Version, s *protocol.Submission, now time.Time) string {
	intake, err := j.compiled(set)
	if err != nil {
		return "the release has no usable forms"
	}
	form, err := intake.Form(v)
	if err != nil {
		return "the service has no usable form"
	}
	if !v.Allows(dcat.Channel(s.Channel)) {
		return "the service is not offered by this channel"
	}
	if errs := form.ValidateOn(s.Form, now.AddDate(0, 0, 1)); len(errs) > 0 {
		return "form" + errs[0].Path + ": " + errs[0].Text.EN
	}
	if errs := intake.Applicant().Validate(s.Applicant); len(errs) > 0 {
		return "applicant" + errs[0].Path + ": " + errs[0].Text.EN
	}
	return ""
}

// compiled returns the compiled forms of a release; they are kept until the next.
func (j *judge) compiled(set *dcat.Set) (*catalogue.Intake, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.intake != nil && j.of == set {
		return j.intake, nil
	}
	intake, err := j.forms(set)
	if err != nil {
		return nil, err
	}
	j.intake, j.of = intake, set
	return intake, nil
}

// due is the end of the last working day that a service's term of so many days
// allows. Counting them costs as much as judging a form, so what a day's answers
// were is kept until the next, or the next release.
func (j *judge) due(set *dcat.Set, days int, now time.Time) int64 {
	if days <= 0 {
		return 0
	}
	y, m, d := now.Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, now.Location()).Unix()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dueBy != set || j.dueOn != today {
		j.dues, j.dueBy, j.dueOn = map[int]int64{}, set, today
	}
	due, known := j.dues[days]
	if !known {
		y, m, d = set.Directory.Calendar.AddWorkingDays(now, days).Date()
		due = time.Date(y, m, d+1, 0, 0, -1, 0, now.Location()).Unix()
		j.dues[days] = due
	}
	return due
}

// blockName names a block in a log line.
func blockName(h *protocol.Header) string {
	return h.Log.String() + " " + strconv.FormatUint(h.First, 10) + "-" + strconv.FormatUint(h.Last, 10)
}
