package finder

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
// term's hash above the document. They lie in sorted runs, each at least twice as
// long as the next; documents of a later run are later ones. Hashes of 40 bits may
// collide; whoever asks looks at what he found. It is not for concurrent use.
type postings struct {
	seed  maphash.Seed
	runs  [][]uint64
	fresh []uint64 // What came since settle, in order of coming.
}

func newPostings() *postings { return &postings{seed: maphash.MakeSeed()} }

func (p *postings) of(term string) uint64 {
	return maphash.String(p.seed, term) << docBits
}

// add notes a document under its terms. Documents come in their order.
func (p *postings) add(doc uint32, terms []string) {
	for _, t := range terms {
		p.fresh = append(p.fresh, p.of(t)|uint64(doc))
	}
}

// settle makes a run of what came, so that find may be called, and merges runs.
func (p *postings) settle() {
	if len(p.fresh) == 0 {
		return
	}
	slices.Sort(p.fresh)
	p.runs = append(p.runs, slices.Clone(slices.Compact(p.fresh)))
	p.fresh = p.fresh[:0]
	for n := len(p.runs); n > 1 && len(p.runs[n-2]) < 2*len(p.runs[n-1]); n-- {
		p.runs[n-2] = merged(p.runs[n-2], p.runs[n-1])
		p.runs[n-1] = nil
		p.runs = p.runs[:n-1]
	}
}

// merged is two sorted runs as one.
func merged(a, b []uint64) []uint64 {
	out := make([]uint64, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if a[0] <= b[0] {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// size is how many pairs there are.
func (p *postings) size() (n int) {
	for _, run := range p.runs {
		n += len(run)
	}
	return n
}

// find returns the documents of a term, sorted. The caller has settled.
func (p *postings) find(term string) []uint32 {
	from := p.of(term)
	var docs []uint32
	for _, run := range p.runs {
		i, _ := slices.BinarySearch(run, from)
		for ; i < len(run) && run[i]>>docBits == from>>docBits; i++ {
			docs = append(docs, uint32(run[i]&(maxDocs-1)))
		}
	}
	return docs
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
