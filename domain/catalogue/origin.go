package catalogue

import "slices"

// An Origin says what a release was composed of, where a district changes the national
// base: whoever asks where a value came from finds it here. The release names it by hash
// under its own signature.
type Origin struct {
	District string     `cbor:"1,keyasint"`
	Base     Source     `cbor:"2,keyasint"`
	Overlay  Source     `cbor:"3,keyasint"`
	Fields   []Override `cbor:"4,keyasint"` // Sorted by service and field.
	Files    []File     `cbor:"5,keyasint"` // The overlay as it was written, for the next base.

	Parts []Part `cbor:"100,keyasint,omitempty"` // Put on the base since, the newest last.
}

// A Part is a folder of services alone that took the place of the base's.
type Part struct {
	Source   Source   `cbor:"1,keyasint" json:"source"`
	Services []string `cbor:"2,keyasint" json:"services"` // That no later part has.
}

// Put returns the parts with one more, which takes its services from those before.
func Put(parts []Part, last Part) []Part {
	var out []Part
	for _, p := range parts {
		p.Services = slices.DeleteFunc(slices.Clone(p.Services), func(id string) bool { return slices.Contains(last.Services, id) })
		if len(p.Services) > 0 {
			out = append(out, p)
		}
	}
	return append(out, last)
}

// A Source is a folder that a release was made of.
type Source struct {
	Edition int    `cbor:"1,keyasint" json:"edition"` // Of the national base; of an overlay, the one that it was written against.
	Hash    Hash   `cbor:"2,keyasint" json:"hash"`    // Of the files.
	Signer  []byte `cbor:"3,keyasint" json:"signer"`  // The Ed25519 key that sealed the folder, else the one that signed the release.
	Sealed  bool   `cbor:"4,keyasint,omitempty" json:"sealed"`
}

// An Override is one field that the district has otherwise than the national base, both
// values as JSON.
type Override struct {
	Service string `cbor:"1,keyasint" json:"service"`
	Field   string `cbor:"2,keyasint" json:"field"`
	Base    string `cbor:"3,keyasint" json:"base"`
	Value   string `cbor:"4,keyasint" json:"value"`
	Was     string `cbor:"5,keyasint,omitempty" json:"was,omitempty"` // What the base had when the overlay was written, where that is no longer so.
	Reason  string `cbor:"6,keyasint,omitempty" json:"reason,omitempty"`
}

// A File is one file of a folder.
type File struct {
	Name string `cbor:"1,keyasint" json:"name"`
	Text []byte `cbor:"2,keyasint" json:"text"`
}

// Of returns what the district has otherwise in one service.
func (o *Origin) Of(service string) (list []Override) {
	for _, f := range o.Fields {
		if f.Service == service {
			list = append(list, f)
		}
	}
	return list
}
