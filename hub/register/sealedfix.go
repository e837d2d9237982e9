package register

import (
	"slices"
	"strings"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// What puts a grievance right is sealed as the grievance is (decision 0053). The register
// keeps it so: the leader opens it to judge it, and an entry carries the names that change
// and whom the case is about then.

// textSealed stands in a grievance's history in place of why an answer was put right.
const textSealed = "sealed"

// Why a sealed correction waits for an officer.
const (
	whyStated = "a decision is stated on the grievance as it was"
	whyBad    = "its sealed names can't be read"
)

// A Reveal opens what a box sealed to the district.
type Reveal func(*protocol.Confidential) (*protocol.Secret, error)

// sort says which of the names that a sealed correction changes are taken. A desk that has
// stated a decision on a grievance has stated it on all that it says, and no name of the
// form goes past it; what tells of the applicant does.
func (w *weighing) sort(c *Case, p *Correcting, changes []string) {
	w.sealed = true
	if len(changes) > 0 && !application.ItemsFit(changes) {
		w.why, changes = whyBad, nil
	}
	for _, name := range changes {
		ofForm := strings.HasPrefix(name, protocol.FormField)
		switch {
		case p.Agreed && p.Why == "":
			w.takes = append(w.takes, name)
		case p.Why != "":
			w.asks = append(w.asks, name)
		case ofForm && bygone(c.History).stated():
			w.asks, w.why = append(w.asks, name), whyStated
		case c.earliest([]string{name}) >= 0:
			w.asks, w.why = append(w.asks, name), whyCited
		case bygone(c.History).changedBeside(name, &p.From, w.event.Base):
			w.asks = append(w.asks, name)
			if w.why == "" {
				w.why = whyChangedToo
			}
		default:
			w.takes = append(w.takes, name)
		}
	}
	w.form = slices.ContainsFunc(w.takes, func(name string) bool { return strings.HasPrefix(name, protocol.FormField) })
	w.of = p.judged(c, w.takes)
}

// Bygone is what happened to a case, oldest first.
type bygone []Turn

// stated reports whether an officer has said what is to become of the case.
func (h bygone) stated() bool {
	said := []application.Action{application.Decide, application.Forward, application.Approve, application.Reject}
	return slices.ContainsFunc(h, func(t Turn) bool { return slices.Contains(said, t.Action) })
}

// changedBeside reports whether an answer was put right by another box since the one of a
// correction last heard of the case.
func (h bygone) changedBeside(name string, from *Source, heard uint64) bool {
	return slices.ContainsFunc(h, func(t Turn) bool {
		return t.Action == application.Correct && t.Version > heard && t.Event != nil && t.Event.Log != from.Log && slices.Contains(t.Items, name)
	})
}

// reroute has a case begin anew where the desk at which it lies is none of its way any more.
func (s corrections) reroute(c *Case, way application.Way, e *application.Event) {
	v := way.Version
	if e.Found == nil || c.State.Step >= len(v.Steps) || v.Following(c.State.Step-1, e.Found.Rules) == c.State.Step {
		return
	}
	e.Desk, e.Afresh = way.First(e.Found.Rules), true
}

// takeAway moves a grievance, and its items, away from whom it is about by now.
func (s grievances) takeAway(c *Case) {
	s.divert(c)
	s.unburden(c)
}

// unburden gives every item of a grievance whose owner may not have it any more to the
// next desk that may.
func (s grievances) unburden(c *Case) {
	for _, it := range withheld(s).unsettled(c.Number) {
		k, ok := keyOf(tagItem, it.ID)
		owner := it.Owner
		if it.Owner == (place.Seat{}) { // Nobody could have it before.
			it.Owner = c.State.Seat
		}
		if s.give(c, it); ok && it.Owner != owner {
			s.put(k, it)
		}
	}
}

// give finds the desk that decides about an item of a grievance: its owner's, or the first
// above that neither the case nor what the item says is about. It reads the case from then on.
func (s grievances) give(c *Case, it *Item) {
	if c.Accused == nil {
		return
	}
	r := s.roster()
	it.Owner, _ = r.Free(c.Accused.With(it.About), it.Owner, s.world.beyond(c))
	if it.Owner != (place.Seat{}) && !slices.Contains(c.path(r), it.Owner) {
		c.Judges = append(slices.Clip(c.Judges), it.Owner)
		s.put(caseKey(c.Number), c)
	}
}

// A SealedFix is what an [Unweighed] has of a correction that no box may read.
type SealedFix struct {
	Changes []string // The names that change, once it was opened.
	Whole   []byte   // The form with all of it, taken or not.

	kept *Confidence
	fix  *protocol.Confidential // Nil: it is not sealed.
	on   *Case
	by   *Correcting
	said weighing
}

// Sealed reports whether a correction has to be opened before it can be judged.
func (u *Unweighed) Sealed() bool { return u.fix != nil }

// sealed reads what has to be opened.
func (u *Unweighed) sealed(v View, c *Case, p *Correcting, e *protocol.Event) error {
	var k protocol.Correction
	if err := e.Decode(&k); err != nil || k.Secret == nil {
		return err
	}
	kept, err := confidenceOf(v, c, 0)
	u.kept, u.fix, u.on, u.by, u.said = kept, k.Secret, c, p, weighing{event: *e}
	return err
}

// Open fills in what a sealed correction makes of the answers. What doesn't open is the
// failure of reveal; as long as it is not opened, nothing of it is taken.
func (u *Unweighed) Open(reveal Reveal) error {
	o, err := u.kept.Open(reveal)
	if err != nil {
		return err
	}
	secret, err := reveal(u.fix)
	if err != nil {
		return err
	}
	now, want := protocol.AnswersOf(o.Form, o.Applicant), protocol.AnswersOf(secret.Form, secret.Applicant)
	names := slices.DeleteFunc(want.Names(), func(name string) bool { return now.Same(want, name) })
	if len(names) > 0 && !application.ItemsFit(names) {
		return fault.New("register.Open", fault.Damaged, u.Number.String(), whyBad)
	}
	u.Changes = names
	u.said.sort(u.on, u.by, names)
	with, whole := protocol.Submission{Form: o.Form, Applicant: o.Applicant}, protocol.Submission{Form: o.Form}
	want.Into(&with, u.said.takes)
	want.Into(&whole, names)
	u.Form, u.Applicant, u.Whole, u.Answers, u.Of = with.Form, with.Applicant, whole.Form, u.said.form, u.said.of
	return nil
}

// A Confidence is a grievance as its box sealed it, with what was put right of it since.
type Confidence struct {
	filed *protocol.Confidential // Nil: a hub from before it sealed took it in.
	open  protocol.Secret        // What of it is not sealed.
	fixes []sealedTurn
}

// A sealedTurn is what a turn of a case put right.
type sealedTurn struct {
	version uint64
	names   []string
	fix     *protocol.Confidential
}

// An Opened is a grievance as whoever may reads it: its words, and by the version of the
// case after it what was put right, and why.
type Opened struct {
	protocol.Secret
	Changes map[uint64][]Change
	Reasons map[uint64]string
}

// Confidence returns what is sealed of a grievance as it was at a version, 0 for now. Who
// may open it, the caller has to ask.
func (r Amendments) Confidence(c *Case, version uint64) (k *Confidence, err error) {
	err = r.base.View(func(v View) error {
		k, err = confidenceOf(v, c, version)
		return err
	})
	return k, err
}

func confidenceOf(v View, c *Case, version uint64) (*Confidence, error) {
	_, sub, err := c.filed(v)
	if err != nil {
		return nil, err
	}
	k := &Confidence{filed: sub.Secret, open: protocol.Secret{Form: sub.Form, Applicant: sub.Applicant, Text: sub.Despite}}
	for i := range c.History {
		t := &c.History[i]
		if t.Action != application.Correct || t.Event == nil || version > 0 && t.Version > version {
			continue
		}
		fix, err := sealedIn(v, t.Event)
		if err != nil {
			return nil, err
		}
		if fix != nil {
			k.fixes = append(k.fixes, sealedTurn{t.Version, t.Items, fix})
		}
	}
	return k, nil
}

// Asked returns what an item's correction wants of a grievance, nil for an item of
// something else.
func (r Amendments) Asked(it *Item) (fix *protocol.Confidential, err error) {
	if it.Kind != ItemCorrection {
		return nil, nil
	}
	err = r.base.View(func(v View) error {
		fix, err = sealedIn(v, &it.Event)
		return err
	})
	return fix, err
}

// Open reads it, with whatever opens what was sealed to the district.
func (k *Confidence) Open(reveal Reveal) (*Opened, error) {
	o := &Opened{Secret: k.open, Changes: map[uint64][]Change{}, Reasons: map[uint64]string{}}
	if k.filed != nil {
		secret, err := reveal(k.filed)
		if err != nil {
			return nil, err
		}
		o.Secret = *secret
	}
	for i := range k.fixes {
		t := &k.fixes[i]
		secret, err := reveal(t.fix)
		if err != nil {
			return nil, err
		}
		o.Changes[t.version], o.Reasons[t.version] = o.put(secret, t.names), secret.Text
	}
	return o, nil
}

// put puts answers right, and returns what they were.
func (o *Opened) put(fix *protocol.Secret, names []string) []Change {
	list := o.Wanted(fix, names)
	with := protocol.Submission{Form: o.Form, Applicant: o.Applicant}
	protocol.AnswersOf(fix.Form, fix.Applicant).Into(&with, names)
	o.Form, o.Applicant = with.Form, with.Applicant
	return list
}

// Wanted is what a correction would change, of some names; nil is all that it names.
func (o *Opened) Wanted(fix *protocol.Secret, names []string) (list []Change) {
	now, want := protocol.AnswersOf(o.Form, o.Applicant), protocol.AnswersOf(fix.Form, fix.Applicant)
	for _, name := range want.Names() {
		if (names == nil || slices.Contains(names, name)) && !now.Same(want, name) {
			list = append(list, Change{name, now[name], want[name]})
		}
	}
	return list
}
