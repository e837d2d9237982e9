package sim

import (
	"testing"

	"kendro/hub"
	"kendro/hub/register"
)

// TestEntriesAreInTheOfficesZone: a simulated district's days end when its offices' do, as a hub's.
func TestEntriesAreInTheOfficesZone(t *testing.T) {
	const east = 6 * 3600
	if e := entryOf(dawn); e.Offset != east {
		t.Errorf("a command's entry is %d seconds east", e.Offset)
	}
	raw, _, err := hub.Gather(nil, dawn)
	if err != nil {
		t.Fatal(err)
	}
	if e, err := register.DecodeEntry(raw); err != nil || e.Offset != east {
		t.Errorf("an entry of blocks: %+v, %v; want %d seconds east", e, err, east)
	}
}
