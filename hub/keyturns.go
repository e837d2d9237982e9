package hub

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kendro/domain/place"
	"kendro/hub/register"
)

// Of the gossip keys of upazilas.
const (
	keyUsed      = 30 * 24 * time.Hour // How long one is used.
	keyAnnounced = 7 * 24 * time.Hour  // How long before its use the next is announced.
)

// stepDue reports whether an upazila's next step to a fresh gossip key is due. The
// key before it is understood for the days in between: a box that was away for
// three weeks is heard, and one that was away for longer learns the key from a hub
// or in a neighbour's session.
func stepDue(t register.KeyTurn, now time.Time) bool {
	after := keyUsed - keyAnnounced
	if t.Next != nil {
		after = keyAnnounced
	}
	return now.UnixMilli()-t.Since >= after.Milliseconds()
}

// A keyTurner gives upazilas their next gossip keys.
type keyTurner struct {
	*group
	clock func() time.Time
}

// look takes the steps that are due while this server leads. Who repeats one changes
// nothing: its ID names the step before.
func (k *keyTurner) look(ctx context.Context) {
	if !k.leads() || k.register().Founding() == nil {
		return
	}
	turns, err := k.register().KeyTurns()
	if err != nil {
		k.log.Warn("gossip keys are not changed", "err", err)
		return
	}
	for _, upazila := range slices.Sorted(maps.Keys(turns)) {
		if t := turns[upazila]; stepDue(t, k.clock()) {
			k.step(ctx, upazila, t)
		}
	}
}

func (k *keyTurner) step(ctx context.Context, upazila place.Code, t register.KeyTurn) {
	id := fmt.Sprintf("gossip key %s %d", upazila, t.Since)
	step := register.Rotation{Upazila: upazila, GossipKey: random(32)}
	if _, err := k.do(ctx, register.NewCommand(id, register.ActorHub, register.RotateGossip, step)); err != nil {
		k.log.Info("the gossip key is not changed yet", "upazila", string(upazila), "err", err)
		return
	}
	k.log.Info("a step to the next gossip key", "upazila", string(upazila), "announced", t.Next == nil)
}
