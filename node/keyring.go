package node

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
)

// Files of a node's folder.
const (
	keysFile      = "keys.box"
	enrolmentFile = "enrolment.box"
	ballastFile   = "ballast"
	recordsFolder = "records"
)

// A keyring is what this box alone knows. Nothing of it ever leaves the box.
type keyring struct {
	signer  *identity.Signer
	tls     *identity.Signer
	sealing *identity.SealingKey
	secrets secrets
}

// Secrets are random bytes with one use each.
type secrets struct {
	_        struct{} `cbor:",toarray"`
	Sessions [32]byte // Signs bearer tokens.
	Blind    [32]byte // Blinds keys of the index.
	Reset    [32]byte // QUIC's stateless reset.
}

// keptKeys is the keyring on disk.
type keptKeys struct {
	_       struct{} `cbor:",toarray"`
	Signing []byte
	TLS     []byte
	Sealing []byte
	Secrets secrets
}

// maxKept bounds a file of the node's folder.
const maxKept = 256 << 10

// openKeyring reads the box's keys. Without any it is [fault.NotFound].
func openKeyring(dir string) (*keyring, error) {
	var kept keptKeys
	if err := readKept(filepath.Join(dir, keysFile), &kept); err != nil {
		return nil, err
	}
	k := &keyring{secrets: kept.Secrets}
	var err error
	if k.signer, err = identity.SignerFromSeed(kept.Signing); err != nil {
		return nil, err
	}
	if k.tls, err = identity.SignerFromSeed(kept.TLS); err != nil {
		return nil, err
	}
	k.sealing, err = identity.SealingKeyFromBytes(kept.Sealing)
	return k, err
}

// makeKeyring returns the box's keys, drawing them first where there are none.
// They are on the disk before it returns.
func makeKeyring(dir string) (*keyring, error) {
	k, err := openKeyring(dir)
	if !errors.Is(err, fault.NotFound) {
		return k, err
	}
	k = &keyring{signer: identity.NewSigner(), tls: identity.NewSigner(), sealing: identity.NewSealingKey()}
	for _, s := range []*[32]byte{&k.secrets.Sessions, &k.secrets.Blind, &k.secrets.Reset} {
		if _, err := rand.Read(s[:]); err != nil {
			return nil, &fault.Error{Op: "node.Enrol", Kind: fault.Internal, Err: err}
		}
	}
	err = writeKept(filepath.Join(dir, keysFile), &keptKeys{
		Signing: k.signer.Seed(), TLS: k.tls.Seed(), Sealing: k.sealing.Bytes(), Secrets: k.secrets,
	})
	return k, err
}

// certificate joins the enrolment's TLS certificate with its key.
func (k *keyring) certificate(e *protocol.Enrolment) tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{e.TLSCert, e.CA}, PrivateKey: k.tls.Private()}
}

// writeKept writes v with its SHA-256 in front, readable by the daemon's user
// alone, whole or not at all.
func writeKept(name string, v any) error {
	body := protocol.Marshal(v)
	sum := sha256.Sum256(body)
	return store.WriteFileAtomic(name, append(sum[:], body...), 0o600)
}

// readKept reads what writeKept wrote: [fault.NotFound] without a file,
// [fault.Damaged] for other bytes.
func readKept(name string, v any) error {
	const op = "node.Open"
	b, err := os.ReadFile(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &fault.Error{Op: op, Kind: fault.NotFound, Item: name, Err: err}
	case err != nil:
		return &fault.Error{Op: op, Kind: fault.Stopped, Item: name, Err: err}
	}
	if len(b) < sha256.Size || len(b) > maxKept {
		return fault.New(op, fault.Damaged, name, "has an impossible length: restore the file from a copy, or enrol the box again")
	}
	sum := sha256.Sum256(b[sha256.Size:])
	if !bytes.Equal(sum[:], b[:sha256.Size]) || protocol.Unmarshal(b[sha256.Size:], maxKept, name, v) != nil {
		return fault.New(op, fault.Damaged, name, "is not what was written: restore the file from a copy, or enrol the box again")
	}
	return nil
}
