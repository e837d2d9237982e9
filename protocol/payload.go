package protocol

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/identity"
)

// A Fee is one part of what the citizen pays, in whole poisha.
type Fee struct {
	Kind   string `cbor:"1,keyasint" json:"kind"`
	Poisha int64  `cbor:"2,keyasint" json:"poisha"`
}

// A Submission is the payload of Submitted: the application as the counter took
// it. Form and Applicant are compact JSON in Unicode NFC; the pinned version's
// schema and the applicant schema hold for them.
type Submission struct {
	Channel   string   `cbor:"1,keyasint"`
	Form      []byte   `cbor:"2,keyasint"`
	Applicant []byte   `cbor:"3,keyasint"`
	Originals []string `cbor:"4,keyasint,omitempty"` // Documents whose original was seen at the counter.
	Fees      []Fee    `cbor:"5,keyasint,omitempty"`

	Documents []Document `cbor:"6,keyasint,omitempty"` // What was scanned at the counter.
	PostedOn  string     `cbor:"7,keyasint,omitempty"` // The day on what came by post or fax, 2026-11-20.
	Despite   string     `cbor:"8,keyasint,omitempty"` // Why it was filed though one like it had been taken.

	// Secret is the form and the applicant of a service whose applications no box may
	// read; Form and Applicant are then empty.
	Secret *Confidential `cbor:"9,keyasint,omitempty"`

	// Elsewhere is how another system knows it, where it was taken over from there. Only
	// a hub takes one over.
	Elsewhere *Elsewhere `cbor:"40,keyasint,omitempty"`

	Renews *Renewed `cbor:"70,keyasint,omitempty"` // The certificate that it asks to renew.
}

// An Elsewhere is how another system knows an application. On is that system's date of
// it, apart from ours: the office's clock starts with the entry here.
type Elsewhere struct {
	System string `cbor:"1,keyasint" json:"system" minLength:"1" maxLength:"64" doc:"Short name of the other system"`
	Number string `cbor:"2,keyasint" json:"number" minLength:"1" maxLength:"128" doc:"Its number of the application, as it was given to the applicant"`
	On     string `cbor:"3,keyasint,omitempty" json:"filed_on,omitempty" doc:"Its day of the application, 2026-11-20"`
}

// Check fails with [fault.Invalid] for one that names no application.
func (e *Elsewhere) Check() error {
	const mostSystem = 64
	if e.System == "" || len(e.System) > mostSystem || e.Number == "" || len(e.Number) > MaxName || len(e.On) > len("2026-11-20") {
		return fault.New("protocol.Elsewhere", fault.Invalid, "elsewhere", "want a system of 1 to 64 bytes, its number of 1 to 128 bytes, and a day or none")
	}
	return nil
}

// Contacts is the payload of Settings: where a node finds its hub and its
// neighbours. The latest one holds.
type Contacts struct {
	Servers    []string    `cbor:"1,keyasint"`           // QUIC addresses, host:port.
	Neighbours []Neighbour `cbor:"2,keyasint,omitempty"` // Other nodes of the upazila.
	GossipKey  []byte      `cbor:"3,keyasint,omitempty"` // 32 bytes, of the upazila: the one to speak under.

	Former  []string         `cbor:"7,keyasint,omitempty"` // Names of the uplinks that this centre's earlier boxes wrote.
	Revoked []identity.KeyID `cbor:"8,keyasint,omitempty"` // Signing keys of the upazila's revoked boxes. The list only grows.

	OtherKeys [][]byte `cbor:"10,keyasint,omitempty"` // Gossip keys to understand as well: the next, the one before.
}

// A Neighbour is another node of the same upazila.
type Neighbour struct {
	_      struct{} `cbor:",toarray"`
	Centre string
	Gossip string // host:port, empty while unknown.
	Signer []byte // Public signing key.
}

// A User is the payload of UserChanged: who may sign in at the centre's node, an
// entrepreneur or an officer of its union.
type User struct {
	Name     string `cbor:"1,keyasint"`
	Centre   string `cbor:"2,keyasint"`
	Role     string `cbor:"3,keyasint"`
	Gender   string `cbor:"4,keyasint,omitempty"` // "f" or "m" (R-CE2).
	Hash     string `cbor:"5,keyasint"`           // argon2id.
	From     int64  `cbor:"6,keyasint"`           // Unix seconds.
	Until    int64  `cbor:"7,keyasint,omitempty"` // Unix seconds; 0 is open.
	Disabled bool   `cbor:"8,keyasint,omitempty"`

	Post   string `cbor:"9,keyasint,omitempty"`  // Of an officer who may act at the box of his union …
	Office string `cbor:"10,keyasint,omitempty"` // … under its lease.

	Trained []Trained `cbor:"60,keyasint,omitempty"` // What an entrepreneur has been trained in.
}

// Trained is one training that somebody holds.
type Trained struct {
	Tag   string `cbor:"1,keyasint"`
	Until int64  `cbor:"2,keyasint,omitempty"` // Unix seconds; 0 is for good.
}

// Lacks returns which of the trainings the user doesn't hold at a time in Unix seconds,
// in their order.
func (u *User) Lacks(tags []string, unix int64) []string {
	var list []string
	for _, tag := range tags {
		if !slices.ContainsFunc(u.Trained, func(t Trained) bool { return t.Tag == tag && (t.Until == 0 || unix < t.Until) }) {
			list = append(list, tag)
		}
	}
	return list
}

// An Acceptance is the payload of Accepted: events First to Last of the node's
// uplink are in the register, and each of their applications is RECEIVED at the
// first step of its service, but for those under Other.
type Acceptance struct {
	Log   LogID      `cbor:"1,keyasint"`
	First uint64     `cbor:"2,keyasint"`
	Last  uint64     `cbor:"3,keyasint"`
	Index uint64     `cbor:"4,keyasint"` // Raft index: the node's newest checkpoint.
	At    int64      `cbor:"5,keyasint"` // Unix milliseconds at the hub.
	Other []Standing `cbor:"6,keyasint,omitempty"`
}

// A Standing is the payload of CaseMoved: where a case stands, as the citizen
// may know it. Stage is a name of the procedure.
type Standing struct {
	Number   Number     `cbor:"1,keyasint"`
	Stage    string     `cbor:"2,keyasint"`
	Office   string     `cbor:"3,keyasint,omitempty"` // Office code, empty when final.
	Since    int64      `cbor:"4,keyasint"`           // Unix milliseconds at the hub.
	Next     string     `cbor:"5,keyasint,omitempty"` // Post of the next step.
	Expected int64      `cbor:"6,keyasint,omitempty"` // Unix seconds, 0 unknown.
	Version  uint64     `cbor:"7,keyasint"`
	NextName place.Name `cbor:"8,keyasint"`            // Words for Next.
	Reason   string     `cbor:"9,keyasint,omitempty"`  // Why it stands aside or was rejected, or what is asked for.
	Items    []string   `cbor:"10,keyasint,omitempty"` // The answers ("form.mouza") and documents that are asked for.

	Owed     int64  `cbor:"11,keyasint,omitempty"` // Of an open demand, in poisha …
	PayBy    int64  `cbor:"12,keyasint,omitempty"` // … and its last second, Unix seconds.
	Mode     string `cbor:"13,keyasint,omitempty"` // How what is issued reaches the applicant.
	Primary  Number `cbor:"14,keyasint,omitempty"` // The case that this one is once more: what is said is said of it.
	Overdue  bool   `cbor:"15,keyasint,omitempty"` // A superior has been told.
	AppealBy int64  `cbor:"16,keyasint,omitempty"` // The last second for an appeal, Unix seconds.
	Article  string `cbor:"17,keyasint,omitempty"` // Number of the article that was posted.

	Certificate *CertificateWord `cbor:"18,keyasint,omitempty"` // What was issued on it under a number.

	Question

	Aftermath
}

// Aftermath is what a standing says of things that came to a case beside its way.
type Aftermath struct {
	Correction string      `cbor:"50,keyasint,omitempty"`  // What has come of the newest correction: waits, taken or refused.
	Refund     *RefundWord `cbor:"105,keyasint,omitempty"` // What is paid back; nil: nothing is or was owed back.
}

// A RefundWord is what a standing says of money that is paid back, in poisha.
type RefundWord struct {
	Due  int64 `cbor:"1,keyasint,omitempty"` // Owed still.
	Paid int64 `cbor:"2,keyasint,omitempty"`
}

// A Question is what a standing says of what is asked for, beside what that is and why.
type Question struct {
	// Under is the version under which what is asked for is answered, where it isn't the one
	// that the application pins.
	Under *Pin `cbor:"45,keyasint,omitempty"`
	// Moved says that the case goes on under that version already, with answers that the box
	// of its centre need not have.
	Moved bool `cbor:"46,keyasint,omitempty"`

	SupplyBy   int64 `cbor:"90,keyasint,omitempty"` // The last second for what is asked for, Unix seconds; 0 is none …
	Unanswered bool  `cbor:"91,keyasint,omitempty"` // … which is over: the case has gone on, and takes it still.
}

// WhyAnew is the reason for which the hub itself asks for something.
const WhyAnew = "the rules of the service have changed: this is asked for now"

// A Payment is the payload of PaymentTaken: money that somebody paid for a case,
// and by whom it was taken. Fees are what the receipt prints, each apart.
type Payment struct {
	Means     string `cbor:"1,keyasint"` // MeansCash, MeansChallan or MeansMobile.
	Fees      []Fee  `cbor:"2,keyasint"`
	Reference string `cbor:"3,keyasint,omitempty"` // The challan's or the transfer's number.
	PaidAt    int64  `cbor:"4,keyasint,omitempty"` // Of a challan: the bank's date, Unix milliseconds.
}

// The means of payment.
const (
	MeansCash    = "cash"
	MeansChallan = "challan"
	MeansMobile  = "mobile"
)

// Total is what was paid for the case: all but the centre's own service charge.
func (p *Payment) Total() (poisha int64) {
	for _, f := range p.Fees {
		if f.Kind != "service_charge" {
			poisha += f.Poisha
		}
	}
	return poisha
}

// Charge is what the centre took for itself.
func (p *Payment) Charge() (poisha int64) {
	for _, f := range p.Fees {
		if f.Kind == "service_charge" {
			poisha += f.Poisha
		}
	}
	return poisha
}

// Check fails with [fault.Invalid] for a payment of nothing or of unknown means.
func (p *Payment) Check() error {
	const most = 100_000_000_00 // A crore taka.
	sum := int64(0)
	for _, f := range p.Fees {
		if f.Kind == "" || len(f.Kind) > MaxName || f.Poisha <= 0 || f.Poisha > most {
			return fault.New("protocol.Payment", fault.Invalid, "fees", "kind or sum out of bounds")
		}
		sum += f.Poisha
	}
	if len(p.Fees) == 0 || len(p.Fees) > 8 || sum > most || len(p.Reference) > MaxName {
		return fault.New("protocol.Payment", fault.Invalid, "payment", "want one to eight fees, and a short reference")
	}
	if p.Means != MeansCash && p.Means != MeansChallan && p.Means != MeansMobile {
		return fault.New("protocol.Payment", fault.Invalid, "means", "want cash, challan or mobile")
	}
	return nil
}

// A Voiding is the payload of PaymentVoided: money that this centre took for a case was
// taken wrongly, or is not there. The payment stays where it is; this reverses it.
type Voiding struct {
	Log    LogID    `cbor:"1,keyasint"` // Where the payment's receipt says that it stands.
	At     Position `cbor:"2,keyasint"`
	Fees   []Fee    `cbor:"3,keyasint"` // Of the payment.
	Reason string   `cbor:"4,keyasint"`
}

// Check fails with [fault.Invalid] for one that names no payment or no reason.
func (v *Voiding) Check() error {
	p := Payment{Means: MeansCash, Fees: v.Fees}
	if v.Log.Channel != Uplink || v.At.Seq == 0 || p.Check() != nil || strings.TrimSpace(v.Reason) == "" || len(v.Reason) > MaxText {
		return fault.New("protocol.Voiding", fault.Invalid, "void", "want a payment's receipt, and a reason of 1 to "+strconv.Itoa(MaxText)+" bytes")
	}
	return nil
}

// A Withdrawal is the payload of Withdrawn.
type Withdrawal struct {
	Reason string `cbor:"1,keyasint,omitempty"`
}

// An Appeal is the payload of Appealed. Of a case that no box may read, the words are
// in Secret alone.
type Appeal struct {
	Text   string        `cbor:"1,keyasint,omitempty"`
	Secret *Confidential `cbor:"2,keyasint,omitempty"`
}

// ByCode is the proof of whoever knew the code on the receipt.
const ByCode = "code"

// A HandOver is the payload of HandedOver. Proof says how the person was known.
type HandOver struct {
	Proof string `cbor:"1,keyasint"`           // Such as nid, or ByCode.
	Text  string `cbor:"2,keyasint,omitempty"` // Such as who came for it.
}

// An Aside is the payload of SetAside: an event of this centre's that could not be
// applied to its case. It waits for an officer until Outcome says what came of it. A later
// word on the same event stands in place of an earlier one.
type Aside struct {
	Number  Number   `cbor:"1,keyasint"`
	Log     LogID    `cbor:"2,keyasint"`
	At      Position `cbor:"3,keyasint"`
	Kind    string   `cbor:"4,keyasint"`           // Of the item, such as overpayment.
	Text    string   `cbor:"5,keyasint,omitempty"` // Why.
	Outcome string   `cbor:"6,keyasint,omitempty"` // Empty while it waits.

	Act *AsideAct `cbor:"95,keyasint,omitempty"` // Where it is what an officer of a union did at its box.
}

// Ended is the payload of CasesEnded: the cases that began with some events of a
// log were in Stage, at the latest at By, and the centre need know no more of them.
type Ended struct {
	Log   LogID  `cbor:"1,keyasint"`
	Stage string `cbor:"2,keyasint"`
	By    int64  `cbor:"3,keyasint"` // Unix milliseconds at the hub.
	// Runs are the places of the events: how many are passed over, how many are
	// meant, how many are passed over, and so on.
	Runs []uint64 `cbor:"4,keyasint"`
}

// Each calls fn with the first and last place of each run, until fn fails.
func (e *Ended) Each(fn func(first, last uint64) error) error { return eachRun(e.Log, e.Runs, fn) }

// A Recovery is the payload of Recovered: an event that its box wrote into a log
// that it then gave up, because an older copy of its disk was put back or a copy
// of it runs elsewhere. The receipt is the printed one. Receipt and number stay
// valid, and the register takes the event once, by whichever way it comes.
type Recovery struct {
	Receipt Receipt         `cbor:"1,keyasint"`
	Prev    Hash            `cbor:"2,keyasint"` // Hash of the event before it, in the receipt's log.
	Event   cbor.RawMessage `cbor:"3,keyasint"` // As it was hashed.
}

// Open returns the event, or [fault.Invalid] unless it is one, no recovery
// itself, and the one that the receipt names. Whose receipt it is, it doesn't say.
func (r *Recovery) Open() (Event, error) {
	const op = "protocol.Recovery"
	at := r.Receipt.At
	if r.Receipt.Log.Check() != nil || r.Receipt.Log.Channel != Uplink || at.Seq == 0 {
		return Event{}, fault.New(op, fault.Invalid, "receipt", "names no place in an uplink")
	}
	if ChainHash(r.Receipt.Log, at.Seq, r.Prev, r.Event) != at.Hash {
		return Event{}, fault.New(op, fault.Invalid, r.Receipt.Log.String(), "the receipt is another event's")
	}
	e, err := DecodeEvent(r.Event)
	if err == nil && e.Kind == Recovered {
		err = fault.New(op, fault.Invalid, r.Receipt.Log.String(), "a recovery of a recovery")
	}
	return e, err
}

// Why the hub tells a centre that a log was given up.
const (
	GivenUpForked    = 1 // Two blocks give one sequence different hashes: the log is frozen.
	GivenUpRecovered = 2 // A recovered event's receipt contradicts what the register holds.
)

// GivenUp is the payload of LogGivenUp. A box that still writes the log leaves it
// for one under its spare slot.
type GivenUp struct {
	Log LogID    `cbor:"1,keyasint"`
	At  Position `cbor:"2,keyasint"` // How far the register holds it.
	Seq uint64   `cbor:"3,keyasint"` // Where the branches part, as far as is known.
	Why uint8    `cbor:"4,keyasint"`
}
