// Package catalogue holds what a centre can offer: services as numbered
// versions, and releases that say which versions are current.
//
// Enter at [Set], the catalogue of one release in memory. Everything here is a
// plain value that is never changed once it is in a Set, so it may be read
// concurrently. An application pins its [Version] by [Hash] (invariant I8).
//
// The package refuses to parse: YAML, JSON Schema, encoding, signatures and
// hashing belong to the package kendro/catalogue.
package catalogue

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"kendro/domain/place"
)

// A Hash is the SHA-256 of a deterministic encoding.
type Hash [32]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether nobody has computed the hash yet.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes lower hex, as the contract has hashes in JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(h) {
		return fmt.Errorf("hash of %d characters: want 64 hex digits", len(text))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// A Kind says who offers a service.
type Kind string

// The kinds of service.
const (
	Public  Kind = "public"
	Private Kind = "private"
	Letter  Kind = "letter" // An official letter with a free form (R-CH7).
)

// A Channel is a way in which an application reaches us (R-CH1).
type Channel string

// The channels: a closed list.
const (
	Counter   Channel = "counter"
	Post      Channel = "post"
	Online    Channel = "online"
	Phone     Channel = "phone"
	Fax       Channel = "fax"
	UNOOffice Channel = "uno_office"
	AtCentre  Channel = "centre"
)

// Channels returns the closed list of channels, in a fixed order.
func Channels() []Channel {
	return []Channel{Counter, Post, Online, Phone, Fax, UNOOffice, AtCentre}
}

// An Offline policy says whether a box takes the service without a hub.
type Offline string

// The offline policies.
const (
	Intake     Offline = "intake"      // Taken and receipted with no network at all.
	OnlineOnly Offline = "online_only" // Refused without the hub; the version says why.
)

// FeeAt is the moment at which the fees of a service fall due.
type FeeAt string

// The moments.
const (
	AtSubmit      FeeAt = "submit"
	BeforeReview  FeeAt = "before_review"
	AfterApproval FeeAt = "after_approval"
)

// A Category groups services at the counter.
type Category struct {
	Code string     `cbor:"1,keyasint" json:"code"`
	Name place.Name `cbor:"2,keyasint" json:"name"`
}

// A Document is a paper that belongs to an application.
type Document struct {
	ID                string     `cbor:"1,keyasint" json:"id"`
	Name              place.Name `cbor:"2,keyasint" json:"name"`
	Required          bool       `cbor:"3,keyasint" json:"required"`
	OriginalAtCounter bool       `cbor:"4,keyasint" json:"original_at_counter"` // May be shown instead of uploaded.
}

// A Step is one desk on the way of a case: the post in the office of this level
// that serves the applicant's area.
type Step struct {
	Post        string     `cbor:"1,keyasint" json:"post"`
	OfficeLevel string     `cbor:"2,keyasint" json:"office_level"`
	Name        place.Name `cbor:"3,keyasint" json:"name"`
	Mandatory   bool       `cbor:"4,keyasint" json:"mandatory"`
	Decision    bool       `cbor:"5,keyasint" json:"decision"` // Needs a preliminary decision before it forwards (R-OF4).
	MayFinalise bool       `cbor:"6,keyasint" json:"may_finalise"`

	When   string   `cbor:"7,keyasint,omitempty" json:"when,omitempty"`     // A rule: where it doesn't hold, the step is passed over.
	Checks []string `cbor:"8,keyasint,omitempty" json:"checks,omitempty"`   // Have to be done before the case leaves the desk onward.
	Needs  []string `cbor:"9,keyasint,omitempty" json:"requires,omitempty"` // Rules that have to hold for an approval here.

	Unscanned bool `cbor:"10,keyasint,omitempty" json:"unless_scanned,omitempty"` // Passed over where the record was scanned before.
}

// Readiness is what a counter has to have before it takes a service in, and what of what it took
// under a version before still is enough; how long a case waits for its applicant, and is kept; and
// what is owed back of one that comes to nothing.
type Readiness struct {
	FreshnessDays int      `cbor:"10,keyasint" json:"freshness_days"`               // How old its catalogue may be.
	Training      []string `cbor:"60,keyasint,omitempty" json:"training,omitempty"` // What whoever takes it in has to hold (R-CE7).

	// GraceDays are the calendar days, after the day on which this version came into force, in
	// which an application that was made under one before goes on as it is; later ones are asked
	// for what this version wants in addition. 0: one before counts for ever.
	GraceDays int `cbor:"20,keyasint,omitempty" json:"grace_days,omitempty"`

	KeepDays int `cbor:"65,keyasint,omitempty" json:"keep_days,omitempty"` // Calendar days after its end for which the law keeps a case.

	// InfoDays are the calendar days that the applicant has to bring what he is asked for; then the
	// desk that asked goes on without. 0: it waits for ever.
	InfoDays int `cbor:"90,keyasint,omitempty" json:"info_days,omitempty"`

	Refund *Refund `cbor:"105,keyasint,omitempty" json:"refund,omitempty"` // Nil: nothing is said, an officer decides each time.
}

// A Version is one numbered edition of a service. It never changes; a change
// makes the next number.
type Version struct {
	ID            string             `cbor:"1,keyasint" json:"id"`
	Number        int                `cbor:"2,keyasint" json:"version"`
	Name          place.Name         `cbor:"3,keyasint" json:"name"`
	Category      Category           `cbor:"4,keyasint" json:"category"`
	Kind          Kind               `cbor:"5,keyasint" json:"kind"`
	Channels      []Channel          `cbor:"6,keyasint" json:"channels"`
	CentreTypes   []place.CentreType `cbor:"7,keyasint" json:"centre_types"`
	Offline       Offline            `cbor:"8,keyasint" json:"offline"`
	OfflineReason place.Name         `cbor:"9,keyasint" json:"offline_reason"` // Why it is online_only; else empty.
	Readiness
	Form      json.RawMessage `cbor:"11,keyasint" json:"form"` // JSON Schema 2020-12 with x-kendro hints.
	Documents []Document      `cbor:"12,keyasint" json:"documents"`
	Fees      []Fee           `cbor:"13,keyasint" json:"fees"`
	FeeAt     FeeAt           `cbor:"14,keyasint" json:"fee_at"`
	Steps     []Step          `cbor:"15,keyasint" json:"steps"`
	SLADays   int             `cbor:"16,keyasint" json:"sla_days"` // Working days from acceptance to decision.

	Procedure *Procedure `cbor:"17,keyasint,omitempty" json:"procedure,omitempty"` // Nil: a case ends with its decision.
	Checks    []Check    `cbor:"18,keyasint,omitempty" json:"checks,omitempty"`
	Rules     []Rule     `cbor:"19,keyasint,omitempty" json:"rules,omitempty"`

	Hash Hash `cbor:"-" json:"hash"` // Of the encoding of everything above.
}

// Movable reports whether what was made under the version can go on under another, once its
// centre has brought what that one asks in addition. It can't where no box may read what it
// filed, nor where its union may have decided by then.
func (v *Version) Movable() bool { return !v.Confidential() && !v.DecidedAtNode() }

// Allows reports whether an application may come in by this channel.
func (v *Version) Allows(c Channel) bool { return slices.Contains(v.Channels, c) }

// OfferedAt reports whether a centre of this type may file the service.
func (v *Version) OfferedAt(t place.CentreType) bool { return slices.Contains(v.CentreTypes, t) }

// Step returns the i-th step, counted from 0.
func (v *Version) Step(i int) (Step, bool) {
	if i < 0 || i >= len(v.Steps) {
		return Step{}, false
	}
	return v.Steps[i], true
}

// NextStep returns the step after the i-th and its index.
func (v *Version) NextStep(i int) (int, Step, bool) {
	s, ok := v.Step(i + 1)
	return i + 1, s, ok
}

// Document returns the document with this ID.
func (v *Version) Document(id string) (Document, bool) {
	i := slices.IndexFunc(v.Documents, func(d Document) bool { return d.ID == id })
	if i < 0 {
		return Document{}, false
	}
	return v.Documents[i], true
}
