package protocol

import (
	"kendro/domain/fault"
	"kendro/domain/place"
)

// An event that was erased by order leaves its hash in its place: the log stays gapless
// and chained, and whoever held the event before knows it again. What stands there is a
// byte string of 32 bytes, which no event is. Blocks carry such places apart from events,
// under [CodecErased], so that a program that doesn't know them gets what lies before.

// The encoding of a byte string of 32 bytes begins so.
const (
	erasedHead  = 0x58
	erasedBytes = 0x20
)

// ErasedRaw is what stands in the place of an event that was erased.
func ErasedRaw(h Hash) []byte { return append([]byte{erasedHead, erasedBytes}, h[:]...) }

// ErasedHash returns the hash of the event that stood where raw does now; false where raw
// is an event.
func ErasedHash(raw []byte) (Hash, bool) {
	if len(raw) != 2+len(Hash{}) || raw[0] != erasedHead || raw[1] != erasedBytes {
		return Hash{}, false
	}
	return Hash(raw[2:]), true
}

// LinkHash is [ChainHash], and for what stands in the place of an erased event the hash
// of that one.
func LinkHash(log LogID, seq uint64, prev Hash, raw []byte) Hash {
	if h, ok := ErasedHash(raw); ok {
		return h
	}
	return ChainHash(log, seq, prev, raw)
}

// Erased reports whether the run is of events that were erased: their hashes alone. A run
// is all of such or has none.
func (r *Run) Erased() bool {
	if len(r.Events) == 0 {
		return false
	}
	_, gone := ErasedHash(r.Events[0])
	return gone
}

// An Erasure is the payload of EventsErased, in an inbox: what a box has to forget, and
// what stays to be said of it. All centres of the upazilas are told that may hold a copy;
// of what one has not, nothing is to be done there. One order may take several such
// events. Whoever hears one twice does nothing twice.
type Erasure struct {
	Cases     []ErasedCase   `cbor:"1,keyasint"`
	Places    []ErasedPlaces `cbor:"2,keyasint,omitempty"` // Of events in uplinks, and in inboxes, of whatever centre.
	Documents []Hash         `cbor:"3,keyasint,omitempty"` // No case that stays names them.
}

// An ErasedCase is what stays of a case: the order, and where the case had come to.
type ErasedCase struct {
	Number Number     `cbor:"1,keyasint"`
	Stage  string     `cbor:"2,keyasint"`
	At     int64      `cbor:"3,keyasint"` // Unix milliseconds at the hub.
	By     place.Seat `cbor:"4,keyasint"` // That ordered it.
	Basis  string     `cbor:"5,keyasint"` // The law.
}

// ErasedPlaces are events of one log: where each stood, and its hash. Another event at
// that place is not meant.
type ErasedPlaces struct {
	_   struct{} `cbor:",toarray"`
	Log LogID
	At  []Position
}

// MaxErasedPlaces bounds the places, and the documents, that one event names.
const MaxErasedPlaces = 512

// MaxErasedCases bounds the cases of one order.
const MaxErasedCases = 16

// A Forgotten is a box's word, to its hub, that every EventsErased up to a place of its
// inbox is carried out, on its disk. A newer one takes its place.
type Forgotten struct {
	Log   LogID    `cbor:"1,keyasint"`
	At    Position `cbor:"2,keyasint"`
	Since int64    `cbor:"3,keyasint"` // Unix milliseconds of the box's clock.
}

// Check fails with [fault.Invalid] for a word about no inbox.
func (f *Forgotten) Check() error {
	if f.Log.Check() != nil || f.Log.Channel != Inbox || f.At.Seq == 0 {
		return fault.New("protocol.Forgotten", fault.Invalid, "forgotten", "want a place of an inbox")
	}
	return nil
}

// Check fails with [fault.Invalid] for an erasure of nothing, or with places that no log
// has.
func (e *Erasure) Check() error {
	ok := len(e.Cases) > 0
	for _, p := range e.Places {
		ok = ok && p.Log.Check() == nil
	}
	for i := range e.Cases {
		ok = ok && e.Cases[i].Number != 0
	}
	if !ok {
		return fault.New("protocol.Erasure", fault.Invalid, "erasure", "want the numbers of cases, and places of logs")
	}
	return nil
}
