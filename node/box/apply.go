package box

import (
	"encoding/binary"
	"errors"
	"strings"

	"kendro/catalogue"
	dcat "kendro/domain/catalogue"
	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/store"
)

// changed says which parts of memory an effect makes stale.
type changed uint8

const (
	changedPeople changed = 1 << iota
	changedContacts
	changedCatalogue
	changedAlarms
	changedLog
	changedRegister
	changedLeases
	changedErased
	changedAll = changedPeople | changedContacts | changedCatalogue | changedAlarms | changedLog | changedLeases // What follows from the index alone.
)

// applyOwn writes what follows from one record of journal/own.
func (x *index) applyOwn(tx *store.Tx, e *ownEffect) error {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], e.seq)
	if e.place == 1 || e.record.Key == againKey {
		if err := tx.Set(seqKey(keySection, e.section.First), protocol.Marshal(e.section)); err != nil {
			return err
		}
	}
	if e.record.hole() {
		return tx.Set(seqKey(keyHole, e.seq), nil)
	}
	if e.record.gone != nil {
		return erasedIndex{x}.own(tx, e)
	}
	if e.event.Kind != protocol.Submitted {
		if e.record.Key == againKey {
			return nil
		}
		if err := tx.Set(x.requestKey(e.event.Actor, e.record.Key), b[:]); err != nil {
			return err
		}
		if err := (unionIndex{x}).turn(tx, e.seq, e.event); err != nil {
			return err
		}
		return papersIndex{x}.name(tx, e.seq, e.event)
	}
	if err := tx.Set(x.caseKey(keyNumber, e.number), b[:]); err != nil || e.record.Key == againKey {
		return err
	}
	if err := tx.Set(x.requestKey(e.event.Actor, e.record.Key), b[:]); err != nil {
		return err
	}
	if err := (unionIndex{x}).filed(tx, e); err != nil {
		return err
	}
	return papersIndex{x}.name(tx, e.seq, e.event)
}

// applyIn writes what follows from one record of journal/in. An event that this
// version doesn't understand has no effect; a newer one rebuilds.
func (x *index) applyIn(tx *store.Tx, seq uint64, r *inRecord, at *marks) (changed, error) {
	if r.What == inAck {
		return 0, x.applyAck(tx, r)
	}
	if !r.ofInbox() {
		if err := tx.Set([]byte(keyCursor+r.Log.String()), protocol.Marshal(r.At)); err != nil {
			return 0, err
		}
	}
	if r.What == inBase {
		return 0, shelfIndex{x}.found(tx, r) // What it stands for came before it.
	}
	if r.Log.Channel == protocol.Catalogue || r.Log.Channel == protocol.CatalogueBase {
		if err := (shelfIndex{x}).stand(tx, seq, r); err != nil {
			return 0, err
		}
	}
	e, err := protocol.DecodeEvent(r.Raw)
	if err != nil {
		return 0, nil //nolint:nilerr // The hub's own signature stands on it; it is kept in the journal.
	}
	if r.Log.Channel == protocol.Uplink {
		return 0, applyBack(x, tx, seq, r)
	}
	if e.Kind == protocol.Assured {
		return registerIndex{x}.apply(tx, &e, r, at)
	}
	if x.era.foreign(r.Log) {
		return 0, nil
	}
	switch e.Kind { //nolint:exhaustive // What a later version says has no effect in this one.
	case protocol.LogGivenUp:
		var g protocol.GivenUp
		if !reads(&e, &g) {
			return 0, nil
		}
		return changedLog, tx.Set([]byte(keyGivenUp+g.Log.String()), e.Payload)
	case protocol.Settings:
		return changedContacts, tx.Set([]byte(keyContacts), e.Payload)
	case protocol.SealingTold:
		return applySealing(tx, &e)
	case protocol.UserChanged:
		var u protocol.User
		if !reads(&e, &u) || u.Name == "" {
			return 0, nil
		}
		return changedPeople, tx.Set(x.blind(keyUser, u.Name), e.Payload)
	case protocol.EventsErased:
		return erasedIndex{x}.apply(tx, &e)
	case protocol.LeaseTold:
		return unionIndex{x}.lease(tx, &e)
	case protocol.RevocationTold:
		return 0, unionIndex{x}.revoke(tx, &e)
	case protocol.Accepted:
		return 0, x.applyAccepted(tx, &e, at)
	case protocol.CaseMoved:
		var s protocol.Standing
		if !reads(&e, &s) {
			return 0, nil
		}
		if err := (unionIndex{x}).moved(tx, &s); err != nil {
			return 0, err
		}
		return 0, tx.Set(x.caseKey(x.era.now(keyStanding), s.Number), e.Payload)
	case protocol.CorrectionTold:
		var w protocol.CorrectionWord
		if !reads(&e, &w) {
			return 0, nil
		}
		return 0, tx.Set(putRightKey(x, w.Number, &w.At.Hash), e.Payload)
	case protocol.SetAside:
		return 0, unionIndex{x}.word(tx, &e)
	case protocol.CasesEnded:
		return 0, endedIndex{x}.apply(tx, &e)
	case protocol.DocumentsHeld:
		return 0, papersIndex{x}.hold(tx, &e)
	case protocol.ServiceAdded, protocol.DirectoryAdded, protocol.DirectoryPart, protocol.Released:
		return x.applyCatalogue(tx, &e, r.Got)
	case protocol.Tried, protocol.TrialEnded:
		return applyTrial(x, tx, &e, r.Got)
	}
	return 0, nil
}

// applyBack lets an application be found that a log of this centre's holds and
// journal/own does not: it was written before an older copy of the disk was put
// back, or by the centre's box before this one.
func applyBack(x *index, tx *store.Tx, seq uint64, r *inRecord) error {
	e := ownEffect{log: r.Log, place: r.At.Seq, hash: r.At.Hash, raw: r.Raw}
	if e.read(seq) != nil {
		return nil //nolint:nilerr // The register has put it aside as well.
	}
	if e.event.Kind == protocol.AsideRead {
		return unionIndex{x}.read(tx, e.event)
	}
	if e.event.Kind != protocol.Submitted {
		return nil
	}
	if there, err := tx.Has(x.caseKey(keyNumber, e.number)); err != nil || there {
		return err
	}
	if err := (unionIndex{x}).filed(tx, &e); err != nil {
		return err
	}
	return tx.Set(x.caseKey(keyBack, e.number), binary.BigEndian.AppendUint64(nil, seq))
}

// reads decodes an event's payload. One that this version can't read has no
// effect, as an unknown event has none.
func reads(e *protocol.Event, v any) bool { return e.Decode(v) == nil }

func (x *index) applyAck(tx *store.Tx, r *inRecord) error {
	var a protocol.Ack
	if err := protocol.Unmarshal(r.Raw, maxRecord, "acknowledgement", &a); err != nil {
		return &fault.Error{Op: "box.apply", Kind: fault.Damaged, Item: "journal/in", Err: err}
	}
	if era := x.era.Load(); era != 0 && a.Incarnation != era {
		return nil // Of a register that is no more.
	}
	var old ackedMark
	key := []byte(x.era.now(keyAck) + a.Log.String())
	if _, err := read(tx, key, &old); err != nil {
		return err
	}
	if a.At.Seq < old.At.Seq {
		return nil
	}
	return tx.Set(key, protocol.Marshal(ackedMark{At: a.At, Index: a.Index}))
}

// applyAccepted makes custody and stage of a whole run visible with one write.
func (x *index) applyAccepted(tx *store.Tx, e *protocol.Event, at *marks) error {
	var a protocol.Acceptance
	if !reads(e, &a) || a.Log.Check() != nil || a.First == 0 || a.Last < a.First {
		return nil //nolint:nilerr // What this version can't read has no effect.
	}
	at.Check = max(at.Check, a.Index)
	if err := tx.Set(placeKey(x.era.now(keyAccepted), a.Log, a.First), protocol.Marshal(span{Last: a.Last, At: a.At, Index: a.Index})); err != nil {
		return err
	}
	for i := range a.Other {
		if err := (unionIndex{x}).moved(tx, &a.Other[i]); err != nil {
			return err
		}
		if err := tx.Set(x.caseKey(x.era.now(keyStanding), a.Other[i].Number), protocol.Marshal(&a.Other[i])); err != nil {
			return err
		}
		if err := x.applyAlias(tx, &a.Other[i]); err != nil {
			return err
		}
	}
	return nil
}

// applyAlias lets a case be found by the number that the register gave it,
// because the printed one was there twice.
func (x *index) applyAlias(tx *store.Tx, s *protocol.Standing) error {
	alias, ok := aliasOf(s)
	if !ok {
		return nil
	}
	seq, err := lookup(tx, x.caseKey(keyNumber, s.Number))
	if err != nil || seq == 0 {
		return err
	}
	return tx.Set(x.caseKey(keyNumber, alias), binary.BigEndian.AppendUint64(nil, seq))
}

// aliasOf reads another number for the case from a standing's reason.
func aliasOf(s *protocol.Standing) (protocol.Number, bool) {
	text, ok := strings.CutPrefix(s.Reason, "alias ")
	if !ok {
		return 0, false
	}
	n, err := protocol.ParseNumber(text)
	return n, err == nil && n != s.Number
}

// standing reads the register's newest word about a case, also when it goes by
// another number there.
func (x *index) standing(tx *store.Tx, n protocol.Number, s *protocol.Standing) (bool, error) {
	ok, err := read(tx, x.caseKey(x.era.now(keyStanding), n), s)
	if err != nil || !ok {
		return ok, err
	}
	alias, renamed := aliasOf(s)
	if !renamed {
		return true, nil
	}
	later := protocol.Standing{}
	if ok, err = read(tx, x.caseKey(x.era.now(keyStanding), alias), &later); ok {
		*s = later
	}
	s.Number = alias
	return true, err
}

// The alarms of a catalogue.
const (
	alarmRelease = "catalogue_refused"  // A release that the catalogue's key did not sign.
	alarmTwin    = "catalogue_conflict" // Two releases with one number (DOMAIN §7 row 28).
)

func (x *index) applyCatalogue(tx *store.Tx, e *protocol.Event, got int64) (changed, error) {
	switch e.Kind { //nolint:exhaustive // The third is what follows.
	case protocol.ServiceAdded:
		v, err := catalogue.DecodeVersion(e.Payload)
		if err != nil {
			return 0, nil //nolint:nilerr // No release can name it, so none with it becomes active.
		}
		return changedCatalogue, tx.Set(hashKey(keyVersion, v.Hash), e.Payload)
	case protocol.DirectoryAdded:
		_, hash, err := catalogue.DecodeDirectory(e.Payload)
		if err != nil {
			return 0, nil //nolint:nilerr // As above.
		}
		return changedCatalogue, tx.Set(hashKey(keyDirectory, hash), e.Payload)
	case protocol.DirectoryPart:
		return applyPart(tx, e)
	}
	r, err := openRelease(e.Payload, x.trust)
	if err != nil {
		return changedAlarms, x.alarm(tx, alarmRelease, got)
	}
	key := seqKey(keyRelease, uint64(r.Number))
	old, err := tx.Get(key)
	if errors.Is(err, fault.NotFound) {
		return changedCatalogue, tx.Set(key, e.Payload)
	}
	if err == nil && string(old) != string(e.Payload) {
		return changedAlarms, x.alarm(tx, alarmTwin, got)
	}
	return 0, err
}

// applyPart keeps a part of a directory, and the directory once its last part is
// here. Parts come in their order: the log has no gaps.
func applyPart(tx *store.Tx, e *protocol.Event) (changed, error) {
	parcel, err := catalogue.DecodeParcel(e.Payload)
	if err != nil || parcel.Kind != catalogue.DirectoryParcel {
		return 0, nil //nolint:nilerr // No release can name it, so none with it becomes active.
	}
	at := func(part int) []byte { return append(hashKey(keyPart, parcel.Hash), byte(part>>8), byte(part)) }
	if parcel.Part < parcel.Parts-1 {
		return 0, tx.Set(at(parcel.Part), e.Payload)
	}
	var joiner catalogue.Joiner
	var whole []byte
	for part := range parcel.Parts {
		payload := e.Payload
		if part < parcel.Parts-1 {
			if payload, err = tx.Get(at(part)); err != nil {
				return 0, ignoreMissing(err)
			}
			if err := tx.Delete(at(part)); err != nil {
				return 0, err
			}
		}
		whole, _, err = joiner.Whole(&protocol.Event{Kind: protocol.DirectoryPart, Payload: payload})
		if err != nil {
			return 0, nil //nolint:nilerr // As above.
		}
	}
	if _, _, err := catalogue.DecodeDirectory(whole); err != nil || len(whole) > store.MaxValue {
		return 0, nil //nolint:nilerr // As above.
	}
	return changedCatalogue, tx.Set(hashKey(keyDirectory, parcel.Hash), whole)
}

// ignoreMissing makes nothing of a part that was never here.
func ignoreMissing(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// openRelease reads a signed release and checks its signature.
func openRelease(signed, trust []byte) (*dcat.Release, error) {
	var s catalogue.Signed
	if err := protocol.Unmarshal(signed, protocol.MaxEvent, "release", &s); err != nil {
		return nil, err
	}
	return s.Open(trust)
}

func (x *index) alarm(tx *store.Tx, code string, at int64) error {
	key := []byte(keyAlarm + code)
	if there, err := tx.Has(key); err != nil || there {
		return err
	}
	return tx.Set(key, binary.BigEndian.AppendUint64(nil, uint64(at)))
}
