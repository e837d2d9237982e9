package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"kendro/domain/fault"
)

// Hash is a SHA-256.
type Hash [32]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes lower hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(b []byte) error {
	if hex.DecodedLen(len(b)) != len(h) {
		return fault.New("protocol.Hash", fault.Invalid, "hash", "want 64 hexadecimal digits")
	}
	_, err := hex.Decode(h[:], b)
	return fault.Wrap("protocol.Hash", fault.Invalid, "hash", err)
}

// Channel is what kind of log a log is.
type Channel uint8

// The channels. Each log has one author.
const (
	Uplink    Channel = 1 // A node's records. Name: district and slot, "41-0010".
	Inbox     Channel = 2 // What a hub tells one centre. Name: the centre.
	Catalogue Channel = 3 // A hub's services. Name: the district.
	InboxBase Channel = 4 // The state that a [Base] of an inbox stands for. Name: the centre.

	CatalogueBase Channel = 5 // The state that a [Base] of a catalogue stands for. Name: the district.
)

var channels = map[Channel]string{
	Uplink: "uplink", Inbox: "inbox", Catalogue: "catalogue", InboxBase: "inbox-base", CatalogueBase: "catalogue-base",
}

// A LogID names a log: append-only, gapless, hash-chained, one writer. The
// incarnation is drawn at random with the log's storage, so a log that was lost
// and begun again is another log.
type LogID struct {
	_           struct{} `cbor:",toarray"`
	Channel     Channel
	Name        string
	Incarnation uint64
}

// String returns the log's name, such as "uplink/41-0010/00c0ffee00c0ffee".
func (l LogID) String() string {
	return fmt.Sprintf("%s/%s/%016x", channels[l.Channel], l.Name, l.Incarnation)
}

// ParseLogID reads what String wrote, else [fault.Invalid].
func ParseLogID(s string) (LogID, error) {
	bad := fault.New("protocol.ParseLogID", fault.Invalid, s, "want channel/name/incarnation, such as uplink/41-0010/00c0ffee00c0ffee")
	parts := strings.Split(s, "/")
	if len(parts) != 3 || len(parts[2]) != 16 {
		return LogID{}, bad
	}
	inc, err := strconv.ParseUint(parts[2], 16, 64)
	if err != nil {
		return LogID{}, bad
	}
	for c, name := range channels {
		if name == parts[0] {
			l := LogID{Channel: c, Name: parts[1], Incarnation: inc}
			if l.String() != s { // One spelling for one log.
				return LogID{}, bad
			}
			return l, l.Check()
		}
	}
	return LogID{}, bad
}

// Check returns [fault.Invalid] for an ID that no log can have.
func (l LogID) Check() error {
	if _, ok := channels[l.Channel]; !ok || l.Name == "" || len(l.Name) > MaxName || strings.ContainsAny(l.Name, "/\x00") {
		return fault.New("protocol.LogID", fault.Invalid, fmt.Sprintf("%d/%.40q", l.Channel, l.Name), "no such log")
	}
	return nil
}

// MarshalText makes a LogID a JSON string.
func (l LogID) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (l *LogID) UnmarshalText(b []byte) error {
	v, err := ParseLogID(string(b))
	*l = v
	return err
}

// Every is the name under which a reader asks for all logs of a channel, in
// place of a log's own. It never stands in a block.
const Every = "*"

// A Position is a place in a log: the sequence of an event, counted from 1, and
// its hash. The zero Position stands before the first event.
type Position struct {
	_    struct{} `cbor:",toarray" json:"-"`
	Seq  uint64   `json:"seq"`
	Hash Hash     `json:"hash"`
}

// A Head is how far somebody holds a log.
type Head struct {
	_   struct{} `cbor:",toarray"`
	Log LogID
	At  Position
}

// ChainHash returns the hash of the event whose encoding is raw, at seq of log,
// after the event with hash prev. It is the whole history: two different hashes
// for one (log, seq) are a fork, and nothing else is.
func ChainHash(log LogID, seq uint64, prev Hash, raw []byte) Hash {
	h := sha256.New()
	h.Write([]byte("kendro-event-1\x00"))
	h.Write(Marshal(struct {
		_    struct{} `cbor:",toarray"`
		Log  LogID
		Seq  uint64
		Prev Hash
	}{Log: log, Seq: seq, Prev: prev}))
	h.Write(raw)
	return Hash(h.Sum(nil))
}
