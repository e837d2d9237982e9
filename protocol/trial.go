package protocol

import (
	"github.com/fxamacker/cbor/v2"

	"kendro/domain/fault"
)

// A Trial is a release that is in force at some centres before all others: the payload
// of [Tried]. A program that does not know the kind leaves its release in force.
type Trial struct {
	Signed  cbor.RawMessage `cbor:"1,keyasint"` // catalogue.Signed.
	Centres []string        `cbor:"2,keyasint"`
	For     int64           `cbor:"3,keyasint"` // Milliseconds that it must go well.
}

// A TrialOver takes a release on trial out of force: the payload of [TrialEnded]. One
// that went well is followed by [Released] instead.
type TrialOver struct {
	Release uint64 `cbor:"1,keyasint"`
	Reason  string `cbor:"2,keyasint,omitempty"`
}

// A Fare is what a centre tells of a release that is on trial there. It counts from the
// start of the box's program: Run tells one count from the next.
type Fare struct {
	Release uint64      `cbor:"1,keyasint"`
	Run     uint64      `cbor:"2,keyasint"`
	InForce bool        `cbor:"3,keyasint,omitempty"`
	Failure string      `cbor:"4,keyasint,omitempty"` // Why the box can't put it in force, or work with it.
	Filed   []FarePlace `cbor:"5,keyasint,omitempty"` // Applications taken, of services that it changes; Place is empty.
	Refused []FarePlace `cbor:"6,keyasint,omitempty"` // Attempts refused, by what refused them.
}

// A FarePlace counts what happened to a service at one place: a field or a rule.
type FarePlace struct {
	_       struct{} `cbor:",toarray"`
	Service string
	Place   string
	Count   uint64
}

// MaxFare bounds the places that a fare tells of, of either kind.
const MaxFare = 64

// Check returns [fault.Invalid] for what is out of bounds.
func (f *Fare) Check() error {
	bad := f.Release == 0 || len(f.Failure) > MaxText || len(f.Filed) > MaxFare || len(f.Refused) > MaxFare
	for _, list := range [][]FarePlace{f.Filed, f.Refused} {
		for _, p := range list {
			bad = bad || p.Service == "" || len(p.Service) > MaxName || len(p.Place) > MaxName
		}
	}
	if bad {
		return fault.New("protocol.Fare", fault.Invalid, "fare", "out of bounds")
	}
	return nil
}

// Same reports whether two fares tell the same.
func (f *Fare) Same(g *Fare) bool { return string(Marshal(f)) == string(Marshal(g)) }
