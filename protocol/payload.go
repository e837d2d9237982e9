package protocol

import "kendro/domain/place"

// A Fee is one part of what the citizen pays, in whole poisha.
type Fee struct {
	Kind   string `cbor:"1,keyasint" json:"kind"`
	Poisha int64  `cbor:"2,keyasint" json:"poisha"`
}

// A Submission is the payload of Submitted: the application as the counter took
// it. Form and Applicant are compact JSON in Unicode NFC; the pinned version's
// schema and the applicant schema hold for them.
type Submission struct {
	Channel   string   `cbor:"1,keyasint"`
	Form      []byte   `cbor:"2,keyasint"`
	Applicant []byte   `cbor:"3,keyasint"`
	Originals []string `cbor:"4,keyasint,omitempty"` // Documents whose original was seen at the counter.
	Fees      []Fee    `cbor:"5,keyasint,omitempty"`

	Documents []Document `cbor:"6,keyasint,omitempty"` // What was scanned at the counter.
}

// Contacts is the payload of Settings: where a node finds its hub and its
// neighbours. The latest one holds.
type Contacts struct {
	Servers    []string    `cbor:"1,keyasint"`           // QUIC addresses, host:port.
	Neighbours []Neighbour `cbor:"2,keyasint,omitempty"` // Other nodes of the upazila.
	GossipKey  []byte      `cbor:"3,keyasint,omitempty"` // 32 bytes, of the upazila.
}

// A Neighbour is another node of the same upazila.
type Neighbour struct {
	_      struct{} `cbor:",toarray"`
	Centre string
	Gossip string // host:port, empty while unknown.
	Signer []byte // Public signing key.
}

// A User is the payload of UserChanged: an entrepreneur who may sign in at the
// centre's node.
type User struct {
	Name     string `cbor:"1,keyasint"`
	Centre   string `cbor:"2,keyasint"`
	Role     string `cbor:"3,keyasint"`
	Gender   string `cbor:"4,keyasint,omitempty"` // "f" or "m" (R-CE2).
	Hash     string `cbor:"5,keyasint"`           // argon2id.
	From     int64  `cbor:"6,keyasint"`           // Unix seconds.
	Until    int64  `cbor:"7,keyasint,omitempty"` // Unix seconds; 0 is open.
	Disabled bool   `cbor:"8,keyasint,omitempty"`
}

// An Acceptance is the payload of Accepted: events First to Last of the node's
// uplink are in the register, and each of their applications is RECEIVED at the
// first step of its service, but for those under Other.
type Acceptance struct {
	Log   LogID      `cbor:"1,keyasint"`
	First uint64     `cbor:"2,keyasint"`
	Last  uint64     `cbor:"3,keyasint"`
	Index uint64     `cbor:"4,keyasint"` // Raft index: the node's newest checkpoint.
	At    int64      `cbor:"5,keyasint"` // Unix milliseconds at the hub.
	Other []Standing `cbor:"6,keyasint,omitempty"`
}

// A Standing is the payload of CaseMoved: where a case stands, as the citizen
// may know it. Stage is a name of the procedure.
type Standing struct {
	Number   Number     `cbor:"1,keyasint"`
	Stage    string     `cbor:"2,keyasint"`
	Office   string     `cbor:"3,keyasint,omitempty"` // Office code, empty when final.
	Since    int64      `cbor:"4,keyasint"`           // Unix milliseconds at the hub.
	Next     string     `cbor:"5,keyasint,omitempty"` // Post of the next step.
	Expected int64      `cbor:"6,keyasint,omitempty"` // Unix seconds, 0 unknown.
	Version  uint64     `cbor:"7,keyasint"`
	NextName place.Name `cbor:"8,keyasint"`            // Words for Next.
	Reason   string     `cbor:"9,keyasint,omitempty"`  // Why it stands aside or was rejected, or what is asked for.
	Items    []string   `cbor:"10,keyasint,omitempty"` // The documents that are asked for.
}
