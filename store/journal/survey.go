package journal

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"kendro/domain/fault"
)

// survey is what a walk through one segment found.
type survey struct {
	good   point    // Behind the last of the unbroken run of good records from the segment's first.
	solid  point    // The same, without the batch that good may end in the middle of.
	whole  bool     // good ends a batch.
	mark   point    // Behind the record HEAD names, when the run reaches it.
	marked bool     //
	bad    []Damage // Records that are missing or altered before one that is good.
	top    uint64   // Highest record with a good header.
	proof  uint64   // Highest record that some frame says was synced.
	stray  int64    // Offset behind the last byte that belongs to nothing.
	far    int64    // Offset behind the last frame.
	marks  []uint32
}

// look walks the segment in f. headSeq is the record that HEAD names. visit, where not
// nil, gets every good record, the ones behind a damaged one included.
func look(f io.ReaderAt, name string, b *birth, headSeq uint64, visit func(uint64, []byte) error) (*survey, error) {
	start := point{seq: b.first - 1, chain: b.chain, end: segmentHeader}
	s := &survey{good: start, solid: start, whole: true, top: start.seq, marks: []uint32{}}
	s.mark, s.marked = start, headSeq == start.seq
	w := walk{survey: s, file: name, at: start, linked: true}
	c := newCursor(f, b, segmentHeader, scanChunk)
	for {
		h, off, err := c.next()
		if errors.Is(err, errEnd) {
			s.stray = c.stray
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		if h.seq <= w.at.seq {
			s.stray = off + h.size()
			continue // A frame out of its order belongs to nothing.
		}
		body, err := c.body(&h, off)
		if err != nil {
			return nil, err
		}
		stored := w.step(&h, off, body)
		s.marks = b.mark(s.marks, h.seq, off)
		if h.seq == headSeq && s.good.seq == headSeq {
			s.mark, s.marked = s.good, true
		}
		if stored != nil && visit != nil {
			if err := visit(h.seq, stored); err != nil {
				return nil, err
			}
		}
	}
}

// walk is where a survey stands.
type walk struct {
	*survey
	file   string
	at     point // Behind the last good header.
	linked bool  // at.chain is the chain before the next record.
	rest   uint32
}

// step takes in one frame with a good header and returns the record as stored,
// nil when it is damaged.
func (w *walk) step(h *frame, off int64, body []byte) []byte {
	if h.seq > w.at.seq+1 {
		w.blame(w.at.seq+1, h.seq-1, errMissing)
		w.linked = false
	}
	unbroken := len(w.bad) == 0
	stored, ok := h.record(body)
	switch {
	case !ok:
		w.blame(h.seq, h.seq, errChecksum)
	case w.linked && !h.follows(w.at.chain, stored):
		w.blame(h.seq, h.seq, errChain)
		ok = false
	}
	w.at = point{seq: h.seq, chain: h.chain, end: off + h.size()}
	w.linked, w.far = true, w.at.end
	w.top, w.proof = h.seq, max(w.proof, h.durable)
	if ok && unbroken {
		if w.rest != h.rest+1 && !w.whole {
			w.solid, w.whole = w.good, true // Another batch begins: the one before was cut short on purpose.
		}
		w.good, w.rest, w.whole = w.at, h.rest, h.rest == 0
		if w.whole {
			w.solid = w.good
		}
	}
	if !ok {
		return nil
	}
	return stored
}

func (w *walk) blame(first, last uint64, what error) {
	if n := len(w.bad); n > 0 && w.bad[n-1].Last+1 == first && w.bad[n-1].What == what.Error() {
		w.bad[n-1].Last = last
		return
	}
	w.bad = append(w.bad, Damage{First: first, Last: last, File: w.file, What: what.Error()})
}

// verdict is what becomes of the last segment.
type verdict struct {
	keep   point    // Nothing behind it is part of the log.
	behind bool     // The log ends before the record HEAD names.
	ahead  bool     // HEAD has to follow.
	damage []Damage // Not empty: nothing is changed.
}

// judge decides on the last segment. h is HEAD; known says that it was readable.
//
// Records up to HEAD were acknowledged, and so were those that a later frame
// says were synced when it was written. A bad one among them is damage. Any
// other was never acknowledged, and it is cut with all that follows it.
func judge(s *survey, file string, h head, known bool) verdict {
	if !known {
		return verdict{keep: s.good, damage: upTo(s.bad, s.proof)}
	}
	v := verdict{keep: s.good, damage: upTo(s.bad, max(h.seq, s.proof))}
	switch {
	case len(v.damage) > 0:
		if s.top < h.seq {
			v.damage = append(v.damage, Damage{First: s.top + 1, Last: h.seq, File: file, What: errMissing.Error()})
		}
		return v
	case h.seq > s.good.seq:
		if s.stray > s.good.end {
			v.damage = []Damage{{First: s.good.seq + 1, Last: h.seq, File: file, What: errMissing.Error()}}
			return v
		}
		v.behind = true
		return v
	case s.marked && s.mark.chain != h.chain:
		v.damage = []Damage{{First: h.seq, Last: h.seq, File: file, What: "it is not the record that HEAD names"}}
		return v
	}
	if !s.whole {
		v.keep = s.solid
	}
	if s.marked && v.keep.seq < h.seq {
		v.keep = s.mark
	}
	v.ahead = v.keep.seq > h.seq
	return v
}

// upTo returns the damage among the records up to last.
func upTo(bad []Damage, last uint64) (d []Damage) {
	for _, b := range bad {
		if b.First <= last {
			d = append(d, b)
		}
	}
	return d
}

// damageError is the cause of an error that names damage.
type damageError []Damage

func (d damageError) Error() string {
	return d[0].File + ": " + d[0].What + "; keep the folder and repair from a copy"
}

// damaged makes an error that names the damage.
func damaged(op string, damage []Damage) error {
	var names []string
	for i, d := range damage {
		if i == 8 {
			names = append(names, fmt.Sprintf("and %d more", len(damage)-i))
			break
		}
		names = append(names, recordItem(d.First, d.Last))
	}
	return &fault.Error{Op: op, Kind: fault.Damaged, Item: strings.Join(names, ", "), Err: damageError(damage)}
}
