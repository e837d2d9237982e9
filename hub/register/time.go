package register

import (
	"encoding/binary"

	"kendro/protocol"
)

// minute is in milliseconds, as the register's time is.
const minute = 60_000

// maxClockOff is how far a counter's clock may be outside of what is possible
// before its cases are flagged.
const maxClockOff = 10 * minute

// noteTime keeps the time of this entry, the first of its minute. Keys are
// inverted, so that the newest at or before an entry is found going forward.
func noteTime(s *step) {
	s.set(key(tagTime, u64(^s.index)), u64(uint64(s.meta.At)))
}

// timeAt returns a time at which the register was no further than at an entry:
// whoever knows that entry wrote later. It is 0 for an entry that is not known.
func (s *step) timeAt(index uint64) int64 {
	if index == 0 || index > s.index {
		return 0
	}
	if at, ok := s.times[index]; ok {
		return at
	}
	at, err := timeIn(s.tx, index)
	s.keep(err)
	s.times[index] = at
	return at
}

// legal is the legal date of what a counter's clock dates at: not before what its
// box knew of then, and not after now. off is how far the clock was outside, where
// that is worth a flag.
func (s *step) legal(at, notBefore int64) (legal, off int64) {
	legal = min(max(at, notBefore), s.meta.At)
	if off = at - legal; off > maxClockOff || off < -maxClockOff {
		return legal, off
	}
	return legal, 0
}

// legalNext is the legal date of the next application of a log: not before the
// one before it either. Order comes from the log; the clock orders nothing.
func (s *step) legalNext(log protocol.LogID, at int64, checkpoint uint64) (legal, off int64) {
	k := logKey(tagLegal, log)
	before := int64(0)
	if v, ok := s.raw(k); ok && len(v) == 8 {
		before = int64(binary.BigEndian.Uint64(v))
	}
	legal, off = s.legal(at, max(before, s.timeAt(checkpoint)))
	if legal != before {
		s.set(k, u64(uint64(legal)))
	}
	return legal, off
}

func numberOf(v []byte) protocol.Number { return protocol.Number(binary.BigEndian.Uint64(v)) }

// timeIn is the register's time at an entry, or a little before, 0 for an entry that is not
// known.
func timeIn(v View, index uint64) (at int64, err error) {
	err = v.Scan(key(tagTime), key(tagTime, u64(^index)), func(_, v []byte) (bool, error) {
		if len(v) == 8 {
			at = int64(binary.BigEndian.Uint64(v))
		}
		return false, nil
	})
	return at, err
}
