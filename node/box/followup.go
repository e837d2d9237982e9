package box

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"time"

	"kendro/catalogue"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// Followups takes what comes to a case after its application: money, what was
// asked for, a withdrawal, that the applicant has what was issued. Each is an event
// with a receipt, durable before it is answered; what the district makes of it is
// told by its inbox.
type Followups struct {
	*Intake
	union *Union
}

// A Followup is who asks, and by which ID: the same gets the same answer.
type Followup struct {
	User, Key string
	Number    protocol.Number
	Visit     protocol.Visit // Why the applicant came; 0: for what it is.
}

// A Supply is what an applicant brings. Form is a JSON object of the answers that
// were asked for.
type Supply struct {
	Form      []byte            `json:"form,omitempty"`
	Documents []catalogue.Paper `json:"documents,omitempty"`
	Text      string            `json:"text,omitempty"`
}

// Pay takes money for a case of any centre of the district: the box may not know
// what is owed. [fault.Invalid] for a payment that none is, or a service charge
// above the ceiling of the case's service.
func (b Followups) Pay(ctx context.Context, f Followup, p protocol.Payment) (*Answer, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if c, err := b.of(f.Number); err == nil && c.Version != nil {
		if over := c.Version.AboveCeiling(p.Charge()); over > 0 {
			return nil, fault.New("box.Pay", fault.Invalid, "service_charge", strconv.FormatInt(over, 10)+" poisha above the ceiling of the service")
		}
	}
	return b.add(ctx, f, protocol.PaymentTaken, &p)
}

// Void reverses a payment that this box took for a case, named by the sequence on its
// receipt: [fault.NotFound] where no payment of the case stands there. The payment
// stays; whoever watches the centre reads the reason.
func (b Followups) Void(ctx context.Context, f Followup, seq uint64, reason string) (*Answer, error) {
	e, err := b.payment(f.Number, seq)
	if err != nil {
		return nil, err
	}
	var p protocol.Payment
	if err := e.event.Decode(&p); err != nil {
		return nil, damagedRecord("own", e.seq, err)
	}
	r := b.receiptOf(spotOf(e))
	v := protocol.Voiding{Log: r.Log, At: r.At, Fees: p.Fees, Reason: strings.TrimSpace(reason)}
	if err := v.Check(); err != nil {
		return nil, err
	}
	return b.add(ctx, f, protocol.PaymentVoided, &v)
}

// A Taking is a payment that this box took for a case of any centre.
type Taking struct {
	Seq     uint64 // Of its receipt.
	At      time.Time
	Voided  bool // It was reversed here.
	Payment protocol.Payment
}

// Taken returns the payments that this box took for a case, in their order.
func (b Followups) Taken(n protocol.Number) ([]Taking, error) {
	turns, err := turnsOf(b.core, n)
	if err != nil {
		return nil, err
	}
	var list []Taking
	at := map[protocol.Head]int{} // Where in the list, by receipt.
	for _, e := range turns {
		switch e.event.Kind { //nolint:exhaustive // The others move no money.
		case protocol.PaymentTaken:
			r := b.receiptOf(spotOf(e))
			receipt := protocol.Head{Log: r.Log, At: r.At}
			t := Taking{Seq: r.At.Seq, At: time.UnixMilli(e.event.At)}
			if err := e.event.Decode(&t.Payment); err != nil {
				return nil, damagedRecord("own", e.seq, err)
			}
			if _, again := at[receipt]; !again { // It may stand in a later log, too.
				at[receipt] = len(list)
				list = append(list, t)
			}
		case protocol.PaymentVoided:
			var v protocol.Voiding
			if !reads(e.event, &v) {
				continue
			}
			if i, ok := at[protocol.Head{Log: v.Log, At: v.At}]; ok {
				list[i].Voided = true
			}
		}
	}
	return list, nil
}

// payment finds a payment for a case by the sequence on its receipt, in the newest of
// this box's logs that has it there.
func (b Followups) payment(n protocol.Number, seq uint64) (*ownEffect, error) {
	end := b.mirror.records()
	for _, s := range slices.Backward(b.index.parts.all()) {
		record := s.First + seq - 1
		if seq > 0 && record >= s.First && record <= end && !b.index.parts.hole(record) {
			e, err := b.placeAt(record)
			if err != nil {
				return nil, err
			}
			if e.record.gone == nil && e.event.Kind == protocol.PaymentTaken && e.event.Number == n && b.receiptOf(spotOf(e)).At.Seq == seq {
				return e, nil
			}
		}
		end = s.First - 1
	}
	return nil, fault.New("box.Void", fault.NotFound, strconv.FormatUint(seq, 10), "this box has no payment for the case under this number: see the receipt of the payment")
}

// Supply brings what the applicant was asked for, and nothing else: another item
// is [fault.Conflict], as is a case that waits for nothing as far as this box
// knows. Field errors are the applicant's to correct and come without an error.
func (b Followups) Supply(ctx context.Context, f Followup, s Supply) (*Answer, []catalogue.FieldError, error) {
	c, err := b.of(f.Number)
	if err != nil {
		return nil, nil, err
	}
	if c.Asks == nil {
		return nil, nil, fault.New("box.Supply", fault.Unavailable, c.Pin.Service, "the version of the service under which this is asked is not here yet: it comes with the catalogue")
	}
	sup := protocol.Supplement{Text: s.Text}
	app := &catalogue.Application{Version: c.Asks, Documents: s.Documents}
	var items []string
	for _, d := range s.Documents {
		items = append(items, d.ID)
		if d.SHA256 == "" {
			sup.Originals = append(sup.Originals, d.ID)
		}
	}
	var wrong []catalogue.FieldError
	if sup.Documents, wrong, err = b.papersOf(app); err != nil || len(wrong) > 0 {
		return nil, wrong, err
	}
	if c.Submission.Secret != nil && len(s.Form) > 0 {
		return nil, nil, fault.New("box.Supply", fault.Conflict, f.Number.String(), "this box may not read the answers of the case, so it can put none right: bring what was asked for, and say the rest in words")
	}
	if len(s.Form) > 0 {
		var names []string
		if sup.Form, names, wrong, err = c.brought(s.Form, b.o.Clock().In(dhaka)); err != nil || len(wrong) > 0 {
			return nil, wrong, err
		}
		for _, n := range names {
			items = append(items, "form."+n)
		}
	}
	if !takesAnswer(&c.Said, c.Stage) || len(items) == 0 {
		return nil, nil, fault.New("box.Supply", fault.Conflict, f.Number.String(), "nothing was asked for, as far as this box knows")
	}
	for _, it := range items {
		if !slices.Contains(c.Said.Items, it) && !c.comesAlong(it) {
			return nil, nil, fault.New("box.Supply", fault.Conflict, it, "only what was asked for may be supplied")
		}
	}
	body := sha256.Sum256(protocol.Marshal([]any{protocol.Supplied, f.Number, protocol.Marshal(&sup)}))
	if c.Submission.Secret != nil && s.Text != "" { // Sealed, it is other bytes each time.
		sup.Text = ""
		if sup.Secret, err = b.conceal(&protocol.Secret{Text: s.Text}); err != nil {
			return nil, nil, err
		}
	}
	a, err := b.put(ctx, f, protocol.Supplied, &sup, body)
	return a, nil, err
}

// brought checks answers with those that the case has, and returns them as they are signed, with
// their names. Of a case that a newer version has asked before, this box need not have all
// answers: those alone are checked that are brought; the hub checks the whole.
func (c *Case) brought(answers []byte, on time.Time) (canonical []byte, names []string, wrong []catalogue.FieldError, err error) {
	merged, names, canonical, err := catalogue.MergeAnswers(c.Submission.Form, answers)
	if err != nil {
		return nil, nil, nil, err
	}
	form, err := catalogue.CompileForm(c.Asks.Form)
	if err != nil {
		return nil, nil, nil, err
	}
	if c.Said.Under != nil {
		if merged, err = form.Carry(merged); err != nil {
			return nil, nil, nil, err
		}
	}
	wrong = form.ValidateOn(merged, on)
	if c.Said.Moved {
		wrong = slices.DeleteFunc(wrong, func(e catalogue.FieldError) bool { return !slices.Contains(names, e.Answer()) })
	}
	for i := range wrong {
		wrong[i].Path = "/form" + wrong[i].Path // As of an application.
	}
	for _, n := range names {
		if _, known := form.Field(n); !known {
			return nil, nil, nil, fault.New("box.Supply", fault.Conflict, "form."+n, "only what was asked for may be supplied")
		}
	}
	return canonical, names, wrong, nil
}

// comesAlong reports whether an answer may come though it was not asked for: to a question that
// the application did not have, where a newer version wants it with one that it asks.
func (c *Case) comesAlong(item string) bool {
	name, answer := strings.CutPrefix(item, "form.")
	if !answer || c.Said.Under == nil || c.Said.Moved || !slices.ContainsFunc(c.Said.Items, func(it string) bool { return strings.HasPrefix(it, "form.") }) {
		return false
	}
	_, had, _, err := catalogue.MergeAnswers([]byte(`{}`), c.Submission.Form)
	return err == nil && !slices.Contains(had, name)
}

// Withdraw takes an application of this box's back for its applicant. What a
// decided case makes of it an officer says.
func (b Followups) Withdraw(ctx context.Context, f Followup, w protocol.Withdrawal) (*Answer, error) {
	if len(w.Reason) > application.MaxText {
		return nil, fault.New("box.Withdraw", fault.Invalid, "reason", "longer than 4096 bytes: shorten it")
	}
	c, err := b.of(f.Number)
	if err != nil {
		return nil, err
	}
	if c.Submission.Secret != nil && w.Reason != "" {
		return nil, fault.New("box.Withdraw", fault.Invalid, "reason", "a grievance is taken back without a reason: it would stand here for everybody to read")
	}
	return b.add(ctx, f, protocol.Withdrawn, &w)
}

// HandOver notes that the applicant has what was issued: [fault.Conflict] as long
// as this box has not heard that there is something. A code has to be the one on the
// receipt, and is proof enough; none is "".
func (b Followups) HandOver(ctx context.Context, f Followup, h protocol.HandOver, code string) (*Answer, error) {
	if code != "" && h.Proof == "" {
		h.Proof = protocol.ByCode
	}
	if h.Proof == "" || len(h.Proof)+len(h.Text) > application.MaxText {
		return nil, fault.New("box.HandOver", fault.Invalid, "proof", "say how the person was known, such as nid, or give the code on the receipt")
	}
	c, err := b.of(f.Number)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{application.Ready.String(), application.Posted.String(), application.Returned.String()}, c.Stage) {
		return nil, fault.New("box.HandOver", fault.Conflict, f.Number.String(), "nothing is ready to be handed over, as far as this box knows")
	}
	if code != "" {
		if err := protocol.CheckCollectionCode(c.Event.Nonce, code); err != nil {
			return nil, err
		}
	}
	return b.add(ctx, f, protocol.HandedOver, &h)
}

// KnownBy says whether a code is the one on a case's receipt: [fault.Invalid] where it is not.
func (b Followups) KnownBy(n protocol.Number, code string) error {
	c, err := b.of(n)
	if err != nil {
		return err
	}
	return protocol.CheckCollectionCode(c.Event.Nonce, code)
}

// Appeal asks the next post of the service's ladder to look at a decision again. What a
// box may not read of its case is sealed. [fault.Conflict]: as far as this box knows,
// nothing was decided that may be appealed, or the time for it has passed.
func (b Followups) Appeal(ctx context.Context, f Followup, text string) (*Answer, error) {
	if text == "" || len(text) > application.MaxText {
		return nil, fault.New("box.Appeal", fault.Invalid, "text", "say in 1 to 4096 bytes what is wrong with the decision")
	}
	c, err := b.of(f.Number)
	if err != nil {
		return nil, err
	}
	earlier, err := b.requested(f)
	if err != nil {
		return nil, err
	}
	body := sha256.Sum256(protocol.Marshal([]any{protocol.Appealed, f.Number, text}))
	if earlier > 0 {
		return b.answerAgain(earlier, &filing{user: f.User, key: f.Key, body: body})
	}
	switch {
	case c.Said.AppealBy == 0:
		return nil, fault.New("box.Appeal", fault.Conflict, f.Number.String(), "nothing is decided that may be appealed, as far as this box knows")
	case b.o.Clock().Unix() > c.Said.AppealBy:
		return nil, fault.New("box.Appeal", fault.Conflict, f.Number.String(), "the time for an appeal has passed")
	}
	a := protocol.Appeal{Text: text}
	if c.Submission.Secret != nil {
		a.Text = ""
		if a.Secret, err = b.conceal(&protocol.Secret{Text: text}); err != nil {
			return nil, err
		}
	}
	return b.put(ctx, f, protocol.Appealed, &a, body)
}

// Followups takes what comes to a case after its application.
func (b *Box) Followups() Followups { return Followups{b.Intake, b.Union} }

// of is a case of this box's, as its union has brought it on here where it decides.
func (b Followups) of(n protocol.Number) (*Case, error) {
	if u, err := b.union.UnionCase(n); err == nil && !u.Elsewhere {
		return u.Case, nil
	}
	return (&Cases{Shelf: b.Shelf}).Case(n)
}

// add writes an event on a case and answers it with its receipt.
func (b Followups) add(ctx context.Context, by Followup, kind protocol.Kind, payload any) (*Answer, error) {
	return b.put(ctx, by, kind, payload, sha256.Sum256(protocol.Marshal([]any{kind, by.Number, protocol.Marshal(payload)})))
}

// requested is the record that a request made before, 0 for none.
func (b Followups) requested(by Followup) (earlier uint64, err error) {
	err = b.view(func(tx *store.Tx) error {
		earlier, err = lookup(tx, b.index.requestKey(by.User, by.Key))
		return err
	})
	return earlier, err
}

// put is add, where body says what was asked for: sealed, it is other bytes each time.
func (b Followups) put(ctx context.Context, by Followup, kind protocol.Kind, payload any, body protocol.Hash) (*Answer, error) {
	return b.write(ctx, by, protocol.Event{Kind: kind, Payload: protocol.Marshal(payload)}, body)
}

// write writes an event of which what it says is given, and answers it with its receipt.
func (b Followups) write(ctx context.Context, by Followup, e protocol.Event, body protocol.Hash) (*Answer, error) {
	if err := b.blockers.Closed(); err != nil {
		return nil, err
	}
	e.At, e.Actor, e.Number, e.Checkpoint = b.o.Clock().UnixMilli(), by.User, by.Number, b.mirror.checkpoint()
	if e.Visit = by.Visit; e.Visit == 0 {
		e.Visit = protocol.VisitFor(e.Kind)
	}
	f := filing{user: by.User, key: by.Key, number: by.Number, event: e, body: body}
	earlier, err := b.requested(by)
	if err != nil {
		return nil, err
	}
	if earlier > 0 {
		return b.answerAgain(earlier, &f)
	}
	if g, err := (&Cases{Shelf: b.Shelf}).Erased(by.Number); err != nil || g != nil {
		return nil, cmp.Or[error](err, fault.New("box.Followup", fault.Conflict, by.Number.String(), "what told of the citizen was erased by order: nothing more can be brought to this case"))
	}
	return b.submit(ctx, f)
}

// mints reports whether a filing makes a number of its own.
func (f *filing) mints() bool { return f.event.Kind == protocol.Submitted }

// Waiting returns the cases that wait for their applicant, as far as this box
// knows: for what was asked for, for money, or to be fetched.
func (b *Cases) Waiting() ([]*Case, error) {
	var numbers []protocol.Number
	err := b.view(func(tx *store.Tx) error {
		return tx.Scan([]byte(b.index.era.now(keyWaits)), nil, func(_, value []byte) (bool, error) {
			n, err := protocol.ParseNumber(string(value))
			if err == nil {
				numbers = append(numbers, n)
			}
			return len(numbers) < maxWaits, nil
		})
	})
	if err != nil {
		return nil, err
	}
	list := []*Case{}
	for _, n := range numbers {
		c, err := b.Case(n)
		if err != nil {
			continue // Another box's: its word came for the whole centre.
		}
		list = append(list, c)
	}
	return list, nil
}

// maxWaits bounds the cases that are listed as waiting.
const maxWaits = 500

// waitsForApplicant reports whether a case of which this is said waits for its applicant in a
// stage, or would still take what it has waited for.
func waitsForApplicant(said *protocol.Standing, stage string) bool {
	return stage == application.FeeDue.String() || stage == application.Ready.String() || takesAnswer(said, stage)
}

// takesAnswer reports whether what the applicant was asked for may be brought: while the case
// waits for it, and until it is decided where it has gone on without.
func takesAnswer(said *protocol.Standing, stage string) bool {
	open := stage == application.Received.String() || stage == application.UnderReview.String()
	return stage == application.InfoRequested.String() || open && said.Unanswered && len(said.Items) > 0
}

// keepWaiting keeps the list of cases that wait for their applicant.
func keepWaiting(x *index, tx *store.Tx, s *protocol.Standing) error {
	k := x.caseKey(x.era.now(keyWaits), s.Number)
	if waitsForApplicant(s, s.Stage) {
		return tx.Set(k, []byte(s.Number.String()))
	}
	was, err := tx.Has(k)
	if err != nil || !was {
		return err
	}
	return tx.Delete(k)
}
