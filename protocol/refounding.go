package protocol

import (
	"kendro/domain/fault"
	"kendro/identity"
)

// A Refounding is the district authority's statement that the district's register
// began anew, under another incarnation, after every server was lost. What servers
// of an earlier register have signed for holds no more: whoever believes this
// sends again. The latest one counts.
type Refounding struct {
	_           struct{} `cbor:",toarray"`
	District    string
	Incarnation uint64 // Of the new register and all its logs.
	At          int64  // Unix milliseconds.
	Signature   []byte
}

func (r Refounding) signed() []byte {
	r.Signature = nil
	return Marshal(&r)
}

// Sign completes the statement.
func (r *Refounding) Sign(ca *identity.CA) { r.Signature = ca.Sign(contextRefounding, r.signed()) }

// Verify returns [fault.Denied] unless the district's authority signed it.
func (r *Refounding) Verify(a *identity.Authority) error {
	if r.Incarnation == 0 || !a.Verify(contextRefounding, r.signed(), r.Signature) {
		return fault.New("protocol.Refounding", fault.Denied, r.District, "not signed by the district's authority")
	}
	return nil
}

// An Assurance is the payload of Assured: which register this is, and how far it
// is safe.
type Assurance struct {
	// Refounded begins every inbox of a register that began anew. Before says how
	// far the centre's box had the hub's logs of the register before it.
	Refounded *Refounding `cbor:"1,keyasint,omitempty"`
	Before    []Head      `cbor:"2,keyasint,omitempty"`

	Backed *Watermark `cbor:"3,keyasint,omitempty"`
}

// A Watermark says that a backup of the register, and of the documents that it
// names, was made, checked and put away.
type Watermark struct {
	_     struct{} `cbor:",toarray"`
	Index uint64   // The newest entry that the backup holds.
	At    int64    // Unix milliseconds at the hub, when it was told.
	Until int64    // Unix seconds until which the backup is kept.
}

// A ReturnRequest is what a box shows to a register that began anew, over
// kendro-enrol/1: that the district's authority had enrolled it, what it can send
// again, and what the hub had told it. Proof is the signing key's signature over
// the rest.
type ReturnRequest struct {
	Slot        string `cbor:"1,keyasint"`
	Spare       string `cbor:"2,keyasint"`
	TLS         []byte `cbor:"3,keyasint"` // Public keys; the signing key stands in its certificate.
	Sealing     []byte `cbor:"4,keyasint"`
	SigningCert []byte `cbor:"5,keyasint"`
	TLSCert     []byte `cbor:"6,keyasint"`

	Logs      []Head   `cbor:"7,keyasint,omitempty"`  // Uplinks of its centre that it holds.
	Former    []string `cbor:"8,keyasint,omitempty"`  // Names of the uplinks of the centre's earlier boxes.
	Before    []Head   `cbor:"9,keyasint,omitempty"`  // How far it has the logs of the hub's that it knows.
	Users     []User   `cbor:"10,keyasint,omitempty"` // The centre's logins.
	GossipKey []byte   `cbor:"11,keyasint,omitempty"` // Of its upazila.
	Gossip    string   `cbor:"12,keyasint,omitempty"`
	Proof     []byte   `cbor:"13,keyasint,omitempty"`

	SealsTo identity.KeyID `cbor:"75,keyasint,omitzero"` // The district's key that the box seals to, where it was told of one.
}

func (r ReturnRequest) signed() []byte {
	r.Proof = nil
	return Marshal(&r)
}

// Sign proves possession of the signing key.
func (r *ReturnRequest) Sign(s *identity.Signer) { r.Proof = s.Sign(contextReturn, r.signed()) }

// Verify returns [fault.Denied] unless public signed the request, and
// [fault.Invalid] for one out of bounds.
func (r *ReturnRequest) Verify(public []byte) error {
	const op = "protocol.ReturnRequest"
	if !identity.Verify(public, contextReturn, r.signed(), r.Proof) {
		return fault.New(op, fault.Denied, r.Slot, "proof of the signing key does not verify")
	}
	if len(r.Logs) > MaxReturned || len(r.Former) > MaxReturned || len(r.Before) > MaxReturned || len(r.Users) > MaxReturned || len(r.Gossip) > MaxName {
		return fault.New(op, fault.Invalid, r.Slot, "more than a box of a centre has")
	}
	for _, h := range append(append([]Head{}, r.Logs...), r.Before...) {
		if err := h.Log.Check(); err != nil {
			return err
		}
	}
	return nil
}

// A Returned answers it: the register knows the box, and this release of the
// catalogue. A box that knows of a later one hands it over.
type Returned struct {
	Refounded *Refounding `cbor:"1,keyasint,omitempty"`
	Release   uint64      `cbor:"2,keyasint,omitempty"`
}

// A Shelved is a piece of the catalogue that a returned box hands over: versions
// and directories, known by their hashes, and last the release that names them,
// signed by the catalogue's key. Proof is the signing key's signature over the
// rest.
type Shelved struct {
	Slot      string   `cbor:"1,keyasint"`
	Versions  [][]byte `cbor:"2,keyasint,omitempty"`
	Directory []byte   `cbor:"3,keyasint,omitempty"`
	Signed    []byte   `cbor:"4,keyasint,omitempty"`
	Proof     []byte   `cbor:"5,keyasint,omitempty"`
	Origin    []byte   `cbor:"55,keyasint,omitempty"` // What the release was composed of, where it lies on a base.
}

func (s Shelved) signed() []byte {
	s.Proof = nil
	return Marshal(&s)
}

// Sign proves possession of the signing key.
func (s *Shelved) Sign(by *identity.Signer) { s.Proof = by.Sign(contextShelved, s.signed()) }

// Verify returns [fault.Denied] unless public signed it.
func (s *Shelved) Verify(public []byte) error {
	if !identity.Verify(public, contextShelved, s.signed(), s.Proof) {
		return fault.New("protocol.Shelved", fault.Denied, s.Slot, "proof of the signing key does not verify")
	}
	return nil
}
