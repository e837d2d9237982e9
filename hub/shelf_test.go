package hub

import (
	"slices"
	"testing"

	"kendro/protocol"
)

func TestRunsCountBackFromTheBlock(t *testing.T) {
	for name, c := range map[string]struct {
		seqs []uint64
		want []protocol.Lean
	}{
		"nothing":      {nil, nil},
		"one":          {[]uint64{3}, []protocol.Lean{{Back: 7, Count: 1}}},
		"side by side": {[]uint64{3, 4, 5, 8, 9}, []protocol.Lean{{Back: 7, Count: 3}, {Back: 2, Count: 2}}},
	} {
		if got := runs(10, c.seqs); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v; want %v", name, got, c.want)
		}
	}
}
