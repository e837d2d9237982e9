package catalogue

import (
	"bytes"
	"slices"
	"strings"

	"kendro/domain/place"
)

// An Agency has a namespace of its own in a district's catalogue: the services whose
// IDs begin with its code and a dot. Its editors write them and nobody else; the
// district puts them in force (R-SV7).
type Agency struct {
	Code    string     `cbor:"1,keyasint" json:"code"`
	Name    place.Name `cbor:"2,keyasint" json:"name"`
	Kind    Kind       `cbor:"3,keyasint" json:"kind"` // Of all of its services.
	Editors []Editor   `cbor:"4,keyasint" json:"editors"`
	Serial  uint64     `cbor:"5,keyasint" json:"serial"` // A later statement of one agency carries a higher one.
	Until   int64      `cbor:"6,keyasint" json:"until"`  // Unix seconds.
}

// An Editor signs what an agency submits.
type Editor struct {
	Name string `cbor:"1,keyasint" json:"name"`
	Key  []byte `cbor:"2,keyasint" json:"key"` // Ed25519, public.
}

// A Submission is what an editor wants in force: versions of services of the agency's
// own, and services that it withdraws.
type Submission struct {
	Agency   string   `cbor:"1,keyasint" json:"agency"`
	Services []Entry  `cbor:"2,keyasint,omitempty" json:"services"`
	Withdraw []string `cbor:"3,keyasint,omitempty" json:"withdraw,omitempty"`
	At       int64    `cbor:"4,keyasint" json:"at"` // Unix seconds.
	Note     string   `cbor:"5,keyasint,omitempty" json:"note,omitempty"`
}

// NamespaceOf returns the code of the agency whose service this is; false for one of the
// district's own.
func NamespaceOf(service string) (code string, ok bool) {
	code, _, ok = strings.Cut(service, ".")
	return code, ok
}

// Owns reports whether a service lies in the agency's namespace.
func (a *Agency) Owns(service string) bool {
	code, ok := NamespaceOf(service)
	return ok && code == a.Code
}

// Editor returns whose key this is.
func (a *Agency) Editor(key []byte) (Editor, bool) {
	i := slices.IndexFunc(a.Editors, func(e Editor) bool { return bytes.Equal(e.Key, key) })
	if i < 0 {
		return Editor{}, false
	}
	return a.Editors[i], true
}
