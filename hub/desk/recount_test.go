package desk_test

import (
	"testing"
	"time"

	"kendro/hub"
	"kendro/hub/desk"
)

// TestRow32TellsOfCountersThatDiffer: the status has last night's count, and none before.
func TestRow32TellsOfCountersThatDiffer(t *testing.T) {
	if got := desk.StatusOf(hub.Status{}); got.Recount != nil {
		t.Errorf("before the first night: %+v", got.Recount)
	}
	at := time.Date(2026, 11, 28, 20, 0, 0, 0, time.UTC)
	got := desk.StatusOf(hub.Status{Recounted: &hub.Recounted{At: at, Cases: 7, Differ: 2}}).Recount
	if got == nil || got.Differ != 2 || got.Cases != 7 || !got.At.Equal(at) {
		t.Errorf("the status says %+v", got)
	}
}
