package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"kendro/domain/fault"
	"kendro/node/box"
)

// askEvery is how often the box looks whether it has to ask for a lease, or to say which key
// it seals to: it looks into memory alone unless it has one.
const askEvery = 2 * time.Second

// speakUp has the box ask for what its union may decide by itself and say which key of the
// district's it seals to, until ctx ends.
func speakUp(ctx context.Context, b *box.Box, log *slog.Logger) {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := b.SayKey(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, fault.Unavailable) {
			log.Warn("the hub could not be told which key this box seals to", "err", err)
		}
		if err := b.Ask(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, fault.Unavailable) {
			log.Warn("the union's lease could not be asked for", "err", err)
		}
	}
}
