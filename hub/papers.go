package hub

import "kendro/protocol"

// Attester returns what signs the code of a certificate in a server's name.
func Attester(h *Hub) func(*protocol.Attestation) {
	return func(a *protocol.Attestation) { a.Sign(h.keys.certs.Load().signing, h.keys.signer) }
}

// Certificates returns the certificates in a server's folder, DER: the district's
// authority, then what this server shows in sessions, then its signing key's. A
// server may have the folder open. A folder without a server is [fault.NotFound].
func Certificates(dir string) ([][]byte, error) {
	k, err := loadKeys(dir)
	if err != nil {
		return nil, err
	}
	return [][]byte{k.Authority, k.TLSCert, k.SigningCert}, nil
}
