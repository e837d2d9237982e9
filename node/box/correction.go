package box

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// A Fix is what a centre puts right: JSON objects of the answers, and of the members of
// the applicant, that change; null takes one away.
type Fix struct {
	Form      []byte `json:"form,omitempty"`
	Applicant []byte `json:"applicant,omitempty"`
	Reason    string `json:"reason"`

	// What who asks has before him; nil is what this box has.
	FormSaw      []byte `json:"form_saw,omitempty"`
	ApplicantSaw []byte `json:"applicant_saw,omitempty"`
}

// A PutRight is a correction of this box's with what the hub has said of it.
type PutRight struct {
	At     time.Time
	Actor  string
	Names  []string
	Reason string
	Word   *protocol.CorrectionWord // Nil while the hub has said nothing.
	Sealed bool                     // Names and reason are for the deciding desk alone.
}

// Correct puts answers of an application of this box's right. The event names what was
// there before, so the hub merges it with what others have changed meanwhile (DOMAIN §7
// row 11). Of a case that this box may not read it is sealed as the application is, and
// the event names the version of the case that the box had heard of. Field errors are the applicant's to correct and come without an error.
// [fault.Conflict]: the case is decided as far as this box knows, its union decides it
// here, or somebody else has changed the answer since who asks saw it.
func (b Followups) Correct(ctx context.Context, f Followup, fix Fix) (*Answer, []catalogue.FieldError, error) {
	const op = "box.Correct"
	fix.Reason = strings.TrimSpace(fix.Reason)
	if fix.Reason == "" || len(fix.Reason) > application.MaxText {
		return nil, nil, fault.New(op, fault.Invalid, "reason", "say in 1 to 4096 bytes why it is put right: the officer reads it")
	}
	c, err := b.of(f.Number)
	if err != nil {
		return nil, nil, err
	}
	body := fix.asked(f.Number)
	earlier, err := b.requested(f)
	if err != nil {
		return nil, nil, err
	}
	if earlier > 0 {
		a, err := b.answerAgain(earlier, &filing{user: f.User, key: f.Key, body: body})
		return a, nil, err
	}
	if err := b.correctable(c); err != nil {
		return nil, nil, err
	}
	if c.Submission.Secret != nil {
		return b.correctSealed(ctx, f, c, &fix)
	}
	saw := protocol.AnswersOf(c.Submission.Form, c.Submission.Applicant)
	wants, err := fix.wants(c, saw)
	if err != nil {
		return nil, nil, err
	}
	if wrong, err := b.judged(c, wants); err != nil || len(wrong) > 0 {
		return nil, wrong, err
	}
	e := protocol.Event{Kind: protocol.Corrected, Base: c.Edition, Payload: protocol.Marshal(protocol.NewCorrection(saw, wants, fix.Reason))}
	a, err := b.write(ctx, f, e, body)
	return a, nil, err
}

// asked is a hash of what was asked for: sealed, it is other bytes each time.
func (fix *Fix) asked(n protocol.Number) protocol.Hash {
	return sha256.Sum256(protocol.Marshal([]any{protocol.Corrected, n, fix.Form, fix.Applicant, fix.Reason}))
}

// correctSealed puts answers right that this box can't see: each is held against the forms
// by itself, and the hub looks at the whole.
func (b Followups) correctSealed(ctx context.Context, f Followup, c *Case, fix *Fix) (*Answer, []catalogue.FieldError, error) {
	const op = "box.Correct"
	_, _, form, err := catalogue.MergeAnswers([]byte("{}"), orObject(fix.Form))
	if err != nil {
		return nil, nil, err
	}
	_, _, applicant, err := catalogue.MergeAnswers([]byte("{}"), orObject(fix.Applicant))
	if err != nil {
		return nil, nil, err
	}
	wants := protocol.AnswersOf(form, applicant)
	names := wants.Names()
	if i := slices.IndexFunc(names, func(n string) bool { return slices.Contains(unmoved, n) }); i >= 0 {
		return nil, nil, fault.New(op, fault.Invalid, names[i], "it says where the application goes: withdraw it, and file another")
	}
	if !application.ItemsFit(names) {
		return nil, nil, fault.New(op, fault.Invalid, "form", "want 1 to 32 answers that change")
	}
	c.Submission.Form, c.Submission.Applicant = []byte("{}"), []byte("{}")
	wrong, err := b.judged(c, wants)
	if err != nil {
		return nil, nil, err
	}
	wrong = slices.DeleteFunc(wrong, func(w catalogue.FieldError) bool { return !slices.Contains(names, w.Named()) })
	if len(wrong) > 0 {
		return nil, wrong, nil
	}
	sealed, err := b.conceal(&protocol.Secret{Form: form, Applicant: applicant, Text: fix.Reason})
	if err != nil {
		return nil, nil, err
	}
	e := protocol.Event{Kind: protocol.Corrected, Base: c.Edition, Payload: protocol.Marshal(&protocol.Correction{Secret: sealed})}
	a, err := b.write(ctx, f, e, fix.asked(f.Number))
	return a, nil, err
}

// correctable says why nothing of a case can be put right here.
func (b Followups) correctable(c *Case) error {
	const op = "box.Correct"
	stage, err := application.ParseStage(c.Stage)
	if err != nil {
		return err
	}
	u, union := b.union.UnionCase(c.Number)
	switch {
	case c.Version == nil || b.Goods() == nil:
		return fault.New(op, fault.Unavailable, c.Pin.Service, "the version of the service is not here")
	case stage.Decided() || stage == application.Withdrawn || stage == application.Duplicate:
		return fault.New(op, fault.Conflict, c.Number.String(), "the case is "+c.Stage+": what was decided is put right by an appeal or a new application")
	case union == nil && !u.Elsewhere:
		return fault.New(op, fault.Conflict, c.Number.String(), "the union decides the case at this box: its officer sends it back, and it is filed anew")
	}
	return nil
}

// unmoved are the members of an applicant that say where a case goes and who may read it.
var unmoved = []string{protocol.ApplicantField + "area", protocol.ApplicantField + "anonymous"}

// wants are the answers that change, as one spells them.
func (fix *Fix) wants(c *Case, saw protocol.Answers) (protocol.Answers, error) {
	const op = "box.Correct"
	_, _, form, err := catalogue.MergeAnswers(c.Submission.Form, orObject(fix.Form))
	if err != nil {
		return nil, err
	}
	_, _, applicant, err := catalogue.MergeAnswers(c.Submission.Applicant, orObject(fix.Applicant))
	if err != nil {
		return nil, err
	}
	wants := protocol.AnswersOf(form, applicant)
	seen := saw
	if fix.FormSaw != nil || fix.ApplicantSaw != nil {
		seen = protocol.AnswersOf(fix.FormSaw, fix.ApplicantSaw)
	}
	for _, name := range wants.Names() {
		switch {
		case wants.Same(saw, name):
			delete(wants, name)
		case !seen.Same(saw, name):
			return nil, fault.New(op, fault.Conflict, name, "it was changed meanwhile: look at the case again")
		case slices.Contains(unmoved, name):
			return nil, fault.New(op, fault.Invalid, name, "it says where the application goes: withdraw it, and file another")
		case c.Stage == application.InfoRequested.String() && slices.Contains(c.Said.Items, name):
			return nil, fault.New(op, fault.Conflict, name, "the office has asked for it: bring it as what was asked for")
		}
	}
	if !application.ItemsFit(wants.Names()) {
		return nil, fault.New(op, fault.Invalid, "form", "want 1 to 32 answers that are others than the case has")
	}
	return wants, nil
}

func orObject(raw []byte) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	return raw
}

// judged holds the answers with what is put right against the forms.
func (b Followups) judged(c *Case, wants protocol.Answers) ([]catalogue.FieldError, error) {
	with := c.Submission
	wants.Into(&with, wants.Names())
	var wrong []catalogue.FieldError
	if !c.Said.Moved { // Else the hub has the form that counts, and all answers to it.
		form, err := catalogue.CompileForm(c.Version.Form)
		if err != nil {
			return nil, err
		}
		wrong = form.ValidateOn(with.Form, b.o.Clock().In(dhaka))
	}
	for i := range wrong {
		wrong[i].Path = "/form" + wrong[i].Path
	}
	for _, w := range b.Goods().Intake.Applicant().Validate(with.Applicant) {
		w.Path = "/applicant" + w.Path
		wrong = append(wrong, w)
	}
	return wrong, nil
}

func putRightKey(x *index, n protocol.Number, correction *protocol.Hash) []byte {
	return append(x.caseKey(x.era.now(keyPutRight), n), correction[:8]...)
}

// amend brings an application to what this box knows of its answers: with what was
// supplied here, and put right, in their order. What the hub says was not taken is left
// out; what it has said nothing of yet counts.
func (b *Cases) amend(c *Case) error {
	list, err := turnsOf(b.core, c.Number)
	if err != nil {
		return err
	}
	for _, e := range list {
		switch e.event.Kind { //nolint:exhaustive // The others change no answer.
		case protocol.Supplied:
			var s protocol.Supplement
			if c.Submission.Secret != nil || !reads(e.event, &s) || len(s.Form) == 0 {
				continue
			}
			brought := protocol.AnswersOf(s.Form, nil)
			brought.Into(&c.Submission, brought.Names())
		case protocol.Corrected:
			if err := b.putRight(c, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Cases) putRight(c *Case, e *ownEffect) error {
	var k protocol.Correction
	if !reads(e.event, &k) {
		return nil
	}
	names := k.Wants().Names()
	p := PutRight{At: time.UnixMilli(e.event.At), Actor: e.event.Actor, Names: names, Reason: k.Reason, Sealed: k.Secret != nil}
	var word protocol.CorrectionWord
	told := false
	err := b.view(func(tx *store.Tx) (err error) {
		told, err = read(tx, putRightKey(b.index, c.Number, &e.hash), &word)
		return err
	})
	if err != nil {
		return err
	}
	if told {
		p.Word = &word
		names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(word.Refused, n) })
	}
	k.Wants().Into(&c.Submission, names)
	c.PutRight = append(c.PutRight, p)
	return nil
}

// turnsOf reads what was done on a case here, in its order.
func turnsOf(b *core, n protocol.Number) ([]*ownEffect, error) { return eventsOf(b, keyTurn, n) }

// eventsOf reads the events of a case that are listed under a kind of key, in their order.
func eventsOf(b *core, kind string, n protocol.Number) (list []*ownEffect, err error) {
	var seqs []uint64
	prefix := b.index.caseKey(kind, n)
	err = b.view(func(tx *store.Tx) error {
		return tx.Scan(prefix, nil, func(k, _ []byte) (bool, error) {
			if len(k) == len(prefix)+8 {
				seqs = append(seqs, binary.BigEndian.Uint64(k[len(prefix):]))
			}
			return true, nil
		})
	})
	if err != nil {
		return nil, err
	}
	for _, seq := range seqs {
		if b.index.parts.hole(seq) {
			continue
		}
		e, err := b.recordAt(seq)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}
