package gossip

import (
	"slices"
	"testing"
)

// TestNoRumourIsLost replaces an only rumour again and again, as a box does that loses
// its hub and files at once, and adds another of the same length: both are told.
func TestNoRumourIsLost(t *testing.T) {
	for replaced := range 6 {
		var r rumours
		own := ""
		for i := range replaced + 1 {
			own = "own " + string(rune('a'+i))
			r.add("C1", []byte(own))
		}
		for _, other := range []string{"C2", "C3", "C4"} {
			r.add(other, []byte("of "+other))
		}
		told := map[string]int{}
		for {
			packet := r.next(2, 1000, 5)
			if len(packet) == 0 {
				break
			}
			for _, raw := range packet {
				told[string(raw)]++
			}
		}
		for _, want := range []string{own, "of C2", "of C3", "of C4"} {
			if told[want] != often(5) {
				t.Errorf("replaced %d times: %q was told %d times; want %d", replaced, want, told[want], often(5))
			}
		}
		if len(told) != 4 {
			t.Errorf("replaced %d times: told %v; want the newest of each alone", replaced, told)
		}
	}
}

// TestRumoursTakeTurns fills packets that hold two of three rumours.
func TestRumoursTakeTurns(t *testing.T) {
	var r rumours
	for _, c := range []string{"a", "b", "c"} {
		r.add(c, []byte(c+c+c))
	}
	r.add("long", make([]byte, 100))
	var got []string
	for range 10 {
		for _, raw := range r.next(2, 12, 5) {
			got = append(got, string(raw[:1]))
		}
	}
	if want := slices.Repeat([]string{"a", "b", "c"}, often(5)); !slices.Equal(got, want) {
		t.Errorf("told %v; want %v", got, want)
	}
	if out := r.next(2, 200, 5); len(out) != 1 || len(out[0]) != 100 {
		t.Errorf("%d rumours left; want the one that did not fit", len(out))
	}
}

// TestAnnouncedTwiceIsTold has a board take its own news twice and a neighbour's once
// before the next packet, through what memberlist calls.
func TestAnnouncedTwiceIsTold(t *testing.T) {
	own := []byte("own 1")
	b := newBoard(Options{Centre: "C1", Advert: func() []byte { return own }})
	for _, s := range []string{"own 2", "own 3"} {
		b.announce()
		own = []byte(s)
	}
	b.announce()
	b.rumours.add("C2", []byte("other"))
	packet := b.GetBroadcasts(2, 1000)
	if len(packet) != 2 || !slices.ContainsFunc(packet, func(raw []byte) bool { return string(raw) == "own 3" }) {
		t.Errorf("the packet carries %q; want own 3 and the other", packet)
	}
}
