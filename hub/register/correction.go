package register

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// What a centre puts right is merged by field (DOMAIN §7 row 11, decision 0032). This
// file says what becomes of it, as values; correcting.go does it.

// What has come of the newest correction of a case.
const (
	correctionWaits   = "waits"
	correctionTaken   = "taken"
	correctionRefused = "refused"
)

// A Basis is what a case has to do with corrections.
type Basis struct {
	Grounds    []Ground `cbor:"50,keyasint,omitempty"` // What decisions and notes rest on that still count.
	Weighing   int      `cbor:"51,keyasint,omitempty"` // Corrections that the leader has yet to judge.
	Disputes   int      `cbor:"52,keyasint,omitempty"` // Corrections that wait for an officer.
	Correction string   `cbor:"53,keyasint,omitempty"` // What has come of the newest.

	Judges []place.Seat `cbor:"135,keyasint,omitempty"` // Desks beside a grievance's way that decided, or are to decide, about something of it.
}

// A Ground is what was decided, or noted, at a desk on the strength of some answers.
type Ground struct {
	Step       int      `cbor:"1,keyasint"`
	Assignment uint64   `cbor:"2,keyasint"`
	Fields     []string `cbor:"3,keyasint"`
}

// rest notes what an officer's decision or note rests on.
func (c *Case) rest(fields []string) {
	if len(fields) > 0 {
		c.Grounds = append(slices.Clip(c.Grounds), Ground{c.State.Step, c.State.Assignment, fields})
	}
}

// stand leaves the grounds that still count: of desks that the case went through to
// where it lies, and of that one since it came there.
func (c *Case) stand() {
	if len(c.Grounds) == 0 {
		return
	}
	c.Grounds = slices.DeleteFunc(slices.Clone(c.Grounds), func(g Ground) bool {
		return g.Step > c.State.Step || g.Step == c.State.Step && g.Assignment != c.State.Assignment
	})
}

// fall takes away the grounds in which one of the names stands.
func (c *Case) fall(fields []string) {
	c.Grounds = slices.DeleteFunc(slices.Clone(c.Grounds), func(g Ground) bool { return g.cites(fields...) })
}

func (g *Ground) cites(fields ...string) bool {
	return slices.ContainsFunc(g.Fields, func(f string) bool { return slices.Contains(fields, f) })
}

// earliest is the first step at which one of the names is a ground, -1 for none.
func (c *Case) earliest(fields []string) int {
	step := -1
	for _, g := range c.Grounds {
		if g.cites(fields...) && (step < 0 || g.Step < step) {
			step = g.Step
		}
	}
	return step
}

// disputed reports whether an act waits until a correction's item is settled.
func (c *Case) disputed(a application.Action) bool {
	return c.Disputes > 0 && (a == application.Approve || a == application.Reject)
}

// citing says what is wrong with the answers that an officer's act names as its grounds.
func citing(a application.Action, cites []string) *protocol.Failure {
	switch {
	case len(cites) == 0:
		return nil
	case a != application.Decide && a != application.Note:
		return refuse(fault.Invalid, "cites", "only a decision or a note rests on answers")
	case !application.ItemsFit(cites) || slices.ContainsFunc(cites, func(f string) bool { return !protocol.IsField(f) }):
		return refuse(fault.Invalid, "cites", "want form.NAME or applicant.NAME, 1 to 32 of them, each once")
	}
	return nil
}

// correcting says what corrections have to do with an officer's act.
func correcting(c *Case, a application.Action, cites []string) *protocol.Failure {
	f := citing(a, cites)
	switch {
	case f != nil:
		return f
	case c.disputed(a):
		return refuse(fault.Conflict, c.Number.String(), "a correction of the centre's waits: settle its item first")
	case c.Weighing > 0 && (a == application.Decide || a == application.Forward || a == application.Return || a == application.HandBack || application.Binds(a)):
		return refuse(fault.Unavailable, c.Number.String(), "a correction of the centre's is being taken in: repeat it in a moment")
	}
	return nil
}

// A Change is one answer that was put right, or that somebody wants put right.
type Change struct {
	Field string
	Was   json.RawMessage // Nil: there was none.
	Is    json.RawMessage // Nil: it is taken away.
}

// Why a correction waits for an officer.
const (
	whyChangedToo = "it was changed by somebody else since the centre saw it"
	whyCited      = "a decision or a note rests on it"
	whyOtherRules = "with it the service asks for something else, and a decision is stated"
	whySealedCase = "the answers are sealed: what puts them right is to be sealed as well"
)

// A weighing says what becomes of a correction as its case stands.
type weighing struct {
	event protocol.Event
	takes []string // Names that are taken …
	asks  []string // … and that an officer decides about, …
	why   string   // … and why.
	with  protocol.Submission
	form  bool // An answer of the form is among what is taken.
	of    protocol.Hash

	sealed bool // The names are the leader's word.
}

// weigh finds out what becomes of a correction. A name is taken whose value is still
// what the centre saw, and on which nothing rests; or that an officer has accepted. Of a
// sealed one, the leader says which names would change.
func (c *Case) weigh(v View, p *Correcting, changes []string) (w weighing, err error) {
	if w.event, err = sent(v, &p.From); err != nil {
		return w, err
	}
	var k protocol.Correction
	if err := w.event.Decode(&k); err != nil {
		return w, err
	}
	_, sub, err := c.filed(v)
	if err == nil {
		err = c.amend(v, &sub, 0, nil)
	}
	if err != nil {
		return w, err
	}
	w.with = sub
	if k.Secret != nil {
		w.sort(c, p, changes)
		return w, nil
	}
	now, saw, want := protocol.AnswersOf(sub.Form, sub.Applicant), k.Saw(), k.Wants()
	for _, name := range want.Names() {
		other := !now.Same(want, name)
		changed, cited := other && !now.Same(saw, name), other && c.earliest([]string{name}) >= 0
		switch {
		case len(p.Fields) > 0 && !slices.Contains(p.Fields, name):
		case sub.Secret != nil:
			w.asks, w.why = append(w.asks, name), whySealedCase
		case len(p.Fields) == 0 && cited:
			w.asks, w.why = append(w.asks, name), whyCited
		case len(p.Fields) == 0 && changed:
			w.asks = append(w.asks, name)
			if w.why == "" {
				w.why = whyChangedToo
			}
		default:
			w.takes = append(w.takes, name)
			w.form = w.form || strings.HasPrefix(name, protocol.FormField)
		}
	}
	want.Into(&w.with, w.takes)
	w.of = p.judged(c, w.takes)
	return w, nil
}

// judged is a hash of which answers the leader judges: those of the case as it is, with
// some that the correction puts right.
func (p *Correcting) judged(c *Case, takes []string) protocol.Hash {
	return sha256.Sum256(protocol.Marshal([]any{p.From, takes, c.amended()}))
}

// amended are the versions of the case at which its answers changed.
func (c *Case) amended() []uint64 {
	list := []uint64{}
	for i := range c.History {
		if c.History[i].amends() {
			list = append(list, c.History[i].Version)
		}
	}
	return list
}

// Amendments answers questions about what was put right, or is to be. Any goroutine may
// ask.
type Amendments struct{ *state }

// An Unweighed is a correction that waits for the leader's word: the answers as they
// would be with it.
type Unweighed struct {
	Number          protocol.Number
	Pinned          dcat.Hash
	Form, Applicant []byte
	Answers         bool // The answers of the form change, and not the applicant alone.
	Moved           bool // It goes on under a newer version than it was filed under (row 7).
	Of              protocol.Hash

	SealedFix
}

// Unweighed returns the oldest correction of each case on which one waits, of at most
// limit cases.
func (r Amendments) Unweighed(limit int) (list []Unweighed, err error) {
	err = r.base.View(func(v View) error {
		return v.Scan(key(tagCorrection), nil, func(k, raw []byte) (bool, error) {
			n := numberOf(k[1:9])
			if len(list) > 0 && list[len(list)-1].Number == n {
				return true, nil
			}
			c, p := &Case{}, &Correcting{}
			if err := decodeState(k, raw, p); err != nil {
				return false, err
			}
			if ok, err := readInto(v, caseKey(n), c); err != nil || !ok {
				return false, err
			}
			w, err := c.weigh(v, p, nil)
			if err != nil {
				return false, err
			}
			u := Unweighed{Number: n, Pinned: c.Pinned, Form: w.with.Form, Applicant: w.with.Applicant, Answers: w.form, Moved: c.AskedAnew != nil && !c.WaitsAnew(), Of: w.of}
			err = u.sealed(v, c, p, &w.event)
			list = append(list, u)
			return len(list) < limit, err
		})
	})
	return list, err
}

// Changes returns what was put right, or brought, by the version of the case after it: nothing
// of a case that was erased.
func (r Amendments) Changes(c *Case) (map[uint64][]Change, error) {
	out := map[uint64][]Change{}
	if c.Erased != 0 || c.Accused != nil || !slices.ContainsFunc(c.History, func(t Turn) bool { return t.Action == application.Correct }) {
		return out, nil // A grievance's are for who may open them: see Confidence.
	}
	err := r.base.View(func(v View) error {
		_, sub, err := c.filed(v)
		if err != nil {
			return err
		}
		return c.amend(v, &sub, 0, func(t *Turn, before, after protocol.Submission) {
			was, is := protocol.AnswersOf(before.Form, before.Applicant), protocol.AnswersOf(after.Form, after.Applicant)
			for _, name := range t.Items {
				if protocol.IsField(name) {
					out[t.Version] = append(out[t.Version], Change{name, was[name], is[name]})
				}
			}
		})
	})
	return out, err
}

// Wanted returns what a correction's item is about: what is there now, and what its centre
// wants. Of other items it is nothing.
func (r Amendments) Wanted(it *Item) (list []Change, reason string, err error) {
	if it.Kind != ItemCorrection {
		return nil, "", nil
	}
	c, err := Cases(r).Case(it.Number)
	if err != nil || c.Erased != 0 { // Nobody reads any more what it wants: it can be refused.
		return nil, "", err
	}
	_, sub, err := Cases(r).AsOf(c, 0)
	if err != nil {
		return nil, "", err
	}
	var k protocol.Correction
	err = r.base.View(func(v View) error {
		e, err := sent(v, &it.Event)
		if err != nil || e.Decode(&k) != nil {
			return err
		}
		return nil
	})
	now, want := protocol.AnswersOf(sub.Form, sub.Applicant), k.Wants()
	for _, name := range it.Fields {
		list = append(list, Change{name, now[name], want[name]})
	}
	return list, k.Reason, err
}
