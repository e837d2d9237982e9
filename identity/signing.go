package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"kendro/domain/fault"
)

// KeyID names a public key: the first eight bytes of its SHA-256.
type KeyID [8]byte

func (k KeyID) String() string { return hex.EncodeToString(k[:]) }

// ParseKeyID reads what [KeyID.String] wrote, else [fault.Invalid].
func ParseKeyID(s string) (KeyID, error) {
	var k KeyID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(k) {
		return k, fault.New("identity.ParseKeyID", fault.Invalid, s, "want the 16 hexadecimal digits of a key's name")
	}
	return KeyID(b), nil
}

// IDOf returns the name of a public key given as bytes.
func IDOf(public []byte) KeyID {
	sum := sha256.Sum256(public)
	return KeyID(sum[:8])
}

// SignatureSize is the length of every signature in bytes (Ed25519, RFC 8032).
const SignatureSize = ed25519.SignatureSize

// A Signer makes signatures in the name of one machine. It is safe for
// concurrent use.
type Signer struct {
	private ed25519.PrivateKey
	id      KeyID
}

// NewSigner draws a fresh signing key.
func NewSigner() *Signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic("identity: the system's random source failed: " + err.Error())
	}
	return signerOf(private)
}

// SignerFromSeed returns the signer of a 32-byte seed, as [Signer.Seed] gave it.
// Another length is [fault.Damaged].
func SignerFromSeed(seed []byte) (*Signer, error) {
	if len(seed) != ed25519.SeedSize {
		return nil, fault.New("identity.SignerFromSeed", fault.Damaged, "signing key", "want a seed of 32 bytes")
	}
	return signerOf(ed25519.NewKeyFromSeed(seed)), nil
}

func signerOf(private ed25519.PrivateKey) *Signer {
	public := private.Public().(ed25519.PublicKey)
	return &Signer{private: private, id: IDOf(public)}
}

// ID names the signer's public key.
func (s *Signer) ID() KeyID { return s.id }

// Public returns the 32-byte public key.
func (s *Signer) Public() []byte { return s.private.Public().(ed25519.PublicKey) }

// Seed returns the secret that [SignerFromSeed] takes.
func (s *Signer) Seed() []byte { return s.private.Seed() }

// Private returns the key in the standard library's type, for X.509.
func (s *Signer) Private() ed25519.PrivateKey { return s.private }

// Sign signs message in a context, such as "kendro-receipt-1": a signature made
// in one context never verifies in another.
func (s *Signer) Sign(context string, message []byte) []byte {
	return ed25519.Sign(s.private, inContext(context, message))
}

// Verify reports whether signature is public's signature of message in context.
// Malformed keys and signatures are simply false.
func Verify(public []byte, context string, message, signature []byte) bool {
	if len(public) != ed25519.PublicKeySize || len(signature) != SignatureSize {
		return false
	}
	return ed25519.Verify(public, inContext(context, message), signature)
}

// inContext prefixes the message with its context and a zero byte; a context
// holds no zero byte, so no two pairs give the same bytes.
func inContext(context string, message []byte) []byte {
	out := make([]byte, 0, len(context)+1+len(message))
	out = append(out, context...)
	out = append(out, 0)
	return append(out, message...)
}
