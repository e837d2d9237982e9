package link

import (
	"context"

	"kendro/protocol"
	"kendro/replication"
)

// bases notes in a session's configuration what the host does with bases, and whether
// it wants to hear what was forgotten.
func bases(c *replication.Config, host replication.Host) {
	_, c.Forgets = host.(replication.Minder)
	_, c.Offers = host.(replication.BaseWriter)
	r, ok := host.(replication.BaseReader)
	if ok {
		c.Takes, c.Shelves = r.TakesBases()
	}
}

// findBase asks the host for a base. Without one the events are sent.
func findBase(ctx context.Context, r *runner, peer replication.Peer, log protocol.LogID) {
	b, err := r.host.(replication.BaseWriter).Base(ctx, peer, log)
	if err != nil {
		b = nil
	}
	r.news.post(func(s *replication.Session) []replication.Action { return replication.Basing{Session: s}.Based(log, b) })
}

func takeBase(ctx context.Context, r *runner, peer replication.Peer, b *protocol.Base) {
	from, err := r.host.(replication.BaseReader).TakeBase(ctx, peer, b)
	r.news.post(func(s *replication.Session) []replication.Action {
		return replication.Basing{Session: s}.Taking(b, from, err)
	})
}
