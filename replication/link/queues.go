package link

import (
	"context"
	"maps"
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
	n, size := 0, 0
	if len(o.bulk) > 0 && o.bulk[0].Hello != nil { // Nothing overtakes hello.
		batch = append([]*protocol.Message{o.bulk[0]}, batch...)
		n = 1
	}
	for ; n < len(o.bulk) && size < writeChunk; n++ {
		if b := o.bulk[n].Block; b != nil {
			size += len(b.Body)
		}
		batch = append(batch, o.bulk[n])
	}
	if o.bulk = slices.Delete(o.bulk, 0, n); len(o.bulk) == 0 {
		o.bulk = nil // What was written is held no longer, for weeks perhaps.
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

// news is what other goroutines have for the machine. It may be used concurrently.
type news struct {
	mu      sync.Mutex // Guards what follows.
	bring   func()     // Has it taken soon; nil before the session begins and after it.
	coming  bool       // Somebody is about to take it.
	grown   map[protocol.LogID]protocol.Head
	answers []func(*replication.Session) []replication.Action
}

// open has bring called whenever there is something that nobody is about to take.
// It must not block.
func (n *news) open(bring func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bring = bring
	if len(n.grown)+len(n.answers) > 0 {
		n.call()
	}
}

// close ends that: what comes later is for nobody.
func (n *news) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.bring = nil
}

// call is called under the lock.
func (n *news) call() {
	if n.bring != nil && !n.coming {
		n.coming = true
		n.bring()
	}
}

// enter lets one alarm in, which wg counts, or reports that the session is over.
func (n *news) enter(wg *sync.WaitGroup) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.bring == nil {
		return false
	}
	wg.Add(1)
	return true
}

// grew keeps the furthest head of each log.
func (n *news) grew(h protocol.Head) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.grown[h.Log].At.Seq >= h.At.Seq {
		return
	}
	if n.grown == nil {
		n.grown = map[protocol.LogID]protocol.Head{}
	}
	n.grown[h.Log] = h
	n.call()
}

func (n *news) post(answer func(*replication.Session) []replication.Action) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers = append(n.answers, answer)
	n.call()
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
		Tell: func(f *protocol.Fare) {
			n.post(func(s *replication.Session) []replication.Action { return replication.Tell(s, f) })
		},
		Ask: func(q *protocol.Inquiry) {
			n.post(func(s *replication.Session) []replication.Action { return replication.Inquire(s, q) })
		},
		Forgot: func(f *protocol.Forgotten) {
			n.post(func(s *replication.Session) []replication.Action { return replication.Forget(s, f) })
		},
	}
}

func (n *news) take() ([]protocol.Head, []func(*replication.Session) []replication.Action) {
	n.mu.Lock()
	defer n.mu.Unlock()
	heads := slices.Collect(maps.Values(n.grown))
	answers := n.answers
	n.grown, n.answers, n.coming = nil, nil, false
	return heads, answers
}

// job is a call of the host, and the peer as it was known when it came up.
type job struct {
	peer   replication.Peer
	action replication.Action
}

// queue holds the host's calls in order.
type queue struct {
	room chan struct{} // Holds one: a call has been taken.

	mu   sync.Mutex // Guards what follows.
	busy bool       // Somebody makes the calls.
	jobs []job
}

func newQueue() *queue { return &queue{room: make(chan struct{}, 1)} }

// wait returns once fewer than limit calls are waiting, or false when ctx has ended.
// One goroutine may wait.
func (q *queue) wait(ctx context.Context, limit int) bool {
	for q.len() >= limit {
		select {
		case <-q.room:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
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
	signal(q.room)
	return j, true
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
