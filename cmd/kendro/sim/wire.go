package sim

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
)

// How long things take on a link.
const (
	patience  = 2500 * time.Millisecond // Until a silent path is given up while an answer is due …
	heartbeat = 33 * time.Second        // … and while none is.
	workTime  = 300 * time.Microsecond  // Of a host's call.
)

// A wire is one session between two machines, as link runs it: messages come in
// order, what is urgent overtakes blocks, and a cut loses all that is on its way.
type wire struct {
	w     *world
	nr    int
	ends  [2]*end
	delay time.Duration // One way.
	rate  float64       // Bytes a second.
	cut   bool          // Nothing arrives any more; the ends don't know it yet.
	relay *relay        // Somebody hostile in between; nil is nobody.
}

// An end is one machine's side of a wire.
type end struct {
	*wire
	side    int
	name    string
	host    replication.Host
	peer    replication.Peer
	session *replication.Session // Nil once it is over.
	closed  func()
	note    func(replication.Note)
	after   func()      // Called after everything that may have touched the disk.
	heard   func()      // Called after an acknowledgement.
	kept    func()      // Called after a block was stored; nil: nobody asks.
	ended   func(error) // Called once.

	jobs    []replication.Action // Calls of the host, in order.
	working bool
	lanes   [2]time.Duration // When the last urgent message, and the last block, arrives.
	waits   int              // Of waits that were asked for.
	grown   map[protocol.LogID]protocol.Head
	news    news         // Is to be told with growth, once what goes on now is over.
	rushed  bool         // Something is to be told.
	home    map[int]*end // The machine's ends: it is among them until it lets go.
}

// news is what a host has for the peer.
type news struct {
	passes []protocol.Passed
	wishes []protocol.Head
}

// newWire is one between two machines that have not begun yet.
func (w *world) newWire(delay time.Duration, rate float64) *wire {
	w.wires++
	return &wire{w: w, nr: w.wires, delay: delay, rate: rate}
}

// begin opens the session at both ends, or at none.
func (w *wire) begin(us, them *end) error {
	w.ends = [2]*end{us, them}
	if err := us.begin(); err != nil {
		return err
	}
	if err := them.begin(); err != nil {
		us.drop()
		return err
	}
	return nil
}

// begin opens the session at this end.
func (e *end) begin() error {
	have, want, cert, closed, err := e.host.Open(e.peer, e.grew)
	if err != nil {
		return err
	}
	slices.SortFunc(have, func(a, b protocol.Head) int { return cmp.Compare(a.Log.String(), b.Log.String()) })
	e.closed, e.grown = closed, map[protocol.LogID]protocol.Head{}
	c := replication.Config{Cert: cert, Have: have}
	for _, l := range want { // As link reads it.
		if l.Name == protocol.Every {
			c.Every = append(c.Every, l.Channel)
		} else {
			c.Want = append(c.Want, l)
		}
	}
	_, c.Finds = e.host.(replication.Finder)
	_, c.Holds = e.host.(replication.Witness)
	_, c.Offers = e.host.(replication.BaseWriter)
	if r, ok := e.host.(replication.BaseReader); ok {
		c.Takes, c.Shelves = r.TakesBases()
	}
	e.session = replication.NewSession(c)
	e.home[e.nr] = e
	if r, ok := e.host.(replication.Relay); ok {
		r.Join(e.peer, e.line())
	}
	e.act(e.session.Start())
	return nil
}

// line is how the host speaks into the session from outside.
func (e *end) line() replication.Line {
	return replication.Line{
		Pass: func(p protocol.Passed) { e.news.passes = append(e.news.passes, p); e.rush() },
		Wish: func(h protocol.Head) { e.news.wishes = append(e.news.wishes, h); e.rush() },
	}
}

func (e *end) other() *end { return e.ends[1-e.side] }

// rush has news told soon. Hosts tell several ends in any order; the telling is in
// the order of the wires.
func (e *end) rush() {
	if e.session != nil && !e.rushed {
		e.rushed = true
		e.w.rushed = append(e.w.rushed, e)
	}
}

func (e *end) grew(h protocol.Head) {
	if e.session == nil || e.grown[h.Log].At.Seq >= h.At.Seq {
		return
	}
	e.grown[h.Log] = h
	e.rush()
}

// tell has the session hear what was left for it.
func (e *end) tell() {
	passes, wishes := e.news.passes, e.news.wishes
	e.rushed, e.news = false, news{}
	slices.SortStableFunc(passes, func(a, b protocol.Passed) int { return cmp.Compare(a.Ack.Log.String(), b.Ack.Log.String()) })
	slices.SortStableFunc(wishes, func(a, b protocol.Head) int { return cmp.Compare(a.Log.String(), b.Log.String()) })
	for i := range passes {
		if e.session != nil {
			e.act(e.session.Pass(passes[i]))
		}
	}
	for _, h := range wishes {
		if e.session != nil {
			e.act(e.session.Wish(h))
		}
	}
	if e.session == nil || len(e.grown) == 0 {
		return
	}
	heads := make([]protocol.Head, 0, len(e.grown))
	for _, h := range e.grown {
		heads = append(heads, h)
	}
	clear(e.grown)
	slices.SortFunc(heads, func(a, b protocol.Head) int { return cmp.Compare(a.Log.String(), b.Log.String()) })
	e.act(e.session.Grew(heads...))
}

// act does what the session machine asks for.
func (e *end) act(actions []replication.Action) {
	for _, a := range actions {
		if e.session == nil {
			return
		}
		switch a := a.(type) {
		case replication.Send:
			e.send(a.Message)
		case replication.Load:
			e.later(workTime, func() { e.load(a) })
		case replication.Deliver, replication.Introduce, replication.Acknowledged, replication.Find, replication.Holds,
			replication.TakeBase:
			e.jobs = append(e.jobs, a)
			e.work()
		case replication.FindBase:
			e.later(workTime, func() { e.findBase(a.Log) })
		case replication.Wait:
			e.waits++
			nr := e.waits
			e.later(time.Duration(a.Millis)*time.Millisecond, func() {
				if nr == e.waits {
					e.act(e.session.Resume())
				}
			})
		case replication.Note:
			e.w.tracef("%s notes %s %s at %d: %v", e.name, a.What, a.Log, a.At.Seq, a.Kind)
			e.note(a)
		}
	}
}

// later does something at this end, if it is still there.
func (e *end) later(d time.Duration, do func()) {
	e.w.after(d, func() {
		if e.session != nil {
			do()
		}
	})
}

func (e *end) load(l replication.Load) {
	epochs, blocks, err := e.host.Load(e.w.ctx, e.peer, l.Log, l.From, l.Limit)
	if e.after(); e.session == nil {
		return
	}
	if err != nil {
		e.w.tracef("%s cannot load %s after %d: %v", e.name, l.Log, l.From.Seq, kind(err))
		e.act(e.session.Unloaded(l.Log, err))
		return
	}
	e.act(e.session.Loaded(l.Log, epochs, blocks))
}

// work makes the host's calls one after the other.
func (e *end) work() {
	if e.working || len(e.jobs) == 0 {
		return
	}
	e.working = true
	e.later(workTime, func() {
		e.working = false
		job := e.jobs[0]
		e.jobs = e.jobs[1:]
		e.call(job)
		if e.session != nil {
			e.work()
		}
	})
}

func (e *end) call(job replication.Action) {
	var err error
	switch a := job.(type) {
	case replication.Deliver:
		h := a.Block.Header
		e.host.Store(e.w.ctx, e.peer, a.Block, func(at protocol.Position, ack *protocol.Ack, err error) {
			e.later(0, func() { e.stored(h, at, ack, err) })
		})
	case replication.Introduce:
		err = e.host.Introduce(e.w.ctx, e.peer, a.Epoch)
	case replication.Acknowledged:
		peer := e.peer
		if a.Cert != nil {
			peer.Cert = a.Cert
		}
		err = e.host.Acknowledged(e.w.ctx, peer, a.Ack)
		e.w.tracef("%s hears that %s is acknowledged up to %d: %v", e.name, a.Ack.Log, a.Ack.At.Seq, kind(err))
		e.heard()
	case replication.Find:
		at, ack, err := e.host.(replication.Finder).Find(e.w.ctx, e.peer, a.Log, a.At)
		e.later(0, func() { e.act(e.session.Located(a.Log, at, ack, err)) })
	case replication.Holds:
		e.host.(replication.Witness).Holds(e.w.ctx, e.peer, a.Head)
	case replication.TakeBase:
		from, err := e.host.(replication.BaseReader).TakeBase(e.w.ctx, e.peer, a.Base)
		e.w.tracef("%s begins %s with a base from %d on: %v", e.name, a.Base.Log, from.Seq, kind(err))
		e.later(0, func() { e.act(replication.Basing{Session: e.session}.Taking(a.Base, from, err)) })
	}
	e.after()
	if err != nil {
		e.fail(err)
	}
}

func (e *end) findBase(log protocol.LogID) {
	b, err := e.host.(replication.BaseWriter).Base(e.w.ctx, e.peer, log)
	if e.after(); e.session == nil {
		return
	}
	if err != nil {
		b = nil
	}
	e.act(replication.Basing{Session: e.session}.Based(log, b))
}

func (e *end) stored(h protocol.Header, at protocol.Position, ack *protocol.Ack, err error) {
	if err != nil {
		e.w.tracef("%s rejects %s %d-%d: %v", e.name, h.Log, h.First, h.Last, kind(err))
		e.act(e.session.Rejected(h, err))
		return
	}
	e.w.tracef("%s stores %s up to %d", e.name, h.Log, at.Seq)
	if ack != nil {
		e.w.oracle.promised(ack)
	}
	if e.kept != nil {
		e.kept()
	}
	e.act(e.session.Stored(h.Log, at, ack))
}

// send puts a message on its way.
func (e *end) send(m *protocol.Message) {
	if e.cut {
		return
	}
	raw := protocol.EncodeMessage(m)[4:]
	lane := 0
	if m.Hello != nil || m.Block != nil || m.Epoch != nil {
		lane = 1
	}
	e.w.stats.Messages++
	took := time.Duration(float64(len(raw)) / e.rate * float64(time.Second))
	jitter := e.w.between(0, e.delay/4) // A lost packet is sent again: later, never out of its lane.
	at := max(e.lanes[lane], e.w.now+e.delay+jitter) + took
	e.lanes[lane] = at
	if m.Hello != nil {
		e.lanes[0] = at // Nothing overtakes it.
	}
	if e.relay != nil && e.relay.meets(m) {
		raw = e.relay.touch(e, m, raw)
	}
	e.deliver(at-e.w.now, raw)
}

func (e *end) deliver(in time.Duration, raw []byte) {
	to := e.other()
	e.w.after(in, func() {
		if !to.cut && to.session != nil {
			to.receive(raw)
		}
	})
}

func (e *end) receive(raw []byte) {
	m, err := protocol.DecodeMessage(raw)
	if err != nil {
		e.fail(err)
		return
	}
	actions, err := e.session.Receive(m)
	if err != nil {
		e.fail(err)
		return
	}
	if m.Hello != nil {
		hello := e.session.PeerHello()
		e.peer.Cert, e.peer.Gossip, e.peer.Hello = hello.Cert, hello.Gossip, hello
		if g, ok := e.host.(replication.Greeter); ok {
			g.Met(e.w.ctx, e.peer)
		}
	}
	e.act(actions)
}

// fail ends the session at this end. The other hears of it, unless the wire is cut.
func (e *end) fail(err error) {
	if e.session == nil {
		return
	}
	e.w.tracef("%s ends: %v", e.name, kind(err))
	e.drop()
	o := e.other()
	if !e.cut {
		e.w.after(e.delay, func() { o.fail(errEnded) })
	}
	e.ended(err)
}

// drop lets go without a word, as a process that ends does.
func (e *end) drop() {
	if e.session == nil {
		return
	}
	e.session, e.jobs = nil, nil
	delete(e.home, e.nr)
	e.closed()
}

var (
	errEnded  = fault.New("sim", fault.Unavailable, "", "the peer ended the session")
	errSilent = fault.New("sim", fault.Unavailable, "", "the peer is silent")
)

// sever cuts the wire. Each end notices in its time.
func (w *wire) sever() {
	if w.cut {
		return
	}
	w.cut = true
	for _, e := range w.ends {
		if e.session == nil {
			continue
		}
		wait := heartbeat
		if e.session.Outstanding() {
			wait = patience
		}
		e.later(w.w.between(wait/2, wait), func() { e.fail(errSilent) })
	}
}

// A relay is somebody between two machines who alters what he carries. He can
// alter what is meant to be carried by strangers: blocks, whose bodies he hashes
// anew, introductions and acknowledgements. What two machines say to each other
// for themselves is TLS's to protect.
type relay struct {
	tampers, replays float64
	kept             [2][][]byte // What he saw go by, to each side.
}

func (r *relay) meets(m *protocol.Message) bool {
	return m.Block != nil || m.Epoch != nil || m.Ack != nil || m.Passed != nil
}

// touch returns the message as it goes on.
func (r *relay) touch(e *end, m *protocol.Message, raw []byte) []byte {
	w := e.w
	if len(r.kept[e.side]) < 32 {
		r.kept[e.side] = append(r.kept[e.side], raw)
	}
	if w.chance(r.replays) {
		old := r.kept[e.side][w.rand.IntN(len(r.kept[e.side]))]
		w.tracef("a relay replays %d bytes to %s", len(old), e.other().name)
		w.stats.Replayed++
		e.deliver(e.delay+w.between(0, 10*time.Second), old)
	}
	if w.chance(r.tampers) {
		raw = r.tamper(e, m, raw)
	}
	return raw
}

func (r *relay) tamper(e *end, m *protocol.Message, raw []byte) []byte {
	w := e.w
	w.stats.Tampered++
	flip := func(b []byte) []byte {
		b = slices.Clone(b)
		at := w.rand.IntN(len(b))
		b[at] ^= byte(1 << w.rand.IntN(8))
		w.tracef("a relay flips a bit of byte %d of %d to %s", at, len(b), e.other().name)
		return b
	}
	if m.Block == nil {
		return flip(raw)
	}
	b := *m.Block
	if w.chance(0.3) {
		b.Signature = flip(b.Signature)
	} else {
		b.Body = flip(b.Body)
		b.Header.Body = sha256.Sum256(b.Body)
	}
	return protocol.EncodeMessage(&protocol.Message{Block: &b})[4:]
}
