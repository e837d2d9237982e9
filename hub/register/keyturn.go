package register

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
)

// A Rotation is the body of rotate-gossip.
type Rotation struct {
	Upazila   place.Code `cbor:"1,keyasint"`
	GossipKey []byte     `cbor:"2,keyasint"` // 32 fresh random bytes; used if the next key is to be announced.
}

// A KeyTurn is where an upazila stands between one gossip key and the next. There
// are two steps: a next key is announced, and every box that hears of it understands
// it; then it is used, and the one before is still understood until the next is
// announced. A revocation takes neither step: from then on one fresh key counts.
type KeyTurn struct {
	Next     []byte `cbor:"1,keyasint,omitempty"`
	Previous []byte `cbor:"2,keyasint,omitempty"`
	Since    int64  `cbor:"3,keyasint"` // Unix milliseconds of the last step.
}

// A KeyStep is the answer to rotate-gossip: which step was taken.
type KeyStep struct {
	Used bool `cbor:"1,keyasint,omitempty"` // The announced key is used; else a next one is announced.
}

// others are the keys that are understood beside the one in use.
func (t *KeyTurn) others() (keys [][]byte) {
	for _, k := range [][]byte{t.Next, t.Previous} {
		if k != nil {
			keys = append(keys, bytes.Clone(k))
		}
	}
	return keys
}

// rotateGossip takes the next step in an upazila.
func (s fleet) rotateGossip(c *Command) Result {
	b, f := body[Rotation](c)
	if f != nil {
		return Result{Fault: f}
	}
	if len(b.GossipKey) != 32 {
		return failed(fault.Invalid, clip(string(b.Upazila), 64), "want a fresh gossip key of 32 bytes")
	}
	used, ok := s.raw(key(tagGossip, []byte(b.Upazila)))
	if !ok {
		return failed(fault.NotFound, clip(string(b.Upazila), 64), "no box was enrolled in this upazila")
	}
	t := KeyTurn{}
	s.get(key(tagKeyTurn, []byte(b.Upazila)), &t)
	if t.Next == nil {
		t = KeyTurn{Next: b.GossipKey, Since: s.meta.At}
	} else {
		next := t.Next
		t = KeyTurn{Previous: bytes.Clone(used), Since: s.meta.At}
		s.set(key(tagGossip, []byte(b.Upazila)), next)
	}
	s.put(key(tagKeyTurn, []byte(b.Upazila)), &t)
	s.settings(b.Upazila)
	return done(&KeyStep{Used: t.Next == nil})
}

// endKeyTurn lets one key count and no other.
func (s fleet) endKeyTurn(upazila place.Code) {
	if k := key(tagKeyTurn, []byte(upazila)); s.has(k) {
		s.put(k, &KeyTurn{Since: s.meta.At})
	}
}

// KeyTurns returns where every upazila with boxes stands, by its code. One that has
// never taken a step counts from when its first box was enrolled.
func (r Machines) KeyTurns() (map[place.Code]KeyTurn, error) {
	turns := map[place.Code]KeyTurn{}
	boxes := r.world.Load().boxes()
	slices.SortFunc(boxes, func(a, b *Node) int { return cmp.Compare(a.EnrolledAt, b.EnrolledAt) })
	for _, n := range boxes {
		up := n.Centre.Upazila()
		if _, ok := turns[up]; ok {
			continue
		}
		t, err := find[KeyTurn](r.state, "KeyTurn", key(tagKeyTurn, []byte(up)), string(up))
		switch {
		case errors.Is(err, fault.NotFound):
			turns[up] = KeyTurn{Since: n.EnrolledAt}
		case err != nil:
			return nil, err
		default:
			turns[up] = *t
		}
	}
	return turns, nil
}

// tellKeys adds the keys that are understood to what the boxes of an upazila hear.
func (s fleet) tellKeys(told *protocol.Contacts, upazila place.Code) {
	t := KeyTurn{}
	if s.get(key(tagKeyTurn, []byte(upazila)), &t) {
		told.OtherKeys = t.others()
	}
}
