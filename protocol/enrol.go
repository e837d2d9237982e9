package protocol

import (
	"encoding/base64"
	"strings"

	"kendro/domain/fault"
	"kendro/identity"
)

// A JoinToken lets one machine enrol once (kendro token create). It is a secret.
type JoinToken struct {
	Servers []string      `cbor:"1,keyasint"` // QUIC addresses, host:port.
	CAHash  Hash          `cbor:"2,keyasint"` // SHA-256 of the district's authority certificate.
	Role    identity.Role `cbor:"3,keyasint"`
	Centre  string        `cbor:"4,keyasint,omitempty"` // Of a node.
	Nonce   [16]byte      `cbor:"5,keyasint"`           // Burnt through Raft when used.
	Expires int64         `cbor:"6,keyasint"`           // Unix seconds.
}

const tokenPrefix = "kendro-join-1." //nolint:gosec // A prefix, not a secret.

// Encode returns the token as one line of text.
func (t *JoinToken) Encode() string {
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(Marshal(t))
}

// ParseJoinToken reads what Encode wrote, else [fault.Invalid].
func ParseJoinToken(s string) (JoinToken, error) {
	var t JoinToken
	bad := fault.New("protocol.ParseJoinToken", fault.Invalid, "token", "not a join token: copy the whole line that kendro token create printed")
	s = strings.TrimSpace(s)
	rest, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok || len(s) > MaxToken {
		return t, bad
	}
	b, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil || Unmarshal(b, MaxToken, "token", &t) != nil || len(t.Servers) == 0 || len(t.Servers) > MaxAddresses {
		return t, bad
	}
	return t, nil
}

// An EnrolRequest is what a new machine sends over kendro-enrol/1. The keys are
// public halves; Proof is the new signing key's signature over the rest, so that
// nobody enrols a key that isn't his.
type EnrolRequest struct {
	Token   JoinToken `cbor:"1,keyasint"`
	Signing []byte    `cbor:"2,keyasint"`
	TLS     []byte    `cbor:"3,keyasint"`
	Sealing []byte    `cbor:"4,keyasint"`
	// Address is where a server listens (QUIC), or a node gossips; may be empty for a node.
	Address string `cbor:"5,keyasint,omitempty"`
	HTTP    string `cbor:"6,keyasint,omitempty"`
	Voter   bool   `cbor:"7,keyasint,omitempty"`
	Proof   []byte `cbor:"8,keyasint,omitempty"`
}

func (r EnrolRequest) signed() []byte {
	r.Proof = nil
	return Marshal(&r)
}

// Sign proves possession of the signing key.
func (r *EnrolRequest) Sign(s *identity.Signer) { r.Proof = s.Sign("kendro-enrol-1", r.signed()) }

// Verify returns [fault.Denied] unless the request proves its signing key.
func (r *EnrolRequest) Verify() error {
	if !identity.Verify(r.Signing, "kendro-enrol-1", r.signed(), r.Proof) {
		return fault.New("protocol.EnrolRequest", fault.Denied, r.Token.Centre, "proof of the signing key does not verify")
	}
	return nil
}

// An Enrolment is the hub's answer: all that the machine needs to work, then and
// after years without a link.
type Enrolment struct {
	Country     string   `cbor:"1,keyasint"`
	District    string   `cbor:"2,keyasint"`
	ID          string   `cbor:"3,keyasint"`           // The centre of a node, the server ID of a server.
	Slot        string   `cbor:"4,keyasint,omitempty"` // Four digits; a node's receive numbers begin with it.
	Spare       string   `cbor:"5,keyasint,omitempty"` // A second slot.
	CA          []byte   `cbor:"6,keyasint"`           // The authority's certificate.
	TLSCert     []byte   `cbor:"7,keyasint"`
	SigningCert []byte   `cbor:"8,keyasint"`
	Recipients  [][]byte `cbor:"9,keyasint"`            // Public sealing keys: the district's and the nation's recovery key.
	Catalogue   []byte   `cbor:"10,keyasint"`           // Public key that signs releases.
	Secrets     []byte   `cbor:"11,keyasint,omitempty"` // A server's share of the district's keys, sealed to it.
	Logs        []LogID  `cbor:"12,keyasint,omitempty"` // A node's inbox and the catalogue.
	Servers     []string `cbor:"13,keyasint,omitempty"`

	SealingAt int64 `cbor:"75,keyasint,omitempty"` // When Recipients were those of the district, by its register, Unix milliseconds; 0 before its key first turned.
}

// A RenewRequest asks for new certificates over kendro-enrol/1, for keys that are
// enrolled. It needs no certificate that is still valid: Proof is the signing key's
// signature over the rest.
type RenewRequest struct {
	Slot    string `cbor:"1,keyasint"`
	Signing []byte `cbor:"2,keyasint"` // Public keys.
	TLS     []byte `cbor:"3,keyasint"`
	TLSCert []byte `cbor:"4,keyasint"` // The certificate that ends.
	Proof   []byte `cbor:"5,keyasint,omitempty"`
}

func (r RenewRequest) signed() []byte {
	r.Proof = nil
	return Marshal(&r)
}

// Sign proves possession of the signing key.
func (r *RenewRequest) Sign(s *identity.Signer) { r.Proof = s.Sign("kendro-renew-1", r.signed()) }

// Verify returns [fault.Denied] unless the request proves its signing key.
func (r *RenewRequest) Verify() error {
	if !identity.Verify(r.Signing, "kendro-renew-1", r.signed(), r.Proof) {
		return fault.New("protocol.RenewRequest", fault.Denied, r.Slot, "proof of the signing key does not verify")
	}
	return nil
}

// A Renewal answers it.
type Renewal struct {
	TLSCert     []byte `cbor:"1,keyasint"`
	SigningCert []byte `cbor:"2,keyasint"`
}
