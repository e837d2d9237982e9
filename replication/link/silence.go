package link

import (
	"context"
	"errors"
	"time"

	"github.com/quic-go/quic-go"

	"kendro/domain/fault"
	"kendro/replication"
)

// errSilent ends a session whose path carries nothing.
var errSilent = errors.New("the peer is silent")

// Silent reports whether a dial or a session failed because nothing was heard of
// the peer. It says nothing then of what the peer thinks.
func Silent(err error) bool {
	if errors.Is(err, errSilent) || errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	_, idle := errors.AsType[*quic.IdleTimeoutError](err)
	_, handshake := errors.AsType[*quic.HandshakeTimeoutError](err)
	return idle || handshake
}

// A Patience says what becomes of a session on whose path nothing arrives.
type Patience struct {
	// Knock returns when some machine can be reached that would do, and whether it
	// is the session's peer: then the session goes on, or begins anew if it doesn't
	// soon. Nil waits until the transport gives up.
	Knock func(ctx context.Context) (here bool)
	// Told hears when a silence begins and when it is over; nil hears nothing. It
	// must not block.
	Told func(silent bool)
}

// Endure keeps a session through a silence of its path, so that a short cut costs
// neither a handshake nor what was under way. Without it a session ends after
// [patience].
func Endure(p Patience) SessionOption {
	return func(r *runner) { r.probe.silence.enduring, r.probe.silence.Patience = true, p }
}

// silence is a path on which nothing arrives though something is due. It is
// the prober's.
type silence struct {
	Patience
	enduring bool
	half     bool // The reader has the beginning of a message.

	on    bool
	stop  context.CancelFunc // Ends the knocking; nil where nobody knocks.
	amid  bool               // A run of blocks was under way, or had just ended.
	heals bool               // The path carries again, as it seems.
	left  time.Duration      // For the peer to go on.
}

// settling is how long a path that carries again has until the peer says something:
// what fills the transport's window waits for a probe timeout that has doubled all
// through the silence, and a handshake is sooner.
func settling(roundTrip time.Duration) time.Duration {
	return max(400*time.Millisecond, 2*roundTrip)
}

// Of a transfer that a silence broke off. The transport has lost all that was under
// way, and with it nearly all of its congestion window, which grows again by a packet
// a round trip; a new connection begins with a whole one.
const (
	long  = 8 << 10                // Bytes under way that are worth a handshake.
	quick = 300 * time.Millisecond // Longer round trips are of links whose bandwidth is the bound, and a handshake costs seconds there.
)

// brokenOff reports whether a transfer was under way, with so many bytes to the peer or
// a run of blocks from it, that a new connection finishes sooner than this one.
func (p *prober) brokenOff(underway int) bool {
	return (p.silence.amid || underway >= long) && p.path.Shortest() <= quick
}

// due reports whether anything of the peer is: an answer, the rest of a message, or
// more of a log of which something came lately.
func (r *runner) due() bool {
	const lately = 120 // Looks.
	if r.probe.silence.on && r.probe.silence.amid {
		return true
	}
	return r.session.Outstanding() || r.probe.looks < lately && (r.probe.silence.half || replication.Behind(r.session))
}

// said notes that a message is to be written. An end that endures looks whether its
// packets arrive: the other end may be waiting for just that message, and the
// transport alone tries ever more seldom.
func (r *runner) said() {
	if r.probe.silence.enduring && r.probe.path != nil {
		r.probe.asked = true
		r.probe.watch(true)
	}
}

// ask is the heartbeat: it begins to look whether an idle path still carries.
func (r *runner) ask(ctx context.Context) {
	r.set(ctx, &r.later.heart, r.beat, r.ask)
	if m := r.session.Probe(); m != nil && !r.probe.on {
		r.probe.asked = true
		r.probe.watch(true)
		r.send(ctx, m)
	}
}

// hold keeps the way to this end open. In a silence the knocks do.
func (r *runner) hold(ctx context.Context) {
	r.set(ctx, &r.later.hold, holdEvery, r.hold)
	if c, ok := r.conn.(*Conn); ok && !r.probe.silence.on {
		c.Hold()
	}
}

// look probes a path on which an answer is due. When nothing at all arrives it is
// given up, or endured: transport acknowledgements count, so a slow peer is not a
// dead one.
func (r *runner) look(ctx context.Context) {
	step := r.probe.step
	carries, dead := r.probe.look()
	r.last(carries)
	switch s := &r.probe.silence; {
	case !r.due() && !r.probe.asked:
		r.hush()
		r.probe.rest()
		return
	case s.on && carries:
		r.heals()
	case dead && !s.enduring:
		r.giveUp()
		return
	case dead && !s.on:
		r.endure(ctx)
	}
	if s := &r.probe.silence; s.heals && s.Knock != nil {
		if s.left -= step; s.left <= 0 {
			r.giveUp()
			return
		}
	}
	if m := r.session.Probe(); m != nil && !carries && r.out.idle() {
		r.send(ctx, m)
	}
}

// last has a long run of blocks end with a probe: their sender may be stuck with the
// next ones, and nothing else would be said here for a while.
func (r *runner) last(carries bool) {
	if r.probe.run < long {
		return
	}
	r.probe.asked = true
	if !carries {
		r.probe.run, r.probe.silence.amid = 0, true
	}
}

// giveUp ends the session with its connection.
func (r *runner) giveUp() {
	r.fail(&fault.Error{Op: "link.RunSession", Kind: fault.Unavailable, Item: r.conn.RemoteAddr().String(), Err: errSilent})
	if c, ok := r.conn.(interface{ Abandon() }); ok {
		c.Abandon()
	}
}

// endure begins a silence.
func (r *runner) endure(ctx context.Context) {
	s := &r.probe.silence
	s.on, s.heals = true, false
	if s.Told != nil {
		s.Told(true)
	}
	if s.Knock == nil {
		return
	}
	knocking, stop := context.WithCancel(ctx)
	s.stop = stop
	r.wg.Go(func() {
		here := s.Knock(knocking)
		r.turn(ctx, func() {
			if knocking.Err() == nil { // Or the answer came too late.
				r.answered(ctx, here)
			}
		})
	})
}

// answered takes the first answer to the knocking.
func (r *runner) answered(ctx context.Context, here bool) {
	switch {
	case !r.probe.silence.on:
	case !here, r.out.stuck(), r.probe.brokenOff(replication.Underway(r.session)): // The transport's window is full of what was lost: a handshake is sooner.
		r.giveUp()
	default:
		r.heals()
		if m := r.session.Probe(); m != nil && r.out.idle() {
			r.send(ctx, m)
		}
	}
}

// heals notes that the path carries again, and looks again soon.
func (r *runner) heals() {
	s := &r.probe.silence
	if s.heals {
		return
	}
	left := settling(r.probe.path.Shortest())
	if r.probe.brokenOff(replication.Underway(r.session)) {
		left = 0
	}
	s.heals, s.left = true, left
	r.probe.soon(left)
}

// hush ends a silence: the peer was heard. It reports whether it is better to begin
// anew all the same.
func (r *runner) hush() (anew bool) {
	s := &r.probe.silence
	if !s.on {
		return false
	}
	anew = s.Knock != nil && r.probe.brokenOff(replication.Underway(r.session))
	if s.stop != nil {
		s.stop()
	}
	s.on, s.heals, s.stop = false, false, nil
	if s.Told != nil {
		s.Told(false)
	}
	return anew
}

// pather is a connection that knows its path.
type pather interface {
	Path() (received uint64, roundTrip time.Duration)
	Shortest() (roundTrip time.Duration)
}

// prober notices a dead path.
type prober struct {
	alarm    alarm
	later    func(step time.Duration) // Sets the alarm.
	path     pather                   // Nil where the connection can't tell.
	on       bool
	asked    bool // A heartbeat waits for a packet.
	received uint64
	quiet    time.Duration
	step     time.Duration
	looks    int // Since the last message.
	run      int // Bytes of blocks since the last pause.

	silence silence
}

// watch starts the probing when an answer is due.
func (p *prober) watch(due bool) {
	if !due || p.on || p.path == nil {
		return
	}
	p.on, p.quiet = true, 0
	p.again()
}

func (p *prober) again() time.Duration {
	received, rtt := p.path.Path()
	p.received = received
	p.soon(max(pace(p.quiet, probeEvery), rtt))
	return rtt
}

// soon has the alarm ring after step.
func (p *prober) soon(step time.Duration) {
	p.step = step
	p.later(step)
}

// rest ends the probing.
func (p *prober) rest() {
	p.on = false
	p.alarm.off()
}

// look is called when the alarm has rung. It reports whether anything has arrived
// since the last look, and whether nothing has for too long.
func (p *prober) look() (carries, dead bool) {
	before, step := p.received, p.step
	p.looks++
	p.quiet += step
	rtt := p.again()
	if p.received != before {
		p.quiet, p.asked = 0, false
		return true, false
	}
	return false, p.quiet >= max(patience, 4*rtt)
}
