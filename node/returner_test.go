package node

import (
	"log/slog"
	"testing"
	"time"

	"kendro/node/box"
)

// A box whose catalogue began with a base lets others tell a register that began anew of
// releases first, and tells it all the same when nobody has; one that has every release
// does so at once.
func TestBasedBoxYieldsToOthers(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	r := &returner{clock: func() time.Time { return now }, log: slog.New(slog.DiscardHandler)}
	based, whole := box.Homecoming{Based: true}, box.Homecoming{}
	if r.yields(whole) || !r.yields(based) {
		t.Error("at first the box with every release yields, or the one that began with a base doesn't")
	}
	now = now.Add(yieldFor - time.Millisecond)
	if !r.yields(based) {
		t.Error("it yields for less than it says")
	}
	now = now.Add(time.Millisecond)
	if r.yields(based) {
		t.Error("it yields for ever")
	}
}
