package search

import (
	"cmp"
	"hash/maphash"
	"slices"
)

// maxDocs is how many applications one index holds: a district of the largest
// size in 15 years.
const maxDocs = 1 << docBits

const docBits = 24

// postings say which documents a term stands in: one number for each pair, the
// term's hash above the document, sorted. Hashes of 40 bits may collide; whoever
// asks looks at what he found. It is not for concurrent use.
type postings struct {
	seed  maphash.Seed
	main  []uint64 // Sorted.
	fresh []uint64 // What came since, in order of coming.
	tidy  bool     // fresh is sorted.
}

func newPostings() *postings { return &postings{seed: maphash.MakeSeed()} }

func (p *postings) of(term string) uint64 {
	return maphash.String(p.seed, term) << docBits
}

// add notes a document under its terms.
func (p *postings) add(doc uint32, terms []string) {
	for _, t := range terms {
		p.fresh = append(p.fresh, p.of(t)|uint64(doc))
	}
	p.tidy = false
}

// settle sorts what came, so that find may be called, and merges it once it is
// more than a sixteenth of the whole.
func (p *postings) settle() {
	if p.tidy {
		return
	}
	slices.Sort(p.fresh)
	p.fresh = slices.Compact(p.fresh)
	p.tidy = true
	if len(p.fresh) < 1<<14+len(p.main)/16 {
		return
	}
	merged := make([]uint64, 0, len(p.main)+len(p.fresh))
	a, b := p.main, p.fresh
	for len(a) > 0 && len(b) > 0 {
		if a[0] <= b[0] {
			merged, a = append(merged, a[0]), a[1:]
		} else {
			merged, b = append(merged, b[0]), b[1:]
		}
	}
	p.main, p.fresh = append(append(merged, a...), b...), nil
}

// find returns the documents of a term, sorted. The caller has settled.
func (p *postings) find(term string) []uint32 {
	from := p.of(term)
	var docs []uint32
	for _, list := range [][]uint64{p.main, p.fresh} {
		i, _ := slices.BinarySearch(list, from)
		for ; i < len(list) && list[i]>>docBits == from>>docBits; i++ {
			docs = append(docs, uint32(list[i]&(maxDocs-1)))
		}
	}
	return docs // What is fresh came after what is settled, so this is sorted.
}

// both returns what stands in two sorted lists.
func both(a, b []uint32) []uint32 {
	if len(a) > len(b) {
		a, b = b, a
	}
	out := a[:0:0]
	for _, x := range a {
		i, ok := slices.BinarySearch(b, x)
		if ok {
			out = append(out, x)
		}
		b = b[i:]
	}
	return out
}

// either returns what stands in one of two sorted lists or in both.
func either(a, b []uint32) []uint32 {
	out := make([]uint32, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := cmp.Compare(a[0], b[0]); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}
