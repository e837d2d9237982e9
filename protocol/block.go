package protocol

import (
	"crypto/sha256"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"kendro/domain/fault"
	"kendro/identity"
)

// A Header says what a block carries, so that a carrier can check contiguity
// without reading. Blocks are carriage: the author may cut the same events again
// with other boundaries, and only the event hashes are history.
type Header struct {
	_       struct{} `cbor:",toarray"`
	Log     LogID
	First   uint64
	Last    uint64
	Prev    Hash             // Hash of the event before First; zero before the first of all.
	End     Hash             // Hash of the event at Last.
	Codec   uint8            // CodecPlain, CodecZstd, CodecDictionary1, CodecLeaning or CodecErased.
	Epoch   identity.EpochID // Zero when the body is not sealed.
	Counter uint64           // Of the sealing, within the epoch.
	Body    Hash             // SHA-256 of the body as carried.
	Signer  identity.KeyID   // Who made the block.
}

// A Block is a run of 1 to [MaxBlockEvents] events of one log, compressed
// together, sealed once, signed once.
type Block struct {
	_         struct{} `cbor:",toarray"`
	Header    Header
	Body      []byte
	Signature []byte
}

// A Packer makes and opens blocks. It is safe for concurrent use; Close it.
type Packer struct {
	zip   map[uint8]*zstd.Encoder // By codec; they take their memory when they are first used.
	unzip map[uint8]*zstd.Decoder
}

// NewPacker returns a Packer whose memory stays within a few MiB.
func NewPacker() *Packer {
	p := &Packer{zip: map[uint8]*zstd.Encoder{}, unzip: map[uint8]*zstd.Decoder{}}
	p.add(CodecZstd, nil, nil)
	p.zip[CodecErased], p.unzip[CodecErased] = p.zip[CodecZstd], p.unzip[CodecZstd]
	d := []byte(dictionary1)
	p.add(CodecDictionary1, []zstd.EOption{zstd.WithEncoderDict(d)}, []zstd.DOption{zstd.WithDecoderDicts(d)})
	return p
}

// add makes a codec. The options are constants, so a failure is a defect.
func (p *Packer) add(codec uint8, e []zstd.EOption, d []zstd.DOption) {
	zip, err := zstd.NewWriter(nil, append(e, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20),
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderCRC(false))...)
	if err != nil {
		panic("protocol: " + err.Error())
	}
	unzip, err := zstd.NewReader(nil, append(d, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(MaxBlockPlain),
		zstd.WithDecoderMaxWindow(1<<20))...)
	if err != nil {
		panic("protocol: " + err.Error())
	}
	p.zip[codec], p.unzip[codec] = zip, unzip
}

// Close frees the packer.
func (p *Packer) Close() {
	for _, codec := range []uint8{CodecZstd, CodecDictionary1} {
		p.unzip[codec].Close()
		_ = p.zip[codec].Close() // It writes to nothing.
	}
}

// A Run is events as their author holds them, ready to be carried: the encodings
// of First, First+1, … and the hashes before and at the end.
type Run struct {
	Log    LogID
	First  uint64
	Prev   Hash
	End    Hash
	Events [][]byte
	Reads  Codecs // What the reader can open.

	Leaning *Leaning // Of a log that is not sealed, for a reader of [CodecLeaning]; nil for none.
}

// Fits returns how many of the events, from the front, one block can carry.
func Fits(events [][]byte) int {
	const roomy = MaxBlockBody - 4<<10 // Even if nothing compresses.
	size := 0
	for i, e := range events {
		if size += len(e); i == MaxBlockEvents || size > roomy {
			return max(i, 1)
		}
	}
	return len(events)
}

// tiny is below what a frame of zstd takes more than it saves, whatever the codec: of
// an event of an inbox, say.
const tiny = 64

// Pack seals a run in an epoch, or leaves it open when epoch is nil, and signs.
func (p *Packer) Pack(r Run, epoch *identity.Epoch, signer *identity.Signer) (Block, error) {
	n := len(r.Events)
	if n == 0 || n > MaxBlockEvents {
		return Block{}, fault.New("protocol.Pack", fault.Internal, r.Log.String(), fmt.Sprintf("want 1 to %d events, got %d", MaxBlockEvents, n))
	}
	var plain []byte
	for _, e := range r.Events {
		plain = append(plain, e...)
	}
	b := Block{Header: Header{
		Log: r.Log, First: r.First, Last: r.First + uint64(n) - 1, Prev: r.Prev, End: r.End,
		Codec: r.codecFor(), Signer: signer.ID(),
	}}
	var body []byte
	switch {
	case b.Header.Codec == CodecLeaning:
		var err error
		if body, err = lean(r.First, r.Events, r.Leaning); err != nil {
			return Block{}, err
		}
	case len(plain) < tiny && b.Header.Codec != CodecErased:
		body = plain
	default:
		body = p.zip[b.Header.Codec].EncodeAll(plain, nil)
	}
	if len(body) >= len(plain) && b.Header.Codec != CodecErased {
		b.Header.Codec, body = CodecPlain, plain
	}
	if epoch != nil {
		b.Header.Epoch, b.Header.Counter = epoch.ID(), epoch.Next()
		body = epoch.Seal(nil, b.Header.Counter, body, b.Header.associated())
	}
	if len(body) > MaxBlockBody {
		return Block{}, fault.New("protocol.Pack", fault.Internal, r.Log.String(), "block body over its limit")
	}
	b.Header.Body, b.Body = sha256.Sum256(body), body
	b.Signature = signer.Sign(contextBlock, Marshal(&b.Header))
	return b, nil
}

// associated is the header as it is bound to the sealed body: all but the hash
// of that body.
func (h Header) associated() []byte {
	h.Body = Hash{}
	return Marshal(&h)
}

// Sealed reports whether the body needs an epoch's key.
func (h *Header) Sealed() bool { return h.Epoch != identity.EpochID{} }

// Count returns the number of events.
func (h *Header) Count() int { return int(h.Last - h.First + 1) }

// Check returns [fault.Invalid] for bounds that no block has, or a body that
// isn't the header's. It says nothing about who made the block.
func (b *Block) Check() error {
	const op = "protocol.Block"
	h := &b.Header
	if err := h.Log.Check(); err != nil {
		return err
	}
	if h.First == 0 || h.Last < h.First || h.Last-h.First >= MaxBlockEvents || len(b.Body) > MaxBlockBody || !ReadableCodecs.Reads(h.Codec) ||
		h.Codec == CodecLeaning && (!h.Log.leans() || h.Sealed()) ||
		h.Codec == CodecErased && h.Log.Channel != Uplink && h.Log.Channel != Inbox {
		return fault.New(op, fault.Invalid, h.Log.String(), "block bounds are impossible")
	}
	if sha256.Sum256(b.Body) != h.Body {
		return fault.New(op, fault.Invalid, h.Log.String(), "body differs from its header")
	}
	return nil
}

// Verify checks the block and its signature by the given public key. A bad block
// is [fault.Invalid], a bad signature [fault.Denied].
func (b *Block) Verify(public []byte) error {
	if err := b.Check(); err != nil {
		return err
	}
	if b.Header.Signer != identity.IDOf(public) || !identity.Verify(public, contextBlock, Marshal(&b.Header), b.Signature) {
		return fault.New("protocol.Block", fault.Denied, b.Header.Log.String(), "signature does not verify")
	}
	return nil
}

// An Item is one event of an opened block.
type Item struct {
	Seq  uint64
	Hash Hash
	Raw  []byte
}

// Open unseals, inflates within [MaxBlockPlain], and checks that the events
// chain from Prev to End. key is nil for a block that isn't sealed. What does
// not open or chain is [fault.Damaged]; so is a block that leans on others, which
// [Packer.OpenLeaning] opens.
func (p *Packer) Open(b *Block, key *identity.EpochKey) ([]Item, error) {
	return p.open(b, key, nil)
}

func (p *Packer) open(b *Block, key *identity.EpochKey, earlier func(seq uint64) ([]byte, error)) ([]Item, error) {
	const op = "protocol.Open"
	h := &b.Header
	body := b.Body
	if h.Sealed() {
		if key == nil {
			return nil, fault.New(op, fault.NotFound, h.Epoch.String(), "key of this epoch is not known")
		}
		var err error
		if body, err = key.Open(h.Counter, body, h.associated()); err != nil {
			return nil, err
		}
	}
	if h.Codec == CodecLeaning {
		var err error
		if body, err = upright(h.First, body, earlier); err != nil {
			return nil, err
		}
	} else if unzip := p.unzip[h.Codec]; unzip != nil {
		var err error
		if body, err = unzip.DecodeAll(body, nil); err != nil {
			return nil, &fault.Error{Op: op, Kind: fault.Damaged, Item: h.Log.String(), Err: err}
		}
	}
	items := make([]Item, 0, h.Count())
	prev := h.Prev
	for seq := h.First; seq <= h.Last; seq++ {
		var raw cbor.RawMessage
		rest, err := decoding.UnmarshalFirst(body, &raw)
		if err != nil || len(raw) > MaxEvent {
			return nil, &fault.Error{Op: op, Kind: fault.Damaged, Item: h.Log.String(), Err: err}
		}
		if _, gone := ErasedHash(raw); gone != (h.Codec == CodecErased) {
			return nil, fault.New(op, fault.Damaged, h.Log.String(), "a hash stands where an event must, or an event where a hash must")
		}
		prev = LinkHash(h.Log, seq, prev, raw)
		items = append(items, Item{Seq: seq, Hash: prev, Raw: raw})
		body = rest
	}
	if len(body) != 0 || prev != h.End {
		return nil, fault.New(op, fault.Damaged, h.Log.String(), "events don't chain to the end that the header names")
	}
	return items, nil
}
