package identity

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/mlkem"
	"crypto/sha3"

	"kendro/domain/fault"
)

// An Opening is what a sealing key answers for one secret that was sealed to it: whoever
// has it opens that secret, and nothing else. So a key can be thrown away, and what was
// sealed to it is read on. It is as secret as what it opens.
//
// What a key answers are the two shared secrets of the hybrid; everything behind them is
// crypto/hpke's, which takes a key in hardware in the same way.
type Opening []byte

const (
	sharedSize = mlkem.SharedKeySize // Of either half.
	curveSize  = 32                  // Of a public key of X25519.
	openSize   = 2*sharedSize + curveSize
	encapsSize = mlkem.CiphertextSize768 + curveSize // What a sealed secret begins with.
)

// Opening returns what opens a secret that [SealTo] sealed to k. One that is shorter than
// any is [fault.Damaged]; that it does open, the caller has to try.
func (k *SealingKey) Opening(sealed []byte) (Opening, error) {
	const op = "identity.Opening"
	if len(sealed) < encapsSize {
		return nil, fault.New(op, fault.Damaged, "sealed secret", "it is too short")
	}
	pq, t, err := halves(k.Bytes())
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Internal, Item: k.id.String(), Err: err}
	}
	first, err := pq.Decapsulate(sealed[:mlkem.CiphertextSize768])
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Damaged, Item: "sealed secret", Err: err}
	}
	theirs, err := t.Curve().NewPublicKey(sealed[mlkem.CiphertextSize768:encapsSize])
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Damaged, Item: "sealed secret", Err: err}
	}
	second, err := t.ECDH(theirs)
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Damaged, Item: "sealed secret", Err: err}
	}
	return bytes.Join([][]byte{first, second, t.PublicKey().Bytes()}, nil), nil
}

// halves are the two private keys of a hybrid's seed, as draft-ietf-hpke-pq expands it.
func halves(seed []byte) (*mlkem.DecapsulationKey768, *ecdh.PrivateKey, error) {
	expanded := sha3.SumSHAKE256(seed, mlkem.SeedSize+curveSize)
	pq, err := mlkem.NewDecapsulationKey768(expanded[:mlkem.SeedSize])
	if err != nil {
		return nil, nil, err
	}
	t, err := ecdh.X25519().NewPrivateKey(expanded[mlkem.SeedSize:])
	return pq, t, err
}

// Unseal opens the one secret that the opening is of, sealed for the same purpose, else
// [fault.Damaged].
func (o Opening) Unseal(purpose string, sealed []byte) ([]byte, error) {
	const op = "identity.Unseal"
	if len(o) != openSize {
		return nil, fault.New(op, fault.Damaged, "opening", "it has another length")
	}
	public, err := ecdh.X25519().NewPublicKey(o[2*sharedSize:])
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Damaged, Item: "opening", Err: err}
	}
	pq, err := mlkem.NewDecapsulationKey768(make([]byte, mlkem.SeedSize)) // Any: hpke asks for its type alone.
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Internal, Item: "opening", Err: err}
	}
	key, err := hpke.NewHybridPrivateKey(&knownSecret{pq.EncapsulationKey(), o[:sharedSize]}, &knownExchange{public, o[sharedSize : 2*sharedSize]})
	if err != nil {
		return nil, &fault.Error{Op: op, Kind: fault.Internal, Item: "opening", Err: err}
	}
	secret, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(purpose), sealed)
	return secret, fault.Wrap(op, fault.Damaged, purpose, err)
}

// A knownSecret answers for the lattice half of a key.
type knownSecret struct {
	public *mlkem.EncapsulationKey768
	shared []byte
}

func (k *knownSecret) Encapsulator() crypto.Encapsulator { return k.public }

func (k *knownSecret) Decapsulate([]byte) ([]byte, error) { return bytes.Clone(k.shared), nil }

// A knownExchange answers for the curve's half.
type knownExchange struct {
	public *ecdh.PublicKey
	shared []byte
}

func (k *knownExchange) PublicKey() *ecdh.PublicKey { return k.public }

func (k *knownExchange) Curve() ecdh.Curve { return ecdh.X25519() }

func (k *knownExchange) ECDH(*ecdh.PublicKey) ([]byte, error) { return bytes.Clone(k.shared), nil }
