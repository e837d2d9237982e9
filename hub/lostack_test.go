package hub_test

import (
	"context"
	"testing"

	"kendro/internal/hubtest"
)

// An acknowledgement that was lost with its session comes again with the next one:
// nothing has to be filed for it.
func TestLostAcknowledgementComesAgain(t *testing.T) {
	t.Parallel()
	g := hubtest.New(t, 1)
	b := g.Enrol(centre)
	b.File(3)
	sync := func() {
		ctx, cancel := context.WithCancel(t.Context())
		wait := b.Sync(ctx, g.Leader().Addr)
		g.Wait("the acknowledgement", func() bool { return b.Acked() == b.Filed() })
		cancel()
		wait()
	}
	sync()
	hubtest.Unlearn(b)
	sync()
}
