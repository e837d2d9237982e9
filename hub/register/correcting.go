package register

import (
	"cmp"
	"slices"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// corrections carries out what centres put right. A correction that may be merged waits
// until the leader has judged the answers as they are with it: forms and rules are
// matters of a library, and the case may have moved on since its block was judged.
// All of it is since format 4.
type corrections struct{ courses }

// A Correcting is a correction that waits for the leader's word.
type Correcting struct {
	From   Source   `cbor:"1,keyasint"`
	Fields []string `cbor:"2,keyasint,omitempty"` // That an officer has accepted; empty: all of it, as it came.

	// Of a sealed one, of which no name is known before the leader has opened it.
	Agreed bool   `cbor:"3,keyasint,omitempty"` // An officer has accepted what is left of it.
	Why    string `cbor:"4,keyasint,omitempty"` // Why an officer decides about it, whatever it says.
}

// A Weighed is the body of weigh: what the leader found of the oldest correction of the
// command's case that waits.
type Weighed struct {
	Of      protocol.Hash `cbor:"1,keyasint"`           // What was judged; other answers meanwhile are to be judged anew.
	Refused string        `cbor:"2,keyasint,omitempty"` // Why the answers with it are no good.
	Found   *Finding      `cbor:"3,keyasint,omitempty"` // What they come to, where answers of the form change.

	// Of a sealed one.
	Changes []string               `cbor:"4,keyasint,omitempty"` // The names whose answers are others than those of the case.
	About   *application.Complaint `cbor:"5,keyasint,omitempty"` // Whom the case would be about with all of it.
}

// arrive takes a correction in.
func (s corrections) arrive(f *follower) {
	var k protocol.Correction
	bad := f.e.Decode(&k) != nil || k.Check() != nil || len(k.Reason) > application.MaxText
	if bad || k.Secret == nil && !application.ItemsFit(k.Wants().Names()) {
		f.aside(whyUnreadable, 0)
		return
	}
	if application.After(f.c.State.Stage, application.Correct) == application.None { // Its application may be one that nobody can read, or was erased.
		f.aside(whyStage(f.c), 0)
		return
	}
	p := &Correcting{From: f.from}
	switch {
	case k.Secret != nil && f.c.Accused == nil:
		f.aside(whyUnreadable, 0)
		return
	case k.Secret != nil:
		s.queue(f.c, p)
		return
	}
	w, err := f.c.weigh(s.tx, p, nil)
	s.keep(err)
	switch {
	case err != nil:
	case len(w.takes) == 0:
		f.aside(w.why, 0)
	default:
		s.queue(f.c, p)
	}
}

// whyStage says why a case is not corrected any more, or not now.
func whyStage(c *Case) string { return "not possible while the case is " + c.State.Stage.String() }

// queue has a correction wait for the leader's word.
func (s corrections) queue(c *Case, p *Correcting) {
	s.part++
	s.put(itemKey(tagCorrection, c.Number, s.index, s.part), p)
	c.Weighing++
	s.put(caseKey(c.Number), c)
}

// oldest is the first correction of a case that waits, and its key; nil is none.
func (s corrections) oldest(n protocol.Number) (k []byte, p *Correcting) {
	s.keep(s.tx.Scan(key(tagCorrection, u64(uint64(n))), nil, func(at, raw []byte) (bool, error) {
		k, p = slices.Clone(at), &Correcting{}
		return false, decodeState(at, raw, p)
	}))
	return k, p
}

// weigh applies what the leader found of a correction. A correction that has become
// another one meanwhile, since the case moved on, waits for its next word.
func (s corrections) weigh(cmd *Command) Result {
	b, f := body[Weighed](cmd)
	if f != nil {
		return Result{Fault: f}
	}
	c := &Case{}
	if s.format < 4 || !s.get(caseKey(cmd.Number), c) {
		return failed(fault.NotFound, cmd.Number.String(), "no case has this number")
	}
	k, p := s.oldest(c.Number)
	if p == nil {
		return failed(fault.Conflict, cmd.Number.String(), "no correction waits")
	}
	w, err := c.weigh(s.tx, p, b.Changes)
	if err != nil {
		s.keep(err)
		return failed(fault.Damaged, cmd.Number.String(), "the correction can't be read")
	}
	if w.of != b.Of {
		return failed(fault.Conflict, cmd.Number.String(), "the case has moved on: judge it anew")
	}
	s.del(k)
	c.Weighing--
	s.put(caseKey(c.Number), c)
	why := ""
	switch {
	case b.Refused != "":
		why = clip(b.Refused, 200)
	case len(w.takes) > 0:
		why = s.take(c, p, &w, &b)
	}
	if why != "" {
		w.takes, w.asks, w.why = nil, append(w.takes, w.asks...), why
		slices.Sort(w.asks)
	}
	if len(w.asks) > 0 || w.sealed && cmp.Or(why, p.Why) != "" {
		s.ask(c, &w.event, Item{Text: cmp.Or(w.why, why, p.Why), Event: p.From, Fields: w.asks, About: s.about(c, b.About)})
	} else {
		s.told(c, &w.event, &protocol.CorrectionWord{Log: p.From.Log, At: p.From.At}, correctionTaken)
	}
	return done(nil)
}

// take puts answers right, or says why not. What an officer has accepted overturns the
// decisions that rested on it: the earliest of those desks has the case again.
func (s corrections) take(c *Case, p *Correcting, w *weighing, b *Weighed) string {
	var k protocol.Correction
	about := c.Accused
	if w.sealed && w.form { // Where it goes hangs on whom it is about from now on.
		grievances(s).name(c, b.Found.found())
	}
	way, f := s.way(c)
	if f != nil || w.event.Decode(&k) != nil {
		c.Accused = about
		return whyUnreadable
	}
	e := application.Event{Action: application.Correct, Items: w.takes, Text: k.Reason}
	if w.sealed {
		e.Text = textSealed
	}
	e.Desk.Terms = way.Terms(c.State)
	var record *application.Record
	var scan *protocol.Document
	if w.form {
		e.Found = b.Found.found()
	}
	if e.Found != nil {
		if c.AskedAnew != nil {
			e.Found.Dues = c.State.Dues // As the receipt says.
		}
		record, scan = records(s).look(c, way.Version, e.Found)
	}
	other := e.Found != nil && (e.Found.Rules != c.State.Rules || e.Found.Dues != c.State.Dues || e.Found.Mode != c.State.Mode || e.Found.Undone != 0)
	if len(p.Fields) == 0 && !p.Agreed && other && c.decided() {
		c.Accused = about
		return whyOtherRules
	}
	step := c.earliest(w.takes)
	e.Overturns = step >= 0 || other && c.State.DecidedBy != ""
	if step >= 0 && step < c.State.Step && c.State.Step < len(way.Version.Steps) {
		if d, err := way.Back(c.State, step); err == nil {
			e.Desk = d
		}
	}
	if w.sealed {
		e.Overturns = e.Overturns || w.form && c.State.DecidedBy != ""
		s.reroute(c, way, &e)
	}
	if err := s.change(c, e); err != nil {
		c.Accused = about
		return whyStage(c)
	}
	t := &c.History[len(c.History)-1]
	t.Actor, t.Event = w.event.Actor, &p.From
	if e.Overturns {
		unions(s).overturn(c, w.takes)
	}
	c.fall(w.takes)
	records(s).ask(c, way.Version, record, scan)
	if e.Found != nil {
		facts(s).tell(c, &e.Found.Fact)
	}
	if w.sealed {
		grievances(s).takeAway(c)
	}
	if err := s.follow(c); err != nil {
		s.keep(fault.Wrap("register.Apply", fault.Internal, c.Number.String(), err))
	}
	s.put(caseKey(c.Number), c)
	return ""
}

// decided reports whether somebody has stated a decision on the case.
func (c *Case) decided() bool {
	return slices.ContainsFunc(c.History, func(t Turn) bool { return t.Action == application.Decide })
}

// aside has an officer decide about all of a correction. What is sealed the leader opens
// first: whose desk that is hangs on whom it is about.
func (s corrections) aside(f *follower, why string) {
	var k protocol.Correction
	if f.c.Accused != nil && f.e.Decode(&k) == nil && k.Secret != nil && k.Check() == nil {
		if _, _, err := f.c.filed(s.tx); err == nil {
			s.queue(f.c, &Correcting{From: f.from, Why: why})
			return
		}
	}
	s.ask(f.c, f.e, Item{Text: why, Event: f.from})
}

// about is whom a case would be about with all of a sealed correction, nil where that
// can't be said.
func (s corrections) about(c *Case, k *application.Complaint) *application.Accused {
	if k == nil || c.Accused == nil || s.world.set == nil {
		return nil
	}
	return grievances(s).accused(c, k)
}

// ask makes an item of what can't be taken of a correction, all of it where no names are
// given, and tells the centre. Of a sealed one no name is kept.
func (s corrections) ask(c *Case, e *protocol.Event, it Item) {
	var k protocol.Correction
	word := &protocol.CorrectionWord{Log: it.Event.Log, At: it.Event.At, Why: clip(it.Text, protocol.MaxText)}
	if e.Decode(&k) == nil && len(it.Fields) == 0 {
		it.Fields = k.Wants().Names()
	}
	if k.Secret != nil {
		it.Fields = nil
	}
	it.Fields = it.Fields[:min(len(it.Fields), application.MaxItems)]
	it.Kind, it.Centre = ItemCorrection, s.centreOf(c, &it.Event)
	word.Waits = it.Fields
	c.Disputes++
	s.open(c, it)
	s.told(c, e, word, correctionWaits)
}

// centreOf is the centre whose box sent a correction.
func (s corrections) centreOf(c *Case, from *Source) place.Centre {
	if owner := s.world.ownerOf(from.Log); owner != nil {
		return owner.Centre
	}
	return c.Centre
}

// told tells the centre what has come of a correction, of which the names are given that
// wait or were refused, and the citizen with it.
func (s corrections) told(c *Case, e *protocol.Event, word *protocol.CorrectionWord, state string) {
	var k protocol.Correction
	readable := e.Decode(&k) == nil
	switch {
	case readable && k.Secret != nil: // Which answers and why is for the deciding desk alone.
		word = &protocol.CorrectionWord{Log: word.Log, At: word.At, Sealed: state}
	case readable:
		for _, name := range k.Wants().Names() {
			if !slices.Contains(word.Waits, name) && !slices.Contains(word.Refused, name) {
				word.Taken = append(word.Taken, name)
			}
		}
	}
	c.Correction, word.Number = state, c.Number
	s.put(caseKey(c.Number), c)
	centre := s.centreOf(c, &Source{Log: word.Log, At: word.At})
	s.append(s.world.inbox(centre), &protocol.Event{Kind: protocol.CorrectionTold, Number: c.Number, Payload: protocol.Marshal(word)})
	s.tell(c)
}

// decide does what an officer says of a correction: it is taken once the leader has
// judged the answers with it, or it is not, and the centre is told why.
func (s corrections) decide(it *Item, b *Settlement) *protocol.Failure {
	c := &Case{}
	if !s.get(caseKey(it.Number), c) {
		return refuse(fault.NotFound, it.ID, "its case is not here")
	}
	e, ok := withheld(s).eventAt(&it.Event)
	if !ok && b.Outcome == outcomeAccepted {
		return refuse(fault.Conflict, it.ID, "the correction can't be read: refuse it, and have the centre send another")
	}
	if b.Outcome == outcomeAccepted {
		var k protocol.Correction
		if e.Decode(&k) != nil || k.Check() != nil || len(it.Fields) == 0 && k.Secret == nil {
			return refuse(fault.Conflict, it.ID, "the correction can't be read: refuse it, and have the centre send another")
		}
		if f := s.acceptable(c, it, k.Secret != nil); f != nil {
			return f
		}
		c.Disputes--
		s.queue(c, &Correcting{From: it.Event, Fields: it.Fields, Agreed: k.Secret != nil})
		return nil
	}
	c.Disputes--
	s.told(c, &e, &protocol.CorrectionWord{Log: it.Event.Log, At: it.Event.At, Refused: it.Fields, Why: clip(b.Text, protocol.MaxText)}, correctionRefused)
	return nil
}

// acceptable says what is in the way of taking a correction.
func (s corrections) acceptable(c *Case, it *Item, sealed bool) *protocol.Failure {
	v, known := s.world.version(c.Pinned)
	switch {
	case application.After(c.State.Stage, application.Correct) == application.None && c.State.Stage.Decided():
		return refuse(fault.Conflict, it.ID, "the case is "+c.State.Stage.String()+": what was decided is put right by an appeal or a new application; refuse this")
	case application.After(c.State.Stage, application.Correct) == application.None:
		return refuse(fault.Conflict, it.ID, whyStage(c))
	case !known || v.Confidential() && !sealed:
		return refuse(fault.Conflict, it.ID, whySealedCase)
	case c.State.Stage == application.InfoRequested && c.earliest(it.Fields) >= 0 && c.earliest(it.Fields) < c.State.Step:
		return refuse(fault.Conflict, it.ID, "the case would go back to a desk before, and waits for its applicant: settle this once he has answered")
	}
	return nil
}

// move has the items about corrections go with their case to the desk that decides.
func (s corrections) move(before, c *Case) {
	if c.Disputes == 0 || before.State.Seat == c.State.Seat || c.State.Seat == (place.Seat{}) {
		return
	}
	for _, it := range withheld(s).unsettled(c.Number) {
		if k, ok := keyOf(tagItem, it.ID); ok && it.Kind == ItemCorrection {
			it.Owner = c.State.Seat
			grievances(s).give(c, it)
			s.put(k, it)
		}
	}
}
