package register

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strconv"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// A district's overlay lies on a national base (DOMAIN §7 row 31). Whoever publishes
// composes the two, so that versions are what they always were; the register keeps what
// the release was composed of, and that a base could not be put below the overlay. All of
// it is since format 4.

// A BlockedBase is the body of block-base, and what the register keeps of it: a national
// base over which the overlay in force says what it may not. The releases go on as they
// are until a release on that base or a later one is published.
type BlockedBase struct {
	Edition  int       `cbor:"1,keyasint"`
	Hash     dcat.Hash `cbor:"2,keyasint"` // Of the base's files.
	Findings []string  `cbor:"3,keyasint"`
	At       int64     `cbor:"4,keyasint,omitempty"` // Unix milliseconds; set by the register.
	By       string    `cbor:"5,keyasint,omitempty"` // As well.
}

// Bounds of what is kept of a base that is blocked.
const (
	maxBlockers = 100
	maxBlocker  = 1 << 10
)

// whence checks what a release says that it was composed of. A register that begins anew
// takes a release without it.
func (s press) whence(r *dcat.Release, sent []byte, anew bool) *protocol.Failure {
	if s.format < 4 || r.Base == 0 && len(r.Origin) == 0 {
		return nil
	}
	if r.Base < 1 || len(r.Origin) != sha256.Size {
		return refuse(fault.Invalid, "origin", "a release over a base names what it was composed of")
	}
	raw, hash := sent, dcat.Hash(r.Origin)
	if sha256.Sum256(raw) != hash {
		var ok bool
		if raw, ok = s.shelved(hash); !ok && anew {
			return nil
		} else if !ok {
			return refuse(fault.NotFound, "origin", "the release names an origin that is not here: send it along")
		}
	}
	o, err := catalogue.DecodeOrigin(raw)
	if err != nil || o.Base.Edition != r.Base {
		return refuse(fault.Invalid, "origin", "not the encoding of an origin on base "+strconv.Itoa(r.Base))
	}
	if o.District != s.world.founding.District {
		return refuse(fault.Invalid, clip(o.District, 64), "the overlay is another district's: this one is "+s.world.founding.District)
	}
	return nil
}

// block notes that a base can't be put below the overlay in force.
func (s press) block(c *Command) Result {
	b, f := body[BlockedBase](c)
	if f != nil {
		return Result{Fault: f}
	}
	if b.Edition < 1 || len(b.Findings) == 0 || len(b.Findings) > maxBlockers {
		return failed(fault.Invalid, string(c.Method), "want the edition of the base and 1 to "+strconv.Itoa(maxBlockers)+" findings")
	}
	if s.world.set == nil || s.world.set.Release.Base == 0 {
		return failed(fault.Conflict, "overlay", "no overlay is in force that a base could not lie below")
	}
	for i, text := range b.Findings {
		b.Findings[i] = clip(text, maxBlocker)
	}
	b.At, b.By = s.meta.At, c.Actor
	s.put(key(tagBlocked), &b)
	return Result{}
}

// unblock forgets a blocked base once a release lies on it or on a later one, or no
// overlay is in force.
func (s press) unblock(r *dcat.Release) {
	b := &BlockedBase{}
	if s.format > 3 && s.get(key(tagBlocked), b) && (r.Base == 0 || r.Base >= b.Edition) {
		s.del(key(tagBlocked))
	}
}

// Blocked returns the national base that the overlay in force keeps out, nil without one.
func (r Logs) Blocked() (*BlockedBase, error) {
	var out *BlockedBase
	err := r.base.View(func(v View) error {
		b := &BlockedBase{}
		ok, err := readInto(v, key(tagBlocked), b)
		if ok {
			out = b
		}
		return err
	})
	return out, err
}

// Origin returns what the release in force was composed of, nil where it is no district's
// overlay on a base.
func (r Logs) Origin() (*dcat.Origin, error) {
	w := r.world.Load()
	if w.set == nil || len(w.set.Release.Origin) == 0 {
		return nil, nil
	}
	hash := protocol.Hash(w.set.Release.Origin)
	seq, ok := r.Shelved(hash)
	if !ok {
		return nil, nil // The district began anew, and no box brought it.
	}
	raw, err := r.LogEvent(w.shelf(), seq)
	if err != nil {
		return nil, err
	}
	e, err := protocol.DecodeEvent(raw)
	if sum := sha256.Sum256(e.Payload); err != nil || !bytes.Equal(sum[:], hash[:]) {
		return nil, fault.New("register.Origin", fault.Damaged, hash.String(), "the origin of the release in force can't be read")
	}
	return catalogue.DecodeOrigin(e.Payload)
}

// Bounds returns the encoding of what its base lets the district of a release change: not nil, and
// empty where the release names none or the register that it came from is no more.
func (r Logs) Bounds(of *dcat.Release) ([]byte, error) {
	raw := []byte{}
	if len(of.Bounds) == 0 {
		return raw, nil
	}
	err := r.base.View(func(v View) error {
		kept, err := v.Get(sideKey(sideBounds, of.Bounds))
		if errors.Is(err, fault.NotFound) {
			return nil
		}
		raw = append(raw, kept...)
		return err
	})
	return raw, err
}
