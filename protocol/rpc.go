package protocol

import (
	"errors"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/fault"
)

// A Call is one request between servers of a hub (kendro-hub/1), or of a machine
// that enrols (kendro-enrol/1). Calls on one stream are answered in their order.
type Call struct {
	Method string          `cbor:"1,keyasint"`
	Body   cbor.RawMessage `cbor:"2,keyasint"`
}

// A Reply answers a Call: a body, or a failure whose kind the caller keeps.
type Reply struct {
	Body  cbor.RawMessage `cbor:"1,keyasint,omitempty"`
	Fault *Failure        `cbor:"2,keyasint,omitempty"`
}

// A Failure carries a [fault.Error] across a wire.
type Failure struct {
	_    struct{} `cbor:",toarray"`
	Kind fault.Kind
	Op   string
	Item string
	Text string
}

// FailureOf describes err for the other side. Causes of our own defects stay
// here.
func FailureOf(err error) *Failure {
	f := &Failure{Kind: fault.KindOf(err), Op: "remote"}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		f.Op, f.Item = e.Op, e.Item
	}
	if f.Kind != fault.Internal {
		f.Text = clip(err.Error())
	}
	return f
}

// Err returns the failure as an error of the same kind.
func (f *Failure) Err() error {
	if f == nil {
		return nil
	}
	return fault.New(f.Op, f.Kind, f.Item, f.Text)
}

// clip shortens a text without leaving half a letter, which no decoder takes.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), MaxText)], "") }
