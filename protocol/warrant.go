package protocol

import (
	"kendro/domain/fault"
	"kendro/identity"
)

// A Warrant is the payload of ErasureWarranted: the district authority's word that a case
// was erased by order, and where its events stood. Boxes do nothing by it but keep it: a
// register that begins anew, and has lost the order, believes it from whoever brings it.
// One case with many events takes several.
type Warrant struct {
	_         struct{} `cbor:",toarray"`
	District  string
	Centres   []string // Whose boxes were told.
	Erasure   Erasure  // Of one case.
	Signature []byte
}

func (w Warrant) signed() []byte {
	w.Signature = nil
	return Marshal(&w)
}

// Sign completes the word.
func (w *Warrant) Sign(ca *identity.CA) { w.Signature = ca.Sign(contextWarrant, w.signed()) }

// Verify returns [fault.Denied] unless the authority of that district signed it, and
// [fault.Invalid] where it is about other than one case.
func (w *Warrant) Verify(a *identity.Authority, district string) error {
	const op = "protocol.Warrant"
	if w.District != district || !a.Verify(contextWarrant, w.signed(), w.Signature) {
		return fault.New(op, fault.Denied, w.District, "not signed by the district's authority")
	}
	if len(w.Erasure.Cases) != 1 {
		return fault.New(op, fault.Invalid, w.District, "want one case")
	}
	return w.Erasure.Check()
}

// Warrants is what a box hands to a register that began anew, over kendro-enrol/1, before
// it returns: every order that it was ever told under the authority's hand. Whoever brings
// them need prove nothing else.
type Warrants struct {
	List []Warrant `cbor:"1,keyasint"`
}

// MaxWarrants bounds one call.
const MaxWarrants = 64
