package place

import (
	"cmp"
	"slices"
)

// A Reason is one for which an application may be rejected: a code to count by,
// and words for the citizen.
type Reason struct {
	Code string `cbor:"1,keyasint" json:"code"`
	Name Name   `cbor:"2,keyasint" json:"name"`
}

// MaxReason bounds a reason's code, in bytes.
const MaxReason = 64

// Reason returns the reason with this code.
func (d *Directory) Reason(code string) (Reason, bool) {
	i, ok := slices.BinarySearchFunc(d.Reasons, code, func(r Reason, code string) int { return cmp.Compare(r.Code, code) })
	if !ok {
		return Reason{}, false
	}
	return d.Reasons[i], true
}

func (d *Directory) checkReasons(bad func(string, ...any)) {
	for i, r := range d.Reasons {
		if i > 0 && d.Reasons[i-1].Code >= r.Code {
			bad("reason %s is double or out of order", r.Code)
		}
		if r.Code == "" || len(r.Code) > MaxReason || !r.Name.Complete() {
			bad("reason %q lacks a code of 1 to 64 bytes, or a name in bn or en", r.Code)
		}
	}
}
