package register

import (
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	dcat "kendro/domain/catalogue"
	"kendro/protocol"
)

// shelfStateOf is what the catalogue adds up to, which every register must make alike, and
// what it is made of.
func shelfStateOf(w *town) (s ShelfState, kinds map[protocol.Kind]int, versions []dcat.Hash) {
	w.t.Helper()
	s, err := w.first().ShelfBase()
	if err != nil {
		w.t.Fatal(err)
	}
	for i, r := range w.registers {
		if other, err := r.ShelfBase(); err != nil || other.At != s.At || !slices.Equal(other.Keep, s.Keep) {
			w.t.Fatalf("register %d makes %+v, %v; the first %+v", i, other, err, s)
		}
	}
	kinds = map[protocol.Kind]int{}
	log := w.logOf(w.first().Shelf())
	for _, seq := range s.Keep {
		e := log[seq-1]
		kinds[e.Kind]++
		if e.Kind == protocol.ServiceAdded {
			versions = append(versions, sha256.Sum256(e.Payload))
		}
	}
	return s, kinds, versions
}

// A base of the catalogue holds the newest release whole, what was in force lately, what
// cases on desks pin, and a trial that goes on; and every place that blocks lean on.
func TestShelfBase(t *testing.T) {
	onBoth(t, func(w *town) {
		w.settle()
		b := w.enrol("41-09-17")
		dir := directory("41-09-17")
		list := []*dcat.Version{licence(t)}
		b.submit(list[0], 1)
		b.mustBring(1, 1)
		const year = 365 * 24 * time.Hour
		for number := 2; number <= 6; number++ {
			w.at += year.Milliseconds()
			v := version(t, "trade-licence", number, "secretary", "chairman")
			list = append(list, v)
			w.publish(number, dir, v)
		}
		want := func(name string, at *dcat.Version, versions ...*dcat.Version) ShelfState {
			t.Helper()
			s, kinds, got := shelfStateOf(w)
			if kinds[protocol.Released] != 1 || kinds[protocol.DirectoryAdded] != 1 {
				t.Errorf("%s: holds %v; want one release and its directory", name, kinds)
			}
			if len(got) != len(versions) {
				t.Errorf("%s: %d versions; want %d", name, len(got), len(versions))
			}
			for _, v := range versions {
				if !slices.Contains(got, v.Hash) {
					t.Errorf("%s: version %d is missing", name, v.Number)
				}
			}
			e := w.logOf(w.first().Shelf())[s.At.Seq-1]
			if r, err := releaseIn(e); err != nil || r.Services[0].Hash != at.Hash {
				t.Errorf("%s: the base stands at %v, %v", name, e.Kind, err)
			}
			alive, err := w.first().Alive(w.first().Shelf(), s.At.Seq)
			if err != nil || len(alive) != 3 {
				t.Errorf("%s: %d places are alive, %v; want release, directory and version", name, len(alive), err)
			}
			for seq := range alive {
				if !slices.Contains(s.Keep, seq) {
					t.Errorf("%s: place %d is leant on and not in the base", name, seq)
				}
			}
			return s
		}
		want("the newest, the one before, and a pinned one", list[5], list[5], list[4], list[0])
		w.at += 24 * time.Hour.Milliseconds()
		seven := version(t, "trade-licence", 7, "secretary", "chairman")
		w.publish(7, dir, seven)
		want("those of 90 days", seven, seven, list[5], list[4], list[0])

		for number := 8; number <= 11; number++ {
			v := version(t, "trade-licence", number, "secretary", "chairman")
			list = append(list, v)
			w.publish(number, dir, v)
		}
		seven = list[9]
		want("three before the newest at most", seven, seven, list[8], list[7], list[6], list[0])
		three := version(t, "trade-licence", 12, "chairman")
		s, _, _ := shelfStateOf(w)
		w.must(onTrial(w, 12, "41-09-17", three))
		if again := want("a trial behind the release", seven, seven, list[8], list[7], list[6], list[0]); again.At != s.At {
			t.Error("a trial moves the base")
		}
		if alive, err := w.first().Alive(w.first().Shelf(), s.At.Seq-1); err != nil || len(alive) != 0 {
			t.Errorf("what is no release has %v alive, %v", alive, err)
		}
	})
}
