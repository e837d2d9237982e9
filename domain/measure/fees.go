package measure

// Fees are what the applications of a service came to in money, in poisha (row 8). Former
// are those received in the span that cost another sum, by their receipt, than by the fees
// in force when they came.
type Fees struct {
	Former    int   `json:"former"`
	Charged   int64 `json:"charged_poisha"`   // What the former come to by their receipts.
	Due       int64 `json:"due_poisha"`       // What they would have come to by the fees in force.
	Over      int64 `json:"over_poisha"`      // By which some come to more …
	Under     int64 `json:"under_poisha"`     // … and others to less: Charged is Due with Over, without Under.
	Collected int64 `json:"collected_poisha"` // Of what is charged, so far.

	OwedBack int64 `json:"owed_back_poisha"` // Of all applications, now.
	PaidBack int64 `json:"paid_back_poisha"` // In the span, by the vouchers.
}

func (l *Line) fees() *Fees {
	if l.Fees == nil {
		l.Fees = new(Fees)
	}
	return l.Fees
}

// charged counts an application that cost another sum than others of its days.
func (f *Fees) charged(b Bill) {
	if b.Variance == 0 {
		return
	}
	f.add(&Fees{
		Former: 1, Charged: b.Charged, Due: b.Charged - b.Variance,
		Over: max(0, b.Variance), Under: max(0, -b.Variance), Collected: b.Collected,
	})
}

func (f *Fees) add(g *Fees) {
	f.Former += g.Former
	f.Charged += g.Charged
	f.Due += g.Due
	f.Over += g.Over
	f.Under += g.Under
	f.Collected += g.Collected
	f.OwedBack += g.OwedBack
	f.PaidBack += g.PaidBack
}

// Repaid counts what is owed back on an application of a service, and what was paid back
// on a day, in Unix milliseconds, where that lies in the span.
func (t *Tally) Repaid(service string, owed, paid, at int64) {
	f := &Fees{OwedBack: owed}
	if t.within(at) {
		f.PaidBack = paid
	}
	line(t.services, service).fees().add(f)
}
