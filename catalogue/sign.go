package catalogue

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// signContext keeps a release's signature from being taken for any other.
const signContext = "kendro/catalogue-release/1\x00"

// A Signed release is what travels: the bytes that were signed, by whom, and
// the Ed25519 signature over signContext and those bytes.
type Signed struct {
	Body      []byte `cbor:"1,keyasint" json:"body"`
	Key       []byte `cbor:"2,keyasint" json:"key"`
	Signature []byte `cbor:"3,keyasint" json:"signature"`
}

// Sign encodes a release and signs it with the catalogue's key.
func Sign(r *dcat.Release, key ed25519.PrivateKey) (Signed, error) {
	body, err := EncodeRelease(r)
	if err != nil {
		return Signed{}, err
	}
	return seal("catalogue.Sign", signContext, body, key)
}

// Open returns the release if the trusted key signed it. It fails with
// [fault.Denied] when another key did, [fault.Damaged] when the signature does
// not fit the bytes, and [fault.Invalid] when the bytes are no release.
func (s Signed) Open(trusted ed25519.PublicKey) (*dcat.Release, error) {
	if err := s.unseal("catalogue.Open", signContext, trusted, MaxRelease); err != nil {
		return nil, err
	}
	return DecodeRelease(s.Body)
}

// seal signs a body under a context that keeps the signature from being taken for any
// other.
func seal(op, context string, body []byte, key ed25519.PrivateKey) (Signed, error) {
	if len(key) != ed25519.PrivateKeySize {
		return Signed{}, fault.New(op, fault.Internal, "", "want an Ed25519 private key")
	}
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return Signed{}, fault.New(op, fault.Internal, "", "the key has no public half")
	}
	return Signed{Body: body, Key: public, Signature: ed25519.Sign(key, append([]byte(context), body...))}, nil
}

// unseal fails as Open does.
func (s Signed) unseal(op, context string, trusted ed25519.PublicKey, limit int) error {
	if len(trusted) != ed25519.PublicKeySize || !bytes.Equal(s.Key, trusted) {
		return fault.New(op, fault.Denied, fmt.Sprintf("%.16x", s.Key), "not signed by the catalogue's key; ask the hub for its current one")
	}
	if len(s.Body) > limit || !ed25519.Verify(trusted, append([]byte(context), s.Body...), s.Signature) {
		return fault.New(op, fault.Damaged, "", "the signature does not fit what it is for")
	}
	return nil
}
