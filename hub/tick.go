package hub

import (
	"context"
	"time"

	"kendro/hub/register"
)

// tickEvery is how often the leader looks whether something has fallen due.
const tickEvery = time.Second

// A timekeeper looks for what falls due.
type timekeeper struct {
	*group
	clock func() time.Time
}

// keep has the register look at cases whose time has come, while this server
// leads. What is due is decided there, by the time of the entry; a tick too many,
// or of a leader that no longer is one, changes nothing.
func (k *timekeeper) keep(ctx context.Context) {
	for rest(ctx, tickEvery) {
		if !k.leads() {
			continue
		}
		due, err := k.register().Waiting(k.clock().Unix())
		if err != nil {
			k.log.Warn("the list of what falls due could not be read", "err", err)
			continue
		}
		if len(due) == 0 {
			continue
		}
		cmd := register.NewCommand(drawID(), register.ActorHub, register.Tick, &register.Due{Numbers: due})
		if _, err := k.do(ctx, cmd); err != nil && ctx.Err() == nil {
			k.log.Info("what has fallen due waits for a leader", "cases", len(due), "err", err)
		}
	}
}
