package protocol

import (
	"fmt"
	"strconv"
	"strings"

	"kendro/domain/fault"
)

// A Lease is the payload of LeaseTold: what a box of a union may decide by itself, and
// until when. The newest one of a service holds.
type Lease struct {
	Service string   `cbor:"1,keyasint"`
	Office  string   `cbor:"2,keyasint"`           // Whose desks it has.
	Token   uint64   `cbor:"3,keyasint,omitempty"` // Grows with every holder; 0: allowed, and not yet asked for.
	Slot    string   `cbor:"4,keyasint,omitempty"` // The box.
	From    int64    `cbor:"5,keyasint,omitempty"` // Unix seconds: not before the holder before has to stop.
	Until   int64    `cbor:"6,keyasint,omitempty"` // Unix seconds: its last.
	Numbers []Serial `cbor:"7,keyasint,omitempty"` // Of certificates that the box may issue.
	Prefix  string   `cbor:"8,keyasint,omitempty"` // Of their numbers.
	Ended   bool     `cbor:"9,keyasint,omitempty"` // The district has taken it back.
}

// A Serial is a run of numbers of certificates, both ends included.
type Serial struct {
	_           struct{} `cbor:",toarray"`
	First, Last uint64
}

// MaxSerials bounds the runs of a lease.
const MaxSerials = 8

// Holds reports whether a box of a slot decides under the lease at a time in Unix seconds.
func (l *Lease) Holds(slot string, token uint64, unix int64) bool {
	return l.Token != 0 && l.Token == token && l.Slot == slot && unix >= l.From && unix <= l.Until
}

// Has reports whether a number is among those of the lease.
func (l *Lease) Has(serial uint64) bool {
	for _, r := range l.Numbers {
		if serial >= r.First && serial <= r.Last {
			return true
		}
	}
	return false
}

// After returns the next number of the lease above one that was used, and how many are
// left from it on; 0 and 0 where there is none.
func (l *Lease) After(used uint64) (next, left uint64) {
	for _, r := range l.Numbers {
		if r.Last <= used || r.First == 0 || r.Last < r.First {
			continue
		}
		first := max(r.First, used+1)
		if next == 0 {
			next = first
		}
		left += r.Last - first + 1
	}
	return next, left
}

// CertificateNumber is how a serial number is printed.
func CertificateNumber(prefix string, serial uint64) string {
	return fmt.Sprintf("%s%06d", prefix, serial)
}

// A LeaseRequest is the payload of LeaseAsked: a box asks for a lease, or for more time
// and numbers.
type LeaseRequest struct {
	Service string `cbor:"1,keyasint"`
	Token   uint64 `cbor:"2,keyasint,omitempty"` // Of the lease that it has.
	Left    uint64 `cbor:"3,keyasint,omitempty"` // Numbers that it has not used.
}

// A UnionAct is the payload of ActedAtUnion: what a person with a post of the union did to
// a case at the box. The event's Base is the version that he saw.
type UnionAct struct {
	Action  string `cbor:"1,keyasint"`
	Opinion string `cbor:"2,keyasint,omitempty"`
	Text    string `cbor:"3,keyasint,omitempty"`
	Reason  string `cbor:"4,keyasint,omitempty"`
	To      string `cbor:"5,keyasint,omitempty"`
	Check   string `cbor:"6,keyasint,omitempty"`
	Token   uint64 `cbor:"7,keyasint"` // Of the lease under which he did it.

	Certificate *Certificate `cbor:"8,keyasint,omitempty"` // Issue.

	Items    []string  `cbor:"80,keyasint,omitempty"` // Request-info: what is asked for.
	Document *Document `cbor:"81,keyasint,omitempty"` // Check: what shows it.

	Cites []string `cbor:"120,keyasint,omitempty"` // Note, decide: answers that it rests on, as form.NAME or applicant.NAME.
}

// An AsideAct is what the officers of a union are told of an act of theirs that the district
// did not take, has yet to confirm, or has overturned since.
type AsideAct struct {
	Action string `cbor:"1,keyasint"`
	Actor  string `cbor:"2,keyasint"`
	Post   string `cbor:"3,keyasint,omitempty"` // In which he acted, post@office.
	At     int64  `cbor:"4,keyasint"`           // When, by the box's clock, Unix milliseconds.
	Since  int64  `cbor:"5,keyasint"`           // Since when it is aside, Unix milliseconds at the hub.
	Owner  string `cbor:"6,keyasint,omitempty"` // Who decides about it, post@office; overturned: where the case lies since.

	Certificate string `cbor:"7,keyasint,omitempty"` // Issue: its number.
	Words       string `cbor:"8,keyasint,omitempty"` // Of whoever settled it.
	Settled     int64  `cbor:"9,keyasint,omitempty"` // Unix milliseconds at the hub.
}

// The kinds of an Aside that tell of an act at a union.
const (
	AsideUnfit      = "act-at-union"        // It does not fit the case.
	AsideConfirm    = "decision-to-confirm" // An officer has yet to confirm it (DOMAIN §7 row 37).
	AsideRevoked    = "after-revocation"    // Its box was revoked before (row 25).
	AsideOverturned = "decision-overturned" // It counted; what it rested on was put right (row 11). No item is open.
)

// Outcomes of an Aside by which an act counts after all.
const (
	OutcomeConfirmed = "confirmed"
	OutcomeHonoured  = "honoured"
)

// Counts reports whether what it tells of counts after all.
func (a *Aside) Counts() bool { return a.Outcome == OutcomeConfirmed || a.Outcome == OutcomeHonoured }

// An AsideSeen is the payload of AsideRead: an officer of the union has read the word on an
// act, as it was then.
type AsideSeen struct {
	Log     LogID    `cbor:"1,keyasint"`
	At      Position `cbor:"2,keyasint"`
	Outcome string   `cbor:"3,keyasint,omitempty"`
}

// A Certificate is what was issued on a case.
type Certificate struct {
	Serial  uint64 `cbor:"1,keyasint"`
	Number  string `cbor:"2,keyasint"`
	Issued  int64  `cbor:"3,keyasint"` // Unix seconds.
	Expires int64  `cbor:"4,keyasint"` // Its last second, Unix seconds.

	Renews string `cbor:"70,keyasint,omitempty"` // The number of the one before, whose place it takes.
}

// A Renewed is a certificate that an application asks to renew.
type Renewed struct {
	Number  string `cbor:"1,keyasint"`
	Expires int64  `cbor:"2,keyasint,omitempty"` // Its last second as the box knew it; 0: it did not.
}

// A CertificateCopy is the payload of CopyPrinted, on the case of the certificate.
type CertificateCopy struct {
	Certificate string `cbor:"1,keyasint"`           // Its number.
	Copy        uint32 `cbor:"2,keyasint"`           // 1 is the original. As it is printed on the sheet.
	Reason      string `cbor:"3,keyasint,omitempty"` // Why a further one.
}

// MaxCopies bounds the copies of one certificate.
const MaxCopies = 99

// Check fails with [fault.Invalid] for a copy that can be none.
func (c *CertificateCopy) Check() error {
	again := strings.TrimSpace(c.Reason)
	if c.Certificate == "" || len(c.Certificate) > MaxName || c.Copy == 0 || c.Copy > MaxCopies || len(c.Reason) > MaxText || c.Copy > 1 && again == "" {
		return fault.New("protocol.CertificateCopy", fault.Invalid, "copy", "want a certificate, a copy of 1 to "+strconv.Itoa(MaxCopies)+", and from the second on a reason")
	}
	return nil
}

// A RevokedCertificate is the payload of RevocationTold: what whoever verifies one with
// no link has to know.
type RevokedCertificate struct {
	Number  string `cbor:"1,keyasint"`
	Service string `cbor:"2,keyasint"`
	Issued  int64  `cbor:"3,keyasint"` // Unix seconds.
	Expires int64  `cbor:"4,keyasint"` // Unix seconds: from then on it holds no more by itself.
	At      int64  `cbor:"5,keyasint"` // Unix seconds: when it was revoked.
}

// Check fails with [fault.Invalid] for a certificate that can be none.
func (c *Certificate) Check() error {
	if c.Serial == 0 || c.Number == "" || len(c.Number) > MaxName || c.Issued <= 0 || c.Expires < c.Issued {
		return fault.New("protocol.Certificate", fault.Invalid, "certificate", "number or dates out of bounds")
	}
	return nil
}

// What a certificate is to the district.
const (
	CertificateConfirmed = "confirmed"
	CertificateRefused   = "refused" // It was never confirmed, and is worth nothing.
	CertificateWaits     = "waits"   // An officer has yet to confirm the decision.
	CertificateRenewed   = "renewed" // Another has taken its place.
	CertificateRevoked   = "revoked" // It was taken back.
)

// A CertificateWord is what the hub says of the certificate of a case.
type CertificateWord struct {
	Number  string `cbor:"1,keyasint"`
	State   string `cbor:"2,keyasint"`
	Expires int64  `cbor:"3,keyasint,omitempty"` // Unix seconds.

	By     string `cbor:"70,keyasint,omitempty"` // Renewed: the number of the one that has its place.
	Ended  int64  `cbor:"71,keyasint,omitempty"` // Renewed, revoked: since when, Unix seconds.
	Reason string `cbor:"72,keyasint,omitempty"` // Revoked: the code of the reason.
	Copies uint32 `cbor:"73,keyasint,omitempty"` // The highest copy that was printed.
}
