package register

import (
	"bytes"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// sealsTo is whom a centre was told of last, and how often it was told.
func sealsTo(w *town, b *box) (last protocol.SealingTurn, times int) {
	w.t.Helper()
	for _, e := range w.inboxOf(b.centre) {
		if e.Kind != protocol.SealingTold {
			continue
		}
		times++
		if err := e.Decode(&last); err != nil {
			w.t.Fatal(err)
		}
	}
	return last, times
}

// heardOf is a box's word that it seals to a key.
func heardOf(k *identity.SealingKey) *protocol.Event {
	return &protocol.Event{Kind: protocol.SealingHeard, At: 1, Payload: protocol.Marshal(&protocol.SealingWord{Key: k.ID()})}
}

// A next key is announced once every server of the group holds it; boxes say when they have
// heard, and the one before is understood on.
func TestRow36SealingKeyTurns(t *testing.T) {
	onBoth(t, func(w *town) {
		w.withKey()
		w.settle()
		b, other := w.enrol("41-09-17"), w.enrol("41-09-23")
		first, next, stray := w.district, identity.NewSealingKey(), identity.NewSealingKey()
		draw := func(k *identity.SealingKey, instead identity.KeyID) Result {
			return w.do(NewCommand("", "root", DrawSealing, &SealingDrawn{Public: k.Public(), Asked: "turn", Instead: instead}))
		}
		named := func(k *identity.SealingKey) Result {
			return w.do(NewCommand("", "root", AnnounceSealing, &SealingNamed{Key: k.ID()}))
		}
		if all := w.first().Generations(); len(all) != 1 || all[0].Key() != first.ID() {
			t.Fatalf("before the first turn: %+v", all)
		}
		wantFault(t, "one that nobody drew", named(next).Fault, fault.NotFound)
		good(t, "drawn", draw(stray, identity.KeyID{}))
		wantFault(t, "a second beside it", draw(next, identity.KeyID{}).Fault, fault.Conflict)
		good(t, "in its place", draw(next, stray.ID()))
		wantFault(t, "the one that was lost", named(stray).Fault, fault.NotFound)
		for _, sv := range w.first().Servers() {
			wantFault(t, "before every server holds it", named(next).Fault, fault.Unavailable)
			good(t, "held", w.do(NewCommand("", ActorHub, HoldSealing, &SealingHeld{Key: next.ID(), Server: sv.ID})))
		}
		if _, times := sealsTo(w, b); times != 0 {
			t.Fatal("a box was told of a key that is not announced")
		}
		epoch, err := identity.NewEpoch(next.Public())
		if err != nil {
			t.Fatal(err)
		}
		if e := protocol.NewEpoch(epoch, nil, b.signer); w.first().world.Load().understands(&e) {
			t.Error("an epoch under a key that is not announced is taken")
		}
		good(t, "announced", named(next))
		good(t, "once more", named(next))
		for _, b := range []*box{b, other} {
			if told, times := sealsTo(w, b); times != 1 || !bytes.Equal(told.Recipients[0], next.Public()) || len(told.Recipients) != len(w.recips) {
				t.Errorf("a box was told %d times, of %+v", times, told)
			}
		}
		wantFault(t, "instead of one in use", draw(stray, next.ID()).Fault, fault.Conflict)
		if behind := w.first().Behind(2); len(behind) != 2 {
			t.Errorf("%d boxes are behind; want both", len(behind))
		}
		b.add(heardOf(next))
		b.mustBring(1, len(b.events))
		if behind := w.first().Behind(2); len(behind) != 1 || behind[0].Centre != other.centre {
			t.Errorf("behind are %+v; want the other one", behind)
		}
		for _, k := range []*identity.SealingKey{first, next} {
			epoch, err := identity.NewEpoch(k.Public())
			if err != nil {
				t.Fatal(err)
			}
			if e := protocol.NewEpoch(epoch, nil, b.signer); !w.first().world.Load().understands(&e) {
				t.Errorf("what is sealed to %s is not understood", k.ID())
			}
		}
		s := w.first().Stats()
		if s.Followed != 1 || s.Unreadable+s.Quarantined != 0 {
			t.Errorf("stats %+v; want the word counted, and nothing aside", s)
		}
		w.agree()
	})
}
