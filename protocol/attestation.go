package protocol

import (
	"crypto/sha256"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"kendro/domain/digit"
	"kendro/domain/fault"
	"kendro/identity"
)

// An Attestation is what the code on a printed certificate says, signed by the machine
// that printed it: a box or a server of the district. Whoever has the district's authority
// can check it with no network. It names nobody: the holder stands in it as hashes.
type Attestation struct {
	_           struct{} `cbor:",toarray"`
	Number      string   // Of the certificate.
	Service     string
	Holders     [][16]byte // The holder's name in each spelling, see [HolderHash].
	Issued      int64      // Unix seconds.
	Expires     int64      // Its last second, Unix seconds.
	Provisional bool       // The district had not confirmed it.
	At          int64      // Unix seconds: when the machine last knew.
	Cert        []byte     // Certifies the signer, DER.
	Signature   []byte
}

// attestationPrefix begins the text of a code. The digits after V are the format.
const attestationPrefix = "KENDRO:V1:"

// maxAttestation bounds the text of a code: what the largest QR holds in such letters.
const maxAttestation = 4296

// maxSpellings bounds the spellings of a holder's name.
const maxSpellings = 4

func (a Attestation) signed() []byte {
	a.Signature = nil
	return Marshal(&a)
}

// Sign completes the attestation in the name of who holds the certificate.
func (a *Attestation) Sign(cert []byte, s *identity.Signer) {
	a.Cert = cert
	a.Signature = s.Sign(contextAttestation, a.signed())
}

// Text is the attestation as it stands in a code: letters that a QR packs closely.
func (a *Attestation) Text() string { return attestationPrefix + toBase45(Marshal(a)) }

// IsAttestation reports whether somebody who was asked for a number gave the text of a code.
func IsAttestation(s string) bool { return strings.HasPrefix(strings.TrimSpace(s), "KENDRO:V") }

// ParseAttestation reads the text of a code and believes nothing yet. What is none, or is of
// a later format, is [fault.Invalid].
func ParseAttestation(s string) (*Attestation, error) {
	const op = "protocol.ParseAttestation"
	body, ok := strings.CutPrefix(strings.Trim(s, "\r\n\t"), attestationPrefix)
	if !ok || len(s) > maxAttestation {
		return nil, fault.New(op, fault.Invalid, "code", "want the text of a certificate's code, which begins with "+attestationPrefix)
	}
	raw, err := fromBase45(body)
	if err != nil {
		return nil, err
	}
	a := &Attestation{}
	if err := Unmarshal(raw, maxAttestation, "code", a); err != nil {
		return nil, fault.Wrap(op, fault.Invalid, "code", err)
	}
	if a.Number == "" || len(a.Number) > MaxName || len(a.Service) > MaxName || len(a.Holders) > maxSpellings || len(a.Cert) > MaxCert {
		return nil, fault.New(op, fault.Invalid, "code", "number, service, names or certificate out of bounds")
	}
	return a, nil
}

// Verify returns who signed the attestation, or [fault.Denied] where that was no machine
// that the authority (DER) has certified.
func (a *Attestation) Verify(authority []byte) (identity.Subject, error) {
	known, err := identity.ParseAuthority(authority)
	if err != nil {
		return identity.Subject{}, err
	}
	public, who, err := known.Signer(a.Cert)
	if err != nil {
		return who, err
	}
	if !identity.Verify(public, contextAttestation, a.signed(), a.Signature) {
		return who, fault.New("protocol.Attestation", fault.Denied, clip(a.Number), "signature does not verify")
	}
	return who, nil
}

// IsHolder reports whether a name is the holder's, in one of its spellings.
func (a *Attestation) IsHolder(name string) bool {
	return slices.Contains(a.Holders, HolderHash(a.Number, name))
}

// HolderHash is how an attestation names a holder: the same for two spellings that differ
// in spaces, capitals or how letters are put together. The number is in it, so that the
// hashes of one person's two certificates differ.
func HolderHash(number, name string) [16]byte {
	plain := norm.NFC.String(strings.ToLower(strings.Join(strings.Fields(name), " ")))
	sum := sha256.Sum256([]byte("kendro-holder-1\x00" + number + "\x00" + plain))
	return [16]byte(sum[:16])
}

// ParseCertificateNumber reads the number of a certificate as people type it: Bangla digits,
// small letters, spaces. What can be none is [fault.Invalid].
func ParseCertificateNumber(s string) (string, error) {
	out := strings.Map(func(r rune) rune {
		switch r = digit.Latin(r); {
		case r >= 'a' && r <= 'z':
			return 'A' + r - 'a'
		case r == ' ' || r == '\u00a0':
			return -1
		case r == '–' || r == '‑' || r == '−': // What a word processor makes of a hyphen.
			return '-'
		}
		return r
	}, s)
	wrong := strings.ContainsFunc(out, func(r rune) bool { return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') })
	if out == "" || len(out) > MaxName || wrong {
		return "", fault.New("protocol.ParseCertificateNumber", fault.Invalid, clip(s), "want the number of a certificate, such as TL-41-09-17-000001")
	}
	return out, nil
}
