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

	gone *erasedRecord // The event was erased by order; Event is its hash.
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

// An erasedRecord stands in the place of a record whose event was erased by order. What
// was asked, and by which ID, is gone with it.
type erasedRecord struct {
	_           struct{} `cbor:",toarray"`
	Incarnation uint64
	Prev        protocol.Hash
	Event       cbor.RawMessage // As [protocol.ErasedRaw] has it.
	Log         string
	Again       bool              // It stood again.
	Stood       bool              // It stands again in a later log of this box's.
	Number      protocol.Number   // On the slip; 0: it made no case.
	Case        protocol.Number   // By which the order names the case.
	Receipt     *protocol.Receipt // The printed one, of an event that stood again …
	Before      *protocol.Hash    // … and the hash before it there. Nil else: this record fits into the shortest that it replaces.
	At          int64             // When it was written, Unix milliseconds.
}

// How the encodings of records begin that are not an ownRecord's: arrays of five, of
// two and of eleven.
const (
	firstHead  = 0x85
	holeHead   = 0x82
	erasedHead = 0x8b
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
	if len(b) > 0 && b[0] == erasedHead {
		g := &erasedRecord{}
		if err := protocol.Unmarshal(b, maxRecord, "record of journal/own", g); err != nil {
			return r, damagedRecord("own", seq, err)
		}
		if _, ok := protocol.ErasedHash(g.Event); !ok {
			return r, damagedRecord("own", seq, errors.New("holds no hash of an erased event"))
		}
		r = ownRecord{Incarnation: g.Incarnation, Prev: g.Prev, Event: g.Event, Log: g.Log, gone: g}
		if g.Again {
			r.Key = againKey
		}
		return r, nil
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
	inGone  uint8 = 4 // An event that was erased by order. Raw is the running hash behind it.
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

	end *protocol.Hash // The running hash behind a record that was erased: its bytes no longer tell.
}

// erased is what stands in the place of a record whose event was erased by order, b as it
// is kept.
func (r *inRecord) erased(b []byte) []byte {
	end := r.running(b)
	return protocol.Marshal(&inRecord{Prev: r.Prev, What: inGone, Got: r.Got, Log: r.Log, At: r.At, Raw: protocol.Marshal(end[:])})
}

// running is the running hash behind a record, b as it is kept.
func (r *inRecord) running(b []byte) protocol.Hash {
	if r.end != nil {
		return *r.end
	}
	return running(r.Prev, b)
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
	if r.What == inGone {
		var end []byte
		if err := protocol.Unmarshal(r.Raw, maxRecord, "running hash", &end); err != nil || len(end) != len(protocol.Hash{}) {
			return r, damagedRecord("in", seq, errors.New("holds no running hash of an erased event"))
		}
		r.What, r.end, r.Raw = inEvent, (*protocol.Hash)(end), protocol.ErasedRaw(r.At.Hash)
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
