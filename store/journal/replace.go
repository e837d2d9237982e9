package journal

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"kendro/domain/fault"
)

const replaceName = sparePrefix + "replace"

// Replace puts other records in the places of some, durably: each segment that holds one
// is written anew without the old record, and takes the other's name. All else keeps its
// place and its hash, so that HEAD and what follows stay as they are. A power cut leaves
// each segment as it was or as it shall be, and the caller repeats the call. A read that
// began before may still return the old record; what the disk keeps of a file that was
// removed is the disk's.
//
// [fault.Invalid]: a record is longer than the one in its place. [fault.NotFound]: a
// place is outside First and Last. [fault.Damaged]: the old record can't be found.
// [fault.Unavailable]: the disk has no room for a segment. In all of these the segments
// before are done, and the call can be repeated. One call at a time.
func (j *Journal) Replace(records map[uint64][]byte) error {
	const op = "journal.Replace"
	left := slices.Sorted(maps.Keys(records))
	for len(left) > 0 {
		s, gen, err := j.closedAt(op, left[0])
		if err != nil {
			return err
		}
		n := 0
		for n < len(left) && (s.after == 0 || left[n] < s.after) {
			n++
		}
		r := replacement{Journal: j, op: op, old: s.seg, gen: gen, after: s.after, records: records, seqs: left[:n]}
		done, err := r.run()
		if err != nil {
			return err
		}
		if done {
			left = left[n:]
		}
	}
	return nil
}

// closedAt finds the segment of a record, and begins another one behind it where it is
// the one that is written.
func (j *Journal) closedAt(op string, seq uint64) (place, uint64, error) {
	j.write.take()
	defer j.write.leave()
	if err := j.writable(op); err != nil {
		return place{}, 0, err
	}
	p, err := j.reader.locate(op, seq)
	if err != nil {
		return place{}, 0, err
	}
	if p.seg == j.end.active {
		if err := j.roll(op, 0); err != nil {
			return place{}, 0, err
		}
		p, err = j.reader.locate(op, seq)
	}
	return p, p.gen, err
}

// A replacement is one segment on its way into the place of another.
type replacement struct {
	*Journal
	op      string
	old     *segment
	gen     uint64
	after   uint64 // First record behind the segment.
	records map[uint64][]byte
	seqs    []uint64 // That lie in it.
}

// A patch is one frame in the place of another.
type patch struct {
	off   int64
	bytes []byte // As long as the old frame.
}

// run reports whether the segment was exchanged; if not, records were taken away
// meanwhile, and it is to be looked for again.
func (r *replacement) run() (bool, error) {
	f, err := r.acquire(r.old)
	if err != nil {
		return false, r.fail(r.op, err)
	}
	defer r.release(r.old)
	patches, err := r.frames(f)
	if errors.Is(err, fault.Invalid) {
		return false, err
	}
	if err != nil {
		return false, r.reader.readFault(r.op, r.seqs[0], r.gen, err)
	}
	path := filepath.Join(r.dir, replaceName)
	if err := r.write(f, path, patches); err != nil {
		_ = r.o.Disk.Remove(path) // Give the room back; the next Open removes it in any case.
		if isFull(err) {
			return false, &fault.Error{Op: r.op, Kind: fault.Unavailable, Item: r.dir, Err: err}
		}
		return false, r.fail(r.op, err)
	}
	return r.exchange(path)
}

// frames makes the frames that take the places of the old ones.
func (r *replacement) frames(f File) (list []patch, err error) {
	c := newCursor(f, &r.old.birth, segmentHeader, scanChunk)
	for _, seq := range r.seqs {
		var h frame
		var off int64
		for h.seq < seq {
			if h, off, err = c.next(); err != nil {
				return nil, missing(err)
			}
		}
		if h.seq > seq {
			return nil, errMissing
		}
		stored := r.o.seal(seq, r.records[seq])
		if len(stored) > int(h.length) {
			return nil, fault.New(r.op, fault.Invalid, recordItem(seq, seq), fmt.Sprintf("%d bytes in the place of %d", len(stored), h.length))
		}
		room := h.size()
		h.length, h.replaced = uint32(len(stored)), true
		b := appendFrame(nil, &h, r.old.salt, stored)
		list = append(list, patch{off, append(b, make([]byte, room-int64(len(b)))...)})
	}
	return list, nil
}

// write copies the segment to a file, the patches in their places, and syncs it.
func (r *replacement) write(from File, path string, patches []patch) error {
	to, err := r.o.Disk.Open(path, true)
	if err != nil {
		return err
	}
	buf := zeroes(r.old.size)
	for off := int64(0); off < r.old.size && err == nil; off += int64(len(buf)) {
		b := buf[:min(int64(len(buf)), r.old.size-off)]
		if err = readFull(from, b, off); err != nil {
			break
		}
		for _, p := range patches { // Also where one reaches from one piece into the next.
			if lo, hi := max(p.off, off), min(p.off+int64(len(p.bytes)), off+int64(len(b))); lo < hi {
				copy(b[lo-off:hi-off], p.bytes[lo-p.off:])
			}
		}
		_, err = to.WriteAt(b, off)
	}
	if err == nil {
		err = to.Sync()
	}
	return errors.Join(err, to.Close())
}

// exchange puts the file in the segment's place, unless records were taken away since it
// was begun.
func (r *replacement) exchange(path string) (done bool, err error) {
	err = r.alter(r.op, func() error {
		r.mu.Lock()
		same := r.view.gen == r.gen
		r.mu.Unlock()
		if !same {
			return r.o.Disk.Remove(path)
		}
		if err := r.o.Disk.Rename(path, r.old.path); err != nil {
			return r.fail(r.op, err)
		}
		if err := r.o.Disk.SyncDir(r.dir); err != nil {
			return r.fail(r.op, err)
		}
		r.mu.Lock()
		i := slices.Index(r.segs, r.old)
		r.segs = slices.Clone(r.segs)
		r.segs[i] = &segment{birth: r.old.birth, path: r.old.path}
		r.view.gen++
		r.mu.Unlock()
		r.retire([]*segment{r.old})
		done = true
		return nil
	})
	return done, err
}
