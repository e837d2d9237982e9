package register

import (
	"errors"
	"slices"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/protocol"
)

// Debts reads what is owed on cases.
type Debts struct{ *state }

// Demand returns what is to be paid on a case, or on the one that it is once more, as whoever
// pays it may know; nil for nothing.
func (r Debts) Demand(n protocol.Number) (*protocol.Demand, error) {
	c, err := Cases(r).Case(n)
	if errors.Is(err, fault.NotFound) {
		return nil, nil //nolint:nilnil // Of a former register's case that was erased: nothing is demanded.
	}
	if err == nil && c.Primary != 0 {
		c, err = Cases(r).Case(c.Primary)
	}
	if err != nil {
		return nil, err
	}
	return Debt{c}.Demand(), nil
}

// A Debt is a case as its payers see it.
type Debt struct{ *Case }

// Demand is what is to be paid on the case, nil for nothing.
func (d Debt) Demand() *protocol.Demand {
	st := &d.State
	if st.Owed <= 0 || st.Stage != application.FeeDue && st.Stage != application.FeeLapsed || d.Erased != 0 {
		return nil
	}
	out := &protocol.Demand{For: protocol.ForReview, Owed: st.Owed, PayBy: st.PayBy, Lapsed: st.Stage == application.FeeLapsed}
	if st.Purpose == application.ForIssue {
		out.For = protocol.ForIssue
	}
	for _, t := range slices.Backward(d.History) {
		if t.Action == application.Demand || t.Action == application.Void {
			out.Version = t.Version
			break
		}
	}
	return out
}
