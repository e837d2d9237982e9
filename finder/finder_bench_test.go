package finder

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kendro/catalogue"
	"kendro/domain/place"
	"kendro/pack/bd"
	"kendro/protocol"
)

// BenchmarkMatching looks names up among a million applications of the sample
// generator's people, all of it but the reading of the cases that are found.
func BenchmarkMatching(b *testing.B) {
	set, err := catalogue.Build(bd.Pack(), nil, time.Unix(1_790_000_000, 0))
	if err != nil {
		b.Fatal(err)
	}
	intake, err := catalogue.NewIntake(set)
	if err != nil {
		b.Fatal(err)
	}
	const drawn, all = 2_000, 1_000_000
	var pool []Entry
	var names []string
	for seed := range uint64(drawn) {
		body, err := catalogue.Sample(set, "land-record-copy", seed, "41-09-17")
		if err != nil {
			b.Fatal(err)
		}
		app, wrong, err := intake.Check(body, place.Union, time.Unix(1_790_000_000, 0))
		if err != nil || len(wrong) > 0 {
			b.Fatal(err, wrong)
		}
		p, err := catalogue.ApplicantOf(app.Applicant)
		if err != nil {
			b.Fatal(err)
		}
		names = append(names, p.Name.BN)
		pool = append(pool, EntryOf(&protocol.Submission{Form: app.Form, Applicant: app.Applicant}))
	}
	x := New()
	for at := 0; at < all; at += drawn {
		for _, e := range pool {
			e.terms = append([]string{}, e.terms...)
			for j, t := range e.terms { // Numbers and mobiles are nobody else's.
				if strings.HasPrefix(t, termID) || strings.HasPrefix(t, termKey) {
					e.terms[j] = t + fmt.Sprint(at)
				}
			}
			x.Add(e)
		}
		x.Settle()
	}
	b.ReportMetric(float64(x.Bytes())/all, "B/application")
	i := 0
	for b.Loop() {
		if _, err := x.Matching(Query{Text: names[i%drawn]}); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
