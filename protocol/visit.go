package protocol

import (
	"slices"
	"strings"

	"kendro/domain/fault"
)

// Visit says why somebody had to come to a counter once more (R-SV9). Numbers are kept on disk.
type Visit uint8

// The reasons. 0 is none: nobody came, or a box of before did not ask.
const (
	VisitQuestion Visit = 1 // The office had asked.
	VisitPaper    Visit = 2 // What was brought before was wrong.
	VisitPayment  Visit = 3
	VisitHandOver Visit = 4
	VisitOther    Visit = 5
)

var visitNames = []string{"", "question", "wrong-paper", "payment", "hand-over", "other"}

// VisitNames returns the reasons in their order.
func VisitNames() []string { return visitNames[1:] }

// ParseVisit reads a reason; "" is none. Another text is [fault.Invalid].
func ParseVisit(s string) (Visit, error) {
	i := slices.Index(visitNames, s)
	if i < 0 {
		return 0, fault.New("protocol.ParseVisit", fault.Invalid, "visit", "want "+strings.Join(VisitNames(), ", "))
	}
	return Visit(i), nil
}

// String is the reason's name. One of a later version is other.
func (v Visit) String() string {
	if int(v) >= len(visitNames) {
		return visitNames[VisitOther]
	}
	return visitNames[v]
}

// VisitFor is why somebody came who brought an event of that kind and gave no other reason.
func VisitFor(k Kind) Visit {
	switch k { //nolint:exhaustive // For the others nobody comes, or not once more.
	case Supplied:
		return VisitQuestion
	case PaymentTaken:
		return VisitPayment
	case HandedOver:
		return VisitHandOver
	case Corrected, Withdrawn, Appealed:
		return VisitOther
	}
	return 0
}
