package hub

import "kendro/protocol"

// Attester returns what signs the code of a certificate in a server's name.
func Attester(h *Hub) func(*protocol.Attestation) {
	return func(a *protocol.Attestation) { a.Sign(h.keys.certs.Load().signing, h.keys.signer) }
}

// Receipts returns what signs in a server's name that a log of the hub's own holds an
// event.
func Receipts(h *Hub) func(protocol.LogID, protocol.Position) protocol.Receipt {
	return func(log protocol.LogID, at protocol.Position) protocol.Receipt {
		return protocol.SignReceipt(log, at, h.keys.signer)
	}
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
