package protocol

import (
	"encoding/binary"
	"slices"

	"kendro/domain/fault"
	"kendro/identity"
)

// A Document is a paper that goes with an application: what an event says of it.
// The paper itself follows later, and is known by its hash.
type Document struct {
	Kind string `cbor:"1,keyasint"` // As the service names it.
	Hash Hash   `cbor:"2,keyasint"` // SHA-256 of the content as it is kept.
	Size uint32 `cbor:"3,keyasint"`
	Type uint8  `cbor:"4,keyasint"` // 1 PDF, 2 JPEG, 3 PNG, 4 sealed.
}

// Check returns [fault.Invalid] for a document out of bounds.
func (d *Document) Check() error {
	if d.Kind == "" || len(d.Kind) > MaxName || d.Size == 0 || d.Size > MaxDocument || d.Type == 0 || d.Type > 4 {
		return fault.New("protocol.Document", fault.Invalid, "document", "kind, size or type out of bounds")
	}
	return nil
}

// A Supplement is the payload of Supplied: what a centre adds to a case that
// waits for it.
type Supplement struct {
	Documents []Document `cbor:"1,keyasint,omitempty"`
	Form      []byte     `cbor:"2,keyasint,omitempty"` // The answers that were asked for, as a compact JSON object in NFC.
	Originals []string   `cbor:"3,keyasint,omitempty"` // Documents whose original was seen.
	Text      string     `cbor:"4,keyasint,omitempty"` // What the applicant says to it.

	// Secret is what the applicant says where no box may read the case; Text is then empty.
	Secret *Confidential `cbor:"85,keyasint,omitempty"`
}

// Items are what a supplement brings, named as officers ask for it, each once.
func (s *Supplement) Items() []string {
	items := AnswersOf(s.Form, nil).Names()
	for i := range s.Documents {
		items = append(items, s.Documents[i].Kind)
	}
	items = append(items, s.Originals...)
	slices.Sort(items)
	return slices.Compact(items)
}

// HeldDocuments is the payload of DocumentsHeld: documents of this centre's cases
// that a quorum of the district's servers holds. A box may let go of its copies.
type HeldDocuments struct {
	Hashes []Hash `cbor:"1,keyasint"`
}

// An Offer names documents that the sender could send, the most urgent first. The
// receiver answers with a [Taken] for each.
type Offer struct {
	_         struct{} `cbor:",toarray"`
	Documents []Offered
}

// Offered is one document of an [Offer].
type Offered struct {
	_    struct{} `cbor:",toarray"`
	Hash Hash
	Size uint32
}

// A Chunk is one piece of a document, sealed in an epoch and bound to the
// document and its place in it. Pieces are DocumentChunk long but for the last.
type Chunk struct {
	_       struct{} `cbor:",toarray"`
	Hash    Hash
	Size    uint32 // Of the whole document.
	Index   uint32
	Epoch   identity.EpochID
	Counter uint64
	Body    []byte
}

// Taken says how far the receiver is with a document. Pieces has a bit for each
// piece that it holds, the lowest first.
type Taken struct {
	_      struct{} `cbor:",toarray"`
	Hash   Hash
	State  TakenState
	Pieces []byte
}

// TakenState is what a receiver says of a document.
type TakenState uint8

// The states.
const (
	TakenPart     TakenState = 1 // Send the pieces that are missing.
	TakenHeld     TakenState = 2 // It is safe; nothing more is needed.
	TakenUnwanted TakenState = 3 // No case here names it, or not yet: offer it later.
	TakenLater    TakenState = 4 // It can't be kept just now: offer it later.
)

// Chunks returns the number of pieces of a document of this size.
func Chunks(size uint32) int { return (int(size) + DocumentChunk - 1) / DocumentChunk }

// ChunkAt returns where a piece begins and ends in a document of this size. The
// index must be below [Chunks].
func ChunkAt(size uint32, index int) (from, to int) {
	from = index * DocumentChunk
	return from, min(from+DocumentChunk, int(size))
}

// associated binds a sealed piece to its document and place.
func (c *Chunk) associated() []byte {
	out := append([]byte("kendro-document-1\x00"), c.Hash[:]...)
	out = binary.BigEndian.AppendUint32(out, c.Size)
	return binary.BigEndian.AppendUint32(out, c.Index)
}

// SealChunk seals a piece in an epoch.
func SealChunk(hash Hash, size uint32, index int, piece []byte, e *identity.Epoch) *Chunk {
	c := &Chunk{Hash: hash, Size: size, Index: uint32(index), Epoch: e.ID(), Counter: e.Next()}
	c.Body = e.Seal(nil, c.Counter, piece, c.associated())
	return c
}

// Open opens a piece, else [fault.Damaged].
func (c *Chunk) Open(key *identity.EpochKey) ([]byte, error) {
	piece, err := key.Open(c.Counter, c.Body, c.associated())
	if err != nil {
		return nil, err
	}
	if from, to := ChunkAt(c.Size, int(c.Index)); len(piece) != to-from {
		return nil, fault.New("protocol.Chunk", fault.Damaged, c.Hash.String(), "a piece has another length than its place")
	}
	return piece, nil
}

func (c *Chunk) check() error {
	if c.Size == 0 || c.Size > MaxDocument || int64(c.Index) >= int64(Chunks(c.Size)) || len(c.Body) > DocumentChunk+chunkOverhead {
		return fault.New("protocol.Chunk", fault.Invalid, c.Hash.String(), "piece out of bounds")
	}
	return nil
}

// chunkOverhead is what sealing adds to a piece.
const chunkOverhead = 16

func (o *Offer) check() error {
	if len(o.Documents) == 0 || len(o.Documents) > MaxOffered {
		return fault.New("protocol.Offer", fault.Invalid, "offer", "want 1 to 256 documents")
	}
	for i := range o.Documents {
		if s := o.Documents[i].Size; s == 0 || s > MaxDocument {
			return fault.New("protocol.Offer", fault.Invalid, o.Documents[i].Hash.String(), "size out of bounds")
		}
	}
	return nil
}

func (t *Taken) check() error {
	if t.State < TakenPart || t.State > TakenLater || len(t.Pieces) > (Chunks(MaxDocument)+7)/8 {
		return fault.New("protocol.Taken", fault.Invalid, t.Hash.String(), "state or pieces out of bounds")
	}
	return nil
}
