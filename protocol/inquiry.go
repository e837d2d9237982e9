package protocol

import "kendro/domain/fault"

// An Inquiry asks a hub in a session where a case stands that another centre took
// (R-TR4); with Told or Fault it is the answer to one. It says no more than anybody may
// know who has the number.
type Inquiry struct {
	ID     uint64   `cbor:"1,keyasint"` // Whoever asks draws it; the answer bears the same.
	Number Number   `cbor:"2,keyasint"`
	Told   *Told    `cbor:"3,keyasint,omitempty"`
	Fault  *Failure `cbor:"4,keyasint,omitempty"` // NotFound: no case has the number. Limited: ask less.
}

// Told is where a case stands.
type Told struct {
	Standing Standing `cbor:"1,keyasint"`
	Custody  string   `cbor:"2,keyasint"`
	AsOf     int64    `cbor:"3,keyasint"`           // When the server knew it, Unix milliseconds.
	Also     []Number `cbor:"4,keyasint,omitempty"` // Further cases whose slips carry this number.
	Asks     *Pin     `cbor:"5,keyasint,omitempty"` // The version that has the words for what is asked for.
	Demand   *Demand  `cbor:"6,keyasint,omitempty"` // What is to be paid; a hub of before says the sum and the day in the standing alone.
}

// A Demand is what is to be paid on a case: no more than whoever pays it, at any counter, has
// to know.
type Demand struct {
	Version uint64 `cbor:"1,keyasint"`           // Of the case, when it was demanded: tells it from the case's others.
	For     string `cbor:"2,keyasint"`           // ForReview or ForIssue.
	Owed    int64  `cbor:"3,keyasint"`           // Of it, still, in poisha.
	PayBy   int64  `cbor:"4,keyasint"`           // Its last second, Unix seconds.
	Lapsed  bool   `cbor:"5,keyasint,omitempty"` // The term is over: what was paid within it counts still.
}

// What a [Demand] is for.
const (
	ForReview = "review" // It is paid before an officer looks at the application.
	ForIssue  = "issue"  // It is paid after the approval.
)

// Bounds of an answer.
const (
	maxAlso    = 64
	maxCustody = 32
)

// Answers reports whether this is an answer.
func (q *Inquiry) Answers() bool { return q.Told != nil || q.Fault != nil }

// Check returns [fault.Invalid] for what is out of bounds.
func (q *Inquiry) Check() error {
	bad := q.Told != nil && q.Fault != nil || !q.Number.Valid()
	if t := q.Told; t != nil {
		bad = bad || t.Standing.Stage == "" || len(t.Custody) > maxCustody || len(t.Also) > maxAlso
		if d := t.Demand; d != nil {
			bad = bad || d.Owed <= 0 || len(d.For) > MaxName
		}
	}
	if f := q.Fault; f != nil {
		bad = bad || len(f.Op) > MaxName || len(f.Item) > MaxText || len(f.Text) > MaxText
	}
	if bad {
		return fault.New("protocol.Inquiry", fault.Invalid, "inquiry", "out of bounds")
	}
	return nil
}
