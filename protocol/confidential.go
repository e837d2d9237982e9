package protocol

import (
	"crypto/sha256"
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
// it was filed though one like it had been taken; or the words of an appeal or of a supplement.
type Secret struct {
	Form      []byte `cbor:"1,keyasint,omitempty"`
	Applicant []byte `cbor:"2,keyasint,omitempty"`
	Text      string `cbor:"3,keyasint,omitempty"`
}

const (
	secretPurpose = "kendro-confidential-1"
	secretGrain   = 1 << 10 // A sealed text is as long as a multiple of this, so that its length tells little.
	maxSecret     = 32 << 10

	documentPurpose = "kendro-confidential-document-1"
	documentGrain   = 16 << 10
)

// Conceal seals a secret to a public sealing key. A secret longer than an event may
// be is [fault.Invalid].
func Conceal(public []byte, s *Secret) (*Confidential, error) {
	raw := Marshal(s)
	if len(raw) > maxSecret {
		return nil, fault.New("protocol.Conceal", fault.Invalid, "form", "longer than 32 KiB: shorten it")
	}
	return conceal(public, secretPurpose, raw, secretGrain)
}

// ConcealDocument seals the content of a document to a public sealing key.
func ConcealDocument(public, content []byte) (*Confidential, error) {
	return conceal(public, documentPurpose, content, documentGrain)
}

// conceal seals bytes, as long as a multiple of the grain.
func conceal(public []byte, purpose string, raw []byte, grain int) (*Confidential, error) {
	padded := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(raw)+grain), uint32(len(raw)))
	padded = append(padded, raw...)
	if over := len(padded) % grain; over > 0 {
		padded = append(padded, make([]byte, grain-over)...)
	}
	sealed, err := identity.SealTo(public, purpose, padded)
	if err != nil {
		return nil, err
	}
	return &Confidential{Key: identity.IDOf(public), Sealed: sealed}, nil
}

// An Unsealer opens what was sealed to a public sealing key: the key all of it, an
// [identity.Opening] the one secret that it is of.
type Unsealer interface {
	Unseal(purpose string, sealed []byte) ([]byte, error)
}

// Name names what was sealed, by the bytes that stand for it.
func (c *Confidential) Name() Hash { return sha256.Sum256(Marshal(c)) }

// Reveal opens a confidential text: [fault.Damaged] where it doesn't open.
func (c *Confidential) Reveal(by Unsealer) (*Secret, error) {
	raw, err := c.reveal(by, secretPurpose)
	if err != nil {
		return nil, err
	}
	s := &Secret{}
	if err := Unmarshal(raw, maxSecret, "sealed text", s); err != nil {
		return nil, &fault.Error{Op: "protocol.Reveal", Kind: fault.Damaged, Item: "sealed text", Err: err}
	}
	return s, nil
}

// RevealDocument opens the content of a document, as [Confidential.Reveal] opens a text.
func (c *Confidential) RevealDocument(by Unsealer) ([]byte, error) {
	return c.reveal(by, documentPurpose)
}

func (c *Confidential) reveal(by Unsealer, purpose string) ([]byte, error) {
	padded, err := by.Unseal(purpose, c.Sealed)
	if err != nil {
		return nil, err
	}
	if len(padded) < 4 || int(binary.BigEndian.Uint32(padded)) > len(padded)-4 {
		return nil, fault.New("protocol.Reveal", fault.Damaged, "sealed text", "it is shorter than it says")
	}
	return padded[4 : 4+binary.BigEndian.Uint32(padded)], nil
}
