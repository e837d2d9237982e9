package identity

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hpke"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"sync/atomic"

	"kendro/domain/fault"
)

// A SealingKey opens what was sealed to its owner. It is the hybrid of
// ML-KEM-768 and X25519 (draft-ietf-hpke-pq), so that it holds as long as
// either does. It is safe for concurrent use.
type SealingKey struct {
	private hpke.PrivateKey
	public  []byte
	id      KeyID
}

// NewSealingKey draws a fresh sealing key.
func NewSealingKey() *SealingKey {
	private, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		panic("identity: the system's random source failed: " + err.Error())
	}
	return sealingKeyOf(private)
}

// SealingKeyFromBytes returns the key that [SealingKey.Bytes] wrote. Other bytes
// are [fault.Damaged].
func SealingKeyFromBytes(b []byte) (*SealingKey, error) {
	private, err := hpke.MLKEM768X25519().NewPrivateKey(b)
	if err != nil {
		return nil, &fault.Error{Op: "identity.SealingKeyFromBytes", Kind: fault.Damaged, Item: "sealing key", Err: err}
	}
	return sealingKeyOf(private), nil
}

func sealingKeyOf(private hpke.PrivateKey) *SealingKey {
	public := private.PublicKey().Bytes()
	return &SealingKey{private: private, public: public, id: IDOf(public)}
}

// ID names the public half.
func (k *SealingKey) ID() KeyID { return k.id }

// Public returns the public half, 1,216 bytes.
func (k *SealingKey) Public() []byte { return k.public }

// Bytes returns the secret that [SealingKeyFromBytes] takes.
func (k *SealingKey) Bytes() []byte {
	b, err := k.private.Bytes()
	if err != nil {
		panic("identity: a sealing key cannot be written: " + err.Error())
	}
	return b
}

// CheckSealing returns [fault.Invalid] unless public is a public sealing key.
func CheckSealing(public []byte) error {
	_, err := hpke.MLKEM768X25519().NewPublicKey(public)
	return fault.Wrap("identity.CheckSealing", fault.Invalid, "public sealing key", err)
}

// SealTo seals a short secret to a public sealing key; purpose binds it to its use.
func SealTo(public []byte, purpose string, secret []byte) ([]byte, error) {
	pk, err := hpke.MLKEM768X25519().NewPublicKey(public)
	if err != nil {
		return nil, &fault.Error{Op: "identity.SealTo", Kind: fault.Invalid, Item: "public sealing key", Err: err}
	}
	sealed, err := hpke.Seal(pk, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(purpose), secret)
	return sealed, fault.Wrap("identity.SealTo", fault.Internal, purpose, err)
}

// Unseal opens what [SealTo] sealed to k for the same purpose, else
// [fault.Damaged].
func (k *SealingKey) Unseal(purpose string, sealed []byte) ([]byte, error) {
	secret, err := hpke.Open(k.private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(purpose), sealed)
	return secret, fault.Wrap("identity.Unseal", fault.Damaged, purpose, err)
}

// EpochID names an epoch; it is random.
type EpochID [16]byte

func (id EpochID) String() string { return hex.EncodeToString(id[:]) }

// A Wrap is an epoch's key sealed to one recipient.
type Wrap struct {
	_         struct{} `cbor:",toarray"`
	Recipient KeyID
	Sealed    []byte
}

const (
	epochPurpose = "kendro-epoch-1 "
	epochKeySize = 32
	nonceSize    = 12
)

// An Epoch is the sealing key of one process run. It lives in memory only; a
// restart draws another, so that no (key, nonce) pair can ever repeat, not even
// on a box restored from a backup. It is safe for concurrent use.
type Epoch struct {
	id      EpochID
	wraps   []Wrap
	aead    cipher.AEAD
	counter atomic.Uint64
}

// NewEpoch draws an epoch and wraps its key to every recipient, given as public
// sealing keys. A malformed recipient is [fault.Invalid].
func NewEpoch(recipients ...[]byte) (*Epoch, error) {
	e := &Epoch{}
	key := make([]byte, epochKeySize)
	if _, err := rand.Read(e.id[:]); err != nil {
		return nil, &fault.Error{Op: "identity.NewEpoch", Kind: fault.Internal, Err: err}
	}
	if _, err := rand.Read(key); err != nil {
		return nil, &fault.Error{Op: "identity.NewEpoch", Kind: fault.Internal, Err: err}
	}
	for _, public := range recipients {
		sealed, err := SealTo(public, epochPurpose+string(e.id[:]), key)
		if err != nil {
			return nil, err
		}
		e.wraps = append(e.wraps, Wrap{Recipient: IDOf(public), Sealed: sealed})
	}
	e.aead = newAEAD(key)
	return e, nil
}

// ID names the epoch.
func (e *Epoch) ID() EpochID { return e.id }

// Wraps returns the epoch's key, sealed once for each recipient.
func (e *Epoch) Wraps() []Wrap { return e.wraps }

// Next reserves the counter of the next sealing, so that it can be part of what
// is authenticated.
func (e *Epoch) Next() uint64 { return e.counter.Add(1) }

// Seal appends plaintext, sealed under a counter from [Epoch.Next], to dst. A
// counter may be used once.
func (e *Epoch) Seal(dst []byte, counter uint64, plaintext, associated []byte) []byte {
	return e.aead.Seal(dst, nonce(counter), plaintext, associated)
}

// An EpochKey opens what was sealed in one epoch. It is safe for concurrent use.
type EpochKey struct{ aead cipher.AEAD }

// OpenWrap opens the wrap that is addressed to k. No such wrap is
// [fault.NotFound]; one that does not open is [fault.Damaged].
func OpenWrap(k *SealingKey, id EpochID, wraps []Wrap) (*EpochKey, error) {
	for _, w := range wraps {
		if w.Recipient != k.id {
			continue
		}
		key, err := k.Unseal(epochPurpose+string(id[:]), w.Sealed)
		if err != nil {
			return nil, err
		}
		if len(key) != epochKeySize {
			return nil, fault.New("identity.OpenWrap", fault.Damaged, id.String(), "epoch key has another length than 32 bytes")
		}
		return &EpochKey{aead: newAEAD(key)}, nil
	}
	return nil, fault.New("identity.OpenWrap", fault.NotFound, id.String(), "epoch was not sealed to key "+k.id.String())
}

// Open opens one body, else [fault.Damaged].
func (k *EpochKey) Open(counter uint64, sealed, associated []byte) ([]byte, error) {
	plain, err := k.aead.Open(nil, nonce(counter), sealed, associated)
	return plain, fault.Wrap("identity.Open", fault.Damaged, "sealed body", err)
}

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("identity: " + err.Error()) // The length is ours.
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("identity: " + err.Error())
	}
	return aead
}

func nonce(counter uint64) []byte {
	n := make([]byte, nonceSize)
	binary.BigEndian.PutUint64(n[nonceSize-8:], counter)
	return n
}
