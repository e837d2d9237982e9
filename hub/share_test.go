package hub

import (
	"slices"
	"testing"

	"kendro/protocol"
)

// TestSharePacksOrigins: what a release was composed of goes into the share with the
// release that names it, and not with the next.
func TestSharePacksOrigins(t *testing.T) {
	version, origin := protocol.Marshal("a version"), protocol.Marshal("an origin")
	p := &packing{}
	for _, e := range []protocol.Event{
		{Kind: protocol.ServiceAdded, Payload: version},
		{Kind: protocol.OriginAdded, Payload: origin},
		{Kind: protocol.Released, Payload: protocol.Marshal(1)},
		{Kind: protocol.Released, Payload: protocol.Marshal(2)},
	} {
		if err := p.add(&e); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.list) != 2 || !slices.Equal(p.list[0].Origin, origin) || len(p.list[0].Versions) != 1 || p.list[1].Origin != nil {
		t.Errorf("parcels %+v; want the origin in the first alone", p.list)
	}
}
