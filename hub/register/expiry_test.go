package register

import (
	"slices"
	"testing"

	"kendro/domain/fault"
	"kendro/identity"
	"kendro/protocol"
)

// An expiring is a district whose key has turned: one box seals to the next key, and another,
// which was revoked, never said so.
type expiring struct {
	*town
	box         *box
	first, next *identity.SealingKey
}

func newExpiring(w *town) *expiring {
	w.withKey()
	w.settle()
	x := &expiring{town: w, box: w.enrol("41-09-17"), first: w.district, next: identity.NewSealingKey()}
	w.enrol("41-09-23")
	good(w.t, "drawn", w.do(NewCommand("", "root", DrawSealing, &SealingDrawn{Public: x.next.Public(), Asked: "turn"})))
	for _, sv := range w.first().Servers() {
		good(w.t, "held", w.do(NewCommand("", ActorHub, HoldSealing, &SealingHeld{Key: x.next.ID(), Server: sv.ID})))
	}
	good(w.t, "announced", x.named(AnnounceSealing, x.next))
	return x
}

func (x *expiring) named(m Method, k *identity.SealingKey) Result {
	return x.do(NewCommand("", "root", m, &SealingNamed{Key: k.ID()}))
}

// says has every server say that it has done its part.
func (x *expiring) says(m Method) (last Result) {
	for _, sv := range x.town.first().Servers() {
		last = x.do(NewCommand("", ActorHub, m, &SealingCut{Key: x.first.ID(), Server: sv.ID}))
	}
	return last
}

func (x *expiring) ends(looked uint64) Result {
	return x.do(NewCommand("", ActorHub, EndSealing, &SealingEnded{Key: x.first.ID(), Looked: looked}))
}

// ready has everybody seal to the next key, and the revoked box be gone for long enough.
func (x *expiring) ready() *expiring {
	x.box.add(heardOf(x.next))
	x.box.mustBring(1, len(x.box.events))
	x.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-23", GossipKey: make([]byte, 32)}))
	x.at += KeyKeep
	return x
}

func (x *expiring) generation() *Generation { return x.town.first().GenerationOf(x.first.ID()) }

// TestRow36WhatStandsAgainstAKeysEnd: a key does not expire while boxes seal to it, or while
// others may still bring what a box had that is gone.
func TestRow36WhatStandsAgainstAKeysEnd(t *testing.T) {
	onBoth(t, func(w *town) {
		x := newExpiring(w)
		wantFault(t, "a key that nobody knows", x.named(ExpireSealing, identity.NewSealingKey()).Fault, fault.NotFound)
		wantFault(t, "the key in use", x.named(ExpireSealing, x.next).Fault, fault.Conflict)
		refused := func(what, item string) {
			t.Helper()
			f := x.named(ExpireSealing, x.first).Fault
			wantFault(t, what, f, fault.Conflict)
			list := w.first().Against(x.generation())
			if f.Item != item || len(list) == 0 || list[0].Item != item || list[0].Why != f.Text {
				t.Errorf("%s: %+v, and %+v; want %s named", what, f, list, item)
			}
		}
		refused("two boxes are behind", "41-09-17")
		x.box.add(heardOf(x.next))
		x.box.mustBring(1, len(x.box.events))
		refused("one box is behind", "41-09-23")
		w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-23", GossipKey: make([]byte, 32)}))
		refused("it was revoked just now", "41-09-23")
		w.at += KeyKeep - 60_000
		refused("it was revoked a minute less than the term ago", "41-09-23")
		w.at += 60_000
		good(t, "the term is over", x.named(ExpireSealing, x.first))
		good(t, "once more", x.named(ExpireSealing, x.first))
		if g := x.generation(); g.ExpiringAt == 0 || g.ExpiringIndex != w.index-1 || len(w.first().Against(g)) > 0 {
			t.Errorf("it stands at %+v; want it to expire since entry %d", g, w.index-1)
		}
		w.agree()
	})
}

// TestRow36AKeysEndWaitsForEveryServer: nothing sealed to a key is taken in from the entry on
// that lets it expire, by no server and whatever it holds; it has expired once every server
// has cut its log and a leader has looked since something sealed came.
func TestRow36AKeysEndWaitsForEveryServer(t *testing.T) {
	onBoth(t, func(w *town) {
		x := newExpiring(w).ready()
		b := x.box
		wantFault(t, "before it expires", x.says(CutSealing).Fault, fault.Conflict)
		b.seal(x.first.Public())
		b.submit(landCopy(t), 7)
		in := b.ingest(len(b.events), len(b.events))
		intro := b.introduction()
		w.apply(&Entry{Epochs: []protocol.Epoch{intro}})
		good(t, "begun", x.named(ExpireSealing, x.first))
		bring := func() *protocol.Failure {
			out := w.apply(&Entry{Ingests: []Ingest{in}})
			return out.Ingests[0].Fault
		}
		wantFault(t, "what is sealed to it", bring(), fault.Unavailable)
		good(t, "called off", x.named(KeepSealing, x.first))
		if f := bring(); f != nil {
			t.Fatalf("after it was called off: %v", f.Err())
		}
		good(t, "begun again", x.named(ExpireSealing, x.first))
		wantFault(t, "no server has cut its log", x.ends(w.index).Fault, fault.Unavailable)
		good(t, "cut", x.says(CutSealing))
		wantFault(t, "a look of before", x.ends(x.generation().ExpiringIndex-1).Fault, fault.Conflict)

		secret, err := protocol.Conceal(x.first.Public(), &protocol.Secret{Text: "late"})
		if err != nil {
			t.Fatal(err)
		}
		b.seal(x.next.Public())
		w.district = x.next // No server could open anything with the first any more.
		looked := w.index
		b.add(&protocol.Event{Kind: protocol.Supplied, At: 1, Number: 1, Payload: protocol.Marshal(&protocol.Supplement{Secret: secret})})
		w.apply(&Entry{Epochs: []protocol.Epoch{b.introduction()}})
		b.mustBring(len(b.events), len(b.events))
		wantFault(t, "something sealed came since the look", x.ends(looked).Fault, fault.Conflict)
		x.keeps(secret.Name(), len(b.events))
		good(t, "ended", x.ends(w.index))
		if g := x.generation(); g.ExpiredAt == 0 || !slices.Equal(w.first().Holding(g), w.first().Uncut(&Generation{})) {
			t.Errorf("it stands at %+v", g)
		}
		wantFault(t, "called off too late", x.named(KeepSealing, x.first).Fault, fault.Conflict)
		good(t, "gone", x.says(DropSealing))
		if left := w.first().Holding(x.generation()); len(left) > 0 {
			t.Errorf("it is said to lie on %v", left)
		}
		b.submit(landCopy(t), 8)
		b.seal(x.first.Public())
		late := b.ingest(len(b.events), len(b.events))
		w.apply(&Entry{Epochs: []protocol.Epoch{b.introduction()}})
		out := w.apply(&Entry{Ingests: []Ingest{late}})
		wantFault(t, "an epoch that comes later", out.Ingests[0].Fault, fault.Unavailable)
		before := in
		before.Block.Header.End[0] ^= 1 // Another end of what is here: it is opened to see where they part.
		w.apply(&Entry{Ingests: []Ingest{before}})
		w.agree()
	})
}

// keeps has the register keep an opening of what stands at a place, and of nothing else.
func (x *expiring) keeps(name protocol.Hash, seq int) {
	x.t.Helper()
	keep := func(name protocol.Hash, seq int) {
		x.t.Helper()
		list := []OpeningKept{{Opening: Opening{Name: name, Key: x.next.ID(), Sealed: []byte("sealed")}, Log: x.box.log, Seq: uint64(seq)}}
		good(x.t, "openings", x.do(NewCommand("", ActorHub, KeepOpenings, &OpeningsKept{List: list})))
	}
	keep(protocol.Hash{9}, seq)
	keep(name, seq-1)
	keep(name, seq+1)
	if all, err := x.town.first().AllOpenings(); err != nil || len(all) != 0 {
		x.t.Fatalf("openings of what is not there: %+v, %v", all, err)
	}
	keep(name, seq)
	o, err := x.town.first().Opening(name)
	if err != nil || o.Key != x.next.ID() {
		x.t.Fatalf("the opening is %+v, %v", o, err)
	}
	wantFault(x.t, "one that is sealed to nothing", x.do(NewCommand("", ActorHub, KeepOpenings, &OpeningsKept{List: []OpeningKept{{}}})).Fault, fault.Invalid)
}
