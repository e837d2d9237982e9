package register

import (
	"errors"
	"math/rand/v2"
	"testing"

	"kendro/domain/fault"
	"kendro/protocol"
)

// defect applies an entry and returns the defect that stops the server, or nil.
func defect(t testing.TB, r *Register, index uint64, data []byte) (d *Defect) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			var ok bool
			if d, ok = p.(*Defect); !ok {
				t.Fatalf("Apply panicked with %v; want a *Defect", p)
			}
		}
	}()
	r.Apply(index, 1, data)
	return nil
}

// TestDefectsStop: what this server alone can't apply stops it, and leaves its
// state as it was, so that a repaired server goes on from there.
func TestDefectsStop(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	b := w.enrol("41-09-17")
	b.submit(licence(t), 1)
	raw, err := EncodeEntry(&Entry{At: w.at, Ingests: []Ingest{b.ingest(1, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	r, m := w.first(), w.first().base.(*memory)
	hash := r.SetHash()
	index, digest := r.Digest()
	unknown := protocol.Marshal(&Entry{Format: entryFormat, Commands: []Command{{ID: "x", Actor: "root", Method: "from-the-future"}}})
	for name, bad := range map[string][]byte{
		"nothing": nil, "no CBOR": []byte("hello"), "another format": protocol.Marshal(&Entry{Format: entryFormat + 1}), "an unknown command": unknown,
		"too long": make([]byte, MaxEntry+1), "a tail": append(append([]byte{}, raw...), 0), "a clock of 1960": protocol.Marshal(&Entry{Format: entryFormat, At: -1}),
		"another digest": protocol.Marshal(&Entry{Format: entryFormat, Checkpoint: &Checkpoint{Index: index, Digest: protocol.Hash{1}}}),
	} {
		if d := defect(t, r, w.index+1, bad); d == nil || d.Index != w.index+1 || d.Unwrap() == nil {
			t.Errorf("%s: %v; want a defect", name, d)
		}
	}
	for n := 0; ; n++ { // The disk fails at the n-th write.
		left := n
		m.failing = func([]byte) error {
			if left--; left < 0 {
				return fault.New("disk", fault.Stopped, "", "broken")
			}
			return nil
		}
		d := defect(t, r, w.index+1, raw)
		m.failing = nil
		if d == nil {
			if n < 5 {
				t.Errorf("the entry needed %d writes only", n)
			}
			break
		}
		if !errors.Is(d, fault.Stopped) {
			t.Errorf("write %d: %v; want stopped", n, d)
		}
		if i, dg := r.Digest(); i != index || dg != digest || r.SetHash() != hash || r.Applied() != index {
			t.Fatalf("write %d failed and the register changed", n)
		}
	}
	if at, _, err := r.Cursor(b.log); err != nil || at.Seq != 1 {
		t.Errorf("after the repair the log stands at %v, %v", at, err)
	}
	if err := r.Sync(); err != nil {
		t.Error(err)
	}
}

// TestMissingKeyStops: a server without the district's key must not pass a block
// over that the others apply.
func TestMissingKeyStops(t *testing.T) {
	w := newTown(t, newMemory()).withKey()
	w.settle()
	b := w.enrol("41-09-17")
	b.seal(w.recips...)
	b.submit(licence(t), 1)
	raw, err := EncodeEntry(&Entry{At: w.at, Epochs: []protocol.Epoch{b.introduction()}, Ingests: []Ingest{b.ingest(1, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	poor := w.reopen(w.first().base.(*memory).copy())
	poor.opener = &town{packer: w.packer}
	if d := defect(t, poor, w.index+1, raw); d == nil {
		t.Error("a server without the key goes on")
	}
	if d := defect(t, w.first(), w.index+1, raw); d != nil {
		t.Error(d)
	}
}

// TestCheckpoints: a leader's digest is compared when it is remembered, and says
// nothing after a restart.
func TestCheckpoints(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	index, digest := w.first().Digest()
	w.apply(&Entry{})
	w.apply(&Entry{Checkpoint: &Checkpoint{Index: index, Digest: digest}})
	w.restart(0, w.index)
	w.apply(&Entry{Checkpoint: &Checkpoint{Index: index, Digest: protocol.Hash{1}}})
	i2, d2 := w.first().Digest()
	if i2 != w.index || d2 == digest {
		t.Errorf("digest = %d, %v", i2, d2)
	}
}

// TestDamagedStateIsNotTrusted: state that doesn't decode is named at Open or when
// it is asked for.
func TestDamagedStateIsNotTrusted(t *testing.T) {
	w := newTown(t, newMemory()).settle()
	b := w.enrol("41-09-17")
	n := b.submit(licence(t), 1)
	b.mustBring(1, 1)
	whole := w.first().base.(*memory)
	for _, k := range [][]byte{key(tagMeta), key(tagGenesis), key(tagServer, []byte("s1")), key(tagSlot, []byte("0010")), eventKey(w.first().Shelf(), 1)} {
		bad := whole.copy()
		if err := bad.Update(bad.applied, func(tx Tx) error { return tx.Set(k, []byte{0xff, 0x01}) }); err != nil {
			t.Fatal(err)
		}
		if _, err := open(bad, Options{District: "41", Opener: w}); !errors.Is(err, fault.Damaged) {
			t.Errorf("key %c: opens with %v; want damaged", k[0], err)
		}
	}
	bad := whole.copy()
	if err := bad.Update(bad.applied, func(tx Tx) error { return tx.Set(caseKey(n), []byte{0xff}) }); err != nil {
		t.Fatal(err)
	}
	r := w.reopen(bad)
	if _, err := r.Case(n); !errors.Is(err, fault.Damaged) {
		t.Errorf("a damaged case: %v", err)
	}
	c := act("anna", Take, n, 1, Act{})
	c.ID = "x"
	raw, err := EncodeEntry(&Entry{At: w.at, Commands: []Command{c}})
	if err != nil {
		t.Fatal(err)
	}
	if d := defect(t, r, w.index+1, raw); d == nil || !errors.Is(d, fault.Damaged) {
		t.Errorf("acting on a damaged case: %v; want a defect", d)
	}
	lost := whole.copy()
	if err := lost.Update(lost.applied+1, func(Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := open(lost, Options{}); !errors.Is(err, fault.Damaged) {
		t.Errorf("state behind its store: %v; want damaged", err)
	}
}

// TestMutatedEntries changes bytes of entries that were valid, and applies what
// comes of it to two servers: either both stop with a defect and nothing has
// changed, or both do the same.
func TestMutatedEntries(t *testing.T) {
	w := rich(t)
	rounds := 8_000
	if testing.Short() {
		rounds = 2_000
	}
	rnd := rand.New(rand.NewPCG(9, 17))
	applied := 0
	for range rounds {
		at := rnd.IntN(len(w.stops))
		data := append([]byte{}, w.entries[w.stops[at].index]...)
		for range 1 + rnd.IntN(3) {
			switch i := rnd.IntN(len(data)); rnd.IntN(4) {
			case 0:
				data[i] ^= 1 << rnd.IntN(8)
			case 1:
				data[i] = byte(rnd.IntN(256))
			case 2:
				data = append(data[:i], data[min(len(data), i+1+rnd.IntN(4)):]...)
			case 3:
				j := rnd.IntN(len(data))
				copy(data[i:], data[j:min(len(data), j+8)])
			}
			if len(data) == 0 {
				data = []byte{0}
			}
		}
		if applyBoth(t, w, at, data) {
			applied++
		}
	}
	if applied < rounds/100 {
		t.Errorf("only %d of %d mutations were entries: the test looks at little", applied, rounds)
	}
}

// A scene is a town with its states on the way, to try other entries at.
type scene struct {
	*town
	stops []stop
}

type stop struct {
	index int // Of the entry that came next.
	state *memory
}

// rich is a scene in which everything has happened once.
func rich(t testing.TB) *scene {
	w := newTown(t, newMemory())
	sc := &scene{town: w}
	story(w)
	r := w.reopen(newMemory())
	for i, raw := range w.entries {
		sc.stops = append(sc.stops, stop{index: i, state: r.base.(*memory).copy()})
		r.Apply(uint64(i+1), 1, raw)
	}
	return sc
}

// applyBoth reports whether the data was an entry.
func applyBoth(t testing.TB, sc *scene, at int, data []byte) bool {
	t.Helper()
	s := sc.stops[at]
	again := func(b base) *Register {
		r, err := open(b, Options{District: "41", Opener: sc})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	a, b := again(s.state.copy()), again(s.state.copy())
	index := uint64(s.index + 1)
	da, db := defect(t, a, index, data), defect(t, b, index, data)
	if (da == nil) != (db == nil) {
		t.Fatalf("one server stops, the other goes on: %v, %v", da, db)
	}
	if a.SetHash() != b.SetHash() {
		t.Fatal("two servers differ after one entry")
	}
	_, x := a.Digest()
	if _, y := b.Digest(); x != y {
		t.Fatal("two servers have two digests after one entry")
	}
	if da != nil {
		e, err := DecodeEntry(data)
		another := err == nil && e.Checkpoint != nil // A mutated digest differs, and that must stop us.
		if kind := fault.KindOf(da.Err); kind != fault.Invalid && kind != fault.Internal && !another {
			t.Fatalf("a defect of kind %v: %v", kind, da)
		}
		if a.Applied() != index-1 {
			t.Fatal("a defect changed the register")
		}
		return false
	}
	again(a.base) // What was written can be read.
	return true
}

func FuzzApply(f *testing.F) {
	sc := rich(f)
	for at, s := range sc.stops {
		f.Add(uint16(at), sc.entries[s.index])
	}
	f.Add(uint16(0), []byte{})
	f.Fuzz(func(t *testing.T, at uint16, data []byte) {
		applyBoth(t, sc, int(at)%len(sc.stops), data)
	})
}
