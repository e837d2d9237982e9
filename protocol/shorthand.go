package protocol

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"
	"sync"

	"kendro/domain/fault"
)

// ShorthandVersion is what [Hello.Shorthand] says of this build.
const ShorthandVersion = 1

// Bounds of a shorthand.
const (
	maxTrails   = 64      // Logs of one direction that have a number.
	keptEnds    = 64      // Ends of blocks that a sender remembers; a session's window is smaller.
	quotedEnds  = 16      // Ends that a reader refers to.
	shortLength = 1 << 15 // Messages below have a length of two bytes.
)

// A Shorthand writes and reads the messages of one session in fewer bytes than
// they have: it leaves out what the two ends have said to each other before. What
// it reads is the message that was meant, to the last byte, and whether that
// verifies is for others to say. It writes so once the peer's hello says that it
// reads it, and reads both forms.
//
// Each end remembers of either direction the last block of a log (the next one
// follows it, in the same epoch, by the same signer), where the latest blocks end,
// and the last acknowledgement. Messages must be encoded in the order in which they are sent
// and decoded in that in which they come. One goroutine may encode while another
// decodes. The zero Shorthand is ready.
type Shorthand struct {
	begun bool // The peer's hello has come; the goroutine that decodes owns it.

	mu      sync.Mutex // Guards all below.
	spoken  bool       // The peer reads it.
	out, in passage
}

// passage is what has gone one way.
type passage struct {
	trails []*trail // A log's number is its place.
	ack    *Ack     // The last one.
}

// trail is what has gone one way of one log.
type trail struct {
	last   Header
	blocks uint64     // So far, each counted.
	ends   []Position // Of the latest, the last block's last.
}

// shortBlock continues the last block of its log.
type shortBlock struct {
	_         struct{} `cbor:",toarray"`
	Trail     uint64
	Count     uint64 // Of events.
	Skipped   uint64 // Counters of the epoch that were used elsewhere since.
	Codec     uint8
	End       Hash
	Body      []byte
	Signature []byte
}

// endOf names the end of a block that the reader of the message has sent.
type endOf struct {
	_     struct{} `cbor:",toarray"`
	Trail uint64
	Block uint64 // Counted from 1.
}

// shortAck differs from the last acknowledgement in what it names.
type shortAck struct {
	_         struct{} `cbor:",toarray"`
	End       endOf
	Later     uint64 // By how much the index has grown.
	Signature []byte
}

// brief is a message in short: exactly one field is set.
type brief struct {
	Block *shortBlock `cbor:"13,keyasint,omitempty"`
	Ack   *shortAck   `cbor:"14,keyasint,omitempty"`
	Head  *endOf      `cbor:"15,keyasint,omitempty"`
}

// Encode returns a message with its length in front.
func (s *Shorthand) Encode(m *Message) []byte {
	s.mu.Lock()
	var b *brief
	if s.spoken {
		b = s.shorten(m)
	}
	s.out.note(m)
	spoken := s.spoken && m.Hello == nil // Who has not heard us yet reads long lengths alone.
	s.mu.Unlock()
	if !spoken {
		return EncodeMessage(m)
	}
	var body []byte
	if b != nil {
		body = Marshal(b)
	} else {
		body = Marshal(m)
	}
	if len(body) >= shortLength {
		return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...)
	}
	return append(binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(body)), shortLength|uint16(len(body))), body...)
}

// Decode reads the next message, and says how many bytes it took. The end of the
// stream before a message is [io.EOF]; what is malformed, out of bounds, or refers
// to what was never said is [fault.Invalid].
func (s *Shorthand) Decode(r io.Reader) (*Message, int, error) {
	body, size, err := readEither(r, s.begun)
	if err != nil {
		return nil, size, err
	}
	m, err := s.read(body)
	if err != nil {
		return nil, size, err
	}
	s.begun = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spoken = s.spoken || m.Hello != nil && m.Hello.Shorthand > 0
	s.in.note(m)
	return m, size, nil
}

// readEither reads a frame whose length has four bytes, or two, the first bit set.
func readEither(r io.Reader, short bool) (body []byte, size int, err error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:2]); err != nil {
		return nil, 0, err
	}
	size, n := 2, uint32(binary.BigEndian.Uint16(length[:]))
	if short && n&shortLength != 0 {
		n &^= shortLength
	} else {
		if _, err := io.ReadFull(r, length[2:]); err != nil {
			return nil, size, io.ErrUnexpectedEOF
		}
		size, n = 4, binary.BigEndian.Uint32(length[:])
	}
	if n > MaxMessage {
		return nil, size, fault.New("protocol.Shorthand", fault.Invalid, "frame", "longer than its limit")
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, size, io.ErrUnexpectedEOF
	}
	return body, size + len(body), nil
}

func (s *Shorthand) read(body []byte) (*Message, error) {
	const mapOfOne, first, last = 0xa1, 13, 15 // The encoding is deterministic: a kind below 24 is one byte.
	if len(body) < 2 || body[0] != mapOfOne || body[1] < first || body[1] > last {
		return DecodeMessage(body)
	}
	var b brief
	if err := Unmarshal(body, MaxMessage, "message", &b); err != nil {
		return nil, err
	}
	s.mu.Lock()
	m := s.lengthen(&b)
	s.mu.Unlock()
	if m == nil {
		return nil, fault.New("protocol.Shorthand", fault.Invalid, "message", "refers to what was never said")
	}
	return m, m.check()
}

// shorten returns what the peer can make m of, or nil where that takes all of m.
func (s *Shorthand) shorten(m *Message) *brief {
	switch {
	case m.Block != nil:
		return s.out.shortenBlock(m.Block)
	case m.Ack != nil:
		a, before := m.Ack, s.out.ack
		if before == nil || before.Signer != a.Signer || before.Incarnation != a.Incarnation || before.Index > a.Index {
			return nil
		}
		if end, ok := s.in.quote(a.Log, a.At); ok {
			return &brief{Ack: &shortAck{End: end, Later: a.Index - before.Index, Signature: a.Signature}}
		}
	case len(m.Heads) == 1:
		if end, ok := s.in.quote(m.Heads[0].Log, m.Heads[0].At); ok {
			return &brief{Head: &end}
		}
	}
	return nil
}

func (p *passage) shortenBlock(b *Block) *brief {
	h := &b.Header
	i := p.number(h.Log)
	if i < 0 {
		return nil
	}
	next := p.trails[i].next()
	if h.First != next.First || h.Prev != next.Prev || h.Epoch != next.Epoch || h.Signer != next.Signer || h.Counter < next.Counter || !h.Sealed() && h.Counter != 0 {
		return nil
	}
	return &brief{Block: &shortBlock{
		Trail: uint64(i), Count: h.Last - h.First + 1, Skipped: h.Counter - next.Counter, Codec: h.Codec,
		End: h.End, Body: b.Body, Signature: b.Signature,
	}}
}

// next is the header of a block that follows, as far as it can be known.
func (t *trail) next() Header {
	h := Header{Log: t.last.Log, First: t.last.Last + 1, Prev: t.last.End, Epoch: t.last.Epoch, Signer: t.last.Signer}
	if h.Sealed() {
		h.Counter = t.last.Counter + 1
	}
	return h
}

// lengthen returns the message that was meant, or nil for what none can be made of.
func (s *Shorthand) lengthen(b *brief) *Message {
	switch {
	case b.Block != nil && b.Block.Trail < uint64(len(s.in.trails)):
		short := b.Block
		h := s.in.trails[short.Trail].next()
		h.Last, h.Counter = h.First+short.Count-1, h.Counter+short.Skipped
		h.Codec, h.End, h.Body = short.Codec, short.End, sha256.Sum256(short.Body)
		return &Message{Block: &Block{Header: h, Body: short.Body, Signature: short.Signature}}
	case b.Ack != nil && s.in.ack != nil:
		log, at, ok := s.out.quoted(b.Ack.End)
		if ok {
			before := s.in.ack
			return &Message{Ack: &Ack{
				Log: log, At: at, Index: before.Index + b.Ack.Later, Incarnation: before.Incarnation,
				Signer: before.Signer, Signature: b.Ack.Signature,
			}}
		}
	case b.Head != nil:
		if log, at, ok := s.out.quoted(*b.Head); ok {
			return &Message{Heads: []Head{{Log: log, At: at}}}
		}
	}
	return nil
}

// note remembers what goes this way.
func (p *passage) note(m *Message) {
	switch {
	case m.Block != nil:
		p.noteBlock(&m.Block.Header)
	case m.Ack != nil:
		p.ack = m.Ack
	}
}

func (p *passage) noteBlock(h *Header) {
	i := p.number(h.Log)
	if i < 0 {
		if len(p.trails) == maxTrails {
			return
		}
		i = len(p.trails)
		p.trails = append(p.trails, &trail{})
	}
	t := p.trails[i]
	t.last = *h
	t.blocks++
	if len(t.ends) == keptEnds {
		t.ends = slices.Delete(t.ends, 0, 1)
	}
	t.ends = append(t.ends, Position{Seq: h.Last, Hash: h.End})
}

func (p *passage) number(log LogID) int {
	return slices.IndexFunc(p.trails, func(t *trail) bool { return t.last.Log == log })
}

// quote names the end of a block to who sent it. Neither end speaks of earlier
// ones from then on.
func (p *passage) quote(log LogID, at Position) (endOf, bool) {
	i := p.number(log)
	if i < 0 {
		return endOf{}, false
	}
	t := p.trails[i]
	for back := range min(len(t.ends), quotedEnds) {
		n := len(t.ends) - 1 - back
		if t.ends[n] == at {
			t.ends = slices.Delete(t.ends, 0, n)
			return endOf{Trail: uint64(i), Block: t.blocks - uint64(back)}, true
		}
	}
	return endOf{}, false
}

// quoted returns where a block of ours ended.
func (p *passage) quoted(e endOf) (log LogID, at Position, ok bool) {
	if e.Trail >= uint64(len(p.trails)) {
		return log, at, false
	}
	t := p.trails[e.Trail]
	if e.Block > t.blocks || t.blocks-e.Block >= uint64(len(t.ends)) {
		return log, at, false
	}
	t.ends = slices.Delete(t.ends, 0, len(t.ends)-1-int(t.blocks-e.Block))
	return t.last.Log, t.ends[0], true
}
