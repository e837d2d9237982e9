package catalogue

import (
	"cmp"
	"fmt"
	"slices"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// An Entry names one current version in a release.
type Entry struct {
	ID      string `cbor:"1,keyasint" json:"id"`
	Version int    `cbor:"2,keyasint" json:"version"`
	Hash    Hash   `cbor:"3,keyasint" json:"hash"`
}

// A Release says which versions are current, all at once. It is signed by the
// catalogue's key and applied whole or not at all.
type Release struct {
	Number      int     `cbor:"1,keyasint" json:"release"`
	Base        int     `cbor:"2,keyasint" json:"base"` // The national release under a district's overlay; 0 without one.
	Directory   Hash    `cbor:"3,keyasint" json:"directory"`
	Services    []Entry `cbor:"4,keyasint" json:"services"`     // Sorted by ID.
	PublishedAt int64   `cbor:"5,keyasint" json:"published_at"` // Unix seconds.
	Note        string  `cbor:"6,keyasint" json:"note"`

	Origin []byte `cbor:"55,keyasint,omitempty" json:"origin,omitempty"` // The hash of its [Origin]; none without an overlay.

	// Bounds is the hash of what its base lets a district have otherwise; none where that is not said.
	Bounds []byte `cbor:"100,keyasint,omitempty" json:"bounds,omitempty"`

	Hash Hash `cbor:"-" json:"hash"` // Of the encoding of everything above.
}

// A Set is the catalogue of one release in memory, with the older versions that
// open applications still pin. It doesn't change, so it may be read
// concurrently.
type Set struct {
	Release   Release
	Directory *place.Directory

	// Bounds is the encoding that the release names by hash: empty where it is not known, nil
	// where whoever handed the set out keeps none at all.
	Bounds []byte

	current map[string]*Version
	byHash  map[Hash]*Version
	all     []*Version // Sorted by ID, then number.
	former  Former     // Versions that it knows of and does not hold.
}

// NewSet joins a release with its directory and versions; versions may hold
// more than the release names. It fails with [fault.NotFound] when a version
// that the release names is missing, and with [fault.Conflict] when two
// versions of one service carry one number.
func NewSet(r Release, dir *place.Directory, versions []*Version) (*Set, error) {
	s := &Set{Release: r, Directory: dir, current: map[string]*Version{}, byHash: map[Hash]*Version{}}
	for _, v := range versions {
		if s.byHash[v.Hash] == nil {
			s.byHash[v.Hash] = v
			s.all = append(s.all, v)
		}
	}
	slices.SortFunc(s.all, func(a, b *Version) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Number, b.Number))
	})
	for i := 1; i < len(s.all); i++ {
		if a, b := s.all[i-1], s.all[i]; a.ID == b.ID && a.Number == b.Number {
			return nil, fault.New("catalogue.NewSet", fault.Conflict, a.ID,
				fmt.Sprintf("two different versions are numbered %d", a.Number))
		}
	}
	for _, e := range r.Services {
		v := s.byHash[e.Hash]
		if v == nil || v.ID != e.ID || v.Number != e.Version {
			return nil, fault.New("catalogue.NewSet", fault.NotFound, e.ID,
				fmt.Sprintf("version %d of the release is not here", e.Version))
		}
		s.current[e.ID] = v
	}
	return s, nil
}

// Current returns the version of a service that new applications use.
func (s *Set) Current(serviceID string) (*Version, bool) {
	v, ok := s.current[serviceID]
	return v, ok
}

// Pinned returns the version that an application pinned by hash.
func (s *Set) Pinned(serviceID string, h Hash) (*Version, bool) {
	v, ok := s.byHash[h]
	if !ok || v.ID != serviceID {
		return nil, false
	}
	return v, true
}

// ByHash returns the version with this hash.
func (s *Set) ByHash(h Hash) (*Version, bool) {
	v, ok := s.byHash[h]
	return v, ok
}

// Numbered returns the version of a service with this number.
func (s *Set) Numbered(serviceID string, number int) (*Version, bool) {
	for _, v := range s.VersionsOf(serviceID) {
		if v.Number == number {
			return v, true
		}
	}
	return nil, false
}

// VersionsOf returns every known version of a service, oldest first.
func (s *Set) VersionsOf(serviceID string) []*Version {
	lo, _ := slices.BinarySearchFunc(s.all, serviceID, func(v *Version, id string) int { return cmp.Compare(v.ID, id) })
	hi := lo
	for hi < len(s.all) && s.all[hi].ID == serviceID {
		hi++
	}
	return slices.Clone(s.all[lo:hi])
}

// Versions returns every known version, sorted by service and number.
func (s *Set) Versions() []*Version { return slices.Clone(s.all) }

// Services returns the current versions in the order of the release.
func (s *Set) Services() []*Version {
	list := make([]*Version, 0, len(s.Release.Services))
	for _, e := range s.Release.Services {
		list = append(list, s.current[e.ID])
	}
	return list
}

// OfferedTo returns the current versions that a centre of this type may file.
func (s *Set) OfferedTo(t place.CentreType) []*Version {
	return slices.DeleteFunc(s.Services(), func(v *Version) bool { return !v.OfferedAt(t) })
}

// Since returns the versions that this set has and the older one lacks: what a
// release must carry beside itself. A nil older set has nothing.
func (s *Set) Since(older *Set) []*Version {
	if older == nil {
		return s.Versions()
	}
	return slices.DeleteFunc(s.Versions(), func(v *Version) bool {
		_, ok := older.byHash[v.Hash]
		return ok
	})
}
