package protocol

import (
	"encoding/binary"
	"io"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/fault"
)

// A Message is one unit of a sync session: exactly one field is set. On a stream
// it is preceded by its length in four bytes, big-endian.
type Message struct {
	Hello   *Hello   `cbor:"1,keyasint,omitempty"`
	Heads   []Head   `cbor:"2,keyasint,omitempty"`
	Want    *Want    `cbor:"3,keyasint,omitempty"`
	Epoch   *Epoch   `cbor:"4,keyasint,omitempty"`
	Block   *Block   `cbor:"5,keyasint,omitempty"`
	Ack     *Ack     `cbor:"6,keyasint,omitempty"`
	Refused *Refused `cbor:"7,keyasint,omitempty"`
	Busy    *Busy    `cbor:"8,keyasint,omitempty"`
	Passed  *Passed  `cbor:"9,keyasint,omitempty"`
	Offer   *Offer   `cbor:"10,keyasint,omitempty"`
	Chunk   *Chunk   `cbor:"11,keyasint,omitempty"`
	Taken   *Taken   `cbor:"12,keyasint,omitempty"`
	Base    *Base    `cbor:"17,keyasint,omitempty"` // 13 to 15 are written in short.
	Inquiry *Inquiry `cbor:"18,keyasint,omitempty"`
	Fare    *Fare    `cbor:"20,keyasint,omitempty"`

	Forgotten *Forgotten `cbor:"21,keyasint,omitempty"`
}

// lastKind is the highest key up to which this build knows every message; of those
// above it knows some.
const lastKind = 17

// Hello opens a session from either side: which logs I hold up to where, and
// which I want to receive.
type Hello struct {
	Version  uint16  `cbor:"1,keyasint"` // The oldest version that the sender speaks.
	Have     []Head  `cbor:"2,keyasint,omitempty"`
	Want     []LogID `cbor:"3,keyasint,omitempty"`
	Cert     []byte  `cbor:"4,keyasint,omitempty"` // Signing certificate of a server, for its acknowledgements.
	Features uint64  `cbor:"5,keyasint,omitempty"`
	Gossip   string  `cbor:"6,keyasint,omitempty"` // Where a node's neighbours reach it, host:port.
	// Every lists channels of which I may want any log, whoever wrote it. The peer
	// names those that it carries in Have or Heads, and sends what I then ask for
	// by Want. A peer that does not know the key sends what it always did.
	Every []Channel `cbor:"7,keyasint,omitempty"`

	// Documents says what this side does with them; a peer that says nothing gets
	// none.
	Documents Carriage `cbor:"8,keyasint,omitempty"`

	Newest uint16 `cbor:"9,keyasint,omitempty"` // The newest version that the sender speaks; 0 is Version.
	Reads  Codecs `cbor:"10,keyasint,omitempty"`

	Shorthand uint8 `cbor:"11,keyasint,omitempty"` // The newest [Shorthand] that the sender reads; 0 is none.

	Bases uint8 `cbor:"12,keyasint,omitempty"` // The newest format of a [Base] that the sender begins an inbox with; 0 is none.

	Shelves uint8 `cbor:"13,keyasint,omitempty"` // Whether it begins a catalogue so: 0 is no, [TakesShelf], [NeedsShelf].

	Answers bool `cbor:"16,keyasint,omitempty"` // An [Inquiry] is answered.
	Forgets bool `cbor:"14,keyasint,omitempty"` // What a box has [Forgotten] is heard.
}

// Passed is a server's acknowledgement on its way to whom it is for, through
// others. Cert is the signing certificate of that server; it is left out when
// this session has carried it before.
type Passed struct {
	_    struct{} `cbor:",toarray"`
	Ack  Ack
	Cert []byte
}

// Check returns [fault.Invalid] for what is out of bounds. It says nothing about
// who signed.
func (p *Passed) Check() error {
	if len(p.Cert) > MaxCert {
		return fault.New("protocol.Passed", fault.Invalid, p.Ack.Log.String(), "certificate out of bounds")
	}
	return p.Ack.Log.Check()
}

// Carriage is what a side does with documents.
type Carriage uint8

// The carriages.
const (
	TakesDocuments Carriage = 1 // Streams of documents may be opened beside this session.
	DocumentStream Carriage = 2 // This stream carries documents and no logs.
)

// Want asks for a log from an event on, again if need be.
type Want struct {
	_    struct{} `cbor:",toarray"`
	Log  LogID
	From Position // The last event I hold.
}

// Refused answers a block that was not taken and why. Code says what the sender
// may do: Invalid drop the session, Conflict fork, Denied revoked.
type Refused struct {
	_    struct{} `cbor:",toarray"`
	Log  LogID
	Seq  uint64 // First event of the block.
	Code fault.Kind
	Text string
}

// Busy asks the peer to hold its blocks for a while.
type Busy struct {
	_           struct{} `cbor:",toarray"`
	RetryMillis uint32
}

// EncodeMessage returns a message with its length in front.
func EncodeMessage(m *Message) []byte {
	body := Marshal(m)
	out := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	return append(out, body...)
}

// DecodeMessage reads one message without its length. Anything out of bounds is
// [fault.Invalid]. A message of a kind that this build doesn't know is [Message.Empty].
func DecodeMessage(body []byte) (*Message, error) {
	m := &Message{}
	if err := Unmarshal(body, MaxMessage, "message", m); err != nil {
		return nil, err
	}
	if m.Empty() && later(body) {
		return m, nil
	}
	return m, m.check()
}

// later reports whether a message holds one part, of a kind that this build does
// not know: a newer program sent it.
func later(body []byte) bool {
	var parts map[uint64]cbor.RawMessage
	if Unmarshal(body, MaxMessage, "message", &parts) != nil || len(parts) != 1 {
		return false
	}
	for kind := range parts {
		return kind > lastKind
	}
	return false
}

// ReadMessage reads one message from a stream. The end of the stream before a
// message is [io.EOF]; a length over [MaxMessage] is [fault.Invalid].
func ReadMessage(r io.Reader) (*Message, error) {
	body, err := ReadFrame(r, MaxMessage)
	if err != nil {
		return nil, err
	}
	return DecodeMessage(body)
}

// ReadFrame reads bytes preceded by their length in four bytes, at most limit.
func ReadFrame(r io.Reader, limit uint32) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > limit {
		return nil, fault.New("protocol.ReadFrame", fault.Invalid, "frame", "longer than its limit")
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return body, nil
}

// WriteFrame writes bytes with their length in front, in one call.
func WriteFrame(w io.Writer, body []byte) error {
	out := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err := w.Write(append(out, body...))
	return err
}

// parts counts what is set.
func (m *Message) parts() int {
	set := 0
	for _, there := range []bool{
		m.Hello != nil, m.Heads != nil, m.Want != nil, m.Epoch != nil,
		m.Block != nil, m.Ack != nil, m.Refused != nil, m.Busy != nil, m.Passed != nil,
		m.Offer != nil, m.Chunk != nil, m.Taken != nil, m.Base != nil, m.Inquiry != nil, m.Fare != nil, m.Forgotten != nil,
	} {
		if there {
			set++
		}
	}
	return set
}

// Empty reports whether a message says nothing that this build understands.
func (m *Message) Empty() bool { return m.parts() == 0 }

func (m *Message) check() error {
	bad := func(what string) error { return fault.New("protocol.Message", fault.Invalid, what, "out of bounds") }
	set := m.parts()
	switch {
	case set != 1:
		return bad("message with other than one part")
	case m.Hello != nil:
		return m.Hello.check()
	case m.Epoch != nil:
		if m.Epoch.Vouches() {
			return nil
		}
		return m.Epoch.Check()
	case m.Block != nil:
		return m.Block.Check()
	case m.Want != nil:
		return m.Want.Log.Check()
	case m.Ack != nil:
		return m.Ack.Log.Check()
	case m.Passed != nil:
		return m.Passed.Check()
	case m.Refused != nil && len(m.Refused.Text) > MaxText:
		return bad("refusal")
	case m.Offer != nil:
		return m.Offer.check()
	case m.Chunk != nil:
		return m.Chunk.check()
	case m.Taken != nil:
		return m.Taken.check()
	case m.Base != nil:
		return m.Base.Check()
	case m.Inquiry != nil:
		return m.Inquiry.Check()
	case m.Fare != nil:
		return m.Fare.Check()
	case m.Forgotten != nil:
		return m.Forgotten.Check()
	}
	return checkHeads(m.Heads)
}

func (h *Hello) check() error {
	if len(h.Want) > MaxHeads || len(h.Cert) > MaxCert || len(h.Gossip) > MaxName || len(h.Every) > MaxChannels {
		return fault.New("protocol.Hello", fault.Invalid, "hello", "out of bounds")
	}
	for _, l := range h.Want {
		if err := l.Check(); err != nil {
			return err
		}
	}
	return checkHeads(h.Have)
}

func checkHeads(heads []Head) error {
	if len(heads) > MaxHeads {
		return fault.New("protocol.Heads", fault.Invalid, "heads", "too many")
	}
	for _, h := range heads {
		if err := h.Log.Check(); err != nil {
			return err
		}
	}
	return nil
}
