package box

import (
	"context"
	"crypto/sha256"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
	"kendro/store"
)

// applySealing notes whom the box seals to from now on. Of two words the later counts: the
// inbox of a box that was enrolled long after its centre begins with earlier ones.
func applySealing(tx *store.Tx, e *protocol.Event) (changed, error) {
	var told, old protocol.SealingTurn
	if !reads(e, &told) || told.Check() != nil {
		return 0, nil //nolint:nilerr // What this version can't seal to has no effect.
	}
	if _, err := read(tx, []byte(keySealing), &old); err != nil || old.At >= told.At {
		return 0, err
	}
	return changedContacts, tx.Set([]byte(keySealing), e.Payload)
}

// Recipients returns the public keys that the box seals to, the district's first: those of
// the latest word, be it the hub's or the enrolment's.
func (b *Memory) Recipients() [][]byte {
	b.contacts.mu.Lock()
	defer b.contacts.mu.Unlock()
	if told := &b.contacts.seal; told.At > b.o.Enrolment.SealingAt {
		return told.Recipients
	}
	return b.o.Enrolment.Recipients
}

// Turned returns the key of the district's that the box seals to, where that is another than
// the first as far as the box was told; else nothing.
func (b *Memory) Turned() identity.KeyID {
	b.contacts.mu.Lock()
	at := max(b.contacts.seal.At, b.o.Enrolment.SealingAt)
	b.contacts.mu.Unlock()
	if at == 0 {
		return identity.KeyID{}
	}
	return identity.IDOf(b.Recipients()[0])
}

// district is the district's public key.
func (b *Memory) district() ([]byte, error) {
	to := b.Recipients()
	if len(to) == 0 {
		return nil, fault.New("box.seal", fault.Internal, "enrolment", "it names no key of the district")
	}
	return to[0], nil
}

// sealedTo is whom an event has sealed what nobody here may read, zero where it holds nothing
// of it.
func sealedTo(e *protocol.Event) (id identity.KeyID) {
	var secret *protocol.Confidential
	switch e.Kind { //nolint:exhaustive // The others hold none.
	case protocol.Submitted:
		var s struct {
			Secret *protocol.Confidential `cbor:"9,keyasint,omitempty"`
		}
		_ = e.Decode(&s) // It was made here.
		secret = s.Secret
	case protocol.Supplied:
		var s protocol.Supplement
		_ = e.Decode(&s) // As above.
		secret = s.Secret
	case protocol.Appealed:
		var a protocol.Appeal
		_ = e.Decode(&a) // As above.
		secret = a.Secret
	case protocol.Corrected:
		var k protocol.Correction
		_ = e.Decode(&k) // As above.
		secret = k.Secret
	}
	if secret != nil {
		id = secret.Key
	}
	return id
}

// SayKey writes into the own log that from here on the box seals to a key, once in each log
// for each key that it is told of: so the hub knows when nothing more comes under the one
// before. Calls must not overlap.
func (b *Box) SayKey(ctx context.Context) error {
	id := b.Turned()
	key := "sealing/" + id.String() + "/" + b.Log().String()
	if id == (identity.KeyID{}) || b.said == key {
		return nil
	}
	event := protocol.Event{Kind: protocol.SealingHeard, Payload: protocol.Marshal(&protocol.SealingWord{Key: id})}
	_, err := (Followups{b.Intake, b.Union}).write(ctx, Followup{Key: key}, event, sha256.Sum256([]byte(key)))
	if err == nil {
		b.said = key
	}
	return err
}
