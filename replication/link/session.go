package link

import (
	"bufio"
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"

	"kendro/protocol"
	"kendro/replication"
)

// Of a running session.
const (
	probeEvery = 500 * time.Millisecond  // While an answer is due.
	patience   = 2500 * time.Millisecond // Without one packet, before the path is dead; more on slow links.
	holdEvery  = 12 * time.Second        // No NAT in use is known to forget sooner.
	maxBacklog = 32                      // Blocks that wait for the host before reading stops.
	writeChunk = 8 << 10                 // Bytes encoded at once, or one block: acknowledgements overtake what comes after.
)

// A SessionOption changes how a session runs.
type SessionOption func(*runner)

// OnNote has f told what an operator may want to know. Calls don't overlap; f must
// not block.
func OnNote(f func(replication.Note)) SessionOption { return func(r *runner) { r.note = f } }

// Heartbeat probes an idle path that often. A server that died without a word is
// noticed within the interval and [patience]; the packets are large enough for
// one that was started again to answer with a stateless reset (RFC 9000 §10.3).
// One end is enough; 30 s cost 16 KB an hour. It also keeps the way to it open, with a
// byte every [holdEvery]: a NAT that forgets sooner than the heart beats would keep the
// peer's news from it till then.
func Heartbeat(every time.Duration) SessionOption { return func(r *runner) { r.beat = every } }

// Gossip tells the peer where our neighbours reach us, host:port.
func Gossip(address string) SessionOption { return func(r *runner) { r.gossip = address } }

// Window sets how many blocks of one log may be on their way; the default is 8.
func Window(blocks int) SessionOption { return func(r *runner) { r.window = blocks } }

// Carriage says in the hello what this side does with documents.
func Carriage(c protocol.Carriage) SessionOption { return func(r *runner) { r.beside.documents = c } }

// Answers says in the hello that inquiries about cases are answered.
func Answers() SessionOption { return func(r *runner) { r.beside.answers = true } }

// OnBusy has f told when the session has something to write, and when it has
// nothing more: what else wants the link waits meanwhile. f must not block.
func OnBusy(f func(busy bool)) SessionOption { return func(r *runner) { r.beside.busy = f } }

// RunSession speaks sync with the peer at the other end of conn until ctx ends,
// which is no error, or the session breaks. It closes conn, and every goroutine
// and every call of the host has ended when it returns. [fault.Unavailable] means:
// connect again, all that was not acknowledged is sent again. [fault.Invalid]
// means that the peer broke the protocol or speaks another version; other kinds
// are the host's, or the peer's refusal of our certificate.
func RunSession(ctx context.Context, conn net.Conn, peer replication.Peer, host replication.Host, opts ...SessionOption) error {
	ended := make(chan error, 1)
	go BeginSession(ctx, conn, peer, host, append(slices.Clip(opts), OnEnd(func(err error) { ended <- err }))...)
	return <-ended
}

// OnEnd has f told once how a session ended: with what [RunSession] returns, and when it
// does.
func OnEnd(f func(error)) SessionOption { return func(r *runner) { r.end.told = f } }

// BeginSession is [RunSession] for whoever has many sessions and a goroutine for none of
// them: it returns once the session runs, and [OnEnd] tells how it ended. A session that
// is refused has ended before BeginSession returns.
func BeginSession(ctx context.Context, conn net.Conn, peer replication.Peer, host replication.Host, opts ...SessionOption) {
	r, closed, err := open(conn, peer, host, opts)
	if err != nil {
		_ = conn.Close()
		r.end.told(err)
		return
	}
	r.run(ctx, closed)
}

// open has the host admit the peer.
func open(conn net.Conn, peer replication.Peer, host replication.Host, opts []SessionOption) (r *runner, closed func(), err error) {
	peer.Session = rand.Uint64() //nolint:gosec // It tells sessions apart and guards nothing.
	r = &runner{
		conn: conn, peer: peer, host: host, note: func(replication.Note) {},
		news: new(news), work: newQueue(), traffic: metered(conn),
	}
	r.in.conn, r.in.buffered = conn, bufio.NewReaderSize(&r.in, readAhead)
	r.end.told = func(error) {}
	r.out = &outbox{traffic: r.traffic}
	for _, o := range opts {
		o(r)
	}
	have, want, cert, closed, err := host.Open(peer, r.news.grew)
	if err != nil {
		return r, nil, err
	}
	c := replication.Config{Cert: cert, Have: have, Window: r.window, Gossip: r.gossip, Documents: r.beside.documents, Answers: r.beside.answers}
	r.out.busy = r.beside.busy
	for _, l := range want {
		if l.Name == protocol.Every {
			c.Every = append(c.Every, l.Channel)
		} else {
			c.Want = append(c.Want, l)
		}
	}
	_, c.Finds = host.(replication.Finder)
	_, c.Holds = host.(replication.Witness)
	bases(&c, host)
	r.session = replication.NewSession(c)
	if relay, ok := host.(replication.Relay); ok {
		relay.Join(peer, r.news.line())
	}
	return r, closed, nil
}

// beside is what goes on beside the logs of a session: documents that travel on other
// streams, and questions about cases.
type beside struct {
	documents protocol.Carriage
	busy      func(bool)

	answers   bool
	inquiries int // That the host has before it; guarded by machine.
}

// A runner drives one session. One goroutine waits for what the peer says; all
// others live for as long as they have something to do, so that an idle session
// costs one stack: a writer, a deliverer, whoever brings news, and alarms. Each
// takes its turn at the machine.
type runner struct {
	conn   net.Conn
	host   replication.Host
	note   func(replication.Note)
	window int
	gossip string

	beside beside
	beat   time.Duration // 0: no heartbeat.

	in      inlet   // Whoever waits for the peer owns it.
	out     *outbox // To the writer.
	news    *news   // From everybody else to the machine.
	work    *queue  // To the deliverer.
	traffic *traffic
	wg      sync.WaitGroup

	machine sync.Mutex // Guards what follows.
	session *replication.Session
	peer    replication.Peer
	later   putOff
	probe   prober

	end ending
}

// ending is how a session ends.
type ending struct {
	once   sync.Once // Guards err.
	err    error
	cancel context.CancelFunc
	finish func()      // Waits for all that runs, and tells.
	told   func(error) // Hears how it ended.
}

// run has the session begin. closed is called when all of it is over.
func (r *runner) run(parent context.Context, closed func()) {
	ctx, cancel := context.WithCancel(parent)
	r.end.cancel = cancel
	r.probe.path, _ = r.conn.(pather)
	r.probe.later = func(step time.Duration) { r.set(ctx, &r.probe.alarm, step, r.look) }
	stop := context.AfterFunc(ctx, func() { _ = r.conn.Close() }) // Frees reader and writer.
	r.end.finish = func() {
		cancel()
		r.news.close() // Nobody else takes a turn.
		r.machine.Lock()
		r.later.stop()
		r.probe.alarm.off()
		r.machine.Unlock()
		_ = r.conn.Close()
		r.wg.Wait()
		stop()
		closed()
		err := r.end.err
		if parent.Err() != nil {
			err = nil
		}
		r.end.told(err)
	}
	r.turn(ctx, func() {
		r.act(ctx, r.session.Start())
		if r.beat > 0 {
			r.set(ctx, &r.later.heart, r.beat, r.ask)
			r.hold(ctx)
		}
	})
	r.news.open(func() {
		r.wg.Go(func() { r.turn(ctx, func() { r.hear(ctx) }) })
	})
	go r.read(ctx)
}

// fail ends the session; the first reason is kept.
func (r *runner) fail(err error) {
	r.end.once.Do(func() { r.end.err = err })
	r.end.cancel()
}

// turn has one do something with the machine while nobody else does.
func (r *runner) turn(ctx context.Context, do func()) {
	r.machine.Lock()
	defer r.machine.Unlock()
	if ctx.Err() != nil {
		return
	}
	do()
	r.probe.watch(r.due())
}

// hear takes up what others have brought.
func (r *runner) hear(ctx context.Context) {
	grown, answers := r.news.take()
	for _, answer := range answers {
		r.act(ctx, answer(r.session))
	}
	if len(grown) > 0 {
		r.act(ctx, r.session.Grew(grown...))
	}
}

func (r *runner) receive(ctx context.Context, m *protocol.Message) {
	brokenOff := r.hush()
	r.probe.looks, r.probe.silence.amid, r.probe.silence.half = 0, false, false
	if m.Block != nil {
		r.probe.run += len(m.Block.Body)
	}
	actions, err := r.session.Receive(m)
	if err != nil {
		r.fail(err)
		return
	}
	if m.Hello != nil {
		r.meet(ctx)
	}
	r.act(ctx, actions)
	if brokenOff {
		r.giveUp()
	}
}

// meet takes what the peer's hello said of itself.
func (r *runner) meet(ctx context.Context) {
	hello := r.session.PeerHello()
	r.peer.Cert, r.peer.Gossip, r.peer.Hello = hello.Cert, hello.Gossip, hello
	if g, ok := r.host.(replication.Greeter); ok {
		peer := r.peer
		r.wg.Go(func() { g.Met(ctx, peer) })
	}
}

func (r *runner) act(ctx context.Context, actions []replication.Action) {
	for _, a := range actions {
		switch a := a.(type) {
		case replication.Send:
			switch {
			case a.Message.Heads != nil:
				r.sendLater(ctx, a.Message, &r.later.heads, headsWait)
			case a.Message.Ack != nil && r.later.mailing && !r.later.pacing:
				r.sendLater(ctx, a.Message, &r.later.acks, ackWait)
			default:
				r.send(ctx, a.Message)
			}
		case replication.Load:
			r.begin(ctx, a)
		case replication.Deliver, replication.Introduce, replication.Acknowledged, replication.Find, replication.Holds, replication.TakeBase,
			replication.Fared, replication.Forgot:
			if r.work.put(job{r.peer, a}) {
				r.wg.Go(func() { r.deliver(ctx) })
			}
		case replication.FindBase:
			peer := r.peer
			r.wg.Go(func() { findBase(ctx, r, peer, a.Log) })
		case replication.Inquired:
			inquire(ctx, r, a.Inquiry)
		case replication.Wait:
			r.set(ctx, &r.later.blocks, time.Duration(a.Millis)*time.Millisecond, func(ctx context.Context) { r.act(ctx, r.session.Resume()) })
		case replication.Note:
			r.note(a)
		}
	}
}

// send queues a message, and has it written.
func (r *runner) send(ctx context.Context, m *protocol.Message) {
	r.said()
	if r.out.put(m) {
		r.wg.Go(func() { r.write(ctx) })
	}
}

func (r *runner) load(ctx context.Context, peer replication.Peer, l replication.Load) {
	epochs, blocks, err := r.host.Load(ctx, peer, l.Log, l.From, l.Limit)
	r.news.post(func(s *replication.Session) []replication.Action {
		if err != nil {
			return s.Unloaded(l.Log, err)
		}
		return s.Loaded(l.Log, epochs, blocks)
	})
}

// deliver makes the host's calls that must not overlap.
func (r *runner) deliver(ctx context.Context) {
	for {
		j, ok := r.work.next()
		if !ok || ctx.Err() != nil {
			return
		}
		var err error
		switch a := j.action.(type) {
		case replication.Deliver:
			h := a.Block.Header
			var once sync.Once
			r.host.Store(ctx, j.peer, a.Block, func(at protocol.Position, ack *protocol.Ack, err error) {
				once.Do(func() { r.stored(h, at, ack, err) })
			})
		case replication.Introduce:
			err = r.host.Introduce(ctx, j.peer, a.Epoch)
		case replication.Acknowledged:
			if a.Cert != nil {
				j.peer.Cert = a.Cert
			}
			err = r.host.Acknowledged(ctx, j.peer, a.Ack)
		case replication.Find:
			r.find(ctx, j.peer, a)
		case replication.Holds:
			r.host.(replication.Witness).Holds(ctx, j.peer, a.Head)
		case replication.TakeBase:
			takeBase(ctx, r, j.peer, a.Base)
		case replication.Fared:
			if o, ok := r.host.(replication.Overseer); ok {
				o.Fared(ctx, j.peer, a.Fare)
			}
		case replication.Forgot:
			if m, ok := r.host.(replication.Minder); ok {
				m.Forgot(ctx, j.peer, a.Forgotten)
			}
		}
		if err != nil {
			r.fail(err)
			return
		}
	}
}

func (r *runner) find(ctx context.Context, peer replication.Peer, f replication.Find) {
	at, ack, err := r.host.(replication.Finder).Find(ctx, peer, f.Log, f.At)
	r.news.post(func(s *replication.Session) []replication.Action {
		return s.Located(f.Log, at, ack, err)
	})
}

func (r *runner) stored(h protocol.Header, at protocol.Position, ack *protocol.Ack, err error) {
	r.news.post(func(s *replication.Session) []replication.Action {
		if err != nil {
			return s.Rejected(h, err)
		}
		return s.Stored(h.Log, at, ack)
	})
}

func (r *runner) write(ctx context.Context) {
	for {
		b, ok := r.out.next()
		if !ok || ctx.Err() != nil {
			return
		}
		if _, err := r.conn.Write(b); err != nil {
			r.fail(classify("link.RunSession", r.conn.RemoteAddr().String(), err))
			return
		}
	}
}
