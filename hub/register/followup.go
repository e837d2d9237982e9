package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// What a centre sends on a case may come late, twice, or when the case has gone
// another way. It is applied, or it becomes an item for an officer; it is never
// dropped.

// WhyNoCase is why an event on a case stands aside.
const WhyNoCase = "it names a case that is not here"

// whySurplus is why an overpayment is an item.
const whySurplus = "more was paid than was owed"

// whySecondFee is why what was paid on a duplicate is an item.
const whySecondFee = "a fee was paid on a case that is another one once more"

// follows reports whether a kind of event is about a case that is here, or asks for a
// lease to decide some, in an entry of a format.
func follows(k protocol.Kind, format uint8) bool {
	switch k { //nolint:exhaustive // The others are about none.
	case protocol.Supplied, protocol.PaymentTaken, protocol.Withdrawn, protocol.HandedOver, protocol.PaymentVoided:
		return format > 2
	case protocol.Appealed, protocol.ActedAtUnion, protocol.LeaseAsked, protocol.Corrected, protocol.CopyPrinted, protocol.AsideRead, protocol.SealingHeard:
		return format > 3
	}
	return false
}

// A follower applies one event of a centre's to its case.
type follower struct {
	courses
	found  *Finding
	judged *Verdict
	e      *protocol.Event
	from   Source // Where the event stands.
	owner  *Node  // Whose box signed it.

	c     *Case
	legal int64 // Unix milliseconds.
	doubt bool  // The centre's clock was off.

	confirmed bool   // An officer has confirmed the decision that it belongs to.
	try       bool   // Make no item of it …
	why       string // … but say why.
}

// arrival is an event on a case that a block brings.
func arrival(s intake, in *Ingest, it *protocol.Item, e *protocol.Event, owner *Node) *follower {
	h := &in.Block.Header
	return &follower{
		courses: courses(s), found: in.finding(it.Seq), judged: &in.Verdicts[it.Seq-h.First], e: e, owner: owner,
		from: Source{Log: h.Log, At: protocol.Position{Seq: it.Seq, Hash: it.Hash}},
	}
}

// come applies the event, unless it came before as recovered.
func (f *follower) come() {
	if f.meta.anyRecovered() && f.has(recoveredKey(f.from.Log, f.from.At)) {
		f.meta.Stats.Again++
		return
	}
	f.take()
}

// comeAgain applies an event that its box had receipted in a log that it gave up,
// unless it was applied already.
func (f *follower) comeAgain(receipted Source) {
	v, known := f.raw(eventKey(receipted.Log, receipted.At.Seq))
	k := recoveredKey(receipted.Log, receipted.At)
	if f.has(k) || known && len(v) > len(receipted.At.Hash) && bytes.HasPrefix(v, receipted.At.Hash[:]) {
		f.meta.Stats.Again++
		return
	}
	f.meta.Stats.Recovered++
	f.set(k, u64(uint64(f.e.Number)))
	f.take()
}

// take applies the event, or sets it aside.
func (f *follower) take() {
	if f.e.Kind == protocol.SealingHeard && (sealers{f.step}).heard(f.e, f.owner) || f.e.Kind == protocol.LeaseAsked && (leases{f.step}).asked(f.e, f.owner) {
		f.meta.Stats.Followed++
		return
	}
	if f.e.Kind == protocol.AsideRead { // It stands in its log, for whoever asks, and for the centre's next box.
		f.meta.Stats.Followed++
		return
	}
	f.c = &Case{}
	if f.e.Number == 0 || !f.get(caseKey(f.e.Number), f.c) {
		f.meta.Stats.Unreadable++
		intake(f.courses).aside(&Quarantine{
			Log: f.from.Log, First: f.from.At.Seq, Last: f.from.At.Seq, Reason: WhyNoCase, Hash: f.from.At.Hash, Number: f.e.Number,
		})
		return
	}
	f.meta.Stats.Followed++
	legal, off := f.legalNext(f.from.Log, f.e.At, seen(f.step, f.from.Log, f.from.At.Seq, f.e.Checkpoint))
	f.legal, f.doubt = legal, off != 0
	switch {
	case f.owner.RevokedAt != 0 && legal > f.owner.RevokedAt && f.format > 3:
		f.withhold()
	case f.owner.RevokedAt != 0 && legal > f.owner.RevokedAt:
		f.aside(whyRevoked, 0)
	default:
		f.place()
	}
}

// place applies the event, or makes an item of what does not fit.
func (f *follower) place() {
	switch {
	case f.judged.Refused != "":
		f.aside(clip(f.judged.Refused, 200), 0)
	case f.c.Pinned == dcat.Hash{} && f.e.Kind != protocol.PaymentVoided: // It is held, and has no procedure yet.
		f.aside(whyVersion, f.sum())
	case f.c.Centre != f.owner.Centre && f.e.Kind != protocol.PaymentTaken && f.e.Kind != protocol.PaymentVoided:
		f.aside("another centre took the application in", 0)
	default:
		f.apply()
	}
}

// aside makes an item of the event.
func (f *follower) aside(why string, amount int64) {
	if f.try {
		f.why = why
		return
	}
	if f.e.Kind == protocol.ActedAtUnion || f.e.Kind == protocol.CopyPrinted {
		unions{f.courses}.part(f)
		f.open(f.c, Item{Kind: ItemUnion, Text: why, Event: f.from, Centre: f.owner.Centre, Owner: f.above(f.c)})
		return
	}
	if f.e.Kind == protocol.Corrected {
		corrections{f.courses}.aside(f, why)
		return
	}
	kind := map[protocol.Kind]string{
		protocol.Supplied: ItemSupplement, protocol.PaymentTaken: ItemOverpayment,
		protocol.Withdrawn: ItemWithdrawal, protocol.HandedOver: ItemHandOver, protocol.PaymentVoided: ItemVoided, protocol.Appealed: ItemAppeal,
	}[f.e.Kind]
	if f.e.Kind == protocol.PaymentTaken && f.c.State.Owed > 0 {
		kind = ItemLate
		if f.doubt {
			kind = ItemDoubtful
		}
	}
	it := Item{Kind: kind, Text: why, Amount: amount, Event: f.from, Centre: f.owner.Centre}
	if kind == ItemVoided {
		it.Owner, it.Charged = f.world.overseer(f.owner.Centre), true
	}
	if w, fail := f.way(f.c); kind == ItemAppeal && fail == nil { // Not who has decided.
		if d, err := w.Desk(f.c.State, application.Appeal, ""); err == nil {
			it.Owner = d.Seat
		}
	}
	f.open(f.c, it)
}

func (f *follower) apply() {
	switch f.e.Kind { //nolint:exhaustive // The others don't follow.
	case protocol.ActedAtUnion:
		f.act()
	case protocol.CopyPrinted:
		f.printed()
	case protocol.Supplied:
		f.supply()
	case protocol.Corrected:
		if f.parks() {
			return
		}
		corrections{f.courses}.arrive(f)
	case protocol.PaymentTaken:
		if f.parks() {
			return
		}
		f.pay()
	case protocol.PaymentVoided:
		if f.parks() {
			return
		}
		f.void()
	case protocol.Appealed:
		if f.parks() {
			return
		}
		f.appeal()
	case protocol.Withdrawn:
		var w protocol.Withdrawal
		if f.e.Decode(&w) != nil {
			f.aside(whyUnreadable, 0)
			return
		}
		f.move(application.Event{Action: application.Withdraw, Text: clip(w.Reason, application.MaxText)}, 0)
	case protocol.HandedOver:
		if f.parks() {
			return
		}
		var h protocol.HandOver
		if f.e.Decode(&h) != nil {
			f.aside(whyUnreadable, 0)
			return
		}
		f.move(application.Event{Action: application.HandOver, Text: clip(strings.TrimSpace(h.Proof+" "+h.Text), application.MaxText)}, 0)
	}
}

// appeal has the next post of the ladder look at the decision again. The day on which
// the centre took it counts, where its clock can be believed.
func (f *follower) appeal() {
	var a protocol.Appeal
	if f.e.Decode(&a) != nil {
		f.aside(whyUnreadable, 0)
		return
	}
	w, fail := f.way(f.c)
	if fail != nil {
		return
	}
	d, err := w.Desk(f.c.State, application.Appeal, "")
	switch {
	case err != nil:
		f.aside("no desk hears the appeal", 0)
		return
	case f.doubt && f.now().Unix() > f.c.State.AppealBy:
		f.aside("the date of the appeal can't be believed: an officer decides", 0)
		return
	}
	f.move(application.Event{Action: application.Appeal, At: f.legal / 1000, Text: clip(a.Text, application.MaxText), Desk: d}, 0)
}

// supply brings what the applicant was asked for.
func (f *follower) supply() {
	var sup protocol.Supplement
	if f.e.Decode(&sup) != nil {
		f.aside(whyUnreadable, 0)
		return
	}
	items := sup.Items()
	e := application.Event{Action: application.Supply, Items: items, Text: clip(sup.Text, application.MaxText)}
	if askedAtUnion(f.c.History) && !f.doubt { // The clock stood from when it was asked to when it was answered, whenever the hub hears of it.
		e.At = max(f.legal/1000, f.c.Paused)
	}
	pinned, edition, anew := f.c.Pinned, f.c.Edition, f.c.WaitsAnew()
	switch {
	case anew:
		f.moveUnder(&sup, &e)
	case len(sup.Form) > 0:
		e.Found = f.found.found()
	}
	w, fail := f.way(f.c)
	if fail != nil {
		return
	}
	if !f.doubt && (question{f.c}).decided(f.legal/1000) {
		f.aside(whyInTime, 0)
		return
	}
	if f.c.State.SupplyBy != 0 && !f.doubt {
		e.Brought = f.legal / 1000
	}
	var record *application.Record
	var scan *protocol.Document
	if e.Found != nil {
		record, scan = records{f.courses}.look(f.c, w.Version, e.Found)
	}
	if anew {
		askings{f.courses}.anew(f.c, w, &e)
		e.Afresh = true
	}
	if !f.move(e, 0) {
		f.c.Pinned, f.c.Edition = pinned, edition
	} else {
		records{f.courses}.ask(f.c, w.Version, record, scan)
		if e.Found != nil {
			facts{f.courses}.tell(f.c, &e.Found.Fact)
		}
		f.held = append(f.held, papers{f.step}.sent(f.c, sup.Documents)...)
		f.put(caseKey(f.c.Number), f.c)
	}
}

// MergeForm returns a form's answers with others in their place, as compact JSON
// sorted by name. Answers that can't be read change nothing.
func MergeForm(form, with []byte) []byte {
	all, more := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if json.Unmarshal(form, &all) != nil || json.Unmarshal(with, &more) != nil {
		return form
	}
	maps.Copy(all, more)
	b, err := json.Marshal(all)
	if err != nil {
		return form
	}
	return b
}

// answerNames are the names of the answers in a JSON object.
func answerNames(form []byte) []string {
	var m map[string]json.RawMessage
	if len(form) == 0 || json.Unmarshal(form, &m) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

// pay books a payment on the open demand. What is above it, or comes when nothing
// is owed, is an item.
func (f *follower) pay() {
	var p protocol.Payment
	if f.e.Decode(&p) != nil || p.Check() != nil {
		f.aside(whyUnreadable, 0)
		return
	}
	sum := p.Total()
	if f.format > 3 && (latePays{f.courses}).counted(f.c, f.from, &p) {
		f.aside(whyCounted, sum)
		return
	}
	owed := f.c.State.Owed
	at := f.legal / 1000
	if p.Means == protocol.MeansChallan && p.PaidAt > 0 {
		at = min(at, p.PaidAt/1000)
		f.doubt = f.doubt || f.legal/1000 > f.c.State.PayBy // The bank's date is a centre's word: an officer looks at the challan.
	}
	e := application.Event{Action: application.Pay, Amount: sum, At: at, Text: clip(p.Means+" "+p.Reference, application.MaxText)}
	w, fail := f.way(f.c)
	if fail != nil {
		return
	}
	e.Desk.Terms = w.Terms(f.c.State)
	e.Desk.Terms.InDoubt = f.doubt && (f.c.State.Stage == application.FeeLapsed || at > f.c.State.PayBy || p.PaidAt > 0 && f.legal/1000 > f.c.State.PayBy)
	charged := func() {
		if f.format > 3 {
			withheld{f.courses}.above(f.c, w.Version, p.Fees, &f.from, f.owner.Centre)
		}
	}
	if !f.try {
		charged()
	}
	if !f.move(e, sum) {
		return
	}
	if f.try { // What is refused leaves no item.
		charged()
	}
	if sum > owed {
		f.open(f.c, Item{Kind: ItemOverpayment, Text: whySurplus, Amount: sum - owed, Event: f.from, Centre: f.owner.Centre})
	}
}

// move changes the case, or makes an item of what could not be applied.
func (f *follower) move(e application.Event, amount int64) bool {
	if e.Action != application.Pay {
		w, fail := f.way(f.c)
		if fail != nil {
			return false
		}
		e.Desk.Terms = w.Terms(f.c.State)
	}
	before := f.c.State
	if err := f.change(f.c, e); err != nil {
		why := "it does not fit the case any more"
		if x, ok := errors.AsType[*fault.Error](err); ok && x.Err != nil {
			why = x.Err.Error()
		}
		f.aside(why, amount)
		return false
	}
	t := &f.c.History[len(f.c.History)-1]
	t.Actor, t.Event = f.e.Actor, &f.from
	if err := f.follow(f.c); err != nil {
		f.keep(fault.Wrap("register.Apply", fault.Internal, f.c.Number.String(), err))
		return false
	}
	f.put(caseKey(f.c.Number), f.c)
	if before != f.c.State {
		f.tell(f.c)
	}
	return true
}
