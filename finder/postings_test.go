package finder

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestPostings holds what is found against a plain map, over many merges.
func TestPostings(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	p, want := newPostings(), map[string][]uint32{}
	for doc := range uint32(30_000) {
		var terms []string
		for range 4 {
			term := fmt.Sprint("t", rnd.IntN(1+rnd.IntN(5_000)))
			if !slices.Contains(terms, term) {
				terms = append(terms, term)
				want[term] = append(want[term], doc)
			}
		}
		p.add(doc, terms)
		if doc%997 == 0 {
			p.settle()
		}
	}
	p.settle()
	pairs := 0
	for _, docs := range want {
		pairs += len(docs)
	}
	if len(p.runs) < 2 || len(p.runs) > 16 || p.size() != pairs {
		t.Fatalf("%d runs of %d pairs; want a few, of %d", len(p.runs), p.size(), pairs)
	}
	for term, docs := range want {
		if got := p.find(term); !slices.Equal(got, docs) {
			t.Fatalf("%s: %d documents; want %d", term, len(got), len(docs))
		}
	}
	if got := p.find("nothing"); len(got) != 0 {
		t.Errorf("found %v under a term that nothing has", got)
	}
}

func TestSetsOfDocuments(t *testing.T) {
	for _, tt := range []struct{ a, b, both, either []uint32 }{
		{nil, nil, nil, nil},
		{[]uint32{1, 2}, nil, nil, []uint32{1, 2}},
		{[]uint32{1, 3, 5}, []uint32{2, 3, 4, 5, 9}, []uint32{3, 5}, []uint32{1, 2, 3, 4, 5, 9}},
		{[]uint32{7}, []uint32{7}, []uint32{7}, []uint32{7}},
	} {
		for range 2 {
			if got := both(tt.a, tt.b); !slices.Equal(got, tt.both) {
				t.Errorf("both of %v and %v: %v; want %v", tt.a, tt.b, got, tt.both)
			}
			if got := either(tt.a, tt.b); !slices.Equal(got, tt.either) {
				t.Errorf("either of %v and %v: %v; want %v", tt.a, tt.b, got, tt.either)
			}
			tt.a, tt.b = tt.b, tt.a
		}
	}
}
