package box

import (
	"crypto/sha256"
	"errors"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/fault"
	"kendro/protocol"
)

// maxRecord bounds a record of either journal: an event, its place and what was
// asked.
const maxRecord = protocol.MaxEvent + 2<<10

// An ownRecord is one record of journal/own: an event of this box's log, the
// hash before it, and the request that it answers. Only the event travels.
type ownRecord struct {
	_           struct{} `cbor:",toarray"`
	Incarnation uint64
	Prev        protocol.Hash
	Key         string        // Idempotency key of the request.
	Body        protocol.Hash // SHA-256 of the request's body.
	Event       cbor.RawMessage
	Log         string // Name of the log.
}

// A firstRecord is one as it was written before a box could change its slot.
type firstRecord struct {
	_           struct{} `cbor:",toarray"`
	Incarnation uint64
	Prev        protocol.Hash
	Key         string
	Body        protocol.Hash
	Event       cbor.RawMessage
}

// A holeRecord stands in the place of a record that the disk has damaged, so that
// all others keep theirs. The event itself comes back from the hub, into journal/in.
type holeRecord struct {
	_           struct{} `cbor:",toarray"`
	Incarnation uint64
	Log         string
}

// How the encodings of records begin that are not an ownRecord's: arrays of five
// and of two.
const (
	firstHead = 0x85
	holeHead  = 0x82
)

// hole reports whether a record only holds the place of one that was damaged.
func (r *ownRecord) hole() bool { return len(r.Event) == 0 }

func decodeOwn(seq uint64, b []byte) (ownRecord, error) {
	var r ownRecord
	if len(b) > 0 && b[0] == holeHead {
		var h holeRecord
		if err := protocol.Unmarshal(b, maxRecord, "record of journal/own", &h); err != nil {
			return r, damagedRecord("own", seq, err)
		}
		return ownRecord{Incarnation: h.Incarnation, Log: h.Log}, nil
	}
	if len(b) > 0 && b[0] == firstHead {
		var old firstRecord
		if err := protocol.Unmarshal(b, maxRecord, "record of journal/own", &old); err != nil {
			return r, damagedRecord("own", seq, err)
		}
		r = ownRecord{Incarnation: old.Incarnation, Prev: old.Prev, Key: old.Key, Body: old.Body, Event: old.Event}
	} else if err := protocol.Unmarshal(b, maxRecord, "record of journal/own", &r); err != nil {
		return r, damagedRecord("own", seq, err)
	}
	if len(r.Event) == 0 { // CBOR's null reads as an empty record.
		return r, damagedRecord("own", seq, errors.New("holds no event"))
	}
	return r, nil
}

// What an inRecord holds.
const (
	inEvent uint8 = 1 // An event of the hub's: inbox or catalogue.
	inAck   uint8 = 2 // An acknowledgement of the hub's.
	inBase  uint8 = 3 // A base of the hub's; the events of its state stand before it, as those of a log.
)

// An inRecord is one record of journal/in: what the hub told us, as verified.
type inRecord struct {
	_    struct{}      `cbor:",toarray"`
	Prev protocol.Hash // Running hash of the records before.
	What uint8
	Got  int64 // Our clock, Unix milliseconds.
	Log  protocol.LogID
	At   protocol.Position
	Raw  cbor.RawMessage // The event, the acknowledgement, or the base.
}

// state reports whether a record is part of the state behind a base: what is missing
// of it nobody asks for.
func (r *inRecord) state() bool {
	return r.ofInbox() || r.What == inEvent && r.Log.Channel == protocol.CatalogueBase
}

// ofInbox reports whether it is part of the state of an inbox, which has no cursor: it
// is here whole, or another comes.
func (r *inRecord) ofInbox() bool { return r.What == inEvent && r.Log.Channel == protocol.InboxBase }

func decodeIn(seq uint64, b []byte) (inRecord, error) {
	var r inRecord
	if err := protocol.Unmarshal(b, maxRecord, "record of journal/in", &r); err != nil {
		return r, damagedRecord("in", seq, err)
	}
	if len(r.Raw) == 0 || r.What < inEvent || r.What > inBase {
		return r, damagedRecord("in", seq, errors.New("holds neither event, acknowledgement nor base"))
	}
	return r, r.Log.Check()
}

// running is the hash over a record of journal/in and all before it.
func running(prev protocol.Hash, record []byte) protocol.Hash {
	h := sha256.New()
	h.Write(prev[:])
	h.Write(record)
	return protocol.Hash(h.Sum(nil))
}

func damagedRecord(which string, seq uint64, err error) error {
	return &fault.Error{Op: "box.Open", Kind: fault.Damaged, Item: recordName(which, seq), Err: &hurt{which, err}}
}
