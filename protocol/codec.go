package protocol

import (
	"github.com/fxamacker/cbor/v2"

	"kendro/domain/fault"
)

// encoding and decoding never change after the program has started.
var (
	encoding = mustEnc(cbor.CoreDetEncOptions())
	decoding = mustDec(cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  32,
		MaxArrayElements: 1 << 17,
		MaxMapPairs:      1 << 12,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
	})
)

func mustEnc(o cbor.EncOptions) cbor.EncMode {
	m, err := o.EncMode()
	if err != nil {
		panic("protocol: " + err.Error()) // The options are constants.
	}
	return m
}

func mustDec(o cbor.DecOptions) cbor.DecMode {
	m, err := o.DecMode()
	if err != nil {
		panic("protocol: " + err.Error())
	}
	return m
}

// Marshal returns the one deterministic encoding of v. It panics on a type that
// cannot be encoded, which is a defect of ours.
func Marshal(v any) []byte {
	b, err := encoding.Marshal(v)
	if err != nil {
		panic("protocol: cannot encode: " + err.Error())
	}
	return b
}

// Unmarshal decodes exactly one value of at most limit bytes. Longer or
// malformed bytes are [fault.Invalid]; what names the value in the error.
func Unmarshal(b []byte, limit int, what string, v any) error {
	const op = "protocol.Unmarshal"
	if len(b) > limit {
		return fault.New(op, fault.Invalid, what, "longer than its limit")
	}
	if err := decoding.Unmarshal(b, v); err != nil {
		return &fault.Error{Op: op, Kind: fault.Invalid, Item: what, Err: err}
	}
	return nil
}
