package link

import (
	"context"
	"time"

	"kendro/protocol"
	"kendro/replication"
)

// What can wait goes with what comes next: a packet of its own costs some 35 bytes,
// and its acknowledgement as much.
const (
	headsWait = 20 * time.Millisecond // For a head, unless something else is written before.
	inboxWait = 20 * time.Millisecond // Between two blocks of an inbox: what comes meanwhile shares the next.
)

// putOff holds what a session does later. The loop owns it.
type putOff struct {
	blocks *time.Timer // A peer asked for a pause.
	heads  *time.Timer
	inbox  *time.Timer

	counting bool               // The heads' timer runs.
	pacing   bool               // The inbox's does.
	loads    []replication.Load // Of inboxes, when it has run out.
}

func newPutOff() putOff {
	return putOff{blocks: stoppedTimer(), heads: stoppedTimer(), inbox: stoppedTimer()}
}

func (p *putOff) stop() {
	for _, t := range []*time.Timer{p.blocks, p.heads, p.inbox} {
		t.Stop()
	}
}

// sendLater queues a head: it is written with the next message, or by itself soon.
func (r *runner) sendLater(m *protocol.Message) {
	r.out.hold(m)
	if !r.later.counting {
		r.later.counting = true
		r.later.heads.Reset(headsWait)
	}
}

// flush has heads written that nothing has taken along.
func (r *runner) flush(ctx context.Context) {
	r.later.counting = false
	if r.out.wake() {
		r.wg.Go(func() { r.write(ctx) })
	}
}

// begin asks the host for blocks, of an inbox not before the last ones have had
// their time.
func (r *runner) begin(ctx context.Context, l replication.Load) {
	if l.Log.Channel == protocol.Inbox {
		if r.later.pacing {
			r.later.loads = append(r.later.loads, l)
			return
		}
		r.later.pacing = true
		r.later.inbox.Reset(inboxWait)
	}
	peer := r.peer
	r.wg.Go(func() { r.load(ctx, peer, l) })
}

// beginLater asks for what has waited.
func (r *runner) beginLater(ctx context.Context) {
	loads := r.later.loads
	r.later.loads = nil
	for _, l := range loads {
		r.later.pacing = false // They have waited together.
		r.begin(ctx, l)
	}
	r.later.pacing = len(loads) > 0
}
