package link

import (
	"slices"
	"sync"

	"kendro/protocol"
	"kendro/replication"
)

// outbox holds what is to be written: what is urgent overtakes blocks.
type outbox struct {
	traffic *traffic
	short   protocol.Shorthand // Of the reader too.

	busy func(bool) // Told when there is something to write, and when there is nothing; nil: nobody asks.

	mu      sync.Mutex // Guards what follows.
	urgent  []*protocol.Message
	bulk    []*protocol.Message // Hello, epochs and blocks, in order.
	working bool                // Somebody writes; busy was told so.
}

// put reports whether nobody writes: the caller then has somebody do it. An idle
// session needs no goroutine for what it doesn't say.
func (o *outbox) put(m *protocol.Message) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m.Hello != nil || m.Block != nil || m.Epoch != nil {
		o.bulk = append(o.bulk, m)
	} else {
		o.urgent = append(o.urgent, m)
	}
	idle := !o.working
	o.turn(true)
	return idle
}

// hold queues a head for whoever writes next. An earlier one of the same log that
// waits still is superseded.
func (o *outbox) hold(m *protocol.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(m.Heads) == 1 {
		o.urgent = slices.DeleteFunc(o.urgent, func(w *protocol.Message) bool {
			return len(w.Heads) == 1 && w.Heads[0].Log == m.Heads[0].Log
		})
	}
	o.urgent = append(o.urgent, m)
}

// wake reports whether something waits and nobody writes: the caller then has
// somebody do it.
func (o *outbox) wake() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.working || len(o.urgent)+len(o.bulk) == 0 {
		return false
	}
	o.turn(true)
	return true
}

// turn notes whether somebody writes. It is called under the lock, so that the
// last word that busy hears is the true one.
func (o *outbox) turn(working bool) {
	if o.working != working && o.busy != nil {
		o.busy(working)
	}
	o.working = working
}

func (o *outbox) idle() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.urgent)+len(o.bulk) == 0
}

// stuck reports whether what is written doesn't leave.
func (o *outbox) stuck() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.working
}

// next returns the encoding of what is to be written, or false when that is nothing:
// then nobody writes any more.
func (o *outbox) next() ([]byte, bool) {
	o.mu.Lock()
	batch := o.urgent
	o.urgent = nil
	if len(o.bulk) > 0 && o.bulk[0].Hello != nil { // Nothing overtakes hello.
		batch = append(o.bulk[:1:1], batch...)
		o.bulk = o.bulk[1:]
	}
	size := 0
	for len(o.bulk) > 0 && size < writeChunk {
		if b := o.bulk[0].Block; b != nil {
			size += len(b.Body)
		}
		batch = append(batch, o.bulk[0])
		o.bulk = o.bulk[1:]
	}
	o.turn(len(batch) > 0)
	o.mu.Unlock()
	var out []byte
	for _, m := range batch {
		encoded := o.short.Encode(m)
		o.traffic.out[purposeOf(m)].Add(uint64(len(encoded)))
		out = append(out, encoded...)
	}
	return out, len(batch) > 0
}

// news is what other goroutines have for the loop.
type news struct {
	signal chan struct{}

	mu      sync.Mutex // Guards what follows.
	grown   map[protocol.LogID]protocol.Head
	answers []func(*replication.Session) []replication.Action
}

func newNews() *news {
	return &news{signal: make(chan struct{}, 1), grown: map[protocol.LogID]protocol.Head{}}
}

// grew keeps the furthest head of each log.
func (n *news) grew(h protocol.Head) {
	n.mu.Lock()
	if n.grown[h.Log].At.Seq < h.At.Seq {
		n.grown[h.Log] = h
	}
	n.mu.Unlock()
	signal(n.signal)
}

func (n *news) post(answer func(*replication.Session) []replication.Action) {
	n.mu.Lock()
	n.answers = append(n.answers, answer)
	n.mu.Unlock()
	signal(n.signal)
}

// line lets others speak into the session.
func (n *news) line() replication.Line {
	return replication.Line{
		Pass: func(p protocol.Passed) {
			n.post(func(s *replication.Session) []replication.Action { return s.Pass(p) })
		},
		Wish: func(h protocol.Head) {
			n.post(func(s *replication.Session) []replication.Action { return s.Wish(h) })
		},
	}
}

func (n *news) wake() { signal(n.signal) }

func (n *news) take() ([]protocol.Head, []func(*replication.Session) []replication.Action) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var heads []protocol.Head
	for _, h := range n.grown {
		heads = append(heads, h)
	}
	clear(n.grown)
	answers := n.answers
	n.answers = nil
	return heads, answers
}

// job is a call of the host, and the peer as it was known when it came up.
type job struct {
	peer   replication.Peer
	action replication.Action
}

// queue holds the host's calls in order.
type queue struct {
	mu   sync.Mutex // Guards what follows.
	busy bool       // Somebody makes the calls.
	jobs []job
}

// put reports whether nobody makes the calls: the caller then has somebody do it.
func (q *queue) put(j job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = append(q.jobs, j)
	idle := !q.busy
	q.busy = true
	return idle
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs)
}

// next returns the next call, or false when there is none: then nobody makes calls
// any more.
func (q *queue) next() (job, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) == 0 {
		q.jobs, q.busy = nil, false
		return job{}, false
	}
	j := q.jobs[0]
	q.jobs[0] = job{}
	q.jobs = q.jobs[1:]
	return j, true
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
