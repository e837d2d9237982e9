package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"

	"kendro/domain/fault"
)

// The ring is the list of wrapped keys, one per process run. It lies on disk
// twice, in keys.a and keys.b, each written whole and in this order:
//
//	magic 8  count 4  count × (nonce 12, key 32, tag 16)  crc 4
const (
	ringA = "keys.a"
	ringB = "keys.b"

	nonceBytes  = 12
	keyBytes    = 32
	tagBytes    = 16
	wrappedSize = nonceBytes + keyBytes + tagBytes
	ringHead    = 12
	maxKeys     = 1 << 20
)

var ringMagic = [8]byte{'K', 'N', 'D', 'R', 'K', 'E', 'Y', '1'}

type ring struct {
	wrapped [][]byte // The key of run n+1.
}

func (r *ring) encode() []byte {
	b := binary.LittleEndian.AppendUint32(ringMagic[:len(ringMagic):len(ringMagic)], uint32(len(r.wrapped)))
	for _, w := range r.wrapped {
		b = append(b, w...)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeRing(b []byte) (*ring, bool) {
	if len(b) < ringHead+4 || !bytes.Equal(b[:8], ringMagic[:]) {
		return nil, false
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	n := int(binary.LittleEndian.Uint32(b[8:]))
	if n > maxKeys || len(body) != ringHead+n*wrappedSize || crc32.Checksum(body, castagnoli) != sum {
		return nil, false
	}
	r := &ring{}
	for rest := body[ringHead:]; len(rest) > 0; rest = rest[wrappedSize:] {
		r.wrapped = append(r.wrapped, rest[:wrappedSize:wrappedSize])
	}
	return r, true
}

// isPrefixOf tells whether longer began as r.
func (r *ring) isPrefixOf(longer *ring) bool {
	if len(r.wrapped) > len(longer.wrapped) {
		return false
	}
	for i, w := range r.wrapped {
		if !bytes.Equal(w, longer.wrapped[i]) {
			return false
		}
	}
	return true
}

// loadRing reads the ring from the copy that holds, and repairs the other from
// it. It returns nil when there is neither.
func loadRing(dir string) (*ring, error) {
	a, foundA, err := readRing(filepath.Join(dir, ringA))
	if err != nil {
		return nil, err
	}
	b, foundB, err := readRing(filepath.Join(dir, ringB))
	if err != nil {
		return nil, err
	}
	var r *ring
	switch {
	case !foundA && !foundB:
		return nil, nil
	case a == nil && b == nil:
		return nil, ringDamaged(dir, "neither copy holds; put back a copy of one")
	case a == nil, b != nil && a.isPrefixOf(b):
		r = b
	case b == nil, b.isPrefixOf(a):
		r = a
	default:
		return nil, ringDamaged(dir, "the copies hold different keys; put back a copy of both")
	}
	if a != nil && b != nil && len(a.wrapped) == len(b.wrapped) {
		return r, nil
	}
	if a != nil && r == a {
		return r, WriteFileAtomic(filepath.Join(dir, ringB), r.encode(), 0o600)
	}
	return r, WriteFileAtomic(filepath.Join(dir, ringA), r.encode(), 0o600)
}

// InspectVault looks at both copies of the keys file in dir without changing
// anything, and names the one that is not what was written while the other
// counts. Two that are not are [OpenVault]'s to refuse.
func InspectVault(dir string) (notes []string, err error) {
	var whole int
	for _, name := range []string{ringA, ringB} {
		r, found, err := readRing(filepath.Join(dir, name))
		switch {
		case err != nil:
			return nil, err
		case r != nil:
			whole++
		case found:
			notes = append(notes, filepath.Join(dir, name)+" is not what was written; its other copy counts")
		default:
			notes = append(notes, filepath.Join(dir, name)+" is missing; its other copy counts")
		}
	}
	if whole == 0 {
		return nil, nil
	}
	return notes, nil
}

func ringDamaged(dir, text string) error {
	return fault.New("store.OpenVault", fault.Damaged, filepath.Join(dir, ringA)+" and "+ringB, text)
}

func readRing(path string) (r *ring, found bool, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fault.Wrap("store.OpenVault", fault.Unavailable, path, err)
	}
	r, _ = decodeRing(b)
	return r, true, nil
}

// saveRing writes both copies, one after the other.
func saveRing(dir string, r *ring) error {
	b := r.encode()
	if err := WriteFileAtomic(filepath.Join(dir, ringA), b, 0o600); err != nil {
		return err
	}
	return WriteFileAtomic(filepath.Join(dir, ringB), b, 0o600)
}
