package store

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// setSum is a hash over a set of pairs that does not depend on their order: the
// sum, mod 2^256, of SHA-256 over each pair.
type setSum [4]uint64 // Little end first.

func pairSum(key, value []byte) setSum {
	h := sha256.New()
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(key)))
	h.Write(n[:])
	h.Write(key)
	h.Write(value)
	var b [32]byte
	return parseSum([32]byte(h.Sum(b[:0])))
}

func parseSum(b [32]byte) (s setSum) {
	for i := range s {
		s[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	return s
}

func (s setSum) bytes() (b [32]byte) {
	for i, w := range s {
		binary.BigEndian.PutUint64(b[24-8*i:], w)
	}
	return b
}

func (s *setSum) add(t setSum) {
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], t[i], carry)
	}
}

func (s *setSum) sub(t setSum) {
	var borrow uint64
	for i := range s {
		s[i], borrow = bits.Sub64(s[i], t[i], borrow)
	}
}

// mark is what the database says of itself at one index. It is written with
// every update, under a key that is not part of the sum.
type mark struct {
	index uint64
	count uint64 // Pairs.
	sum   setSum
}

const markBytes = 49

func (m *mark) encode() []byte {
	b := make([]byte, 0, markBytes)
	b = append(b, 1)
	b = binary.BigEndian.AppendUint64(b, m.index)
	b = binary.BigEndian.AppendUint64(b, m.count)
	s := m.sum.bytes()
	return append(b, s[:]...)
}

func decodeMark(b []byte) (m mark, ok bool) {
	if len(b) != markBytes || b[0] != 1 {
		return m, false
	}
	m.index = binary.BigEndian.Uint64(b[1:])
	m.count = binary.BigEndian.Uint64(b[9:])
	m.sum = parseSum([32]byte(b[17:]))
	return m, true
}
