package catalogue

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"

	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/domain/place"
)

// A ParcelKind says what a parcel carries.
type ParcelKind uint8

// The kinds of parcel.
const (
	VersionParcel   ParcelKind = 1 // One whole encoded version.
	DirectoryParcel ParcelKind = 2 // A part of an encoded directory.
	ReleaseParcel   ParcelKind = 3 // A part of an encoded Signed release; its last part activates.
)

// A Parcel is one event's worth of a release on the hub's catalogue log. Hash is
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

// Parcels cuts a signed release into events, in the order in which they must be
// appended: what prev lacks of versions and directory, then the release. A nil
// prev has nothing. Each encodes to less than 64 KiB.
func Parcels(next, prev *dcat.Set, signed Signed) ([]Parcel, error) {
	var list []Parcel
	for _, v := range next.Since(prev) {
		b, err := EncodeVersion(v)
		if err != nil {
			return nil, err
		}
		list = append(list, Parcel{Kind: VersionParcel, Hash: sha256.Sum256(b), Parts: 1, Body: b})
	}
	if prev == nil || prev.Release.Directory != next.Release.Directory {
		b, err := EncodeDirectory(next.Directory)
		if err != nil {
			return nil, err
		}
		list = append(list, cut(DirectoryParcel, b)...)
	}
	b, err := encode("catalogue.Parcels", signed, MaxRelease)
	if err != nil {
		return nil, err
	}
	return append(list, cut(ReleaseParcel, b)...), nil
}

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

// A Depot puts parcels together again and keeps what they made. A release
// becomes active all at once, when everything that it names is here, and never
// otherwise. It is not for concurrent use: whoever reads the log owns it. What
// it activated may be shared freely.
type Depot struct {
	trusted     ed25519.PublicKey
	active      *dcat.Set
	versions    map[dcat.Hash]*dcat.Version
	directories map[dcat.Hash]*place.Directory
	pieces      pieces
}

// NewDepot returns an empty depot that believes releases of the trusted key.
func NewDepot(trusted ed25519.PublicKey) *Depot {
	return &Depot{trusted: trusted, versions: map[dcat.Hash]*dcat.Version{}, directories: map[dcat.Hash]*place.Directory{}}
}

// Active returns the catalogue in force, nil before the first release.
func (d *Depot) Active() *dcat.Set { return d.active }

// Add takes the next parcel of the log. It returns the new catalogue when the
// parcel completed a release, else nil. After an error the active release stays
// in force.
func (d *Depot) Add(p Parcel) (*dcat.Set, error) {
	const op = "catalogue.Depot.Add"
	whole, err := d.pieces.add(p)
	if err != nil || whole == nil {
		return nil, err
	}
	switch p.Kind {
	case VersionParcel:
		v, err := DecodeVersion(whole)
		if err != nil {
			return nil, err
		}
		d.versions[v.Hash] = v
		return nil, nil
	case DirectoryParcel:
		dir, hash, err := DecodeDirectory(whole)
		if err != nil {
			return nil, err
		}
		d.directories[hash] = dir
		return nil, nil
	case ReleaseParcel:
		return d.activate(whole)
	default:
		return nil, fault.New(op, fault.Invalid, "", fmt.Sprintf("parcel of unknown kind %d", p.Kind))
	}
}

func (d *Depot) activate(whole []byte) (*dcat.Set, error) {
	const op = "catalogue.Depot.Add"
	var s Signed
	if err := decode(op, whole, MaxRelease, &s); err != nil {
		return nil, err
	}
	r, err := s.Open(d.trusted)
	if err != nil {
		return nil, err
	}
	if d.active != nil && r.Number <= d.active.Release.Number {
		if r.Hash == d.active.Release.Hash {
			return nil, nil // A repeat of what is in force.
		}
		return nil, fault.New(op, fault.Conflict, "", fmt.Sprintf("release %d would follow release %d", r.Number, d.active.Release.Number))
	}
	dir := d.directories[r.Directory]
	if dir == nil {
		return nil, fault.New(op, fault.NotFound, r.Directory.String(), "the directory of the release is not here")
	}
	versions := make([]*dcat.Version, 0, len(d.versions))
	for _, v := range d.versions {
		versions = append(versions, v)
	}
	set, err := dcat.NewSet(*r, dir, versions)
	if err != nil {
		return nil, err
	}
	clear(d.directories)
	d.directories[r.Directory] = dir
	d.active = set
	return set, nil
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
	const op = "catalogue.Depot.Add"
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
