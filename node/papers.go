package node

// Certificates returns the certificates in a node's folder, DER: the district's
// authority, then what this box shows in sessions, then its signing key's. A node
// may have the folder open. A folder that isn't enrolled is [fault.NotFound].
func Certificates(dir string) ([][]byte, error) {
	e, err := readEnrolment(dir)
	if err != nil {
		return nil, err
	}
	return [][]byte{e.CA, e.TLSCert, e.SigningCert}, nil
}
