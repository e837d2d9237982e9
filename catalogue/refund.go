package catalogue

import (
	"fmt"

	dcat "kendro/domain/catalogue"
)

// A refundFile is a [dcat.Refund] as people write it: percent of what was paid, without the
// centre's own charge.
type refundFile struct {
	BeforeReview int `yaml:"before_review"`
	InReview     int `yaml:"in_review"`
	Rejected     int `yaml:"rejected"`
}

// rule is what was written down, nil for nothing.
func (r *refundFile) rule() *dcat.Refund {
	if r == nil {
		return nil
	}
	return &dcat.Refund{BeforeReview: r.BeforeReview, InReview: r.InReview, Rejected: r.Rejected}
}

// lint checks it.
func (r *refundFile) lint(l *linter) {
	if r == nil {
		return
	}
	for _, x := range []struct {
		name    string
		percent int
	}{{"before_review", r.BeforeReview}, {"in_review", r.InReview}, {"rejected", r.Rejected}} {
		if x.percent < 0 || x.percent > 100 {
			l.bad(x.name, 0, "refund: %s %d: want 0 to 100 percent of what was paid without the centre's own charge", x.name, x.percent)
		}
	}
	switch {
	case r.InReview > r.BeforeReview:
		l.bad("in_review", 0, "refund: in_review %d is more than before_review %d: want no more for who withdraws later", r.InReview, r.BeforeReview)
	case len(l.v.Fees) == 0:
		l.bad("refund", 0, "refund: the service has no fees: leave it out")
	}
}

// refundText is what a version says of refunds, for who reads a difference: a dash where an officer
// says it.
func refundText(r *dcat.Refund) string {
	if r == nil {
		return "–"
	}
	return fmt.Sprintf("%d %% / %d %% / %d %%", r.BeforeReview, r.InReview, r.Rejected)
}
