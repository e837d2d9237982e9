package protocol

import (
	"errors"
	"slices"
	"testing"

	"kendro/domain/fault"
)

func TestPlaces(t *testing.T) {
	log := LogID{Channel: Catalogue, Name: "41", Incarnation: 7}
	for _, seqs := range [][]uint64{{1}, {1, 2, 3}, {4, 5, 9, 11, 12}, nil} {
		p := NewPlaces(log, seqs)
		if got, err := p.List(); err != nil || !slices.Equal(got, seqs) {
			t.Errorf("%v came back as %v, %v", seqs, got, err)
		}
	}
	for name, runs := range map[string][]uint64{
		"an empty run": {3, 0}, "too many": {0, MaxBaseEvents + 1}, "too many in two": {0, MaxBaseEvents, 1, 1},
		"beyond the end": {1, ^uint64(0)}, "round the corner": {^uint64(0), 1},
	} {
		p := Places{Log: log, Runs: runs}
		if got, err := p.List(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %d places, %v; want invalid", name, len(got), err)
		}
	}
}

func FuzzPlaces(f *testing.F) {
	p := NewPlaces(LogID{Channel: Catalogue, Name: "41", Incarnation: 7}, []uint64{4, 5, 9})
	f.Add(Marshal(&p))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p Places
		if Unmarshal(raw, MaxEvent, "places", &p) != nil {
			return
		}
		seqs, err := p.List()
		if err != nil {
			return
		}
		again := NewPlaces(p.Log, seqs)
		if back, err := again.List(); err != nil || !slices.Equal(back, seqs) || !slices.IsSorted(seqs) || len(seqs) > MaxBaseEvents {
			t.Errorf("%v: %v, %v", seqs, back, err)
		}
	})
}
