package node

import (
	"context"
	"sync"
	"time"

	"kendro/domain/fault"
	"kendro/protocol"
	"kendro/replication"
)

// An asker asks the hub, in the session that is open, where cases of other centres stand
// (R-TR4), and remembers what it heard for when there is no link. It may be used
// concurrently.
type asker struct {
	linked func() bool // Whether the hub is heard.

	mu      sync.Mutex // Guards all below.
	lines   map[uint64]replication.Line
	answers map[uint64]bool // Sessions with a server that answers.
	last    uint64
	waiting map[uint64]question
	known   map[protocol.Number]*protocol.Told
}

// A question waits for its answer.
type question struct {
	number protocol.Number
	answer chan *protocol.Inquiry // Holds one.
}

// Bounds of an asker.
const (
	answerIn   = 4 * time.Second
	maxAsked   = 12   // At one time; the session lets the hub have sixteen.
	maxAnswers = 4096 // That are remembered.
)

func newAsker(linked func() bool) *asker {
	return &asker{
		linked: linked, lines: map[uint64]replication.Line{}, answers: map[uint64]bool{},
		waiting: map[uint64]question{}, known: map[protocol.Number]*protocol.Told{},
	}
}

// join, met and leave frame a session with a server.
func (a *asker) join(session uint64, line replication.Line) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lines[session] = line
}

func (a *asker) met(peer replication.Peer) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, open := a.lines[peer.Session]; open && peer.Hello != nil && peer.Hello.Answers {
		a.answers[peer.Session] = true
	}
}

func (a *asker) leave(session uint64) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.lines, session)
	delete(a.answers, session)
}

// ask returns where a case stands by the hub's word of now, or by the last that was heard,
// see [counter.Elsewhere].
func (a *asker) ask(ctx context.Context, n protocol.Number) (told *protocol.Told, now bool, err error) {
	told, err = a.inquire(ctx, n)
	a.mu.Lock()
	defer a.mu.Unlock()
	switch kind := fault.KindOf(err); {
	case err == nil:
		for old := range a.known {
			if len(a.known) < maxAnswers {
				break
			}
			delete(a.known, old)
		}
		a.known[n] = told
		return told, true, nil
	case kind == fault.NotFound:
		delete(a.known, n)
	case kind == fault.Unavailable && a.known[n] != nil:
		return a.known[n], false, nil
	}
	return nil, false, err
}

// inquire asks the hub.
func (a *asker) inquire(ctx context.Context, n protocol.Number) (*protocol.Told, error) {
	const op = "node.ask"
	id, answer, err := a.begin(n)
	if err != nil {
		return nil, err
	}
	defer func() {
		a.mu.Lock()
		delete(a.waiting, id)
		a.mu.Unlock()
	}()
	ctx, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	select {
	case q := <-answer:
		if q.Fault != nil {
			return nil, q.Fault.Err()
		}
		return q.Told, nil
	case <-ctx.Done():
		return nil, fault.New(op, fault.Unavailable, n.String(), "the hub does not answer")
	}
}

func (a *asker) begin(n protocol.Number) (id uint64, answer chan *protocol.Inquiry, err error) {
	const op = "node.ask"
	linked := a.linked()
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case !linked || len(a.lines) == 0:
		return 0, nil, fault.New(op, fault.Unavailable, n.String(), "there is no link to the hub")
	case len(a.answers) == 0:
		return 0, nil, fault.New(op, fault.Unavailable, n.String(), "the hub is of a version that answers no questions")
	case len(a.waiting) >= maxAsked:
		return 0, nil, fault.New(op, fault.Unavailable, n.String(), "many ask at this moment")
	}
	a.last++
	answer = make(chan *protocol.Inquiry, 1)
	a.waiting[a.last] = question{n, answer}
	for session := range a.answers {
		a.lines[session].Ask(&protocol.Inquiry{ID: a.last, Number: n})
		break
	}
	return a.last, answer, nil
}

// hear takes an answer to whoever waits for it. One that comes too late, or is of another
// number, is nobody's.
func (a *asker) hear(q *protocol.Inquiry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked, ok := a.waiting[q.ID]
	if !ok || asked.number != q.Number {
		return
	}
	delete(a.waiting, q.ID)
	asked.answer <- q
}

// Inquired takes an answer of the hub's. A box answers nobody.
func (h *host) Inquired(_ context.Context, _ replication.Peer, q *protocol.Inquiry) *protocol.Inquiry {
	if q.Answers() && h.asks != nil {
		h.asks.hear(q)
	}
	return nil
}
