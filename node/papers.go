package node

import (
	"bytes"
	"errors"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/node/box"
	"kendro/protocol"
	"kendro/store"
	"kendro/store/cabinet"
)

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

// Inspect reads the box's keys and its enrolment without changing anything. It
// returns how many of the two files are as written, and names what is wrong with
// the others. A node may have the folder open.
func Inspect(dir string) (good int, damage []string, err error) {
	k, keysErr := openKeyring(dir)
	e, enrolErr := readEnrolment(dir)
	for _, err := range []error{keysErr, enrolErr} {
		switch {
		case err == nil:
			good++
		case errors.Is(err, fault.Stopped):
			return good, damage, err
		default:
			damage = append(damage, err.Error())
		}
	}
	if len(damage) == 0 {
		if err := k.certifiedBy(&e); err != nil {
			damage = append(damage, filepath.Join(dir, enrolmentFile)+": "+err.Error())
		}
	}
	return good, damage, nil
}

// InspectDocuments reads the documents of a node that doesn't run, see
// [box.InspectDocuments].
func InspectDocuments(dir string, index *store.DB, vault *store.Vault) (good int, damage, notes []string, err error) {
	k, err := openKeyring(dir)
	if err != nil {
		return 0, nil, nil, err
	}
	return box.InspectDocuments(filepath.Join(dir, recordsFolder), index, cabinet.Options{Vault: vault, Secret: k.secrets.Blind[:]})
}

// certifiedBy makes sure that the enrolment is about these keys.
func (k *keyring) certifiedBy(e *protocol.Enrolment) error {
	authority, err := identity.ParseAuthority(e.CA)
	if err != nil {
		return err
	}
	public, _, err := authority.Signer(e.SigningCert)
	if err == nil && !bytes.Equal(public, k.signer.Public()) {
		err = errors.New("its certificate is for other keys than this box has")
	}
	return err
}
