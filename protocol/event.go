package protocol

import (
	"strconv"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/fault"
)

// Kind is what happened. Numbers are fixed.
type Kind uint16

// The kinds of event, by the log they stand in.
const (
	Submitted Kind = 1 // Uplink: an application was taken in. Payload: Submission.
	Recovered Kind = 2 // Uplink: an event of a log that was given up, once more. Payload: Recovery.
	Supplied  Kind = 3 // Uplink: what a case was waiting for. Payload: Supplement.

	PaymentTaken Kind = 4 // Uplink: money was taken for a case. Payload: Payment.
	Withdrawn    Kind = 5 // Uplink: the applicant takes the application back. Payload: Withdrawal.
	HandedOver   Kind = 6 // Uplink: the applicant has what was issued. Payload: HandOver.
	Appealed     Kind = 9 // Uplink: the applicant asks the next post to look at a decision. Payload: Appeal.

	Corrected Kind = 10 // Uplink: a centre puts answers right. Payload: Correction.

	PaymentVoided Kind = 60 // Uplink: a payment is reversed. Payload: Voiding.
	ActedAtUnion  Kind = 7  // Uplink: a person of the union decides at its box. Payload: UnionAct.
	LeaseAsked    Kind = 8  // Uplink: the box asks for what it may decide by itself. Payload: LeaseRequest.

	AsideRead    Kind = 13 // Uplink: an officer of the union has read what became of an act there. Payload: AsideSeen.
	SealingHeard Kind = 11 // Uplink: from here on the box seals to another key of the district's. Payload: SealingWord.

	CopyPrinted Kind = 61 // Uplink: a certificate was printed. Payload: CertificateCopy.

	Settings    Kind = 20 // Inbox: servers, neighbours, gossip key. Payload: Contacts.
	UserChanged Kind = 21 // Inbox: an entrepreneur's login. Payload: User.
	Accepted    Kind = 22 // Inbox: a run of the uplink is in the register. Payload: Acceptance.
	CaseMoved   Kind = 23 // Inbox: a case stands elsewhere. Payload: Standing.
	LogGivenUp  Kind = 24 // Inbox: a log of this centre's has two branches. Payload: GivenUp.

	DocumentsHeld Kind = 26 // Inbox: documents are safe at the hub. Payload: HeldDocuments.
	Assured       Kind = 27 // Inbox: which register this is, or how far it is backed up. Payload: Assurance.
	SetAside      Kind = 30 // Inbox: what this centre sent on a case waits for an officer, or was settled. Payload: Aside.

	LeaseTold Kind = 32 // Inbox: what this centre's box may decide by itself. Payload: Lease.

	EventsErased     Kind = 33 // Inbox: what this centre's box has to forget, by order. Payload: Erasure.
	ErasureWarranted Kind = 37 // Inbox: the authority's word on an order of erasure, to be kept. Payload: Warrant.
	CorrectionTold   Kind = 34 // Inbox: what has come of a correction. Payload: CorrectionWord.
	SealingTold      Kind = 35 // Inbox: whom the box seals to from now on. Payload: SealingTurn.
	RevocationTold   Kind = 62 // Inbox: a certificate of the upazila holds no more. Payload: RevokedCertificate.

	CasesEnded Kind = 28 // Base of an inbox: cases that ended long ago. Payload: Ended.

	ServiceAdded   Kind = 40 // Catalogue: one version of one service. Payload: its encoding.
	DirectoryAdded Kind = 41 // Catalogue: areas, offices, posts, centres. Payload: their encoding.
	Released       Kind = 42 // Catalogue: a signed release of what came before. Payload: catalogue.Signed.
	Tried          Kind = 43 // Catalogue: a signed release that some centres have before all others. Payload: Trial.
	TrialEnded     Kind = 44 // Catalogue: it is out of force there. Payload: TrialOver.
	DirectoryPart  Kind = 45 // Catalogue: a part of a directory that is too long for one event. Payload: catalogue.Parcel.
	OriginAdded    Kind = 46 // Catalogue: what a release was composed of, for whoever asks. Payload: its encoding. A box keeps it and does nothing.

	ShelfPlaces Kind = 64 // Base of a catalogue: where the events stand that follow. Payload: Places.
)

// A Pin names the version of a service that an application was made under. Hash
// is the first eight bytes of the version's hash: who has the catalogue knows
// the rest.
type Pin struct {
	_       struct{} `cbor:",toarray"`
	Service string
	Version uint32
	Hash    [8]byte
}

// An Event is one fact, as its author wrote it. What the reader can work out is
// not in it: log, sequence and hashes follow from its place, the signature
// stands on the block, and a Submitted event's number follows from its nonce.
type Event struct {
	Kind       Kind            `cbor:"1,keyasint"`
	At         int64           `cbor:"2,keyasint"`           // The author's clock, Unix milliseconds. It orders nothing.
	Actor      string          `cbor:"3,keyasint,omitempty"` // Login of the person.
	Post       string          `cbor:"4,keyasint,omitempty"` // The post the person acted in.
	Number     Number          `cbor:"5,keyasint,omitempty"` // The case; absent in Submitted.
	Base       uint64          `cbor:"6,keyasint,omitempty"` // Version of the case that the actor saw.
	Pin        *Pin            `cbor:"7,keyasint,omitempty"`
	Checkpoint uint64          `cbor:"8,keyasint,omitempty"` // Newest Raft index known from the hub: a lower bound of time.
	Nonce      []byte          `cbor:"9,keyasint,omitempty"` // Submitted: NonceSize random bytes.
	Payload    cbor.RawMessage `cbor:"10,keyasint"`

	Visit Visit `cbor:"145,keyasint,omitempty"` // Why the applicant came with it.
}

// Encode returns the event's bytes, which are what is hashed, sealed and kept.
// An event over [MaxEvent] is [fault.Invalid].
func (e *Event) Encode() ([]byte, error) {
	b := Marshal(e)
	if len(b) > MaxEvent {
		return nil, fault.New("protocol.Encode", fault.Invalid, "event", "longer than "+strconv.Itoa(MaxEvent)+" bytes: shorten the form")
	}
	return b, nil
}

// DecodeEvent reads one event. Fields it doesn't know are left in raw, which the
// caller keeps. Malformed bytes are [fault.Invalid].
func DecodeEvent(raw []byte) (Event, error) {
	var e Event
	if err := Unmarshal(raw, MaxEvent, "event", &e); err != nil {
		return e, err
	}
	if e.Kind == 0 || len(e.Actor) > MaxName || len(e.Post) > MaxName || len(e.Payload) == 0 {
		return e, fault.New("protocol.DecodeEvent", fault.Invalid, "event", "kind, actor, post or payload out of bounds")
	}
	if e.Pin != nil && (e.Pin.Service == "" || len(e.Pin.Service) > MaxName) {
		return e, fault.New("protocol.DecodeEvent", fault.Invalid, "event", "service out of bounds")
	}
	if e.Kind == Submitted && (len(e.Nonce) != NonceSize || e.Pin == nil) {
		return e, fault.New("protocol.DecodeEvent", fault.Invalid, "event", "an application needs a nonce and a service version")
	}
	return e, nil
}

// Decode reads the event's payload into v, else [fault.Invalid].
func (e *Event) Decode(v any) error {
	return Unmarshal(e.Payload, MaxEvent, "payload of kind "+strconv.Itoa(int(e.Kind)), v)
}
