package node

import (
	"slices"
	"testing"

	dcat "kendro/domain/catalogue"
	"kendro/protocol"
	"kendro/replication"
	"kendro/replication/link"
)

// withoutOne leaves a service out.
func withoutOne(r *dcat.Release) { r.Services = r.Services[1:] }

// TestCatalogueSpreads has one box with a link and two without: a release is in force on
// all, also where the one with the link was started after it had come.
func TestCatalogueSpreads(t *testing.T) {
	t.Parallel()
	up := found(t, 1, 3)
	carrier := up.boxes[0]
	for _, m := range up.boxes[1:] {
		m.cut()
	}
	everywhere := func(number int) {
		t.Helper()
		for _, m := range up.boxes {
			up.Wait("the release at "+string(m.centre), func() bool {
				g := m.box.Goods()
				return g != nil && g.Set.Release.Number == number
			})
		}
	}
	sent, _ := carrier.link.Traffic(link.Catalogue)
	_, got := carrier.link.Traffic(link.Catalogue)
	up.Publish(withoutOne)
	everywhere(2)
	sentNow, gotNow := carrier.link.Traffic(link.Catalogue)
	t.Logf("the carrier got %d bytes of the catalogue from its hub and sent %d to two neighbours", gotNow-got, sentNow-sent)
	for _, m := range up.boxes[1:] {
		if m.courier.linked() {
			t.Fatalf("%s has a link", m.centre)
		}
	}
	// Nothing of it is in the carrier's memory any more, and one box missed a release.
	late := up.boxes[2]
	late.stop()
	up.Publish(withoutOne)
	up.Wait("the release at the carrier", func() bool { return carrier.box.Goods().Set.Release.Number == 3 })
	carrier.stop()
	carrier.start()
	late.start()
	everywhere(3)
}

// TestLibrary is what a carrier has for its neighbours, and what it asks a server for.
func TestLibrary(t *testing.T) {
	log := protocol.LogID{Channel: protocol.Catalogue, Name: "41", Incarnation: 7}
	block := func(first, last uint64) *protocol.Block {
		return &protocol.Block{Header: protocol.Header{Log: log, First: first, Last: last}, Body: make([]byte, 10)}
	}
	at := func(seq uint64) protocol.Head { return protocol.Head{Log: log, At: protocol.Position{Seq: seq}} }
	one, two := []byte("server one"), []byte("server two")
	l := newLibrary()
	var wishes []uint64
	told := map[uint64]uint64{}
	line := replication.Line{Wish: func(h protocol.Head) { wishes = append(wishes, h.At.Seq) }}
	grew := func(reader uint64) func(protocol.Head) {
		return func(h protocol.Head) { told[reader] = h.At.Seq }
	}
	l.hub(1, line)
	l.add(block(11, 12), one)
	l.add(block(13, 13), one)
	l.open(101, at(12), true, grew(101)) // What lacks is here.
	l.open(102, at(9), true, grew(102))  // It has to be asked for.
	l.open(103, at(4), false, grew(103)) // This one claims what never was.
	if !slices.Equal(wishes, []uint64{9}) || told[101] != 13 {
		t.Fatalf("asked for what follows %v, told %v", wishes, told)
	}
	if _, blocks := l.load(log, at(9).At, protocol.ReadableCodecs); len(blocks) != 0 {
		t.Error("a block with a gap before it was given out")
	}
	l.add(block(8, 10), two) // It comes, and all behind it as well.
	for _, b := range []*protocol.Block{block(11, 12), block(13, 13), block(14, 15)} {
		l.add(b, two)
	}
	epochs, blocks := l.load(log, at(9).At, protocol.ReadableCodecs)
	if len(blocks) != 4 || len(epochs) != 1 || string(epochs[0].Cert) != string(two) || told[102] != 15 {
		t.Errorf("%d blocks, vouched by %v, told %v; want 4 by the second", len(blocks), epochs, told)
	}
	l.add(block(16, 16), one)
	if _, blocks := l.load(log, at(14).At, protocol.ReadableCodecs); len(blocks) != 1 {
		t.Errorf("%d blocks under one certificate; want 1", len(blocks))
	}
	l.taken(102, at(15))
	l.hubLeft(1)
	wishes = nil
	l.hub(2, line)
	if len(wishes) != 0 {
		t.Errorf("asked again for what follows %v", wishes)
	}
	l.close(102)
	told = map[uint64]uint64{}
	l.add(block(17, 17), one)
	if told[102] != 0 || told[101] != 17 {
		t.Errorf("told %v after one had left", told)
	}
	big := block(18, 18)
	big.Body = make([]byte, maxLibrary)
	l.add(big, one)
	if _, blocks := l.load(log, at(16).At, protocol.ReadableCodecs); len(blocks) != 0 {
		t.Error("more is kept than there is room for")
	}
}
