package protocol

import (
	"crypto/sha256"
	"encoding/binary"

	"kendro/domain/fault"
	"kendro/identity"
)

// BaseFormat is what [Hello.Bases] says of this build.
const BaseFormat = 1

// Bounds of the state behind a base.
const (
	MaxBaseEvents = 1 << 15
	MaxBasePlain  = 8 << 20  // Bytes of its events, of an inbox …
	MaxShelfPlain = 64 << 20 // … and of a catalogue, whose readers keep them as they come.
)

// BaseBehind is by how many events a reader of a catalogue lies back who may be
// offered a base in place of them.
const BaseBehind = 1000

// What [Hello.Shelves] says.
const (
	TakesShelf uint8 = 1 // A base of a catalogue is welcome where it is worth it.
	NeedsShelf uint8 = 2 // … and whatever it costs: the sender lacks events that lie below the one it began with.
)

// A Base is a server's signed, portable statement that a reader of a log may begin
// at a place of it: what the events up to there add up to is the log State, from its
// first event to its last, whose hash is the hash of the whole state. The reader
// takes that log in their stead, whole, and then the events behind At.
//
// The state is a log so that it travels as one: in blocks, sealed as those of the
// log itself, compared by hashes, and from where it stopped. Its ID says what is in
// it, so servers that make the same state make the same log.
type Base struct {
	_         struct{} `cbor:",toarray"`
	Log       LogID
	At        Position
	State     Head
	Cert      []byte // Certifies the signer.
	Signer    identity.KeyID
	Signature []byte
}

// NewBase returns the unsigned base of a log at a place, given the events of its
// state, and the hashes of these.
func NewBase(log LogID, at Position, events [][]byte) (Base, []Hash) {
	h := sha256.New()
	h.Write([]byte("kendro-base-1\x00"))
	h.Write(Marshal(&Head{Log: log, At: at}))
	for _, e := range events {
		h.Write(e)
	}
	b := Base{Log: log, At: at, State: Head{Log: LogID{Channel: stateOf[log.Channel], Name: log.Name}}}
	b.State.Log.Incarnation = binary.BigEndian.Uint64(h.Sum(nil)) | 1 // None stands for all.
	chain := make([]Hash, len(events))
	for i, e := range events {
		seq := uint64(i) + 1
		b.State.At = Position{Seq: seq, Hash: ChainHash(b.State.Log, seq, b.State.At.Hash, e)}
		chain[i] = b.State.At.Hash
	}
	return b, chain
}

// stateOf are the channels that have bases, and those of the states.
var stateOf = map[Channel]Channel{Inbox: InboxBase, Catalogue: CatalogueBase}

// HasBase reports whether there are bases of such a log.
func (l LogID) HasBase() bool {
	_, ok := stateOf[l.Channel]
	return ok
}

func (b Base) signed() []byte {
	b.Signature = nil
	return Marshal(&b)
}

// Sign completes the statement.
func (b *Base) Sign(cert []byte, s *identity.Signer) {
	b.Cert, b.Signer = cert, s.ID()
	b.Signature = s.Sign(contextBase, b.signed())
}

// Check returns [fault.Invalid] for what is out of bounds. It says nothing about
// who signed.
func (b *Base) Check() error {
	state, ok := stateOf[b.Log.Channel]
	if !ok || b.At.Seq == 0 || len(b.Cert) > MaxCert || b.State.Log.Channel != state || b.State.Log.Name != b.Log.Name ||
		b.State.Log.Incarnation == 0 || b.State.At.Seq == 0 || b.State.At.Seq > MaxBaseEvents {
		return fault.New("protocol.Base", fault.Invalid, b.Log.String(), "base out of bounds")
	}
	return b.Log.Check()
}

// Verify returns [fault.Denied] unless public signed the statement.
func (b *Base) Verify(public []byte) error {
	if b.Signer != identity.IDOf(public) || !identity.Verify(public, contextBase, b.signed(), b.Signature) {
		return fault.New("protocol.Base", fault.Denied, b.Log.String(), "signature does not verify")
	}
	return nil
}
