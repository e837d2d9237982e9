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
	ackWait   = 2 * time.Millisecond  // For an acknowledgement: what the inbox says of the same events follows it.
)

// An alarm has something done later. Whoever has the turn sets it and puts it off;
// one that is off holds nothing.
type alarm struct {
	timer *time.Timer
	count uint64 // Changes with every setting: what rings late is not heard.
}

// set has f called in a turn of its own after d, in place of what was set before.
func (r *runner) set(ctx context.Context, a *alarm, d time.Duration, f func(context.Context)) {
	a.off()
	count := a.count
	a.timer = time.AfterFunc(d, func() {
		if !r.news.enter(&r.wg) {
			return
		}
		defer r.wg.Done()
		r.turn(ctx, func() {
			if a.count == count {
				a.timer = nil
				f(ctx)
			}
		})
	})
}

func (a *alarm) off() {
	a.count++
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// putOff holds what a session does later.
type putOff struct {
	blocks alarm // A peer asked for a pause.
	heads  delay
	acks   delay
	inbox  alarm
	heart  alarm
	hold   alarm

	mailing bool               // The peer reads an inbox.
	pacing  bool               // The inbox's alarm is set.
	loads   []replication.Load // Of inboxes, when it rings.
}

// A delay is an alarm at which what was held is written.
type delay struct {
	alarm
	on bool
}

func (p *putOff) stop() {
	for _, a := range []*alarm{&p.blocks, &p.heads.alarm, &p.acks.alarm, &p.inbox, &p.heart, &p.hold} {
		a.off()
	}
}

// sendLater queues a message: it is written with the next one, or by itself when the
// delay is over.
func (r *runner) sendLater(ctx context.Context, m *protocol.Message, d *delay, wait time.Duration) {
	r.out.hold(m)
	if d.on {
		return
	}
	d.on = true
	r.set(ctx, &d.alarm, wait, func(ctx context.Context) {
		d.on = false
		if r.out.wake() {
			r.wg.Go(func() { r.write(ctx) })
		}
	})
}

// begin asks the host for blocks, of an inbox not before the last ones have had
// their time.
func (r *runner) begin(ctx context.Context, l replication.Load) {
	if l.Log.Channel == protocol.Inbox {
		r.later.mailing = true
		if r.later.pacing {
			r.later.loads = append(r.later.loads, l)
			return
		}
		r.later.pacing = true
		r.set(ctx, &r.later.inbox, inboxWait, r.beginLater)
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
