package catalogue

import (
	"slices"

	dcat "kendro/domain/catalogue"
)

// Of the comparison of versions.
const (
	shingle = 8   // Bytes looked at together: two letters of Bangla and a bit.
	sketch  = 128 // Shingles of a version that are compared.
)

// Kindred orders versions so that each stands beside those that it resembles most,
// and returns them. That is how they should enter a log: what carries them looks for
// likeness nearby. The order means nothing else, and is the same for the same list.
func Kindred(list []*dcat.Version) ([]*dcat.Version, error) {
	shingles := make([][]uint64, len(list))
	holders := map[uint64]int{} // How many versions have a shingle.
	for i, v := range list {
		b, err := EncodeVersion(v)
		if err != nil {
			return nil, err
		}
		shingles[i] = shinglesOf(b)
		for _, x := range shingles[i] {
			holders[x]++
		}
	}
	sketches := make([][]uint64, len(list))
	for i, all := range shingles { // What everybody has, or nobody else, tells nothing.
		all = slices.DeleteFunc(all, func(x uint64) bool { return holders[x] < 2 || holders[x] > max(2, len(list)/8) })
		sketches[i] = all[:min(len(all), sketch)]
	}
	left := make([]int, len(list)) // Indices that have no place yet.
	for i := range left {
		left[i] = i
	}
	out := make([]*dcat.Version, 0, len(list))
	for at := 0; len(left) > 0; {
		i := left[at]
		out, left = append(out, list[i]), slices.Delete(left, at, at+1)
		most := -1
		for j, other := range left {
			if n := common(sketches[i], sketches[other]); n > most {
				at, most = j, n
			}
		}
	}
	return out, nil
}

// shinglesOf returns the hashes of the shingles of b, sorted. The first so many of
// them are a fair sample.
func shinglesOf(b []byte) []uint64 {
	const odd = 0x9e3779b97f4a7c15
	var all []uint64
	var last uint64
	for i, c := range b {
		last = last<<8 | uint64(c)
		if i >= shingle-1 {
			x := last * odd
			x ^= x >> 32
			all = append(all, x*odd)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// common counts what two sorted lists have in common.
func common(a, b []uint64) (n int) {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			a = a[1:]
		case a[0] > b[0]:
			b = b[1:]
		default:
			n++
			a, b = a[1:], b[1:]
		}
	}
	return n
}
