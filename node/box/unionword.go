package box

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"

	"kendro/domain/application"
	"kendro/domain/fault"
	"kendro/domain/place"
	"kendro/protocol"
	"kendro/store"
)

// A Word is the hub's newest on an act of the union's officers here that it did not take, has
// yet to take, or has overturned (decision 0049). Act is never nil.
type Word struct {
	protocol.Aside
	Read *Reading // By an officer of the union, as the word is now; nil: by nobody.
}

// A Reading is who of the union has read a word, and when.
type Reading struct {
	_       struct{} `cbor:",toarray"`
	By      string
	At      int64  // Unix milliseconds.
	Outcome string // Of the word that he read.
}

// A Fate is what has become of an act.
type Fate string

// The fates.
const (
	FateUnfit      Fate = "set-aside"  // It does not fit the case at the hub; somebody looks at it.
	FateWaits      Fate = "waits"      // The office above has yet to confirm it.
	FateHeld       Fate = "held"       // Its box was revoked before: whether it counts is to be said.
	FateOverturned Fate = "overturned" // It counted; what it rested on was put right.
	FateCounts     Fate = "counts"     // It was confirmed.
	FateRefused    Fate = "refused"    // It was refused.
	FateSettled    Fate = "settled"    // It does not count, and what it left is settled.
)

// Fate says what has become of the act.
func (w *Word) Fate() Fate {
	switch {
	case w.Counts():
		return FateCounts
	case w.Outcome == "refused":
		return FateRefused
	case w.Outcome != "":
		return FateSettled
	}
	switch w.Kind {
	case protocol.AsideConfirm:
		return FateWaits
	case protocol.AsideRevoked:
		return FateHeld
	case protocol.AsideOverturned:
		return FateOverturned
	}
	return FateUnfit
}

// open reports whether somebody has yet to say whether the act counts.
func (w *Word) open() bool { return w.Fate() == FateWaits || w.Fate() == FateHeld }

// parts reports whether the case stands otherwise at the hub for it: a note moves nothing.
func (w *Word) parts() bool { return !w.Counts() && w.Act.Action != application.Note.String() }

// A Step is what the union's officers do next about an act.
type Step string

// The steps.
const (
	StepWait    Step = "wait"     // Nothing, until the office above has said.
	StepDesk    Step = "hub-desk" // Go on with the case at the hub's desk.
	StepRecall  Step = "recall"   // The same, and get back the certificate that was printed.
	StepNothing Step = "nothing"
)

// Next says what is to be done.
func (w *Word) Next() Step {
	switch {
	case w.Counts():
		return StepNothing
	case w.open():
		return StepWait
	case w.Act.Certificate != "":
		return StepRecall
	case !w.parts():
		return StepNothing
	}
	return StepDesk
}

// Words returns what the hub has said of acts of an office's officers here: what nobody has
// read first, and then the newest.
func (b Desks) Words(office string) ([]Word, error) {
	list := []Word{}
	err := b.intake.view(func(tx *store.Tx) error {
		x := unionIndex{b.intake.index}
		return x.words(tx, []byte(x.era.now(keyWord)), func(w *Word) {
			if seat, err := place.ParseSeat(w.Act.Post); err != nil || seat.Office == office {
				list = append(list, *w)
			}
		})
	})
	newest := func(w *Word) int64 { return max(w.Act.Since, w.Act.Settled) }
	slices.SortFunc(list, func(v, w Word) int {
		if (v.Read == nil) != (w.Read == nil) {
			return cmp.Compare(boolean(v.Read != nil), boolean(w.Read != nil))
		}
		return cmp.Or(cmp.Compare(newest(&w), newest(&v)), slices.Compare(v.At.Hash[:], w.At.Hash[:]))
	})
	return list, err
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ReadWord notes that an officer has read the word on the act of this hash, as it is now. It
// is an event of the box's own, so every later box of the centre knows it. What was read
// already is left as it is. [fault.NotFound]: there is no word on such an act of his office.
func (b Desks) ReadWord(ctx context.Context, f Followup, seat place.Seat, act protocol.Hash) (*Word, error) {
	find := func() (*Word, error) {
		list, err := b.Words(seat.Office)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(list, func(w Word) bool { return w.At.Hash == act })
		if i < 0 {
			return nil, fault.New("box.ReadWord", fault.NotFound, act.String(), "the district has said nothing of such an act")
		}
		return &list[i], nil
	}
	w, err := find()
	if err != nil || w.Read != nil {
		return w, err
	}
	f.Number = w.Number
	event := protocol.Event{
		Kind: protocol.AsideRead, Post: seat.String(), Payload: protocol.Marshal(&protocol.AsideSeen{Log: w.Log, At: w.At, Outcome: w.Outcome}),
	}
	if _, err := (Followups{b.intake, b.Union}).write(ctx, f, event, sha256.Sum256(event.Payload)); err != nil {
		return nil, err
	}
	return find()
}

// wordKey is the key of the word on the act of a case, by the hash of its event.
func (x unionIndex) wordKey(kind string, n protocol.Number, act *protocol.Hash) []byte {
	return append(x.caseKey(kind, n), act[:8]...)
}

// word keeps the hub's newest word on an act of the union's.
func (x unionIndex) word(tx *store.Tx, e *protocol.Event) error {
	var a protocol.Aside
	if !reads(e, &a) || a.Act == nil || a.Number == 0 {
		return nil // About no act, or of a version that this one can't read.
	}
	return tx.Set(x.wordKey(x.era.now(keyWord), a.Number, &a.At.Hash), e.Payload)
}

// read keeps who has read a word.
func (x unionIndex) read(tx *store.Tx, e *protocol.Event) error {
	var s protocol.AsideSeen
	if !reads(e, &s) {
		return nil
	}
	return tx.Set(x.wordKey(keyRead, e.Number, &s.At.Hash), protocol.Marshal(&Reading{By: e.Actor, At: e.At, Outcome: s.Outcome}))
}

// words calls fn with the words whose keys begin with a prefix.
func (x unionIndex) words(tx *store.Tx, prefix []byte, fn func(*Word)) error {
	return tx.Scan(prefix, nil, func(_, value []byte) (bool, error) {
		var w Word
		if err := protocol.Unmarshal(value, store.MaxValue, "index", &w.Aside); err != nil {
			return false, damagedIndex(err)
		}
		var r Reading
		read, err := read(tx, x.wordKey(keyRead, w.Number, &w.At.Hash), &r)
		if read && r.Outcome == w.Outcome {
			w.Read = &r
		}
		fn(&w)
		return true, err
	})
}

// about are the words on the acts of a case.
func (x unionIndex) about(tx *store.Tx, n protocol.Number) (list []Word, err error) {
	err = x.words(tx, x.caseKey(x.era.now(keyWord), n), func(w *Word) { list = append(list, *w) })
	return list, err
}

// forget drops the words on the acts of a case that was erased by order.
func (x unionIndex) forget(tx *store.Tx, n protocol.Number) error {
	list, err := x.about(tx, n)
	for i := range list {
		if err == nil {
			err = tx.Delete(x.wordKey(x.era.now(keyWord), n, &list[i].At.Hash))
		}
	}
	return err
}

// disputed is what a certificate is by the words on the act that issued it; empty where there
// is none.
func (u *UnionCase) disputed(number string) (state string) {
	for i := range u.Words {
		w := &u.Words[i]
		switch {
		case w.Act.Certificate != number || w.Counts():
		case w.open():
			return protocol.CertificateWaits
		default:
			return protocol.CertificateRefused
		}
	}
	return ""
}
