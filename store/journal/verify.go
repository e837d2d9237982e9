package journal

import (
	"errors"
	"math"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"kendro/domain/fault"
)

// Findings is what [Verify] found.
type Findings struct {
	First, Last uint64 // Of the records that should be readable; Last < First when there are none.
	Records     uint64 // Good ones among them.
	Bytes       int64  // As stored.
	HeadSeq     uint64 // The record HEAD names.
	HeadMissing bool
	Behind      bool     // The journal ends before the record HEAD names.
	TornBytes   int64    // Unacknowledged bytes at the end; the next Open cuts them.
	Notes       []string // What is not as written, without any record being the worse for it.
	Damage      []Damage // In order; empty when every record is good.
}

// Verify reads the whole journal in dir without changing anything, and names
// every damaged record. It answers [fault.Damaged] when there is one, beside
// complete Findings; [fault.Conflict] while the journal is open elsewhere. Only
// the Cipher of o matters; with nil a sealed journal is checked without its key,
// against checksums and chain alone.
func Verify(dir string, o Options) (Findings, error) {
	return Salvage(dir, o, nil)
}

// Salvage is Verify, and hands every good record to fn in order, the ones behind
// damage included. An error of fn ends it. Records that were written and never
// acknowledged are not handed out.
func Salvage(dir string, o Options, fn func(seq uint64, record []byte) error) (Findings, error) {
	const op = "journal.Verify"
	if _, err := os.Stat(dir); err != nil {
		return Findings{}, fault.Wrap(op, fault.NotFound, dir, err)
	}
	lock, err := lockFolder(op, dir, unix.LOCK_SH)
	if err != nil {
		return Findings{}, err
	}
	v := verifier{o: o, dir: dir, fn: fn}
	err = v.run()
	_ = lock.Close() // It was never written.
	if v.stop != nil {
		return v.Findings, v.stop
	}
	if err != nil {
		return v.Findings, fault.Wrap(op, fault.Unavailable, dir, err)
	}
	if len(v.Damage) > 0 {
		return v.Findings, damaged(op, v.Damage)
	}
	return v.Findings, nil
}

// verifier is a Verify under way.
type verifier struct {
	Findings
	o    Options
	dir  string
	fn   func(uint64, []byte) error
	stop error // What fn returned.
	head head
	at   point // Behind the last record of the segment before.
}

func (v *verifier) run() error {
	files, err := list(readOnly{}, v.dir)
	if err != nil {
		return err
	}
	f, err := readOnly{}.Open(filepath.Join(v.dir, headName), false)
	if err == nil {
		var read slots
		read, err = readHead(f)
		v.head, v.HeadMissing = read.head, !read.known
		if read.torn {
			v.Notes = append(v.Notes, "a slot of HEAD is not what was written; where there is another, that one counts")
		}
		err = errors.Join(err, f.Close())
	} else if isGone(err) {
		v.HeadMissing, err = len(files.segments) > 0, nil
		if !v.HeadMissing {
			v.Notes = append(v.Notes, "HEAD is gone, and no record is here: whether there were any can't be said")
		}
	}
	if err != nil {
		return err
	}
	v.HeadSeq, v.First, v.Last = v.head.seq, v.head.first, v.head.first-1
	if v.head.state == resetting {
		return nil
	}
	names := v.relevant(files.segments)
	for i, name := range names {
		next := uint64(0)
		if i+1 < len(names) {
			next, _ = parseSegmentName(names[i+1])
		}
		if err := v.segment(name, i == 0, next); err != nil {
			return err
		}
	}
	v.Behind = len(v.Damage) == 0 && !v.HeadMissing && v.Last < v.head.seq
	return nil
}

// relevant leaves out what an interrupted drop or cut is about to remove.
func (v *verifier) relevant(names []string) (keep []string) {
	for i, name := range names {
		first, _ := parseSegmentName(name)
		if i+1 < len(names) {
			if next, _ := parseSegmentName(names[i+1]); next <= v.head.first {
				continue
			}
		}
		if v.head.state == cutting && first > v.head.seq && len(keep) > 0 {
			break
		}
		keep = append(keep, name)
	}
	return keep
}

// segment checks one segment; next is the first record of the one behind it.
func (v *verifier) segment(name string, isFirst bool, next uint64) error {
	first, _ := parseSegmentName(name)
	path := filepath.Join(v.dir, name)
	b, whole, err := readBirth(readOnly{}, path)
	if err != nil {
		return err
	}
	if isFirst && v.HeadMissing {
		v.First = first
	}
	if !whole {
		v.Notes = append(v.Notes, name+": one of its two headers is damaged")
	}
	if b.first != first {
		v.blame(Damage{First: first, Last: lastBefore(next, v.head.seq), File: name, What: "both of its headers are damaged"})
		v.at = point{seq: lastBefore(next, v.head.seq)}
		return nil
	}
	if isFirst && !v.HeadMissing && first > v.head.first {
		v.blame(Damage{First: v.head.first, Last: first - 1, File: name, What: "the segment before it is missing"})
	}
	if !isFirst && first > v.at.seq+1 {
		v.blame(Damage{First: v.at.seq + 1, Last: first - 1, File: name, What: errMissing.Error()})
	} else if !isFirst && v.at.chain != b.chain && v.at.chain != [32]byte{} {
		v.Notes = append(v.Notes, name+": does not follow from the segment before it")
		v.blame(Damage{First: first, Last: first, File: name, What: errChain.Error()})
	}
	return v.frames(path, &b, next)
}

// lastBefore is the last record of a segment that can't be read.
func lastBefore(next, headSeq uint64) uint64 {
	if next > 0 {
		return next - 1
	}
	if headSeq > 0 {
		return headSeq
	}
	return math.MaxUint64
}

// frames checks the records of one segment.
func (v *verifier) frames(path string, b *birth, next uint64) error {
	f, err := readOnly{}.Open(path, false)
	if err != nil {
		return err
	}
	defer f.Close() // Read only.
	name := filepath.Base(path)
	found, err := look(f, name, b, v.head.seq, nil)
	if err != nil {
		return err
	}
	var end uint64
	switch {
	case next > 0:
		v.closed(name, found, b, next)
		end = next - 1
	case v.head.state == cutting && found.marked:
		end = v.head.seq
	default:
		end = v.tail(name, found)
	}
	v.at = point{seq: found.top, chain: found.good.chain}
	if len(found.bad) > 0 {
		v.at.chain = [32]byte{} // Not known to be right.
	}
	v.Last = max(v.Last, end)
	_, err = look(f, name, b, v.head.seq, func(seq uint64, stored []byte) error {
		if seq < v.First || seq > end {
			return nil
		}
		return v.record(name, seq, stored)
	})
	return err
}

// closed takes in a segment that another one follows.
func (v *verifier) closed(name string, found *survey, b *birth, next uint64) {
	if found.top+1 < next && next > b.first {
		found.bad = append(found.bad, Damage{First: found.top + 1, Last: next - 1, File: name, What: errMissing.Error()})
		found.top = next - 1
	}
	for _, d := range found.bad {
		v.blame(d)
	}
	if found.stray > 0 {
		v.Notes = append(v.Notes, name+": bytes that belong to no record are not zero")
	}
}

// tail takes in the last segment and returns the last record of the log.
func (v *verifier) tail(name string, found *survey) uint64 {
	d := judge(found, name, v.head, !v.HeadMissing)
	if len(d.damage) > 0 {
		for _, e := range d.damage {
			v.blame(e)
		}
		return max(v.head.seq, found.proof, found.good.seq)
	}
	if over := max(found.stray, found.far) - d.keep.end; over > 0 {
		v.TornBytes = over
	}
	return d.keep.seq
}

// record checks that a good frame opens, and hands it out.
func (v *verifier) record(name string, seq uint64, stored []byte) error {
	if v.o.Cipher != nil || v.fn != nil {
		record, err := v.o.open(seq, stored)
		if err != nil {
			v.blame(Damage{First: seq, Last: seq, File: name, What: "it does not open with this key"})
			return nil //nolint:nilerr // It is a finding; the others are still looked at.
		}
		if v.fn != nil {
			if v.stop = v.fn(seq, record); v.stop != nil {
				return v.stop
			}
		}
	}
	v.Records++
	v.Bytes += int64(len(stored))
	return nil
}

// blame adds damage to the findings, records that were dropped left out.
func (v *verifier) blame(d Damage) {
	if d.Last < v.First {
		return
	}
	d.First = max(d.First, v.First)
	v.Damage = append(v.Damage, d)
}
