package register

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"kendro/domain/place"
	"kendro/protocol"
)

// The first byte of a key says what it is for; DESIGN.md lists the layout. Keys
// are stored in clear, so a person's name stands in them only as a keyed hash.
const (
	tagMeta        = 'M'
	tagGenesis     = 'G'
	tagLog         = 'L' // log → logState
	tagEvent       = 'E' // log, sequence → hash, raw event
	tagCase        = 'C' // number → Case
	tagAlias       = 'A' // number as printed, alias → nothing
	tagCorrection  = 'e' // number, index, place in the entry → Correcting
	tagTask        = 'T' // office, post, due, number → taskState
	tagDraft       = 'D' // number, user → Draft
	tagLook        = 'K' // number, index, place in the entry → look
	tagUser        = 'U' // user → User
	tagSlot        = 'S' // slot → Node
	tagGossip      = 'I' // upazila → gossip key
	tagKeyTurn     = 'j' // upazila → KeyTurn
	tagServer      = 'V' // server ID → Server
	tagToken       = 'J' // hash of the nonce → Token
	tagEpoch       = 'P' // epoch → its introduction
	tagPiece       = 'R' // hash of a version or directory → sequence in the catalogue log
	tagAnswer      = 'X' // actor and ID → answer
	tagQuarantine  = 'Q' // index, place in the entry → Quarantine
	tagChunk       = 'W' // index, place in the entry, chunk → bytes of a quarantined block
	tagCell        = 'Z' // hour, centre → counters
	tagRecovered   = 'Y' // log, sequence, hash → number of the case that came as recovered
	tagLeft        = 'N' // log → Left
	tagTime        = 'B' // index, inverted → the register's time then
	tagLegal       = 'H' // log → legal date of its newest application
	tagPaper       = 'O' // keyed hash of a document's hash → Paper
	tagErasure     = 'z' // number → Erasure
	tagErased      = 'u' // log, sequence, hash of an event that a register before this one erased → number
	tagKept        = 'F' // index, place in the entry → PaperKept
	tagTimer       = 'm' // Unix seconds, number → nothing
	tagItem        = 'n' // number, index, place in the entry → Item
	tagOpenItem    = 'o' // number, index, place in the entry → nothing, while it is open
	tagBefore      = 'a' // log → the last sequence at which its box knew the register before this one
	tagRecord      = 'p' // keyed hash of upazila and record → PaperRecord
	tagAwaited     = 'r' // Unix milliseconds, number → name of the connector
	tagFact        = 's' // keyed hash of service and whose, day, number → factState
	tagRecordShare = 'q' // upazila → RecordShare
	tagTie         = 't' // number, number → Tie
	tagTrial       = 'g' // the newest release on trial: Trial
	tagReportLook  = 'l' // index, place in the entry → ReportLook
	tagVoided      = 'c' // log, sequence of a payment → number of its case
	tagGrievance   = 'x' // number → nothing, while a grievance lies at a desk
	tagLease       = 'v' // office, service → Tenancy
	tagCertificate = 'w' // number of a certificate → number of its case
	tagProposal    = 'i' // 0 while it waits, then 1; index, place in the entry → catalogue.Proposal
	tagBlocked     = 'f' // the national base that the overlay keeps out: BlockedBase
	tagElsewhere   = 'h' // keyed hash of another system and its number → number of the case
	tagSide        = 'k' // one of the sides below, and what it is of
	tagRevoked     = 'y' // upazila, Unix seconds, number of a certificate → protocol.RevokedCertificate
	tagBackup      = 'b' // the newest backup that was told: protocol.Watermark
)

// What lies under tagSide.
const (
	sideUntrained  = 0 // user → Untrained
	sideAgency     = 1 // code → Agency
	sideSubmission = 2 // code, number → Submission

	sideLacking = 'd' // number → nothing, while the case names a scan that is not here
	sideMatter  = 'm' // ID → Ending
	sideSealing = 'g' // number of a generation → Generation
	sideOpening = 'o' // name → Opening
	sideRenewal = 's' // certificate, 0, number of a case → nothing, while that is approved to renew it and not issued
	sideBounds  = 'b' // hash → what a base lets a district change, as it was published
	sideWaiting = 'w' // number → nothing, while an order to erase the case waits
	sideShown   = 'x' // hash, number → nothing: an officer showed the document on the case while such an order waited
)

func sideKey(side byte, parts ...[]byte) []byte {
	k := []byte{tagSide, side}
	for _, p := range parts {
		k = append(k, p...)
	}
	return k
}

func key(tag byte, parts ...[]byte) []byte {
	n := 1
	for _, p := range parts {
		n += len(p)
	}
	k := append(make([]byte, 0, n), tag)
	for _, p := range parts {
		k = append(k, p...)
	}
	return k
}

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }
func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }

// logKey is a log in a key: no log's is the beginning of another's.
func logKey(tag byte, l protocol.LogID) []byte {
	k := make([]byte, 0, 1+1+len(l.Name)+1+8+8)
	k = append(k, tag, byte(l.Channel))
	k = append(k, l.Name...)
	k = append(k, 0)
	return binary.BigEndian.AppendUint64(k, l.Incarnation)
}

func eventKey(l protocol.LogID, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(logKey(tagEvent, l), seq)
}

func caseKey(n protocol.Number) []byte { return key(tagCase, u64(uint64(n))) }

// seatPrefix is where the tasks of a seat, or of a whole office, are.
func seatPrefix(seat place.Seat) []byte {
	k := append([]byte{tagTask}, seat.Office...)
	k = append(k, 0)
	if seat.Post != "" {
		k = append(k, seat.Post...)
		k = append(k, 0)
	}
	return k
}

// taskKey sorts the tasks of a seat by due date, those without one last.
func taskKey(seat place.Seat, due int64, n protocol.Number) []byte {
	when := uint64(due)
	if due <= 0 {
		when = ^uint64(0)
	}
	k := binary.BigEndian.AppendUint64(seatPrefix(seat), when)
	return binary.BigEndian.AppendUint64(k, uint64(n))
}

// seatOf reads the seat from a task's key.
func seatOf(k []byte) (place.Seat, bool) {
	if len(k) < 1+2+16 {
		return place.Seat{}, false
	}
	office, rest, ok := bytes.Cut(k[1:len(k)-16], []byte{0})
	post, tail, ok2 := bytes.Cut(rest, []byte{0})
	return place.Seat{Office: string(office), Post: string(post)}, ok && ok2 && len(tail) == 0
}

// nameKey hides a person's name under the register's incarnation, which stands
// in an encrypted value only.
func nameKey(incarnation uint64, parts ...string) []byte {
	h := sha256.New()
	h.Write([]byte("kendro-register-name-1\x00"))
	h.Write(u64(incarnation))
	for _, p := range parts {
		h.Write(u64(uint64(len(p))))
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}
