package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
)

// A frame is one record on disk: a header of 68 bytes, the record as stored, and
// zeroes up to a multiple of 8.
//
//	 0 marker   4   length  4   sequence 8
//	16 durable  8   rest    4   crc      4    of the record and its padding
//	32 chain   32   crc     4   of the segment's salt and the 64 bytes before
//
// The salt is random, secret to the segment: bytes inside a record can't pass
// for a frame.
//
// A frame of a record that was replaced has another marker. Its chain is that of the
// record before it in this place: nothing says any more what that was.
const (
	frameMarker   = 0x4d52464b // "KFRM"
	frameReplaced = 0x5252464b // "KFRR"

	frameHeader = 68
	frameAlign  = 8

	// maxStored is the longest record as stored: a sealed one is a little longer.
	maxStored = MaxRecord + 256
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame is the header of one record.
type frame struct {
	length  uint32   // Of the record as stored.
	seq     uint64   //
	durable uint64   // Last sequence known to be synced when this was written.
	rest    uint32   // How many records of the same batch follow.
	crc     uint32   // Of the record as stored, with its padding.
	chain   [32]byte // SHA-256 of the chain before and the record as stored.

	replaced bool // The chain is that of the record that stood here first.
}

// size is the number of bytes the frame takes on disk.
func (f *frame) size() int64 { return frameSize(int(f.length)) }

func frameSize(length int) int64 {
	return (int64(frameHeader) + int64(length) + frameAlign - 1) &^ (frameAlign - 1)
}

// appendFrame appends f and its record to b.
func appendFrame(b []byte, f *frame, salt uint64, stored []byte) []byte {
	at := len(b)
	b = append(b, make([]byte, frameHeader)...)
	b = append(b, stored...)
	b = append(b, make([]byte, int(f.size())-frameHeader-len(stored))...)
	h := b[at : at+frameHeader]
	binary.LittleEndian.PutUint32(h[0:], frameMarker)
	if f.replaced {
		binary.LittleEndian.PutUint32(h[0:], frameReplaced)
	}
	binary.LittleEndian.PutUint32(h[4:], f.length)
	binary.LittleEndian.PutUint64(h[8:], f.seq)
	binary.LittleEndian.PutUint64(h[16:], f.durable)
	binary.LittleEndian.PutUint32(h[24:], f.rest)
	binary.LittleEndian.PutUint32(h[28:], crc32.Checksum(b[at+frameHeader:], castagnoli))
	copy(h[32:64], f.chain[:])
	binary.LittleEndian.PutUint32(h[64:], saltedCRC(salt, h[:64]))
	return b
}

// parseFrame reads the header of a frame; false means that h is none.
func parseFrame(h []byte, salt uint64) (f frame, ok bool) {
	if len(h) < frameHeader {
		return f, false
	}
	switch binary.LittleEndian.Uint32(h) {
	case frameMarker:
	case frameReplaced:
		f.replaced = true
	default:
		return f, false
	}
	f.length = binary.LittleEndian.Uint32(h[4:])
	if f.length > maxStored || binary.LittleEndian.Uint32(h[64:]) != saltedCRC(salt, h[:64]) {
		return f, false
	}
	f.seq = binary.LittleEndian.Uint64(h[8:])
	f.durable = binary.LittleEndian.Uint64(h[16:])
	f.rest = binary.LittleEndian.Uint32(h[24:])
	f.crc = binary.LittleEndian.Uint32(h[28:])
	copy(f.chain[:], h[32:64])
	return f, true
}

// record returns the record as stored from the bytes behind the header, padding
// included; false means that they are not what was written.
func (f *frame) record(body []byte) ([]byte, bool) {
	if int64(len(body)) != f.size()-frameHeader || crc32.Checksum(body, castagnoli) != f.crc {
		return nil, false
	}
	return body[:f.length:f.length], true
}

func saltedCRC(salt uint64, b []byte) uint32 {
	var s [8]byte
	binary.LittleEndian.PutUint64(s[:], salt)
	return crc32.Update(crc32.Checksum(s[:], castagnoli), castagnoli, b)
}

// follows reports whether the frame's record follows from the chain before it, as far as
// that can still be said.
func (f *frame) follows(before [32]byte, stored []byte) bool {
	return f.replaced || link(before, stored) == f.chain
}

// link returns the chain hash behind a record.
func link(before [32]byte, stored []byte) (after [32]byte) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(stored)
	h.Sum(after[:0])
	return after
}
