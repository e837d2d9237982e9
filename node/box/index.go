package box

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
)

// An index answers the box's questions quickly. Everything in it follows from
// the journals, so it is thrown away at the first doubt.
//
// Keys are in clear on the disk, so what names a person or a case goes through
// blind first.
type index struct {
	dir    string
	secret []byte
	trust  []byte // Public key that signs releases.
	centre string
	open   func() (*store.DB, error)
	remove func() error // Throws the folder away.

	// use is held for reading while db is in use, and for writing while the
	// folder is exchanged. The lock stands for the folder itself, so it is held
	// across the disk.
	use sync.RWMutex
	db  *store.DB

	// at is owned by whoever writes: Open, then the writer's helper, or the turn
	// while the helper has nothing to do.
	at marks

	// partial says that the index is being built: what it lacks, the journals may
	// hold.
	partial atomic.Bool

	parts  layout    // Changed by whoever owns at.
	placed placeList // Of the base of a catalogue that is coming; likewise.

	era   era                 // Changed by whoever owns at.
	roots *identity.Authority // Verifies who says that the register began anew.

	// behind is closed and taken away once the index holds all that was placed.
	behind atomic.Pointer[chan struct{}]
}

// The kinds of key. One letter each, then what the comment says.
const (
	keyMarks     = "m" // The marks.
	keyNumber    = "n" // Blinded receive number: sequence in journal/own.
	keyRequest   = "i" // Blinded user and idempotency key: sequence in journal/own.
	keyAccepted  = "a" // Log, first sequence of a run in the register: span.
	keySection   = "e" // First sequence in journal/own: section.
	keyHole      = "w" // Sequence in journal/own of a record that was damaged: nothing.
	keyBack      = "b" // Blinded receive number: sequence in journal/in of an application that was fetched back.
	keyGivenUp   = "g" // Name of a log: the hub's word that it has two branches.
	keyEnded     = "l" // Log, first place of a run of cases that ended long ago: endedSpan.
	keyStanding  = "s" // Blinded receive number: Standing.
	keyWaits     = "w" // Blinded receive number: the number, of a case that waits for its applicant.
	keyTurn      = "t" // Blinded receive number, sequence in journal/own of what was done on the case here: nothing.
	keySerial    = "1" // Prefix of certificates' numbers: the highest that was issued here.
	keyIssued    = "2" // Blinded number of a certificate: the receive number of the case on which it was issued here.
	keyRenewed   = "3" // Blinded number of a certificate: the receive number of the case on which one was issued here in its place.
	keyPrinted   = "4" // Blinded receive number, sequence in journal/own of a copy that was printed here: nothing.
	keyRevoked   = "5" // Number of a certificate of the upazila: RevokedCertificate.
	keyDesk      = "8" // Blinded receive number: deskEntry, of an application that nobody has ended as far as the hub has said.
	keyPutRight  = "7" // Blinded receive number, beginning of an event's hash: CorrectionWord, what has come of that correction.
	keyWord      = "A" // Blinded receive number, beginning of an event's hash: Aside, the hub's newest on that act of the union's.
	keyRead      = "B" // The same: Reading, who has read it.
	keyErased    = "$" // Blinded receive number: ErasedCase, of a case that was erased by order.
	keyGone      = "9" // Log, place in it: nothing, of an event that was erased by order.
	keyBare      = "0" // Sequence in journal/own of a record that was erased and stands in no later log: nothing.
	keyLease     = "j" // Service: Lease, what this box may decide by itself.
	keyUser      = "u" // Blinded login: User.
	keyContacts  = "o" // Contacts.
	keySealing   = "%" // SealingTurn: whom the box seals to, since the district's key turned.
	keyVersion   = "v" // Hash: an encoded service version.
	keyDirectory = "d" // Hash: an encoded directory.
	keyPart      = "c" // Hash of a directory, part: the part, until the last one has come.
	keyRelease   = "r" // Number of a release: Signed.
	keyTrial     = "z" // Number of a release on trial here: Trial.
	keyCursor    = "h" // Name of a log of the hub's: Position.
	keyAck       = "k" // Name of an own log: ackedMark, the newest acknowledgement.
	keyAlarm     = "x" // Code of an alarm: Unix milliseconds since when.
	keyPaper     = "p" // Blinded document: pendingPaper, while the hub lacks it.
	keyHeld      = "q" // Blinded document that the hub holds: heldPaper.
	keyRegister  = "f" // Refounding: the register began anew.
	keyBackup    = "y" // Watermark: how far the hub is backed up. Of one register.
	keyShelved   = "c" // Name of a catalogue's log, place in it: sequence in journal/in.
	keyPlaces    = "5" // Name of the state's log behind a base of a catalogue: Places.
	keyFloor     = "6" // Name of a catalogue's log: shelfFloor, where it begins here.
)

// A span is a run of the own log that the register holds.
type span struct {
	_     struct{} `cbor:",toarray"`
	Last  uint64
	At    int64 // Unix milliseconds at the hub.
	Index uint64
}

// shelvedKey is the key of an event of a catalogue's log.
func shelvedKey(log protocol.LogID, seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(keyShelved+log.String()+"\x00"), seq)
}

// blind returns the key of something that must not be read off the disk.
func (x *index) blind(kind, name string) []byte {
	h := sha256.New()
	h.Write(x.secret)
	h.Write([]byte(kind))
	h.Write([]byte(name))
	sum := h.Sum(make([]byte, 0, sha256.Size+1))
	return append([]byte(kind), sum[:16]...)
}

// caseKey is a key of one kind for a receive number.
func (x *index) caseKey(kind string, n protocol.Number) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return x.blind(kind, string(b[:]))
}

// placeKey sorts the runs of one log.
func placeKey(kind string, log protocol.LogID, seq uint64) []byte {
	k := append([]byte(kind), log.String()...)
	return binary.BigEndian.AppendUint64(append(k, 0), seq)
}

func (x *index) requestKey(user, key string) []byte {
	return x.blind(keyRequest, user+"\x00"+key)
}

func seqKey(kind string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte(kind), seq)
}

func seqBytes(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

func hashKey(kind string, h [32]byte) []byte { return append([]byte(kind), h[:]...) }

// fallBehind has readers wait from now on: something is about to be placed. A
// reader that was told of a record finds it.
func (x *index) fallBehind() {
	c := make(chan struct{})
	x.behind.Store(&c)
}

// caughtUp lets readers in again.
func (x *index) caughtUp() { close(*x.behind.Swap(nil)) }

// view reads at the newest transaction. While the index is at work on what was
// placed, it waits; while it is being rebuilt, it is [fault.Unavailable].
func (x *index) view(fn func(*store.Tx) error) error {
	if c := x.behind.Load(); c != nil {
		<-*c
	}
	x.use.RLock()
	defer x.use.RUnlock()
	if x.db == nil || x.partial.Load() {
		return fault.New("box.view", fault.Unavailable, "", "the index is being rebuilt; repeat it in a moment")
	}
	return x.db.View(fn)
}

// update writes one transaction.
func (x *index) update(fn func(*store.Tx) error) error {
	x.use.RLock()
	defer x.use.RUnlock()
	if x.db == nil {
		return fault.New("box.update", fault.Unavailable, "", "the index is closed")
	}
	return x.db.Update(x.db.Applied()+1, fn)
}

// lookup returns the sequence that stands under key, 0 if there is none.
func lookup(tx *store.Tx, key []byte) (uint64, error) {
	b, err := tx.Get(key)
	if errors.Is(err, fault.NotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, fault.New("box.lookup", fault.Damaged, "index", "a sequence has another length than 8 bytes")
	}
	return binary.BigEndian.Uint64(b), nil
}

// read decodes the value under key into v and reports whether there is one.
func read(tx *store.Tx, key []byte, v any) (bool, error) {
	b, err := tx.Get(key)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := protocol.Unmarshal(b, store.MaxValue, "index", v); err != nil {
		return false, &fault.Error{Op: "box.read", Kind: fault.Damaged, Item: "index", Err: err}
	}
	return true, nil
}

// accepted returns the run of the register that holds the event at seq of a log.
func (x *index) accepted(tx *store.Tx, log protocol.LogID, seq uint64) (s span, ok bool, err error) {
	ok, err = floor(tx, placeKey(x.era.now(keyAccepted), log, seq), &s)
	return s, ok && s.Last >= seq, err
}

// floor decodes into v what stands under a place of a log, or under the nearest
// before it, and reports whether there is one.
func floor(tx *store.Tx, k []byte, v any) (ok bool, err error) {
	err = tx.ScanBack(k[:len(k)-8], k, func(_, value []byte) (bool, error) {
		if err := protocol.Unmarshal(value, store.MaxValue, "index", v); err != nil {
			return false, damagedIndex(err)
		}
		ok = true
		return false, nil
	})
	return ok, err
}

// close lets go of the folder.
func (x *index) close(logger *slog.Logger) {
	x.use.Lock()
	defer x.use.Unlock()
	if x.db == nil {
		return
	}
	if err := x.db.Close(); err != nil {
		logger.Warn("index did not close cleanly; it is compared with the journals at the next start", "err", err)
	}
	x.db = nil
}

// scrub recomputes what the engine can check about itself.
func (x *index) scrub(ctx context.Context) error {
	x.use.RLock()
	defer x.use.RUnlock()
	if x.db == nil {
		return fault.New("box.scrub", fault.Unavailable, "", "the index is closed")
	}
	return x.db.Scrub(ctx)
}
