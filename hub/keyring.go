package hub

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// The files that hold keys, each 0600.
const (
	keyringFile  = "server.key"    // Everything a server is and holds,
	secondFile   = "server.key.2"  // and once more, for a sector that can't be read.
	recoveryFile = "recovery.key"  // The nation's recovery key; to be taken away.
	releaseFile  = "catalogue.key" // The key that signs releases.
	genesisFile  = "genesis"       // What the first server proposes before anything else.
)

const maxKeyring = 256 << 10

// A keyring is what a server is and holds. It is written when the server is founded or
// joins, when its certificates are renewed and when the district's sealing key turns.
type keyring struct {
	Country     string          `cbor:"1,keyasint"`
	District    string          `cbor:"2,keyasint"`
	ID          string          `cbor:"3,keyasint"`
	Founder     bool            `cbor:"4,keyasint"` // It begins the group.
	Voter       bool            `cbor:"5,keyasint"`
	Authority   []byte          `cbor:"6,keyasint"` // Certificate.
	SigningSeed []byte          `cbor:"7,keyasint"`
	SigningCert []byte          `cbor:"8,keyasint"`
	TLSSeed     []byte          `cbor:"9,keyasint"`
	TLSCert     []byte          `cbor:"10,keyasint"`
	SealingKey  []byte          `cbor:"11,keyasint"`
	Recipients  [][]byte        `cbor:"12,keyasint"` // Public sealing keys, the district's first.
	Catalogue   []byte          `cbor:"13,keyasint"` // Public key that signs releases.
	Servers     []string        `cbor:"14,keyasint"` // Where the group listened when this was written.
	Secrets     districtSecrets `cbor:"15,keyasint"`
}

// districtSecrets is what all servers of a district share. It reaches a joining
// server sealed to that server's own key.
type districtSecrets struct {
	AuthoritySeed []byte   `cbor:"1,keyasint"`
	SealingKeys   [][]byte `cbor:"2,keyasint"` // Every generation, the newest first.
	CatalogueSeed []byte   `cbor:"3,keyasint,omitempty"`
	TimeZone      string   `cbor:"4,keyasint,omitempty"` // Of the offices, such as "Asia/Dhaka".
}

// secretsPurpose binds sealed secrets to their use.
const secretsPurpose = "kendro-district-secrets-1"

// openKeys is a keyring ready for use.
type openKeys struct {
	keyring
	authority *identity.Authority
	ca        *identity.CA
	signer    *identity.Signer
	sealing   *identity.SealingKey // This server's own.
	district  *generations
	torn      error // Why the second copy was read; nil where the first is good.
	certs     atomic.Pointer[certificates]

	writing sync.Mutex // Held while the files are written anew; guards Secrets.SealingKeys. It stands for the files, so it is held across the disk.
}

// generations are the district's sealing keys that this server holds, the newest first. It
// may be used concurrently.
type generations struct {
	held atomic.Pointer[[]*identity.SealingKey]
}

func newGenerations(keys ...*identity.SealingKey) *generations {
	g := &generations{}
	g.held.Store(&keys)
	return g
}

func (g *generations) all() []*identity.SealingKey { return *g.held.Load() }

// find returns the key of an ID, nil for one that is not here.
func (g *generations) find(id identity.KeyID) *identity.SealingKey {
	all := g.all()
	i := slices.IndexFunc(all, func(k *identity.SealingKey) bool { return k.ID() == id })
	if i < 0 {
		return nil
	}
	return all[i]
}

// certificates are what is renewed while a server runs; the keyring's own are
// those of its start.
type certificates struct{ signing, tls []byte }

// loadKeys reads the keys of a server. A folder without any is
// [fault.NotFound].
func loadKeys(dir string) (*openKeys, error) {
	const op = "hub.Open"
	k := &openKeys{}
	ok, err := readSummed(filepath.Join(dir, keyringFile), maxKeyring, &k.keyring)
	if !ok || err != nil {
		second := keyring{}
		if good, serr := readSummed(filepath.Join(dir, secondFile), maxKeyring, &second); good && serr == nil {
			k.keyring, k.torn = second, cmp.Or(err, error(fault.New(op, fault.Damaged, keyringFile, "is gone")))
			return k, k.open()
		}
	}
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.New(op, fault.NotFound, dir, "no server lives here: found a district with kendro hub init, or join one with --join and --token")
	}
	return k, k.open()
}

func (k *openKeys) open() (err error) {
	if k.authority, err = identity.ParseAuthority(k.Authority); err != nil {
		return err
	}
	if k.ca, err = identity.OpenCA(k.Authority, k.Secrets.AuthoritySeed); err != nil {
		return err
	}
	if k.signer, err = identity.SignerFromSeed(k.SigningSeed); err != nil {
		return err
	}
	if k.sealing, err = identity.SealingKeyFromBytes(k.SealingKey); err != nil {
		return err
	}
	var district []*identity.SealingKey
	for _, b := range k.Secrets.SealingKeys {
		key, err := identity.SealingKeyFromBytes(b)
		if err != nil {
			return err
		}
		district = append(district, key)
	}
	k.district = newGenerations(district...)
	k.certs.Store(&certificates{signing: k.SigningCert, tls: k.TLSCert})
	if len(district) == 0 || k.ID == "" {
		return fault.New("hub.Open", fault.Damaged, keyringFile, "the district's sealing key is missing; "+rejoin)
	}
	return nil
}

// save keeps the keyring: whole and durable, or not at all.
func (k *keyring) save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &fault.Error{Op: "hub.save", Kind: fault.Stopped, Item: dir, Err: err}
	}
	if err := writeSummed(filepath.Join(dir, keyringFile), k); err != nil {
		return err
	}
	return writeSummed(filepath.Join(dir, secondFile), k)
}

// mend puts right whichever copy of the keyring is not as the other.
func (k *openKeys) mend(dir string, log *slog.Logger) error {
	file, err := k.doubtful(dir)
	if err == nil {
		return nil
	}
	log.Warn("a copy of the server's keys was not as written, the other one counts", "file", file, "err", err)
	return k.save(dir)
}

// doubtful names the copy that is not as the other, and says why; no error means that
// both are alike.
func (k *openKeys) doubtful(dir string) (file string, err error) {
	if k.torn != nil {
		return keyringFile, k.torn
	}
	var second keyring
	ok, err := readSummed(filepath.Join(dir, secondFile), maxKeyring, &second)
	switch {
	case err != nil:
		return secondFile, err
	case !ok:
		return secondFile, fault.New("hub.Open", fault.Damaged, secondFile, "is gone")
	case !bytes.Equal(protocol.Marshal(&second), protocol.Marshal(&k.keyring)):
		return secondFile, fault.New("hub.Open", fault.Damaged, secondFile, "is of another time than "+keyringFile)
	}
	return "", nil
}

// renew has this server's certificates issued anew once half of their time is
// over: it holds the authority itself.
func (k *openKeys) renew(dir string, now time.Time) error {
	cert, err := x509.ParseCertificate(k.certs.Load().tls)
	if err != nil {
		return &fault.Error{Op: "hub.renew", Kind: fault.Damaged, Item: keyringFile, Err: err}
	}
	if now.Before(cert.NotAfter.Add(-identity.Lifetime / 2)) {
		return nil
	}
	tlsKey, err := identity.SignerFromSeed(k.TLSSeed)
	if err != nil {
		return err
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	next := k.keyring
	if err := next.certify(k.ca, k.signer, tlsKey, now); err != nil {
		return err
	}
	if err := next.save(dir); err != nil {
		return err
	}
	k.certs.Store(&certificates{signing: next.SigningCert, tls: next.TLSCert})
	return nil
}

// admit keeps one more of the district's sealing keys, durable in both copies of the keyring
// when it returns. One that is here already is no failure.
func (k *openKeys) admit(dir string, key *identity.SealingKey) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	if k.district.find(key.ID()) != nil {
		return nil
	}
	next, certs := k.keyring, k.certs.Load()
	next.SigningCert, next.TLSCert = certs.signing, certs.tls
	next.Secrets.SealingKeys = append([][]byte{key.Bytes()}, k.Secrets.SealingKeys...)
	if err := next.save(dir); err != nil {
		return err
	}
	k.Secrets.SealingKeys = next.Secrets.SealingKeys
	all := append([]*identity.SealingKey{key}, k.district.all()...)
	k.district.held.Store(&all)
	return nil
}

// forget takes one of the district's sealing keys out of both copies of the keyring, and
// from memory. One that is not here is no failure.
func (k *openKeys) forget(dir string, id identity.KeyID) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	gone := k.district.find(id)
	if gone == nil {
		return nil
	}
	next, certs := k.keyring, k.certs.Load()
	next.SigningCert, next.TLSCert = certs.signing, certs.tls
	next.Secrets.SealingKeys = slices.DeleteFunc(slices.Clone(k.Secrets.SealingKeys), func(b []byte) bool { return bytes.Equal(b, gone.Bytes()) })
	if err := next.save(dir); err != nil {
		return err
	}
	k.Secrets.SealingKeys = next.Secrets.SealingKeys
	left := slices.DeleteFunc(slices.Clone(k.district.all()), func(k *identity.SealingKey) bool { return k.ID() == id })
	k.district.held.Store(&left)
	return nil
}

// zone is the offices' time zone.
func (k *keyring) zone(log *slog.Logger) *time.Location {
	z, err := time.LoadLocation(k.Secrets.TimeZone)
	if err != nil {
		log.Warn("the offices' time zone is not known here, terms are counted in UTC", "zone", k.Secrets.TimeZone, "err", err)
		return time.UTC
	}
	return z
}

// subject is whom this server's certificates name.
func (k *keyring) subject() identity.Subject {
	return identity.Subject{Country: k.Country, District: k.District, Role: identity.RoleServer, Name: k.ID, Slot: "0"}
}

// certificate is what this server shows in sessions.
func (k *openKeys) certificate() (tls.Certificate, error) {
	s, err := identity.SignerFromSeed(k.TLSSeed)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{k.certs.Load().tls, k.Authority}, PrivateKey: s.Private()}, nil
}

// certify lets the authority certify this server's own keys.
func (k *keyring) certify(ca *identity.CA, signing, tlsKey *identity.Signer, now time.Time) (err error) {
	k.SigningSeed, k.TLSSeed = signing.Seed(), tlsKey.Seed()
	if k.SigningCert, err = ca.Issue(k.subject(), signing.Public(), identity.ForSigning, now); err != nil {
		return err
	}
	k.TLSCert, err = ca.Issue(k.subject(), tlsKey.Public(), identity.ForTLS, now)
	return err
}

// derive returns 32 bytes that follow from a secret and serve one purpose alone.
func derive(secret []byte, purpose string) [32]byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(purpose))
	return [32]byte(m.Sum(nil))
}

// sessionSecret is equal on all servers of a district.
func (k *keyring) sessionSecret() []byte {
	s := derive(k.Secrets.AuthoritySeed, "kendro-hub-sessions-1")
	return s[:]
}

// sealSecrets seals the district's secrets to a joining server.
func (k *openKeys) sealSecrets(public []byte) ([]byte, error) {
	k.writing.Lock()
	defer k.writing.Unlock()
	return identity.SealTo(public, secretsPurpose, protocol.Marshal(&k.Secrets))
}

// occupied reports whether a server's keys lie in dir.
func occupied(dir string) (bool, error) {
	_, err := os.Stat(filepath.Join(dir, keyringFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, fault.Wrap("hub.occupied", fault.Stopped, dir, err)
}
