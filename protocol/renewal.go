package protocol

import (
	"kendro/domain/fault"
	"kendro/identity"
)

// A CertificateAsk asks a server over kendro-enrol/1 what a renewal begins with, of a
// certificate that another box's union issued. Proof is the signature of an enrolled box's
// key over the rest.
type CertificateAsk struct {
	Slot   string `cbor:"1,keyasint"`
	Number string `cbor:"2,keyasint"` // Of the certificate.
	Mobile string `cbor:"3,keyasint"` // The last digits of the holder's mobile: he has told them.
	Proof  []byte `cbor:"4,keyasint,omitempty"`
}

// MobileDigits is how many digits of the holder's mobile a box has to name.
const MobileDigits = 4

func (a CertificateAsk) signed() []byte {
	a.Proof = nil
	return Marshal(&a)
}

// Sign proves which box asks.
func (a *CertificateAsk) Sign(s *identity.Signer) {
	a.Proof = s.Sign("kendro-predecessor-1", a.signed())
}

// Verify returns [fault.Denied] unless the box with this signing key asks.
func (a *CertificateAsk) Verify(signing []byte) error {
	if !identity.Verify(signing, "kendro-predecessor-1", a.signed(), a.Proof) {
		return fault.New("protocol.CertificateAsk", fault.Denied, clip(a.Slot), "the signature does not verify")
	}
	return nil
}

// A CertificateTold answers it: the application before, and the certificate's code.
type CertificateTold struct {
	Form      []byte `cbor:"1,keyasint"`
	Applicant []byte `cbor:"2,keyasint"`
	Code      string `cbor:"3,keyasint"` // The text of an attestation, signed by the server.
}
