package catalogue

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// encode writes v as deterministic CBOR (RFC 8949 §4.2).
func encode(op string, v any, limit int) ([]byte, error) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, fault.Wrap(op, fault.Internal, "", err)
	}
	b, err := mode.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(op, fault.Internal, "", err)
	}
	if len(b) > limit {
		return nil, fault.New(op, fault.Invalid, "", fmt.Sprintf("encodes to %d bytes: the limit is %d", len(b), limit))
	}
	return b, nil
}

// decode reads one CBOR item that fills b. Unknown keys are ignored, since a
// newer publisher may add some; hashes and signatures cover the bytes received.
func decode(op string, b []byte, limit int, v any) error {
	if len(b) > limit {
		return fault.New(op, fault.Invalid, "", fmt.Sprintf("%d bytes: the limit is %d", len(b), limit))
	}
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxNestedLevels:  maxDepth,
		MaxArrayElements: 1 << 17,
		MaxMapPairs:      1 << 10,
	}.DecMode()
	if err != nil {
		return fault.Wrap(op, fault.Internal, "", err)
	}
	if err := mode.Unmarshal(b, v); err != nil {
		return fault.Wrap(op, fault.Invalid, "", err)
	}
	return nil
}

// EncodeVersion returns the deterministic encoding of a version, without its
// hash. It fails with [fault.Invalid] above MaxVersion.
func EncodeVersion(v *dcat.Version) ([]byte, error) {
	return encode("catalogue.EncodeVersion", v, MaxVersion)
}

// DecodeVersion reads an encoded version and sets its Hash from the bytes as
// received. It fails with [fault.Invalid].
func DecodeVersion(b []byte) (*dcat.Version, error) {
	v := new(dcat.Version)
	if err := decode("catalogue.DecodeVersion", b, MaxVersion, v); err != nil {
		return nil, err
	}
	if v.ID == "" || v.Number < 1 || len(v.Form) > MaxSchema {
		return nil, fault.New("catalogue.DecodeVersion", fault.Invalid, v.ID, "a version has an ID, a number from 1 and a form within the limit")
	}
	v.Hash = sha256.Sum256(b)
	return v, nil
}

// HashVersion returns the SHA-256 of the version's encoding.
func HashVersion(v *dcat.Version) (dcat.Hash, error) {
	b, err := EncodeVersion(v)
	if err != nil {
		return dcat.Hash{}, err
	}
	return sha256.Sum256(b), nil
}

// EncodeRelease returns the deterministic encoding of a release, without its hash.
func EncodeRelease(r *dcat.Release) ([]byte, error) {
	return encode("catalogue.EncodeRelease", r, MaxRelease)
}

// DecodeRelease reads an encoded release and sets its Hash. It fails with
// [fault.Invalid], also when the entries are not sorted by ID.
func DecodeRelease(b []byte) (*dcat.Release, error) {
	r := new(dcat.Release)
	if err := decode("catalogue.DecodeRelease", b, MaxRelease, r); err != nil {
		return nil, err
	}
	if r.Number < 1 {
		return nil, fault.New("catalogue.DecodeRelease", fault.Invalid, "", "a release has a number from 1")
	}
	for i := 1; i < len(r.Services); i++ {
		if r.Services[i-1].ID >= r.Services[i].ID {
			return nil, fault.New("catalogue.DecodeRelease", fault.Invalid, r.Services[i].ID, "entries are double or out of order")
		}
	}
	r.Hash = sha256.Sum256(b)
	return r, nil
}

// EncodeDirectory returns the deterministic encoding of a directory.
func EncodeDirectory(d *place.Directory) ([]byte, error) {
	return encode("catalogue.EncodeDirectory", d, MaxDirectory)
}

// DecodeDirectory reads an encoded directory and returns it with the hash of
// its bytes. It fails with [fault.Invalid] when the bytes or the directory
// itself are wrong.
func DecodeDirectory(b []byte) (*place.Directory, dcat.Hash, error) {
	d := new(place.Directory)
	if err := decode("catalogue.DecodeDirectory", b, MaxDirectory, d); err != nil {
		return nil, dcat.Hash{}, err
	}
	if err := d.Check(); err != nil {
		return nil, dcat.Hash{}, err
	}
	return d, sha256.Sum256(b), nil
}

// HashDirectory returns the SHA-256 of the directory's encoding.
func HashDirectory(d *place.Directory) (dcat.Hash, error) {
	b, err := EncodeDirectory(d)
	if err != nil {
		return dcat.Hash{}, err
	}
	return sha256.Sum256(b), nil
}

// sameVersion reports whether two versions differ in nothing but their number.
func sameVersion(a, b *dcat.Version) (bool, error) {
	x, y := *a, *b
	x.Number, y.Number = 1, 1
	ea, err := EncodeVersion(&x)
	if err != nil {
		return false, err
	}
	eb, err := EncodeVersion(&y)
	return bytes.Equal(ea, eb), err
}
