package catalogue

import (
	"crypto/sha256"
	"fmt"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
)

// A ParcelKind says what a parcel carries.
type ParcelKind uint8

// The kinds of parcel; 1 and 3 were never sent.
const (
	DirectoryParcel ParcelKind = 2 // A part of an encoded directory.
)

// A Parcel is one event's worth of something that one event has no room for. Hash is
// the SHA-256 of the whole thing that the parts 0 … Parts-1 make up.
type Parcel struct {
	Kind  ParcelKind `cbor:"1,keyasint"`
	Hash  dcat.Hash  `cbor:"2,keyasint"`
	Part  int        `cbor:"3,keyasint"`
	Parts int        `cbor:"4,keyasint"`
	Body  []byte     `cbor:"5,keyasint"`
}

// maxParts bounds a directory in parts.
const maxParts = MaxDirectory / MaxPart

func cut(kind ParcelKind, b []byte) []Parcel {
	hash := dcat.Hash(sha256.Sum256(b))
	parts := (len(b) + MaxPart - 1) / MaxPart
	list := make([]Parcel, 0, parts)
	for i := range parts {
		end := min(len(b), (i+1)*MaxPart)
		list = append(list, Parcel{Kind: kind, Hash: hash, Part: i, Parts: parts, Body: b[i*MaxPart : end]})
	}
	return list
}

// EncodeParcel returns the deterministic encoding of a parcel.
func EncodeParcel(p Parcel) ([]byte, error) {
	return encode("catalogue.EncodeParcel", p, MaxVersion+1024)
}

// DecodeParcel reads an encoded parcel. It fails with [fault.Invalid].
func DecodeParcel(b []byte) (Parcel, error) {
	var p Parcel
	if err := decode("catalogue.DecodeParcel", b, MaxVersion+1024, &p); err != nil {
		return Parcel{}, err
	}
	if p.Parts < 1 || p.Parts > maxParts || p.Part < 0 || p.Part >= p.Parts || len(p.Body) == 0 {
		return Parcel{}, fault.New("catalogue.DecodeParcel", fault.Invalid, "", "part number or body out of range")
	}
	return p, nil
}

// pieces collects the parts of one thing at a time, since a log carries them in
// order.
type pieces struct {
	hash dcat.Hash
	kind ParcelKind
	next int
	body []byte
}

// add returns the whole when its last part has come and the hash fits.
func (p *pieces) add(x Parcel) ([]byte, error) {
	const op = "catalogue.Whole"
	if x.Parts < 1 || x.Parts > maxParts || x.Part < 0 || x.Part >= x.Parts || len(x.Body) > MaxVersion {
		return nil, fault.New(op, fault.Invalid, "", "part number or body out of range")
	}
	if x.Part == 0 {
		*p = pieces{hash: x.Hash, kind: x.Kind}
	}
	if x.Hash != p.hash || x.Kind != p.kind || x.Part != p.next {
		return nil, fault.New(op, fault.Conflict, x.Hash.String(), fmt.Sprintf("part %d came where part %d was due", x.Part, p.next))
	}
	p.next++
	p.body = append(p.body, x.Body...)
	if p.next < x.Parts {
		return nil, nil
	}
	whole := p.body
	*p = pieces{}
	if dcat.Hash(sha256.Sum256(whole)) != x.Hash {
		return nil, fault.New(op, fault.Damaged, x.Hash.String(), "the parts do not make what was announced")
	}
	return whole, nil
}
