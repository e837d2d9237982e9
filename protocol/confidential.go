package protocol

import (
	"encoding/binary"

	"kendro/domain/fault"
	"kendro/identity"
)

// A Confidential is a text that its box sealed to the district before it kept it: the
// box can't read it again, nor can whoever copies its disk or its log. Key names the
// district's key.
type Confidential struct {
	_      struct{} `cbor:",toarray"`
	Key    identity.KeyID
	Sealed []byte
}

// A Secret is what a Confidential holds: an application's answers and applicant, and why
// it was filed though one like it had been taken; or the words of an appeal.
type Secret struct {
	Form      []byte `cbor:"1,keyasint,omitempty"`
	Applicant []byte `cbor:"2,keyasint,omitempty"`
	Text      string `cbor:"3,keyasint,omitempty"`
}

const (
	secretPurpose = "kendro-confidential-1"
	secretGrain   = 1 << 10 // A sealed text is as long as a multiple of this, so that its length tells little.
	maxSecret     = 32 << 10
)

// Conceal seals a secret to a public sealing key. A secret longer than an event may
// be is [fault.Invalid].
func Conceal(public []byte, s *Secret) (*Confidential, error) {
	raw := Marshal(s)
	if len(raw) > maxSecret {
		return nil, fault.New("protocol.Conceal", fault.Invalid, "form", "longer than 32 KiB: shorten it")
	}
	padded := binary.BigEndian.AppendUint32(nil, uint32(len(raw)))
	padded = append(padded, raw...)
	if over := len(padded) % secretGrain; over > 0 {
		padded = append(padded, make([]byte, secretGrain-over)...)
	}
	sealed, err := identity.SealTo(public, secretPurpose, padded)
	if err != nil {
		return nil, err
	}
	return &Confidential{Key: identity.IDOf(public), Sealed: sealed}, nil
}

// Reveal opens a confidential text with whichever of the keys it was sealed to:
// [fault.NotFound] where it was sealed to none, [fault.Damaged] where it doesn't open.
func (c *Confidential) Reveal(keys []*identity.SealingKey) (*Secret, error) {
	const op = "protocol.Reveal"
	for _, k := range keys {
		if k.ID() != c.Key {
			continue
		}
		padded, err := k.Unseal(secretPurpose, c.Sealed)
		if err != nil {
			return nil, err
		}
		if len(padded) < 4 || int(binary.BigEndian.Uint32(padded)) > len(padded)-4 {
			return nil, fault.New(op, fault.Damaged, "sealed text", "it is shorter than it says")
		}
		s := &Secret{}
		if err := Unmarshal(padded[4:4+binary.BigEndian.Uint32(padded)], maxSecret, "sealed text", s); err != nil {
			return nil, &fault.Error{Op: op, Kind: fault.Damaged, Item: "sealed text", Err: err}
		}
		return s, nil
	}
	return nil, fault.New(op, fault.NotFound, "sealed text", "it was sealed to another key than the district's")
}
