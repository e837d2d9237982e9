package catalogue

import (
	"slices"
	"strconv"
	"time"
)

// A FeeKind says whose money a fee is. Receipts print each apart (R-FE1).
type FeeKind string

// The kinds of fee.
const (
	Government    FeeKind = "government"
	ServiceCharge FeeKind = "service_charge"
	Postage       FeeKind = "postage"
)

// A Fee is one line of a version's schedule, in whole poisha.
type Fee struct {
	Kind    FeeKind    `cbor:"1,keyasint" json:"kind"`
	Poisha  int64      `cbor:"2,keyasint" json:"poisha"`
	Ceiling int64      `cbor:"3,keyasint,omitempty" json:"ceiling,omitempty"` // The most a centre may take, for a service charge.
	Per     string     `cbor:"4,keyasint,omitempty" json:"per,omitempty"`     // A number in the form that multiplies the fee, such as copies.
	When    *Condition `cbor:"5,keyasint,omitempty" json:"when,omitempty"`    // Nil: always.
	At      FeeAt      `cbor:"6,keyasint,omitempty" json:"at,omitempty"`      // When it falls due; empty: the version's moment.
	Rule    string     `cbor:"7,keyasint,omitempty" json:"if,omitempty"`      // A rule that has to hold; of what is demanded later.
}

// A Refund says how much is owed back of what was paid for a case that comes to nothing, in
// percent. The centre's own charge is not in it: that was for taking the application in.
type Refund struct {
	BeforeReview int `cbor:"1,keyasint,omitempty" json:"before_review"` // Withdrawn before an officer has taken it up.
	InReview     int `cbor:"2,keyasint,omitempty" json:"in_review"`     // Withdrawn later.
	Rejected     int `cbor:"3,keyasint,omitempty" json:"rejected"`
}

// A Condition makes a fee depend on one answer in the form: either the answer
// is one of In, or it is a date and lies From to To days back (To 0: no end).
type Condition struct {
	Field string   `cbor:"1,keyasint" json:"field"`
	In    []string `cbor:"2,keyasint,omitempty" json:"in,omitempty"`
	From  int      `cbor:"3,keyasint,omitempty" json:"from_days,omitempty"`
	To    int      `cbor:"4,keyasint,omitempty" json:"to_days,omitempty"`
}

// A Charge is what one application owes on one line.
type Charge struct {
	Kind   FeeKind `cbor:"1,keyasint" json:"kind"`
	Poisha int64   `cbor:"2,keyasint" json:"poisha"`
}

// maxMultiplier bounds a fee that is taken per copy.
const maxMultiplier = 1000

// Charges returns what an application with these answers owes, when filed on
// the civil date of on. Answer returns the text of a field, "" if it is absent.
// Lines that come to nothing are left out, and so are those of a procedure that
// fall due later.
func (v *Version) Charges(answer func(field string) string, on time.Time) []Charge {
	return v.charges(answer, on, func(f *Fee) bool { return v.Procedure == nil || v.due(f) == AtSubmit })
}

func (v *Version) charges(answer func(field string) string, on time.Time, counts func(*Fee) bool) []Charge {
	charges := make([]Charge, 0, len(v.Fees))
	for i := range v.Fees {
		f := &v.Fees[i]
		if !counts(f) || !f.When.holds(answer, on) {
			continue
		}
		if sum := f.Poisha * multiplier(f.Per, answer); sum > 0 {
			charges = append(charges, Charge{Kind: f.Kind, Poisha: sum})
		}
	}
	return charges
}

// BaseFees returns the sum of the lines that every application owes once.
func (v *Version) BaseFees() int64 {
	var sum int64
	for _, f := range v.Fees {
		if f.When == nil && f.Rule == "" {
			sum += f.Poisha
		}
	}
	return sum
}

// AboveCeiling returns by how much a centre's own charge is above what the version
// allows; a version without a ceiling allows any.
func (v *Version) AboveCeiling(charge int64) int64 {
	var most int64
	for _, f := range v.Fees {
		if f.Kind == ServiceCharge {
			most += f.Ceiling
		}
	}
	if most == 0 {
		return 0
	}
	return max(0, charge-most)
}

// Total adds up charges.
func Total(charges []Charge) int64 {
	var sum int64
	for _, c := range charges {
		sum += c.Poisha
	}
	return sum
}

func multiplier(field string, answer func(string) string) int64 {
	if field == "" {
		return 1
	}
	n, err := strconv.ParseInt(answer(field), 10, 64)
	if err != nil || n < 1 {
		return 1
	}
	return min(n, maxMultiplier)
}

func (c *Condition) holds(answer func(string) string, on time.Time) bool {
	if c == nil {
		return true
	}
	got := answer(c.Field)
	if len(c.In) > 0 {
		return slices.Contains(c.In, got)
	}
	day, err := time.Parse(time.DateOnly, got)
	if err != nil {
		return false
	}
	y, m, d := on.Date()
	days := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(day).Hours() / 24)
	return days >= c.From && (c.To == 0 || days <= c.To)
}
