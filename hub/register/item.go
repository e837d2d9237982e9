package register

import (
	"fmt"
	"slices"
	"strings"

	"kendro/domain/access"
	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// The kinds of items.
const (
	ItemOverpayment = "overpayment"       // More was paid than was owed.
	ItemDoubtful    = "doubtful-date"     // A payment whose date can't be believed.
	ItemLate        = "late-payment"      // A payment after the term.
	ItemWithdrawal  = "late-withdrawal"   // The case was decided when it came (row 12).
	ItemSupplement  = "unasked"           // What came was not asked for.
	ItemSecondFee   = "second-fee"        // Paid on a case that another one is already (row 2).
	ItemHandOver    = "handed-over-early" // The register knows of nothing to hand over.

	ItemGone       = "service-withdrawn"    // It was filed under a service that was withdrawn (row 9).
	ItemRevoked    = protocol.AsideRevoked  // Its box was revoked before (row 25).
	ItemRefundOwed = "refund-owed"          // Money that is to be paid back.
	ItemDear       = "charge-above-ceiling" // A centre took more for itself than it may (row 8).
	ItemVoided     = "payment-voided"       // A centre reversed a payment (row 17).

	ItemUntrained = "untrained" // Who took it in lacks a training that the service asks for.

	ItemLikely       = "likely-duplicate" // An earlier case is likely about the same.
	ItemRefused      = "refused-outside"  // Another authority's register refused it.
	ItemSecondNumber = "second-number"    // Another authority's register gave it a second number.
	ItemAppeal       = "late-appeal"      // An appeal that the case did not wait for.

	ItemCorrection = "correction" // What a centre puts right was changed meanwhile, or a decision rests on it (row 11).

	ItemRefundAsked = "refund-asked" // Paid on a case that came to nothing, and its version does not say what is owed back.

	ItemSecondRenewal = "second-renewal" // Approved, when another renewal of the same certificate was issued (row 20).

	ItemPartPaid = "paid-in-part" // The term of a fee has ended of which a part was paid.

	ItemConfirm = protocol.AsideConfirm // A union decided under no valid lease (row 37).
	ItemUnion   = protocol.AsideUnfit   // What a union's officer did does not fit the case.
)

// OutcomesOf are what may come of an item of a kind.
func OutcomesOf(kind string) []string {
	switch kind {
	case ItemGone, ItemVoided, ItemCorrection:
		return []string{outcomeAccepted, outcomeRefused}
	case ItemRevoked:
		return []string{outcomeHonoured, outcomeRefused}
	case ItemConfirm:
		return []string{outcomeConfirmed, outcomeRefused}
	case ItemRefundAsked:
		return []string{outcomeRefund, outcomeDismissed}
	case ItemPartPaid:
		return []string{outcomeRefund, outcomeRevived, outcomeDismissed}
	case ItemSecondRenewal:
		return []string{outcomeRefund, outcomeRefused, outcomeDismissed}
	case ItemRefused:
		return []string{outcomeRefund, "credit", outcomeApplied, outcomeDismissed, outcomeAgain}
	}
	return []string{outcomeRefund, "credit", outcomeApplied, outcomeDismissed}
}

// Outcomes by which the register goes on with something.
const (
	outcomeRefund    = "refund"                 // It is to be paid back; of a refund that is owed: it was.
	outcomeRevived   = "revived"                // Another term is given for what is owed.
	outcomeDismissed = "dismissed"              // Nothing comes of it.
	outcomeApplied   = "applied"                // Its money counts for the case.
	outcomeAgain     = "again"                  // Another authority's register is asked once more.
	outcomeAccepted  = "accepted"               // A case that was held goes on; the reason for a void is a good one; what a centre puts right is taken.
	outcomeHonoured  = protocol.OutcomeHonoured // What a revoked box sent counts.
	outcomeRefused   = "refused"                // A case that was held ends; what a revoked box sent, a union decided or a centre put right does not count; for a void the centre is liable.

	outcomeConfirmed = protocol.OutcomeConfirmed // What a union decided late stands.
)

// An Item is what somebody has to decide about since the procedure can't: a centre
// sent something that its case did not wait for. It ends in one outcome (I11).
type Item struct {
	ID       string          `cbor:"1,keyasint"`
	Number   protocol.Number `cbor:"2,keyasint"`
	Kind     string          `cbor:"3,keyasint"`
	At       int64           `cbor:"4,keyasint"` // Unix milliseconds.
	Deadline int64           `cbor:"5,keyasint"` // Unix seconds.
	Owner    place.Seat      `cbor:"6,keyasint"`
	Text     string          `cbor:"7,keyasint"`           // Why.
	Amount   int64           `cbor:"8,keyasint,omitempty"` // Poisha.
	Centre   place.Centre    `cbor:"9,keyasint"`           // That sent it; empty: a clerk of the hub's entered it.
	Event    Source          `cbor:"10,keyasint"`

	Outcome   string `cbor:"11,keyasint,omitempty"`
	Words     string `cbor:"12,keyasint,omitempty"` // Of who settled it.
	By        string `cbor:"13,keyasint,omitempty"`
	SettledAt int64  `cbor:"14,keyasint,omitempty"` // Unix milliseconds.

	Withheld

	Fields []string `cbor:"50,keyasint,omitempty"` // Of a correction: the names that somebody has to decide about.

	About *application.Accused `cbor:"135,keyasint,omitempty"` // Of a sealed correction: whom its case would be about with it.

	Payout
	Of string `cbor:"107,keyasint,omitempty"` // Of a refund that stands in its case's sums: the act, or the kind of item, that it comes of.
}

// Withheld is what an item keeps of an event that counts only once somebody says so.
type Withheld struct {
	Charged bool     `cbor:"20,keyasint,omitempty"` // What comes of it is the centre's liability, whatever the outcome.
	Legal   int64    `cbor:"21,keyasint,omitempty"` // The event's legal date, Unix milliseconds.
	Doubt   bool     `cbor:"22,keyasint,omitempty"` // The centre's clock was off.
	Found   *Finding `cbor:"23,keyasint,omitempty"`
	Bad     string   `cbor:"24,keyasint,omitempty"` // Why the leader found it no good.
}

// itemDays are the working days in which an item is to be settled.
const itemDays = 5

// open opens an item of a case, of which kind, text, sum, event and centre are
// given, and tells the centre. It returns the item's ID. The desk at which the case lies owns
// it, unless another does.
func (s courses) open(c *Case, it Item) string {
	s.part++
	it.ID = fmt.Sprintf("%s-%d-%d", c.Number, s.index, s.part)
	it.Number, it.At = c.Number, s.meta.At
	if it.Owner == (place.Seat{}) {
		it.Owner = c.State.Seat
	}
	grievances{s}.give(c, &it)
	it.Deadline = application.WorkTerm(s.calendar(), s.now(), itemDays)
	it.Text = clip(it.Text, protocol.MaxText)
	s.meta.Stats.Items++
	s.put(itemKey(tagItem, c.Number, s.index, s.part), &it)
	s.set(itemKey(tagOpenItem, c.Number, s.index, s.part), []byte{})
	s.tellAside(&it)
	return it.ID
}

func itemKey(tag byte, n protocol.Number, index uint64, part uint32) []byte {
	return key(tag, u64(uint64(n)), u64(index), u32(part))
}

// keyOf is the key of an item's ID.
func keyOf(tag byte, id string) ([]byte, bool) {
	var n, index uint64
	var part uint32
	if len(id) > 64 {
		return nil, false
	}
	if _, err := fmt.Sscanf(id, "%d-%d-%d", &n, &index, &part); err != nil {
		return nil, false
	}
	k := itemKey(tag, protocol.Number(n), index, part)
	return k, fmt.Sprintf("%s-%d-%d", protocol.Number(n), index, part) == id
}

func (s courses) tellAside(it *Item) {
	s.append(s.world.inbox(it.Centre), &protocol.Event{
		Kind: protocol.SetAside, Number: it.Number, Payload: protocol.Marshal(&protocol.Aside{
			Number: it.Number, Log: it.Event.Log, At: it.Event.At, Kind: it.Kind, Text: it.Text, Outcome: it.Outcome,
			Act: unions{s}.told(it),
		}),
	})
}

// settle has an officer say what comes of an item. What he says stands for ever.
func (s courses) settle(c *Command, by access.Principal) Result {
	b, f := body[Settlement](c)
	if f != nil {
		return Result{Fault: f}
	}
	if access.ScopeOf(by.Role, access.WorkCase) == access.Never {
		return failed(fault.Denied, string(c.Method), "not yours to do: sign in as an officer")
	}
	k, ok := keyOf(tagItem, b.Item)
	it := &Item{}
	if !ok || !s.get(k, it) || it.Number != c.Number {
		return failed(fault.NotFound, clip(b.Item, 64), "no such item on this case")
	}
	if err := access.May(by, access.WorkCase, access.Resource{Seat: it.Owner}); err != nil {
		return Result{Fault: failureOf(err)}
	}
	switch {
	case it.Outcome != "":
		return failed(fault.Conflict, it.ID, "it is settled: "+it.Outcome)
	case !slices.Contains(OutcomesOf(it.Kind), b.Outcome):
		return failed(fault.Invalid, clip(b.Outcome, 64), "no such outcome: want one of "+strings.Join(OutcomesOf(it.Kind), ", "))
	case strings.TrimSpace(b.Text) == "" || len(b.Text) > application.MaxText:
		return failed(fault.Invalid, it.ID, "write a text of 1 to 4096 bytes: it is what the citizen is told")
	}
	if f := (withheld{s}).goesOn(it, &b); f != nil {
		return Result{Fault: f}
	}
	if f := (evidence{withheld{s}}).decided(it, b.Outcome); f != nil {
		return Result{Fault: f}
	}
	if f := (refunds{withheld{s}}).allowed(it, &b); f != nil {
		return Result{Fault: f}
	}
	if f := (renewals{refunds{withheld{s}}}).endable(it, b.Outcome); f != nil {
		return Result{Fault: f}
	}
	if f := (partPayments{refunds{withheld{s}}}).revivable(it, b.Outcome); f != nil {
		return Result{Fault: f}
	}
	if it.Kind == ItemConfirm {
		if f := s.confirm(it, b.Outcome); f != nil {
			return Result{Fault: f}
		}
	}
	if it.Kind == ItemCorrection {
		if f := (corrections{s}).decide(it, &b); f != nil {
			return Result{Fault: f}
		}
	}
	it.Charged = it.Charged || it.Kind == ItemVoided && b.Outcome == outcomeRefused
	it.Outcome, it.Words, it.By = b.Outcome, b.Text, by.User
	refunds{withheld{s}}.paidOut(it, &b)
	withheld{s}.close(it)
	renewals{refunds{withheld{s}}}.end(it)
	refunds{withheld{s}}.settled(it, &b)
	switch {
	case it.Kind == ItemRefused && it.Outcome == outcomeAgain:
		outsiders{s}.again(it.Number)
	case it.Outcome == outcomeRevived:
		partPayments{refunds{withheld{s}}}.revive(it)
	case it.Kind == ItemGone || it.Kind == ItemRevoked:
		withheld{s}.resolve(it)
	case it.Kind == ItemLikely:
		facts{s}.distinct(it.Number)
	}
	if k := (&Case{}); s.format > 3 && s.get(caseKey(it.Number), k) {
		evidence{withheld{s}}.settled(k)
	}
	return done(nil)
}

// Items returns the items of a case, oldest first.
func (r Cases) Items(n protocol.Number) ([]*Item, error) {
	return list[Item](r.state, key(tagItem, u64(uint64(n))))
}

// OpenItems calls fn with the items that wait for an outcome, by number.
func (r Cases) OpenItems(fn func(*Item) error) error {
	return r.base.View(func(v View) error {
		return v.Scan(key(tagOpenItem), nil, func(k, _ []byte) (bool, error) {
			it := &Item{}
			if _, err := readInto(v, append([]byte{tagItem}, k[1:]...), it); err != nil {
				return false, err
			}
			return true, fn(it)
		})
	})
}
