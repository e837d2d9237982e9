package register

import (
	"bytes"
	"testing"

	"kendro/domain/fault"
	"kendro/domain/place"
)

// A next key is announced before it is used, and the one before is understood until
// the next is announced; after a revocation one key counts and no other.
func TestGossipKeyTurns(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		w.enrol("41-09-17")
		w.enrol("41-09-23")
		w.enrol("41-11-05")
		first, _ := w.contacts("41-09-17")
		far, farTold := w.contacts("41-11-05")
		step := func(fresh string) {
			w.at += 1000
			w.must(NewCommand("", ActorHub, RotateGossip, &Rotation{Upazila: "41-09", GossipKey: seedOf(fresh)}))
		}
		wants := func(when string, used []byte, others ...[]byte) {
			t.Helper()
			for _, c := range []place.Centre{"41-09-17", "41-09-23"} {
				told, _ := w.contacts(c)
				if !bytes.Equal(told.GossipKey, used) || len(told.OtherKeys) != len(others) {
					t.Fatalf("%s, %s speaks under %x and understands %d others; want %x and %d", when, c, told.GossipKey, len(told.OtherKeys), used, len(others))
				}
				for i := range others {
					if !bytes.Equal(told.OtherKeys[i], others[i]) {
						t.Errorf("%s, %s understands %x; want %x", when, c, told.OtherKeys[i], others[i])
					}
				}
			}
		}
		wants("at first", first.GossipKey)
		if turns, err := w.first().KeyTurns(); err != nil || len(turns) != 2 || turns["41-09"].Since == 0 || turns["41-09"].Next != nil {
			t.Fatalf("turns %+v, %v", turns, err)
		}
		step("second")
		wants("announced", first.GossipKey, seedOf("second"))
		step("unused")
		wants("used", seedOf("second"), first.GossipKey)
		step("third")
		wants("the next announced", seedOf("second"), seedOf("third"))
		if turns, err := w.first().KeyTurns(); err != nil || turns["41-09"].Since != w.at || !bytes.Equal(turns["41-09"].Next, seedOf("third")) {
			t.Fatalf("turns %+v, %v; want the third announced at %d", turns, err, w.at)
		}
		w.must(NewCommand("", "root", RevokeNode, &Revocation{Centre: "41-09-23", Reason: "stolen", GossipKey: seedOf("fresh")}))
		told, _ := w.contacts("41-09-17")
		if !bytes.Equal(told.GossipKey, seedOf("fresh")) || len(told.OtherKeys) != 0 {
			t.Fatalf("after a revocation: %+v; want the fresh key alone", told)
		}
		w.must(NewCommand("", "root", RotateGossip, &Rotation{Upazila: "41-09", GossipKey: seedOf("fourth")}))
		told, _ = w.contacts("41-09-17")
		if !bytes.Equal(told.GossipKey, seedOf("fresh")) || len(told.OtherKeys) != 1 {
			t.Fatalf("after it: %+v; want the next announced", told)
		}
		if now, n := w.contacts("41-11-05"); n != farTold || !bytes.Equal(now.GossipKey, far.GossipKey) {
			t.Error("another upazila heard of it")
		}
		wantFault(t, "no boxes", w.do(NewCommand("", "root", RotateGossip, &Rotation{Upazila: "41-47", GossipKey: seedOf("x")})).Fault, fault.NotFound)
		wantFault(t, "a short key", w.do(NewCommand("", "root", RotateGossip, &Rotation{Upazila: "41-09", GossipKey: []byte("x")})).Fault, fault.Invalid)
	})
}
