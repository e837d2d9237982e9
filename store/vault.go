package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"kendro/domain/fault"
)

const boxKeyName = "box.key"

// Vault encrypts what lies on the disk. Each process run draws a key of its own,
// kept wrapped by the box key, and counts its nonces: a disk that was set back to
// an older state can't make it use a key and a nonce twice. Whoever has the disk
// and lacks the box key sees sizes. All methods may be called concurrently.
type Vault struct {
	id      uint32 // Of this run's key.
	counter atomic.Uint64
	keys    [][]byte // Key n at n-1; never changes.

	mu    sync.RWMutex // Guards aeads.
	aeads map[uint32]cipher.AEAD
}

// OpenVault opens the vault in dir, whose box key lies beside it in box.key, and
// makes what is missing in a new one. When it returns, the key of this run is
// durable. [fault.Damaged]: box.key, or both copies of the keys file, are not
// what was written; everything sealed needs them, so put back a copy.
func OpenVault(dir string) (*Vault, error) {
	const op = "store.OpenVault"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(op, fault.Unavailable, dir, err)
	}
	r, err := loadRing(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, boxKeyName)
	box, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return newVault(dir, path, r)
	}
	if err != nil {
		return nil, fault.Wrap(op, fault.Unavailable, path, err)
	}
	if r == nil {
		return nil, ringDamaged(dir, "both are missing; put back a copy of one")
	}
	return unlock(dir, path, box, r)
}

// OpenVaultKey is OpenVault with a box key of 32 bytes that is kept elsewhere; nil
// is the one in box.key.
func OpenVaultKey(dir string, key []byte) (*Vault, error) {
	if key == nil {
		return OpenVault(dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap("store.OpenVaultKey", fault.Unavailable, dir, err)
	}
	r, err := loadRing(dir)
	if err != nil {
		return nil, err
	}
	if r == nil {
		r = &ring{}
	}
	return unlock(dir, "the box key", key, r)
}

// newVault makes a box key. The empty ring is written before it: wherever the
// power goes, a lost file can be told from one that never was.
func newVault(dir, path string, r *ring) (*Vault, error) {
	if r != nil && len(r.wrapped) > 0 {
		return nil, fault.New("store.OpenVault", fault.Damaged, path, "it is missing; put back its copy")
	}
	r = &ring{}
	if err := saveRing(dir, r); err != nil {
		return nil, err
	}
	box := make([]byte, keyBytes)
	_, _ = rand.Read(box) // Never fails: it ends the process instead.
	if err := WriteFileAtomic(path, box, 0o600); err != nil {
		return nil, err
	}
	return unlock(dir, path, box, r)
}

// unlock opens every key of the ring and adds one for this run.
func unlock(dir, path string, box []byte, r *ring) (*Vault, error) {
	const op = "store.OpenVault"
	if len(box) != keyBytes {
		return nil, fault.New(op, fault.Damaged, path, "want 32 bytes; put back its copy")
	}
	wrap, err := newAEAD(box)
	if err != nil {
		return nil, err
	}
	v := &Vault{aeads: map[uint32]cipher.AEAD{}}
	for i, w := range r.wrapped {
		key, err := wrap.Open(nil, w[:nonceBytes], w[nonceBytes:], wrapLabel(i))
		if err != nil {
			return nil, fault.New(op, fault.Damaged, path,
				"it does not open key "+strconv.Itoa(i+1)+" of "+ringA+"; put back the box key that belongs to it")
		}
		v.keys = append(v.keys, key)
	}
	if len(v.keys) >= maxKeys {
		return nil, fault.New(op, fault.Limited, path, "the ring is full; move the records to a new box")
	}
	key, nonce := make([]byte, keyBytes), make([]byte, nonceBytes)
	_, _ = rand.Read(key)
	_, _ = rand.Read(nonce)
	r.wrapped = append(r.wrapped, wrap.Seal(nonce, nonce, key, wrapLabel(len(v.keys))))
	if err := saveRing(dir, r); err != nil {
		return nil, err
	}
	v.keys = append(v.keys, key)
	v.id = uint32(len(v.keys))
	_, err = v.aead(v.id)
	return v, err
}

func wrapLabel(i int) []byte { return []byte("kendro key " + strconv.Itoa(i+1)) }

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap("store.Vault", fault.Internal, "", err)
	}
	aead, err := cipher.NewGCM(block)
	return aead, fault.Wrap("store.Vault", fault.Internal, "", err)
}

// aead returns the cipher of run id, nil when there was no such run.
func (v *Vault) aead(id uint32) (cipher.AEAD, error) {
	if id == 0 || int(id) > len(v.keys) {
		return nil, nil
	}
	v.mu.RLock()
	a := v.aeads[id]
	v.mu.RUnlock()
	if a != nil {
		return a, nil
	}
	a, err := newAEAD(v.keys[id-1])
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	v.aeads[id] = a
	v.mu.Unlock()
	return a, nil
}

// Seal appends plaintext, encrypted and bound to aad, to dst: the number of the
// run's key, a counter, and AES-256-GCM with both as the nonce.
func (v *Vault) Seal(dst, plaintext, aad []byte) []byte {
	v.mu.RLock()
	a := v.aeads[v.id]
	v.mu.RUnlock()
	var nonce [nonceBytes]byte
	binary.BigEndian.PutUint32(nonce[:], v.id)
	binary.BigEndian.PutUint64(nonce[4:], v.counter.Add(1))
	return a.Seal(append(dst, nonce[:]...), nonce[:], plaintext, aad)
}

// Open appends what Seal was given to dst. It answers [fault.Damaged] for
// anything that Seal did not make in this vault with the same aad.
func (v *Vault) Open(dst, sealed, aad []byte) ([]byte, error) {
	const op = "store.Vault.Open"
	if len(sealed) < nonceBytes+tagBytes {
		return nil, fault.New(op, fault.Damaged, "", "too short for something sealed")
	}
	a, err := v.aead(binary.BigEndian.Uint32(sealed))
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, fault.New(op, fault.Damaged, "", "sealed by a key that this vault does not hold")
	}
	plain, err := a.Open(dst, sealed[:nonceBytes], sealed[nonceBytes:], aad)
	if err != nil {
		return nil, fault.New(op, fault.Damaged, "", "not what was sealed")
	}
	if plain == nil {
		plain = []byte{}
	}
	return plain, nil
}
