package register

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"kendro/domain/application"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
)

// Limits of one entry. The leader keeps within them by splitting; an entry out
// of them was never proposed by this software.
const (
	MaxEntry         = 320 << 10 // Bytes of an encoded entry.
	MaxEntrySealed   = 256 << 10 // Bytes of all block bodies in it.
	MaxEntryPlain    = 2 << 20   // Bytes of all events in it, opened.
	MaxEntryEvents   = 2048      // Events of all blocks in it.
	MaxEntryCommands = 256
	MaxEntryEpochs   = 256
	MaxEntryWrites   = 10_000
	MaxEntryWritten  = 3 << 20 // Bytes that one transaction writes.
)

// maxOffset is how far civil time is from UTC anywhere, in seconds.
const maxOffset = 14 * 3600

// maxTime is the end of the year 9999, in Unix milliseconds.
const maxTime = 253_402_300_800_000

// entryFormat is raised whenever Apply would do another thing for the same bytes.
// Entries of a former format are applied as they were then. Since 2: recovered
// events, legal dates, logs that are given up, what revoked boxes had filed before.
// Since 3: the whole procedure, its clocks, and what centres send on a case. Since 4:
// records that are scanned once, what officers say of two applicants, releases on
// trial, facts that happen once, other authorities' registers, grievances and appeals
// that a centre sends, what clerks of the hub enter.
const (
	entryFormat  = 4
	oldestFormat = 1
)

// An Entry is what one Raft log entry holds and what one transaction does. Its
// parts are applied in the order of the fields.
type Entry struct {
	Format     uint8            `cbor:"1,keyasint"` // Set by EncodeEntry where it is 0.
	At         int64            `cbor:"2,keyasint"` // The leader's clock, Unix milliseconds; never runs backwards in the register.
	Epochs     []protocol.Epoch `cbor:"3,keyasint,omitempty"`
	Ingests    []Ingest         `cbor:"4,keyasint,omitempty"`
	Commands   []Command        `cbor:"5,keyasint,omitempty"`
	Checkpoint *Checkpoint      `cbor:"6,keyasint,omitempty"`
	Offset     int32            `cbor:"7,keyasint,omitempty"` // Of the offices' civil time, seconds east of UTC.
}

// An Ingest brings one block of an uplink, with what the leader found: its
// signature fits the slot's owner, its epoch's too, and each event was judged.
type Ingest struct {
	Block      protocol.Block `cbor:"1,keyasint"`
	Verdicts   []Verdict      `cbor:"2,keyasint,omitempty"` // One for each event of the block; none with Quarantine.
	Quarantine string         `cbor:"3,keyasint,omitempty"` // Why the block cannot be opened. It is kept whole, for a person.
	Findings   []Finding      `cbor:"4,keyasint,omitempty"` // Of those of its events that have any, in their order.
}

// A Finding is what the answers of one event come to under the version that its
// case pins.
type Finding struct {
	Seq    uint64    `cbor:"1,keyasint"`
	Rules  dcat.Bits `cbor:"2,keyasint,omitempty"`
	Review int64     `cbor:"3,keyasint,omitempty"` // To be paid before the review, poisha.
	Issue  int64     `cbor:"4,keyasint,omitempty"` // To be paid after the approval, poisha.
	Mode   dcat.Mode `cbor:"5,keyasint,omitempty"`

	Record *application.Record `cbor:"6,keyasint,omitempty"` // The old paper that it asks for.
	Fact   *application.Fact   `cbor:"7,keyasint,omitempty"` // What it is about, where that happens once.

	Complaint *application.Complaint `cbor:"8,keyasint,omitempty"` // Whom it is about, where it is a grievance.

	// Variance is by how much it costs its applicant more by its receipt and the version
	// that it pins than by the version in force, in poisha; below 0: less (row 8).
	Variance int64 `cbor:"12,keyasint,omitempty"`

	AskedAnew *AskedAnew `cbor:"45,keyasint,omitempty"` // What the version in force asks in addition; nil: nothing, or what it pins counts for ever.
}

// finding is the finding about an event, nil where there is none.
func (in *Ingest) finding(seq uint64) *Finding {
	for i := range in.Findings {
		if in.Findings[i].Seq == seq {
			return &in.Findings[i]
		}
	}
	return nil
}

// found is the finding as the procedure wants it, nil for none.
func (f *Finding) found() *application.Found {
	if f == nil {
		return nil
	}
	out := &application.Found{Rules: f.Rules, Mode: f.Mode, Dues: application.Dues{Review: f.Review, Issue: f.Issue}, Complaint: f.Complaint}
	if f.Record != nil {
		out.Record = *f.Record
	}
	if f.Fact != nil {
		out.Fact = *f.Fact
	}
	return out
}

// A Verdict is what the leader found about one event.
type Verdict struct {
	_       struct{} `cbor:",toarray"`
	Refused string   // Why it is no good application; empty when it is. It is held then, never dropped.
	Due     int64    // When its answer is due by the office calendar, Unix seconds.
}

// A Checkpoint is the leader's digest after the entry at Index. A server that
// has another one stops.
type Checkpoint struct {
	_      struct{} `cbor:",toarray"`
	Index  uint64
	Digest protocol.Hash
}

// An Outcome is what an entry came to, part by part.
type Outcome struct {
	Index   uint64
	Already bool // The entry had been applied before; nothing was done and the rest is empty.
	Ingests []IngestResult
	Results []Result
	Grew    []protocol.Head // The logs that are longer now, uplinks and our own.
}

// An IngestResult says where an uplink stands in the register after a block.
//
// Fault is nil when every event of the block is in the register, whether this
// block brought it or an earlier one. Unavailable: send again from At. Conflict:
// the log forked and is frozen. Denied: the slot is unknown or revoked.
type IngestResult struct {
	Log      protocol.LogID
	At       protocol.Position
	Accepted int // Events that this block brought.
	Fault    *protocol.Failure
}

// A Result is the answer to a command. It is kept by the command's ID, so a
// repetition gets it again.
type Result struct {
	_       struct{} `cbor:",toarray"`
	Version uint64   // Of the case after the command, or as it stands on a conflict.
	Body    cbor.RawMessage
	Fault   *protocol.Failure
}

// Decode reads the answer's body into v: [fault.NotFound] when there is none.
func (r *Result) Decode(v any) error {
	if len(r.Body) == 0 {
		return fault.New("register.Result", fault.NotFound, "answer", "it has no body")
	}
	return protocol.Unmarshal(r.Body, protocol.MaxRPC, "answer", v)
}

// EncodeEntry returns the entry's bytes, or [fault.Invalid] when it is out of
// its limits, holds a command that this software doesn't know, or is one that no
// server could read: then none stops for it.
func EncodeEntry(e *Entry) ([]byte, error) {
	if e.Format == 0 {
		e.Format = entryFormat
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	b := protocol.Marshal(e)
	if len(b) > MaxEntry {
		return nil, fault.New("register.EncodeEntry", fault.Invalid, "entry",
			fmt.Sprintf("%d bytes, the limit is %d: split it", len(b), MaxEntry))
	}
	if _, err := DecodeEntry(b); err != nil { // Such as a text that is no UTF-8.
		return nil, fault.Wrap("register.EncodeEntry", fault.Invalid, "entry", err)
	}
	return b, nil
}

// DecodeEntry reads what EncodeEntry wrote, else [fault.Invalid].
func DecodeEntry(b []byte) (*Entry, error) {
	e := &Entry{}
	if err := protocol.Unmarshal(b, MaxEntry, "entry", e); err != nil {
		return nil, err
	}
	return e, e.check()
}

func (e *Entry) check() error {
	bad := func(what string, n int) error {
		return fault.New("register.Entry", fault.Invalid, what, "out of bounds: "+strconv.Itoa(n))
	}
	if e.Format < oldestFormat || e.Format > entryFormat {
		return bad("format", int(e.Format))
	}
	if e.Offset < -maxOffset || e.Offset > maxOffset {
		return bad("offset", int(e.Offset))
	}
	if e.At < 0 || e.At > maxTime {
		return fault.New("register.Entry", fault.Invalid, "time", "before 1970 or after 9999: set the leader's clock")
	}
	if len(e.Epochs) > MaxEntryEpochs {
		return bad("epochs", len(e.Epochs))
	}
	if len(e.Commands) > MaxEntryCommands {
		return bad("commands", len(e.Commands))
	}
	for i := range e.Commands {
		if !known(e.Commands[i].Method) {
			return fault.New("register.Entry", fault.Invalid, clip(string(e.Commands[i].Method), 40), "no such command")
		}
	}
	sealed, events := 0, 0
	for i := range e.Ingests {
		h := &e.Ingests[i].Block.Header
		if h.First == 0 || h.Last < h.First || h.Last-h.First >= protocol.MaxBlockEvents {
			return bad("block", i)
		}
		sealed += len(e.Ingests[i].Block.Body)
		events += h.Count()
	}
	if sealed > MaxEntrySealed {
		return bad("sealed bytes", sealed)
	}
	if events > MaxEntryEvents {
		return bad("events", events)
	}
	return nil
}

// A Defect is what Apply panics with when this server cannot apply what the
// group has committed: the entry can't be read, the disk failed, a key is
// missing, or the digest differs. The server has to stop.
type Defect struct {
	Index uint64
	Err   error
}

func (d *Defect) Error() string {
	return "register: entry " + strconv.FormatUint(d.Index, 10) + " cannot be applied here: " + d.Err.Error()
}

// Unwrap returns the cause.
func (d *Defect) Unwrap() error { return d.Err }

// clip bounds a text that somebody else wrote. It never cuts a letter in two:
// text that isn't UTF-8 could be written but not read again.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
