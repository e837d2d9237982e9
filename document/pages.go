package document

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
	"strconv"
)

// Bounds of what is inflated to count a PDF's pages.
const (
	maxInflated = 16 << 20
	maxObjects  = 512     // Streams, and page trees, that are looked into.
	maxDict     = 4 << 10 // Bytes of a page tree's own dictionary, before and behind.
)

var (
	pageTree    = regexp.MustCompile(`/Type\s*/Pages\b`)
	objectPack  = regexp.MustCompile(`/Type\s*/ObjStm\b`)
	treeCount   = regexp.MustCompile(`/Count\s+(\d{1,6})\b`)
	streamBegin = regexp.MustCompile(`stream\r?\n`)
)

// Pages says how many pages a PDF has by its own word, the root of its page tree. False: it
// can't be told, as of one that is encrypted. It may be called with anything.
func Pages(pdf []byte) (int, bool) {
	if n, ok := rootCount(pdf); ok {
		return n, true
	}
	left := maxInflated
	count, found := 0, false
	for i, at := range objectPack.FindAllIndex(pdf, maxObjects) {
		end := len(pdf)
		if all := objectPack.FindIndex(pdf[at[1]:]); all != nil && i < maxObjects-1 {
			end = at[1] + all[0]
		}
		begin := streamBegin.FindIndex(pdf[at[1]:end])
		if begin == nil || left <= 0 {
			continue
		}
		z, err := zlib.NewReader(bytes.NewReader(pdf[at[1]+begin[1] : end]))
		if err != nil {
			continue
		}
		objects, err := io.ReadAll(io.LimitReader(z, int64(left)))
		if err != nil {
			continue
		}
		left -= len(objects)
		if n, ok := rootCount(objects); ok {
			count, found = n, true // A later one takes the place of those before.
		}
	}
	return count, found
}

// rootCount is the count of the last page tree that hangs below no other.
func rootCount(objects []byte) (count int, found bool) {
	for _, at := range pageTree.FindAllIndex(objects, maxObjects) {
		dict := around(objects, at[0])
		n := treeCount.FindSubmatch(dict)
		if n == nil || bytes.Contains(dict, []byte("/Parent")) {
			continue
		}
		if v, err := strconv.Atoi(string(n[1])); err == nil {
			count, found = v, true
		}
	}
	return count, found
}

// around is the dictionary in which something stands, without the dictionaries inside it.
func around(b []byte, at int) []byte {
	begin, end := at, at
	first, last := max(1, at-maxDict), min(len(b), at+maxDict)
	for depth := 0; begin > first; begin-- {
		if s := b[begin-2 : begin]; string(s) == ">>" {
			depth++
			begin--
		} else if string(s) == "<<" {
			if depth == 0 {
				break
			}
			depth--
			begin--
		}
	}
	var own []byte
	for depth := 0; end < last; end++ {
		if bytes.HasPrefix(b[end:], []byte("<<")) {
			depth++
			end++
			continue
		}
		if bytes.HasPrefix(b[end:], []byte(">>")) {
			if depth == 0 {
				break
			}
			depth--
			end++
			continue
		}
		if depth == 0 {
			own = append(own, b[end])
		}
	}
	return append(bytes.Clone(b[begin:at]), own...)
}
